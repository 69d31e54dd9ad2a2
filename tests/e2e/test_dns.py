# SPDX-License-Identifier: ISC
"""Names: what the look-up must come to, and what is asked on the wire."""
import threading
import time

import pytest

from dnsserver import DnsServer, closed_server
from harness import row, with_etc
from origin import Origin, delayed, inside, response, serve

URL = "http://h.test:9/"


def lookup(fetchd, dns, *args, url=URL, **how):
    return fetchd("--dns-servers", dns.server, *args, url, **how).one


def test_a_name_that_does_not_exist_is_dns_nxdomain(fetchd, dns):
    rec = lookup(fetchd, dns)
    assert rec["error"] == "dns_nxdomain" and rec["error_phase"] == "dns"
    assert rec["error_detail"] == "NXDOMAIN" and rec["num_attempts"] == 1
    assert rec["remote_ip"] is None and rec["conn_id"] is None
    assert rec["time_namelookup"] is None or rec["time_namelookup"] >= 0


@row(2)
def test_no_address_at_all_is_dns_nodata(fetchd, dns):
    dns.set("h.test")
    rec = lookup(fetchd, dns)
    assert rec["error"] == "dns_nodata"
    assert dns.count("h.test", "A") == dns.count("h.test", "AAAA") == 1


@pytest.mark.parametrize("rcode, code", [
    ("SERVFAIL", "dns_servfail"), ("REFUSED", "dns_refused"),
    ("NOTIMP", "dns_error")])
def test_the_servers_refusal_is_named(fetchd, dns, rcode, code):
    dns.set("h.test", rcode=rcode)
    rec = lookup(fetchd, dns, "--dns-timeout", "2")
    assert rec["error"] == code and rec["error_detail"] == rcode


def test_formerr_is_dns_bad_response(fetchd, dns):
    dns.set("h.test", raw=lambda q: q[:2] + b"\x81\x81" + q[4:])
    rec = lookup(fetchd, dns, "--dns-timeout", "2")
    assert rec["error"] == "dns_bad_response", rec


def test_an_answer_cut_short_is_dns_bad_response(fetchd, dns):
    """The counts promise records that are not there."""
    dns.set("h.test", raw=lambda q: q[:2] + b"\x81\x80\0\1\0\2\0\0\0\0"
            + q[12:].split(b"\0\0\x29")[0])
    rec = lookup(fetchd, dns, "--dns-timeout", "2")
    assert rec["error"] in ("dns_bad_response", "dns_timeout"), rec


