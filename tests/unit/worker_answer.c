/* SPDX-License-Identifier: ISC */
/* JSON up to a limit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker/answer.h"

static void
what_does_not_fit_is_not_written(void **state)
{
	struct buf b = { 0 };
	struct answer a;
	size_t max;

	(void)state;
	for (max = 0; max < 16; max++) {
		b.n = 0;
		buf_str(&b, "head");
		answer_start(&a, &b, max);
		answer_raw(&a, SPAN("["));
		answer_string(&a, SPAN("a\"b"));
		answer_raw(&a, SPAN(","));
		answer_string(&a, SPAN_NONE);
		answer_raw(&a, SPAN("]"));
		assert_int_equal(a.full, max < 13);
		assert_true(b.n <= 4 + max);
	}
	assert_true(span_eq(buf_view(&b), SPAN("head[\"a\\\"b\",null]")));
	/* Once full, nothing more, even if it were short enough. */
	b.n = 0;
	answer_start(&a, &b, 4);
	answer_string(&a, SPAN("long enough"));
	assert_true(a.full);
	answer_raw(&a, SPAN("x"));
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

static void
members_have_commas_between_them(void **state)
{
	struct buf b = { 0 };
	struct answer a;

	(void)state;
	answer_start(&a, &b, 64);
	answer_raw(&a, SPAN("{"));
	answer_next(&a);
	answer_raw(&a, SPAN("\"a\":["));
	answer_item(&a, SPAN("["));
	answer_item(&a, SPAN_NONE);
	answer_item(&a, SPAN("\xff"));
	answer_raw(&a, SPAN("]"));
	answer_next(&a);
	answer_raw(&a, SPAN("\"b\":1}"));
	assert_true(span_eq(buf_view(&b),
	    SPAN("{\"a\":[\"[\",\"\",\"\xef\xbf\xbd\"],\"b\":1}")));
	assert_int_equal(answer_room(&a), 64 - b.n);
	answer_raw(&a, span_of(b.p, 64 - b.n + 1));
	assert_int_equal(answer_room(&a), 0);
	buf_fini(&b);
}

/* Strings are written in pieces; no character is cut in two. */
static void
long_strings_are_whole(void **state)
{
	struct buf in = { 0 }, out = { 0 };
	struct answer a;
	size_t i, pad;

	(void)state;
	for (pad = 0; pad < 4; pad++) {
		in.n = out.n = 0;
		for (i = 0; i < pad; i++)
			buf_char(&in, 'x');
		for (i = 0; i < 50000; i++)
			buf_str(&in, "\xf0\x9f\x98\x80");
		answer_start(&a, &out, 1 << 20);
		answer_string(&a, buf_view(&in));
		assert_false(a.full);
		assert_int_equal(out.n, in.n + 2);
		assert_memory_equal(out.p + 1, in.p, in.n);
	}
	/* Nor after bytes that are not UTF-8. */
	for (pad = 0; pad < 8; pad++) {
		in.n = out.n = 0;
		memset(buf_reserve(&in, 16384), 'x', 16384);
		in.n = 16384 - pad;
		buf_str(&in, "\xf0\x9f\x98\x80\x80\x80\x80\x80");
		answer_start(&a, &out, 1 << 20);
		answer_string(&a, buf_view(&in));
		assert_int_equal(out.n, 1 + 16384 - pad + 4 + 4 * 3 + 1);
	}
	/* Its length is known only after it was escaped. */
	in.n = 0;
	memset(buf_reserve(&in, 100000), '\x01', 100000);
	in.n = 100000;
	out.n = 0;
	answer_start(&a, &out, 300000);
	answer_string(&a, buf_view(&in));
	assert_true(a.full);
	assert_true(out.n <= 300000);
	buf_fini(&in);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_not_written),
		cmocka_unit_test(members_have_commas_between_them),
		cmocka_unit_test(long_strings_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
