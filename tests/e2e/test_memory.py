# SPDX-License-Identifier: ISC
"""Memory under attack: whatever peers or the list send, the resident set stays
below 40 MB and one and a half times --max-buffer and --max-filesize.

Each test is one attack on a build without sanitizers, and prints the peak.
"""
import gzip
import json
import os
import threading
import time

import brotli
import pytest

from origin import chunked, response, serve
from polite import HEAD, moved, status

pytestmark = pytest.mark.retries

M = 1 << 20
BUFFER, FILE = 16 * M, 4 * M
SMALL = ["--max-buffer", "16M", "--max-filesize", "4M", "--stats",
         "--progress", "none"]


def peak(res, buffer=BUFFER, file=FILE):
    """The run's peak, held against the bound."""
    bound = 40 * M + 1.5 * (buffer + file)
    rss = res.stats["rss_peak_bytes"]
    print(f"peak {rss / M:.1f} MiB of {bound / M:.1f}")
    assert rss <= bound, f"{rss / M:.1f} MiB, {bound / M:.1f} are allowed"
    return rss


@pytest.fixture
def attack(plain):
    """attack(lines, options...): a run whose output goes to /dev/null, so
    that nothing but memory can stop it; its peak is within the bound."""
    def run(lines, *args, base=SMALL, stdout="/dev/null", timeout=100, **how):
        with open(stdout, "wb") as to:
            r = plain.start(*base, *args, stdout=to, json=False, quiet=False,
                            read_stdout=False, **how)
            r.feed(b"".join((json.dumps(x) if isinstance(x, dict) else
                             x).encode() + b"\n" for x in lines))
            res = r.finish(timeout, exit=None)
        peak(res)
        return res
    return run


def sse(body, *headers):
    return response(body, headers=["Content-Type: text/event-stream",
                                   *headers])


def slow_reader(plain, *args, lines, seconds=3, rate=4 * M, timeout=100,
                base=SMALL):
    """A run whose reader does nothing for a while, then reads slowly."""
    r, w = os.pipe()
    with os.fdopen(w, "wb") as to:
        run = plain.start(*base, *args, stdout=to, json=False, quiet=False,
                          read_stdout=False)
    total = 0
    tail = b""

    def read():
        nonlocal total, tail
        time.sleep(seconds)
        while data := os.read(r, 65536):
            total += len(data)
            tail = data
            time.sleep(len(data) / rate)
        os.close(r)
    t = threading.Thread(target=read, daemon=True)
    t.start()
    run.feed(b"".join((json.dumps(x) if isinstance(x, dict) else x).encode()
                      + b"\n" for x in lines))
    res = run.finish(timeout, exit=None)
    t.join(20)
    assert tail.endswith(b"\n")
    peak(res)
    return res, total


# -- live streams -------------------------------------------------------------

def test_an_event_id_is_written_with_every_event_but_not_all_at_once(
        attack, origin):
    """388 bytes of gzip: 8 KiB of id, repeated six times as long by each
    event of six bytes."""
    body = b"id:" + b"\x01" * 8000 + b"\n" + b"data\n\n" * 6000
    z = gzip.compress(body, 9)
    assert len(z) < 400
    o = origin(serve(lambda r: sse(z, "Content-Encoding: gzip")))
    res = attack([o.url()], "--stream")
    assert res.stats["bytes_in"] < 1000


def test_an_event_id_without_a_coding(attack, origin):
    body = b"id:" + b"\x01" * 8000 + b"\n" + b"data\n\n" * 6000
    o = origin(serve(lambda r: sse(body)))
    attack([o.url(f"/{i}") for i in range(4)], "--stream")


def test_an_event_id_with_keep_order(attack, origin):
    body = b"id:" + b"\x01" * 8000 + b"\n" + b"data\n\n" * 3000
    o = origin(serve(lambda r: sse(body)))
    attack([o.url(f"/{i}") for i in range(4)], "--stream", "--keep-order")


