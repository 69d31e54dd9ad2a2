# SPDX-License-Identifier: ISC
"""TCP: what connecting and a broken transport must come to."""
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from harness import BLACK_HOLE, row
from origin import Origin, inside, once, response

HEAD_1000 = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def closed_port(addr="127.0.0.1"):
    with socket.socket() as s:
        s.bind((addr, 0))
        return s.getsockname()[1]


@row(24)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_is_connect_refused(fetchd, scheme):
    rec = fetchd(f"{scheme}://127.0.0.1:{closed_port()}/").one
    assert rec["error"] == "connect_refused"
    assert rec["error_detail"] == "ECONNREFUSED"
    assert rec["remote_ip"] == "127.0.0.1"
    assert rec["status_code"] == 0 and rec["num_attempts"] == 1
    assert rec["tls_version"] is None and rec["body"] is None


@row(25)
def test_the_second_address_serves_when_the_first_refuses(fetchd, origin,
                                                          dns):
    o = origin(addr="127.0.0.3")
    dns.set("two.test", A=["127.0.0.2", "127.0.0.3"])
    res = fetchd("--dns-servers", dns.server, o.url(host="two.test"))
    assert res.one["error"] is None and res.one["num_attempts"] == 1
    assert res.one["remote_ip"] == "127.0.0.3"


def test_a_list_of_resolve_addresses_is_tried_in_turn(fetchd, origin):
    o = origin(addr="127.0.0.3")
    res = fetchd("--resolve", f"two.test:{o.port}:127.0.0.2,127.0.0.3",
                 o.url(host="two.test"))
    assert res.one["error"] is None
    assert res.one["remote_ip"] == "127.0.0.3"


@row(27)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_dropped_syns_are_connect_timeout_in_time(fetchd, netns, scheme):
    ns = netns(*BLACK_HOLE)
    rec = fetchd("--connect-timeout", "1.5", f"{scheme}://10.9.9.2:81/",
                 wrap=ns.wrap).one
    assert rec["error"] == "connect_timeout"
    assert 1.35 <= rec["time_total"] <= 1.65 + 0.3
    assert rec["remote_ip"] == "10.9.9.2"
    assert rec["time_connect"] is None


def test_a_dead_first_address_costs_a_quarter_of_a_second(fetchd, netns):
    """Happy eyeballs: the next address is tried while the first one is
    silent (RFC 8305)."""
    ns = netns(*BLACK_HOLE)
    with Origin(addr="127.0.0.1", netns=ns.path) as o:
        rec = fetchd("--resolve",
                     f"two.test:{o.port}:10.9.9.2,127.0.0.1",
                     o.url(host="two.test"), wrap=ns.wrap).one
    assert rec["error"] is None and rec["remote_ip"] == "127.0.0.1"
    assert 0.1 <= rec["time_connect"] < 1.5
    assert len(o.conns) == 1


@row(28)
def test_an_unreachable_v6_falls_back_to_v4_at_once(fetchd, netns, dns):
    ns = netns()
    with Origin(addr="127.0.0.1", netns=ns.path) as o:
        rec = fetchd("--resolve",
                     f"six.test:{o.port}:[2001:db8::1],127.0.0.1",
                     o.url(host="six.test"), wrap=ns.wrap).one
    assert rec["error"] is None and rec["remote_ip"] == "127.0.0.1"
    assert rec["num_attempts"] == 1
    assert rec["time_connect"] < 0.2


def test_no_route_at_all_is_connect_unreachable(fetchd, netns):
    ns = netns("ip route add unreachable 10.7.7.0/24")
    rec = fetchd("http://10.7.7.7/", wrap=ns.wrap).one
    assert rec["error"] == "connect_unreachable"
    assert rec["error_detail"] in ("EHOSTUNREACH", "ENETUNREACH")


@row(45)
def test_a_prohibited_route_is_connect_denied(fetchd, netns):
    ns = netns("ip route add prohibit 10.7.7.0/24")
    rec = fetchd("http://10.7.7.7/", wrap=ns.wrap).one
    assert rec["error"] == "connect_denied"
    assert rec["error_detail"] in ("EACCES", "EPERM")


