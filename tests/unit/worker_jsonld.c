/* SPDX-License-Identifier: ISC */
/* JSON-LD in pages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker/jsonld.h"
#include "worker_page.h"

static struct buf scratch;

static void
check(const char *type, const char *body, const char *want)
{
	struct answer a;

	page_start(&a, type, body);
	jsonld_write(&page.doc, &scratch, &a);
	assert_false(a.full);
	page_check(body, want);
}

#define LD(s) "<script type=application/ld+json>" s "</script>"

static void
values_stand_as_they_are_on_one_line(void **state)
{
	static const char *const t[][3] = {
		{ "text/html", LD("{\"a\":1}"), "[{\"a\":1}]" },
		{ "text/html", LD("\n{\"a\":\r\n [1, 2],\n\"b\\n\": 1.50}\n"),
		    "[{\"a\":   [1, 2], \"b\\n\": 1.50}]" },
		{ "text/html", LD("[]") "<p>" LD("2"), "[[],2]" },
		{ "text/html", LD("[\"\\ud800\"]") LD("\xef\xbb\xbf{}"),
		    "[[\"\\ud800\"],{}]" },
		{ "text/html", LD("{\"a\":\"</p>&amp;\"}"),
		    "[{\"a\":\"</p>&amp;\"}]" },
		{ "text/html",
		    LD("{\"a\":\"x\ny\"}") LD("{a:1}") LD("") LD("1 2")
			LD("[1,]") LD("// x\n{}"),
		    "[]" },
		{ "text/html",
		    "<script type=' Application/LD+JSON; charset=x'>1</script>",
		    "[1]" },
		{ "text/html",
		    "<script>1</script>"
		    "<script type=application/json>2</script>",
		    "[]" },
		{ "application/xhtml+xml",
		    "<html><script type='application/ld+json'>{}</script>"
		    "</html>",
		    "[{}]" },
		{ "text/plain", LD("1"), "[]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		check(t[i][0], t[i][1], t[i][2]);
}

static void
too_deep_a_value_is_left_out(void **state)
{
	struct buf b = { 0 };
	struct answer a;
	size_t deep, i;

	(void)state;
	for (deep = JSON_ANSWER_DEPTH_MAX - 1; deep < JSON_ANSWER_DEPTH_MAX + 9;
	     deep++) {
		b.n = 0;
		buf_str(&b, "<script type=application/ld+json>");
		for (i = 0; i < deep; i++)
			buf_char(&b, '[');
		/* Those in a string do not count. */
		buf_str(&b, "\"[\\\"[[\"");
		for (i = 0; i < deep; i++)
			buf_char(&b, ']');
		buf_str(&b, "</script>");
		buf_char(&b, '\0');
		page_start(&a, "text/html", b.p);
		jsonld_write(&page.doc, &scratch, &a);
		assert_int_equal(page.out.n > 2, deep <= JSON_ANSWER_DEPTH_MAX);
	}
	buf_fini(&b);
	buf_fini(&scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_as_they_are_on_one_line),
		cmocka_unit_test(too_deep_a_value_is_left_out),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
