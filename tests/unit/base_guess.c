/* SPDX-License-Identifier: ISC */
/* Guesses a misspelt name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/guess.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[] = { "rate", "rate-per-host", "fail",
	"max-time", "retry-max-time", "header", "compressed", "location",
	"location-trusted", "ipv4", "ipv6" };

static const char *
meant(const char *typed)
{
	struct guess g = GUESS_OF(span_str(typed));
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		guess_look(&g, span_str(names[i]), (int)i);
	return g.found < 0 ? "" : names[g.found];
}

static void
test_the_nearest_name_was_meant(void **state)
{
	static const struct {
		const char *typed, *meant;
	} t[] = {
		{ "fial", "fail" },
		{ "maxtime", "max-time" },
		{ "headers", "header" },
		{ "Header", "header" },
		{ "compresed", "compressed" },
		{ "compresd", "compressed" },
		{ "max-t", "max-time" },
		{ "rat", "rate" },
		{ "rates", "rate" },
		{ "locatoin", "location" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		assert_string_equal(meant(t[i].typed), t[i].meant);
}

static void
test_what_is_far_from_all_of_them_is_no_guess(void **state)
{
	static const char *const t[] = { "", "ra", "range", "rtea", "hedr",
		"frobnicate", "ipv", "ipv5", "loc",
		"a-name-longer-than-any-that-is-worth-a-guess" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		assert_string_equal(meant(t[i]), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearest_name_was_meant),
		cmocka_unit_test(test_what_is_far_from_all_of_them_is_no_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
