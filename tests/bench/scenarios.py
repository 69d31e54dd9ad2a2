# SPDX-License-Identifier: ISC
"""The rows of the benchmark: what is fetched, by whom, and what is expected.
A scenario gives rows (one a program and case) and verdicts (a sentence, and
whether it holds)."""

import os
import socket
import subprocess
import time

import measure
from programs import Fetchd, Job
from server import PAGES, Names, page

SIZES = [len(page(n)) for n in range(PAGES)]


def say(text):
    print(text, flush=True)


class Bench:
    """What the scenarios share."""

    def __init__(self, nginx, programs, folder, rounds, quick):
        self.nginx, self.programs, self.folder = nginx, programs, folder
        self.rounds, self.quick = rounds, quick
        self.fetchd = next((p for p in programs if p.name == "fetchd"), None)

    def job(self, base, count, parallel):
        """count different URLs of the small pages, on tmpfs."""
        path = os.path.join(self.folder, f"list.{count}")
        size = 0
        with open(path, "w", encoding="ascii") as f:
            for i in range(count):
                f.write(f"{base}/p/{i % PAGES}?{i}\n")
                size += SIZES[i % PAGES]
        return Job(self.nginx, self.folder, path, count, size, parallel,
                   f"{base}/p/{PAGES // 2}")

    def base(self, name):
        scheme = "http" if name == "http" else "https"
        return f"{scheme}://localhost:{self.nginx.ports[name]}"


def interleaved(bench, jobs):
    """jobs: program -> Job. Runs all in turn, round by round, each round
    begun by another; cold caches show in the spread."""
    runs = {program: [] for program in jobs}
    for n in range(bench.rounds):
        order = list(jobs)
        order = order[n % len(order):] + order[:n % len(order)]
        for program in order:
            if n == 0:
                program.prepare(jobs[program])
            run = program.run(jobs[program])
            runs[program].append(run)
            say(f"  round {n + 1} {program.name:8} {run.count:7} URLs "
                f"{per_url(run):8.1f} us CPU each, {run.wall:6.2f} s"
                + (f"  OUT: {run.note}" if run.note else ""))
    return [row(program, rs) for program, rs in runs.items()]


def per_url(run):
    return run.cpu * 1e6 / run.count if run.count else 0.0


def row(program, runs, case=""):
    return {
        "program": program.name, "case": case, "ceiling": program.ceiling,
        "count": runs[-1].count,
        "cpu_us": measure.middle([per_url(r) for r in runs]),
        "wall_s": measure.middle([r.wall for r in runs]),
        "rss_mb": max(r.rss for r in runs) / 1e6,
        "server_busy": measure.middle([r.busy or 0 for r in runs]),
        "out": sorted({r.note for r in runs if r.note}),
        "more": runs[-1].more,
    }


def cost(rows, name):
    """Median CPU of a program that is in its row; None if it is not."""
    for r in rows:
        if r["program"] == name and not r["out"]:
            return r["cpu_us"]["median"]
    return None


def ratio(rows, name, limit):
    mine, other = cost(rows, "fetchd"), cost(rows, name)
    if mine is None or not other:
        return []
    return [(f"fetchd / {name} = {mine / other:.2f} (target <= {limit})",
             mine / other <= limit)]


def best_peer(rows, limit):
    peers = [(r["cpu_us"]["median"], r["program"]) for r in rows
             if not r["ceiling"] and not r["out"] and r["program"] != "fetchd"]
    if not peers:
        return []
    return [(text + ", the best peer", good) for text, good in
            ratio(rows, min(peers)[1], limit)]


def throughput(bench, name, count, programs, parallel=64):
    """The same list for everyone, but for those that take a shorter one:
    their cost is high and does not depend on the length."""
    jobs, made = {}, {}
    for p in programs:
        n = min(count, p.limit or count)
        if p.limit and name == "https_new":
            n = min(n, 2000)
        if n not in made:
            made[n] = bench.job(bench.base(name), n, parallel)
        jobs[p] = made[n]
    return interleaved(bench, jobs)


def among(bench, *without):
    return [p for p in bench.programs if p.name not in without]


def b1(bench):
    "small pages, one host, keep-alive, 64 connections, http"
    rows = throughput(bench, "http", 20000 if bench.quick else 200000,
                      among(bench, "s_time"))
    return rows, ratio(rows, "wrk", 1.3) + best_peer(rows, 0.5)


def b2(bench):
    "the same over https"
    rows = throughput(bench, "https", 20000 if bench.quick else 200000,
                      among(bench, "s_time"))
    return rows, ratio(rows, "wrk", 1.4) + best_peer(rows, 0.7)


