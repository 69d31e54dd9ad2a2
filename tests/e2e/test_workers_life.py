# SPDX-License-Identifier: ISC
"""Workers that cannot be started, that are killed, stopped or orphaned: every
item has its record, and no process outlives fetchd."""
import fcntl
import os
import pty
import re
import shutil
import signal
import sys
import termios
import time

import pytest

from evil import (children, cpu, gone_within, honest,
                  parse_errors, workers)
from frames import EVIL, until
from harness import row

LONG = os.environ.get("FETCHD_LONG")
ECHO = "import sys; [print(1, flush=True) for _ in sys.stdin]"
SLEEP = [f"/{i}/sleep/60000" for i in range(6)]


def notes(res):
    """What fetchd says of itself."""
    return [x for x in res.stderr.splitlines()
            if x.startswith("fetchd: ") and " worker " not in x[:16]]


# -- no worker at all ---------------------------------------------------------

def replace(evil, with_):
    """Another fetchd-worker: a program's path, a text, or None."""
    folder = evil.use(worker=None)
    path = os.path.join(folder, "fetchd-worker")
    if with_ and os.path.exists(with_):
        shutil.copy2(with_, path)
    elif with_ is not None:
        with open(path, "w") as f:
            f.write(with_)
        os.chmod(path, 0o755)
    return path


@row(227)
@pytest.mark.parametrize("kind, program", [
    ("missing", None), ("dies at its start", "evil-start"),
    ("ends at once", "/bin/true"), ("fails at once", "/bin/false"),
    ("answers with other bytes", "/bin/cat"),
    ("talks and does not listen", "#!/bin/sh\nexec yes\n"),
    ("is killed", "#!/bin/sh\nkill -9 $$\n"),
    ("is no program", "neither a script nor ELF\n"),
    ("is for an interpreter there is not", "#!/no/such/sh\n")],
    ids=lambda v: v.replace(" ", "-") if v and v[0].islower() else "")
def test_without_a_worker_nothing_is_begun(evil, tmp_path, kind, program):
    if program == "evil-start":
        program = shutil.copy2(EVIL, tmp_path / "evil-start")
        path = replace(evil, None)
        os.symlink(program, path)
    else:
        path = replace(evil, program)
    res = evil([f"/{i}" for i in range(20)], workers=3, exit=2)
    assert res.records == [] and evil.site.requests == []
    said = [x for x in notes(res) if not re.match(r"fetchd: worker \d+: ", x)]
    print(f"{kind}: {res.wall:.2f} s: {said}")
    assert len(said) == 1
    assert said[0].startswith("fetchd: cannot start a worker: ")
    if kind in ("missing", "is no program"):
        assert path.rpartition("/")[2] in said[0]
    assert res.wall < 5


@row(227)
def test_workers_that_never_say_that_they_are_ready_are_none(evil, tmp_path):
    program = shutil.copy2(EVIL, tmp_path / "evil-deaf")
    path = replace(evil, None)
    os.symlink(program, path)
    res = evil([f"/{i}" for i in range(4)], workers=2, exit=2, timeout=30)
    assert notes(res) == [
        "fetchd: cannot start a worker: not ready within 10 s"]
    assert 9 <= res.wall < 14 and evil.site.requests == []


def test_a_stop_while_workers_start_is_heeded(evil, tmp_path):
    real = shutil.copy2(EVIL, tmp_path / "real")
    replace(evil, f"#!/bin/sh\nsleep 2\nexec {real} \"$@\"\n")
    run = evil.start(["/1"], workers=2)
    until(lambda: len(children(run.pid)) == 2)
    found = children(run.pid)
    run.kill(signal.SIGTERM)
    res = run.finish(exit=75, timeout=5)
    assert res.wall < 1.9 and res.records == []
    gone_within(found, 5)   # they see that their parent has gone


@row(227)
def test_one_worker_that_starts_is_enough(evil, tmp_path):
    """Of the others each dies at its start, again and again."""
    mark = tmp_path / "first"
    folder = evil.use(worker=None)
    real = os.path.join(folder, "real")
    shutil.copy2(EVIL, real)
    path = os.path.join(folder, "fetchd-worker")
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\nmkdir {mark} 2>/dev/null && exec {real} \"$@\"\n"
                "exit 1\n")
    os.chmod(path, 0o755)
    res = evil([f"/{i}/burn/20" for i in range(40)], workers=4)
    honest(res)
    assert {r["parse"]["worker"] for r in res.records} != set()
    print("restarts:", res.stats["worker_restarts"])
    assert res.stats["worker_restarts"] < 60, "there is a back-off"


