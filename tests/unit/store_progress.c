/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "store/progress.h"

#define ITEMS 20000

static void
test_what_is_given_is_open_until_it_is_done(void **state)
{
	struct progress *p = progress_new();

	(void)state;
	assert_null(progress_from(p, 0));
	progress_give(p, 1);
	progress_give(p, 2);
	progress_give(p, 7); /* 3 to 6 are done */
	assert_int_equal(progress_last(p), 7);
	assert_int_equal(progress_open(p), 3);
	assert_null(progress_find(p, 3));
	assert_int_equal(progress_done(p, 3), -1);
	assert_int_equal(progress_done(p, 2), 0);
	assert_int_equal(progress_done(p, 2), -1);
	assert_null(progress_find(p, 2));
	assert_int_equal(progress_from(p, 2)->seq, 7);
	progress_find(p, 7)->attempts = 3;
	assert_int_equal(progress_from(p, 7)->attempts, 3);
	assert_null(progress_from(p, 8));
	progress_free(p);
}

/* Items end in any order, some very late. */
static void
test_any_order_of_ends_leaves_exactly_the_open_ones(void **state)
{
	struct progress *p = progress_new();
	static unsigned char done[ITEMS + 1];
	uint64_t seq, given = 0, open = 0, n;
	const struct progress_item *i;

	(void)state;
	srandom(7);
	for (n = 0; n < 10 * ITEMS; n++) {
		if (given < ITEMS && random() % 2 == 0) {
			progress_give(p, ++given);
			open++;
			continue;
		}
		if (given == 0)
			continue;
		seq = given - (uint64_t)random() % (given < 500 ? given : 500);
		if (seq % 1000 == 1)
			continue; /* it stays open */
		assert_int_equal(progress_done(p, seq), done[seq] ? -1 : 0);
		open -= !done[seq];
		done[seq] = 1;
		assert_int_equal(progress_open(p), open);
	}
	for (i = progress_from(p, 0), seq = 1; seq <= given; seq++) {
		if (done[seq]) {
			assert_null(progress_find(p, seq));
			continue;
		}
		assert_int_equal(i->seq, seq);
		i = progress_from(p, seq + 1);
	}
	assert_null(i);
	progress_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_given_is_open_until_it_is_done),
		cmocka_unit_test(
		    test_any_order_of_ends_leaves_exactly_the_open_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
