# SPDX-License-Identifier: ISC
"""Which records come, in what order, with what in them, and until when.

--keep-order, --only-failed, --only-ok, --include-attempts, --max-run-time.
"""
import json
import os
import subprocess
import resource
import threading
import time

import pytest

from origin import response, serve
from polite import HEAD, cut, empty, moved, pages, says, status, steps

pytestmark = pytest.mark.retries

SSE = b"Content-Type: text/event-stream\r\n"
SMALL_QUARANTINE = {
    "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:quarantine_size_mb=1"}


def seqs(res):
    return [r["seq"] for r in res.records]


def gated(first, rest=None):
    """An origin's handler whose first path waits for the event."""
    gate = threading.Event()

    def handler(r):
        if r.target == "/0":
            r.conn.hold(gate)
            return first(r) if callable(first) else first
        return rest(r) if rest else response(r.target.encode())
    return gate, handler


# -- --keep-order -------------------------------------------------------------

def test_records_stand_in_input_order_when_items_end_in_reverse(fetchd,
                                                                origin):
    n = 40

    def handler(r):
        r.conn.wait((n - int(r.target[1:])) * 0.02)
        return response(r.target.encode())
    o = origin(serve(handler))
    res = fetchd("-c", n, "--keep-order", "--retry", "0",
                 stdin=[o.url(f"/{i}") for i in range(n)])
    assert seqs(res) == list(range(1, n + 1))
    assert [r["body"] for r in res.records] == [f"/{i}" for i in range(n)]
    assert res.wall < 4


def test_each_record_is_out_as_soon_as_it_is_its_turn(fetchd, origin):
    gates = [threading.Event() for _ in range(6)]

    def handler(r):
        r.conn.hold(gates[int(r.target[1:])])
        return response()
    o = origin(serve(handler))
    run = fetchd.start("--keep-order", "--retry", "0")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(6)))
    for i in (2, 1, 5):
        gates[i].set()
    assert o.until(lambda o: o.in_flight == 3)
    assert run.until_records(1, 0.3) is False
    for i, want in ((0, 3), (3, 4), (4, 6)):
        gates[i].set()
        assert run.until_records(want, 5)
        assert run.until_records(want + 1, 0.2) is False
    assert seqs(run.finish()) == [1, 2, 3, 4, 5, 6]


def test_every_kind_of_item_has_its_place(fetchd, origin, control):
    """Bad lines, failures, retries, redirects; the slowest one first."""
    gate, handler = gated(response(b"slow"))
    o = origin(serve(lambda r: handler(r) if r.target == "/0" else
                     table(r)))
    table = pages({"/again": steps(status(500), response(b"again")),
                   "/moved": moved("/end"), "/cut": cut, "/empty": empty})
    lines = [o.url("/0"), "nope://x/", o.url("/again"), "{", o.url("/moved"),
             o.url("/cut"), "http://127.0.0.1:1/", o.url("/empty"),
             control.url()]
    run = fetchd.start("--keep-order", "--retry", "1", "--retry-delay",
                       "20ms")
    run.write("".join(x + "\n" for x in lines))
    assert o.until(lambda o: o.targets().count("/empty") >= 2
                   and o.targets().count("/again") == 2)
    assert run.until_records(1, 0.5) is False
    gate.set()
    res = run.finish()
    assert seqs(res) == list(range(1, 10))
    assert res.errors() == [
        None, "url_scheme_denied", None, "input_invalid", None,
        "http_truncated", "connect_refused", "empty_reply", None]


def test_finished_records_wait_outside_of_memory(fetchd, origin):
    """The first of the list is the last to end: 160 MB behind it."""
    n, size = 160, 1_000_000
    gate, handler = gated(response(b"first"),
                          lambda r: response(r.target[1:].encode()[-1:]
                                             * size))
    o = origin(serve(handler))
    run = fetchd.start("-c", "8", "--keep-order", "--max-buffer", "8M",
                       "--stats", "--retry", "0", env=SMALL_QUARANTINE)
    run.feed("".join(o.url(f"/{i}") + "\n" for i in range(n)).encode())
    assert o.until(lambda o: len(o.requests) == n, 60), \
        "a record in front stopped the work"
    gate.set()
    res = run.finish(timeout=90)
    assert seqs(res) == list(range(1, n + 1))
    for r in res.records[1:]:
        assert r["body"] == str(r["seq"] - 1)[-1] * size
    assert res.stats["rss_peak_bytes"] < 160_000_000


