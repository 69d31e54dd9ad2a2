# SPDX-License-Identifier: ISC
"""XML: feeds, sitemaps, and documents that would rather read our files."""
import time

import pytest

import parsing
from parsing import page


@pytest.fixture
def ask(fetchd, origin):
    return parsing.Asker(fetchd, origin)


def found(ask, body, kind="application/xml", *args, **how):
    rec = ask(body, "--extract", "title,links,text", *args,
              content_type=kind, **how)
    assert rec["parse"]["error"] is None, rec["parse"]
    return rec["extract"]


def urls(x):
    return [link["url"] for link in x["links"]]


DECL = '<?xml version="1.0" encoding="UTF-8"?>\n'
RSS = DECL + """<rss version="2.0"
    xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>The &amp; feed</title><link>http://h.test/</link>
<atom:link href="/rss.xml" rel="self"/>
<item><title>One &lt;b&gt;</title><link>http://h.test/1?a=1&amp;b=2</link>
 <guid isPermaLink="false">x1</guid></item>
<item><title><![CDATA[Two <i>]]></title><link><![CDATA[ /2 ]]></link></item>
<item><title>Three</title><guid>http://h.test/3</guid>
 <enclosure url="/3.mp3" type="audio/mpeg" length="1"/></item>
</channel></rss>"""


@pytest.mark.parametrize("kind", ["application/rss+xml; charset=utf-8",
                                  "text/xml", "application/xml", None])
def test_rss_gives_its_entries(ask, kind):
    x = found(ask, RSS, kind)
    assert x["title"] == "The & feed"
    assert x["links"] == [
        {"url": "http://h.test/", "text": "The & feed", "rel": None},
        {"url": ask.url("/rss.xml"), "text": "The & feed", "rel": "self"},
        {"url": "http://h.test/1?a=1&b=2", "text": "One <b>", "rel": None},
        {"url": ask.url("/2"), "text": "Two <i>", "rel": None},
        {"url": "http://h.test/3", "text": "Three", "rel": None},
        {"url": ask.url("/3.mp3"), "text": "Three", "rel": "enclosure"}]


def test_rss_1_gives_its_entries(ask):
    x = found(ask, DECL + """<rdf:RDF xmlns="http://purl.org/rss/1.0/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<channel rdf:about="http://h.test/"><title>Old</title>
<link>http://h.test/</link></channel>
<item rdf:about="http://h.test/a"><title>A</title>
<link>http://h.test/a</link></item></rdf:RDF>""", "application/rdf+xml")
    assert x["title"] == "Old"
    assert [(k["url"], k["text"]) for k in x["links"]] == [
        ("http://h.test/", "Old"), ("http://h.test/a", "A")]


def test_atom_links_obey_xml_base(ask):
    x = found(ask, DECL + """<feed xmlns="http://www.w3.org/2005/Atom"
 xml:base="/feeds/"><title type="html">F</title>
<link href="all"/><link rel="self" href="http://h.test/self"/>
<entry xml:base="deep/"><title>E</title><link href="e1" rel="alternate"/>
<link xml:base="er/" href="e2"/></entry>
<entry><title>G</title><link href="../g"/></entry></feed>""",
              "application/atom+xml")
    assert x["title"] == "F"
    assert [(k["url"], k["text"], k["rel"]) for k in x["links"]] == [
        (ask.url("/feeds/all"), "F", None),
        ("http://h.test/self", "F", "self"),
        (ask.url("/feeds/deep/e1"), "E", "alternate"),
        (ask.url("/feeds/deep/er/e2"), "E", None),
        (ask.url("/g"), "G", None)]


@pytest.mark.parametrize("root,entry", [("urlset", "url"),
                                        ("sitemapindex", "sitemap")])
def test_sitemaps_give_their_locations(ask, root, entry):
    ns = "http://www.sitemaps.org/schemas/sitemap/0.9"
    x = found(ask, f"""{DECL}<{root} xmlns="{ns}"
 xmlns:i="http://www.google.com/schemas/sitemap-image/1.1">
<{entry}><loc>
  http://h.test/a b?x=1&amp;y=2 </loc><lastmod>2026-01-01</lastmod>
  <i:image><i:loc>http://h.test/pic</i:loc></i:image></{entry}>
<{entry}><loc>/\u00fc</loc></{entry}>
<{entry}><loc></loc></{entry}></{root}>""")
    assert urls(x) == ["http://h.test/a%20b?x=1&y=2", ask.url("/%C3%BC")]


def test_a_sitemap_of_50_000_locations_is_read_whole(ask):
    body = "<urlset>" + "".join(
        f"<url><loc>http://h.test/{i}</loc></url>" for i in range(50000)) \
        + "</urlset>"
    x = found(ask, body, "text/xml", "--body", "none")
    assert urls(x) == [f"http://h.test/{i}" for i in range(50000)]


def test_xhtml_is_a_page(ask):
    x = found(ask, DECL + """<!DOCTYPE html PUBLIC
 "-//W3C//DTD XHTML 1.0 Strict//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>X&eacute;</title>
<base href="/b/" /></head><body><p>T<br/>U</p><a href="x">l</a></body>
</html>""", "application/xhtml+xml")
    assert x["title"] == "X\u00e9" and urls(x) == [ask.url("/b/x")]
    assert x["text"].startswith("T\nU")


