# SPDX-License-Identifier: ISC
"""Secrets stay with the origin they were given for: scheme, host and port.

Each test asks the peers: all bytes that came to another origin are searched.
"""
import base64
import json
import threading

import pytest

from harness import row
from origin import response, serve
from polite import empty, moved, pages, says, status, steps

pytestmark = pytest.mark.retries

SECRET = "s3cr3t"
BASIC = base64.b64encode(b"user:" + SECRET.encode()).decode()

# What carries the secret: options, keys of the item, userinfo of its URL, and
# what the origin it is for must see of it.
CARRIERS = {
    "user option": (["-u", f"user:{SECRET}"], {}, "",
                    ("authorization", f"Basic {BASIC}")),
    "cookie option": (["-b", f"sid={SECRET}"], {}, "",
                      ("cookie", f"sid={SECRET}")),
    "authorization option": (["-H", f"Authorization: Bearer {SECRET}"], {},
                             "", ("authorization", f"Bearer {SECRET}")),
    "odd case option": (["-H", f"aUTHORIZATION: Bearer {SECRET}"], {}, "",
                        ("authorization", f"Bearer {SECRET}")),
    "cookie header option": (["-H", f"Cookie: sid={SECRET}"], {}, "",
                             ("cookie", f"sid={SECRET}")),
    "item authorization": ([], {"headers": {
        "Authorization": f"Bearer {SECRET}"}}, "",
        ("authorization", f"Bearer {SECRET}")),
    "item cookie": ([], {"headers": {"cookie": f"sid={SECRET}"}}, "",
                    ("cookie", f"sid={SECRET}")),
    "userinfo": ([], {}, f"user:{SECRET}@", ("authorization",
                                             f"Basic {BASIC}")),
}
carriers = pytest.mark.parametrize("carrier", CARRIERS)


def leaked(requests):
    """The requests that carry the secret, in clear or as Basic."""
    return [r.raw for r in requests
            if SECRET.encode() in r.raw or BASIC.encode() in r.raw]


def carry(fetchd, carrier, url, *args, **how):
    """One item whose secret goes the carrier's way."""
    options, item, userinfo, _ = CARRIERS[carrier]
    url = url.replace("://", "://" + userinfo)
    if "--retry" not in args:
        args = ("--retry", "0", *args)
    res = fetchd(*options, *args, stdin=[dict(url=url, **item)], **how)
    assert SECRET not in res.stderr
    # Records show a password nowhere, and headers of a request never.
    assert SECRET not in res.stdout.decode(), res.stdout
    return res.one


def has(request, carrier):
    name, value = CARRIERS[carrier][3]
    return request.all(name) == [value]


@row(138)
@carriers
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_secret_stays_at_its_origin(fetchd, origin, carrier, code):
    """Another port of the same host is another origin."""
    other = origin()
    first = origin(serve(pages({
        "/a": moved("/b", code), "/b": moved(other.url("/c"), code)})))
    rec = carry(fetchd, carrier, first.url("/a"))
    assert rec["error"] is None and rec["final_url"] == other.url("/c")
    assert [has(r, carrier) for r in first.requests] == [True, True]
    assert leaked(other.requests) == [] and len(other.requests) == 1
    assert not other.requests[0].header("authorization")
    assert not other.requests[0].header("cookie")


@row(138)
@carriers
@pytest.mark.parametrize("to", ["b.test", "x.a.test", "test", "a.test.b"])
def test_a_secret_stays_at_its_host_name(fetchd, origin, carrier, to):
    """Names are compared whole."""
    def handler(r):
        if r.target == "/a":
            return moved(f"http://{to}:{o.port}/c")
        return response()
    o = origin(serve(handler))
    rec = carry(fetchd, carrier, o.url("/a", host="a.test"), *o.resolve())
    assert rec["error"] is None and o.targets() == ["/a", "/c"]
    assert has(o.requests[0], carrier) and leaked(o.requests[1:]) == []


