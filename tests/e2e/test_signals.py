# SPDX-License-Identifier: ISC
"""Signals: an orderly stop, an abrupt one, and asking what it is doing."""
import json
import os
import signal
import threading
import time

import pytest

from harness import row
from origin import delayed, response, serve


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
def test_those_in_flight_are_cut_at_grace_without_a_record(fetchd, origin):
    run, o, gate = busy(fetchd, origin, 100, "--grace", "1")
    began = time.monotonic()
    run.kill(signal.SIGTERM)
    res = run.finish(timeout=20, exit=75)
    assert 0.8 <= time.monotonic() - began <= 4
    assert res.records == [] and len(o.requests) == 100


@row(212)
@pytest.mark.parametrize("sig, code", [(signal.SIGTERM, 143),
                                       (signal.SIGINT, 130)])
def test_the_second_signal_stops_at_once(fetchd, origin, sig, code):
    run, o, gate = busy(fetchd, origin, 20, "--grace", "30")
    run.kill(sig)
    # The second must not merge with the first while that is pending.
    end = time.monotonic() + 5
    while pending(run.pid, sig) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    began = time.monotonic()
    run.kill(sig)
    run.finish(timeout=20, exit=code)
    assert time.monotonic() - began < 2


def pending(pid, sig):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("ShdPnd"):
                return int(line.split()[1], 16) >> (sig - 1) & 1
    return 0


def test_a_signal_with_nothing_left_exits_as_the_items_ended(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = fetchd.start(o.url(), stdin=-3)
    assert o.until(lambda o: o.in_flight == 1)
    run.kill(signal.SIGTERM)
    threading.Timer(0.3, gate.set).start()
    res = run.finish(exit=0)
    assert len(res.records) == 1


def test_a_signal_while_stdin_is_open_and_idle_ends_the_run(fetchd, control):
    run = fetchd.start()
    run.write(control.url() + "\n")
    assert run.until_records(1)
    run.kill(signal.SIGTERM)
    r = run.proc
    r.wait(10)
    run.finish(exit=(0, 75))


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
