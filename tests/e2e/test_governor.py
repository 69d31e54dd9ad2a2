# SPDX-License-Identifier: ISC
"""One origin that asks to wait or does not answer, and all its other items.

429 and 503 with Retry-After hold the whole origin; so does silence. Other
origins never notice. That the network itself is gone is in test_network.
"""
import json
import re
import socket
import threading
import time

import pytest

from harness import row
from origin import Origin, response, serve
from polite import empty, gaps, reset, says, status, steps, stop, times

pytestmark = pytest.mark.retries

LIMITED = status(429, "Retry-After: 1")


def urls(o, n, path="/"):
    return [o.url(f"{path}{i}") for i in range(n)]


def lines(urls):
    return "".join(u + "\n" for u in urls)


def until_then(moment, before, after):
    """A handler: `before` until that many seconds after the first request."""
    began = []

    def handler(req):
        began.append(req.time)
        answer = before if req.time < began[0] + moment else after
        return answer(req) if callable(answer) else answer
    handler.began = began
    return handler


# -- Retry-After: what it may say ---------------------------------------------

def in_two_seconds(form):
    def answer(req):
        at = time.gmtime(int(time.time()) + 3)
        return status(429, "Retry-After: " + time.strftime(form, at))
    return answer


def unix_time(form):
    return lambda req: status(429, "Retry-After: " + form(time.time() + 2))


FORMS = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
         "%a %b %e %H:%M:%S %Y"]


def test_retry_after_is_seconds_or_one_of_three_dates(fetchd, origin):
    """A date is 2 to 3 s ahead. Both statuses, each on its own origin."""
    answers = [in_two_seconds(f) for f in FORMS] + [
        status(429, "Retry-After: 2"), status(503, "Retry-After: 2"),
        status(503, "retry-after:   2  ")]
    os_ = [origin(serve(steps(a, response()))) for a in answers]
    res = fetchd("--retry-delay", "20ms", stdin=[o.url() for o in os_])
    assert res.statuses() == [200] * len(os_)
    for o in os_[:3]:
        assert 1.9 <= gaps(o.requests)[0] <= 4.5
    for o in os_[3:]:
        assert 1.99 <= gaps(o.requests)[0] <= 4
    assert {r["num_attempts"] for r in res.records} == {2}


def test_retry_after_in_other_spellings(fetchd, origin):
    """A number above a milliard is a moment; of several the longest counts."""
    answers = [
        unix_time(lambda t: f"{t:.3f}"), unix_time(lambda t: f"{t * 1000:.0f}"),
        unix_time(lambda t: str(int(t + 1))),
        in_two_seconds("%Y-%m-%dT%H:%M:%SZ"), status(503, "Retry-After: 0, 2"),
        status(429, "Retry-After: 2", "Retry-After: 1"),
        status(429, "Retry-After: soon", "Retry-After: 2.0"),
        lambda r: status(429, "Retry-After: 1, " + time.strftime(
            FORMS[0], time.gmtime(time.time() + 3)))]
    os_ = [origin(serve(steps(a, response()))) for a in answers]
    res = fetchd("--retry-delay", "20ms", stdin=[o.url() for o in os_])
    assert res.statuses() == [200] * len(os_)
    for i, o in enumerate(os_):
        assert 1.9 <= gaps(o.requests)[0] <= 4.5, i


RUBBISH = ["soon", "-1", "-99999999999", "", "1e3", "0x10", "1;5",
           "Wed, 99 Foo 2099 25:61:61 GMT", "Sun, 06 Nov 1994 08:49:37 GMT",
           "0", "\x80\xff", "9" * 300 + "x"]


@pytest.mark.parametrize("code", [429, 503])
def test_rubbish_and_the_past_are_no_wait(fetchd, origin, code):
    """A 429 then waits for the back-off alone, a 503 is an ordinary retry."""
    os_ = [origin(serve(steps(status(code, f"Retry-After: {r}"),
                              response()))) for r in RUBBISH]
    res = fetchd("--retry-delay", "100ms", stdin=[o.url() for o in os_])
    assert res.statuses() == [200] * len(os_)
    for o, r in zip(os_, RUBBISH):
        assert len(o.requests) == 2
        assert 0.04 <= gaps(o.requests)[0] <= 1.2, r


