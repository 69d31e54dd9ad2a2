# SPDX-License-Identifier: ISC
"""HTTP/1: what answers look like on the wire, good, odd and hostile."""
import pytest

from harness import row
from origin import chunked, response, serve

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
OK5 = OK + b"Content-Length: 5\r\n"


def flags(p):
    return set(p.rec.get("flags", []))


def test_a_plain_answer_is_reported_in_full(fetchd, origin):
    o = origin(serve(lambda r: response(
        b"hello", headers=["Content-Type: Text/HTML; charset=\"UTF-8\""])))
    rec = fetchd(o.url("/a?b#c")).one
    assert rec["url"] == rec["final_url"] == o.url("/a?b")
    assert rec["input"] == o.url("/a?b#c")
    assert rec["method"] == "GET" and rec["http_version"] == "1.1"
    assert rec["content_type"] == "text/html" and rec["charset"] == "utf-8"
    assert rec["content_length"] == 5
    assert rec["size_download"] == rec["size_decoded"] == 5
    assert rec["body"] == "hello" and rec["complete"] is True
    assert rec["remote_ip"] == "127.0.0.1" and rec["remote_port"] == o.port
    assert rec["tls_version"] is None and rec["tls_verified"] is None
    assert rec["num_attempts"] == 1 and rec["num_redirects"] == 0
    assert rec["time_redirect"] == 0 and rec["location"] is None
    assert "flags" not in rec and rec["conn_reused"] is False


def test_the_request_is_what_the_standard_wants(fetchd, origin):
    o = origin()
    fetchd(o.url("?q=1"))
    r = o.requests[0]
    assert r.line == "GET /?q=1 HTTP/1.1"
    assert r.headers[0] == ("Host", f"127.0.0.1:{o.port}")
    assert r.names() == ["host", "user-agent", "accept", "accept-encoding"]
    assert r.header("accept") == "*/*"
    assert r.header("user-agent").startswith("fetchd/")
    got = r.header("accept-encoding").replace(" ", "").split(",")
    assert got == ["gzip", "deflate", "br", "zstd"]


@pytest.mark.parametrize("status", [
    "200 OK", "201 Created", "299 x", "301 Moved", "304 Not Modified",
    "400 Bad", "404 Not Found", "500 Oops", "503 Busy", "599 x"])
def test_any_final_status_is_a_result(probe, status):
    body = b"" if status.startswith("304") else b"body"
    out = response(body, status=status, length=not status.startswith("304"))
    p = probe.works(out)
    assert p.rec["status_code"] == int(status[:3])
    assert p.rec["complete"] is True and p.reused


def test_a_redirect_is_a_final_answer_with_its_location(probe):
    """Where it is not followed."""
    p = probe.works(response(b"", status="302 Found",
                             headers=["Location: /next?x=1"]),
                    "--no-location")
    assert p.rec["status_code"] == 302 and p.rec["num_redirects"] == 0
    assert p.rec["location"] == \
        f"http://127.0.0.1:{p.origin.port}/next?x=1"


@row(82)
def test_a_204_with_chunked_is_done_at_once(probe):
    p = probe.works(b"HTTP/1.1 204 No Content\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n", body="")
    assert p.rec["status_code"] == 204 and p.rec["time_total"] < 2


INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n"
           b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
           b"HTTP/1.1 102 Processing\r\n\r\n")


@row(84)
def test_interim_answers_stand_apart(probe):
    p = probe.works(INTERIM + response(b"final"), "--include-headers",
                    body="final")
    assert p.rec["status_code"] == 200
    assert [i["status_code"] for i in p.rec["interim"]] == [100, 103, 102]
    assert p.rec["interim"][1]["header"] == {"link": ["</a>; rel=preload"]}
    assert "link" not in p.rec["header"]
    assert p.rec["trailer"] is None and p.reused


@row(84)
def test_interim_answers_are_silent_without_headers(probe):
    p = probe.works(INTERIM + response(b"final"), body="final")
    assert "interim" not in p.rec


@row(85)
def test_early_hints_for_ever_are_http_too_many_interim(probe):
    def script(c):
        c.request()
        while True:
            c.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    probe.fails(script, "http_too_many_interim", phase="headers")