def test_an_address_nobody_can_connect_to_is_connect_failed(fetchd, netns):
    """EINVAL: what a blackhole route gives, none of the known ones."""
    ns = netns("ip route add blackhole 10.7.7.0/24")
    rec = fetchd("http://10.7.7.7/", wrap=ns.wrap).one
    assert rec["error"] == "connect_failed"
    assert rec["error_detail"] == "EINVAL"


def packet(port, flags, seq, ack):
    """A TCP segment without data, from 10.9.9.2:81 to 10.9.9.1:port."""
    def sums(data):
        n = sum(struct.unpack(f"!{len(data) // 2}H", data))
        n = (n & 0xffff) + (n >> 16)
        return ~(n + (n >> 16)) & 0xffff

    def ip(check):
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, check,
                           bytes((10, 9, 9, 2)), bytes((10, 9, 9, 1)))

    def tcp(check):
        return struct.pack("!HHIIBBHHH", 81, port, seq, ack, 0x50, flags,
                           9999, check, 0)
    pseudo = ip(0)[12:] + struct.pack("!HH", 6, 20)
    return ip(sums(ip(0))) + tcp(sums(pseudo + tcp(0)))


SYN, RST, ACK = 2, 4, 16


@pytest.mark.parametrize("flags, code", [(SYN, "connect_reset"),
                                         (SYN | ACK, "recv_reset")])
def test_a_reset_is_connect_reset_only_if_never_connected(fetchd, netns,
                                                          flags, code):
    """A SYN that crosses ours, then a reset: the one way for a peer to reset
    what was never up. A SYN that is answered makes it up, also when the reset
    is there before we look."""
    mac = "02:00:00:00:00:01"
    # Another address makes v0 forget its neighbours.
    ns = netns(*BLACK_HOLE, f"ip link set v0 address {mac}", BLACK_HOLE[-1])
    wire = inside(ns.path, lambda: socket.socket(
        socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)))
    with wire:
        wire.bind(("v1", 0x0800))
        wire.settimeout(10)
        run = fetchd.start("http://10.9.9.2:81/", wrap=ns.wrap)
        data = b""
        while data[22:24] != b"\0\x51":
            data = wire.recv(100)
        run.kill(signal.SIGSTOP)
        port, _, seq = struct.unpack("!HHI", data[20:28])
        to = ("v1", 0x0800, 0, 0, bytes.fromhex(mac.replace(":", "")))
        ack = (seq + 1) % 2**32 if flags & ACK else 0
        wire.sendto(packet(port, flags, 1000, ack), to)
        wire.sendto(packet(port, RST, 1001, 0), to)
        run.kill(signal.SIGCONT)
        rec = run.finish().one
    assert rec["error"] == code and rec["error_detail"] == "ECONNRESET"
    assert (rec["time_connect"] is None) == (code == "connect_reset")


def test_a_dial_that_is_ended_from_outside_is_connect_reset(fetchd, netns):
    """What ss -K does, and what network managers do when a link goes."""
    ns = netns(*BLACK_HOLE)
    run = fetchd.start("http://10.9.9.2:81/", wrap=ns.wrap)
    end = time.monotonic() + 5
    while run.proc.poll() is None and time.monotonic() < end:
        subprocess.run([*ns.wrap, "ss", "-Ktn", "dst", "10.9.9.2"],
                       stdout=subprocess.DEVNULL, check=True)
        time.sleep(0.05)
    if run.proc.poll() is None:
        pytest.skip("this kernel does not end sockets")
    rec = run.finish().one
    assert rec["error"] == "connect_reset"
    assert rec["error_detail"] == "ECONNABORTED"
    assert rec["remote_ip"] == "10.9.9.2"


@row(29)
def test_an_application_that_never_reads_is_timeout_total(probe):
    p = probe.fails(lambda c: c.sleep_forever(), "timeout_total",
                    "-m", "1", phase="ttfb")
    assert 0.9 <= p.rec["time_total"] <= 1.6


@row(29)
def test_an_application_that_never_answers_is_timeout_ttfb(probe):
    p = probe.fails(lambda c: c.sleep_forever(), "timeout_ttfb",
                    "--ttfb-timeout", "0.7", "--idle-timeout", "0.2",
                    phase="ttfb")
    assert 0.6 <= p.rec["time_total"] <= 1.4


