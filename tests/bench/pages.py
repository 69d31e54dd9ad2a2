# SPDX-License-Identifier: ISC
"""Pages as the web has them, of 140 KB: mega menus, articles, tables, cards,
comments, inline styles, scripts and JSON-LD, in the manner of four kinds of
site, sloppy ones among them. The same for the same number. Knows nothing of
who serves or reads them."""

import gzip
import html
import json
import os
import random

COUNT = 20
BYTES = 140000

COMMON = """the of and to in is that for it with as was on are by be this from
at or an have not which but has were can their more will one all also its other
when there been if about would who some than them into only time may these two
after most first such over new used many between where she made during through
year years people city world state government company market report police
water school family house system national public health during against under
music team season game group history century war church university art book
film work life place area river island language law party election president
minister council member service energy price cost money bank trade industry
food car road train airport travel hotel restaurant summer winter morning
evening week month today yesterday tomorrow science research study data
computer software network internet phone camera photo video image colour light
sound voice story letter paper magazine television radio""".split()

BEGIN = """con pro re de in ex per sub trans inter ad com dis en fore mis over
un up mar sel tor ban kel vir lum nor fal gra hel mon pal ros san tal ver wal
zan bra cle dro fli gre""".split()
MIDDLE = """ta ri mo le si na co du vi pe lo ma ter den lin ber gan ros tic ven
tra mer sta""".split()
END = """tion ment ing ed er ly ous al ity ism ist ance ence ive able ful ness
ship ward land ton ford burg stein wick ham ville""".split()
ODD = ["é", "ü", "ß", "ñ", "ø", "ç", "š", "ł", "å", "ö"]
MARKS = ["&mdash;", "&nbsp;&ndash;", "&hellip;", "&#8217;s", "&amp;", "“", "”",
         "&laquo;", "&raquo;", "&eacute;", "&euro;"]


