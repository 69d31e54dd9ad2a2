/* SPDX-License-Identifier: ISC */
/*
 * A run that goes on where another was interrupted: what is known of its items,
 * and what the input is told so that yet another one can go on. fake_input.c
 * and fake_peer.c fail a run that sends what must not be sent twice before the
 * input has said yes.
 */
#include <string.h>

#include "core/fetch.h"
#include "core/input.h"
#include "core/output/output.h"
#include "core/sched.h"
#include "scenario.h"
#include "seen.h"

static const struct origin fast[] = { { FAST } };
static const struct origin failing[] = { { FAST, .status = 500 } };
static const struct origin slow[] = {
	{ FAST, .first_at_us = 100 * SECOND },
	{ FAST },
};

static void
plain_item(struct event_base *w, uint64_t number, struct item *to)
{
	(void)w;
	to->host = (unsigned)number % 7;
	to->is_plain = number % 2;
}

static void
post_item(struct event_base *w, uint64_t number, struct item *to)
{
	plain_item(w, number, to);
	to->method = "POST";
	to->body_bytes = 100;
}

/* Every second one is a POST. */
static void
mixed_item(struct event_base *w, uint64_t number, struct item *to)
{
	plain_item(w, number, to);
	to->method = number % 2 == 0 ? "POST" : NULL;
}

/* ---- what is known of an item ---- */

static int
tried_twice(struct event_base *w, uint64_t number, struct input_item *to)
{
	(void)w;
	(void)number;
	to->attempts = 4; /* two of them ended with Retry-After */
	to->tries = 2;
	return 0;
}

static void
test_attempts_of_the_run_before_count(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, failing, ARGS("--retry", "3"));
	s.w.resume = tried_twice;
	sim_input(&s, 5, plain_item);
	sim_run_for(&s, 10 * MINUTE);
	assert_true(sim_is_over(&s));
	for (i = 1; i <= 5; i++) {
		assert_int_equal(s.w.outcomes[i].handed, 2);
		assert_int_equal(s.w.outcomes[i].attempts, 6);
		assert_int_equal(s.w.outcomes[i].tried, 1);
		assert_int_equal(s.w.outcomes[i].tried_attempts, 5);
		assert_int_equal(s.w.outcomes[i].tries, 3);
	}
	sim_fini(&s);
}

static int
not_yet(struct event_base *w, uint64_t number, struct input_item *to)
{
	to->attempts = to->tries = 1;
	to->not_before_at_us = w->start_at_us + (int64_t)number * 10 * SECOND;
	return 0;
}

static void
test_an_item_does_not_start_before_its_time(void **state)
{
	size_t why[WAIT_COUNT];
	struct sim s;
	size_t i;

	(void)state;
	sim_init(&s, 1, fast, ARGS("--retry", "3"));
	s.w.resume = not_yet;
	sim_input(&s, 5, plain_item);
	sim_run_for(&s, 5 * SECOND);
	sched_count_waiting(&s.core, why);
	assert_int_equal(why[WAIT_BACKOFF], 5);
	sim_run(&s, MINUTE);
	for (i = 0; i < s.w.nseen; i++)
		if (s.w.seen[i].what == SEEN_REQUEST)
			assert_in_range(s.w.seen[i].at_us - s.w.start_at_us,
			    s.w.seen[i].seq * 10 * SECOND,
			    s.w.seen[i].seq * 10 * SECOND + SECOND);
	sim_fini(&s);
}

static int
was_begun(struct event_base *w, uint64_t number, struct input_item *to)
{
	(void)w;
	(void)number;
	to->was_begun = 1;
	return 0;
}

static void
test_what_may_have_been_sent_is_not_sent_twice(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, fast, ARGS("--retry", "3"));
	s.w.resume = was_begun;
	sim_input(&s, 20, mixed_item);
	sim_run(&s, MINUTE);
	for (i = 1; i <= 20; i++) {
		assert_int_equal(s.w.outcomes[i].handed, i % 2);
		assert_int_equal(
		    s.w.outcomes[i].err, i % 2 ? E_OK : E_INTERRUPTED);
		assert_int_equal(s.w.outcomes[i].attempts, 1);
		assert_int_equal(s.w.outcomes[i].done, 1);
	}
	sim_fini(&s);
}

