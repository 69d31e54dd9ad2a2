# SPDX-License-Identifier: ISC
"""Rates, delays and budgets, judged by the times in the peer's log.

The log is written by threads on a busy machine, so a window may show one
start more than there was, and a gap may look a little shorter.
"""
import json
import threading
import time

import pytest

from origin import delayed, response, serve
from polite import gaps, most_within, moved, says, status, stop, times

pytestmark = pytest.mark.retries

JITTER = 0.04       # seconds by which the peer may see a start late


def urls(o, n, path="/", **how):
    return [o.url(f"{path}{i}", **how) for i in range(n)]


def in_any_second(os_, limit):
    """No second of these origins' logs holds more than that."""
    at = times([r for o in os_ for r in o.requests])
    most = most_within(1 - JITTER, at)
    assert most <= limit + 1, f"{most} in a second, {limit} allowed"


# -- --rate, --rate-per-host --------------------------------------------------

def test_rate_is_for_all_origins_together(fetchd, origin):
    os_ = [origin() for _ in range(3)]
    res = fetchd("--rate", "20", stdin=[u for i in range(20) for u in
                                        (o.url(f"/{i}") for o in os_)])
    assert res.statuses() == [200] * 60
    in_any_second(os_, 20)
    at = times([r for o in os_ for r in o.requests])
    assert 1.9 <= at[-1] - at[0] <= 4.5     # 2 s with a burst, 3 s without


def test_rate_per_host_is_for_each_origin_apart(fetchd, origin):
    os_ = [origin() for _ in range(3)]
    res = fetchd("--rate-per-host", "10/s", stdin=[
        u for o in os_ for u in urls(o, 25)])
    assert res.statuses() == [200] * 75
    for o in os_:
        in_any_second([o], 10)
        at = times(o.requests)
        assert 1.4 <= at[-1] - at[0] <= 4
    assert res.wall < 7


def test_a_slow_rate_lets_nothing_through_early(fetchd, origin):
    """60 a minute, all at once or one a second: never more."""
    o = origin()
    run = fetchd.start("--rate-per-host", "60/m")
    run.write("".join(u + "\n" for u in urls(o, 150)))
    time.sleep(2.5)     # the stimulus: as much of a minute
    assert len(o.requests) <= 61
    assert says(run, "rate")
    stop(run)


def test_redirects_count_as_starts(fetchd, origin):
    o = origin(serve(lambda r: response() if "end" in r.target else
                     moved(r.target + "end")))
    res = fetchd("--rate-per-host", "10", "--retry", "0",
                 stdin=urls(o, 12))
    assert res.statuses() == [200] * 12 and len(o.requests) == 24
    in_any_second([o], 10)


def test_retries_count_as_starts(fetchd, origin):
    o = origin(serve(lambda r: status(500)))
    res = fetchd("--rate-per-host", "10", "--retry", "2", "--retry-delay",
                 "10ms", stdin=urls(o, 8))
    assert res.statuses() == [500] * 8 and len(o.requests) == 24
    in_any_second([o], 10)


def test_a_rate_holds_over_names_of_one_address(fetchd, origin):
    """--rate is for all; each name is an origin of its own."""
    o = origin()
    res = fetchd(*o.resolve(), "--rate", "30", "--rate-per-host", "5",
                 stdin=[o.url(f"/{i}", host=f"h{i % 10}.test")
                        for i in range(80)])
    assert res.statuses() == [200] * 80
    in_any_second([o], 30)
    for h in range(10):
        at = times([r for r in o.requests
                    if r.header("host").startswith(f"h{h}.test")])
        assert most_within(1 - JITTER, at) <= 6


@pytest.mark.parametrize("args", [
    ["--rate", "x"], ["--rate", "-1"], ["--rate", "5/d"], ["--rate", "/s"],
    ["--rate-per-host", "5/"], ["--delay", "-1"], ["--delay", "x"],
    ["--budget", "tokens"], ["--budget", "=5"], ["--budget", "t=x"],
    ["--budget", "t=-5/s"], ["--budget", "t=5/y"]])
