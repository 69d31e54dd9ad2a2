# SPDX-License-Identifier: ISC
"""What a worker cannot do, whatever a document has made of it: seen from
outside, as the kernel tells it, on a build without sanitizers.

The worker is started as fetchd would, without fetchd (frames.py); the evil one
does what a document says. `pytest -rA` shows what was seen.
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

import frames
import oldkernel
from frames import (EVIL, EXEC, OK, OOM, ORPHAN, PROTOCOL, TOP, USAGE, WORKER,
                    Worker, frame, is_gone, until)
from harness import BINARY, SANITIZER, row

pytestmark = [
    pytest.mark.harness,
    pytest.mark.skipif(not os.access(EVIL, os.X_OK),
                       reason=f"{EVIL} is not built")]
MEM = 256 << 20
LANDLOCK = oldkernel.landlock_version()
# What this machine cannot have of the sandbox, whoever asks for it.
LACKS = set() if LANDLOCK else {"landlock"}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
x86_only = pytest.mark.skipif(not oldkernel.is_possible,
                              reason="knows the calls of x86-64 only")


@pytest.fixture
def start():
    running = []

    def start(*jobs, program=WORKER, **how):
        w = Worker(program, **{"mem": MEM, **how})
        running.append(w)
        w.missing = w.ready(*jobs)
        return w
    yield start
    for w in running:
        w.__exit__()


@pytest.fixture
def evil(start):
    """evil("open") -> (the worker, its exit status), the deed done."""
    def evil(deed, **how):
        w = start(program=EVIL, **how)
        w.send(frames.doc(1, f"<p><!--evil:{deed}--></p>"))
        return w, w.wait()
    return evil


def look(at):
    """What is readable of it: as root, mostly."""
    try:
        return at()
    except PermissionError:
        pytest.skip("a worker hides its /proc from others")


def exec_args(program, *argv, mem=0, seconds=10):
    """The program by its path: it is fetchd that looks for it in PATH."""
    return ["--exec", os.getpid(), mem, seconds, "--",
            shutil.which(program) or program, *argv]


def system_calls():
    """System calls of this machine by name, from the kernel's header."""
    out = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x",
                          "c", "/dev/null"], check=True, text=True,
                         capture_output=True).stdout
    return {name: int(n) for name, n in
            re.findall(r"^#define __NR_(\w+) (\d+)$", out, re.M)}


# ---- what it looks like -----------------------------------------------------
@row(229)
def test_nothing_of_the_sandbox_is_missing_here(start):
    w = start()
    status = w.status()
    seen = {k: status[k] for k in ("NoNewPrivs", "Seccomp", "CapPrm", "CapEff",
                                   "SigIgn", "SigBlk", "Threads")}
    print("status:", seen, "missing:", w.missing or "nothing")
    assert w.missing == LACKS
    assert seen == {"NoNewPrivs": "1", "Seccomp": "2", "CapPrm": "0" * 16,
                    "CapEff": "0" * 16, "SigIgn": "0" * 16,
                    "SigBlk": "0" * 16, "Threads": "1"}


def test_a_worker_has_its_socket_and_its_stderr_open_and_nothing_else(start):
    with open(__file__) as extra:
        w = start(pass_fds=[extra.fileno()])
    fds = look(w.fds)
    print("fd:", fds)
    assert set(fds) == {0, 1, 2}
    assert fds[0] == fds[1] and fds[0].startswith("socket:")
    assert fds[2].startswith("pipe:")


def test_what_its_parent_left_open_is_not_open_in_a_program():
    with open(__file__) as extra, Worker(
            args=exec_args("cat"), pass_fds=[extra.fileno()]) as w:
        w.send(b"x")
        w.receive(1)
        assert set(w.fds()) == {0, 1, 2}


def test_a_workers_environment_is_empty(start):
    w = start()
    assert look(lambda: w.proc_file("environ")) == ""


def test_a_worker_leads_a_group_of_its_own(start):
    w = start()
    assert look(lambda: os.getpgid(w.pid)) == w.pid


def test_a_worker_stands_back_for_the_loop_and_for_nobody_else(start):
    """In one scheduling group with it: a session would have its own."""
    w = start()
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    nice = look(lambda: os.getpriority(os.PRIO_PROCESS, w.pid))
    assert nice == min(19, mine + 10)
    if os.path.exists("/proc/self/autogroup"):
        with open("/proc/self/autogroup") as f:
            assert w.proc_file("autogroup") == f.read()


