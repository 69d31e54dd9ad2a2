/* SPDX-License-Identifier: ISC */
/* Selectors: results equal parsel's, and work is bounded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include <libxml/HTMLparser.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "codec/frame.h"
#include "codec/json/json.h"
#include "worker/select/select.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char page[] =
    "<html lang=en><body class='a  b\nc'><h1>T&eacute;st &amp; more</h1>"
    "<p class=x>one<br>two <a href='/a?b=1&amp;c=2'>link</a></p>"
    "<!-- note --><p>three</p><ul><li>1<li class=x>2<li>3</ul>"
    "<script>if (a < b) x('&amp;')</script></body></html>";

static const char feed[] =
    "<?xml version='1.0'?><f xmlns='urn:f' xmlns:x='urn:x'>"
    "<e x:r='1'><t>A &lt; B</t><x:u/></e><?pi some?><E/></f>";

static struct doc
load(enum doc_kind kind, const char *p, size_t n)
{
	struct doc d = { .kind = kind, .source = { p, n } };

	if (kind == DOC_HTML)
		d.tree = htmlReadMemory(p, (int)n, NULL, "UTF-8",
		    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
			HTML_PARSE_NOWARNING | (int)XML_PARSE_HUGE);
	else if (kind == DOC_XML)
		d.tree = xmlReadMemory(p, (int)n, NULL, "UTF-8",
		    XML_PARSE_RECOVER | XML_PARSE_NOERROR |
			XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
			XML_PARSE_HUGE);
	return d;
}

/* `what` begins with // or / or a function for XPath, "css " for CSS. */
static struct select *
make(const char *what, struct buf *why)
{
	if (strncmp(what, "css ", 4) == 0)
		return select_css(span_str(what + 4), why);
	return select_xpath(span_str(what), why);
}

static int
run(const struct select *s, const struct doc *d, struct buf *out)
{
	struct answer a;

	answer_start(&a, out, FRAME_RESULT_MAX);
	return select_run(s, d, &a);
}

static void
check(const struct doc *d, const char *what, const char *want)
{
	struct buf out = { 0 }, why = { 0 };
	struct select *s = make(what, &why);
	int rc;

	if (s == NULL)
		fail_msg("%s: %.*s", what, (int)why.n, why.p);
	rc = run(s, d, &out);
	if (want == NULL)
		assert_int_equal(rc, -1);
	else if (rc != 0 || !span_eq(buf_view(&out), span_str(want)))
		fail_msg(
		    "%s: %d %.*s, not %s", what, rc, (int)out.n, out.p, want);
	if (rc != 0)
		assert_int_equal(out.n, 0);
	select_free(s);
	buf_fini(&out);
	buf_fini(&why);
}

struct row {
	const char *what, *want;
};

static void
check_rows(const struct doc *d, const struct row *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check(d, t[i].what, t[i].want);
}

static void
test_a_result_is_a_list_of_strings(void **state)
{
	static const struct row rows[] = {
		{ "css h1", "[\"<h1>T\xc3\xa9st &amp; more</h1>\"]" },
		{ "css h1::text", "[\"T\xc3\xa9st & more\"]" },
		{ "css a::attr(href)", "[\"/a?b=1&c=2\"]" },
		{ "css a", "[\"<a href=\\\"/a?b=1&amp;c=2\\\">link</a>\"]" },
		{ "css p.x::text", "[\"one\",\"two \"]" },
		{ "css li.x, h1, .x li", "[\"<h1>T\xc3\xa9st &amp; more</h1>"
					 "\",\"<li class=\\\"x\\\">2</li>\"]" },
		{ "css br", "[\"<br>\"]" },
		{ "css nothing", "[]" },
		{ "//comment()", "[\"<!-- note -->\"]" },
		{ "css script",
		    "[\"<script>if (a < b) x('&amp;')</script>\"]" },
		{ "//li[2]/@class | //li[3]/text()", "[\"x\",\"3\"]" },
		{ "count(//li)", "[\"3.0\"]" },
		{ "1 div 0", "[\"inf\"]" },
		{ "//li = '2'", "[\"1\"]" },
		{ "not(//li)", "[\"0\"]" },
		{ "string(//a)", "[\"link\"]" },
		{ "string(//nothing)", "[\"\"]" },
		{ "/", "[]" },
		{ "body/ul/li[1]/text()", "[\"1\"]" },
		{ "//h1/namespace::*",
		    "[\"('xml', 'http://www.w3.org/XML/1998/namespace')\"]" },
	};
	struct doc d = load(DOC_HTML, page, sizeof(page) - 1);

	(void)state;
	check_rows(&d, rows, COUNT(rows));
	xmlFreeDoc(d.tree);
}

