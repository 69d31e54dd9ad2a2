/* SPDX-License-Identifier: ISC */
/*
 * Origins that do not answer: held and tried by one item at a time, back when
 * they are back, given up by rule, and no other origin's affair.
 */
#include <string.h>

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
	{ DOWN(DOWN_MUTE, DOWN_UNTIL), { FAST } },
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
	return last - s->w.start_us;
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
	assert_true(s.w.now_us - s.w.start_us < DOWN_UNTIL + 40 * SECOND);
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
	static const struct origin o[] = { { FAST, .refuses = 1000 } };
	struct sim s;
	int64_t last = 0, wait, least;
	size_t i, n = 0;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "6", "--retry", "2"));
	sim_input(&s, 1000, one_host);
	sim_run_for(&s, 5 * MINUTE);
	for (i = 0; i < s.w.nseen; i++) {
		if (!(seen_dial0(&s.w, &s.w.seen[i]) > 0))
			continue;
		wait = s.w.seen[i].at_us - last;
		last = s.w.seen[i].at_us;
		if (n++ < 6)
			continue;
		least = SECOND << (n - 7);
		least = least < MINUTE ? least : MINUTE;
		assert_true(wait >= least && wait < least + 100 * MS);
	}
	assert_true(n >= 6 + 8);
	sim_fini(&s);
}

/* ---- never back ---- */

static const struct origin dead[][2] = {
	{ DOWN(DOWN_REFUSES, 0), { FAST } },
	{ DOWN(DOWN_SILENT, 0), { FAST } },
	{ DOWN(DOWN_MUTE, 0), { FAST } },
	{ { FAST, .resets_before = 1000 }, { FAST } },
	{ { FAST, .closes_before = 1000 }, { FAST } },
	{ { FAST, .tls_stalls = 1000 }, { FAST } },
	{ { FAST, .tls_fails = 1000 }, { FAST } },
};

static const char *const dead_codes[] = { "connect_refused", "connect_timeout",
	"timeout_ttfb", "recv_reset", "empty_reply", "tls_timeout",
	"tls_reset" };

/* Its failures last longer than it takes to try all. */
static const int takes_long[COUNT(dead)] = { 0, 1, 1, 0, 0, 1, 0 };

static int
is_prefix(const char *of, const char *what)
{
	return strncmp(of, what, strlen(what)) == 0 && what[0] != '\0';
}

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
		assert_true(is_prefix(code, o->detail));
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
	size_t i, k;

	(void)state;
	for (i = 0; i < 2 * COUNT(dead); i++) {
		k = i / COUNT(dead);
		if (k > 0 && !takes_long[i % COUNT(dead)])
			continue;
		sim_init(&s, i, dead[i % COUNT(dead)],
		    ARGS("-c", "64", "--max-per-host", "6", "--retry", "1",
			"--connect-timeout", "5", "--tls-timeout", "5",
			"--ttfb-timeout", "5", "--max-host-errors", "5",
			"--host-dead-after", "20", "--retry-delay", delays[k]));
		s.check_every = 3;
		sim_input(&s, 2000, half_to_one);
		sim_run(&s, 2 * MINUTE);
		check_given_up(&s, dead_codes[i % COUNT(dead)]);
		assert_true(seen_sum(&s.w, seen_dial0, 0, EVER) < 50);
		assert_true(s.w.now_us - s.w.start_us > 20 * SECOND);
		sim_fini(&s);
	}
}

static void
test_by_default_that_takes_minutes_and_no_hour(void **state)
{
	static const struct origin o[] = { { FAST, .refuses = 1000 } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("--retry", "2"));
	sim_input(&s, 500, one_host);
	sim_run(&s, 12 * MINUTE);
	assert_int_equal(sim_count(&s, E_CONNECT_REFUSED), 30);
	assert_int_equal(sim_count(&s, E_HOST_UNAVAILABLE), 470);
	assert_true(s.w.now_us - s.w.start_us > 5 * MINUTE);
	sim_fini(&s);
}

