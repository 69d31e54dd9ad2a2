# SPDX-License-Identifier: ISC
"""Signals: an orderly stop, an abrupt one, and asking what it is doing."""
import json
import os
import re
import signal
import threading
import time

import pytest

from chaos import caught
from harness import row
from origin import delayed, response, serve
from test_connect import closed_port


def held(gate):
    def handler(req):
        req.conn.hold(gate)
        return response()
    return serve(handler)


def busy(fetchd, origin, n, *args, lines=300):
    """A run with n transfers in flight, all held, and more lines waiting."""
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start("-c", n, *args)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(lines)))
    assert o.until(lambda o: o.in_flight == n, 20), o.in_flight
    return run, o, gate


@row(212)
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT,
                                 signal.SIGHUP])
def test_the_first_signal_lets_those_in_flight_finish(fetchd, origin, sig):
    run, o, gate = busy(fetchd, origin, 100)
    run.kill(sig)
    # What shows that it was heard: a closed standard input or none.
    gate_after = threading.Timer(0.5, gate.set)
    gate_after.start()
    res = run.finish(timeout=20, exit=75)
    assert len(res.records) == 100 == len(o.requests)
    assert set(res.errors()) == {None}


@row(212)
def test_those_in_flight_are_cut_at_grace_with_a_record(fetchd, origin):
    run, o, gate = busy(fetchd, origin, 100, "--grace", "1",
                        "--include-attempts")
    began = time.monotonic()
    run.kill(signal.SIGTERM)
    res = run.finish(timeout=20, exit=75)
    assert 0.8 <= time.monotonic() - began <= 4
    assert len(res.records) == len(o.requests) == 100
    assert {(r["error"], r["error_phase"], r["error_detail"])
            for r in res.records} == {("interrupted", "ttfb", None)}
    assert {r["url"] for r in res.records} == \
        {o.url(r.target) for r in o.requests}


