# SPDX-License-Identifier: ISC
"""--failed-input: the lines of what failed, for another run."""
import os
import signal
import stat
import subprocess
import threading
import time

import pytest

from harness import row
from origin import response, serve

BOM = b"\xef\xbb\xbf"


def again(tmp_path):
    return tmp_path / "again"


def test_a_line_that_failed_comes_back_byte_for_byte(fetchd, origin, tmp_path):
    """Passwords, headers, bodies, blanks, CR and all; what succeeded, comments
    and blank lines do not."""
    o = origin()
    bad = [
        BOM + b"http://u:p%40ss@127.0.0.1:1/x?a=b#f\r\n",
        b"  \thttp://127.0.0.1:1/a b<>\xff \t\r\n",
        b"127.0.0.1:1/bare\n",
        b'{"url": "http://u:pw@127.0.0.1:1/", "headers": {"Authorization": '
        b'"Bearer t"}, "body": "\\u00e4",  "id": 1e400 }\r\n',
        b'{"url": "http://h/", "nope": 1}\n', b'{"url": \n',
        b"ftp://h/\n", b"http://h\0/\n", b"https//u:p@h/\n", b"\r\r\n",
        b"http://127.0.0.1:1/last",
    ]
    good = [b"# comment\n", b"\n", o.url("/1").encode() + b"\n", b" \t\r\n",
            b'{"url":"%s"}\r\n' % o.url("/2").encode()]
    out = again(tmp_path)
    res = fetchd("-c", "1", "--retry", "0", "--failed-input", out,
                 stdin=bad[0] + good[0] + good[1] + b"".join(bad[1:5])
                 + b"".join(good[2:]) + b"".join(bad[5:]), exit=4)
    lines = out.read_bytes().split(b"\n")
    assert lines.pop() == b""       # the last one has its LF now
    assert sorted(lines) == sorted(b.rstrip(b"\n") for b in bad)
    assert len(res.records) == len(bad) + 2
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_the_next_run_sends_the_same_requests(fetchd, origin, tmp_path):
    """What .input, masked and cut to its URL, could not."""
    fails = []

    def handler(req):
        fails.append(req.target)
        return response(status="503 Busy" if len(fails) <= 3 else "200 OK")
    o = origin(serve(handler))
    lines = [dict(url=o.url("/1"), method="PUT", body="b", id=7,
                  headers={"X-A": "1"}),
             o.url("/2", host="127.0.0.1").replace("//", "//u:secret@"),
             o.url("/3")]
    out = again(tmp_path)
    args = ["-c", "1", "-f", "--retry", "0"]
    fetchd(*args, "--failed-input", out, stdin=lines, exit=8)
    first = [(r.line, r.header("authorization"), r.header("x-a"), r.body)
             for r in o.requests]
    fetchd(*args, out)
    assert [(r.line, r.header("authorization"), r.header("x-a"), r.body)
            for r in o.requests] == first * 2
    assert first[0][3] == b"b" and first[1][1] == "Basic dTpzZWNyZXQ="


def test_what_succeeded_at_last_is_no_failure(fetchd, origin, tmp_path):
    count = []

    def handler(req):
        count.append(1)
        return response(status="503 Busy" if len(count) == 1 else "200 OK")
    o = origin(serve(handler))
    out = again(tmp_path)
    fetchd("--retry", "2", "--retry-delay", "10ms", "--failed-input", out, o.url())
    assert len(o.requests) == 2 and out.read_bytes() == b""


@pytest.mark.parametrize("args, n", [
    ([], 1), (["-f"], 2), (["--only-ok"], 1), (["--only-failed", "-f"], 2),
    (["--format", "body"], 1), (["--format", "text"], 1),
    (["--keep-order"], 1), (["--fields", "url"], 1), (["--stream"], 1)])
def test_every_format_has_the_lines_of_what_failed(fetchd, origin, tmp_path,
                                                   args, n):
    o = origin(serve(lambda r: response(
        status="404 No" if r.target == "/404" else "200 OK")))
    out = again(tmp_path)
    if "--only-ok" in args:
        args = args + ["--body", "none"]
    bad = "http://127.0.0.1:1/"
    fetchd(*args, "--retry", "0", "--failed-input", out, exit=None,
           json=False, stdin=[o.url(), o.url("/404"), bad])
    assert len(out.read_text().splitlines()) == n
    assert bad in out.read_text()


def test_lines_of_several_inputs_and_operands_come_back(fetchd, tmp_path):
    bad = [f"http://127.0.0.1:1/{i}" for i in range(5)]
    a = fetchd.file("a", f"{bad[0]}\n{bad[1]}")
    b = fetchd.file("b", BOM + f"{bad[2]}\r\n".encode())
    out = again(tmp_path)
    fetchd("-c", "1", "--retry", "0", "--failed-input", out, a, bad[3], "-i",
           b, "-", stdin=bad[4], exit=4)
    assert out.read_bytes() == "\n".join(
        [bad[0], bad[1], bad[3], ""]).encode() + BOM + \
        f"{bad[2]}\r\n{bad[4]}\n".encode()


def test_a_reference_stays_one(fetchd, tmp_path):
    out = again(tmp_path)
    fetchd("-c", "1", "--retry", "0", "--base-url", "http://127.0.0.1:1/v1/",
           "--failed-input", out, stdin='/x?y\n{"url":"z", "id":1}\n', exit=4)
    assert out.read_text() == '/x?y\n{"url":"z", "id":1}\n'


