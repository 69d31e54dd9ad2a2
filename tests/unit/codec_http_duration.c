/* SPDX-License-Identifier: ISC */
/* Proves src/codec/http/duration.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http/duration.h"

#define S INT64_C(1000000)

static void
test_numbers_may_have_a_fraction(void **state)
{
	static const struct {
		const char *text;
		int64_t unit, value;
		size_t left;
	} table[] = {
		{ "0", 1, 0, 0 },
		{ "12", 1, 12, 0 },
		{ "007", S, 7 * S, 0 },
		{ "1.5", S, 1500000, 0 },
		{ "1.5", 1, 1, 0 },
		{ "0.0000019", S, 1, 0 },
		{ "1.5x", S, 1500000, 1 },
		{ "1.5.5", S, 1500000, 2 },
		{ "5 ", S, 5 * S, 1 },
		{ "0.25", 60 * S, 15 * S, 0 },
		{ "", S, -1, 0 },
		{ "-1", S, -1, 2 },
		{ "+1", S, -1, 2 },
		{ " 1", S, -1, 2 },
		{ ".5", S, -1, 2 },
		{ "1.", S, -1, 0 },
		{ "1.x", S, -1, 1 },
		{ "2305843009213693939", 1, INT64_C(2305843009213693939), 0 },
		{ "2305843009213693951", 1, HTTP_DURATION_MAX, 0 },
		{ "2305843009213693952", 1, HTTP_DURATION_MAX, 0 },
		{ "9223372036854775807", 1, HTTP_DURATION_MAX, 0 },
		{ "9223372036854775808", 1, HTTP_DURATION_MAX, 0 },
	};
	struct span s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		s = span_str(table[i].text);
		if (http_duration_number(&s, table[i].unit) != table[i].value ||
		    s.n != table[i].left)
			fail_msg("%s", table[i].text);
	}
}

static void
test_huge_numbers_saturate(void **state)
{
	static const int64_t units[] = { 1, 10, 1000, S, 86400 * S };
	char digits[400];
	struct span s;
	size_t i, n;

	(void)state;
	memset(digits, '9', sizeof(digits));
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		for (n = 60; n < sizeof(digits); n++) {
			digits[n / 2] = n % 3 == 0 ? '.' : '9';
			s = span_of(digits, n);
			assert_int_equal(http_duration_number(&s, units[i]),
			    HTTP_DURATION_MAX);
			assert_int_equal(s.n, 0);
			digits[n / 2] = '9';
		}
}

static void
test_durations_are_numbers_with_units(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} table[] = {
		{ "0s", 0 },
		{ "1s", S },
		{ "17ms", 17000 },
		{ "6m0s", 360 * S },
		{ "1h2m3s", 3723 * S },
		{ "2m59.56s", 179560000 },
		{ "1d", 86400 * S },
		{ "1d1h", 90000 * S },
		{ "1.5ms", 1500 },
		{ "500us", 500 },
		{ "500\xc2\xb5s", 500 },
		{ "0.5m", 30 * S },
		{ "99999999999999999999d1s", HTTP_DURATION_MAX },
		{ "9999999999999999d9999999999999999d9999999999999999d",
		    HTTP_DURATION_MAX },
		{ "", -1 },
		{ "1", -1 },
		{ "s", -1 },
		{ "1x", -1 },
		{ "1S", -1 },
		{ "-1s", -1 },
		{ "1s ", -1 },
		{ " 1s", -1 },
		{ "1m 2s", -1 },
		{ "1m2", -1 },
		{ "1.s", -1 },
		{ "1ss", -1 },
		{ "1u", -1 },
		{ "1\xc2\xb5", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_duration_us(span_str(table[i].text)) != table[i].us)
			fail_msg("%s", table[i].text);
	assert_int_equal(http_duration_us(SPAN_NONE), -1);
	assert_int_equal(http_duration_us(SPAN("1s\0")), -1);
}

static void
test_what_is_over_is_no_wait(void **state)
{
	(void)state;
	assert_int_equal(http_duration_until(5, 3), 2);
	assert_int_equal(http_duration_until(3, 3), 0);
	assert_int_equal(http_duration_until(3, 5), 0);
	assert_int_equal(http_duration_until(3, -5), 8);
	assert_int_equal(http_duration_until(INT64_MIN, INT64_MAX), 0);
	assert_int_equal(
	    http_duration_until(INT64_MAX, INT64_MIN), HTTP_DURATION_MAX);
	assert_int_equal(http_duration_until(INT64_MAX, 0), HTTP_DURATION_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_may_have_a_fraction),
		cmocka_unit_test(test_huge_numbers_saturate),
		cmocka_unit_test(test_durations_are_numbers_with_units),
		cmocka_unit_test(test_what_is_over_is_no_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