@pytest.mark.parametrize("kind", ["text/event-stream",
                                  "application/x-ndjson", "text/plain"])
def test_a_line_of_16_megabytes_grows_six_times_on_its_way_out(
        attack, origin, kind):
    data = b"\x01" * (15 * M)
    if kind == "text/event-stream":
        data = b"data: " + data + b"\n\n"
    o = origin(serve(lambda r: response(
        data + b"\n", headers=[f"Content-Type: {kind}"])))
    attack([o.url(), o.url("/2")], "--stream", base=[
        "--max-buffer", "16M", "--stats", "--progress", "none"])


def test_many_streams_with_a_line_that_does_not_end(attack, origin):
    def answer(req):
        def act(c):
            c.send(HEAD + b"Content-Type: application/x-ndjson\r\n\r\n"
                   + b"x" * (3 * M))
            time.sleep(1)
            c.send(b"\n")
            c.fin()
            c.until_eof()
        return act
    o = origin(serve(answer))
    attack([o.url(f"/{i}") for i in range(40)], "--stream", "-c", "40")


def test_a_stream_to_a_slow_reader(plain, origin):
    body = b"".join(b"data: %s\n\n" % (b"\x01" * 3000) for _ in range(1500))
    o = origin(serve(lambda r: sse(body)))
    slow_reader(plain, "--stream", "-c", "8", rate=60 * M, seconds=2,
                lines=[o.url(f"/{i}") for i in range(4)])


# -- decoders -----------------------------------------------------------------

def wide_brotli(n, lgwin=24):
    """n bytes in stored metablocks, under a window of 16 MiB."""
    c = brotli.Compressor(quality=0, lgwin=lgwin)
    return c.process(os.urandom(n)) + c.finish()


def test_five_layers_of_brotli(attack, origin):
    inner = wide_brotli(3 * M)
    for _ in range(4):
        c = brotli.Compressor(quality=0, lgwin=24)
        inner = c.process(inner) + c.finish()
    o = origin(serve(lambda r: response(
        inner, headers=["Content-Encoding: br, br, br, br, br"])))
    attack([o.url(f"/{i}") for i in range(64)], "-c", "64")


