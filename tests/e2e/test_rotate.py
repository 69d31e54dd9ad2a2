# SPDX-License-Identifier: ISC
"""--rotate and --append: a series of files, none of which splits a record."""
import gzip
import json
import os
import subprocess
import threading

import pytest

from harness import check_schema, read_lines, row
from origin import response, serve


def lines_of(o, n):
    return "".join(o.url(f"/{i}") + "\n" for i in range(n)).encode()


def series(folder, stem, end):
    """The files of a series in their order, which must have no gap."""
    found = []
    while (folder / f"{stem}.{len(found) + 1}{end}").exists():
        found.append(folder / f"{stem}.{len(found) + 1}{end}")
    return found


def check_series(files, size, n, end=b"\n"):
    """No record is split, none is lost or twice, no file is too large. Gives
    how many records each file has."""
    found, counts = [], []
    for path in files:
        lines = read_lines(str(path))
        assert lines and all(x.endswith(end) for x in lines), path
        assert os.path.getsize(path) <= size or len(lines) == 1, path
        for x in lines:
            check_schema(json.loads(x))
        found += [json.loads(x)["seq"] for x in lines]
        counts.append(len(lines))
    assert sorted(found) == list(range(1, n + 1))
    return counts


@row(204)
@pytest.mark.parametrize("end", ["", ".gz", ".zst"])
def test_no_record_is_split_or_lost_while_100_are_in_flight(fetchd, origin,
                                                            tmp_path, end):
    barrier = threading.Barrier(100)

    def handler(req):
        i = int(req.target[1:])
        if i < 100:  # all of them at once
            barrier.wait(20)
        return response(os.urandom(100 + i * 7919 % 9000))
    o = origin(serve(handler))
    fetchd("-o", str(tmp_path / f"out.jsonl{end}"), "--rotate", "20k", "-c",
           "100", "--max-per-host", "100", stdin=lines_of(o, 600))
    files = series(tmp_path, "out", f".jsonl{end}")
    assert len(files) > 20
    counts = check_series(files, 20 << 10, 600)
    assert max(counts) > 1
    assert not (tmp_path / f"out.jsonl{end}").exists()


def test_a_record_larger_than_the_size_has_a_file_of_its_own(fetchd, origin,
                                                             tmp_path):
    o = origin(serve(lambda r: response(b"x" * (
        5_000_000 if r.target == "/3" else 100))))
    fetchd("-o", str(tmp_path / "out"), "--rotate", "10k", "-c", "1",
           stdin=lines_of(o, 6))
    files = series(tmp_path, "out", "")
    check_series(files, 10 << 10, 6)
    assert [f.stat().st_size > 5_000_000 for f in files].count(True) == 1


def test_a_table_has_its_header_line_in_each_file(fetchd, origin, tmp_path):
    o = origin()
    fetchd("-o", str(tmp_path / "out.csv"), "--rotate", "100", "--fields",
           "seq,url", stdin=lines_of(o, 20))
    files = series(tmp_path, "out", ".csv")
    assert len(files) > 5
    rows = [f.read_text().splitlines() for f in files]
    assert {r[0] for r in rows} == {"seq,url"}
    assert sorted(int(x.split(",")[0]) for r in rows for x in r[1:]) == \
        list(range(1, 21))


def test_bodies_are_not_split(fetchd, origin, tmp_path):
    o = origin(serve(lambda r: response(b"<" + b"x\n" * 40 + b">")))
    fetchd("-o", str(tmp_path / "out.txt"), "--rotate", "200", "--format",
           "body", stdin=lines_of(o, 9))
    files = series(tmp_path, "out", ".txt")
    for f in files:
        data = f.read_bytes()
        assert data.startswith(b"<") and data.endswith(b">")
        assert len(data) <= 200
    assert sum(f.read_bytes().count(b"<") for f in files) == 9


