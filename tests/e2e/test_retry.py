# SPDX-License-Identifier: ISC
"""Sent again: what, how often, when, and what never is.

"Asked to wait" (429, 503 with Retry-After) and origins that do not answer are
in test_governor; resending on a kept-alive connection is in test_reuse.
"""
import os
import socket

import pytest

from harness import row
from origin import once, response, serve
from polite import (HEAD, cut, empty, gaps, reset, says, silent, stalled,
                    status, steps)

pytestmark = pytest.mark.retries

SOON = ["--retry-delay", "20ms"]
CLOSE = "Connection: close"     # or the next try meets a kept-alive connection


def bad_chunk(req):
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"


def started(req):
    """A byte of an answer, then silence."""
    def act(c):
        c.send(b"H")
        c.stay()
    return act


def tries(fetchd, origin, answers, *args, item=None, tls=None):
    """One item to an origin that answers so, one answer after another."""
    o = origin(serve(steps(*answers)), tls=tls)
    if "--retry-delay" not in args:
        args = (*SOON, *args)
    res = fetchd(*args, stdin=[dict(url=o.url("/x"), **(item or {}))])
    return o, res.one


def refused():
    """A port where nobody listens, and nobody else will."""
    with socket.socket() as s:
        s.bind(("127.0.0.9", 0))
        return s.getsockname()[1]


# -- the table: (method, where it failed, options) -> how often ---------------

GET, PUT, DELETE = "GET", "PUT", "DELETE"
POST, PATCH = "POST", "PATCH"
TTFB = ["--ttfb-timeout", "300ms"]
IDLE = ["--idle-timeout", "300ms"]
TOTAL = ["-m", "400ms"]
TWICE = ["--retry", "2"]
KEY = {"Idempotency-Key": "k-1"}


@row(30, 32)
@pytest.mark.parametrize("method, fault, args, requests, code", [
    (GET, empty, [], 3, "empty_reply"),         # the default is --retry 2
    (GET, empty, ["--retry", "0"], 1, "empty_reply"),
    (GET, empty, ["--retry", "1"], 2, "empty_reply"),
    (GET, empty, ["--retry", "5"], 6, "empty_reply"),
    (GET, reset, TWICE, 3, "recv_reset"),
    ("HEAD", empty, TWICE, 3, "empty_reply"),
    (PUT, empty, TWICE, 3, "empty_reply"),
    (PUT, reset, TWICE, 3, "recv_reset"),
    (DELETE, reset, TWICE, 3, "recv_reset"),
    ("OPTIONS", empty, TWICE, 3, "empty_reply"),
    ("TRACE", empty, TWICE, 3, "empty_reply"),
    (POST, empty, TWICE, 1, "empty_reply"),
    (POST, reset, TWICE, 1, "recv_reset"),
    (POST, cut, TWICE, 1, "http_truncated"),
    (POST, silent, TWICE + TTFB, 1, "timeout_ttfb"),
    (POST, silent, TWICE + TOTAL, 1, "timeout_total"),
    (POST, stalled, TWICE + IDLE, 1, "timeout_idle"),
    (PATCH, empty, TWICE, 1, "empty_reply"),
    (PATCH, reset, TWICE, 1, "recv_reset"),
    ("FROB", reset, TWICE, 1, "recv_reset"),
    (POST, empty, TWICE + ["--retry-post"], 3, "empty_reply"),
    (POST, reset, ["--retry-post"], 3, "recv_reset"),
    (PATCH, cut, ["--retry-post"], 3, "http_truncated"),
    (POST, empty, ["--retry-post", "--retry", "0"], 1, "empty_reply"),
    (GET, cut, TWICE, 3, "http_truncated"),
    (GET, silent, TWICE + TTFB, 3, "timeout_ttfb"),
    (GET, stalled, TWICE + IDLE, 3, "timeout_idle"),
    (GET, silent, TWICE + TOTAL, 3, "timeout_total"),
    (GET, started, TWICE + TOTAL, 1, "timeout_total"),
    (GET, stalled, TWICE + TOTAL, 1, "timeout_total"),
    (GET, bad_chunk, TWICE, 1, "http_bad_chunk"),
    (GET, b"SSH-2.0-x\r\n", TWICE, 1, "http_not_http"),
    (GET, empty, ["--retry-on", "503"], 1, "empty_reply"),
    (GET, empty, ["--retry-on", "errors"], 3, "empty_reply"),
    (GET, empty, ["--retry-on", "503,empty_reply"], 3, "empty_reply"),
    (GET, reset, ["--retry-on", "503,empty_reply"], 1, "recv_reset"),
    (GET, bad_chunk, ["--retry-on", "http_bad_chunk"], 3, "http_bad_chunk"),
    (GET, bad_chunk, ["--retry-on", "errors"], 1, "http_bad_chunk"),
    (POST, bad_chunk, ["--retry-on", "http_bad_chunk"], 1, "http_bad_chunk"),
])
def test_a_fault_costs_so_many_requests(fetchd, origin, method, fault, args,
                                        requests, code):
    item = dict(method=method)
    if method in (POST, PUT, PATCH):
        item["body"] = "the body"
    o, rec = tries(fetchd, origin, [fault], *args, item=item)
    assert rec["error"] == code, rec
    assert len(o.requests) == requests == rec["num_attempts"]
    assert {r.method for r in o.requests} == {method}
    assert {r.body for r in o.requests} == {item.get("body", "").encode()}
    # A fault leaves no connection for the next try.
    assert len(o.conns) == requests


