# SPDX-License-Identifier: ISC
"""Redirects: which are followed, how, to where, and how far.

What may go along to another origin is in test_redirect_secrets.
"""
import json
import socket
import threading
import time

import pytest

from harness import row
from origin import once, response, serve
from polite import HEAD, empty, moved, pages, says, status, steps

pytestmark = pytest.mark.retries

END = response(b"end")
CLOSE = "Connection: close"     # or the hop meets a kept-alive connection


def site(origin, table, **how):
    return origin(serve(pages(table)), **how)


def hop(fetchd, origin, answer, *args, path="/d/e/f", **item):
    """One redirect on one origin; every other page is the end."""
    o = site(origin, {path.split("#")[0]: answer})
    res = fetchd("--retry", "0", *args, stdin=[dict(url=o.url(path), **item)])
    return o, res.one


# -- followed, and what the record says ---------------------------------------

@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_and_a_head_follow_a_redirect(fetchd, origin, code, method):
    def answer(req):
        out = moved("/next", code) if req.target == "/first" else END
        return out.split(b"\r\n\r\n")[0] + b"\r\n\r\n" \
            if method == "HEAD" else out
    o = origin(serve(answer))
    rec = fetchd("--retry", "0", stdin=[dict(url=o.url("/first"),
                                             method=method)]).one
    assert rec["error"] is None and rec["status_code"] == 200
    assert rec["url"] == o.url("/first")
    assert rec["final_url"] == o.url("/next") and rec["location"] is None
    assert rec["method"] == method
    assert rec["num_redirects"] == 1 and rec["num_attempts"] == 1
    assert rec["body"] == ("" if method == "HEAD" else "end")
    assert [r.line for r in o.requests] == [
        f"{method} /first HTTP/1.1", f"{method} /next HTTP/1.1"]


@pytest.mark.parametrize("code", ["200 OK", "201 Created", "404 x", "503 x"])
def test_a_location_of_another_status_is_not_followed(fetchd, origin, code):
    o, rec = hop(fetchd, origin, response(status=code,
                                          headers=["Location: /next"]))
    assert rec["status_code"] == int(code[:3]) and rec["error"] is None
    assert rec["location"] == o.url("/next") and len(o.requests) == 1


def test_times_of_the_hops_before_are_apart(fetchd, origin):
    def slow(req):
        req.conn.wait(0.4)
        return moved("/next")
    o = site(origin, {"/first": slow, "/next": lambda r: (
        r.conn.wait(0.2), END)[1]})
    rec = fetchd(o.url("/first"), "--retry", "0").one
    assert 0.39 <= rec["time_redirect"] < 1.5
    assert 0.19 <= rec["time_total"] < 1 and rec["time_item"] >= 0.59


def test_no_location_never_follows(fetchd, origin):
    o, rec = hop(fetchd, origin, moved("../x"), "--no-location")
    assert rec["status_code"] == 302 and rec["error"] is None
    assert rec["location"] == o.url("/d/x") and rec["num_redirects"] == 0
    assert rec["body"] == "moved" and len(o.requests) == 1


def test_a_small_redirect_body_is_drained_and_the_connection_kept(fetchd,
                                                                  origin):
    o, rec = hop(fetchd, origin, moved("/next", body=b"x" * 5000))
    assert rec["conn_reused"] is True and len(o.conns) == 1
    assert rec["size_download"] == 3


def test_a_chain_needs_one_slot(fetchd, origin):
    a = origin()
    b = site(origin, {"/b": moved(a.url("/a"))})
    res = fetchd("-c", "1", "--retry", "0", stdin=[b.url("/b")] * 5)
    assert res.statuses() == [200] * 5
    assert a.in_flight_max == 1 and len(a.requests) == 5


def test_every_hop_counts_at_its_own_origin(fetchd, origin):
    """The origin that all lead to still sees two at a time at most."""
    b = origin(serve(lambda r: (r.conn.wait(0.1), END)[1]))
    fronts = [origin(serve(lambda r: moved(b.url(r.target))))
              for _ in range(4)]
    res = fetchd("--max-per-host", "2", "--retry", "0", stdin=[
        f.url(f"/{i}") for i in range(5) for f in fronts])
    assert res.statuses() == [200] * 20
    assert len(b.requests) == 20 and b.in_flight_max == 2