def test_five_layers_that_stand_still(attack, origin):
    """All 64 hold their decoders at the same time."""
    inner = wide_brotli(3 * M)
    for _ in range(4):
        c = brotli.Compressor(quality=0, lgwin=24)
        inner = c.process(inner) + c.finish()

    def answer(req):
        def act(c):
            c.send(HEAD + b"Content-Encoding: br, br, br, br, br\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(inner) + inner[:-9])
            time.sleep(2)
            c.send(inner[-9:])
        return act
    o = origin(serve(answer))
    attack([o.url(f"/{i}") for i in range(64)], "-c", "64", "-m", "60")


def test_gzip_bombs_and_a_slow_reader(plain, origin):
    z = gzip.compress(b"\0" * (3 * M))
    o = origin(serve(lambda r: response(
        z, headers=["Content-Encoding: gzip"])))
    slow_reader(plain, "-c", "64", "--max-ratio", "0", rate=200 * M,
                lines=[o.url(f"/{i}") for i in range(40)])


# -- what waits ---------------------------------------------------------------

def test_long_redirects_to_an_origin_that_refuses(attack, origin):
    to = origin(serve(lambda r: status(429, "Retry-After: 2")))
    o = origin(serve(lambda r: moved(to.url("/" + "x" * 60000))))
    attack([o.url(f"/{i}") for i in range(3000)], "-c", "64",
           "--retry-max-time", "4s", "--retry-after-max", "5s")


def test_long_redirects_wait_for_memory_and_all_get_through(attack, origin):
    """What has no room to wait where it was sent begins again later."""
    began = time.monotonic()

    def answer(req):
        if time.monotonic() - began < 3:
            return status(429, "Retry-After: 1")
        return response()
    to = origin(serve(answer))
    o = origin(serve(lambda r: moved(to.url("/" + "x" * 60000))))
    res = attack([o.url(f"/{i}") for i in range(300)], "-c", "64",
                 "--no-learn-rate")
    assert res.stats["ok"] == 300 and res.stats["failed"] == 0


def test_attempts_with_long_urls(attack, origin):
    a = origin(serve(lambda r: status(503)))
    attack([a.url("/" + "x" * 60000 + str(i)) for i in range(500)], "-c",
           "64", "--retry", "4", "--retry-delay", "50ms",
           "--include-attempts")


def test_attempts_with_long_redirects(attack, origin):
    n = [0]

    def answer(req):
        n[0] += 1
        if len(req.target) > 30000:
            return status(503)
        return moved("/" + "x" * 60000 + str(n[0]))
    a = origin(serve(answer))
    attack([a.url(f"/{i}") for i in range(200)], "-c", "64", "--retry", "4",
           "--retry-delay", "50ms", "--include-attempts", "--retry-max-time",
           "5s")


def test_large_ids_and_meta_of_items_that_wait(attack, origin):
    o = origin(serve(lambda r: status(429, "Retry-After: 1")))
    attack([dict(url=o.url(f"/{i}"), id="\x01" * 5000, meta=["x" * 500000])
            for i in range(200)], "--retry-max-time", "3s", "-c", "64")


def test_json_lines_of_many_megabytes(attack, origin):
    o = origin(serve(lambda r: response()))
    attack([dict(url=o.url(f"/{i}"), meta="x" * (12 * M)) for i in range(4)],
           "-c", "16")


def test_many_origins_that_wait(attack, origin):
    o = origin(serve(lambda r: response()))
    attack([o.url(f"/{i}", host=f"h{i}.test") for i in range(20000)], "-c",
           "64", *o.resolve())


# -- header sections ----------------------------------------------------------

def test_header_sections_of_many_fields(attack, origin):
    fields = b"".join(b"a%d:\r\n" % i for i in range(990))
    def answer(req):
        def act(c):
            for _ in range(30):
                c.send(b"HTTP/1.1 103 x\r\n" + fields[:7000] + b"\r\n")
            c.send(HEAD + fields + b"Content-Length: 2\r\n\r\n")
            time.sleep(0.5)
            c.send(b"ok")
        return act
    o = origin(serve(answer))
    attack([o.url(f"/{i}") for i in range(256)], "-c", "128",
           "--include-headers", "--max-header-size", "1M")


def test_large_header_fields(attack, origin):
    field = b"X-A: " + b"\xff" * 230000 + b"\r\n"
    def answer(req):
        def act(c):
            c.send(HEAD + field + b"Content-Length: 2\r\n\r\n")
            time.sleep(0.5)
            c.send(b"ok")
        return act
    o = origin(serve(answer))
    attack([o.url(f"/{i}") for i in range(400)], "-c", "200",
           "--include-headers")


def test_large_trailers(attack, origin):
    body = chunked(b"x" * 100, trailer=b"".join(
        b"t%d: %s\r\n" % (i, b"\xff" * 100) for i in range(500)))
    o = origin(serve(lambda r: HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
                     + body))
    attack([o.url(f"/{i}") for i in range(300)], "-c", "100",
           "--include-headers")


# -- bodies and output --------------------------------------------------------

def test_bodies_that_all_come_at_once(attack, origin):
    body = b"\x01" * (3 * M)
    o = origin(serve(lambda r: response(body)))
    attack([o.url(f"/{i}") for i in range(100)], "-c", "64")


def test_bodies_and_a_slow_reader(plain, origin):
    body = b"\x01" * (3 * M)
    o = origin(serve(lambda r: response(body)))
    slow_reader(plain, "-c", "64", rate=200 * M,
                lines=[o.url(f"/{i}") for i in range(20)])


def test_bodies_over_tls(attack, origin, tls):
    body = os.urandom(2 * M)
    o = origin(serve(lambda r: response(body)), tls=tls)
    attack([o.url(f"/{i}") for i in range(100)], "-c", "64")


def test_keep_order_behind_a_slow_item(attack, origin):
    gate = threading.Event()

    def answer(req):
        if req.target == "/0":
            req.conn.hold(gate)
        if req.target == "/60":
            gate.set()
        return response(b"\x01" * M)
    o = origin(serve(answer))
    attack([o.url(f"/{i}") for i in range(80)], "-c", "16", "--keep-order")


def test_request_bodies_of_files(attack, origin, plain):
    f = plain.file("body", b"x" * (3 * M))
    o = origin(serve(lambda r: response()))
    attack([dict(url=o.url(f"/{i}"), method="PUT", body_file=str(f))
            for i in range(100)], "-c", "64")


# -- parsers ------------------------------------------------------------------

LARGE_ANSWERS = f'''
import os, sys
answer = b'{{"a":"' + b"x" * {15 * M} + b'"}}\\n'
while sys.stdin.readline():
    at = 0
    while at < len(answer):
        at += os.write(1, answer[at:at + 65536])
'''


@pytest.mark.parametrize("keep", [[], ["--keep-order"]])
def test_programs_that_answer_with_15_megabytes(attack, origin, plain, keep):
    o = origin(serve(lambda r: response()))
    f = plain.file("large.py", LARGE_ANSWERS)
    res = attack([o.url(f"/{i}") for i in range(60)], "-c", "64",
                 "--workers", "8", "--exec", f"/usr/bin/python3 {f}", *keep)
    assert res.stats["ok"] == 60 and res.stats["worker_restarts"] == 0


def test_the_time_of_a_program_stands_still_while_its_answer_has_no_room(
        plain, origin):
    """Eight have answered; the reader takes three times --worker-time."""
    o = origin(serve(lambda r: response()))
    f = plain.file("large.py", LARGE_ANSWERS)
    res, _ = slow_reader(
        plain, "-c", "64", "--workers", "8", "--worker-time", "3s", "--exec",
        f"/usr/bin/python3 {f}", seconds=9, rate=200 * M,
        lines=[o.url(f"/{i}") for i in range(12)])
    assert res.stats["ok"] == 12 and res.stats["worker_restarts"] == 0


def test_pages_that_are_mostly_links(attack, origin):
    """Each link of four bytes is a URL of more than a thousand."""
    body = (b"<base href='http://x.test/" + b"y" * 1500 + b"/'>"
            + b"<a href=z>" * 9000)
    o = origin(serve(lambda r: response(
        body, headers=["Content-Type: text/html"])))
    res = attack([o.url(f"/{i}") for i in range(60)], "-c", "64",
                 "--workers", "8", "--extract", "links,text")
    assert res.stats["ok"] == 60


def test_what_a_regex_and_then_a_program_make_of_pages(attack, origin, plain):
    body = b"\x01" * (2 * M)
    o = origin(serve(lambda r: response(
        body, headers=["Content-Type: text/plain"])))
    f = plain.file("large.py", LARGE_ANSWERS)
    res = attack([o.url(f"/{i}") for i in range(24)], "-c", "64",
                 "--workers", "8", "--regex", "r=.*", "--exec",
                 f"/usr/bin/python3 {f}")
    assert res.stats["ok"] == 24


@pytest.mark.parametrize("what", [["--exec", "cat"], ["--extract", "text"]])
def test_64_workers(attack, origin, what):
    body = b"<p>" + b"x " * (3 * M // 2)
    o = origin(serve(lambda r: response(
        body, headers=["Content-Type: text/html"])))
    res = attack([o.url(f"/{i}") for i in range(200)], "-c", "128",
                 "--workers", "64", *what)
    assert res.stats["ok"] == 200


# -- a pause has an end -------------------------------------------------------

def test_a_live_stream_that_holds_nothing_holds_up_nobody(plain, origin):
    """It is the oldest of all, and lasts as long as the others take."""
    over = threading.Event()

    def stream(c):
        c.send(HEAD + b"Content-Type: text/event-stream\r\n\r\n")
        while not over.is_set():
            c.send(b"data: x\n\n")
            time.sleep(0.05)
        c.fin()
        c.until_eof()

    def slow(c):
        c.send(HEAD + b"Content-Length: %d\r\n\r\n" % (3 * M))
        for _ in range(48):
            c.send(b"y" * 65536)
            time.sleep(0.01)
        c.fin()
    o = origin(serve(lambda r: stream if r.target == "/0" else slow))
    run = plain.start("-c", "12", "--max-buffer", "2M", "-m", "30", "--retry",
                      "0", "--max-per-host", "0")
    run.write(json.dumps(dict(url=o.url("/0"), stream=True)) + "\n")
    assert run.until(lambda out, _: out.count(b"event") > 2)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(1, 11)))
    assert run.until(lambda out, _: out.count(b'"type":"result"') == 10, 25)
    over.set()
    res = run.finish()
    assert res.errors() == [None] * 11


