# SPDX-License-Identifier: ISC
"""Content codings: every one of them, layered, damaged and hostile."""
import gzip
import struct
import zlib

import brotli
import pytest
import zstandard

from harness import row
from origin import response, serve

TEXT = b"".join(b"line %d of some text that packs well\n" % i
                for i in range(2000))


def raw_deflate(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


CODERS = {"gzip": gzip.compress, "deflate": zlib.compress,
          "br": brotli.compress, "zstd": zstd}


def coded(coding, data, **how):
    return response(data, headers=[f"Content-Encoding: {coding}"], **how)


def encode(codings, data):
    for c in codings:
        data = CODERS[c](data)
    return data


@pytest.mark.parametrize("coding", CODERS)
def test_every_coding_that_is_asked_for_is_decoded(probe, coding):
    packed = CODERS[coding](TEXT)
    p = probe.works(coded(coding, packed), body=TEXT.decode())
    assert p.rec["size_download"] == len(packed)
    assert p.rec["size_decoded"] == len(TEXT)
    assert p.rec["content_length"] == len(packed)
    assert p.rec["complete"] is True and "flags" not in p.rec and p.reused


@pytest.mark.parametrize("coding", CODERS)
def test_an_empty_text_is_decoded_to_nothing(probe, coding):
    probe.works(coded(coding, CODERS[coding](b"")), body="")


@row(159)
@pytest.mark.parametrize("pack", [zlib.compress, raw_deflate])
def test_both_kinds_of_deflate_are_decoded(probe, pack):
    probe.works(coded("deflate", pack(TEXT)), body=TEXT.decode())


@row(165)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw", "br", "zstd"])
def test_one_byte_chunks_in_one_byte_segments_are_the_same(probe, coding):
    text = TEXT[:2000]
    packed = raw_deflate(text) if coding == "raw" else CODERS[coding](text)
    name = "deflate" if coding == "raw" else coding

    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
               b"Content-Encoding: " + name.encode() + b"\r\n\r\n")
        c.send(b"".join(b"1\r\n%c\r\n" % b for b in packed) + b"0\r\n\r\n",
               size=1)
        c.answered()
        serve(lambda r: response(b"again"))(c)
    p = probe.works(script, body=text.decode())
    assert p.rec["size_download"] == len(packed)


@row(157)
def test_five_layers_are_decoded(probe):
    codings = ["gzip", "br", "deflate", "zstd", "gzip"]
    probe.works(coded(", ".join(codings), encode(codings, TEXT)),
                body=TEXT.decode())


@row(157)
def test_layers_may_stand_on_several_lines(probe):
    codings = ["gzip", "br", "zstd"]
    p = probe.works(response(encode(codings, TEXT), headers=[
        "Content-Encoding: gzip, br", "Content-Encoding: zstd"]),
        body=TEXT.decode())
    assert p.rec["size_decoded"] == len(TEXT)


@pytest.mark.parametrize("lines", [
    ["gzip,"], [", gzip"], ["", "gzip", ","], ["identity"] * 100 + ["gzip"],
    [", ,identity,,gzip, ,identity,"]])
def test_empty_members_and_identity_are_no_layers(probe, lines):
    probe.works(response(gzip.compress(TEXT), headers=[
        f"Content-Encoding: {line}" for line in lines]), body=TEXT.decode())


@row(157)
@pytest.mark.parametrize("lines", [
    ["Content-Encoding: " + ", ".join(["gzip"] * 6)],
    ["Content-Encoding: gzip"] * 6,
    ["Content-Encoding: gzip"] * 900])
def test_six_layers_are_decode_unsupported(probe, lines):
    probe.fails(response(encode(["gzip"] * 6, b"x"), headers=lines),
                "decode_unsupported", phase="decode")


GOOD = gzip.compress(TEXT)
BAD_GZIP = {
    "magic": b"\x1f\x8c" + GOOD[2:],
    "crc": GOOD[:-8] + struct.pack("<I", 1) + GOOD[-4:],
    "size": GOOD[:-4] + struct.pack("<I", 1),
    "cut": GOOD[:-20],
    "cut in its trailer": GOOD[:-3],
    "flags": GOOD[:3] + b"\xe0" + GOOD[4:],
    "method": GOOD[:2] + b"\x07" + GOOD[3:],
}


@row(158)
@pytest.mark.parametrize("what", BAD_GZIP)
def test_damaged_gzip_is_decode_failed(probe, what):
    p = probe.fails(coded("gzip", BAD_GZIP[what]), "decode_failed",
                    phase="decode")
    assert p.rec["complete"] is False and p.rec["status_code"] == 200
    assert p.rec["error_detail"]
    if what in ("crc", "size", "cut in its trailer"):
        assert p.rec["body"] == TEXT.decode(), "what was decoded stays"
    elif what == "cut":
        assert p.rec["body"] and TEXT.decode().startswith(p.rec["body"])


