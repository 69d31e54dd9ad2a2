# SPDX-License-Identifier: ISC
"""No program of ours leaves a core, and what that takes from an unprivileged
user in /proc is not missed."""
import fcntl
import json
import os
import pty
import shutil
import subprocess
import threading

import pytest

from evil import children
from harness import PLAIN
from origin import response, serve

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="becomes another user")
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def install(plain, tmp_path):
    """The plain build where anybody may run it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("fetchd", "fetchd-worker"):
        shutil.copy2(os.path.join(os.path.dirname(PLAIN), name),
                     folder / name)
    for part in (folder, *folder.parents):
        if str(part).startswith("/tmp/"):
            os.chmod(part, 0o755)
    plain.binary = str(folder / "fetchd")


def core_limit(pid):
    with open(f"/proc/{pid}/limits") as f:
        for line in f:
            if line.startswith("Max core file size"):
                return line.split()[4:6]


def is_dumpable(pid):
    """What belongs to a process that is not belongs to root."""
    return os.stat(f"/proc/{pid}/environ").st_uid != 0


@pytest.mark.parametrize("extra", [[], ["--no-sandbox"]],
                         ids=["sandbox", "no-sandbox"])
def test_no_program_of_ours_leaves_a_core(plain, origin, tmp_path, extra):
    """As a user of no privileges, to whom /proc belongs no more."""
    gate = threading.Event()
    o = origin(serve(lambda r: (r.target == "/last" and r.conn.hold(gate)) or
                     response(b"<title>t</title>", headers=[
                         "Content-Type: text/html"])))
    install(plain, tmp_path)
    run = plain.start("--extract", "title", "--workers", "1", "--exec",
                      "/bin/cat", "-k", *extra, o.url("/first"),
                      o.url("/last"), stdin=subprocess.DEVNULL,
                      wrap=["prlimit", "--core=unlimited", *AS_NOBODY])
    assert run.until_records(1)
    found = children(run.pid)
    assert len(found) == 2
    for pid in [run.pid, *found]:
        assert core_limit(pid) == ["0", "0"], pid
    cats = [p for p in found if "cat" in open(f"/proc/{p}/cmdline").read()]
    for pid in {run.pid, *found} - set(cats):
        assert not is_dumpable(pid)
    gate.set()
    res = run.finish(exit=0, quiet=False)
    assert [r["extract"]["title"] for r in res.records] == ["t", "t"]


@pytest.mark.parametrize("kind", ["pipe", "fifo", "tty"])
def test_a_process_that_is_not_dumpable_still_opens_its_output_anew(
        plain, control, tmp_path, kind):
    """/proc/self/fd of another user's process: its pipe stays blocking."""
    fifo = str(tmp_path / "fifo")
    if kind == "pipe":
        reader, out = os.pipe()
    elif kind == "fifo":
        os.mkfifo(fifo, 0o666)
        os.chmod(fifo, 0o666)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        out = os.open(fifo, os.O_WRONLY)
        os.set_blocking(reader, True)
    else:
        reader, out = pty.openpty()
        os.chown(os.ttyname(out), 65534, -1)
    install(plain, tmp_path)
    run = plain.start("-k", "--format", "jsonl", control.url(), stdout=out,
                      stdin=subprocess.DEVNULL, json=False,
                      wrap=AS_NOBODY)
    got = b""
    while not got.endswith(b"\n"):
        got += os.read(reader, 65536)
    run.finish(exit=0, quiet=False)
    assert not fcntl.fcntl(out, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(out)
    os.close(reader)
    assert json.loads(got)["body"] == "control"
