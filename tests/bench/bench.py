#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""./dev bench [B1 ...]: runs scenarios, prints a table, keeps the figures in
tests/bench/results. Ratios count; absolute figures belong to one machine."""

import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile

import measure
import scenarios
from programs import everyone
from rows import Bench
from server import ECHO, Nginx

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    p.add_argument("scenario", nargs="*", metavar="B1",
                   help=", ".join(scenarios.ALL) + " (default: "
                   + " ".join(scenarios.USUAL) + ")")
    p.add_argument("--quick", action="store_true",
                   help="shorter lists, two rounds: a look, not a measurement")
    p.add_argument("--rounds", type=int)
    p.add_argument("--only", help="programs, by commas")
    p.add_argument("--before", metavar="FETCHD", help="another build of fetchd,"
                   " measured beside this one (B1, B2, B3, B10)")
    p.add_argument("--install", action="store_true",
                   help="install the peers that are missing (./dev does it)")
    p.add_argument("--fetchd", help=argparse.SUPPRESS, default=os.path.join(
        ROOT, "build", "release", "fetchd"))
    args = p.parse_args()
    args.scenario = [s.upper() for s in args.scenario] or scenarios.USUAL
    for s in args.scenario:
        if s not in scenarios.ALL:
            p.error(f"{s}: there are " + ", ".join(scenarios.ALL))
    args.rounds = args.rounds or (2 if args.quick else 5)
    return args


def present(args):
    """The programs that take part; says which do not."""
    found, missing = [], []
    for p in everyone(args.fetchd, args.before):
        if args.only and p.name not in args.only.split(","):
            continue
        (found if p.installed() else missing).append(p)
    if missing:
        print("not installed, left out: "
              + " ".join(p.name for p in missing))
    return found


def table(rows):
    """Lines of text; cheapest first within a case."""
    mine = {r["case"]: r["cpu_us"]["median"] for r in rows
            if r["program"] == "fetchd" and not r["out"]}
    yield (f"{'program':10}{'case':34}{'CPU us/URL':>11}  {'min - max':>17}"
           f"{'x fetchd':>9}{'wall s':>9}{'peak MB':>9}{'server':>8}")
    for r in rows:
        cpu = r["cpu_us"]
        ours = mine.get(r["case"])
        times = (f"{cpu['median'] / ours:.2f}" if ours and not r["out"]
                 else "-")
        notes = r["out"] + r["says"]
        if r["server_busy"]["median"] > 0.9:
            notes.append("measures the server")
        if r["ceiling"]:
            notes.append("ceiling")
        if "conns_opened" in r["more"]:
            notes.append(f"{r['more']['conns_opened']} connections")
        span = f"{cpu['min']:.1f} - {cpu['max']:.1f}"
        yield (f"{r['program']:10}{r['case']:34}{cpu['median']:11.1f}  "
               f"{span:>17}{times:>9}{r['wall_s']['median']:9.2f}"
               f"{r['rss_mb']:9.1f}{r['server_busy']['median']:8.0%}"
               + ("  " + "; ".join(notes) if notes else ""))


def git(*args):
    out = subprocess.run(["git", "-C", ROOT, *args], capture_output=True,
                         text=True, check=False)
    return out.stdout.strip()


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        model = [x.split(":")[1].strip() for x in f if "model name" in x]
    return {"cpu": (model or ["?"])[0], "cores": len(measure.CPUS),
            "kernel": platform.release()}


def keep(args, programs, results):
    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    now = datetime.datetime.now(datetime.timezone.utc)
    folder = os.path.join(HERE, "results")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{now:%Y-%m-%dT%H%M}-{commit}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({
            "date": now.isoformat(timespec="seconds"), "commit": commit,
            "changed": bool(git("status", "--porcelain", "-uno")),
            "quick": args.quick, "rounds": args.rounds,
            "machine": machine(),
            "programs": {p.name: p.version() for p in programs},
            "scenarios": results,
        }, f, indent=1)
        f.write("\n")
    print("\nkept in " + os.path.relpath(path, ROOT))


def measure_all(args, programs, folder):
    results = []
    nginx = Nginx(folder)
    try:
        bench = Bench(nginx, programs, folder, args.rounds,
                                args.quick)
        for name in args.scenario:
            scenario = scenarios.ALL[name]
            print(f"\n{name}: {scenario.__doc__}", flush=True)
            rows, verdicts = scenario(bench)
            results.append({"name": name, "what": scenario.__doc__,
                            "rows": rows, "verdicts": verdicts})
    finally:
        nginx.stop()
    return results


def main():
    args = arguments()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if not os.path.exists(ECHO):
        sys.exit("bench: nginx's echo module is missing")
    if len(measure.CPUS) < 2:
        print("one CPU only: client and server share it")
    measure.server_cpu()  # this program stays out of the client's way
    programs = present(args)
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = tempfile.mkdtemp(prefix="fetchd-bench-", dir=base)
    try:
        results = measure_all(args, programs, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for r in results:
        print(f"\n{r['name']}: {r['what']}")
        rows = [x for x in r["rows"] if "cpu_us" in x]
        if rows:
            print("\n".join(table(rows)))
        for text, good in r["verdicts"]:
            print(("  ok    " if good else "  MISS  ") + text)
    keep(args, programs, results)


if __name__ == "__main__":
    main()