def test_a_rate_that_is_none_is_exit_2(fetchd, origin, args):
    o = origin()
    assert fetchd(*args, o.url(), exit=2).stderr
    assert o.conns == []


def test_a_rate_is_no_reason_to_fail(fetchd, origin):
    """Waiting counts as no timeout."""
    o = origin()
    res = fetchd("--rate-per-host", "4", "-m", "1", "--idle-timeout", "0.5",
                 "--retry", "0", stdin=urls(o, 10))
    assert res.statuses() == [200] * 10
    assert max(r["time_queue"] for r in res.records) >= 1.2


# -- --delay ------------------------------------------------------------------

def test_delay_stands_between_starts_on_one_origin(fetchd, origin):
    os_ = [origin(), origin()]
    n, delay = 9, 0.2
    res = fetchd("--delay", "200ms", stdin=[u for o in os_
                                            for u in urls(o, n)])
    assert res.statuses() == [200] * (2 * n)
    for o in os_:
        assert min(gaps(o.requests)) >= delay - JITTER, gaps(o.requests)
        at = times(o.requests)
        assert at[-1] - at[0] >= (n - 1) * delay - JITTER
        assert at[-1] - at[0] <= (n - 1) * delay * 1.4 + 0.5
    assert res.wall < 2 * (n - 1) * delay, "one after the other"


def test_delay_is_between_starts_whatever_an_answer_takes(fetchd, origin):
    o = origin(serve(delayed(0.5)))
    res = fetchd("--delay", "150ms", stdin=urls(o, 8))
    assert res.statuses() == [200] * 8
    assert min(gaps(o.requests)) >= 0.15 - JITTER and o.in_flight_max >= 3


def test_hops_and_retries_keep_the_delay_too(fetchd, origin):
    def handler(r):
        if r.target == "/a":
            return moved("/b")
        if r.target == "/bad":
            return status(500)
        return response()
    o = origin(serve(handler))
    res = fetchd("--delay", "200ms", "--retry", "2", "--retry-delay", "10ms",
                 stdin=[o.url("/a"), o.url("/bad"), o.url("/c")])
    assert res.statuses() == [200, 500, 200] and len(o.requests) == 6
    assert min(gaps(o.requests)) >= 0.2 - JITTER, gaps(o.requests)


# -- --budget -----------------------------------------------------------------

def spent(o, name):
    """(times, costs) of the requests, whose path says what they cost."""
    rows = sorted((r.time, json.loads(r.header("x-cost")).get(name, 0))
                  for r in o.requests)
    return [t for t, _ in rows], [c for _, c in rows]


def item(o, path, **cost):
    return dict(url=o.url(path), cost=cost,
                headers={"X-Cost": json.dumps(cost)})


def never_over(o, name, limit):
    at, costs = spent(o, name)
    most = most_within(1 - JITTER, at, costs)
    fair = [c for c in costs if c <= limit]
    assert most <= max(limit * 1.02, limit + max(fair)), (most, limit)
    return at, costs


def test_a_budget_is_never_overrun_in_any_window(fetchd, origin):
    o = origin()
    costs = [50, 200, 120, 30, 100] * 8
    res = fetchd("--budget", "tokens=1000/s", stdin=[
        item(o, f"/{i}", tokens=c) for i, c in enumerate(costs)])
    assert res.statuses() == [200] * 40
    at, seen = never_over(o, "tokens", 1000)
    assert sum(seen) == 4000 and 2.5 <= at[-1] - at[0] <= 6


def test_several_budgets_hold_at_once(fetchd, origin):
    o = origin()
    res = fetchd("--budget", "tokens=1000/s", "--budget", "calls=8/s",
                 stdin=[item(o, f"/{i}", calls=1, tokens=20 if i < 16
                             else 300) for i in range(24)])
    assert res.statuses() == [200] * 24
    never_over(o, "tokens", 1000)
    never_over(o, "calls", 8)


