# SPDX-License-Identifier: ISC
"""Input: lines, JSON requests, files, pipes, and what is wrong with them."""
import json
import os
import pty
import subprocess
import threading
import time

import pytest

from harness import row
from origin import response, serve


def raw_value(res, key):
    """The bytes that stand behind a key in the only line of a result."""
    line = res.lines[0].decode()
    at = line.index(f'"{key}":') + len(key) + 3
    while line[at] == " ":
        at += 1
    return line[at:]


@row(185)
def test_every_way_to_end_and_begin_a_line(fetchd, control):
    u = control.url("/x").encode()
    data = (b"\xef\xbb\xbf" + u + b"\r\n\r\n\n# comment\n  "
            + u + b"  \n\t\n" + u)
    res = fetchd(stdin=data)
    assert res.statuses() == [200] * 3
    assert [r["seq"] for r in sorted(res.records, key=lambda r: r["seq"])] \
        == [1, 2, 3]


BOM = b"\xef\xbb\xbf"


def test_a_bom_is_skipped_at_the_start_of_any_line(fetchd, origin, tmp_path):
    """Of each file of several, and of files that were joined."""
    o = origin()
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(BOM + o.url("/1").encode() + b"\r\n" + BOM
                  + b'{"url":"%s"}' % o.url("/2").encode())
    b.write_bytes(BOM + b"# comment\n" + BOM + b"\n" + BOM + b"#\n"
                  + o.url("/3").encode() + b"\n")
    res = fetchd("-c", "1", a, b)
    assert res.statuses() == [200] * 3
    assert o.targets() == ["/1", "/2", "/3"]


def test_a_bom_changes_no_limit_of_a_line(fetchd, origin):
    o = origin()
    line = json.dumps(dict(url=o.url(), meta="x" * 2_000_000))
    res = fetchd(stdin=BOM + line.encode() + b"\n" + BOM + b"#" + b"x" *
                 3_000_000 + b"\n" + BOM + b"x" * 2_000_000 + b"\n",
                 exit=None)
    assert res.by(1)["error"] is None
    assert res.by(2)["error"] == "input_too_long" and len(res.records) == 2


def test_a_bom_is_no_part_of_a_password_or_a_header(fetchd, origin):
    o = origin()
    user = fetchd.file("user", BOM + b"u:p\r\n")
    head = fetchd.file("head", BOM + b"X-A: 1\r\nX-B: 2\n")
    fetchd("-u", f"@{user}", "-H", f"@{head}", o.url())
    r = o.requests[0]
    assert r.header("authorization") == "Basic dTpw"
    assert r.header("x-a") == "1" and r.header("x-b") == "2"
    token = fetchd.file("token", BOM + b"abc\n")
    fetchd("--oauth2-bearer", f"@{token}", o.url())
    assert o.requests[1].header("authorization") == "Bearer abc"


@pytest.mark.parametrize("how", ["-d", "--json-data", "body_file"])
def test_a_bom_is_a_part_of_a_body(fetchd, origin, how):
    o = origin()
    path = fetchd.file("body", BOM + b"[1]\r\n")
    if how == "body_file":
        fetchd(stdin=[dict(url=o.url(), body_file=path)])
    else:
        fetchd(how, f"@{path}", o.url())
    assert o.requests[0].body == BOM + b"[1]\r\n"


def test_no_items_are_no_failure(fetchd):
    res = fetchd(stdin="# nothing\n\n")
    assert res.exit == 0 and res.records == []


@pytest.mark.parametrize("bad, code", [
    (b"{\"url\": \"http://h/\xff\"}", "input_invalid"),
    (b"{\"url\": \"http://h/\"", "input_invalid"),
    (b"{\"url\"", "input_invalid"), (b"{", "input_invalid"),
    (b"{}", "input_invalid"), (b"{\"url\": 1}", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"url\": \"http://h/\"}", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"nope\": 1}", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"id\": 1, \"custom_id\": 2}",
     "input_invalid"),
    (b"{\"url\": \"http://h/\\ud800\"}", "input_invalid"),
    (b"{\"url\": \"http://h/\"} x", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"id\": {}}", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"id\": [1]}", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"timeout\": \"x\"}", "input_invalid"),
    (b"{\"url\": \"http://h/\", \"body\": \"a\", \"body_base64\": \"YQ==\"}",
     "input_invalid"),
    (b"{\"url\": \"http://h/\", \"body_base64\": \"!\"}", "input_invalid"),
    (b"{\"url\": \"ftp://h/\"}", "url_scheme_denied"),
    (b"http://h\0.test/", None),
    (b"x" * 2_000_000, "input_too_long"),
])
@row(186)
def test_a_line_that_cannot_be_used_is_one_record(fetchd, control, bad, code):
    u = control.url().encode()
    res = fetchd(stdin=u + b"\n" + bad + b"\n" + u + b"\n")
    assert [r["seq"] for r in sorted(res.records, key=lambda r: r["seq"])] \
        == [1, 2, 3]
    assert res.by(1)["error"] is None and res.by(3)["error"] is None
    rec = res.by(2)
    if code:
        assert rec["error"] == code, rec
    assert rec["error"] in ("input_invalid", "input_too_long", "url_invalid",
                            "url_host_invalid", "url_scheme_denied")
    assert rec["error_phase"] == "input" and rec["num_attempts"] == 0
    assert rec["errormsg"].startswith("-:2:")
    assert len(rec["errormsg"]) < 1000