# -- the hold -----------------------------------------------------------------

def test_a_429_holds_its_origin_and_no_other(fetchd, origin, control):
    """Nobody asks while it is held, then one alone, then more."""
    def slow(req):
        req.conn.wait(0.25)
        return response()
    handler = until_then(1.0, status(429, "Retry-After: 2"), slow)
    o = origin(serve(handler))
    run = fetchd.start("-c", "16", "--max-per-host", "8", "--retry-delay",
                       "50ms")
    n = 40
    run.write(lines(urls(o, n)))
    assert o.until(lambda o: o.requests)
    run.write(lines(urls(control, 60)))
    assert run.until_records(60, 1.8), "others had to wait"
    res = run.finish()
    assert res.statuses() == [200] * (n + 60)
    at = times(o.requests)
    refused = [t for t in at if t < at[0] + 1.0]
    after = [t for t in at if t >= at[0] + 1.0]
    # In flight when the first refusal came: no more than these.
    assert len(refused) <= 8 and len(after) == n
    assert after[0] - refused[-1] >= 1.9
    assert after[1] - after[0] >= 0.22, "the first was not alone"
    assert sum(t < after[1] + 0.2 for t in after) <= 5, "a burst"
    assert {r["num_attempts"] for r in res.records} <= {1, 2}


def test_a_503_holds_only_if_it_says_how_long(fetchd, origin):
    bad = steps(status(503), response())
    held = steps(status(503, "Retry-After: 2"), response())
    for special, waits in ((bad, False), (held, True)):
        o = origin(serve(lambda r: special(r) if r.target == "/x"
                         else response()))
        run = fetchd.start("-c", "1", "--retry-delay", "2s")
        run.write(o.url("/x") + "\n")
        assert o.until(lambda o: o.requests)
        run.write(lines(urls(o, 20)))
        assert run.until_records(20, 1.3) is not waits
        if not waits:
            stop(run)
            continue
        res = run.finish()
        assert res.statuses() == [200] * 21
        # Never less than the origin's own back-off.
        assert gaps(o.requests)[0] >= 1.99


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize("code", [429, 503])
def test_asked_to_wait_is_not_counted_and_for_any_method(fetchd, origin,
                                                         method, code):
    wait = status(code, "Retry-After: 0")
    o = origin(serve(steps(wait, wait, wait, wait, response(b"x"))))
    body = {} if method == "GET" else {"body": "b"}
    rec = fetchd("--retry", "1", "--retry-delay", "20ms", stdin=[
        dict(url=o.url(), method=method, **body)]).one
    assert rec["error"] is None and rec["status_code"] == 200
    assert rec["num_attempts"] == 5 == len(o.requests)
    assert len({r.raw for r in o.requests}) == 1


def test_a_429_without_retry_after_backs_off_by_doubling(fetchd, origin):
    wait = status(429)
    o = origin(serve(steps(wait, wait, wait, wait, response())))
    rec = fetchd("--retry", "1", "--retry-delay", "100ms", o.url()).one
    assert rec["status_code"] == 200
    for gap, want in zip(gaps(o.requests), (0.1, 0.2, 0.4, 0.8)):
        assert want * 0.5 - 0.02 <= gap <= want * 1.5 + 0.6, gaps(o.requests)


def test_a_retry_after_of_0_is_no_busy_loop(fetchd, origin):
    o = origin(serve(until_then(1.5, status(429, "Retry-After: 0"),
                                response())))
    res = fetchd("--retry-delay", "100ms", "--max-per-host", "4",
                 stdin=urls(o, 20))
    assert res.statuses() == [200] * 20
    assert len(o.requests) <= 20 + 4 + 8


def test_each_refusal_doubles_the_wait_of_the_origin_not_of_the_item(
        fetchd, origin):
    """Twenty items share one back-off: few requests reach a closed door."""
    o = origin(serve(until_then(2, status(429), response())))
    res = fetchd("--retry-delay", "100ms", "--max-per-host", "2",
                 stdin=urls(o, 20))
    assert res.statuses() == [200] * 20
    assert len(o.requests) <= 20 + 2 + 8


@pytest.mark.parametrize("args", [["--retry", "0"],
                                  ["--retry-on", "500,errors"]])
