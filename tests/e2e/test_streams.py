# SPDX-License-Identifier: ISC
"""Live streams: what each kind of stream becomes, line by line.

When lines come, and what slow readers and faults do, is in test_streams_live.
"""
import base64
import json
import signal
import zlib

import pytest

from origin import chunked, response, serve
from polite import HEAD, moved, pages, status, steps

pytestmark = pytest.mark.retries

SSE = b"Content-Type: text/event-stream\r\n"
NDJSON = b"Content-Type: application/x-ndjson\r\n"


def stream(body, kind=SSE, more=b"", size=None, pause=0):
    """An answer that is chunked and ends well."""
    def act(c):
        c.send(HEAD + kind + more + b"Transfer-Encoding: chunked\r\n\r\n")
        if size is None:
            c.send(chunked(body) if body else b"0\r\n\r\n")
        else:
            c.send(chunked(*(body[i:i + size] for i in
                             range(0, len(body), size))), size=1)
        return b""
    return lambda r: act


def read(fetchd, origin, answer, *args, **item):
    """One streamed item: (its lines, its record)."""
    o = origin(serve(answer))
    if not item:
        args = ("--stream", *args)
    res = fetchd("--retry", "0", *args, stdin=[dict(url=o.url(), **item)])
    rec = res.one
    assert rec["error"] is None and rec["complete"] is True, rec
    assert rec["body"] is None and rec["num_events"] == len(res.events)
    return res.events, rec


def event(data, event="message", event_id=None, retry=None):
    return dict(event=event, data=data, event_id=event_id, retry=retry)


def facts(lines):
    return [{k: e[k] for k in ("event", "data", "event_id", "retry")}
            for e in lines]


def test_a_stream_of_very_many_small_chunks_passes(fetchd, origin):
    def act(c):
        c.send(HEAD + SSE + b"Transfer-Encoding: chunked\r\n\r\n"
               + b"".join(b"%x\r\n%s\r\n" % (len(t), t) for t in tokens)
               + b"0\r\n\r\n")
        return b""
    tokens = [b"data: %s\n\n" % (b"t" * (i % 42 + 1)) for i in range(20_000)]
    lines, _ = read(fetchd, origin, lambda r: act)
    assert len(lines) == 20_000
    assert lines[-1]["data"] == "t" * (19_999 % 42 + 1)


# -- server-sent events, by the HTML standard ---------------------------------

SSE_CASES = {
    "one": ("data: a\n\n", [event("a")]),
    "no space": ("data:a\n\n", [event("a")]),
    "one space goes": ("data:  a \n\n", [event(" a ")]),
    "lines are joined": ("data: a\ndata\ndata: b\n\n", [event("a\n\nb")]),
    "crlf": ("data: a\r\ndata: b\r\n\r\n", [event("a\nb")]),
    "cr": ("data: a\rdata: b\r\r", [event("a\nb")]),
    "mixed": ("data: a\r\n\rdata: b\n\r\n", [event("a"), event("b")]),
    "named": ("event: add\ndata: 1\n\nevent: del\ndata: 2\n\ndata: 3\n\n",
              [event("1", "add"), event("2", "del"), event("3")]),
    "id stays": ("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
                 [event("a", event_id="1"), event("b", event_id="1"),
                  event("c", event_id="")]),
    "id without data stays": ("id: 7\n\ndata: a\n\n",
                              [event("a", event_id="7")]),
    "id with nul is ignored": ("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
                               [event("a", event_id="1"),
                                event("b", event_id="1")]),
    "retry": ("retry: 1500\ndata: a\n\nretry: 1x\ndata: b\n\ndata: c\n\n",
              [event("a", retry=1500), event("b"), event("c")]),
    "comment": (": hello\n\n:\ndata: a\n: x\ndata: b\n\n:end\n\n",
                [event("a\nb")]),
    "no data, no event": ("event: x\nid: 3\n\ndata: a\n\n",
                          [event("a", event_id="3")]),
    "empty data": ("data\n\ndata:\n\ndata\ndata\n\n",
                   [event(""), event(""), event("\n")]),
    "unknown field": ("foo: 1\nDATA: x\n data: y\ndata: a\n\n", [event("a")]),
    "colon in data": ("data: a: b:\n\n", [event("a: b:")]),
    "bom": ("\ufeffdata: a\n\n\ufeffdata: b\n\n", [event("a")]),
    "cut at the end": ("data: a\n\ndata: b\n", [event("a")]),
    "no blank line at all": ("data: a", []),
    "nothing": ("", []),
    "characters": ("data: é€𝄞\nevent: ü\n\n", [event("é€𝄞", "ü")]),
    "quotes": ('data: {"a": "\\n\u2028\x07"}\n\n',
               [event('{"a": "\\n\u2028\x07"}')]),
    "many blank lines": ("\n\n\r\n\rdata: a\n\n\n\n\n", [event("a")]),
}


