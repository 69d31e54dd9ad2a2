# SPDX-License-Identifier: ISC
"""Request headers of the user's that mean something to the connection or to
us: they are acted on."""
import gzip
import json

import pytest

from origin import response, serve


def run(fetchd, o, n, *args, **item):
    return fetchd("-c", "1", *args, stdin=[
        json.dumps({"url": o.url(f"/{i}"), **item}) for i in range(n)])


@pytest.mark.parametrize("value", ["close", "Close", "CLOSE, keep-alive",
                                   "keep-alive ,close", " close ,,"])
@pytest.mark.parametrize("by", ["option", "item"])
def test_connection_close_ends_the_connection(fetchd, origin, value, by):
    o = origin()
    if by == "option":
        res = run(fetchd, o, 4, "-H", f"Connection: {value}")
    else:
        res = run(fetchd, o, 4, headers={"Connection": value})
    assert res.errors() == [None] * 4
    assert len(o.conns) == 4
    assert [r["conn_reused"] for r in res.records] == [False] * 4
    assert {r.header("connection").strip() for r in o.requests} == \
        {value.strip()}


@pytest.mark.parametrize("args, item", [
    (["-H", "Connection: keep-alive"], {}),
    (["-H", "Connection: close"], {"headers": {"Connection": "keep-alive"}}),
    (["-H", "Connection: close"], {"headers": {"connection": None}}),
    (["-H", "Connection: close", "-H", "Connection:"], {}),
    ([], {"headers": {"X-Connection": "close"}}),
])
def test_what_is_not_sent_is_not_acted_on(fetchd, origin, args, item):
    o = origin()
    res = run(fetchd, o, 4, *args, **item)
    assert res.errors() == [None] * 4 and len(o.conns) == 1
    assert all("close" not in (r.header("connection") or "")
               for r in o.requests)


def test_one_item_that_closes_costs_the_others_nothing(fetchd, origin):
    o = origin()
    res = fetchd("-c", "1", stdin=[
        json.dumps({"url": o.url("/1")}),
        json.dumps({"url": o.url("/2"), "headers": {"Connection": "close"}}),
        json.dumps({"url": o.url("/3")}), json.dumps({"url": o.url("/4")})])
    assert res.errors() == [None] * 4 and len(o.conns) == 2


@pytest.mark.parametrize("name, value", [
    ("Connection", "Upgrade, HTTP2-Settings"), ("Connection", "TE"),
    ("Connection", "close, X-Mine"), ("Connection", ","), ("TE", "trailers"),
    ("Transfer-Encoding", "chunked"), ("Content-Length", "5"),
    ("Expect", "100-continue"), ("Upgrade", "h2c"), ("Trailer", "X-Sum"),
    ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "close"),
])
def test_what_cannot_be_acted_on_is_refused(fetchd, origin, name, value):
    o = origin()
    res = run(fetchd, o, 1, headers={name: value})
    assert res.errors() == ["input_invalid"] and not o.requests
    assert fetchd("-H", f"{name}: {value}", o.url(), exit=2).exit == 2


CODED = gzip.compress(b"x" * 1000)


def server(r):
    if r.header("range") is None:
        return response(CODED, headers=["Content-Encoding: gzip"])
    if "gzip" in (r.header("accept-encoding") or ""):
        return response(CODED[:10], "206 Partial Content", [
            "Content-Encoding: gzip",
            f"Content-Range: bytes 0-9/{len(CODED)}"])
    return response(b"x" * 10, "206 Partial Content",
                    ["Content-Range: bytes 0-9/1000"])


@pytest.mark.parametrize("by", ["option", "item"])
def test_with_a_range_no_coding_is_asked_for(fetchd, origin, by):
    o = origin(serve(server))
    if by == "option":
        res = run(fetchd, o, 2, "-H", "range: bytes=0-9")
    else:
        res = run(fetchd, o, 2, headers={"Range": "bytes=0-9"})
    assert res.errors() == [None] * 2
    assert {r["body"] for r in res.records} == {"x" * 10}
    assert [r.all("accept-encoding") for r in o.requests] == [["identity"]] * 2


def test_a_range_that_is_taken_back_asks_for_codings(fetchd, origin):
    o = origin(serve(server))
    res = run(fetchd, o, 1, "-H", "Range: bytes=0-9", headers={"Range": None})
    assert res.one["body"] == "x" * 1000
    assert "gzip" in o.requests[0].header("accept-encoding")


def test_the_users_accept_encoding_stands(fetchd, origin):
    """What comes of it then is passed on as it came."""
    o = origin(serve(server))
    res = run(fetchd, o, 1, headers={"Range": "bytes=0-9",
                                     "Accept-Encoding": "gzip"})
    assert o.requests[0].all("accept-encoding") == ["gzip"]
    rec = res.one
    assert rec["error"] is None and rec["status_code"] == 206
    assert rec["size_decoded"] == 10 and rec["flags"] == ["unknown_coding"]


def test_without_a_range_the_users_accept_encoding_is_decoded(fetchd, origin):
    o = origin(serve(server))
    res = run(fetchd, o, 1, headers={"Accept-Encoding": "gzip;q=1"})
    assert res.one["body"] == "x" * 1000


def test_no_compressed_asks_for_nothing_with_a_range_too(fetchd, origin):
    o = origin(serve(server))
    res = run(fetchd, o, 1, "--no-compressed",
              headers={"Range": "bytes=0-9"})
    assert res.one["body"] == "x" * 10
    assert o.requests[0].all("accept-encoding") == []
