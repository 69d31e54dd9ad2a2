# SPDX-License-Identifier: ISC
"""What Scrapy's users write gives the same result here.

Every selector below, on every page in pages/, through the real fetchd-worker
and through parsel: the lists must be equal. What is known to differ stands in
KNOWN with its reason; anything else is a failure. Run as a program it prints
the table.
"""
import collections
import json
import os
import sys

import parsel
import parsel.utils
import pytest

import frames

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pages")
TYPES = {".html": "text/html", ".xml": "application/xml"}
ENCODINGS = {"cyrillic.html": "cp1251"}

CSS = r"""
*
title::text
html
body > *
h1
h1 ::text
h1 *::text
p
p::text
p ::text
a
a::attr(href)
a[href]::text
a[href^="http"]::attr(href)
a[href^=http]::attr(href)
a[href$=".html"], a[href$="HTM"]
a[href*="?"]::attr(href)
a[href*='&']::attr(href)
a[rel~="nofollow"]
a[rel=author]::text
a:not([href])
a:not(.tag)::attr(href)
a.tag.hot::text
A::ATTR(HREF)
A[HREF]
.post
.post.featured h1 em::text
.item .amount::text
tr.item > td.name a::text
tr.item:nth-child(2n+1) td:first-child ::text
tr:nth-child(odd)
tr:nth-child(-n+2)
tr:nth-last-child(1)
tr:nth-of-type(3n - 1) td
td:nth-last-of-type(2)::text
li:first-child::text
li:last-child a::attr(href)
li:only-child
li:first-of-type, li:last-of-type
p:only-of-type
p:empty
:empty
:root
:root > body
ul li + li
h2 ~ p
h2 + p::text
div > div > p::text
div p
#dup
#id-none
#firstHeading i::text
table.infobox th[scope="row"]::text
table.infobox tr:has(th) td::text
div:has(> p)
p:has(a)::text
ul:has(li.active) a
li:has(+ li)
:is(h1, h2, h3)::text
:matches(h1, title)
:where(td, th)::text
p:contains("Bridge")
a:contains('x')::attr(href)
:lang(en)
span:lang(no), i:lang(no)
:link
a:link::attr(href)
input:checked
option:checked::text
:checked
:disabled
:enabled
input:enabled
:hover
a:visited
input[type="hidden"]::attr(value)
input[type=text], input[type=search]
input[name!="q"]::attr(name)
select[name=sort] option::attr(value)
[data-price]::attr(data-price)
*[data-id]
[lang|=en]
meta[property="og:title"]::attr(content)
meta[name="description"]::attr(content)
link[rel="canonical"]::attr(href)
script::text
script[type="application/ld+json"]::text
style::text
img::attr(src), img::attr(alt)
img[alt="a > b"]
body::attr(class)
body.article
font::text
font
td[align="CENTER"]
.новость a::text
div.новость.главная
#予報 .雨 td::text
p.日付::text
custom-tag
x\:y
item title::text
item > link::text
entry
channel > item:first-of-type
item category:last-of-type::text
loc::text
A
[n="1"], [N="2"]
d
title, h1, .byline
, title
title,
div > p:nth-child(2)
blockquote p:last-child
ol[start="3"] li b::text
time::attr(datetime)
figure img[width="640"]
.d10 > .d11 > .d12
.d59 p a::text
span span span:only-child::text
noscript::text
template p::text
script#__NEXT_DATA__::text
*::text
* > a::text
body *:not(script):not(style)::text
:scope > body > h1
td::attr("data-price")
""".strip("\n").split("\n")

