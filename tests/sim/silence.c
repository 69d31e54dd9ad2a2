/* SPDX-License-Identifier: ISC */
/*
 * Origins that do not answer: held and probed by one item at a time, used again
 * when they are back, given up by rule, without effect on other origins.
 */
#include <limits.h>
#include <string.h>

#include "core/origin/host.h"
#include "scenario.h"
#include "seen.h"

#define EVER (INT64_MAX / 2)
#define DOWN_FROM (2 * SECOND)
#define DOWN_UNTIL (62 * SECOND)

/* ---- back after a minute ---- */

#define DOWN(how, until) \
	{ \
		FAST, .trouble = how, .trouble_from_us = DOWN_FROM, \
		      .trouble_until_us = until \
	}

static const struct origin restarted[][2] = {
	{ DOWN(DOWN_REFUSES, DOWN_UNTIL), { FAST } },
	{ DOWN(DOWN_SILENT, DOWN_UNTIL), { FAST } },
};

static const struct origin untroubled[] = { { FAST }, { FAST } };

/* Of every four two go to the one host of kind 0. */
static void
half_to_one(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 2 * MS;
	to->kind = seq % 2;
	to->host = seq % 2 != 0 ? (unsigned)seq % 100 : 0;
}

/* When the last of the others is done. */
static int64_t
others_done(const struct sim *s)
{
	int64_t last = 0;
	uint64_t i;

	for (i = 1; i <= s->w.items; i += 2) {
		assert_int_equal(s->w.outcomes[i].status, 200);
		if (s->w.outcomes[i].at_us > last)
			last = s->w.outcomes[i].at_us;
	}
	return last - s->w.start_at_us;
}

static int64_t
run_with(const struct origin *o, uint64_t seed, double *dials)
{
	struct sim s;
	int64_t done;

	sim_init(&s, seed, o,
	    ARGS("-c", "64", "--max-per-host", "6", "--retry", "2",
		"--connect-timeout", "5", "--ttfb-timeout", "5"));
	s.check_every = 3;
	sim_input(&s, 2000, half_to_one);
	sim_run(&s, 4 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 2000);
	/* Some seconds after it is back all goes on. */
	assert_true(s.w.now_us - s.w.start_at_us < DOWN_UNTIL + 40 * SECOND);
	*dials = seen_sum(&s.w, seen_dial0, DOWN_FROM, DOWN_UNTIL);
	done = others_done(&s);
	sim_fini(&s);
	return done;
}

static void
test_an_origin_that_is_down_for_a_minute_costs_no_item(void **state)
{
	int64_t usual, took;
	double dials;
	uint64_t seed;
	size_t i;

	(void)state;
	usual = run_with(untroubled, 1, &dials);
	for (i = 0; i < COUNT(restarted); i++)
		for (seed = 1; seed <= 2; seed++) {
			took = run_with(restarted[i], seed, &dials);
			/* Six at once, then one at 1, 2, 4, ... s. */
			assert_true(dials >= 3 && dials <= 6 + 8);
			assert_true(took <= usual + 100 * MS);
		}
}

/* ---- one at a time ---- */

static void
one_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	(void)to;
}

static void
test_while_it_is_silent_one_item_at_a_time_is_let_through(void **state)
{
	static const struct origin o[] = { DOWN(DOWN_REFUSES, 0) };
	struct sim s;
	int64_t last = INT64_MAX, wait, least;
	size_t i, n = 0;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "6", "--retry", "2"));
	s.w.input_gap_us = 10 * MS;
	sim_input(&s, 1000, one_host);
	sim_run_for(&s, 5 * MINUTE);
	for (i = 0; i < s.w.nseen; i++) {
		if (s.w.seen[i].at_us - s.w.start_at_us < DOWN_FROM ||
		    !(seen_dial0(&s.w, &s.w.seen[i]) > 0))
			continue;
		wait = s.w.seen[i].at_us - last;
		last = s.w.seen[i].at_us;
		/* Three items, of which one may have been sent again. */
		if (wait < 900 * MS)
			continue;
		least = SECOND << n++;
		least = least < MINUTE ? least : MINUTE;
		assert_true(wait >= least && wait < least + 200 * MS);
	}
	assert_true(n >= 7);
	/* Each probe was free. */
	assert_int_equal(sim_count(&s, E_CONNECT_REFUSED), 0);
	sim_fini(&s);
}