@row(85)
def test_thirty_two_interim_answers_are_allowed(probe):
    probe.works(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 32 + response(b"x"),
                body="x")


@row(86)
@pytest.mark.parametrize("headers", [
    b"", b"Upgrade: websocket\r\nConnection: Upgrade\r\n"])
def test_an_unsolicited_101_is_http_unexpected_upgrade(probe, headers):
    probe.fails(b"HTTP/1.1 101 Switching Protocols\r\n" + headers + b"\r\n",
                "http_unexpected_upgrade", phase="headers")


@row(87)
def test_an_offered_upgrade_is_a_normal_answer(probe):
    probe.works(OK5 + b"Upgrade: h2,h2c\r\nConnection: Upgrade\r\n\r\nhello",
                body="hello")


@row(88)
def test_chunks_of_every_legal_shape_and_trailers(probe):
    body = (b"5;heresatest=moooo\r\nhello\r\n00000005\r\nworld\r\n"
            b"A\r\n0123456789\r\na;x=\"y;z\"\r\nabcdefghij\r\n"
            b"0\r\nX-Sum: 1\r\nX-Sum: 2\r\nContent-Type: evil\r\n\r\n")
    p = probe.works(OK + b"Content-Type: text/plain\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n" + body,
                    "--include-headers",
                    body="helloworld0123456789abcdefghij")
    assert p.rec["trailer"] == {"x-sum": ["1", "2"],
                                "content-type": ["evil"]}
    assert p.rec["header"]["content-type"] == ["text/plain"]
    assert p.rec["content_type"] == "text/plain"
    assert "flags" not in p.rec and p.reused
    assert p.rec["content_length"] is None
    assert p.rec["size_download"] == 30


@row(94)
@pytest.mark.parametrize("n", [20_000, 1_000_000])
def test_small_chunks_are_no_attack(probe, n):
    sizes = [i % 50 + 1 if n < 100_000 else 1 for i in range(n)]
    p = probe.works(CHUNKED + b"".join(b"%x\r\n%s\r\n" % (k, b"y" * k)
                                       for k in sizes) + b"0\r\n\r\n")
    assert p.rec["size_download"] == sum(sizes) and p.reused


@row(94)
@pytest.mark.parametrize("line", [b"1;a=b", b"00000001", b"1   ",
                                  b"1" + b";x" * 40_000])
def test_long_chunk_lines_are_limited_to_64_kib(probe, line):
    p = probe.fails(CHUNKED + (line + b"\r\nx\r\n") * 30_000
                    + b"0\r\n\r\n", "http_header_too_large", phase="body")
    assert p.rec["error_detail"] == "HPE_CHUNK_EXTENSIONS_OVERFLOW"


@row(90)
@pytest.mark.parametrize("bad", [
    b"ILLEGAL\r\n", b"-5\r\nhello\r\n", b"0x5\r\nhello\r\n",
    b"5_0\r\n", b"\r\n", b"5\r\nhelloXX\r\n", b" 5\r\nhello\r\n"])
def test_a_bad_chunk_keeps_the_bytes_before_it(probe, bad):
    p = probe.fails(CHUNKED + b"3\r\nabc\r\n" + bad, "http_bad_chunk",
                    phase="body")
    assert p.rec["body"].startswith("abc")
    assert p.rec["complete"] is False and p.rec["status_code"] == 200


@row(92)
@pytest.mark.parametrize("tail", [b"", b"0\r\n", b"0", b"0\r\nX: y\r\n",
                                  b"5\r\nab"])
def test_chunks_cut_before_their_end_are_http_truncated(probe, tail):
    p = probe.fails(CHUNKED + b"3\r\nabc\r\n" + tail, "http_truncated",
                    phase="body", end="fin")
    assert p.rec["body"].startswith("abc") and p.rec["complete"] is False


@row(93)
def test_blanks_behind_a_chunk_size_are_lenient_framing(probe):
    p = probe.works(CHUNKED + b"5  \r\nhello\r\n0\r\n\r\n", body="hello")
    assert "lenient_framing" in flags(p)