def test_what_was_begun_and_cut_comes_back(fetchd, origin, tmp_path):
    """It has a record, `interrupted`; what was not begun has none."""
    o = origin(lambda c: (c.request(), c.sleep_forever()))
    out = again(tmp_path)
    path = fetchd.file("list", "".join(o.url(f"/{i}") + "\n"
                                       for i in range(1000)))
    run = fetchd.start("-c", "2", "--grace", "0", "--failed-input", out, path,
                       stdin=subprocess.DEVNULL)
    assert o.until(lambda o: len(o.requests) >= 2)
    run.proc.send_signal(signal.SIGTERM)
    res = run.finish(exit=75, quiet=False)
    assert set(res.errors()) == {"interrupted"}
    assert sorted(out.read_text().split()) == sorted(
        r["input"] for r in res.records)


def test_a_line_that_was_too_long_is_left_out_with_one_warning(fetchd,
                                                               tmp_path):
    out = again(tmp_path)
    res = fetchd("--retry", "0", "--failed-input", out, exit=4, quiet=False,
                 stdin="x" * 2_000_000 + "\nftp://h/\n" + "x" * 2_000_000)
    assert out.read_text() == "ftp://h/\n"
    assert res.stderr.count("is too long and is not written") == 1 and "-:1:" in res.stderr
    res = fetchd("--failed-input", out, "http://h/\nhttp://h/", exit=4,
                 quiet=False)
    assert out.read_text() == "" and res.stderr.count("is too long and is not written") == 1


def test_a_long_line_of_json_comes_back_whole(fetchd, tmp_path):
    out = again(tmp_path)
    line = '{"url": "http://127.0.0.1:1/", "body": "%s"}' % ("x" * 3_000_000)
    res = fetchd("--retry", "0", "--failed-input", out, "--stats",
                 stdin=line + "\n", exit=4)
    assert out.read_text() == line + "\n"
    plain = fetchd("--retry", "0", "--stats", stdin=line + "\n", exit=4)
    assert res.stats["rss_peak_bytes"] - plain.stats["rss_peak_bytes"] < 12e6


def test_an_old_file_is_replaced_and_closed_to_others(fetchd, tmp_path):
    out = again(tmp_path)
    out.write_text("old\n" * 100)
    out.chmod(0o644)
    fetchd("--failed-input", out, stdin=["ftp://h/"], exit=4)
    assert out.read_text() == "ftp://h/\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_mistake_leaves_the_old_file_alone(fetchd, tmp_path):
    out = again(tmp_path)
    out.write_text("old\n")
    for args in (["no-such-file"], ["--no-such"],
                 [fetchd.file("zip", b"PK\x03\x04")]):
        fetchd("--failed-input", out, *args, exit=(2, 3))
        assert out.read_text() == "old\n"


def test_standard_output_may_have_them_beside_an_output_file(fetchd,
                                                             tmp_path):
    res = fetchd("--failed-input", "-", "-o", tmp_path / "o", exit=4,
                 stdin=["ftp://h/"], json=False)
    assert b"".join(res.lines) == b"ftp://h/"
    assert "url_scheme_denied" in (tmp_path / "o").read_text()


def test_a_redirected_standard_output_keeps_what_it_has(fetchd, tmp_path):
    """As the shell opened it: >> adds, a script's earlier lines stay."""
    out = again(tmp_path)
    for mode in ("a", "r+"):
        out.write_text("old\n")
        with open(out, mode) as f:
            f.seek(4)
            run = fetchd.start("--failed-input", "-", "-o", tmp_path / "o",
                               fetchd.file("list", "ftp://h/\n"), stdout=f)
            run.finish(exit=4)
        assert out.read_text() == "old\nftp://h/\n", mode


@row(191)
@pytest.mark.parametrize("how", ["input", "link", "output", "stdout", "stdin"])
def test_it_may_be_no_input_and_no_output(fetchd, tmp_path, how):
    path = tmp_path / "list"
    path.write_text("ftp://h/\n")
    out = path
    if how == "link":
        out = tmp_path / "other"
        os.link(path, out)
    if how == "stdin":
        with open(path) as f:
            res = fetchd.start("--failed-input", path, stdin=f).finish(exit=2)
    elif how in ("output", "stdout"):
        out = {"output": tmp_path / "o", "stdout": "-"}[how]
        res = fetchd(path, "-o", out, "--failed-input", out, exit=2)
    else:
        res = fetchd("-i", path, "--failed-input", out, exit=2)
    assert "--failed-input" in res.stderr
    assert path.read_text() == "ftp://h/\n"


def test_a_full_disk_ends_the_run(fetchd):
    res = fetchd("--failed-input", "/dev/full", exit=3, quiet=False,
                 stdin=["ftp://h/"] * 3)
    assert "/dev/full" in res.stderr and "output_no_space" in res.stderr


def test_a_slow_reader_holds_up_the_input(fetchd, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    n = 200_000
    line = "ftp://h.test/" + "x" * 100 + "\n"
    path = fetchd.file("list", line * n)
    lines = []

    def read():
        with open(fifo) as f:
            for x in f:
                lines.append(x)
                if len(lines) == 1:
                    start.wait(20)
    start = threading.Event()
    reader = threading.Thread(target=read)
    reader.start()
    run = fetchd.start("--failed-input", fifo, "--body", "none", "--fields",
                       "seq", path, stdin=subprocess.DEVNULL)
    assert run.until_records(1000)
    time.sleep(1)
    assert not run.until_records(n, 0.1)
    start.set()
    reader.join(60)
    run.finish(exit=4)
    assert len(lines) == n and set(lines) == {line}