@row(227)
def test_fetching_goes_on_when_the_workers_are_gone_for_good(evil, tmp_path):
    """After a start that went well: each starts once, and never again."""
    mark = tmp_path / "first"
    folder = evil.use(worker=None)
    real = os.path.join(folder, "real")
    shutil.copy2(EVIL, real)
    path = os.path.join(folder, "fetchd-worker")
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\nmkdir {mark} 2>/dev/null && exec {real} \"$@\"\n"
                "exit 1\n")
    os.chmod(path, 0o755)
    run = evil.start(["/0/abort"] + [f"/{i}" for i in range(1, 20)], workers=1)
    assert run.until_records(20, 20)
    began = time.monotonic()
    run.write("".join(u + "\n" for u in evil.urls(["/21", "/22"])))
    assert run.until_records(22, 5) and time.monotonic() - began < 1
    res = run.finish()
    codes = parse_errors(res)
    assert len(res.records) == 22
    assert set(codes.values()) <= {None, "worker_crashed",
                                   "worker_unavailable"}
    assert "worker_unavailable" in codes.values()


# -- what cannot be done is said before anything is -------------------------

def test_no_workers_and_something_to_extract_is_a_mistake(fetchd, evil):
    for what in (["--extract", "title"], ["--exec", "/bin/cat"],
                 ["--css", "a=b"]):
        res = fetchd("--workers", "0", *what, evil.site.url("/1"), exit=2)
        assert "--workers" in res.stderr and res.stderr.count("\n") == 1
    assert evil.site.requests == []


@pytest.mark.parametrize("option, word", [
    ("--css", "x=a[["), ("--xpath", "x=//a["), ("--xpath", "x=foo("),
    ("--regex", "x=(a"), ("--regex", "x@text=a{2,1}")])
def test_an_expression_nobody_understands_fetches_nothing(fetchd, evil,
                                                          tmp_path, option,
                                                          word):
    out = tmp_path / "out"
    out.write_text("as it was\n")
    res = fetchd(option, word, "-o", out, evil.site.url("/1"), exit=2)
    print(res.stderr)
    assert res.stderr.startswith(f"fetchd: {option}")
    assert res.stderr.count("\n") == 1
    assert evil.site.requests == []
    assert out.read_text() == "as it was\n"
    assert res.wall < 3


# -- killed and stopped from outside ------------------------------------------

def test_a_worker_killed_at_work_is_replaced_and_its_page_parsed(evil):
    run = evil.start(["/1/sleep/700", "/2", "/3/sleep/700", "/4"])
    found = workers(run.pid, 2)
    assert evil.site.until(lambda o: len(o.requests) == 4)
    time.sleep(0.3)
    os.kill(found[0], signal.SIGKILL)
    res = run.finish()
    honest(res)
    assert res.stats["worker_restarts"] == 1


def test_all_workers_killed_at_once_are_replaced(evil):
    run = evil.start([f"/{i}/sleep/400" for i in range(8)]
                     + [f"/{i}" for i in range(8, 40)], workers=8)
    found = workers(run.pid, 8)
    assert evil.site.until(lambda o: len(o.requests) >= 8)
    time.sleep(0.15)
    # So that none is given what another was killed with.
    run.kill(signal.SIGSTOP)
    for pid in found:
        os.kill(pid, signal.SIGTERM)
    gone_within(found, 2)
    run.kill(signal.SIGCONT)
    res = run.finish()
    honest(res)
    assert res.stats["worker_restarts"] == 8


def test_a_page_whose_worker_is_killed_twice_is_given_up(evil):
    run = evil.start(["/1/sleep/60000", "/2"], "--worker-time", "60",
                     workers=1)
    for _ in range(2):
        found = workers(run.pid, 1)
        assert evil.site.until(lambda o: len(o.requests) == 2)
        time.sleep(0.3)
        os.kill(found[0], signal.SIGKILL)
        gone_within(found, 2)
    res = run.finish()
    assert parse_errors(res) == {1: "worker_crashed", 2: None}
    honest(res, but={1})


@row(215)
def test_a_worker_that_is_stopped_is_late_and_replaced(evil):
    run = evil.start(["/1/sleep/300", "/2", "/3"], "--worker-time", "1",
                     workers=1)
    found = workers(run.pid, 1)
    assert evil.site.until(lambda o: len(o.requests) == 3)
    time.sleep(0.1)
    os.kill(found[0], signal.SIGSTOP)
    res = run.finish()
    assert parse_errors(res) == {1: "worker_timeout", 2: None, 3: None}
    gone_within(found, 1)