@row(95)
def test_chunked_wins_over_a_length(probe):
    p = probe.works(OK + b"Content-Length: 123456\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n"
                    b"10\r\nchunked data fun\r\n0\r\n\r\n",
                    body="chunked data fun")
    assert "framing_conflict" in flags(p) and not p.reused


@row(96)
@pytest.mark.parametrize("te", [
    b"gzip, chunked", b"chunked, gzip", b"identityx",
    b", ".join([b"gzip"] * 20), b"chunkedchunked", b"chunked, chunked",
    b"gzip"])
def test_a_transfer_coding_that_is_not_chunked(probe, te):
    p = probe.fails(OK + b"Transfer-Encoding: " + te + b"\r\n\r\n"
                    b"5\r\nhello\r\n0\r\n\r\n", "http_bad_transfer_encoding",
                    phase="headers")
    assert not p.rec["body"]


@row(96)
@pytest.mark.parametrize("te", [
    b"chunked,", b", chunked", b",, ,chunked ,\t,",
    b"chunked\r\nTransfer-Encoding: ,", b"\r\nTransfer-Encoding: chunked,"])
def test_empty_members_of_transfer_encoding_are_ignored(probe, te):
    p = probe.works(OK + b"Transfer-Encoding: " + te + b"\r\n\r\n"
                    b"5\r\nhello\r\n0\r\n\r\n", body="hello")
    assert "flags" not in p.rec and p.reused


@pytest.mark.parametrize("length", [b"5,", b",5", b"5,,5",
                                    b"5\r\nContent-Length:"])
def test_empty_members_of_content_length_are_ignored(probe, length):
    p = probe.works(OK + b"Content-Length: " + length + b"\r\n\r\nhello",
                    body="hello")
    assert p.rec["content_length"] == 5 and p.reused


@row(97)
def test_chunked_under_http_1_0_is_decoded_and_closed(probe):
    p = probe.works(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"abc"),
                    body="abc")
    assert "lenient_framing" in flags(p) and not p.reused
    assert p.rec["http_version"] == "1.0"


@row(98)
@pytest.mark.parametrize("cl", [b"-6", b"+6", b"6badness", b"crap", b"0x6",
                                b"", b"6,7", b"6 6", b"99999999999999999999"])
def test_a_content_length_that_is_no_number(probe, cl):
    probe.fails(OK + b"Content-Length: " + cl + b"\r\n\r\nhello!",
                "http_bad_content_length", phase="headers")


@row(98)
def test_a_bare_cr_in_a_content_length_is_refused(probe):
    p = probe(OK + b"Content-Length: \r-6\r\n\r\nhello!")
    assert p.rec["error"] in ("http_bad_content_length", "http_bad_header")


@row(98)
def test_two_lengths_that_differ_are_refused(probe):
    probe.fails(OK + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nhello!",
                "http_bad_content_length", phase="headers")


@row(100)
@pytest.mark.parametrize("cl", [
    b"Content-Length: 6\r\nContent-Length: 6\r\n", b"Content-Length: 6, 6\r\n",
    b"Content-Length:\t6\t\r\n"])
def test_a_length_said_twice_alike_is_that_length(probe, cl):
    p = probe.works(OK + cl + b"\r\nhello!", body="hello!")
    assert p.rec["content_length"] == 6


@row(104)
def test_a_bare_cr_at_the_end_of_headers_is_http_bad_header(probe):
    probe.fails(OK + b"Content-Length: 1\r\n\rXa", "http_bad_header",
                end="fin")


@row(106)
@pytest.mark.parametrize("line", [
    b"Server test-server/fake", b": x", b"Na me: x", b"X\x00y: z",
    b"X-Ctl: a\x01b", b"X-Nul: a\x00b", b"(x): y", b"\xffx: y"])
def test_a_malformed_header_is_http_bad_header(probe, line):
    probe.fails(OK5 + line + b"\r\n\r\nhello", "http_bad_header",
                phase="headers")