def test_a_hop_that_fails_gives_its_own_error(fetchd, origin):
    with socket.socket() as s:
        s.bind(("127.0.0.9", 0))
        dead = f"http://127.0.0.9:{s.getsockname()[1]}/x"
    o, rec = hop(fetchd, origin, moved(dead))
    assert rec["error"] == "connect_refused" and rec["status_code"] == 0
    assert rec["final_url"] == dead and rec["url"] == o.url("/d/e/f")
    assert rec["remote_ip"] == "127.0.0.9" and rec["num_redirects"] == 1
    assert rec["location"] is None


# -- row 136: method and body by status ---------------------------------------

FULL = ["Content-Type", "Content-Length", "Content-Language"]


@row(136)
@pytest.mark.parametrize("method, code, then", [
    ("POST", 301, "GET"), ("POST", 302, "GET"), ("POST", 303, "GET"),
    ("POST", 307, "POST"), ("POST", 308, "POST"),
    ("PUT", 303, "GET"), ("DELETE", 303, "GET"), ("PATCH", 303, "GET"),
    ("HEAD", 303, "HEAD"), ("GET", 303, "GET"),
    ("PUT", 301, "PUT"), ("PUT", 302, "PUT"), ("PUT", 307, "PUT"),
    ("DELETE", 302, "DELETE"), ("PATCH", 308, "PATCH")])
def test_the_status_decides_method_and_body(fetchd, origin, method, code,
                                            then):
    def answer(req):
        out = moved("/next", code) if req.target == "/first" else END
        return out.split(b"\r\n\r\n")[0] + b"\r\n\r\n" \
            if req.method == "HEAD" else out
    o = origin(serve(answer))
    item = dict(url=o.url("/first"), method=method)
    if method not in ("GET", "HEAD"):
        item.update(body="the body", headers={
            "Content-Type": "text/x", "Content-Language": "de", "X-A": "1"})
    rec = fetchd("-L", "--retry", "0", stdin=[item]).one
    assert rec["error"] is None and rec["status_code"] == 200, rec
    assert rec["method"] == method
    first, second = o.requests
    assert second.method == then and second.target == "/next"
    kept = then == method and method not in ("GET", "HEAD")
    assert second.body == (b"the body" if kept else b"")
    for name in FULL:
        assert second.header(name) == (first.header(name) if kept else None)
    assert second.header("x-a") == first.header("x-a")


@row(136)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_without_L_other_methods_are_not_redirected(fetchd, origin, method,
                                                    code):
    o, rec = hop(fetchd, origin, moved("/next", code), method=method)
    assert rec["status_code"] == code and rec["error"] is None
    assert rec["location"] == o.url("/next") and rec["num_redirects"] == 0
    assert len(o.requests) == 1


@row(136)
def test_a_post_with_data_of_the_option_becomes_a_bare_get(fetchd, origin):
    o = site(origin, {"/first": moved("/next", 303)})
    fetchd("-L", "-d", "a=1", "-H", "X-A: 1", "--retry", "0", o.url("/first"))
    assert [r.method for r in o.requests] == ["POST", "GET"]
    last = o.requests[1]
    assert last.body == b"" and last.header("x-a") == "1"
    assert not [n for n in last.names() if n.startswith("content-")]


def test_a_get_after_a_post_at_the_same_url_is_no_loop(fetchd, origin):
    o = origin(serve(lambda r: moved("/form", 303) if r.method == "POST"
                     else END))
    rec = fetchd("-L", "-d", "x", "--retry", "0", o.url("/form")).one
    assert rec["error"] is None and rec["body"] == "end"
    assert [r.method for r in o.requests] == ["POST", "GET"]


# -- rows 133, 142: what a Location may look like -----------------------------

@row(133)
@pytest.mark.parametrize("location, target", [
    ("/x", "/x"), ("?q", "/d/e/f?q"), ("?", "/d/e/f?"), ("./x", "/d/e/x"),
    ("../x", "/d/x"), ("../../../x", "/x"), ("../../../../../x/..", "/"),
    ("x/./y/../z", "/d/e/x/z"), (".", "/d/e/"), ("..", "/d/"),
    ("a b?c d", "/d/e/a%20b?c%20d"), ("  /trim \t", "/trim"),
    ("/x?y=/../z", "/x?y=/../z"), (";p", "/d/e/;p"),
    ("http://{a}/x", "/x"), ("HTTP://{a}/x", "/x"), ("http://{a}", "/"),
    ("hTTp://{a}?q", "/?q"), ("//{a}/x", "/x"), ("//{a}", "/")])
