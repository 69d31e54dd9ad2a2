# SPDX-License-Identifier: ISC
"""The network itself: gone and back, bound to an address, short names.

Tests that take an address or a name server away work in a network namespace
of their own, or on a name server that falls silent.
"""
import re
import subprocess
import threading
import time

import pytest

from dnsserver import DnsServer
from harness import row, with_etc
from origin import Origin, inside, response, serve
from polite import says, stop

pytestmark = pytest.mark.retries

NET = ["10.8.8.1", "10.8.8.2", "10.8.8.3"]


def close(req):
    """No connection is left that would outlive the network."""
    return response(req.target.encode(), headers=["Connection: close"])


def carrier(ns, up):
    """Gives these addresses, and the only route to them, or takes them."""
    verb = "add" if up else "del"
    subprocess.run([*ns.wrap, "sh", "-ec", "; ".join(
        f"ip addr {verb} {a}/32 dev lo" for a in NET)], check=True)


@pytest.fixture
def plugged(netns):
    """(namespace with the addresses, an origin that has all of them)"""
    ns = netns()
    carrier(ns, True)
    with Origin(serve(close), addr="0.0.0.0", netns=ns.path) as o:
        yield ns, o


def items(o, n, path="/"):
    return "".join(o.url(f"{path}{i}", host=NET[i % len(NET)]) + "\n"
                   for i in range(n))


def notes(res):
    """What was said of the network, a word each time."""
    return re.findall(r"^fetchd: the network is (\w+)", res.stderr, re.M)


@row(252)
def test_without_a_network_the_run_waits_and_says_so(fetchd, plugged):
    ns, o = plugged
    run = fetchd.start("--retry", "1", "--retry-delay", "50ms", "--stats",
                       "--host-dead-after", "1s", "--max-host-errors", "2",
                       wrap=ns.wrap)
    run.write(items(o, 9))
    assert run.until_records(9)
    carrier(ns, False)
    run.write(items(o, 90, "/later"))
    assert says(run, "net_down")
    time.sleep(2)       # the stimulus: more than every other limit here
    assert run.until_records(10, 0) is False, "items were burned"
    assert len(o.requests) == 9
    cpu = run.cpu()
    carrier(ns, True)
    res = run.finish(quiet=False)
    assert res.errors() == [None] * 99 and cpu < 2
    assert len(o.requests) == 99
    assert res.stats["waits"]["net_down"]["count"] > 0
    assert res.stats["waits"]["net_down"]["time"] >= 1.5
    assert notes(res) == ["down", "back"], res.stderr


@row(252)
def test_with_net_down_fail_items_fail(fetchd, plugged):
    ns, o = plugged
    run = fetchd.start("--retry", "0", "--net-down", "fail",
                       "--retry-delay", "20ms", wrap=ns.wrap)
    run.write(items(o, 3))
    assert run.until_records(3)
    carrier(ns, False)
    run.write(items(o, 15))
    res = run.finish(timeout=30)
    assert res.errors() == [None] * 3 + ["connect_unreachable"] * 15


@row(252)
def test_what_was_tried_as_the_network_went_is_tried_again(fetchd, plugged):
    """Also at their last try: they fail of the network, not of the peer."""
    ns, o = plugged
    run = fetchd.start("--retry", "0", "--include-attempts", wrap=ns.wrap)
    run.write(items(o, 3))
    assert run.until_records(3)
    carrier(ns, False)
    run.write(items(o, 6))
    assert says(run, "net_down")
    carrier(ns, True)
    res = run.finish(quiet=False)
    assert res.errors() == [None] * 9


def test_a_run_that_starts_without_a_network_ends(fetchd, plugged):
    ns, o = plugged
    carrier(ns, False)
    res = fetchd("--retry", "1", "--retry-delay", "20ms", wrap=ns.wrap,
                 stdin=items(o, 12), timeout=30)
    assert "connect_unreachable" in res.errors()
    assert set(res.errors()) <= {"connect_unreachable", "host_unavailable"}
    assert len(res.records) == 12


def test_one_origin_that_cannot_be_reached_is_not_the_network(fetchd,
                                                              plugged):
    ns, o = plugged
    run = fetchd.start("--retry", "1", "--retry-delay", "20ms", wrap=ns.wrap)
    run.write(items(o, 3))
    assert run.until_records(3)
    run.write(f"http://10.9.9.9:{o.port}/gone\n" + items(o, 30))
    assert run.until_records(34, 8)
    res = run.finish()
    assert res.by(4)["error"] == "connect_unreachable"
    assert [r["error"] for r in res.records if r["seq"] != 4] == [None] * 33


@row(9)
def test_when_all_resolvers_fall_silent_new_names_wait(fetchd, origin, dns):
    """Something had worked, so no item fails of it."""
    o = origin(serve(close))
    dns.set("*.test", A="127.0.0.1")
    run = fetchd.start("--dns-servers", dns.server, "--dns-timeout", "0.5",
                       "--retry", "1", "--retry-delay", "50ms")
    run.write(o.url(host="first.test") + "\n")
    assert run.until_records(1)
    dns.all(drop=True)
    run.write("".join(o.url(host=f"h{i}.test") + "\n" for i in range(20)))
    assert says(run, "net_down")
    time.sleep(2)       # the stimulus: many times --dns-timeout
    assert run.until_records(2, 0) is False
    dns.all(None)
    res = run.finish(quiet=False)
    assert res.errors() == [None] * 21
    assert notes(res) == ["down", "back"], res.stderr


