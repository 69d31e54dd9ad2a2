# SPDX-License-Identifier: ISC
"""Outputs that are compressed by their names, and lists that are compressed."""
import codecs
import gzip
import json
import os
import signal
import subprocess
import threading
import time
import zlib

import pytest
import zstandard

from frames import until
from harness import read_lines, row
from origin import response, serve


def pack(kind, data):
    if kind == "gz":
        return gzip.compress(data)
    return zstandard.ZstdCompressor().compress(data)


def tool(kind, path):
    """What zcat or zstd reads, to the last frame of a file that was cut."""
    cmd = ["zcat"] if kind == "gz" else ["zstd", "-dcq"]
    return subprocess.run([*cmd, path], capture_output=True).stdout


def members(data):
    """The members of a gzip file, each decompressed."""
    found = []
    while data:
        d = zlib.decompressobj(31)
        found.append(d.decompress(data))
        assert d.eof
        data = d.unused_data
    return found


def lines_of(o, n):
    return "".join(o.url(f"/{i}") + "\n" for i in range(n)).encode()


def seqs(lines):
    return sorted(json.loads(x)["seq"] for x in lines)


# -- outputs -----------------------------------------------------------------

@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_an_output_is_compressed_by_its_name(fetchd, origin, tmp_path, kind):
    o = origin()
    out = str(tmp_path / f"out.jsonl.{kind}")
    fetchd("-o", out, stdin=lines_of(o, 300))
    assert seqs(read_lines(out)) == list(range(1, 301))
    assert seqs(tool(kind, out).splitlines()) == list(range(1, 301))
    assert os.path.getsize(out) < 300 * 200


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_run_without_items_leaves_an_empty_compressed_file(fetchd, tmp_path,
                                                             kind):
    out = str(tmp_path / f"out.{kind}")
    fetchd("-o", out, stdin=b"# nothing\n")
    assert read_lines(out) == []
    assert os.path.getsize(out) > 0


def test_a_frame_ends_after_some_kilobytes_not_at_every_pass(fetchd, origin,
                                                             tmp_path):
    o = origin()
    out = tmp_path / "out.gz"
    fetchd("-o", str(out), stdin=lines_of(o, 1500))
    found = members(out.read_bytes())
    assert b"".join(found).count(b"\n") == 1500
    assert all(m.endswith(b"\n") for m in found)
    size = sum(map(len, found))
    assert len(found) < 2 * size / 262144 + 20


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_kill_9_leaves_a_file_that_reads_to_its_last_frame(fetchd, origin,
                                                           tmp_path, kind):
    gate = threading.Event()
    o = origin(serve(lambda r: response(os.urandom(3000))
                     if len(o.requests) < 900 else r.conn.hold(gate)))
    out = tmp_path / f"out.{kind}"
    run = fetchd.start("-o", str(out), "-c", "8", json=False)
    run.feed(lines_of(o, 3000))
    # The last frame is written a second after the last answer at most.
    until(lambda: out.exists() and
          tool(kind, str(out)).count(b"\n") > 800)
    run.proc.send_signal(signal.SIGKILL)
    run.proc.wait()
    gate.set()
    got = tool(kind, str(out))
    assert got.endswith(b"\n")
    found = seqs(got.splitlines())
    assert len(set(found)) == len(found) > 800


def test_what_is_written_shows_after_a_second_though_the_run_waits(
        fetchd, origin, tmp_path):
    gate = threading.Event()
    o = origin(serve(lambda r: r.conn.hold(gate) if r.target == "/1"
                     else response()))
    out = tmp_path / "out.gz"
    run = fetchd.start("-o", str(out), json=False)
    began = time.monotonic()
    run.feed(lines_of(o, 2))
    until(lambda: out.exists() and out.stat().st_size > 0)
    assert time.monotonic() - began < 10
    assert seqs(read_lines(str(out))) == [1]
    gate.set()
    run.finish()
    assert seqs(read_lines(str(out))) == [1, 2]


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_append_adds_frames_to_a_compressed_file(fetchd, origin, tmp_path,
                                                 kind):
    o = origin()
    out = str(tmp_path / f"out.{kind}")
    fetchd("-o", out, stdin=lines_of(o, 5))
    fetchd("-o", out, "--append", stdin=lines_of(o, 7))
    assert seqs(read_lines(out)) == sorted([*range(1, 6), *range(1, 8)])
    assert tool(kind, out).count(b"\n") == 12
    fetchd("-o", out, stdin=lines_of(o, 1))
    assert len(read_lines(out)) == 1


