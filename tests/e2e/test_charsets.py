# SPDX-License-Identifier: ISC
"""Character sets: who says which one it is, what becomes of its bytes."""
import base64
import codecs

import pytest

import parsing


@pytest.fixture
def ask(fetchd, origin):
    return parsing.Asker(fetchd, origin)


RUSSIAN = "\u041f\u0440\u0438\u0432\u0435\u0442"
JAPANESE = "\u65e5\u672c\u8a9e\u306e\u30da\u30fc\u30b8"
CHINESE = "\u4e2d\u6587\u7f51\u9875"
TAIWANESE = "\u4e2d\u6587\u7db2\u9801"
# label: (Python's codec, a title)
SETS = {
    "utf-8": ("utf-8", "\u00e9\u20ac\U0001f600"),
    "windows-1251": ("cp1251", RUSSIAN), "koi8-r": ("koi8-r", RUSSIAN),
    "iso-8859-5": ("iso8859-5", RUSSIAN), "ibm866": ("cp866", RUSSIAN),
    "shift_jis": ("cp932", JAPANESE), "euc-jp": ("euc-jp", JAPANESE),
    "iso-2022-jp": ("iso-2022-jp", JAPANESE),
    "gb18030": ("gb18030", CHINESE), "gbk": ("gbk", CHINESE),
    "gb2312": ("gb2312", CHINESE), "big5": ("big5", TAIWANESE),
    "euc-kr": ("cp949", "\ud55c\uad6d\uc5b4"),
    "windows-1252": ("cp1252", "\u00e9\u20ac\u201cx\u201d"),
    "iso-8859-2": ("iso8859-2", "\u017elu\u0165ou\u010dk\u00fd"),
    "windows-1250": ("cp1250", "\u017elu\u0165ou\u010dk\u00fd"),
    "iso-8859-15": ("iso8859-15", "\u20ac\u0153"),
    "windows-1253": ("cp1253", "\u0391\u03b2\u03b3"),
    "windows-1254": ("cp1254", "\u015f\u0131\u011f"),
    "windows-1255": ("cp1255", "\u05e9\u05dc\u05d5\u05dd"),
    "windows-1256": ("cp1256", "\u0645\u0631\u062d\u0628\u0627"),
    "windows-874": ("cp874", "\u0e44\u0e17\u0e22"),
    "macintosh": ("mac-roman", "\u00e9\u00fc"),
}


def text(title, meta=""):
    return f"<html><head>{meta}<title>{title}</title></head><p>{title}"


def title(ask, body, content_type, *args):
    rec = ask(body, "--extract", "title", "--css", "p=p::text", "--regex",
              "r=<p>(.+)", *args, content_type=content_type)
    x = rec["extract"]
    assert rec["parse"]["error"] is None
    # Tree and source are the same text.
    assert x["p"] == x["r"] == [x["title"]], x
    return x["title"]


@pytest.mark.parametrize("label", SETS)
def test_the_header_names_the_set(ask, label):
    codec, want = SETS[label]
    body = text(want).encode(codec)
    assert title(ask, body, f"text/html; charset={label}") == want


@pytest.mark.parametrize("label", [s for s in SETS if s != "utf-8"])
def test_the_page_names_the_set(ask, label):
    codec, want = SETS[label]
    body = text(want, f"<meta charset={label}>").encode(codec)
    assert title(ask, body, "text/html") == want


@pytest.mark.parametrize("meta", [
    '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=cp1251">',
    "<meta content='text/html;charset = windows-1251' "
    "http-equiv=content-type>",
    "<!-- <meta charset=utf-8> --><meta charset='x-cp1251'>",
    '<meta charset="nonsense"><meta charset=" Windows-1251 ">',
    "<meta name=x content='charset=koi8-r'><meta charset=windows-1251>",
    '<?xml version="1.0" encoding="windows-1251"?>'])
def test_meta_is_read_as_browsers_read_it(ask, meta):
    body = (meta + text(RUSSIAN) if meta.startswith("<?")
            else text(RUSSIAN, meta)).encode("cp1251")
    assert title(ask, body, "text/html") == RUSSIAN


def test_a_meta_behind_the_first_1024_bytes_is_too_late(ask):
    late = "<!--" + "x" * 1100 + "--><meta charset=koi8-r>"
    body = text(RUSSIAN, late).encode("cp1251")
    assert title(ask, body, "text/html") == \
        RUSSIAN.encode("cp1251").decode("cp1252")


@pytest.mark.parametrize("bom,codec", [
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be")])
@pytest.mark.parametrize("header", ["text/html; charset=windows-1251",
                                    "text/html", None])
def test_a_bom_beats_header_and_meta(ask, bom, codec, header):
    want = "\u00e9\u20ac\U0001f600"
    body = bom + text(want, "<meta charset=koi8-r>").encode(codec)
    assert title(ask, body, header) == want


def test_the_header_beats_meta(ask):
    body = text(RUSSIAN, "<meta charset=koi8-r>").encode("cp1251")
    assert title(ask, body, 'text/html; charset="windows-1251"') == RUSSIAN


def test_a_header_that_names_no_set_leaves_it_to_meta(ask):
    body = text(RUSSIAN, "<meta charset=cp1251>").encode("cp1251")
    assert title(ask, body, "text/html; charset=no-such-set") == RUSSIAN


@pytest.mark.parametrize("label", ["iso-8859-1", "latin1", "us-ascii",
                                   "ISO_8859-1"])
def test_latin_1_is_windows_1252(ask, label):
    body = text("\u20ac\u201c\u2122\u00e9").encode("cp1252")
    assert title(ask, body, f"text/html; charset={label}") == \
        "\u20ac\u201c\u2122\u00e9"


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "utf-16be"])
def test_meta_that_says_utf_16_means_utf_8(ask, label):
    body = text(RUSSIAN, f"<meta charset={label}>").encode()
    assert title(ask, body, "text/html") == RUSSIAN


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_bom_is_read_if_the_header_says_so(ask, codec):
    body = text(JAPANESE).encode(codec)
    assert title(ask, body, "text/html; charset="
                 + codec.replace("16-", "16")) == JAPANESE


