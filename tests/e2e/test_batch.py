# SPDX-License-Identifier: ISC
"""API work: batch files with --base-url, and JSON answers as values."""
import json

import pytest

from api import Api
from origin import response, serve
from polite import HEAD, moved, pages, status

pytestmark = pytest.mark.retries

JSON = ["Content-Type: application/json"]


def answers(origin, body, headers=JSON, code="200 OK"):
    return origin(serve(lambda r: response(body, status=code,
                                           headers=headers)))


# -- --base-url ---------------------------------------------------------------

@pytest.mark.parametrize("line, target", [
    ("/v1/x", "/v1/x"), ("x?y", "/a/b/x?y"), ("?q", "/a/b/c?q"),
    ("../x", "/a/x"), ("./", "/a/b/"), ("/", "/"), ("x y", "/a/b/x%20y"),
    ("example.com/x", "/a/b/example.com/x"), ("  /trim  ", "/trim"),
    ("x#frag", "/a/b/x")])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_reference_is_resolved_against_the_base(fetchd, origin, line,
                                                  target, as_json):
    o = origin()
    rec = fetchd("--base-url", o.url("/a/b/c?old#f"), stdin=[
        json.dumps({"url": line}) if as_json else line]).one
    assert rec["error"] is None and o.targets() == [target]
    assert rec["url"] == o.url(target)
    assert rec["input"].strip() == line.strip()


def test_a_whole_url_needs_no_base(fetchd, origin):
    o, base = origin(), origin()
    res = fetchd("--base-url", base.url("/v1/"), stdin=[
        o.url("/own"), dict(url=o.url("/too")), f"//127.0.0.1:{o.port}/net",
        o.url("/CASE").replace("http", "HTTP", 1)])
    assert res.statuses() == [200] * 4 and base.requests == []
    assert sorted(o.targets()) == ["/CASE", "/net", "/own", "/too"]


def test_the_credentials_of_a_base_go_to_no_other_origin(fetchd, origin):
    o, other = origin(), origin()
    res = fetchd("--base-url", o.url("/v1/").replace("://", "://u:s3cr3t@"),
                 stdin=["x", other.url("/y")])
    assert res.statuses() == [200, 200]
    assert not other.requests[0].header("authorization")
    assert "s3cr3t" not in res.stdout.decode() + res.stderr


@pytest.mark.parametrize("bad", ["/v1", "ftp://h/", "http://",
                                 "http://h:99999/"])
def test_a_base_that_is_no_url_is_exit_2(fetchd, origin, bad):
    o = origin()
    assert fetchd("--base-url", bad, o.url(), exit=2).stderr
    assert o.conns == []


def test_another_scheme_is_no_reference(fetchd, origin):
    o = origin()
    res = fetchd("--base-url", o.url("/v1/"), stdin=["ftp://h/x",
                                                     "mailto:a@b.test"])
    assert res.errors() == ["url_scheme_denied"] * 2 and o.conns == []


def test_the_origin_of_the_base_is_one_origin(fetchd, origin):
    """References and whole URLs share its limits."""
    o = origin(serve(lambda r: (r.conn.wait(0.05), response())[1]))
    fetchd("--base-url", o.url("/v1/"), "--max-per-host", "2",
           stdin=["a", o.url("/b"), "c", o.url("/d"), "e", "f"])
    assert o.in_flight_max == 2 and len(o.requests) == 6


# -- batch files as they are --------------------------------------------------

def batch(n, **more):
    return [json.dumps({
        "custom_id": f"request-{i}", "method": "POST",
        "url": "/v1/chat/completions", "body": {
            "model": "m", "messages": [{"role": "user", "content": f"q{i}"}],
            "max_tokens": 10, **more}}) for i in range(n)]


def test_a_batch_file_runs_as_it_is(fetchd):
    with Api(requests=1000) as api:
        path = fetchd.file("batch.jsonl", batch(20))
        res = fetchd("--base-url", api.url("/"), "--body", "json", "-H",
                     "Authorization: Bearer k", path)
        log = api.log()
    assert res.statuses() == [200] * 20 and len(log) == 20
    for r in res.records:
        i = r["seq"] - 1
        assert r["custom_id"] == f"request-{i}" and "id" not in r
        said = r["body_json"]["choices"][0]["message"]["content"]
        assert said == f"q{i}"


def test_a_batch_file_can_be_streamed(fetchd):
    with Api(requests=1000, words=5) as api:
        res = fetchd("--base-url", api.url("/"), "--stream",
                     stdin=batch(10, stream=True))
    assert res.statuses() == [200] * 10
    for r in res.records:
        lines = res.events_of(r["seq"])
        assert {e["custom_id"] for e in lines} == {r["custom_id"]}
        assert lines[-1]["data"] == "[DONE]" and len(lines) == 6
        words = "".join(json.loads(e["data"])["choices"][0]["delta"][
            "content"] for e in lines[:-1])
        i = r["seq"] - 1
        assert words == "".join(f"q{i}-{w} " for w in range(5))