@pytest.mark.parametrize("name", SSE_CASES)
def test_events_are_read_as_the_standard_says(fetchd, origin, name):
    text, want = SSE_CASES[name]
    lines, _ = read(fetchd, origin, stream(text.encode()))
    assert {e["type"] for e in lines} <= {"event"}
    assert facts(lines) == want


def test_events_are_the_same_split_at_every_byte(fetchd, origin):
    text = "".join(t for t, _ in SSE_CASES.values()
                   if t.endswith(("\n\n", "\r\r")))
    whole, _ = read(fetchd, origin, stream(text.encode()))
    cut, _ = read(fetchd, origin, stream(text.encode(), size=1))
    assert facts(cut) == facts(whole) and len(whole) > 20


def test_bytes_that_are_not_utf8_are_replaced(fetchd, origin):
    lines, _ = read(fetchd, origin, stream(b"data: a\xff\xc3(\n\n"))
    assert lines[0]["data"] == "a\ufffd\ufffd("


def test_parameters_of_the_type_change_nothing(fetchd, origin):
    lines, rec = read(fetchd, origin, stream(
        b"data: a\n\n", b"Content-Type: Text/Event-Stream; Charset=UTF-8\r\n"))
    assert facts(lines) == [event("a")]
    assert rec["content_type"] == "text/event-stream"


# -- JSON lines ---------------------------------------------------------------

@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl",
                                  "application/x-ndjson; charset=utf-8"])
@pytest.mark.parametrize("size", [None, 1])
def test_each_json_line_is_a_value(fetchd, origin, kind, size):
    body = (b'{"a": [1, 2]}\n[null]\r\n"text"\n9223372036854775808\n'
            b'1e400\ntrue\nnot json\n{"cut": \n{"last": "\xc3\xa9"}')
    o = origin(serve(stream(body, f"Content-Type: {kind}\r\n".encode(),
                            size=size)))
    res = fetchd("--stream", "--retry", "0", o.url())
    assert [e["type"] for e in res.events] == ["line"] * 9
    got = [e["data"] for e in res.events]
    assert got[:3] == [{"a": [1, 2]}, [None], "text"] and got[5] is True
    assert got[6:] == ["not json", '{"cut": ', {"last": "é"}]
    for number in (b"9223372036854775808", b"1e400"):
        assert sum(b'"data":' + number in x.replace(b" ", b"")
                   for x in res.lines) == 1, "not byte for byte"


def test_json_sequences_lose_their_marks(fetchd, origin):
    lines, _ = read(fetchd, origin, stream(
        b'\x1e{"a": 1}\n\x1e[2]\n\x1ebad{\n',
        b"Content-Type: application/json-seq\r\n"))
    assert [e["data"] for e in lines] == [{"a": 1}, [2], "bad{"]
    assert {e["type"] for e in lines} == {"line"}


SEQ = b"Content-Type: application/json-seq\r\n"


@pytest.mark.parametrize("size", [None, 1])
def test_json_texts_may_span_lines(fetchd, origin, size):
    lines, _ = read(fetchd, origin, stream(
        b'\x1e{\n "a": [1,\r\n 2]\n}\n\x1e"x"\n\x1e\n\x1e3\n', SEQ,
        size=size))
    assert [e["data"] for e in lines] == [{"a": [1, 2]}, "x", 3]