def b3(bench):
    "a new TLS connection for each page, no resumption"
    rows = throughput(bench, "https_new", 2000 if bench.quick else 10000,
                      among(bench, "wrk"))
    return rows, ratio(rows, "s_time", 1.05) + ratio(rows, "go", 1.0)


# ---- waiting ----------------------------------------------------------------

def waiting_job(bench, name, n):
    path = os.path.join(bench.folder, f"wait.{n}")
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(f"{bench.base(name)}/wait?{i}\n" for i in range(n)))
    return Job(bench.nginx, bench.folder, path, n, 400 * n, n, "")


def b4(bench):
    "each answer takes 1 s, as many at once as there are URLs"
    rows, verdicts = [], []
    for name in "http", "https":
        for n in (10, 100) if bench.quick else (10, 50, 100, 1000, 5000):
            job = waiting_job(bench, name, n)
            for p in among(bench, "wrk", "s_time", "aria2"):
                if p.name == "curl" and n > 300 or p.name == "wget2" \
                        and n > 1000:
                    continue  # not built for so many
                p.prepare(job)
                runs = [p.run(job) for _ in range(min(3, bench.rounds))]
                r = row(p, runs, f"{name} {n}")
                rows.append(r)
                say(f"  {p.name:8} {name} {n} at once: "
                    f"{r['wall_s']['median']:.3f} s" +
                    "".join("  OUT: " + x for x in r["out"]))
                if p is bench.fetchd:
                    verdicts.append(waited(r, n))
    return rows, verdicts


def waited(r, n):
    """Within 5 % of the wait, plus the CPU that the handshakes take."""
    limit = 1.05 + (r["cpu_us"]["median"] * n / 1e6
                    if r["case"].startswith("https") else 0)
    wall = r["wall_s"]["median"]
    return (f"{r['case']} x 1 s took {wall:.3f} s (target <= {limit:.3f})",
            wall <= limit and not r["out"])


# ---- memory -----------------------------------------------------------------

def lines(hosts, port, count):
    """URLs of hosts in turn, ten of each at a time, as chunks of bytes."""
    chunk = []
    for i in range(count):
        chunk.append(f"http://h{i // 10 % hosts}.test:{port}/p/{i % PAGES}"
                     f"?{i}\n")
        if len(chunk) == 1000:
            yield "".join(chunk).encode()
            chunk = []
    yield "".join(chunk).encode()


def piped(bench, hosts, count, dns):
    """fetchd reads count URLs of so many hosts from a pipe."""
    out = os.path.join(bench.folder, "records.jsonl")
    run = measure.run(
        [bench.fetchd.binary, "-c", "64", "-o", out, "--body", "none",
         "--dns-servers", dns.address, "-"], server_pid=bench.nginx.worker,
        stdin=lines(hosts, bench.nginx.ports["http"], count))
    run.count = count
    good, _ = Fetchd.counted(out)
    if run.status != 0 or good != count:
        run.note = f"{good} of {count} answers, exit status {run.status}"
    os.unlink(out)
    return run


def b6(bench):
    "memory: many in flight, long lists"
    if bench.fetchd is None:
        return [], []
    n = 500 if bench.quick else 5000
    job = waiting_job(bench, "https", n)
    runs = [bench.fetchd.run(job)]
    rows = [row(bench.fetchd, runs, f"{n} https in flight, 1 s each")]
    rss, more = runs[0].rss / 1e6, runs[0].more
    say(f"  {n} in flight: {runs[0].wall:.2f} s, {rss:.1f} MB {more} "
        f"{runs[0].note}")
    verdicts = [(f"{n} https in flight: {rss:.0f} MB (target <= 200)",
                 rss <= 200 and not runs[0].note)]
    peaks = {}
    dns = Names()
    try:
        for hosts in 1, 10000:
            for count in (100000, 200000 if bench.quick else 1000000):
                run = piped(bench, hosts, count, dns)
                peaks[hosts, count] = run.rss / 1e6
                rows.append(row(bench.fetchd, [run],
                                f"{count} URLs of {hosts} hosts, piped"))
                say(f"  {rows[-1]['case']}: {run.rss / 1e6:.1f} MB, "
                    f"{run.wall:.1f} s {run.note}")
                if run.note:
                    verdicts.append((rows[-1]["case"] + ": " + run.note,
                                     False))
    finally:
        dns.stop()
    return rows, verdicts + [flat(peaks, hosts) for hosts in (1, 10000)]


def flat(peaks, hosts):
    mine = [mb for (h, _), mb in sorted(peaks.items()) if h == hosts]
    grown = max(mine) - min(mine)
    return (f"{hosts} hosts: the longer list takes {grown:.1f} MB more "
            f"(target <= 5)", grown <= 5)


# ---- unfair hosts -----------------------------------------------------------

