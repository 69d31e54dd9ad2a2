# SPDX-License-Identifier: ISC
"""Options: what each changes in the request or the run."""
import base64
import os
import re

import pytest

from harness import TOP
from origin import response, serve


def sent(fetchd, origin, *args, **item):
    """The one request these options lead to."""
    o = origin()
    if item:
        rec = fetchd(*args, stdin=[dict(url=o.url(), **item)]).one
    else:
        rec = fetchd(*args, o.url()).one
    assert rec["error"] is None, rec
    return o.requests[0], rec


def test_request_sets_the_method(fetchd, origin):
    for m in ("DELETE", "PROPFIND", "x-odd!"):
        r, rec = sent(fetchd, origin, "-X", m)
        assert r.method == rec["method"] == m


def test_head_asks_for_the_header_alone(fetchd, origin):
    o = origin(serve(lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
                     b"\r\n"))
    rec = fetchd("-I", o.url()).one
    assert o.requests[0].method == rec["method"] == "HEAD"
    assert rec["body"] == "" and rec["content_length"] == 9


def test_headers_come_in_their_order_and_replace_defaults(fetchd, origin):
    r, _ = sent(fetchd, origin, "-H", "X-B: 1", "-H", "X-A: 2", "-H",
                "X-B: 3", "-H", "aCCept: text/html")
    assert r.all("x-b") == ["1", "3"] and r.all("x-a") == ["2"]
    assert r.all("accept") == ["text/html"]
    names = [n for n, _ in r.headers if n.startswith("X-")]
    assert names == ["X-B", "X-A", "X-B"]


def test_an_empty_header_removes_a_default(fetchd, origin):
    r, _ = sent(fetchd, origin, "-H", "User-Agent:", "-H", "Accept:")
    assert r.names() == ["host", "accept-encoding"]


def test_the_items_header_replaces_the_options(fetchd, origin):
    r, _ = sent(fetchd, origin, "-H", "X-A: option", "-H", "X-B: option",
                headers={"x-a": "item"})
    assert r.all("x-a") == ["item"] and r.all("x-b") == ["option"]
    r, _ = sent(fetchd, origin, "-H", "X-A: option", headers={"x-A": None})
    assert r.all("x-a") == []


def test_headers_may_come_from_a_file(fetchd, origin):
    path = fetchd.file("h", "X-A: 1\nX-B: 2\n")
    r, _ = sent(fetchd, origin, "-H", f"@{path}")
    assert r.header("x-a") == "1" and r.header("x-b") == "2"


def test_a_host_of_ones_own_still_stands_first(fetchd, origin):
    r, _ = sent(fetchd, origin, "-H", "X: y", "-H", "Host: other.test")
    assert r.headers[0] == ("Host", "other.test")
    assert len(r.all("host")) == 1


@pytest.mark.parametrize("header", ["X-A: a\nX-Evil: 1", "X A: b", ": b",
                                    "X-A: a\x01", "no colon",
                                    "Content-Length: 5",
                                    "Transfer-Encoding: chunked"])
def test_a_header_that_cannot_be_sent_is_exit_2(fetchd, origin, header):
    o = origin()
    res = fetchd("-H", header, o.url(), exit=2)
    assert res.stderr and o.conns == []


def test_data_is_a_form_post(fetchd, origin):
    r, rec = sent(fetchd, origin, "-d", "a=1", "-d", "b=2")
    assert rec["method"] == r.method == "POST" and r.body == b"a=1&b=2"
    assert r.header("content-type") == "application/x-www-form-urlencoded"
    assert r.header("content-length") == "7"
    assert r.names()[-2:] == ["content-type", "content-length"]


def test_data_may_come_from_a_file_byte_for_byte(fetchd, origin):
    path = fetchd.file("d", b"a=1\r\n\0\xff\n")
    r, _ = sent(fetchd, origin, "-d", f"@{path}")
    assert r.body == b"a=1\r\n\0\xff\n"


def test_raw_data_takes_an_at_sign_as_it_is(fetchd, origin):
    r, _ = sent(fetchd, origin, "--data-raw", "@x")
    assert r.body == b"@x"


def test_json_data_has_its_type(fetchd, origin):
    r, _ = sent(fetchd, origin, "--json-data", '{"a": 1}')
    assert r.body == b'{"a": 1}' and r.method == "POST"
    assert r.header("content-type") == "application/json"


def test_a_method_beside_data_wins(fetchd, origin):
    r, _ = sent(fetchd, origin, "-X", "PUT", "-d", "x")
    assert r.method == "PUT" and r.body == b"x"


def test_a_post_without_a_body_says_so(fetchd, origin):
    r, _ = sent(fetchd, origin, "-X", "POST")
    assert r.header("content-length") == "0"


