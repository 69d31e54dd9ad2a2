# SPDX-License-Identifier: ISC
"""How much at once: slots, hosts, fairness, descriptors."""
import resource
import threading
import time

import pytest

from origin import delayed, response, serve


def test_never_more_in_flight_than_c(fetchd, origin):
    o = origin(serve(delayed(0.05)))
    res = fetchd("-c", "10", stdin=[o.url(f"/{i}") for i in range(200)])
    assert res.statuses() == [200] * 200
    assert o.in_flight_max == 10


def test_the_default_is_six_a_host(fetchd, origin):
    o = origin(serve(delayed(0.1)))
    fetchd(stdin=[o.url(f"/{i}") for i in range(40)])
    assert o.in_flight_max == 6 and len(o.conns) == 6


def test_c_alone_lifts_the_limit_a_host(fetchd, origin):
    o = origin(serve(delayed(0.2)))
    fetchd("-c", "20", stdin=[o.url(f"/{i}") for i in range(40)])
    assert o.in_flight_max == 20


def test_max_per_host_holds_for_each_host_apart(fetchd, origin):
    os_ = [origin(serve(delayed(0.1))) for _ in range(3)]
    res = fetchd("-c", "50", "--max-per-host", "2", stdin=[
        o.url(f"/{i}") for i in range(10) for o in os_])
    assert res.statuses() == [200] * 30
    assert [o.in_flight_max for o in os_] == [2, 2, 2]


def test_max_per_host_0_is_no_limit(fetchd, origin):
    o = origin(serve(delayed(0.3)))
    fetchd("--max-per-host", "0", stdin=[o.url(f"/{i}") for i in range(30)])
    assert o.in_flight_max == 30


def test_names_of_one_address_are_hosts_apart(fetchd, origin):
    o = origin(serve(delayed(0.2)))
    fetchd(*o.resolve(), "--max-per-host", "1", stdin=[
        o.url(host=f"h{i % 5}.test") for i in range(10)])
    assert o.in_flight_max == 5


def test_one_slow_host_never_holds_back_the_others(fetchd, origin):
    """The slow one stands first in the list, with more lines than slots."""
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    slow = origin(serve(handler))
    fast = origin(serve(lambda r: response()))
    run = fetchd.start("-c", "16", "--max-per-host", "4")
    run.write("".join(slow.url(f"/{i}") + "\n" for i in range(100)) +
              "".join(fast.url(f"/{i}") + "\n" for i in range(100)))
    assert run.until_records(100, 10)
    assert len(fast.requests) == 100
    assert slow.until(lambda o: o.in_flight == 4)   # it reads when it can
    gate.set()
    assert run.finish().statuses() == [200] * 200
    assert slow.in_flight_max == 4


def test_hosts_take_turns(fetchd, origin):
    """One long list must not keep a later host waiting."""
    a = origin(serve(delayed(0.02)))
    b = origin(serve(delayed(0.02)))
    res = fetchd("-c", "4", stdin=[a.url(f"/{i}") for i in range(200)]
                 + [b.url(f"/{i}") for i in range(20)])
    assert res.statuses() == [200] * 220
    last_b = max(r.time for r in b.requests)
    done_before = sum(r.time < last_b for r in a.requests)
    assert done_before < 120, "b had to wait for a"


def test_time_in_the_queue_never_counts(fetchd, origin):
    o = origin(serve(delayed(0.4)))
    res = fetchd("-c", "1", "-m", "1.5", stdin=[
        o.url(f"/{i}") for i in range(6)])
    assert res.errors() == [None] * 6
    assert res.by(6)["time_queue"] > 1.5
    assert all(r["time_total"] < 1.5 for r in res.records)


