# SPDX-License-Identifier: ISC
"""What the scenarios share: lists to fetch, programs run in turn, one row a
program and case. Knows nothing of what a scenario expects."""

import os

import measure
from programs import Job
from server import PAGES, page

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
                + others(run)
                + (f"  OUT: {run.note}" if run.note else ""))
    return [row(program, rs) for program, rs in runs.items()]


def per_url(run):
    return run.cpu * 1e6 / run.count if run.count else 0.0


BEFORE = 1.03  # the most a change may cost
NOISE, TRIES = 0.05, 3  # cores, times a round is run at most


def others(run):
    """Whoever else was at work meanwhile makes a round a bad one."""
    return f"  others used {run.others:.0%} of a core" \
        if run.others > NOISE else ""


def quietly(run):
    """The round run() makes; if others were at work meanwhile, again, and then
    the one they disturbed least."""
    made = [run()]
    while made[-1].others > NOISE and len(made) < TRIES:
        say(f"  again, {made[-1].wall:.3f} s:" + others(made[-1]))
        made.append(run())
    return min(made, key=lambda r: r.others)


def row(program, runs, case=""):
    noise = [r for r in runs if r.others > NOISE]
    return {
        "program": program.name, "case": case, "ceiling": program.ceiling,
        "count": runs[-1].count,
        "cpu_us": measure.middle([per_url(r) for r in runs]),
        "wall_s": measure.middle([r.wall for r in runs]),
        "rss_mb": max(r.rss for r in runs) / 1e6,
        "server_busy": measure.middle([r.busy or 0 for r in runs]),
        "out": sorted({r.note for r in runs if r.note}),
        "says": sorted({r.says for r in runs if r.says}) + (
            [f"others were at work in {len(noise)} of {len(runs)} rounds"]
            if noise else []),
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
             if not r["ceiling"] and not r["out"]
             and r["program"] not in ("fetchd", "before")]
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


def waiting_job(bench, name, n):
    path = os.path.join(bench.folder, f"wait.{n}")
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(f"{bench.base(name)}/wait?{i}\n" for i in range(n)))
    return Job(bench.nginx, bench.folder, path, n, 400 * n, n,
               f"{bench.base(name)}/wait")
