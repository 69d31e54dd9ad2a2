# SPDX-License-Identifier: ISC
"""TLS: certificates, handshakes and how a body may end."""
import ssl
import struct

import pytest

from harness import row
from origin import chunked, once, response, serve

V = ssl.TLSVersion


def bad_cert(probe, leaf, code, *args, host="127.0.0.1", ctx=None, **how):
    """The handshake fails with that code and not a byte of the request is
    given away."""
    p = probe.fails(once(response()), code, *args, tls=ctx or leaf.context(),
                    host=host, again=False, exit=5, **how)
    assert p.rec["error_phase"] == "tls"
    assert p.rec["error_detail"], "the verification's own words"
    assert p.rec["status_code"] == 0 and p.rec["tls_verified"] is not True
    assert p.origin.requests == [] and p.origin.conns[0].app_in == 0
    return p


def test_a_good_certificate_is_verified(fetchd, origin, tls):
    o = origin(tls=tls)
    rec = fetchd(*o.resolve(), o.url("/x", host="a.test")).one
    assert rec["status_code"] == 200
    assert rec["tls_verified"] is True
    assert rec["tls_version"] == "TLSv1.3"
    assert o.conns[0].sni == "a.test"
    assert rec["time_appconnect"] > rec["time_connect"]


def test_tls_1_2_is_spoken_when_that_is_all_there_is(fetchd, origin, leaf):
    o = origin(tls=leaf.context(high=V.TLSv1_2))
    rec = fetchd(o.url()).one
    assert rec["status_code"] == 200 and rec["tls_version"] == "TLSv1.2"


@row(46)
def test_an_expired_certificate(probe, pki):
    bad_cert(probe, pki.leaf("127.0.0.1", days=(-10, -1)),
             "tls_cert_expired")


@row(47)
def test_a_certificate_of_tomorrow(probe, pki):
    bad_cert(probe, pki.leaf("127.0.0.1", days=(1, 10)),
             "tls_cert_not_yet_valid")


@row(48)
def test_a_self_signed_certificate(probe, pki):
    bad_cert(probe, pki.leaf("127.0.0.1", issuer="self"),
             "tls_cert_self_signed")


@row(49)
def test_an_unknown_authority_is_named(probe, pki):
    p = bad_cert(probe, pki.leaf("127.0.0.1", issuer="stranger"),
                 "tls_cert_untrusted")
    assert "Unknown Root" in p.rec["errormsg"]


@row(49)
def test_a_missing_intermediate_is_named(probe, pki):
    p = bad_cert(probe, pki.leaf("127.0.0.1", chain=False),
                 "tls_cert_untrusted")
    assert "Test Intermediate" in p.rec["errormsg"]


@row(51)
def test_an_address_in_the_san_is_verified_and_no_sni_is_sent(fetchd, origin,
                                                              pki):
    o = origin(tls=pki.leaf("127.0.0.9").context(), addr="127.0.0.9")
    rec = fetchd(o.url()).one
    assert rec["status_code"] == 200 and rec["tls_verified"] is True
    assert o.conns[0].sni is None


@row(52)
def test_an_address_as_a_dns_name_does_not_count(probe, pki):
    bad_cert(probe, pki.leaf("dns:127.0.0.1"), "tls_cert_hostname")


@row(53)
def test_a_common_name_does_not_count(probe, pki):
    leaf = pki.leaf(cn="a.test", san=False)
    bad_cert(probe, leaf, "tls_cert_hostname", host="a.test")


@row(54)
@pytest.mark.parametrize("san, host", [
    ("*.x.test", "a.b.x.test"), ("*.x.test", "x.test"),
    ("f*.x.test", "foo.x.test"), ("*o.x.test", "foo.x.test"),
    ("*.test", "foo.test"), ("xn--*.x.test", "xn--bcher-kva.x.test"),
    ("other.test", "a.test"),
])
def test_only_a_whole_left_label_may_be_a_wildcard(probe, pki, san, host):
    bad_cert(probe, pki.leaf(san), "tls_cert_hostname", host=host)


def test_a_plain_wildcard_covers_one_label(fetchd, origin, tls):
    o = origin(tls=tls)
    rec = fetchd(*o.resolve(), o.url(host="q.hosts.test")).one
    assert rec["status_code"] == 200


def test_a_certificate_for_clients_only_is_tls_cert_invalid(probe, pki):
    bad_cert(probe, pki.leaf("127.0.0.1", server_auth=False),
             "tls_cert_invalid")


