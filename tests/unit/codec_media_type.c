/* SPDX-License-Identifier: ISC */
/* Content-Type: parameters, quoting, several types, and what a body is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "codec/media_type.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *value, *type, *charset; /* charset NULL: none */
};

static void
check(struct media_type *m, const struct row *t)
{
	media_type_read(m, span_str(t->value));
	if (!span_eq(m->type, span_str(t->type)))
		fail_msg("%s: type %.*s", t->value, (int)m->type.n, m->type.p);
	if ((m->charset.p != NULL) != (t->charset != NULL) ||
	    !span_eq(m->charset, span_str(t->charset)))
		fail_msg("%s: charset %.*s", t->value, (int)m->charset.n,
		    m->charset.p);
}

static void
check_rows(const struct row *t, size_t n)
{
	struct media_type m = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		check(&m, &t[i]);
	media_type_fini(&m);
}

static void
test_type_and_charset_are_read_by_the_grammar(void **state)
{
	static const struct row t[] = {
		{ "text/html", "text/html", NULL },
		{ " Text/HTML\t;x=y; CHARSET=ISO-8859-1 ", "text/html",
		    "iso-8859-1" },
		{ "text/html;charset=\"UTF-8\"", "text/html", "utf-8" },
		{ "text/html;charset=\"ut\\f\\-8\"", "text/html", "utf-8" },
		{ "text/html;charset=\"a\\\"b\\\\\"", "text/html", "a\"b\\" },
		{ "text/html; x=\"; charset=no\"; charset=yes", "text/html",
		    "yes" },
		{ "text/html; x=\"\\\"; charset=no\"; charset=yes", "text/html",
		    "yes" },
		{ "text/html; charset=\"a\"b; c=d", "text/html", "a" },
		{ "text/html; charset=a; charset=b", "text/html", "a" },
		{ "text/html; charset=; charset=b", "text/html", "b" },
		{ "text/html; charset; charset=b", "text/html", "b" },
		{ "text/html; charset=", "text/html", NULL },
		{ "text/html; charset=\"\"", "text/html", "" },
		{ "text/html; charset=\"", "text/html", "" },
		{ "text/html; charset=\"utf-8", "text/html", "utf-8" },
		{ "text/html; charset = utf-8", "text/html", "utf-8" },
		{ "text/html; xcharset=utf-8", "text/html", NULL },
		{ "text/html;;; ;charset=utf-8;", "text/html", "utf-8" },
		{ "text/html;charset='utf-8'", "text/html", "'utf-8'" },
	};

	(void)state;
	check_rows(t, COUNT(t));
}

static void
test_what_is_no_media_type_says_no_type(void **state)
{
	static const struct row t[] = {
		{ "", "", NULL },
		{ " ; ", "", NULL },
		{ "html", "", NULL },
		{ "html; charset=utf-8", "", "utf-8" },
		{ "/", "", NULL },
		{ "text/", "", NULL },
		{ "/html", "", NULL },
		{ "text /html", "", NULL },
		{ "text/ html", "", NULL },
		{ "text/html/x", "", NULL },
		{ "text/html charset=utf-8", "", NULL },
		{ "t\xc3\xa4xt/html", "", NULL },
		{ "\"text/html\"", "", NULL },
		{ "*/*", "", NULL },
		{ "*/*;charset=utf-8", "", "utf-8" },
		{ "html;charset=a, text/plain", "text/plain", NULL },
		{ "text/plain, html;charset=a", "text/plain", NULL },
		{ "text/*", "text/*", NULL },
	};

	(void)state;
	check_rows(t, COUNT(t));
}

/* Fetch standard, "extract a MIME type": its own examples are among these. */
static void
test_of_several_types_the_last_one_counts(void **state)
{
	static const struct row t[] = {
		{ "text/html; charset=iso-8859-1, text/html", "text/html",
		    "iso-8859-1" },
		{ "text/html, text/html", "text/html", NULL },
		{ "text/plain;charset=gbk, text/html", "text/html", NULL },
		{ "text/html;charset=gbk;a=b, text/html;x=y", "text/html",
		    "gbk" },
		{ "text/html;charset=gbk;a=b, text/html;x=y;charset=big5",
		    "text/html", "big5" },
		{ "text/html;charset=gbk, x/x, text/html;x=y", "text/html",
		    NULL },
		{ "text/html;charset=gbk, TEXT/Html", "text/html", "gbk" },
		{ "text/html, cannot-parse", "text/html", NULL },
		{ "text/html, */*", "text/html", NULL },
		{ "text/html, ", "text/html", NULL },
		{ ",, text/html", "text/html", NULL },
		{ "text/html;\", text/plain", "text/html", NULL },
		{ "text/html;x=\",\", text/plain", "text/plain", NULL },
		{ "text/html;charset=\"a,b\"", "text/html", "a,b" },
		{ "text/event-stream, text/event-stream", "text/event-stream",
		    NULL },
	};

	(void)state;
	check_rows(t, COUNT(t));
}