def test_what_max_run_time_cuts_has_a_record(fetchd, origin):
    """In each state: how far it was is the error's phase."""
    gate = threading.Event()

    def headers(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nX: ")
        c.hold(gate)

    def body(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        c.hold(gate)

    def tls(c):
        c.hold(gate)
    wait, head, half, shake = (origin(held(gate)), origin(headers),
                               origin(body), origin(tls))
    res = fetchd("--max-run-time", "1", stdin=[
        wait.url("/w"), head.url("/h"), half.url("/b"),
        f"https://{shake.addr}:{shake.port}/t"], exit=124)
    gate.set()
    assert res.errors() == ["interrupted"] * 4
    assert [res.by(i)["error_phase"] for i in (1, 2, 3, 4)] == \
        ["ttfb", "headers", "body", "tls"]
    assert res.by(3)["body"] == "half" and res.by(3)["status_code"] == 200
    assert res.by(3)["complete"] is False


@pytest.mark.retries
def test_what_waits_for_another_try_has_a_record_with_its_last_code(
        fetchd, origin):
    gate = threading.Event()
    busy = origin(serve(lambda r: response(status="503 Busy")))
    slow = origin(held(gate))
    leads = origin(serve(lambda r: response(status="302 Found", headers=[
        "Location: " + slow.url("/next")])))
    res = fetchd("--max-run-time", "1.5", "--retry-delay", "20",
                 "--include-attempts", "--max-per-host", "1", stdin=[
                     busy.url("/503"), f"http://127.0.0.1:{closed_port()}/r",
                     slow.url("/first"), leads.url("/302")], exit=124)
    gate.set()
    assert res.errors() == ["interrupted"] * 4
    a, b, hop = res.by(1), res.by(2), res.by(4)
    assert (hop["error_phase"], hop["error_detail"], hop["status_code"],
            hop["num_redirects"]) == ("redirect", None, 302, 1)
    assert (a["error_phase"], a["error_detail"], a["status_code"]) == \
        ("headers", "http_status", 503)
    assert (b["error_phase"], b["error_detail"], b["status_code"]) == \
        ("connect", "connect_refused", 0)
    assert a["num_attempts"] == b["num_attempts"] == 1 == len(busy.requests)
    assert [r.target for r in slow.requests] == ["/first"]


@pytest.mark.retries
def test_a_stop_records_what_waits_for_another_try(fetchd, origin):
    """And the not begun have none: the records and the rest are the input."""
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start("--retry-delay", "30", "--max-per-host", "1",
                       "--keep-order")
    run.write(f"http://127.0.0.1:{closed_port()}/r\n" +
              "".join(o.url(f"/{i}") + "\n" for i in range(9)))
    assert o.until(lambda o: o.in_flight == 1)
    run.kill(signal.SIGUSR1)
    assert run.until(lambda out, err: b" backoff http" in err, 10)
    run.kill(signal.SIGTERM)
    assert run.until(lambda out, err: b"stopping" in err, 10)
    gate.set()
    res = run.finish(exit=75)
    assert [r["seq"] for r in res.records] == [1, 2]
    assert res.errors() == ["interrupted", None]
    assert len(o.requests) == 1


@row(212)
@pytest.mark.parametrize("first, second, code", [
    (signal.SIGTERM, signal.SIGTERM, 143),
    (signal.SIGINT, signal.SIGINT, 130),
    (signal.SIGTERM, signal.SIGINT, 130)])
def test_the_second_signal_stops_at_once(fetchd, origin, first, second, code):
    run, o, gate = busy(fetchd, origin, 20, "--grace", "30")
    run.kill(first)
    assert run.until(lambda out, err: b"stopping" in err, 10)
    began = time.monotonic()
    run.kill(second)
    run.finish(timeout=20, exit=code)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("sig, again", [(signal.SIGINT, "another Ctrl-C"),
                                        (signal.SIGTERM, "a second signal")])
def test_the_first_signal_says_what_happens_now(fetchd, origin, sig, again):
    run, o, gate = busy(fetchd, origin, 7, "--grace", "20", "--summary")
    run.kill(sig)
    assert run.until(lambda out, err: b"stopping" in err, 10)
    gate.set()
    res = run.finish(exit=75)
    said = res.stderr.splitlines()
    assert said[0] == ("fetchd: stopping: no new item starts, 7 in "
                       f"flight have up to 20 s (--grace); {again} stops "
                       "immediately")
    assert re.search(r"^fetchd: 300 items .*in .* 7 answered .* 293 left",
                     said[-1]), said


def test_a_quiet_run_is_stopped_quietly(fetchd, origin):
    run, o, gate = busy(fetchd, origin, 2, "-q", "--grace", "0")
    run.kill(signal.SIGTERM)
    assert run.finish(exit=75).stderr == ""


def test_without_grace_the_message_says_that_transfers_are_cut(
        fetchd, origin):
    run, o, gate = busy(fetchd, origin, 2, "--grace", "0")
    run.kill(signal.SIGTERM)
    said = run.finish(exit=75, quiet=False).stderr
    assert re.search(r"starts, \d+ in flight are cut \(--grace 0\); a second ",
                     said), said


def test_the_summary_says_that_the_input_was_not_read_to_its_end(
        fetchd, origin):
    run, o, gate = busy(fetchd, origin, 1, "--summary", "--grace", "0")
    more = "".join(o.url(f"/more/{i}") + "\n" for i in range(5000))
    run.feed(more.encode())
    run.kill(signal.SIGTERM)
    res = run.finish(exit=75)
    last = res.stderr.splitlines()[-1]
    assert "items (input not read to the end) in" in last, last


# ---- before the loop, and after it ----

def starting(fetchd, tmp_path, *args, preexec=None):
    """A run that waits for an option's value before it does anything."""
    fifo = tmp_path / "value"
    os.mkfifo(fifo)
    run = fetchd.start("-d", f"@{fifo}", *args, preexec=preexec)
    end = time.monotonic() + 10
    while not caught(run.pid, signal.SIGTERM) and time.monotonic() < end:
        time.sleep(0.005)
    return run, fifo


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT,
                                 signal.SIGHUP])
def test_a_signal_before_the_start_is_an_early_stop(fetchd, tmp_path, sig):
    run, fifo = starting(fetchd, tmp_path)
    run.kill(sig)
    res = run.finish(timeout=10, exit=75)
    assert res.records == [] and res.stderr.startswith("fetchd: stopped")