@row(9)
def test_when_no_resolver_ever_answered_items_end_in_time(fetchd, dns):
    dns.all(drop=True)
    res = fetchd("--dns-servers", dns.server, "--dns-timeout", "1",
                 "--retry", "1", "--retry-delay", "100ms", timeout=30,
                 stdin=[f"http://h{i}.test/" for i in range(10)])
    assert res.errors() == ["dns_timeout"] * 10
    assert {r["num_attempts"] for r in res.records} == {2}
    assert res.wall < 8


def test_term_ends_a_run_that_waits_for_its_network(fetchd, plugged):
    ns, o = plugged
    run = fetchd.start(wrap=ns.wrap)
    run.write(items(o, 3))
    assert run.until_records(3)
    carrier(ns, False)
    run.write(items(o, 30))
    assert says(run, "net_down")
    began = time.monotonic()
    res = stop(run)
    assert time.monotonic() - began < 5 and len(res.records) == 3
    assert notes(res) == ["down"]


def test_quiet_says_nothing_of_the_network(fetchd, plugged):
    ns, o = plugged
    run = fetchd.start("-q", wrap=ns.wrap)
    run.write(items(o, 3))
    assert run.until_records(3)
    carrier(ns, False)
    run.write(items(o, 30))
    assert says(run, "net_down")
    assert notes(stop(run)) == []


# -- --interface --------------------------------------------------------------

@pytest.mark.parametrize("addr", ["127.0.0.5", "127.8.9.1"])
def test_interface_is_the_address_that_peers_see(fetchd, origin, addr):
    o = origin()
    res = fetchd("--interface", addr, stdin=[o.url(f"/{i}")
                                             for i in range(10)])
    assert res.statuses() == [200] * 10
    assert {c.peer[0] for c in o.conns} == {addr}


def test_an_interface_of_another_family_reaches_nobody(fetchd, origin):
    o = origin()
    res = fetchd("--interface", "::1", "--retry", "0", o.url(), exit=None,
                 quiet=False)
    assert o.conns == [] and res.exit in (2, 4)


@pytest.mark.parametrize("bad", ["x y", "300.1.1.1", "1.2.3.4"])
def test_an_interface_that_is_not_ours_is_no_success(fetchd, origin, bad):
    """What is no address: exit 2; what is not here cannot be bound."""
    o = origin()
    res = fetchd("--interface", bad, "--retry", "0", o.url(), exit=None,
                 quiet=False)
    assert o.conns == [] and res.exit in ((2, 4) if bad == "1.2.3.4"
                                          else (2,))
    assert res.exit == 4 or res.stderr


def test_interface_takes_no_port_before_its_peer_is_known(fetchd, netns):
    """100 ports, 75 connections to either of two origins: only if the same
    port serves for both."""
    ns = netns("sysctl -qw net.ipv4.ip_local_port_range='40000 40099'")
    gate = threading.Event()

    def script(req):
        req.conn.hold(gate)
        return response()
    with Origin(serve(script), netns=ns.path) as one, \
            Origin(serve(script), netns=ns.path) as two:
        run = fetchd.start("--interface", "127.0.0.1", "-c", "150",
                           "--max-per-host", "75", wrap=ns.wrap)
        run.feed("".join(o.url(f"/{i}") + "\n" for i in range(75)
                         for o in (one, two)).encode())
        for o in one, two:
            assert o.until(lambda o: len(o.requests) == 75, 20)
        gate.set()
        res = run.finish()
    assert res.statuses() == [200] * 150


# -- the search list of resolv.conf -------------------------------------------

@pytest.fixture
def intranet(fetchd, netns, tmp_path):
    """(run, names): runs with a resolv.conf that searches two domains."""
    ns = netns()
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\nsearch one.test two.test\n"
                    "options ndots:2\n")
    names = inside(ns.path, lambda: DnsServer("127.0.0.1", 53))

    def run(*args, **how):
        return fetchd("--retry", "0", *args, **how,
                      wrap=ns.wrap + with_etc(resolv_conf=str(conf)))
    with names:
        yield run, names, ns


def test_a_short_name_is_tried_with_the_search_list(intranet):
    run, names, ns = intranet
    names.set("wiki.two.test", A="127.0.0.1")
    names.set("a.b.one.test", A="127.0.0.1")
    with Origin(netns=ns.path) as o:
        res = run(stdin=[o.url(host="wiki"), o.url(host="a.b")])
        assert res.errors() == [None, None]
        assert [r.header("host") for r in o.requests] in (
            [f"wiki:{o.port}", f"a.b:{o.port}"],
            [f"a.b:{o.port}", f"wiki:{o.port}"])
    assert names.names() == {"wiki", "wiki.one.test", "wiki.two.test", "a.b",
                             "a.b.one.test"}


def test_a_name_with_dots_enough_is_not_searched(intranet):
    run, names, ns = intranet
    rec = run("http://a.b.c/").one
    assert rec["error"] == "dns_nxdomain" and names.names() == {"a.b.c"}


def test_only_a_name_that_does_not_exist_is_searched(intranet):
    """No address of a kind, or a failure, says that it is there."""
    run, names, ns = intranet
    names.set("nodata")
    names.set("broken", rcode="SERVFAIL")
    res = run("--dns-timeout", "2", "http://nodata/", "http://broken/")
    assert res.errors() == ["dns_nodata", "dns_servfail"]
    assert names.names() == {"nodata", "broken"}


def test_a_short_name_found_nowhere_is_dns_nxdomain(intranet):
    run, names, ns = intranet
    rec = run("http://lost/").one
    assert rec["error"] == "dns_nxdomain"
    assert names.names() == {"lost", "lost.one.test", "lost.two.test"}


def test_a_final_dot_means_the_name_as_it_is(intranet):
    run, names, ns = intranet
    rec = run("http://wiki./").one
    assert rec["error"] == "dns_nxdomain" and names.names() == {"wiki"}
