# SPDX-License-Identifier: ISC
"""B10 and B12: pages parsed beside the loop. What one core does with the same
pages in a bare loop is the ideal of the first, twice as much by twice the
workers that of the second; and the loop has to stay prompt meanwhile."""

import json
import os

import measure
import pages
from programs import Job, Program, judge
from rows import BEFORE, others, quietly, ratio, row, say

PARALLEL = 16
LAG_P99, LAG_MAX = 0.005, 0.02  # seconds
BURN_MS = 50
ONE_CORE, FREE = "on one core", "on any core"


def tool(bench, name):
    """A program of tests/bench, built beside fetchd."""
    return os.path.join(os.path.dirname(bench.fetchd.binary), "tests",
                        "bench", "bench_" + name)


def page_job(bench, count):
    pages.write(os.path.join(bench.nginx.folder, "files", "html"))
    path = os.path.join(bench.folder, "html.list")
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(f"{bench.base('http')}/html/{i % pages.COUNT}?{i}\n"
                        for i in range(count)))
    return Job(bench.nginx, bench.folder, path, count, count * pages.BYTES,
               PARALLEL, "")


class Bare(Program):
    """tests/bench/bare.c; what it extracts is what fetchd has to."""
    name, ceiling = "bare", True

    def __init__(self, bench):
        self.binary = tool(bench, "bare")

    def run(self, job, pinned=True):
        out = job.out("bare.out")
        with open(out, "wb") as f:
            run = self.measured(
                job, [self.binary, job.path, str(job.parallel),
                      str(pages.COUNT), job.out("bare.objects")], stdout=f,
                pinned=pinned)
        with open(out, encoding="ascii") as f:
            words = [int(w) for w in f.read().split()] or [0, 0, 0]
        run.more = {"parse_cpu": words[2] / 1e6}
        return judge(run, job, *words[:2])


def same_objects(job):
    """A check of records: each has what bare has of its page. Of later ones
    only the number of links, as references may keep the URL's query."""
    def check(path):
        with open(job.out("bare.objects"), encoding="utf-8") as f:
            wanted = [json.loads(line) for line in f]
        with open(path, encoding="utf-8") as f:
            for line in f:
                r = json.loads(line)
                mine, n = r.get("extract"), r["seq"] - 1
                want = wanted[n % pages.COUNT]
                if mine is None or r["parse"]["error"] is not None:
                    return f"{r['url']}: not extracted from"
                if mine["title"] != want["title"] or len(
                        mine["links"]) != len(want["links"]) or (
                        n < pages.COUNT and mine != want):
                    return f"{r['url']}: extracted something else"
        return ""
    return check


# ---- what the runs say ------------------------------------------------------

def own_cpu(run):
    """Of the loop alone, its workers left out."""
    return run.more.get("cpu_user", 0.0) + run.more.get("cpu_sys", 0.0)


def rate(runs, less=lambda run: 0.0):
    """Pages a second, of the wall time less something."""
    return measure.middle([r.count / (r.wall - less(r)) for r in runs])


def ms_a_page(runs, seconds):
    return measure.middle([seconds(r) * 1e3 / r.count for r in runs])["median"]


def lag(runs):
    """The worst p99 and maximum of all runs."""
    return [max(r.more.get(k, 0.0) for r in runs)
            for k in ("loop_lag_p99", "loop_lag_max")]


def lag_text(runs):
    p99, most = lag(runs)
    return f"loop lag p99 {p99 * 1e3:.2f} ms, max {most * 1e3:.2f} ms"


def lag_verdict(name, runs):
    p99, most = lag(runs)
    return (f"{name}: {lag_text(runs)}, the worst of {len(runs)} runs (target "
            f"<= {LAG_P99 * 1e3:.0f}, {LAG_MAX * 1e3:.0f})",
            p99 <= LAG_P99 and most <= LAG_MAX)


def busy_text(runs):
    m = runs[-1].more
    return (f"workers busy {m.get('worker_busy', 0):.0%}, at most "
            f"{m.get('worker_queue_max', 0)} waited, "
            f"{m.get('worker_restarts', 0)} restarts")


def line(program, case, run):
    say(f"  {program.name:8} {case:12} {run.count / run.wall:6.1f} pages/s, "
        f"{run.wall:.3f} s, {run.cpu * 1e3 / run.count:.2f} ms CPU a page "
        + (lag_text([run]) + "; " + busy_text([run])
           if "loop_lag_p99" in run.more else "")
        + others(run) + (f"  OUT: {run.note}" if run.note else ""))


def case_row(program, case, runs):
    r = row(program, runs, case)
    r["pages_s"] = rate(runs)
    r["loop_lag_p99"], r["loop_lag_max"] = lag(runs)
    return r


# ---- one worker beside a bare loop ------------------------------------------

