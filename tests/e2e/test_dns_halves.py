# SPDX-License-Identifier: ISC
"""Name servers that are slow, and those that answer for one family only. An
answer is listened for as long as a look-up may take; an address of either
family is used; a name does not exist if neither family has one."""
import itertools
import time

import pytest

from dnsserver import DnsServer
from harness import with_etc

SLOW = 1.6      # longer than a server has before the next one is asked


def look(fetchd, dns, o, *args, names=("h.test",), **how):
    servers = dns if isinstance(dns, str) else dns.server
    return fetchd("--dns-servers", servers, *args,
                  stdin=[f"http://{n}:{o.port}/" for n in names], **how)


# ---- slow ----

@pytest.mark.parametrize("tc", [False, True])
def test_a_server_that_is_always_slow_is_waited_for(fetchd, origin, dns, tc):
    o = origin()
    dns.set("h.test", A="127.0.0.1", delay=SLOW, tc=tc)
    res = look(fetchd, dns, o)
    assert res.errors() == [None], res.records
    assert res.one["num_attempts"] == 1
    assert 1.5 < res.one["time_namelookup"] < (4.5 if tc else 2.5)


def test_many_names_of_a_slow_server(fetchd, origin, dns):
    o = origin()
    dns.set("*.test", A="127.0.0.1", delay=SLOW)
    res = look(fetchd, dns, o, "-c", "100", "--dns-timeout", "10",
               names=[f"h{i}.test" for i in range(300)])
    assert res.errors() == [None] * 300


@pytest.mark.parametrize("delay", [1.4, 2.9, 4.0])
def test_nearly_as_slow_as_the_timeout(fetchd, origin, dns, delay):
    o = origin()
    dns.set("h.test", A="127.0.0.1", delay=delay)
    res = look(fetchd, dns, o)
    assert res.errors() == [None]
    assert res.one["time_namelookup"] < delay + 0.7


