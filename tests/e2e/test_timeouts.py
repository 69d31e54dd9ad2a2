# SPDX-License-Identifier: ISC
"""Deadlines: each phase its own, and none that strikes the wrong one."""
import time

import pytest

from origin import chunked, once, response, serve

OK = b"HTTP/1.1 200 OK\r\n"


def near(value, want, over=0.9):
    assert want * 0.9 <= value <= want * 1.1 + over, (value, want)


def test_max_time_covers_the_whole_attempt(probe):
    def script(c):
        c.request()
        c.send(OK + b"Content-Length: 100000\r\n\r\n")
        while True:
            c.send(b"x" * 100)
            c.wait(0.1)
    p = probe.fails(script, "timeout_total", "-m", "1.2", phase="body")
    near(p.rec["time_total"], 1.2)
    assert p.rec["complete"] is False and p.rec["size_download"] >= 300
    assert p.rec["body"] == "x" * p.rec["size_download"]


def test_max_time_0_is_no_limit(probe):
    def script(c):
        c.request()
        c.wait(1)
        c.send(response(b"late"))
    probe.works(script, "-m", "0", body="late")


def test_ttfb_counts_from_the_request_sent(probe):
    def script(c):
        c.request()
        c.wait(5)
    p = probe.fails(script, "timeout_ttfb", "--ttfb-timeout", "0.6",
                    phase="ttfb")
    near(p.rec["time_total"], 0.6)
    assert p.rec["time_starttransfer"] is None


def test_ttfb_is_over_with_the_first_byte(probe):
    def script(c):
        c.request()
        c.send(b"H")
        c.wait(1.2)
        c.send(response(b"x")[1:])
    probe.works(script, "--ttfb-timeout", "0.6", body="x")


def test_an_interim_answer_is_a_first_byte(probe):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.wait(1.2)
        c.send(response(b"x"))
    probe.works(script, "--ttfb-timeout", "0.6", body="x")


def test_idle_in_the_body(probe):
    p = probe.fails(OK + b"Content-Length: 100\r\n\r\nabc", "timeout_idle",
                    "--idle-timeout", "0.7", phase="body", end="stay")
    near(p.rec["time_total"], 0.7)
    assert p.rec["body"] == "abc" and p.rec["complete"] is False


def test_idle_in_the_headers(probe):
    p = probe.fails(OK + b"Content-Le", "timeout_idle", "--idle-timeout",
                    "0.7", phase="headers", end="stay")
    near(p.rec["time_total"], 0.7)


def test_each_byte_starts_the_idle_time_again(probe):
    def script(c):
        c.request()
        c.send(OK + b"Content-Length: 8\r\n\r\n", size=5, pause=0.05)
        c.send(b"12345678", size=1, pause=0.35)
        serve(lambda r: response(b"again"))(c)
    probe.works(script, "--idle-timeout", "0.7", body="12345678")


def test_idle_does_not_run_before_the_first_byte(probe):
    def script(c):
        c.request()
        c.wait(1.4)
        c.send(response(b"slow"))
    probe.works(script, "--idle-timeout", "0.5", body="slow")


def test_idle_0_is_no_limit(probe):
    def script(c):
        c.request()
        c.send(OK + b"Content-Length: 2\r\n\r\na")
        c.wait(1)
        c.send(b"b")
        serve(lambda r: response(b"again"))(c)
    probe.works(script, "--idle-timeout", "0", body="ab")


def test_tls_timeout_strikes_in_mid_handshake(probe, tls):
    def script(c):
        c.client_hello()
        c.raw_send(b"\x16\x03\x03")
        c.stay()
    p = probe.fails(script, "tls_timeout", "--tls-timeout", "0.7", tls=tls,
                    raw=True)
    near(p.rec["time_total"], 0.7)


def test_max_time_strikes_in_the_handshake_too(probe, tls):
    p = probe.fails(lambda c: c.stay(), "timeout_total", "-m", "0.7",
                    tls=tls, raw=True, phase="tls")
    near(p.rec["time_total"], 0.7)


def test_a_fast_transfer_is_never_too_slow(probe):
    def script(c):
        c.request()
        c.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(25):
            c.send(b"64\r\n" + b"x" * 100 + b"\r\n")
            c.wait(0.1)
        c.send(b"0\r\n\r\n")
        serve(lambda r: response(b"again"))(c)
    p = probe.works(script, "--speed-limit", "300", "--speed-time", "1")
    assert p.rec["size_download"] == 2500


def test_speed_is_judged_over_the_window_not_the_whole(probe):
    """A fast start does not pay for a slow end."""
    def script(c):
        c.request()
        c.send(OK + b"\r\n" + b"x" * 500_000)
        while True:
            c.send(b"y")
            c.wait(0.2)
    p = probe.fails(script, "timeout_speed", "--speed-limit", "1000",
                    "--speed-time", "1", phase="body")
    assert p.rec["time_total"] < 4


def test_a_sealed_time_option_is_read_in_its_units(fetchd, origin):
    o = origin(lambda c: c.sleep_forever())
    began = time.monotonic()
    rec = fetchd("-m", "500ms", o.url()).one
    assert rec["error"] == "timeout_total"
    assert time.monotonic() - began < 3
    near(rec["time_total"], 0.5)


@pytest.mark.parametrize("bad", ["-1", "x", "5parsecs", "", "1e999"])
def test_a_time_that_is_none_is_exit_2(fetchd, control, bad):
    res = fetchd(control.url(), "-m", bad, exit=2)
    assert "max-time" in res.stderr


def test_many_deadlines_at_once_are_all_kept(fetchd, origin):
    o = origin(lambda c: c.sleep_forever())
    n = 200
    res = fetchd("-c", n, "-m", "1", stdin=[o.url(f"/{i}")
                                            for i in range(n)])
    assert res.errors() == ["timeout_total"] * n
    assert all(0.95 <= r["time_total"] <= 2.5 for r in res.records)
    assert res.wall < 6


def test_a_body_that_ends_in_time_is_whole(probe):
    def script(c):
        c.request()
        c.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        c.send(chunked(b"abc"), size=1, pause=0.05)
        serve(lambda r: response(b"again"))(c)
    probe.works(script, "-m", "5", "--idle-timeout", "0.5", body="abc")


def test_a_timeout_closes_the_connection(probe):
    p = probe.fails(once(OK + b"Content-Length: 9\r\n\r\n", end="stay"),
                    "timeout_idle", "--idle-timeout", "0.4")
    assert p.origin.until(lambda o: o.conns[0].ended, 5)
