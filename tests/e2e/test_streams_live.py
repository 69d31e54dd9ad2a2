# SPDX-License-Identifier: ISC
"""Live streams while they run: at once, many, slow readers, faults.

That lines come at once is proved in lock-step: the origin sends the next one
only when the test has seen the one before.
"""
import json
import select
import statistics
import threading
import time

import pytest

from origin import chunked, response, serve
from polite import HEAD, cut, empty, reset, says, status, steps, stop

pytestmark = pytest.mark.retries

SSE = b"Content-Type: text/event-stream\r\n"
OPEN = HEAD + SSE + b"\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Steps:
    """An origin's script that sends one part for each go()."""

    def __init__(self, parts, head=OPEN, end=True):
        self.parts, self.head, self.end = parts, head, end
        self.gates = [threading.Event() for _ in parts]

    def __call__(self, c):
        c.request()
        c.answered()
        c.send(self.head)
        for gate, part in zip(self.gates, self.parts):
            c.hold(gate)
            c.send(part)
        if not self.end:
            c.stay()

    def go(self, i):
        self.gates[i].set()


# -- at once ------------------------------------------------------------------

KINDS = {
    "event": (OPEN, [b"data: %d\n\n" % i for i in range(8)]),
    "line": (HEAD + b"Content-Type: application/x-ndjson\r\n\r\n",
             [b"%d\n" % i for i in range(8)]),
    "chunk": (HEAD + b"Content-Type: text/plain\r\n\r\n",
              [b"part %d" % i for i in range(8)]),
    "chunked": (HEAD + SSE + b"Transfer-Encoding: chunked\r\n\r\n",
                [chunk(b"data: %d\n\n" % i) for i in range(8)]
                + [b"0\r\n\r\n"])}


@pytest.mark.parametrize("kind", KINDS)
def test_each_line_is_out_before_the_next_is_sent(fetchd, origin, kind):
    head, parts = KINDS[kind]
    script = Steps(parts, head)
    o = origin(script)
    run = fetchd.start("--stream", "--retry", "0", o.url(), stdin=-3)
    for i in range(8):
        script.go(i)
        assert run.until_records(i + 1, 5), f"line {i + 1} was held back"
    for gate in script.gates:
        gate.set()
    res = run.finish()
    assert [e["n"] for e in res.events] == list(range(1, 9))
    assert res.one["num_events"] == 8


def test_each_line_is_out_at_once_over_tls(fetchd, origin, tls):
    script = Steps(KINDS["event"][1])
    o = origin(lambda c: c.tls(tls) and (script(c), c.close_notify()))
    run = fetchd.start("--stream", "--retry", "0",
                       f"https://127.0.0.1:{o.port}/", stdin=-3)
    for i in range(8):
        script.go(i)
        assert run.until_records(i + 1, 5), f"line {i + 1} was held back"
    assert run.finish().one["num_events"] == 8


def test_lines_are_out_within_milliseconds(fetchd, origin):
    """From leaving the origin to standing on stdout."""
    sent = []

    def act(c):
        c.send(OPEN)
        for i in range(60):
            sent.append(time.monotonic())
            c.send(b"data: %d\n\n" % i)
            c.wait(0.02)
    o = origin(serve(lambda r: act))
    run = fetchd.start("--stream", "--retry", "0", o.url(), stdin=-3)
    res = run.finish()
    assert len(res.events) == 60
    came = [t for t, line in run.stamped() if b'"event"' in line]
    late = [t - s for t, s in zip(came, sent)]
    assert statistics.median(late) < 0.05, late


def test_the_time_of_a_line_is_from_its_request(fetchd, origin):
    script = Steps([b"data: 0\n\n", b"data: 1\n\n"])
    o = origin(script)
    run = fetchd.start("--stream", "--retry", "0", o.url(), stdin=-3)
    assert o.until(lambda o: o.requests)
    time.sleep(0.5)     # the stimulus: the peer's own time
    script.go(0)
    assert run.until_records(1)
    time.sleep(0.5)
    script.go(1)
    res = run.finish()
    one, two = (e["time"] for e in res.events)
    assert 0.45 <= one <= 2 and 0.45 <= two - one <= 1.5
    assert one <= res.one["time_total"] and two <= res.one["time_total"]


def test_format_body_of_one_item_flows(fetchd, origin):
    parts = [b"one ", b"two\n", b"\xff\x00", b"end"]
    script = Steps(parts, HEAD + b"\r\n")
    o = origin(script)
    run = fetchd.start("--format", "body", "--retry", "0", o.url(), stdin=-3)
    have = b""
    for i, part in enumerate(parts):
        script.go(i)
        have += part
        assert run.until(lambda out, err: out == have, 5), have
    assert run.finish(exit=0).stdout == b"".join(parts)