def test_the_item_whose_turn_it_is_can_always_go_on(fetchd, origin):
    """Its body is larger than all of --max-buffer, and comes last."""
    size = 6_000_000
    gate, handler = gated(response(b"z" * size),
                          lambda r: response(b"y" * 500_000))
    o = origin(serve(handler))
    run = fetchd.start("-c", "4", "--keep-order", "--max-buffer", "2M",
                       "--retry", "0")
    run.feed("".join(o.url(f"/{i}") + "\n" for i in range(30)).encode())
    assert o.until(lambda o: len(o.requests) >= 8, 20)
    gate.set()
    res = run.finish()
    assert seqs(res) == list(range(1, 31)) and res.exit == 0
    assert len(res.by(1)["body"]) == size


def test_the_item_whose_turn_it_is_may_start_late(fetchd, origin):
    """It comes back from a retry when the rest has filled the buffers."""
    first = steps(status(500), response(b"first"))
    o = origin(serve(lambda r: first(r) if r.target == "/0" else
                     response(b"y" * 500_000)))
    res = fetchd("-c", "4", "--keep-order", "--max-buffer", "1M", "--retry",
                 "2", "--retry-delay", "1s",
                 stdin=[o.url(f"/{i}") for i in range(40)])
    assert seqs(res) == list(range(1, 41)) and res.by(1)["body"] == "first"


def test_lines_of_streams_come_together_at_their_turn(fetchd, origin):
    words = 5

    def act(c):
        c.send(HEAD + SSE + b"\r\n")
        for i in range(words):
            c.send(b"data: %d\n\n" % i)
            c.wait(0.03)
    gate, handler = gated(response(b"first"), lambda r: act)
    o = origin(serve(handler))
    run = fetchd.start("--keep-order", "--retry", "0")
    run.write(o.url("/0") + "\n" + "".join(json.dumps(
        dict(url=o.url(f"/{i}"), stream=True)) + "\n" for i in range(1, 5)))
    assert o.until(lambda o: len(o.requests) == 5)
    assert run.until_records(1, 0.6) is False
    gate.set()
    res = run.finish()
    order = [json.loads(x)["seq"] for x in res.lines[:-1]]
    assert order == [1] + [s for s in range(2, 6) for _ in range(words + 1)]


def test_the_stream_whose_turn_it_is_flows(fetchd, origin):
    gates = [threading.Event() for _ in range(5)]

    def act(c):
        c.send(HEAD + SSE + b"\r\n")
        for i, gate in enumerate(gates):
            c.hold(gate)
            c.send(b"data: %d\n\n" % i)
    o = origin(serve(lambda r: act if r.target == "/s" else response()))
    run = fetchd.start("--keep-order", "--stream", "--retry", "0")
    run.write(o.url("/s") + "\n" + o.url("/next") + "\n")
    assert o.until(lambda o: len(o.requests) == 2)
    for i, gate in enumerate(gates):
        gate.set()
        assert run.until_records(i + 1, 5), "held back"
    assert seqs(run.finish()) == [1, 2]


def test_a_run_that_is_stopped_keeps_order_in_what_it_gives(fetchd, origin):
    gate, handler = gated(response())
    o = origin(serve(handler))
    run = fetchd.start("--keep-order", "--grace", "300ms", "--retry", "0")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(10)))
    assert o.until(lambda o: len(o.requests) == 10)
    run.kill(15)
    res = run.finish(exit=75)
    assert seqs(res) == list(range(1, 11))
    assert res.errors() == ["interrupted"] + [None] * 9