@row(107)
def test_a_folded_header_is_unfolded(probe):
    p = probe.works(OK5 + b"A: b\r\n\tc\r\nX: 1\r\n\r\nhello",
                    "--include-headers", body="hello")
    assert p.rec["header"]["a"] == ["b c"]
    assert p.rec["header"]["x"] == ["1"]
    assert "unfolded_header" in flags(p)


@row(107)
def test_a_folded_close_is_honoured(probe):
    p = probe.works(OK5 + b"Connection:\r\n   close\r\n\r\nhello",
                    body="hello")
    assert "unfolded_header" in flags(p) and not p.reused


@row(107)
def test_a_fold_of_blanks_does_not_end_the_headers(probe):
    p = probe.works(OK5 + b"A: b\r\n \t\r\nX: 1\r\n\r\nhello",
                    "--include-headers", body="hello")
    assert p.rec["header"]["x"] == ["1"]
    assert p.rec["header"]["a"] == ["b"]
    assert "unfolded_header" in flags(p)


@row(109)
def test_a_blank_before_the_colon_is_http_bad_header(probe):
    probe.fails(OK + b"Content-Length : 5\r\n\r\nhello", "http_bad_header",
                phase="headers")


@row(110)
@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello",
    b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello"])
def test_headers_that_end_in_bare_lf_are_lenient_framing(probe, answer):
    p = probe.works(answer, body="hello")
    assert "lenient_framing" in flags(p) and not p.reused


@row(110)
@pytest.mark.parametrize("body", [b"5\nhello\n0\n\n", b"5\nhello\r\n0\r\n\r\n",
                                  b"5\r\nhello\n0\r\n\r\n"])
def test_chunk_lines_that_end_in_bare_lf_never_pass_unmarked(probe, body):
    """Refused, or taken with the flag and a closed connection."""
    p = probe(CHUNKED + body)
    if p.rec["error"] is None:
        assert p.rec["body"] == "hello"
        assert "lenient_framing" in flags(p) and not p.reused
    else:
        assert p.rec["error"] == "http_bad_chunk"


@row(112)
@pytest.mark.parametrize("line", [
    b"HTTP/1.1 2 OK", b"HTTP/1.1 -12 x", b"HTTP/1.1 1000 x",
    b"HTTP/1.1 " + b"2" * 100 + b" OK", b"HTTP/1.1  200 OK",
    b"HTTP/1.0123 200 OK", b"HTTP/3.0 200 OK", b"HTTP/1.1 20x OK",
    b"HTTP/1.1 099 x", b"HTTP/1.1", b"HTTP/1.1 200OK"])
def test_a_malformed_status_line_is_named(probe, line):
    p = probe(line + b"\r\nContent-Length: 5\r\n\r\nhello")
    assert p.rec["error"] in ("http_bad_status_line", "http_not_http")
    assert p.rec["status_code"] == 0


@row(112)
def test_a_bad_code_in_an_http_status_line_is_http_bad_status_line(probe):
    probe.fails(b"HTTP/1.1 2 OK\r\nContent-Length: 0\r\n\r\n",
                "http_bad_status_line", phase="headers")


@row(112)
def test_icy_is_http_not_http(probe):
    probe.fails(b"ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                "http_not_http", phase="headers")


@row(112)
@pytest.mark.parametrize("line, status", [
    (b"HTTP/1.1 999 x", 999), (b"HTTP/1.1 200", 200), (b"HTTP/1.1 200 ", 200),
    (b"HTTP/1.1 200 \xc3\xa4 ok", 200)])
def test_an_odd_status_line_that_is_allowed(probe, line, status):
    p = probe.works(line + b"\r\nContent-Length: 5\r\n\r\nhello",
                    body="hello")
    assert p.rec["status_code"] == status


@row(113)
@pytest.mark.parametrize("says", [
    b"<html>no header</html>", b"\0\0\0\0", b"SSH-2.0-x", b"220 mail",
    b"HTTQ", b"x"])
def test_what_is_not_http_is_known_at_its_first_byte(probe, says):
    p = probe.fails(says, "http_not_http", phase="headers", end="stay",
                    again=False)
    assert p.rec["time_total"] < 2 and p.rec["time_starttransfer"] is not None


@row(114)
@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5", b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y"])
def test_a_close_inside_the_headers_is_http_truncated(probe, head):
    p = probe.fails(head, "http_truncated", phase="headers", end="fin")
    assert p.rec["status_code"] == 0


