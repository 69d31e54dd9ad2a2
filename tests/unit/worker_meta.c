/* SPDX-License-Identifier: ISC */
/* <meta> elements. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/mem.h"
#include "worker/meta.h"
#include "worker_page.h"

static struct meta meta;

static void
check(const char *type, const char *body, const char *want)
{
	struct answer a;

	page_start(&a, type, body);
	meta_write(&meta, &page.doc, &a);
	assert_false(a.full);
	page_check(body, want);
}

static void
first_content_of_each_name(void **state)
{
	static const char *const t[][3] = {
		{ "text/html", "<meta name=Description content='a &quot;b'>",
		    "{\"description\":\"a \\\"b\"}" },
		{ "text/html", "<meta property=og:title content=t>",
		    "{\"og:title\":\"t\"}" },
		{ "text/html",
		    "<meta name=a content=1><meta property=A content=2>"
		    "<meta name=b content=3>",
		    "{\"a\":\"1\",\"b\":\"3\"}" },
		{ "text/html", "<meta name=a><meta name=a content=2>",
		    "{\"a\":\"2\"}" },
		{ "text/html", "<meta name=a content><meta name='' content=1>",
		    "{\"a\":\"\"}" },
		{ "text/html", "<meta name=a property=og:a content=1>",
		    "{\"a\":\"1\",\"og:a\":\"1\"}" },
		{ "text/html",
		    "<meta charset=utf-8>"
		    "<meta http-equiv=refresh content=1>",
		    "{}" },
		{ "text/html", "<body><p><meta name='\xc3\x89\"' content=x>",
		    "{\"\xc3\x89\\\"\":\"x\"}" },
		{ "text/plain", "<meta name=a content=1>", "{}" },
	};
	size_t i, round;

	(void)state;
	meta_init(&meta);
	for (round = 0; round < 2; round++)
		for (i = 0; i < COUNT(t); i++)
			check(t[i][0], t[i][1], t[i][2]);
	meta_fini(&meta);
}

static void
many_names_are_forgotten_again(void **state)
{
	struct buf b = { 0 };
	struct answer a;
	size_t i;

	(void)state;
	meta_init(&meta);
	for (i = 0; i < 20000; i++)
		buf_printf(&b, "<meta name=k%zu content=v>", i % 10000);
	buf_char(&b, '\0');
	page_start(&a, "text/html", b.p);
	meta_write(&meta, &page.doc, &a);
	assert_false(a.full);
	assert_int_equal(page.out.n, 2 + 10000 * strlen("\"k\":\"v\",") + 10 +
					 2 * 90 + 3 * 900 + 4 * 9000 - 1);
	/* Where there is no room for all of it, too. */
	answer_start(&a, &page.out, 100);
	meta_write(&meta, &page.doc, &a);
	assert_true(a.full);
	assert_int_equal(meta.names.n, 0);
	check("text/html", "<meta name=k1 content=w>", "{\"k1\":\"w\"}");
	meta_fini(&meta);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_content_of_each_name),
		cmocka_unit_test(many_names_are_forgotten_again),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