@carriers
def test_the_same_origin_in_other_letters_still_gets_it(fetchd, origin,
                                                        carrier):
    o = origin(serve(lambda r: response() if r.target == "/c" else moved(
        f"HTTP://A.Test:0{o.port}/c")))
    rec = carry(fetchd, carrier, o.url("/a", host="a.test"), *o.resolve())
    assert rec["error"] is None
    assert [has(r, carrier) for r in o.requests] == [True, True]


@row(135, 138)
@carriers
def test_a_secret_does_not_go_from_https_to_http(fetchd, origin, tls,
                                                 carrier):
    plain = origin()
    secure = origin(serve(lambda r: moved(plain.url("/p"))), tls=tls)
    rec = carry(fetchd, carrier, secure.url("/s"))
    assert rec["error"] is None and rec["final_url"] == plain.url("/p")
    assert has(secure.requests[0], carrier) and leaked(plain.requests) == []


@row(135)
@pytest.mark.parametrize("carrier", ["user option", "cookie option",
                                     "userinfo"])
def test_nor_from_http_to_https(fetchd, origin, tls, carrier):
    secure = origin(tls=tls)
    plain = origin(serve(lambda r: moved(secure.url("/s"))))
    rec = carry(fetchd, carrier, plain.url("/p"))
    assert rec["error"] is None
    assert len(secure.requests) == 1 and leaked(secure.requests) == []


@carriers
def test_a_chain_through_others_does_not_carry_it_further(fetchd, origin,
                                                          carrier):
    """a, b, c: neither b nor c sees it; b cannot make c see it."""
    c = origin()
    b = origin(serve(lambda r: moved(c.url("/c"))))
    a = origin(serve(lambda r: moved(b.url("/b"))))
    rec = carry(fetchd, carrier, a.url("/a"))
    assert rec["num_redirects"] == 2 and rec["error"] is None
    assert leaked(b.requests) == leaked(c.requests) == []
    assert len(b.requests) == len(c.requests) == 1


@carriers
def test_a_secret_does_not_leak_when_a_hop_is_tried_again(fetchd, origin,
                                                          carrier):
    other = origin(serve(steps(empty, status(503), response())))
    first = origin(serve(lambda r: moved(other.url("/c"))))
    rec = carry(fetchd, carrier, first.url("/a"), "--retry", "3",
                "--retry-delay", "10ms")
    assert rec["error"] is None and rec["num_attempts"] == 3
    assert len(other.requests) == 3 and leaked(other.requests) == []
    assert all(has(r, carrier) for r in first.requests)


def test_a_secret_does_not_leak_on_a_connection_that_others_use(fetchd,
                                                                origin):
    """Items of two kinds share b's kept-alive connection."""
    b = origin()
    a = origin(serve(lambda r: moved(b.url(r.target))))
    lines = []
    for i in range(20):
        lines += [dict(url=a.url(f"/{i}"), headers={
            "Authorization": f"Bearer {SECRET}"}), b.url(f"/own{i}")]
    res = fetchd("--max-per-host", "1", "--retry", "0", stdin=lines)
    assert res.statuses() == [200] * 40
    assert len(b.requests) == 40 and leaked(b.requests) == []
    assert len(leaked(a.requests)) == 20


@pytest.mark.parametrize("carrier", [c for c in CARRIERS if c != "userinfo"])
def test_location_trusted_sends_it_everywhere_and_warns(fetchd, origin,
                                                        carrier):
    other = origin()
    first = origin(serve(lambda r: moved(other.url("/c"))))
    options, item, _, _ = CARRIERS[carrier]
    res = fetchd("--location-trusted", "--retry", "0", *options, quiet=False,
                 stdin=[dict(url=first.url("/a"), **item)])
    assert res.one["error"] is None and has(other.requests[0], carrier)
    assert res.stderr and SECRET not in res.stderr


# -- userinfo -----------------------------------------------------------------