def test_max_time_stands_still_for_memory_as_long_again_at_most(plain,
                                                                origin):
    """The one that may go on drips; what waits for it ends all the same."""
    def drip(c):
        c.send(HEAD + b"Content-Length: 30000000\r\n\r\n")
        time.sleep(0.3)
        c.send(b"z" * (2 * M))
        while True:
            c.send(b"z")
            time.sleep(0.1)

    def body(c):
        c.send(HEAD + b"Content-Length: %d\r\n\r\n" % (2 * M))
        time.sleep(0.8)
        c.send(b"y" * (2 * M))
        c.until_eof()
    o = origin(serve(lambda r: drip if r.target == "/0" else body))
    run = plain.start("-c", "8", "--max-buffer", "1M", "--max-filesize",
                      "32M", "--retry", "0", "--max-per-host", "0")
    run.write(json.dumps(dict(url=o.url("/0"), timeout=8)) + "\n")
    run.write("".join(json.dumps(dict(url=o.url(f"/{i}"), timeout=2)) + "\n"
                      for i in range(1, 3)))
    run.close_stdin()
    res = run.finish(timeout=30)
    assert res.by(1)["error"] == "timeout_total"
    assert 7.5 < res.by(1)["time_item"] < 12
    for i in (2, 3):
        assert res.by(i)["error"] == "timeout_total"
        assert 3.5 < res.by(i)["time_item"] < 6


