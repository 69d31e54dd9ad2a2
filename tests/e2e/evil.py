# SPDX-License-Identifier: ISC
"""fetchd beside a worker with bad intentions (tests/worker/evil.c), a site whose
pages tell it what to do, and what the kernel says of the processes.

A path is /N for page N, whose title is "page N", /N/DEED or /N/DEED/NUMBER for
one that makes its parser do that, ?BYTES behind it for more of it. Knows
nothing of any one test.
"""
import os
import shutil
import time

import pytest

import harness
from frames import EVIL, PLAIN, is_gone
from origin import Origin, response, serve

SANITIZED = os.path.join(os.path.dirname(harness.BINARY), "tests",
                         "evil-worker")


def page(path):
    path, _, pad = path.partition("?")
    n, *deed = path.strip("/").split("/")
    word = f"<!--evil:{' '.join(deed)}-->" if deed else ""
    return (f"<!doctype html><title>page {n}</title>{word}<p>text"
            + "x" * int(pad or 0)).encode()


def answer(req, *headers):
    return response(page(req.target), headers=[
        "Content-Type: text/html; charset=utf-8", *headers])


def number(rec):
    return int(rec["url"].split("/")[3].partition("?")[0])


def copy(program, path):
    try:
        os.link(program, path)
    except OSError:
        shutil.copy2(program, path)


def lay_out(folder, fetchd, worker):
    """fetchd looks for its worker beside itself."""
    os.makedirs(folder, exist_ok=True)
    copy(fetchd, os.path.join(folder, "fetchd"))
    if worker:
        copy(worker, os.path.join(folder, "fetchd-worker"))
    return os.path.join(folder, "fetchd")


def built(program):
    if not os.access(program, os.X_OK):
        pytest.skip(f"{program} is not built")
    return program


class Evil:
    """Runs fetchd over pages of the site, --extract title."""

    def __init__(self, fetchd, tmp):
        self.fetchd, self.tmp = fetchd, str(tmp)
        self.site = Origin(serve(answer))
        self.folders = 0
        self.use()

    def __enter__(self):
        self.site.__enter__()
        return self

    def __exit__(self, *exc):
        self.site.__exit__(*exc)

    def use(self, worker=EVIL, fetchd=harness.BINARY):
        """worker: None for no such program at all."""
        self.folders += 1
        folder = os.path.join(self.tmp, f"bin{self.folders}")
        self.fetchd.binary = lay_out(folder, built(fetchd),
                                     worker and built(worker))
        return folder

    def plain(self):
        """fetchd without sanitizers, to measure it."""
        self.use(fetchd=os.path.join(PLAIN, "fetchd"))

    def urls(self, paths):
        return [self.site.url(p) for p in paths]

    def args(self, args, workers):
        return ["--extract", "title", "--workers", workers, "--stats",
                "--progress", "none", *args]

    def __call__(self, paths, *args, workers=2, **how):
        how = {"quiet": False, "reports": True, **how}
        return self.fetchd(*self.args(args, workers), stdin=self.urls(paths),
                           **how)

    def start(self, paths, *args, workers=2, close=False, **how):
        """stdin stays open unless told to close it."""
        how = {"quiet": False, "reports": True, **how}
        run = self.fetchd.start(*self.args(args, workers), **how)
        lines = "".join(u + "\n" for u in self.urls(paths))
        run.feed(lines.encode()) if close else run.write(lines)
        return run


def of(res, n):
    found = [r for r in res.records if number(r) == n]
    assert len(found) == 1, (n, found)
    return found[0]


def parse_errors(res):
    """By page number."""
    return {number(r): r["parse"] and r["parse"]["error"]
            for r in res.records}


def honest(res, but=()):
    """All pages but these were parsed, and each record holds its own."""
    for r in res.records:
        if number(r) not in but:
            assert r["parse"]["error"] is None, r
            assert r["extract"] == {"title": f"page {number(r)}"}, r


# -- processes ----------------------------------------------------------------

def children(pid):
    """Those that live or are still to be reaped: {pid: state letter}."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                state, parent = f.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid:
            found[int(name)] = state
    return found


def workers(pid, n=None, timeout=10):
    """The living; n: once there are as many."""
    end = time.monotonic() + timeout
    while True:
        found = [p for p, state in children(pid).items() if state not in "ZX"]
        if n is None or len(found) == n:
            return found
        assert time.monotonic() < end, (n, children(pid))
        time.sleep(0.01)


def gone_within(pids, seconds):
    """How long it took until none was left."""
    began = time.monotonic()
    assert pids
    while not all(is_gone(p) for p in pids):
        assert time.monotonic() - began <= seconds, \
            [p for p in pids if not is_gone(p)]
        time.sleep(0.01)
    return time.monotonic() - began


def cpu(pid):
    """Seconds it has had."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            part = f.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(part[11]) + int(part[12])) / os.sysconf("SC_CLK_TCK")
