# SPDX-License-Identifier: ISC
"""Content-Type: one reader of it for records, streams, --body json, the choice
of what is parsed, and the parser."""
import json

import pytest

import parsing
from origin import response, serve


@pytest.fixture
def ask(fetchd, origin):
    return parsing.Asker(fetchd, origin)


def said(*lines):
    """Header lines of an answer that says its type so often."""
    return [f"Content-Type: {line}" for line in lines]


# header lines -> (content_type, charset) of the record
TYPES = {
    "quoted": (["text/html; charset=\"ISO-8859-1\""],
               ("text/html", "iso-8859-1")),
    "quoted pair": (["text/html; charset=\"iso\\-8859-1\""],
                    ("text/html", "iso-8859-1")),
    "semicolon in quotes": (["text/html; x=\";charset=a\"; charset=b"],
                            ("text/html", "b")),
    "comma in quotes": (["text/html; x=\"a, text/plain\"; charset=b"],
                        ("text/html", "b")),
    "a list": (["text/html; charset=iso-8859-1, text/html"],
               ("text/html", "iso-8859-1")),
    "two lines": (["text/html; charset=iso-8859-1", "text/html"],
                  ("text/html", "iso-8859-1")),
    "the last type": (["text/plain; charset=a", "text/html"],
                      ("text/html", None)),
    "the last that can be read": (["text/html; charset=a", "junk", "*/*"],
                                  ("text/html", "a")),
    "empty members": ([", text/html,", ""], ("text/html", None)),
    "no type": (["html"], (None, None)),
}


@pytest.mark.parametrize("lines, want", TYPES.values(), ids=TYPES)
def test_a_record_has_the_type_and_charset_of_all_lines(fetchd, origin, lines,
                                                        want):
    o = origin(serve(lambda r: response(b"x", headers=said(*lines))))
    rec = fetchd(o.url()).one
    assert (rec["content_type"], rec["charset"]) == want


CHARSETS = {
    "a list": ["text/html; charset=windows-1251, text/html"],
    "two lines": ["text/html; charset=windows-1251", "text/html"],
    "quoted pair": ["text/html; charset=\"windows\\-1251\""],
    "no type": ["html; charset=windows-1251"],
    "a blank for a semicolon": ["text/html charset=utf-8",
                                "*/*; charset=windows-1251"],
}


@pytest.mark.parametrize("lines", CHARSETS.values(), ids=CHARSETS)
def test_the_parser_reads_the_same_charset(ask, lines):
    rec = ask(b"", "--extract", "title", answer=response(
        b"<title>\xe9</title>", headers=said(*lines)))
    assert rec["parse"]["error"] is None
    assert rec["charset"] == "windows-1251"
    assert rec["extract"]["title"] == "\u0439"


@pytest.mark.parametrize("lines", [
    ["*/*"], ["html"], ["text/html charset=utf-8"], ["unknown/unknown"], [""],
    ["text/plain", "text/html"], ["text/plain, text/html"], ["/"], []])
def test_html_of_no_known_type_is_parsed(ask, lines):
    rec = ask(b"", "--extract", "title", answer=response(
        b" <!DOCTYPE html><title>T</title>", headers=said(*lines)))
    assert rec["parse"]["error"] is None, rec["parse"]
    assert rec["extract"] == {"title": "T"}


@pytest.mark.parametrize("body", [
    "<title>T</title>".encode("utf-16-le"),
    b"\xff\xfe" + "\n<title>T</title>".encode("utf-16-le"),
    b"\xef\xbb\xbf \n<title>T</title>"])
def test_fetchd_and_the_parser_agree_on_what_looks_like_html(ask, body):
    """What the one hands over the other does not take for plain text."""
    rec = ask(b"", "--extract", "title", answer=response(body))
    assert rec["parse"]["error"] is None, rec["parse"]


@pytest.mark.parametrize("lines", [
    ["text/html", "text/plain"], ["application/octet-stream"], ["image/png"]])
def test_what_says_another_type_is_not_parsed(ask, lines):
    rec = ask(b"", "--extract", "title", answer=response(
        b"<title>T</title>", headers=said(*lines)))
    assert rec["parse"]["error"] == "parse_skipped"


@pytest.mark.parametrize("lines", [
    ["text/event-stream", "text/event-stream"],
    ["text/event-stream, text/event-stream"],
    ["text/event-stream; charset=utf-8", "Text/Event-Stream"],
    ["text/plain", "text/event-stream; x=\"a;b,c\""],
    ["text/event-stream,"], ["text/event-stream", "*/*"]])
def test_an_event_stream_that_says_so_twice_is_one(fetchd, origin, lines):
    o = origin(serve(lambda r: response(b"data: a\n\n", headers=said(*lines))))
    res = fetchd("--stream", o.url())
    assert [(e["type"], e["data"]) for e in res.events] == [("event", "a")]


@pytest.mark.parametrize("lines, is_json", [
    (["application/json", "application/json"], True),
    (["application/json; charset=\"utf-8\", application/json"], True),
    (["application/problem+json; a=\",;\""], True),
    (["text/html, application/json"], True),
    (["application/json, text/html"], False),
    (["*/*"], True), (["json"], True), ([], True), (["text/plain"], False)])
def test_body_json_goes_by_the_same_type(fetchd, origin, lines, is_json):
    o = origin(serve(lambda r: response(b'{"a": 1}', headers=said(*lines))))
    rec = fetchd("--body", "json", o.url()).one
    if is_json:
        assert rec["body_json"] == {"a": 1}
    else:
        assert json.loads(rec["body"]) == {"a": 1}