@pytest.mark.parametrize("how", [
    dict(days=(-10, -1)), dict(issuer="self"), dict(issuer="stranger"),
])
def test_insecure_fetches_and_says_it_did_not_verify(fetchd, origin, pki,
                                                     how):
    o = origin(tls=pki.leaf("b.test", **how).context())
    rec = fetchd("-k", o.url()).one
    assert rec["status_code"] == 200 and rec["tls_verified"] is False


@row(56)
@pytest.mark.parametrize("says", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 smtp.test ESMTP\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
])
def test_a_peer_without_tls_is_tls_not_tls(probe, tls, says):
    def script(c):
        c.client_hello()
        c.raw_send(says)
        c.stay()
    p = probe.fails(script, "tls_not_tls", tls=tls, raw=True)
    assert p.rec["time_total"] < 1


@row(58)
def test_fin_after_the_client_hello_is_tls_eof(probe, tls):
    def script(c):
        c.client_hello()
        c.fin()
        c.until_eof()
    probe.fails(script, "tls_eof", tls=tls, raw=True)


@row(58)
def test_a_reset_after_the_client_hello_is_tls_reset(probe, tls):
    def script(c):
        c.client_hello()
        c.rst()
    probe.fails(script, "tls_reset", tls=tls, raw=True)


@row(59)
def test_a_server_of_tls_1_1_is_tls_protocol_version(probe, leaf):
    ctx = leaf.context(ciphers="ALL:@SECLEVEL=0", low=V.TLSv1, high=V.TLSv1_1)
    probe.fails(once(response()), "tls_protocol_version", tls=ctx,
                again=False)


def server_hello(version):
    body = version + b"\x11" * 32 + b"\x00" + b"\xc0\x2f" + b"\x00"
    msg = b"\x02" + struct.pack("!I", len(body))[1:] + body
    return b"\x16" + version + struct.pack("!H", len(msg)) + msg


@row(59)
@pytest.mark.parametrize("version", [b"\x03\x01", b"\x03\x02"])
def test_an_old_server_hello_is_tls_protocol_version(probe, tls, version):
    def script(c):
        c.client_hello()
        c.raw_send(server_hello(version))
        c.stay()
    probe.fails(script, "tls_protocol_version", tls=tls, raw=True)


@row(60)
def test_dhe_1024_is_tls_weak_params(probe, pki):
    ctx = pki.leaf("127.0.0.1", key="rsa2048").context(
        ciphers="DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", high=V.TLSv1_2,
        dh=pki.dh1024())
    probe.fails(once(response()), "tls_weak_params", tls=ctx, again=False)


@row(60)
@pytest.mark.parametrize("how", [dict(key="rsa1024"), dict(digest="sha1")])
def test_a_weak_key_or_signature_is_tls_cert_weak(probe, pki, how):
    leaf = pki.leaf("127.0.0.1", **how)
    bad_cert(probe, leaf, "tls_cert_weak",
             ctx=leaf.context(ciphers="ALL:@SECLEVEL=0"))


def alert(level, number):
    return b"\x15\x03\x03\x00\x02" + bytes([level, number])


@row(62)
@pytest.mark.parametrize("number, code, word", [
    (40, "tls_handshake_alert", "handshake failure"),
    (80, "tls_handshake_alert", "internal error"),
    (49, "tls_handshake_alert", "access denied"),
    (112, "tls_unrecognized_name", "unrecognized name"),
    (70, "tls_protocol_version", "protocol version"),
    (71, "tls_weak_params", "insufficient security"),
])
def test_a_fatal_alert_is_named(probe, tls, number, code, word):
    def script(c):
        c.client_hello()
        c.raw_send(alert(2, number))
        c.stay()
    p = probe.fails(script, code, tls=tls, raw=True, phase="tls")
    detail = p.rec["error_detail"].lower().replace("_", " ")
    assert word in detail


@row(62)
def test_a_warning_that_the_name_is_unknown_is_ignored(probe, leaf):
    ctx = leaf.context(high=V.TLSv1_2)

    def script(c):
        assert c.tls(ctx, before=b"\x15\x03\x01\x00\x02\x01\x70")
        once(response(b"fine"), end="keep")(c)
    probe.works(script, tls=ctx, raw=True, body="fine")


@row(63)
@pytest.mark.parametrize("high", [V.TLSv1_3, V.TLSv1_2])
def test_a_client_certificate_asked_for_is_named(probe, leaf, pki, high):
    ctx = leaf.context(high=high, client_ca=pki.ca)

    def script(c):
        c.tls(ctx)
        c.until_eof()
    p = probe.fails(script, "tls_client_cert_required", tls=ctx, raw=True,
                    again=False, exit=4)
    assert p.rec["error_phase"] == "tls"


