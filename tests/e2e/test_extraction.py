# SPDX-License-Identifier: ISC
"""What users see of extraction: keys, which answers are parsed, links."""
import gzip
import html
import json

import pytest

import parsing
from origin import response, serve
from parsing import page, site

SHOP = """<!doctype html><html lang=en><head><title> A  &lt;b>shop&lt;/b>
</title><meta name=author content=Ann><meta name=Author content=Bob>
<meta property="og:title" content="OG">
<script type="application/ld+json">{"@type":"Thing","n":1.50}</script>
<script type="application/ld+json">[1,2]</script>
<style>p{color:red}</style></head>
<body><h1>Hello &amp; welcome</h1>
<p class="price">9.00 EUR</p><p class="price">12.50 EUR</p>
<a href="/next" rel="next nofollow">Next <i>page</i></a>
<a href="other.html">other</a></body></html>"""
ALL = "title,links,text,meta,jsonld"


@pytest.fixture
def ask(fetchd, origin):
    return parsing.Asker(fetchd, origin)


def links(rec):
    return [x["url"] for x in rec["extract"]["links"]]


# -- what is asked for --------------------------------------------------------

def test_everything_that_is_asked_for_is_there_in_the_order_given(ask):
    rec = ask(SHOP, "--css", "price=.price::text", "--extract", "meta,title",
              "--regex", "eur=[0-9.]+ EUR", "--xpath", "h=//h1/text()",
              "--extract", "links,text,jsonld")
    x = rec["extract"]
    assert list(x) == ["price", "meta", "title", "eur", "h", "links", "text",
                       "jsonld"]
    assert x["price"] == ["9.00 EUR", "12.50 EUR"]
    assert x["meta"]["author"] == "Ann"
    assert x["meta"]["og:title"] == "OG"
    assert x["title"] == "A <b>shop</b>"
    assert x["eur"] == ["9.00 EUR", "12.50 EUR"]
    assert x["h"] == ["Hello & welcome"]
    assert x["links"] == [
        {"url": ask.url("/next"), "text": "Next page",
         "rel": "next nofollow"},
        {"url": ask.url("/dir/other.html"), "text": "other", "rel": None}]
    assert x["text"].split("\n")[0] == "Hello & welcome"
    assert "12.50 EUR" in x["text"] and "color" not in x["text"]
    assert x["jsonld"] == [{"@type": "Thing", "n": 1.5}, [1, 2]]
    assert rec["parse"]["error"] is None
    assert rec["parse"]["worker"] >= 1 and 0 < rec["parse"]["time"] < 10


def test_extract_and_parse_stand_at_the_end_of_the_record(ask):
    rec = ask(SHOP, "--extract", "title")
    assert list(rec)[-2:] == ["extract", "parse"]


def test_a_page_with_nothing_in_it_has_every_key(ask):
    rec = ask("<p>", "--extract", ALL, "--css", "a=i::text", "--xpath",
              "b=//i", "--regex", "c=zzz", "--regex", "d@text=zzz")
    assert rec["extract"] == {
        "title": None, "links": [], "text": "", "meta": {}, "jsonld": [],
        "a": [], "b": [], "c": [], "d": []}
    assert rec["parse"]["error"] is None


def test_selectors_give_what_scrapys_give(ask):
    rec = ask(SHOP, "--css", "a=a::attr(href)", "--css", "p=p.price",
              "--xpath", "n=count(//p)", "--xpath", "s=string(//h1)",
              "--xpath", "t=boolean(//h1)", "--xpath", "rel=//a/@rel")
    x = rec["extract"]
    assert x["a"] == ["/next", "other.html"]
    assert x["p"] == ['<p class="price">9.00 EUR</p>',
                      '<p class="price">12.50 EUR</p>']
    assert x["n"] == ["2.0"] and x["s"] == ["Hello & welcome"]
    assert x["t"] == ["1"] and x["rel"] == ["next nofollow"]


