# SPDX-License-Identifier: ISC
"""Runs one program pinned to the client's CPU and says what it cost. Knows
nothing of what the program is."""

import os
import statistics
import subprocess
import threading
import time

CPUS = sorted(os.sched_getaffinity(0))
CLIENT_CPU, SERVER_CPU = CPUS[0], CPUS[-1]
TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 300  # seconds; a program that takes longer is ended


class Run:
    """wall and cpu in seconds, rss in bytes, status as waitpid tells."""

    def __init__(self, wall, cpu, rss, status, busy):
        self.wall, self.cpu, self.rss = wall, cpu, rss
        self.status, self.busy = status, busy
        self.count = 0      # what it fetched; the scenario counts
        self.note = ""      # why it is out of its row, if it is
        self.says = ""      # what else is to be known of it
        self.more = {}      # figures of the program's own
        self.others = 0.0   # cores that neither it nor its server used


def server_cpu():
    os.sched_setaffinity(0, {SERVER_CPU})


def client_cpu():
    os.sched_setaffinity(0, {CLIENT_CPU})


def any_cpu():
    os.sched_setaffinity(0, CPUS)


def ticks(pid):
    """CPU seconds of a process so far, its threads included."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def all_busy():
    """CPU seconds of this machine so far, whoever used them."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _, _, irq, soft = [
            int(x) for x in f.readline().split()[1:8]]
    return (user + nice + system + irq + soft) / TICK


class Peak(threading.Thread):
    """The resident peak of one process. wait4's maxrss will not do: it begins
    with that of the process which started it."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.bytes = pid, 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            try:
                with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
                    for line in f:
                        if line.startswith("VmHWM:"):
                            self.bytes = int(line.split()[1]) * 1024
            except (OSError, ValueError):
                return


def feed(pipe, lines):
    try:
        with pipe:
            for chunk in lines:
                pipe.write(chunk)
    except BrokenPipeError:
        pass


def run(argv, server_pid=None, stdin=None, stdout=None, stderr=None, env=None,
        patience=PATIENCE, pinned=True):
    """stdin: None or an iterable of bytes, fed through a pipe. Ended after so
    many seconds of patience. Not pinned: on whatever CPU is free."""
    before = ticks(server_pid) if server_pid else 0
    all_before, own_before = all_busy(), time.process_time()
    start = time.monotonic()
    child = subprocess.Popen(
        argv, preexec_fn=client_cpu if pinned else any_cpu,
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=stdout or subprocess.DEVNULL,
        stderr=stderr or subprocess.DEVNULL)
    peak = Peak(child.pid)
    peak.start()
    if stdin is not None:
        threading.Thread(target=feed, args=(child.stdin, stdin),
                         daemon=True).start()
    timer = threading.Timer(patience, child.kill)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    peak.over.set()
    peak.join()
    busy = (ticks(server_pid) - before) / wall if server_pid else None
    made = Run(wall, usage.ru_utime + usage.ru_stime, peak.bytes,
               child.returncode, busy)
    mine = made.cpu + time.process_time() - own_before
    made.others = max(0, all_busy() - all_before - mine) / wall - (busy or 0)
    return made


def middle(values):
    """{"median", "min", "max"} of a list that is not empty."""
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}