def test_an_item_without_a_cost_waits_for_no_budget(fetchd, origin):
    """On its own origin it may wait for its turn, on another it goes."""
    o, other = origin(), origin()
    run = fetchd.start("--budget", "tokens=10/h")
    lines = [item(o, f"/c{i}", tokens=10) for i in range(3)]
    run.write("".join(json.dumps(x) + "\n" for x in lines))
    run.write("".join(u + "\n" for u in urls(other, 20, "/free")))
    assert run.until_records(21, 8)
    assert says(run, "budget")
    res = stop(run)
    assert len(res.records) == 21
    assert len(o.requests) == 1 and len(other.requests) == 20


def test_an_item_that_costs_more_goes_alone(fetchd, origin):
    o = origin()
    res = fetchd("--budget", "tokens=1000/s", "--max-per-host", "1", stdin=[
        item(o, "/a", tokens=400), item(o, "/b", tokens=400),
        item(o, "/big", tokens=5000), item(o, "/c", tokens=400),
        item(o, "/d", tokens=400)])
    assert res.statuses() == [200] * 5
    big = [r.time for r in o.requests if r.target == "/big"]
    assert len(big) == 1
    near = [r.target for r in o.requests
            if abs(r.time - big[0]) < 1 - JITTER]
    assert near == ["/big"], "not alone in its window"


def test_a_long_wait_for_a_budget_blocks_no_other_origin(fetchd, origin):
    """60 of 100 a minute are gone; the next that costs 60 waits, those that
    cost 1 elsewhere do not."""
    dear, cheap = origin(), origin()
    run = fetchd.start("--budget", "tokens=100/m")
    lines = [item(dear, f"/{i}", tokens=60) for i in range(3)] + \
        [item(cheap, f"/{i}", tokens=1) for i in range(30)] + \
        urls(cheap, 10, "/free")
    run.write("".join((json.dumps(x) if isinstance(x, dict) else x) + "\n"
                      for x in lines))
    assert run.until_records(41, 8), "cheap items had to wait"
    assert len(dear.requests) == 1 and len(cheap.requests) == 40
    stop(run)


@pytest.mark.parametrize("cost", [5, "5", [5], {"tokens": "5"},
                                  {"tokens": -1}, {"tokens": None}])
def test_a_cost_that_is_none_is_input_invalid(fetchd, origin, cost):
    o = origin()
    rec = fetchd("--budget", "tokens=10/s",
                 stdin=[dict(url=o.url(), cost=cost)]).one
    assert rec["error"] == "input_invalid"
    assert o.conns == []


def test_a_cost_may_have_a_fraction(fetchd, origin):
    o = origin()
    res = fetchd("--budget", "usd=1/s", stdin=[
        item(o, f"/{i}", usd=0.25) for i in range(9)])
    assert res.statuses() == [200] * 9
    at, _ = never_over(o, "usd", 1)
    assert at[-1] - at[0] >= 1.9


# -- --rate-headers -----------------------------------------------------------

def epoch(seconds):
    return str(int(time.time()) + seconds + 1)


FORMS = [
    ("RateLimit-Remaining: 0", "RateLimit-Reset: 2"),
    ("ratelimit-remaining: 0", "ratelimit-reset: 2"),
    ("x-ratelimit-remaining: 0", "x-ratelimit-reset: 2"),
    ("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: EPOCH"),
    ("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 2s"),
    ("x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 0m2s"),
]


def told(origin, headers):
    """An origin whose first answer carries these."""
    def handler(r):
        if len(o.requests) > 1:
            return response()
        return response(headers=[h.replace("EPOCH", epoch(2))
                                 for h in headers])
    o = origin(serve(handler))
    return o


def test_what_remains_is_obeyed_with_the_option(fetchd, origin):
    os_ = [told(origin, f) for f in FORMS]
    res = fetchd("--rate-headers", "--max-per-host", "1",
                 stdin=[u for o in os_ for u in urls(o, 3)])
    assert res.statuses() == [200] * 18
    for o, form in zip(os_, FORMS):
        assert 1.9 <= gaps(o.requests)[0] <= 4.5, form
    # While something remains, and where it cannot be read, nobody waits.
    assert res.wall < 7