def fast_p95(bench, slow_hosts, dns):
    """When the fast hosts' answers were there, 95th of 100, in seconds."""
    port = bench.nginx.ports["http"]
    path, out = (os.path.join(bench.folder, x) for x in ("b7", "b7.out"))
    with open(path, "w", encoding="ascii") as f:
        for i in range(slow_hosts * 6):
            f.write(f"http://h{i % slow_hosts}.test:{port}/wait10?{i}\n")
        for i in range(90 * 100):
            f.write(f"http://h{100 + i % 90}.test:{port}/soon?{i}\n")
    stamps = []
    start = time.monotonic()
    child = subprocess.Popen(
        [bench.fetchd.binary, path, "-c", "1000", "--max-per-host", "6",
         "--body", "none", "--dns-servers", dns.address],
        preexec_fn=measure.client_cpu, stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL)
    with child.stdout:
        for line in child.stdout:
            if b"/soon?" in line:
                stamps.append(time.monotonic() - start)
    status = child.wait()
    good = status == 0 and len(stamps) == 9000
    return sorted(stamps)[int(0.95 * len(stamps))] if good else None


def b7(bench):
    "a tenth of the hosts answers in 10 s, first in the list"
    if bench.fetchd is None:
        return [], []
    dns = Names()
    try:
        alone, beside = fast_p95(bench, 0, dns), fast_p95(bench, 10, dns)
    finally:
        dns.stop()
    if not alone or not beside:
        return [], [("B7 lost answers", False)]
    return [], [(f"the fast hosts' p95 {beside:.3f} s beside slow ones, "
                 f"{alone:.3f} s alone: {beside / alone:.2f} "
                 "(target <= 1.2)", beside / alone <= 1.2)]


# ---- big bodies, long lists -------------------------------------------------

def b9(bench):
    "20 x 100 MB to /dev/null"
    rows = []
    size = (10 if bench.quick else 100) << 20
    bench.nginx.big_file("big", size)
    for name in "http", "https":
        rows += big(bench, name, size)
    return rows, []


def big(bench, name, size):
    path = os.path.join(bench.folder, "big.list")
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(f"{bench.base(name)}/big?{i}\n" for i in range(20)))
    job = Job(bench.nginx, bench.folder, path, 20, 20 * size, 4, "")
    rows = []
    for p in among(bench):
        if p.name == "curl":
            p.prepare(job)
            runs = [p.run(job) for _ in range(min(3, bench.rounds))]
        elif p is bench.fetchd:
            runs = [big_fetchd(bench, job) for _ in range(min(3, bench.rounds))]
        else:
            continue
        rows.append(row(p, runs, f"{name} 20 x {size >> 20} MiB"))
        say(f"  {p.name:8} {name} {rows[-1]['wall_s']['median']:.2f} s "
            f"{rows[-1]['rss_mb']:.0f} MB " + " ".join(rows[-1]["out"]))
    return rows


def big_fetchd(bench, job):
    run = measure.run(
        [bench.fetchd.binary, job.path, "-c", "4", "--cacert", bench.nginx.ca,
         "--format", "body", "--max-filesize", "200M", "-o", "/dev/null"],
        server_pid=bench.nginx.worker)
    run.count = job.count
    run.note = f"exit status {run.status}" if run.status else ""
    return run


def b11(bench):
    "a list of 10 million lines: the time to the first request"
    if bench.fetchd is None:
        return [], []
    path = os.path.join(bench.folder, "long")
    count = (1 if bench.quick else 10) * 1000000
    took = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        port = listener.getsockname()[1]
        with open(path, "w", encoding="ascii") as f:
            for i in range(0, count, 1000):
                f.write("".join(f"http://127.0.0.1:{port}/{i + j}\n"
                                for j in range(1000)))
        for _ in range(bench.rounds):
            took.append(first_request(bench, listener, path))
    os.unlink(path)
    took = measure.middle(took)
    say(f"  {count} lines: {took}")
    return [{"program": "fetchd", "case": f"{count} lines", "seconds": took}], [
        (f"first request after {took['median'] * 1000:.1f} ms (target < 50)",
         took["median"] < 0.05)]


def first_request(bench, listener, path):
    start = time.monotonic()
    child = subprocess.Popen(
        [bench.fetchd.binary, path, "-c", "1", "--body", "none"],
        preexec_fn=measure.client_cpu, stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL)
    try:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(30)
            peer.recv(100)
            return time.monotonic() - start
    finally:
        child.kill()
        child.wait()


ALL = {"B1": b1, "B2": b2, "B3": b3, "B4": b4, "B6": b6, "B7": b7, "B9": b9,
       "B11": b11}
USUAL = ["B1", "B2", "B3", "B6"]