class Writer:
    """One page in the making."""

    def __init__(self, n):
        self.random = random.Random(n)
        self.out, self.size, self.n = [], 0, n
        self.site = f"www.{self.rare()}.example"
        self.words = [self.rare() for _ in range(900)]
        self.sloppy = n % 4 == 3

    def put(self, text):
        self.out.append(text)
        self.size += len(text.encode())

    # ---- words -------------------------------------------------------------

    def rare(self):
        r = self.random
        word = (r.choice(BEGIN) + "".join(
            r.choice(MIDDLE) for _ in range(r.randrange(3))) + r.choice(END))
        if r.random() < 0.04:
            at = r.randrange(1, len(word))
            word = word[:at] + r.choice(ODD) + word[at:]
        return word

    def word(self):
        r = self.random
        if r.random() < 0.55:
            return r.choice(COMMON)
        return self.words[min(int(r.expovariate(1 / 160)), 899)]

    def phrase(self, least, most):
        count = self.random.randint(least, most)
        return " ".join(self.word() for _ in range(count)).capitalize()

    def slug(self):
        text = self.phrase(3, 7).lower().replace(" ", "-")
        return "".join(c for c in text if c.isascii())

    def href(self):
        """As they come: rooted, relative, absolute, foreign, with queries."""
        r = self.random
        path = f"{r.choice(self.words[:12])}/{self.slug()}"
        kind = r.random()
        if kind < 0.45:
            return f"/{path}"
        if kind < 0.6:
            return f"../{self.slug()}.html"
        if kind < 0.75:
            return f"https://{self.site}/{path}/"
        if kind < 0.85:
            return (f"?page={r.randint(1, 40)}&amp;sort=date&amp;ref="
                    f"{r.choice(self.words)}#c{r.randint(1000, 99999)}")
        if kind < 0.9:
            return f"//cdn.{self.rare()}.example/{path}"
        if kind < 0.97:
            return f"https://{self.rare()}.example/{path}?utm_source=feed"
        return r.choice(["#top", "mailto:news@example.com",
                         "javascript:void(0)", "tel:+4930123456"])

    def link(self, text=None, css=""):
        text = text or html.escape(self.phrase(1, 4))
        css = f' class="{css}"' if css else ""
        rel = ' rel="nofollow noopener" target="_blank"' \
            if self.random.random() < 0.1 else ""
        href = self.href()
        if self.sloppy and self.random.random() < 0.3 and "&" not in href:
            return f"<A HREF={href}{css.replace(chr(34), chr(39))}>{text}</A>"
        return f'<a href="{href}"{css}{rel}>{text}</a>'

    def sentence(self):
        r = self.random
        words = [self.word() for _ in range(r.randint(6, 24))]
        words[0] = words[0].capitalize()
        for _ in range(r.randrange(3)):
            at = r.randrange(len(words))
            kind = r.random()
            if kind < 0.35:
                words[at] = self.link(words[at])
            elif kind < 0.75:
                tag = r.choice(["em", "strong", "b", "i", "code", "abbr",
                                "span", "cite"])
                words[at] = f"<{tag}>{words[at]}</{tag}>"
            else:
                words[at] += r.choice(MARKS)
        return " ".join(words) + r.choice(". . . ! ?".split())

    def paragraph(self, css=""):
        text = " ".join(self.sentence()
                        for _ in range(self.random.randint(2, 6)))
        css = f' class="{css}"' if css else ""
        self.put(f"<p{css}>{text}" + ("\n" if self.sloppy else "</p>\n"))

    # ---- the head ----------------------------------------------------------

    def head(self):
        title = html.escape(self.phrase(5, 10))
        self.put('<!DOCTYPE html>\n<html lang="en" class="no-js">\n<head>\n'
                 '<meta charset="utf-8">\n'
                 f"<title>{title} | {self.site}</title>\n")
        about = html.escape(self.phrase(15, 30))
        for name in ("description", "twitter:description", "keywords",
                     "author", "robots", "theme-color", "viewport"):
            self.put(f'<meta name="{name}" content="{about}">\n')
        for name in ("title", "type", "url", "image", "site_name", "locale"):
            self.put(f'<meta property="og:{name}" content="{title}">\n')
        self.put(f'<link rel="canonical" href="https://{self.site}/'
                 f'{self.slug()}">\n')
        for i in range(10):
            self.put('<link rel="stylesheet" media="screen and (min-width: '
                     f'{320 + 64 * i}px)" href="/static/css/{self.rare()}.'
                     f'{self.random.getrandbits(64):016x}.css">\n')
        self.style(8000)
        self.script(6000)
        self.jsonld(title)
        self.put("<!--[if lt IE 9]><script src='/js/html5shiv.js'></script>"
                 "<![endif]-->\n</head>\n")

    def style(self, size):
        until = self.size + size
        self.put("<style>\n")
        while self.size < until:
            r = self.random
            self.put(f".{self.rare()}-{self.rare()}>.{self.rare()}:hover,"
                     f"#{self.rare()}{{display:{r.choice(['flex', 'block'])};"
                     f"margin:{r.randrange(40)}px 0 {r.randrange(9)}em;"
                     f"color:#{r.getrandbits(24):06x};"
                     f"transition:opacity .{r.randrange(10)}s ease-in-out}}\n")
        self.put("</style>\n")

    def script(self, size):
        until = self.size + size
        self.put('<script type="text/javascript">/*<![CDATA[*/\n!function(w,d)'
                 "{'use strict';")
        while self.size < until:
            a, b = self.random.choice(self.words), self.rare()
            self.put(f"var {a}={{id:{self.random.randrange(10**6)},k:\"{b}\","
                     f"f:function(e,t){{for(var n=0;n<t.length&&e[n]!=null;n++)"
                     f"if(e[n]>t[n])d.write('<div class=\"{b}\"><\\/div>');"
                     f"return {a}||w.{b}}}}};")
        self.put("}(window,document);/*]]>*/</script>\n")

    def jsonld(self, title):
        self.put('<script type="application/ld+json">' + json.dumps({
            "@context": "https://schema.org", "@type": "NewsArticle",
            "headline": title, "datePublished": "2024-03-01T08:00:00Z",
            "author": [{"@type": "Person", "name": self.phrase(2, 2)}],
            "articleBody": " ".join(self.phrase(10, 20) for _ in range(8)),
            "itemListElement": [{"@type": "ListItem", "position": i,
                                 "name": self.phrase(1, 3)}
                                for i in range(6)]}) + "</script>\n")

    # ---- the body ----------------------------------------------------------

    def menu(self, groups, each):
        self.put('<nav class="nav nav--primary js-nav" role="navigation" '
                 'aria-label="Main">\n<ul class="nav__list">\n')
        for _ in range(groups):
            self.put('  <li class="nav__item nav__item--has-children">\n'
                     f'    {self.link(css="nav__link nav__link--top")}\n'
                     '    <div class="nav__panel" aria-hidden="true"><ul>\n')
            for _ in range(each):
                self.put('      <li class="nav__sub">'
                         f'{self.link(css="nav__link")}'
                         + ("\n" if self.sloppy else "</li>\n"))
            self.put("    </ul></div>\n  </li>\n")
        self.put("</ul></nav>\n")

    def figure(self):
        src = f"https://img.{self.site}/{self.random.getrandbits(48):012x}"
        sizes = ", ".join(f"{src}-{w}.jpg {w}w" for w in (320, 640, 960, 1280))
        self.put(f'<figure class="media"><img src="{src}.jpg" srcset="{sizes}"'
                 f' alt="{html.escape(self.phrase(4, 9))}" width=640 height=360'
                 f' loading="lazy"><figcaption>{self.sentence()}</figcaption>'
                 "</figure>\n")

    def table(self, rows, columns):
        self.put('<table class="wikitable sortable" border="1">\n<caption>'
                 f"{self.phrase(3, 6)}</caption>\n<tr>")
        self.put("".join(f'<th scope="col">{self.phrase(1, 2)}</th>'
                         for _ in range(columns)) + "</tr>\n")
        for _ in range(rows):
            cells = [self.link()] + [
                f"{self.random.randrange(10**6):,}" for _ in range(columns - 1)]
            end = "" if self.sloppy else "</td>"
            self.put("<tr>" + "".join(
                f'<td style="text-align:right">{c}{end}' for c in cells)
                + "</tr>\n")
        self.put("</table>\n")

    def cards(self, count):
        for _ in range(count):
            self.put('<article class="card card--teaser" data-id="'
                     f'{self.random.randrange(10**8)}" data-track=\'{{"pos":'
                     f'{self.random.randrange(50)}}}\'><div class="card__media">'
                     '<svg viewBox="0 0 24 24"><path d="M12 2L2 7l10 5 10-5-10'
                     '-5z"/></svg></div><div class="card__body"><h3 class="'
                     f'card__title">{self.link(self.phrase(4, 9))}</h3>'
                     f'<p>{self.sentence()}</p><time datetime="2024-0'
                     f'{self.random.randint(1, 9)}-11">3 h ago</time>'
                     "</div></article>\n")

    def comments(self, count, depth=0):
        for i in range(count):
            self.put(f'<div class="comment comment--l{depth}" id="c'
                     f'{self.random.randrange(10**6)}"><div class="comment__by">'
                     f"{self.link(self.rare())} wrote <br>{self.link('reply')}"
                     "</div>")
            self.paragraph("comment__text")
            if i % 3 == 0 and depth < 5:
                self.comments(2, depth + 1)
            self.put("</div>\n")

    def lists(self):
        self.put("<ul>\n" + "".join(
            f"<li>{self.sentence()}" + ("\n" if self.sloppy else "</li>\n")
            for _ in range(self.random.randint(4, 9))) + "</ul>\n")

    def section(self):
        self.put(f'<h2 id="{self.slug()}">{self.phrase(2, 6)}</h2>\n')
        for _ in range(self.random.randint(2, 4)):
            self.paragraph()
        kind = self.random.randrange(5)
        if kind == 0:
            self.figure()
        elif kind == 1:
            self.lists()
        elif kind == 2:
            self.put(f"<blockquote>{self.sentence()}</blockquote>\n")

    def main(self):
        self.put('<main id="content"><article class="story">\n<h1>'
                 f"{self.phrase(5, 9)}</h1>\n")
        kind = self.n % 4  # news, encyclopedia, shop, forum
        if kind == 1:
            for _ in range(3):
                self.table(18, 6)
        self.cards((30, 8, 70, 12)[kind])
        if kind == 3:
            self.comments(14)
        while self.size < BYTES - 14000:
            self.section()
            self.cards((1, 0, 2, 0)[kind])
        self.put("</article></main>\n")

    def tail(self):
        self.put('<footer class="footer"><div class="footer__grid">\n')
        self.menu(5, 9)
        self.put(f"<small>&copy; 2024 {self.site}. All rights reserved.</small>"
                 "</div></footer>\n")
        while self.size < BYTES - 2400:
            self.script(min(2000, BYTES - 2000 - self.size))
        left = BYTES - self.size - len("<!-- -->\n</body>\n</html>\n")
        self.put(f"<!-- {'generated ' * (left // 10)}{'.' * (left % 10)}-->\n"
                 "</body>\n</html>\n")


def make(n):
    """The page's bytes, BYTES of them."""
    w = Writer(n)
    w.head()
    w.put('<body class="page page--article" data-page="1">\n'
          '<a class="skip" href="#content">Skip to content</a>\n')
    w.menu(*((8, 12), (4, 8), (10, 12), (5, 6))[n % 4])
    w.main()
    w.tail()
    return "".join(w.out).encode()


def write(folder):
    """COUNT of them as gzip -6 leaves them, named by their numbers."""
    os.makedirs(folder, exist_ok=True)
    for n in range(COUNT):
        with open(os.path.join(folder, str(n)), "wb") as f:
            f.write(gzip.compress(make(n), 6, mtime=0))