def test_who_wants_no_retries_gets_a_429_at_once(fetchd, origin, args):
    o = origin(serve(lambda r: status(429, "Retry-After: 60")))
    res = fetchd(*args, stdin=urls(o, 30))
    assert res.statuses() == [429] * 30 and len(o.requests) == 30
    assert res.wall < 10


def test_an_item_may_want_no_retries_of_its_own(fetchd, origin):
    o = origin(serve(steps(LIMITED, response())))
    res = fetchd("--max-per-host", "1",
                 stdin=[dict(url=o.url("/a"), retry=0), o.url("/b")])
    assert res.statuses() == [429, 200]


# -- the end of waiting -------------------------------------------------------

@pytest.mark.parametrize("said", ["11", "4000000000", "9" * 30, "date"])
def test_a_wait_that_is_too_long_ends_the_item_with_that_answer(
        fetchd, origin, control, said):
    """And the origin's other waiting items, which were not tried."""
    if said == "date":
        said = time.strftime(FORMS[0], time.gmtime(time.time() + 3600))
    o = origin(serve(lambda r: (r.conn.wait(0.3), status(
        429, f"Retry-After: {said}", body=b"no"))[1]))
    res = fetchd("--retry-after-max", "10s", "--max-per-host", "1",
                 stdin=urls(o, 20) + urls(control, 5), exit=4, timeout=15)
    first = res.by(1)
    assert first["status_code"] == 429 and first["error"] is None
    assert first["body"] == "no" and first["num_attempts"] == 1
    rest = [res.by(i) for i in range(2, 21)]
    assert {r["error"] for r in rest} == {"host_unavailable"}
    assert {r["num_attempts"] for r in rest} == {0}
    assert {r["status_code"] for r in rest} == {0}
    assert len(o.requests) == 1 and res.wall < 8
    assert res.statuses()[20:] == [200] * 5


def test_a_wait_just_short_enough_is_waited(fetchd, origin):
    o = origin(serve(steps(status(429, "Retry-After: 1"), response())))
    rec = fetchd("--retry-after-max", "1s", o.url()).one
    assert rec["status_code"] == 200 and gaps(o.requests)[0] >= 0.99


@row(250)
def test_asking_to_wait_for_ever_ends_at_retry_max_time(fetchd, origin,
                                                        control):
    """The item that was tried ends with its 503, the others untried."""
    o = origin(serve(lambda r: status(503, "Retry-After: 1")))
    n = 20
    res = fetchd("--max-per-host", "1", "--retry", "2", "--retry-delay",
                 "100ms", "--retry-max-time", "2s",
                 stdin=urls(o, n) + urls(control, 5), exit=4)
    codes = res.errors()[:n]
    assert set(codes) == {None, "host_unavailable"}
    for r in res.records:
        if r["error"] == "host_unavailable":
            assert r["error_phase"] == "policy"
        elif r["seq"] <= n:
            assert r["status_code"] == 503 and r["num_attempts"] >= 1
    untried = [r for r in res.records if r["num_attempts"] == 0]
    assert len(untried) >= n - 4
    assert len(o.requests) <= 8 and res.wall < 10
    assert res.statuses()[n:] == [200] * 5


@row(250)
def test_a_universal_503_costs_three_requests_an_item(fetchd, origin):
    o = origin(serve(lambda r: status(503)))
    n, hosts = 1500, 30
    res = fetchd("-c", "50", *o.resolve(), "--retry", "2", "--retry-delay",
                 "20ms", "--body", "none", timeout=100, stdin=[
                     o.url(f"/{i}", host=f"h{i % hosts}.test")
                     for i in range(n)])
    assert res.statuses() == [503] * n
    assert {r["num_attempts"] for r in res.records} == {3}
    assert len(o.requests) == 3 * n


# -- an origin that does not answer -------------------------------------------

def no_listener(addr="127.0.0.9"):
    with socket.socket() as s:
        s.bind((addr, 0))
        return s.getsockname()[1]


def answers(req):
    """... and closes, so that the next request needs a connection."""
    return response(req.target.encode(), headers=["Connection: close"])