static void
test_functions_are_those_of_parsel_and_lxml(void **state)
{
	static const struct row rows[] = {
		{ "//*[has-class('c', 'a')]/h1/text()",
		    "[\"T\xc3\xa9st & more\"]" },
		{ "//*[has-class('a b')]/h1/text()",
		    "[\"T\xc3\xa9st & more\"]" },
		{ "//*[has-class('A')]", "[]" },
		{ "//comment()[has-class('a')]", "[]" },
		{ "//text()[has-class('a')]", NULL },
		{ "//p[has-class()]", NULL },
		{ "//p[has-class(@class)]", NULL },
		{ "//li[re:test(., '[13]')]/text()", "[\"1\",\"3\"]" },
		{ "re:test('ABC', 'b', 'i')", "[\"1\"]" },
		{ "re:test('ABC', 'b')", "[\"0\"]" },
		{ "re:test('a', '(')", NULL },
		{ "re:match('a1b22', '\\d+', 'g')",
		    "[\"<match>1</match>\",\"<match>22</match>\"]" },
		{ "re:match('ab', '(a)(x)?')/text()", "[\"a\",\"a\",\"\"]" },
		{ "string(re:match(//h1, 's.'))", "[\"st\"]" },
		{ "re:replace('a-b', '(.)-(.)', '', '\\2\\n\\g<1>\\.')",
		    "[\"b\\na\\\\.\"]" },
		{ "re:replace('abc', 'x*', 'g', '-')", "[\"-a-b-c-\"]" },
		{ "re:replace('aa', 'a', '', '\\101\\12')", NULL },
		{ "re:replace('aa', 'a', '', '\\101')", "[\"Aa\"]" },
		{ "re:replace('aa', 'a', '', '\\q')", NULL },
		{ "re:replace('aa', 'a', '', '\\0')", NULL },
		{ "re:replace('aa', 'a', '', '\\g<9>')", NULL },
		{ "re:replace('aa', 'a', '', '\\')", NULL },
		{ "set:difference(//li, //li[2])/text()", "[\"1\",\"3\"]" },
		{ "set:intersection(//li, //*[@class])/text()", "[\"2\"]" },
		{ "set:distinct(//@class)", "[\"a  b\\nc\",\"x\"]" },
		{ "set:has-same-node(//li, //*[@class])", "[\"1\"]" },
		{ "set:leading(//li, //li[2])/text()", "[\"1\"]" },
		{ "set:trailing(//li, //li[2])/text()", "[\"3\"]" },
	};
	struct doc d = load(DOC_HTML, page, sizeof(page) - 1);

	(void)state;
	check_rows(&d, rows, COUNT(rows));
	xmlFreeDoc(d.tree);
}

static void
test_xml_is_written_as_xml_with_its_namespaces(void **state)
{
	static const struct row rows[] = {
		{ "//*[local-name()='t']",
		    "[\"<t xmlns=\\\"urn:f\\\" xmlns:x=\\\"urn:x\\\">"
		    "A &lt; B</t>\"]" },
		{ "//*[local-name()='u']",
		    "[\"<x:u xmlns:x=\\\"urn:x\\\" xmlns=\\\"urn:f\\\"/>\"]" },
		{ "//*[local-name()='e']/@*", "[\"1\"]" },
		{ "//processing-instruction()", "[\"<?pi some?>\"]" },
		{ "css e", "[]" },
		{ "//*[local-name()='E']",
		    "[\"<E xmlns=\\\"urn:f\\\" xmlns:x=\\\"urn:x\\\"/>\"]" },
	};
	struct doc d = load(DOC_XML, feed, sizeof(feed) - 1);

	(void)state;
	check_rows(&d, rows, COUNT(rows));
	check_rows(&d, rows, COUNT(rows)); /* and leaves it as it was */
	xmlFreeDoc(d.tree);
}