@pytest.mark.parametrize("size", [None, 1])
def test_a_text_that_is_cut_spoils_no_other(fetchd, origin, size):
    lines, _ = read(fetchd, origin, stream(
        b'\x1e{"a": "b\n\x1e{"b": 1}\n\x1e12\x1e[{"c":\n\x1e12\n\x1e[1', SEQ,
        size=size))
    assert [e["data"] for e in lines] == [
        '{"a": "b', {"b": 1}, "12", '[{"c":', 12, "[1"]


def test_a_json_text_comes_with_its_own_line_end(fetchd, origin):
    """Not with the separator of the next one."""
    o = origin(serve(lambda r: act))

    def act(c):
        c.send(HEAD + SEQ + b"\r\n\x1e{\n}\n")
        c.stay()
    run = fetchd.start("--stream", "--idle-timeout", "20s", o.url())
    assert run.until_records(1, 5)
    assert json.loads(run.stamped()[0][1])["data"] == {}
    run.kill(signal.SIGTERM)
    run.kill(signal.SIGTERM)


@pytest.mark.parametrize("kind", [NDJSON, SEQ])
def test_answers_are_held_to_the_grammar_alone(fetchd, origin, kind):
    rs = b"\x1e" if kind == SEQ else b""
    deep = b"[" * 500 + b"]" * 500
    texts = [b'"\\ud83d"', b'{"\\udc00": "\\u0000"}', deep]
    lines, _ = read(fetchd, origin, stream(
        b"\xef\xbb\xbf" * (kind == NDJSON)
        + b"".join(rs + t + b"\n" for t in texts), kind))
    got = [e["data"] for e in lines]
    assert got[:2] == ["\ud83d", {"\udc00": "\0"}]
    assert json.dumps(got[2]).encode() == deep


# -- anything else: chunks ----------------------------------------------------

@pytest.mark.parametrize("kind", ["text/plain", "text/html; charset=utf-8",
                                  "application/json", None])
def test_chunks_are_cut_at_character_borders(fetchd, origin, kind):
    text = "aé€𝄞z" * 40
    head = f"Content-Type: {kind}\r\n".encode() if kind else b""
    lines, rec = read(fetchd, origin, stream(text.encode(), head, size=3))
    assert {e["type"] for e in lines} == {"chunk"}
    assert "".join(e["data"] for e in lines) == text
    assert rec["size_download"] == rec["size_decoded"] == len(text.encode())


@pytest.mark.parametrize("body", [bytes(range(256)) * 30, b"\xff" * 999,
                                  b"text, then \x80", b"\xf0\x9d\x84"])
def test_what_is_no_text_is_base64(fetchd, origin, body):
    lines, _ = read(fetchd, origin, stream(
        body, b"Content-Type: application/octet-stream\r\n", size=7))
    got = b"".join(base64.b64decode(e["data_base64"]) if "data_base64" in e
                   else e["data"].encode() for e in lines)
    assert got == body
    assert any("data_base64" in e for e in lines)


def test_coded_streams_are_decoded_as_they_come(fetchd, origin):
    z = zlib.compressobj(wbits=31)
    parts = [z.compress(f"data: {i}\n\n".encode()) +
             z.flush(zlib.Z_SYNC_FLUSH) for i in range(20)]
    body = b"".join(parts) + z.flush()
    for size in (None, 1):
        lines, rec = read(fetchd, origin, stream(
            body, more=b"Content-Encoding: gzip\r\n", size=size))
        assert [e["data"] for e in lines] == [str(i) for i in range(20)]
        assert rec["size_download"] == len(body)


def test_a_stream_may_be_longer_than_the_default_size(fetchd, origin):
    n = 20_000_000
    lines, rec = read(fetchd, origin, lambda r: response(
        b"y" * n, headers=["Content-Type: text/plain"]))
    assert sum(len(e["data"]) for e in lines) == n == rec["size_decoded"]
    assert all(set(e["data"]) == {"y"} for e in lines)


# -- which items --------------------------------------------------------------