def test_what_was_held_waits_for_its_reader_to_the_end(fetchd, origin):
    """Nothing is under way any more, but much is still to be written."""
    gate, size = threading.Event(), 40_000_000

    def handler(r):
        if r.target == "/1":
            return lambda c: c.hold(gate) or response(b"first")
        return response(b"x" * size)
    o = origin(serve(handler))
    r, w = os.pipe()
    run = fetchd.start("--keep-order", "--max-filesize", "0", o.url("/1"),
                       o.url("/2"), stdin=subprocess.DEVNULL, stdout=w,
                       json=False)
    os.close(w)
    assert o.until(lambda o: len(o.requests) == 2)
    time.sleep(1)       # the stimulus: the second is held whole
    gate.set()
    n = 0
    while n < size / 4:
        n += len(os.read(r, 65536))
    time.sleep(3)       # the stimulus: the reader looks away
    while data := os.read(r, 65536):
        n += len(data)
    os.close(r)
    run.finish(exit=0)
    assert n > size, "cut"


def test_a_second_signal_ends_the_writing_of_what_was_held(fetchd, origin):
    gate, handler = gated(response(), lambda r: response(b"x" * 40_000_000))
    o = origin(serve(handler))
    r, w = os.pipe()
    run = fetchd.start("--keep-order", "--max-filesize", "0", "--grace", "0",
                       o.url("/0"), o.url("/1"), stdin=subprocess.DEVNULL,
                       stdout=w, json=False, quiet=False)
    os.close(w)
    assert o.until(lambda o: len(o.requests) == 2)
    time.sleep(1)       # the stimulus: the second is held whole
    run.kill(2)
    assert os.read(r, 65536)
    run.kill(2)
    for _ in range(20):
        os.read(r, 65536)
        time.sleep(0.1)     # the stimulus: a reader that is slow
    run.finish(timeout=1, exit=130)
    os.close(r)


# -- --only-failed, --only-ok -------------------------------------------------

MIXED = {"/404": status(404), "/cut": cut, "/ok": response(b"fine"),
         "/503": status(503)}


@pytest.mark.parametrize("args, left, code", [
    (["--only-failed"], [2, 5], 4), (["--only-ok"], [1, 3, 4], 4),
    (["--only-failed", "-f"], [1, 2, 4, 5], 4), (["--only-ok", "-f"], [3], 4)])
def test_only_one_kind_of_records_comes(fetchd, origin, args, left, code):
    """The exit code is that of all items, shown or not."""
    o = origin(serve(pages(MIXED)))
    res = fetchd(*args, "--stats", "--retry", "0", exit=code, stdin=[
        o.url("/404"), o.url("/cut"), o.url("/ok"), o.url("/503"),
        "http://127.0.0.1:1/"])
    assert sorted(seqs(res)) == left
    assert res.stats["items"] == 5


@pytest.mark.parametrize("fmt", ["text", "body"])
def test_only_one_kind_in_other_formats(fetchd, origin, fmt):
    o = origin(serve(pages(MIXED)))
    lines = [o.url("/ok"), "http://127.0.0.1:1/"]
    res = fetchd("--only-ok", "--format", fmt, "--retry", "0", stdin=lines,
                 exit=4)
    assert (b"fine" in res.stdout) if fmt == "body" else (
        len(res.lines) == 2 and res.stdout.startswith(b"200 "))
    res = fetchd("--only-failed", "--format", fmt, "--retry", "0",
                 stdin=lines, exit=4)
    assert not res.stdout.startswith(b"200") and b"fine" not in res.stdout


def test_only_failed_of_a_good_run_is_silence(fetchd, origin):
    o = origin()
    res = fetchd("--only-failed", stdin=[o.url()] * 5, exit=0)
    assert res.stdout == b""


# -- --include-attempts -------------------------------------------------------

