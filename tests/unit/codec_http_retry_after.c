/* SPDX-License-Identifier: ISC */
/* Proves src/codec/http_retry_after.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http_duration.h"
#include "codec/http_retry_after.h"

#define S INT64_C(1000000)
#define WALL (784111777 * S) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void
test_seconds_and_dates_are_waits_from_now(void **state)
{
	static const struct {
		const char *value;
		int64_t us;
	} table[] = {
		{ "0", 0 },
		{ "120", 120 * S },
		{ " 120\t", 120 * S },
		{ "0120", 120 * S },
		{ "1.5", 1500000 },
		{ "0.25", 250000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:36 GMT", 0 },
		{ "Sat, 05 Nov 1994 08:49:37 GMT", 0 },
		{ "Thu, 01 Jan 0000 00:00:00 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60 * S },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60 * S },
		{ "Sun Nov  6 08:50:37 1994", 60 * S },
		{ " Sun Nov  6 08:50:37 1994 ", 60 * S },
		{ "Sun, 06 Nov 1994 10:49:37 GMT", 7200 * S },
		{ "99999999999999999999", HTTP_DURATION_MAX },
		{ "9999999999999999999999999999.9", HTTP_DURATION_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_retry_after_us(span_str(table[i].value), WALL) !=
		    table[i].us)
			fail_msg("%s", table[i].value);
}

static void
test_rubbish_says_nothing(void **state)
{
	static const char *const table[] = { "", " ", "-1", "-0", "+5", "1.",
		".5", "1.5.5", "1,5", "5, 5", "5;x", "5s", "1e3", "0x10", "1 2",
		"soon", "NaN", "inf", "\"5\"", "Sun, 06 Nov 1994 08:50:37 PST",
		"1994-11-06T08:50:37Z", "Sun, 06 Nov 1994 08:50:37 GMT, 5" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_retry_after_us(span_str(table[i]), WALL) != -1)
			fail_msg("taken: %s", table[i]);
	assert_int_equal(http_retry_after_us(SPAN_NONE, WALL), -1);
	assert_int_equal(http_retry_after_us(SPAN("5\0"), WALL), -1);
}

static void
test_the_clocks_fraction_of_a_second_counts(void **state)
{
	(void)state;
	assert_int_equal(
	    http_retry_after_us(
		SPAN("Sun, 06 Nov 1994 08:49:38 GMT"), WALL + 400000),
	    600000);
	assert_int_equal(http_retry_after_us(
			     SPAN("Sun, 06 Nov 1994 08:49:37 GMT"), WALL + 1),
	    0);
}

static void
test_any_clock_will_do(void **state)
{
	static const int64_t clocks[] = { INT64_MIN, -1, 0, INT64_MAX };
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		us = http_retry_after_us(
		    SPAN("Fri, 31 Dec 9999 23:59:59 GMT"), clocks[i]);
		assert_true(us >= 0 && us <= HTTP_DURATION_MAX);
		assert_int_equal(
		    http_retry_after_us(SPAN("5"), clocks[i]), 5 * S);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seconds_and_dates_are_waits_from_now),
		cmocka_unit_test(test_rubbish_says_nothing),
		cmocka_unit_test(test_the_clocks_fraction_of_a_second_counts),
		cmocka_unit_test(test_any_clock_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