@row(64)
def test_a_length_that_was_met_needs_no_close_notify(fetchd, origin, tls):
    o = origin(once(response(b"hello"), end="fin"), tls=tls)
    res = fetchd(stdin=[o.url(f"/{i}") for i in range(50)])
    assert res.errors() == [None] * 50
    assert {r["body"] for r in res.records} == {"hello"}
    assert all(r["complete"] for r in res.records)


@row(65)
def test_a_body_to_eof_without_close_notify_is_http_truncated(probe, tls):
    p = probe.fails(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 10000,
                    "http_truncated", tls=tls, end="fin", phase="body")
    assert p.rec["complete"] is False and p.rec["body"] == "y" * 10000


@row(65)
def test_a_body_to_eof_with_close_notify_is_whole(probe, tls):
    p = probe.works(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 10000, tls=tls,
                    end="notify", body="y" * 10000)
    assert p.rec["complete"] is True and p.rec["content_length"] is None


@row(66)
@pytest.mark.parametrize("high", [V.TLSv1_3, V.TLSv1_2])
def test_the_last_record_is_never_lost(fetchd, origin, leaf, high):
    sizes = [1, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 20000, 65537]
    data = bytes(range(32, 127)) * 700

    def script(c):
        r = c.request()
        c.answered()
        n = int(r.target[1:].split("-")[0])
        c.cork()
        c.send(b"HTTP/1.1 200 OK\r\n\r\n" + data[:n])
        c.close_notify()
        c.uncork()
        c.fin()
        c.until_eof()
    o = origin(script, tls=leaf.context(high=high))
    times = 100
    res = fetchd("-c", "8", stdin=[o.url(f"/{n}-{i}") for i in range(times)
                                   for n in sizes], timeout=120)
    assert res.errors() == [None] * len(sizes) * times
    for r in res.records:
        n = sizes[(r["seq"] - 1) % len(sizes)]
        assert r["body"].encode() == data[:n], (r["seq"], n)


@row(67)
def test_tickets_in_mid_body_do_no_harm(probe, tls):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        c.new_ticket()
        c.wait(0.2)
        c.new_ticket()
        c.send(b"def")
        c.answered()
        serve(lambda r: response(b"again"))(c)
    p = probe.works(script, tls=tls, body="abcdef")
    assert p.reused


@row(67)
def test_tickets_on_an_idle_connection_do_not_spoil_it(fetchd, origin, tls):
    def script(c):
        c.request()
        c.send(response(b"one"))
        c.new_ticket()
        serve(lambda r: response(b"two"))(c)
    o = origin(script, tls=tls)
    run = fetchd.start()
    run.write(o.url("/1") + "\n")
    assert run.until_records(1)
    run.write(o.url("/2") + "\n")
    res = run.finish()
    assert [r["body"] for r in res.records] == ["one", "two"]
    assert len(o.conns) == 1


@row(68)
def test_close_notify_is_sent_when_the_peer_still_talks(probe, tls):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
               b"Connection: close\r\n\r\n" + chunked(b"all"))
        c.new_ticket()
        c.send(b"more that nobody asked for")
        c.until_eof()
    p = probe.works(script, tls=tls, body="all")
    assert p.origin.until(lambda o: o.conns[0].ended or
                          o.conns[0].got_close_notify, 5)
    assert p.origin.conns[0].got_close_notify
    assert not p.reused


def test_every_connection_ends_with_close_notify(fetchd, origin, tls):
    o = origin(tls=tls)
    res = fetchd("-c", "4", stdin=[o.url(f"/{i}") for i in range(20)])
    assert res.statuses() == [200] * 20
    assert o.until(lambda o: o.open == 0)
    assert all(c.got_close_notify for c in o.conns)


@row(71)
@pytest.mark.parametrize("high", [V.TLSv1_3, V.TLSv1_2])
def test_a_flipped_bit_is_tls_record_error(probe, leaf, high):
    def flip(data):
        return data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]

    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"
               + b"a" * 500)
        c.wait(0.2)
        c.mangle = flip
        c.send(b"b" * 500)
        c.mangle = None
        c.stay()
    p = probe.fails(script, "tls_record_error", phase="body", exit=7,
                    tls=leaf.context(high=high))
    assert p.rec["body"] == "a" * 500
    assert p.rec["complete"] is False


