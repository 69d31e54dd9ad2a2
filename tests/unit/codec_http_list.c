/* SPDX-License-Identifier: ISC */
/* Lists in field values: members, empty ones, quoted strings. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/http/list.h"

static void
test_members_are_trimmed_and_empty_ones_passed_over(void **state)
{
	static const struct {
		const char *list, *members; /* joined by '|' */
	} table[] = {
		{ "", "" },
		{ ",", "" },
		{ " , ,\t,", "" },
		{ "a", "a|" },
		{ "a,", "a|" },
		{ ",a", "a|" },
		{ " a\t, b ,,c", "a|b|c|" },
		{ "a b", "a b|" },
		{ "\"a,b\",c", "\"a,b\"|c|" },
		{ "x=\"\\\",\", y", "x=\"\\\",\"|y|" },
		{ "x\"a,b\"y,c", "x\"a,b\"y|c|" },
		{ "a,\"b,c", "a|\"b,c|" },
		{ "\"a\\", "\"a\\|" },
		{ "\"\"", "\"\"|" },
	};
	struct buf b = { 0 };
	struct span list, member;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		b.n = 0;
		for (list = span_str(table[i].list);
		     http_list_next(&list, &member);) {
			buf_span(&b, member);
			buf_char(&b, '|');
		}
		buf_char(&b, '\0');
		assert_string_equal(b.p, table[i].members);
		assert_int_equal(list.n, 0);
	}
	list = SPAN_NONE;
	assert_int_equal(http_list_next(&list, &member), 0);
	buf_fini(&b);
}

static void
test_a_part_may_be_empty_and_ends_at_its_separator(void **state)
{
	struct span s = SPAN("a ;; b=\";\" ; c");

	(void)state;
	assert_true(span_eq(http_list_part(&s, ';'), SPAN("a")));
	assert_true(span_eq(http_list_part(&s, ';'), SPAN("")));
	assert_true(span_eq(http_list_part(&s, ';'), SPAN("b=\";\"")));
	assert_true(span_eq(s, SPAN(" c")));
	assert_true(span_eq(http_list_part(&s, ';'), SPAN("c")));
	assert_true(span_eq(http_list_part(&s, ';'), SPAN("")));
	assert_int_equal(s.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_members_are_trimmed_and_empty_ones_passed_over),
		cmocka_unit_test(
		    test_a_part_may_be_empty_and_ends_at_its_separator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