def test_a_regex_sees_the_source_and_with_text_what_a_reader_sees(ask):
    rec = ask("<title>t</title><p>Price:&nbsp;<b>5</b> &amp; more<!-- 7 -->",
              "--regex", "src=<b>([0-9])</b>", "--regex", "c=<!-- ([0-9])",
              "--regex", r"t@text=Price:\s(\d) (.)", "--regex",
              "tag@text=<b>", "--regex", "opt=(Pri)(zzz)?")
    x = rec["extract"]
    assert x["src"] == ["5"] and x["c"] == ["7"]
    assert x["t"] == ["5", "&"] and x["tag"] == []
    assert x["opt"] == ["Pri", ""]


def test_a_broken_expression_is_refused_at_the_start(fetchd):
    for args, part in ((["--css", "x=a[["], "x"), (["--xpath", "y=//["], "y"),
                       (["--regex", "z=(("], "z"),
                       (["--extract", "titel"], "titel"),
                       (["--extract", "title", "--css", "title=b"], "title"),
                       (["--extract", "title", "--workers", "0"], "must be at least 1 with --extract")):
        res = fetchd(*args, "http://127.0.0.1:1/", exit=2)
        assert part in res.stderr and res.stdout == b"", res.stderr
        assert res.stderr.count("\n") == 1, res.stderr


# -- which answers are parsed -------------------------------------------------

def test_a_404_page_is_parsed_too(ask):
    rec = ask(SHOP, "--extract", "title", status="404 Not Found")
    assert rec["status_code"] == 404 and rec["error"] is None
    assert rec["extract"]["title"] == "A <b>shop</b>"


def test_a_404_page_is_parsed_under_fail_as_well(ask):
    rec = ask(SHOP, "-f", "--extract", "title", status="404 Not Found")
    assert rec["error"] == "http_status"
    assert rec["extract"]["title"] == "A <b>shop</b>"


def test_what_failed_has_null_for_both(fetchd, origin):
    cut = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
           b"Content-Length: 900\r\n\r\n<title>x</title>")

    def script(c):
        c.request()
        c.send(cut)
    o = origin(script)
    res = fetchd("--extract", "title",
                 stdin=[o.url("/"), "http://127.0.0.1:1/", "http://["])
    for rec in res.records:
        assert rec["error"] and rec["extract"] is None, rec
        assert rec["parse"] is None, rec
    assert res.by(1)["body"] == "<title>x</title>"


PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SKIPPED = {
    "png": dict(body=PNG, content_type="image/png"),
    "svg-less image": dict(body=SHOP, content_type="image/gif"),
    "pdf": dict(body=b"%PDF-1.4 <html>", content_type="application/pdf"),
    "octets": dict(body=SHOP, content_type="application/octet-stream"),
    "json": dict(body='{"a":1}', content_type="application/json"),
    "plain": dict(body=SHOP, content_type="text/plain"),
    "css": dict(body="a{}", content_type="text/css"),
    "unnamed binary": dict(body=PNG, content_type=None),
    "empty": dict(body=b""),
    "unknown coding": dict(body=SHOP, headers=["Content-Encoding: exi"]),
}


@pytest.mark.parametrize("what", SKIPPED)
def test_what_is_no_page_is_skipped_and_says_so(ask, what):
    rec = ask(args := SKIPPED[what]["body"], "--extract", "title",
              **{k: v for k, v in SKIPPED[what].items() if k != "body"})
    assert rec["extract"] is None, args
    assert rec["parse"] == {"error": "parse_skipped", "time": None,
                            "worker": None}
    assert rec["error"] is None


def test_head_and_answers_without_a_body_are_skipped(fetchd, origin):
    o = origin(serve(lambda r: b"HTTP/1.1 204 No Content\r\n\r\n"
                     if r.target == "/204" else
                     b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                     b"Content-Length: 7\r\n\r\n"))
    res = fetchd("--extract", "title", stdin=[
        {"url": o.url("/head"), "method": "HEAD"}, o.url("/204")])
    for rec in res.records:
        assert rec["parse"]["error"] == "parse_skipped", rec


