# SPDX-License-Identifier: ISC
"""fetchd's end of the worker protocol (src/codec/frame.h), in Python.

Worker starts a fetchd-worker as fetchd would and speaks to it; what it answers
is taken apart strictly. Knows nothing of what is extracted, nor of fetchd.
"""
import collections
import os
import re
import select
import socket
import struct
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# A build without sanitizers, which the whole sandbox fits.
PLAIN = os.environ.get("FETCHD_PLAIN", os.path.join(TOP, "build", "dev"))
WORKER = os.path.join(PLAIN, "fetchd-worker")
EVIL = os.path.join(PLAIN, "tests", "evil-worker")

CONFIG, DOC, READY, BAD, RESULT = range(1, 6)
MISSING = dict(privs=1, seccomp=2, landlock=4, rlimits=8, deathsig=16)
KINDS = dict(title=1, links=2, text=3, meta=4, jsonld=5, css=6, xpath=7,
             regex=8, regex_text=9)
OK, USAGE, OOM, EXEC, PROTOCOL, ORPHAN = 0, 2, 71, 72, 73, 74
HEAD = struct.Struct("<BBBBIQ")

Frame = collections.namedtuple("Frame", "type id payload")


def _bytes(s):
    return s if isinstance(s, bytes) else s.encode()


def string(s):
    return struct.pack("<I", len(_bytes(s))) + _bytes(s)


def frame(kind, payload=b"", doc=0):
    return HEAD.pack(0x46, 1, kind, 0, len(payload), doc) + payload


def config(*jobs):
    """Each ("title",) or ("css", NAME, EXPRESSION)."""
    out = b""
    for kind, *rest in jobs:
        name, expr = (*rest, "", "")[:2] if rest else (kind, "")
        out += bytes([KINDS[kind]]) + string(name) + string(expr)
    return frame(CONFIG, out)


def doc(number, body, content_type="text/html", url="http://a.test/"):
    return frame(DOC, string(url) + string(content_type) + _bytes(body),
                 number)


class Worker:
    """A running worker. sock: the protocol; err: its stderr; proc."""

    def __init__(self, program=WORKER, mem=512 << 20, seconds=10, sandbox=1,
                 parent=None, args=None, env=None, pass_fds=(),
                 preexec=None):
        if args is None:
            args = ["--serve", parent or os.getpid(), mem, seconds, sandbox]
        self.sock, theirs = socket.socketpair()
        with theirs:
            self.proc = subprocess.Popen(
                [program, *map(str, args)], stdin=theirs, stdout=theirs,
                stderr=subprocess.PIPE, env=env or {}, pass_fds=pass_fds,
                preexec_fn=preexec)
        self.sock.settimeout(60)
        self.err = self.proc.stderr

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.err.close()

    @property
    def pid(self):
        return self.proc.pid

    # -- messages -----------------------------------------------------------
    def send(self, data):
        self.sock.sendall(data)

    def receive(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError(f"{len(data)} of {n} bytes: {data[:80]!r}")
            data += more
        return data

    def get(self):
        magic, version, kind, zero, length, number = \
            HEAD.unpack(self.receive(HEAD.size))
        assert (magic, version, zero) == (0x46, 1, 0)
        assert length <= 16 << 20
        return Frame(kind, number, self.receive(length))

    def ready(self, *jobs):
        """Configures it; the set of what is missing of the sandbox."""
        self.send(config(*(jobs or [("title",)])))
        f = self.get()
        assert f.type == READY and f.id == 0, (f, self.said())
        bits, = struct.unpack("<I", f.payload)
        assert bits < 32
        return {name for name, bit in MISSING.items() if bits & bit}

    def parse(self, number, body, **how):
        """(error as a number, JSON text) of one document."""
        self.send(doc(number, body, **how))
        return self.result(number)

    def result(self, number):
        f = self.get()
        assert (f.type, f.id) == (RESULT, number), f
        return f.payload[0], f.payload[1:].decode()

    # -- its end ------------------------------------------------------------
    def wait(self, timeout=60):
        """Exit status; -signal."""
        return self.proc.wait(timeout)

    def close(self, timeout=60):
        """Nothing more to read: its exit status."""
        self.sock.shutdown(socket.SHUT_WR)
        return self.wait(timeout)

    def said(self, seconds=0.2):
        """What is on its stderr by now, or until its end."""
        out, fd = b"", self.err.fileno()
        while select.select([fd], [], [], seconds)[0]:
            more = os.read(fd, 1 << 16)
            if not more:
                break
            out += more
        return out.decode(errors="replace")

    # -- what the kernel says of it -----------------------------------------
    def proc_file(self, name):
        with open(f"/proc/{self.pid}/{name}", "rb") as f:
            return f.read().decode(errors="replace")

    def status(self):
        return dict(re.findall(r"^(\w+):\s*(.*)$", self.proc_file("status"),
                               re.M))

    def fds(self):
        folder = f"/proc/{self.pid}/fd"
        return {int(n): os.readlink(f"{folder}/{n}")
                for n in os.listdir(folder)}

    def limits(self):
        """name -> (soft, hard), numbers or "unlimited"."""
        rows = re.findall(r"^(Max .*?)\s{2,}(\S+)\s+(\S+)",
                          self.proc_file("limits"), re.M)
        return {name: tuple(v if v == "unlimited" else int(v)
                            for v in values) for name, *values in rows}


def is_gone(pid):
    """Ended, whether or not somebody has asked for its exit status."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(what, seconds=10):
    """Waits for it; the seconds it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.005)
    return time.monotonic() - began