@row(115)
def test_http_1_0_without_a_length_ends_with_the_connection(probe):
    p = probe.works(b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall of it",
                    body="all of it", end="fin")
    assert p.rec["http_version"] == "1.0" and not p.reused
    assert p.rec["complete"] is True and p.rec["content_length"] is None


@row(116)
def test_close_with_a_length_is_done_at_the_length(probe):
    p = probe.works(OK5 + b"Connection: close\r\n\r\nhello", body="hello",
                    end="stay")
    assert p.rec["time_total"] < 2 and not p.reused
    assert p.origin.until(lambda o: o.conns[0].ended == "eof", 5)


@row(117)
@pytest.mark.parametrize("version, lines, reused", [
    (b"1.1", b"", True),
    (b"1.1", b"Connection:\tclose\r\n", False),
    (b"1.1", b"Connection: close\t\r\n", False),
    (b"1.1", b"Connection: x, close\r\n", False),
    (b"1.1", b"Connection: Close\r\n", False),
    (b"1.1", b"Connection: x\r\nConnection: close\r\n", False),
    (b"1.1", b"Connection: closed\r\n", True),
    (b"1.1", b"Connection: keep-alive\r\n", True),
    (b"1.1", b"Connection: x, keep-alive\r\n", True),
    (b"1.0", b"", False),
    (b"1.0", b"Connection: keep-alive\r\n", True),
    (b"1.0", b"Connection: x\r\nConnection: Keep-Alive\r\n", True),
    (b"1.0", b"Connection: close\r\n", False)])
def test_reuse_is_decided_by_the_connection_header(probe, version, lines,
                                                   reused):
    p = probe.works(b"HTTP/" + version + b" 200 OK\r\nContent-Length: 5\r\n"
                    + lines + b"\r\nhello", body="hello")
    assert p.reused is reused


@row(119)
def test_a_declared_length_over_the_limit_is_refused_early(probe):
    sent = []

    def script(c):
        c.request()
        c.send(OK + b"Content-Length: 5000000000\r\n\r\n")
        n = 0
        try:
            while n < 100_000_000:
                c.send(b"x" * 65536)
                n += 65536
        finally:
            sent.append(n)
    p = probe.fails(script, "body_too_large", "--max-filesize", "16M",
                    phase="body")
    assert p.rec["size_download"] <= 17 << 20
    assert p.rec["content_length"] == 5000000000
    assert p.rec["status_code"] == 200
    assert sent[0] <= 40 << 20


@row(119)
def test_a_body_without_a_length_is_cut_at_the_limit(probe):
    def script(c):
        c.request()
        c.send(CHUNKED)
        while True:
            c.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    p = probe.fails(script, "body_too_large", "--max-filesize", "1M",
                    phase="body")
    assert p.rec["complete"] is False
    assert p.rec["size_download"] <= (1 << 20) + 70000


@row(119)
def test_a_body_of_exactly_the_limit_passes(probe):
    probe.works(response(b"x" * 1000), "--max-filesize", "1000",
                body="x" * 1000)
    probe.fails(response(b"x" * 1001), "body_too_large", "--max-filesize",
                "1000")


@row(122)
def test_endless_blank_lines_are_http_header_too_large(probe):
    sent = []

    def script(c):
        c.request()
        n = 0
        try:
            while n < 100_000_000:
                c.send(b"\r\n" * 32768)
                n += 65536
        finally:
            sent.append(n)
    p = probe.fails(script, "http_header_too_large", phase="headers")
    assert sent[0] < 20_000_000 and p.rec["time_total"] < 10


@pytest.mark.parametrize("headers", [
    b"X: " + b"a" * 300_000 + b"\r\n",
    b"".join(b"X%d: y\r\n" % i for i in range(1001)),
    b"X: y\r\n" + b" fold\r\n" * 40_000,
    b"".join(b"X%d: " % i + b"b" * 60_000 + b"\r\n" for i in range(5))])