@row(29)
def test_a_silent_peer_under_tls_is_tls_timeout(probe, tls):
    p = probe.fails(lambda c: c.sleep_forever(), "tls_timeout",
                    "--tls-timeout", "0.7", tls=tls, raw=True)
    assert 0.6 <= p.rec["time_total"] <= 1.4
    assert p.rec["time_connect"] is not None
    assert p.rec["time_appconnect"] is None


@row(30)
@pytest.mark.parametrize("read", [False, True])
def test_a_reset_before_any_byte_is_recv_reset(probe, read):
    p = probe.fails(once(end="rst", read=read), "recv_reset", phase="ttfb")
    assert p.rec["num_attempts"] == 1
    assert p.rec["error_detail"] in ("ECONNRESET", "EPIPE")
    assert len([r for r in p.origin.requests if r.target == "/probe"]) <= 1


@row(32)
def test_a_close_without_an_answer_is_empty_reply(probe):
    p = probe.fails(once(end="fin"), "empty_reply", phase="ttfb")
    assert p.rec["status_code"] == 0 and p.rec["num_attempts"] == 1
    assert p.rec["body"] is None
    assert p.origin.targets().count("/probe") == 1


def test_a_post_on_a_fresh_connection_is_never_sent_twice(probe):
    p = probe.fails(once(end="fin"), "empty_reply",
                    item=dict(method="POST", body="x"))
    assert p.origin.targets().count("/probe") == 1


@row(33)
def test_a_reset_in_the_body_is_http_truncated_and_keeps_the_bytes(probe):
    def script(c):
        c.request()
        c.send(HEAD_1000 + b"x" * 400)
        c.wait(0.3)     # a reset may overtake bytes that are not read yet
        c.rst()
    p = probe.fails(script, "http_truncated", phase="body")
    assert p.rec["size_download"] == 400 and p.rec["body"] == "x" * 400
    assert p.rec["complete"] is False and p.rec["status_code"] == 200
    assert p.rec["content_length"] == 1000


@row(34)
def test_a_close_in_the_body_is_http_truncated(probe):
    p = probe.fails(HEAD_1000 + b"x" * 400, "http_truncated", phase="body",
                    end="fin")
    assert p.rec["size_download"] == 400 and p.rec["body"] == "x" * 400
    assert p.rec["complete"] is False


def test_a_reset_in_the_headers_is_recv_reset(probe):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        c.wait(0.3)
        c.rst()
    p = probe.fails(script, "recv_reset", phase="headers", exit=7)
    assert p.rec["time_starttransfer"] is not None


@row(35)
@pytest.mark.parametrize("secure", [False, True])
def test_an_early_413_is_read_although_the_upload_fails(probe, tls, secure):
    def script(c):
        c.request(body=False)
        c.read_exactly(8192)
        c.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n"
               b"Connection: close\r\n\r\nbig")
        if secure:
            c.close_notify()
        c.sock.close()      # unread bytes: this is a reset
    path = probe.fetchd.file("big", b"x" * 50_000_000)
    p = probe(script, item=dict(body_file=path), tls=tls if secure else None)
    assert p.rec["status_code"] == 413, p.rec
    assert p.rec["error"] is None and p.rec["body"] == "big"
    assert p.rec["method"] == "POST"


@row(36)
def test_an_upload_nobody_reads_is_timeout_idle(fetchd, origin):
    o = origin(lambda c: c.sleep_forever(), rcvbuf=4096)
    path = fetchd.file("big", b"x" * 50_000_000)
    run = fetchd.start("--idle-timeout", "1.5", "-d", f"@{path}", "--stats",
                       o.url())
    res = run.finish(timeout=40)
    assert res.one["error"] == "timeout_idle"
    assert res.one["error_phase"] == "send"
    assert 1.3 <= res.one["time_total"] <= 6
    assert res.stats["loop_lag_max"] < 1
    assert res.stats["rss_peak_bytes"] < 400_000_000


