# SPDX-License-Identifier: ISC
"""B5, B7, B8: hosts that take their time, and hosts that are given time. What
the clock allows is the ideal; a row says how near to it fetchd comes."""

import os
import subprocess
import threading
import time

import measure
from paced import Paced
from parsing import all_burnt, busy_text, lag_text, tool
from programs import Job
from rows import others, quietly, row, say
from server import Names

PATIENCE = 60  # seconds a run


class Hosts:
    """fetchd over lists of hosts under .test, with a name server."""

    def __init__(self, bench, server=None):
        self.folder, self.fetchd = bench.folder, bench.fetchd
        self.server = server or bench.nginx
        self.port = server.port if server else bench.nginx.ports["http"]
        self.dns = Names()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dns.stop()

    def job(self, targets, parallel):
        """targets: (host's number, path), in the order of the list."""
        path = os.path.join(self.folder, "hosts.list")
        count = 0
        with open(path, "w", encoding="ascii") as f:
            for host, target in targets:
                f.write(f"http://h{host}.test:{self.port}{target}?{count}\n")
                count += 1
        job = Job(self.server, self.folder, path, count, None, parallel, "")
        job.patience = PATIENCE
        return job

    def run(self, job, *options, **more):
        return self.fetchd.run(job, "--dns-servers", self.dns.address,
                               *options, **more)

    def stamps(self, job, wanted, *options):
        """When each record that has `wanted` came, in seconds; None if one
        of the job's is missing."""
        out = []
        start = time.monotonic()
        child = subprocess.Popen(
            [self.fetchd.binary, job.path, "-c", str(job.parallel), "--body",
             "none", "--dns-servers", self.dns.address, *options],
            preexec_fn=measure.client_cpu, stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL)
        timer = threading.Timer(job.patience, child.kill)
        timer.start()
        count = 0
        with child.stdout:
            for line in child.stdout:
                count += 1
                if wanted in line:
                    out.append(time.monotonic() - start)
        status = child.wait()
        timer.cancel()
        return out if status == 0 and count == job.count else None


def near(name, r, ideal, limit):
    """A verdict: the wall time beside what the clock allows."""
    wall = r["wall_s"]["median"]
    text = (f"{name} took {wall:.3f} s, ideal {ideal:.3f} s: "
            f"{wall / ideal:.3f} (target <= {limit})")
    return "; ".join([text] + r["out"]), wall / ideal <= limit and not r["out"]


# ---- one at a time a host ---------------------------------------------------

WAIT, WORK, TURNS = 0.055, 0.005, 30  # seconds, seconds, requests a host


def b5(bench):
    "24 hosts x 30 requests of 55 ms, one at a time a host; 5 ms of work each"
    if bench.fetchd is None:
        return [], []
    rows, verdicts = [], []
    work = ("--exec", f"{tool(bench, 'burn')} {WORK * 1e3:.0f}", "--workers",
            "2", "--body", "none")
    with Hosts(bench) as hosts:
        for count, options in (24, ()), (20, work), (24, work):
            r, judged = in_turn(bench, hosts, count, options)
            rows.append(r)
            verdicts += judged
    return rows, verdicts + [
        (f"one after another, 24 hosts take {24 * TURNS * WAIT:.1f} s of "
         f"waiting and {24 * TURNS * WORK:.1f} s of work", True)]


