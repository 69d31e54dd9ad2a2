# SPDX-License-Identifier: ISC
"""--format csv and tsv: readers of tables get the values of the records."""
import csv
import gzip
import io
import json
import os
import pty
import random
import re
import signal
import subprocess
import threading
import time

import pytest

from origin import response, serve

csv.field_size_limit(1 << 30)
BACK = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}


def table(data):
    """Rows of CSV, by python's reader."""
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def tsv(data):
    """Rows of TSV, as COPY reads its text format."""
    assert data.endswith(b"\n")
    return [[re.sub(r"\\.", lambda m: BACK[m.group()], cell)
             for cell in line.split("\t")]
            for line in data.decode()[:-1].split("\n")]


def cell(v):
    if v is None:
        return ""
    if isinstance(v, list) and v and isinstance(v[0], (dict, list)):
        return v
    if isinstance(v, list):
        return " ".join(cell(x) for x in v)
    return {True: "true", False: "false"}[v] if isinstance(v, bool) else str(v)


def nasty(rng):
    bits = [",", '"', "\n", "\r", "\r\n", "\t", "\\", " ", "=1+1", "ä", "😀",
            "x", "'", "\\N", "\\.", "a b", "\x1b[2J", "\x7f", "\u2028", ";"]
    return "".join(rng.choice(bits) for _ in range(rng.choice([0, 1, 3, 9])))


@pytest.mark.parametrize("fmt, read", [("csv", table), ("tsv", tsv)])
def test_readers_get_what_the_json_records_say(fetchd, origin, fmt, read):
    rng = random.Random(12)
    metas = [{"s": nasty(rng), "l": [nasty(rng) for _ in range(3)],
              "b": rng.random() < .5, "n": rng.randrange(-9, 9), "z": None,
              "o": {"k,": [nasty(rng)]}} for _ in range(300)]
    bodies = [nasty(rng).replace("\x00", "") for _ in metas]
    o = origin(serve(lambda r: response(
        bodies[int(r.target[1:])].encode(), headers=["X-A: 1", "X-A: 2"])))
    lines = [{"url": o.url(f"/{i}"), "meta": m}
             for i, m in enumerate(metas)] + [{"bad": 1}, "http://127.0.0.1:1/"]
    names = ("seq,status_code,body,meta.s,meta.l,meta.b,meta.n,meta.z,meta.o,"
             "header.x-a,error,complete,url")
    how = ("--include-headers", "--fields", names, "--keep-order")
    want = [json.loads(x) for x in fetchd(
        *how, stdin=lines, exit=4).stdout.splitlines()]
    rows = read(fetchd(*how, "--format", fmt, stdin=lines, exit=4).stdout)
    assert rows[0] == names.split(",")
    assert len(rows) == len(want) + 1 == 303
    for row, rec in zip(rows[1:], want):
        for got, (name, v) in zip(row, rec.items(), strict=True):
            if name == "meta.o" and v is not None:
                assert json.loads(got) == v
            else:
                assert got == cell(v), (name, rec["seq"])


def test_a_large_body_is_one_cell(fetchd, origin):
    body = ('line, "quoted"\n' * 300000).encode()
    o = origin(serve(lambda r: response(body)))
    rows = table(fetchd("--format", "csv", "--fields", "seq,body,error",
                        o.url(), o.url()).stdout)
    assert [len(r) for r in rows] == [3, 3, 3]
    assert rows[1][1].encode() == body == rows[2][1].encode()


def test_the_default_columns_and_those_of_extraction(fetchd, origin):
    o = origin(serve(lambda r: response(
        b"<title>A, b</title><p>1</p><p>2</p>",
        headers=["Content-Type: text/html"])))
    res = fetchd("--format", "csv", "--extract", "title", "--css",
                 "p=p::text", o.url())
    head, row = table(res.stdout)
    assert head == ("seq input status_code error content_type size_decoded "
                    "time_total final_url extract.title extract.p").split()
    assert row[:6] == ["1", o.url(), "200", "", "text/html", "35"]
    assert row[8:] == ["A, b", "1 2"]
    assert re.fullmatch(r"\d+\.\d{6}", row[6])


@pytest.mark.parametrize("name, read", [("out.csv", table), ("out.tsv", tsv)])
def test_the_name_of_the_output_says_the_format(fetchd, origin, tmp_path,
                                                name, read):
    o = origin()
    path = tmp_path / name
    for _ in range(2):
        fetchd("-o", path, o.url("/a"), o.url("/b"), keys=False)
        rows = read(path.read_bytes())
        assert rows[0][0] == "seq" and {r[0] for r in rows[1:]} == {"1", "2"}
    fetchd("-o", path, "-j", o.url(), keys=False)
    assert json.loads(path.read_bytes())["seq"] == 1