@row(72)
@pytest.mark.parametrize("high", [V.TLSv1_3, V.TLSv1_2])
def test_one_byte_segments_change_nothing(probe, leaf, high):
    ctx = leaf.context(high=high)

    def script(c):
        assert c.tls(ctx, size=1)
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               + chunked(b"hello ", b"world"), size=1)
        c.stay()
    probe.works(script, tls=ctx, raw=True, body="hello world", again=False)


@row(73)
@pytest.mark.parametrize("data", [None, b"", b"garbage\n",
                                  b"-----BEGIN CERTIFICATE-----\nAAAA\n"
                                  b"-----END CERTIFICATE-----\n"])
def test_a_cacert_that_cannot_be_used_ends_the_run_at_once(fetchd, control,
                                                           data):
    path = str(fetchd.tmp) + "/ca-missing.pem" if data is None else \
        fetchd.file("ca-bad.pem", data)
    res = fetchd("--cacert", path, control.url(), exit=2)
    assert res.records == [] and path in res.stderr


@row(76)
def test_a_trailing_dot_is_not_part_of_the_name_verified(fetchd, origin, tls):
    o = origin(tls=tls)
    rec = fetchd("--resolve", f"a.test:{o.port}:127.0.0.1", "--resolve",
                 f"a.test.:{o.port}:127.0.0.1",
                 f"https://a.test.:{o.port}/").one
    assert rec["error"] is None, rec
    assert o.conns[0].sni == "a.test"


def test_the_system_store_is_not_used_beside_cacert(fetchd, origin, leaf,
                                                    pki, tmp_path):
    """--cacert is all that is trusted."""
    from certs import Authority, _pem
    other = tmp_path / "other.pem"
    other.write_bytes(_pem(Authority("Another Root").cert))
    o = origin(tls=leaf.context())
    rec = fetchd("--cacert", other, o.url(),
                 env={"SSL_CERT_FILE": pki.ca}).one
    assert rec["error"] == "tls_cert_untrusted"


@pytest.mark.parametrize("how", ["--cacert", "SSL_CERT_FILE"])
def test_a_bom_before_the_trusted_roots_is_skipped(fetchd, origin, tls, pki,
                                                   how):
    o = origin(tls=tls)
    with open(pki.ca, "rb") as f:
        path = fetchd.file("bom.pem", b"\xef\xbb\xbf" + f.read())
    args = [how, path] if how == "--cacert" else []
    env = {} if args else {how: path}
    rec = fetchd(*args, o.url(), env=env, trust=False).one
    assert rec["error"] is None, rec


def test_ssl_cert_file_names_the_trusted_roots(fetchd, origin, tls, pki):
    o = origin(tls=tls)
    rec = fetchd(o.url(), env={"SSL_CERT_FILE": pki.ca}, trust=False).one
    assert rec["error"] is None


def test_sslkeylogfile_gets_the_keys(fetchd, origin, tls, tmp_path):
    o = origin(tls=tls)
    log = tmp_path / "keys"
    assert fetchd(o.url(), env={"SSLKEYLOGFILE": str(log)}).exit == 0
    assert "CLIENT_TRAFFIC_SECRET_0" in log.read_text()


def test_alpn_offers_http_1_1_only(fetchd, origin, leaf):
    ctx = leaf.context()
    ctx.set_alpn_protocols(["h2", "http/1.1"])
    o = origin(tls=ctx)
    assert fetchd(o.url()).one["status_code"] == 200
    assert o.conns[0].obj.selected_alpn_protocol() == "http/1.1"


def test_an_odd_handshake_message_is_tls_error(probe, tls):
    """A ServerHello that picks a cipher nobody offered."""
    def script(c):
        c.client_hello()
        body = b"\x03\x03" + b"\x11" * 32 + b"\x00" + b"\x00\x05" + b"\x00"
        msg = b"\x02" + struct.pack("!I", len(body))[1:] + body
        c.raw_send(b"\x16\x03\x03" + struct.pack("!H", len(msg)) + msg)
        c.stay()
    probe.fails(script, "tls_error", tls=tls, raw=True)


@row(248)
@pytest.mark.slow
def test_a_thousand_new_tls_hosts_do_not_time_each_other_out(fetchd, origin,
                                                             tls):
    o = origin(tls=tls, backlog=4096)
    n = 1000
    res = fetchd("-c", n, "--stats", *o.resolve(), timeout=170, stdin=[
        o.url("/", host=f"h{i}.hosts.test") for i in range(n)])
    assert res.errors() == [None] * n
    assert res.stats["handshakes"] == n
    assert res.stats["loop_lag_p99"] < 0.3
