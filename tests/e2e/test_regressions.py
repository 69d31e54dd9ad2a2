# SPDX-License-Identifier: ISC
"""Bugs that were found once and must not come back, a test each."""
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import brotli
import pytest

from origin import Gone, inside, response, serve

MB = 1_000_000


def put(o, size, path="/", **more):
    return dict(url=o.url(path), method="PUT", body="z" * size, **more)


def waiting_in(fd):
    """Bytes that wait in a pipe."""
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]


def until(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def until_full(fd):
    """Until the writer has filled the pipe."""
    until(lambda: waiting_in(fd) >= fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ))


def until_dump(run, *words):
    """Until a line of the USR1 dump has all these words."""
    def has(out, err):
        return any(all(w in x for w in words) for x in err.splitlines())
    for _ in range(100):
        run.kill(signal.SIGUSR1)
        if run.until(has, 0.2):
            return
    raise AssertionError(f"never in the dump: {words}")


def read_on(fd):
    """All that comes, to the end."""
    out = b""
    while data := os.read(fd, 65536):
        out += data
    os.close(fd)
    return out


# -- uploads that meet an answer --------------------------------

@pytest.mark.parametrize("secure", [False, True])
def test_an_answer_in_mid_upload_leaves_no_connection_to_reuse(fetchd, origin,
                                                               tls, secure):
    after = []

    def early(c):
        c.request(body=False)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        c.wait(0.5)     # the first part is read while the request goes out
        c.send(b"cd")
        c.wait(0.5)
        after.append(c.have)
        while data := c.recv():
            after.append(data)
    o = origin(early, serve(lambda r: response(b"fresh")), rcvbuf=4096,
               tls=tls if secure else None)
    res = fetchd("-c", "1", "--idle-timeout", "5", stdin=[
        put(o, 8 * MB), o.url("/next")], timeout=30)
    assert res.errors() == [None] * 2
    assert [res.by(1)["body"], res.by(2)["body"]] == ["abcd", "fresh"]
    assert res.by(2)["conn_reused"] is False and len(o.conns) == 2
    assert set(b"".join(after)) <= set(b"z")


def test_a_reset_in_mid_upload_is_no_end_of_an_answer(fetchd, origin):
    """The write meets it first; a read then sees a plain end."""
    def script(c):
        c.request(body=False)
        c.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of the")
        c.wait(0.3)
        c.rst()
    o = origin(script, rcvbuf=4096)
    res = fetchd(stdin=[put(o, 8 * MB, f"/{i}") for i in range(6)], exit=7)
    assert res.errors() == ["http_truncated"] * 6
    assert {r["complete"] for r in res.records} == {False}
    assert {r["body"] for r in res.records} == {"half of the"}


def test_an_upload_goes_on_after_the_reader_stood_still(fetchd, origin):
    """Paused when a 1xx came while sending, sent whole in the pause."""
    paused, drained, reading = (threading.Event() for _ in range(3))

    def script(c):
        c.request(body=False)
        c.hold(paused)
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.wait(0.5)
        c.read_exactly(6 * MB)
        drained.set()
        c.hold(reading)
        c.send(response(b"done"))
        c.until_eof()
    up = origin(script, rcvbuf=4096)
    big = origin(serve(lambda r: response(b"x" * 3 * MB)))
    r, w = os.pipe()
    run = fetchd.start("-c", "8", stdout=w, json=False)
    os.close(w)
    run.write(json.dumps(put(up, 6 * MB)) + "\n")
    assert up.until(lambda o: o.requests)
    run.write(big.url() + "\n")
    run.close_stdin()
    until_full(r)
    paused.set()
    assert drained.wait(20)
    threading.Timer(0.5, reading.set).start()
    recs = [json.loads(x) for x in read_on(r).splitlines()]
    run.finish(timeout=20, exit=0)
    assert sorted(x["seq"] for x in recs) == [1, 2]
    assert [x["error"] for x in recs] == [None] * 2
    assert recs[1]["body"] == "done"


# -- memory --------------------------------

