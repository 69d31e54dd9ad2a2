/* SPDX-License-Identifier: ISC */
/*
 * Rates and delays, by what the peers saw: no window holds more than is
 * allowed, no two starts are too close, and no time is wasted.
 */
#include "scenario.h"
#include "seen.h"

#define EVER (INT64_MAX / 2)

/* ---- --rate ---- */

/* They answer soon; some redirect, some fail at first. */
static const struct origin restless[] = {
	{ FAST, .redirects = 200, .to_kind = 1, .to_hosts = 20 },
	{ FAST, .errs = 100, .says_close = 100 },
};

static const struct origin calm[] = { { FAST } };

static void
twenty_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 20;
	to->is_plain = seq % 3 == 0;
}

static const struct {
	const char *rate;
	double amount;
	int64_t window_us, gap_us;
	uint64_t items;
} rates[] = {
	{ "1", 1, SECOND, SECOND, 30 },
	{ "10/s", 10, SECOND, 100 * MS, 200 },
	{ "100/s", 100, SECOND, 10 * MS, 1000 },
	{ "110/s", 110, SECOND, 0, 1000 },
	{ "1000/s", 1000, SECOND, 0, 4000 },
	{ "4000/s", 4000, SECOND, 0, 6000 },
	{ "30/m", 30, MINUTE, 2 * SECOND, 100 },
	{ "9000/m", 9000, MINUTE, 0, 10000 },
	{ "7200/h", 7200, 60 * MINUTE, SECOND / 2, 300 },
};

static void
check_rate(const struct sim *s, size_t i, const char *rate, double tail_us)
{
	const struct event_base *w = &s->w;
	double n = seen_sum(w, seen_request, 0, EVER), ideal, took;

	if (seen_most(w, rates[i].window_us, seen_request) > rates[i].amount)
		world_fail(w, "%s: %.0f in a window", rate,
		    seen_most(w, rates[i].window_us, seen_request));
	if (seen_least_gap(w, seen_request) < rates[i].gap_us)
		world_fail(w, "%s: a gap of %lld us", rate,
		    (long long)seen_least_gap(w, seen_request));
	took =
	    (double)(seen_last(w, seen_request) - seen_first(w, seen_request));
	ideal = (n - 1) * (double)rates[i].window_us / rates[i].amount;
	if (took > ideal * 1.03 + tail_us)
		world_fail(w, "%s: %.0f took %.3f s, not %.3f", rate, n,
		    took / 1e6, ideal / 1e6);
}

static void
test_no_window_has_more_starts_than_the_rate(void **state)
{
	const char *rate;
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * COUNT(rates); i++) {
		rate = rates[i / 2].rate;
		sim_init(&s, i, i % 2 != 0 ? restless : calm,
		    ARGS("-c", "400", "--retry", "2", "--rate", rate));
		s.check_every = 101;
		sim_input(&s, rates[i / 2].items, twenty_hosts);
		sim_run(&s, 300 * MINUTE);
		/* The last ones come back after a back-off of up to 4.5 s. */
		check_rate(&s, i / 2, rate, i % 2 != 0 ? 5e6 : 0);
		assert_true(s.job.stats.waits[WAIT_RATE].count > 0);
		sim_fini(&s);
	}
}

/* Clocks are read late, and passes of the loop take time. */
static void
test_rates_hold_with_timers_that_are_early_or_late(void **state)
{
	static const size_t which[] = { 2, 3, 4 };
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(which); i++) {
		sim_init(&s, i, restless,
		    ARGS("-c", "400", "--retry", "0", "--rate",
			rates[which[i]].rate));
		s.w.is_chaotic = 1;
		s.check_every = 17;
		sim_input(&s, 1500, twenty_hosts);
		sim_run(&s, 10 * MINUTE);
		assert_true(seen_most(&s.w, SECOND, seen_request) <=
			    rates[which[i]].amount);
		assert_true(
		    seen_last(&s.w, seen_request) <
		    (int64_t)(1.12 * seen_sum(&s.w, seen_request, 0, EVER) *
			      SECOND / rates[which[i]].amount));
		sim_fini(&s);
	}
}

static void
test_a_rate_saves_nothing_up(void **state)
{
	static const struct origin o[] = { { FAST } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "400", "--rate", "50"));
	s.w.input_gap_us = 15 * MS; /* fewer than there may be, then all */
	sim_input(&s, 1200, twenty_hosts);
	sim_run_for(&s, 10 * SECOND);
	s.w.input_gap_us = 0;
	sim_run(&s, 2 * MINUTE);
	assert_true(seen_most(&s.w, SECOND, seen_request) <= 50);
	assert_true(seen_least_gap(&s.w, seen_request) >= 20 * MS);
	sim_fini(&s);
}

/* ---- for each origin ---- */

/* Hosts 0 to 2 of kind 0, each a weight of its own as there is no closure. */
static double
host0(const struct event_base *w, const struct seen *e)
{
	return e->host == 0 && e->is_plain ? seen_request(w, e) : 0;
}

static double
host1(const struct event_base *w, const struct seen *e)
{
	return e->host == 1 && e->is_plain ? seen_request(w, e) : 0;
}

