/* SPDX-License-Identifier: ISC */
/* Proves src/codec/http/date.c, against the C library's calendar too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "codec/http/date.h"

#define NOW_2024 1704067200 /* 2024-01-01T00:00:00Z */
#define EXAMPLE 784111777   /* of RFC 9110 */

static void
test_the_three_forms_of_the_rfc_are_one_date(void **state)
{
	static const char *const table[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun Nov 06 08:49:37 1994",
		" \tSun, 06 Nov 1994 08:49:37 GMT ",
		"SUN, 06 nov 1994 08:49:37 gmt",
		"sunDAY, 06-NOV-94 08:49:37 GMT",
		"Mon, 06 Nov 1994 08:49:37 GMT",
	};
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		t = 0;
		if (http_date_parse(span_str(table[i]), NOW_2024, &t) == -1)
			fail_msg("refused: %s", table[i]);
		assert_int_equal(t, EXAMPLE);
	}
}

static void
test_anything_else_is_refused(void **state)
{
	static const char *const table[] = {
		"",
		" ",
		"Sun",
		"Sunday",
		"now",
		"784111777",
		"06 Nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 06 Nov 1994 08:49:37 GMT+1",
		"Sun, 06 Nov 1994 08:49:37 GMT, x",
		"Sun, 06 Nov 1994  08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"Sun 06 Nov 1994 08:49:37 GMT",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Xyz 1994 08:49:37 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sunday Nov  6 08:49:37 1994",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Wed, 29 Feb 2023 08:49:37 GMT",
		"Thu, 29 Feb 1900 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:00 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov  0 08:49:37 1994",
		"Sun Nov  6 08:49:37 94",
	};
	int64_t t = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (http_date_parse(span_str(table[i]), NOW_2024, &t) == 0)
			fail_msg("taken: %s", table[i]);
	assert_int_equal(
	    http_date_parse(
		SPAN("Sun, 06 Nov 1994 08:49:37 GMT\0"), NOW_2024, &t),
	    -1);
	assert_int_equal(http_date_parse(SPAN_NONE, NOW_2024, &t), -1);
	assert_int_equal(t, 7);
}

static void
test_a_date_cut_at_any_byte_is_refused(void **state)
{
	static const char *const table[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
		"1994-11-06T08:49:37+00:00" };
	int64_t t;
	size_t i, n;
	char *p;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (n = 0; n < strlen(table[i]); n++) {
			p = malloc(n > 0 ? n : 1);
			assert_non_null(p);
			memcpy(p, table[i], n);
			assert_int_equal(
			    http_date_parse(span_of(p, n), NOW_2024, &t), -1);
			assert_int_equal(
			    http_date_rfc3339(span_of(p, n), &t), -1);
			free(p);
		}
}

