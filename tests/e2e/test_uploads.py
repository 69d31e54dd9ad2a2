# SPDX-License-Identifier: ISC
"""Request bodies of files: read while they are sent, at any size."""
import hashlib
import os
import random
import threading

import pytest

from origin import response, serve

M = 1 << 20


def make_file(path, size, seed=1):
    """A file of random bytes; its SHA-256."""
    r, h = random.Random(seed), hashlib.sha256()
    with open(path, "wb") as f:
        for at in range(0, size, 4 * M):
            piece = r.randbytes(min(4 * M, size - at))
            h.update(piece)
            f.write(piece)
    return h.hexdigest()


def hashing(seen, answer=lambda: response()):
    """A script that hashes request bodies instead of keeping them; seen gets
    (target, bytes, SHA-256)."""
    def script(c):
        while (r := c.request(body=False)) is not None:
            left = size = int(r.header("content-length") or 0)
            h = hashlib.sha256(c.have[:left])
            left -= len(c.have[:left])
            c.have = c.have[size:]
            while left > 0:
                data = c.recv(min(left, M))
                if not data:
                    return
                h.update(data)
                left -= len(data)
            seen.append((r.target, size, h.hexdigest()))
            c.answered()
            c.send(answer())
    return script


@pytest.mark.parametrize("secure", [False, True])
def test_a_large_upload_takes_little_memory_and_delays_nobody(
        plain, origin, control, tls, tmp_path, secure):
    size, seen, lags = 300 * M, [], []
    want = make_file(tmp_path / "big", size)
    o = origin(hashing(seen), tls=tls if secure else None)
    idle = plain("--stats", control.url("/0"))
    # A busy machine can stop any process for as long: the best of three.
    while not lags or min(lags) >= 0.1 and len(lags) < 3:
        seen.clear()
        res = plain("--stats", "-c", "8", stdin=[
            dict(url=o.url("/up"), method="PUT",
                 body_file=str(tmp_path / "big"))] +
            [control.url(f"/{i}") for i in range(200)], timeout=120)
        assert res.statuses() == [200] * 201
        assert seen == [("/up", size, want)]
        grown = res.stats["rss_peak_bytes"] - idle.stats["rss_peak_bytes"]
        assert grown < 20 * M
        assert res.stats["bytes_out"] >= size
        lags.append(res.stats["loop_lag_max"])
    print(f"RSS +{grown / M:.1f} MB, lag {lags} s")
    assert min(lags) < 0.1      # 300 MB at once: over a second


def test_many_uploads_arrive_as_they_are(fetchd, origin, tmp_path):
    """At and around the sizes at which the way changes."""
    piece = 128 << 10
    sizes = [0, 1, piece - 1, piece, piece + 1, 2 * piece, 2 * piece + 1,
             3 * M + 7]
    seen, want = [], set()
    for i, n in enumerate(sizes):
        want.add((f"/{i}", n, make_file(tmp_path / str(i), n, i)))
    o = origin(hashing(seen))
    res = fetchd("-c", "3", stdin=[
        dict(url=o.url(f"/{i}"), method="PUT", body_file=str(tmp_path / str(i)))
        for i in range(len(sizes))])
    assert res.statuses() == [200] * len(sizes)
    assert set(seen) == want
    assert len(o.conns) <= 3        # connections are used again


def test_a_form_with_large_files_is_sent_piece_by_piece(
        fetchd, origin, tmp_path):
    make_file(tmp_path / "a", 5 * M, 1)
    make_file(tmp_path / "b", 3 * M, 2)
    o = origin()
    res = fetchd("-F", "k=v", "-F", f"a=@{tmp_path}/a", "-F",
                 f"b=@{tmp_path}/b;type=x/y", "-F", "z=end", o.url())
    assert res.one["status_code"] == 200
    r, = o.requests
    assert int(r.header("content-length")) == len(r.body)
    boundary = r.header("content-type").split("boundary=")[1].encode()
    pieces = r.body.split(b"--" + boundary)
    bodies = [p.split(b"\r\n\r\n", 1)[1][:-2] for p in pieces[1:-1]]
    assert bodies[0] == b"v" and bodies[3] == b"end"
    assert bodies[1] == (tmp_path / "a").read_bytes()
    assert bodies[2] == (tmp_path / "b").read_bytes()
    assert b"Content-Type: x/y" in pieces[3]


def test_a_large_form_takes_the_memory_of_its_pieces(
        plain, origin, tmp_path):
    (tmp_path / "f").write_bytes(b"x" * (30 * M))
    seen = []
    o = origin(hashing(seen))
    res = plain("--stats", "-F", f"f=@{tmp_path}/f", "--max-buffer", "4M",
                *[o.url(f"/{i}") for i in range(6)])
    assert res.errors() == [None] * 6
    assert all(n > 30 * M for _, n, _ in seen)
    assert res.stats["rss_peak_bytes"] < 40 * M