@pytest.mark.parametrize("target", ["-", "none", "fifo", "/dev/null"])
def test_what_cannot_be_rotated_is_refused(fetchd, origin, tmp_path, target):
    o = origin()
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    args = {"-": ["-o", "-"], "none": [], "fifo": ["-o", path],
            "/dev/null": ["-o", "/dev/null"]}[target]
    res = fetchd("--rotate", "1M", *args, o.url(), exit=2, quiet=False)
    assert "rotate" in res.stderr or "not a regular file" in res.stderr
    assert o.requests == []


def test_a_new_run_replaces_the_series_once_it_begins(fetchd, origin,
                                                      tmp_path):
    o = origin()
    out = str(tmp_path / "out.jsonl")
    fetchd("-o", out, "--rotate", "1k", stdin=lines_of(o, 12))
    before = series(tmp_path, "out", ".jsonl")
    assert len(before) > 5
    kept = [f.read_bytes() for f in before]
    fetchd("-o", out, "--rotate", "1k", str(tmp_path / "no such list"),
           exit=3, quiet=False)
    assert [f.read_bytes() for f in before] == kept
    dated = tmp_path / "out.2024.jsonl"
    dated.write_text("mine\n")
    fetchd("-o", out, "--rotate", "1k", stdin=lines_of(o, 3))
    check_series(series(tmp_path, "out", ".jsonl"), 1024, 3)
    assert dated.read_text() == "mine\n"


def test_append_goes_on_after_the_highest_number(fetchd, origin, tmp_path):
    o = origin()
    out = str(tmp_path / "out.jsonl")
    fetchd("-o", out, "--rotate", "3k", stdin=lines_of(o, 4))
    before = series(tmp_path, "out", ".jsonl")
    kept = [f.read_bytes() for f in before]
    fetchd("-o", out, "--rotate", "3k", "--append", stdin=lines_of(o, 4))
    after = series(tmp_path, "out", ".jsonl")
    assert [f.read_bytes() for f in before] == kept
    check_series(after[len(before):], 3 << 10, 4)


def test_a_file_in_the_way_is_kept_and_ends_the_run(fetchd, origin, tmp_path):
    gate = threading.Event()
    o = origin(serve(lambda r: r.conn.hold(gate) if r.target == "/1"
                     else response()))
    run = fetchd.start("-o", str(tmp_path / "out"), "--rotate", "1k", "-c",
                       "1", json=False, quiet=False)
    run.feed(lines_of(o, 40))
    assert o.until(lambda o: len(o.requests) == 2)
    (tmp_path / "out.3").write_text("mine\n")
    gate.set()
    res = run.finish(exit=3)
    assert "File exists (output_io)" in res.stderr
    assert (tmp_path / "out.3").read_text() == "mine\n"


def test_append_ends_an_incomplete_line_first(fetchd, origin, tmp_path):
    o = origin()
    out = tmp_path / "out.jsonl"
    out.write_text('{"cut')
    fetchd("-o", str(out), "--append", stdin=lines_of(o, 2), keys=False)
    lines = out.read_text().splitlines()
    assert lines[0] == '{"cut' and len(lines) == 3
    assert {json.loads(x)["seq"] for x in lines[1:]} == {1, 2}


def test_append_needs_a_file(fetchd, origin):
    o = origin()
    res = fetchd("--append", o.url(), exit=2, quiet=False)
    assert "--append: needs -o FILE" in res.stderr
    assert o.requests == []


def test_two_runs_do_not_write_the_same_file(fetchd, origin, tmp_path):
    gate = threading.Event()
    o = origin(serve(lambda r: r.conn.hold(gate)))
    out = str(tmp_path / "out.jsonl")
    run = fetchd.start("-o", out, json=False)
    run.feed(lines_of(o, 1))
    assert o.until(lambda o: len(o.requests) == 1)
    res = fetchd("-o", out, o.url("/x"), exit=3, quiet=False)
    assert "another fetchd is writing this file" in res.stderr
    assert len(o.requests) == 1
    gate.set()
    run.finish()
    assert len(read_lines(out)) == 1