static void
test_a_value_cut_at_any_byte_does_no_harm(void **state)
{
	static const char text[] = "text/html ; x = \"a\\\";b\" ; charset = "
				   "\"Utf\\-8\" ; y\xff, text/html;\"";
	struct media_type m = { 0 };
	char *p;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text); n++) {
		p = malloc(n + 1);
		assert_non_null(p);
		memcpy(p, text, n);
		p = realloc(p, n > 0 ? n : 1);
		media_type_read(&m, span_of(p, n));
		assert_int_equal(m.type.n > 0, n >= 6);
		free(p);
	}
	media_type_clear(&m, 0);
	assert_int_equal(m.type.n, 0);
	assert_null(m.charset.p);
	media_type_fini(&m);
}

static void
test_the_type_says_what_a_body_is_or_its_first_bytes_do(void **state)
{
	static const struct {
		const char *value;
		struct span body;
		enum media_kind kind;
	} t[] = {
		{ "text/html", SPAN("x"), MEDIA_HTML },
		{ "application/xhtml+xml", SPAN("x"), MEDIA_HTML },
		{ "text/xml", SPAN("x"), MEDIA_XML },
		{ "application/xml;a=b", SPAN("x"), MEDIA_XML },
		{ "image/svg+XML", SPAN("x"), MEDIA_XML },
		{ "text/plain", SPAN("<p>"), MEDIA_TEXT },
		{ "application/json", SPAN("<p>"), MEDIA_TEXT },
		{ "application/ld+json", SPAN("<p>"), MEDIA_TEXT },
		{ "application/octet-stream", SPAN("<p>"), MEDIA_OTHER },
		{ "image/png", SPAN("<p>"), MEDIA_OTHER },
		{ "", SPAN("<p>"), MEDIA_HTML },
		{ "*/*", SPAN(" \n<!DOCTYPE html>"), MEDIA_HTML },
		{ "html", SPAN("\xef\xbb\xbf<p>"), MEDIA_HTML },
		{ "unknown/unknown", SPAN("<p>"), MEDIA_HTML },
		{ "application/unknown", SPAN("<p>"), MEDIA_HTML },
		{ "text/html charset=utf-8", SPAN("<p>"), MEDIA_HTML },
		{ "", SPAN("\xff\xfe<\0p\0>\0"), MEDIA_HTML },
		{ "", SPAN("\0 \0<\0p"), MEDIA_HTML },
		{ "", SPAN("<?xml version='1.0'?><rss/>"), MEDIA_XML },
		{ "", SPAN("<?xml version='1.0'?><HTML>"), MEDIA_HTML },
		{ "", SPAN("hello <p>"), MEDIA_TEXT },
		{ "", SPAN(""), MEDIA_TEXT },
		{ "*/*", SPAN("x"), MEDIA_TEXT },
	};
	struct media_type m = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		media_type_read(&m, span_str(t[i].value));
		if (media_type_kind(&m, t[i].body) != t[i].kind)
			fail_msg("row %zu: %s", i, t[i].value);
	}
	media_type_fini(&m);
}

static void
test_json_is_what_says_so_or_says_nothing(void **state)
{
	static const struct {
		const char *type;
		int may_be;
	} t[] = {
		{ "application/json", 1 },
		{ "text/json", 1 },
		{ "application/problem+json", 1 },
		{ "", 1 },
		{ "application/unknown", 1 },
		{ "text/html", 0 },
		{ "text/plain", 0 },
		{ "application/jsonl", 0 },
		{ "application/octet-stream", 0 },
		{ "+json", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		assert_int_equal(
		    media_type_may_be_json(span_str(t[i].type)), t[i].may_be);
	assert_true(media_type_may_be_json(SPAN_NONE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_and_charset_are_read_by_the_grammar),
		cmocka_unit_test(test_what_is_no_media_type_says_no_type),
		cmocka_unit_test(test_of_several_types_the_last_one_counts),
		cmocka_unit_test(test_a_value_cut_at_any_byte_does_no_harm),
		cmocka_unit_test(
		    test_the_type_says_what_a_body_is_or_its_first_bytes_do),
		cmocka_unit_test(test_json_is_what_says_so_or_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