# -- --body json --------------------------------------------------------------

@pytest.mark.parametrize("text", [
    '{"a": [1, 2.50, {"b": null}]}', '[]', '"text"', 'true', 'null', '0',
    '9223372036854775808', '1e400', '-0.0', '{"é": "\\u00e9\\ud834\\udd1e"}',
    ' \r\n\t{"blanks": 1}\n '])
@pytest.mark.parametrize("kind", ["application/json",
                                  "application/json; charset=utf-8",
                                  "application/problem+json"])
def test_a_json_answer_stands_as_a_value(fetchd, origin, text, kind):
    o = answers(origin, text, [f"Content-Type: {kind}"])
    res = fetchd("--body", "json", o.url(), json=False)
    line = res.lines[0].decode()
    assert f'"body_json":{text.strip()}' in line.replace(
        '"body_json": ', '"body_json":'), line
    rec = json.loads(line)
    assert "body" not in rec and "body_base64" not in rec
    assert rec["error"] is None
    assert rec["size_decoded"] == len(text.encode())


@pytest.mark.parametrize("text", [
    '"\\ud83d"', '{"\\udc00": "\\u0000"}', '{"a":1,"a":2}',
    "[" * 500 + "]" * 500, "\ufeff{}", '\ufeff \n{"a":\r\n1}\n',
    '["\u2028\x7f"]', "123456789012345678901234567890"])
def test_for_an_answer_the_grammar_is_enough(fetchd, origin, text):
    o = answers(origin, text, ["Content-Type: application/json"])
    res = fetchd("--body", "json", o.url(), json=False)
    want = text.lstrip("\ufeff").strip().replace("\r", " ").replace("\n", " ")
    assert f'"body_json":{want}' in res.lines[0].decode()
    assert res.lines[1:] == [b""] and "body" not in json.loads(res.lines[0])


@pytest.mark.parametrize("body, kind", [
    (b'{"cut": ', "application/json"), (b"", "application/json"),
    (b"not json", "application/json"), (b"{} {}", "application/json"),
    (b'{"a": 1}', "text/plain"), (b"[" * 100_000, "application/json"),
    (b'{"a": 1}\n{"b": 2}\n', "application/x-ndjson")])
def test_what_is_no_json_stands_as_ever(fetchd, origin, body, kind):
    o = answers(origin, body, [f"Content-Type: {kind}"])
    rec = fetchd("--body", "json", o.url()).one
    assert rec["error"] is None and rec["body"] == body.decode()
    assert "body_json" not in rec


def test_json_that_is_not_utf8_is_base64(fetchd, origin):
    o = answers(origin, b'{"a": "\xff"}')
    rec = fetchd("--body", "json", o.url()).one
    assert rec["body_base64"] == "eyJhIjogIv8ifQ=="
    assert "body_json" not in rec


def test_a_json_value_over_several_lines_is_one_line(fetchd, origin):
    text = json.dumps({"a": [1, {"b": "x\ny"}]}, indent=2).replace(
        "\n", "\r\n")
    o = answers(origin, text)
    res = fetchd("--body", "json", stdin=[o.url()] * 3)
    assert len(res.records) == 3
    for r in res.records:
        assert r["body_json"] == {"a": [1, {"b": "x\ny"}]}


def test_a_cut_answer_keeps_its_bytes(fetchd, origin):
    def act(c):
        c.send(HEAD + b"Content-Type: application/json\r\n"
               b'Content-Length: 100\r\n\r\n{"a": 1}')
    o = origin(serve(lambda r: act))
    rec = fetchd("--body", "json", "--retry", "0", o.url()).one
    assert rec["error"] == "http_truncated" and rec["complete"] is False
    assert rec["body"] == '{"a": 1}'


def test_an_error_in_json_is_a_value_too(fetchd, origin):
    o = answers(origin, '{"error": "no"}', code="400 Bad")
    rec = fetchd("--body", "json", o.url()).one
    assert rec["body_json"] == {"error": "no"} and rec["status_code"] == 400


def test_a_redirect_to_json_is_json(fetchd, origin):
    o = origin(serve(pages({
        "/a": moved("/b"), "/b": status(200, *JSON, body=b"[1]")})))
    rec = fetchd("--body", "json", o.url("/a")).one
    assert rec["body_json"] == [1]


def test_no_answer_is_a_null_body(fetchd):
    rec = fetchd("--body", "json", "--retry", "0",
                 "http://127.0.0.1:1/").one
    assert rec["body"] is None


def test_fields_may_name_it(fetchd, origin):
    o = answers(origin, '{"a": 1}')
    res = fetchd("--body", "json", "--fields", "status_code,body_json",
                 o.url())
    assert json.loads(res.lines[0]) == {"status_code": 200,
                                        "body_json": {"a": 1}}
