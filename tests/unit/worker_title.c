/* SPDX-License-Identifier: ISC */
/* Titles. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker/title.h"
#include "worker_page.h"

static struct buf scratch;

static void
check(const char *type, const char *body, const char *want)
{
	struct answer a;

	page_start(&a, type, body);
	title_write(&page.doc, &scratch, &a);
	assert_false(a.full);
	page_check(body, want);
}

static void
title_is_the_first_there_is(void **state)
{
	static const char *const t[][3] = {
		{ "text/html", "<title> a\n b&amp;c </title><title>d</title>",
		    "\"a b&c\"" },
		{ "text/html", "<body><p><title>late</title>", "\"late\"" },
		{ "text/html", "<title></title>", "\"\"" },
		{ "text/html", "<p>none", "null" },
		{ "text/html", "", "null" },
		{ "text/html", "<svg><title>drawing</title></svg>", "null" },
		{ "text/html",
		    "<svg><title>drawing</title></svg><title>page</title>",
		    "\"page\"" },
		{ "text/xml", "<a><title>x</title></a>", "\"x\"" },
		{ "text/plain", "<title>x</title>", "null" },
		{ "text/html", "<title>\\\"\xc2\x9b</title>",
		    "\"\\\\\\\"\xc2\x9b\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		check(t[i][0], t[i][1], t[i][2]);
	buf_fini(&scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(title_is_the_first_there_is),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