def test_bodies_above_max_buffer_never_stop_the_run(fetchd, origin, tmp_path):
    o = origin(serve(lambda r: response(b"x" * MB,
                                        headers=["Connection: close"])))
    fetchd("-c", "1", "--max-buffer", "64k", "-o", tmp_path / "out",
           stdin=[o.url(f"/{i}") for i in range(4)], timeout=20, exit=0)
    recs = [json.loads(x) for x in open(tmp_path / "out")]
    assert [len(r["body"]) for r in recs] == [MB] * 4


def test_an_upload_above_max_buffer_is_sent_whole(fetchd, origin):
    o = origin()
    path = fetchd.file("body", b"u" * 200_000)
    res = fetchd("--max-buffer", "64k", timeout=20, stdin=[
        dict(url=o.url(), body_file=path)])
    assert res.one["status_code"] == 200
    assert o.requests[0].body == b"u" * 200_000


def test_bodies_to_be_sent_count_against_max_buffer(fetchd, origin):
    def script(c):
        while c.request(body=False):
            c.wait(0.1)
            c.read_exactly(MB)
            c.answered()
            c.send(response())
    o = origin(script)
    res = fetchd("-c", "64", "--max-buffer", "8M", timeout=60, stdin=[
        put(o, MB, f"/{i}") for i in range(100)])
    assert res.statuses() == [200] * 100
    assert 2 <= o.in_flight_max <= 9


@pytest.mark.parametrize("n", [262_145, MB])
def test_what_brotli_holds_back_is_waited_for(probe, n):
    packed = brotli.compress(b"\0" * n)
    p = probe.works(response(packed, headers=["Content-Encoding: br"]),
                    body="\0" * n)
    assert p.rec["size_decoded"] == n and p.reused


# -- descriptors and ports --------------------------------

def test_hosts_whose_items_fail_early_never_stop_the_run(fetchd):
    res = fetchd("-c", "64", timeout=20, exit=4, stdin=[
        dict(url=f"http://127.1.{i // 250}.{i % 250 + 1}:9/",
             body_file="/no/such") for i in range(300)])
    assert res.errors() == ["input_invalid"] * 300
    for r in res.records:
        assert r["errormsg"].startswith(f"-:{r['seq']}:"), r["errormsg"]
        assert r["errormsg"].split(":")[2].isdigit(), r["errormsg"]
        assert r["num_attempts"] == 0
        assert r["time_item"] is None and r["final_url"] is None


def test_items_go_on_when_ports_are_free_again(fetchd, origin, netns):
    ns = netns("sysctl -qw net.ipv4.ip_local_port_range='40000 40009'")
    o = origin(serve(lambda r: response(headers=["Connection: close"])),
               netns=ns.path, port=8080)
    run = fetchd.start("-c", "5", wrap=ns.wrap, quiet=False)
    run.write(o.url() + "\n")
    assert run.until_records(1)
    held = take_ports(o, ns)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(3)))
    run.close_stdin()
    until_dump(run, b"fd_limit")
    time.sleep(0.5)     # the stimulus: tries in vain
    for s in held:
        s.close()
    assert run.finish(timeout=5).statuses() == [200] * 4


def take_ports(o, ns):
    """Connections on every port there is; closing one frees it at once."""
    held = []

    def take():
        try:
            while True:
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
                s.connect((o.addr, o.port))
                held.append(s)
        except OSError:
            s.close()
    inside(ns.path, take)
    assert held
    return held


def test_few_descriptors_fail_no_item(fetchd, origin, tls):
    """Sockets must leave some for files."""
    def slow(req):
        req.conn.wait(0.2)
        return response()

    def low():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    o, p = origin(serve(slow), tls=tls), origin(serve(slow))
    path = fetchd.file("body", b"u" * 1000)
    res = fetchd("-c", "30", *o.resolve(), preexec=low, quiet=False, stdin=[
        o.url(f"/{i}", host=f"h{i}.hosts.test") for i in range(40)] + [
        dict(url=p.url(f"/{i}"), body_file=path) for i in range(40)])
    assert res.errors() == [None] * 80
    assert res.stderr.count("\n") == 1, res.stderr
    assert {r.body for r in p.requests} == {b"u" * 1000}


