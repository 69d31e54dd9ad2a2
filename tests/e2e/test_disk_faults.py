# SPDX-License-Identifier: ISC
"""Disks that are slow, full, or fail.

shim.c is preloaded into the build without sanitizers. After each fault the run
has ended with exit 3 and a message, nothing that was there is overwritten, and
--resume completes the run once the cause is gone.
"""
import errno
import os
import random
import subprocess

import pytest

import powerloss
from crashes import (Pages, Shim, exactly_once, read_csv, read_jsonl,
                     read_series, read_sqlite)
from harness import row
from origin import response, serve

URLS = 1500
SEED = int(os.environ.get("FETCHD_SEED", 1))
# How many calls fail for each kind of run.
FAILING = 60 if os.environ.get("FETCHD_LONG") else 4
JOURNAL = "*/out.jsonl.journal"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with Pages(tmp_path_factory.mktemp("pages")) as p:
        yield p


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return Shim(tmp_path_factory.mktemp("shim"))


class Work:
    """A directory with a list of URLs, and runs in it."""

    def __init__(self, plain, shim, pages, tmp, n=URLS):
        self.plain, self.shim, self.pages = plain, shim, pages
        self.dir, self.log = tmp / "work", tmp / "log"
        self.dir.mkdir()
        self.urls = [pages.url(f"/big/{i}" if i % 50 == 7 else f"/i/{i}")
                     for i in range(1, n + 1)]
        (self.dir / "urls").write_text("\n".join(self.urls) + "\n")

    def run(self, *args, rules=(), exit=0, log=False):
        env = self.shim.env(self.dir, *rules, log=self.log if log else None)
        return self.plain("urls", "-o", "out.jsonl", "--resume", *args,
                          cwd=self.dir, env=env, exit=exit,
                          stdout=subprocess.DEVNULL)

    def lines(self):
        path = self.dir / "out.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def check(self, files=None):
        exactly_once(read_jsonl(str(self.dir / "out.jsonl")), self.urls,
                     files)


@pytest.fixture
def work(plain, shim, pages, tmp_path):
    return Work(plain, shim, pages, tmp_path)


NAMES = {errno.EIO: "output_io", errno.ENOSPC: "output_no_space",
         errno.EDQUOT: "output_no_space"}


@pytest.mark.parametrize("which", ["*/out.jsonl", JOURNAL])
@pytest.mark.parametrize("error", NAMES, ids=["EIO", "ENOSPC", "EDQUOT"])
@row(198)
def test_a_write_that_fails_ends_the_run_and_resume_completes_it(
        work, which, error):
    res = work.run(rules=[f"write {which} {error} 3 1"], exit=3)
    assert NAMES[error] in res.stderr and os.strerror(error) in res.stderr
    assert "--resume" in res.stderr, res.stderr
    assert os.path.basename(which) in res.stderr, res.stderr
    place = work.pages.place()
    work.run()
    work.check()
    sent = sum(work.pages.hits(place).values())
    assert sent <= len(work.urls)


@pytest.mark.parametrize("which", ["*/out.jsonl", JOURNAL])
@row(198)
def test_a_sync_that_failed_is_not_tried_again(work, which):
    """The kernel may have dropped the pages: a second fsync would succeed
    although the bytes are lost."""
    res = work.run(rules=[f"sync {which} {errno.EIO} 3 1"], exit=3, log=True)
    assert "output_io" in res.stderr and "Input/output error" in res.stderr
    log = powerloss.read(work.log)
    failed = [i for i, e in enumerate(log) if e.call == "sync" and e.error]
    assert len(failed) == 1
    path = log[failed[0]].path
    after = [e for e in log[failed[0] + 1:]
             if e.path == path and e.call == "sync"]
    assert not after, after
    if which != JOURNAL:
        # Nothing written to the journal after it may rest on it.
        wrote = [e for e in log[failed[0]:]
                 if e.path.endswith(".journal") and e.call == "write"]
        assert not wrote, wrote
    place = work.pages.place()
    work.run()
    work.check()
    hits = work.pages.hits(place)
    assert max(hits.values()) == 1
    # Back to the checkpoint before: at least what was in the lost batch.
    assert 256 <= len(hits) <= len(work.urls)


@row(207)
def test_a_slow_sync_does_not_delay_transfers(plain, shim, origin, tmp_path):
    """fsync takes five seconds: meanwhile requests go on, and the loop is not
    late."""
    o = origin(serve(lambda r: response(b"ok")))
    (tmp_path / "work").mkdir()
    (tmp_path / "urls").write_text(
        "".join(o.url(f"/{i}") + "\n" for i in range(900)))
    env = shim.env(tmp_path / "work", "sync * +5000 4 1")
    log = tmp_path / "log"
    env["SHIM_LOG"] = str(log)
    res = plain(tmp_path / "urls", "-o", "work/out.jsonl", "--resume",
                "--rate", "200/s", "--stats", cwd=tmp_path, env=env, exit=0,
                stdout=subprocess.DEVNULL)
    assert len(o.requests) == 900
    times = [r.time for r in o.requests]
    gap = max(b - a for a, b in zip(times, times[1:]))
    assert gap < 1, gap
    assert times[-1] - times[0] < 5.5
    assert res.wall > 5
    assert res.stats["loop_lag_max"] < 0.1, res.stats["loop_lag_max"]