def test_nothing_said_and_valid_utf_8_is_utf_8(ask):
    assert title(ask, text(JAPANESE).encode(), "text/html") == JAPANESE


def test_nothing_said_and_not_utf_8_is_windows_1252(ask):
    assert title(ask, text("\u00e9t\u00e9").encode("cp1252"),
                 "text/html") == "\u00e9t\u00e9"


def test_a_wrong_label_gives_wrong_letters_and_valid_json(ask):
    body = text(RUSSIAN).encode("cp1251")
    got = title(ask, body, "text/html; charset=utf-8")
    assert "\ufffd" in got
    assert title(ask, text(RUSSIAN).encode(),
                 "text/html; charset=windows-1251") == \
        RUSSIAN.encode().decode("cp1251")


@pytest.mark.parametrize("label,bad,want", [
    ("utf-8", b"a\xffb\xc3(c\xed\xa0\x80d\xf8e", "a\ufffdb\ufffd(c"),
    ("shift_jis", b"a\x81\x20b", "a\ufffd b"),
    ("euc-jp", b"a\xa4 b", "a\ufffd b"),
    ("gb18030", b"a\x81\xffb", "a\ufffd"),
    ("big5", b"a\x81\x20b", "a\ufffd b"),
    ("windows-1253", b"a\xd2b", "a\ufffdb")])
def test_invalid_bytes_are_u_fffd_and_eat_nothing(ask, label, bad, want):
    body = b"<title>" + bad + b"</title><p>" + bad
    got = title(ask, body, f"text/html; charset={label}")
    assert got.startswith(want), got
    # The tag behind a lead byte is still a tag, and what follows stands.
    body = b"<title>x\x81</title><p>x\x81"
    rec = ask(body, "--css", "p=p", "--extract", "title",
              content_type=f"text/html; charset={label}")
    assert len(rec["extract"]["p"]) == 1, rec["extract"]
    assert rec["extract"]["title"].startswith("x")


def test_a_cut_utf_16_page_is_read_to_its_end(ask):
    body = codecs.BOM_UTF16_LE + text("xy").encode("utf-16-le")[:-1]
    rec = ask(body, "--css", "p=p::text", content_type="text/html")
    assert rec["extract"]["p"] == ["x\ufffd"]


def test_the_record_has_the_bytes_and_extract_the_text(ask):
    body = text(RUSSIAN).encode("cp1251")
    rec = ask(body, "--extract", "title",
              content_type="text/html; charset=windows-1251")
    assert rec["charset"] == "windows-1251"
    assert rec["extract"]["title"] == RUSSIAN
    assert base64.b64decode(rec["body_base64"]) == body


def test_expressions_are_utf_8_whatever_the_page_is(ask):
    body = text(RUSSIAN).encode("koi8-r")
    rec = ask(body, "--regex", f"r={RUSSIAN[:3]}(\\w+)", "--xpath",
              f"x=//p[text()='{RUSSIAN}']/text()", "--css",
              f"c=p:contains('{RUSSIAN}')::text",
              content_type="text/html; charset=koi8-r")
    assert rec["extract"] == {"r": [RUSSIAN[3:]] * 2, "x": [RUSSIAN],
                              "c": [RUSSIAN]}


def test_links_of_a_legacy_page_are_percent_encoded_utf_8(ask):
    body = f"<a href='/{RUSSIAN}'>x</a>".encode("cp1251")
    rec = ask(body, "--extract", "links",
              content_type="text/html; charset=windows-1251")
    want = "".join(f"%{b:02X}" for b in RUSSIAN.encode())
    assert rec["extract"]["links"][0]["url"] == ask.url("/" + want)


def test_legacy_text_under_a_regex_is_decoded(ask):
    rec = ask(RUSSIAN.encode("cp1251"), "--regex", r"w=\w+",
              content_type="text/plain; charset=windows-1251")
    assert rec["extract"] == {"w": [RUSSIAN]}


@pytest.mark.parametrize("body,header", [
    ('<?xml version="1.0" encoding="windows-1251"?><a>{}</a>',
     "application/xml"),
    ('<?xml version="1.0" encoding="utf-8"?><a>{}</a>',
     "text/xml; charset=windows-1251")])
def test_xml_declares_its_set_and_the_header_beats_it(ask, body, header):
    rec = ask(body.format(RUSSIAN).encode("cp1251"), "--xpath",
              "a=/a/text()", content_type=header)
    assert rec["extract"]["a"] == [RUSSIAN]
