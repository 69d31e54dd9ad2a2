/* SPDX-License-Identifier: ISC */
/* Documents: kind, tree and limits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "codec/frame.h"
#include "worker/tree.h"
#include "worker_page.h"

static const char *
first_text(void)
{
	static char text[64];
	struct buf out = { 0 };
	struct span s =
	    tree_collapse(xmlDocGetRootElement(page.doc.tree), NULL, &out);

	assert_true(s.n < sizeof(text));
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	buf_fini(&out);
	return text;
}

static void
kind_is_the_headers_or_that_of_the_first_bytes(void **state)
{
	static const struct {
		const char *type;
		struct span body;
		enum doc_kind kind;
	} t[] = {
		{ "text/html", SPAN("x"), DOC_HTML },
		{ " Text/HTML ; charset=utf-8", SPAN("x"), DOC_HTML },
		{ "application/xhtml+xml", SPAN("<html/>"), DOC_HTML },
		{ "application/xml", SPAN("<html/>"), DOC_XML },
		{ "text/xml; charset=utf-8", SPAN("<a/>"), DOC_XML },
		{ "application/rss+xml", SPAN("<rss/>"), DOC_XML },
		{ "image/svg+XML", SPAN("<svg/>"), DOC_XML },
		{ "text/plain", SPAN("<html>"), DOC_TEXT },
		{ "application/json", SPAN("{}"), DOC_TEXT },
		{ "", SPAN("<p>"), DOC_HTML },
		{ "", SPAN(" \n<!DOCTYPE html>"), DOC_HTML },
		{ "", SPAN("\xef\xbb\xbf<p>"), DOC_HTML },
		{ "", SPAN("\xff\xfe<\0p\0>\0"), DOC_HTML },
		{ "", SPAN("<?xml version='1.0'?><rss/>"), DOC_XML },
		{ "",
		    SPAN("\xfe\xff\0<\0?\0x\0m\0l\0 \0v\0=\0'\0"
			 "1\0'\0?\0>\0<"
			 "\0a\0/\0>"),
		    DOC_XML },
		{ "", SPAN("<?xml version='1.0'?><HTML>"), DOC_HTML },
		{ "", SPAN("hello <p>"), DOC_TEXT },
		{ "", SPAN(""), DOC_TEXT },
		{ "html", SPAN("<p>"), DOC_HTML },
		{ "*/*", SPAN("x"), DOC_TEXT },
		{ "*/*", SPAN("<p>"), DOC_HTML },
		{ "text/html charset=utf-8", SPAN("<p>"), DOC_HTML },
		{ "text/plain, text/html", SPAN("x"), DOC_HTML },
		{ "text/html, text/plain", SPAN("<p>"), DOC_TEXT },
		{ "application/octet-stream", SPAN("<p>"), DOC_TEXT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(page_load(t[i].type, t[i].body), PARSE_OK);
		if (page.doc.kind != t[i].kind)
			fail_msg("row %zu", i);
		assert_int_equal(page.doc.tree != NULL, t[i].kind != DOC_TEXT);
	}
}

static void
html_always_has_a_tree(void **state)
{
	static const char *const bodies[] = { "", " \n ", "<!-- x -->",
		"<!-- x", "<!DOCTYPE html>", "<", "</p>", "\x01", "<?x", "x" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bodies); i++) {
		assert_int_equal(
		    page_load("text/html", span_str(bodies[i])), PARSE_OK);
		assert_non_null(xmlDocGetRootElement(page.doc.tree));
	}
}

static void
xml_without_an_element_is_a_failure(void **state)
{
	static const char *const bodies[] = { "", "hello", "<?xml ?>",
		"<!-- x -->", "<" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bodies); i++)
		assert_int_equal(
		    page_load("text/xml", span_str(bodies[i])), PARSE_FAILED);
	assert_int_equal(page_load("text/xml", SPAN("<a><b>x</a>")), PARSE_OK);
	assert_string_equal(first_text(), "x");
}

