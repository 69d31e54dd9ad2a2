# SPDX-License-Identifier: ISC
"""--resume: how a run that was stopped goes on, what it says, --retry-failed,
and standard input."""
import collections
import gzip
import json
import os
import shlex
import signal
import subprocess
import time

import pytest

from origin import response, serve


def records(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def assert_exact(path, n):
    """Each item has one record."""
    assert sorted(r["seq"] for r in records(path)) == list(range(1, n + 1))


@pytest.fixture
def site(origin):
    """Counts what it is asked for; paths that begin with /bad fail at first."""
    class Site:
        def __init__(self):
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
    return Site()


@pytest.fixture
def listed(site, tmp_path):
    def write(n):
        path = tmp_path / "urls.txt"
        path.write_text("".join(u + "\n" for u in site.lines(n)))
        return path
    return write


def wait_for(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def stop_early(fetchd, *args, n, **how):
    """A run that TERM stops after n records."""
    r = fetchd.start(*args, quiet=False, **how)
    out = args[args.index("-o") + 1]
    wait_for(lambda: os.path.exists(out) and
             out.read_bytes().count(b"\n") >= n)
    r.kill(signal.SIGTERM)
    return r


# -- what it says -------------------------------------------------------------

def test_an_interrupted_run_says_how_to_go_on_and_that_line_works(
        fetchd, site, listed, tmp_path):
    urls, out = listed(500), tmp_path / "o ut.jsonl"
    res = stop_early(fetchd, urls, "-o", out, "--resume", "--rate", "100",
                     n=20).finish(exit=75)
    line = res.stderr.splitlines()[-1]
    assert line.startswith("fetchd: not finished; to go on: ")
    command = line.split("to go on: ")[1]
    assert "--resume" in shlex.split(command)
    done = len(records(out))
    again = subprocess.run(["sh", "-c", command.replace("100", "5000")],
                           capture_output=True, timeout=60,
                           env=fetchd.env(None))
    assert again.returncode == 0, again.stderr
    assert_exact(out, 500)
    assert sum(site.hits.values()) == 500     # nothing is asked for twice
    assert done < 500


def test_the_line_contains_no_secret(fetchd, site, listed, tmp_path):
    urls, out = listed(300), tmp_path / "out.jsonl"
    res = stop_early(fetchd, urls, "-o", out, "--resume", "--rate", "100",
                     "-u", "me:hunter2", n=5).finish(exit=75)
    assert "hunter2" not in res.stderr
    assert "run the same command with --resume" in res.stderr


def test_a_finished_run_says_so_and_has_the_status_of_the_whole(
        fetchd, site, listed, tmp_path):
    urls, out = listed(100), tmp_path / "out.jsonl"
    args = (urls, "-o", out, "--resume", "-f")
    assert fetchd(*args, exit=8).stderr == ""
    before, hits = out.read_bytes(), sum(site.hits.values())
    res = fetchd(*args, exit=8, quiet=False)
    assert "the run is finished" in res.stderr
    assert "100 items" in res.stderr
    assert out.read_bytes() == before
    assert sum(site.hits.values()) == hits


def test_the_counts_are_those_of_the_whole_run(fetchd, site, listed, tmp_path):
    urls, out = listed(200), tmp_path / "out.jsonl"
    args = (urls, "-o", out, "--resume", "-f")
    stop_early(fetchd, *args, "--rate", "100", n=30).finish(exit=75)
    res = fetchd(*args, "--stats", exit=8)
    assert (res.stats["items"], res.stats["ok"], res.stats["failed"]) == \
        (200, 180, 20)
    assert_exact(out, 200)


def test_the_seq_of_an_item_is_that_of_its_line(fetchd, site, listed,
                                                tmp_path):
    urls, out = listed(300), tmp_path / "out.jsonl"
    args = (urls, "-o", out, "--resume")
    stop_early(fetchd, *args, "--rate", "150", n=30).finish(exit=75)
    fetchd(*args, exit=0)
    lines = site.lines(300)
    assert all(r["input"] == lines[r["seq"] - 1] for r in records(out))


# -- --retry-failed -----------------------------------------------------------

@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_retry_failed_asks_for_the_failed_items_only(fetchd, site, listed,
                                                     tmp_path, name):
    urls, out = listed(200), tmp_path / name
    args = (urls, "-o", out, "--resume", "-f")
    fetchd(*args, exit=8, keys=False)
    site.is_broken = False
    site.hits.clear()
    fetchd(*args, "--retry-failed", exit=0, keys=False)
    assert set(site.hits) == {f"/bad/{i}" for i in range(7, 200, 10)}
    assert set(site.hits.values()) == {1}
    assert_exact(out, 200)
    assert all(r["error"] is None for r in records(out))
    # It is an ordinary finished run now.
    res = fetchd(*args, exit=0, quiet=False, keys=False)
    assert "the run is finished" in res.stderr


def test_what_fails_again_has_the_new_record_only(fetchd, site, listed,
                                                  tmp_path):
    urls, out = listed(100), tmp_path / "out.jsonl"
    args = (urls, "-o", out, "--resume", "-f")
    fetchd(*args, exit=8)
    old = {r["seq"]: r["timestamp"] for r in records(out)}
    fetchd(*args, "--retry-failed", exit=8)
    assert_exact(out, 100)
    for r in records(out):
        assert (r["timestamp"] != old[r["seq"]]) == (r["error"] is not None)


def test_a_retry_that_was_killed_goes_on(fetchd, site, listed, tmp_path):
    urls, out = listed(400), tmp_path / "out.jsonl"
    args = (urls, "-o", out, "--resume", "-f")
    fetchd(*args, exit=8)
    site.is_broken = False
    size = out.stat().st_size
    r = fetchd.start(*args, "--retry-failed", "--rate", "20", quiet=False)
    wait_for(lambda: out.stat().st_size > size + 3000)
    r.proc.kill()
    r.proc.wait()
    fetchd(*args, exit=0)       # without --retry-failed: it is known
    assert_exact(out, 400)
    assert all(r["error"] is None for r in records(out))


def test_retry_failed_needs_a_run(fetchd, listed, tmp_path):
    res = fetchd(listed(5), "-o", tmp_path / "out.jsonl", "--retry-failed",
                 exit=3)
    assert "there is no run" in res.stderr
    assert not (tmp_path / "out.jsonl.journal").exists()


# -- standard input -----------------------------------------------------------

def lines_of(site, n):
    return "".join(u + "\n" for u in site.lines(n)).encode()


def test_standard_input_is_kept_for_the_next_run(fetchd, site, tmp_path):
    """The producer is gone; not one of its lines is lost."""
    out = tmp_path / "out.jsonl"
    r = fetchd.start("-o", out, "--resume", "--rate", "100", quiet=False)
    r.feed(lines_of(site, 5000))
    spool = tmp_path / "out.jsonl.journal.spool"
    wait_for(lambda: spool.exists() and out.exists() and
             spool.stat().st_size == len(lines_of(site, 5000)) and
             out.read_bytes().count(b"\n") > 10)
    r.proc.kill()
    r.proc.wait()
    assert spool.stat().st_mode & 0o777 == 0o600
    fetchd("-o", out, "--resume", exit=0, timeout=90)
    assert_exact(out, 5000)


def test_the_same_input_may_be_given_again_and_may_have_grown(fetchd, site,
                                                              tmp_path):
    out = tmp_path / "out.jsonl"
    fetchd("-o", out, "--resume", stdin=lines_of(site, 50), exit=0)
    res = fetchd("-o", out, "--resume", stdin=lines_of(site, 50), exit=0,
                 quiet=False)
    assert "the run is finished" in res.stderr
    fetchd("-o", out, "--resume", stdin=lines_of(site, 60), exit=0)
    assert_exact(out, 60)
    assert set(site.hits.values()) == {1}


def test_another_standard_input_is_refused(fetchd, site, tmp_path):
    out = tmp_path / "out.jsonl"
    fetchd("-o", out, "--resume", stdin=lines_of(site, 50), exit=0)
    before = out.read_bytes()
    res = fetchd("-o", out, "--resume", stdin=b"http://127.0.0.1:1/\n" * 50,
                 exit=3)
    assert "standard input: it differs" in res.stderr
    assert out.read_bytes() == before


def test_without_a_spool_the_same_input_is_needed(fetchd, site, tmp_path):
    out = tmp_path / "out.jsonl"
    args = ("-o", out, "--resume", "--no-spool")
    fetchd(*args, stdin=lines_of(site, 50), exit=0)
    assert not (tmp_path / "out.jsonl.journal.spool").exists()
    fetchd(*args, stdin=lines_of(site, 70), exit=0)
    assert_exact(out, 70)
    assert set(site.hits.values()) == {1}


def test_an_input_that_is_no_regular_file_is_refused(fetchd, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    res = fetchd(fifo, "-o", tmp_path / "out.jsonl", "--resume", exit=2)
    assert "regular files" in res.stderr
    assert not (tmp_path / "out.jsonl").exists()
    assert not (tmp_path / "out.jsonl.journal").exists()


# -- what must be together ----------------------------------------------------

@pytest.mark.parametrize("args, says", [
    (("--resume",), "needs -o FILE"),
    (("--retry-failed",), "needs -o FILE"),
    (("--journal", "-", "-o", "x.jsonl"), "must be a file"),
    (("--resume", "-o", "x.jsonl", "--follow", "urls.txt"), "--follow"),
    (("--journal", "x.jsonl", "-o", "x.jsonl"), "must not be the file"),
])
def test_options_that_make_no_sense_are_refused(fetchd, tmp_path, args, says):
    res = fetchd(*args, "http://127.0.0.1:1/", exit=2, cwd=tmp_path)
    assert says in res.stderr
    assert os.listdir(tmp_path) == []


def test_a_run_killed_while_it_reads_the_list_again_still_knows_it(
        fetchd, site, listed, tmp_path):
    """It had not come to where the run before was."""
    urls, out = listed(300), tmp_path / "out.jsonl"
    args = (urls, "-o", out, "--resume")
    stop_early(fetchd, *args, "--rate", "100", n=100).finish(exit=75)
    journal = tmp_path / "out.jsonl.journal"
    before = journal.read_bytes()
    r = fetchd.start(*args, "--rate", "0.01", quiet=False)
    wait_for(lambda: journal.read_bytes() != before)
    r.proc.kill()
    r.proc.wait()
    lines = urls.read_text().splitlines(True)
    urls.write_text("".join(["http://127.0.0.1:1/other\n"] + lines[1:]))
    res = fetchd(*args, exit=3)
    assert "the run before has read" in res.stderr
