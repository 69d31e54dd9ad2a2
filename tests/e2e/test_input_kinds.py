# SPDX-License-Identifier: ISC
"""Files that are no list, and lines that are odd: what fetchd says of them."""
import bz2
import gzip
import json
import lzma
import subprocess

import pytest

from harness import row


def files(url):
    """name: (its bytes, the command that is told)"""
    lines = (url + "\n").encode()
    return {
        "bz2": (bz2.compress(lines), "bzcat "),
        "xz": (lzma.compress(lines), "xzcat "),
        "sitemap.gz": (gzip.compress(b"<urlset><url><loc>" + url.encode()
                                     + b"</loc></url></urlset>"), "zcat "),
        "mac.gz": (gzip.compress(lines.replace(b"\n", b"\r") * 2), "zcat "),
        "utf16": (lines.decode().encode("utf-16"), "iconv -f UTF-16 "),
        "utf16le": (lines.decode().encode("utf-16-le"), "iconv -f UTF-16LE "),
        "utf16be": (lines.decode().encode("utf-16-be"), "iconv -f UTF-16BE "),
        "utf32": (lines.decode().encode("utf-32"), "iconv -f UTF-32 "),
        "array": (json.dumps([dict(url=url)]).encode(), "jq -c '.[]' "),
        "strings": (json.dumps([url], indent=1).encode(), "jq -c '.[]' "),
        "pretty": (json.dumps(dict(url=url), indent=2).encode(), "jq -c . "),
        "sitemap": (b'<?xml version="1.0"?>\n<urlset><url><loc>'
                    + url.encode() + b"</loc></url></urlset>", "grep -o "),
        "html": (b"<!doctype html><a href=" + url.encode() + b">",
                 "--extract links"),
        "csv": (b"id,url\n1," + lines, "cut -d',' -f2 "),
        "ssv": (b"Link;Title\r\n" + url.encode() + b";x\r\n",
                "cut -d';' -f1 "),
        "column": (b"url\n" + lines, "tail -n +2 "),
        "pdf": (b"%PDF-1.4\n" + lines, "PDF"),
        "elf": (open("/bin/true", "rb").read(), "program"),
        "binary": (bytes(range(8)) * 100 + lines, "not text"),
        "mac": (lines.replace(b"\n", b"\r") * 2, "tr "),
    }


@pytest.mark.parametrize("kind", list(files("")))
@pytest.mark.parametrize("how", ["operand", "-i", "stdin", "second"])
def test_a_file_that_is_no_list_is_refused_before_anything(fetchd, origin,
                                                           kind, how):
    o = origin()
    data, says = files(o.url())[kind]
    path = fetchd.file("list " + kind, data)
    if how == "stdin":
        with open(path, "rb") as f:
            res = fetchd.start(stdin=f).finish(exit=2, quiet=False)
        assert "standard input" in res.stderr
    else:
        args = {"operand": [path], "-i": ["-i", path],
                "second": [o.url(), path]}[how]
        res = fetchd(*args, exit=2, quiet=False)
        assert path in res.stderr
    assert says in res.stderr, res.stderr
    assert res.stderr.count("\n") == 1
    assert res.records == [] and o.conns == []


def test_the_command_that_is_told_works(fetchd, origin):
    o = origin()
    for kind in ("utf16", "csv", "column", "sitemap", "mac", "sitemap.gz",
                 "mac.gz"):
        data, _ = files(o.url("/" + kind))[kind]
        path = fetchd.file("it's " + kind, data)
        told = fetchd(path, exit=2, quiet=False).stderr
        command = told.split(": ", 3)[3]
        lines = subprocess.run(command.rsplit(" | fetchd", 1)[0], shell=True,
                               check=True, capture_output=True).stdout
        res = fetchd(stdin=lines)
        assert set(res.statuses()) == {200}, (kind, lines)
        assert set(o.targets()) == {"/" + kind}
        o.requests.clear()


@pytest.mark.parametrize("first", [
    "[2001:db8::1]:9/x", "[::1]:9", "[fe80::1]:9/", "garbage line",
    '{"url": "http://h.test/",', "{}", "a.test,b", "# id,url", "1,2,3"])
def test_a_list_with_a_bad_first_line_is_read(fetchd, origin, first):
    """What a line is worth, its record says."""
    o = origin()
    path = fetchd.file("list", f"{first}\n{o.url()}\n")
    res = fetchd("--connect-timeout", "1", "--retry", "0", "--dns-timeout",
                 "1", path, exit=None)
    assert o.targets() == ["/"]
    assert len(res.records) == (1 if first[0] == "#" else 2)


def test_a_pipe_is_not_looked_at(fetchd, origin):
    o = origin()
    res = fetchd(stdin="[1,\n" + o.url() + "\n", exit=None)
    assert res.by(2)["error"] is None


@pytest.mark.parametrize("tail", [
    ",b.test", ", b.test/x", " b.test", " http://b.test/", ",x,https://b.test"])
def test_a_line_with_two_urls_is_fetched_as_one_with_one_warning(fetchd,
                                                                 origin, tail):
    o = origin()
    url = o.url("/x") + tail
    path = fetchd.file("list", f"{o.url()}\n{url}\n{url}\n")
    res = fetchd("-c", "1", path, quiet=False)
    assert res.statuses() == [200] * 3
    assert o.targets()[1] == "/x" + tail.replace(" ", "%20")
    assert res.stderr.count("a second URL") == 1
    assert f"{path}:2: " in res.stderr
    assert fetchd("-q", path).stderr == ""


@pytest.mark.parametrize("target", ["/a,b", "/a b", "/1,2.html", "/?q=1,2.5"])
def test_a_comma_or_blank_alone_is_no_reason_to_warn(fetchd, origin, target):
    o = origin()
    assert fetchd(stdin=[o.url(target)], quiet=False).stderr == ""


@pytest.mark.parametrize("how", ["option", "line"])
def test_a_method_in_lower_case_is_sent_so_with_one_warning(fetchd, origin,
                                                            how):
    o = origin()
    if how == "option":
        res = fetchd("-X", "get", o.url("/1"), o.url("/2"), quiet=False)
    else:
        res = fetchd(stdin=[dict(url=o.url(f"/{i}"), method="get")
                            for i in range(3)], quiet=False)
    assert {r.method for r in o.requests} == {"get"}
    assert set(res.statuses()) == {200}
    assert {r["method"] for r in res.records} == {"get"}
    assert res.stderr.count("is sent as written") == 1
    for method in ("GET", "purge", "PURGE"):
        assert fetchd("-X", method, o.url(), quiet=False).stderr == ""


@pytest.mark.parametrize("timeout", ["500ms", "0.5s", "0.5"])
def test_an_items_own_timeout_may_be_a_duration(fetchd, origin, timeout):
    o = origin(lambda c: c.sleep_forever())
    rec = fetchd(stdin=[dict(url=o.url(), timeout=timeout)], exit=None).one
    assert rec["error"] == "timeout_total" and rec["time_total"] < 1.5


@row(186)
@pytest.mark.parametrize("timeout", ["soon", "", "-1s", "10x", True, None, []])
def test_another_timeout_is_input_invalid(fetchd, origin, timeout):
    o = origin()
    rec = fetchd(stdin=[dict(url=o.url(), timeout=timeout)], exit=4).one
    assert rec["error"] == "input_invalid" and "timeout" in rec["errormsg"]
    assert o.conns == []