PARSED = {
    "html": "text/html", "html in capitals": "TEXT/HTML ; charset=UTF-8",
    "xhtml": "application/xhtml+xml", "xml": "application/xml",
    "xml text": "text/xml", "unnamed": None,
    "anything xml": "application/x-thing+xml", "no type at all": "nonsense",
}


@pytest.mark.parametrize("what", PARSED)
def test_what_is_a_page_is_parsed(ask, what):
    rec = ask("\n <html><head><title>T</title></head><body><p>x</p></body>"
              "</html>", "--xpath", "n=//*[local-name()='p']/text()",
              content_type=PARSED[what])
    assert rec["extract"] == {"n": ["x"]}, rec["parse"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain",
                                  "text/csv", "application/ld+json",
                                  "application/javascript", None])
def test_any_text_is_parsed_where_there_is_a_regex(ask, kind):
    rec = ask('{"id": 17, "t": "\u20ac"}', "--regex", r"id=\d+", "--regex",
              "e=\u20ac", "--extract", "title,links", content_type=kind)
    assert rec["extract"] == {"id": ["17"], "e": ["\u20ac"], "title": None,
                              "links": []}
    assert rec["parse"]["error"] is None


def test_octets_are_skipped_where_there_is_a_regex_too(ask):
    rec = ask(b"id 17", "--regex", r"id=\d+",
              content_type="application/octet-stream")
    assert rec["parse"]["error"] == "parse_skipped"


def test_a_page_over_an_eighth_of_the_memory_is_too_large(ask):
    body = "<title>x</title>" + "y" * (14 << 20)
    rec = ask(body, "--extract", "title", "--worker-mem", "112M")
    assert rec["extract"] is None and rec["error"] is None
    assert rec["parse"] == {"error": "parse_too_large", "time": None,
                            "worker": None}
    rec = ask(body[:14 << 20], "--extract", "title", "--body", "none")
    assert rec["extract"] == {"title": "x"}, rec["parse"]


def test_packed_pages_are_parsed(ask):
    rec = ask(gzip.compress(SHOP.encode()), "--extract", "title",
              headers=["Content-Encoding: gzip"])
    assert rec["extract"]["title"] == "A <b>shop</b>"


# -- options that shape the record --------------------------------------------

def test_body_none_leaves_the_body_out_and_extracts(ask):
    rec = ask(SHOP, "--extract", "title", "--body", "none")
    assert rec["extract"]["title"] == "A <b>shop</b>" and "body" not in rec


@pytest.mark.parametrize("body", ["base64", "json"])
def test_other_kinds_of_body_stand_beside_extract(ask, body):
    rec = ask(SHOP, "--extract", "title", "--body", body)
    assert rec["extract"]["title"] == "A <b>shop</b>"


def test_fields_may_name_extract_and_parse(ask):
    rec = ask(SHOP, "--extract", "title", "--fields", "parse,url,extract")
    assert list(rec) == ["parse", "url", "extract"]
    assert rec["extract"]["title"] == "A <b>shop</b>"
    rec = ask(SHOP, "--extract", "title", "--fields", "url")
    assert list(rec) == ["url"]


def mixed(origin):
    bad = page(SHOP, status="500 Internal Server Error")
    return origin(site({f"/{i}": page(f"<title>{i}</title>") if i % 2 else bad
                        for i in range(20)}))


def test_only_failed_and_only_ok_hold_with_extraction(fetchd, origin):
    o = mixed(origin)
    urls = [o.url(f"/{i}") for i in range(20)]
    res = fetchd("-f", "--only-failed", "--extract", "title", stdin=urls,
                 exit=8)
    assert [r["extract"]["title"] for r in res.records] == \
        ["A <b>shop</b>"] * 10
    res = fetchd("-f", "--only-ok", "--extract", "title", stdin=urls, exit=8)
    assert sorted(int(r["extract"]["title"]) for r in res.records) == \
        list(range(1, 20, 2))