def test_one_line_may_ask_for_it(fetchd, origin):
    o = origin(serve(stream(b"data: a\n\n")))
    res = fetchd("--retry", "0", stdin=[
        dict(url=o.url("/a"), stream=True, id="i-1", meta={"x": 1}),
        dict(url=o.url("/b"), id=2), o.url("/c")])
    assert [e["seq"] for e in res.events] == [1]
    assert res.events[0]["id"] == "i-1"
    assert res.by(1)["num_events"] == 1 and res.by(1)["body"] is None
    assert res.by(1)["meta"] == {"x": 1}
    for seq in (2, 3):
        assert "num_events" not in res.by(seq)
        assert res.by(seq)["body"] == "data: a\n\n"


@pytest.mark.parametrize("name", ["id", "custom_id"])
def test_every_line_has_the_id_byte_for_byte(fetchd, origin, name):
    o = origin(serve(stream(b"data: a\n\ndata: b\n\n")))
    res = fetchd("--stream", "--retry", "0", stdin=(
        '{"url": "%s", "%s": 9223372036854775808}\n' % (o.url(), name)))
    assert len(res.events) == 2
    for line in res.lines[:3]:
        assert f'"{name}":9223372036854775808'.encode() in \
            line.replace(b" ", b"")
    res = fetchd("--stream", "--retry", "0", o.url())
    assert not any(name in e for e in res.events)


def test_the_body_of_a_redirect_is_no_stream(fetchd, origin):
    o = origin(serve(pages({
        "/a": moved("/b", 302, "Content-Type: text/event-stream",
                    body=b"data: no\n\n"),
        "/b": stream(b"data: yes\n\n")})))
    res = fetchd("--stream", "--retry", "0", o.url("/a"))
    assert [e["data"] for e in res.events] == ["yes"]
    assert res.one["num_redirects"] == 1


@pytest.mark.parametrize("code", [300, 304, 400, 404, 429, 500, 503, 999])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/x-ndjson",
                                  "application/json", "text/plain"])
def test_what_is_no_success_stands_in_the_record(fetchd, origin, code, kind):
    said = "" if code == 304 else '{"error": {"message": "no such model"}}'
    o = origin(serve(lambda r: response(
        said.encode(), status=f"{code} x", headers=[f"Content-Type: {kind}"],
        length=code != 304)))
    res = fetchd("--stream", "--retry", "0", o.url())
    assert res.events == [] and res.one["status_code"] == code
    assert res.one["body"] == said and res.one["complete"] is True
    assert res.one["num_events"] == 0 and res.one["error"] is None


def test_a_refused_stream_has_its_message_as_a_value(fetchd, origin):
    o = origin(serve(lambda r: status(400, "Content-Type: application/json",
                                      body=b'{"error": "no"}')))
    res = fetchd("--body", "json", "-f", "--retry", "0", stdin=[
        dict(url=o.url(), stream=True)], exit=8)
    assert res.events == [] and res.one["error"] == "http_status"
    assert res.one["body_json"] == {"error": "no"}


def test_a_success_of_any_kind_is_a_stream(fetchd, origin):
    o = origin(serve(lambda r: response(b"data: a\n\n", status="206 x", headers=[
        "Content-Type: text/event-stream"])))
    res = fetchd("--stream", "--retry", "0", o.url())
    assert [e["data"] for e in res.events] == ["a"]
    assert res.one["body"] is None


def test_a_stream_that_is_refused_at_first_is_one_in_the_end(fetchd, origin):
    o = origin(serve(steps(status(503, body=b"data: no\n\n"),
                           stream(b"data: yes\n\n"))))
    res = fetchd("--stream", "--retry-delay", "10ms", o.url())
    assert [e["data"] for e in res.events] == ["yes"]
    assert res.one["num_attempts"] == 2 and res.one["body"] is None


def test_data_that_is_json_is_a_value_too_with_body_json(fetchd, origin):
    body = (b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b":\ndata: 2}\n\n'
            b'data: "\\ud83d"\n\ndata: 9223372036854775808\n\ndata: x\n\n'
            b'data\n\ndata: null\n\n')
    o = origin(serve(stream(body)))
    res = fetchd("--stream", "--body", "json", "--retry", "0", o.url())
    assert [e["data"] for e in res.events] == [
        '{"a": 1}', "[DONE]", '{"b":\n2}', '"\\ud83d"', "9223372036854775808",
        "x", "", "null"]
    assert [e.get("data_json", "none") for e in res.events] == [
        {"a": 1}, "none", {"b": 2}, "\ud83d", 9223372036854775808, "none",
        "none", None]
    res = fetchd("--stream", "--retry", "0", o.url())
    assert not any("data_json" in e for e in res.events)