@pytest.mark.parametrize("fault", [empty, reset, cut, status(500)])
def test_a_later_try_may_succeed(fetchd, origin, fault):
    o, rec = tries(fetchd, origin, [fault, fault, response(b"third")])
    assert rec["error"] is None and rec["body"] == "third"
    assert rec["num_attempts"] == 3 == len(o.requests)
    assert rec["complete"] is True and rec["status_code"] == 200
    assert rec["time_item"] >= rec["time_total"] + 0.03


def test_the_last_try_is_the_record(fetchd, origin):
    o, rec = tries(fetchd, origin, [status(500, CLOSE, body=b"one"), empty,
                                    status(502, CLOSE, body=b"three")])
    assert rec["status_code"] == 502 and rec["body"] == "three"
    assert rec["error"] is None and rec["num_attempts"] == 3
    o, rec = tries(fetchd, origin, [status(500, CLOSE),
                                    status(500, CLOSE, body=b"gone"), empty])
    assert rec["error"] == "empty_reply" and rec["status_code"] == 0
    assert rec["body"] is None and rec["size_download"] == 0


RETRIED = [408, 425, 500, 502, 503, 504]
FINAL = [200, 204, 304, 400, 401, 403, 404, 405, 409, 410, 418, 422, 451, 501,
         505, 507, 511, 599]


def by_path(origin):
    """Answers with the status that the path names."""
    def handler(req):
        code = int(req.target[1:4])
        return response(b"" if code in (204, 304) else b"x",
                        status=f"{code} x", length=code not in (204, 304))
    return origin(serve(handler))


def counted(fetchd, o, codes, *args, **item):
    res = fetchd(*SOON, *args, stdin=[dict(url=o.url(f"/{c}"), **item)
                                      for c in codes], exit=None)
    assert res.statuses() == list(codes)
    for r, c in zip(sorted(res.records, key=lambda r: r["seq"]), codes):
        assert r["num_attempts"] == o.targets().count(f"/{c}")
    return {c: o.targets().count(f"/{c}") for c in codes}


@pytest.mark.parametrize("method, args, again", [
    ("GET", [], RETRIED), ("PUT", [], RETRIED), ("POST", [], []),
    ("POST", ["--retry-post"], RETRIED), ("GET", ["--retry", "0"], []),
    ("GET", ["--retry-on", "404,599,503"], [404, 599, 503]),
    ("GET", ["--retry-on", "errors"], []),
    ("GET", ["-f"], RETRIED), ("POST", ["-f"], [])])
def test_the_statuses_that_are_tried_again(fetchd, origin, method, args,
                                           again):
    """-f makes an error of them, which changes nothing here."""
    o = by_path(origin)
    seen = counted(fetchd, o, RETRIED + FINAL, *args, method=method)
    assert {c for c, n in seen.items() if n == 3} == set(again)
    assert set(seen.values()) <= {1, 3}


@pytest.mark.parametrize("bad", ["nope", "99", "1000", "503;504", "x503"])
def test_a_list_of_what_there_is_not_is_exit_2(fetchd, origin, bad):
    o = origin()
    assert fetchd("--retry-on", bad, o.url(), exit=2).stderr
    assert o.conns == []