def test_keep_order_holds_with_extraction(fetchd, origin):
    big = "<p>" + "word <a href=x>y</a>" * 20000

    def handler(req):
        n = int(req.target[1:])
        return page(f"<title>{n}</title>" + (big if n % 7 == 0 else ""))
    o = origin(serve(handler))
    res = fetchd("--keep-order", "-c", "20", "--workers", "2", "--body",
                 "none", "--extract", "title,links",
                 stdin=[o.url(f"/{i}") for i in range(60)])
    assert [r["extract"]["title"] for r in res.records] == \
        [str(i) for i in range(60)]


def test_every_page_keeps_its_own_extract_over_50_connections(fetchd, origin):
    def handler(req):
        n = req.target[1:]
        pad = "<p>pad</p>" * (int(n) % 40 * 20)
        return page(f"<title>{n}</title>{pad}<a href={n}x>l</a>")
    o = origin(serve(handler))
    res = fetchd("-c", "50", "--workers", "2", "--extract", "title,links",
                 "--stats", stdin=[o.url(f"/{i}") for i in range(600)])
    for r in res.records:
        assert r["extract"]["title"] == r["url"].rpartition("/")[2]
        assert links(r) == [r["url"] + "x"]
    assert {r["parse"]["worker"] for r in res.records} == {1, 2}
    assert res.stats["workers"] == 2 and res.stats["worker_restarts"] == 0
    assert 0 < res.stats["worker_busy"] <= 1


@pytest.mark.retries
def test_a_retried_page_is_parsed_once_and_the_last_answer_is_it(fetchd,
                                                                  origin):
    answers = [page("<title>busy</title>", status="503 No"),
               page("<title>busy</title>", status="503 No"),
               page("<title>done</title>")]
    o = origin(serve(lambda r: answers.pop(0)))
    rec = fetchd("--retry-delay", "50ms", "--extract", "title", o.url()).one
    assert rec["extract"] == {"title": "done"} and rec["num_attempts"] == 3


def test_an_item_that_is_given_up_has_its_last_page_parsed(fetchd, origin):
    o = origin(serve(lambda r: page("<title>busy</title>", status="503 No")))
    rec = fetchd("--extract", "title", o.url()).one
    assert rec["status_code"] == 503 and rec["extract"] == {"title": "busy"}


@pytest.mark.parametrize("kind", ["text", "body"])
def test_formats_that_cannot_show_it_are_refused(fetchd, kind):
    res = fetchd("--format", kind, "--extract", "title",
                 "http://127.0.0.1:1/", exit=2)
    assert "--extract" in res.stderr and "--format" in res.stderr


# -- links --------------------------------------------------------------------

def test_links_of_a_redirected_page_are_relative_to_where_it_is(fetchd,
                                                                origin):
    o = origin(site({
        "/a": response(b"", status="302 Found",
                       headers=["Location: /far/away/"]),
        "/far/away/": page('<a href="x">x</a><a href="../y">y</a>')}))
    rec = fetchd("--extract", "links", o.url("/a")).one
    assert links(rec) == [o.url("/far/away/x"), o.url("/far/y")]
    assert rec["num_redirects"] == 1


@pytest.mark.parametrize("base,want", [
    ("/b/", "/b/x"), ("sub/", "/dir/sub/x"), ("?q", "/dir/x"),
    ("http://other.test/z/", "http://other.test/z/x"),
    ("ftp://other.test/", "/dir/x"), ("javascript:1", "/dir/x"),
    ("", "/dir/x")])
def test_base_decides_what_links_are_relative_to(ask, base, want):
    rec = ask(f'<a href="x">1</a><base href="{base}"><base href="/no/">',
              "--extract", "links")
    want = want if want.startswith("http") else ask.url(want)
    assert links(rec) == [want]


def test_what_cannot_be_fetched_is_no_link(ask):
    refs = ["mailto:a@b.test", "javascript:void(0)", "tel:+49", "data:,x",
            "ftp://x.test/", "http://[/", "http://a b.test/", "blob:x",
            "JavaScript:1", "  mailto:x", "http://"]
    rec = ask("".join(f'<a href="{r}">x</a>' for r in refs)
              + "<a name=here>x</a><a href='ok'>x</a>", "--extract", "links")
    assert links(rec) == [ask.url("/dir/ok")]


