# SPDX-License-Identifier: ISC
"""The harness itself, proved with Python's own client before fetchd is."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

import conftest
import harness
from origin import (Origin, chunked, delayed, once, response, serve)

pytestmark = pytest.mark.harness


def client(pki):
    return ssl.create_default_context(cafile=pki.ca)


def get(url, **how):
    try:
        with urllib.request.urlopen(url, timeout=10, **how) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def test_the_origin_answers_plain_http(origin):
    o = origin()
    assert get(o.url("/x")) == (200, b"ok")
    assert o.targets() == ["/x"]
    assert o.requests[0].header("host") == f"127.0.0.1:{o.port}"


def test_the_origin_answers_over_tls_and_sees_the_sni(origin, tls, pki):
    o = origin(tls=tls)
    assert get(o.url(), context=client(pki)) == (200, b"ok")
    c = socket.create_connection((o.addr, o.port))
    s = client(pki).wrap_socket(c, server_hostname="a.test")
    s.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 200")
    s.unwrap().close()
    assert o.until(lambda o: o.open == 0)
    assert o.conns[-1].sni == "a.test" and o.conns[-1].got_close_notify


def test_one_byte_segments_arrive_whole_over_tls(origin, tls, pki):
    def script(c):
        assert c.tls(tls, size=1)
        c.request()
        c.send(response(b"x" * 200), size=1)
    o = origin(script)
    url = f"https://127.0.0.1:{o.port}/"
    assert get(url, context=client(pki)) == (200, b"x" * 200)


def test_a_reset_is_a_reset(origin):
    o = origin(once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                    end="rst"))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        get(o.url())


@pytest.mark.parametrize("end, clean", [("notify", True), ("fin", False)])
def test_close_notify_is_sent_only_when_told(origin, tls, pki, end, clean):
    o = origin(once(b"hello", end=end, read=False), tls=tls)
    raw = socket.create_connection((o.addr, o.port))
    ctx = client(pki)
    ctx.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    s = ctx.wrap_socket(raw, server_hostname="a.test",
                        suppress_ragged_eofs=False)
    assert s.recv(5) == b"hello"
    if clean:
        assert s.recv(5) == b""
    else:
        with pytest.raises(ssl.SSLError, match="EOF"):
            s.recv(5)
    s.close()


def test_a_ticket_can_be_sent_in_mid_stream(origin, tls, pki):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        c.new_ticket()
        c.send(b"def")
        c.until_eof()
    o = origin(script, tls=tls)
    assert get(o.url(), context=client(pki)) == (200, b"abcdef")


def test_requests_in_flight_are_counted(origin):
    o = origin(serve(delayed(0.3)))
    ts = [threading.Thread(target=get, args=(o.url(),)) for _ in range(5)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    assert o.in_flight_max == 5 and o.in_flight == 0


def test_each_connection_gets_its_script_and_the_last_one_stays(origin):
    o = origin(once(b"", end="fin"), serve(lambda r: response(b"second")))
    with pytest.raises(http.client.RemoteDisconnected):
        get(o.url())
    assert get(o.url()) == get(o.url()) == (200, b"second")


def test_chunks_are_well_formed(origin):
    o = origin(serve(lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                     b"chunked\r\n\r\n" + chunked(b"abc", b"de")))
    assert get(o.url()) == (200, b"abcde")


def test_a_wrong_assertion_in_a_script_fails_the_test():
    def script(c):
        c.request()
        assert False, "seen"
    with pytest.raises(AssertionError, match="seen"):
        with Origin(script) as o:
            with pytest.raises(http.client.RemoteDisconnected):
                get(o.url())


@pytest.mark.parametrize("names, how, why", [
    (("127.0.0.1",), {}, None),
    (("127.0.0.1",), dict(days=(-9, -1)), "expired"),
    (("127.0.0.1",), dict(days=(1, 9)), "not yet valid"),
    (("127.0.0.1",), dict(issuer="self"), "self.signed"),
    (("127.0.0.1",), dict(issuer="stranger"), "local issuer"),
    (("127.0.0.1",), dict(chain=False), "local issuer"),
    (("a.test",), {}, "IP address mismatch"),
])
def test_certificates_fail_for_their_reason(origin, pki, names, how, why):
    o = origin(tls=pki.leaf(*names, **how).context())
    if why is None:
        assert get(o.url(), context=client(pki))[0] == 200
    else:
        with pytest.raises(urllib.error.URLError, match=why):
            get(o.url(), context=client(pki))


def test_a_namespace_is_a_network_of_its_own(netns):
    ns = netns(*harness.BLACK_HOLE)
    with Origin(netns=ns.path) as o:
        with pytest.raises(OSError):
            socket.create_connection((o.addr, o.port), 2)
        out = subprocess.run([*ns.wrap, "curl", "-s", o.url()],
                             capture_output=True, timeout=20)
        assert out.stdout == b"ok"
    out = subprocess.run([*ns.wrap, "curl", "-m1", "-s", "http://10.9.9.2/"],
                         timeout=20)
    assert out.returncode == 28


def test_other_files_can_stand_in_etc(tmp_path):
    (tmp_path / "hosts").write_text("127.0.0.9 nine.test\n")
    out = subprocess.run(
        harness.with_etc(hosts=tmp_path / "hosts") + ["cat", "/etc/hosts"],
        capture_output=True, timeout=20)
    assert out.stdout == b"127.0.0.9 nine.test\n", out.stderr
    out = subprocess.run(["cat", "/etc/hosts"], capture_output=True)
    assert b"nine.test" not in out.stdout


def test_nginx_serves(nginx, pki):
    assert get(nginx.url("/small.txt")) == (200, b"small\n")
    assert get(nginx.tls_url("/big.bin"), context=client(pki)) == \
        (200, nginx.big)
    assert get(nginx.url("/teapot"))[0] == 418


def test_the_table_of_errors_is_read():
    assert harness.ERRORS["tls_cert_expired"] == ("tls", 5, 60)
    assert set(harness.NOT_PRODUCED) <= set(harness.ERRORS)


GOOD = dict(
    type="result", seq=1, input="x", url="http://h/", final_url="http://h/",
    method="GET", timestamp="2024-01-01T00:00:00.000Z", status_code=200,
    error=None, error_phase=None, errormsg=None, error_detail=None,
    exitcode=0, content_type=None, charset=None, content_length=2,
    location=None, http_version="1.1", remote_ip="127.0.0.1", remote_port=1,
    tls_version=None, tls_verified=None, conn_id=1, conn_reused=False,
    num_attempts=1, num_redirects=0, size_download=2, size_decoded=2,
    complete=True, time_queue=0.0, time_item=0.5, time_namelookup=0.1,
    time_connect=0.2, time_appconnect=0.2, time_starttransfer=0.3,
    time_total=0.5, time_redirect=0.0, body="ok")


def test_a_good_record_passes_the_check():
    harness.check_record(dict(GOOD), 1.0)


@pytest.mark.parametrize("change", [
    dict(time_connect=0.05), dict(time_total=2.0), dict(error="no_such"),
    dict(exitcode=7), dict(error="connect_refused", exitcode=7,
                           error_phase="tls", errormsg="x", complete=False),
    dict(seq=0), dict(flags=[]), dict(flags=["odd"]), dict(extra=1),
    dict(body_base64="b2s="), dict(timestamp="2024"), dict(time_queue=0.6),
])
def test_a_bad_record_fails_the_check(change):
    with pytest.raises(AssertionError):
        harness.check_record({**GOOD, **change}, 1.0)


def test_a_missing_key_fails_the_check():
    for key in harness.KEYS:
        rec = dict(GOOD)
        del rec[key]
        with pytest.raises((AssertionError, KeyError)):
            harness.check_record(rec, 1.0)


ATTEMPT = dict(attempt=1, url="http://h/", status_code=200, error=None,
               remote_ip="127.0.0.1", conn_id=1, wait=0.0, wait_reason=None,
               time_namelookup=0.1, time_connect=0.2, time_appconnect=0.2,
               time_starttransfer=0.3, time_total=0.5)


def test_the_attempts_of_a_good_record_pass_the_check():
    harness.check_record(dict(GOOD, attempts=[ATTEMPT]), 1.0, attempts=True)
    twice = [dict(ATTEMPT, status_code=0, error="empty_reply"),
             dict(ATTEMPT, attempt=2, wait=1.0, wait_reason="backoff")]
    harness.check_record(dict(GOOD, attempts=twice, num_attempts=2), 1.0,
                         attempts=True)


@pytest.mark.parametrize("change", [
    dict(attempt=2), dict(attempt=0), dict(status_code=500),
    dict(error="no_such"), dict(wait=-1), dict(wait_reason="bored"),
    dict(time_connect=9)])
def test_bad_attempts_fail_the_check(change):
    with pytest.raises(AssertionError):
        harness.check_record(dict(GOOD, attempts=[{**ATTEMPT, **change}]),
                             1.0, attempts=True)


def test_the_lines_of_a_stream_are_checked():
    first = dict(type="event", seq=1, n=1, time=0.1, event="message",
                 data="x", event_id=None, retry=None)
    harness.check_line(first, [])
    harness.check_line(dict(first, n=2, time=0.2), [first])
    for bad in (dict(n=1), dict(n=3), dict(n=2, time=0.05),
                dict(n=2, type="odd"), dict(n=2, extra=1),
                dict(n=2, type="line")):
        with pytest.raises(AssertionError):
            harness.check_line({**first, **bad}, [first])
    for good in (dict(type="chunk", seq=1, n=1, time=0, data_base64="AA=="),
                 dict(type="line", seq=1, id=None, n=1, time=0, data=None)):
        harness.check_line(good, [])


def test_each_line_of_stdout_has_its_time(tmp_path, monkeypatch):
    f = stub(tmp_path, monkeypatch, "echo a; read x; echo b; echo c")
    run = f.start(trust=False, json=False)
    assert run.until_records(1)
    run.write("x\n")
    run.finish(exit=0)
    times, lines = zip(*run.stamped())
    assert lines == (b"a", b"b", b"c") and times == tuple(sorted(times))


def stub(tmp_path, monkeypatch, script):
    path = tmp_path / "stub"
    path.write_text("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    monkeypatch.setattr(harness, "BINARY", str(path))
    return harness.Fetchd(tmp_path, "ca.pem")


def test_a_run_is_checked_against_its_exit_code(tmp_path, monkeypatch):
    rec = dict(GOOD, time_item=0.0, time_namelookup=0, time_connect=0,
               time_appconnect=0, time_starttransfer=0, time_total=0)
    f = stub(tmp_path, monkeypatch,
             f"cat > /dev/null\necho '{json.dumps(rec)}'\nexit $1")
    assert f("0", stdin="x\n", trust=False).one["status_code"] == 200
    with pytest.raises(AssertionError, match="records call for 0"):
        f("4", stdin="x\n", trust=False)


def test_a_sanitizer_report_fails_the_run(tmp_path, monkeypatch):
    f = stub(tmp_path, monkeypatch, "echo 'x.c:1: runtime error: y' >&2")
    with pytest.raises(AssertionError, match="runtime error"):
        f(trust=False)


def test_a_run_that_does_not_end_is_ended(tmp_path, monkeypatch):
    f = stub(tmp_path, monkeypatch, "exec tail -f /dev/null")
    with pytest.raises(AssertionError, match="not done after"):
        f(trust=False, timeout=0.3)


def test_a_code_never_seen_is_excused_by_skipped_tests_of_its_file():
    t = conftest.Tally(None)
    t.codes = {*harness.ERRORS, *harness.PARSE_ERRORS} - {
        "connect_unreachable"}
    t.skipped = {"test_decode.py"}
    assert t.unproved() == (["connect_unreachable"], [])
    t.skipped.add("test_network.py")
    assert t.unproved() == ([], ["connect_unreachable"])


RECORD = {
    "type": "result", "seq": 1, "input": "http://a/", "url": "http://a/",
    "final_url": "http://a/", "method": "GET",
    "timestamp": "2024-01-01T00:00:00.000Z", "status_code": 0,
    "error": "connect_refused", "error_phase": "connect",
    "errormsg": "connection refused", "error_detail": "ECONNREFUSED",
    "exitcode": 7, "content_type": None, "charset": None,
    "content_length": None, "location": None, "http_version": None,
    "remote_ip": "127.0.0.1", "remote_port": 80, "tls_version": None,
    "tls_verified": None, "conn_id": None, "conn_reused": False,
    "num_attempts": 1, "num_redirects": 0, "size_download": 0,
    "size_decoded": 0, "complete": False, "time_queue": 0.0, "time_item": 0.1,
    "time_namelookup": 0.0, "time_connect": None, "time_appconnect": None,
    "time_starttransfer": None, "time_total": 0.1, "time_redirect": 0.0,
    "body": None}


@pytest.mark.parametrize("change", [
    {"error": "no_such_code"}, {"error_phase": "struck"}, {"seq": 0},
    {"seq": "1"}, {"new_key": 1}, {"timestamp": "2024-01-01"},
    {"time_total": -1}, {"flags": []}, {"header": {"a": "b"}},
    {"attempts": [{"attempt": 1}]}, {"parse": {"error": None}}],
    ids=lambda c: next(iter(c)))
def test_the_schema_refuses_a_record_that_is_wrong(change):
    harness.check_schema(RECORD)
    with pytest.raises(AssertionError):
        harness.check_schema({**RECORD, **change})


@pytest.mark.parametrize("key", [k for k in RECORD if k not in
                                 ("type", "body")])
def test_the_schema_refuses_a_record_without_a_key(key):
    with pytest.raises(AssertionError):
        harness.check_schema({k: v for k, v in RECORD.items() if k != key})


def test_the_schema_knows_the_keys_that_the_harness_knows():
    with open(os.path.join(harness.TOP, "docs", "record.schema.json")) as f:
        result = json.load(f)["definitions"]["result"]
    assert result["required"] == harness.KEYS
    assert set(result["properties"]) == {*harness.KEYS, *harness.MAYBE_KEYS}
