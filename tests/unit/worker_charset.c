/* SPDX-License-Identifier: ISC */
/* Encodings: detection and conversion to UTF-8. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "codec/media_type.h"
#include "worker/charset/charset.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define E_IN_1252 "\xe9"
#define E_IN_UTF8 "\xc3\xa9"
#define BAD "\xef\xbf\xbd"

struct sample {
	const char *type; /* the header's value */
	struct span in;
	const char *out;
};

static int
setup(void **state)
{
	*state = charset_new();
	return 0;
}

static int
teardown(void **state)
{
	charset_free(*state);
	return 0;
}

/*
 * A copy of the exact size, so that AddressSanitizer detects a read past its
 * end.
 */
static void
check_one(struct charset *cs, const struct sample *t, enum charset_look look)
{
	struct media_type m = { 0 };
	struct buf out = { 0 };
	char *copy = mem_alloc(t->in.n);
	struct span s;

	memcpy(copy, t->in.p, t->in.n);
	media_type_read(&m, span_str(t->type));
	s = charset_utf8(cs, span_of(copy, t->in.n), m.charset, look, &out);
	if (!span_eq(s, span_str(t->out)))
		fail_msg("%s: %.*s gave %.*s, not %s", t->type, (int)t->in.n,
		    t->in.p, (int)s.n, s.p, t->out);
	free(copy);
	media_type_fini(&m);
	buf_fini(&out);
}

static void
check(void **state, const struct sample *t, size_t n, enum charset_look look)
{
	size_t i;

	for (i = 0; i < n; i++)
		check_one(*state, &t[i], look);
}

#define HTML "text/html"
#define META(s) SPAN(s E_IN_1252)