@row(186)
def test_a_json_line_that_cannot_be_read_is_not_shown(fetchd):
    rec = fetchd(stdin=b'{"url": "http://h/", "headers": {"A": "secret"\n',
                 exit=4).one
    assert rec["input"] is None and "secret" not in json.dumps(rec)


@row(186)
def test_a_million_brackets_are_one_record(fetchd, control):
    res = fetchd("--stats", stdin=b'{"meta":' + b"[" * 1_000_000 + b"\n"
                 + control.url().encode() + b"\n")
    assert res.by(1)["error"] == "input_invalid"
    assert res.by(2)["error"] is None


@row(186)
def test_a_line_of_a_hundred_megabytes_takes_no_memory(fetchd, control):
    res = fetchd("--stats", stdin=b"x" * 100_000_000 + b"\n"
                 + control.url().encode() + b"\n")
    assert res.by(1)["error"] == "input_too_long"
    assert res.by(2)["error"] is None
    small = fetchd("--stats", control.url())
    grown = res.stats["rss_peak_bytes"] - small.stats["rss_peak_bytes"]
    assert grown < 30_000_000


@row(186)
def test_an_unknown_key_is_named(fetchd):
    rec = fetchd(stdin=[dict(url="http://h/", sha1="x")], exit=4).one
    assert "sha1" in rec["errormsg"]


@row(186)
@pytest.mark.parametrize("depth, ok", [(60, True), (70, False)])
def test_the_depth_of_json_is_limited(fetchd, control, depth, ok):
    line = '{"url":"%s","meta":%s}' % (control.url(),
                                       "[" * depth + "]" * depth)
    rec = fetchd(stdin=line + "\n", exit=None).one
    assert (rec["error"] is None) is ok
    if ok:
        assert rec["meta"] == json.loads("[" * depth + "]" * depth)


@row(187)
@pytest.mark.parametrize("raw", [
    "9223372036854775808", "1e400", "-0.0", "1.50", "true", "false", "null",
    '"quote\\" back\\\\ slash\\/"', '"\\u2028 \u2028"', '""',
    '"\\ud83d\\ude00"'])
def test_an_id_comes_back_byte_for_byte(fetchd, control, raw):
    res = fetchd(stdin='{"id": %s, "url": "%s"}\n' % (raw, control.url()))
    assert raw_value(res, "id").startswith(raw + ",")
    assert res.one["status_code"] == 200


@row(187)
def test_custom_id_keeps_its_name(fetchd, control):
    rec = fetchd(stdin=[dict(custom_id="req-1", url=control.url())]).one
    assert rec["custom_id"] == "req-1" and "id" not in rec


@row(187)
def test_meta_comes_back_byte_for_byte(fetchd, control):
    raw = '{"a": [1, 2.0, {"b": null}],  "c":"\\u00e4", "a": 3}'
    res = fetchd(stdin='{"url": "%s", "meta": %s}\n' % (control.url(), raw),
                 json=False)
    assert res.exit == 0
    assert raw_value(res, "meta").startswith(raw)


@row(187)
def test_a_raw_cr_in_meta_splits_no_line(fetchd, control):
    raw = '{"a":\r[1,\r\t2.0],\r "c\\r\u2028":"\\n\x7f"}'
    res = fetchd(stdin=('{"url":\r"%s",\r"id":\r7\r,"meta":\r%s\r}\r\n' % (
        control.url(), raw)).encode(), json=False)
    assert res.exit == 0 and b"\r" not in res.lines[0]
    assert raw_value(res, "meta").startswith(raw.replace("\r", " "))
    assert res.lines[0].count(b'"id":7,') == 1