@pytest.mark.parametrize("sig", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_question_before_the_start_ends_nothing(fetchd, origin, tmp_path,
                                                  sig):
    o = origin()
    run, fifo = starting(fetchd, tmp_path, o.url())
    for _ in range(3):
        run.kill(sig)
        time.sleep(0.02)
    fifo.write_bytes(b"value")
    assert run.finish(quiet=False).statuses() == [200]
    assert o.requests[0].body == b"value"


def test_what_nohup_ignores_is_ignored_before_the_start(
        fetchd, origin, tmp_path):
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    o = origin()
    run, fifo = starting(fetchd, tmp_path, o.url(), preexec=ignore)
    run.kill(signal.SIGINT)
    run.kill(signal.SIGHUP)
    time.sleep(0.05)
    fifo.write_bytes(b"value")
    assert run.finish().statuses() == [200]


def test_a_signal_while_the_output_waits_for_its_reader(fetchd, tmp_path):
    fifo = tmp_path / "out"
    os.mkfifo(fifo)
    run = fetchd.start("-o", fifo, "http://127.0.0.1:9/")
    time.sleep(0.5)
    run.kill(signal.SIGTERM)
    run.finish(timeout=10, exit=75)


BIG = b"x" * 8_000_000


@pytest.mark.parametrize("append", [False, True])
def test_a_second_signal_leaves_no_torn_line_in_a_file(
        fetchd, origin, tmp_path, append):
    """Stopped in the middle of a record of many pieces."""
    o = origin(serve(lambda r: response(BIG if r.target == "/big" else b"")))
    out = tmp_path / "out"
    out.write_bytes(b"before\n")
    for at in range(6):
        with open(out, "ab" if append else "wb") as f:
            run = fetchd.start("--grace", "30", "-c", "2", stdout=f,
                               read_stdout=False, json=False)
        run.write("".join(o.url("/big" if i % 2 else "/") + "\n"
                          for i in range(100)))
        time.sleep(0.2 + at * 0.1)
        run.kill(signal.SIGINT)
        run.kill(signal.SIGINT)
        time.sleep(0.01)
        run.kill(signal.SIGINT)
        run.finish(timeout=20, exit=(75, 130))
        text = out.read_bytes()
        assert text == b"" or text.endswith(b"\n"), text[-100:]
        for line in text.splitlines():
            assert line == b"before" or json.loads(line)


def test_a_torn_line_in_a_pipe_is_ended(fetchd, origin):
    """Its reader takes a little, then the rest: never two lines in one."""
    o = origin(serve(lambda r: response(BIG)))
    run = fetchd.start("--grace", "30", "--max-filesize", "0",
                       read_stdout=False, json=False)
    run.write(o.url("/a") + "\n" + o.url("/b") + "\n")
    got = run.proc.stdout.read(100_000)
    run.kill(signal.SIGTERM)
    assert run.until(lambda out, err: b"stopping" in err, 10)
    run.kill(signal.SIGTERM)
    got += run.proc.stdout.read()
    run.finish(timeout=10, exit=143)
    assert got.endswith(b"\n")


def test_a_signal_with_nothing_left_exits_as_the_items_ended(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start(o.url(), stdin=-3)
    assert o.until(lambda o: o.in_flight == 1)
    run.kill(signal.SIGTERM)
    threading.Timer(0.3, gate.set).start()
    res = run.finish(exit=0, quiet=False)
    assert len(res.records) == 1


def test_a_signal_while_stdin_is_open_and_idle_ends_the_run(fetchd, control):
    run = fetchd.start()
    run.write(control.url() + "\n")
    assert run.until_records(1)
    run.kill(signal.SIGTERM)
    r = run.proc
    r.wait(10)
    run.finish(exit=0, quiet=False)


def test_ignored_signals_stay_ignored(fetchd, origin):
    """As nohup and a shell's & leave them."""
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start(preexec=ignore)
    run.write(o.url() + "\n")
    assert o.until(lambda o: o.in_flight == 1)
    run.kill(signal.SIGINT)
    run.kill(signal.SIGHUP)
    run.write(o.url("/more") + "\n")
    assert o.until(lambda o: o.in_flight == 2)
    gate.set()
    res = run.finish()
    assert res.statuses() == [200, 200]


@row(215)
def test_a_reset_peer_raises_no_sigpipe(fetchd, origin):
    def script(c):
        c.request(body=False)
        c.rst()
    o = origin(script)
    path = fetchd.file("big", b"x" * 5_000_000)
    res = fetchd("-c", "5", "-d", f"@{path}", stdin=[
        o.url(f"/{i}") for i in range(10)], exit=4)
    assert set(res.errors()) <= {"send_failed", "recv_reset"}


@row(215)
def test_stop_and_continue_and_a_new_window_size(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start("-c", "4", "--idle-timeout", "5")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(4)))
    assert o.until(lambda o: o.in_flight == 4)
    run.kill(signal.SIGWINCH)
    run.kill(signal.SIGSTOP)
    time.sleep(1)
    gate.set()
    run.kill(signal.SIGCONT)
    run.kill(signal.SIGWINCH)
    assert run.finish().statuses() == [200] * 4


@row(215)
def test_a_stalled_process_fails_no_healthy_transfer(fetchd, origin):
    """Stopped past every deadline while the answers were already there."""
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start("-c", "8", "--ttfb-timeout", "1", "-m", "2",
                       "--idle-timeout", "1")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(8)))
    assert o.until(lambda o: o.in_flight == 8)
    run.kill(signal.SIGSTOP)
    gate.set()
    assert o.until(lambda o: o.in_flight == 0)
    time.sleep(3)
    run.kill(signal.SIGCONT)
    assert run.finish().errors() == [None] * 8


REASONS = set("slot host_limit rate delay budget retry_after backoff dns_wait "
              "handshake net_down fd_limit memory order output_blocked "
              "worker_busy paused".split())


