# SPDX-License-Identifier: ISC
"""Output: records, formats, readers that stall or go away, full disks."""
import fcntl
import json
import os
import pty
import re
import socket
import subprocess
import threading
import time

import pytest

from harness import KEYS, row
from origin import delayed, response, serve


def urls(o, n, path="/"):
    return [o.url(f"{path}{i}") for i in range(n)]


def drain(fd, into, limit=None):
    """Reads a descriptor to its end, in a thread."""
    def work():
        while True:
            try:
                data = os.read(fd, 65536)
            except OSError:
                return
            if not data:
                return
            into.append(data)
    t = threading.Thread(target=work, daemon=True)
    t.start()
    return t


# -- readers that stall or go away -------------------------------------------

@row(193)
def test_head_1_ends_the_run_quietly_with_items_left(fetchd, origin):
    o = origin(serve(delayed(0.02, b"x" * 5000)))
    run = fetchd.start("-c", "4", read_stdout=False, json=False)
    run.feed("".join(u + "\n" for u in urls(o, 5000)).encode())
    line = run.proc.stdout.readline()
    run.proc.stdout.close()
    res = run.finish(timeout=30, exit=75)
    assert json.loads(line)["status_code"] == 200
    assert res.stderr == ""
    assert len(o.requests) < 1500


@row(193)
def test_a_reader_that_dies_in_mid_record_is_no_disaster(fetchd, origin):
    o = origin(serve(lambda r: response(b"y" * 3_000_000)))
    run = fetchd.start("-c", "2", read_stdout=False, json=False)
    run.feed("".join(u + "\n" for u in urls(o, 200)).encode())
    assert os.read(run.proc.stdout.fileno(), 1000)
    run.proc.stdout.close()
    res = run.finish(timeout=30, exit=75)
    assert res.stderr == ""


@row(193)
def test_head_1_of_one_item_ends_as_the_item_ended(fetchd, control):
    run = fetchd.start(control.url(), read_stdout=False, json=False,
                       stdin=subprocess.DEVNULL)
    run.proc.stdout.readline()
    run.proc.stdout.close()
    run.finish(exit=0)


def slow_pair(origin):
    """One answer at once, the others never."""
    gate = threading.Event()

    def handler(req):
        if req.target != "/quick":
            req.conn.hold(gate)
        return response()
    return origin(serve(handler)), gate