def test_lines_and_chunks_have_no_data_json(fetchd, origin):
    for kind in (NDJSON, b"Content-Type: text/plain\r\n"):
        lines, _ = read(fetchd, origin, stream(b'{"a": 1}\n', kind),
                        "--body", "json")
        assert not any("data_json" in e for e in lines)


@pytest.mark.parametrize("answer", [
    response(b"", status="204 No Content", length=False),
    response(b"", headers=["Content-Type: text/event-stream"])])
def test_an_empty_stream_has_no_line(fetchd, origin, answer):
    lines, rec = read(fetchd, origin, lambda r: answer)
    assert lines == [] and rec["num_events"] == 0


def test_an_item_that_fails_before_its_answer_has_no_line(fetchd):
    res = fetchd("--stream", "--retry", "0", "http://127.0.0.1:1/")
    assert res.events == [] and res.one["error"] == "connect_refused"
    assert res.one["num_events"] == 0 and res.one["body"] is None


def test_a_post_can_be_answered_by_a_stream(fetchd, origin):
    o = origin(serve(lambda r: stream(b"data: " + r.body + b"\n\n")(r)))
    res = fetchd("--retry", "0", stdin=[dict(
        url=o.url(), body={"q": i}, stream=True) for i in range(5)])
    for i in range(5):
        assert json.loads(res.events_of(i + 1)[0]["data"]) == {"q": i}


# -- limits -------------------------------------------------------------------

@pytest.mark.parametrize("kind, start", [(SSE, b"data: "), (NDJSON, b'"')])
def test_one_event_of_more_than_16_MiB_ends_the_item(fetchd, origin, kind,
                                                     start):
    def act(c):
        c.send(HEAD + kind + b"\r\ndata: first\n\n" if kind == SSE else
               HEAD + kind + b"\r\n1\n")
        c.send(start)
        for _ in range(18):
            c.send(b"x" * (1 << 20))
        c.until_eof()
    o = origin(serve(lambda r: act))
    res = fetchd("--stream", "--retry", "0", o.url())
    assert res.one["error"] == "body_too_large"
    assert len(res.events) == 1 and res.one["num_events"] == 1


def test_max_filesize_holds_when_it_is_given(fetchd, origin):
    o = origin(serve(stream(b"data: 123456789\n\n" * 100)))
    res = fetchd("--stream", "--max-filesize", "1k", "--retry", "0", o.url())
    assert res.one["error"] == "body_too_large"
    assert len(res.events) < 70


# -- what does not go together ------------------------------------------------

@pytest.mark.parametrize("args", [
    ["--only-failed"], ["--only-ok"], ["--format", "text"],
    ["--format", "body"]])
def test_streams_and_these_are_exit_2(fetchd, origin, args):
    o = origin()
    res = fetchd("--stream", *args, o.url(), exit=2)
    assert res.stderr and o.conns == [] and res.stdout == b""


@pytest.mark.parametrize("args", [["--only-failed"], ["--only-ok"],
                                  ["--format", "text"], ["--format", "body"]])
def test_a_line_that_asks_for_a_stream_there_is_input_invalid(fetchd, origin,
                                                              args):
    o = origin()
    res = fetchd(*args, "--retry", "0", stdin=[
        dict(url=o.url("/a"), stream=True), o.url("/b")], exit=4)
    assert o.targets() == ["/b"]
    if args == ["--only-failed"]:
        assert res.one["error"] == "input_invalid" and res.one["seq"] == 1
    if args[-1] == "text":
        assert any(x.startswith(b"---") and b"input_invalid" in x
                   for x in res.lines)


def test_stream_must_be_true_or_false(fetchd, origin):
    o = origin()
    res = fetchd("--retry", "0", stdin=[dict(url=o.url(), stream="yes"),
                                        dict(url=o.url(), stream=False)])
    assert res.errors() == ["input_invalid", None]