def test_a_truncated_answer_is_asked_for_again_over_tcp(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1", tc=True)
    rec = lookup(fetchd, dns, url=o.url(host="h.test"))
    assert rec["error"] is None
    assert any(q.tcp for q in dns.queries)


def test_a_truncated_answer_without_tcp_is_dns_truncated(fetchd):
    with DnsServer(tcp=False) as dns:
        dns.set("h.test", A="127.0.0.1", tc=True)
        rec = lookup(fetchd, dns, "--dns-timeout", "2")
    assert rec["error"] == "dns_truncated", rec


def test_no_server_there_is_dns_no_server(fetchd):
    rec = fetchd("--dns-servers", closed_server(), "--dns-timeout", "2",
                 URL).one
    assert rec["error"] == "dns_no_server", rec


@row(4)
def test_a_late_a_does_not_hold_up_v6(fetchd, origin, dns):
    o = origin(addr="::1")
    dns.set("h.test", A="127.0.0.1", AAAA="::1", delay={"A": 10})
    rec = lookup(fetchd, dns, url=o.url(host="h.test"))
    assert rec["error"] is None and rec["remote_ip"] == "::1"
    assert rec["time_total"] < 1


def test_a_late_aaaa_holds_up_v4_for_50_ms_only(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1", AAAA="::1", delay={"AAAA": 10})
    rec = lookup(fetchd, dns, url=o.url(host="h.test"))
    assert rec["error"] is None and rec["remote_ip"] == "127.0.0.1"
    assert 0.04 <= rec["time_namelookup"] < 1


def test_v6_is_tried_first(fetchd, origin, dns):
    o = origin(addr="::1")
    dns.set("h.test", A="127.0.0.77", AAAA="::1")
    rec = lookup(fetchd, dns, url=o.url(host="h.test"))
    assert rec["error"] is None and rec["remote_ip"] == "::1"


@pytest.mark.parametrize("flag, kind", [("-4", "A"), ("-6", "AAAA")])
def test_4_and_6_ask_for_one_kind_only(fetchd, dns, flag, kind):
    dns.set("h.test", A="127.0.0.77", AAAA="::1")
    rec = lookup(fetchd, dns, flag)
    assert rec["error"] == "connect_refused"
    assert {q.type for q in dns.queries} == {kind}


@row(7)
@pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL"])
def test_the_next_server_is_asked_when_one_refuses(fetchd, origin, dns,
                                                   rcode):
    o = origin()
    dns.set("*.test", A="127.0.0.1")
    with DnsServer() as bad:
        bad.all(rcode=rcode)
        run = fetchd.start("--dns-servers", f"{bad.server},{dns.server}")
        for i in range(10):
            run.write(o.url(host=f"h{i}.test") + "\n")
            assert run.until_records(i + 1)
        res = run.finish()
        assert res.errors() == [None] * 10
        assert all(r["num_attempts"] == 1 for r in res.records)
        asked_last = [q for q in bad.queries if q.name == "h9.test"]
    if rcode == "REFUSED":
        assert not asked_last, "later queries must prefer the second"


@row(8)
@pytest.mark.slow
def test_a_black_hole_is_paid_for_once_not_for_each_name(fetchd, origin, dns):
    o = origin()
    dns.set("*.test", A="127.0.0.1")
    n = 1000
    with DnsServer() as hole:
        hole.all(drop=True)
        res = fetchd("--dns-servers", f"{hole.server},{dns.server}",
                     "-c", "64", stdin=[o.url(host=f"h{i}.test")
                                        for i in range(n)], timeout=100)
        lost = len(hole.names())
    assert res.errors() == [None] * n
    assert lost <= 300, "the black hole was asked again and again"
    slow = sum(r["time_namelookup"] > 1.4 for r in res.records)
    assert slow <= 300
    assert res.wall < 30


@row(9)
def test_no_answer_at_all_is_dns_timeout_in_time(fetchd, dns):
    dns.all(drop=True)
    res = fetchd("--dns-servers", dns.server, "--dns-timeout", "2",
                 stdin=[f"http://h{i}.test/" for i in range(20)])
    assert res.errors() == ["dns_timeout"] * 20
    for r in res.records:
        assert 1.8 <= r["time_queue"] + r["time_item"] <= 3.2, r
    assert res.wall < 6


@row(13)
def test_a_chain_of_eight_names_is_followed(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", CNAME=[f"c{i}.test" for i in range(8)])
    dns.set("c7.test", A="127.0.0.1")
    rec = lookup(fetchd, dns, url=o.url(host="h.test"))
    assert rec["error"] is None
    assert o.requests[0].header("host") == f"h.test:{o.port}"


@row(13)
def test_a_loop_of_names_ends(fetchd, dns):
    dns.set("h.test", CNAME="i.test")
    dns.set("i.test", CNAME="h.test")
    rec = lookup(fetchd, dns, "--dns-timeout", "2")
    assert rec["error"].startswith("dns_") and rec["time_item"] < 4


@row(16)
def test_five_thousand_lines_of_one_new_host_ask_once(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1", ttl=0, delay=0.3)
    n = 5000
    res = fetchd("--dns-servers", dns.server, "-c", "64", "--body", "none",
                 stdin=[o.url(f"/{i}", host="h.test") for i in range(n)],
                 timeout=120)
    assert res.errors() == [None] * n
    assert dns.in_flight_max("h.test", "A") == 1
    assert dns.in_flight_max("h.test", "AAAA") <= 1
    assert dns.count("h.test", "A") == 1, "those waiting share one answer"
    assert dns.count("h.test", "AAAA") <= 1


@row(16)
def test_an_answer_of_ttl_0_is_not_kept(fetchd, origin, dns):
    """A connection is closed by the origin, so that each item needs one."""
    o = origin(serve(lambda r: None if r.conn.send(response(
        headers=["Connection: close"])) else None))
    dns.set("h.test", A="127.0.0.1", ttl=0)
    run = fetchd.start("--dns-servers", dns.server)
    for i in range(3):
        run.write(o.url(f"/{i}", host="h.test") + "\n")
        assert run.until_records(i + 1)
    assert run.finish().errors() == [None] * 3
    assert dns.count("h.test", "A") == 3


@row(17)
def test_an_answer_is_used_until_it_expires_and_no_longer(fetchd, dns):
    def script(c):
        if c.request():
            c.answered()
            c.send(response(c.local[0].encode(),
                            headers=["Connection: close"]))
    with Origin(script, addr="127.0.0.2") as a:
        with Origin(script, addr="127.0.0.3", port=a.port) as b:
            dns.set("h.test", A="127.0.0.2", ttl=2)
            run = fetchd.start("--dns-servers", dns.server)
            url = f"http://h.test:{a.port}/"
            began = time.monotonic()
            run.write(url + "\n")
            assert run.until_records(1)
            dns.set("h.test", A="127.0.0.3", ttl=2)
            run.write(url + "\n")
            assert run.until_records(2)
            time.sleep(max(0, began + 2.3 - time.monotonic()))
            run.write(url + "\n")
            assert run.until_records(3)
            res = run.finish()
            assert len(a.requests) == 2 and len(b.requests) == 1
    assert [r["remote_ip"] for r in res.records] == \
        ["127.0.0.2", "127.0.0.2", "127.0.0.3"]
    assert dns.count("h.test", "A") == 2


@row(17)
def test_a_kept_connection_outlives_its_address(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1", ttl=1)
    run = fetchd.start("--dns-servers", dns.server)
    run.write(o.url(host="h.test") + "\n")
    assert run.until_records(1)
    dns.set("h.test", A="127.0.0.77", ttl=1)
    time.sleep(1.3)
    run.write(o.url(host="h.test") + "\n")
    res = run.finish()
    assert res.errors() == [None, None]
    assert len(o.conns) == 1


@row(18)
@pytest.mark.parametrize("host", [
    "a" * 64 + ".test", ".".join(["a" * 61] * 4) + ".abcdefg", "a..b",
    ".a.test"])
def test_a_name_no_query_could_carry_is_url_host_invalid(fetchd, dns, host):
    dns.set("*", A="127.0.0.1")
    rec = lookup(fetchd, dns, url=f"http://{host}/")
    assert rec["error"] == "url_host_invalid" and dns.queries == []


@row(18)
@pytest.mark.parametrize("host", [
    "_dmarc.test", "a_b.test", "-a.test", "a-.test", "a" * 63 + ".test",
    ".".join(["a" * 61] * 4) + ".abcde"])
def test_unusual_names_are_looked_up(fetchd, dns, host):
    dns.set("*", A="127.0.0.77")
    rec = lookup(fetchd, dns, url=f"http://{host}:9/")
    assert rec["error"] == "connect_refused"
    assert dns.names() == {host}


def etc(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@row(19)
@pytest.mark.parametrize("text", ["", "# nothing\noptions timeout:1\n",
                                  "nameserver\n", "nameserver x.y\n",
                                  "\0\xff garbage\n" * 50])
def test_a_resolv_conf_without_a_server_is_no_crash(fetchd, netns, tmp_path,
                                                    text):
    ns = netns()
    res = fetchd("--dns-timeout", "1", URL, exit=(2, 4), quiet=False,
                 wrap=ns.wrap + with_etc(resolv_conf=etc(
                     tmp_path, "resolv.conf", text)))
    if res.exit == 2:
        assert res.stderr
    else:
        assert res.one["error"].startswith("dns_")


@row(19)
def test_a_resolv_conf_that_cannot_be_read_is_no_crash(fetchd, netns):
    ns = netns()
    res = fetchd("--dns-timeout", "1", URL, exit=(2, 4), quiet=False,
                 wrap=ns.wrap + with_etc(resolv_conf="/proc/self/mem"))
    assert res.exit == 2 or res.one["error"].startswith("dns_")


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_servers_of_resolv_conf_are_asked(fetchd, netns, tmp_path,
                                              start):
    ns = netns()
    dns = inside(ns.path, lambda: DnsServer("127.0.0.1", 53))
    with dns:
        dns.set("h.test", A="127.0.0.77")
        res = fetchd(URL, wrap=ns.wrap + with_etc(resolv_conf=etc(
            tmp_path, "resolv.conf", start + "nameserver 127.0.0.1\n")))
    assert res.one["error"] == "connect_refused"
    assert dns.names() == {"h.test"}


@row(20)
def test_a_hosts_file_of_the_other_family_is_dns_nodata(fetchd, dns,
                                                        tmp_path):
    dns.set("*", A="127.0.0.1", AAAA="::1")
    hosts = etc(tmp_path, "hosts", "127.0.0.1 localhost\n::1 h6.test\n")
    rec = lookup(fetchd, dns, "-4", url="http://h6.test:9/",
                 wrap=with_etc(hosts=hosts))
    assert rec["error"] == "dns_nodata", rec
    assert dns.queries == []


def test_the_hosts_file_is_asked_before_any_server(fetchd, origin, dns,
                                                   tmp_path):
    o = origin(addr="127.0.0.3")
    hosts = etc(tmp_path, "hosts",
                "\ufeff127.0.0.3\th3.test  Alias.test # y\n")
    for name in ("h3.test", "alias.test", "H3.TEST"):
        rec = lookup(fetchd, dns, url=o.url(host=name),
                     wrap=with_etc(hosts=hosts))
        assert rec["error"] is None and rec["remote_ip"] == "127.0.0.3"
    assert dns.queries == []


def test_localhost_and_numbers_need_no_server(fetchd, origin, dns):
    dns.set("*", A="127.0.0.77")
    o = origin()
    res = fetchd("--dns-servers", dns.server, stdin=[
        o.url(host="localhost"), o.url()])
    assert res.by(2)["error"] is None
    assert not dns.names() - {"localhost"}


def test_a_failed_lookup_fails_every_item_that_waits_there(fetchd, dns):
    dns.set("h.test", rcode="NXDOMAIN", delay=0.3)
    res = fetchd("--dns-servers", dns.server, stdin=[URL] * 30)
    assert res.errors() == ["dns_nxdomain"] * 30
    assert dns.count("h.test", "A") == 1
    assert all(r["num_attempts"] == 1 for r in res.records)


def test_a_negative_answer_is_kept_a_while(fetchd, dns):
    run = fetchd.start("--dns-servers", dns.server)
    for i in range(3):
        run.write(URL + "\n")
        assert run.until_records(i + 1)
    assert run.finish().errors() == ["dns_nxdomain"] * 3
    assert dns.count("h.test", "A") == 1


def test_a_servfail_is_not_kept_for_long(fetchd, origin, dns):
    o = origin()
    dns.sequence("h.test", [dict(rcode="SERVFAIL")] * 2
                 + [dict(A="127.0.0.1")])
    run = fetchd.start("--dns-servers", dns.server, "--dns-timeout", "1")
    res, end = None, time.monotonic() + 15
    n = 0
    while time.monotonic() < end:
        run.write(o.url(host="h.test") + "\n")
        n += 1
        assert run.until_records(n)
        if o.requests:
            break
        time.sleep(0.5)
    res = run.finish(exit=None)
    assert res.by(n)["error"] is None


def test_items_of_a_name_that_fails_share_its_look_ups(fetchd, dns):
    dns.set("h.test", rcode="SERVFAIL")
    res = fetchd("--dns-servers", dns.server, stdin=[URL] * 500)
    assert res.errors() == ["dns_servfail"] * 500
    assert dns.count("h.test", "A") <= 8


def test_a_trailing_dot_is_the_same_name(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1")
    rec = lookup(fetchd, dns, url=o.url(host="h.test."))
    assert rec["error"] is None
    assert dns.names() == {"h.test"}


def test_a_bad_dns_servers_option_is_exit_2(fetchd, control):
    for bad in ("", "x", "127.0.0.1#0", "127.0.0.1#x", "[::1", "1.2.3.4,"):
        res = fetchd(control.url(), "--dns-servers", bad, exit=2)
        assert res.stderr, bad


def test_names_are_looked_up_ahead_of_their_turn(fetchd, origin, dns):
    """16 origins that could start, beside those that have: and then no more,
    but for the look-ups that were under way."""
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    dns.set("*.test", A="127.0.0.1")
    run = fetchd.start("-c", "2", "--dns-servers", dns.server)
    run.write("".join(o.url(host=f"h{i}.test") + "\n" for i in range(80)))
    assert o.until(lambda o: o.in_flight == 2, 10)
    assert dns.wait(2 + 16, type="A", timeout=10)
    assert o.in_flight == 2 and len(dns.names()) <= 2 + 16 + 16
    gate.set()
    assert run.finish().errors() == [None] * 80
    assert dns.in_flight_max("h79.test") <= 2


def test_lookup_time_is_the_first_requests_alone(fetchd, origin, dns):
    o = origin(serve(delayed(0.05)))
    dns.set("h.test", A="127.0.0.1", delay=0.4)
    res = fetchd("-c", "1", "--dns-servers", dns.server, stdin=[
        o.url(f"/{i}", host="h.test") for i in range(3)])
    first = res.by(1)
    assert 0.38 <= first["time_namelookup"] <= 0.9
    assert first["time_queue"] < 0.2
    later = [res.by(2), res.by(3)]
    assert all(r["time_namelookup"] <= 0.9 for r in later)
    assert res.exit == 0


def test_lookups_are_counted(fetchd, origin, dns):
    o = origin()
    dns.set("*.test", A="127.0.0.1")
    res = fetchd("--stats", "--max-idle", "0", "-c", "1", "--dns-servers",
                 dns.server, stdin=[o.url(f"/{i}", host="h.test")
                                    for i in range(5)])
    assert res.stats["lookups"] >= 1