def test_a_workers_limits_are_set(start):
    limits = start(mem=300 << 20, seconds=10).limits()
    print("limits:", limits)
    assert limits["Max address space"] == (300 << 20, 300 << 20)
    assert limits["Max cpu time"] == (600, 601)
    assert limits["Max open files"] == (8, 8)
    for name in ("processes", "file size", "core file size"):
        assert limits["Max " + name] == (0, 0), name
    # As long as twenty documents, if that is more.
    assert start(seconds=60).limits()["Max cpu time"] == (1200, 1201)


def test_a_limit_of_zero_is_none(start):
    limits = start(mem=0, seconds=0).limits()
    assert limits["Max address space"][0] == "unlimited"
    assert limits["Max cpu time"][0] == "unlimited"


@pytest.mark.skipif(
    subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode
    and subprocess.run(["unshare", "-Un", "true"],
                       capture_output=True).returncode,
    reason="no network namespaces here")
def test_a_worker_has_no_network(start):
    w = start()
    mine, its = (look(lambda: os.readlink(f"/proc/{p}/ns/net"))
                 for p in ("self", w.pid))
    devices = w.proc_file("net/dev").splitlines()[2:]
    print("network:", mine, its, devices)
    assert mine != its
    assert [d.split(":")[0].strip() for d in devices] == ["lo"]


UNPRIVILEGED = """
import os, sys
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.path.insert(0, sys.argv[1])
import frames
w = frames.Worker(sys.argv[1] + "/fetchd-worker")
print(sorted(w.ready()), w.status()["Seccomp"], w.pid, flush=True)
sys.stdin.read()
"""


