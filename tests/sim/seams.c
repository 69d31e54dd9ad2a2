/* SPDX-License-Identifier: ISC */
/*
 * Tokens: every item comes back to its input once, when what is written of it
 * is written. fake_input.c fails a run in which one comes twice, or before its
 * record.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "fake.h"
#include "io/sink.h"
#include "scenario.h"

#define ITEMS 300

/* Some fail, all take their time. */
static const struct origin mixed[] = {
	{ FAST, .errs = 200, .truncates = 100, .body_bytes = 3000 },
	{ FAST, .first_at_us = 300 * MS, .body_bytes = 400000 },
};

static void
mixed_item(struct event_base *w, uint64_t number, struct item *to)
{
	(void)w;
	to->kind = number % 20 == 0;
	to->host = (unsigned)number % 7;
	to->is_plain = 1;
}

/* A third are streams. */
static void
streamed_item(struct event_base *w, uint64_t number, struct item *to)
{
	mixed_item(w, number, to);
	if (number % 3 == 0)
		to->more = ",\"stream\":true";
}

static void
expect_done(const struct sim *s, uint64_t items)
{
	uint64_t i;

	assert_int_equal(s->w.list[0].done, items);
	for (i = 1; i <= items; i++)
		assert_int_equal(s->w.outcomes[i].done, 1);
}

static void
test_every_item_is_done_once_and_after_its_record(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, mixed, ARGS("-c", "20", "--retry", "1"));
		s.w.is_chaotic = seed > 1;
		s.w.sink_rate = 2000000;
		s.slack_us = 200 * MS;
		sim_input(&s, ITEMS, mixed_item);
		sim_run(&s, 10 * MINUTE);
		expect_done(&s, ITEMS);
		sim_fini(&s);
	}
}

static void
test_nothing_is_done_while_the_output_is_not_read(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, mixed, ARGS("-c", "20"));
	s.w.sink_rate = 100000000;
	s.w.sink_blocks_from = s.w.now_us;
	s.w.sink_blocks_until = s.w.now_us + 5 * SECOND;
	sim_input(&s, ITEMS, mixed_item);
	sim_run_for(&s, 4 * SECOND);
	assert_true(s.job.stats.ok > 0);
	assert_int_equal(s.w.list[0].done, 0);
	sim_run(&s, 10 * MINUTE);
	expect_done(&s, ITEMS);
	sim_fini(&s);
}

static void
note_spilled(struct sim *s)
{
	uint64_t *most = s->arg, now = order_spilled_bytes(s->job.emit.order);

	if (now > *most)
		*most = now;
}

/* Records wait for their turn, some of them in the file. */
static void
test_records_in_order_and_spilled_ones_are_done_in_order(void **state)
{
	uint64_t spilled;
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, mixed,
		    ARGS("-c", "50", "--keep-order", "--max-buffer", "1M"));
		s.w.is_chaotic = seed > 1;
		s.w.is_ordered = 1;
		spilled = 0;
		s.arg = &spilled;
		s.each_turn = note_spilled;
		s.w.sink_rate = 3000000;
		s.slack_us = 500 * MS;
		sim_input(&s, ITEMS, mixed_item);
		sim_run(&s, 10 * MINUTE);
		assert_true(spilled > 0);
		expect_done(&s, ITEMS);
		sim_fini(&s);
	}
}

static void
test_a_failed_item_is_done_when_its_line_is_written_too(void **state)
{
	struct sink *failed;
	struct sim s;

	(void)state;
	sim_init(&s, 1, mixed, ARGS("-c", "20", "--fail"));
	failed = sink_new(&s.w, 2, NULL, NULL);
	s.job.emit.failed = failed;
	fake_output_failed(s.job.emit.out, failed);
	s.w.failed_blocks_until = s.w.now_us + 3 * SECOND;
	sim_input(&s, ITEMS, mixed_item);
	sim_run_for(&s, 2 * SECOND);
	assert_true(s.job.stats.failed > 0);
	assert_true(s.w.list[0].done < s.job.stats.failed + s.job.stats.ok);
	/* Long after the last record. */
	sim_run_for(&s, 10 * MINUTE);
	while (s.w.list[0].done < ITEMS && s.w.now_us < 1200 * SECOND) {
		s.w.horizon_us = INT64_MAX;
		(void)world_pass(&s.w, 1);
		output_settle(&s.job);
	}
	expect_done(&s, ITEMS);
	sim_fini(&s);
	sink_free(failed);
}

static void
test_items_whose_records_are_left_out_are_done_as_well(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, mixed, ARGS("-c", "20", "--only-failed", "--fail"));
	s.w.may_lack_records = 1;
	sim_input(&s, ITEMS, mixed_item);
	sim_run_for(&s, 10 * MINUTE);
	assert_true(sim_is_over(&s));
	assert_true(s.w.records > 0 && s.w.records < ITEMS);
	expect_done(&s, ITEMS);
	sim_fini(&s);
}

static void
test_streams_are_done_with_their_last_line(void **state)
{
	struct sim s;
	uint64_t seed;
	int ordered;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		ordered = seed % 2 == 0;
		sim_init(&s, seed, mixed,
		    ordered ? ARGS("-c", "20", "--keep-order")
			    : ARGS("-c", "20"));
		s.w.sink_rate = 3000000;
		s.w.is_ordered = ordered;
		sim_input(&s, ITEMS, streamed_item);
		sim_run(&s, 10 * MINUTE);
		expect_done(&s, ITEMS);
		sim_fini(&s);
	}
}

/* What was not begun is left to whoever comes next. */
static void
test_an_item_that_is_left_is_not_done(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, mixed, ARGS("-c", "5", "--grace", "0"));
	sim_input(&s, ITEMS, mixed_item);
	sim_run_for(&s, 500 * MS);
	sim_stop(&s);
	sim_run_for(&s, MINUTE);
	output_settle(&s.job);
	assert_true(s.w.records > 0 && s.w.records < ITEMS);
	for (i = 1; i <= ITEMS; i++)
		assert_int_equal(s.w.outcomes[i].done, s.w.outcomes[i].records);
	sim_fini(&s);
}

int
run_seams(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_every_item_is_done_once_and_after_its_record),
		cmocka_unit_test(
		    test_nothing_is_done_while_the_output_is_not_read),
		cmocka_unit_test(
		    test_records_in_order_and_spilled_ones_are_done_in_order),
		cmocka_unit_test(
		    test_a_failed_item_is_done_when_its_line_is_written_too),
		cmocka_unit_test(
		    test_items_whose_records_are_left_out_are_done_as_well),
		cmocka_unit_test(test_streams_are_done_with_their_last_line),
		cmocka_unit_test(test_an_item_that_is_left_is_not_done),
	};

	return cmocka_run_group_tests_name("seams", tests, NULL, NULL);
}
