# SPDX-License-Identifier: ISC
"""Runs that are killed (KILL, TERM) again and again, and resumed.

Each of them must end with exactly one whole record for each item. FETCHD_KILLS:
how often each kind of run is killed (by default four times). FETCHD_SEED: of
the moments.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from crashes import (Pages, below, exactly_once, read_csv, read_jsonl,
                     read_series, read_sqlite)
from harness import expected_exit, row

KILLS = int(os.environ.get("FETCHD_KILLS", 4))
SEED = int(os.environ.get("FETCHD_SEED", 1))
URLS = 2000
IN_FLIGHT = 24
# Slow enough for what is written during one fdatasync to be less than a batch.
RATE = "3000/s"
# Records that may be written and not yet in a checkpoint: those of the batch
# that is being committed, and of the next.
NOT_DURABLE = 2 * 256


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with Pages(tmp_path_factory.mktemp("pages")) as p:
        yield p


class Runs:
    """Starts the same command until it has come to its end."""

    def __init__(self, fetchd, pages, seed, args, rate=RATE, **how):
        self.fetchd, self.pages, self.how = fetchd, pages, how
        self.args = [*args, "--resume", "--max-per-host", IN_FLIGHT,
                     "--rate", rate]
        self.rng = random.Random(f"{SEED} {seed}")
        self.began = pages.place()
        self.kills, self.moment_max = 0, 0.4
        self.how.setdefault("stdin", subprocess.DEVNULL)

    def start(self):
        return self.fetchd.start(*self.args, stdout=subprocess.DEVNULL,
                                 **self.how)

    def kill_one(self):
        """Zero or more seconds of a run. Returns its status if it ended."""
        r = self.start()
        try:
            r.proc.wait(self.rng.uniform(0, self.moment_max))
        except subprocess.TimeoutExpired:
            r.proc.kill()
            r.proc.wait()
            self.kills += 1
            return None
        return r.finish(exit=None, quiet=False)

    def until_done(self, kills):
        """The Result of the run that came to the end. May have killed fewer
        if it was too fast."""
        while self.kills < kills:
            r = self.kill_one()
            if r is not None:
                return r
        return self.start().finish(exit=None, quiet=False)

    def again(self, what=lambda hit: True):
        """How many requests were sent for what had been asked for before."""
        return sum(n - 1 for hit, n in self.pages.hits(self.began).items()
                   if what(hit))


def urls_of(pages, n=URLS, missing=False):
    """Mostly short pages, some large ones that take a tenth of a second."""
    def path(i):
        if i % 50 == 7:
            return f"/big/{i}"
        return f"/no/{i}" if missing and i % 20 == 3 else f"/i/{i}"
    return [pages.url(path(i)) for i in range(1, n + 1)]


def check_bodies(tmp, urls):
    exactly_once(read_jsonl(f"{tmp}/out.jsonl"), urls, f"{tmp}/bodies")


def check_order(tmp, urls):
    records = read_jsonl(f"{tmp}/out.jsonl")
    exactly_once(records, urls)
    assert [r["seq"] for r in records] == list(range(1, len(urls) + 1))


def check_failed(tmp, urls):
    records = read_jsonl(f"{tmp}/out.jsonl")
    exactly_once(records, urls)
    with open(f"{tmp}/failed.txt") as f:
        lines = f.read().splitlines()
    assert sorted(lines) == sorted(u for u in urls if "/no/" in u)
    assert sorted(lines) == sorted(r["url"] for r in records if r["error"])


KINDS = {
    "jsonl": (["-o", "out.jsonl"],
              lambda t, u: exactly_once(read_jsonl(f"{t}/out.jsonl"), u)),
    "bodies": (["-o", "out.jsonl", "-O", "bodies"], check_bodies),
    "gzip": (["-o", "out.jsonl.gz"],
             lambda t, u: exactly_once(read_jsonl(f"{t}/out.jsonl.gz"), u)),
    "csv": (["-o", "out.csv", "--fields", "seq,url,status_code,error,body"],
            lambda t, u: exactly_once(read_csv(f"{t}/out.csv"), u)),
    "sqlite": (["-o", "results.db"],
               lambda t, u: exactly_once(read_sqlite(f"{t}/results.db"), u)),
    "keep_order": (["-o", "out.jsonl", "--keep-order"], check_order),
    "failed_input": (["-o", "out.jsonl", "--failed-input", "failed.txt",
                      "-f"], check_failed),
    "rotate": (["-o", "out.jsonl", "--rotate", "200K"],
               lambda t, u: exactly_once(read_series(f"{t}/out.jsonl"), u)),
}


def kill_and_check(fetchd, pages, tmp, kind, wanted, figures):
    args, check = KINDS[kind]
    urls = urls_of(pages, missing=kind == "failed_input")
    total = number = 0
    while total < wanted:
        number += 1
        where = tmp / str(number)
        where.mkdir()
        with open(where / "urls.txt", "w") as f:
            f.write("\n".join(urls) + "\n")
        runs = Runs(fetchd, pages, f"{kind} {number}", ["urls.txt", *args],
                    cwd=where)
        last = runs.until_done(min(wanted - total, 12))
        assert last.exit == (8 if kind == "failed_input" else 0), last.stderr
        check(where, urls)
        assert not [n for n in below(where) if "tmp" in n], below(where)
        again = runs.again()
        # A record that waits for its turn is not durable.
        if kind != "keep_order":
            assert again <= runs.kills * (IN_FLIGHT + NOT_DURABLE), (
                again, runs.kills)
        figures.append((kind, runs.kills, again))
        total += runs.kills
    return total


@pytest.mark.parametrize("kind", KINDS)
@row(202, 204)
def test_after_kills_each_item_has_exactly_one_whole_record(
        fetchd, pages, tmp_path, kind, record_property):
    figures = []
    assert kill_and_check(fetchd, pages, tmp_path, kind, KILLS,
                          figures) >= KILLS
    for f in figures:
        print("kind %s: %d kills, %d requests sent again" % f)


# ---- requests that must not be sent twice ----

@pytest.mark.parametrize("order", ["completion", "input"])
def test_what_is_not_idempotent_is_sent_at_most_once(fetchd, pages, tmp_path,
                                                     order):
    """Every second item is a POST. Those in flight when the run was killed
    have the error `interrupted`; nothing else is lost by that."""
    items = [{"url": pages.url(f"/i/{i}"),
              **({"method": "POST", "body": "x"} if i % 2 else {})}
             for i in range(1, URLS + 1)]
    for i in range(7, URLS, 20):    # some that are in flight for long
        items[i]["url"] = pages.url(f"/big/{i + 1}")
    (tmp_path / "items").write_text(
        "".join(json.dumps(x) + "\n" for x in items))
    runs = Runs(fetchd, pages, f"post {order}",
                ["items", "-o", "out.jsonl", "--body", "none",
                 *(["--keep-order"] if order == "input" else [])],
                rate="1000/s", cwd=tmp_path)
    last = runs.until_done(KILLS)
    records = read_jsonl(str(tmp_path / "out.jsonl"))
    assert sorted(r["seq"] for r in records) == list(range(1, URLS + 1))
    posts = {f"POST /i/{i}" for i in range(1, URLS + 1, 2)}
    hits = pages.hits(runs.began)
    assert not [p for p in posts if hits[p] > 1], hits.most_common(5)
    cut = [r for r in records if r["error"]]
    assert all(r["error"] == "interrupted" and r["seq"] % 2 for r in cut), cut
    assert len(cut) <= runs.kills * (IN_FLIGHT + NOT_DURABLE)
    unsent = posts - set(hits)
    assert unsent <= {f"POST /i/{r['seq']}" for r in cut}
    assert last.exit == expected_exit(records), (last.exit, last.stderr)
    print(f"post: {runs.kills} kills, {len(cut)} interrupted, {len(unsent)} "
          f"of them never sent, {runs.again()} GETs sent again")


def test_retry_post_sends_them_again(fetchd, pages, tmp_path):
    items = [{"url": pages.url(f"/i/{i}"), "method": "POST", "body": "x"}
             for i in range(1, URLS + 1)]
    (tmp_path / "items").write_text(
        "".join(json.dumps(x) + "\n" for x in items))
    runs = Runs(fetchd, pages, "retry-post",
                ["items", "-o", "out.jsonl", "--retry-post"], cwd=tmp_path)
    last = runs.until_done(KILLS)
    assert last.exit == 0, last.stderr
    exactly_once(read_jsonl(str(tmp_path / "out.jsonl")),
                 [x["url"] for x in items])


# ---- the exit status, TERM ----

def test_the_exit_status_is_that_of_the_whole_run(fetchd, pages, tmp_path):
    """The failures were in the part before the kill."""
    urls = [pages.url(f"/no/{i}" if i <= 600 else f"/i/{i}")
            for i in range(1, URLS + 1)]
    (tmp_path / "urls").write_text("\n".join(urls) + "\n")
    args = ["urls", "-o", "out.jsonl", "-f", "--resume", "--summary"]
    r = fetchd.start(*args, cwd=tmp_path, stdout=subprocess.DEVNULL)
    out = tmp_path / "out.jsonl"
    end = time.monotonic() + 20
    while not out.exists() or out.read_bytes().count(b"\n") < 1200:
        assert r.proc.poll() is None and time.monotonic() < end
        time.sleep(0.005)
    r.proc.kill()
    r.proc.wait()
    res = fetchd(*args, cwd=tmp_path, exit=8)
    assert "2000" in res.stderr.replace(",", ""), res.stderr
    exactly_once(read_jsonl(str(out)), urls)
    before = out.read_bytes()
    place = pages.place()
    res = fetchd(*args, cwd=tmp_path, exit=8)
    assert "finished" in res.stderr
    assert pages.place() == place and out.read_bytes() == before


@pytest.mark.parametrize("kind", ["jsonl", "bodies", "sqlite", "keep_order"])
def test_term_leaves_a_run_that_resume_ends(fetchd, pages, tmp_path, kind):
    """TERM is a checkpoint: what was in flight and may be asked again has no
    record, and nothing that has one is asked again."""
    args, check = KINDS[kind]
    urls = urls_of(pages)
    (tmp_path / "urls.txt").write_text("\n".join(urls) + "\n")
    runs = Runs(fetchd, pages, f"term {kind}",
                ["urls.txt", *args, "--grace", "0"], cwd=tmp_path)
    terms = 0
    while True:
        r = runs.start()
        if terms < 5:
            try:
                r.proc.wait(runs.rng.uniform(0.15, 0.5))
            except subprocess.TimeoutExpired:
                r.kill(signal.SIGTERM)
        res = r.finish(exit=None, timeout=20, quiet=False)
        if res.exit != 75:
            break
        terms += 1
        assert "before the first item" in res.stderr or (
            "--resume" in res.stderr and "urls.txt" in res.stderr), res.stderr
    # 143: TERM before its handler was in place.
    assert res.exit == 0, (res.exit, res.stderr)
    check(tmp_path, urls)
    # Records that wait for their turn would come before it.
    if kind != "keep_order":
        assert runs.again() <= terms * IN_FLIGHT, (runs.again(), terms)
    print(f"{kind}: {terms} times TERM, {runs.again()} requests sent again")


# ---- standard input, and standard output ----

CAT = "import sys, time\n" \
      "for line in open(sys.argv[1]):\n" \
      "    sys.stdout.write(line); sys.stdout.flush()\n"


def producer(path):
    return subprocess.Popen([sys.executable, "-c", CAT, str(path)],
                            stdout=subprocess.PIPE)


@pytest.mark.parametrize("spool", ["--spool", "--no-spool"])
def test_a_list_from_a_producer_that_is_killed_too(fetchd, pages, tmp_path,
                                                   spool):
    """Each resumed run gets the list again, from its beginning."""
    urls = urls_of(pages)
    (tmp_path / "urls.txt").write_text("\n".join(urls) + "\n")
    where = tmp_path / "work"
    where.mkdir()
    runs = Runs(fetchd, pages, f"stdin {spool}",
                ["-o", "out.jsonl", *([spool] if "no" in spool else [])],
                cwd=where)
    for _ in range(KILLS):
        p = producer(tmp_path / "urls.txt")
        runs.how["stdin"] = p.stdout
        runs.kill_one()
        p.kill()
        p.wait()
        p.stdout.close()
    with open(tmp_path / "urls.txt", "rb") as f:
        runs.how["stdin"] = f
        res = runs.until_done(0)
    assert res.exit == 0, res.stderr
    exactly_once(read_jsonl(str(where / "out.jsonl")), urls)
    assert runs.again() <= runs.kills * (IN_FLIGHT + NOT_DURABLE)


def test_what_was_spooled_is_not_lost_with_its_producer(fetchd, pages,
                                                        tmp_path):
    """The run and the producer are killed, and the list cannot be made
    again: each line that fetchd has read gets its record."""
    urls = urls_of(pages)
    data = ("\n".join(urls) + "\n").encode()
    args = ["-o", "out.jsonl", "--resume", "--rate", "500/s"]
    r = fetchd.start(*args, cwd=tmp_path, stdout=subprocess.DEVNULL)
    r.feed(data)
    spool = tmp_path / "out.jsonl.journal.spool"
    out = tmp_path / "out.jsonl"
    end = time.monotonic() + 20
    while not out.exists() or out.read_bytes().count(b"\n") < 300 or \
            spool.stat().st_size < len(data):
        assert r.proc.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    r.proc.kill()
    r.proc.wait()
    assert spool.read_bytes() == data
    fetchd("-o", "out.jsonl", "--resume", cwd=tmp_path, exit=0)
    exactly_once(read_jsonl(str(out)), urls)


def test_lines_on_a_pipe_come_at_least_once(fetchd, pages, tmp_path):
    """Standard output with a journal: no item is missing, and only items
    after the last checkpoint come twice, with the same seq."""
    urls = urls_of(pages)
    (tmp_path / "urls.txt").write_text("\n".join(urls) + "\n")
    rng = random.Random(SEED)
    lines, kills = [], 0
    while True:
        r = fetchd.start("urls.txt", "--journal", "j", "--resume",
                         "--max-per-host", IN_FLIGHT, cwd=tmp_path,
                         stdin=subprocess.DEVNULL)
        ended = False
        try:
            r.proc.wait(rng.uniform(0.1, 0.5) if kills < KILLS else 60)
            ended = True
        except subprocess.TimeoutExpired:
            r.proc.kill()
            r.proc.wait()
            kills += 1
        for t in r._threads:
            t.join(10)
        got = bytes(r._out).split(b"\n")
        assert not ended or got[-1] == b""
        lines += [json.loads(x) for x in got[:-1]]
        if ended:
            assert r.proc.returncode == 0, bytes(r._err)
            break
    seen = {}
    for rec in lines:
        assert rec["url"] == urls[rec["seq"] - 1]
        seen[rec["seq"]] = seen.get(rec["seq"], 0) + 1
    assert sorted(seen) == list(range(1, URLS + 1))
    twice = sum(n - 1 for n in seen.values())
    assert twice <= kills * (NOT_DURABLE + IN_FLIGHT), (twice, kills)