/* ---- never back ---- */

static const struct origin dead[][2] = {
	{ DOWN(DOWN_REFUSES, 0), { FAST } },
	{ DOWN(DOWN_SILENT, 0), { FAST } },
};

static const char *const dead_codes[] = { "connect_refused",
	"connect_timeout" };

static void
check_given_up(struct sim *s, const char *code)
{
	const struct outcome *o;
	uint64_t i, untried = 0;

	for (i = 2; i <= s->w.items; i += 2) {
		o = &s->w.outcomes[i];
		if (o->err != E_HOST_UNAVAILABLE)
			continue;
		untried += o->attempts == 0;
		assert_string_equal(o->detail, code);
	}
	assert_true(untried > 200);
	assert_int_equal(others_done(s) > 0, 1);
}

/* Without --retry-delay there is no back-off, but this is. */
static void
test_an_origin_that_is_not_back_is_given_up_by_the_rule(void **state)
{
	static const char *const delays[] = { "1", "0" };
	struct sim s;
	int64_t took;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(dead); i++)
		for (k = 0; k < COUNT(delays); k++) {
			sim_init(&s, i, dead[i],
			    ARGS("-c", "64", "--max-per-host", "6", "--retry",
				"1", "--connect-timeout", "5",
				"--host-dead-after", "20", "-m", "6",
				"--retry-delay", delays[k]));
			s.check_every = 3;
			sim_input(&s, 2000, half_to_one);
			sim_run(&s, 2 * MINUTE);
			check_given_up(&s, dead_codes[i]);
			took = s.w.now_us - s.w.start_at_us;
			assert_true(took > 21 * SECOND);
			assert_true(took < 45 * SECOND);
			sim_fini(&s);
		}
}

static void
test_by_default_that_takes_five_minutes_from_its_first_failure(void **state)
{
	static const struct origin o[] = { DOWN(DOWN_REFUSES, 0) };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("--retry", "2"));
	s.w.input_gap_us = 10 * MS;
	sim_input(&s, 500, one_host);
	sim_run(&s, 12 * MINUTE);
	assert_true(sim_count(&s, E_HOST_UNAVAILABLE) > 290);
	assert_int_equal(sim_count(&s, E_CONNECT_REFUSED), 0);
	assert_true(
	    s.w.now_us - s.w.start_at_us > DOWN_FROM + 5 * MINUTE - 100 * MS);
	assert_true(
	    s.w.now_us - s.w.start_at_us < DOWN_FROM + 5 * MINUTE + SECOND);
	sim_fini(&s);
}

/* ---- never up ---- */

static const struct origin absent[][1] = {
	{ { FAST, .refuses = 1000 } },
	{ { FAST, .trouble = DOWN_SILENT } },
	{ { FAST, .tls_stalls = 1000 } },
	{ { FAST, .tls_fails = 1000 } },
};

static const char *const absent_codes[] = { "connect_refused",
	"connect_timeout", "tls_timeout", "tls_reset" };