def test_format_body_of_one_item_has_no_default_size(fetchd, origin):
    n = 20_000_000
    o = origin(serve(lambda r: response(b"z" * n)))
    res = fetchd("--format", "body", "--retry", "0", o.url(), exit=0)
    assert len(res.stdout) == n
    res = fetchd("--format", "body", "--retry", "0", "--max-filesize", "1M",
                 o.url(), exit=7)
    assert len(res.stdout) <= (1 << 20) + 65536


# -- many ---------------------------------------------------------------------

def test_many_streams_flow_side_by_side(fetchd, origin):
    n, words = 60, 20

    def act(c):
        c.send(HEAD + SSE + b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(words):
            c.send(chunk(b"data: %d\n\n" % i))
            c.wait(0.05)
        return b"0\r\n\r\n"
    o = origin(serve(lambda r: act))
    res = fetchd("--stream", "-c", n, "--retry", "0",
                 stdin=[o.url(f"/{i}") for i in range(n)])
    assert len(res.events) == n * words and res.errors() == [None] * n
    for seq in range(1, n + 1):
        assert [e["data"] for e in res.events_of(seq)] == [
            str(i) for i in range(words)]
    assert res.wall < words * 0.05 + 6
    first_end = next(i for i, x in enumerate(res.lines) if b'"result"' in x)
    assert first_end > n * words // 2, "one after the other"


def test_streams_and_ordinary_items_share_a_run(fetchd, origin):
    gate = threading.Event()

    def act(c):
        c.send(OPEN + b"data: a\n\n")
        c.hold(gate)
        c.send(b"data: b\n\n")
    o = origin(serve(lambda r: act if r.target == "/s" else response()))
    run = fetchd.start("--retry", "0")
    run.write(json.dumps(dict(url=o.url("/s"), stream=True)) + "\n")
    assert run.until_records(1)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(30)))
    assert run.until_records(31)
    gate.set()
    res = run.finish()
    assert [e["data"] for e in res.events] == ["a", "b"]
    assert res.errors() == [None] * 31


# -- slow readers -------------------------------------------------------------