@row(36)
def test_other_transfers_go_on_beside_a_stuck_upload(fetchd, origin, control):
    o = origin(lambda c: c.sleep_forever(), rcvbuf=4096)
    path = fetchd.file("big", b"x" * 20_000_000)
    res = fetchd("--idle-timeout", "1.5", stdin=[
        dict(url=o.url(), body_file=path)] +
        [control.url(f"/{i}") for i in range(50)])
    assert res.by(1)["error"] == "timeout_idle"
    assert res.statuses()[1:] == [200] * 50
    assert all(r["time_item"] < 1.4 for r in res.records if r["seq"] > 1)


@row(38)
def test_a_body_that_drips_for_ever_is_timeout_speed(probe):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            c.send(b"x")
            c.wait(0.4)
    p = probe.fails(script, "timeout_speed", "--idle-timeout", "1", "-m",
                    "20", "--speed-limit", "100", "--speed-time", "2",
                    phase="body")
    assert 1.8 <= p.rec["time_total"] <= 3.5
    assert p.rec["complete"] is False
    assert len(p.rec["body"]) >= 3 and set(p.rec["body"]) == {"x"}


@row(40)
def test_a_shortage_of_ports_makes_items_wait(fetchd, netns):
    ns = netns("sysctl -qw net.ipv4.ip_local_port_range='40000 40099'")
    gate = threading.Event()

    def script(c):
        if c.request() is None:
            return
        if not gate.is_set():
            c.hold(gate)
        c.answered()
        # Without a length, so that it is the server that closes first.
        c.send(response(length=False, headers=["Connection: close"]))
        c.fin()
        c.until_eof()
    with Origin(script, netns=ns.path) as o:
        run = fetchd.start("-c", "300", wrap=ns.wrap, quiet=False)
        run.feed(b"".join(f"{o.url()}{i}\n".encode() for i in range(2000)))
        assert o.until(lambda o: len(o.requests) >= 90, 20)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            run.kill(signal.SIGUSR1)
            if run.until(lambda out, err: b"fd_limit" in err, 1):
                break
        said = run.until(lambda out, err: b"fd_limit" in err, 0)
        gate.set()
        res = run.finish(timeout=120)
    assert said, res.stderr[:1000]
    assert res.statuses() == [200] * 2000
    assert all(r["num_attempts"] == 1 for r in res.records)


@row(43)
def test_idle_connections_the_peer_closes_are_closed_at_once(fetchd, origin):
    n = 200
    close = threading.Event()

    def script(c):
        c.request()
        c.answered()
        c.send(response())
        c.hold(close)
        c.fin()
        c.until_eof()
    o = origin(script)
    run = fetchd.start("-c", str(n), "--max-idle", "300")
    before = run.fds()
    run.write("".join(f"{o.url()}{i}\n" for i in range(n)))
    # All at once or on fewer connections: what counts is those left idle.
    assert run.until_records(n, 30)
    idle = o.open
    assert idle > 100 and run.fds() >= idle
    close.set()
    assert o.until(lambda o: all(c.ended for c in o.conns), 5)
    end = time.monotonic() + 1.5
    while run.fds() > before + 20 and time.monotonic() < end:
        time.sleep(0.02)
    assert run.fds() <= before + 20
    res = run.finish()
    assert res.statuses() == [200] * n


@row(44)
def test_a_complete_answer_followed_by_fin_is_a_success(probe):
    p = probe.works(response(b"hello"), body="hello", end="fin")
    assert p.rec["complete"] is True
    assert not p.reused


def test_v6_loopback_works(fetchd, origin):
    o = origin(addr="::1")
    rec = fetchd(o.url("/six")).one
    assert rec["status_code"] == 200 and rec["remote_ip"] == "::1"
    assert o.requests[0].header("host") == f"[::1]:{o.port}"


def test_a_reset_while_sending_with_no_answer_is_send_failed(fetchd, origin):
    def script(c):
        c.request(body=False)
        c.read_exactly(20000)
        c.rst()
    o = origin(script)
    path = fetchd.file("big", b"x" * 50_000_000)
    rec = fetchd("-d", f"@{path}", o.url()).one
    assert rec["error"] == "send_failed"
    assert rec["error_phase"] == "send"
    assert rec["error_detail"] in ("EPIPE", "ECONNRESET")