@row(187)
def test_an_object_as_id_is_input_invalid(fetchd, control):
    rec = fetchd(stdin=[dict(id={"a": 1}, url=control.url())], exit=4).one
    assert rec["error"] == "input_invalid" and "id" in rec["errormsg"]


def test_the_id_stands_on_an_unusable_line_too(fetchd):
    rec = fetchd(stdin=[dict(id=7, url="http://h/", bogus=1)], exit=4).one
    assert rec["error"] == "input_invalid" and rec["id"] == 7
    assert rec["input"] == "http://h/"


@row(189)
def test_a_file_that_grows_is_read_to_its_end(fetchd, origin, tmp_path):
    path = tmp_path / "list"
    gate = threading.Event()

    def handler(req):
        if req.target == "/first":
            req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    path.write_text("".join(o.url("/first") + "\n" for _ in range(5)))
    run = fetchd.start(path, "-c", "1", stdin=subprocess.DEVNULL)
    assert o.until(lambda o: len(o.requests) >= 1)
    with path.open("a") as f:
        f.write(o.url("/later") + "\n")
    gate.set()
    res = run.finish()
    assert len(res.records) in (5, 6) and set(res.statuses()) == {200}


@row(189)
def test_a_file_that_is_replaced_is_read_on(fetchd, origin, tmp_path):
    path = tmp_path / "list"
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    n = 20_000
    path.write_text("".join(o.url(f"/old{i:06}") + "\n" for i in range(n)))
    run = fetchd.start(path, "-c", "1", "--body", "none", "--fields",
                       "type,seq,error", stdin=subprocess.DEVNULL)
    assert o.until(lambda o: len(o.requests) >= 1)
    (tmp_path / "new").write_text(o.url("/new") + "\n")
    os.rename(tmp_path / "new", path)
    run.proc.send_signal(15)    # it is enough that nothing new is read
    gate.set()
    run.finish(exit=75)
    assert "/new" not in o.targets()


@row(189)
def test_a_file_that_is_truncated_ends_with_a_message(fetchd, origin,
                                                      tmp_path):
    path = tmp_path / "list"
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    path.write_text("".join(o.url(f"/{i:08}" + "x" * 900) + "\n"
                            for i in range(60_000)))
    run = fetchd.start(path, "-c", "2", "--grace", "1", "--fields",
                       "type,seq,error", stdin=subprocess.DEVNULL)
    assert o.until(lambda o: len(o.requests) >= 1)
    with path.open("r+") as f:
        f.truncate(100)
    gate.set()
    res = run.finish(timeout=120, exit=3, quiet=False)
    assert str(path) in res.stderr


def test_a_file_that_does_not_exist_is_exit_3(fetchd):
    res = fetchd("no-such-file", exit=3)
    assert "no-such-file" in res.stderr and res.records == []


def test_a_file_named_like_a_host_gets_a_hint(fetchd):
    res = fetchd("example.com", exit=3)
    assert "did you mean https://example.com?" in res.stderr


def test_an_operand_that_starts_like_json_gets_a_hint(fetchd):
    res = fetchd('{"url":"http://h/"}', exit=2)
    assert "-i" in res.stderr and "--json-data" in res.stderr


@row(190)
def test_stdin_closed_at_the_start_is_exit_3_or_usage(fetchd):
    """With no operand and no -i a closed standard input is usage."""
    res = fetchd(exit=(2, 3), preexec=lambda: os.close(0))
    assert res.stderr and res.records == [] and res.wall < 10


@row(190)
def test_a_closed_stdin_that_was_asked_for_is_exit_3(fetchd):
    res = fetchd("-", exit=(2, 3), preexec=lambda: os.close(0))
    assert res.stderr and res.wall < 10


@row(190)
def test_a_directory_as_stdin_is_exit_3(fetchd, tmp_path):
    fd = os.open(tmp_path, os.O_RDONLY)
    res = fetchd("-", exit=3, preexec=lambda: os.dup2(fd, 0))
    os.close(fd)
    assert res.stderr and res.wall < 10


@row(190)
def test_a_terminal_as_stdin_is_usage(fetchd):
    master, slave = pty.openpty()
    res = fetchd(exit=2, preexec=lambda: os.dup2(slave, 0))
    os.close(master)
    os.close(slave)
    assert "usage" in res.stderr.lower() or "Usage" in res.stderr


def test_dev_null_as_stdin_is_usage(fetchd):
    res = fetchd(exit=2)
    assert "sage" in res.stderr