def test_headers_over_a_limit_are_http_header_too_large(probe, headers):
    probe.fails(OK5 + headers + b"\r\nhello", "http_header_too_large",
                phase="headers")


def test_headers_within_the_limits_pass(probe):
    p = probe.works(OK5 + b"".join(b"X%d: y\r\n" % i for i in range(990))
                    + b"Y: " + b"a" * 200_000 + b"\r\n\r\nhello",
                    "--include-headers", body="hello")
    assert len(p.rec["header"]) == 992


def test_max_header_size_moves_the_limit(probe):
    answer = OK5 + b"X: " + b"a" * 5000 + b"\r\n\r\nhello"
    probe.fails(answer, "http_header_too_large", "--max-header-size", "4k")
    probe.works(answer, "--max-header-size", "8k", body="hello")


@pytest.mark.parametrize("head", [
    OK5 + b"X: " + b"a" * 1_500_000 + b"\r\n\r\n",
    OK5 + b"n" * 1_500_000 + b": x\r\n\r\n",
    OK5 + b"X: y\r\n" + b" fold\r\n" * 200_000 + b"\r\n",
    b"HTTP/1.1 200 " + b"r" * 1_500_000 + b"\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 103 Early\r\nX: " + b"a" * 1_500_000 + b"\r\n\r\n" + OK5
    + b"\r\n"], ids=["value", "name", "folds", "reason", "interim"])
def test_max_header_size_moves_every_limit_of_the_section(probe, head):
    probe.works(head + b"hello", "--max-header-size", "2M", body="hello")
    probe.fails(head + b"hello", "http_header_too_large", phase="headers")


def test_max_header_size_moves_the_limit_of_trailers(probe):
    def answer(n):
        return CHUNKED + chunked(b"hi", trailer=b"T: " + b"t" * n + b"\r\n")
    p = probe.works(answer(200_000), "--include-headers", body="hi")
    assert p.rec["trailer"] == {"t": ["t" * 200_000]}
    probe.fails(answer(300_000), "http_header_too_large", phase="body")
    probe.works(answer(300_000), "--max-header-size", "2M", body="hi")


def test_an_answer_in_one_byte_segments_is_the_same(probe):
    def script(c):
        c.request()
        c.send(INTERIM + CHUNKED + chunked(b"hello ", b"world",
                                           trailer=b"X: y\r\n"), size=1)
        c.answered()
        serve(lambda r: response(b"again"))(c)
    p = probe.works(script, "--include-headers", body="hello world")
    assert p.rec["trailer"] == {"x": ["y"]} and p.reused


def test_head_has_no_body_whatever_its_length_says(probe):
    p = probe.works(OK + b"Content-Length: 5000\r\n\r\n",
                    item=dict(method="HEAD"), body="")
    assert p.rec["content_length"] == 5000 and p.rec["size_download"] == 0
    assert p.reused and p.rec["complete"] is True


def test_bytes_behind_a_complete_answer_are_never_an_answer(probe):
    p = probe.works(response(b"one") + response(b"evil"), body="one",
                    end="stay")
    assert not p.reused and p.again["body"] == "again"


def test_header_bytes_that_are_no_utf8_become_replacement_characters(probe):
    p = probe.works(OK5 + b"X: a\xff\xfeb\r\nLocation: /\xe4\r\n\r\nhello",
                    "--include-headers", body="hello")
    assert p.rec["header"]["x"] == ["a\ufffd\ufffdb"]


def test_a_body_that_is_no_utf8_comes_as_base64(probe):
    p = probe.works(response(b"\xff\x00\xfe"))
    assert p.rec["body_base64"] == "/wD+" and "body" not in p.rec
    assert p.rec["size_download"] == 3


def test_a_large_body_arrives_byte_for_byte(fetchd, origin, tls):
    data = bytes(range(32, 127)) * 100_000
    o = origin(serve(lambda r: response(data)), tls=tls)
    rec = fetchd(o.url()).one
    assert rec["body"].encode() == data
    assert rec["size_download"] == len(data)
