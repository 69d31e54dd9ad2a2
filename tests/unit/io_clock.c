/* SPDX-License-Identifier: ISC */
/* The moment of a callback, and the budget of a pass. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/clock.h"
#include "io/timer.h"

static void
test_a_pass_begins_with_its_first_look_and_has_a_budget(void **state)
{
	struct clock k = { 0 };
	int64_t before = timer_now_us(), first;

	(void)state;
	first = clock_tick(&k);
	assert_true(first >= before && first <= timer_now_us());
	assert_int_equal(k.now_us, first);
	assert_int_equal(k.pass_at_us, first);
	assert_false(clock_is_over_budget(&k));
	(void)clock_tick(&k);
	assert_int_equal(k.pass_at_us, first);

	k.now_us = first + CLOCK_PASS_US;
	assert_false(clock_is_over_budget(&k));
	k.now_us++;
	assert_true(clock_is_over_budget(&k));
}

static void
test_the_next_pass_has_a_budget_of_its_own(void **state)
{
	struct clock k = { 0 };

	(void)state;
	k.pass_at_us = clock_tick(&k) - 2 * CLOCK_PASS_US;
	assert_true(clock_is_over_budget(&k));
	clock_end_pass(&k);
	(void)clock_tick(&k);
	assert_false(clock_is_over_budget(&k));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_pass_begins_with_its_first_look_and_has_a_budget),
		cmocka_unit_test(test_the_next_pass_has_a_budget_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