static void
test_retry_post_sends_it_again(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, fast, ARGS("--retry", "3", "--retry-post"));
	s.w.resume = was_begun;
	s.w.may_repeat = 1;
	sim_input(&s, 20, mixed_item);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 20);
	sim_fini(&s);
}

/* ---- --keep-order ---- */

/* All but every thousandth were done. */
static int
mostly_done(struct event_base *w, uint64_t number, struct input_item *to)
{
	(void)w;
	(void)to;
	return number % 1000 != 0;
}

/* The first one that is left is slow. */
static void
first_is_slow(struct event_base *w, uint64_t number, struct item *to)
{
	plain_item(w, number, to);
	to->kind = number != 1000;
}

static void
test_items_keep_their_order_though_most_were_done(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, slow,
	    ARGS("-c", "50", "--keep-order", "--max-time", "0",
		"--ttfb-timeout", "0"));
	s.w.resume = mostly_done;
	s.w.is_ordered = 1;
	sim_input(&s, 200000, first_is_slow);
	sim_run_for(&s, 50 * SECOND);
	assert_int_equal(s.w.records, 0);
	sim_run_for(&s, 10 * MINUTE);
	assert_true(sim_is_over(&s));
	assert_int_equal(s.w.records, 200);
	for (i = 1000; i <= 200000; i += 1000)
		assert_int_equal(s.w.outcomes[i].done, 1);
	sim_fini(&s);
}

/* ---- begin ---- */

static void
test_a_post_waits_until_it_is_recorded(void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		sim_init(&s, seed, fast,
		    ARGS("-c", "20", "--max-time", "3", "--idle-timeout", "2",
			"--retry", "1"));
		s.w.is_chaotic = seed > 2;
		s.slack_us = 200 * MS;
		s.w.begin_us = seed % 2 == 0 ? 5 * SECOND : 20 * MS;
		sim_input(&s, 100, mixed_item);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 100);
		for (i = 1; i <= 100; i++)
			assert_int_equal(s.w.outcomes[i].begun, i % 2 == 0);
		assert_int_equal(s.job.stats.waits[WAIT_JOURNAL].count, 50);
		sim_fini(&s);
	}
}

/* The server closes kept-alive connections while requests wait. */
static void
test_a_connection_that_ends_meanwhile_is_replaced(void **state)
{
	static const struct origin o[] = { { FAST, .closes_idle = 500 } };
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 20; seed++) {
		sim_init(&s, seed, o, ARGS("-c", "5"));
		s.w.is_chaotic = seed > 2;
		s.slack_us = 200 * MS;
		s.w.begin_us = 3 * SECOND;
		sim_input(&s, 100, post_item);
		sim_run(&s, 20 * MINUTE);
		sim_fini(&s);
	}
}

static void
throttle_first(struct event_base *w, const struct seen *e, struct answer *a)
{
	if (w->outcomes[e->seq].tried == 0) {
		a->status = 429;
		a->retry_after_s = 1;
	}
}

static void
test_a_post_that_may_be_sent_again_is_recorded_again(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, fast, ARGS("-c", "20", "--retry", "2"));
	s.w.answer = throttle_first;
	s.w.may_repeat = 1;
	s.w.begin_us = 10 * MS;
	sim_input(&s, 30, post_item);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 30);
	for (i = 1; i <= 30; i++) {
		assert_int_equal(s.w.outcomes[i].tried, 1);
		assert_int_equal(s.w.outcomes[i].tries, 0);
		assert_int_equal(s.w.outcomes[i].tried_attempts, 1);
		assert_int_equal(s.w.outcomes[i].begun, 1);
	}
	sim_fini(&s);
}