def test_the_user_agent_can_be_set(fetchd, origin):
    r, _ = sent(fetchd, origin, "-A", "me/1")
    assert r.all("user-agent") == ["me/1"]


@pytest.mark.parametrize("from_file", [False, True])
def test_a_user_is_sent_as_basic(fetchd, origin, from_file):
    arg = "u:p:q"
    if from_file:
        arg = "@" + fetchd.file("u", "u:p:q\n")
    r, _ = sent(fetchd, origin, "-u", arg)
    assert r.header("authorization") == \
        "Basic " + base64.b64encode(b"u:p:q").decode()


def test_a_cookie_is_sent(fetchd, origin):
    r, _ = sent(fetchd, origin, "-b", "a=1; b=2")
    assert r.all("cookie") == ["a=1; b=2"]


def test_options_may_stand_behind_operands(fetchd, origin):
    o = origin()
    fetchd(o.url(), "-A", "late/1", "--no-compressed")
    assert o.requests[0].header("user-agent") == "late/1"


@pytest.mark.parametrize("args", [["--user-agent=x/1"], ["-Ax/1"],
                                  ["--user-agent", "x/1"]])
def test_every_way_to_write_a_value(fetchd, origin, args):
    r, _ = sent(fetchd, origin, *args)
    assert r.header("user-agent") == "x/1"


def test_a_boolean_has_its_no(fetchd, origin):
    o = origin()
    fetchd("--no-compressed", "--compressed", o.url())
    assert o.requests[0].header("accept-encoding")


def test_fail_makes_a_status_of_400_a_failure(fetchd, origin):
    o = origin(serve(lambda r: response(b"b", status=r.target[1:] + " x")))
    lines = [o.url("/200"), o.url("/399"), o.url("/400"), o.url("/503")]
    res = fetchd("-f", "-c", "1", stdin=lines, exit=8)
    assert res.errors() == [None, None, "http_status", "http_status"]
    assert res.by(3)["status_code"] == 400
    assert res.by(3)["error_phase"] == "headers"
    res = fetchd("-c", "1", stdin=lines, exit=0)
    assert res.errors() == [None] * 4


def test_exit_codes_take_the_lowest_of_what_happened(fetchd, origin, pki):
    bad_cert = origin(tls=pki.leaf("other.test").context())
    cut = origin(serve(lambda r: (r.conn.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), None)[1]))
    nope = origin(serve(lambda r: response(status="404 x")))
    cases = [([nope], 8), ([cut], 7), ([nope, cut], 7), ([bad_cert], 5),
             ([bad_cert, cut, nope], 5)]
    for origins, code in cases:
        fetchd("-f", stdin=[o.url() for o in origins], exit=code)
        fetchd("-f", stdin=["http://h:0/"] + [o.url() for o in origins],
               exit=4)


def test_version_and_help_exit_0(fetchd):
    res = fetchd("-V", json=False)
    assert res.exit == 0 and b"fetchd" in res.stdout
    res = fetchd("--help", json=False)
    assert res.exit == 0
    for name in (b"--concurrency", b"--max-per-host", b"--cacert",
                 b"--include-headers"):
        assert name in res.stdout


def test_help_names_every_option_of_this_capability(fetchd):
    text = fetchd("-h", json=False).stdout.decode()
    for name in """input-file limit request header data data-raw json-data
            head user-agent user cookie compressed concurrency max-per-host
            max-idle max-buffer dns-timeout connect-timeout tls-timeout
            ttfb-timeout idle-timeout speed-limit speed-time max-time
            max-filesize max-header-size max-ratio insecure cacert resolve
            dns-servers output json format fields body include-headers
            progress quiet summary stats fail grace version help
            base-url rate rate-per-host delay budget rate-headers max-run-time
            retry retry-delay retry-on retry-post retry-max-time
            retry-after-max max-host-errors host-dead-after net-down
            location max-redirs proto-redir location-trusted interface stream
            include-attempts keep-order only-failed only-ok
            extract css xpath regex exec workers worker-mem worker-time
            sandbox url data-binary form oauth2-bearer referer silent
            color""".split():
        assert f"--{name}" in text or f"--no-{name}" in text, name


def test_the_manual_names_every_figure_of_stats(fetchd, control):
    with open(os.path.join(TOP, "docs", "fetchd.1.in")) as f:
        words = set(re.findall(r"\w+", f.read()))
    assert set(fetchd(control.url(), "--stats").stats) <= words