def test_the_items_own_number_wins(fetchd, origin):
    o = origin(serve(lambda r: status(500)))
    res = fetchd(*SOON, "--retry", "1", stdin=[
        dict(url=o.url("/none"), retry=0), dict(url=o.url("/three"), retry=3),
        o.url("/option")])
    assert [r["num_attempts"] for r in sorted(
        res.records, key=lambda r: r["seq"])] == [1, 4, 2]
    assert [o.targets().count(t) for t in ("/none", "/three", "/option")] \
        == [1, 4, 2]


@pytest.mark.parametrize("fault", [empty, reset, cut, status(503)])
def test_an_idempotency_key_makes_any_method_repeatable(fetchd, origin,
                                                        fault):
    o, rec = tries(fetchd, origin, [fault, fault, response(b"done")],
                   item=dict(method=POST, body="x", headers=KEY))
    assert rec["error"] is None and rec["num_attempts"] == 3
    assert [r.header("idempotency-key") for r in o.requests] == ["k-1"] * 3


def test_an_idempotency_key_of_the_option_counts_too(fetchd, origin):
    o, rec = tries(fetchd, origin, [empty, response()], "-H",
                   "idempotency-key: k", "-d", "x")
    assert rec["error"] is None and len(o.requests) == 2


def test_a_body_from_a_file_is_sent_whole_again(fetchd, origin):
    data = os.urandom(300_000)
    path = fetchd.file("data", data)
    o, rec = tries(fetchd, origin, [empty, cut, response()],
                   item=dict(method=PUT, body_file=path))
    assert rec["error"] is None
    assert [r.body == data for r in o.requests] == [True] * 3


# -- before a byte of the request: any method ---------------------------------

@pytest.mark.parametrize("method", [GET, POST])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_is_tried_again_by_any_method(fetchd, method,
                                                           scheme):
    rec = fetchd(*SOON, "--include-attempts", stdin=[dict(
        url=f"{scheme}://127.0.0.9:{refused()}/", method=method)]).one
    assert rec["error"] == "connect_refused" and rec["num_attempts"] == 3
    assert [a["error"] for a in rec["attempts"]] == ["connect_refused"] * 3


def test_a_post_waits_for_its_peer_to_listen(fetchd, origin, control):
    port = refused()
    run = fetchd.start("--retry", "30", "--retry-delay", "100ms", "-d", "x")
    run.write(control.url() + "\n")
    assert run.until_records(1)
    run.write(f"http://127.0.0.9:{port}/x\n")
    assert says(run, "backoff")
    o = origin(addr="127.0.0.9", port=port)
    rec = run.finish(quiet=False).by(2)
    assert rec["error"] is None and rec["num_attempts"] >= 2
    assert len(o.requests) == 1 and o.requests[0].method == POST


def alert(number):
    def script(c):
        c.client_hello()
        c.raw_send(b"\x15\x03\x03\x00\x02\x02" + bytes([number]))
        c.stay()
    return script


def shut(c):
    c.client_hello()
    c.fin()


def shut_hard(c):
    c.client_hello()
    c.rst()


@pytest.mark.parametrize("fault, again", [
    (shut, True), (shut_hard, True), (alert(80), True), (alert(40), False),
    (alert(49), False), (lambda c: c.send(b"220 smtp\r\n"), False)])
def test_a_handshake_that_fails_is_tried_again_by_any_method(
        fetchd, origin, tls, fault, again):
    def good(c):
        assert c.tls(tls)
        serve(lambda r: response(b"in"))(c)
    o = origin(fault, fault, good)
    rec = fetchd(*SOON, "-d", "x", f"https://127.0.0.1:{o.port}/").one
    assert (rec["error"] is None) is again, rec
    assert len(o.conns) == rec["num_attempts"] == (3 if again else 1)
    assert len(o.requests) == (1 if again else 0)


def test_a_bad_certificate_is_final(fetchd, origin, pki):
    o = origin(tls=pki.leaf("other.test").context())
    rec = fetchd(*SOON, o.url()).one
    assert rec["error"] == "tls_cert_hostname"
    assert rec["num_attempts"] == 1 == len(o.conns)


