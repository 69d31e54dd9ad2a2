# SPDX-License-Identifier: ISC
"""B6: resident peaks, of thousands of transfers in flight and of long lists
through a pipe; fetchd and the peers that can, in one run."""

import threading
import time

from programs import Job
from rows import among, row, say, waiting_job
from server import PAGES, Names

TOTAL = 240       # seconds that all of it may take
LEAST = 20        # nothing is begun with fewer left
IN_FLIGHT = 5000
LENGTHS = 100000, 1000000
LAST = "aiohttp", "undici"  # if there is time


class Clock:
    """What is left of the scenario's time."""

    def __init__(self):
        self.end = time.monotonic() + TOTAL

    def left(self):
        return self.end - time.monotonic()

    def allows(self, program, what):
        if self.left() >= LEAST:
            return True
        say(f"  {program.name:8} {what}: skipped, the time is up")
        return False


# ---- in flight --------------------------------------------------------------

class InFlight(threading.Thread):
    """The most requests the server had at once, five looks a second."""

    def __init__(self, nginx):
        super().__init__(daemon=True)
        self.nginx, self.most = nginx, 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            try:
                self.most = max(self.most, self.nginx.in_flight())
            except OSError:  # too busy to say
                pass


def in_flight(bench, program, job, clock):
    """A row: so many https transfers at once, each answered after 1 s."""
    job.patience = clock.left()
    program.prepare(job)
    sampler = InFlight(bench.nginx)
    sampler.start()
    run = program.run(job)
    sampler.over.set()
    sampler.join()
    r = row(program, [run], f"{job.count} https, 1 s each")
    if program.most:
        r["says"].append(f"{program.most} at once are its limit")
    r["says"].append(f"the server saw {sampler.most} in flight")
    say(f"  {program.name:8} {r['case']}: {run.rss / 1e6:.1f} MB, "
        f"{run.wall:.1f} s; " + "; ".join(r["says"] + r["out"]))
    return r


def peers_in_flight(bench, peers, job, clock):
    return [in_flight(bench, p, job, clock) for p in peers
            if clock.allows(p, f"{job.count} https")]


# ---- long lists -------------------------------------------------------------

def lines(hosts, port, count):
    """URLs of hosts in turn, ten of each at a time, as chunks of bytes."""
    chunk = []
    for i in range(count):
        host = f"h{i // 10 % hosts}.test" if hosts > 1 else "localhost"
        chunk.append(f"http://{host}:{port}/p/{i % PAGES}?{i}\n")
        if len(chunk) == 1000:
            yield "".join(chunk).encode()
            chunk = []
    yield "".join(chunk).encode()


def long_list(bench, program, hosts, count, clock, *options):
    """A row: count URLs of so many hosts."""
    job = Job(bench.nginx, bench.folder, "-", count, None, 64, "")
    job.patience = clock.left()
    run = program.run_long(
        job, lines(hosts, bench.nginx.ports["http"], count), *options)
    s = "s" if hosts > 1 else ""
    r = row(program, [run], f"{count} URLs, {hosts} host{s}")
    say(f"  {program.name:8} {r['case']}: {run.rss / 1e6:.1f} MB, "
        f"{run.wall:.1f} s " + "; ".join(r["says"] + r["out"]))
    return r


def own_lists(bench, lengths, clock):
    """fetchd's rows, and whether their peaks are the same."""
    rows, verdicts = [], []
    dns = Names()
    try:
        for hosts in 1, 10000:
            some = [long_list(bench, bench.fetchd, hosts, n, clock,
                          "--dns-servers", dns.address) for n in lengths]
            verdicts += [(f"{r['case']}: {x}", False)
                         for r in some for x in r["out"]]
            grown = max(r["rss_mb"] for r in some) - min(
                r["rss_mb"] for r in some)
            verdicts.append((f"{hosts} host(s): the longer list takes "
                             f"{grown:.1f} MB more (target <= 5)", grown <= 5))
            rows += some
    finally:
        dns.stop()
    return rows, verdicts


def peers_lists(bench, peers, lengths, clock):
    say("  long lists, left out: " + ", ".join(
        p.name + (" (takes none)" if p.ceiling else "")
        for p in peers if not p.long))
    return [long_list(bench, p, 1, n, clock)
            for n in lengths for p in peers
            if p.long and clock.allows(p, f"{n} URLs")]


# ---- all of it --------------------------------------------------------------

def b6(bench):
    "memory: many in flight, long lists through a pipe"
    if bench.fetchd is None:
        return [], []
    clock = Clock()
    n = IN_FLIGHT // 10 if bench.quick else IN_FLIGHT
    lengths = (100000, 200000) if bench.quick else LENGTHS
    job = waiting_job(bench, "https", n)
    job.seconds = 5
    rows = [in_flight(bench, bench.fetchd, job, clock)]
    rss, out = rows[0]["rss_mb"], rows[0]["out"]
    say(f"           {rows[0]['more']}")
    verdicts = [(f"{n} https in flight: {rss:.0f} MB (target <= 200)",
                 rss <= 200 and not out)]
    more, judged = own_lists(bench, lengths, clock)
    rows += more
    peers = among(bench, "fetchd", "s_time")
    rows += peers_in_flight(
        bench, [p for p in peers if p.name not in LAST], job, clock)
    rows += peers_lists(bench, peers, lengths, clock)
    rows += peers_in_flight(
        bench, [p for p in peers if p.name in LAST], job, clock)
    rows.sort(key=lambda r: r["case"])
    return rows, verdicts + judged
