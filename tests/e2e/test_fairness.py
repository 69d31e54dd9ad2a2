# SPDX-License-Identifier: ISC
"""A slow, held or dead origin costs the others nothing, in any order."""
import random
import threading

import pytest

from origin import response, serve
from polite import says, status, stop

pytestmark = pytest.mark.retries


def held(gate):
    def handler(req):
        req.conn.hold(gate)
        return response()
    return serve(handler)


def ordered(order, slow, fast):
    if order == "slow first":
        return slow + fast
    if order == "slow last":
        return fast + slow
    mixed = slow + fast
    random.Random(7).shuffle(mixed)
    return mixed


@pytest.mark.parametrize("order", ["slow first", "slow last", "mixed"])
def test_a_host_of_two_thousand_slow_urls_delays_no_other(fetchd, origin,
                                                          order):
    """200 hosts that answer at once, 2,000 URLs of one that does not."""
    gate = threading.Event()
    slow, fast = origin(held(gate)), origin()
    lines = ordered(order, [slow.url(f"/{i}") for i in range(2000)],
                    [fast.url(f"/{i}", host=f"h{i}.test")
                     for i in range(200)])
    run = fetchd.start(*fast.resolve(), "--retry", "0", "--body", "none")
    run.feed("".join(x + "\n" for x in lines).encode())
    assert run.until_records(200, 8), f"{len(fast.requests)} of 200 in 8 s"
    assert len(fast.requests) == 200 and slow.in_flight_max <= 6
    run.kill(15)
    gate.set()
    run.finish(timeout=30, exit=75, quiet=False)


@pytest.mark.parametrize("how", ["429", "refused", "silent"])
def test_a_held_origin_with_a_long_queue_delays_no_other(fetchd, origin, how):
    """Its waiting items stand first in the list, and are more than slots."""
    if how == "429":
        bad = origin(serve(lambda r: status(429, "Retry-After: 60"))).url()
    elif how == "refused":
        bad = "http://127.0.0.9:1/"
    else:
        bad = origin(serve(lambda r: None)).url()
    good = [origin() for _ in range(3)]
    run = fetchd.start("-c", "16", "--retry-delay", "20s", "--body", "none")
    run.feed("".join(f"{bad}{i}\n" for i in range(3000)).encode()
             + "".join(o.url(f"/{i}") + "\n" for i in range(100)
                       for o in good).encode())
    assert run.until_records(300, 8)
    assert [len(o.requests) for o in good] == [100] * 3
    assert says(run, "retry_after" if how == "429" else "backoff")
    res = stop(run)
    ended = [r for r in res.records if r["error"] != "interrupted"]
    assert {r["status_code"] for r in ended} == {200}


def test_hosts_under_one_rate_take_turns(fetchd, origin):
    """A long list of one host does not eat the rate of the next."""
    a, b = origin(), origin()
    run = fetchd.start("--rate", "40", "--body", "none")
    run.write("".join(a.url(f"/{i}") + "\n" for i in range(400)) +
              "".join(b.url(f"/{i}") + "\n" for i in range(40)))
    assert b.until(lambda o: len(o.requests) == 40, 8)
    assert len(a.requests) <= 110, "b had to wait for a"
    stop(run)


def test_hundreds_of_hosts_with_a_delay_go_side_by_side(fetchd, origin):
    """300 names, 4 URLs each, 200 ms between starts: the time of one."""
    o = origin(backlog=4096)
    hosts, each = 300, 4
    res = fetchd(*o.resolve(), "-c", "100", "--delay", "200ms",
                 "--max-per-host", "1", "--body", "none", timeout=60,
                 stdin=[o.url(f"/{i}", host=f"h{h}.test")
                        for h in range(hosts) for i in range(each)])
    assert res.statuses() == [200] * (hosts * each)
    assert res.wall < 12
    last = {}
    for r in sorted(o.requests, key=lambda r: r.time):
        host = r.header("host")
        if host in last:
            assert r.time - last[host] >= 0.2 - 0.1, host
        last[host] = r.time
