# SPDX-License-Identifier: ISC
"""Options that shape the request: --form, --oauth2-bearer, --referer, --url,
and values from standard input (@-)."""
import base64
import email
import email.policy

import pytest

from origin import response, serve


def parts(req):
    """A multipart request's parts: (name, filename, type, bytes)."""
    head = f"Content-Type: {req.header('content-type')}\r\n\r\n".encode()
    m = email.message_from_bytes(head + req.body, policy=email.policy.HTTP)
    assert m.is_multipart()
    return [(p.get_param("name", header="content-disposition"),
             p.get_filename(), p["content-type"],
             p.get_payload(decode=True)) for p in m.iter_parts()]


def test_a_form_uploads_values_and_files(fetchd, origin, tmp_path):
    o = origin()
    (tmp_path / "a.png").write_bytes(b"\x89PNG\0\r\n\xff")
    (tmp_path / "v").write_text("from a file\n")
    rec = fetchd("-F", "k=v", "-F", f"f=@{tmp_path}/a.png", "-F",
                 f"t=<{tmp_path}/v", "-F",
                 f'g=@"{tmp_path}/a.png";filename="x;y";type=a/b',
                 o.url()).one
    r, = o.requests
    assert r.method == rec["method"] == "POST"
    assert int(r.header("content-length")) == len(r.body)
    assert parts(r) == [
        ("k", None, None, b"v"),
        ("f", "a.png", "image/png", b"\x89PNG\0\r\n\xff"),
        ("t", None, None, b"from a file\n"),
        ("g", "x;y", "a/b", b"\x89PNG\0\r\n\xff")]


def test_a_forms_file_is_read_when_it_is_sent(fetchd, origin, tmp_path):
    """Each item's request has what the file held at that time."""
    path = tmp_path / "f"
    path.write_bytes(b"one")
    o = origin(serve(lambda r: (path.write_bytes(b"two"), response())[1]))
    fetchd("-F", f"f=@{path}", "-c", "1", o.url("/1"), o.url("/2"))
    assert [parts(r)[0][3] for r in o.requests] == [b"one", b"two"]


def test_a_forms_file_that_is_gone_is_a_record_that_names_it(
        fetchd, origin, tmp_path):
    path = tmp_path / ("n" * 200) / ("f" * 200)
    path.parent.mkdir()
    path.write_bytes(b"one")
    o = origin(serve(lambda r: (path.unlink(), response())[1]))
    res = fetchd("-F", f"f=@{path}", "-c", "1", o.url("/1"), o.url("/2"),
                 exit=4)
    assert res.errors() == [None, "input_invalid"]
    assert str(path) in res.by(2)["errormsg"]


def test_a_form_goes_out_again_after_a_307(fetchd, origin, tmp_path):
    (tmp_path / "f").write_bytes(b"again")
    o = origin(serve(lambda r: response(
        status="307 x", headers=["Location: /2"])
        if r.target == "/1" else response()))
    fetchd("-L", "-F", f"f=@{tmp_path}/f", o.url("/1"))
    assert [parts(r)[0][3] for r in o.requests] == [b"again"] * 2


@pytest.mark.parametrize("from_file", [False, True])
def test_a_bearer_token_is_sent_and_kept_from_other_origins(
        fetchd, origin, from_file):
    other = origin(addr="127.0.0.2")
    o = origin(serve(lambda r: response(
        status="302 x", headers=[f"Location: {other.url()}"])))
    arg = "t0k.en=" if not from_file else \
        "@" + fetchd.file("t", "t0k.en=\n")
    fetchd("--oauth2-bearer", arg, o.url())
    assert o.requests[0].all("authorization") == ["Bearer t0k.en="]
    assert other.requests[0].all("authorization") == []


def test_an_items_credentials_go_before_the_bearer_token(fetchd, origin):
    o = origin()
    fetchd("--oauth2-bearer", "t", o.url().replace("//", "//u:p@"))
    assert o.requests[0].header("authorization") == \
        "Basic " + base64.b64encode(b"u:p").decode()