def test_text_and_rel_of_a_link(ask):
    rec = ask("""<a href=1 rel=" nofollow  UGC ">  a
        <b>bold</b><img alt=no src=x><br>c </a><a href=2></a>
        <a href=3 rel>&lt;&eacute;&#x1F600;</a>""", "--extract", "links")
    got = [(x["text"], x["rel"]) for x in rec["extract"]["links"]]
    assert got[1:] == [("", None), ("<\u00e9\U0001f600", "")]
    assert got[0][0].split() == ["a", "bold", "c"]
    assert got[0][1].split() == ["nofollow", "UGC"]


REFERENCES = """a b  |../..//x|?q=a b|#frag|x#frag|//h.test/p|HTTP://H.TEST:80
/%7euser/%2fx|/\u00fc/\u20ac?\u00e4|http://b\u00fccher.test/|http://0x7f.1/
http://u:p@h.test/x|/a/./b/../c/|http://h.test:08080/|HTTPS://h.test:443/x
/%zz%2|/"quote'<>`|/[x]{y}^|/tab\tnew\nline|;p=1|./a:b|http://h.test/\\x
http:/one|http:two|//[::1]:80/|//[0:0::1]/x|http://h.test?x|/a//b///
/\u00e9%E9|&amp;x=1&y=2|http://xn--bcher-kva.test./|http://1.2/|/..|/a/..
//h\u3002test/|http://h.test/%00|http://H%2ETEST/|.""".replace(
    "\n", "|").split("|")


def test_links_are_uris(ask):
    refs = ["/\"<>^`{}'?\"<>^`{}'", "x y?z z"]
    rec = ask("".join(f'<a href="{html.escape(r)}">x</a>' for r in refs),
              "--extract", "links", host="base.test")
    got = [x["url"].split("/", 3)[3] for x in rec["extract"]["links"]]
    assert got[0] == "%22%3C%3E%5E%60%7B%7D'?%22%3C%3E^`{}%27"
    assert got[1].endswith("x%20y?z%20z")


def test_links_are_what_the_url_of_a_record_would_be(fetchd, origin, ask):
    """Each link is fetched as it stands, and says that it is itself; so do
    those references that are whole URLs by themselves."""
    rec = ask("".join(f'<a href="{html.escape(r)}">{i}</a>'
                      for i, r in enumerate(REFERENCES)),
              "--extract", "links", host="base.test")
    found = {int(x["text"]): x["url"] for x in rec["extract"]["links"]}
    assert len(found) > 35
    o = origin(serve(lambda r: page("x")))
    asked, want = [], []
    for n, url in found.items():
        asked.append(url)
        want.append(url)
        if "://" in REFERENCES[n]:
            asked.append(REFERENCES[n].replace("\n", ""))
            want.append(url)
    # None of them is let through to a port of this machine.
    res = fetchd("--resolve", f"*:80:{o.addr}", "--connect-timeout", "1",
                 "--keep-order", "--dns-servers", "127.0.0.1#1",
                 "--dns-timeout", "1", "--max-host-errors", "1",
                 "--host-dead-after", "1ms", exit=None,
                 stdin=[json.dumps({"url": u}) for u in asked])
    assert [r["url"] for r in res.records] == want


def test_relative_links_are_what_a_redirect_there_would_be(fetchd, origin):
    """The same code resolves a Location; it must not differ by who asks."""
    refs = [r for r in REFERENCES if r.isascii() and "\n" not in r
            and "\t" not in r and r.strip() == r and r and "&" not in r]
    body = "".join(f"<a href='{r}'>{i}</a>" for i, r in enumerate(refs)
                   if "'" not in r)

    def handler(req):
        m = req.target.rpartition("?n=")
        if m[0] != "/dir/page":
            return page("there")
        if m[2] == "all":
            return page(body)
        return response(b"", status="302 Found",
                        headers=["Location: " + refs[int(m[2])]])
    o = origin(serve(handler))
    rec = fetchd("--extract", "links", o.url("/dir/page?n=all")).one
    found = {int(x["text"]): x["url"] for x in rec["extract"]["links"]}
    res = fetchd("--no-location", "--keep-order", stdin=[
        o.url(f"/dir/page?n={i}") for i in range(len(refs))])
    told = {i: r["location"] for i, r in enumerate(res.records)}
    for i, url in found.items():
        where = told[i].partition("#")[0]
        if refs[i] and not refs[i].startswith(("#", "?")):
            assert url == where, refs[i]
    assert len(found) > 25