def test_a_location_is_resolved(fetchd, origin, location, target):
    o = origin(serve(lambda r: END if len(o.requests) > 1 else moved(
        location.format(a=f"127.0.0.1:{o.port}"))))
    rec = fetchd("--retry", "0", o.url("/d/e/f?old")).one
    assert rec["error"] is None and rec["body"] == "end", rec
    assert o.targets() == ["/d/e/f?old", target]
    assert rec["final_url"] == o.url(target)


@row(133)
@pytest.mark.parametrize("headers", [["Location:"], ["Location: "],
                                     ["Location:  \t "], []])
@pytest.mark.parametrize("code", [301, 308])
def test_an_empty_location_or_none_is_the_final_record(fetchd, origin,
                                                       headers, code):
    o, rec = hop(fetchd, origin, status(code, *headers, body=b"hm"))
    assert rec["status_code"] == code and rec["error"] is None
    assert rec["body"] == "hm" and rec["num_redirects"] == 0
    assert len(o.requests) == 1


@row(133)
@pytest.mark.parametrize("given, location, fragment", [
    ("#frag", "/y", "#frag"), ("#frag", "/y#own", "#own"),
    ("", "/y#own", "#own"), ("", "/y", "")])
def test_the_fragment_is_inherited_and_never_sent(fetchd, origin, given,
                                                  location, fragment):
    """It shows in the location of a hop that is not taken any more."""
    o = site(origin, {"/x": moved(location), "/y": moved("/z")})
    rec = fetchd("--max-redirs", "1", "--retry", "0", o.url("/x" + given)).one
    assert rec["error"] == "redirect_limit"
    assert rec["location"] == o.url("/z") + fragment
    assert rec["final_url"] in (o.url("/y"), o.url("/y") + fragment)
    assert o.targets() == ["/x", "/y"]


@row(133)
def test_a_fragment_alone_leads_back_to_the_same_page(fetchd, origin):
    o, rec = hop(fetchd, origin, moved("#f"))
    assert rec["error"] == "redirect_loop" and len(o.requests) <= 2


@row(142)
@pytest.mark.parametrize("location, target", [
    ("/a%0d%0aX:1", "/a%0d%0aX:1"), ("/%zz%", "/%zz%"), ("/%2e%2E/x%7e",
                                                         "/%2e%2E/x%7e"),
    ("/é/ü?ö".encode().decode("latin-1"), "/%C3%A9/%C3%BC?%C3%B6"),
    ("/latin\xe9", "/latin%E9")])
def test_escapes_stay_and_other_bytes_are_escaped(fetchd, origin, location,
                                                  target):
    o, rec = hop(fetchd, origin, moved(location))
    assert rec["error"] is None, rec
    # %2e%2E are dot segments to some and names to others: both are right.
    assert o.targets()[1] in (target, "/x%7e" if "2e" in target else target)
    assert not o.requests[1].all("x")


@row(142)
@pytest.mark.parametrize("location", [
    "/a\x01b", "/a\x7f", "/a\x0bb", "http://[::1/x", "http://127.0.0.1:99999/",
    "http:///x", "http://a b/", "http://a..b/", "http://%00/",
    "http://h:80x/", "http://u@x@h/"])
def test_a_location_that_cannot_be_used_is_redirect_invalid(fetchd, origin,
                                                            location):
    o, rec = hop(fetchd, origin, moved(location))
    # A control byte may also be a header that cannot be read.
    allowed = {"redirect_invalid"}
    if any(ord(c) < 32 or ord(c) == 127 for c in location):
        allowed.add("http_bad_header")
    assert rec["error"] in allowed, rec
    assert len(o.requests) == 1
    if rec["error"] == "redirect_invalid":
        assert rec["error_phase"] == "redirect"
        assert rec["status_code"] == 302