static void
test_names_keep_their_capitals_only_in_xml(void **state)
{
	static const char text[] = "<r><A x='1'/><a x='2'/></r>";
	struct doc d = load(DOC_XML, text, sizeof(text) - 1);

	(void)state;
	check(&d, "css A::attr(x)", "[\"1\"]");
	check(&d, "css a::attr(x)", "[\"2\"]");
	xmlFreeDoc(d.tree);
	d = load(DOC_HTML, text, sizeof(text) - 1);
	check(&d, "css A::attr(x)", "[\"1\",\"2\"]");
	xmlFreeDoc(d.tree);
}

static void
test_without_a_tree_there_is_nothing(void **state)
{
	struct doc d = load(DOC_TEXT, "text", 4);

	(void)state;
	check(&d, "css *", "[]");
	check(&d, "count(//a)", "[]");
}

static void
test_what_looks_like_a_fault_is_none(void **state)
{
	static const struct row rows[] = {
		{ "//a[@x = '$x' or @y = \"f('\"]", "[]" },
		{ "//a[@x and (@y) or (@z)]/text ( )", "[]" },
		{ "//a[1 div (2) mod (3)]/attribute::node()", "[]" },
		{ "//div[count(div) > 1e3]/comment()", "[]" },
		{ "//a[@xml:lang]/processing-instruction('x:y()')", "[]" },
		{ "//\xc3\xa9[set:distinct(re:match (., '(a)'))]", "[]" },
		{ "//a[-count(b) = 1-count(../c) - .5]/x-y", "[]" },
		{ "//a.b-c[lang('x')]/preceding-sibling::*", "[]" },
	};
	struct doc d = load(DOC_HTML, page, sizeof(page) - 1);

	(void)state;
	check_rows(&d, rows, COUNT(rows));
	xmlFreeDoc(d.tree);
}

static void
test_what_never_works_is_refused_at_once(void **state)
{
	static const struct row rows[] = {
		{ "", "invalid expression at 0" },
		{ "//a[", "invalid expression at 4" },
		{ "'a", "unterminated string at 2" },
		{ "$x", "undefined variable" },
		{ "x:y", "undefined namespace prefix" },
		{ "x:y()", "undefined namespace prefix" },
		{ "nosuch()", "unknown function" },
		{ "//a[@href = $x]", "undefined variable" },
		{ "//a[@x:y]", "undefined namespace prefix" },
		{ "//a[ends-with (@href, 'x')]", "unknown function" },
		{ "//a[re:tset(., 'x')]", "unknown function" },
		{ "css a[x|y]", "undefined namespace prefix" },
		{ "contains('a')", "wrong number of arguments" },
		{ "count(1)", "an argument of the wrong type" },
		{ "\xff", "it is not UTF-8" },
		{ "css ns|a", "undefined namespace prefix" },
		{ "css a::attr('x y')", "invalid expression at 25" },
		{ "css :nope", "the pseudo-class :nope is unknown" },
	};
	struct buf why = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		why.n = 0;
		assert_null(make(rows[i].what, &why));
		if (!span_eq(buf_view(&why), span_str(rows[i].want)))
			fail_msg("%s: %.*s, not %s", rows[i].what, (int)why.n,
			    why.p, rows[i].want);
	}
	assert_null(select_xpath(span_of("//a\0b", 5), &why));
	buf_fini(&why);
}

