# SPDX-License-Identifier: ISC
"""One seeded run of fetchd in which anything may go wrong: peers, names, TLS,
parsers, signals, a reader that goes. The plan is drawn from the seed alone, so
that a seed is a run (but for the moments). What must hold all the same is what
harness.py checks of every run, and what run() checks here.
"""
import gzip
import json
import os
import random
import signal
import sys
import time

from evil import children
from frames import is_gone
from harness import expected_exit
from origin import chunked, response

HTML = "Content-Type: text/html"
PAGE = b"<title>t</title><a href=/x>x</a><p>text"
STOPS = (signal.SIGTERM, signal.SIGINT)

# A parser of --exec that does what the page's number says.
PARSER = r"""
import json, os, sys, time
kind = int(sys.argv[1])
for n, line in enumerate(sys.stdin):
    rec = json.loads(line)
    if kind == 1 and n % 5 == 4:
        os._exit(3)
    if kind == 2 and n % 7 == 3:
        print("[1]", flush=True)
    if kind == 3 and n % 6 == 2:
        time.sleep(30)
    print(json.dumps({"seq": rec["seq"], "url": rec["url"]}), flush=True)
"""


class Peers:
    """What the origin does is in the path: /SEQ/KIND."""

    def __init__(self):
        self.tries = {}

    def again(self, req, n):
        """Nonzero the first n times that is asked for."""
        self.tries[req.target] = self.tries.get(req.target, 0) + 1
        return self.tries[req.target] <= n

    def script(self, c):
        while True:
            req = c.request()
            if req is None:
                return
            kind = req.target.split("?")[0].split("/")[2]
            out = getattr(self, "do_" + kind.replace("-", "_"))(c, req)
            c.answered()
            if out is None:
                return
            c.send(out)

    def do_ok(self, c, req):
        return response(PAGE, headers=[HTML])

    def do_big(self, c, req):
        return response(PAGE + b"x" * 700_000, headers=[HTML])

    def do_json(self, c, req):
        return response(b'{"a": [1, 2]}',
                        headers=["Content-Type: application/json"])

    def do_chunks(self, c, req):
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + \
            HTML.encode() + b"\r\n\r\n" + chunked(*[PAGE] * 20)

    def do_gzip(self, c, req):
        return response(gzip.compress(PAGE * 50), headers=[
            HTML, "Content-Encoding: gzip"])

    def do_badgzip(self, c, req):
        return response(gzip.compress(PAGE * 50)[:-30], headers=[
            HTML, "Content-Encoding: gzip"])

    def do_slow(self, c, req):
        c.wait(0.3)
        return response(PAGE, headers=[HTML])

    def do_drip(self, c, req):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(9):
            c.send(b"x")
            c.wait(0.1)
        return b"x"

    def do_404(self, c, req):
        return response(status="404 Not Found")

    def do_500(self, c, req):
        return response(status="500 Oops") if self.again(req, 1) \
            else response(PAGE, headers=[HTML])

    def do_429(self, c, req):
        return response(status="429 Slow", headers=["Retry-After: 0"]) \
            if self.again(req, 1) else response()

    def do_redirect(self, c, req):
        return response(status="302 Found", headers=[
            "Location: " + req.target.replace("redirect", "ok")])

    def do_loop(self, c, req):
        return response(status="301 Moved", headers=["Location: "
                                                     + req.target])

    def do_reset(self, c, req):
        c.rst()

    def do_empty(self, c, req):
        c.fin()

    def do_cut(self, c, req):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PAGE)
        c.fin()

    def do_cuthead(self, c, req):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        c.fin()

    def do_garbage(self, c, req):
        c.send(b"\0\1\2\xff SMTP 220\r\n\r\n" * 9)
        c.fin()

    def do_hang(self, c, req):
        c.stay()

    def do_events(self, c, req):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(5):
            c.send(b"%x\r\ndata: %d\n\n\r\n" % (len(b"data: 0\n\n"), i))
            c.wait(0.02)
        return b"0\r\n\r\n"


KINDS = [k[3:] for k in dir(Peers) if k.startswith("do_")]