@row(142)
def test_a_location_over_the_limit_of_urls_is_redirect_invalid(fetchd,
                                                               origin):
    o, rec = hop(fetchd, origin, moved("/" + "l" * 65515))
    assert rec["error"] == "redirect_invalid", rec
    assert len(o.requests) == 1


@row(142)
def test_a_location_of_a_megabyte_is_not_followed(fetchd, origin):
    o, rec = hop(fetchd, origin, moved("/" + "l" * 1_000_000),
                 "--max-header-size", "4M")
    assert rec["error"] in ("redirect_invalid", "http_header_too_large")
    assert len(o.requests) == 1


@row(142)
def test_a_location_may_name_an_international_host(fetchd, origin):
    o = origin(serve(lambda r: END if r.target == "/x" else moved(
        f"http://München.test:{o.port}/x".encode().decode("latin-1"))))
    rec = fetchd("--retry", "0", *o.resolve(), o.url("/", host="a.test")).one
    assert rec["error"] is None, rec
    assert o.requests[1].header("host") == f"xn--mnchen-3ya.test:{o.port}"
    assert rec["final_url"] == o.url("/x", host="xn--mnchen-3ya.test")


@row(121)
def test_two_different_locations_are_redirect_invalid(fetchd, origin):
    o, rec = hop(fetchd, origin, moved("/x", 302, "Location: /y"))
    assert rec["error"] == "redirect_invalid" and len(o.requests) == 1


@row(121)
def test_two_identical_locations_are_one(fetchd, origin):
    o, rec = hop(fetchd, origin, moved("/x", 302, "Location: /x"))
    assert rec["error"] is None and o.targets()[1:] == ["/x"]


# -- row 132: loops and limits ------------------------------------------------

@row(132)
def test_a_loop_over_two_origins_is_redirect_loop(fetchd, origin):
    a = origin(serve(lambda r: moved(b.url("/b"))))
    b = origin(serve(lambda r: moved(a.url("/a"))))
    rec = fetchd("--include-attempts", "--retry", "2", "--retry-delay",
                 "10ms", a.url("/a")).one
    assert rec["error"] == "redirect_loop" and rec["status_code"] == 302
    assert rec["error_phase"] == "redirect" and rec["num_attempts"] == 1
    assert len(a.requests) <= 2 and len(b.requests) == 1
    chain = [x["url"] for x in rec["attempts"]]
    assert chain[:2] == [a.url("/a"), b.url("/b")]
    assert {x["status_code"] for x in rec["attempts"]} == {302}


@row(132)
def test_a_page_that_sets_a_cookie_and_leads_to_itself_is_a_loop(fetchd,
                                                                 origin):
    o = origin(serve(lambda r: moved(
        "/me", 302, f"Set-Cookie: n={len(o.requests)}")))
    rec = fetchd("--retry", "0", o.url("/me")).one
    assert rec["error"] == "redirect_loop" and len(o.requests) <= 2
    assert not any(r.header("cookie") for r in o.requests)


@row(132)
@pytest.mark.parametrize("args, most", [([], 10), (["--max-redirs", "3"], 3),
                                        (["--max-redirs", "0"], 0)])
def test_one_hop_too_many_is_redirect_limit(fetchd, origin, args, most):
    o = origin(serve(lambda r: moved(f"/{int(r.target[1:]) + 1}")
                     if int(r.target[1:]) <= most else END))
    res = fetchd("-c", "1", "--include-attempts", "--retry", "0", *args,
                 stdin=[o.url("/0"), o.url("/1")])
    one, two = res.by(1), res.by(2)
    assert one["error"] == "redirect_limit", one
    assert one["num_redirects"] == most and one["status_code"] == 302
    assert one["final_url"] == o.url(f"/{most}")
    assert one["location"] == o.url(f"/{most + 1}")
    assert [x["url"] for x in one["attempts"]] == [
        o.url(f"/{i}") for i in range(most + 1)]
    assert two["error"] is None and two["num_redirects"] == most
    assert len(o.requests) == 2 * (most + 1)


@row(143)
def test_all_headers_of_a_chain_share_one_budget(fetchd, origin):
    """1 MiB over all hops, however large each of them may be."""
    big = [f"X-{i}: " + "h" * 62_500 for i in range(4)]
    o = origin(serve(lambda r: moved(f"/{int(r.target[1:]) + 1}", 302, *big)
                     if int(r.target[1:]) < 50 else END))
    rec = fetchd("--max-redirs", "50", "--retry", "0", o.url("/0")).one
    assert rec["error"] == "http_header_too_large", rec
    assert 3 <= len(o.requests) <= 6