def in_turn(bench, hosts, count, options):
    """A row: so many hosts, each asked again when it has answered."""
    job = hosts.job(((h, "/wait55") for _ in range(TURNS)
                     for h in range(count)), 64)
    runs = [quietly(lambda: hosts.run(
        job, "--max-per-host", "1", *options, pinned=not options,
        check=all_burnt if options else None)) for _ in range(bench.rounds)]
    case = f"{count} hosts x {TURNS} x 55 ms" + (" + 5" if options else "")
    r = row(bench.fetchd, runs, case)
    for run in runs:
        say(f"  {case} {run.wall:.3f} s; {lag_text([run])}{others(run)} {run.note}")
    each = WAIT + (WORK if options else 0)
    verdicts = [near(case, r, TURNS * each, 1.05)]
    if options:
        cpu = max(x.cpu + x.busy * x.wall for x in runs) / len(measure.CPUS)
        verdicts.append((
            f"{case}: all CPU used, the server's too, over {len(measure.CPUS)}"
            f" cores is {cpu:.3f} s, after a first wait {cpu + WAIT:.3f} s: "
            f"no sooner, whatever the program; {busy_text(runs)}; "
            f"{lag_text(runs)}", True))
    return r, verdicts


# ---- unfair hosts -----------------------------------------------------------

SLOW, FAST, TIMES = 10, 90, 100  # hosts, hosts, requests to each fast one


def mixed(slow):
    """The slow hosts' items first; half of them answer late, half drip."""
    for i in range(slow * 6):
        host = i % slow
        yield host, "/wait10" if host % 2 else "/drip10"
    for i in range(FAST * TIMES):
        yield SLOW + i % FAST, "/soon"


def fast_p95(hosts, slow):
    """By when 95 of 100 answers of the fast hosts were there, in seconds."""
    took = hosts.stamps(hosts.job(mixed(slow), 1000), b"/soon?",
                        "--max-per-host", "6")
    return sorted(took)[int(0.95 * len(took))] if took else None


def b7(bench):
    "a tenth of the hosts takes 10 s or drips, first in the list"
    if bench.fetchd is None:
        return [], []
    alone, beside = [], []
    with Hosts(bench) as hosts:
        for _ in range(min(3, bench.rounds)):
            alone.append(fast_p95(hosts, 0))
            beside.append(fast_p95(hosts, SLOW))
            if None in (alone[-1], beside[-1]):
                return [], [("B7 lost answers", False)]
            say(f"  fast hosts' p95 alone {alone[-1]:.3f} s, beside the slow "
                f"{beside[-1]:.3f} s")
    ideal = measure.middle(alone)["median"]
    took = measure.middle(beside)["median"]
    return [], [(f"the fast hosts' p95 {took:.3f} s beside slow ones, ideal "
                 f"{ideal:.3f} s (without them): {took / ideal:.2f} "
                 "(target <= 1.2)", took / ideal <= 1.2)]


# ---- a delay between starts -------------------------------------------------

DELAY = 0.1
BLUR = 0.001


def gaps(seen):
    """Seconds between one request and the next of the same host, sorted."""
    last, found = {}, []
    for host, at in seen:
        if host in last:
            found.append(at - last[host])
        last[host] = at
    return sorted(found)


def gap_verdict(found):
    early = sum(g < DELAY - BLUR for g in found)
    return (f"{len(found)} gaps, the least {found[0] * 1000:.1f} ms, the "
            f"median {found[len(found) // 2] * 1000:.1f} ms; {early} under "
            f"{(DELAY - BLUR) * 1000:.0f} ms (target 0)", early == 0)


def b8(bench):
    "1,000 hosts x 100 URLs, --delay 100ms --max-per-host 1"
    if bench.fetchd is None:
        return [], []
    count, times = (100, 20) if bench.quick else (1000, 100)
    server = Paced(bench.nginx)
    with Hosts(bench, server) as hosts:
        job = hosts.job(((h, "/") for _ in range(times)
                         for h in range(count)), count)
        run = hosts.run(job, "--max-per-host", "1", "--delay", "100ms")
    found = gaps(server.stop())
    r = row(bench.fetchd, [run], f"{count} hosts x {times}, 100 ms")
    say(f"  {run.wall:.2f} s, {len(found)} gaps {run.note}")
    verdicts = [near(r["case"], r, (times - 1) * DELAY, 1.05)]
    return [r], verdicts + ([gap_verdict(found)] if found else [])