def test_attempts_show_hops_and_tries(fetchd, origin):
    o = origin(serve(pages({
        "/a": moved("/b"), "/b": steps(status(500), response(b"b"))})))
    rec = fetchd("--include-attempts", "--retry", "2", "--retry-delay",
                 "50ms", o.url("/a")).one
    assert [(a["attempt"], a["url"], a["status_code"])
            for a in rec["attempts"]] == [
        (1, o.url("/a"), 302), (1, o.url("/b"), 500),
        (2, o.url("/a"), 302), (2, o.url("/b"), 200)]
    assert rec["attempts"][2]["wait_reason"] == "backoff"
    assert rec["attempts"][2]["wait"] >= 0.02
    assert sum(a["time_total"] for a in rec["attempts"]) <= \
        rec["time_item"] + 0.005


def test_attempts_of_a_simple_item_are_one(fetchd, origin):
    o = origin()
    rec = fetchd("--include-attempts", o.url("/x")).one
    one, = rec["attempts"]
    assert one["url"] == o.url("/x") and one["attempt"] == 1
    for key in ("status_code", "remote_ip", "conn_id", "time_connect",
                "time_total", "error"):
        assert one[key] == rec[key]


def test_an_item_never_tried_has_no_attempts(fetchd):
    rec = fetchd("--include-attempts", "http://127.0.0.1:0/").one
    assert rec["attempts"] == [] and rec["num_attempts"] == 0


def test_a_lookup_that_failed_is_an_attempt(fetchd, dns):
    dns.set("h.test", rcode="SERVFAIL")
    rec = fetchd("--include-attempts", "--retry", "1", "--retry-delay",
                 "10ms", "--dns-timeout", "2", "--dns-servers", dns.server,
                 "http://h.test/").one
    assert [a["error"] for a in rec["attempts"]] == ["dns_servfail"] * 2
    assert {a["remote_ip"] for a in rec["attempts"]} == {None}
    assert {a["conn_id"] for a in rec["attempts"]} == {None}


def test_a_wait_for_a_slot_is_in_the_list_too(fetchd, origin):
    o = origin(serve(lambda r: (r.conn.wait(0.4), response())[1]))
    res = fetchd("--include-attempts", "-c", "1",
                 stdin=[o.url("/a"), o.url("/b")])
    one, = res.by(2)["attempts"]
    assert one["wait"] >= 0.35 and one["wait_reason"] in ("slot",
                                                          "host_limit")


# -- --max-run-time -----------------------------------------------------------

def test_max_run_time_cuts_what_was_begun_and_exits_124(fetchd, origin):
    o = origin(serve(lambda r: response() if r.target == "/ok" else
                     (r.conn.stay(), None)[1]))
    lines = [o.url("/ok")] * 3 + [o.url(f"/hang{i}") for i in range(100)]
    res = fetchd("--max-run-time", "1s", "--max-per-host", "8", stdin=lines,
                 exit=124, quiet=False, timeout=15)
    assert {r["seq"] for r in res.records if not r["error"]} == {1, 2, 3}
    assert len(res.records) == len(o.requests)
    assert set(res.errors()) == {None, "interrupted"}
    assert 0.95 <= res.wall <= 5
    assert o.until(lambda o: o.open == 0)


@pytest.mark.parametrize("kind", ["rate", "backoff", "stdin"])
def test_max_run_time_ends_any_waiting(fetchd, origin, kind):
    o = origin(serve(lambda r: status(500) if kind == "backoff"
                     else response()))
    args = ["--rate", "2/h"] if kind == "rate" else ["--retry-delay", "30s"]
    run = fetchd.start("--max-run-time", "1s", *args)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(
        1 if kind == "stdin" else 5)))
    if kind != "stdin":
        run.close_stdin()
    run.proc.wait(10)
    res = run.finish(exit=(124, 0) if kind == "stdin" else 124, quiet=False)
    assert 0.9 <= res.wall <= 5


def test_a_run_that_is_done_in_time_is_not_124(fetchd, origin):
    o = origin()
    res = fetchd("--max-run-time", "30s", stdin=[o.url()] * 5, exit=0)
    assert len(res.records) == 5 and res.wall < 10