static void
order_is_bom_header_meta_then_what_it_looks_like(void **state)
{
	static const struct sample t[] = {
		{ "text/html; charset=koi8-r",
		    SPAN("\xef\xbb\xbf<p>" E_IN_UTF8), "<p>" E_IN_UTF8 },
		{ "text/html; charset=utf-8", SPAN("\xff\xfe<\0\xe9\0"),
		    "<" E_IN_UTF8 },
		{ HTML, SPAN("\xfe\xff\0<\0\xe9"), "<" E_IN_UTF8 },
		{ "text/html; charset=windows-1251",
		    META("<meta charset=koi8-r>"),
		    "<meta charset=koi8-r>\xd0\xb9" },
		{ HTML, META("<meta charset=windows-1251>"),
		    "<meta charset=windows-1251>\xd0\xb9" },
		{ "text/html; charset=nonsense",
		    META("<meta charset=windows-1251>"),
		    "<meta charset=windows-1251>\xd0\xb9" },
		{ HTML, SPAN("caf" E_IN_1252), "caf" E_IN_UTF8 },
		{ HTML, SPAN("caf" E_IN_UTF8), "caf" E_IN_UTF8 },
		{ "", SPAN(""), "" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_HTML);
}

static void
header_is_read_however_it_is_written(void **state)
{
	static const struct sample t[] = {
		{ "text/html;charset=WINDOWS-1251", SPAN(E_IN_1252),
		    "\xd0\xb9" },
		{ "text/html; a=b; Charset = \"windows-1251\" ; c=d",
		    SPAN(E_IN_1252), "\xd0\xb9" },
		{ "text/html; charset='windows-1251'", SPAN(E_IN_1252),
		    "\xd0\xb9" },
		{ "text/html; a=\"; charset=koi8-r\"; charset=cp1251",
		    SPAN(E_IN_1252), "\xd0\xb9" },
		{ "text/html; xcharset=cp1251", SPAN(E_IN_1252), E_IN_UTF8 },
		{ "text/html; charset=", SPAN(E_IN_1252), E_IN_UTF8 },
		{ "text/html; charset", SPAN(E_IN_1252), E_IN_UTF8 },
		{ "text/html; a=\"\\", SPAN(E_IN_1252), E_IN_UTF8 },
		{ "text/html; charset=\"windows\\-1251\"", SPAN(E_IN_1252),
		    "\xd0\xb9" },
		{ "text/html; charset=windows-1251, text/html", SPAN(E_IN_1252),
		    "\xd0\xb9" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_NOT);
}

/* Each with a byte behind it that shows: U+0439 in windows-1251. */
static void
prescan_finds_what_the_standard_finds(void **state)
{
	static const char *const found[] = {
		"<meta charset=cp1251>",
		"<META\nCHARSET = \"CP1251\" />",
		"<meta/charset='cp1251'>",
		"<meta charset=' cp1251\t'>",
		"<meta x charset=cp1251 y>",
		"<meta content charset=cp1251>",
		"<meta http-equiv=Content-Type "
		"content='text/html; charset=cp1251'>",
		"<meta content='text/html; charset = \"cp1251\"' "
		"http-equiv=content-type>",
		"<meta http-equiv=content-type content='charset "
		"charset=cp1251;x'>",
		"<!-- <meta charset=koi8-r> --><meta charset=cp1251>",
		"<!--><meta charset=cp1251>",
		"<? <meta charset=koi8-r><meta charset=cp1251>",
		"<!x <meta charset=koi8-r><meta charset=cp1251>",
		"<p a='<meta charset=koi8-r>'><meta charset=cp1251>",
		"</p a=\"<meta charset=koi8-r>\"><meta charset=cp1251>",
		"<metax charset=koi8-r><meta charset=cp1251>",
		"<meta charset=nonsense><meta charset=cp1251>",
		"<meta charset=cp1251 charset=koi8-r>",
		"< <meta charset=cp1251>",
		"<?xml version='1.0' encoding='cp1251'?>",
		"<?xml encoding = \"cp1251\"?><p>",
		"<?xml encoding='koi8-r'?><meta charset=cp1251>",
	};
	static const char *const not_found[] = {
		"<meta content='text/html; charset=cp1251'>",
		"<meta http-equiv=refresh content='charset=cp1251'>",
		"<meta http-equiv=content-type content='charset=\"cp1251'>",
		"<meta http-equiv=content-type content='charset cp1251'>",
		"<!-- <meta charset=cp1251>",
		"<meta charset=cp1251",
		"<metacharset=cp1251>",
		"<p a='<meta charset=cp1251>",
		"<?xml version='1.0'?>",
		"<?xml encoding=cp1251?>",
		"<?xml encoding='cp1251?>",
		" <?xml encoding='cp1251'?>",
	};
	struct buf in = { 0 }, out = { 0 };
	struct span s;
	size_t i, n = COUNT(found) + COUNT(not_found);

	for (i = 0; i < n; i++) {
		in.n = 0;
		buf_str(&in,
		    i < COUNT(found) ? found[i] : not_found[i - COUNT(found)]);
		buf_str(&in, E_IN_1252);
		s = charset_utf8(
		    *state, buf_view(&in), SPAN_NONE, CHARSET_LOOK_HTML, &out);
		assert_true(s.n > 2);
		if (memcmp(s.p + s.n - 2,
			i < COUNT(found) ? "\xd0\xb9" : E_IN_UTF8, 2) != 0)
			fail_msg("%.*s", (int)in.n, in.p);
	}
	buf_fini(&in);
	buf_fini(&out);
}

static void
prescan_ends_after_1024_bytes(void **state)
{
	static const char tag[] = "<meta charset=cp1251>";
	struct buf in = { 0 }, out = { 0 };
	struct span s;
	size_t pad;

	for (pad = 1024 - sizeof(tag); pad < 1024 + 8; pad++) {
		in.n = 0;
		memset(buf_reserve(&in, pad), ' ', pad);
		in.n = pad;
		buf_str(&in, tag);
		buf_str(&in, E_IN_1252);
		s = charset_utf8(
		    *state, buf_view(&in), SPAN_NONE, CHARSET_LOOK_HTML, &out);
		/* The '>' is the last that is needed. */
		assert_int_equal(memcmp(s.p + s.n - 2, "\xd0\xb9", 2) == 0,
		    pad + strlen(tag) <= 1024);
	}
	buf_fini(&in);
	buf_fini(&out);
}

static void
meta_means_no_utf16_and_no_user_defined(void **state)
{
	static const struct sample t[] = {
		{ HTML, SPAN("<meta charset=utf-16>" E_IN_UTF8),
		    "<meta charset=utf-16>" E_IN_UTF8 },
		{ HTML, META("<meta charset=utf-16be>"),
		    "<meta charset=utf-16be>" BAD },
		{ HTML, META("<meta charset=x-user-defined>"),
		    "<meta charset=x-user-defined>" E_IN_UTF8 },
		{ "text/html; charset=x-user-defined", SPAN("a" E_IN_1252),
		    "a\xef\x9f\xa9" },
		{ HTML, SPAN("<\0?\0x\0\xe9\0"), "<?x" E_IN_UTF8 },
		{ HTML, SPAN("\0<\0?\0x\0\xe9"), "<?x" E_IN_UTF8 },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_HTML);
}

static void
xml_is_utf8_unless_it_says_otherwise(void **state)
{
	static const struct sample t[] = {
		{ "text/xml", SPAN("<a>" E_IN_1252), "<a>" BAD },
		{ "text/xml", SPAN("<?xml encoding='latin1'?>" E_IN_1252),
		    "<?xml encoding='latin1'?>" E_IN_UTF8 },
		{ "text/xml", SPAN("\r\n <?xml encoding='latin1'?>" E_IN_1252),
		    "\r\n <?xml encoding='latin1'?>" E_IN_UTF8 },
		{ "text/xml", SPAN("\n\0<\0?\0x\0" E_IN_1252), "\n<?x" BAD },
		{ "text/xml; charset=latin1", SPAN(E_IN_1252), E_IN_UTF8 },
		{ "text/xml", SPAN("<?xml encoding='utf-16'?>" E_IN_UTF8),
		    "<?xml encoding='utf-16'?>" E_IN_UTF8 },
		{ "text/xml", META("<meta charset=cp1251>"),
		    "<meta charset=cp1251>" BAD },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_XML);
}

/* A U+FFFD for each maximal subpart (Unicode, section 3.9). */
static void
bytes_that_are_no_utf8_are_replaced(void **state)
{
	static const char utf8[] = "text/html; charset=utf8";
	static const struct sample t[] = {
		{ utf8, SPAN("a\xff"), "a" BAD },
		{ utf8, SPAN("\xe2\x82"), BAD },
		{ utf8,
		    SPAN("\xf0\x90\x80"
			 "a"),
		    BAD "a" },
		{ utf8, SPAN("\xf0\x9f\x98\x80\xf0\x9f"),
		    "\xf0\x9f\x98\x80" BAD },
		{ utf8, SPAN("\xc0\xaf"), BAD BAD },
		{ utf8, SPAN("\xed\xa0\x80"), BAD BAD BAD },
		{ utf8, SPAN("\xf4\x90\x80\x80"), BAD BAD BAD BAD },
		{ utf8, SPAN("\xe2\xe2\x82\xac"), BAD "\xe2\x82\xac" },
		{ utf8, SPAN("\x80<"), BAD "<" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_NOT);
}

static void
utf16_has_pairs_and_ends(void **state)
{
	static const char be[] = "text/html; charset=utf-16be";
	static const char le[] = "text/html; charset=utf-16";
	static const struct sample t[] = {
		{ be, SPAN("\xd8\x3d\xde\x00"), "\xf0\x9f\x98\x80" },
		{ le, SPAN("\x3d\xd8\x00\xde"), "\xf0\x9f\x98\x80" },
		{ be, SPAN("\xd8\x3d\0a"), BAD "a" },
		{ be, SPAN("\xde\x00\0a"), BAD "a" },
		{ be, SPAN("\xd8\x3d\xd8\x3d\xde\x00"),
		    BAD "\xf0\x9f\x98\x80" },
		{ be, SPAN("\0a\0"), "a" BAD },
		{ be, SPAN("\xd8\x3d"), BAD },
		{ le, SPAN("a\0\0\0b\0"), "ab" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_NOT);
}

static void
nuls_are_dropped(void **state)
{
	static const struct sample t[] = {
		{ HTML, SPAN("\0a\0\0b\0"), "ab" },
		{ "text/html; charset=koi8-r", SPAN("\0a\0"), "a" },
		{ "text/html; charset=big5", SPAN("a\0b"), "ab" },
		{ HTML, SPAN("\0\0"), "" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_HTML);
}

static void
asian_sets_are_those_of_the_standard(void **state)
{
	static const struct sample t[] = {
		{ "t; charset=gb2312", SPAN("\xd6\xd0\x84\x31\xa4\x37"),
		    "\xe4\xb8\xad\xef\xbf\xbd" },
		{ "t; charset=gbk", SPAN("\x80\xd6\xd0"),
		    "\xe2\x82\xac\xe4\xb8\xad" },
		{ "t; charset=gbk", SPAN("\xa3\xa0\xd6\xd0\xa3\xa0"),
		    "\xe3\x80\x80\xe4\xb8\xad\xe3\x80\x80" },
		{ "t; charset=big5", SPAN("\xa4\xa4\x87\x40\xf9\xfe"),
		    "\xe4\xb8\xad\xe4\x8f\xb0\xef\xbf\xad" },
		{ "t; charset=shift_jis", SPAN("\x93\xfa\x87\x40\x5c\xb1"),
		    "\xe6\x97\xa5\xe2\x91\xa0\\\xef\xbd\xb1" },
		{ "t; charset=euc-jp", SPAN("\xc6\xfc\xad\xa1\x8e\xb1"),
		    "\xe6\x97\xa5\xe2\x91\xa0\xef\xbd\xb1" },
		{ "t; charset=euc-jp", SPAN("\xf9\xa1\xfc\xe2\xfc\xfe<"),
		    "\xe7\xba\x8a\xe9\xab\x99\xef\xbc\x82<" },
		{ "t; charset=iso-2022-jp", SPAN("\x1b$BF|\x1b(Ba"),
		    "\xe6\x97\xa5"
		    "a" },
		{ "t; charset=iso-2022-jp",
		    SPAN("\x1b$@!A-!!]\x1b(J\\~\x1b(I1\x1b(B\\"),
		    "\xef\xbd\x9e\xe2\x91\xa0\xef\xbc\x8d\xc2\xa5\xe2\x80\xbe"
		    "\xef\xbd\xb1\\" },
		{ "t; charset=euc-kr", SPAN("\xb0\xa1\x81\x41"),
		    "\xea\xb0\x80\xea\xb0\x82" },
		{ "t; charset=iso-2022-kr", SPAN("<script>"), BAD },
		{ "t; charset=replacement", SPAN(""), "" },
		{ "t; charset=euc-jp", SPAN(""), "" },
		{ "t; charset=gbk", SPAN(""), "" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_NOT);
}

/* An ASCII byte after a lead byte is kept, as it may be a '<'. */
static void
broken_pairs_take_no_markup_with_them(void **state)
{
	static const struct sample t[] = {
		{ "t; charset=gbk", SPAN("\x81<b>"), BAD "<b>" },
		{ "t; charset=big5", SPAN("\x81<b>"), BAD "<b>" },
		{ "t; charset=shift_jis", SPAN("\x81<b>"), BAD "<b>" },
		{ "t; charset=euc-jp", SPAN("\xa1<b>"), BAD "<b>" },
		{ "t; charset=euc-kr", SPAN("\x81<b>"), BAD "<b>" },
		{ "t; charset=euc-kr", SPAN("a\x81"), "a" BAD },
		{ "t; charset=gbk", SPAN("\xff<"), BAD "<" },
		{ "t; charset=iso-2022-jp", SPAN("\xa1<"), BAD "<" },
		{ "t; charset=iso-2022-jp", SPAN("\x1b$x\x1b\x0e<"),
		    BAD "$x" BAD BAD "<" },
		{ "t; charset=iso-2022-jp", SPAN("\x1b$B)!F\x1b(B<"),
		    BAD BAD "<" },
		{ "t; charset=iso-2022-jp", SPAN("\x1b$B\x1b(B\x1b(J<"),
		    BAD BAD "<" },
		{ "t; charset=iso-2022-jp", SPAN("\x1b(I<a\x1b"),
		    "\xef\xbd\xbc" BAD BAD },
		{ "t; charset=iso-2022-jp", SPAN("\x1b$B\nF\n"), BAD BAD },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_NOT);
}

/* The state of a converter does not leak into the next document. */
static void
converters_start_afresh(void **state)
{
	static const struct sample t[] = {
		{ "t; charset=iso-2022-jp", SPAN("\x1b$BF"), BAD },
		{ "t; charset=iso-2022-jp", SPAN("a"), "a" },
		{ "t; charset=big5", SPAN("\x88\x62\x88"),
		    "\xc3\x8a\xcc\x84" BAD },
		{ "t; charset=big5", SPAN("\x88"), BAD },
		{ "t; charset=big5", SPAN("a"), "a" },
	};

	check(state, t, COUNT(t), CHARSET_LOOK_NOT);
}

/*
 * FNV-1a of the characters for 0x80 to 0xff, from the indexes of the standard.
 */
static const struct {
	const char *label;
	uint64_t hash;
} upper_halves[] = {
	{ "ibm866", 0x1fc2571f04806dcaULL },
	{ "iso-8859-2", 0x588024dc95e3e2b6ULL },
	{ "iso-8859-3", 0x135e61974ca24517ULL },
	{ "iso-8859-4", 0x91e374cb717c9e0fULL },
	{ "iso-8859-5", 0xb83ada894cdb942fULL },
	{ "iso-8859-6", 0x54794f86b052c862ULL },
	{ "iso-8859-7", 0x8a37fb522272b5e9ULL },
	{ "iso-8859-8", 0xda8ab993f35595ddULL },
	{ "iso-8859-10", 0xf6255d1c555ea19bULL },
	{ "iso-8859-13", 0xc6295f216259d2e1ULL },
	{ "iso-8859-14", 0xdc6e3a7b6097d8b5ULL },
	{ "iso-8859-15", 0x5df0b681d68eed40ULL },
	{ "iso-8859-16", 0x67e71470c2c3c702ULL },
	{ "koi8-r", 0x0525656e2fbd23bdULL },
	{ "koi8-u", 0x042b0acd8c134fc1ULL },
	{ "macintosh", 0xf8632623ab537bb5ULL },
	{ "x-mac-cyrillic", 0x18e067f8c866b605ULL },
	{ "windows-874", 0x54fe9749b6d19313ULL },
	{ "windows-1250", 0x6ccef6573d6d9235ULL },
	{ "windows-1251", 0x9448b7d066a753a5ULL },
	{ "windows-1252", 0x29ccfe220dc0c01aULL },
	{ "windows-1253", 0xded5f7d24e4dc710ULL },
	{ "windows-1254", 0x29e5a164d75b4794ULL },
	{ "windows-1255", 0xbaa31a84bee9449fULL },
	{ "windows-1256", 0xe1f9d9190525e0cbULL },
	{ "windows-1257", 0x879c25a3ba7f16ceULL },
	{ "windows-1258", 0xffed1fce560d4f03ULL },
};

static void
single_byte_tables_are_those_of_the_standard(void **state)
{
	char bytes[128];
	struct buf out = { 0 };
	struct span s;
	uint64_t h;
	size_t i, k;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(0x80 + i);
	for (i = 0; i < COUNT(upper_halves); i++) {
		s = charset_utf8(*state, span_of(bytes, sizeof(bytes)),
		    span_str(upper_halves[i].label), CHARSET_LOOK_NOT, &out);
		h = 0xcbf29ce484222325ULL;
		for (k = 0; k < s.n; k++)
			h = (h ^ (unsigned char)s.p[k]) * 0x100000001b3ULL;
		if (h != upper_halves[i].hash)
			fail_msg("%s", upper_halves[i].label);
	}
	buf_fini(&out);
}

static void
all_labels_are_known(void **state)
{
	static const char *const labels[][2] = {
#define LABEL(label, id) { label, #id },
#include "worker/charset/labels.h"
#undef LABEL
	};
	struct buf out = { 0 };
	struct span s;
	size_t i;

	assert_int_equal(COUNT(labels), 228);
	for (i = 0; i < COUNT(labels); i++) {
		/* If it were unknown, the <meta> would be used. */
		s = charset_utf8(*state, SPAN("<meta charset=koi8-r>\xf7"),
		    span_str(labels[i][0]), CHARSET_LOOK_HTML, &out);
		assert_int_equal(utf8_valid(s), s.n);
		if ((memcmp(s.p + s.n - 2, "\xd0\x92", 2) == 0) !=
		    (strncmp(labels[i][1], "CHARSET_KOI8", 12) == 0))
			fail_msg("%s", labels[i][0]);
		if (i > 0 && strcmp(labels[i - 1][0], labels[i][0]) >= 0)
			fail_msg("%s is not sorted", labels[i][0]);
	}
	buf_fini(&out);
}

/* Any bytes in any encoding: valid UTF-8, at most three times as long. */
static void
output_is_utf8_and_bounded(void **state)
{
	static const char *const labels[] = { "utf-8", "utf-16le", "utf-16be",
		"gbk", "big5", "euc-jp", "iso-2022-jp", "sjis", "euc-kr",
		"windows-1258", "x-user-defined", "ibm866" };
	unsigned seed = 1;
	struct buf out = { 0 };
	char in[97];
	struct span s;
	size_t i, k, round;

	for (round = 0; round < 600; round++) {
		for (k = 0; k < sizeof(in); k++) {
			seed = seed * 1664525 + 1013904223;
			in[k] = (char)(seed >> 24);
		}
		i = round % COUNT(labels);
		s = charset_utf8(*state, span_of(in, sizeof(in)),
		    span_str(labels[i]), CHARSET_LOOK_HTML, &out);
		assert_int_equal(utf8_valid(s), s.n);
		assert_true(s.n <= 3 * sizeof(in));
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    order_is_bom_header_meta_then_what_it_looks_like),
		cmocka_unit_test(header_is_read_however_it_is_written),
		cmocka_unit_test(prescan_finds_what_the_standard_finds),
		cmocka_unit_test(prescan_ends_after_1024_bytes),
		cmocka_unit_test(meta_means_no_utf16_and_no_user_defined),
		cmocka_unit_test(xml_is_utf8_unless_it_says_otherwise),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(utf16_has_pairs_and_ends),
		cmocka_unit_test(nuls_are_dropped),
		cmocka_unit_test(asian_sets_are_those_of_the_standard),
		cmocka_unit_test(broken_pairs_take_no_markup_with_them),
		cmocka_unit_test(converters_start_afresh),
		cmocka_unit_test(single_byte_tables_are_those_of_the_standard),
		cmocka_unit_test(all_labels_are_known),
		cmocka_unit_test(output_is_utf8_and_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
