# SPDX-License-Identifier: ISC
"""Waiting costs nothing: many slow answers take the time of one.

Margins are wide: the binary is a sanitizer build and the machine is shared.
"""
import pytest

from origin import delayed, response, serve


@pytest.fixture
def slow(origin):
    """Answers after as many seconds as the path says."""
    def handler(req):
        req.conn.wait(float(req.target.split("/")[1]))
        return response()

    def make(**how):
        return origin(serve(handler), **how)
    return make


def done(res, n, within):
    assert res.statuses() == [200] * n
    assert res.wall < within, res.wall


def test_ten_urls_of_one_second_take_about_one_second(fetchd, slow):
    o = slow()
    res = fetchd("-c", "10", stdin=[o.url(f"/1/{i}") for i in range(10)])
    done(res, 10, 1.9)


def test_fifty_take_the_time_of_one(fetchd, slow):
    o = slow()
    one = fetchd(o.url("/1/x")).wall
    res = fetchd("-c", "50", stdin=[o.url(f"/1/{i}") for i in range(50)])
    done(res, 50, one + 1)
    assert o.in_flight_max == 50


def test_a_hundred_of_one_second_over_tls_take_about_one_second(fetchd, slow,
                                                                tls):
    o = slow(tls=tls)
    res = fetchd("-c", "100", stdin=[o.url(f"/1/{i}") for i in range(100)])
    done(res, 100, 3.5)
    assert o.in_flight_max == 100
    slowest = max(r["time_total"] for r in res.records)
    assert slowest < 3


def test_the_longest_wait_is_the_whole_wait(fetchd, slow):
    o = slow()
    res = fetchd(stdin=[o.url("/1.0"), o.url("/2.0"), o.url("/0.5")])
    done(res, 3, 2.9)
    assert res.wall >= 2.0
    assert [r["seq"] for r in res.records] == [3, 1, 2]


def test_hosts_one_at_a_time_go_side_by_side(fetchd, origin):
    """24 hosts, 30 requests each, one at a time a host, 55 ms an answer."""
    origins = [origin(serve(delayed(0.055))) for _ in range(24)]
    res = fetchd("-c", "24", "--max-per-host", "1", stdin=[
        o.url(f"/{i}") for i in range(30) for o in origins])
    done(res, 24 * 30, 30 * 0.055 * 1.8 + 0.5)
    assert all(o.in_flight_max == 1 for o in origins)
    assert all(len(o.requests) == 30 for o in origins)


@pytest.mark.parametrize("secure", [False, True])
def test_the_origin_sees_exactly_a_hundred_in_flight(fetchd, origin, tls,
                                                     secure):
    o = origin(serve(delayed(0.15)), tls=tls if secure else None)
    res = fetchd("-c", "100", stdin=[o.url(f"/{i}") for i in range(1000)])
    assert res.statuses() == [200] * 1000
    assert o.in_flight_max == 100


def test_slow_hosts_first_in_the_list_do_not_slow_the_fast_ones(fetchd,
                                                                origin,
                                                                slow):
    lazy = slow()
    fast = origin(serve(delayed(0.01)))
    res = fetchd("-c", "64", stdin=[lazy.url(f"/2/{i}") for i in range(6)]
                 + [fast.url(f"/{i}") for i in range(54)])
    quick = [r for r in res.records if r["seq"] > 6]
    assert max(r["time_queue"] + r["time_item"] for r in quick) < 1.5
    assert res.statuses() == [200] * 60
