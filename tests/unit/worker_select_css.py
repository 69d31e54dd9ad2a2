#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Writes worker_select_css.golden: selectors, and what parsel 1.7 with cssselect 1.2
makes of them for HTML and for XML (null: refused), a JSON list a line.

Some are written by hand, the others made up from a fixed seed. Left out is what
is meant to differ:
- a comma without a blank inside :is(): cssselect loses what follows it
- capitals beyond ASCII in names: cssselect makes them small, the HTML parser
  does not, so that nothing would match
- escapes that stand for no character, which lxml refuses later
- more than 200 parts in a row
"""
import json
import os
import random
import re
import warnings

from parsel.csstranslator import GenericTranslator, HTMLTranslator

BY_HAND = r"""
a
*
DIV
#id
a#id
.c
a.c.d
*.c
#1x
.-x
.--x
a b
a > b
a>b
a + b
a~b
a b > c + d ~ e
a, b
a , b,c
ns|a
*|a
|a
ns|*
a.b|c
[x]
[ns|x]
[*|x]
[|x]
[x=y]
[x="y z"]
[x='it"s']
[x="it's"]
[x='"\'']
[x~=y]
[x~="y z"]
[x~=""]
[x|=en]
[x^=y]
[x^=""]
[x$=日本]
[x$=""]
[x*=y]
[x*=""]
[x!=y]
[x!=""]
[ x = y ]
[x=y i]
[X-Y=Z]
[1x]
[x=1]
[x=-1]
[x=-a]
[data-\:x]
a::text
a ::text
*::text
* ::text
::text
a > ::text
a::attr(href)
a::attr("href")
a ::attr( href )
::attr(x)
a::attr()
a::attr(a b)
a::attr(1)
a::text::text
a::text b
a::text, b::attr(x)
a::TEXT
a::before
a:before
a::foo(x)
:root
:scope
:scope > a
a, :scope b
a :scope
*:scope
a:scope
div > :scope
:first-child
a:first-child
a:last-child
a:only-child
a:first-of-type
a:last-of-type
a:only-of-type
:first-of-type
.x:last-of-type
a:empty
a:link
a:visited
a:hover
a:active
a:focus
a:target
a:enabled
a:disabled
a:checked
a:CHECKED
a:nope
a:first_child
a:nth-child(1)
a:nth-child( 2 )
a:nth-child(odd)
a:nth-child(even)
a:nth-child(ODD)
a:nth-child(n)
a:nth-child(-n)
a:nth-child(+n)
a:nth-child(2n)
a:nth-child(2n+1)
a:nth-child(2n + 1)
a:nth-child(2n- 1)
a:nth-child(-2n+6)
a:nth-child(-n+3)
a:nth-child(-3n-1)
a:nth-child(5n+12)
a:nth-child(5n-12)
a:nth-child(0n+4)
a:nth-child(n+3)
a:nth-child(0)
a:nth-child(-1)
a:nth-child(x)
a:nth-child()
a:nth-child("2")
a:nth-child(1.5)
a:nth-last-child(2n+1)
a:nth-of-type(2)
a:nth-last-of-type(3n)
:nth-of-type(2)
*:nth-last-of-type(2)
a:not(b)
a:not(.b)
a:not(#b)
a:not([b])
a:not(*)
a:not( .b )
a:not(.b .c)
a:not(.b, .c)
a:not(:not(.b))
a:not(:first-child)
a:not(:nth-child(2))
a:not()
a:not(b::text)
:not(a):not(.b)
a:has(b)
a:has(> b)
a:has(+ b)
a:has(~ b)
a:has(- b)
a:has(.b)
a:has(> .b)
a:has(b.c)
a:has(b c)
a:has("b c")
a:has(*)
a:has(#b)
a:has( b)
a:has(b )
a:has()
a.x:has(b)
a.x:has(> b).y
a + b:has(c)
a:is(b)
a:is(b, .c)
a:is(b, .c, [d])
a.x:is(b, .c)
:is(a, b) c
a:is(:not(b))
a:is(b c)
a:is()
a:is(b, )
a:is(b::text)
:is(a
:matches(a, b)
:where(a, b)
a:where(.b, *)
a:contains(x)
a:contains("x y")
a:contains("it's")
a:contains()
a:contains(x y)
a:contains('"\'')
a:lang(en)
a:lang("en-GB")
a:lang()
a:lang("")
a:lang(EN)
\31 23
a\:b
a\.b.c
.\31 a
#a\#b
\e9
\E9 a
caf\e9
caf\0000e9 b
café
日本 .語
\110000
.a\\b
[x="a\
b"]
[x="\41\42 C"]
[x="\"]
[x="a
/* c */a/* d */.b
a /* c */ > b
a/* unclosed
a/**/b
a:
a::
a:(
a[
a[x
a[x=
a[x=]
a[x=y
a]
a)
a(
a{
}
.
#
..a
.1a
a >
> a
a > > b
a,,b
,a
a,
a b,
+
a:nth-child(2
a:not(b
'a'
"a"
1
$a
@a
a|b|c
a:foo()
a:foo(1)
a!b
a:not(a)b
a[x]b
a*
a.b#c[d]:first-child:not(.e)::text
.a:nth-child(2)::attr(x), #b > c ~ d:last-of-type ::text
""".split("\n")[1:-1] + [" a "]
IDENTS = ["a", "div", "P", "LI", "foo-bar", "_x", "-y", "n", "odd", "h1",
          "\\31 23", "caf\u00e9", "\u65e5\u672c", "x\\:y", "\\2f z", "svg",
          "n-1", "text", "\\e9", "O\\'N"]
SIMPLE = ["root", "first-child", "last-child", "first-of-type", "empty",
          "only-child", "only-of-type", "link", "hover", "checked", "nope"]
SERIES = ["2", "2n", "2n+1", "odd", "n", "-n+3", "n-1", "2n - 1", "-2n+5",
          "0", "5n-7", "x", "", "-3n-1", "n+2"]
MADE_UP = 250


def string(r):
    q = r.choice("'\"")
    return q + "".join(r.choice(["a", "b c", " ", "\\41 ", "\\" + q, "\u00e9",
                                 "\\\\", "]", ")", "it's" if q == '"' else '"'])
                       for _ in range(r.randrange(4))) + q


def attrib(r):
    op = r.choice(["", "=", "~=", "|=", "^=", "$=", "*=", "!="])
    name = r.choice([""] * 6 + ["ns|", "*|"]) + r.choice(IDENTS)
    value = r.choice([string(r), r.choice(IDENTS), "12"]) if op else ""
    return f"[{name}{op}{value}]"


def pseudo(r, depth):
    k = r.randrange(9)
    if k < 3:
        return ":" + r.choice(SIMPLE)
    if k < 5:
        return (":" + r.choice(["nth-child", "nth-last-child", "nth-of-type",
                                "nth-last-of-type"])
                + f"({r.choice(SERIES)})")
    if k == 5 or depth > 1:
        return f":{r.choice(['contains', 'lang'])}({string(r)})"
    if k == 6:
        return f":not({compound(r, depth + 1)})"
    if k == 7:
        return (":has(" + r.choice(["", "> ", "+ ", "~ "])
                + r.choice(["a", ".b", "*", "a.b"]) + ")")
    inside = ", ".join(compound(r, depth + 1) for _ in range(2))
    return f":{r.choice(['is', 'where'])}({inside})"


def compound(r, depth=0):
    s = r.choice(["", "*"] + [r.choice(IDENTS)] * 5 + ["ns|a", "*|b", "ns|*"])
    for _ in range(r.choice([0, 0, 1, 1, 2])):
        s += r.choice([lambda: "." + r.choice(IDENTS), lambda: attrib(r),
                       lambda: "#" + r.choice(IDENTS),
                       lambda: pseudo(r, depth), lambda: pseudo(r, depth)])()
    return s


def selector(r):
    s = compound(r)
    for _ in range(r.choice([0, 0, 1, 2])):
        s += r.choice([" ", " > ", " + ", " ~ "]) + compound(r)
    return s + r.choice([""] * 5 + ["::text", " ::text", "::attr(x)"])


def translate(translator, css):
    try:
        path = translator.css_to_xpath(css)
    except Exception:
        return None
    # Their lines are indented as cssselect's source is.
    if re.search(":(en|dis)abled", css):
        path = re.sub(r"\s+", " ", path)
    return path


def main():
    warnings.simplefilter("ignore")
    r = random.Random(5)
    html, xml = HTMLTranslator(), GenericTranslator()
    made_up = [", ".join(selector(r) for _ in range(r.choice([1, 1, 1, 2])))
               for _ in range(MADE_UP)]
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".golden"
    with open(path, "w", encoding="utf-8") as f:
        for css in BY_HAND + made_up:
            row = [css, translate(html, css), translate(xml, css)]
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


main()