# -- signals --------------------------------

def bytes_read(pid):
    with open(f"/proc/{pid}/io") as f:
        return int(f.readline().split()[1])


def test_input_without_lines_can_be_stopped(fetchd):
    run = fetchd.start("-i", "/dev/zero", stdin=subprocess.DEVNULL)
    until(lambda: bytes_read(run.pid) > 10 * MB)
    began = time.monotonic()
    run.kill(signal.SIGTERM)
    res = run.finish(timeout=10, exit=(0, 75))
    assert time.monotonic() - began < 2
    assert res.errors() == ["input_too_long"]


def test_a_stall_of_our_own_fails_no_handshake(fetchd, origin, leaf):
    """Stopped past --tls-timeout while the peer's flight was there."""
    greeted, go = threading.Event(), threading.Event()

    def script(c):
        c.sock.recv(1, socket.MSG_PEEK)
        greeted.set()
        c.hold(go)
        if c.tls(leaf.context()):
            serve(lambda r: response())(c)
    o = origin(script)
    run = fetchd.start("--tls-timeout", "1", f"https://127.0.0.1:{o.port}/",
                       stdin=subprocess.DEVNULL)
    assert greeted.wait(20)
    run.kill(signal.SIGSTOP)
    go.set()
    time.sleep(2)       # the stimulus: longer than the timeout
    run.kill(signal.SIGCONT)
    res = run.finish(timeout=20)
    assert res.one["error"] is None and len(o.conns) == 1


def test_a_record_half_written_at_grace_is_written_to_its_end(fetchd,
                                                              origin):
    o = origin(serve(lambda r: response(b"x" * 6 * MB)))
    r, w = os.pipe()
    run = fetchd.start("--grace", "1", o.url(), stdin=subprocess.DEVNULL,
                       stdout=w, json=False, quiet=False)
    os.close(w)
    until_full(r)
    run.kill(signal.SIGTERM)
    time.sleep(1.5)     # the stimulus: grace is over
    out = read_on(r)
    run.finish(timeout=20, exit=(0, 75))
    assert out.endswith(b"\n"), len(out)
    assert [len(json.loads(x)["body"]) for x in out.splitlines()] == [6 * MB]


def test_a_record_that_could_not_be_written_is_left(fetchd, origin):
    o = origin(serve(lambda r: response(b"x" * 200_000)))
    r, w = os.pipe()
    run = fetchd.start("--grace", "0.2", o.url(), stdin=subprocess.DEVNULL,
                       stdout=w, json=False, quiet=False)
    os.close(w)
    until_full(r)
    run.kill(signal.SIGTERM)
    run.finish(timeout=20, exit=75)
    assert not read_on(r).endswith(b"\n")


def test_the_summary_of_a_stopped_run_says_what_is_left(fetchd, origin):
    def handler(req):
        if req.target == "/held":
            return lambda c: c.stay()
        if req.target == "/cut":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" \
                b"Connection: close\r\n\r\ncut"
        return response(status="404 x" if req.target == "/404" else "200 OK")

    def script(c):
        req = c.request()
        out = handler(req)
        c.answered()
        if callable(out):
            out(c)
            raise Gone
        c.send(out)
        c.fin()
        c.until_eof()
    o = origin(script)
    run = fetchd.start("-c", "5", "--grace", "0.5", "--summary", quiet=False)
    run.write("".join(o.url(x) + "\n" for x in (
        "/held", "/held", "/ok", "/404", "/cut")))
    assert run.until_records(3) and o.until(lambda o: len(o.requests) == 5)
    run.kill(signal.SIGTERM)
    said = run.finish(timeout=20, exit=75).stderr
    for part in ("5 items", "2 answered (2xx 1, 4xx 1)",
                 "3 failed (http_truncated 1, interrupted 2)"):
        assert part in said, said


# -- sent again --------------------------------