# -- terminals ----------------------------------------------------------------

@pytest.mark.parametrize("args", [["-j"], ["--fields", "body"],
                                  ["--body", "json", "--fields",
                                   "body_json.k"]])
def test_a_large_body_to_a_terminal_goes_out_in_pieces(plain, origin, args):
    """Of characters of two bytes that terminals obey; no cut hides one."""
    text = "\x9b" * 3 * M + "x" + "\x9b" * 3 * M
    if "json" in args:
        text = json.dumps({"k": text}, ensure_ascii=False)
    o = origin(serve(lambda r: response(
        text.encode(), headers=["Content-Type: application/json"])))
    master, slave = os.openpty()
    got = bytearray()

    def read():
        try:
            while data := os.read(master, 65536):
                got.extend(data)
        except OSError:
            pass
    t = threading.Thread(target=read, daemon=True)
    t.start()
    run = plain.start("--stats", "--progress", "none", "--max-buffer", "16M",
                      "--max-filesize", "16M", *args, o.url(), o.url("/2"),
                      stdout=slave, json=False, quiet=False,
                      read_stdout=False)
    os.close(slave)
    res = run.finish(60, exit=None)
    t.join(10)
    os.close(master)
    lines = bytes(got).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.isascii() and line.count(b"\\u009b") == 6 * M
        json.loads(line)
    peak(res, file=16 * M)
