# SPDX-License-Identifier: ISC
"""-o results.db --resume: the state of the run is in the database, and no
journal is beside it."""
import collections
import os
import random
import shlex
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from origin import response, serve


def rows(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    db.row_factory = sqlite3.Row
    try:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return [dict(r)
                for r in db.execute("SELECT * FROM results ORDER BY seq")]
    finally:
        db.close()


def count(path):
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.OperationalError:
        return 0
    try:
        return db.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.OperationalError:
        return 0            # not made yet
    finally:
        db.close()


def assert_exact(path, lines):
    """Each item has one row, that of its line."""
    assert [(r["seq"], r["input"]) for r in rows(path)] == \
        list(enumerate(lines, 1))


class Site:
    """Counts what it is asked for; paths that begin with /bad fail at first."""

    def __init__(self, origin):
        self.hits = collections.Counter()
        self.is_broken = True
        self.o = origin(serve(self.answer))

    def answer(self, req):
        self.hits[req.target] += 1
        bad = self.is_broken and req.target.startswith("/bad")
        return response(b"x", status="500 Oops" if bad else "200 OK")

    def lines(self, n):
        return [self.o.url(f"/{'bad' if i % 10 == 7 else 'ok'}/{i}")
                for i in range(1, n + 1)]


@pytest.fixture
def site(origin):
    return Site(origin)


@pytest.fixture
def db(tmp_path):
    return tmp_path / "results.db"


def write(path, lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def wait_for(condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)


def kill(run):
    run.proc.kill()
    run.proc.wait()


# -- what it says -------------------------------------------------------------

def test_a_stopped_run_goes_on_and_its_status_is_that_of_the_whole(
        fetchd, site, tmp_path, db):
    lines = site.lines(300)
    urls = write(tmp_path / "urls.txt", lines)
    run = fetchd.start(urls, "-o", db, "--resume", "-f", "--rate", "100",
                       quiet=False)
    wait_for(lambda: count(db) > 20)
    run.kill(signal.SIGTERM)
    res = run.finish(exit=75)
    line = res.stderr.splitlines()[-1]
    assert line.startswith("fetchd: not finished; to go on: ")
    command = line.split("to go on: ")[1]
    assert "--resume" in shlex.split(command)
    assert count(db) < 300
    again = subprocess.run(["sh", "-c", command.replace("100", "5000")],
                           capture_output=True, timeout=60,
                           env=fetchd.env(None))
    assert again.returncode == 8, again.stderr
    assert_exact(db, lines)
    assert set(site.hits.values()) == {1}
    # Besides what SQLite itself makes:
    assert {n for n in os.listdir(tmp_path) if not n.startswith(
        "results.db-")} == {"results.db", "urls.txt"}


def test_a_finished_run_says_so(fetchd, site, tmp_path, db):
    lines = site.lines(50)
    urls = write(tmp_path / "urls.txt", lines)
    fetchd(urls, "-o", db, "--resume", "-f", exit=8)
    res = fetchd(urls, "-o", db, "--resume", "-f", exit=8, quiet=False)
    assert f"{db}: the run is finished: nothing was left of its 50" in \
        res.stderr
    assert_exact(db, lines)
    assert set(site.hits.values()) == {1}


def test_new_lines_of_the_input_are_new_items(fetchd, site, tmp_path, db):
    urls = write(tmp_path / "urls.txt", site.lines(50))
    fetchd(urls, "-o", db, "--resume")
    write(urls, site.lines(80))
    fetchd(urls, "-o", db, "--resume")
    assert_exact(db, site.lines(80))
    assert set(site.hits.values()) == {1}


def test_what_differs_is_refused_and_nothing_changes(fetchd, site, tmp_path,
                                                     db):
    lines = site.lines(50)
    urls = write(tmp_path / "urls.txt", lines)
    fetchd(urls, "-o", db, "--resume")
    before, hits = db.read_bytes(), sum(site.hits.values())
    res = fetchd(urls, "-o", db, "--resume", "--body", "none", exit=3)
    assert "the options that decide" in res.stderr
    res = fetchd("-o", db, "--resume", site.o.url("/"), exit=3)
    assert "is not given in the same place" in res.stderr
    write(urls, [site.o.url("/other"), *lines[1:]])
    res = fetchd(urls, "-o", db, "--resume", exit=3)
    assert "nothing was changed" in res.stderr
    assert db.read_bytes() == before and sum(site.hits.values()) == hits
    fetchd(urls, "-o", db, "--resume-force", quiet=False)
    assert_exact(db, lines)


def test_rows_without_the_state_of_a_run_are_never_mixed_unasked(
        fetchd, site, tmp_path, db):
    urls = write(tmp_path / "urls.txt", site.lines(20))
    fetchd(site.o.url("/first"), "-o", db)
    res = fetchd(urls, "-o", db, "--resume", exit=3)
    assert "--append" in res.stderr and "--overwrite" in res.stderr
    assert len(rows(db)) == 1
    fetchd(urls, "-o", db, "--resume", "--append")
    assert [r["seq"] for r in rows(db)] == list(range(1, 22))
    # There is a run now, which goes on whatever these options say.
    write(urls, site.lines(30))
    fetchd(urls, "-o", db, "--resume", "--append")
    fetchd(urls, "-o", db, "--resume", "--overwrite", quiet=False)
    assert [r["seq"] for r in rows(db)] == list(range(1, 32))
    assert set(site.hits.values()) == {1}
    # Without --resume it is replaced.
    fetchd(urls, "-o", db, "--overwrite")
    assert len(rows(db)) == 30
    fetchd(urls, "-o", db, "--resume", exit=3)


def test_a_mistake_leaves_no_file(fetchd, site, tmp_path, db):
    fetchd(tmp_path / "none", "-o", db, "--resume", exit=3)
    fetchd(site.o.url("/"), "-o", db, "--retry-failed", exit=3)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("args, says", [
    (("--resume", "--journal", "j"), "--journal: is not needed"),
    (("--journal-salvage",), "a database"),
    (("--resume", "-O", "d"), "a database"),
])
def test_what_a_database_does_not_need_is_refused(fetchd, tmp_path, db, args,
                                                  says):
    res = fetchd("-o", db, *args, "http://127.0.0.1:1/", exit=2, cwd=tmp_path)
    assert says in res.stderr
    assert os.listdir(tmp_path) == []


def test_a_failed_input_that_cannot_be_written_ends_the_run(
        fetchd, site, tmp_path, db):
    """What it lacks is fetched again."""
    lines = site.lines(100)
    urls = write(tmp_path / "urls.txt", lines)
    args = (urls, "-o", db, "--resume", "-f", "--failed-input")
    begun = time.monotonic()
    res = fetchd(*args, "/dev/full", exit=3, quiet=False)
    assert "/dev/full" in res.stderr and "No space" in res.stderr
    assert time.monotonic() - begun < 20
    failed = tmp_path / "failed.txt"
    fetchd(*args, failed, exit=8)
    assert_exact(db, lines)
    bad = [line for line in lines if "/bad/" in line]
    assert sorted(failed.read_text().split()) == sorted(bad)


@pytest.mark.parametrize("mode", ["none", "batch", "record"])
def test_each_sync_mode_can_be_resumed(fetchd, site, tmp_path, db, mode):
    lines = site.lines(100)
    urls = write(tmp_path / "urls.txt", lines)
    args = (urls, "-o", db, "--resume", "--fsync", mode)
    run = fetchd.start(*args, "--rate", "200")
    wait_for(lambda: count(db) > 5)
    kill(run)
    fetchd(*args)
    assert_exact(db, lines)


def test_attempts_and_waits_hold_in_the_next_run(fetchd, origin,
                                                       tmp_path, db):
    asked_at = []

    def answer(req):
        asked_at.append(time.monotonic())
        if len(asked_at) > 1:
            return response()
        return response(status="503 No", headers=["Retry-After: 3"])
    o = origin(serve(answer))
    args = ("-o", db, "--resume", "--retry", "2", o.url("/"))
    run = fetchd.start(*args)

    def has_tried():
        c = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10)
        try:
            return c.execute("SELECT attempts FROM fetchd_open").fetchone() \
                == (1,)
        except sqlite3.OperationalError:
            return False
        finally:
            c.close()
    wait_for(lambda: db.exists() and has_tried())
    kill(run)
    fetchd(*args)
    assert len(asked_at) == 2
    assert asked_at[1] - asked_at[0] > 2.5      # Retry-After still holds
    assert [(r["seq"], r["status_code"], r["num_attempts"])
            for r in rows(db)] == [(1, 200, 2)]


# -- kills --------------------------------------------------------------------

def test_kills_at_random_moments(fetchd, site, tmp_path, db):
    """And --failed-input has one line of each failed item."""
    lines = site.lines(2000)
    urls = write(tmp_path / "urls.txt", lines)
    failed = tmp_path / "failed.txt"
    args = (urls, "-o", db, "--resume", "-f", "--failed-input", failed)
    rnd = random.Random(1)
    for _ in range(40):
        run = fetchd.start(*args, "--rate", "1500")
        time.sleep(rnd.uniform(0, 0.35))    # the moment is what is random
        kill(run)
        if count(db) == 2000:
            break
    fetchd(*args, exit=8)
    assert_exact(db, lines)
    bad = [line for line in lines if "/bad/" in line]
    assert sorted(failed.read_text().split()) == sorted(bad)
    # Of one kill: what was in flight, and the batches of up to a second.
    assert max(site.hits.values()) <= 20


# -- --retry-failed -----------------------------------------------------------

def test_retry_failed_replaces_the_rows_of_failed_items(fetchd, site, tmp_path,
                                                        db):
    lines = site.lines(200)
    urls = write(tmp_path / "urls.txt", lines)
    args = (urls, "-o", db, "--resume", "-f")
    fetchd(*args, exit=8)
    site.hits.clear()
    fetchd(*args, "--retry-failed", exit=8)      # they fail again
    assert_exact(db, lines)
    site.is_broken = False
    fetchd(*args, "--retry-failed", exit=0)
    assert set(site.hits.values()) == {2}
    assert set(site.hits) == {f"/bad/{i}" for i in range(7, 200, 10)}
    assert_exact(db, lines)
    assert all(r["error"] is None for r in rows(db))
    res = fetchd(*args, exit=0, quiet=False)
    assert "the run is finished" in res.stderr


def test_a_retry_that_was_killed_goes_on(fetchd, site, tmp_path, db):
    lines = site.lines(400)
    urls = write(tmp_path / "urls.txt", lines)
    args = (urls, "-o", db, "--resume", "-f")
    fetchd(*args, exit=8)
    site.is_broken = False

    def left():
        return sum(r["error"] is not None for r in rows(db))
    run = fetchd.start(*args, "--retry-failed", "--rate", "10")
    wait_for(lambda: left() < 38)
    kill(run)
    assert left() > 0
    assert_exact(db, lines)         # the old rows are there until then
    res = fetchd(*args, "--stats", exit=0)  # without --retry-failed, too
    assert_exact(db, lines)
    assert left() == 0
    assert (res.stats["items"], res.stats["ok"], res.stats["failed"]) == \
        (400, 400, 0)


# -- standard input -----------------------------------------------------------

def test_standard_input_is_kept_for_the_next_run(fetchd, site, tmp_path, db):
    lines = site.lines(1000)
    data = "".join(line + "\n" for line in lines).encode()
    run = fetchd.start("-o", db, "--resume", "--rate", "200")
    run.feed(data)
    spool = tmp_path / "results.db.spool"
    wait_for(lambda: spool.exists() and spool.stat().st_size == len(data) and
             count(db) > 10)
    kill(run)
    fetchd("-o", db, "--resume", timeout=90)
    assert_exact(db, lines)


# -- requests that must not be sent twice -------------------------------------

def test_a_post_that_was_sent_is_not_sent_again(fetchd, origin, tmp_path, db):
    gate = threading.Event()
    hits = collections.Counter()

    def answer(req):
        hits[req.target] += 1
        if req.target == "/slow":
            req.conn.hold(gate)
        return response()
    o = origin(serve(answer))
    args = ("-o", db, "--resume", "-d", "x", "-c", "2")
    urls = write(tmp_path / "urls.txt",
                 [o.url("/slow"), o.url("/a"), o.url("/b")])
    run = fetchd.start(urls, *args)
    wait_for(lambda: count(db) == 2 and hits["/slow"] == 1)
    kill(run)
    gate.set()
    fetchd(urls, *args, exit=None)
    got = rows(db)
    assert [(r["seq"], r["error"]) for r in got] == [
        (1, "interrupted"), (2, None), (3, None)]
    assert hits == {"/slow": 1, "/a": 1, "/b": 1}


def test_posts_are_sent_once_whenever_it_is_killed(fetchd, site, tmp_path, db):
    lines = site.lines(300)
    urls = write(tmp_path / "urls.txt", lines)
    args = (urls, "-o", db, "--resume", "-d", "x")
    rnd = random.Random(2)
    for _ in range(15):
        run = fetchd.start(*args, "--rate", "300")
        time.sleep(rnd.uniform(0, 0.3))     # the moment is what is random
        kill(run)
    fetchd(*args, exit=None)
    assert_exact(db, lines)
    assert set(site.hits.values()) == {1}