@row(191)
@pytest.mark.parametrize("link", [False, True])
def test_input_and_output_may_not_be_one_file(fetchd, control, tmp_path,
                                              link):
    path = tmp_path / "list"
    path.write_text(control.url() + "\n")
    out = path
    if link:
        out = tmp_path / "other"
        os.link(path, out)
    res = fetchd("-i", path, "-o", out, exit=2)
    assert res.stderr
    assert path.read_text() == control.url() + "\n"


def test_operands_are_read_one_after_another(fetchd, origin, tmp_path):
    o = origin()
    (tmp_path / "a").write_text(o.url("/a1") + "\n" + o.url("/a2") + "\n")
    res = fetchd("-c", "1", tmp_path / "a", o.url("/b"), "-",
                 stdin=[o.url("/c")])
    assert o.targets() == ["/a1", "/a2", "/b", "/c"]
    assert [r["seq"] for r in res.records] == [1, 2, 3, 4]


def test_an_upper_case_url_operand_is_a_url(fetchd, control):
    assert fetchd(control.url().replace("http", "HTTP")).one["error"] is None


def test_input_file_option_and_limit(fetchd, origin, tmp_path):
    o = origin()
    (tmp_path / "a").write_text("".join(o.url(f"/{i}") + "\n"
                                        for i in range(10)))
    res = fetchd("-i", tmp_path / "a", "--limit", "3", exit=None)
    assert len(res.records) == 3 and len(o.requests) == 3


def test_errors_name_file_line_and_column(fetchd, tmp_path, control):
    (tmp_path / "list").write_text("\n# x\nhttp://h:99999/\n")
    rec = fetchd(tmp_path / "list", exit=4).one
    assert rec["errormsg"].startswith(f"{tmp_path / 'list'}:3:")
    rec = fetchd(control.url(), "http://h:99999/", exit=4).by(2)
    assert rec["errormsg"].startswith("argument ")


def test_a_line_is_acted_on_while_the_pipe_stays_open(fetchd, origin):
    o = origin()
    run = fetchd.start()
    run.write(o.url("/warm") + "\n")
    assert run.until_records(1)
    for i in range(5):
        before = time.monotonic()
        run.write(o.url(f"/{i}") + "\n")
        assert o.until(lambda o: o.requests[-1].target == f"/{i}", 5)
        assert o.requests[-1].time - before < 0.1 + 0.1
        assert run.until_records(i + 2)
    res = run.finish()
    assert res.statuses() == [200] * 6


def test_half_a_line_waits_for_its_other_half(fetchd, control):
    run = fetchd.start()
    url = control.url("/half")
    run.write(url[:9])
    run.write(url[9:] + "\n" + url[:5])
    assert run.until_records(1)
    run.write(url[5:])
    res = run.finish()
    assert res.statuses() == [200, 200]


def test_a_fifo_may_be_opened_by_its_writer_later(fetchd, control, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    run = fetchd.start(path, stdin=subprocess.DEVNULL)
    with open(path, "w") as f:      # blocks until fetchd opened it
        f.write(control.url() + "\n")
    assert run.finish().one["status_code"] == 200


def test_memory_does_not_grow_with_the_list(fetchd, origin):
    """A blocked origin and an endless list: reading stops."""
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    run = fetchd.start("-c", "4", "--grace", "1")
    line = (o.url("/" + "x" * 1000) + "\n").encode() * 64
    wrote = 0
    os.set_blocking(run.proc.stdin.fileno(), False)
    stuck = None
    while stuck is None or time.monotonic() - stuck < 0.7:
        try:
            wrote += os.write(run.proc.stdin.fileno(), line)
            stuck = None
        except BlockingIOError:
            stuck = stuck or time.monotonic()
            time.sleep(0.01)
        assert wrote < 60_000_000, "it reads on and on"
    os.set_blocking(run.proc.stdin.fileno(), True)
    gate.set()
    run.kill(15)
    run.finish(exit=(75, 4))
    assert wrote <= 20_000_000


@row(151)
@pytest.mark.parametrize("item", [
    dict(headers={"X": "a\r\nX-Evil: 1"}), dict(headers={"X": "a\0b"}),
    dict(headers={"X\r\nY": "z"}), dict(headers={"X Y": "z"}),
    dict(headers={"": "z"}), dict(method="GET / HTTP/1.1\r\nX:"),
    dict(method="G T"), dict(method=""),
    dict(headers={"Host": "a\r\nX: y"}), dict(headers={"X": "\x7f"})])
def test_nothing_can_be_smuggled_by_a_json_line(fetchd, origin, item):
    o = origin()
    rec = fetchd(stdin=[dict(url=o.url(), **item)], exit=4).one
    assert rec["error"] == "input_invalid"
    assert o.conns == []


@row(151)
@pytest.mark.parametrize("c", ["\r", "\n", "\r\n", "\0"])
def test_nothing_can_be_smuggled_by_a_url(fetchd, origin, c):
    o = origin()
    rec = fetchd(stdin=[dict(url=o.url(f"/{c}X: y"))], exit=4).one
    assert rec["error"] in ("url_invalid", "input_invalid")
    assert o.conns == []


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding",
                                  "Upgrade"])