@row(215)
def test_a_fetchd_that_was_stopped_fails_no_healthy_page(evil):
    """Four pages of 0.4 s and their successors; stopped for longer than any
    of them may take."""
    run = evil.start([f"/{i}/sleep/400" for i in range(4)]
                     + [f"/{i}" for i in range(4, 12)],
                     "--worker-time", "0.8", workers=4)
    workers(run.pid, 4)
    assert evil.site.until(lambda o: len(o.requests) == 12)
    time.sleep(0.15)
    run.kill(signal.SIGSTOP)
    time.sleep(1.5)
    run.kill(signal.SIGCONT)
    res = run.finish()
    honest(res)
    assert res.stats["worker_restarts"] == 0


@row(215)
def test_a_thousand_deaths_leave_no_zombie_and_no_descriptor(evil):
    run = evil.start([f"/{i}" for i in range(20)], "-c", "1", workers=8)
    assert run.until_records(20)
    workers(run.pid, 8)
    baseline = run.fds()
    seen = []
    run.write("".join(u + "\n" for u in evil.urls(
        f"/{i}/crash" for i in range(20, 520))))
    while not run.until_records(520, 0.2):
        seen.append(children(run.pid))
        assert run.proc.poll() is None
    assert len(workers(run.pid, 8)) == 8
    until(lambda: run.fds() == baseline)
    until(lambda: len(children(run.pid)) == 8)
    print("zombies at a time:", max(
        (list(c.values()).count("Z") for c in seen), default=0))
    res = run.finish()
    assert res.stats["worker_restarts"] == 1000
    assert list(parse_errors(res).values()).count("worker_crashed") == 500
    honest(res, but=range(20, 520))


@row(215)
def test_deaths_that_come_as_one_signal_are_all_reaped(evil):
    run = evil.start([f"/{i}" for i in range(20)], workers=32)
    assert run.until_records(20)
    found = workers(run.pid, 32)
    baseline = run.fds()
    run.kill(signal.SIGSTOP)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    gone_within(found, 5)
    run.kill(signal.SIGCONT)
    run.write("".join(u + "\n" for u in evil.urls(
        f"/{i}" for i in range(20, 60))))
    assert run.until_records(60)
    until(lambda: not set(found) & set(children(run.pid)))
    workers(run.pid, 32)
    until(lambda: run.fds() <= baseline)
    honest(run.finish())


# -- orphans ------------------------------------------------------------------

ENDLESS = "import signal,sys\nfor s in range(1,32):\n" \
    "  if s not in (9,19): signal.signal(s, signal.SIG_IGN)\n" \
    "while True: pass\n"


@row(230)
@pytest.mark.parametrize("how", ["idle", "at work", "--exec at work"])
@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSEGV],
                         ids=["KILL", "SEGV"])
def test_workers_die_with_fetchd(evil, fetchd, how, sig):
    args = ["--worker-time", "60"]
    if how.startswith("--exec"):
        args += ["--exec", "/usr/bin/python3 " + fetchd.file(
            "endless.py", ENDLESS)]
    paths = ["/1/loop", "/2/sleep/60000", "/3/stop-reading"] * 2 \
        if how == "at work" else ["/1"]
    run = evil.start(paths, *args, workers=4)
    found = workers(run.pid, 8 if len(args) > 2 else 4)
    assert evil.site.until(lambda o: len(o.requests) == len(paths))
    if how != "idle":
        until(lambda: any(cpu(p) > 0.1 for p in found))
    run.kill(sig)
    run.proc.wait(20)
    print(f"gone after {gone_within(found, 1):.3f} s")


@row(230)
def test_workers_end_with_a_run_that_ends(evil):
    run = evil.start([f"/{i}" for i in range(8)], workers=4)
    found = workers(run.pid, 4)
    res = run.finish()
    honest(res)
    gone_within(found, 0.2)


# -- an orderly stop ----------------------------------------------------------

def test_a_signal_lets_the_pages_in_work_be_finished(evil):
    run = evil.start([f"/{i}/sleep/500" for i in range(4)]
                     + [f"/{i}" for i in range(4, 300)], "-c", "4",
                     workers=2)
    found = workers(run.pid, 2)
    assert evil.site.until(lambda o: len(o.requests) >= 4)
    run.kill(signal.SIGINT)
    res = run.finish(exit=75)
    assert 4 <= len(res.records) < 300
    honest(res)
    gone_within(found, 0.2)