@root_only
def test_a_worker_of_an_unprivileged_fetchd_has_the_same():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for path in (WORKER, frames.__file__):
            shutil.copy(path, folder)
        p = subprocess.Popen([sys.executable, "-c", UNPRIVILEGED, folder],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        with p:
            said = p.stdout.readline()
            print("unprivileged:", said.strip())
            p.kill()
        assert said.startswith(f"{sorted(LACKS)} 2 "), said
        # It changed what it is allowed, and dies with its parent still.
        until(lambda: is_gone(int(said.split()[-1])), 1)


# ---- what it cannot do ------------------------------------------------------
@row(229)
@pytest.mark.parametrize("deed", """open socket execve ptrace kill fork tgkill
mmap-exec mprotect-exec foreign""".split())
def test_a_worker_that_asks_for_what_it_may_not_have_is_killed(evil, deed):
    struck = []
    before = signal.signal(signal.SIGUSR2, lambda *_: struck.append(1))
    try:
        w, status = evil(deed)
    finally:
        signal.signal(signal.SIGUSR2, before)
    print(f"{deed}: {signal.Signals(-status).name}")
    assert status == -signal.SIGSYS
    assert not struck, "its parent was reached"
    with pytest.raises(EOFError):
        w.get()


@row(229)
def test_every_other_system_call_kills(start):
    """Each number of this machine, with arguments of zero."""
    allowed = """read write readv writev close brk munmap mremap madvise futex
    clock_gettime getrandom rt_sigreturn rt_sigprocmask sigaltstack
    restart_syscall gettid getpid exit exit_group mmap mprotect""".split()
    calls, killed = system_calls(), []
    assert len(calls) > 300 and set(allowed) <= set(calls)
    for name, n in sorted(calls.items(), key=lambda c: c[1]):
        if name in allowed:
            continue
        with Worker(EVIL, mem=MEM) as w:
            w.ready()
            w.send(frames.doc(1, f"<!--evil:syscall {n}-->"))
            assert w.wait() == -signal.SIGSYS, name
            killed.append(name)
    print(f"{len(killed)} of {len(calls)} system calls kill")


# ---- a kernel without a part of it ------------------------------------------
@x86_only
@pytest.mark.parametrize("call, part", [
    ("seccomp", "seccomp"), ("landlock", "landlock"), ("unshare", None),
    ("close_range", None)])
def test_what_a_kernel_lacks_is_told_and_the_rest_is_in_force(start, call,
                                                              part):
    w = start(preexec=oldkernel.without(call))
    print(f"without {call}:", w.missing)
    assert w.missing == LACKS | ({part} if part else set())
    assert w.status()["NoNewPrivs"] == "1"
    assert w.limits()["Max open files"] == (8, 8)
    assert w.parse(1, "<p>")[0] == 0
    assert w.close() == OK


@x86_only
@root_only
def test_without_new_privileges_forbidden_nothing_else_is_lost(start):
    w = start(preexec=oldkernel.without("no_new_privs"))
    assert "privs" in w.missing
    assert w.parse(1, "<p>")[0] == 0


@x86_only
@row(229)
@pytest.mark.parametrize("deed, version", [
    ("open", 1), ("execve", 1), ("ptrace", 1), ("kill", 6), ("tgkill", 6)])
def test_landlock_alone_refuses_what_it_can(start, deed, version):
    """Without the filter of system calls: refused, and the worker goes on."""
    if LANDLOCK < version:
        pytest.skip(f"Landlock {LANDLOCK} knows nothing of it")
    struck = []
    before = signal.signal(signal.SIGUSR2, lambda *_: struck.append(1))
    try:
        w = start(program=EVIL, preexec=oldkernel.without("seccomp"))
        said = w.parse(1, f"<!--evil:{deed}-->")
    finally:
        signal.signal(signal.SIGUSR2, before)
    print(f"{deed}: {said[1]}")
    assert said == (0, f'{{"{deed}":-1}}')
    assert not struck, "its parent was reached"


# ---- its faults -------------------------------------------------------------
@pytest.mark.parametrize("deed, by", [
    ("crash", signal.SIGSEGV), ("abort", signal.SIGABRT),
    ("check", signal.SIGABRT), ("overflow", signal.SIGSEGV)])
def test_a_crash_is_seen_as_the_crash_it_is(evil, deed, by):
    """Not as a breach of the sandbox on the way out."""
    assert evil(deed)[1] == -by


def test_a_broken_invariant_is_named_on_stderr(evil):
    w, _ = evil("check")
    assert "internal error: o->id == 0" in w.said()


@row(224)
@pytest.mark.parametrize("deed", ["leak", "malloc"])
def test_a_worker_without_memory_says_so_by_its_exit_status(evil, deed):
    w, status = evil(deed, mem=128 << 20)
    assert status == OOM
    assert w.said() == ""


@row(224)
def test_a_document_that_needs_more_than_there_is_ends_in_lack_of_memory(start):
    """libxml2's own allocations are meant: a tree of a million elements."""
    w = start(mem=64 << 20)
    assert w.parse(1, "<p>small")[0] == 0
    w.send(frames.doc(2, "<p>x" * (1 << 20)))
    assert w.wait() == OOM


@row(224)
def test_a_document_announced_larger_than_memory_ends_in_lack_of_memory(start):
    w = start(mem=64 << 20)
    w.send(frames.HEAD.pack(0x46, 1, frames.DOC, 0, 1 << 30, 1))
    assert w.wait() == OOM


def test_memory_of_a_large_document_is_given_back(start):
    def resident():
        return int(w.status()["VmRSS"].split()[0])
    w = start(mem=0)
    w.parse(1, "<p>small")
    small = resident()
    w.parse(2, "<p>x" * (1 << 20))
    w.parse(3, "<p>small")
    print("resident KiB:", small, "and after a large document:", resident())
    assert resident() < small + (48 << 10)


def test_without_the_sandbox_the_limits_of_memory_and_cpu_stay(start):
    w = start(sandbox=0)
    status, limits = w.status(), w.limits()
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("0", "0")
    assert limits["Max address space"][0] == MEM
    assert limits["Max cpu time"][0] == 600
    assert limits["Max open files"][0] != 8


# ---- its end ----------------------------------------------------------------
ORPHANED = """
import sys, time
sys.path.insert(0, sys.argv[1])
import frames
w = frames.Worker(args=None if sys.argv[2] == "serve" else
                  ["--exec", frames.os.getpid(), 0, 0, "--", "/bin/sleep",
                   "60"])
if sys.argv[2] == "serve":
    w.ready()
print(w.pid, flush=True)
time.sleep(60)
"""


@row(230)
@pytest.mark.parametrize("trade", ["serve", "exec"])
def test_a_worker_dies_with_its_parent(trade):
    p = subprocess.Popen([sys.executable, "-c", ORPHANED, frames.HERE, trade],
                         stdout=subprocess.PIPE, text=True)
    try:
        pid = int(p.stdout.readline())
        name = "fetchd-worker" if trade == "serve" else "sleep"
        until(lambda: open(f"/proc/{pid}/comm").read().strip() == name)
        assert not is_gone(pid)
    finally:
        p.kill()
        p.wait()
        p.stdout.close()
    took = until(lambda: is_gone(pid), 1)
    print(f"gone {took * 1000:.0f} ms after kill -9 of its parent")


def test_a_worker_whose_parent_is_another_ends_at_once(start):
    for args in (["--serve", os.getppid(), 0, 0, 1],
                 ["--exec", os.getppid(), 0, 0, "--", "true"]):
        with Worker(args=args) as w:
            assert w.wait() == ORPHAN


def test_the_end_of_its_input_is_its_end(start):
    assert start().close() == OK
    with Worker() as w:
        assert w.close() == OK  # before CONFIG as well


def test_a_worker_leaves_between_documents_at_half_of_its_cpu_time(start):
    """Ten minutes, or as little as it was left by whoever started it."""
    w = start(program=EVIL, preexec=lambda: resource.setrlimit(
        resource.RLIMIT_CPU, (2, 2)))
    assert w.limits()["Max cpu time"] == (2, 2)
    assert w.parse(1, "<!--evil:burn 100-->")[0] == 0
    assert w.parse(2, "<!--evil:burn 1000-->")[0] == 0
    assert w.wait() == OK


def test_a_configuration_that_is_of_no_use_is_answered_bad():
    with Worker() as w:
        w.send(frames.config(("css", "price", "p[")))
        f = w.get()
        assert f.type == frames.BAD and f.id == 0
        assert 0 < len(f.payload) <= 4096 and f.payload.decode()
        assert w.wait() == OK


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n\r\n", b"F\x02\x01\0" + bytes(12), b"F",
    frame(frames.READY, bytes(4)), frame(frames.RESULT, b"\0{}", 1),
    frame(frames.CONFIG, b"\x01\xff\xff\xff\xff"),
    frame(frames.CONFIG, b"\0" * 9), frame(frames.CONFIG, b"")[:10],
    frames.config(("title",))[:-1], frames.doc(1, "<p>"),
    frame(frames.CONFIG, b"", 7),
    frames.HEAD.pack(0x46, 1, frames.CONFIG, 0, 0xffffffff, 0)])
