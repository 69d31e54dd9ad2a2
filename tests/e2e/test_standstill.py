# SPDX-License-Identifier: ISC
"""A process that did not run (SIGSTOP, Ctrl-Z, a frozen container) fails no
transfer: what arrived meanwhile is read before any deadline is judged, and
deadlines count only time in which it ran."""
import select
import signal
import socket
import threading
import time

import pytest

from origin import response, serve

STOP = 4.0


def begin(fetchd, *args, urls):
    run = fetchd.start(*args)
    run.feed("".join(u + "\n" for u in urls).encode())
    return run


class Stopped:
    """Stopped when `ready` holds; `meanwhile` happens at once, then time
    passes, and it goes on."""

    def __init__(self, run, ready, meanwhile, stop=STOP):
        assert ready()
        run.kill(signal.SIGSTOP)
        time.sleep(0.1)
        meanwhile()
        time.sleep(stop)
        run.kill(signal.SIGCONT)


def held(gate, first=b"", rest=None):
    """Each request is answered in part now, and the rest behind the gate."""
    def handler(r):
        c = r.conn
        if first:
            c.send(first)
        c.hold(gate)
        return response(b"ok") if rest is None else rest
    return serve(handler)


PHASES = {
    "ttfb": (["--ttfb-timeout", "3"], b"", None),
    "idle": (["--idle-timeout", "3"],
             b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\no", b"kay"),
    "total": (["-m", "3"], b"", None),
    "speed": (["--speed-limit", "1k", "--speed-time", "3"],
              b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\no", b"kay"),
}


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("phase", sorted(PHASES))
def test_answers_that_came_while_it_was_stopped_count(fetchd, origin, tls,
                                                      phase, secure):
    options, first, rest = PHASES[phase]
    n = 200 if phase == "ttfb" and not secure else 60
    gate = threading.Event()
    o = origin(held(gate, first, rest), tls=tls if secure else None)
    run = begin(fetchd, "-c", str(n), "-k", *options,
                       urls=[o.url(f"/{i}") for i in range(n)])
    Stopped(run, lambda: o.until(lambda o: o.in_flight == n, 20), gate.set)
    res = run.finish()
    assert res.errors() == [None] * n
    assert len(o.requests) == n


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_handshake_goes_on_where_it_was(fetchd, origin, leaf, version):
    gate = threading.Event()
    ctx = leaf.context()
    if version == "1.2":
        import ssl
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2

    def script(c):
        c.hold(gate)
        if c.tls(ctx):
            serve(lambda r: response(b"ok"))(c)
    o = origin(script)
    run = begin(fetchd, "-c", "40", "-k", "--tls-timeout", "3",
                       urls=[o.url(f"/{i}").replace("http:", "https:")
                              for i in range(40)])
    Stopped(run, lambda: o.until(lambda o: len(o.conns) == 40, 20), gate.set)
    res = run.finish()
    assert res.errors() == [None] * 40


def test_a_dial_goes_on_where_it_was(fetchd):
    """The listener's queue is full until the process is stopped."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        port = s.getsockname()[1]
        fill = [socket.create_connection(s.getsockname()) for _ in range(1)]
        run = begin(fetchd, "--connect-timeout", "3", urls=[
            f"http://127.0.0.1:{port}/{i}" for i in range(2)])
        done = threading.Event()

        def accept():
            kept = []
            while not done.is_set():
                ready, _, _ = select.select([s, *kept], [], [], 0.1)
                for c in ready:
                    if c is s:
                        kept.append(s.accept()[0])
                    elif c.recv(4096):
                        c.sendall(response(b"ok"))
                    else:
                        kept.remove(c)
        t = threading.Thread(target=accept)
        time.sleep(0.7)         # the first SYNs have been lost
        Stopped(run, lambda: True, t.start)
        res = run.finish()
        done.set()
        t.join()
        for c in fill:
            c.close()
    assert res.errors() == [None] * 2


def test_a_look_up_goes_on_where_it_was(fetchd, origin, dns):
    o = origin()
    dns.set("*.test", A="127.0.0.1", delay=1.0)
    run = begin(fetchd, "--dns-servers", dns.server, "--dns-timeout", "2",
                       urls=[f"http://h{i}.test:{o.port}/" for i in range(40)])
    Stopped(run, lambda: dns.wait(80, timeout=5), lambda: None)
    res = run.finish()
    assert res.errors() == [None] * 40


def test_many_stops_are_added_up(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = begin(fetchd, "--ttfb-timeout", "1.5", urls=[o.url("/")])
    assert o.until(lambda o: o.in_flight == 1)
    for _ in range(4):
        Stopped(run, lambda: True, lambda: None, stop=1.0)
    time.sleep(0.2)
    gate.set()
    assert run.finish().errors() == [None]


def test_a_silent_peer_still_ends_by_its_deadline(fetchd, origin):
    gate = threading.Event()
    o = origin(held(gate))
    run = begin(fetchd, "--ttfb-timeout", "1", urls=[o.url("/")])
    Stopped(run, lambda: o.until(lambda o: o.in_flight == 1), lambda: None,
            stop=2)
    begun = time.monotonic()
    res = run.finish()
    gate.set()
    assert res.errors() == ["timeout_ttfb"]
    assert time.monotonic() - begun < 1.6


def test_what_never_ends_is_cut_by_max_time(fetchd, origin):
    """Bytes are there whenever it looks."""
    def script(c):
        if c.request():
            c.answered()
            c.send(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                while True:
                    c.send(b"x" * 65536)
            except OSError:
                pass
    o = origin(script)
    res = fetchd("-m", "1", "--max-filesize", "0", "--body", "none",
                 stdin=[o.url("/")])
    assert res.errors() == ["timeout_total"]
    assert res.wall < 5