def test_headers_that_frame_the_message_are_ours(fetchd, origin, name):
    o = origin()
    rec = fetchd(stdin=[dict(url=o.url(), headers={name: "5"})], exit=4).one
    assert rec["error"] == "input_invalid" and name.lower() in \
        rec["errormsg"].lower()


def test_a_json_request_is_sent_as_written(fetchd, origin):
    o = origin()
    fetchd(stdin=[dict(url=o.url("/p"), method="PUT", body="dätä",
                       headers={"X-A": ["1", "2"], "accept": "text/x",
                                "User-Agent": None})])
    r = o.requests[0]
    assert r.line == "PUT /p HTTP/1.1"
    assert r.all("x-a") == ["1", "2"] and r.all("accept") == ["text/x"]
    assert r.header("user-agent") is None
    assert r.body == "dätä".encode()
    assert r.header("content-length") == "6"
    assert r.header("content-type") is None


def test_a_body_makes_it_a_post(fetchd, origin):
    o = origin()
    rec = fetchd(stdin=[dict(url=o.url(), body="x")]).one
    assert rec["method"] == o.requests[0].method == "POST"


def test_an_object_as_body_is_sent_byte_for_byte(fetchd, origin):
    o = origin()
    raw = '{"a":  1.0, "b": [ "\\u00e4" ]}'
    fetchd(stdin='{"url": "%s", "body": %s}\n' % (o.url(), raw))
    assert o.requests[0].body == raw.encode()
    assert o.requests[0].header("content-type") == "application/json"


def test_a_binary_body_and_a_body_from_a_file(fetchd, origin):
    o = origin()
    path = fetchd.file("body.bin", bytes(range(256)))
    res = fetchd("-c", "1", stdin=[dict(url=o.url(), body_base64="AP8="),
                                   dict(url=o.url(), body_file=path)])
    assert res.statuses() == [200, 200]
    assert [r.body for r in o.requests] == [b"\0\xff", bytes(range(256))]


def test_a_body_file_that_is_missing_is_input_invalid(fetchd, origin):
    o = origin()
    rec = fetchd(stdin=[dict(url=o.url(), body_file="/no/such")],
                 exit=4).one
    assert rec["error"] == "input_invalid" and o.conns == []


def test_an_items_own_timeout(fetchd, origin):
    o = origin(lambda c: c.sleep_forever())
    rec = fetchd(stdin=[dict(url=o.url(), timeout=0.5)]).one
    assert rec["error"] == "timeout_total" and rec["time_total"] < 1.5


@row(221)
def test_a_hundred_thousand_arguments_are_read(fetchd, control):
    n = 20_000      # 100,000 of these are over the kernel's ARG_MAX
    urls = ["http://h:0/"] * n
    res = fetchd(*urls, "--body", "none", exit=4)
    assert len(res.records) == n
    assert set(res.errors()) == {"url_invalid"}


@row(221)
def test_an_argument_with_a_newline_is_one_item(fetchd):
    rec = fetchd("http://h.test/\nhttp://evil.test/", exit=4).one
    assert rec["error"] == "url_invalid"


@row(221)
def test_two_dashes_end_the_options(fetchd):
    res = fetchd("--", "--stats", exit=3)
    assert "--stats" in res.stderr


@row(221)
@pytest.mark.parametrize("args", [["--no-such"], ["-Z"], ["-c"], ["-c", "0"],
                                  ["-c", "x"], ["--format", "xml"],
                                  ["--fields", "url,nope"],
                                  ["--fields", "url,url"]])
def test_a_bad_option_is_exit_2_and_a_message(fetchd, control, args):
    url = [] if args == ["-c"] else [control.url()]
    res = fetchd(*url, *args, exit=2)
    assert res.stderr and res.records == []