def test_a_compressed_table_has_one_header_line(fetchd, origin, tmp_path):
    o = origin()
    out = str(tmp_path / "out.csv.gz")
    for _ in range(2):
        fetchd("-o", out, "--append", "--fields", "seq,status_code",
               stdin=lines_of(o, 1))
    assert [x.strip() for x in read_lines(out)] == \
        [b"seq,status_code", b"1,200", b"1,200"]


def test_a_fifo_gets_frames_and_holds_the_run_up(fetchd, origin, tmp_path):
    o = origin(serve(lambda r: response(os.urandom(30000))))
    out = str(tmp_path / "out.gz")
    os.mkfifo(out)
    run = fetchd.start("-o", out, "-c", "4", json=False)
    run.feed(lines_of(o, 400))
    fd = os.open(out, os.O_RDONLY)
    assert o.until(lambda o: len(o.requests) >= 20)
    settled = -1
    while settled != len(o.requests):
        settled = len(o.requests)
        time.sleep(1.5)
    assert settled < 300
    data = b""
    while piece := os.read(fd, 1 << 20):
        data += piece
    os.close(fd)
    run.finish()
    assert seqs(gzip.decompress(data).splitlines()) == list(range(1, 401))


def test_an_interrupted_run_leaves_whole_records(fetchd, origin, tmp_path):
    gate = threading.Event()
    o = origin(serve(lambda r: r.conn.hold(gate) if r.target == "/3"
                     else response()))
    out = tmp_path / "out.gz"
    run = fetchd.start("-o", str(out), "--grace", "0", json=False,
                       quiet=False)
    run.feed(lines_of(o, 4))
    assert o.until(lambda o: len(o.requests) == 4)
    run.kill(signal.SIGINT)
    run.finish(exit=75)
    gate.set()
    assert seqs(read_lines(str(out))) == [1, 2, 3, 4]


@row("D5")
@pytest.mark.parametrize("kind", ["", ".gz", ".zst"])
def test_a_full_disk_ends_the_run_with_whole_records(fetchd, origin, tmp_path,
                                                     kind):
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a file system")
    o = origin(serve(lambda r: response(os.urandom(20000))))
    where = tmp_path / "small"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", where],
                   check=True)
    try:
        out = str(where / f"out.jsonl{kind}")
        res = fetchd("-o", out, stdin=lines_of(o, 500), exit=3, quiet=False,
                     json=False)
        assert "No space left on device (output_no_space)" in res.stderr
        assert len(o.requests) < 500
        lines = read_lines(out)
        assert len(lines) > 5 and all(x.endswith(b"\n") for x in lines)
        found = seqs(lines)
        assert len(set(found)) == len(found)
    finally:
        subprocess.run(["umount", where], check=True)


# -- lists -------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("how", ["operand", "-i", "stdin", "pipe", "fifo"])
def test_a_compressed_list_is_read_as_it_is(fetchd, origin, tmp_path, kind,
                                            how):
    o = origin()
    text = lines_of(o, 500)
    # Several frames, one of them empty, and a line across two of them.
    data = pack(kind, text[:1000]) + pack(kind, b"") + pack(kind, text[1000:])
    path = fetchd.file("list", data)  # the name says nothing
    if how == "stdin":
        with open(path, "rb") as f:
            res = fetchd.start(stdin=f).finish()
    elif how == "pipe":
        res = fetchd(stdin=data)
    elif how == "fifo":
        fifo = str(tmp_path / "fifo")
        os.mkfifo(fifo)
        run = fetchd.start(fifo, stdin=subprocess.DEVNULL)
        with open(fifo, "wb") as f:
            f.write(data)
        res = run.finish()
    else:
        res = fetchd(*{"operand": [path], "-i": ["-i", path]}[how])
    assert len(res.records) == 500
    assert sorted(o.targets()) == sorted(f"/{i}" for i in range(500))