def test_max_header_size_moves_the_budget_of_a_chain(fetchd, origin):
    big = "X: " + "h" * 1_500_000
    o = origin(serve(lambda r: moved(f"/{int(r.target[1:]) + 1}", 302, big)
                     if int(r.target[1:]) < 3 else END))
    rec = fetchd("--max-header-size", "2M", "--retry", "0", o.url("/0")).one
    assert rec["error"] is None and rec["num_redirects"] == 3, rec


# -- row 135: schemes ---------------------------------------------------------

@row(135)
@pytest.mark.parametrize("location", [
    "ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1:1/_x",
    "data:text/plain,x", "javascript:alert(1)", "mailto:a@b.test"])
def test_a_scheme_that_is_not_allowed_is_redirect_denied(fetchd, origin,
                                                         location):
    o, rec = hop(fetchd, origin, moved(location))
    assert rec["error"] == "redirect_denied", rec
    assert rec["error_phase"] == "redirect" and rec["status_code"] == 302
    assert len(o.requests) == 1


@row(135)
def test_https_to_http_is_followed_unless_denied(fetchd, origin, tls):
    plain = origin()
    secure = site(origin, {"/s": moved(plain.url("/p"))}, tls=tls)
    rec = fetchd("--retry", "0", secure.url("/s")).one
    assert rec["error"] is None and rec["final_url"] == plain.url("/p")
    assert rec["tls_version"] is None and rec["tls_verified"] is None
    rec = fetchd("--retry", "0", "--proto-redir", "https",
                 secure.url("/s")).one
    assert rec["error"] == "redirect_denied"
    assert rec["location"] == plain.url("/p") and len(plain.requests) == 1


@row(135)
def test_the_list_of_schemes_holds_for_hops_alone(fetchd, origin, tls):
    secure = origin(tls=tls)
    plain = site(origin, {"/p": moved(secure.url("/s"))})
    rec = fetchd("--retry", "0", "--proto-redir", "https", plain.url("/p")).one
    assert rec["error"] is None and rec["tls_verified"] is True
    rec = fetchd("--retry", "0", "--proto-redir", "http", plain.url("/p")).one
    assert rec["error"] == "redirect_denied" and len(secure.requests) == 1


@pytest.mark.parametrize("bad", ["ftp", "http,file", "http;https"])
def test_a_list_of_other_schemes_is_exit_2(fetchd, origin, bad):
    o = origin()
    assert fetchd("--proto-redir", bad, o.url(), exit=2).stderr
    assert o.conns == []


# -- row 141: the body of a redirect ------------------------------------------

@row(141)
def test_a_huge_body_of_a_redirect_is_not_read(fetchd, origin):
    done = threading.Event()

    def huge(c):
        if c.request() is None:
            return
        c.answered()
        c.send(HEAD.replace(b"200 OK", b"302 Found") + b"Location: " +
               end.url("/next").encode() +
               b"\r\nContent-Length: 5000000000\r\n\r\n")
        try:
            for _ in range(2000):
                c.send(b"z" * 65536)
        finally:
            done.set()
    end = origin()
    o = origin(huge)
    res = fetchd("--stats", "--retry", "0", o.url("/big"))
    rec = res.one
    assert rec["error"] is None and rec["final_url"] == end.url("/next")
    assert rec["time_item"] < 3 and rec["size_download"] == 2
    assert res.stats["bytes_in"] < 400_000
    assert done.wait(5) and len(o.conns) == 1


@row(141)
def test_a_redirect_without_an_end_is_followed(fetchd, origin):
    """No length, and the peer never closes."""
    def endless(c):
        if c.request() is None:
            return
        c.answered()
        c.send(HEAD.replace(b"200 OK", b"302 Found") +
               b"Location: " + end.url("/next").encode() + b"\r\n\r\n")
        while True:
            c.send(b"z" * 4096)
            c.wait(0.01)
    end = origin()
    o = origin(endless)
    rec = fetchd("--retry", "0", o.url("/")).one
    assert rec["error"] is None and rec["final_url"] == end.url("/next")
    assert o.until(lambda o: o.open == 0)