/* Three tries, after 1 and 2 s; what it takes to fail comes on top. */
static void
test_an_origin_that_never_answered_is_given_up_after_one_items_tries(
    void **state)
{
	struct sim s;
	int64_t took, fails_us;
	uint64_t n;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(absent); i++) {
		sim_init(&s, 1, absent[i],
		    ARGS("--retry", "2", "--connect-timeout", "2",
			"--tls-timeout", "2"));
		sim_input(&s, 500, one_host);
		sim_run(&s, MINUTE);
		fails_us = i == 1 || i == 2 ? 2 * SECOND : 0;
		took = s.w.now_us - s.w.start_at_us;
		assert_true(took >= 3 * SECOND + 3 * fails_us);
		assert_true(took < 3 * SECOND + 3 * fails_us + 500 * MS);
		n = sim_count(&s, E_HOST_UNAVAILABLE);
		assert_true(n >= 490 && n < 500);
		for (k = 1; k <= 500; k++)
			if (s.w.outcomes[k].err == E_HOST_UNAVAILABLE)
				assert_string_equal(
				    s.w.outcomes[k].detail, absent_codes[i]);
		/* Six at once, then two. */
		assert_true(seen_sum(&s.w, seen_dial, 0, EVER) <= 8);
		sim_fini(&s);
	}
}

static void
test_with_many_tries_that_takes_thirty_seconds(void **state)
{
	static const char *const dead_after[] = { "5m", "10" };
	struct sim s;
	int64_t took, span;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		sim_init(&s, 1, absent[1],
		    i == 0 ? ARGS("--retry", "20", "--connect-timeout", "4")
			   : ARGS("--retry", "20", "--connect-timeout", "4",
				 "--host-dead-after", dead_after[i - 1]));
		sim_input(&s, 500, one_host);
		sim_run(&s, 10 * MINUTE);
		span = i == 0 ? 30 * SECOND : i == 1 ? 5 * MINUTE : 10 * SECOND;
		took = s.w.now_us - s.w.start_at_us;
		/* What is under way then goes on. */
		assert_true(took >= span && took < span + 5 * SECOND);
		assert_true(sim_count(&s, E_HOST_UNAVAILABLE) >= 490);
		sim_fini(&s);
	}
}

/* Nothing says that an origin of one or two items is down. */
static void
test_two_items_are_tried_as_often_as_retry_says(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, absent[0], ARGS("--retry", "2"));
	sim_input(&s, 2, one_host);
	sim_run(&s, MINUTE);
	for (i = 1; i <= 2; i++) {
		assert_int_equal(s.w.outcomes[i].err, E_CONNECT_REFUSED);
		assert_int_equal(s.w.outcomes[i].attempts, 3);
	}
	sim_fini(&s);
}

static void
test_without_retries_each_item_is_asked_for_once_and_at_once(void **state)
{
	static const struct origin broken[] = { { FAST,
	    .closes_before = 1000 } };
	const struct origin *o[] = { absent[0], absent[3], broken };
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(o); i++) {
		sim_init(&s, 1, o[i], ARGS("--retry", "0"));
		sim_input(&s, 400, one_host);
		sim_run(&s, 30 * SECOND);
		assert_int_equal(sim_count(&s, E_HOST_UNAVAILABLE), 0);
		assert_int_equal(s.job.stats.failed, 400);
		assert_int_equal(seen_sum(&s.w, seen_dial, 0, EVER), 400);
		assert_true(s.w.now_us - s.w.start_at_us < 10 * SECOND);
		assert_int_equal(s.job.stats.waits[WAIT_BACKOFF].count, 0);
		sim_fini(&s);
	}
}

static void
test_zero_means_that_time_gives_no_origin_up(void **state)
{
	static const struct origin o[] = { DOWN(DOWN_REFUSES, 20 * MINUTE) };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o,
	    ARGS("--retry", "2", "--host-dead-after", "0", "--retry-max-time",
		"0"));
	s.w.input_gap_us = 10 * MS;
	sim_input(&s, 400, one_host);
	sim_run(&s, 30 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 400);
	sim_fini(&s);
}

/* ---- --max-host-errors ---- */