@row(138)
@pytest.mark.parametrize("where", ["same", "other"])
def test_userinfo_in_a_location_is_ignored(fetchd, origin, where):
    other = origin()
    first = origin(serve(lambda r: response() if r.target == "/c" else moved(
        (first if where == "same" else other).url("/c").replace(
            "://", "://eve:3v1l@"))))
    res = fetchd("--retry", "0", "--include-attempts", first.url("/a"))
    rec = res.one
    assert rec["error"] is None and rec["final_url"].endswith("/c")
    for r in first.requests + other.requests:
        assert not r.header("authorization"), r.raw
    shown = res.stdout.decode() + res.stderr
    assert "3v1l" not in shown and "eve:" not in shown


@row(138)
def test_userinfo_in_a_location_does_not_replace_ones_own(fetchd, origin):
    o = origin(serve(lambda r: response() if r.target == "/c" else moved(
        o.url("/c").replace("://", "://eve:3v1l@"))))
    rec = carry(fetchd, "userinfo", o.url("/a"))
    assert rec["error"] is None
    assert [has(r, "userinfo") for r in o.requests] == [True, True]


@row(138)
@pytest.mark.parametrize("args, location", [
    (["--no-location"], "http://eve:3v1l@127.0.0.1:1/x"),
    (["--max-redirs", "0"], "http://eve:3v1l@127.0.0.1:1/x"),
    ([], "ftp://eve:3v1l@127.0.0.1/x"),
    ([], "http://eve:3v1l@127.0.0.1:99999/x")])
def test_a_password_in_a_location_is_not_shown(fetchd, origin, args,
                                               location):
    o = origin(serve(lambda r: moved(location)))
    res = fetchd("--retry", "0", "-v", "--include-attempts", *args, o.url())
    assert "3v1l" not in res.stdout.decode() + res.stderr


@row(138)
def test_the_urls_of_records_and_of_usr1_have_no_userinfo(fetchd, origin):
    gate = threading.Event()

    def handler(r):
        r.conn.hold(gate)
        return response()
    last = origin(serve(handler))
    first = origin(serve(lambda r: moved(last.url("/c"))))
    run = fetchd.start("-v", "--stats", "--include-attempts", "--retry", "0")
    run.write(first.url("/a").replace("://", f"://user:{SECRET}@") + "\n")
    assert last.until(lambda o: o.requests)
    assert says(run, "127.0.0.1")
    gate.set()
    res = run.finish(quiet=False)
    assert SECRET not in res.stdout.decode() + res.stderr
    assert res.one["url"] == first.url("/a")
    assert res.one["final_url"] == last.url("/c")
    assert "***" in res.one["input"]


# -- Host ---------------------------------------------------------------------

@row(154)
@pytest.mark.parametrize("by_item", [False, True])
def test_a_host_of_ones_own_is_for_the_first_origin_alone(fetchd, origin,
                                                          by_item):
    other = origin()
    first = origin(serve(pages({"/a": moved("/b"),
                                "/b": moved(other.url("/c"))})))
    line = dict(url=first.url("/a"))
    args = [] if by_item else ["-H", "Host: mine.test"]
    if by_item:
        line["headers"] = {"host": "mine.test"}
    rec = fetchd("--retry", "0", *args, stdin=[line]).one
    assert rec["error"] is None
    assert [r.all("host") for r in first.requests] == [["mine.test"]] * 2
    assert other.requests[0].all("host") == [f"127.0.0.1:{other.port}"]
    assert other.requests[0].headers[0][0] == "Host"


def test_other_headers_of_ones_own_go_along(fetchd, origin):
    other = origin()
    first = origin(serve(lambda r: moved(other.url("/c"))))
    fetchd("--retry", "0", "-A", "me/1", "-H", "X-A: 1",
           stdin=[json.dumps(dict(url=first.url("/a"),
                                  headers={"Accept": "text/x"}))])
    r = other.requests[0]
    assert r.header("user-agent") == "me/1" and r.header("x-a") == "1"
    assert r.header("accept") == "text/x" and not r.header("referer")


def test_a_cookie_that_a_redirect_sets_is_not_kept(fetchd, origin):
    """There is no jar."""
    o = origin(serve(pages({"/a": moved("/b", 302, "Set-Cookie: n=1")})))
    fetchd("--retry", "0", o.url("/a"))
    assert [r.header("cookie") for r in o.requests] == [None, None]