def test_a_compressed_list_that_comes_byte_by_byte_is_acted_on_at_once(
        fetchd, origin):
    o = origin()
    run = fetchd.start()
    for i, byte in enumerate(gzip.compress(lines_of(o, 1))):
        run.write(bytes([byte]))
        if i < 4:
            time.sleep(0.02)
    run.until_records(1)
    for byte in gzip.compress(b"\n" + o.url("/x").encode()):
        run.write(bytes([byte]))
    run.close_stdin()
    assert len(run.finish().records) == 2


def test_marks_comments_and_line_numbers_hold_in_a_compressed_list(fetchd,
                                                                   origin):
    o = origin()
    text = (codecs.BOM_UTF8 + o.url("/a").encode() + b"\r\n# no\n\n"
            b"http://[/\n" + o.url("/b").encode())
    path = fetchd.file("list.gz", gzip.compress(text))
    res = fetchd(path, exit=4, quiet=False)
    assert res.by(1)["status_code"] == res.by(3)["status_code"] == 200
    assert f"{path}:4:" in res.by(2)["errormsg"]


def test_compressed_and_plain_lists_follow_one_another(fetchd, origin):
    o = origin()
    paths = [fetchd.file("1", gzip.compress(o.url("/1").encode())),
             fetchd.file("2", o.url("/2") + "\n"),
             fetchd.file("3", pack("zst", o.url("/3").encode())),
             fetchd.file("4", gzip.compress(o.url("/4").encode()))]
    res = fetchd(*paths, o.url("/5"), "-c", "1")
    assert o.targets() == [f"/{i}" for i in range(1, 6)]
    assert len(res.records) == 5


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "garbage"])
@pytest.mark.parametrize("how", ["file", "pipe"])
def test_a_damaged_list_ends_the_run_after_what_came_before(fetchd, origin,
                                                            kind, damage, how):
    o = origin()
    data = pack(kind, lines_of(o, 3))
    second = pack(kind, lines_of(o, 2))
    if damage == "cut":
        data += second[:-3]
    elif damage == "flipped":
        data += second[:-3] + bytes([second[-3] ^ 4]) + second[-2:]
    else:
        data += b"http://127.0.0.1:1/\n"
    path = fetchd.file("list", data)
    res = fetchd(path, exit=3, quiet=False) if how == "file" else \
        fetchd(stdin=data, exit=3, quiet=False)
    assert len(res.records) >= 3
    assert {r["status_code"] for r in res.records} == {200}
    name = path if how == "file" else "standard input"
    word = "incomplete" if damage == "cut" else "damaged"
    coding = {"gz": "gzip", "zst": "zstd"}[kind]
    assert f"fetchd: {name}: {word} {coding} data: " in res.stderr


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_a_compressed_list_cannot_be_followed(fetchd, origin, how):
    o = origin()
    path = fetchd.file("list", gzip.compress(lines_of(o, 1)))
    if how == "file":
        res = fetchd("--follow", path, exit=2, quiet=False)
    else:
        with open(path, "rb") as f:
            res = fetchd.start("--follow", stdin=f).finish(exit=2,
                                                           quiet=False)
    assert "--follow: the last input is compressed" in res.stderr
    assert o.requests == []
    # Before the last one there is no reason to refuse it.
    run = fetchd.start("--follow", path, "-")
    run.write(lines_of(o, 1))
    run.close_stdin()
    assert len(run.finish().records) == 2


def test_a_fifo_that_is_followed_must_not_be_compressed(fetchd, origin,
                                                        tmp_path):
    o = origin()
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    run = fetchd.start("--follow", fifo, stdin=subprocess.DEVNULL,
                       quiet=False)
    with open(fifo, "wb") as f:
        f.write(gzip.compress(lines_of(o, 1)))
    res = run.finish(exit=3)
    assert "a compressed input cannot be followed" in res.stderr


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_line_that_expands_enormously_is_one_record(fetchd, origin, kind):
    o = origin()
    big = b"x" * 60_000_000 + b"\n" + lines_of(o, 1)
    res = fetchd(stdin=pack(kind, big), exit=4, quiet=False)
    assert res.by(1)["error"] == "input_too_long"
    assert res.by(2)["status_code"] == 200