static void
test_an_origin_is_given_up_after_so_many_items_that_failed_for_good(
    void **state)
{
	static const struct origin o[][1] = {
		{ { FAST, .closes_before = 1000 } },
		{ { FAST, .truncates = 1000 } },
		{ { FAST, .refuses = 1000 } },
		{ { FAST, .has_bad_cert = 1 } },
	};
	struct sim s;
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(o); i++) {
		sim_init(&s, 1, o[i],
		    ARGS("-c", "2", "--retry", "0", "--max-host-errors", "5"));
		sim_input(&s, 300, one_host);
		sim_run(&s, MINUTE);
		n = sim_count(&s, E_HOST_UNAVAILABLE);
		/* One more was in flight. */
		assert_true(n >= 300 - 6 && n <= 300 - 5);
		sim_fini(&s);
	}
}

/* Lines that come while it is given up, each 2 s. */
static void
late_lines(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)to;
	w->input_gap_us = seq < 50 ? MS : 2 * SECOND;
}

static void
test_items_that_come_while_it_is_given_up_end_at_once(void **state)
{
	const struct outcome *o;
	struct sim s;
	uint64_t i, untried = 0;

	(void)state;
	sim_init(&s, 1, (const struct origin[]){ { FAST, .refuses = 1000 } },
	    ARGS("-c", "6", "--retry", "1"));
	sim_input(&s, 150, late_lines);
	sim_run(&s, 10 * MINUTE);
	for (i = 1; i <= 150; i++) {
		o = &s.w.outcomes[i];
		assert_true(o->err == E_HOST_UNAVAILABLE ||
			    o->err == E_CONNECT_REFUSED);
		untried += o->attempts == 0;
	}
	assert_true(untried > 120);
	/* 200 s of them: it is tried again at each end of a hold. */
	assert_true(seen_sum(&s.w, seen_dial, 0, EVER) < 25);
	assert_true(seen_last(&s.w, seen_dial) > MINUTE);
	sim_fini(&s);
}

static const struct origin back_late[] = { { FAST, .trouble = DOWN_REFUSES,
    .trouble_until_us = 80 * SECOND } };

static void
test_an_origin_given_up_that_is_back_is_used_again(void **state)
{
	struct sim s;
	uint64_t i, late = 0;

	(void)state;
	sim_init(&s, 1, back_late, ARGS("-c", "6", "--retry", "1"));
	sim_input(&s, 150, late_lines);
	sim_run(&s, 10 * MINUTE);
	for (i = 130; i <= 150; i++)
		late += s.w.outcomes[i].status == 200;
	assert_int_equal(late, 21);
	sim_fini(&s);
}

/* ---- failures after the request was sent ---- */

static const struct origin reachable[] = {
	{ FAST, .resets_before = 1000 },
	{ FAST, .closes_before = 1000 },
	{ FAST, .resets_after = 1000 },
	{ FAST, .has_bad_cert = 1 },
	{ FAST, .status = 500 },
};

static void
test_requests_that_break_hold_nothing(void **state)
{
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(reachable); i++) {
		sim_init(&s, 7, &reachable[i], ARGS("--retry", "2"));
		sim_input(&s, 300, one_host);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_HOST_UNAVAILABLE), 0);
		/* At least two at a time, and each item's own back-off. */
		assert_true(s.w.now_us - s.w.start_at_us < 90 * SECOND);
		sim_fini(&s);
	}
}

/* Twenty of them break each time, the others do not. */
static int
one_in_twenty(struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->seq % 21 == 0;
}

static void
test_a_few_bad_urls_do_not_stall_a_healthy_origin(void **state)
{
	static const char *const retries[] = { "0", "2" };
	struct sim s;
	int64_t usual, took;
	size_t i;

	(void)state;
	sim_init(&s, 1, untroubled, ARGS("--retry", "0"));
	sim_input(&s, 420, one_host);
	sim_run(&s, MINUTE);
	usual = s.w.now_us - s.w.start_at_us;
	sim_fini(&s);
	for (i = 0; i < COUNT(retries); i++) {
		sim_init(&s, 1, untroubled, ARGS("--retry", retries[i]));
		s.w.breaks = one_in_twenty;
		sim_input(&s, 420, one_host);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 400);
		took = s.w.now_us - s.w.start_at_us;
		print_message("400 good, 20 bad, --retry %s: %.2f s, all "
			      "good: %.2f s\n",
		    retries[i], (double)took / 1e6, (double)usual / 1e6);
		/* A second and two seconds, half as much again by chance. */
		assert_true(took < usual + SECOND + (i > 0 ? 5 * SECOND : 0));
		sim_fini(&s);
	}
}