def test_what_comes_after_dns_timeout_is_too_late(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1", delay=3)
    res = look(fetchd, dns, o, "--dns-timeout", "2")
    assert res.errors() == ["dns_timeout"]
    assert res.wall < 4


def test_without_a_timeout_a_slow_server_is_waited_for(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1", delay=6)
    res = look(fetchd, dns, o, "--dns-timeout", "0")
    assert res.errors() == [None]


def test_a_slow_server_is_asked_last_and_its_answer_still_counts(fetchd,
                                                                 origin):
    """The other one refuses all."""
    o = origin()
    with DnsServer("127.0.0.54") as slow, DnsServer("127.0.0.55") as bad:
        slow.set("*.test", A="127.0.0.1", delay=SLOW)
        bad.all(rcode="SERVFAIL")
        both = f"{slow.server},{bad.server}"
        res = look(fetchd, both, o, "-c", "1",
                   names=[f"h{i}.test" for i in range(4)])
        assert res.errors() == [None] * 4
        assert max(r["time_namelookup"] for r in res.records) < 3.5


def test_of_two_servers_the_quick_one_is_asked_first_in_the_end(fetchd,
                                                                origin):
    o = origin()
    with DnsServer("127.0.0.54") as slow, DnsServer("127.0.0.55") as quick:
        slow.set("*.test", A="127.0.0.1", delay=SLOW)
        quick.set("*.test", A="127.0.0.1")
        res = look(fetchd, f"{slow.server},{quick.server}", o, "-c", "1",
                   names=[f"h{i}.test" for i in range(30)])
        assert res.errors() == [None] * 30
        assert quick.count() >= 50 and res.wall < 8


# ---- halves ----

ADDR = {"A": "127.0.0.1", "AAAA": "::1"}
HALVES = {"NXDOMAIN": dict(rcode="NXDOMAIN"), "SERVFAIL":
          dict(rcode="SERVFAIL"), "NODATA": {}, "drop": dict(drop=True),
          "REFUSED": dict(rcode="REFUSED")}


def other(family):
    return "AAAA" if family == "A" else "A"


@pytest.mark.parametrize("first", ["A", "AAAA"])
@pytest.mark.parametrize("half", sorted(HALVES))
@pytest.mark.parametrize("has", ["A", "AAAA"])
def test_an_address_of_either_family_is_used(fetchd, origin, dns, has, half,
                                             first):
    """Whichever answers first; the other says that there is no such name, or
    nothing, or fails."""
    o = origin(addr="::1" if has == "AAAA" else "127.0.0.1")
    how = {k: {other(has): v} for k, v in HALVES[half].items()}
    dns.set("h.test", **{has: ADDR[has]}, delay={other(first): 0.3}, **how)
    res = look(fetchd, dns, o)
    assert res.errors() == [None], res.records
    assert res.one["remote_ip"] == ADDR[has]
    assert res.one["time_namelookup"] < 1.4


ERRORS = {"NXDOMAIN": "dns_nxdomain", "NODATA": "dns_nodata",
          "SERVFAIL": "dns_servfail", "REFUSED": "dns_refused",
          "drop": "dns_timeout"}
# Of a failure nobody knows what it would have been.
RANK = ["SERVFAIL", "REFUSED", "drop", "NXDOMAIN", "NODATA"]


@pytest.mark.parametrize("a, aaaa", itertools.product(RANK, RANK))
def test_a_name_does_not_exist_if_both_families_say_so(fetchd, origin, dns, a,
                                                       aaaa):
    o = origin()
    how = {}
    for family, half in (("A", a), ("AAAA", aaaa)):
        for key, value in HALVES[half].items():
            how.setdefault(key, {})[family] = value
    dns.set("h.test", **how)
    res = look(fetchd, dns, o, "--dns-timeout", "2.5")
    worst = min(a, aaaa, key=RANK.index)
    assert res.errors() == [ERRORS[worst]], res.one


def test_half_an_answer_is_remembered_as_half(fetchd, origin, dns):
    """The other family's NXDOMAIN, known from before, is no verdict."""
    o = origin()
    dns.set("h.test", A="127.0.0.1", rcode={"AAAA": "NXDOMAIN"}, ttl=1,
            neg_ttl=60)
    run = fetchd.start("--dns-servers", dns.server, "-H", "Connection: close")
    for i in range(3):
        run.write(f"http://h.test:{o.port}/{i}\n")
        assert run.until_records(i + 1)
        time.sleep(1.1)     # the stimulus: the address expires
    assert run.finish().errors() == [None] * 3


# ---- the search list ----

@pytest.fixture
def searched(fetchd, origin, dns, tmp_path):
    """Looks up "short" with the search list one.test, two.test."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("search one.test two.test\noptions ndots:1\n")
    o = origin()

    def run(*args):
        return look(fetchd, dns, o, *args, names=["short"],
                    wrap=with_etc(resolv_conf=str(conf)))
    return run


@pytest.mark.parametrize("half", ["SERVFAIL", "REFUSED", "NODATA"])
@pytest.mark.parametrize("family", ["A", "AAAA"])
def test_one_familys_nxdomain_is_enough_to_go_on_searching(searched, dns,
                                                           family, half):
    how = {k: {other(family): v} for k, v in HALVES[half].items()}
    how.setdefault("rcode", {})[family] = "NXDOMAIN"
    dns.set("short", **how)
    dns.set("short.two.test", A="127.0.0.1")
    res = searched()
    assert res.errors() == [None], res.one


@pytest.mark.parametrize("family", ["A", "AAAA"])
def test_but_what_failed_is_told_if_nothing_is_found(searched, dns, family):
    dns.set("short", rcode={family: "NXDOMAIN", other(family): "SERVFAIL"})
    assert searched().errors() == ["dns_servfail"]


def test_a_short_name_with_an_address_in_one_family_is_not_searched(searched,
                                                                    dns):
    dns.set("short", A="127.0.0.1", rcode={"AAAA": "NXDOMAIN"},
            delay={"A": 0.4})
    dns.set("short.one.test", A="127.0.0.9")
    res = searched()
    assert res.one["remote_ip"] == "127.0.0.1"
    assert "short.one.test" not in dns.names()