XPATH = r"""
/
/html
/*
//*
.
..
title
body/h1
//title/text()
//text()
//p
//p//text()
//a/@href
//@*
//@class
//comment()
//processing-instruction()
//node()
/node()
//p/node()
//h1/following::p[1]
//h1/following-sibling::*
//h2/preceding-sibling::p
//a/ancestor::div/@class
//a/parent::*/@id
//li[1]
(//li)[1]
//li[last()]
//li[position() < 3]
//tr[td[2]]
//td[2]/text()
//*[@id]/@id
//*[@class="item"]
//*[contains(@class, "item")]/@class
//*[contains(concat(" ", normalize-space(@class), " "), " post ")]
//*[has-class("item")]
//*[has-class("post", "featured")]/@data-id
//body[has-class("news", "dark")]/@id
//a[starts-with(@href, "/")]/@href
//a[contains(., "e")]/text()
//a[normalize-space()="Links"]/@href
//p[not(@class)]
//p[count(a) > 0]
//p[string-length() > 20]
//img[@alt and @width]/@src
//input[@type="hidden"]/@value
//select/option[@selected]/text()
//meta[@property="og:image"]/@content
//script[contains(., "__STATE__")]/text()
//script/@src
//h1 | //title
//title | //h1 | //a[1]
//table//tr/td[1]//text()
//tr[position() mod 2 = 1]
//ul/li[a and not(@class)]
string(//h1)
string(//title)
string(.)
string(//nothing)
normalize-space(//p)
concat(//title, " - ", //h1)
count(//a)
count(//p) div 3
count(//nothing)
sum(//span[@class="amount"])
sum(//span[@class="votes"])
number(//h1)
1 div 0
-1 div 0
0 div 0
-0.0
1 div 3
1e3
100000 * 100000000000
123456789012345678
0.00001234
0.1 + 0.2
floor(2.5) + round(2.5)
count(//a) > 3
boolean(//h1)
not(//h1)
//a = "x"
substring(//title, 2, 5)
substring-before(//title, " ")
translate(//h1, "abcdef", "ABCDEF")
name(//*[last()])
local-name(/*)
namespace-uri(/*)
//*[name()="x:y"]
//*[local-name()="entry"]
//*[local-name()="loc"]/text()
//*[local-name()="link"]/@href
//*[namespace-uri() != ""]
//p/namespace::*
//item/title/text()
//item/*
//item[1]
//channel/*[local-name()="creator"]/text()
//*[local-name()="encoded"]/text()
//*[local-name()="div"]
//*[local-name()="use"]/@*
//*[lang("en")]/@lang
id("top")
id("dup")
//a[re:test(@href, "^https?://")]/@href
//a[re:test(@href, "\d+")]/@href
//a[re:test(., "^[A-Z]\w+$", "i")]/text()
//*[re:test(@class, "(^|\s)item(\s|$)")]
re:match(//title, "\w+")
re:match(string(//title), "\w+", "g")
re:match(string(//h1), "(\w)(\w+)")
re:match(string(//h1), "(\w)(\w+)", "g")/text()
re:match(//nothing, "x")
re:match("abc", "x*", "g")
re:replace(//title, "[aeiou]", "g", "_")
re:replace(//title, "(\w+) (\w+)", "", "\2 \1")
re:replace("a.b.c", "\.", "g", "\g<0>\n")
re:replace("abc", "x*", "g", "-")
re:test(//h1, "é")
re:test(true(), "True")
re:test(2, "^2\.0$")
set:difference(//a, //li/a)/@href
set:intersection(//a, //li/a)/text()
set:distinct(//@class)
set:distinct(//a/text())
set:has-same-node(//a, //li/a)
set:leading(//p, //p[3])
set:trailing(//p, //p[3])
set:leading(//p, //nothing)
set:trailing(//p, //nothing)
set:trailing(//p, //h1)
//p[set:has-same-node(., //p[1])]
//tr[set:difference(td, td[1])]
//a[@href][not(@rel)][2]
//*[@*[name()="data-price"]]
//*[@itemtype]//div[@class="body"]/node()
//b/text() | //i/text() | //i
//p[last()]/following::*
//body//*[not(*)]
//*[self::h1 or self::h2 or self::h3]
//*[text()[contains(., "&")]]
//d | //pi | //r/node()
//r/a
string(//r)
//text()[normalize-space()]
""".strip("\n").split("\n") + ["  //title  "]

# Over the source; what Python's re makes of it.
REGEX = [
    r"\d+", r"<title>(.*?)</title>", r'href="([^"]+)"', r"(\w+)@(\w+)",
    r"(?i)<(a|font)\b", r"(?s)<script[^>]*>(.*?)</script>", r"\bп\w+|日\w*",
    r"(?P<extract>https?://[^\s\"'<]+)", r"(a)|(b)", r"x*", r"^<", r"(?m)^<",
    r">\Z", r"\u0041\w", r"[^\x00-\x7f]+", r"\s+$", r"(?P<n>\d)(?P=n)",
    r"[\w.-]+\.(?:gif|jpg)", r"nothing at all", r"(?=(\w{3}))", r"\v",
    r"a{,2}b",
]

# Refused by both, before any document is seen.
REFUSED_CSS = [
    "", "a b:", "div >", "a[href", "a[href=]", "a[1]", "p::before", "p::nope",
    "p::attr", "p::attr()", "p::attr(a b)", ":nope", "p:nth-child(x)",
    "p:nth-child()", "*:first-of-type", ":not(:not(a))", ":not(a b)",
    ":not(a, b)", "p::text a", "a,,b", "a)", "a{}", "a'b", "#", ".", "a:lang()",
    ":contains(a b)", ":has(#x)", "div :scope", "ns|a", "a + > b", "[*]",
    "a::attr('x y')", '[a="x', "p:nth-of-type(2", ":is(a, )", "$x",
]
REFUSED_XPATH = [
    "", "//", "//a[", "//a]", "a b", "count(1)", "$x", "nosuch()", "x:y",
    "x:y()", "'a", "//a[@href='x]", "1 +", "contains('a')", "re:test('a')",
    "set:distinct()", "()", "//a/(b)",
]