def terminal_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rpartition(")")[2].split()[4])


@pytest.mark.parametrize("program", [False, True], ids=["worker", "exec"])
def test_a_terminal_interrupts_fetchd_and_not_its_workers(evil, program):
    """^C goes to all of a terminal's foreground; they are not of it."""
    master, slave = pty.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    how = ["--exec", f"{sys.executable} -c '{ECHO}'"] if program else []
    run = evil.start([f"/{i}/sleep/500" for i in range(4)] +
                     [f"/{i}" for i in range(4, 300)], *how, "-c", "4",
                     workers=2, preexec=take_terminal)
    found = workers(run.pid, 4 if program else 2)
    assert evil.site.until(lambda o: len(o.requests) >= 4)
    assert terminal_of(run.pid) != 0
    until(lambda: not any(terminal_of(p) for p in found))
    os.write(master, b"\x03")
    res = run.finish(exit=75)
    os.close(master)
    os.close(slave)
    assert 4 <= len(res.records) < 300 and res.stats["worker_restarts"] == 0
    assert all(r["parse"]["error"] is None for r in res.records)
    gone_within(found, 0.5)


def test_pages_in_work_at_the_end_of_grace_are_interrupted(evil):
    run = evil.start(SLEEP, "--worker-time", "60", "--grace", "1")
    found = workers(run.pid, 2)
    assert evil.site.until(lambda o: len(o.requests) == 6)
    began = time.monotonic()
    run.kill(signal.SIGINT)
    res = run.finish(exit=75)
    assert 0.8 <= time.monotonic() - began <= 4
    assert res.errors() == ["interrupted"] * 6
    for rec in res.records:
        assert rec["complete"] and rec["body"] and rec["status_code"] == 200
        assert rec["error_phase"] == "body"
        assert rec["extract"] is None and rec["parse"] is None
    gone_within(found, 0.2)


def test_a_second_signal_ends_it_at_once_with_its_workers(evil):
    run = evil.start(["/1/loop", "/2/loop", *SLEEP], "--worker-time", "60",
                     "--grace", "30")
    found = workers(run.pid, 2)
    until(lambda: any(cpu(p) > 0.1 for p in found))
    run.kill(signal.SIGINT)
    time.sleep(0.3)
    began = time.monotonic()
    run.kill(signal.SIGINT)
    run.finish(exit=130)
    assert time.monotonic() - began < 1.5
    gone_within(found, 1)


def test_max_run_time_ends_it_with_its_workers(evil):
    run = evil.start(["/1/loop", *SLEEP], "--worker-time", "60",
                     "--max-run-time", "1", "--grace", "0")
    found = workers(run.pid, 2)
    res = run.finish(exit=124, timeout=15)
    assert set(res.errors()) == {"interrupted"} and res.wall < 6
    gone_within(found, 0.5)


def test_a_reader_that_leaves_leaves_no_worker(evil):
    run = evil.start([f"/{i}/sleep/20" for i in range(300)],
                     read_stdout=False, json=False, close=True)
    found = workers(run.pid, 2)
    out = run.proc.stdout
    assert out.readline()
    out.close()
    run.finish(exit=75, timeout=20)
    gone_within(found, 0.5)


# -- what they inherit --------------------------------------------------------

def is_confined(pid):
    with open(f"/proc/{pid}/status") as f:
        return "\nSeccomp:\t2\n" in f.read()


def test_a_worker_inherits_no_descriptor_and_no_environment(evil):
    """Asked while connections, an output file and a log are open."""
    evil.plain()
    with open(os.devnull) as extra:
        run = evil.start([f"/{i}" for i in range(10)], workers=3,
                         pass_fds=[extra.fileno()])
        assert run.until_records(10)
        for pid in workers(run.pid, 3):
            until(lambda: is_confined(pid))     # the last may still begin
            fds = {int(n): os.readlink(f"/proc/{pid}/fd/{n}")
                   for n in os.listdir(f"/proc/{pid}/fd")}
            assert set(fds) == {0, 1, 2}, fds
            assert fds[0] == fds[1] and fds[0].startswith("socket:")
            with open(f"/proc/{pid}/environ", "rb") as f:
                assert f.read() == b""
            assert os.getpgid(pid) == pid
        honest(run.finish())