def test_a_slow_reader_slows_the_sockets_and_loses_nothing(fetchd, origin):
    """And no stream fails of our own pause."""
    each, n, pushed = 16_000_000, 4, [0] * 4

    def act(req):
        mine = int(req.target[1:])

        def send(c):
            c.sock.setsockopt(1, 7, 65536)      # SOL_SOCKET, SO_SNDBUF
            c.send(HEAD + b"Content-Type: application/x-ndjson\r\n\r\n")
            for i in range(each // 1000):
                c.send(b'"%d-%07d %s"\n' % (mine, i, b"x" * 987))
                pushed[mine] = i + 1
        return send
    o = origin(serve(act))
    run = fetchd.start("--stream", "--retry", "0", "--max-buffer", "4M",
                       "--idle-timeout", "1", read_stdout=False, json=False)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(n)))
    seen, still = -1, time.monotonic()
    while time.monotonic() - still < 2:     # longer than --idle-timeout
        if sum(pushed) != seen:
            seen, still = sum(pushed), time.monotonic()
        time.sleep(0.05)
    assert seen < n * each // 1000 * 0.9, "nothing slowed the peer"
    assert run.rss() < 400_000_000
    nth, ends = [0] * n, 0
    run.close_stdin()
    for line in run.proc.stdout:
        rec = json.loads(line)
        if rec["type"] == "result":
            assert rec["error"] is None and rec["num_events"] == each // 1000
            ends += 1
            continue
        who, _, rest = rec["data"].partition("-")
        assert int(rest[:7]) == nth[int(who)] == rec["n"] - 1
        nth[int(who)] += 1
    run.finish(exit=0)
    assert ends == n and nth == [each // 1000] * n


# -- time ---------------------------------------------------------------------

def test_a_stream_that_stalls_is_timeout_idle(fetchd, origin):
    script = Steps([b"data: a\n\n"], end=False)
    script.go(0)
    o = origin(script)
    rec = fetchd("--stream", "--idle-timeout", "700ms", "--retry", "0",
                 o.url())
    assert rec.one["error"] == "timeout_idle" and len(rec.events) == 1
    assert rec.one["error_phase"] == "body"
    assert 0.65 <= rec.one["time_total"] <= 2.5


def test_each_byte_puts_the_idle_deadline_off(fetchd, origin):
    def act(c):
        c.send(OPEN)
        for i in range(6):
            c.wait(0.3)
            c.send(b": still here\n" if i % 2 else b"data: x\n\n")
    o = origin(serve(lambda r: act))
    res = fetchd("--stream", "--idle-timeout", "900ms", "--retry", "0",
                 o.url())
    assert res.one["error"] is None and len(res.events) == 3


def test_max_time_holds_when_it_is_given(fetchd, origin):
    def act(c):
        c.send(OPEN)
        while True:
            c.send(b"data: x\n\n")
            c.wait(0.1)
    o = origin(serve(lambda r: act))
    res = fetchd("--stream", "-m", "1", "--retry", "0", o.url())
    assert res.one["error"] == "timeout_total"
    assert 0.9 <= res.one["time_total"] <= 2.5 and len(res.events) >= 5
    assert res.one["complete"] is False


def test_a_slow_stream_is_no_fault_unless_told(fetchd, origin):
    """--speed-limit belongs to downloads; it holds when it is given."""
    def act(c):
        c.send(OPEN)
        for _ in range(12):
            c.send(b"data: x\n\n")
            c.wait(0.2)
    o = origin(serve(lambda r: act))
    res = fetchd("--stream", "--retry", "0", "--speed-time", "1s",
                 "--speed-limit", "1000", o.url())
    assert res.one["error"] == "timeout_speed"
    res = fetchd("--stream", "--retry", "0", o.url())
    assert res.one["error"] is None and len(res.events) == 12


# -- faults and retries -------------------------------------------------------

def cut_after(*parts, how="fin"):
    def answer(req):
        def act(c):
            c.send(HEAD + SSE + b"Transfer-Encoding: chunked\r\n\r\n")
            for p in parts:
                c.send(chunk(p))
                c.wait(0.2)     # a reset may overtake what is not read yet
            if how == "rst":
                c.rst()
            else:
                c.fin()
                c.until_eof()
        return act
    return answer


def whole(req):
    return HEAD + SSE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(
        b"data: good\n\n")


@pytest.mark.parametrize("fault", [
    empty, reset, status(503), status(500), cut_after(),
    cut_after(b"data: not a whole ev"), cut_after(b": comment\n", how="rst")])
def test_a_stream_is_retried_while_nothing_was_written(fetchd, origin, fault):
    o = origin(serve(steps(fault, whole)))
    res = fetchd("--stream", "--retry", "2", "--retry-delay", "10ms", o.url())
    assert res.one["error"] is None and res.one["num_attempts"] == 2, res.one
    assert [e["data"] for e in res.events] == ["good"]
    assert len(o.requests) == 2


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_stream_that_has_begun_is_not_retried(fetchd, origin, how):
    o = origin(serve(steps(cut_after(b"data: a\n\ndata: b\n\n", how=how),
                           whole)))
    res = fetchd("--stream", "--retry", "2", "--retry-delay", "10ms", o.url())
    assert res.one["error"] == "http_truncated" and res.exit == 7
    assert res.one["num_attempts"] == 1 and res.one["num_events"] == 2
    assert [e["data"] for e in res.events] == ["a", "b"]
    assert len(o.requests) == 1 and res.one["complete"] is False


def test_a_status_whose_tries_are_used_up_stands_in_the_record(fetchd, origin):
    o = origin(serve(lambda r: status(503, body=b"busy")))
    res = fetchd("--stream", "--retry", "2", "--retry-delay", "10ms", o.url())
    assert res.one["status_code"] == 503 and res.one["num_attempts"] == 3
    assert res.events == [] and res.one["body"] == "busy"


def test_a_429_holds_a_stream_as_any_other(fetchd, origin):
    o = origin(serve(steps(status(429, "Retry-After: 1"), whole)))
    run = fetchd.start("--stream", "--retry", "2")
    run.write(o.url() + "\n")
    assert o.until(lambda o: o.requests)
    assert says(run, "retry_after", 3)
    res = run.finish(quiet=False)
    assert [e["data"] for e in res.events] == ["good"]
    assert o.requests[1].time - o.requests[0].time >= 0.99


def test_an_ordinary_item_keeps_what_came_when_it_is_cut(fetchd, origin):
    """The rule for streams is for streams alone."""
    o = origin(serve(cut))
    res = fetchd("--retry", "1", "--retry-delay", "10ms", o.url())
    assert res.one["num_attempts"] == 2 and res.one["body"] == "x" * 400
    assert res.events == [] and len(o.requests) == 2


# -- ends ---------------------------------------------------------------------

def test_term_cuts_a_stream_at_grace(fetchd, origin):
    script = Steps([b"data: a\n\n"], end=False)
    script.go(0)
    o = origin(script)
    run = fetchd.start("--stream", "--grace", "500ms")
    run.write(o.url() + "\n")
    assert run.until_records(1)
    began = time.monotonic()
    res = stop(run)
    assert 0.4 <= time.monotonic() - began <= 4
    assert res.errors() == ["interrupted"] and len(res.events) == 1
    assert res.one["num_events"] == 1 and res.one["body"] is None


def test_head_1_of_a_stream_ends_the_run_quietly(fetchd, origin):
    def act(c):
        c.send(OPEN)
        while True:
            c.send(b"data: x\n\n")
            c.wait(0.02)
    o = origin(serve(lambda r: act))
    run = fetchd.start("--stream", "--retry", "0", o.url(), stdin=-3,
                       read_stdout=False, json=False)
    assert select.select([run.proc.stdout], [], [], 10)[0], "no line"
    line = run.proc.stdout.readline()
    run.proc.stdout.close()
    res = run.finish(timeout=20, exit=75)
    assert json.loads(line)["type"] == "event" and res.stderr == ""
