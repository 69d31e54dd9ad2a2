# SPDX-License-Identifier: ISC
"""Why it waits: one word for each reason, wherever a run is watched.

The words are those of harness.REASONS; USR1, --stats and the progress line
show them, --include-attempts is in test_retry and test_order.
"""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from harness import REASONS
from origin import Origin, response, serve
from polite import says, status, stop

pytestmark = pytest.mark.retries

STATE = re.compile(r"\b(" + "|".join(sorted(REASONS)) + r")\b")


def feed(run, urls):
    run.write("".join(u + "\n" for u in urls))


def urls(o, n, path="/"):
    return [o.url(f"{path}{i}") for i in range(n)]


def waiting(fetchd, origin, reason):
    """A run in which items wait for that reason: (run, how to let go)."""
    gate = threading.Event()
    refused = "http://127.0.0.9:1/"

    def hold(r):
        r.conn.hold(gate)
        return response()
    o = origin(serve(hold))
    quick, late = origin(), origin(serve(lambda r: status(429,
                                                          "Retry-After: 60")))
    setups = {
        "slot": (["-c", "1"], urls(o, 5), o),
        "host_limit": (["--max-per-host", "1"], urls(o, 5), o),
        "rate": (["--rate", "2/h"], urls(quick, 5), quick),
        "delay": (["--delay", "1h"], urls(quick, 5), quick),
        "budget": (["--budget", "t=2/h"], [
            '{"url": "%s", "cost": {"t": 1}}' % u for u in urls(quick, 5)],
            quick),
        "retry_after": ([], urls(late, 5), late),
        "backoff": (["--retry-delay", "60s"], [quick.url()] + [
            f"{refused}{i}" for i in range(20)], quick),
    }
    args, lines, o = setups[reason]
    run = fetchd.start("--stats", *args)
    feed(run, lines)
    assert o.until(lambda o: o.requests)
    return run, gate


@pytest.mark.parametrize("reason", ["slot", "host_limit", "rate", "delay",
                                    "budget", "retry_after", "backoff"])
def test_usr1_and_the_stats_name_the_reason(fetchd, origin, reason):
    run, gate = waiting(fetchd, origin, reason)
    assert says(run, reason)
    gate.set()
    res = stop(run, exit=(75, 0))
    rows = [x for x in res.stderr.splitlines() if "http://" in x]
    assert any(reason in STATE.findall(x) for x in rows), rows[:5]
    assert res.stats["waits"][reason]["count"] >= 1
    assert res.stats["waits"][reason]["time"] > 0
    assert set(res.stats["waits"]) <= REASONS


def test_every_waiting_item_has_one_reason(fetchd, origin):
    """One line an item, and one of the words in each that waits."""
    run, gate = waiting(fetchd, origin, "host_limit")
    assert says(run, "host_limit")
    gate.set()
    res = stop(run, exit=(75, 0))
    rows = [x for x in res.stderr.splitlines() if "http://" in x]
    for i in range(1, 5):
        mine = [x for x in rows if re.search(rf"/{i}(\s|$)", x)]
        assert mine, (i, rows)
        assert {len(set(STATE.findall(x))) for x in mine} <= {0, 1}


def test_the_longest_waits_are_the_ones_that_were_made(fetchd, origin):
    o = origin()
    res = fetchd("--stats", "--rate-per-host", "10", stdin=urls(o, 25))
    waits = res.stats["waits"]
    assert waits["rate"]["count"] >= 10
    assert 1 <= waits["rate"]["time"] <= 25 * 2.5
    assert set(waits) <= REASONS


def test_a_run_that_never_waits_says_so(fetchd, origin):
    o = origin()
    res = fetchd("--stats", o.url())
    assert not {"rate", "delay", "budget", "retry_after", "backoff",
                "net_down"} & {k for k, w in res.stats["waits"].items()
                               if w["count"]}


@pytest.fixture
def watched(fetchd):
    """start(urls, columns=0, *args): the run, and until(pattern, timeout) for
    what the terminal of its stderr shows."""
    opened = []

    def start(lines, columns=0, *args):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("4H", 24, columns, 0, 0))
        run = fetchd.start("--progress", "bar", "-o", "/dev/null", *args,
                           stderr=slave, json=False)
        os.close(slave)
        opened.append(master)
        feed(run, lines)
        shown = b""

        def until(pattern, timeout=8):
            nonlocal shown
            end = time.monotonic() + timeout
            while not re.search(pattern, shown):
                left = end - time.monotonic()
                if left <= 0 or not select.select([master], [], [], left)[0]:
                    return None
                try:
                    shown += os.read(master, 4096)
                except OSError:     # the run has ended
                    return None
            return shown
        return run, until
    yield start
    for fd in opened:
        os.close(fd)


def end(run):
    run.kill(signal.SIGTERM)
    run.finish(exit=75)