static void
test_zero_means_that_no_origin_is_given_up(void **state)
{
	static const char *const zero[] = { "--max-host-errors",
		"--host-dead-after" };
	static const struct origin o[] = { { FAST, .refuses = 1000 } };
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		sim_init(&s, 1, o,
		    ARGS("--retry", "0", "--max-host-errors", "1",
			"--host-dead-after", "1", zero[i], "0"));
		sim_input(&s, 20, one_host);
		sim_run(&s, 30 * MINUTE);
		assert_int_equal(sim_count(&s, E_CONNECT_REFUSED), 20);
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
	    ARGS("-c", "6", "--retry", "0", "--max-host-errors", "5",
		"--host-dead-after", "10"));
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
	sim_init(&s, 1, back_late,
	    ARGS("-c", "6", "--retry", "0", "--max-host-errors", "5",
		"--host-dead-after", "10"));
	sim_input(&s, 150, late_lines);
	sim_run(&s, 10 * MINUTE);
	for (i = 130; i <= 150; i++)
		late += s.w.outcomes[i].status == 200;
	assert_int_equal(late, 21);
	sim_fini(&s);
}

/* ---- what is no silence ---- */

static const struct origin not_silent[] = {
	{ FAST, .resets_before = 300 },
	{ FAST, .has_bad_cert = 1 },
	{ FAST, .status = 500 },
	{ FAST, .resets_after = 1000 },
};

static void
test_what_fails_in_between_or_otherwise_holds_nothing(void **state)
{
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(not_silent); i++) {
		sim_init(&s, 7, &not_silent[i],
		    ARGS("-c", "1", "--retry", "0", "--max-host-errors", "8",
			"--host-dead-after", "1ms"));
		sim_input(&s, 300, one_host);
		sim_run(&s, 10 * MINUTE);
		/* Three resets in a row may come by chance. */
		assert_int_equal(sim_count(&s, E_HOST_UNAVAILABLE), 0);
		assert_true(
		    i == 0 || s.core.stats.waits[WAIT_BACKOFF].count == 0);
		assert_true(i == 0 || s.w.now_us - s.w.start_us < 40 * SECOND);
		sim_fini(&s);
	}
}

/* ---- three in a row ---- */

/* Two of three break, or one in the midst of its header section follows. */
static int
two_in_a_row(struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->seq % 3 != 0;
}

static int
two_and_half_a_header(struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->seq % 3 != 0 ? 1 : 2;
}

static int
three_in_a_row(struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->seq % 4 != 0;
}

static void
test_three_failures_in_a_row_hold_an_origin_and_two_do_not(void **state)
{
	int (*const how[])(struct event_base *, const struct seen *) = {
		two_in_a_row, two_and_half_a_header, three_in_a_row
	};
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(how); i++) {
		sim_init(&s, 1, untroubled, ARGS("-c", "1", "--retry", "0"));
		s.w.breaks = how[i];
		sim_input(&s, 60, one_host);
		sim_run(&s, 10 * MINUTE);
		assert_true(
		    (s.core.stats.waits[WAIT_BACKOFF].count > 0) == (i == 2));
		/* After three, a second each time. */
		assert_true(
		    (s.w.now_us - s.w.start_us > 14 * SECOND) == (i == 2));
		sim_fini(&s);
	}
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
		    test_by_default_that_takes_minutes_and_no_hour),
		cmocka_unit_test(test_zero_means_that_no_origin_is_given_up),
		cmocka_unit_test(
		    test_items_that_come_while_it_is_given_up_end_at_once),
		cmocka_unit_test(
		    test_an_origin_given_up_that_is_back_is_used_again),
		cmocka_unit_test(
		    test_three_failures_in_a_row_hold_an_origin_and_two_do_not),
		cmocka_unit_test(
		    test_what_fails_in_between_or_otherwise_holds_nothing),
	};

	return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
