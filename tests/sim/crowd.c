/* SPDX-License-Identifier: ISC */
/*
 * Many origins: none waits for another, the cost of each does not grow with
 * their number, and unused ones are forgotten. SIM_SCALE=50 makes it a million.
 */
#include <time.h>

#include "core/origin/host.h"
#include "scenario.h"
#include "seen.h"

#define EVER (INT64_MAX / 2)
#define CEILING 65536 /* origins remembered at most, beside those with work */

static double
cpu_seconds(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
one_each(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq;
	to->is_plain = 1;
}

/* When each share of the records was written, in seconds of CPU time. */
struct course {
	double at[11];
	size_t most_hosts, bound;
};

static void
note_course(struct sim *s)
{
	struct course *c = s->arg;
	size_t k = (size_t)(s->w.records * 10 / s->w.items);

	if (c->at[k] <= 0)
		c->at[k] = cpu_seconds();
	if (s->core.hosts.table.n > c->most_hosts)
		c->most_hosts = s->core.hosts.table.n;
	assert_true(s->core.hosts.table.n <= c->bound + s->most_known + 1000);
}

/* The last items cost as much as those in the beginning, once memory is warm.
 */
static void
check_course(const struct sim *s, const struct course *c, const char *name)
{
	double early = c->at[4] - c->at[1], late = c->at[10] - c->at[7];

	print_message("%s: %llu items, %zu origins at once, %.2f us an item "
		      "early, %.2f late\n",
	    name, (unsigned long long)s->w.items, c->most_hosts,
	    early * 1e6 / ((double)s->w.items * 0.3),
	    late * 1e6 / ((double)s->w.items * 0.3));
	assert_true(late < 2 * early + 0.2);
}

static void
run_crowd(const char *name, const struct origin *o, size_t bound,
    const char *const *args)
{
	struct course c = { .bound = bound };
	struct sim s;

	sim_init(&s, 1, o, args);
	s.check_every = 49999;
	s.each_turn = note_course;
	s.arg = &c;
	sim_input(&s, scale(20000), one_each);
	sim_run(&s, 600 * MINUTE);
	check_course(&s, &c, name);
	sim_fini(&s);
}

static void
test_a_million_origins_in_turn_cost_no_more_each(void **state)
{
	static const struct origin o[] = { { FAST } };
	static const struct origin known[] = { { FAST,
	    .lookup_cached = 1000 } };

	(void)state;
	run_crowd("in turn", o, 10000, ARGS("-c", "500"));
	run_crowd("addresses known", known, 10000, ARGS("-c", "500"));
}

/* These have state that must be kept. */
static void
test_origins_that_are_remembered_for_a_reason_are_bounded_too(void **state)
{
	static const struct origin o[] = { { FAST, .lookup_cached = 1000,
	    .refuses = 1000 } };

	(void)state;
	run_crowd("dead", o, CEILING, ARGS("-c", "500"));
	run_crowd("dead, tried again", o, CEILING,
	    ARGS("-c", "500", "--retry", "1", "--retry-delay", "100ms"));
}

/* ---- remembered, though it has nothing to do ---- */

static const struct origin asking_and_plain[] = {
	{ FAST, .lookup_cached = 1000, .status = 429, .retry_after_s = 60 },
	{ FAST, .lookup_cached = 1000 },
};

/* An origin that throttles, 14,000 others, and the first again. */
static void
first_and_last(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = MS;
	to->kind = seq > 1 && seq < w->items;
	to->host = to->kind == 1 ? (unsigned)seq : 0;
	to->is_plain = 1;
	to->more = ",\"retry\":0";
}

static void
test_an_origin_that_is_held_is_not_forgotten(void **state)
{
	struct sim s;
	int64_t first, last;

	(void)state;
	sim_init(&s, 1, asking_and_plain, ARGS("-c", "500", "--retry", "1"));
	s.check_every = 49999;
	sim_input(&s, 14000, first_and_last);
	sim_run(&s, 10 * MINUTE);
	first = seen_first(&s.w, seen_kind0);
	last = seen_last(&s.w, seen_kind0);
	assert_true(last - first >= MINUTE && last - first < 61 * SECOND);
	sim_fini(&s);
}

/* ---- held at the same time ---- */

static void
hundred_each(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)(seq % (w->items / 100 + 1));
	to->is_plain = 1;
}

static void
test_thousands_of_origins_with_rates_of_their_own(void **state)
{
	static const struct origin o[] = { { FAST, .lookup_cached = 1000 } };
	struct course c = { .bound = EVER };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "500", "--rate-per-host", "1"));
	s.check_every = 49999;
	s.each_turn = note_course;
	s.arg = &c;
	sim_input(&s, scale(20000), hundred_each);
	sim_run(&s, 600 * MINUTE);
	check_course(&s, &c, "a rate each");
	assert_true(
	    s.w.now_us - s.w.start_at_us < 110 * SECOND || s.w.items > 100000);
	sim_fini(&s);
}

/* ---- one slow, many fast ---- */

static const struct origin slow_and_fast[] = {
	{ FAST, .first_at_us = 30 * SECOND },
	{ FAST, .redirects = 300, .to_kind = 2, .to_hosts = 300, .errs = 100 },
	{ FAST },
};

/* 2,000 of one host, and 200 hosts; the former first. */
static void
slow_first(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq > 2000;
	to->host = seq > 2000 ? (unsigned)seq - 2000 : 0;
}

static void
test_two_hundred_fast_origins_are_done_in_seconds_behind_a_slow_one(
    void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, slow_and_fast, ARGS("--retry", "2"));
		s.check_every = 7;
		s.w.is_chaotic = seed > 1;
		sim_input(&s, 2200, slow_first);
		sim_run_for(&s, 12 * SECOND);
		/* Each of them, its redirect and its two retries. */
		for (i = 2001; i <= 2200; i++) {
			assert_int_equal(s.w.outcomes[i].records, 1);
			assert_true(s.w.outcomes[i].at_us <
				    s.w.start_at_us + 10 * SECOND);
		}
		sim_fini(&s);
	}
}

/* The same, and the slow one is held, down, or throttles. */
static const struct origin held_and_fast[][2] = {
	{ { FAST, .status = 429, .retry_after_s = 30 }, { FAST } },
	{ { FAST, .refuses = 1000 }, { FAST } },
	{ { FAST, .connect_stalls = 1000 }, { FAST } },
	{ { .lookup_stalls = 1000 }, { FAST } },
};

static void
test_nor_do_they_wait_behind_one_that_is_held(void **state)
{
	struct sim s;
	uint64_t i;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(held_and_fast); k++) {
		sim_init(&s, k, held_and_fast[k], ARGS("--retry", "2"));
		s.check_every = 7;
		sim_input(&s, 2200, slow_first);
		sim_run_for(&s, 3 * SECOND);
		for (i = 2001; i <= 2200; i++)
			assert_int_equal(s.w.outcomes[i].status, 200);
		sim_fini(&s);
	}
}

int
run_crowds(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_million_origins_in_turn_cost_no_more_each),
		cmocka_unit_test(
		    test_origins_that_are_remembered_for_a_reason_are_bounded_too),
		cmocka_unit_test(test_an_origin_that_is_held_is_not_forgotten),
		cmocka_unit_test(
		    test_thousands_of_origins_with_rates_of_their_own),
		cmocka_unit_test(
		    test_two_hundred_fast_origins_are_done_in_seconds_behind_a_slow_one),
		cmocka_unit_test(test_nor_do_they_wait_behind_one_that_is_held),
	};

	return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
