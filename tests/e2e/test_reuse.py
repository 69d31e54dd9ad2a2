# SPDX-License-Identifier: ISC
"""Kept-alive connections, and the one case in which a request goes again."""
import json
import threading
import time

import pytest

from harness import row
from origin import finish, once, response, serve


def first_then(*rest):
    """A script: one good answer, then what each step does to the next
    request on the same connection."""
    def script(c):
        if c.request() is None:
            return
        c.answered()
        c.send(response(b"first"))
        for step in rest:
            step(c)
    return script


def again(c):
    serve(lambda r: response(b"fresh"))(c)


def drop(how):
    """Reads the next request, then ends without a byte."""
    def step(c):
        if c.request():
            c.answered()
            finish(c, how)
    return step


def pair(fetchd, origin, script, second, *args, tls=None, between=None):
    """Two items to one origin one after the other: the first leaves a
    connection that `script` treats as it likes."""
    o = origin(script, again, tls=tls)
    run = fetchd.start("--max-per-host", "1", *args)
    run.write(o.url("/first") + "\n")
    assert run.until_records(1)
    if between:
        between(o)
    line = second(o) if callable(second) else second
    run.write(line if isinstance(line, str) else json.dumps(
        {"url": o.url("/second"), **line}))
    run.write("\n")
    res = run.finish()
    assert res.by(1)["body"] == "first"
    return o, res.by(2)


def test_one_connection_serves_one_request_after_another(fetchd, origin):
    o = origin()
    res = fetchd("-c", "1", stdin=[o.url(f"/{i}") for i in range(50)])
    assert len(o.conns) == 1
    recs = sorted(res.records, key=lambda r: r["seq"])
    assert [r["conn_reused"] for r in recs] == [False] + [True] * 49
    assert {r["conn_id"] for r in recs} == {recs[0]["conn_id"]}
    later = recs[-1]
    assert later["time_namelookup"] == later["time_connect"] == \
        later["time_appconnect"] <= later["time_starttransfer"]


def test_the_most_recently_used_connection_goes_first(fetchd, origin):
    gate = threading.Event()

    def handler(req):
        if req.target.startswith("/hold"):
            req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    run = fetchd.start()
    run.write(o.url("/hold1") + "\n" + o.url("/hold2") + "\n")
    assert o.until(lambda o: o.in_flight == 2)
    gate.set()
    assert run.until_records(2)
    for i in range(10):
        run.write(o.url(f"/{i}") + "\n")
        assert run.until_records(3 + i)
    run.finish()
    assert len({r.conn.number for r in o.requests[2:]}) == 1