static void
test_a_result_is_no_longer_than_a_result_may_be(void **state)
{
	static const char *all[] = { "css div", "//div/text()",
		"string(//body)", "//@title" };
	struct buf text = { 0 }, out = { 0 }, why = { 0 };
	struct select *s;
	struct answer a;
	struct doc d;
	size_t i;

	(void)state;
	for (i = 0; i < 450; i++) {
		buf_str(&text, "<div title='");
		memset(buf_reserve(&text, 3200), '"', 3200);
		text.n += 3200;
		buf_str(&text, "'>");
		memset(buf_reserve(&text, 20000), '"', 20000);
		text.n += 20000;
	}
	d = load(DOC_HTML, text.p, text.n);
	for (i = 0; i < COUNT(all) - 1; i++) {
		s = make(all[i], &why);
		out.n = 0;
		answer_start(&a, &out, FRAME_RESULT_MAX);
		assert_int_equal(select_run(s, &d, &a), 0);
		assert_true(a.full);
		assert_true(out.n <= FRAME_RESULT_MAX);
		select_free(s);
	}
	s = make(all[i], &why);
	out.n = 0;
	assert_int_equal(run(s, &d, &out), 0);
	assert_true(out.n < FRAME_RESULT_MAX);
	select_free(s);
	assert_true(out.cap <= 2 * FRAME_RESULT_MAX);
	xmlFreeDoc(d.tree);
	buf_fini(&text);
	buf_fini(&out);
}

static void
test_whatever_is_in_a_tree_the_list_is_json(void **state)
{
	static const char *all[] = { "css *", "//@*", "//text()" };
	struct buf text = { 0 }, out = { 0 }, why = { 0 };
	struct select *s;
	struct doc d;
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++) {
		buf_printf(&text, "<p title='&#%zu;", i);
		buf_char(&text, (char)i);
		buf_printf(&text, "'>&#%zu;", i * 257);
		buf_char(&text, (char)i);
	}
	d = load(DOC_HTML, text.p, text.n);
	/* A string that no parser produces. */
	xmlNewProp(
	    xmlDocGetRootElement(d.tree), BAD_CAST "bad", BAD_CAST "a\xff\xc3");
	for (i = 0; i < COUNT(all); i++) {
		s = make(all[i], &why);
		out.n = 0;
		assert_int_equal(run(s, &d, &out), 0);
		assert_int_equal(utf8_valid(buf_view(&out)), out.n);
		assert_true(json_read_answer(buf_view(&out), NULL));
		select_free(s);
	}
	xmlFreeDoc(d.tree);
	buf_fini(&text);
	buf_fini(&out);
}

static void
test_a_deep_tree_is_no_deep_stack(void **state)
{
	struct buf text = { 0 }, out = { 0 }, why = { 0 };
	struct select *s;
	struct doc d;
	size_t i;

	(void)state;
	for (i = 0; i < 20000; i++)
		buf_str(&text, "<r>");
	buf_str(&text, "<p>x</p>");
	for (i = 0; i < 20000; i++)
		buf_str(&text, "</r>");
	d = load(DOC_XML, text.p, text.n);
	s = make("css p::text", &why);
	assert_int_equal(run(s, &d, &out), 0);
	assert_true(span_eq(buf_view(&out), SPAN("[\"x\"]")));
	select_free(s);
	out.n = 0;
	s = make("/*", &why);
	assert_int_equal(run(s, &d, &out), 0);
	assert_int_equal(out.n, text.n + 4);
	select_free(s);
	xmlFreeDoc(d.tree);
	buf_fini(&text);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_result_is_a_list_of_strings),
		cmocka_unit_test(test_functions_are_those_of_parsel_and_lxml),
		cmocka_unit_test(
		    test_xml_is_written_as_xml_with_its_namespaces),
		cmocka_unit_test(test_names_keep_their_capitals_only_in_xml),
		cmocka_unit_test(test_without_a_tree_there_is_nothing),
		cmocka_unit_test(test_what_looks_like_a_fault_is_none),
		cmocka_unit_test(test_what_never_works_is_refused_at_once),
		cmocka_unit_test(
		    test_a_result_is_no_longer_than_a_result_may_be),
		cmocka_unit_test(test_whatever_is_in_a_tree_the_list_is_json),
		cmocka_unit_test(test_a_deep_tree_is_no_deep_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