# -- row 144: redirects and waiting -------------------------------------------

@row(144)
def test_a_redirect_is_followed_at_once_whatever_its_retry_after(fetchd,
                                                                 origin):
    o, rec = hop(fetchd, origin, moved("/next", 301, "Retry-After: 5"),
                 "--retry", "2")
    assert rec["error"] is None and rec["time_item"] < 3
    assert rec["num_attempts"] == 1


@row(144)
def test_behind_a_redirect_a_429_holds_its_own_origin(fetchd, origin):
    """Not the run, and not the origin that redirected."""
    limited = origin(serve(steps(status(429, "Retry-After: 3"), END)))
    front = site(origin, {"/go": moved(limited.url("/limited"), 303)})
    run = fetchd.start("--retry", "1", "--retry-delay", "10ms",
                       "--include-attempts")
    run.write(front.url("/go") + "\n")
    assert limited.until(lambda o: o.requests)
    assert says(run, "retry_after", 2)
    run.write("".join(front.url(f"/{i}") + "\n" for i in range(20)))
    run.write(limited.url("/other") + "\n")
    assert run.until_records(20, 1.5), "the run waited"
    assert len(limited.requests) == 1
    res = run.finish(quiet=False)
    rec = res.by(1)
    assert rec["error"] is None and rec["status_code"] == 200
    assert rec["num_attempts"] == 2
    assert limited.requests[1].time - limited.requests[0].time >= 2.9
    waits = {x["wait_reason"] for x in rec["attempts"]}
    assert "retry_after" in waits
    assert res.by(22)["status_code"] == 200


@row(144)
def test_a_post_behind_which_a_get_is_asked_to_wait_goes_once(fetchd, origin):
    o = site(origin, {"/form": moved("/result", 303),
                      "/result": steps(status(429, "Retry-After: 1"), END)})
    rec = fetchd("-L", "-d", "x=1", "--retry", "2", o.url("/form")).one
    assert rec["error"] is None and rec["body"] == "end"
    assert [r.line.split(" HTTP")[0] for r in o.requests] == [
        "POST /form", "GET /result", "GET /result"]


# -- sent again behind a redirect ---------------------------------------------

def test_a_chain_of_gets_starts_over_at_its_url(fetchd, origin):
    o = site(origin, {"/a": moved("/b", 302, CLOSE), "/b": steps(empty, END)})
    rec = fetchd("--retry", "2", "--retry-delay", "10ms", o.url("/a")).one
    assert rec["error"] is None and rec["num_attempts"] == 2
    assert rec["num_redirects"] == 1
    assert o.targets() == ["/a", "/b", "/a", "/b"]


@pytest.mark.parametrize("fault", [empty, status(503), status(500)])
def test_a_post_before_a_failing_get_is_not_sent_again(fetchd, origin, fault):
    o = site(origin, {"/form": moved("/result", 303, CLOSE),
                      "/result": steps(fault, END)})
    res = fetchd("-L", "--retry", "2", "--retry-delay", "10ms",
                 stdin=[dict(url=o.url("/form"), method="POST", body="x")])
    assert res.one["error"] is None and res.one["num_attempts"] == 2
    assert [r.line.split(" HTTP")[0] for r in o.requests] == [
        "POST /form", "GET /result", "GET /result"]


def test_a_post_that_is_kept_by_a_307_is_not_sent_again(fetchd, origin):
    o = site(origin, {"/a": moved("/b", 307, CLOSE), "/b": empty})
    rec = fetchd("-L", "--retry", "3", "--retry-delay", "10ms", "-d", "x",
                 o.url("/a")).one
    assert rec["error"] == "empty_reply" and rec["num_attempts"] == 1
    assert o.targets() == ["/a", "/b"]


def test_with_retry_post_only_the_failed_hop_goes_again(fetchd, origin):
    o = site(origin, {"/a": moved("/b", 307, CLOSE),
                      "/b": steps(empty, empty, END)})
    rec = fetchd("-L", "--retry", "3", "--retry-delay", "10ms", "-d", "x",
                 "--retry-post", o.url("/a")).one
    assert rec["error"] is None and rec["num_attempts"] == 3
    assert o.targets() == ["/a", "/b", "/b", "/b"]
    assert {r.body for r in o.requests} == {b"x"}