def test_retries_and_redirects_send_the_file_again(fetchd, origin, tmp_path):
    want = make_file(tmp_path / "f", 2 * M)
    seen = []
    answers = iter([response(status="500 x"),
                    response(status="307 x", headers=["Location: /2"]),
                    response(b"done")])
    o = origin(hashing(seen, lambda: next(answers)))
    rec = fetchd("-L", "--retry", "2", "--retry-delay", "10ms", stdin=[
        dict(url=o.url("/1"), method="PUT",
             body_file=str(tmp_path / "f"))]).one
    assert rec["body"] == "done" and rec["num_attempts"] == 2
    assert seen == [("/1", 2 * M, want), ("/1", 2 * M, want),
                    ("/2", 2 * M, want)]


@pytest.mark.parametrize("secure", [False, True])
def test_an_early_answer_ends_a_streamed_upload(probe, tls, secure):
    """The connection stays open and is read no further."""
    def script(c):
        c.request(body=False)
        c.read_exactly(300_000)
        c.send(response(b"big", "413 Too Large"))
        c.until_eof()
    path = probe.fetchd.file("big", b"x" * 50_000_000)
    p = probe(script, item=dict(body_file=path), tls=tls if secure else None)
    assert p.rec["status_code"] == 413 and p.rec["error"] is None, p.rec
    assert p.rec["body"] == "big"


# -- files that change --------------------------------------------------------

def changing(path, change):
    """A script that changes the file once 1 MB of the body has come."""
    def script(c):
        if c.request(body=False) is None:
            return
        c.read_exactly(M)
        change(path)
        c.answered()
        c.until_eof()
    return script


@pytest.mark.parametrize("as_form", [False, True])
def test_a_file_that_becomes_shorter_fails_its_item(
        fetchd, origin, control, tmp_path, as_form):
    path = str(tmp_path / "shrinks")
    make_file(path, 100 * M)
    o = origin(changing(path, lambda p: os.truncate(p, 2 * M)), rcvbuf=65536)
    if as_form:
        res = fetchd("-F", f"f=@{path}", o.url("/"), exit=4)
    else:
        res = fetchd(stdin=[dict(url=o.url("/"), body_file=path),
                            control.url("/1")], exit=4)
        assert res.by(2)["error"] is None
    rec = res.by(1)
    assert rec["error"] == "input_invalid" and rec["error_phase"] == "input"
    assert rec["num_attempts"] == 1
    assert f"{path}: it became shorter while it was sent" in rec["errormsg"]
    assert len(o.conns) == 1


def test_of_a_file_that_grows_the_first_size_is_sent(
        fetchd, origin, tmp_path):
    path = tmp_path / "grows"
    want = make_file(path, 20 * M)
    seen, began = [], threading.Event()
    inner = hashing(seen)

    def script(c):
        c.have = c.recv()
        with open(path, "ab") as f:
            f.write(b"more" * M)
        began.set()
        inner(c)
    o = origin(script, rcvbuf=65536)
    res = fetchd(stdin=[dict(url=o.url("/"), body_file=str(path))])
    assert res.one["status_code"] == 200 and began.is_set()
    assert seen == [("/", 20 * M, want)]


def test_a_file_that_is_not_regular_is_named(fetchd, origin, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    o = origin()
    res = fetchd(stdin=[
        dict(url=o.url("/1"), body_file=str(tmp_path / "fifo")),
        dict(url=o.url("/2"), body_file=str(tmp_path)),
        dict(url=o.url("/3"), body_file="/proc/self/status")], exit=4)
    assert res.errors() == ["input_invalid", "input_invalid", None]
    for seq in 1, 2:
        assert "not a regular file" in res.by(seq)["errormsg"]
    assert o.requests[0].body.startswith(b"Name:")


def test_uploads_wait_for_a_file_descriptor(fetchd, origin, tmp_path):
    """More uploads at once than files can be open."""
    want = make_file(tmp_path / "f", M)
    seen = []
    o = origin(hashing(seen))
    res = fetchd("-c", "40", "--max-per-host", "40", "--max-idle", "2", stdin=[
        dict(url=o.url(f"/{i}"), method="PUT", body_file=str(tmp_path / "f"))
        for i in range(150)], wrap=["prlimit", "--nofile=100:100"],
        quiet=False)
    assert res.statuses() == [200] * 150
    assert {s[1:] for s in seen} == {(M, want)}