@row(42)
def test_a_connection_that_talks_out_of_turn_is_dropped(fetchd, origin):
    said = threading.Event()

    def talk(c):
        c.send(b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n")
        said.set()
        c.until_eof()
    o, rec = pair(fetchd, origin, first_then(talk), {},
                  between=lambda o: o.until(lambda o: o.conns[0].ended, 5))
    assert rec["status_code"] == 200 and rec["body"] == "fresh"
    assert rec["conn_reused"] is False and rec["num_attempts"] == 1
    assert o.conns[0].ended and len(o.conns) == 2


@row(42)
def test_bytes_that_race_with_the_next_request_are_not_its_answer(fetchd,
                                                                  origin):
    def talk(c):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        c.until_eof()
    o, rec = pair(fetchd, origin, first_then(talk), {})
    assert rec["body"] == "fresh"


def test_a_connection_the_peer_closed_is_not_used(fetchd, origin):
    o, rec = pair(fetchd, origin, first_then(lambda c: finish(c, "fin")), {},
                  between=lambda o: o.until(lambda o: o.conns[0].ended, 5))
    assert rec["body"] == "fresh" and rec["num_attempts"] == 1
    assert o.targets().count("/second") == 1


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_get_is_sent_again_when_a_kept_connection_dies(fetchd, origin, tls,
                                                         how, secure):
    o, rec = pair(fetchd, origin, first_then(drop(how)), {},
                  tls=tls if secure else None)
    assert rec["error"] is None and rec["body"] == "fresh"
    assert rec["num_attempts"] == 1 and rec["conn_reused"] is False
    assert o.targets().count("/second") == 2 and len(o.conns) == 2


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_idempotent_methods_are_sent_again(fetchd, origin, method):
    item = dict(method=method)
    if method == "PUT":
        item["body"] = "whole body"
    o, rec = pair(fetchd, origin, first_then(drop("fin")), item)
    assert rec["error"] is None, rec
    assert [r.method for r in o.requests if r.target == "/second"] == \
        [method] * 2
    if method == "PUT":
        assert o.requests[-1].body == b"whole body"


@pytest.mark.parametrize("how, code", [("fin", "empty_reply"),
                                       ("rst", "recv_reset")])
def test_a_post_is_not_sent_again_once_bytes_were_handed_over(fetchd, origin,
                                                              how, code):
    o, rec = pair(fetchd, origin, first_then(drop(how)),
                  dict(method="POST", body="x"))
    assert rec["error"] == code, rec
    assert rec["error_phase"] == "ttfb"
    assert o.targets().count("/second") == 1


def test_an_idempotency_key_makes_a_post_idempotent(fetchd, origin):
    o, rec = pair(fetchd, origin, first_then(drop("fin")), dict(
        method="POST", body="x", headers={"Idempotency-Key": "k1"}))
    assert rec["error"] is None and rec["body"] == "fresh"
    assert o.targets().count("/second") == 2


def test_a_post_uses_no_connection_idle_for_two_seconds(fetchd, origin):
    def wait(o):
        time.sleep(2.2)     # the stimulus: the connection's idle time
    o, rec = pair(fetchd, origin, first_then(again),
                  dict(method="POST", body="x"), between=wait)
    assert rec["error"] is None and rec["conn_reused"] is False
    assert len(o.conns) == 2


def test_a_post_uses_a_connection_that_was_just_parked(fetchd, origin):
    o, rec = pair(fetchd, origin, first_then(again),
                  dict(method="POST", body="x"))
    assert rec["error"] is None and rec["conn_reused"] is True


def test_a_get_uses_an_idle_connection_however_old(fetchd, origin):
    o, rec = pair(fetchd, origin, first_then(again), {},
                  between=lambda o: time.sleep(2.2))
    assert rec["conn_reused"] is True


def test_a_byte_of_an_answer_forbids_sending_again(fetchd, origin):
    def step(c):
        if c.request():
            c.send(b"HTTP/1.1 2")
            finish(c, "fin")
    o, rec = pair(fetchd, origin, first_then(step), {})
    assert rec["error"] == "http_truncated"
    assert o.targets().count("/second") == 1


def test_a_second_death_is_final(fetchd, origin):
    """A request is sent again once, on a fresh connection."""
    o = origin(first_then(drop("fin")), once(end="fin"))
    run = fetchd.start("--max-per-host", "1")
    run.write(o.url("/first") + "\n")
    assert run.until_records(1)
    run.write(o.url("/second") + "\n")
    res = run.finish()
    assert res.by(2)["error"] == "empty_reply"
    assert o.targets().count("/second") == 2


def test_sending_again_keeps_the_slot(fetchd, origin):
    o = origin(first_then(drop("fin")), again)
    res = fetchd("-c", "1", stdin=[o.url("/first"), o.url("/second"),
                                   o.url("/third")])
    assert res.errors() == [None] * 3
    assert o.targets() == ["/first", "/second", "/second", "/third"]


def test_keep_alive_timeout_is_obeyed_a_second_early(fetchd, origin):
    def script(c):
        if c.request():
            c.answered()
            c.send(response(b"first", headers=["Keep-Alive: timeout=2"]))
            c.until_eof()
    o = origin(script, again)
    run = fetchd.start()
    run.write(o.url("/first") + "\n")
    assert run.until_records(1)
    began = time.monotonic()
    assert o.until(lambda o: o.conns[0].ended == "eof", 10)
    assert 0.5 <= time.monotonic() - began <= 1.9
    run.finish()


def test_connections_are_kept_apart_by_scheme_and_name(fetchd, origin, tls):
    o = origin(tls=tls)
    res = fetchd(*o.resolve(), "-c", "1", stdin=[
        o.url(host="a.test"), o.url(host="b.test"), o.url(host="a.test")])
    assert res.errors() == [None] * 3
    assert sorted(c.sni for c in o.conns) == ["a.test", "b.test"]
    assert res.by(3)["conn_id"] == res.by(1)["conn_id"]


def test_idle_connections_are_closed_at_the_end(fetchd, origin):
    o = origin()
    fetchd(stdin=[o.url(f"/{i}") for i in range(20)])
    assert o.until(lambda o: o.open == 0)
    assert {c.ended for c in o.conns} == {"eof"}


def test_a_half_closed_answer_is_followed_by_a_fresh_connection(fetchd,
                                                                origin):
    o = origin(once(response(b"a"), end="fin"))
    res = fetchd("-c", "1", stdin=[o.url(f"/{i}") for i in range(20)])
    assert res.errors() == [None] * 20
    assert all(r["num_attempts"] == 1 for r in res.records)
