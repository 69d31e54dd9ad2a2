# SPDX-License-Identifier: ISC
"""Pages to be parsed, and runs that parse them.

    ask = parsing.Asker(fetchd, origin)
    rec = ask("<title>x</title>", "--extract", "title")
    assert rec["extract"]["title"] == "x"

Knows how a page is served; nothing of what is found in it.
"""
import glob
import os
import re
import threading
import time

from origin import response, serve

HTML = "text/html; charset=utf-8"


def page(body, content_type=HTML, status="200 OK", headers=()):
    """An answer's bytes; content_type None: it does not say."""
    said = [] if content_type is None else [f"Content-Type: {content_type}"]
    return response(body, status=status, headers=[*said, *headers])


def site(answers, otherwise=None):
    """A script: path -> answer, or a function of the request."""
    def handler(req):
        a = answers.get(req.target, otherwise)
        if a is None:
            return page("none", status="404 Not Found")
        return a(req) if callable(a) else a
    return serve(handler)


class Asker:
    """Serves one page at PATH and gives the record of fetching it."""

    PATH = "/dir/page.html"

    def __init__(self, fetchd, origin):
        self.fetchd, self.origin = fetchd, origin

    def __call__(self, body, *args, answer=None, others=None, item=None,
                 host=None, **how):
        run = {k: how.pop(k) for k in ("timeout", "exit", "quiet", "env",
                                       "cwd") if k in how}
        if answer is None:
            answer = page(body, **how)
        self.o = o = self.origin(site({self.PATH: answer, **(others or {})}))
        line = dict(url=o.url(self.PATH, host), **(item or {}))
        self.result = self.fetchd(*o.resolve(), *args, stdin=[line], **run)
        return self.result.one

    def url(self, path):
        return self.o.url(path)


def children(pid):
    """Process ids, grandchildren included."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as f:
                found += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return found + [g for p in found for g in children(p)]


def status(pid, key):
    """A figure of /proc/PID/status; None once the process is gone. The
    kernel speaks of kB, this of bytes."""
    try:
        with open(f"/proc/{pid}/status") as f:
            m = re.search(rf"^{key}:\s+(\d+)( kB)?", f.read(), re.M)
    except OSError:
        return None
    return int(m[1]) * (1024 if m[2] else 1) if m else None


class Peaks:
    """Samples what a run and its workers need at most, in a thread. rss: the
    largest of the workers; main: of fetchd; in bytes. pids: those seen."""

    def __init__(self, pid, every=0.02):
        self.pid, self.every = pid, every
        self.rss = self.main = 0
        self.pids = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _work(self):
        while not self._end.is_set():
            self.main = max(self.main, status(self.pid, "VmHWM") or 0)
            for p in children(self.pid):
                self.pids.add(p)
                self.rss = max(self.rss, status(p, "VmHWM") or 0)
            self._end.wait(self.every)


def gone(pid, seconds=5):
    """Has that process ended (a zombie has)?"""
    end = time.monotonic() + seconds
    while os.path.exists(f"/proc/{pid}"):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
