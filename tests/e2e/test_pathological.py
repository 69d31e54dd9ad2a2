# SPDX-License-Identifier: ISC
"""Pages made to hurt a parser: bounded in time and memory, one record each.

On a build without sanitizers, as --worker-mem means nothing with them. Each
test prints what its page took (pytest -rA shows it); FETCHD_LONG=1 for the
full sizes.
"""
import codecs
import os
import random
import time

import pytest

import parsing
from harness import row
from origin import serve
from parsing import HTML, page

LONG = bool(os.environ.get("FETCHD_LONG"))
MILLION = 1_000_000 if LONG else 100_000
MB = 1_000_000
LINK = '<a href="/end">end</a>'
JOBS = ["--extract", "title,links,text,meta,jsonld", "--css",
        "c=a::attr(href)", "--regex", "r=/end"]
BOUNDED = {"worker_timeout", "worker_oom", "parse_too_large", "parse_failed"}


class Run:
    """A page and an ordinary one behind it. rec: of the page; rss, main: the
    most that a worker and fetchd needed."""

    def __init__(self, fetchd, origin, name, body, args, kind, limit):
        o = origin(serve(lambda r: page("<title>good</title>")
                         if r.target == "/good" else page(body, kind)))
        began = time.monotonic()
        run = fetchd.start(*args, "--body", "none", "--workers", "1", "-c",
                           "1", "--max-filesize", "250M", "--max-ratio", "0",
                           "--max-buffer", "1G", stdin=-1)
        run.write(f"{o.url('/dir/bad')}\n{o.url('/good')}\n")
        with parsing.Peaks(run.pid) as peaks:
            res = run.finish(timeout=limit, exit=0, quiet=False)
        assert "workers run" not in res.stderr
        self.seconds = time.monotonic() - began
        self.o, self.rss, self.main = o, peaks.rss, peaks.main
        self.rec, good = res.by(1), res.by(2)
        assert len(res.records) == 2
        assert good["parse"]["error"] is None, good["parse"]
        self.error, self.extract = (self.rec["parse"]["error"],
                                    self.rec["extract"])
        took = self.rec["parse"]["time"]
        print(f"{name:34} {len(body) / MB:7.1f} MB "
              f"{took if took is not None else 0:7.2f} s "
              f"worker {self.rss / MB:6.0f} MB fetchd {self.main / MB:6.0f} MB"
              f"  {self.error or 'ok'}")

    @property
    def links(self):
        return [x["url"] for x in self.extract["links"]]


@pytest.fixture
def hurt(plain, origin):
    def run(name, body, *args, kind=HTML, limit=60, jobs=JOBS,
            mem=512 << 20):
        if isinstance(body, str):
            body = body.encode()
        r = Run(plain, origin, name, body, [*jobs, *args], kind, limit)
        assert r.error is None or r.error in BOUNDED, r.rec["parse"]
        assert r.rss < mem * 1.05, (r.rss, mem)
        # The page, what the worker said of it, and what is written.
        assert r.main < 3 * len(body) + (64 << 20), r.main
        return r
    return run


def deep(tag, n):
    return f"<{tag}>" * n + LINK


