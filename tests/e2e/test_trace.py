# SPDX-License-Identifier: ISC
"""--trace, and the last events that USR2 and an internal error print."""
import os
import re
import signal
import stat

import pytest

from origin import response, serve
from test_connect import closed_port

HEAD = re.compile(r"fetchd \S+: microseconds since "
                  r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
EVENT = re.compile(r" *(\d+) ([a-z]+\.[a-z_]+)((?: [a-z]+=(?:\"[^\"]*\"|\S+))*)$")
PAIR = re.compile(r"([a-z]+)=(\"[^\"]*\"|\S+)")


def events(text):
    """Of a trace: [(microseconds, name, {key: value})]; checks each line."""
    lines = text.splitlines()
    assert HEAD.match(lines[0]), lines[0]
    found = []
    for line in lines[1:]:
        m = EVENT.match(line)
        assert m, line
        found.append((int(m.group(1)), m.group(2),
                      {k: v.strip('"') for k, v in PAIR.findall(m.group(3))}))
    return found


def moves(found, seq):
    """The states of an item, from the first to the last."""
    mine = [e for _, name, e in found
            if name == "fetch.move" and e["seq"] == str(seq)]
    for before, after in zip(mine, mine[1:]):
        assert before["to"] == after["from"], mine
    return [(e["to"], e["why"]) for e in mine]


@pytest.fixture
def traced(fetchd, tmp_path):
    """Runs fetchd with a trace; gives the result and the events."""
    def run(*args, **how):
        path = tmp_path / "trace"
        res = fetchd("--trace", path, *args, **how)
        res.trace = path.read_text()
        return res, events(res.trace)
    return run


@pytest.mark.retries
def test_the_trace_of_a_redirected_and_retried_item(traced, origin):
    answers = {"/a": [response(status="302 Found",
                               headers=["Location: /b"])] * 2,
               "/b": [response(status="503 Service Unavailable"),
                      response(b"good")]}
    o = origin(serve(lambda req: answers[req.target].pop(0)))
    res, found = traced("--retry-delay", "10ms", o.url("/a"))
    assert res.statuses() == [200] and res.one["num_attempts"] == 2
    went = [s for s in moves(found, 1) if s[0] != "receiving"]
    assert went == [
        ("queued", "read"),
        ("connecting", "slot"), ("sending", "connected"),
        ("awaiting", "sent"),
        ("queued", "redirect"),
        ("sending", "reused"), ("awaiting", "sent"),
        ("queued", "status"),
        ("sending", "reused"), ("awaiting", "sent"),
        ("queued", "redirect"),
        ("sending", "reused"), ("awaiting", "sent"),
        ("emitting", "complete"), ("done", "written")]
    at = [t for t, _, _ in found]
    assert all(b >= a - 50000 for a, b in zip(at, at[1:]))
    assert [e["status"] for _, name, e in found if "status" in e] == [
        "302", "503", "302", "200"]


def test_the_trace_of_an_item_that_fails(traced):
    res, found = traced(f"http://127.0.0.1:{closed_port()}/")
    assert res.errors() == ["connect_refused"]
    assert moves(found, 1) == [
        ("queued", "read"), ("connecting", "slot"),
        ("emitting", "connect_refused"), ("done", "written")]


def named(found, *names):
    """The events of these names, as (name, keys)."""
    return [(name, e) for _, name, e in found if name in names]


@pytest.mark.retries
def test_the_trace_of_an_origin_that_asks_to_wait(traced, origin):
    answers = [response(status="429 Too Many Requests",
                        headers=["Retry-After: 1"])]
    o = origin(serve(lambda req: answers.pop() if answers else response()))
    res, found = traced("--max-per-host", "1", "--retry-delay", "10ms",
                        o.url("/1"), o.url("/2"))
    assert sorted(res.statuses()) == [200, 200]
    rule, held, released = named(found, "origin.backoff", "origin.held",
                                 "origin.released")
    assert rule[0] == "origin.backoff" and rule[1]["why"] == "retry_after"
    assert held[0] == "origin.held" and held[1]["why"] == "retry_after"
    assert released[0] == "origin.released"
    at = {name: t for t, name, _ in found}
    assert int(held[1]["until"]) - at["origin.held"] >= 990000
    assert at["origin.released"] >= int(held[1]["until"])
    assert all(o.url("").rstrip("/") == e["origin"]
               for _, e in (rule, held, released))


def test_the_trace_of_a_connection_has_every_address(traced):
    port = closed_port()
    res, found = traced("--resolve", f"a.test:{port}:127.0.0.2,127.0.0.1",
                        f"http://a.test:{port}/")
    assert res.errors() == ["connect_refused"]
    tries = named(found, "conn.try", "conn.try_failed")
    assert [(name, e["to"]) for name, e in tries] == [
        ("conn.try", f"127.0.0.2:{port}"),
        ("conn.try_failed", f"127.0.0.2:{port}"),
        ("conn.try", f"127.0.0.1:{port}"),
        ("conn.try_failed", f"127.0.0.1:{port}")]
    (_, failed), = named(found, "conn.failed")
    assert failed["why"] == "connect_refused"
    (_, dial), = named(found, "conn.dial")
    assert dial["seq"] == "1" and dial["dial"] == failed["dial"]


def test_the_trace_of_a_connection_has_version_and_cipher(traced, origin, tls):
    o = origin(serve(lambda req: response()), tls=tls)
    res, found = traced(o.url("/"))
    assert res.statuses() == [200]
    (_, up), = named(found, "conn.tls")
    assert up["version"] == res.one["tls_version"] and up["cipher"]
    assert up["verified"] == "1" and up["conn"] == str(res.one["conn_id"])
    (_, closed), = named(found, "conn.closed")
    assert closed["conn"] == up["conn"] and closed["why"] == "run_ended"


def test_the_trace_of_a_lookup_that_fails(traced):
    res, found = traced("http://nosuch.invalid/")
    (_, failed), = named(found, "lookup.failed")
    assert failed["why"] == res.one["error"]
    assert failed["name"] == "nosuch.invalid"


def test_the_trace_of_a_page_that_is_parsed(traced, origin):
    o = origin(serve(lambda req: response(
        b"<title>t</title>", headers=["Content-Type: text/html"])))
    res, found = traced("--extract", "title", "--workers", "1", o.url("/"),
                        quiet=False)
    assert res.one["extract"] == {"title": "t"}
    events_of = named(found, "worker.started", "worker.ready", "worker.given",
                      "worker.answered")
    assert [name for name, _ in events_of] == [
        "worker.started", "worker.ready", "worker.given", "worker.answered"]
    assert events_of[2][1]["seq"] == events_of[3][1]["seq"] == "1"
    assert ("parsing", "complete") in moves(found, 1)


def test_no_secret_is_in_a_trace(traced, origin):
    o = origin(serve(lambda req: response(
        status="302 Found", headers=["Location: /b?token=s3cret",
                                     "Set-Cookie: a=s3cret"])
        if req.target.startswith("/a") else response()))
    res, _ = traced(
        "-H", "X-Key: s3cret", "-H", "Authorization: s3cret", "-b", "s3cret",
        o.url("/a?key=s3cret").replace("http://", "http://s3cret:s3cret@"),
        stdin=[{"url": o.url("/c?s3cret#s3cret"), "body": "s3cret",
                "method": "POST", "id": "s3cret"}])
    assert res.one["final_url"].endswith("/b?token=s3cret")
    assert "s3cret" not in res.trace


def test_the_file_is_replaced_and_only_its_owner_may_read_it(
        fetchd, origin, tmp_path):
    path = tmp_path / "trace"
    path.write_text("old " * 10000)
    path.chmod(0o644)
    fetchd("--trace", path, origin().url())
    assert "old" not in path.read_text()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_symbolic_link_is_not_followed(fetchd, origin, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("kept")
    link = tmp_path / "link"
    link.symlink_to(kept)
    res = fetchd("--trace", link, origin().url(), exit=3)
    assert "--trace" in res.stderr and "symbolic link" in res.stderr
    assert kept.read_text() == "kept" and res.records == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_file_of_somebody_else_is_not_written(fetchd, origin, tmp_path):
    path = tmp_path / "theirs"
    path.write_text("kept")
    os.chown(path, 65534, 65534)
    fetchd("--trace", path, origin().url(), exit=3)
    assert path.read_text() == "kept"


@pytest.mark.parametrize("other", ["-o", "--failed-input"])
def test_it_is_no_other_output_and_no_input(fetchd, tmp_path, other):
    path = tmp_path / "f"
    path.write_text("http://127.0.0.1:1/\n")
    for args in [(other, path, "http://127.0.0.1:1/"), (path,)]:
        res = fetchd("--trace", path, *args, exit=2)
        assert "--trace" in res.stderr
        assert path.read_text() == "http://127.0.0.1:1/\n"


def test_a_dash_is_standard_error(fetchd, origin):
    res = fetchd("--trace", "-", origin().url(), quiet=False)
    assert res.statuses() == [200]
    assert moves(events(res.stderr), 1)[-1] == ("done", "written")


def test_a_descriptor_may_be_named(fetchd, origin):
    r, w = os.pipe()
    fetchd("--trace", f"/dev/fd/{w}", origin().url(), pass_fds=(w,))
    os.close(w)
    with os.fdopen(r) as f:
        assert moves(events(f.read()), 1)[-1] == ("done", "written")


def test_a_full_disk_ends_the_trace_and_not_the_run(fetchd, origin):
    o = origin()
    res = fetchd("--trace", "/dev/full", stdin=[o.url("/x")] * 100,
                 quiet=False)
    assert res.statuses() == [200] * 100
    assert res.stderr == ("fetchd: --trace: /dev/full: No space left on "
                          "device; the run continues without it\n")


def test_a_closed_pipe_ends_the_trace_and_not_the_run(fetchd, origin):
    o = origin()
    r, w = os.pipe()
    run = fetchd.start("--trace", f"/dev/fd/{w}", pass_fds=(w,), quiet=False)
    os.close(w)
    run.write(o.url() + "\n")
    assert run.until_records(1)
    os.close(r)
    run.write(o.url() + "\n" + o.url() + "\n")
    assert run.until_records(3)
    res = run.finish()
    assert res.stderr == (f"fetchd: --trace: /dev/fd/{w}: Broken pipe; the "
                          "run continues without it\n")


def test_a_slow_reader_loses_lines_and_they_are_counted(fetchd, origin):
    o = origin()
    r, w = os.pipe()
    n = 6000
    run = fetchd.start("--trace", f"/dev/fd/{w}", "-c", "50", pass_fds=(w,))
    os.close(w)
    run.write((o.url() + "\n") * n)
    assert run.until_records(n, 60)
    text = b""
    while b"trace.lost" not in text:
        text += os.read(r, 65536)
        if len(text) > 1 << 20:     # all that was kept: now there is room
            run.write(o.url() + "\n")
    os.set_blocking(r, False)
    res = run.finish()
    os.close(r)
    assert set(res.statuses()) == {200}
    found = events(text[:text.rindex(b"\n")].decode())
    lost = [int(e["events"]) for _, name, e in found if name == "trace.lost"]
    assert lost[0] > 1000


def test_usr2_prints_the_last_events_and_the_run_goes_on(fetchd, origin):
    o = origin()
    run = fetchd.start("--follow", "-c", "8", quiet=False)
    n = 1000
    run.write((o.url() + "\n") * n)
    assert run.until_records(n, 60)
    run.kill(signal.SIGUSR2)
    assert run.until(
        lambda out, err: err.count(b"\n") == 4097, 20)
    run.write(o.url() + "\n")
    res = run.finish()
    assert res.statuses() == [200] * (n + 1)
    found = events(res.stderr)
    assert moves(found, n)[-1] == ("done", "written")