@row(5)
@pytest.mark.parametrize("method", [GET, POST])
def test_a_lookup_that_failed_is_asked_again(fetchd, origin, dns, method):
    o = origin()
    dns.set("h.test", rcode="SERVFAIL")
    run = fetchd.start("--dns-servers", dns.server, "--retry", "1",
                       "--retry-delay", "2s", "--include-attempts")
    run.write('{"url": "%s", "method": "%s"}\n' % (o.url(host="h.test"),
                                                   method))
    assert dns.wait(1, "h.test")
    assert says(run, "backoff")
    asked = dns.count("h.test")
    dns.set("h.test", A="127.0.0.1")
    rec = run.finish(quiet=False).one
    assert rec["error"] is None and rec["num_attempts"] == 2
    assert dns.count("h.test") > asked and len(o.requests) == 1
    first, last = rec["attempts"]
    assert first["error"] == "dns_servfail" and first["status_code"] == 0
    assert last["wait_reason"] == "backoff" and 0.9 <= last["wait"] <= 4


def test_lookups_that_fail_are_attempts_with_their_url_and_wait(fetchd, dns):
    dns.set("h.test", rcode="SERVFAIL")
    rec = fetchd("--dns-servers", dns.server, "--retry", "2",
                 "--retry-delay", "100ms", "--include-attempts",
                 "http://h.test/x").one
    assert [a["url"] for a in rec["attempts"]] == ["http://h.test/x"] * 3
    assert [a["wait_reason"] for a in rec["attempts"]] == [
        None, "backoff", "backoff"]


def test_a_name_that_does_not_exist_is_final(fetchd, dns):
    rec = fetchd(*SOON, "--dns-servers", dns.server, "http://no.test/").one
    assert rec["error"] == "dns_nxdomain" and rec["num_attempts"] == 1


def test_a_line_that_cannot_be_used_is_not_tried(fetchd):
    rec = fetchd(*SOON, "http://127.0.0.1:0/").one
    assert rec["error"] == "url_invalid" and rec["num_attempts"] == 0


# -- a POST on dying kept-alive connections -----------------------------------

@pytest.mark.parametrize("args", [[], ["--retry", "5"]])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_no_post_is_sent_twice_on_connections_that_die(fetchd, origin, args,
                                                       how):
    """Each connection serves one request and dies under the next."""
    def script(c):
        if c.request() is None:
            return
        c.answered()
        c.send(response(b"first"))
        if c.request() and how == "rst":
            c.rst()
    o = origin(script)
    n = 60
    res = fetchd(*SOON, "-c", "4", *args, stdin=[
        dict(url=o.url(f"/{i}"), method=POST, body=str(i)) for i in range(n)])
    seen = o.targets()
    assert len(seen) == len(set(seen)), "a POST twice"
    for r in res.records:
        assert r["error"] in (None, "empty_reply", "recv_reset"), r
        assert r["num_attempts"] == 1
    assert sum(r["error"] is None for r in res.records) >= n // 3


def test_a_resend_is_not_counted_and_a_retry_is(fetchd, origin):
    def dies(c):
        c.request()
        c.answered()
        c.send(response(b"first"))
        c.request()
    o = origin(dies, once(end="fin"), serve(lambda r: response(b"third")))
    res = fetchd("--max-per-host", "1", *SOON, "--retry", "1",
                 stdin=[o.url("/a"), o.url("/b")])
    assert res.errors() == [None, None] and res.by(2)["body"] == "third"
    assert o.targets() == ["/a", "/b", "/b", "/b"]
    assert res.by(2)["num_attempts"] == 2


# -- when ---------------------------------------------------------------------

def test_the_wait_doubles_and_has_jitter(fetchd, origin):
    """Ten items on as many origins; half to one and a half of each wait."""
    o = origin(serve(lambda r: status(500)))
    hosts = [f"h{i}.test" for i in range(10)]
    res = fetchd("--retry", "3", "--retry-delay", "200ms", *o.resolve(),
                 stdin=[o.url(host=h) for h in hosts], timeout=60)
    assert [r["num_attempts"] for r in res.records] == [4] * 10
    firsts = []
    for h in hosts:
        waits = gaps([r for r in o.requests
                      if r.header("host").startswith(h + ":")])
        assert len(waits) == 3
        for wait, want in zip(waits, (0.2, 0.4, 0.8)):
            assert want * 0.5 - 0.02 <= wait <= want * 1.5 + 0.5, waits
        firsts.append(waits[0])
    assert max(firsts) - min(firsts) > 0.02, "no jitter"