def test_an_origin_that_is_down_for_a_while_costs_no_item(fetchd, origin,
                                                          control):
    """Refused for seconds, far more items than tries."""
    port = no_listener()
    n = 150
    run = fetchd.start("--retry-delay", "200ms", "--include-attempts", "-v")
    with Origin(serve(answers), addr="127.0.0.9", port=port):
        run.write(f"http://127.0.0.9:{port}/first\n")
        assert run.until_records(1, 5)
    run.write(lines(f"http://127.0.0.9:{port}/{i}" for i in range(n)))
    run.write(lines(urls(control, 100)))
    assert run.until_records(101, 5), "the other origin had to wait"
    assert says(run, "backoff")
    time.sleep(2.5)     # the stimulus: how long it is down
    seen = run.stamped()
    assert {json.loads(x)["error"] for _, x in seen} == {None}, "given up"
    o = origin(serve(answers), addr="127.0.0.9", port=port)
    res = run.finish(quiet=False)
    assert res.errors() == [None] * (1 + n + 100)
    assert len(o.requests) == n
    tried = [len(r["attempts"]) for r in res.records if r["seq"] <= 1 + n]
    assert sum(tried) <= 1 + n + 25, "it was asked all the time"
    # What waits, for whom, of what, and until when.
    said = re.search(rf"http://127.0.0.9:{port}: connect_refused, (\d+) "
                     r"items? waits?, next try in \d", res.stderr)
    assert said and int(said[1]) > 0, res.stderr


@pytest.mark.parametrize("fault", [empty, reset])
def test_urls_that_break_do_not_stall_a_healthy_origin(fetchd, origin, fault):
    """400 good ones and 20 that break each time, at the end of the list."""
    o = origin(serve(lambda r: fault(r) if "/bad" in r.target
                     else response()))
    good = [f"{o.url('')}/good{i}" for i in range(400)]
    bad = [f"{o.url('')}/bad{i}" for i in range(20)]
    for args, most, asked in ([["--retry", "0"], 3, 1],
                              [["--retry-delay", "200ms"], 8, 3]):
        o.requests.clear()
        res = fetchd(*args, stdin=good + bad, exit=4)
        assert res.errors()[:400] == [None] * 400
        assert set(res.errors()[400:]) <= {"empty_reply", "recv_reset"}
        assert [r["num_attempts"] for r in res.records[400:]] == [asked] * 20
        assert res.wall < most, res.wall


def test_handshakes_that_fail_hold_too(fetchd, origin, tls):
    up = threading.Event()
    up.set()

    def script(c):
        if not up.is_set():
            c.client_hello()
            c.rst()
            return
        if c.tls(tls):
            serve(answers)(c)
    o = origin(script)
    run = fetchd.start("--retry-delay", "200ms", "--max-per-host", "4")
    run.write(f"https://127.0.0.1:{o.port}/first\n")
    assert run.until_records(1, 5)
    up.clear()
    run.write(lines(f"https://127.0.0.1:{o.port}/{i}" for i in range(20)))
    assert o.until(lambda o: len(o.conns) >= 5)
    time.sleep(1.2)
    asked = len(o.conns) - 1
    up.set()
    res = run.finish()
    assert res.errors() == [None] * 21 and asked <= 4 + 5


def test_a_bad_certificate_holds_nobody(fetchd, origin, pki):
    o = origin(tls=pki.leaf("other.test").context())
    res = fetchd("--max-per-host", "2", "--retry-delay", "5s",
                 stdin=urls(o, 12))
    assert res.errors() == ["tls_cert_hostname"] * 12
    assert res.wall < 5


@pytest.mark.parametrize("code", [404, 500, 503])
def test_bad_statuses_are_answers_too(fetchd, origin, code):
    o = origin(serve(lambda r: status(code)))
    res = fetchd("--max-per-host", "2", "--retry", "0", "--retry-delay",
                 "5s", stdin=urls(o, 40))
    assert res.statuses() == [code] * 40 and res.wall < 5


# -- given up -----------------------------------------------------------------