@pytest.mark.parametrize("args, headers", [
    ([], FORMS[0]), ([], FORMS[4]),
    (["--rate-headers"], ("RateLimit-Remaining: 5", "RateLimit-Reset: 30")),
    (["--rate-headers"], ("RateLimit-Remaining: x", "RateLimit-Reset: 30")),
    (["--rate-headers"], ("RateLimit-Remaining: 0", "RateLimit-Reset: ?")),
    (["--rate-headers"], ("RateLimit-Remaining: 0",)),
    (["--rate-headers"], ("RateLimit-Reset: 30",)),
    (["--rate-headers"], ("RateLimit-Remaining: 0", "RateLimit-Reset: -5"))])
def test_without_the_option_or_a_reason_nobody_waits(fetchd, origin, args,
                                                     headers):
    o = told(origin, headers)
    res = fetchd(*args, "--max-per-host", "1", stdin=urls(o, 3))
    assert res.statuses() == [200] * 3 and gaps(o.requests)[0] < 1


def test_a_window_that_is_used_up_holds_one_origin_alone(fetchd, origin):
    o = told(origin, ("x-ratelimit-remaining-requests: 0",
                      "x-ratelimit-reset-requests: 6m0s"))
    other = origin()
    run = fetchd.start("--rate-headers", "--max-per-host", "1")
    run.write("".join(u + "\n" for u in urls(o, 5)))
    assert run.until_records(1)
    run.write("".join(u + "\n" for u in urls(other, 40)))
    assert run.until_records(41, 5)
    stop(run)
    assert len(o.requests) == 1 and len(other.requests) == 40


def test_limits_meet_and_the_strictest_holds(fetchd, origin):
    """All at once, on two origins, with a peer that counts."""
    os_ = [origin(serve(delayed(0.05))), origin(serve(delayed(0.05)))]
    res = fetchd("--rate", "16", "--rate-per-host", "10", "--delay", "50ms",
                 "--max-per-host", "2", "--budget", "n=14/s", stdin=[
                     item(o, f"/{i}", n=1) for i in range(15) for o in os_])
    assert res.statuses() == [200] * 30
    in_any_second(os_, 14)
    for o in os_:
        in_any_second([o], 10)
        assert o.in_flight_max <= 2
        assert min(gaps(o.requests)) >= 0.05 - JITTER


# -- a rate that is learnt ----------------------------------------------------

def bucket(rate, burst):
    """A handler: so many a second, and so many at once; 429 to more."""
    lock = threading.Lock()
    have, at = burst, time.monotonic()

    def handler(req):
        nonlocal have, at
        with lock:
            now = time.monotonic()
            have, at = min(burst, have + (now - at) * rate), now
            if have < 1:
                handler.refused += 1
                return status(429)
            have -= 1
            return response()
    handler.refused = 0
    return handler


@pytest.mark.parametrize("burst", [40, 10])
def test_the_pace_of_an_api_that_refuses_is_learnt(fetchd, origin, burst):
    api = bucket(40, burst)
    o = origin(serve(api))
    n = 300
    run = fetchd.start("--stats")
    run.write("".join(u + "\n" for u in urls(o, n)))
    assert run.until_records(burst + 20, 10)
    assert says(run, r"origin http://127.0.0.1:\d+: rate [\d.]+/s \(learnt")
    res = run.finish(quiet=False)
    assert res.statuses() == [200] * n
    assert api.refused < n / 10, api.refused
    assert res.wall < 1.3 * n / 40 + 2, res.wall
    rates = res.stats["rates"][f"http://127.0.0.1:{o.port}"]
    assert rates["learnt"] is True and 10 < rates["rate"] < 200


def test_no_learn_rate_asks_as_fast_as_it_can(fetchd, origin):
    api = bucket(40, 40)
    o = origin(serve(api))
    res = fetchd("--no-learn-rate", "--stats", stdin=urls(o, 200))
    assert res.statuses() == [200] * 200
    assert res.stats["rates"] == {}
    assert api.refused > 10


def test_rate_per_host_bounds_what_is_learnt(fetchd, origin):
    api = bucket(20, 5)
    o = origin(serve(api))
    res = fetchd("--rate-per-host", "30", stdin=urls(o, 100))
    assert res.statuses() == [200] * 100
    in_any_second([o], 30)
    assert api.refused < 20