@row(193)
@pytest.mark.parametrize("kind", ["pipe", "socket", "fifo", "empty"])
def test_a_reader_that_has_gone_is_noticed_at_once(
        fetchd, origin, tmp_path, kind):
    """Not only when there is something to write for it."""
    o, gate = slow_pair(origin)
    args = ["-c", "4"]
    if kind in ("pipe", "empty"):
        reader, out = os.pipe()
    elif kind == "socket":
        a, b = socket.socketpair()
        out, reader = a.detach(), b.detach()
    else:
        os.mkfifo(tmp_path / "f")
        reader = os.open(tmp_path / "f", os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(reader, True)
        out = os.open("/dev/null", os.O_WRONLY)
        args += ["-o", tmp_path / "f"]
    run = fetchd.start(*args, stdout=out, json=False)
    os.close(out)
    first = "/slow" if kind == "empty" else "/quick"
    run.write("".join(o.url(p) + "\n" for p in (first, "/a", "/b", "/c")))
    assert o.until(lambda o: len(o.requests) == 4)
    if kind != "empty":
        assert json.loads(os.read(reader, 65536))["status_code"] == 200
    began = time.monotonic()
    os.close(reader)
    run.proc.wait(10)
    assert time.monotonic() - began < 2
    gate.set()
    assert run.finish(exit=75).stderr == ""


@row(193)
def test_a_reader_that_goes_after_the_last_record_changes_nothing(
        fetchd, control):
    """The input stays open, and nothing of it is left."""
    run = fetchd.start(read_stdout=False, json=False)
    run.write(control.url() + "\n")
    assert json.loads(run.proc.stdout.readline())["status_code"] == 200
    run.proc.stdout.close()
    run.proc.wait(10)
    assert run.finish(exit=0).stderr == ""


@row(193)
def test_a_socket_that_only_says_no_more_still_reads(fetchd, origin):
    """And what it wrote before is nobody's business."""
    o, gate = slow_pair(origin)
    a, b = socket.socketpair()
    out = a.detach()
    run = fetchd.start(stdout=out, json=False)
    os.close(out)
    b.sendall(b"hello\n" * 100)
    b.shutdown(socket.SHUT_WR)
    run.write(o.url("/quick") + "\n" + o.url("/slow") + "\n")
    assert o.until(lambda o: len(o.requests) == 2)
    before = run.cpu()
    time.sleep(0.7)
    assert run.cpu() - before < 0.2, "it turns without anything to do"
    gate.set()
    got = b""
    b.settimeout(20)
    while got.count(b"\n") < 2:
        got += b.recv(65536)
    run.finish(exit=0)
    b.close()


def test_a_reader_that_stops_stops_the_sockets_and_the_input(fetchd, origin):
    """And no transfer fails because of our own pause."""
    o = origin(serve(lambda r: response(b"z" * 200_000)))
    n = 2000
    run = fetchd.start("-c", "16", "--idle-timeout", "1", "-m", "3",
                       "--max-buffer", "8M", "--speed-limit", "1000",
                       "--speed-time", "1", read_stdout=False, json=False)
    run.feed("".join(u + "\n" for u in urls(o, n)).encode())
    assert o.until(lambda o: len(o.requests) >= 16, 20)
    seen, still = -1, time.monotonic()
    while time.monotonic() - still < 4:     # longer than every timeout above
        if len(o.requests) != seen:
            seen, still = len(o.requests), time.monotonic()
        time.sleep(0.05)
        assert seen < n, "it never stopped"
    assert seen < 500
    assert run.rss() < 400_000_000
    got = []
    t = drain(run.proc.stdout.fileno(), got)
    run.finish(timeout=120, exit=0)
    t.join(20)
    recs = [json.loads(x) for x in b"".join(got).splitlines()]
    assert len(recs) == n
    assert {r["error"] for r in recs} == {None}


def test_max_buffer_bounds_the_memory(fetchd, origin):
    o = origin(serve(lambda r: response(b"m" * 8_000_000)))
    # AddressSanitizer keeps what was freed: little of it, here.
    res = fetchd("-c", "50", "--max-buffer", "16M", "--stats",
                 stdin=urls(o, 60), timeout=120,
                 env={"ASAN_OPTIONS":
                         "detect_leaks=1:exitcode=99:quarantine_size_mb=1"})
    assert res.statuses() == [200] * 60
    assert {len(r["body"]) for r in res.records} == {8_000_000}
    assert res.stats["rss_peak_bytes"] < 260_000_000


# -- kinds of output -----------------------------------------------------------

@row(194)
@pytest.mark.parametrize("kind", ["file", "devnull", "socket", "fifo", "tty"])
def test_records_can_go_to_anything(fetchd, origin, tmp_path, kind):
    o = origin()
    n, got = 50, []
    lines = "".join(u + "\n" for u in urls(o, n)).encode()
    if kind == "file":
        out = os.open(tmp_path / "out", os.O_CREAT | os.O_RDWR)
        reader = out
    elif kind == "devnull":
        out = reader = os.open("/dev/null", os.O_WRONLY)
    elif kind == "socket":
        a, b = socket.socketpair()
        out, reader = a.detach(), b.detach()
    elif kind == "fifo":
        os.mkfifo(tmp_path / "f")
        reader = os.open(tmp_path / "f", os.O_RDONLY | os.O_NONBLOCK)
        out = os.open(tmp_path / "f", os.O_WRONLY)
        os.set_blocking(reader, True)
    else:
        reader, out = pty.openpty()
    run = fetchd.start("--color", "never", stdout=out, json=False,
                       quiet=False)
    if kind in ("socket", "fifo", "tty"):
        os.close(out)
        t = drain(reader, got)
    run.feed(lines)
    run.finish(exit=0)
    if kind in ("socket", "fifo", "tty"):
        t.join(10)
    if kind == "file":
        got.append(open(tmp_path / "out", "rb").read())
    os.close(reader)
    text = b"".join(got)
    if kind == "tty":
        shown = [x for x in text.splitlines() if x.startswith(b"200 ")]
        assert len(shown) == n
    elif kind != "devnull":
        assert len([json.loads(x) for x in text.splitlines()]) == n
    assert len(o.requests) == n


@row(194)
def test_a_fifo_without_a_reader_waits_for_one(fetchd, control, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    run = fetchd.start("-o", path, control.url(), stdin=subprocess.DEVNULL)
    with open(path, "rb") as f:
        rec = json.loads(f.read())
    run.finish(exit=0)
    assert rec["body"] == "control"


@row(194)
def test_a_socket_with_a_slow_reader_gets_every_record(fetchd, origin):
    o = origin(serve(lambda r: response(b"s" * 10_000)))
    a, b = socket.socketpair()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    out = a.detach()
    run = fetchd.start(stdout=out, json=False)
    run.feed("".join(u + "\n" for u in urls(o, 300)).encode())
    os.close(out)
    got = b""
    b.settimeout(30)
    while got.count(b"\n") < 300:
        data = b.recv(1000)
        assert data
        got += data
    run.finish(exit=0)
    b.close()
    assert len([json.loads(x) for x in got.splitlines()]) == 300


@row(195)
def test_a_shared_pipe_stays_blocking(fetchd, origin):
    o = origin()
    r, w = os.pipe()
    run = fetchd.start(stdout=w, json=False)
    got = []
    t = drain(r, got)
    run.feed("".join(u + "\n" for u in urls(o, 30)).encode())
    during = fcntl.fcntl(w, fcntl.F_GETFL)
    run.finish(exit=0)
    after = fcntl.fcntl(w, fcntl.F_GETFL)
    os.close(w)
    t.join(10)
    os.close(r)
    assert not (during | after) & os.O_NONBLOCK
    assert b"".join(got).count(b"\n") == 30


@row(195)
def test_a_shared_stdin_stays_blocking(fetchd, control):
    r, w = os.pipe()
    os.write(w, (control.url() + "\n").encode())
    run = fetchd.start(stdin=r)
    assert run.until_records(1)
    assert not fcntl.fcntl(r, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(w)
    run.finish(exit=0)
    assert not fcntl.fcntl(r, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(r)


@row(208)
def test_control_bytes_never_reach_a_terminal(fetchd, origin):
    o = origin(serve(lambda r: response(b"x", status="200 \x1b]0;own\x07")))
    master, slave = pty.openpty()
    err_m, err_s = pty.openpty()
    run = fetchd.start("-v", "--progress", "none", "--color", "never",
                       stdout=slave, stderr=err_s, json=False, quiet=False)
    os.close(slave)
    os.close(err_s)
    out, err = [], []
    ts = [drain(master, out), drain(err_m, err)]
    run.feed("".join(f"{x}\n" for x in [
        o.url("/a"), "http://h\x1b]0;x\x07.test/",
        "http://h.test/\x1b[31m", "\u009b31mx:/y",
        json.dumps({"url": o.url("/"), "nope\x1b[0m": 1})]).encode())
    run.finish(exit=None)
    for t in ts:
        t.join(10)
    os.close(master)
    os.close(err_m)
    for text in (b"".join(out), b"".join(err)):
        shown = text.decode("utf-8", "replace")
        bad = [c for c in shown if (ord(c) < 32 and c not in "\r\n\t")
               or 127 <= ord(c) < 160]
        assert not bad, (bad, shown)


# -- formats -------------------------------------------------------------------

def test_the_keys_stand_in_one_order(fetchd, control):
    res = fetchd(control.url())
    keys = [k for k in json.loads(res.lines[0]) if k in KEYS]
    assert keys == KEYS


def test_fields_chooses_and_orders(fetchd, control):
    res = fetchd("--fields", "status_code,url,body,seq,type", control.url())
    assert list(json.loads(res.lines[0])) == ["status_code", "url", "body",
                                              "seq", "type"]


@pytest.mark.parametrize("how, key, value", [
    ("inline", "body", "control"), ("base64", "body_base64", "Y29udHJvbA=="),
    ("none", None, None)])
def test_body_says_how_the_body_is_written(fetchd, control, how, key, value):
    rec = fetchd("--body", how, control.url(), keys=how != "base64").one
    got = {k: rec[k] for k in ("body", "body_base64") if k in rec}
    assert got == ({key: value} if key else {})
    assert rec["size_decoded"] == 7


def test_include_headers_keeps_names_lower_and_values_in_order(fetchd,
                                                               origin):
    o = origin(serve(lambda r: response(headers=[
        "Set-Cookie: a=1", "X-One: 1", "SET-COOKIE: b=2"])))
    rec = fetchd("--include-headers", o.url()).one
    assert rec["header"]["set-cookie"] == ["a=1", "b=2"]
    assert rec["header"]["x-one"] == ["1"] and rec["trailer"] is None
    assert "interim" not in rec


def test_format_text_is_one_short_line_an_item(fetchd, origin):
    o = origin(serve(lambda r: response(b"x" * 1300)))
    res = fetchd("--format", "text", stdin=[o.url("/a"), "http://h:0/"],
                 exit=4)
    lines = res.stdout.decode().splitlines()
    assert len(lines) == 2
    ok = [x for x in lines if x.startswith("200 ")][0]
    assert re.match(r"200 +1\.[23]k +\d+\.\d{3}s +http://127.0.0.1:\d+/a$", ok)
    assert re.match(r"--- +url_invalid +", [x for x in lines
                                            if x.startswith("---")][0])


def test_format_body_is_bodies_alone(fetchd, origin):
    o = origin(serve(lambda r: response(r.target[1:].encode() + b"\xff\0")))
    res = fetchd("-c", "1", "--format", "body",
                 stdin=[o.url("/one"), "http://h:0/", o.url("/two")],
                 exit=4)
    assert res.stdout == b"one\xff\0two\xff\0"


def test_output_goes_to_a_file_that_is_truncated(fetchd, control, tmp_path):
    out = tmp_path / "out"
    out.write_text("old\n" * 1000)
    res = fetchd("-o", out, control.url())
    assert res.exit == 0 and res.stdout == b""
    assert json.loads(out.read_text())["body"] == "control"


def test_an_output_that_cannot_be_opened_is_exit_3(fetchd, origin, tmp_path):
    o = origin()
    res = fetchd("-o", tmp_path / "no" / "dir", o.url(), exit=3)
    assert "no/dir" in res.stderr and o.requests == []


def test_a_full_disk_is_exit_3_and_whole_lines(fetchd, origin):
    o = origin(serve(lambda r: response(b"f" * 5000)))
    res = fetchd("-c", "4", "-o", "/dev/full", stdin=urls(o, 500), exit=3,
                 quiet=False)
    assert res.stderr and res.stderr.count("\n") < 10


def test_a_file_size_limit_is_exit_3(fetchd, origin, tmp_path):
    """EFBIG: an output that cannot be written, as EIO would be."""
    import resource
    import signal

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    o = origin(serve(lambda r: response(b"f" * 5000)))
    out = tmp_path / "out"
    res = fetchd("-c", "2", "-o", out, stdin=urls(o, 50), exit=3,
                 quiet=False, preexec=limit)
    assert res.stderr


def test_records_come_in_completion_order(fetchd, origin):
    o = origin(serve(lambda r: (r.conn.wait(float(r.target[1:])),
                                response())[1]))
    res = fetchd(stdin=[o.url("/0.9"), o.url("/0.5"), o.url("/0.1")])
    assert [r["seq"] for r in res.records] == [3, 2, 1]


def test_a_record_is_written_as_soon_as_it_is_done(fetchd, origin):
    gate = threading.Event()

    def handler(req):
        if req.target == "/held":
            req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    run = fetchd.start()
    run.write(o.url("/held") + "\n" + o.url("/x") + "\n")
    assert run.until_records(1, 5)
    gate.set()
    assert [r["seq"] for r in run.finish().records] == [2, 1]


def test_many_large_records_are_never_interleaved(fetchd, origin):
    o = origin(serve(lambda r: response(
        (r.target[1:] * 200_000).encode()[:1_500_000])))
    res = fetchd("-c", "8", stdin=urls(o, 24))
    for r in res.records:
        assert set(r["body"]) <= set(str(r["seq"] - 1))


# -- watching ------------------------------------------------------------------

def test_stats_have_every_key(fetchd, origin, tls):
    o = origin(tls=tls)
    res = fetchd("--stats", "-c", "2", stdin=urls(o, 10))
    st = res.stats
    for key in """items ok failed requests bytes_in bytes_out time cpu_user
            cpu_sys rss_peak_bytes loop_lag_p50 loop_lag_p99 loop_lag_max
            hosts conns_opened conns_reused handshakes lookups lookups_cached
            waits""".split():
        assert key in st, key
    assert st["items"] == st["ok"] == st["requests"] == 10
    assert st["failed"] == 0 and st["hosts"] == 1
    assert st["conns_opened"] == len(o.conns) == st["handshakes"]
    assert st["conns_opened"] + st["conns_reused"] == 10
    assert st["bytes_in"] > 0 and 0 < st["time"] <= res.wall
    assert set(st["waits"]) <= set(
        "slot host_limit rate delay budget retry_after backoff dns_wait "
        "handshake net_down fd_limit memory order output_blocked worker_busy "
        "paused journal".split())
    for w in st["waits"].values():
        assert set(w) == {"count", "time"}


def test_a_summary_counts_statuses_and_errors(fetchd, origin):
    o = origin(serve(lambda r: response(
        status="404 x" if "4" in r.target else "200 OK")))
    res = fetchd("--summary", stdin=urls(o, 10) + ["http://h:0/"], exit=4)
    assert "url_invalid" in res.stderr
    assert "4xx" in res.stderr or "404" in res.stderr


def test_quiet_says_nothing(fetchd, control):
    res = fetchd("-q", control.url(), "http://127.0.0.1:1/", quiet=False)
    assert res.stderr == ""


def test_progress_on_a_terminal_is_erased_before_records(fetchd, origin):
    o = origin(serve(delayed(0.3)))
    master, slave = pty.openpty()
    run = fetchd.start("-c", "2", "--progress", "bar", "--color", "never",
                       stdout=slave, stderr=slave, json=False)
    os.close(slave)
    got = []
    t = drain(master, got)
    run.feed("".join(u + "\n" for u in urls(o, 8)).encode())
    run.finish(exit=0)
    t.join(10)
    os.close(master)
    text = b"".join(got).decode()
    shown = [line.split("\r")[-1].replace("\x1b[K", "")
             for line in text.replace("\r\n", "\n").split("\n")]
    assert sum(bool(re.match(r"200 +\S+ +\S+ +http://", x))
               for x in shown) == 8, text
