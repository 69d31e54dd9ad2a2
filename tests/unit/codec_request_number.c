/* SPDX-License-Identifier: ISC */
/* Proves src/codec/request_number.c by the keys that take numbers: timeout,
 * retry, cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/request.h"

#define U "\"url\":\"https://a.test/\""

static void
parse_good(struct request *r, struct span line)
{
	struct request_fault f = { 0 };

	if (request_parse(r, line, &f) != E_OK)
		fail_msg(
		    "%.*s: %s (%zu)", (int)line.n, line.p, f.text, f.column);
}

static const struct {
	const char *number;
	int64_t us;
} timeouts[] = {
	{ "0", 0 },
	{ "-0", 0 },
	{ "-0.0e5", 0 },
	{ "0e999999999999999999999", 0 },
	{ "1", 1000000 },
	{ "60", 60000000 },
	{ "0.25", 250000 },
	{ "2.5e-1", 250000 },
	{ "1E2", 100000000 },
	{ "0.000001", 1 },
	{ "0.0000010", 1 },
	{ "0.0000011", 2 },
	{ "1e-400", 1 },
	{ "1e-99999999999999999999", 1 },
	{ "0.00000000000000000000000000000000001e35", 1000000 },
	{ "1.000000000000000000000000000000000001", 1000001 },
	{ "100000000000000000000000000000e-29", 1000000 },
	{ "999999999", 999999999000000 },
	{ "1000000000", 1000000000000000 },
	{ "1e10", 1000000000000000 },
	{ "1e400", 1000000000000000 },
	{ "1e99999999999999999999", 1000000000000000 },
	{ "99999999999999999999999999999999999", 1000000000000000 },
};

static void
test_a_timeout_is_seconds_and_never_rounded_down_to_none(void **state)
{
	struct request r = { 0 };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		snprintf(line, sizeof(line), "{\"timeout\":%s," U "}",
		    timeouts[i].number);
		parse_good(&r, span_str(line));
		if (r.timeout_us != timeouts[i].us)
			fail_msg("%s: %lld", timeouts[i].number,
			    (long long)r.timeout_us);
	}
	request_fini(&r);
}

static const struct {
	const char *number;
	double amount;
} amounts[] = {
	{ "0", 0 },
	{ "-0", 0 },
	{ "-0.0e5", 0 },
	{ "812", 812 },
	{ "1.5", 1.5 },
	{ "25E-2", 0.25 },
	{ "1e308", 1e308 },
	{ "1e-400", 0 },
	{ "9007199254740993", 9007199254740992.0 },
};

static void
test_a_cost_is_any_number_that_a_double_can_hold(void **state)
{
	struct request r = { 0 };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		snprintf(line, sizeof(line), "{" U ",\"cost\":{\"a\":%s}}",
		    amounts[i].number);
		parse_good(&r, span_str(line));
		assert_int_equal(r.ncost, 1);
		if (r.cost[0].amount != amounts[i].amount)
			fail_msg("%s: %g", amounts[i].number, r.cost[0].amount);
	}
	parse_good(&r, SPAN("{" U ",\"cost\":null,\"stream\":null}"));
	assert_int_equal(r.ncost, 0);
	assert_int_equal(r.stream, -1);
	parse_good(&r, SPAN("{" U ",\"cost\":{},\"stream\":false}"));
	assert_int_equal(r.ncost, 0);
	assert_int_equal(r.stream, 0);
	request_fini(&r);
}

static void
test_a_cost_has_16_names_at_most(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	struct request_fault f = { 0 };
	int i;

	(void)state;
	buf_str(&b, "{" U ",\"cost\":{\"n0\":0");
	for (i = 1; i < 16; i++)
		buf_printf(&b, ",\"n%d\":%d", i, i);
	buf_str(&b, "}}");
	parse_good(&r, buf_view(&b));
	assert_int_equal(r.ncost, 16);
	assert_true(r.cost[15].amount == 15);
	b.n -= 2;
	buf_str(&b, ",\"n16\":1}}");
	assert_int_equal(request_parse(&r, buf_view(&b), &f), E_INPUT_INVALID);
	assert_true(strstr(f.text, "\"n16\" exceeds the limit") != NULL);
	buf_fini(&b);
	request_fini(&r);
}

static void
test_a_count_has_neither_sign_point_nor_exponent(void **state)
{
	static const struct {
		const char *number;
		int64_t count; /* -1: refused */
	} t[] = {
		{ "0", 0 },
		{ "1000", 1000 },
		{ "1001", -1 },
		{ "-0", -1 },
		{ "1.0", -1 },
		{ "1e1", -1 },
		{ "18446744073709551617", -1 },
	};
	struct request r = { 0 };
	struct request_fault f = { 0 };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(
		    line, sizeof(line), "{\"retry\":%s," U "}", t[i].number);
		assert_int_equal(request_parse(&r, span_str(line), &f),
		    t[i].count < 0 ? E_INPUT_INVALID : E_OK);
		assert_int_equal(r.retry, t[i].count);
	}
	request_fini(&r);
}

static void
test_a_cost_of_very_many_digits_is_refused(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	struct request_fault f = { 0 };

	(void)state;
	buf_str(&b, "{" U ",\"cost\":{\"a\":0.");
	memset(buf_reserve(&b, 1 << 20), '0', 1 << 20);
	b.n += 1 << 20;
	buf_str(&b, "1}}");
	assert_int_equal(request_parse(&r, buf_view(&b), &f), E_INPUT_INVALID);
	assert_true(strstr(f.text, "\"a\" in \"cost\"") != NULL);
	buf_fini(&b);
	request_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_timeout_is_seconds_and_never_rounded_down_to_none),
		cmocka_unit_test(
		    test_a_cost_is_any_number_that_a_double_can_hold),
		cmocka_unit_test(test_a_cost_has_16_names_at_most),
		cmocka_unit_test(
		    test_a_count_has_neither_sign_point_nor_exponent),
		cmocka_unit_test(test_a_cost_of_very_many_digits_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
