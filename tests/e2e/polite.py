# SPDX-License-Identifier: ISC
"""What the tests of redirects, retries, rates and streams share.

Answers for origin.serve(), made of a request: refusals, cuts, silence, or one
after another (steps); what a peer's log says of time; and asking a run by USR1
why it waits. Knows nothing of any one test.
"""
import collections
import re
import signal
import threading
import time

from origin import response

HEAD = b"HTTP/1.1 200 OK\r\n"


def status(code, *headers, body=b"busy"):
    return response(body, status=f"{code} x", headers=headers)


def moved(to, code=302, *headers, body=b"moved"):
    """A redirect; `to` in the bytes that go out, as latin-1."""
    return status(code, f"Location: {to}", *headers, body=body)


def empty(req):
    """Closes without a byte."""
    return None


def reset(req):
    return lambda c: c.rst()


def silent(req):
    """Never answers."""
    return lambda c: c.stay()


def cut(req):
    """Half an answer, then the end."""
    def act(c):
        c.send(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 400)
        c.fin()
        c.until_eof()
    return act


def stalled(req):
    """Half an answer, then nothing."""
    def act(c):
        c.send(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 400)
        c.stay()
    return act


def steps(*answers, by=lambda req: None):
    """A handler: the n-th request gets the n-th answer, the last one stays;
    counted apart for each value of `by`."""
    lock, seen = threading.Lock(), collections.Counter()

    def handler(req):
        with lock:
            n = seen[by(req)]
            seen[by(req)] += 1
        answer = answers[min(n, len(answers) - 1)]
        return answer(req) if callable(answer) else answer
    return handler


def pages(table, other=None):
    """A handler: target -> answer; what is not there is `other`."""
    def handler(req):
        answer = table.get(req.target, other or response(b"end"))
        return answer(req) if callable(answer) else answer
    return handler


def times(requests):
    return sorted(r.time for r in requests)


def gaps(requests):
    at = times(requests)
    return [b - a for a, b in zip(at, at[1:])]


def most_within(window, at, weights=None):
    """The most that any window of that length holds, of (time, weight)."""
    weights = weights or [1] * len(at)
    rows = sorted(zip(at, weights))
    most = held = first = 0
    for when, weight in rows:
        held += weight
        while rows[first][0] <= when - window:
            held -= rows[first][1]
            first += 1
        most = max(most, held)
    return most


def says(run, word, timeout=10):
    """Whether USR1 brings a line with that word within the time."""
    pattern = re.compile(rb"\b" + word.encode() + rb"\b")
    end = time.monotonic() + timeout
    while time.monotonic() < end and run.proc.poll() is None:
        run.kill(signal.SIGUSR1)
        if run.until(lambda out, err: pattern.search(err), 0.3):
            return True
    return False


def stop(run, exit=75, **how):
    """Ends a run that still waits, without waiting for it."""
    run.kill(signal.SIGTERM)
    return run.finish(timeout=30, exit=exit, quiet=False, **how)
