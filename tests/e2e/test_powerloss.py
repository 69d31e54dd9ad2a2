# SPDX-License-Identifier: ISC
"""The power fails, and the run is resumed.

shim.c records what a run does to its files; powerloss.py makes of it what may
be on the disk if the power fails at a moment, and the run is resumed there. By
default a few moments of each kind of run; FETCHD_LONG: about every one.
"""
import os
import random
import shutil
import subprocess

import pytest

import powerloss
from crashes import (Pages, Shim, below, exactly_once, read_jsonl,
                     read_series, read_sqlite)
from harness import row

LONG = os.environ.get("FETCHD_LONG")
SEED = int(os.environ.get("FETCHD_SEED", 1))
# How many moments of each case.
MOMENTS = 150 if LONG else 5


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with Pages(tmp_path_factory.mktemp("pages")) as p:
        yield p


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return Shim(tmp_path_factory.mktemp("shim"))


def check_jsonl(at, urls):
    exactly_once(read_jsonl(f"{at}/out.jsonl"), urls)


# Arguments, number of items, check.
CASES = {
    "record": (["-o", "out.jsonl", "--fsync", "record"], 150, check_jsonl),
    "batch": (["-o", "out.jsonl"], 900, check_jsonl),
    "gzip": (["-o", "out.jsonl.gz"], 900,
             lambda at, u: exactly_once(read_jsonl(f"{at}/out.jsonl.gz"), u)),
    "rotate": (["-o", "out.jsonl", "--rotate", "50K"], 900,
               lambda at, u: exactly_once(read_series(f"{at}/out.jsonl"), u)),
    # A name may be durable before the journal's note of it is.
    "bodies": (["-o", "out.jsonl", "-O", "bodies"], 300,
               lambda at, u: exactly_once(read_jsonl(f"{at}/out.jsonl"), u,
                                          f"{at}/bodies", more_files=True)),
    "bodies-record": (["-o", "out.jsonl", "-O", "bodies", "--output-name",
                       "{seq/50}/{seq}", "--fsync", "record"], 100,
                      lambda at, u: exactly_once(
                          read_jsonl(f"{at}/out.jsonl"), u, f"{at}/bodies")),
    "sqlite": (["-o", "results.db"], 600,
               lambda at, u: exactly_once(read_sqlite(f"{at}/results.db"), u)),
    "none": (["-o", "out.jsonl", "--fsync", "none"], 900, check_jsonl),
}


class Power:
    """One recorded run, and what becomes of it when the power fails."""

    def __init__(self, plain, shim, pages, tmp, case):
        self.plain, self.shim, self.pages, self.tmp = plain, shim, pages, tmp
        self.case, self.number = case, 0
        self.args, n, self.check = CASES[case]
        self.urls = [pages.url(f"/i/{i}") for i in range(1, n + 1)]
        self.list = tmp / "urls"
        self.list.write_text("\n".join(self.urls) + "\n")
        self.rng = random.Random(f"{SEED} {case}")

    def run(self, where, exit=0, log=None):
        """A run in that directory, or the rest of one."""
        env = self.shim.env(where, log=log) if log else None
        return self.plain("../urls", *self.args, "--resume", cwd=where,
                          env=env, exit=exit, stdout=subprocess.DEVNULL,
                          quiet=False)

    def new_dir(self):
        self.number += 1
        where = self.tmp / f"run{self.number}"
        where.mkdir()
        return where

    def record(self, where):
        """Runs with a log. The directory may hold a part of the run."""
        before = powerloss.there(where)
        log = self.tmp / f"log{self.number}"
        self.run(where, log=log)
        return powerloss.Log(log, where, before)

    def moments(self, log, n):
        """Before and after syncs, and any others."""
        syncs = [i + d for i in log.syncs() for d in (0, 1)]
        some = self.rng.sample(syncs, min(len(syncs), n * 2 // 3))
        return some + [self.rng.randrange(len(log.entries) + 1)
                       for _ in range(n - len(some))]

    def certain_items(self, log, at):
        """How many items must not be fetched again: those whose record had
        been written before the last batch that the journal has."""
        if "-o" not in self.args or self.args[1] != "out.jsonl" or \
                "--rotate" in self.args or self.case == "none" or log.before:
            return 0
        journal = log.last_synced("out.jsonl.journal", at)
        if journal is None:
            return 0
        out = log.last_synced("/out.jsonl", journal)
        # Up to the sync before: what it synced was put before the next cut.
        out = log.last_synced("/out.jsonl", out) if out else None
        return log.bytes_at(out, "out.jsonl").count(b"\n") if out else 0

    def fails(self, log, at, kind):
        """The power fails; the directory and its state as text."""
        where = self.new_dir()
        left = log.crash(at, kind, self.rng, str(where))
        what = (f"{self.case}: {kind} before entry {at} of "
                f"{len(log.entries)}, "
                f"{ {k: len(v) for k, v in list(left.items())[:8]} }")
        return where, what

    def resume(self, where, what, certain=0):
        place = self.pages.place()
        exits = (0, 3) if self.case == "none" else 0
        before = {n: (where / n).read_bytes() for n in below(where)}
        try:
            res = self.run(where, exit=exits)
            if res.exit == 3:
                assert "shorter" in res.stderr, res.stderr
                assert {n: (where / n).read_bytes()
                        for n in below(where)} == before
                return "refused"
            self.check(where, self.urls)
            stale = [n for n in below(where) if "tmp" in n or "new" in n]
            assert not stale, stale
            hits = self.pages.hits(place)
            assert sum(hits.values()) <= len(self.urls) - certain, (
                sum(hits.values()), certain)
        except AssertionError as e:
            raise AssertionError(f"{what}\nin {where}: {e}") from e
        return "complete"


@pytest.mark.parametrize("case", CASES)
@row(210)
def test_after_a_power_loss_each_item_has_exactly_one_record(
        plain, shim, pages, tmp_path, case):
    """--fsync none promises less: the journal may be ahead of the output, and
    then the run is refused instead."""
    power = Power(plain, shim, pages, tmp_path, case)
    kinds = ("prefix", "dropped", "all") if case == "none" else powerloss.KINDS
    log = power.record(power.new_dir())
    ends = []
    for i, at in enumerate(power.moments(log, MOMENTS)):
        where, what = power.fails(log, at, kinds[i % len(kinds)])
        ends.append(power.resume(where, what, power.certain_items(log, at)))
        if not LONG:
            continue
        shutil.rmtree(where)
    print(f"{case}: {len(log.entries)} calls, {len(log.syncs())} syncs, "
          f"{ends.count('complete')} complete, {ends.count('refused')} refused")


@pytest.mark.parametrize("case", ["batch", "bodies", "sqlite"])
@row(210)
def test_a_power_loss_while_a_run_is_resumed(plain, shim, pages, tmp_path,
                                             case):
    """What the first one has left is resumed, and the power fails again."""
    power = Power(plain, shim, pages, tmp_path, case)
    first = power.record(power.new_dir())
    for _ in range(MOMENTS // 10 + 1):
        at = power.rng.randrange(len(first.entries) // 3,
                                 len(first.entries))
        where, what = power.fails(first, at, power.rng.choice(
            powerloss.KINDS))
        second = power.record(where)
        for moment in power.moments(second, 2):
            again, then = power.fails(second, moment, power.rng.choice(
                powerloss.KINDS))
            power.resume(again, what + "; then " + then)