static void
a_document_without_a_url_is_a_failure(void **state)
{
	struct frame_doc in = { SPAN("ftp://x/"), SPAN("text/html"),
		SPAN("x") };

	(void)state;
	assert_int_equal(doc_load(&page.doc, &in, page.cs), PARSE_FAILED);
	in.url = SPAN_NONE;
	assert_int_equal(doc_load(&page.doc, &in, page.cs), PARSE_FAILED);
}

static void
encoding_is_decided_once_and_not_by_the_parser(void **state)
{
	static const struct {
		const char *type;
		struct span body;
	} t[] = {
		{ "text/html; charset=utf-8",
		    SPAN("<meta charset=koi8-r><p>\xc3\xa9") },
		{ "text/html", SPAN("<meta charset=iso-8859-1><p>\xe9") },
		{ "text/html; charset=utf-8",
		    SPAN(
			"<?xml version='1.0' encoding='koi8-r'?><p>\xc3\xa9") },
		{ "text/html; charset=utf-16le", SPAN("<\0p\0>\0\xe9\0") },
		{ "text/xml; charset=utf-8",
		    SPAN("<?xml version='1.0' encoding='koi8-r'?><p>\xc3\xa9"
			 "</p>") },
		{ "text/xml",
		    SPAN("<?xml version='1.0' encoding='latin1'?><p>\xe9"
			 "</p>") },
		{ "text/xml; charset=utf-8",
		    SPAN("<?xml version='1.0' encoding='utf-16'?><p>\xc3\xa9"
			 "</p>") },
		{ "text/html", SPAN("<p>\xc3\0\xa9") },
	};
	size_t i;

	(void)state;
	for (i = 0; i + 1 < COUNT(t); i++) {
		assert_int_equal(page_load(t[i].type, t[i].body), PARSE_OK);
		if (strcmp(first_text(), "\xc3\xa9") != 0)
			fail_msg("row %zu: %s", i, first_text());
	}
}

/* As parsel strips text before parsing. */
static void
white_space_around_and_nuls_are_not_there(void **state)
{
	const xmlNode *n;

	(void)state;
	assert_int_equal(
	    page_load("text/html",
		SPAN("\xc2\xa0\xe3\x80\x80\x1c <p>a\0b</p>\xe2\x80\xa8 \n")),
	    PARSE_OK);
	assert_string_equal(first_text(), "ab");
	n = xmlDocGetRootElement(page.doc.tree);
	assert_true(tree_is(n, "html"));
	assert_true(tree_is(n->children, "body"));
	assert_true(tree_is(n->children->children, "p"));
	assert_null(n->children->children->next);
}

static void
base_is_the_first_that_can_be_followed(void **state)
{
	static const char *const t[][2] = {
		{ "<p>", PAGE_URL },
		{ "<base href=/x/>", "http://example.com/x/" },
		{ "<base><base href='x/ '><base href=y/>",
		    "http://example.com/dir/x/" },
		{ "<base href='ftp://x/'>", PAGE_URL },
		{ "<base href='//h\n/\tx'>", "http://h/x" },
		{ "<body><p><base href=https://h/>", "https://h/" },
		{ "<base target=x>", PAGE_URL },
	};
	struct span got, want;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(
		    page_load("text/html", span_str(t[i][0])), PARSE_OK);
		got = url_text(&page.doc.base);
		want = span_str(t[i][1]);
		if (i != 1 && memchr(t[i][1], '#', want.n) != NULL)
			want.n -= strlen("#f");
		if (!span_eq(got, want))
			fail_msg("%s: %.*s", t[i][0], (int)got.n, got.p);
	}
	assert_int_equal(
	    page_load("text/xml", SPAN("<base href='/x'/>")), PARSE_OK);
	assert_true(span_eq(
	    url_text(&page.doc.base), SPAN("http://example.com/dir/page?q")));
	assert_int_equal(
	    page_load("application/xml",
		SPAN("<html xmlns='http://www.w3.org/1999/xhtml'><head>"
		     "<base href='/x'/></head></html>")),
	    PARSE_OK);
	assert_true(
	    span_eq(url_text(&page.doc.base), SPAN("http://example.com/x")));
}