@pytest.mark.parametrize("args", [
    [], ["-O", "bodies"], ["--fsync", "record"], ["--fsync", "none"]],
    ids=["out", "bodies", "record", "none"])
def test_a_full_disk_that_is_freed(plain, pages, tmp_path, args):
    """20 MB that fill up: exit 3, what is done stays, and --resume completes
    the run when there is room."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    at = tmp_path / "disk"
    at.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs",
                           str(at)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("cannot mount: " + made.stderr)
    try:
        fill_and_free(plain, pages, tmp_path, at, args)
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def fill_and_free(plain, pages, tmp, at, args):
    urls = [pages.url(f"/big/{i}" if i % 10 == 7 else f"/i/{i}")
            for i in range(1, 601)]
    (tmp / "urls").write_text("\n".join(urls) + "\n")
    (at / "ballast").write_bytes(bytes(12 << 20))
    command = ["../urls", "-o", "out.jsonl", "--resume", *args]
    res = plain(*command, cwd=at, exit=3, stdout=subprocess.DEVNULL)
    assert "output_no_space" in res.stderr, res.stderr
    assert "No space left on device" in res.stderr and "--resume" in res.stderr
    done = (at / "out.jsonl").read_bytes()
    assert done.count(b"\n") > 20
    # Once more without room: nothing is lost of what is done.
    res = plain(*command, cwd=at, exit=3, stdout=subprocess.DEVNULL)
    assert "output_no_space" in res.stderr, res.stderr
    kept = (at / "out.jsonl").read_bytes()
    assert kept[:len(done) // 2] == done[:len(done) // 2]
    (at / "ballast").unlink()
    place = pages.place()
    plain(*command, cwd=at, exit=0, stdout=subprocess.DEVNULL)
    files = str(at / "bodies") if "-O" in args else None
    exactly_once(read_jsonl(str(at / "out.jsonl")), urls, files)
    hits = pages.hits(place)
    assert sum(hits.values()) <= 600 - kept.count(b"\n") + 40


# ---- any call, any file ----

ANYWHERE = {
    "failed_input": ["-o", "out.jsonl", "--failed-input", "failed.txt"],
    "gzip": ["-o", "out.jsonl.gz", "--fsync", "record"],
    "csv": ["-o", "out.csv", "--fields", "seq,url,error,body"],
    "rotate": ["-o", "out.jsonl", "--rotate", "50K"],
    "bodies": ["-o", "out.jsonl", "-O", "bodies"],
    "keep_order": ["-o", "out.jsonl", "--keep-order"],
    "stdin": ["-o", "out.jsonl"],
    "sqlite": ["-o", "results.db"],
}


def records_of(kind, at):
    if kind == "csv":
        return read_csv(f"{at}/out.csv")
    if kind == "rotate":
        return read_series(f"{at}/out.jsonl")
    if kind == "sqlite":
        return read_sqlite(f"{at}/results.db")
    return read_jsonl(f"{at}/out.jsonl" + (".gz" if kind == "gzip" else ""))


def fail_and_resume(plain, shim, pages, at, kind, rule):
    """Returns the status of the run whose call failed."""
    urls = [pages.url(f"/no/{i}" if i % 9 == 0 else f"/i/{i}")
            for i in range(1, 401)]
    at.mkdir()
    text = ("\n".join(urls) + "\n").encode()
    (at / "urls").write_bytes(text)
    args = ([] if kind == "stdin" else ["urls"]) + ANYWHERE[kind] + [
        "--resume", "--rate", "2000/s", "-f"]
    how = {"stdin": text} if kind == "stdin" else {}
    res = plain(*args, cwd=at, env=shim.env(at, rule), exit=(3, 8),
                stdout=subprocess.DEVNULL, quiet=False, timeout=20, **how)
    if res.exit == 3:
        # SQLite says no more of most errors.
        said = [os.strerror(int(rule.split()[2]))] + (
            ["disk I/O error", "database or disk is full"]
            if kind == "sqlite" else [])
        assert any(s in res.stderr for s in said), res.stderr
    res2 = plain(*args, cwd=at, exit=8, stdout=subprocess.DEVNULL,
                 quiet=False, timeout=20, **how)
    exactly_once(records_of(kind, at), urls,
                 f"{at}/bodies" if kind == "bodies" else None)
    if kind == "failed_input":
        assert sorted((at / "failed.txt").read_text().split()) == \
            sorted(u for u in urls if "/no/" in u)
    return res.exit, res2.stderr


@pytest.mark.parametrize("kind", ANYWHERE)
@row(198)
def test_whatever_call_fails_the_run_can_be_resumed(plain, shim, pages,
                                                    tmp_path, kind):
    """One call, or all from it on, on any file of the run."""
    rng = random.Random(f"{SEED} {kind}")
    ends = []
    for i in range(FAILING):
        call = rng.choice(["write", "write", "sync"])
        error = errno.EIO if call == "sync" else rng.choice(
            [errno.EIO, errno.ENOSPC, errno.EDQUOT])
        n = int(2 ** rng.uniform(0, 5))
        rule = f"{call} * {error} {n} {rng.choice([0, 1])}"
        try:
            ends.append(fail_and_resume(plain, shim, pages,
                                        tmp_path / str(i), kind, rule)[0])
        except AssertionError as e:
            raise AssertionError(f"{rule}: {e}") from e
    print(f"{kind}: {ends.count(3)} of {FAILING} runs ended by a fault")
