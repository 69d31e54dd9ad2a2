# SPDX-License-Identifier: ISC
"""B14: a list that looks like life. 2,000 URLs over 200 origins; one in a
hundred closes the connection, one in a hundred never answers, two origins
refuse connections and one drops SYNs. Beside curl with the same limits."""

import json
import os
import random
import select
import signal
import socket

import measure
from programs import Job
from rows import row, say

ORIGINS, EACH = 200, 10
REFUSING, SILENT = (7, 77), 150
TIMEOUT = "2"  # seconds, for one attempt
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b"x" * 400
LIMIT = 1.25
# Which URLs close and which hang: anywhere.
BAD = dict(zip(random.Random(1).sample(range(ORIGINS * EACH), 40),
               ["/close", "/hang"] * 20))


class Life:
    """One process that answers on every address of 127.0.0.0/8."""

    def __init__(self, nginx):
        self.ca = nginx.ca
        listener = socket.create_server(("", 0), backlog=4096)
        self.port = listener.getsockname()[1]
        self.worker = os.fork()
        if self.worker == 0:
            try:
                measure.server_cpu()
                answer(listener)
            finally:
                os._exit(1)
        listener.close()
        with socket.create_server(("127.0.0.9", 0)) as unused:
            self.refused = unused.getsockname()[1]
        # A full queue of connections nobody accepts: SYNs are dropped.
        self.full = socket.create_server(("127.0.0.8", 0), backlog=0)
        self.silent = self.full.getsockname()[1]
        self.fill = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.8", self.silent))
            self.fill.append(s)

    def stop(self):
        os.kill(self.worker, signal.SIGTERM)
        os.waitpid(self.worker, 0)
        for s in [self.full, *self.fill]:
            s.close()

    def url(self, n):
        origin = n % ORIGINS
        if origin in REFUSING:
            return f"http://127.2.0.{origin}:{self.refused}/{n}"
        if origin == SILENT:
            return f"http://127.0.0.8:{self.silent}/{n}"
        return f"http://127.2.0.{origin}:{self.port}{BAD.get(n, '/')}{n}"


def answer(listener):
    parent, conns, over = os.getppid(), {}, []
    signal.signal(signal.SIGTERM, lambda *_: over.append(1))
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    while not over and os.getppid() == parent:
        for fd, _ in poll.poll(0.2):
            if fd == listener.fileno():
                conn, _ = listener.accept()
                conns[conn.fileno()] = conn
                poll.register(conn, select.EPOLLIN)
                continue
            try:
                data = conns[fd].recv(4096)
            except OSError:
                data = b""
            if data and b"/hang" in data:
                continue
            if not data or b"/close" in data:
                conns.pop(fd).close()
                continue
            conns[fd].send(ANSWER)
    os._exit(0)


def the_list(bench, server):
    path = os.path.join(bench.folder, "life.list")
    order = list(range(ORIGINS * EACH))
    random.Random(14).shuffle(order)
    with open(path, "w", encoding="ascii") as f:
        f.writelines(server.url(n) + "\n" for n in order)
    return Job(server, bench.folder, path, len(order), None, 64, "")


def by_outcome(path):
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            key = r["error"] or str(r["status_code"])
            found[key] = found.get(key, 0) + 1
    return found


def fetchd_run(bench, job):
    """With its defaults but for the timeout."""
    out = job.out("life.jsonl")
    run = bench.fetchd.measured(job, [
        bench.fetchd.binary, job.path, "-m", TIMEOUT, "-o", out])
    found = by_outcome(out)
    run.count = sum(found.values())
    if run.count != job.count or run.status != 4:
        run.note = f"exit status {run.status}, {run.count} records"
    run.good = found.get("200", 0)
    run.says = ", ".join(f"{k} {n}" for k, n in sorted(found.items()))
    return run


def curl_run(curl, job):
    out = job.out("life.curl")
    with open(out, "wb") as f:
        run = curl.measured(job, [
            "curl", "-q", "-s", "-Z", "--parallel-max", "64", "--retry", "2",
            "-m", TIMEOUT, "-w", "%{http_code}\\n", "-K",
            job.out("curl.conf")], stdout=f)
    with open(out, encoding="ascii") as f:
        run.good = sum(x == "200\n" for x in f)
    run.count = job.count
    run.says = f"200 {run.good}"
    return run


def b14(bench):
    "2,000 URLs over 200 origins, some bad in every way; beside curl -Z"
    curl = next((p for p in bench.programs if p.name == "curl"), None)
    if bench.fetchd is None or curl is None:
        return [], []
    server = Life(bench.nginx)
    runs = {"fetchd": [], "curl": []}
    try:
        job = the_list(bench, server)
        curl.prepare(job)
        for n in range(bench.rounds):
            runs["fetchd"].append(fetchd_run(bench, job))
            runs["curl"].append(curl_run(curl, job))
            for name, made in runs.items():
                say(f"  round {n + 1} {name:7} {made[-1].wall:6.2f} s, "
                    f"CPU {made[-1].cpu:.3f} s; {made[-1].says} "
                    f"{made[-1].note}")
    finally:
        server.stop()
    rows = [row(bench.fetchd, runs["fetchd"], "life"),
            row(curl, runs["curl"], "life")]
    wall = [r["wall_s"]["median"] for r in rows]
    cpu = [r["cpu_us"]["median"] for r in rows]
    good = {name: min(r.good for r in made) for name, made in runs.items()}
    return rows, [
        (f"wall {wall[0]:.2f} s, curl {wall[1]:.2f} s: "
         f"{wall[0] / wall[1]:.3f} (target <= {LIMIT})",
         wall[0] <= LIMIT * wall[1]),
        (f"CPU / curl's {cpu[0] / cpu[1]:.2f} (target <= 0.3)",
         cpu[0] <= 0.3 * cpu[1]),
        (f"good answers {good['fetchd']}, curl {good['curl']}",
         good["fetchd"] >= good["curl"])]