@pytest.mark.retries
def test_a_key_that_was_taken_back_makes_no_post_repeatable(fetchd, origin):
    o = origin(serve(lambda r: None))
    rec = fetchd("--retry-delay", "0", "-H", "Idempotency-Key: a", "-H",
                 "Idempotency-Key:", "-d", "x", o.url()).one
    assert rec["error"] == "empty_reply" and len(o.requests) == 1
    assert o.requests[0].header("idempotency-key") is None


@pytest.mark.parametrize("code", ["302 x", "500 x"])
def test_no_slot_waits_for_a_body_that_nobody_wants(fetchd, origin, code):
    """It stalls; then it drips, which no idle timeout would end."""
    def stalled(c):
        c.request()
        c.send(head + b"Content-Length: 9\r\n\r\nx")
        c.stay()

    def dripping(c):
        c.request()
        c.send(head + b"\r\n")
        for _ in range(300):
            c.send(b"x")
            c.wait(0.1)
    head = f"HTTP/1.1 {code}\r\nLocation: /b\r\n".encode()
    for first in stalled, dripping:
        o = origin(first, serve(lambda r: response(b"end")))
        res = fetchd("--retry", "1", "--retry-delay", "0", o.url("/a"))
        assert res.one["body"] == "end" and res.wall < 5


@pytest.mark.retries
def test_a_body_file_that_is_gone_at_the_second_try(fetchd, origin):
    path = fetchd.file("body", b"x")

    def handler(req):
        os.unlink(path)
        return response(status="500 x")
    o = origin(serve(handler))
    rec = fetchd("--retry-delay", "50ms", "--include-attempts", stdin=[
        dict(url=o.url(), method="PUT", body_file=path)]).one
    assert rec["error"] == "input_invalid" and rec["num_attempts"] == 1
    assert rec["time_total"] < rec["time_item"]
    assert [a["status_code"] for a in rec["attempts"]] == [500]


@pytest.mark.retries
def test_an_item_of_an_origin_that_was_given_up_lists_what_was_tried(
        fetchd, origin):
    o = origin(serve(lambda r: None))
    res = fetchd("--max-host-errors", "1", "--host-dead-after", "1s",
                 "--retry-delay", "0.2", "--retry", "1",
                 "--include-attempts", stdin=[o.url(f"/{i}")
                                              for i in range(5)])
    given_up = [r for r in res.records if r["error"] == "host_unavailable"]
    assert given_up
    for r in given_up:
        assert len(r["attempts"]) == r["num_attempts"], r


@pytest.mark.retries
def test_the_time_of_the_first_lookup_that_failed_is_listed(fetchd, dns):
    dns.set("h.test", rcode="SERVFAIL", delay=0.3)
    rec = fetchd("-4", "--retry", "0", "--include-attempts", "--dns-servers",
                 dns.server, "http://h.test/").one
    assert rec["attempts"][0]["time_total"] >= 0.3


# -- output --------------------------------

def test_a_closed_stdout_is_exit_3(fetchd, origin):
    o = origin()
    res = fetchd(o.url(), stdout=subprocess.DEVNULL, json=False, exit=3,
                 preexec=lambda: os.close(1))
    assert res.stderr.count("\n") == 1 and o.requests == []


def test_a_chosen_body_that_is_binary_comes_as_base64(fetchd, origin):
    o = origin(serve(lambda r: response(b"\xff\0")))
    res = fetchd("--fields", "seq,body", o.url())
    assert res.one == {"seq": 1, "body_base64": "/wA="}


def test_only_failed_holds_for_a_single_body_too(fetchd, origin):
    o = origin()
    res = fetchd("--only-failed", "--format", "body", o.url(), exit=0)
    assert res.stdout == b""


def test_an_empty_answer_has_a_body(fetchd, origin):
    o = origin(serve(lambda r: response(b"")))
    for how in ("inline", "base64"):
        assert fetchd("--body", how, o.url()).one["body"] == ""


@pytest.mark.parametrize("line", [
    '{"url"', '{"url": "http://h/"', '{"url": "http://h/", "method": "PUT"'])
def test_a_line_that_cannot_be_read_has_no_method(fetchd, line):
    rec = fetchd(stdin=line).one
    assert rec["error"] == "input_invalid"
    assert rec["method"] is None and rec["url"] is None