def test_only_the_failed_are_rows(fetchd, origin):
    o = origin()
    res = fetchd("--format", "csv", "--fields", "seq,error", "--only-failed",
                 stdin=[o.url(), "http://127.0.0.1:1/"], exit=4)
    assert res.stdout == b"seq,error\n2,connect_refused\n"


def test_a_run_without_items_has_a_header_line(fetchd):
    res = fetchd("--format", "tsv", "--fields", "seq,url", stdin="")
    assert res.stdout == b"seq\turl\n"


def test_streams_cannot_be_rows(fetchd, origin):
    o = origin()
    res = fetchd("--format", "csv", "--stream", o.url(), exit=2)
    assert "--format csv" in res.stderr and o.conns == []
    res = fetchd("--format", "csv", "--fields", "seq,error,errormsg",
                 stdin=[{"url": o.url(), "stream": True}, o.url()], exit=4)
    rows = sorted(table(res.stdout)[1:])
    assert rows[0][1] == "input_invalid" and "csv" in rows[0][2]
    assert rows[1] == ["2", "", ""]


def test_titles_of_strangers_are_no_formulas_with_csv_safe(fetchd, origin):
    o = origin(serve(lambda r: response(
        b'<title>=HYPERLINK("http://evil.test","win, now")</title>',
        headers=["Content-Type: text/html"])))
    how = ("--format", "csv", "--fields", "seq,extract.title", "--extract",
           "title", o.url())
    plain = '=HYPERLINK("http://evil.test","win, now")'
    assert table(fetchd(*how).stdout)[1] == ["1", plain]
    assert table(fetchd("--csv-safe", *how).stdout)[1] == ["1", "'" + plain]
    res = fetchd("--csv-safe", o.url(), exit=2)
    assert "--format csv" in res.stderr


def test_a_terminal_gets_no_control_characters(fetchd, origin):
    o = origin(serve(lambda r: response(b"a\x1b[2Jb\xc2\x9bc\rd,\n")))
    master, slave = pty.openpty()
    got = []

    def read():
        try:
            while data := os.read(master, 65536):
                got.append(data)
        except OSError:
            pass

    t = threading.Thread(target=read)
    t.start()
    r = fetchd.start("--format", "csv", "--fields", "body", "-q", o.url(),
                     stdin=subprocess.DEVNULL, stdout=slave, read_stdout=False)
    os.close(slave)
    r.finish(30, 0)
    t.join(10)
    os.close(master)
    text = b"".join(got).replace(b"\r\n", b"\n")
    assert text == b'body\n"a?[2Jb?c?d,\n"\n'


def test_each_new_file_begins_with_the_header_line_and_no_other(
        fetchd, origin, tmp_path):
    o = origin(serve(lambda r: response(b"a,\n\"b\"" * 20)))
    how = ("--fields", "seq,body", "-o")
    path = tmp_path / "out.csv"
    for _ in range(2):
        fetchd(*how, path, "--append", o.url(), keys=False)
    rows = table(path.read_bytes())
    assert [r[0] for r in rows] == ["seq", "1", "1"]
    fetchd(*how, tmp_path / "s.csv", "--rotate", "500", stdin=[o.url()] * 9,
           keys=False)
    parts = sorted(tmp_path.glob("s.*.csv"))
    assert len(parts) >= 3
    seqs = []
    for p in parts:
        rows = table(p.read_bytes())
        assert rows[0] == ["seq", "body"] and len(rows) > 1
        assert {r[1] for r in rows[1:]} == {'a,\n"b"' * 20}
        seqs += [int(r[0]) for r in rows[1:]]
    assert sorted(seqs) == list(range(1, 10))
    fetchd(*how, tmp_path / "z.csv.gz", o.url(), keys=False)
    rows = table(gzip.decompress((tmp_path / "z.csv.gz").read_bytes()))
    assert [r[0] for r in rows] == ["seq", "1"]


def wait_for(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_that_is_stopped_leaves_whole_rows(fetchd, origin, tmp_path,
                                                 signals):
    body = b"a line\n" * 3000
    o = origin(serve(lambda r: response(body)))
    path = tmp_path / "out.csv"
    r = fetchd.start("--fields", "seq,body,error", "--grace", "0", "-o", path,
                     stdin=subprocess.PIPE, keys=False, quiet=False)
    r.write("".join(o.url() + "\n" for _ in range(20)))
    wait_for(lambda: path.exists() and path.stat().st_size > 100000)
    for _ in range(signals):
        r.proc.send_signal(signal.SIGTERM)
    r.finish(30, (0, 75, 143))
    data = path.read_bytes()
    rows = table(data)
    assert data.endswith(b"\n") and len(rows) > 1
    assert all(len(row) == 3 for row in rows)
    assert all(row[1].encode() == body or row[2] for row in rows[1:])