def test_links_feed_the_next_run(fetchd, origin):
    def handler(req):
        n = int(req.target[1:])
        return page("".join(f"<a href={n * 3 + k}>x</a>" for k in range(3)
                            if n < 4) + f"<title>{n}</title>")
    o = origin(serve(handler))
    first = fetchd("--extract", "links", o.url("/1")).one
    res = fetchd("--extract", "title", stdin=links(first))
    assert sorted(r["extract"]["title"] for r in res.records) == \
        ["3", "4", "5"]


# -- results that are awkward -------------------------------------------------

def test_every_character_comes_through(ask):
    text = "\u00e9\u20ac\U0001f600\u200f\ufeff\u2028\"\\/\u007f\u0085."
    rec = ask(f"<title>{text}</title><p>{text}", "--extract", "title",
              "--css", "p=p::text", "--regex", "r=<p>(.*)")
    assert rec["extract"]["p"] == [text]
    assert rec["extract"]["r"] == [text]


def test_meta_may_have_any_name(ask):
    rec = ask("""<meta name="" content=a><meta name='"\\' content='"'>
        <meta content=nameless><meta name=empty><meta charset=utf-8>
        <meta name=x content=""><meta http-equiv=refresh content=5>""",
              "--extract", "meta")
    assert rec["extract"]["meta"].get('"\\') == '"'
    assert rec["extract"]["meta"].get("x") == ""


def test_for_json_ld_the_grammar_is_enough(ask):
    deep = "[" * 500 + "]" * 500
    rec = ask(f"""<script type="application/ld+json">"\\ud83d"</script>
        <script type="application/ld+json">\ufeff{{"a":
        1}}</script>
        <script type="application/ld+json">{deep}</script>""",
              "--extract", "jsonld")
    assert rec["extract"]["jsonld"] == ["\ud83d", {"a": 1}, json.loads(deep)]
    assert rec["parse"]["error"] is None


def test_json_ld_that_is_no_json_is_left_out(ask):
    rec = ask("""<script type="application/ld+json">{"a":</script>
        <script type="application/ld+json"> </script>
        <script type=" Application/LD+JSON; x=y">{"b":"\\u00e9"}</script>
        <script type="text/javascript">{"c":1}</script>
        <script type="application/ld+json">{"d":1} trailing</script>""",
              "--extract", "jsonld")
    assert rec["extract"]["jsonld"] == [{"b": "\u00e9"}]
    assert rec["parse"]["error"] is None


def test_a_result_over_16_megabytes_is_too_large(ask):
    """Each part of it would do; and what is too large is asked for by every
    kind of job."""
    body = "<title>t</title><p>" + '"' * 2_200_000
    whole = [x for i in range(3) for x in ("--xpath", f"n{i}=string(//p)")]
    for last in (["--extract", "text"], ["--css", "c=p::text"],
                 ["--regex", "r=(?s).*"], ["--xpath", "x=string(//p)"]):
        rec = ask(body, *whole, *last, "--body", "none")
        assert rec["extract"] is None, last
        assert rec["parse"]["error"] == "parse_too_large", last
        assert rec["parse"]["worker"] >= 1
    rec = ask(body, *whole[:4], "--body", "none")
    assert len(rec["extract"]["n1"][0]) == 2_200_000


def test_64_jobs_are_taken(ask):
    args = [x for i in range(64) for x in ("--xpath", f"n{i}=//i[{i + 1}]")]
    body = "<p>" + "".join(f"<i>{i}</i>" for i in range(64))
    rec = ask(body, *args)
    assert list(rec["extract"]) == [f"n{i}" for i in range(64)]
    assert rec["extract"]["n63"] == ["<i>63</i>"]