static double
host2(const struct event_base *w, const struct seen *e)
{
	return e->host == 2 && e->is_plain ? seen_request(w, e) : 0;
}

static seen_weight *const hosts[] = { host0, host1, host2 };

static void
three_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 3;
	to->is_plain = 1;
}

static const struct {
	const char *rate;
	double amount;
	int64_t gap_us;
} host_rates[] = {
	{ "5", 5, 200 * MS },
	{ "50", 50, 20 * MS },
	{ "300", 300, 0 },
};

static void
test_each_origin_has_its_own_rate(void **state)
{
	struct sim s;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(host_rates); i++) {
		sim_init(&s, i, (const struct origin[]){ { FAST } },
		    ARGS("-c", "100", "--rate-per-host", host_rates[i].rate));
		s.check_every = 7;
		sim_input(&s, 900, three_hosts);
		sim_run(&s, 10 * MINUTE);
		for (k = 0; k < 3; k++) {
			assert_true(seen_most(&s.w, SECOND, hosts[k]) <=
				    host_rates[i].amount);
			assert_true(seen_least_gap(&s.w, hosts[k]) >=
				    host_rates[i].gap_us);
			assert_true(
			    (double)seen_last(&s.w, hosts[k]) <
			    1.03 * 300 / host_rates[i].amount * 1e6 + 1e5);
		}
		sim_fini(&s);
	}
}

static void
test_a_rate_for_each_origin_holds_back_no_other(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, (const struct origin[]){ { FAST } },
	    ARGS("-c", "100", "--rate-per-host", "1"));
	sim_input(&s, 1000, twenty_hosts);
	sim_run_for(&s, 10 * SECOND);
	/* 20 names, of which every third line is another origin: 40. */
	assert_true(seen_sum(&s.w, seen_request, 0, SECOND) >= 40);
	assert_true(seen_sum(&s.w, seen_request, 0, 10 * SECOND) >= 390);
	sim_fini(&s);
}

/* ---- --delay ---- */

/* The dial takes its time, so what matters is when the request leaves. */
static const struct origin distant[] = {
	{ FAST, .connect_us = 300 * MS, .says_close = 300 },
};

static int64_t
least_gap_sent(const struct sim *s, seen_weight *which)
{
	int64_t last = -1, least = INT64_MAX;
	size_t i;

	for (i = 0; i < s->w.nseen; i++) {
		if (!(which(&s->w, &s->w.seen[i]) > 0))
			continue;
		if (last >= 0 && s->w.seen[i].at_us - last < least)
			least = s->w.seen[i].at_us - last;
		last = s->w.seen[i].at_us;
	}
	return least;
}

static void
test_delay_lies_between_any_two_requests_to_an_origin(void **state)
{
	struct sim s;
	uint64_t seed;
	size_t k;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, distant,
		    ARGS("-c", "100", "--delay", "200ms", "--retry", "1"));
		s.w.is_chaotic = seed > 1;
		sim_input(&s, 150, three_hosts);
		sim_run(&s, 10 * MINUTE);
		for (k = 0; k < 3; k++)
			assert_true(least_gap_sent(&s, hosts[k]) >= 200 * MS);
		sim_fini(&s);
	}
}

static void
test_delay_wastes_no_time_on_a_kept_connection(void **state)
{
	struct sim s;
	size_t k;

	(void)state;
	sim_init(&s, 1, (const struct origin[]){ { FAST } },
	    ARGS("-c", "100", "--delay", "100ms"));
	sim_input(&s, 600, three_hosts);
	sim_run(&s, 10 * MINUTE);
	for (k = 0; k < 3; k++) {
		assert_true(least_gap_sent(&s, hosts[k]) >= 100 * MS);
		assert_true(seen_last(&s.w, hosts[k]) < 20600 * MS);
	}
	assert_true(s.job.stats.waits[WAIT_DELAY].count > 500);
	sim_fini(&s);
}

static double
dial_host0(const struct event_base *w, const struct seen *e)
{
	return e->host == 0 ? seen_dial(w, e) : 0;
}

/* A start that fails delays the next one as well. */
static void
test_delay_goes_on_when_connections_fail(void **state)
{
	static const struct origin o[] = { { FAST, .refuses = 500,
	    .lookup_cached = 1000 } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o,
	    ARGS("-c", "100", "--delay", "100ms", "--retry", "0",
		"--retry-delay", "0"));
	sim_input(&s, 100, three_hosts);
	sim_run(&s, MINUTE);
	assert_true(least_gap_sent(&s, dial_host0) >= 100 * MS);
	assert_int_equal(s.w.records, 100);
	sim_fini(&s);
}

int
run_pace(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_window_has_more_starts_than_the_rate),
		cmocka_unit_test(
		    test_rates_hold_with_timers_that_are_early_or_late),
		cmocka_unit_test(test_a_rate_saves_nothing_up),
		cmocka_unit_test(test_each_origin_has_its_own_rate),
		cmocka_unit_test(
		    test_a_rate_for_each_origin_holds_back_no_other),
		cmocka_unit_test(
		    test_delay_lies_between_any_two_requests_to_an_origin),
		cmocka_unit_test(
		    test_delay_wastes_no_time_on_a_kept_connection),
		cmocka_unit_test(test_delay_goes_on_when_connections_fail),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