def b10(bench):
    "140 KB of HTML, gzip: title and links, by one worker"
    if bench.fetchd is None:
        return [], []
    bare = Bare(bench)
    if not bare.installed():
        return [], [("tests/bench/bare.c is not built", False)]
    job = page_job(bench, 300 if bench.quick else 2000)
    builds = [p for p in bench.programs if p.name in ("fetchd", "before")]
    runs = {(p.name, case): [] for case in (ONE_CORE, FREE)
            for p in (bare, *builds)}
    for _ in range(bench.rounds):
        for case in ONE_CORE, FREE:
            pinned = case == ONE_CORE
            runs["bare", case].append(quietly(
                lambda: bare.run(job, pinned=pinned)))
            line(bare, case, runs["bare", case][-1])
            for p in builds:
                runs[p.name, case].append(quietly(
                    lambda p=p: p.run(
                        job, "--extract", "title,links", "--workers", "1",
                        "--body", "none", check=same_objects(job),
                        pinned=pinned)))
                line(p, case, runs[p.name, case][-1])
    named = {p.name: p for p in (bare, *builds)}
    rows = [case_row(named[name], case, rs)
            for (name, case), rs in runs.items()]
    out = [(f"{r['program']} {r['case']}: {x}", False)
           for r in rows for x in r["out"]]
    return rows, out or b10_verdicts(runs) + [
        (f"{case}: {text}", good) for case in (ONE_CORE, FREE)
        for text, good in ratio([r for r in rows if r["case"] == case],
                                "before", BEFORE)]


def b10_verdicts(runs):
    alone, ours = runs["bare", ONE_CORE], runs["fetchd", ONE_CORE]
    ideal, less = rate(alone)["median"], rate(ours, own_cpu)["median"]
    free, ideal_free = (rate(runs[p, FREE])["median"]
                        for p in ("fetchd", "bare"))
    return [
        (f"{ONE_CORE}: pages / (wall - the loop's CPU) = {less:.1f}/s, bare: "
         f"pages / wall = {ideal:.1f}/s: {less / ideal:.3f} (target >= 0.9)",
         less >= 0.9 * ideal),
        (f"{FREE}: pages / wall = {free:.1f}/s, bare {ideal_free:.1f}/s: "
         f"{free / ideal_free:.3f} (target >= 0.9)",
         free >= 0.9 * ideal_free),
        ("CPU a page: " + cpu_text(ours, alone), True),
        lag_verdict(FREE, runs["fetchd", FREE]),
        (f"{ONE_CORE}, the worker's: {lag_text(ours)}", True)]


def cpu_text(ours, alone):
    loop = ms_a_page(ours, own_cpu)
    worker = ms_a_page(ours, lambda r: r.cpu - own_cpu(r))
    parse = ms_a_page(alone, lambda r: r.more["parse_cpu"])
    rest = ms_a_page(alone, lambda r: r.cpu - r.more["parse_cpu"])
    return (f"loop {loop:.2f} ms, worker {worker:.2f} ms; bare {parse:.2f} ms "
            f"of parsing, {rest:.2f} ms of the rest; the worker's / bare's "
            f"parsing = {worker / parse:.3f}")


# ---- two workers beside one -------------------------------------------------

def b12(bench):
    "100 such pages, 50 ms of CPU each by --exec: one worker, two workers"
    if bench.fetchd is None:
        return [], []
    job = page_job(bench, 100)
    runs = {1: [], 2: []}
    for _ in range(bench.rounds):
        for n, rs in runs.items():
            rs.append(quietly(lambda: bench.fetchd.run(
                job, "--exec", f"{tool(bench, 'burn')} {BURN_MS}", "--workers",
                str(n), "--body", "none", pinned=False, check=all_burnt)))
            line(bench.fetchd, f"{n} worker(s)", rs[-1])
    rows = [case_row(bench.fetchd, f"{n} worker(s)", rs)
            for n, rs in runs.items()]
    return rows, [(f"{r['case']}: {x}", False)
                  for r in rows for x in r["out"]] or b12_verdicts(runs)


def all_burnt(path):
    with open(path, encoding="utf-8") as f:
        for text in f:
            r = json.loads(text)
            if r["parse"]["error"] is not None or "exec" not in r["extract"]:
                return f"{r['url']}: not parsed"
    return ""


def b12_verdicts(runs):
    one, two = (rate(runs[n])["median"] for n in (1, 2))
    verdicts = [(f"2 workers {two:.1f} pages/s, 1 worker {one:.1f}: x "
                 f"{two / one:.3f} (target >= 1.85)", two >= 1.85 * one)]
    for n, rs in runs.items():
        took = measure.middle([r.wall for r in rs])["median"]
        ideal = 100 * BURN_MS / 1e3 / n
        loop = ms_a_page(rs, own_cpu)
        verdicts += [lag_verdict(f"{n} worker(s)", rs),
                     (f"{n} worker(s): {took:.3f} s, ideal {ideal:.3f} s; "
                      f"{busy_text(rs)}; the loop's CPU {loop:.2f} ms a page",
                      True)]
    return verdicts
