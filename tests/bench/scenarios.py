# SPDX-License-Identifier: ISC
"""The rows of the benchmark: what is fetched, by whom, and what is expected.
A scenario gives rows (one a program and case) and verdicts (a sentence, and
whether it holds)."""

import os
import socket
import subprocess
import tempfile
import time

import measure
from life import b14
from memory import b6
from pace import b5, b7, b8
from parsing import b10, b12
from programs import Job, Kept
from rows import (BEFORE, among, best_peer, interleaved, ratio, row, say,
                  throughput,
                  waiting_job)


def b1(bench):
    "small pages, one host, keep-alive, 64 connections, http"
    rows = throughput(bench, "http", 20000 if bench.quick else 200000,
                      among(bench, "s_time"))
    return rows, (ratio(rows, "wrk", 1.3) + best_peer(rows, 0.5)
                  + ratio(rows, "before", BEFORE))


def b2(bench):
    "the same over https"
    rows = throughput(bench, "https", 20000 if bench.quick else 200000,
                      among(bench, "s_time"))
    return rows, (ratio(rows, "wrk", 1.4) + best_peer(rows, 0.7)
                  + ratio(rows, "before", BEFORE))


def b3(bench):
    "a new TLS connection for each page, no resumption"
    rows = throughput(bench, "https_new", 2000 if bench.quick else 10000,
                      among(bench, "wrk"))
    return rows, (ratio(rows, "s_time", 1.05) + ratio(rows, "go", 1.0)
                  + ratio(rows, "before", BEFORE))


# ---- waiting ----------------------------------------------------------------

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


# ---- big bodies, long lists -------------------------------------------------

def b1_resume(bench):
    "B1 with --resume and each --fsync mode, beside B1 without"
    with tempfile.TemporaryDirectory(
            dir=os.path.dirname(bench.fetchd.binary)) as disk:
        job = bench.job(bench.base("http"),
                        20000 if bench.quick else 200000, 64)
        jobs = {Kept(bench.fetchd.binary, disk, mode): job
                for mode in (None, "none", "batch", "record")}
        rows = interleaved(bench, jobs)
    wall = {r["program"]: r["wall_s"]["median"] for r in rows}
    share = wall["fsync-batch"] / wall["fetchd"]
    return rows, [(f"wall time with --fsync batch / without = {share:.3f} "
                   "(target <= 1.05)", share <= 1.05)]


def b9(bench):
    "20 x 100 MB to files and to /dev/null"
    rows = []
    size = (10 if bench.quick else 100) << 20
    bench.nginx.big_file("big", size)
    for name in "http", "https":
        rows += big(bench, name, size, None)
        with tempfile.TemporaryDirectory(
                dir=os.path.dirname(bench.fetchd.binary)) as folder:
            rows += big(bench, name, size, folder)
    return rows, []


def big(bench, name, size, folder):
    """20 large bodies to files in the folder, or to /dev/null."""
    path = os.path.join(bench.folder, "big.list")
    urls = [f"{bench.base(name)}/big?{i}" for i in range(20)]
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(u + "\n" for u in urls))
    job = Job(bench.nginx, bench.folder, path, 20, 20 * size, 4, "")
    commands = {"fetchd": [
        bench.fetchd.binary, path, "-c", "4", "--cacert", bench.nginx.ca,
        *(("-O", folder, "-o", "/dev/null", "--max-filesize", "200M",
           "--output-name", "{seq}")
          if folder else ("--body", "none", "--max-filesize", "200M", "-o",
                          "/dev/null"))]}
    conf = job.out("curl.big")
    with open(conf, "w", encoding="ascii") as f:
        for i, u in enumerate(urls):
            target = os.path.join(folder, str(i)) if folder else "/dev/null"
            f.write(f'url="{u}"\noutput="{target}"\n')
    commands["curl"] = ["curl", "-q", "-s", "-Z", "--parallel-max", "4",
                        "--http1.1", "--cacert", bench.nginx.ca, "-K", conf]
    if folder:
        commands["aria2"] = [
            "aria2c", "--no-conf", "-q", "-i", path, "-j", "4", "--dir",
            folder, "--ca-certificate", bench.nginx.ca,
            "--file-allocation=none", "--no-netrc", "--disable-ipv6",
            "--auto-file-renaming=true"]
    rows = []
    programs = [p for p in among(bench) if p.name in commands]
    runs = {p: [] for p in programs}
    for _ in range(min(3, bench.rounds)):
        for p in programs:
            runs[p].append(big_run(bench, job, commands[p.name], folder, size))
    for p in programs:
        rows.append(row(p, runs[p], f"{name} 20 x {size >> 20} MiB to "
                        + ("files" if folder else "/dev/null")))
        r = rows[-1]
        say(f"  {p.name:8} {r['case']} {r['wall_s']['median']:.2f} s, "
            f"{r['cpu_us']['median'] * 20 / 1e6:.2f} s CPU, "
            f"{r['rss_mb']:.0f} MB " + " ".join(r["out"]))
    return rows


def big_run(bench, job, command, folder, size):
    run = measure.run(command, server_pid=bench.nginx.worker)
    run.count = job.count
    run.note = f"exit status {run.status}" if run.status else ""
    if folder:
        files = [os.path.join(d, f) for d, _, names in os.walk(folder)
                 for f in names]
        got = sum(os.path.getsize(f) for f in files)
        if got != 20 * size and not run.note:
            run.note = f"{got} bytes in {len(files)} files"
        for f in files:
            os.unlink(f)
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


ALL = {"B1": b1, "B1R": b1_resume, "B2": b2, "B3": b3, "B4": b4, "B5": b5, "B6": b6, "B7": b7,
       "B8": b8, "B9": b9, "B10": b10, "B11": b11, "B12": b12, "B14": b14}
USUAL = ["B1", "B2", "B3", "B6"]