def test_what_is_no_configuration_ends_it(data):
    with Worker() as w:
        w.send(data)
        assert w.close() == PROTOCOL


@pytest.mark.parametrize("data", [
    b"x" * 16, frame(frames.DOC, b"", 1), frame(frames.DOC, b"\0" * 8, 1),
    frame(frames.DOC, frames.string("http://a/") + b"\xff\0\0\0", 1),
    frames.doc(0, "<p>"), frames.doc(2, "<p>")[:-1], frames.config(("title",)),
    frames.HEAD.pack(0x46, 1, frames.DOC, 0, (1 << 30) + 1, 1)])
def test_what_is_no_document_ends_it(start, data):
    w = start()
    assert w.parse(1, "<p>")[0] == 0
    w.send(data)
    assert w.close() == PROTOCOL


def test_documents_are_answered_in_their_order_however_they_are_cut(start):
    w = start()
    data = b"".join(frames.doc(n, "<p>" + "x" * n) for n in range(1, 60))
    for i in range(0, len(data), 7):
        w.send(data[i:i + 7])
    for n in range(1, 60):
        assert w.result(n)[0] == 0
    assert w.close() == OK
    assert w.said() == ""


def test_an_answer_is_whole_though_nobody_reads_it_for_a_while(start):
    """More than the socket holds: it waits, and writes the rest then."""
    w = start(program=EVIL)
    w.send(b"".join(frames.doc(n, "<!--evil:deep-->") for n in (1, 2, 3)))
    until(lambda: w.status()["State"].startswith("S"))
    for n in (1, 2, 3):
        assert len(w.result(n)[1]) > 200000


# ---- how it is started ------------------------------------------------------
def run(*args, program=WORKER):
    return subprocess.run([program, *map(str, args)], text=True, timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True)


def test_version_names_the_libraries():
    r = run("--version")
    assert r.returncode == 0 and r.stderr == ""
    assert re.fullmatch(r"fetchd-worker \d+\.\d+\.\d+\nlibxml2 [\d.]+, PCRE2 "
                        r"[\d.]+, libseccomp [\d.]+\n", r.stdout), r.stdout