def test_dead_names_hold_no_slots(fetchd, origin, dns):
    dns.set("*.dead.test", drop=True)
    o = origin(serve(lambda r: response()))
    run = fetchd.start("-c", "4", "--dns-servers", dns.server,
                       "--dns-timeout", "4")
    run.write("".join(f"http://n{i}.dead.test/\n" for i in range(12))
              + "".join(o.url(f"/{i}") + "\n" for i in range(50)))
    assert run.until_records(50, 3)
    res = run.finish()
    assert res.errors()[:12] == ["dns_timeout"] * 12
    assert res.statuses()[12:] == [200] * 50


def test_the_soft_limit_of_descriptors_is_raised(fetchd, origin):
    def low():
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    o = origin(serve(delayed(0.5)))
    res = fetchd("-c", "150", stdin=[o.url(f"/{i}") for i in range(150)],
                 preexec=low)
    assert res.statuses() == [200] * 150 and o.in_flight_max == 150


def test_c_is_lowered_with_one_warning_if_descriptors_lack(fetchd, origin):
    def low():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    o = origin(serve(delayed(0.2)))
    res = fetchd("-c", "150", stdin=[o.url(f"/{i}") for i in range(150)],
                 preexec=low, quiet=False)
    assert res.statuses() == [200] * 150
    assert 20 < o.in_flight_max < 128
    assert res.stderr.count("\n") == 1


def test_a_shortage_of_descriptors_makes_items_wait(fetchd, origin):
    """The limit falls while it runs: EMFILE, which fails no item."""
    o = origin(serve(delayed(0.2)))
    run = fetchd.start("-c", "100", quiet=False)
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (40, 40))
    run.feed("".join(o.url(f"/{i}") + "\n" for i in range(200)).encode())
    res = run.finish()
    assert res.statuses() == [200] * 200
    assert o.in_flight_max <= 40


def test_what_never_gets_a_descriptor_ends_as_resource_limit(fetchd):
    run = fetchd.start("--retry-max-time", "1", quiet=False)
    run.write("http:///\n")      # its record: the start is behind it
    assert run.until_records(1)
    old, hard = resource.prlimit(run.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (3, hard))
    run.write("http://127.0.0.1/\n")
    assert run.until_records(2)
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (old, hard))
    rec = run.finish().by(2)
    assert rec["error"] == "resource_limit"
    assert rec["error_phase"] == "connect"
    assert rec["time_queue"] >= 1


def test_five_thousand_requests_keep_their_order_of_facts(fetchd, origin):
    o = origin(serve(lambda r: response(r.target.encode())))
    n = 5000
    res = fetchd("-c", "32", stdin=[o.url(f"/{i}") for i in range(n)],
                 timeout=120)
    assert len(res.records) == n
    for r in res.records:
        assert r["body"] == f"/{r['seq'] - 1}" and r["error"] is None
    assert len(o.conns) == 32


def test_max_idle_caps_the_idle_connections(fetchd, origin):
    os_ = [origin() for _ in range(12)]
    run = fetchd.start("--max-idle", "3", "-c", "2")
    run.write("".join(o.url() + "\n" for o in os_))
    assert run.until_records(12)
    end = time.monotonic() + 5
    while sum(o.open for o in os_) > 3 and time.monotonic() < end:
        time.sleep(0.02)
    assert sum(o.open for o in os_) <= 3
    run.finish()


def test_max_idle_0_keeps_nothing(fetchd, origin):
    o = origin()
    res = fetchd("--max-idle", "0", "-c", "1", stdin=[o.url("/a"),
                                                      o.url("/b")])
    assert res.statuses() == [200, 200]
    assert len(o.conns) in (1, 2)


@pytest.mark.slow
def test_a_thousand_hosts_share_the_slots(fetchd, origin):
    o = origin(serve(delayed(0.02)), backlog=4096)
    n = 1000
    res = fetchd("-c", "50", *o.resolve(), timeout=100, stdin=[
        o.url(host=f"h{i}.test") for i in range(n)])
    assert res.statuses() == [200] * n
    assert o.in_flight_max <= 50