def test_usr1_says_why_each_item_waits(fetchd, origin):
    run, o, gate = busy(fetchd, origin, 3, lines=10)
    run.kill(signal.SIGUSR1)
    assert run.until(lambda out, err: err.count(b"\n") >= 6, 10)
    gate.set()
    res = run.finish(quiet=False)
    assert len(res.records) == 10
    assert "slot" in res.stderr
    assert o.url("/0") in res.stderr


def test_usr1_names_the_host_limit(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start("--max-per-host", "1")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(3)))
    assert o.until(lambda o: o.in_flight == 1)
    run.kill(signal.SIGUSR1)
    assert run.until(lambda out, err: b"host_limit" in err, 10)
    gate.set()
    assert run.finish(quiet=False).statuses() == [200] * 3


def test_usr1_lists_what_waits_by_its_url_in_the_order_of_the_input(
        fetchd, origin):
    gate = threading.Event()
    pair = [origin(held(gate)), origin(held(gate))]
    run = fetchd.start("--max-per-host", "1")
    urls = [pair[i % 2].url(f"/{i}") for i in range(8)]
    urls.append(pair[0].url("/json"))
    at = urls[0][len("http://"):]
    run.write("".join(u + "\n" for u in urls[:8])
              + json.dumps(dict(id=9, url=urls[8], body="x")) + "\n"
              + f"http://bob:s3cr3t@{at}\x9b31m\n"
              + pair[1].url("/" + "y" * 5000) + "\n")
    assert all(o.until(lambda o: o.in_flight == 1) for o in pair)
    for _ in range(50):
        run.kill(signal.SIGUSR1)
        if run.until(lambda out, err: b"item 11 " in err, 0.2):
            break
    assert run.until(lambda out, err: err.endswith(b"\n"))
    gate.set()
    err = run.finish(quiet=False).stderr
    lines = err[err.rindex("2 in flight, 9 waiting"):].splitlines()[3:]
    assert [int(x.split()[1]) for x in lines] == list(range(3, 12))
    assert [x.split()[-1] for x in lines[:7]] == urls[2:]
    assert lines[7].endswith(f" http://bob:***@{at}\\xc2\\x9b31m")
    assert len(lines[8]) < 300


def test_usr1_prints_at_most_a_thousand_items(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start("--max-per-host", "1", "--format", "body")
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(3000)))
    assert o.until(lambda o: o.in_flight == 1)
    run.kill(signal.SIGUSR1)
    assert run.until(lambda out, err: err.count(b"\n") >= 1000, 10)
    gate.set()
    res = run.finish(quiet=False)
    assert res.stderr.count("\n") < 1100


@row(153)
def test_secrets_are_shown_nowhere(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    user = fetchd.file("user", "alice:s3cr3t-pw\n")
    head = fetchd.file("headers", "Authorization: Bearer s3cr3t-tok\n"
                       "X-Key: s3cr3t-key\n")
    run = fetchd.start("-v", "--stats", "-u", f"@{user}", "-b",
                       "sid=s3cr3t-cookie", "-H", f"@{head}")
    run.write(f"http://bob:s3cr3t-url@127.0.0.1:{o.port}/a\n"
              + o.url("/b") + "\n" +
              json.dumps(dict(url=o.url("/c"), headers={
                  "Cookie": "s3cr3t-item"})) + "\n" +
              "http://bob:s3cr3t-bad@127.0.0.1:0/\n"
              "http://bob:s3cr3t-at@x@y/\n"
              '{"url": "http://h/", "headers": {"A": "s3cr3t-json"\n')
    assert o.until(lambda o: o.in_flight == 3)
    run.kill(signal.SIGUSR1)
    assert run.until(lambda out, err: b"/b" in err, 10)
    with open(f"/proc/{run.pid}/cmdline") as f:
        cmdline = f.read()
    gate.set()
    res = run.finish(quiet=False)
    shown = res.stdout.decode() + res.stderr
    assert "s3cr3t" not in shown, [x for x in shown.split('"')
                                   if "s3cr3t" in x]
    assert cmdline.count("s3cr3t") == cmdline.count("s3cr3t-cookie")
    assert "***" in res.by(1)["input"]
    sent = {r.target: r for r in o.requests}
    assert sent["/b"].header("authorization") in (
        "Bearer s3cr3t-tok", "Basic YWxpY2U6czNjcjN0LXB3")
    assert sent["/c"].header("cookie") == "s3cr3t-item"


def test_a_run_killed_hard_leaves_whole_lines(fetchd, origin, tmp_path):
    o = origin(serve(delayed(0.01, b"k" * 3000)))
    out = tmp_path / "out"
    run = fetchd.start("-c", "8", "-o", out)
    run.feed("".join(o.url(f"/{i}") + "\n" for i in range(3000)).encode())
    assert o.until(lambda o: len(o.requests) > 300, 20)
    os.kill(run.pid, signal.SIGTERM)
    run.finish(exit=75)
    lines = out.read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert len([json.loads(x) for x in lines[:-1]]) >= 100