@pytest.mark.parametrize("args", [
    [], ["-h"], ["--help"], ["--serve"], ["--serve", 1, 2, 3],
    ["--serve", 1, 2, 3, 4], ["--serve", 1, 2, 3, 1, 1],
    ["--serve", 0, 2, 3, 1], ["--serve", -1, 2, 3, 1],
    ["--serve", 1, "2k", 3, 1], ["--serve", 1, "", 3, 1],
    ["--serve", 1, 1 << 64, 3, 1], ["--serve", 1 << 32, 2, 3, 1],
    ["--exec", 1, 2, 3], ["--exec", 1, 2, 3, "--"],
    ["--exec", 1, 2, 3, "true", "x"], ["--version", "x"]])
def test_who_starts_it_by_hand_is_told_who_does(args):
    r = run(*args)
    assert r.returncode == USAGE and r.stdout == ""
    assert len(r.stderr.splitlines()) == 2
    assert "this program is started by fetchd" in r.stderr


# ---- any program ------------------------------------------------------------
def test_a_program_gets_its_arguments_as_they_are_and_no_shell():
    argv = ["printf", "%s\n", "a b", "$HOME", "*", ";true", ""]
    assert run(*exec_args(*argv)).stdout == "a b\n$HOME\n*\n;true\n\n"


def test_a_program_keeps_its_environment_and_gains_no_privileges():
    with Worker(args=exec_args("cat"), env={"PATH": os.environ["PATH"],
                                            "X": "1"}) as w:
        w.send(b"line\n")
        assert w.receive(5) == b"line\n"
        assert "X=1" in w.proc_file("environ").split("\0")
        status, limits = w.status(), w.limits()
        assert status["NoNewPrivs"] == "1"
        assert (status["SigIgn"], status["SigBlk"]) == ("0" * 16, "0" * 16)
        assert limits["Max core file size"] == (0, 0)
        assert os.getpgid(w.pid) == w.pid
        assert w.close() == OK


def test_a_programs_memory_is_limited_and_no_more_than_that():
    code = ("import resource as r, threading as t;"
            "a = t.Thread(target=print); a.start(); a.join();"
            "print(r.getrlimit(r.RLIMIT_AS)[0], r.getrlimit(r.RLIMIT_CPU)[0],"
            "len(open('/etc/passwd').read()) > 0)")
    r = run(*exec_args("/usr/bin/python3", "-c", code, mem=512 << 20))
    assert r.stdout == f"\n{512 << 20} -1 True\n", r
    big = run(*exec_args("/usr/bin/python3", "-c", "bytearray(1 << 30)",
                         mem=512 << 20))
    assert "MemoryError" in big.stderr


@pytest.mark.parametrize("program, why", [
    ("/no/such/program", "No such file or directory"),
    ("no-such-program-anywhere", "No such file or directory"),
    ("/etc/passwd", "Permission denied"), ("/etc", "Permission denied")])
def test_a_program_that_cannot_be_executed_says_why(program, why):
    r = run(*exec_args(program))
    assert r.returncode == EXEC
    assert r.stderr == f"{program}: {why}\n" and r.stdout == ""


def test_sockets_come_to_a_program_blocking():
    with Worker(args=exec_args("cat")) as w:
        w.send(b"x")
        assert w.receive(1) == b"x"
        flags = w.proc_file("fdinfo/0")
        assert not int(re.search(r"flags:\s*(\d+)", flags)[1], 8) & \
            os.O_NONBLOCK


# ---- with sanitizers --------------------------------------------------------
def sanitised(name):
    path = os.path.join(os.path.dirname(BINARY), name)
    if not os.access(path, os.X_OK):
        pytest.skip(f"{path} is not built")
    return path


def test_a_worker_leaks_nothing():
    """Of a sanitised build, which tells what it has to do without."""
    with Worker(sanitised("fetchd-worker")) as w:
        missing = w.ready()
        for n in range(1, 20):
            assert w.parse(n, f"<title>{n}</title><p>" * n)[0] == 0
        status, said = w.close(), w.said()
    print("missing:", missing)
    assert status == OK, said
    assert not SANITIZER.search(said), said
    assert missing in (set(), {"seccomp", "landlock", "rlimits"})


def test_a_worker_that_leaked_would_be_noticed():
    with Worker(sanitised("tests/evil-worker")) as w:
        if not w.ready():
            pytest.skip("this build has no sanitizers")
        w.parse(1, "<!--evil:lose-->")
        assert w.close() != OK
        assert "LeakSanitizer" in w.said()
