# SPDX-License-Identifier: ISC
"""URLs as users give them: what is fetched, and what is refused unfetched."""
import base64
import json
import re

import pytest

from harness import row
from origin import response, serve


def refused(fetchd, line, code, dns=None, **how):
    args = ["--dns-servers", dns.server] if dns else []
    rec = fetchd(*args, stdin=[line], exit=4, **how).one
    assert rec["error"] == code, rec
    assert rec["error_phase"] == "input" and rec["num_attempts"] == 0
    assert rec["errormsg"].startswith("-:1:"), rec["errormsg"]
    assert rec["status_code"] == 0
    if dns:
        assert dns.queries == []
    return rec


def asked(fetchd, origin, line, *args, host="h.test"):
    """The record and the request a line leads to; {} is the port."""
    o = origin()
    rec = fetchd(*o.resolve(), *args,
                 stdin=[line.format(p=o.port)]).one
    assert rec["error"] is None, rec
    return rec, o.requests[0], o


@row(167)
def test_an_at_sign_in_userinfo_is_refused_unlooked_up(fetchd, dns):
    dns.set("*", A="127.0.0.1")
    rec = refused(fetchd, "http://u:p@ss@h.test/", "url_invalid", dns)
    assert "p@ss" not in rec["input"] and "ss@" not in rec["errormsg"]


@row(167)
def test_an_escaped_at_sign_is_part_of_the_password(fetchd, origin, dns):
    o = origin()
    dns.set("h.test", A="127.0.0.1")
    rec = fetchd("--dns-servers", dns.server,
                 stdin=[f"http://u:p%40ss@h.test:{o.port}/"]).one
    assert rec["error"] is None
    assert o.requests[0].header("authorization") == \
        "Basic " + base64.b64encode(b"u:p@ss").decode()
    assert dns.names() == {"h.test"}
    assert rec["url"] == f"http://h.test:{o.port}/"
    assert rec["input"] == f"http://u:***@h.test:{o.port}/"


