# SPDX-License-Identifier: ISC
"""--fields: parts of a record by path, and keys that need another option."""
import json

import pytest

from origin import response, serve


def lines(res):
    return [json.loads(line) for line in res.stdout.splitlines()]


def test_dots_reach_into_headers_bodies_and_meta(fetchd, origin):
    o = origin(serve(lambda r: response(
        b'{"user": {"name": "Ann", "tags": ["a", "b"]}}',
        headers=["Content-Type: application/json", "X-A: 1", "X-A: 2"])))
    res = fetchd("--fields", "seq,header.Content-Type.0,header.x-a,meta.k.0,"
                 "body_json.user.name,body_json.user.tags.1,body_json.none,"
                 "attempts.0.status_code", "--include-headers", "--body",
                 "json", "--include-attempts",
                 stdin=[{"url": o.url(), "meta": {"k": [7]}}, o.url()])
    a, b = sorted(lines(res), key=lambda r: r["seq"])
    assert a == {"seq": 1, "header.Content-Type.0": "application/json",
                 "header.x-a": ["1", "2"], "meta.k.0": 7,
                 "body_json.user.name": "Ann", "body_json.user.tags.1": "b",
                 "body_json.none": None, "attempts.0.status_code": 200}
    assert list(a)[:3] == ["seq", "header.Content-Type.0", "header.x-a"]
    assert b["meta.k.0"] is None and b["body_json.user.name"] == "Ann"


def test_dots_reach_into_what_was_extracted(fetchd, origin):
    o = origin(serve(lambda r: response(
        b"<title>T</title><p>1</p><p>2</p>",
        headers=["Content-Type: text/html"])))
    res = fetchd("--fields", "extract.title,extract.p.1,parse.error",
                 "--extract", "title", "--css", "p=p::text", o.url())
    assert lines(res) == [{"extract.title": "T", "extract.p.1": "2",
                           "parse.error": None}]


@pytest.mark.parametrize("fields, names", [
    ("header", "--include-headers"), ("attempts", "--include-attempts"),
    ("body_json", "--body json"), ("extract.title", "--extract"),
    ("interim", "--include-headers"), ("trailer", "--include-headers"),
    ("status", "status_code"), ("url,url", "duplicate"), ("url.a", "path")])
def test_a_wrong_list_is_one_line_and_nothing_is_fetched(fetchd, origin,
                                                         fields, names):
    o = origin()
    res = fetchd("--fields", fields, o.url(), exit=2)
    assert res.stderr.count("\n") == 1 and names in res.stderr
    assert o.conns == []