def test_resolve_overrides_a_name_for_one_port(fetchd, origin, dns):
    o = origin(addr="127.0.0.2")
    dns.set("h.test", A="127.0.0.77")
    res = fetchd("--dns-servers", dns.server, "--resolve",
                 f"h.test:{o.port}:127.0.0.2", stdin=[
                     o.url(host="h.test"), "http://h.test:9/"])
    assert res.by(1)["error"] is None
    assert res.by(2)["remote_ip"] == "127.0.0.77"


@pytest.mark.parametrize("bad", ["h", "h:80", "h:x:1.2.3.4", "h:80:nope",
                                 "h:80:[::1"])
def test_a_bad_resolve_is_exit_2(fetchd, control, bad):
    res = fetchd(control.url(), "--resolve", bad, exit=2)
    assert res.stderr.startswith("fetchd: --resolve: ")


@pytest.mark.parametrize("args", [
    ["--rate", "5/d"], ["--rate-per-host", "-1"], ["--budget", "tokens"],
    ["--budget", "a=1", "--budget", "a=2"], ["--retry-on", "503,teapot"],
    ["--proto-redir", "ftp"], ["--proto-redir="], ["--base-url", "/v1/"],
    ["--stream", "--only-ok"], ["--stream", "--only-failed"],
    ["--stream", "--format", "text"], ["--stream", "--format", "body"],
    ["--only-ok", "--only-failed"], ["--net-down", "panic"],
    ["--max-redirs", "-1"], ["--retry", "many"], ["-X", "CONNECT"],
    ["--dns-servers", "nope"]])
def test_what_cannot_be_asked_for_is_one_line_and_exit_2(fetchd, origin, args):
    o = origin()
    res = fetchd(*args, o.url(), exit=2, quiet=False)
    assert res.stderr.startswith("fetchd: --") and o.conns == []
    assert res.stderr.count("\n") == 1


@pytest.mark.parametrize("size, ok", [("1000", True), ("999", False),
                                      ("1k", True), ("0", True)])
def test_sizes_are_read_with_their_units(fetchd, origin, size, ok):
    o = origin(serve(lambda r: response(b"x" * 1000)))
    rec = fetchd("--max-filesize", size, o.url(), exit=None).one
    assert (rec["error"] is None) is ok
    assert ok or "--max-filesize" in rec["errormsg"]


def test_a_proxy_in_the_environment_is_one_warning(fetchd, origin):
    o = origin()
    res = fetchd(o.url(), env={"http_proxy": "http://127.0.0.1:1/"},
                 quiet=False)
    assert res.one["error"] is None
    assert res.stderr.count("\n") == 1 and "proxy" in res.stderr


def test_missing_authorities_in_the_environment_are_one_warning(
        fetchd, origin, tmp_path):
    o = origin()
    env = {"SSL_CERT_FILE": str(tmp_path / "no\x1b[31m")}
    res = fetchd(o.url(), env=env, trust=False, quiet=False)
    assert res.one["error"] is None
    assert res.stderr.count("\n") == 1 and "SSL_CERT_FILE" in res.stderr
    assert "\x1b" not in res.stderr and "\\x1b[31m" in res.stderr
    for quiet in (["-q"], ["-k"]):
        assert fetchd(*quiet, o.url(), env=env, trust=False).stderr == ""


def test_trusting_every_host_of_a_redirect_is_one_warning(fetchd, origin):
    o = origin()
    res = fetchd("--location-trusted", o.url(), quiet=False)
    assert res.stderr.count("\n") == 1
    assert "--location-trusted" in res.stderr
    fetchd("--location-trusted", "-q", o.url())


def test_a_file_name_reaches_the_terminal_without_its_control_bytes(fetchd):
    res = fetchd("a\x1b[31m\nb\x9b", exit=3)
    assert "a\\x1b[31m\\x0ab" in res.stderr
    assert "\x1b" not in res.stderr and res.stderr.count("\n") == 1


def test_the_locale_does_not_change_numbers(fetchd, origin):
    o = origin()
    rec = fetchd(o.url(), env={"LC_ALL": "de_DE.UTF-8"}).one
    assert isinstance(rec["time_total"], float)


@pytest.mark.parametrize("args", [
    ("--rate", "1/h"), ("--rate-per-host", "1000000000/s"),
    ("--speed-limit", "1T", "--speed-time", "8760h"),
    ("--max-buffer", "1T"), ("--max-buffer", "1"), ("--max-spill", "1"),
    ("--max-spill", "1T"),
    ("-m", "8760h", "--max-filesize", "1T", "--max-header-size", "1G")],
    ids=lambda a: "".join(a)[:30])
def test_no_sum_of_limits_at_their_ends_wraps(fetchd, origin, args):
    o = origin()
    urls = [o.url()] if "--rate" in args else [o.url()] * 20
    res = fetchd("--keep-order", *args, stdin=urls)
    assert res.statuses() == [200] * len(urls)