static void
nothing_is_loaded_and_nothing_grows(void **state)
{
	static const char *const t[][2] = {
		{ "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
		  "<a>x&e;</a>",
		    "x" },
		{ "<!DOCTYPE a [<!ENTITY % e SYSTEM 'file:///etc/passwd'>%e;]>"
		  "<a>x</a>",
		    "x" },
		{ "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>x</a>", "x" },
		{ "<!DOCTYPE a [<!ENTITY e 'ee'><!ENTITY f '&e;&e;'>]>"
		  "<a b='&f;'>x&e;&f;</a>",
		    "xee" },
		{ "<!DOCTYPE a [<!ENTITY e '"
		  "0123456789012345678901234567890123456789"
		  "01234567890123456789012345678901234567890'>]><a>x&e;</a>",
		    "x" },
		{ "<!DOCTYPE a [<!ENTITY nbsp '&#160;'>]><a>x&nbsp;y</a>",
		    "x\xc2\xa0y" },
		{ "<a xmlns:xi='http://www.w3.org/2001/XInclude'>x"
		  "<xi:include href='file:///etc/passwd' parse='text'/></a>",
		    "x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(
		    page_load("text/xml", span_str(t[i][0])), PARSE_OK);
		if (strcmp(first_text(), t[i][1]) != 0)
			fail_msg("%s: %s", t[i][0], first_text());
	}
}

/* "billion laughs", in text and in an attribute. */
static void
entities_of_entities_are_not_expanded(void **state)
{
	struct buf b = { 0 };
	char c;

	(void)state;
	buf_str(&b, "<!DOCTYPE a [<!ENTITY a 'ha'>");
	for (c = 'b'; c <= 'z'; c++)
		buf_printf(&b,
		    "<!ENTITY %c '&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;'>", c, c - 1,
		    c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	buf_str(&b, "]><a x='&z;'>x&z;</a>");
	assert_int_equal(page_load("text/xml", buf_view(&b)), PARSE_OK);
	assert_string_equal(first_text(), "x");
	buf_fini(&b);
}

static void
one_after_another_leaves_nothing_behind(void **state)
{
	(void)state;
	assert_int_equal(page_load("text/html; charset=latin1",
			     SPAN("<base href=/b/><p>\xe9")),
	    PARSE_OK);
	assert_true(span_eq(doc_text(&page.doc), SPAN("\xc3\xa9")));
	assert_int_equal(page_load("text/plain", SPAN("x")), PARSE_OK);
	assert_null(page.doc.tree);
	assert_true(span_eq(doc_text(&page.doc), SPAN("x")));
	assert_true(span_eq(
	    url_text(&page.doc.base), SPAN("http://example.com/dir/page?q")));
	doc_clear(&page.doc);
	assert_int_equal(page.doc.source.n, 0);
	doc_clear(&page.doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    kind_is_the_headers_or_that_of_the_first_bytes),
		cmocka_unit_test(html_always_has_a_tree),
		cmocka_unit_test(xml_without_an_element_is_a_failure),
		cmocka_unit_test(a_document_without_a_url_is_a_failure),
		cmocka_unit_test(
		    encoding_is_decided_once_and_not_by_the_parser),
		cmocka_unit_test(white_space_around_and_nuls_are_not_there),
		cmocka_unit_test(base_is_the_first_that_can_be_followed),
		cmocka_unit_test(nothing_is_loaded_and_nothing_grows),
		cmocka_unit_test(entities_of_entities_are_not_expanded),
		cmocka_unit_test(one_after_another_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