PAGES = {
    "nested div": lambda: deep("div", MILLION),
    "nested div, closed": lambda: deep("div", MILLION) + "</div>" * MILLION,
    "nested tables": lambda: deep("table><tr><td", MILLION // 10),
    "nested inline": lambda: deep("span", MILLION),
    "nested font": lambda: deep("font", MILLION),
    "open b and i": lambda: "<p><b><i>x" * (MILLION // 5) + LINK,
    "open p in b": lambda: "<b><p>" * (MILLION // 5) + LINK,
    "misnested": lambda: "<b><i></b></i>" * (MILLION // 5) + LINK,
    "nested a": lambda: '<a href="x">' * (MILLION // 5) + LINK,
    "nested li": lambda: "<ul><li>" * (MILLION // 5) + LINK,
    "nested select": lambda: "<select><option>" * (MILLION // 5) + LINK,
    "nested form": lambda: "<form><input>" * (MILLION // 5) + LINK,
    "end tags only": lambda: "</p></div></b>" * (MILLION // 3) + LINK,
    "unknown tags": lambda: "".join(
        f"<x{i}>" for i in range(MILLION // 5)) + LINK,
    "an attribute each": lambda: "<p a=1>" * MILLION + LINK,
    "&amp": lambda: "<p>" + "&amp" * MILLION + LINK,
    "&amp in an attribute": lambda: f'<p a="{"&amp" * MILLION}">{LINK}',
    "entities that are none": lambda: "<p>" + "&zzzz;" * MILLION + LINK,
    "character references": lambda: "<p>" + "&#x1F600;" * (MILLION // 2)
                            + LINK,
    "a reference without end": lambda: LINK + "&#" + "9" * MILLION,
    "NULs": lambda: LINK + "\0" * (10 * MILLION),
    "NULs between": lambda: "\0".join(LINK * 10),
    "open comment": lambda: LINK + "<!--" + "-x" * (5 * MILLION),
    "comments": lambda: "<!-- - -- -->" * (MILLION // 2) + LINK,
    "<!": lambda: "<!" * MILLION + ">" + LINK,
    "<!-": lambda: "<!-" * MILLION + ">" + LINK,
    "<?": lambda: "<?x " * MILLION + "?>" + LINK,
    "<": lambda: LINK + "<" * (5 * MILLION),
    "open script": lambda: LINK + "<script>" + "<x" * (5 * MILLION),
    "open style": lambda: LINK + "<style>" + "</" * (5 * MILLION),
    "open textarea": lambda: LINK + "<textarea>" + "</t" * (3 * MILLION),
    "open title": lambda: LINK + "<title>" + "t " * (5 * MILLION),
    "open tag": lambda: LINK + "<p " + "a" * (10 * MILLION),
    "open attribute": lambda: LINK + '<p a="' + "a>" * (5 * MILLION),
    "one word": lambda: LINK + "x" * (16 * MILLION),
    "blanks": lambda: LINK + " \n" * (8 * MILLION),
    "base": lambda: '<base href="/b/">' * (MILLION // 10) + LINK,
    "base that is none": lambda: '<base href="x:">' * (MILLION // 10) + LINK,
    "titles": lambda: "<title>t</title>" * (MILLION // 10) + LINK,
    "meta": lambda: "".join(f'<meta name="n{i}" content="c">'
                            for i in range(MILLION // 10)) + LINK,
    "meta of one name": lambda: '<meta name="n" content="c">'
                        * (MILLION // 10) + LINK,
    "JSON-LD": lambda: '<script type="application/ld+json">{"a":[1]}</script>'
               * (MILLION // 10) + LINK,
    "deep JSON-LD": lambda: '<script type="application/ld+json">'
                    + "[" * MILLION + "]" * MILLION + "</script>" + LINK,
    "links": lambda: LINK * (MILLION // 10),
    "dots in a link": lambda: f'<a href="{"../" * 20000}end">x</a>' + LINK,
    "a link of 1 MB": lambda: f'<a href="{"x" * MB}">x</a>' + LINK,
    "a link of 1 MB of blanks": lambda: f'<a href="{" " * MB}e">x</a>' + LINK,
    "rel of 1 MB": lambda: f'<a rel="{"x " * MB}" href=y>x</a>' + LINK,
    "frames": lambda: "<frameset>" * (MILLION // 5) + LINK,
    "html again": lambda: "<html a=1><body b=2>" * (MILLION // 10) + LINK,
    "svg": lambda: "<svg><math>" * (MILLION // 5) + LINK,
    "templates": lambda: "<template>" * (MILLION // 5) + LINK,
}
# Where the link at the end is not to be expected.
SWALLOWED = {"nested select", "open tag", "frames", "<?", "templates",
             "titles", "nested a", "<!", "<!-"}


@row(231)
@pytest.mark.parametrize("what", PAGES)
def test_a_page_made_to_hurt_costs_itself_at_most(hurt, what):
    r = hurt(what, PAGES[what]())
    if r.error is None and what not in SWALLOWED:
        end = [x for x in r.links if x.endswith("/end")]
        assert r.o.url("/end") in end, r.links[-3:]
        assert "/end" in r.extract["c"]


@row(231)
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("bom", [True, False])
def test_utf_16_is_read_or_is_noise(hurt, codec, bom):
    body = ("<p>\u00e9x" * MILLION + LINK).encode(codec)
    if bom:
        body = (codecs.BOM_UTF16_LE if codec.endswith("le")
                else codecs.BOM_UTF16_BE) + body
    r = hurt(f"{codec}{', BOM' if bom else ''}", body, kind="text/html")
    if bom and r.error is None:
        assert r.links == [r.o.url("/end")]


@row(231)
@pytest.mark.parametrize("label", ["windows-1251", "shift_jis", "gb18030",
                                   "utf-16", "utf-7", "iso-2022-jp"])
def test_noise_under_any_charset_is_bounded(hurt, label):
    noise = random.Random(7).randbytes(5 * MILLION)
    hurt(f"noise as {label}", LINK.encode() + noise,
         kind=f"text/html; charset={label}")


@row(231)
@pytest.mark.parametrize("n", [1000, 20_000, 1_000_000])
def test_attributes_by_the_million_on_one_element(hurt, n):
    """Each is compared with all before it: --worker-time ends that."""
    body = "<p " + " ".join(f"a{i}=1" for i in range(n)) + ">" + LINK
    time_s = 10 if LONG else 2
    r = hurt(f"{n} attributes", body, "--worker-time", time_s, limit=40)
    if n == 1000:
        assert r.links == [r.o.url("/end")]
    assert r.rec["parse"]["time"] is None or \
        r.rec["parse"]["time"] < time_s * 1.2 + 0.5


@row(231)
@pytest.mark.parametrize("mem", ["512M", "2G"])
def test_an_attribute_of_100_megabytes(hurt, mem):
    if not LONG and mem == "2G":
        pytest.skip("FETCHD_LONG=1 is not set")
    n = 100 * MB
    body = f'{LINK}<p a="{"x" * n}">'
    r = hurt(f"attribute of {n // MB} MB, {mem}", body, "--worker-mem", mem,
             mem=2 << 30, limit=120)
    assert r.error == "parse_too_large" if mem == "512M" else \
        r.error is None or r.error in BOUNDED
    if r.error is None:
        assert r.links == [r.o.url("/end")]


EVIL_XPATHS = {
    "quadratic": "//*[count(preceding::*) > 0]/@x",
    "cubic": "//p[//p[//p/@x = 1]/@y = 2]",
    "following": "count(//p/following::p/preceding::p)",
    "exponential": "count(//p//p/..//p/..//p/..//p/..//p)",
    "concat": "string-length(" + "concat(" * 20 + "string(/)"
              + ", string(/))" * 20 + ")",
    "translate": "//p[contains(translate(string(/), 'abc', 'xyz'), 'q')]",
    "unions": " | ".join(["//p"] * 200),
    "nested": "(" * 300 + "//p" + ")" * 300,
    "predicates": "//p" + "[position() mod 2 + 1 > 0]" * 300,
    "axes": "//p" + "/ancestor-or-self::*/descendant-or-self::*" * 3,
    "ids": "count(id(string(/)))",
}


@pytest.mark.parametrize("what", EVIL_XPATHS)
def test_an_expression_that_takes_for_ever_ends_with_worker_time(hurt, what):
    n = 20000 if LONG else 5000
    body = "<p>ab c</p>" * n + LINK
    time_s = 10 if LONG else 1
    r = hurt(f"xpath: {what}", body, "--worker-time", time_s, limit=90,
             jobs=["--extract", "links", "--xpath", "x=" + EVIL_XPATHS[what]])
    assert r.rec["parse"]["time"] is None or \
        r.rec["parse"]["time"] < time_s * 1.2 + 0.5
    if r.error in (None, "parse_failed") and r.extract:
        assert r.links == [r.o.url("/end")]


@row(231)
@pytest.mark.parametrize("option,expression", [
    ("--css", "div"), ("--css", "*::text"), ("--xpath", "/html"),
    ("--xpath", "//a/ancestor::*"), ("--xpath", "string(//div)"),
    ("--xpath", "count(//div//div)"), ("--css", "div:last-child a::text")])
def test_elements_that_are_nested_too_deep_for_any_stack(hurt, option,
                                                         expression):
    hurt(f"nested div: {expression}", deep("div", MILLION), "--worker-time",
         "10" if LONG else "1", jobs=[option, "x=" + expression])


EVIL_REGEXES = {
    "nested plus": "(a+)+$", "alternation": "(a|aa)+$",
    "dots": "(.*)*(.*)*(.*)*b", "lazy": "a.*?b.*?c.*?d.*?e.*?f",
    "back references": r"(a*)(a*)(a*)\1\2\3b",
    "look-ahead": "(?=(a+))+b", "words": r"(\w+\s?)*$",
    "html": "<([a-z]+)[^>]*>.*?</\\1>", "recursion": r"(a(?1)?)*b",
    "everything": "(?s).*", "empty": "", "unicode": r"(\p{L}|\p{N})*\p{Z}b",
}


@pytest.mark.parametrize("what", EVIL_REGEXES)
def test_a_regex_that_takes_for_ever_meets_its_limit(hurt, what):
    body = "<p>" + "a" * (2 * MB if LONG else 200_000) + "!" + LINK
    r = hurt(f"regex: {what}", body, "--worker-time", "10",
             jobs=["--extract", "links", "--regex",
                   "r=" + (EVIL_REGEXES[what] or "x?")])
    assert r.rec["parse"]["time"] < 11
    if r.error in (None, "parse_failed"):
        assert r.links == [r.o.url("/end")]
    if r.error == "parse_failed":
        assert r.extract["r"] is None


EVIL_XML = {
    "deep": lambda: "<a>" * MILLION,
    "wide": lambda: "<r>" + "<a/>" * MILLION + "</r>",
    "attributes": lambda: "<r " + " ".join(
        f"a{i}='1'" for i in range(MILLION // 10)) + "/>",
    "namespaces": lambda: "<r " + " ".join(
        f"xmlns:n{i}='u{i}'" for i in range(MILLION // 10)) + "/>",
    "deep namespaces": lambda: "".join(
        f"<a xmlns:n{i}='u'>" for i in range(MILLION // 20)),
    "open CDATA": lambda: "<r><![CDATA[" + "]]" * (5 * MILLION),
    "open comment": lambda: "<r><!--" + "x" * (10 * MILLION),
    "instructions": lambda: "<r>" + "<?x y?>" * MILLION + "</r>",
    "a name of 10 MB": lambda: "<" + "a" * (10 * MILLION) + "/>",
    "feed": lambda: "<rss><channel>" + "<item><link>/x</link></item>"
            * (MILLION // 5) + "</channel></rss>",
    "deep feed": lambda: "<feed>" + "<entry>" * MILLION,
    "xml:base": lambda: "<feed>" + "<entry xml:base='a/'><link href='b'/>"
                "</entry>" * (MILLION // 10) + "</feed>",
    "titles of one item": lambda: "<rss><channel><item>" + "<title>t</title>"
                          "<link>/x</link>" * (MILLION // 10),
    "doctype": lambda: "<!DOCTYPE a [" + "<!ELEMENT a (a|a)>"
               * (MILLION // 10) + "]><a/>",
    "open doctype": lambda: "<!DOCTYPE a [" + "<!ENTITY x 'y'>"
                    * (MILLION // 10),
    "content model": lambda: "<!DOCTYPE a [<!ELEMENT a " + "(" * MILLION,
}


@row(231)
@pytest.mark.parametrize("what", EVIL_XML)
def test_xml_made_to_hurt_costs_itself_at_most(hurt, what):
    hurt(f"xml: {what}", EVIL_XML[what](), "--worker-time", "10" if LONG
         else "3", kind="application/xml")


# -- fetchd itself meanwhile --------------------------------------------------

def test_large_results_do_not_hold_up_the_loop(plain, origin):
    """Pages of up to 16 MB with 10^5 links; a result is several MB, and others
    are fetched meanwhile."""
    n = 100_000 if LONG else 30_000
    big = page('<a href="/some/where/%d" rel=nofollow>a link</a>' * n
               % tuple(range(n)) + " " * ((16 if LONG else 5) * MB - 49 * n))
    small = page("<title>x</title>")
    o = origin(serve(lambda r: big if r.target.startswith("/big") else small))
    lines = []
    for i in range(8):
        lines += [o.url(f"/big/{i}")] + [o.url(f"/{i}/{k}")
                                         for k in range(100)]
    res = plain("--extract", "links,title", "--body", "none", "--stats",
                "--workers", "1", "-c", "20", stdin=lines, timeout=120)
    sizes = [len(x) for x in res.lines]
    found = [len(r["extract"]["links"]) for r in res.records
             if "/big" in r["url"]]
    assert found == [n] * 8
    s = res.stats
    print(f"loop lag p50 {s['loop_lag_p50'] * 1000:.2f} p99 "
          f"{s['loop_lag_p99'] * 1000:.2f} max {s['loop_lag_max'] * 1000:.2f}"
          f" ms; records of {max(sizes) / MB:.1f} MB; fetchd "
          f"{s['rss_peak_bytes'] / MB:.0f} MB; {s['time']:.1f} s")
    assert max(sizes) > n * 60
    assert s["loop_lag_max"] < 0.3