/* 307 and 308 send it to another place: it is one item, recorded once. */
static void
test_a_post_is_recorded_once_for_all_its_redirects(void **state)
{
	static const struct origin o[] = {
		{ FAST, .redirects = 600, .redirect_status = 307,
		    .to_hosts = 7 },
	};
	struct sim s;

	(void)state;
	sim_init(
	    &s, 1, o, ARGS("-c", "20", "--location", "--max-redirs", "20"));
	s.w.begin_us = 10 * MS;
	sim_input(&s, 60, post_item);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 60);
	sim_fini(&s);
}

/* ---- a stop ---- */

/* Slow ones are in flight when it is stopped, others wait or are done. */
static void
slow_item(struct event_base *w, uint64_t number, struct item *to)
{
	mixed_item(w, number, to);
	to->kind = number % 5 != 0;
}

static void
run_stop(struct sim *s, const char *const *args)
{
	sim_init(s, 1, slow, args);
	s->job.is_resumable = 1;
	sim_input(s, 100, slow_item);
	sim_run_for(s, 2 * SECOND);
	assert_int_equal(s->core.sched.slots, 20);
	sim_stop(s);
	sim_run_for(s, MINUTE);
	assert_true(sim_is_over(s));
	output_settle(&s->job);
}

static void
test_what_can_be_requested_again_gets_no_record(void **state)
{
	unsigned left = 0, interrupted = 0;
	struct sim s;
	uint64_t i;

	(void)state;
	run_stop(&s, ARGS("-c", "20", "--grace", "1", "--max-time", "0"));
	for (i = 1; i <= 100; i++) {
		const struct outcome *o = &s.w.outcomes[i];

		if (o->handed == 0)
			continue;
		left += o->records == 0;
		interrupted += o->err == E_INTERRUPTED;
		assert_int_equal(o->done, o->records);
		if (i % 5 != 0)
			assert_int_equal(o->err, E_OK);
		else
			assert_int_equal(o->records, i % 2 == 0);
	}
	assert_int_equal(left, 10);
	assert_int_equal(interrupted, 10);
	assert_true(s.job.was_left);
	sim_fini(&s);
}

/* Nothing is written that has an item before it without a record. */
static void
test_an_output_in_order_ends_before_what_is_left(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	run_stop(&s, ARGS("-c", "20", "--grace", "1", "--max-time", "0",
			 "--keep-order"));
	for (i = 1; i <= 100; i++) {
		assert_int_equal(s.w.outcomes[i].records, i < 5);
		assert_int_equal(s.w.outcomes[i].done, i < 5);
	}
	sim_fini(&s);
}

/* It is not sent, so it can be requested again. */
static void
test_a_post_that_waits_to_be_recorded_gets_no_record(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, fast, ARGS("-c", "20", "--grace", "1"));
	s.job.is_resumable = 1;
	s.w.begin_us = MINUTE;
	sim_input(&s, 20, post_item);
	sim_run_for(&s, 2 * SECOND);
	assert_int_equal(s.core.paused.n, 20);
	sim_stop(&s);
	sim_run_for(&s, 10 * SECOND);
	assert_true(sim_is_over(&s));
	assert_int_equal(s.w.records, 0);
	assert_true(s.job.was_left);
	sim_fini(&s);
}

int
run_resume(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts_of_the_run_before_count),
		cmocka_unit_test(test_an_item_does_not_start_before_its_time),
		cmocka_unit_test(
		    test_what_may_have_been_sent_is_not_sent_twice),
		cmocka_unit_test(test_retry_post_sends_it_again),
		cmocka_unit_test(
		    test_items_keep_their_order_though_most_were_done),
		cmocka_unit_test(test_a_post_waits_until_it_is_recorded),
		cmocka_unit_test(
		    test_a_connection_that_ends_meanwhile_is_replaced),
		cmocka_unit_test(
		    test_a_post_that_may_be_sent_again_is_recorded_again),
		cmocka_unit_test(
		    test_a_post_is_recorded_once_for_all_its_redirects),
		cmocka_unit_test(
		    test_what_can_be_requested_again_gets_no_record),
		cmocka_unit_test(
		    test_an_output_in_order_ends_before_what_is_left),
		cmocka_unit_test(
		    test_a_post_that_waits_to_be_recorded_gets_no_record),
	};

	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
