# SPDX-License-Identifier: ISC
"""Bytes that belong to no request: a body after HEAD, 204 and 304, more than
Content-Length said, a second answer. They are charged to no other item, and no
record is made of them."""
import threading
import time

import pytest

from harness import row
from origin import response, serve

BODY = b"<html>a page of some length</html>\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nX-True: %d\r\nContent-Length: 36\r\n\r\n"
NONE = b"HTTP/1.1 %s\r\nX-True: %d\r\n\r\n"


def late(head, stray, delay, every=1):
    """A peer that sends `stray` after each `every`-th answer."""
    def script(c):
        while True:
            r = c.request()
            if r is None:
                return
            n = int(r.target[1:])
            c.answered()
            c.send(head % n)
            if n % every == 0:
                if delay is None:
                    c.send(stray)
                    continue
                c.wait(delay)
                try:
                    c.send(stray)
                except OSError:
                    return
    return script


HEADS = {"HEAD": (HEAD, "HEAD"),
         "304": (NONE.replace(b"%s", b"304 Not Modified"), "GET"),
         "204": (NONE.replace(b"%s", b"204 No Content"), "DELETE")}


def is_true(res, n):
    assert res.errors() == [None] * n, res.errors()
    for seq in range(1, n + 1):
        rec = res.by(seq)
        assert rec["header"].get("x-true") == [str(seq)], rec
        assert rec["num_attempts"] == 1 and rec["body"] in ("", None)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("delay", [None, 0, 0.001, 0.01, 0.05, 0.1])
@pytest.mark.parametrize("stray", [BODY, ANSWER])
@pytest.mark.parametrize("kind", sorted(HEADS))
def test_a_body_that_no_answer_has_is_charged_to_no_other_item(
        fetchd, origin, tls, kind, stray, delay, secure):
    head, method = HEADS[kind]
    o = origin(late(head, stray, delay), tls=tls if secure else None)
    res = fetchd("-c", "1", "-X", method, "--include-headers",
                 *(["-k"] if secure else []),
                 stdin=[o.url(f"/{i}") for i in range(1, 13)])
    is_true(res, 12)


@pytest.mark.parametrize("every", [2, 3])
def test_an_origin_that_does_so_now_and_then_costs_no_item(fetchd, origin,
                                                           every):
    o = origin(late(HEAD, ANSWER, 0.05, every))
    res = fetchd("-c", "1", "-I", "--include-headers",
                 stdin=[o.url(f"/{i}") for i in range(1, 41)])
    is_true(res, 40)


def test_many_at_once(fetchd, origin):
    o = origin(late(HEAD, BODY, 0.02))
    res = fetchd("-c", "20", "-I", "--include-headers",
                 stdin=[o.url(f"/{i}") for i in range(1, 301)])
    is_true(res, 300)


@pytest.mark.parametrize("secure", [False, True])
def test_a_thousand_heads_of_a_good_origin_use_a_few_connections(
        fetchd, origin, tls, secure):
    o = origin(serve(lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
               tls=tls if secure else None)
    begun = time.monotonic()
    res = fetchd("-c", "1", "-I", *(["-k"] if secure else []),
                 stdin=[o.url(f"/{i}") for i in range(1000)])
    assert res.errors() == [None] * 1000
    assert len(o.conns) <= 8, len(o.conns)
    assert len(o.requests) == 1000
    assert time.monotonic() - begun < 20


def test_more_than_content_length_said_is_charged_to_no_other_item(fetchd,
                                                                   origin):
    """Once: after that no connection of this origin is used again."""
    def script(c):
        while True:
            r = c.request()
            if r is None:
                return
            c.answered()
            c.send(response(b"true"))
            c.wait(0.02)
            c.send(b"<!-- served by 17 -->")
    o = origin(script)
    res = fetchd("-c", "1", stdin=[o.url(f"/{i}") for i in range(20)])
    assert res.errors() == [None] * 20
    assert {r["body"] for r in res.records} == {"true"}
    assert all(r["num_attempts"] == 1 for r in res.records)
    assert len(o.requests) <= 21


def test_blank_lines_after_an_answer_cost_nothing(fetchd, origin):
    def script(c):
        while True:
            r = c.request()
            if r is None:
                return
            c.answered()
            c.send(response(b"true"))
            c.wait(0.005)
            c.send(b"\r\n")
    o = origin(script)
    res = fetchd("-c", "1", stdin=[o.url(f"/{i}") for i in range(20)])
    assert res.errors() == [None] * 20
    assert {r["body"] for r in res.records} == {"true"}
    assert len(o.requests) == 20


@row(102)
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("size", [65536, 131072, 65535])
def test_an_answer_that_fills_a_read_hides_no_second_one(fetchd, origin, tls,
                                                         size, secure):
    """Head and body are exactly what one read takes, and a planted answer is
    in the socket already."""
    seen = []

    def script(c):
        r = c.request()
        if r is None:
            return
        seen.append(c)
        c.answered()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
        n = size - len(head % size)
        n = size - len(head % n)
        answer = head % n + b"x" * n
        assert len(answer) == size
        if len(seen) % 2:
            answer += b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        c.send(answer)
        while (r := c.request()) is not None:
            c.answered()
            c.send(response(b"second"))
    o = origin(script, tls=tls if secure else None)
    res = fetchd("-c", "1", *(["-k"] if secure else []),
                 stdin=[o.url(f"/{i}") for i in range(20)])
    assert res.errors() == [None] * 20
    assert not any(r["body"] == "evil" for r in res.records)


def test_a_post_is_sent_once_whatever_came_before_it(fetchd, origin):
    """What came early says that the connection is not to be used."""
    gone = threading.Event()

    def script(c):
        r = c.request()
        if r is None:
            return
        c.answered()
        c.send(response(b"first"))
        c.send(b"stray")
        gone.set()
        while (r := c.request()) is not None:
            c.answered()
            c.send(response(b"second"))
    o = origin(script)
    run = fetchd.start("-c", "1")
    run.write(o.url("/1") + "\n")
    assert run.until_records(1) and gone.wait(5)
    run.write('{"url":"%s","method":"POST","body":"x"}\n' % o.url("/2"))
    res = run.finish()
    assert res.by(2)["body"] == "first"
    assert [r.method for r in o.requests] == ["GET", "POST"]


def test_what_is_sent_again_for_stray_bytes_keeps_the_delay(fetchd, origin):
    """Garbage is the answer to every second request of a connection."""
    seen = []

    def script(c):
        for n in range(2):
            r = c.request()
            if r is None:
                return
            seen.append((r.time, r.target))
            c.answered()
            if n == 1:
                c.send(b"no answer\r\n\r\n")
                return
            c.send(HEAD % int(r.target[1:]) + BODY)
    o = origin(script)
    res = fetchd("--delay", "300ms", "--max-per-host", "1",
                 "--include-attempts", stdin=[o.url(f"/{i}")
                                              for i in range(4)])
    assert res.errors() == [None] * 4
    assert [r["num_attempts"] for r in res.records] == [1] * 4
    assert [t for _, t in seen].count("/1") == 2, seen
    times = [at for at, _ in seen]
    assert min(b - a for a, b in zip(times, times[1:])) >= 0.25, seen