@row(158)
@pytest.mark.parametrize("coding", ["deflate", "br", "zstd"])
def test_a_cut_stream_of_any_coding_is_decode_failed(probe, coding):
    probe.fails(coded(coding, CODERS[coding](TEXT)[:-5]), "decode_failed",
                phase="decode")


@row(163)
@pytest.mark.parametrize("coding", CODERS)
def test_html_that_claims_a_coding_is_decode_failed(probe, coding):
    p = probe.fails(coded(coding, b"<html><p>not packed</p></html>" * 5),
                    "decode_failed", phase="decode")
    assert p.rec["complete"] is False


@row(160)
def test_two_members_are_one_body(probe):
    p = probe.works(coded("gzip", gzip.compress(b"one ")
                          + gzip.compress(b"two")), body="one two")
    assert "flags" not in p.rec


@row(160)
@pytest.mark.parametrize("tail", [b"\0" * 512, b"garbage", b"\x1f"])
def test_what_stands_behind_the_stream_is_trailing_data(probe, tail):
    p = probe.works(coded("gzip", gzip.compress(b"whole") + tail),
                    body="whole")
    assert p.rec["flags"] == ["trailing_data"]


@row(161)
@pytest.mark.parametrize("answer, item", [
    (coded("gzip", b""), {}),
    (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n"
     b"\r\n", {"method": "HEAD"}),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n", {}),
    (b"HTTP/1.1 204 No Content\r\nContent-Encoding: br\r\n\r\n", {}),
    (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: "
     b"chunked\r\n\r\n0\r\n\r\n", {})])
def test_an_empty_body_with_a_coding_is_empty(probe, answer, item):
    p = probe.works(answer, item=item, body="")
    assert p.rec["complete"] is True and p.reused


@row(162)
def test_an_unknown_coding_is_only_a_flag(probe):
    p = probe.works(coded("xyz", b"as it came"), body="as it came")
    assert p.rec["flags"] == ["unknown_coding"]
    assert p.rec["complete"] is True


@row(162)
@pytest.mark.parametrize("name, pack", [
    ("identity", bytes), ("none", bytes), ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress), ("Br", brotli.compress),
    ("identity, gzip", gzip.compress), (" gzip ", gzip.compress), ("", bytes),
    (",gzip,", gzip.compress)])
def test_other_names_of_codings(probe, name, pack):
    p = probe.works(coded(name, pack(TEXT)), body=TEXT.decode())
    assert "flags" not in p.rec


def test_a_bomb_is_cut_by_its_ratio(probe):
    packed = gzip.compress(b"\0" * 50_000_000, 9)
    p = probe.fails(coded("gzip", packed), "decode_bomb", "--max-filesize",
                    "100M", "--max-ratio", "500", phase="decode")
    assert p.rec["size_decoded"] <= 30_000_000


def test_a_bomb_is_cut_by_the_decoded_size(probe):
    """Ten megabytes in ten kilobytes, and less than that are allowed."""
    packed = gzip.compress(b"\0" * 10_000_000, 9)
    p = probe(coded("gzip", packed), "--max-filesize", "1M", "--max-ratio",
              "0")
    assert p.rec["error"] in ("body_too_large", "decode_bomb")
    assert p.rec["size_decoded"] <= (1 << 20) + 70_000


def test_a_layered_bomb_is_cut(probe):
    packed = gzip.compress(gzip.compress(b"\0" * 100_000_000, 9), 9)
    probe.fails(coded("gzip, gzip", packed), "decode_bomb", "--max-filesize",
                "200M")


def test_the_ratio_counts_only_after_a_megabyte(probe):
    packed = gzip.compress(b"\0" * 900_000, 9)
    probe.works(coded("gzip", packed), "--max-ratio", "10",
                body="\0" * 900_000)


def test_no_compressed_asks_for_nothing(fetchd, origin):
    o = origin()
    fetchd("--no-compressed", o.url())
    assert o.requests[0].header("accept-encoding") is None


def test_coded_trailers_of_gzip_chunks_are_read(probe):
    packed = gzip.compress(TEXT)
    p = probe.works(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n"
                    b"X: y\r\n\r\n" % (len(packed), packed),
                    "--include-headers", body=TEXT.decode())
    assert p.rec["trailer"] == {"x": ["y"]}


def test_a_truncated_transfer_keeps_what_was_decoded(probe):
    packed = gzip.compress(TEXT)
    p = probe.fails(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                    b"Content-Length: 100000\r\n\r\n" + packed,
                    "http_truncated", end="fin", phase="body")
    assert p.rec["body"] == TEXT.decode() and p.rec["complete"] is False