def test_124_comes_before_what_items_ended_with(fetchd, origin):
    o = origin(serve(lambda r: (r.conn.stay(), None)[1]))
    res = fetchd("--max-run-time", "1s", "--retry", "0", "-f",
                 stdin=["http://127.0.0.1:1/", o.url()], exit=124,
                 quiet=False, timeout=15)
    assert res.errors() == ["connect_refused", "interrupted"]


def test_usr1_still_answers_while_order_waits(fetchd, origin):
    gate, handler = gated(response())
    o = origin(serve(handler))
    run = fetchd.start("--keep-order", "--retry", "0")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(10)))
    assert o.until(lambda o: len(o.requests) == 10)
    began = time.monotonic()
    assert says(run, "order") and time.monotonic() - began < 5
    assert says(run, "order: 9 finished records wait for item 1")
    gate.set()
    assert seqs(run.finish(quiet=False)) == list(range(1, 11))


# -- the file has a limit ------------------------------------------------------

def test_what_would_exceed_max_spill_waits(fetchd, origin):
    """A slow first item, 60 MB behind it, 4 MB of which may be on disk."""
    n, size = 60, 1_000_000
    gate, handler = gated(response(b"first"), lambda r: response(b"y" * size))
    o = origin(serve(handler))
    run = fetchd.start("-c", "8", "--keep-order", "--max-buffer", "8M",
                       "--max-spill", "4M", "--retry", "0",
                       env=SMALL_QUARANTINE)
    run.feed("".join(o.url(f"/{i}") + "\n" for i in range(n)).encode())
    assert o.until(lambda o: len(o.requests) >= 6, 20)
    time.sleep(1)
    assert len(o.requests) < 30
    gate.set()
    res = run.finish(timeout=60)
    assert seqs(res) == list(range(1, n + 1)) and res.exit == 0
    assert all(r["body"] == "y" * size for r in res.records[1:])


def test_a_stream_behind_a_slow_item_fills_no_disk(fetchd, origin):
    def act(c):
        c.send(HEAD + b"Content-Type: text/plain\r\n\r\n")
        for _ in range(300):
            c.send(b"z" * 65536)
        c.fin()
        c.until_eof()
    gate, handler = gated(response(b"first"), lambda r: act)
    o = origin(serve(handler))
    run = fetchd.start("--keep-order", "--max-spill", "2M", "--max-buffer",
                       "8M", "--retry", "0", env=SMALL_QUARANTINE)
    run.feed((o.url("/0") + "\n" + json.dumps(
        dict(url=o.url("/1"), stream=True)) + "\n").encode())
    time.sleep(1.5)
    spilled = [os.stat(f"/proc/{run.pid}/fd/{fd}").st_size
               for fd in os.listdir(f"/proc/{run.pid}/fd")
               if "(deleted)" in os.readlink(f"/proc/{run.pid}/fd/{fd}")]
    assert spilled and max(spilled) <= 4 << 20, spilled
    gate.set()
    res = run.finish(timeout=60)
    assert seqs(res) == [1, 2] and res.exit == 0
    assert sum(len(e["data"]) for e in res.events) == 300 * 65536


def test_a_full_disk_is_waited_for_and_ends_no_run(fetchd, origin):
    """A limit on the size of files stands for it."""
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
    n, size = 40, 500_000
    gate, handler = gated(response(b"first"), lambda r: response(b"y" * size))
    o = origin(serve(handler))
    run = fetchd.start("-c", "4", "--keep-order", "--max-buffer", "4M",
                       "--retry", "0", preexec=small, env=SMALL_QUARANTINE)
    run.feed("".join(o.url(f"/{i}") + "\n" for i in range(n)).encode())
    assert o.until(lambda o: len(o.requests) >= 5, 20)
    time.sleep(1)
    assert len(o.requests) < n
    gate.set()
    res = run.finish(timeout=60)
    assert seqs(res) == list(range(1, n + 1)) and res.exit == 0