class Plan:
    """What the seed says."""

    def __init__(self, seed):
        self.seed = seed
        self.r = r = random.Random(seed)
        self.args = ["-c", str(r.choice([1, 2, 8, 30])), "--retry",
                     str(r.randrange(3)), "--retry-delay", "20ms", "-m", "3",
                     "--idle-timeout", "1", "--dns-timeout", "1",
                     "--connect-timeout", "1", "--tls-timeout", "1"]
        for chance, *words in (
                (0.3, "--keep-order"), (0.4, "--include-attempts"),
                (0.3, "--include-headers"), (0.2, "--max-buffer", "2M"),
                (0.2, "--max-per-host", "2"), (0.1, "--rate", "200"),
                (0.1, "--delay", "5ms"), (0.2, "--ttfb-timeout", "500ms"),
                (0.2, "-f"), (0.1, "--no-location"), (0.1, "--only-failed"),
                (0.1, "--max-run-time", "1500ms"), (0.2, "--retry-post"),
                (0.3, "--body", r.choice(["none", "base64", "json"]))):
            if r.random() < chance:
                self.args += words
        self.args += ["--grace", r.choice(["0", "200ms", "2"])]
        self.extracts = r.random() < 0.4
        if self.extracts:
            self.args += ["--workers", "2", "--worker-time", "1"]
            if r.random() < 0.7:
                self.args += ["--extract", "title,links"]
        self.parser = r.randrange(4) if self.extracts and (
            "--extract" not in self.args or r.random() < 0.5) else None
        self.streams = not self.extracts and "--only-failed" not in self.args \
            and r.random() < 0.3
        self.items = [self.item(i) for i in range(r.choice([5, 40, 120]))]
        self.events = sorted(
            (r.uniform(0, 1.5), r.choice(["usr1"] * 3 + ["stop"] * 2 + [
                "worker-kill", "worker-stop"] * self.extracts))
            for _ in range(r.randrange(6)))
        self.ending = r.choice(["eof"] * 3 + ["term", "twice", "reader"])
        self.end_at = r.uniform(0.05, 2)
        self.keeps_open = self.ending != "eof" and r.random() < 0.5

    def item(self, i):
        r = self.r
        kind = r.choice(KINDS if r.random() < 0.6 else ["ok", "big", "slow"])
        where = r.choice(["http"] * 6 + ["https", "badtls", "plaintls"] +
                         ["name", "nxname", "dropname", "failname"])
        return dict(kind=kind, where=where, post=r.random() < 0.15,
                    bad=r.random() < 0.03, stream=r.random() < 0.5)

    def __str__(self):
        return (f"seed {self.seed}: {' '.join(self.args)} exec={self.parser} "
                f"items={len(self.items)} events={self.events} "
                f"ending={self.ending} at {self.end_at:.2f}"
                + (" input stays open" if self.keeps_open else ""))


def lines_of(plan, sites):
    for i, item in enumerate(plan.items):
        base = sites[item["where"]]
        url = f"{base}/{i}/{item['kind']}"
        if item["bad"]:
            yield '{"url": "' + url + '", "nonsense": 1}\n'
        elif item["post"] or (plan.streams and item["stream"]):
            line = dict(url=url, id=i)
            if item["post"]:
                line["body"] = "x" * 3000
            if plan.streams and item["stream"]:
                line["stream"] = True
            yield json.dumps(line) + "\n"
        else:
            yield url + "\n"


def caught(pid, sig):
    """Has the process a handler for that signal?"""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("SigCgt"):
                return int(line.split()[1], 16) >> (sig - 1) & 1
    return 0


def disturb(plan, run, seen):
    """The events, each at its time; then how it ends."""
    while run.proc.poll() is None and not caught(run.pid, signal.SIGUSR1):
        time.sleep(0.001)   # what the loader does not survive is no fault
    began = time.monotonic()

    def sleep_until(at):
        while time.monotonic() - began < at and run.proc.poll() is None:
            seen.update(children(run.pid))
            time.sleep(0.01)
    for at, what in plan.events:
        sleep_until(at)
        if run.proc.poll() is not None:
            return False
        if what == "usr1":
            run.kill(signal.SIGUSR1)
        elif what == "stop":
            run.kill(signal.SIGSTOP)
            time.sleep(0.3)
            run.kill(signal.SIGCONT)
        else:
            for pid in list(children(run.pid))[:1]:
                try:
                    os.kill(pid, signal.SIGKILL if what == "worker-kill"
                            else signal.SIGSTOP)
                except ProcessLookupError:
                    pass
    sleep_until(plan.end_at if plan.ending != "eof" else 0)
    if plan.ending == "eof" or run.proc.poll() is not None:
        return False
    if plan.ending == "reader":
        run.proc.stdout.close()
        return True
    sig = plan.r.choice(STOPS)
    run.kill(sig)
    if plan.ending == "twice":
        time.sleep(0.02)
        run.kill(plan.r.choice(STOPS))
    return True