def test_the_hop_of_a_post_goes_again_while_it_cannot_connect(fetchd, origin):
    """The connection is refused: no byte of that request was sent."""
    with socket.socket() as s:
        s.bind(("127.0.0.9", 0))
        port = s.getsockname()[1]
    front = site(origin, {"/a": moved(f"http://127.0.0.9:{port}/b", 307)})
    run = fetchd.start("-L", "--retry", "20", "--retry-delay", "100ms", "-d",
                       "x", front.url("/a"), stdin=-3)
    assert front.until(lambda o: o.requests)
    assert says(run, "backoff")
    back = origin(addr="127.0.0.9", port=port)
    rec = run.finish(quiet=False).one
    assert rec["error"] is None and rec["num_attempts"] >= 2
    assert front.targets() == ["/a"] and back.targets() == ["/b"]
    assert back.requests[0].method == "POST"


def test_a_kept_connection_that_dies_under_a_hop_costs_one_resend(fetchd,
                                                                  origin):
    """GET / then the hop on the same connection, which dies unread."""
    def dies(c):
        c.request()
        c.send(moved("/next"))
        c.request()
    o = origin(dies, serve(lambda r: END))
    rec = fetchd("--retry", "0", o.url("/first")).one
    assert rec["error"] is None and rec["num_attempts"] == 1
    assert o.targets() == ["/first", "/next", "/next"]


def test_many_chains_at_once_keep_their_facts(fetchd, origin):
    a = origin(serve(lambda r: moved(b.url(r.target))))
    b = origin(serve(lambda r: moved(c.url(r.target), 307)))
    c = origin(serve(lambda r: response(r.target.encode())))
    n = 300
    began = time.monotonic()
    res = fetchd("-c", "32", "--retry", "0",
                 stdin=[json.dumps({"url": a.url(f"/{i}"), "id": i})
                        for i in range(n)])
    assert time.monotonic() - began < 30
    for r in res.records:
        assert r["error"] is None and r["num_redirects"] == 2
        assert r["body"] == f"/{r['seq'] - 1}" and r["id"] == r["seq"] - 1
        assert r["final_url"] == c.url(r["body"])


def test_once_is_enough_for_the_end_of_a_chain(fetchd, origin):
    """A hop to a peer that closes after its answer."""
    last = origin(once(END))
    o = site(origin, {"/a": moved(last.url("/z"))})
    rec = fetchd("--retry", "0", o.url("/a")).one
    assert rec["error"] is None and last.targets() == ["/z"]


# -- what is kept of a hop is parsed again ------------------------------------

@pytest.mark.parametrize("location", [
    b"/" + b"\xc3\xa9" * 10000 + b"#" + b"f" * 40000,
    b"#" + b"f" * 65000,
    b"?" + b" x" * 16000 + b"#" + b"f" * 20000,
    b"//127.0.0.1/" + b"\xff" * 20000 + b"#" + b"f" * 40000,
], ids=["path", "fragment", "query", "host"])
def test_a_location_whose_normal_form_is_too_long_ends_its_item_only(
        fetchd, origin, location):
    """It is short enough as it was sent, not as it is kept."""
    def answer(req):
        if req.target.startswith("/first"):
            return b"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation: " + \
                location + b"\r\n\r\n"
        return END
    o = origin(serve(answer))
    path = "/first" + ("x" * 1000 if location[:1] == b"#" else "")
    res = fetchd("--retry", "0", stdin=[o.url(path), o.url("/other")])
    assert res.by(1)["error"] == "redirect_invalid"
    assert res.by(1)["error_detail"] == "url_too_long"
    assert res.by(1)["status_code"] == 301
    assert res.by(2)["status_code"] == 200 and res.by(2)["error"] is None
    assert len(o.requests) == 2


def test_a_fragment_that_is_only_inherited_spoils_no_redirect(fetchd, origin):
    o = site(origin, {"/a": moved("/" + "b" * 40000)})
    rec = fetchd(o.url("/a#" + "f" * 40000), "--retry", "0").one
    assert rec["error"] is None and rec["status_code"] == 200
    assert rec["final_url"] == o.url("/" + "b" * 40000)