def check_given_up(res, n, code):
    mine = [r for r in res.records if r["seq"] <= n]
    assert {r["error"] for r in mine} == {code, "host_unavailable"}
    untried = [r for r in mine if r["num_attempts"] == 0]
    assert len(untried) >= n - 10
    assert {r["error"] for r in untried} == {"host_unavailable"}
    for r in mine:
        if r["error"] == "host_unavailable":
            assert r["error_detail"] == code, r
            assert r["error_phase"] == "policy" and r["status_code"] == 0
            assert r["final_url"] is None or r["final_url"] == r["url"]
    return [r for r in mine if r["error"] == code]


def test_an_origin_that_never_answered_is_given_up_soon(fetchd, control):
    """As soon as one item has used up its tries."""
    port = no_listener()
    n = 60
    res = fetchd("--retry", "2", "--retry-delay", "200ms",
                 stdin=[f"http://127.0.0.9:{port}/{i}" for i in range(n)]
                 + urls(control, 20), exit=4, timeout=40)
    tried = check_given_up(res, n, "connect_refused")
    assert len(tried) == 1 and tried[0]["num_attempts"] == 3
    assert res.statuses()[n:] == [200] * 20 and res.wall < 5


def test_a_probe_that_has_no_try_of_its_own_gives_up_too(fetchd):
    """All items with "retry": 0: one probe, and nobody waits for more."""
    port = no_listener()
    res = fetchd("--retry-delay", "200ms", stdin=[
        dict(url=f"http://127.0.0.9:{port}/{i}", retry=0)
        for i in range(50)], exit=4)
    tried = [r for r in res.records if r["error"] == "connect_refused"]
    assert 3 <= len(tried) <= 7 and res.wall < 5
    assert {r["num_attempts"] for r in tried} == {1}
    assert {r["error"] for r in res.records if r not in tried} == {
        "host_unavailable"}


def test_an_origin_that_had_answered_is_given_up_after_host_dead_after(
        fetchd):
    n = 60
    run = fetchd.start("--retry", "1", "--retry-delay", "50ms",
                       "--host-dead-after", "1s", "--max-per-host", "1")
    with Origin(serve(answers)) as o:
        run.write(lines(urls(o, 3)))
        assert run.until_records(3, 5)
    run.write(lines(urls(o, n)))
    res = run.finish(exit=4)
    late = res.records[3:]
    assert len(late) == n
    assert {r["error"] for r in late} <= {"host_unavailable",
                                          "connect_refused"}
    assert sum(r["error"] == "host_unavailable" for r in late) >= n - 3
    assert {r["error_detail"] for r in late
            if r["error"] == "host_unavailable"} == {"connect_refused"}
    assert 0.9 < res.wall < 10


def test_a_number_of_failed_items_gives_an_origin_up(fetchd, origin):
    o = origin(serve(empty))
    res = fetchd("--retry", "0", "--max-host-errors", "5", "--max-per-host",
                 "1", stdin=urls(o, 50), exit=4)
    assert res.errors() == ["empty_reply"] * 5 + ["host_unavailable"] * 45
    assert len(o.requests) == 5


def test_with_f_a_bad_status_is_a_failed_item_too(fetchd, origin):
    o = origin(serve(lambda r: status(404)))
    args = ["--max-host-errors", "5", "--max-per-host", "1"]
    res = fetchd("-f", *args, stdin=urls(o, 50), exit=4)
    assert res.errors() == ["http_status"] * 5 + ["host_unavailable"] * 45
    assert fetchd(*args, stdin=urls(o, 50)).statuses() == [404] * 50


def test_without_retries_nothing_is_given_up(fetchd, origin):
    port = no_listener()
    res = fetchd("--retry", "0",
                 stdin=[f"http://127.0.0.9:{port}/{i}" for i in range(50)],
                 exit=4)
    assert res.errors() == ["connect_refused"] * 50 and res.wall < 3


def test_the_dead_of_one_port_are_not_those_of_another(fetchd, origin):
    """An origin is scheme, name and port."""
    alive = origin(addr="127.0.0.9")
    dead = no_listener()
    res = fetchd("--retry", "1", "--retry-delay", "20ms",
                 stdin=[u for i in range(30) for u in (
                     f"http://127.0.0.9:{dead}/{i}", alive.url(f"/{i}"))],
                 exit=4)
    assert res.statuses()[1::2] == [200] * 30
    assert set(res.errors()[::2]) == {"connect_refused", "host_unavailable"}