def run(seed, fetchd, origin, dns, leaf, pki):
    plan = Plan(seed)
    try:
        return _run(plan, fetchd, origin, dns, leaf, pki)
    except (AssertionError, OSError, ValueError) as e:
        raise AssertionError(f"{plan}\n{e}") from e


def _run(plan, fetchd, origin, dns, leaf, pki):
    peers = Peers()

    def bad_tls(c):
        c.client_hello()
        c.rst()

    def plain_tls(c):
        c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        c.fin()
    http, https = origin(peers.script), origin(peers.script,
                                               tls=leaf.context())
    hurt, plain = origin(bad_tls), origin(plain_tls)
    dns.set("ok.test", A="127.0.0.1")
    dns.set("fail.test", rcode="SERVFAIL")
    dns.set("drop.test", drop=True)
    sites = {"http": http.url(""), "https": https.url(""),
             "badtls": f"https://{hurt.addr}:{hurt.port}",
             "plaintls": f"https://{plain.addr}:{plain.port}",
             "name": f"http://ok.test:{http.port}",
             "nxname": f"http://no.test:{http.port}",
             "dropname": f"http://drop.test:{http.port}",
             "failname": f"http://fail.test:{http.port}"}
    args = plan.args + ["--dns-servers", dns.server]
    if plan.parser is not None:
        parser = fetchd.file("parser.py", PARSER)
        args += ["--exec", f"{sys.executable} {parser} {plan.parser}"]
    has_reader = plan.ending != "reader"
    is_checked = has_reader and plan.ending != "twice"
    r = fetchd.start(*args, json=has_reader, quiet=False, reports=True,
                     read_stdout=has_reader)
    text = "".join(lines_of(plan, sites)).encode()
    if plan.keeps_open:
        r._feeder = True    # finish() leaves it open
        r.write(text[:60_000])
    else:
        r.feed(text)
    seen = {}
    was_stopped = disturb(plan, r, seen)
    res = r.finish(timeout=60, exit=None)
    judge(plan, res, was_stopped, is_checked)
    assert all(is_gone(p) for p in seen), "a child is left"
    for o in (http, https, hurt, plain):
        assert o.until(lambda o: o.open == 0, 5), "a connection is left"
    return plan, res


def judge(plan, res, was_stopped, is_checked):
    stops = {75}
    if "--max-run-time" in plan.args:
        stops.add(124)
    if plan.ending == "twice":
        stops |= {130, 143}
    if plan.ending == "reader":
        assert res.exit in stops | {0, 4, 5, 7, 8}, res.exit
        return
    ended = expected_exit([x for x in res.records
                           if x["error"] != "interrupted"])
    cut = any(x["error"] == "interrupted" for x in res.records)
    if is_checked and "--only-failed" not in plan.args:
        if res.exit not in stops:
            assert not cut and res.exit == ended, (res.exit, ended, cut)
            assert len(res.records) == len(plan.items) or plan.keeps_open
        elif res.exit == 75:
            assert was_stopped, "75 and nobody stopped it"
    else:
        assert res.exit in stops | {0, 4, 5, 7, 8}, res.exit
    for x in res.records:
        i = x["seq"] - 1
        item = plan.items[i]
        if x["url"] is not None:
            assert x["url"].endswith(f"/{i}/{item['kind']}"), x
        if x.get("extract") and "exec" in x["extract"] and \
                isinstance(x["extract"]["exec"], dict):
            assert x["extract"]["exec"]["url"] == x["url"], x
        good = item["kind"] in ("ok", "json", "chunks", "gzip", "big") and \
            item["where"] == "http" and not item["bad"]
        if good and not cut and "--max-run-time" not in plan.args and \
                not any(w == "stop" for _, w in plan.events):
            assert x["error"] in (None, "host_unavailable", "interrupted",
                                  "timeout_total"), x