@row(167)
def test_an_at_sign_in_the_path_is_path(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://h.test:{p}/a@b")
    assert req.target == "/a@b"
    assert req.header("host") == f"h.test:{o.port}"
    assert req.header("authorization") is None


@row(168)
@pytest.mark.parametrize("port", ["0", "65536", "80x", "-1", "99999999999",
                                  "+80", " 80"])
def test_a_port_that_is_none_is_url_invalid(fetchd, port):
    refused(fetchd, f"http://127.0.0.1:{port}/", "url_invalid")


@row(168)
def test_an_empty_port_is_the_default_one(fetchd):
    rec = fetchd("--resolve", "h.test:80:127.0.0.77", "--connect-timeout",
                 "2", stdin=["http://h.test:/x"]).one
    assert rec["url"] == "http://h.test/x" and rec["remote_port"] == 80


@row(168)
def test_zeros_before_a_port_are_dropped(fetchd):
    rec = fetchd("--resolve", "h.test:80:127.0.0.77", "--connect-timeout",
                 "2", stdin=["http://h.test:00080/x"]).one
    assert rec["url"] == "http://h.test/x" and rec["remote_port"] == 80


@row(169)
@pytest.mark.parametrize("before, after", [
    (" ", " "), ("\t", "\t"), ("  \t", "\r"), ("", " \r")])
def test_blanks_around_a_url_are_trimmed(fetchd, origin, before, after):
    rec, req, o = asked(fetchd, origin,
                        before + "http://h.test:{p}/x" + after)
    assert req.target == "/x"


@row(169)
@pytest.mark.parametrize("bad", ["\t", "\r", "\x01", "\x7f", "\0"])
def test_control_bytes_inside_are_url_invalid(fetchd, control, bad):
    rec = fetchd(stdin=[control.url(f"/a{bad}b")], exit=4).one
    assert rec["error"] in ("url_invalid", "input_invalid")
    assert rec["num_attempts"] == 0


@row(169)
def test_a_line_feed_in_a_json_url_is_url_invalid(fetchd, control):
    rec = fetchd(stdin=[dict(url=control.url("/a\nb"))]).one
    assert rec["error"] == "url_invalid"


@row(169)
def test_a_blank_inside_is_encoded(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://h.test:{p}/a b?c d")
    assert req.target == "/a%20b?c%20d"
    assert rec["url"].endswith("/a%20b?c%20d")


@row(170)
@pytest.mark.parametrize("url", ["http:///x", "http:/x", "http:x", "http://",
                                 "https://:80/", "http://@/x"])
def test_a_url_without_a_host_is_url_invalid(fetchd, url):
    refused(fetchd, url, "url_invalid")


@row(170)
def test_a_bare_host_means_https(fetchd, origin, tls):
    o = origin(tls=tls)
    rec = fetchd(*o.resolve(), stdin=[f"a.test:{o.port}/x?y"]).one
    assert rec["error"] is None, rec
    assert rec["url"] == f"https://a.test:{o.port}/x?y"
    assert rec["input"] == f"a.test:{o.port}/x?y"


@row(170)
def test_scheme_and_host_are_lowered(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "HTTP://H.TEST:{p}")
    assert rec["url"] == f"http://h.test:{o.port}/"
    assert req.header("host") == f"h.test:{o.port}"
    assert req.target == "/"


@pytest.mark.parametrize("url", [
    "ftp://h.test/", "file:///etc/passwd", "mailto:x@y", "gopher://h/",
    "ws://h.test/", "data:text/plain,x"])
def test_other_schemes_are_url_scheme_denied(fetchd, url):
    refused(fetchd, url, "url_scheme_denied")


@row(171)
def test_the_longest_url_is_fetched_and_one_more_byte_is_not(fetchd, origin):
    o = origin()
    base = o.url("/")
    res = fetchd(stdin=[base + "x" * (65535 - len(base)),
                        base + "x" * (65536 - len(base))])
    assert res.by(1)["error"] is None
    assert len(o.requests[0].target) == 65535 - len(base) + 1
    assert res.by(2)["error"] == "url_too_long"
    assert len(res.by(2)["input"]) == 65535


@row(171)
def test_a_line_of_ten_megabytes_is_input_too_long(fetchd, control):
    res = fetchd(stdin=["http://h.test/" + "x" * 10_000_000, control.url()])
    assert res.by(1)["error"] == "input_too_long"
    assert res.by(2)["error"] is None


@row(172)
@pytest.mark.parametrize("given, target", [
    ("/%zz", "/%zz"), ("/%", "/%"), ("/a%2", "/a%2"), ("/%00", "/%00"),
    ("/%2fx", "/%2fx"), ("/%C3%A4", "/%C3%A4"),
    ("/ä?ö", "/%C3%A4?%C3%B6"), ("/a/../b/./c", "/b/c"), ("/..", "/"),
    ("/a|b\\[]", "/a|b\\[]"),
    ("/\"<>^`{}'", "/%22%3C%3E%5E%60%7B%7D'"),
    ("/?\"<>^`{}'", "/?%22%3C%3E^`{}%27"),
    ("/x?a?{'", "/x?a?{%27")])
def test_paths_are_passed_as_given(fetchd, origin, given, target):
    o = origin()
    rec = fetchd(*o.resolve(), stdin=[f"http://h.test:{o.port}{given}"]).one
    assert rec["error"] is None, rec
    assert o.requests[0].target == target
    assert rec["url"] == rec["final_url"] == o.url(target, host="h.test")


URI = re.compile(r"[!#-;=?-~]+")  # of a target: no blank, no ", <, >


@row(172)
def test_a_redirect_and_its_location_are_uris(fetchd, origin):
    """Also the fragment, which only the record shows."""
    def handler(req):
        if req.target == "/":
            return response(status="302 Found", headers=[
                "Location: /\"<>^`{}'?\"<>^`{}'#\"<>`{}^' \xe9"])
        return response()
    o = origin(serve(handler))
    rec = fetchd(o.url()).one
    path = "/%22%3C%3E%5E%60%7B%7D'?%22%3C%3E^`{}%27"
    assert o.targets() == ["/", path]
    assert rec["final_url"] == o.url(path)
    assert URI.fullmatch(path)
    rec = fetchd("--no-location", o.url()).one
    assert rec["location"].startswith(
        o.url(path) + "#%22%3C%3E%60{}^'%20%")
    assert rec["location"].isascii()


@row(172)
@pytest.mark.parametrize("host", [
    "a\"b", "a<b", "a>b", "a`b", "{a}", "a^b", "a'b", "a|b", "a b", "a%22b",
    "a%3Cb", "a\"ü"])
def test_such_bytes_in_a_host_are_url_host_invalid(fetchd, dns, host):
    dns.set("*", A="127.0.0.1")
    refused(fetchd, f"http://{host}.test/", "url_host_invalid", dns)


@row(172)
def test_escaped_dots_do_not_climb_out(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://h.test:{p}/a/%2e%2e/b")
    assert req.target in ("/a/%2e%2e/b", "/b")
    assert rec["url"].endswith(req.target)


@row(172)
def test_bytes_that_are_no_utf8_are_encoded_in_the_path(fetchd, origin):
    o = origin()
    rec = fetchd(stdin=o.url("/a").encode() + b"\xff\xfe?\xe4\n").one
    assert rec["error"] is None
    assert o.requests[0].target == "/a%FF%FE?%E4"
    assert "\ufffd" in rec["input"]


@row(172)
@pytest.mark.parametrize("url", [
    "http://h%00.test/", "http://h%2f.test/", "http://h%zz.test/"])
def test_escapes_that_spoil_a_host_are_refused(fetchd, url):
    rec = fetchd(stdin=[url], exit=4).one
    assert rec["error"] in ("url_host_invalid", "url_invalid")
    assert rec["num_attempts"] == 0


def test_bytes_that_are_no_utf8_in_a_host_are_url_host_invalid(fetchd):
    rec = fetchd(stdin=b"http://h\xff.test/\n", exit=4).one
    assert rec["error"] == "url_host_invalid"


@row(173)
@pytest.mark.parametrize("host, ascii", [
    ("münchen.test", "xn--mnchen-3ya.test"),
    ("MÜNCHEN.test", "xn--mnchen-3ya.test"),
    ("faß.test", "xn--fa-hia.test"),
    ("a。b.test", "a.b.test"),
    ("xn--mnchen-3ya.test", "xn--mnchen-3ya.test"),
    ("ｈ.test", "h.test")])
def test_names_beyond_ascii_are_mapped(fetchd, origin, host, ascii):
    rec, req, o = asked(fetchd, origin, "http://" + host + ":{p}/")
    assert req.header("host") == f"{ascii}:{o.port}"
    assert rec["url"] == f"http://{ascii}:{o.port}/"


@row(173)
@pytest.mark.parametrize("host, ascii", [
    ("xn--ls8h.test", "xn--ls8h.test"),
    ("XN--LS8H.Test", "xn--ls8h.test"),
    ("xn--i-7iq.xn--a-ecp.test", "xn--i-7iq.xn--a-ecp.test"),
    ("💩.test", "xn--ls8h.test"), ("i❤.test", "xn--i-7iq.test"),
    ("-a.b-.--.test", "-a.b-.--.test"), ("a_._-_.test", "a_._-_.test"),
    ("ab--c.test", "ab--c.test"), ("r3---sn-x.test", "r3---sn-x.test"),
    ("ab--ü.-ü-.test", "xn--ab---3ra.xn-----xka.test"),
    ("1-.2.3.4-", "1-.2.3.4-")])
def test_hosts_are_as_wide_as_dns_and_browsers(fetchd, origin, dns, host,
                                               ascii):
    o = origin()
    dns.set("*", A="127.0.0.1")
    rec = fetchd("--dns-servers", dns.server,
                 stdin=[f"http://{host}:{o.port}/"]).one
    assert rec["error"] is None, rec
    assert dns.names() == {ascii}
    assert o.requests[0].header("host") == f"{ascii}:{o.port}"
    assert rec["url"] == f"http://{ascii}:{o.port}/"


@row(173)
def test_full_width_digits_are_an_address(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://１２７.0.0.1:{p}/")
    assert rec["remote_ip"] == "127.0.0.1"
    assert req.header("host") == f"127.0.0.1:{o.port}"


@row(173)
@pytest.mark.parametrize("host", [
    "xn--a.test", "xn--zzzz-----.test", "a\u200db.test", "\u0627a.test",
    "a\ufffdb.test", "\u0300a.test"])
def test_names_idna_forbids_are_url_host_invalid(fetchd, dns, host):
    dns.set("*", A="127.0.0.1")
    refused(fetchd, f"http://{host}/", "url_host_invalid", dns)


@row(174)
@pytest.mark.parametrize("host", [
    "0x7f.1", "0177.0.0.1", "127.1", "2130706433", "127.0.0.1."])
def test_old_spellings_of_an_address_mean_that_address(fetchd, origin, host):
    o = origin()
    rec = fetchd(stdin=[f"http://{host}:{o.port}/"], exit=(0, 4)).one
    if rec["error"] is None:
        assert rec["remote_ip"] == "127.0.0.1"
        assert rec["url"].startswith("http://127.0.0.1")
    else:
        assert rec["error"] == "url_invalid"


@row(174)
@pytest.mark.parametrize("host", [
    "[::1", "[v1.x]", "[fe80::1%25lo]", "[fe80::1%lo]", "[::g]", "[]",
    "::1]", "[1:2:3]", "[::1]x"])
def test_a_malformed_v6_host_is_refused(fetchd, host):
    rec = fetchd(stdin=[f"http://{host}/"], exit=4).one
    assert rec["error"] in ("url_invalid", "url_host_invalid"), rec
    assert rec["num_attempts"] == 0


@row(174)
@pytest.mark.parametrize("host", ["[::ffff:7f00:1]", "[::127.0.0.1]"])
def test_embedded_v4_is_the_address_it_means(fetchd, host):
    rec = fetchd("--connect-timeout", "2", stdin=[f"http://{host}:9/"]).one
    assert rec["error"] is not None
    assert rec["error"].startswith("connect_") or rec["error"] == \
        "url_invalid"


@row(174)
def test_v6_is_written_in_its_shortest_form(fetchd, origin):
    o = origin(addr="::1")
    rec = fetchd(stdin=[f"http://[0:0:0::1]:{o.port}/"]).one
    assert rec["error"] is None
    assert rec["url"] == f"http://[::1]:{o.port}/"
    assert rec["remote_ip"] == "::1"


@row(175)
def test_equivalent_urls_are_written_alike(fetchd, origin):
    o = origin()
    res = fetchd(*o.resolve(), "--max-per-host", "1", stdin=[
        f"http://H.test:{o.port}/%7Ea/../b?", f"http://h.test:{o.port}/b?",
        f"http://h.test:{o.port}/b?#frag", f"http://h.test:{o.port}/b",
        f"http://h.test:{o.port}/b#x"])
    urls = [res.by(i)["url"] for i in range(1, 6)]
    assert urls[0] == urls[1] == urls[2] == f"http://h.test:{o.port}/b?"
    assert urls[3] == urls[4] == f"http://h.test:{o.port}/b"
    assert res.by(1)["input"] == f"http://H.test:{o.port}/%7Ea/../b?"
    assert res.by(3)["input"].endswith("#frag")
    assert o.targets() == ["/b?"] * 3 + ["/b"] * 2


def test_the_default_port_is_not_written(fetchd):
    rec = fetchd("--resolve", "h.test:80:127.0.0.77",
                 stdin=["http://h.test:80/"]).one
    assert rec["url"] == "http://h.test/"


@row(152)
def test_userinfo_becomes_basic_credentials_once(fetchd, origin):
    o = origin(serve(lambda r: response(b"no", status="401 Unauthorized",
                                        headers=['WWW-Authenticate: Basic '
                                                 'realm="x"'] * 5)))
    rec = fetchd(*o.resolve(),
                 stdin=[f"http://us%65r:p%40ss@h.test:{o.port}/"]).one
    assert rec["status_code"] == 401 and rec["error"] is None
    assert rec["num_attempts"] == 1 and len(o.requests) == 1
    assert o.requests[0].header("authorization") == \
        "Basic " + base64.b64encode(b"user:p@ss").decode()


@row(152)
def test_an_empty_user_is_sent_as_such(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://:secret@h.test:{p}/")
    assert req.header("authorization") == \
        "Basic " + base64.b64encode(b":secret").decode()
    assert "secret" not in rec["input"] + rec["url"]


def test_userinfo_wins_over_the_option(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://a:b@h.test:{p}/", "-u", "c:d")
    assert req.header("authorization") == \
        "Basic " + base64.b64encode(b"a:b").decode()


@row(152)
@pytest.mark.parametrize("user", ["u%3APW", "u%3aPW:x", "%3APW", "u%3APW:"])
def test_a_colon_in_a_user_name_is_url_invalid(fetchd, origin, user):
    """RFC 7617: the server would split there. In a password it may be."""
    o = origin()
    rec = refused(fetchd, f"http://{user}@127.0.0.1:{o.port}/", "url_invalid")
    assert "PW" not in json.dumps(rec) and o.conns == []


def test_a_colon_in_a_password_is_sent(fetchd, origin):
    rec, req, o = asked(fetchd, origin, "http://u:a%3Ab:c@h.test:{p}/")
    assert req.header("authorization") == \
        "Basic " + base64.b64encode(b"u:a:b:c").decode()


WRONG = [
    "https//u:SECRET@h.test/", "HTTPS//u:SECRET@h.test/",
    "http//u:SECRET@h.test/x?y", "https///u:SECRET@h.test/",
    "http/u:SECRET@h.test/", "http:/u:SECRET@h.test/",
    "http:u:SECRET@h.test/", "http:///u:SECRET@h.test/",
    "https:\\\\u:SECRET@h.test/", "https\\\\u:SECRET@h.test/",
    "http:\\u:SECRET@h.test/", "u:SECRET@h.test/x", "u:SECRET@h.test",
    "//u:SECRET@h.test:x/", "http;//u:SECRET@h.test/",
    "http.//u:SECRET@h.test/", "http ://u:SECRET@h.test/",
    "htps//u:SECRET@h.test/", "ttp://u:SECRET@h.test/",
    "http://http://u:SECRET@h.test/", "http://https//u:SECRET@h.test/",
    "http:80//u:SECRET@h.test/", "http://u:SECRET@x@h.test/",
    "http://u:SEC/SECRET@h.test/", "http://u%3ASECRET@h.test/",
    "http://u:SECRET%40h.test/", "http://u%3ASECRET%40h.test/",
    "http://u：SECRET@h.test/", "http://u:SECRET＠h.test/",
    '"http://u:SECRET@h.test/"', "<http://u:SECRET@h.test/>",
    "url: http://u:SECRET@h.test/", "- http://u:SECRET@h.test/",
    "\ufeffhttp://u:SECRET@h.test:x/", "http://u:SECRET@h.test:99999/",
    "http://u:SECRET@[::1/", "http://u:SECRET@a..b/",
    "http://u:" + "x" * 70_000 + "SECRET@h.test/",
    "http://u:SECRET" + "x" * 2_000_000,
    "http://u:" + "x" * 70_000 + "/SECRET@h.test/" + "x" * 2_000_000,
]


@row(152)
@pytest.mark.parametrize("line", WRONG, ids=lambda s: s[:40])
@pytest.mark.parametrize("how", ["line", "json", "base", "operand"])
def test_a_password_in_a_wrong_url_is_masked_everywhere(fetchd, dns, line,
                                                        how):
    if len(line) > 100_000 and how != "line":
        return      # no such argument; one of JSON is 16 MiB long
    args = ["-v", "--stats", "--dns-servers", dns.server, "--include-attempts",
            "--connect-timeout", "1", "--retry", "0"]
    dns.set("*", rcode="NXDOMAIN")
    if how == "base":
        args += ["--base-url", "http://127.0.0.1:9/b/"]
    if how == "operand":
        res = fetchd(*args, line, exit=None, quiet=False)
    else:
        stdin = [dict(url=line)] if how == "json" else [line]
        res = fetchd(*args, stdin=stdin, exit=None, quiet=False)
        assert res.one["error"] is not None
    assert "SECRET" not in res.stderr
    assert "SECRET" not in b"".join(res.lines).decode()
    assert "secret" not in repr(dns.names()).lower()