def test_a_delay_of_0_tries_again_at_once(fetchd, origin):
    o = origin(serve(lambda r: status(500)))
    rec = fetchd("--retry", "5", "--retry-delay", "0", o.url()).one
    assert rec["num_attempts"] == 6 and rec["time_item"] < 2


def test_waiting_never_counts_as_max_time(fetchd, origin):
    o = origin(serve(steps(status(500), status(500), response())))
    rec = fetchd("--retry-delay", "600ms", "-m", "500ms", o.url()).one
    assert rec["error"] is None and rec["time_item"] > 0.8


def test_no_try_begins_after_retry_max_time(fetchd, origin):
    o = origin(serve(lambda r: status(500)))
    rec = fetchd("--retry", "1000", "--retry-delay", "50ms",
                 "--retry-max-time", "1s", o.url()).one
    assert rec["status_code"] == 500 and rec["error"] is None
    assert 3 <= rec["num_attempts"] == len(o.requests) <= 20
    assert rec["time_item"] < 3.5


def test_who_comes_back_goes_to_the_head_of_the_queue(fetchd, origin):
    def slow(body):
        def answer(req):
            req.conn.wait(0.03)
            return body
        return answer
    first = steps(slow(status(500)), slow(response()))
    o = origin(serve(lambda r: (first if r.target == "/0" else
                                slow(response()))(r)))
    n = 60
    res = fetchd("--max-per-host", "1", "--retry-delay", "100ms",
                 stdin=[o.url(f"/{i}") for i in range(n)])
    assert res.statuses() == [200] * n
    seen = o.targets()
    assert len(seen) == n + 1
    again = len(seen) - 1 - seen[::-1].index("/0")
    assert again < 25, "it had to queue again"


def test_an_item_that_waits_holds_no_slot_and_no_other_item(fetchd, origin):
    """500 says nothing of the origin: the rest goes on meanwhile."""
    bad = steps(status(500), response())
    o = origin(serve(lambda r: bad(r) if r.target == "/bad" else response()))
    run = fetchd.start("-c", "1", "--retry-delay", "3s")
    run.write(o.url("/bad") + "\n")
    assert o.until(lambda o: o.requests)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(50)))
    assert run.until_records(50, 1.4)
    res = run.finish()
    assert res.statuses() == [200] * 51 and res.by(1)["num_attempts"] == 2


# -- what the record says -----------------------------------------------------

def test_the_attempts_are_listed_with_their_waits(fetchd, origin):
    o, rec = tries(fetchd, origin, [status(500, CLOSE), empty,
                                    response(b"x")], "--include-attempts", "--retry-delay", "200ms")
    one, two, three = rec["attempts"]
    assert [a["attempt"] for a in rec["attempts"]] == [1, 2, 3]
    assert [a["status_code"] for a in rec["attempts"]] == [500, 0, 200]
    assert [a["error"] for a in rec["attempts"]] == [None, "empty_reply",
                                                     None]
    assert {a["url"] for a in rec["attempts"]} == {o.url("/x")}
    assert {a["remote_ip"] for a in rec["attempts"]} == {"127.0.0.1"}
    assert one["wait_reason"] is None or one["wait"] < 0.1
    assert two["wait_reason"] == three["wait_reason"] == "backoff"
    assert 0.08 <= two["wait"] <= 0.8 and 0.18 <= three["wait"] <= 1.1
    assert three["time_total"] == rec["time_total"]
    assert len({a["conn_id"] for a in rec["attempts"]}) == 3


def test_without_the_option_there_is_no_list(fetchd, origin):
    o, rec = tries(fetchd, origin, [status(500), response()])
    assert "attempts" not in rec


def test_the_number_of_requests_is_in_the_stats(fetchd, origin):
    o = origin(serve(lambda r: status(500)))
    res = fetchd(*SOON, "--stats", stdin=[o.url(f"/{i}") for i in range(10)])
    assert res.stats["requests"] == 30 and res.stats["items"] == 10
    assert res.stats["waits"]["backoff"]["count"] >= 20