def test_the_progress_line_names_the_reason(watched, origin):
    o = origin(serve(lambda r: status(429, "Retry-After: 60")))
    run, until = watched(urls(o, 20))
    assert until(rb"waiting 20 \(retry_after 20\)")
    end(run)


def test_the_progress_line_names_the_commonest_reason_first(watched, origin):
    late = origin(serve(lambda r: status(429, "Retry-After: 60")))
    quick = origin()
    run, until = watched(urls(quick, 6) + urls(late, 20), 200,
                         "--rate-per-host", "2/m")
    assert until(rb"waiting 25 \(retry_after 20, rate 5\)")
    end(run)


def test_the_progress_line_names_an_origin_that_is_held(watched, origin):
    """Who, of what, how many wait, and when it is tried again."""
    with Origin(serve(lambda r: response(
            headers=["Connection: close"]))) as o:
        run, until = watched(urls(o, 1), 200, "--retry-delay", "3s")
        assert until(rb"1 done")
    feed(run, urls(o, 20))
    assert until(rb"held: http://127.0.0.1:%d: connect_refused, \d+ items "
                 rb"wait, next try in [0-3]\.\d s" % o.port)
    end(run)


@pytest.mark.parametrize("columns", [0, 10, 40, 50, 64, 80, 132])
def test_the_progress_line_is_one_line(watched, origin, columns):
    """It never wraps: the terminal would keep what should be erased."""
    late = origin(serve(lambda r: status(429, "Retry-After: 60")))
    quick = origin()
    run, until = watched(urls(quick, 60) + urls(late, 200), columns,
                         "--rate-per-host", "2/m")
    shown = until(rb"(\r.*){8}")
    end(run)
    assert shown
    lines = shown.replace(b"\x1b[K", b"").split(b"\r")
    assert max(map(len, lines)) < (columns or 80)
    ends = {50: b", waiting 259", 64: b", waiting 259 (retry_after 200)"}
    assert any(x.endswith(ends.get(columns, b"")) for x in lines), lines


def shown_until(until, pattern):
    """The last line on the terminal with that in it."""
    shown = until(pattern)
    assert shown, pattern
    return [x for x in shown.replace(b"\x1b[K", b"").split(b"\r")
            if re.search(pattern, x)][-1].decode()


def test_the_progress_line_has_total_and_percent_of_files(
        fetchd, watched, origin):
    gate = threading.Event()
    o = origin(serve(lambda r: (r.target != "/0" and r.conn.hold(gate)) or
                     response()))
    path = fetchd.file("list", "\ufeff# a comment\n\n" + "".join(
        o.url(f"/{i}") + "\r\n" for i in range(1000)))
    run, until = watched([], 200, "-c", "2", path)
    line = shown_until(until, rb"1/1000 done")
    assert line.startswith("1/1000 done (0%), 0 failed, 2 in flight, "), line
    gate.set()
    run.finish(exit=0)


def test_the_progress_line_knows_limit_and_what_is_only_read_ahead(
        watched, origin):
    gate = threading.Event()
    o = origin(serve(lambda r: (int(r.target[1:]) >= 10 and
                                r.conn.hold(gate)) or response()))
    run, until = watched(urls(o, 1000), 200, "-c", "4", "--limit", "20")
    line = shown_until(until, rb"10/20 done")
    assert line.startswith("10/20 done (50%), 0 failed, 4 in flight, 0:0"), \
        line
    assert "waiting" not in line
    gate.set()
    run.finish(exit=0)


def test_the_progress_line_of_a_pipe_has_no_total_until_its_end(
        watched, origin):
    gate = threading.Event()
    o = origin(serve(lambda r: (r.target == "/2" and r.conn.hold(gate)) or
                     response()))
    run, until = watched([], 200, "--url", o.url("/0"), "-")
    run.write(o.url("/1") + "\n")
    assert shown_until(until, rb"2 done").startswith("2 done, 0 failed")
    run.write(o.url("/2") + "\n")
    run.close_stdin()
    assert shown_until(until, rb"2/3 done").startswith("2/3 done (66%), ")
    gate.set()
    run.finish(exit=0)


@pytest.mark.parametrize("to", ["pipe", "socket", "file"])
def test_no_progress_line_where_records_are_piped_on(fetchd, origin, to):
    """The reader may write to the same terminal."""
    gate = threading.Event()
    o = origin(serve(lambda r: r.conn.hold(gate) or response()))
    master, slave = pty.openpty()
    a, b = socket.socketpair()
    out = {"pipe": subprocess.PIPE, "socket": a.fileno(),
           "file": os.open(fetchd.file("out", b""), os.O_WRONLY)}[to]
    run = fetchd.start(o.url(), stdin=subprocess.DEVNULL, stderr=slave,
                       stdout=out, json=False)
    os.close(slave)
    assert o.until(lambda o: o.in_flight == 1)
    is_drawn = bool(select.select([master], [], [], 1)[0])
    gate.set()
    run.finish(exit=0)
    os.close(master)
    assert is_drawn == (to == "file")