# (page, selector) -> why it differs. See also tests/unit/worker_select_css.py: what is
# meant to differ in XPath.
KNOWN = {
    ("entities.xml", s): "an entity made of entities, which could grow without "
                         "end, stands for nothing"
    for s in ("string(.)", "string(//r)")
}


def pages():
    return sorted(os.listdir(HERE))


def page(name):
    """Its bytes, content type, and text as Scrapy would have it."""
    with open(os.path.join(HERE, name), "rb") as f:
        body = f.read()
    return (body, TYPES[os.path.splitext(name)[1]],
            body.decode(ENCODINGS.get(name, "utf-8")))


def accepted(kind, selectors):
    """Those that parsel takes at all; the others are REFUSED's matter."""
    take = parsel.csstranslator.HTMLTranslator().css_to_xpath
    for s in selectors:
        if kind == "css":
            try:
                take(s)
            except Exception:
                continue
        yield s


JOBS = ([("css", s) for s in accepted("css", CSS)]
        + [("xpath", s) for s in XPATH] + [("regex", s) for s in REGEX])


def run(body, content_type, jobs):
    """What fetchd-worker makes of it: a list with each job's value."""
    with frames.Worker() as w:
        w.ready(*[(kind, str(i), s) for i, (kind, s) in enumerate(jobs)])
        _, text = w.parse(1, body, content_type=content_type)
    found = json.loads(text)
    return [found[str(i)] for i in range(len(jobs))]


def reference(text, content_type, jobs):
    """The same by parsel; None where it raises."""
    kind = "xml" if content_type == "application/xml" else "html"
    root = parsel.Selector(text=text, type=kind)
    values = []
    for kind, s in jobs:
        try:
            if kind == "regex":
                values.append(parsel.utils.extract_regex(
                    s, text, replace_entities=False))
            else:
                values.append(getattr(root, kind)(s).getall())
        except Exception:
            values.append(None)
    return values


def reason(name, s):
    return KNOWN.get((name, s))


def compare(name, with_run=run):
    """Equal, and (kind, selector, ours, parsel's) of those that are not."""
    body, content_type, text = page(name)
    ours = with_run(body, content_type, JOBS)
    theirs = reference(text, content_type, JOBS)
    differ = [(kind, s, a, b) for (kind, s), a, b in zip(JOBS, ours, theirs)
              if a != b]
    return len(JOBS) - len(differ), differ


@pytest.mark.parametrize("name", pages())
def test_a_page_gives_what_parsel_gives(name):
    _, differ = compare(name)
    wrong = [d for d in differ if not reason(name, d[1])]
    assert not wrong, "\n".join(
        f"{kind} {s}\n  ours   {a!r}\n  parsel {b!r}"
        for kind, s, a, b in wrong)


@pytest.mark.parametrize("kind,s", [("css", s) for s in REFUSED_CSS]
                         + [("xpath", s) for s in REFUSED_XPATH])
def test_what_parsel_refuses_is_refused_at_the_start(kind, s):
    with pytest.raises(Exception):
        getattr(parsel.Selector(text="<html/>"), kind)(s)
    with frames.Worker() as w:
        w.send(frames.config((kind, "name", s)))
        f = w.get()
    assert f.type == frames.BAD and b"name" in f.payload


def test_a_known_difference_is_one():
    names = {name for name, _ in KNOWN}
    differ = {(name, s) for name in names for _, s, _, _ in compare(name)[1]}
    assert differ == set(KNOWN)


def table(with_run=run):
    total = collections.Counter()
    for name in pages():
        equal, differ = compare(name, with_run)
        print(f"{name:16} {len(JOBS):5} selectors {equal:5} equal "
              f"{len(differ):4} differ")
        for kind, s, a, b in differ:
            print(f"    {kind} {s}: {reason(name, s) or 'UNKNOWN'}")
            if not reason(name, s):
                print(f"        ours   {a!r:.300}\n        parsel {b!r:.300}")
        total.update(pages=1, equal=equal, differ=len(differ))
    unknown = total["differ"] - len(KNOWN)
    print(f"{total['pages']} pages, {len(JOBS)} selectors, "
          f"{total['equal']} results equal, {total['differ']} not, "
          f"{unknown} of them unknown")
    return unknown


if __name__ == "__main__":
    sys.exit(1 if table() else 0)