@pytest.mark.parametrize("args", [
    ["--oauth2-bearer", "t", "-u", "a:b"], ["--oauth2-bearer", ""],
    ["--oauth2-bearer", "a b"], ["--oauth2-bearer", "a\nb"],
    ["-e", "a\nb"], ["--referer", "http://a.test/;auto"],
    ["--referer", ";auto"], ["--color", "sometimes"]])
def test_what_cannot_be_sent_is_exit_2_and_names_the_option(
        fetchd, origin, args):
    o = origin()
    res = fetchd(*args, o.url(), exit=2)
    assert args[0] == "-e" or res.stderr.startswith(f"fetchd: {args[0]}: ")
    assert o.conns == []


def test_a_referer_is_sent_and_gives_way_to_a_header(fetchd, origin):
    o = origin()
    fetchd("-e", "http://from.test/", o.url())
    fetchd("--referer", "x", "-H", "Referer: y", o.url())
    assert [r.all("referer") for r in o.requests] == \
        [["http://from.test/"], ["y"]]


def test_a_url_option_is_an_operand_that_is_never_a_file(fetchd, origin,
                                                         tmp_path):
    o = origin()
    (tmp_path / "c").write_text(o.url("/c") + "\n")
    res = fetchd("-c", "1", o.url("/a"), "--url", o.url("/b"), "--url", "c",
                 str(tmp_path / "c"), "--resolve", "c:443:127.0.0.1", exit=4)
    assert [r["input"] for r in sorted(res.records, key=lambda r: r["seq"])] \
        == [o.url("/a"), o.url("/b"), "c", o.url("/c")]
    assert res.by(3)["url"] == "https://c/"
    assert o.targets() == ["/a", "/b", "/c"]


@pytest.mark.parametrize("option, check", [
    (["-d", "@-"], lambda r: r.body == b"X-A: b\n"),
    (["--data-binary", "@-"], lambda r: r.body == b"X-A: b\n"),
    (["--json-data", "@-"], lambda r: r.body == b"X-A: b\n"),
    (["-H", "@-"], lambda r: r.header("x-a") == "b"),
    (["-u", "@-"], lambda r: r.header("authorization") ==
     "Basic " + base64.b64encode(b"X-A: b").decode()),
    (["-F", "f=@-"], lambda r: parts(r)[0] ==
     ("f", "-", "application/octet-stream", b"X-A: b\n"))])
def test_an_at_sign_and_a_dash_is_standard_input(fetchd, origin, option,
                                                 check):
    o = origin()
    fetchd(*option, o.url(), stdin=b"X-A: b\n")
    r, = o.requests
    assert check(r), (r.headers, r.body)


@pytest.mark.parametrize("option", ["-d", "-H", "-u", "--json-data",
                                    "--oauth2-bearer", "-F"])
def test_standard_input_cannot_be_the_list_and_a_value(fetchd, origin,
                                                       option):
    o = origin()
    value = "f=@-" if option == "-F" else "@-"
    for operands in ([], ["-"], ["-i", "-"], [o.url(), "-"]):
        res = fetchd(option, value, *operands, stdin=[o.url()], exit=2)
        assert "standard input" in res.stderr
        assert res.stderr.count("\n") == 1
    assert o.conns == []


def test_silent_is_quiet(fetchd, origin):
    o = origin()
    res = fetchd("-s", "-f", o.url(), env={"http_proxy": "http://127.0.0.1/"},
                 quiet=False)
    assert res.stderr == ""
    res = fetchd("-v", "--silent", o.url(), quiet=False)
    assert res.stderr == ""


def test_a_url_after_i_is_told_what_i_is(fetchd, origin):
    """curl's -i puts the headers into the output."""
    o = origin()
    res = fetchd("-i", o.url(), exit=3)
    assert "--include-headers" in res.stderr and o.conns == []
    assert res.stderr.count("\n") == 1