/* Of 1600 to 2400: twice all there is. */
static void
test_every_day_is_the_c_librarys_day(void **state)
{
	struct tm tm = { 0 };
	int64_t day, first = -135140, last = 157113, t;
	char text[64];
	time_t at;

	(void)state;
	for (day = first; day <= last; day++) {
		at = (time_t)(day * 86400 + 86399 - (day % 5 + 5) * 17000);
		assert_non_null(gmtime_r(&at, &tm));
		strftime(text, sizeof(text), "%a, %d %b ", &tm);
		snprintf(text + 12, sizeof(text) - 12,
		    "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		if (http_date_parse(span_str(text), 0, &t) == -1 || t != at)
			fail_msg("%s", text);
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		if (http_date_rfc3339(span_str(text), &t) == -1 ||
		    t != (int64_t)at * 1000000)
			fail_msg("%s", text);
	}
}

static int64_t
year_of(const char *text, const char *now)
{
	struct tm tm;
	int64_t t, now_us;
	time_t at;

	assert_int_equal(http_date_rfc3339(span_str(now), &now_us), 0);
	assert_int_equal(
	    http_date_parse(span_str(text), now_us / 1000000, &t), 0);
	at = (time_t)t;
	assert_non_null(gmtime_r(&at, &tm));
	return tm.tm_year + 1900;
}

static void
test_a_year_of_two_digits_is_at_most_fifty_years_ahead(void **state)
{
	static const struct {
		const char *text, *now;
		int year;
	} table[] = {
		{ "Monday, 01-Jan-24 00:00:00 GMT", "2024-01-01T00:00:00Z",
		    2024 },
		{ "Monday, 01-Jan-73 00:00:00 GMT", "2024-01-01T00:00:00Z",
		    2073 },
		{ "Monday, 01-Jan-74 00:00:00 GMT", "2024-01-01T00:00:00Z",
		    2074 },
		{ "Monday, 01-Jan-74 00:00:01 GMT", "2024-01-01T00:00:00Z",
		    1974 },
		{ "Monday, 31-Dec-74 23:59:59 GMT", "2024-12-31T23:59:58Z",
		    1974 },
		{ "Monday, 31-Dec-74 23:59:59 GMT", "2024-12-31T23:59:59Z",
		    2074 },
		{ "Monday, 01-Jan-75 00:00:00 GMT", "2024-12-31T23:59:59Z",
		    1975 },
		{ "Monday, 01-Jan-99 00:00:00 GMT", "2024-01-01T00:00:00Z",
		    1999 },
		{ "Monday, 01-Jan-00 00:00:00 GMT", "2024-01-01T00:00:00Z",
		    2000 },
		{ "Monday, 01-Jan-05 00:00:00 GMT", "2095-01-01T00:00:00Z",
		    2105 },
		{ "Monday, 01-Jan-94 00:00:00 GMT", "2095-01-01T00:00:00Z",
		    2094 },
		{ "Monday, 01-Jan-46 00:00:00 GMT", "2095-01-01T00:00:00Z",
		    2046 },
		{ "Monday, 29-Feb-72 00:00:00 GMT", "2024-02-29T00:00:00Z",
		    2072 },
		{ "Monday, 29-Feb-76 00:00:00 GMT", "2026-03-01T00:00:00Z",
		    2076 },
		{ "Monday, 29-Feb-76 00:00:00 GMT", "2026-02-28T23:59:59Z",
		    1976 },
		{ "Monday, 01-Jan-70 00:00:00 GMT", "1970-01-01T00:00:00Z",
		    1970 },
		{ "Monday, 01-Jan-21 00:00:00 GMT", "1970-01-01T00:00:00Z",
		    1921 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (year_of(table[i].text, table[i].now) != table[i].year)
			fail_msg("%s at %s: %d", table[i].text, table[i].now,
			    (int)year_of(table[i].text, table[i].now));
}

static void
test_any_clock_will_do(void **state)
{
	static const int64_t clocks[] = { INT64_MIN, -1, 0, INT64_MAX };
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		assert_int_equal(
		    http_date_parse(
			SPAN("Sunday, 06-Nov-94 08:49:37 GMT"), clocks[i], &t),
		    0);
		assert_true(t >= -2208988800 && t < 253402300800);
	}
}

static void
test_a_leap_second_is_the_next_minute(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(
	    http_date_parse(SPAN("Sat, 31 Dec 2016 23:59:60 GMT"), 0, &t), 0);
	assert_int_equal(t, 1483228800);
}

static void
test_rfc_3339_has_fractions_and_offsets(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} table[] = {
		{ "1994-11-06T08:49:37Z", EXAMPLE * INT64_C(1000000) },
		{ "1994-11-06t08:49:37z", EXAMPLE * INT64_C(1000000) },
		{ "1994-11-06T08:49:37.5Z",
		    EXAMPLE * INT64_C(1000000) + 500000 },
		{ "1994-11-06T08:49:37.123456789Z",
		    EXAMPLE * INT64_C(1000000) + 123456 },
		{ "1994-11-06T10:19:37+01:30", EXAMPLE * INT64_C(1000000) },
		{ "1994-11-05T23:49:37.000-09:00", EXAMPLE * INT64_C(1000000) },
		{ "1969-12-31T23:59:59.25Z", -750000 },
		{ "0000-01-01T00:00:00Z", INT64_C(-62167219200000000) },
		{ "0000-02-29T00:00:00Z", INT64_C(-62162121600000000) },
		{ "9999-12-31T23:59:59Z", INT64_C(253402300799000000) },
	};
	static const char *const bad[] = { "1994-11-06", "1994-11-06T08:49:37",
		"1994-11-06 08:49:37Z", "1994-11-06T08:49:37.Z",
		"1994-13-06T08:49:37Z", "1994-11-31T08:49:37Z",
		"1994-00-06T08:49:37Z", "1994-11-06T08:49:37+0000",
		"1994-11-06T08:49:37+24:00", "1994-11-06T08:49:37Z0",
		"94-11-06T08:49:37Z", "1994-11-06T08:49Z", "" };
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
		    http_date_rfc3339(span_str(table[i].text), &us), 0);
		assert_int_equal(us, table[i].us);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_date_rfc3339(span_str(bad[i]), &us) == 0)
			fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_three_forms_of_the_rfc_are_one_date),
		cmocka_unit_test(test_anything_else_is_refused),
		cmocka_unit_test(test_a_date_cut_at_any_byte_is_refused),
		cmocka_unit_test(test_every_day_is_the_c_librarys_day),
		cmocka_unit_test(
		    test_a_year_of_two_digits_is_at_most_fifty_years_ahead),
		cmocka_unit_test(test_any_clock_will_do),
		cmocka_unit_test(test_a_leap_second_is_the_next_minute),
		cmocka_unit_test(test_rfc_3339_has_fractions_and_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
