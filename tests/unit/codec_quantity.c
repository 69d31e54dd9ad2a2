/* SPDX-License-Identifier: ISC */
/* Durations, sizes and rates in every spelling that can mean one thing. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/quantity.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NONE 999 /* it is refused */
#define SECOND 1000000ULL
#define DAY (86400 * SECOND)

struct row {
	const char *text;
	uint64_t v;
};

static void
check(int (*parse)(struct span, uint64_t *), const struct row *t, size_t n)
{
	uint64_t v;
	size_t i;

	for (i = 0; i < n; i++) {
		if (parse(span_str(t[i].text), &v) != 0)
			v = NONE;
		if (v != t[i].v)
			fail_msg("\"%s\" is %" PRIu64, t[i].text, v);
	}
}

static void
test_a_duration_is_a_number_with_a_unit_or_of_seconds(void **state)
{
	static const struct row t[] = {
		{ "0", 0 },
		{ "5", 5 * SECOND },
		{ "500ms", SECOND / 2 },
		{ "500 ms", SECOND / 2 },
		{ "30s", 30 * SECOND },
		{ "30sec", 30 * SECOND },
		{ "30 seconds", 30 * SECOND },
		{ "1 Second", SECOND },
		{ "2min", 120 * SECOND },
		{ "2 minutes", 120 * SECOND },
		{ "1.5h", 5400 * SECOND },
		{ "1hr", 3600 * SECOND },
		{ "1d", DAY },
		{ "2 days", 2 * DAY },
		{ " 5 ", 5 * SECOND },
		{ "0.0015ms", 2 },
		{ "0.0000000000000000000000000001", 1 },
		{ "99999999999999999999", QUANTITY_TOO_MUCH },
		{ "99999999999999999d", QUANTITY_TOO_MUCH },
	};

	(void)state;
	check(quantity_duration, t, COUNT(t));
}

static void
test_a_duration_may_have_several_units_the_largest_first(void **state)
{
	static const struct row t[] = {
		{ "1m30s", 90 * SECOND },
		{ "1m 30s", 90 * SECOND },
		{ "1h2m3.5s", 3600 * SECOND + 123 * SECOND + SECOND / 2 },
		{ "1d12h", DAY + DAY / 2 },
		{ "1 min 500 ms", 60 * SECOND + SECOND / 2 },
		{ "30s1m", NONE },
		{ "1m1m", NONE },
		{ "1h30", NONE },
		{ "1 30", NONE },
		{ "1h,30m", NONE },
		{ "1h-30m", NONE },
		{ "18446744073709s18446744073709551615ms", QUANTITY_TOO_MUCH },
	};

	(void)state;
	check(quantity_duration, t, COUNT(t));
}

static void
test_what_may_mean_two_things_is_no_duration(void **state)
{
	static const struct row t[] = { { "", NONE }, { " ", NONE },
		{ "5x", NONE }, { "5.", NONE }, { ".", NONE }, { "s", NONE },
		{ "+5", NONE }, { "-5", NONE }, { "5S", NONE }, { "5M", NONE },
		{ "5H", NONE }, { "1e3", NONE }, { "0x10", NONE },
		{ "5us", NONE }, { "5\n", NONE }, { "nan", NONE },
		{ "1:30", NONE }, { "1,5s", NONE }, { "1.2.3", NONE },
		{ "5mi", NONE }, { "5 mo", NONE } };

	(void)state;
	check(quantity_duration, t, COUNT(t));
}

static void
test_a_size_counts_in_1024s_however_its_unit_is_spelt(void **state)
{
	static const struct row t[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "512B", 512 },
		{ "512 bytes", 512 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "1kB", 1024 },
		{ "1KB", 1024 },
		{ "1KiB", 1024 },
		{ "10MB", 10 << 20 },
		{ "10 MB", 10 << 20 },
		{ "10mb", 10 << 20 },
		{ "16M", 16 << 20 },
		{ "1.5M", 3 << 19 },
		{ "0.5k", 512 },
		{ "2G", 2ULL << 30 },
		{ "2GiB", 2ULL << 30 },
		{ "1T", 1ULL << 40 },
		{ "0.9999999999T", 1ULL << 40 },
		{ "18014398509481985k", QUANTITY_TOO_MUCH },
		{ "1.5", NONE },
		{ "1P", NONE },
		{ "1ki", NONE },
		{ "1kbit", NONE },
		{ "1Mb/s", NONE },
		{ "1M1k", NONE },
		{ "10,000", NONE },
		{ "1_000", NONE },
		{ "-1", NONE },
		{ "k", NONE },
		{ "", NONE },
	};

	(void)state;
	check(quantity_size, t, COUNT(t));
}

static void
test_a_count_has_digits_alone(void **state)
{
	static const struct row t[] = { { "0", 0 }, { "007", 7 }, { " 7 ", 7 },
		{ "99999999999999999999", QUANTITY_TOO_MUCH }, { "", NONE },
		{ "7k", NONE }, { "7.0", NONE }, { "+7", NONE },
		{ "7 8", NONE } };

	(void)state;
	check(quantity_count, t, COUNT(t));
}

static void
test_a_rate_is_by_the_second_minute_or_hour(void **state)
{
	static const struct {
		const char *text;
		double amount; /* NONE: refused */
		int64_t per_us;
	} t[] = {
		{ "10", 10, SECOND },
		{ "2.5/s", 2.5, SECOND },
		{ "50/sec", 50, SECOND },
		{ "50 / second", 50, SECOND },
		{ "5/min", 5, 60 * SECOND },
		{ "5/Minute", 5, 60 * SECOND },
		{ "600/m", 600, 60 * SECOND },
		{ ".5/h", .5, 3600 * SECOND },
		{ "100/hour", 100, 3600 * SECOND },
		{ " 5/s ", 5, SECOND },
		{ "5/d", NONE, 0 },
		{ "5/day", NONE, 0 },
		{ "5/ms", NONE, 0 },
		{ "5/S", NONE, 0 },
		{ "5/M", NONE, 0 },
		{ "5/", NONE, 0 },
		{ "/s", NONE, 0 },
		{ "5s", NONE, 0 },
		{ "5/10s", NONE, 0 },
		{ "5/s/s", NONE, 0 },
		{ "1k/s", NONE, 0 },
		{ "", NONE, 0 },
	};
	double amount;
	int64_t per_us;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (quantity_rate(span_str(t[i].text), &amount, &per_us) != 0)
			amount = NONE, per_us = 0;
		if (amount != t[i].amount || per_us != t[i].per_us)
			fail_msg("\"%s\" is %f", t[i].text, amount);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_duration_is_a_number_with_a_unit_or_of_seconds),
		cmocka_unit_test(
		    test_a_duration_may_have_several_units_the_largest_first),
		cmocka_unit_test(test_what_may_mean_two_things_is_no_duration),
		cmocka_unit_test(
		    test_a_size_counts_in_1024s_however_its_unit_is_spelt),
		cmocka_unit_test(test_a_count_has_digits_alone),
		cmocka_unit_test(test_a_rate_is_by_the_second_minute_or_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
