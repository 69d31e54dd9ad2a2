/* SPDX-License-Identifier: ISC */
/* Proves src/codec/http/retry_after.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http/duration.h"
#include "codec/http/retry_after.h"

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
		".5", "1.5.5", "5;x", "1e3", "0x10", "1 2", "soon", "NaN",
		"inf", "\"5\"", "Sun, 06 Nov 1994 08:50:37 PST", "1e9",
		"Sun, 06 Nov", ",", ", ,", "-1, soon" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_retry_after_us(span_str(table[i]), WALL) != -1)
			fail_msg("taken: %s", table[i]);
	assert_int_equal(http_retry_after_us(SPAN_NONE, WALL), -1);
	assert_int_equal(http_retry_after_us(SPAN("5\0"), WALL), -1);
}

static void
test_a_number_above_a_milliard_is_a_moment(void **state)
{
	static const struct {
		const char *value;
		int64_t us;
	} table[] = {
		{ "1000000000", 1000000000 * S }, /* still a span */
		{ "1000000001", 0 },
		{ "1784111777", 120 * S },
		{ "1784111777.5", 120 * S + 500000 },
		{ "1784111656", 0 },
		{ "1784111777000", 120 * S },
		{ "1784111777250", 120 * S + 250000 },
		{ "2026-07-15T10:36:17Z", 120 * S },
		{ "2026-07-15T12:36:17.5+02:00", 120 * S + 500000 },
	};
	const int64_t wall = INT64_C(1784111657) * S;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_retry_after_us(span_str(table[i].value), wall) !=
		    table[i].us)
			fail_msg("%s", table[i].value);
}

static void
test_of_several_values_the_longest_counts(void **state)
{
	static const struct {
		const char *value;
		int64_t us;
	} table[] = {
		{ "5, 10", 10 * S },
		{ "10,5", 10 * S },
		{ ", 5,, ", 5 * S },
		{ "soon, 5", 5 * S },
		{ "5, -1", 5 * S },
		{ "5s", 5 * S },
		{ "1m30s, 45s", 90 * S },
		{ "500ms", 500000 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT, 5", 60 * S },
		{ "5, Sun, 06 Nov 1994 08:50:37 GMT", 60 * S },
		{ "90, Sun, 06 Nov 1994 08:50:37 GMT,", 90 * S },
		{ "Sun, 06 Nov 1994 08:49:47 GMT, Sun Nov  6 08:50:07 1994, "
		  "Sunday, 06-Nov-94 08:49:57 GMT",
		    30 * S },
	};
	struct http *h = http_new();
	struct span body;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_retry_after_us(span_str(table[i].value), WALL) !=
		    table[i].us)
			fail_msg("%s", table[i].value);
	http_start(h, 0, 65536, 0);
	assert_int_equal(http_feed(h,
			     SPAN("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"
				  "Retry-After: 3\r\nretry-after: 7, soon\r\n"
				  "Retry-After:\r\nRetry-After: 5\r\n\r\n"),
			     &body),
	    HTTP_DONE);
	assert_int_equal(http_retry_after_of(http_header(h), WALL), 7 * S);
	http_start(h, 0, 65536, 0);
	(void)http_feed(
	    h, SPAN("HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n\r\n"), &body);
	assert_int_equal(http_retry_after_of(http_header(h), WALL), -1);
	http_free(h);
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
		cmocka_unit_test(test_a_number_above_a_milliard_is_a_moment),
		cmocka_unit_test(test_of_several_values_the_longest_counts),
		cmocka_unit_test(test_the_clocks_fraction_of_a_second_counts),
		cmocka_unit_test(test_any_clock_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