def test_selectors_work_on_xml(ask):
    rec = ask(RSS, "--xpath", "t=//item/title/text()", "--xpath",
              "l=/rss/channel/item[1]/link/text()", "--css",
              "g=guid::text", content_type="text/xml")
    assert rec["extract"] == {
        "t": ["One <b>", "Two <i>", "Three"],
        "l": ["http://h.test/1?a=1&b=2"], "g": ["x1", "http://h.test/3"]}


def test_broken_xml_gives_what_can_be_read(ask):
    x = found(ask, RSS[:RSS.index("<item><title>Three")])
    assert x["title"] == "The & feed"
    assert "http://h.test/1?a=1&b=2" in urls(x)


def test_xml_that_is_none_at_all_is_parse_failed(ask):
    rec = ask("\x00\x01\x02", "--extract", "title", content_type="text/xml")
    assert rec["parse"]["error"] == "parse_failed"
    assert rec["extract"] is None and rec["error"] is None
    assert rec["parse"]["worker"] >= 1


# -- documents that would rather read our files -------------------------------

HOSTILE = {
    "file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "url": '<!DOCTYPE a [<!ENTITY x SYSTEM "URL">]><a>&x;</a>',
    "public": '<!DOCTYPE a [<!ENTITY x PUBLIC "p" "URL">]><a>&x;</a>',
    "dtd": '<!DOCTYPE a SYSTEM "URL"><a>&x;</a>',
    "file dtd": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a>&x;</a>',
    "parameter": '<!DOCTYPE a [<!ENTITY % p SYSTEM "URL"> %p;]><a>&x;</a>',
    "file parameter": '<!DOCTYPE a [<!ENTITY % f SYSTEM "file:///etc/passwd">'
                      '<!ENTITY % e "<!ENTITY x SYSTEM \'URL?%f;\'>"> %e;]>'
                      "<a>&x;</a>",
    "nested": '<!DOCTYPE a [<!ENTITY y SYSTEM "file:///etc/passwd">'
              '<!ENTITY x "&y;">]><a b="&x;">&x;</a>',
    "xinclude": '<a xmlns:i="http://www.w3.org/2001/XInclude">'
                '<i:include href="file:///etc/passwd" parse="text"/>'
                '<i:include href="URL"/></a>',
    "stylesheet": '<?xml-stylesheet type="text/xsl" href="URL"?><a>&x;</a>',
    "schema": '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
              'xsi:noNamespaceSchemaLocation="URL">&x;</a>',
}


@pytest.mark.parametrize("args", [(), ("--no-sandbox", "-q")], ids=str)
@pytest.mark.parametrize("kind", ["application/xml", "text/html"])
@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_is_ever_loaded(fetchd, origin, what, kind, args):
    seen = origin()
    body = HOSTILE[what].replace("URL", seen.url("/evil"))
    ask = parsing.Asker(fetchd, origin)
    rec = ask(body, "--extract", "text,title,links", "--xpath", "a=//a",
              "--xpath", "s=string(/)", *args, content_type=kind)
    assert "root:" not in repr(rec["extract"]), rec["extract"]
    assert not seen.conns
    assert rec["parse"]["error"] in (None, "parse_failed")


@pytest.mark.parametrize("xpath", [
    "document('{}')", "unparsed-text('/etc/passwd')",
    "doc('/etc/passwd')", "system-property('xsl:vendor')"])
def test_xpath_has_no_function_that_loads(fetchd, origin, xpath):
    seen = origin()
    o = origin(parsing.site({"/": page("<p>x")}))
    res = fetchd("--xpath", "d=" + xpath.format(seen.url()), o.url("/"),
                 exit=None)
    if res.exit == 0:
        assert res.one["parse"]["error"] == "parse_failed"
        assert res.one["extract"] == {"d": None}
    else:
        assert res.exit == 2
    assert not seen.conns


def laughs(levels, each=10):
    ents = '<!ENTITY e0 "ha">' + "".join(
        f'<!ENTITY e{i} "{f"&e{i - 1};" * each}">' for i in range(1, levels))
    return f"<!DOCTYPE a [{ents}]><a>&e{levels - 1};</a>"


BOMBS = {
    "laughs": laughs(10),
    "quadratic": '<!DOCTYPE a [<!ENTITY x "' + "x" * 50000 + '">]><a>'
                 + "&x;" * 50000 + "</a>",
    "in attributes": laughs(10).replace("<a>&e9;</a>", '<a b="&e9;"/>'),
    "parameters": "<!DOCTYPE a [<!ENTITY % p0 'ha'>" + "".join(
        f"<!ENTITY % p{i} '{f'%p{i - 1};' * 10}'>" for i in range(1, 10))
        + "%p9;]><a/>",
    "loop": '<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a>&x;</a>',
    "small ones": '<!DOCTYPE a [<!ENTITY x "' + "x" * 60 + '">]><a>'
                  + "&x;" * 300000 + "</a>",
}


@pytest.mark.parametrize("what", BOMBS)
def test_entities_that_grow_are_bounded(fetchd, origin, what):
    o = origin(parsing.site({"/": page(BOMBS[what], "text/xml")}))
    run = fetchd.start("--extract", "title,text", "--xpath", "s=string(/)",
                       "--body", "none", o.url("/"))
    began = time.monotonic()
    with parsing.Peaks(run.pid) as peaks:
        rec = run.finish().one
    assert rec["parse"]["error"] in (None, "parse_failed",
                                     "parse_too_large"), rec["parse"]
    assert rec["parse"]["time"] < 5 and time.monotonic() - began < 15
    assert peaks.rss < 500 << 20
    if rec["extract"] and rec["extract"]["text"]:
        assert len(rec["extract"]["text"]) < 20 << 20