/* All that is in flight at one moment breaks, and nothing later. */
static int
all_at_once(struct event_base *w, const struct seen *e)
{
	(void)e;
	return world_time(w) > SECOND && world_time(w) < 1100 * MS;
}

static unsigned least_window, most_active;

static void
note_window(struct sim *s)
{
	const struct hash_link *k = NULL;
	const struct host *h;
	size_t i;

	for (i = 0; i < s->core.hosts.table.nslot && k == NULL; i++)
		k = s->core.hosts.table.slot[i];
	if (k == NULL)
		return;
	h = CONTAINER(k, const struct host, hashed);
	if (h->backoff.window > 0 && h->backoff.window < least_window)
		least_window = h->backoff.window;
	if (world_time(&s->w) > 4 * SECOND && h->active > most_active)
		most_active = h->active;
}

static void
test_requests_in_flight_are_halved_while_they_break_and_grow_back(void **state)
{
	struct sim s;

	(void)state;
	least_window = UINT_MAX;
	most_active = 0;
	sim_init(&s, 1, untroubled, ARGS("-c", "32", "--retry", "2"));
	s.w.breaks = all_at_once;
	s.w.input_gap_us = 500;
	s.each_turn = note_window;
	sim_input(&s, 8000, one_host);
	sim_run(&s, 2 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 8000);
	assert_true(least_window >= 2 && least_window <= 16);
	assert_true(most_active >= 20);
	sim_fini(&s);
}

/* ---- three different items in a row ---- */

/* Connections are refused to so many at a time, then one is let in. */
static const struct origin flaky[] = { { FAST, .refuses = 500,
    .says_close = 1000 } };

static void
test_answers_in_between_say_that_an_origin_is_there(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 3, flaky, ARGS("-c", "1", "--retry", "9"));
	sim_input(&s, 100, one_host);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 100);
	sim_fini(&s);
}

int
run_silence(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_an_origin_that_is_down_for_a_minute_costs_no_item),
		cmocka_unit_test(
		    test_while_it_is_silent_one_item_at_a_time_is_let_through),
		cmocka_unit_test(
		    test_an_origin_that_is_not_back_is_given_up_by_the_rule),
		cmocka_unit_test(
		    test_by_default_that_takes_five_minutes_from_its_first_failure),
		cmocka_unit_test(
		    test_an_origin_that_never_answered_is_given_up_after_one_items_tries),
		cmocka_unit_test(
		    test_with_many_tries_that_takes_thirty_seconds),
		cmocka_unit_test(
		    test_two_items_are_tried_as_often_as_retry_says),
		cmocka_unit_test(
		    test_without_retries_each_item_is_asked_for_once_and_at_once),
		cmocka_unit_test(test_zero_means_that_time_gives_no_origin_up),
		cmocka_unit_test(
		    test_an_origin_is_given_up_after_so_many_items_that_failed_for_good),
		cmocka_unit_test(
		    test_items_that_come_while_it_is_given_up_end_at_once),
		cmocka_unit_test(
		    test_an_origin_given_up_that_is_back_is_used_again),
		cmocka_unit_test(test_requests_that_break_hold_nothing),
		cmocka_unit_test(
		    test_a_few_bad_urls_do_not_stall_a_healthy_origin),
		cmocka_unit_test(
		    test_requests_in_flight_are_halved_while_they_break_and_grow_back),
		cmocka_unit_test(
		    test_answers_in_between_say_that_an_origin_is_there),
	};

	return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
