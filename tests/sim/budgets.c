/* SPDX-License-Identifier: ISC */
/*
 * --budget: no window of its unit exceeds it, large items do not starve, small
 * ones are not delayed for them, and no time is wasted.
 */
#include <stdio.h>

#include "core/origin/host.h"
#include "scenario.h"
#include "seen.h"

#define EVER (INT64_MAX / 2)

static const struct origin quick[] = {
	{ FAST, .lookup_cached = 1000 },
	{ FAST, .lookup_cached = 1000 },
	{ FAST, .lookup_cached = 1000, .redirects = 200, .errs = 100,
	    .to_kind = 2, .to_hosts = 30 },
};

/* Costs follow from seq, so that the checks know them. */
static unsigned
mixed_cost(uint64_t seq)
{
	uint64_t z = seq * 0x9e3779b97f4a7c15ULL;

	return 1 + (unsigned)((z >> 40) % 400);
}

static const char *
cost(unsigned tokens, unsigned other)
{
	static char text[80]; /* until the next line */

	snprintf(text, sizeof(text),
	    ",\"cost\":{\"tokens\":%u,\"requests\":%u}", tokens, other);
	return text;
}

static double
mixed_weight(const struct event_base *w, const struct seen *e)
{
	return seen_request(w, e) * mixed_cost(e->seq);
}

/* ---- windows ---- */

static void
mixed_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 30;
	to->more = cost(mixed_cost(seq), 1);
}

/* Some of these are redirected, and some are retried. */
static void
restless_item(struct event_base *w, uint64_t seq, struct item *to)
{
	mixed_item(w, seq, to);
	to->kind = 2;
}

static const struct {
	const char *tokens, *requests;
	double tokens_max, requests_max;
	int64_t window_us;
	uint64_t items;
	double waste; /* of the time that is needed, at most */
} budgets[] = {
	{ "tokens=10000/s", "requests=1000000/s", 10000, 1e6, SECOND, 2000,
	    1.06 },
	{ "tokens=100000/m", "requests=1000000/s", 1e5, 1e6, MINUTE, 2000,
	    1.05 },
	{ "tokens=1000000000/s", "requests=50/s", 1e9, 50, SECOND, 1000, 1.05 },
	{ "tokens=10000/s", "requests=50/s", 10000, 50, SECOND, 1500, 1.10 },
	{ "tokens=3000/s", "requests=20/s", 3000, 20, SECOND, 400, 1.15 },
};

static void
check_budget(const struct sim *s, size_t i)
{
	const struct event_base *w = &s->w;
	double tokens = seen_sum(w, mixed_weight, 0, EVER);
	double requests = seen_sum(w, seen_request, 0, EVER);
	double ideal = tokens / budgets[i].tokens_max, took;
	double most = seen_most(w, budgets[i].window_us, mixed_weight);

	if (requests / budgets[i].requests_max > ideal)
		ideal = requests / budgets[i].requests_max;
	if (most > budgets[i].tokens_max)
		world_fail(w, "%zu: %.0f tokens in a window", i, most);
	most = seen_most(w, budgets[i].window_us, seen_request);
	if (most > budgets[i].requests_max)
		world_fail(w, "%zu: %.0f requests in a window", i, most);
	took =
	    (double)seen_last(w, seen_request) / (double)budgets[i].window_us;
	/* The first window's worth goes at once. */
	if (took > (ideal - 1) * budgets[i].waste + 0.5)
		world_fail(w, "%zu: it took %.2f windows, not %.2f", i, took,
		    ideal - 1);
	print_message(
	    "budget %zu: %.2f windows, at best %.2f\n", i, took, ideal - 1);
}

static void
test_no_window_holds_more_than_the_budget(void **state)
{
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(budgets); i++) {
		sim_init(&s, i, quick,
		    ARGS("-c", "100", "--budget", budgets[i].tokens, "--budget",
			budgets[i].requests));
		s.check_every = 7;
		sim_input(&s, budgets[i].items, mixed_item);
		sim_run(&s, 60 * MINUTE);
		check_budget(&s, i);
		assert_true(s.job.stats.waits[WAIT_BUDGET].count > 0);
		sim_fini(&s);
	}
}

static void
test_redirects_and_retries_are_charged_as_well(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 3; seed++) {
		sim_init(&s, seed, quick,
		    ARGS("-c", "100", "--retry", "2", "--budget",
			"tokens=10000/s"));
		s.w.is_chaotic = seed > 1;
		s.check_every = 7;
		sim_input(&s, 800, restless_item);
		sim_run(&s, 60 * MINUTE);
		assert_true(seen_sum(&s.w, seen_request, 0, EVER) > 950);
		assert_true(seen_most(&s.w, SECOND, mixed_weight) <= 10000);
		sim_fini(&s);
	}
}

/* ---- by the server's clock ---- */

/* Counts requests on arrival, not at their start: some dial first. */
static double
most_by_arrival(const struct event_base *w, int64_t window)
{
	double sum = 0, most = 0;
	size_t i, first = 0;

	for (i = 0; i < w->nseen; i++) {
		sum += mixed_weight(w, &w->seen[i]);
		while (w->seen[first].at_us <= w->seen[i].at_us - window)
			sum -= mixed_weight(w, &w->seen[first++]);
		if (sum > most)
			most = sum;
	}
	return most;
}

static void
test_a_server_that_counts_what_arrives_finds_no_more(void **state)
{
	static const struct origin o[] = { { FAST, .connect_us = 6 * MS,
	    .tls_us = 12 * MS, .says_close = 300, .lookup_cached = 1000 } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "100", "--budget", "tokens=100000/m"));
	s.check_every = 7;
	sim_input(&s, 2000, mixed_item);
	sim_run(&s, 60 * MINUTE);
	assert_true(most_by_arrival(&s.w, MINUTE) <= 100000);
	sim_fini(&s);
}

/* ---- more than there is ---- */

static void
one_is_huge(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = seq == 300 ? 30 : (unsigned)seq % 30;
	to->more = cost(seq == 300 ? 25000 : 50, 1);
}

static int64_t
begun(const struct event_base *w, uint64_t seq)
{
	size_t i;

	for (i = 0; i < w->nseen; i++)
		if (w->seen[i].what == SEEN_REQUEST && w->seen[i].seq == seq)
			return w->seen[i].begun_at_us;
	fail();
	return 0;
}

static void
test_an_item_above_the_whole_budget_goes_alone(void **state)
{
	const struct seen *e;
	struct sim s;
	int64_t at;
	size_t i;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", "tokens=1000/s"));
	sim_input(&s, 600, one_is_huge);
	sim_run(&s, 10 * MINUTE);
	at = begun(&s.w, 300);
	for (i = 0; i < s.w.nseen; i++) {
		e = &s.w.seen[i];
		if (e->what == SEEN_REQUEST && e->seq != 300)
			assert_true(e->begun_at_us <= at - SECOND ||
				    e->begun_at_us >= at + SECOND);
	}
	/* Those before it in the list take 15 windows. */
	assert_true(at - s.w.start_at_us < 18 * SECOND);
	sim_fini(&s);
}

/* ---- small and large ---- */

/* Kind 0 is one host with items of nine tenths, kind 1 are small ones. */
static void
small_and_large(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq > 40;
	to->host = to->kind == 1 ? (unsigned)seq % 30 : 0;
	to->more = cost(to->kind == 1 ? 1 : 9000, 1);
}

static void
test_small_items_of_others_pass_large_ones_that_wait(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", "tokens=10000/m"));
	s.check_every = 7;
	sim_input(&s, 840, small_and_large);
	sim_run_for(&s, 10 * SECOND);
	for (i = 41; i <= 840; i++)
		assert_int_equal(s.w.outcomes[i].status, 200);
	sim_run(&s, 60 * MINUTE);
	/* One a minute. */
	assert_true(seen_last(&s.w, seen_kind0) < 40 * 63 * SECOND);
	sim_fini(&s);
}

static void
free_of_charge(struct event_base *w, uint64_t seq, struct item *to)
{
	small_and_large(w, seq, to);
	if (to->kind == 1)
		to->more = NULL;
}

static void
test_what_costs_nothing_waits_for_no_budget(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", "tokens=100/m"));
	sim_input(&s, 840, free_of_charge);
	sim_run_for(&s, 5 * SECOND);
	for (i = 41; i <= 840; i++)
		assert_int_equal(s.w.outcomes[i].status, 200);
	sim_fini(&s);
}

/* ---- no starvation ---- */

/* A stream of small ones that could take all there is, for ever; of kind 0,
 * one in 400, items that need most of it. */
static void
one_in_many(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq % 400 != 0;
	to->host = to->kind == 1 ? (unsigned)seq % 60 : (unsigned)seq / 400;
	to->more = cost(to->kind == 1 ? 10 : 8000, 1);
}

static double
many_weight(const struct event_base *w, const struct seen *e)
{
	return seen_request(w, e) * (e->kind == 1 ? 10 : 8000);
}

static void
test_a_large_item_gets_its_turn_in_a_stream_of_small_ones(void **state)
{
	static const char *const units[] = { "tokens=10000/s",
		"tokens=10000/m" };
	struct sim s;
	int64_t window, last = 0, at;
	uint64_t i;
	size_t k;
	double ideal;

	(void)state;
	for (k = 0; k < COUNT(units); k++) {
		window = k == 0 ? SECOND : MINUTE;
		sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", units[k]));
		s.check_every = 17;
		sim_input(&s, 12000, one_in_many);
		sim_run(&s, 200 * MINUTE);
		assert_true(seen_most(&s.w, window, many_weight) <= 10000);
		/* Each of the 30 takes most of a window. */
		for (i = 400; i <= 12000; i += 400) {
			at = begun(&s.w, i) - s.w.start_at_us;
			last = at > last ? at : last;
		}
		assert_true(last < 32 * window);
		ideal = seen_sum(&s.w, many_weight, 0, EVER) / 10000;
		print_message("large among small: %.1f windows, ideal %.1f\n",
		    (double)seen_last(&s.w, seen_request) / (double)window,
		    ideal);
		sim_fini(&s);
	}
}

/* Small ones start one by one and leave little room at any time. */
static void
one_in_a_trickle(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 1050;
	to->kind = seq != 1000;
	to->host = (unsigned)seq % 60;
	to->more = cost(seq == 1000 ? 9900 : 10, 1);
}

static void
test_a_trickle_of_small_items_starves_no_large_one(void **state)
{
	struct sim s;
	int64_t waited, worst;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 8; seed++) {
		worst = 0;
		sim_init(&s, seed, quick,
		    ARGS("-c", "100", "--budget", "tokens=10000/s"));
		s.w.is_chaotic = seed > 1;
		s.check_every = 37;
		sim_input(&s, 5000, one_in_a_trickle);
		sim_run(&s, MINUTE);
		waited = begun(&s.w, 1000) - s.w.start_at_us - 1000 * 1050;
		assert_true(waited < 2500 * MS);
		/* And they do not wait for long because of it. */
		for (i = 1; i <= 5000; i++) {
			waited = s.w.outcomes[i].at_us - s.w.start_at_us -
				 (int64_t)i * 1050;
			worst = i != 1000 && waited > worst ? waited : worst;
		}
		assert_true(worst < 2600 * MS);
		sim_fini(&s);
	}
}

/* A large one of two budgets, of a second and of a minute. */
static void
one_needs_both(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 10500;
	to->kind = seq != 6200;
	to->host = (unsigned)seq % 60;
	if (seq == 6200)
		to->more = cost(9000, 540000);
	else
		to->more = seq % 2 != 0 ? cost(200, 0) : cost(0, 200);
}

static void
test_an_item_that_is_large_in_two_budgets_gets_its_turn(void **state)
{
	struct sim s;
	int64_t waited;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 3; seed++) {
		sim_init(&s, seed, quick,
		    ARGS("-c", "100", "--budget", "tokens=10000/s", "--budget",
			"requests=600000/m"));
		s.w.is_chaotic = seed > 1;
		s.check_every = 37;
		sim_input(&s, 18000, one_needs_both);
		sim_run(&s, 10 * MINUTE);
		waited = begun(&s.w, 6200) - s.w.start_at_us - 6200 * 10500;
		assert_true(waited < 100 * SECOND);
		sim_fini(&s);
	}
}

/* Large ones that take three fifths each wait for another all the time, and
 * the small ones need no more than is left. */
static void
three_fifths(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 3 * MS;
	to->kind = seq % 200 != 0;
	to->host = to->kind == 1 ? (unsigned)seq % 60 : 0;
	to->more = cost(to->kind == 1 ? 10 : 6000, 1);
}

static void
test_small_items_that_put_off_no_large_one_go_at_once(void **state)
{
	struct sim s;
	int64_t waited, worst = 0;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", "tokens=10000/s"));
	s.check_every = 17;
	sim_input(&s, 6000, three_fifths);
	sim_run(&s, 2 * MINUTE);
	for (i = 1; i <= 6000; i++) {
		waited = s.w.outcomes[i].at_us - s.w.start_at_us -
			 (int64_t)i * 3 * MS;
		worst = i % 200 != 0 && waited > worst ? waited : worst;
	}
	assert_true(worst < 200 * MS);
	/* One a window. */
	assert_true(seen_last(&s.w, seen_kind0) < 36 * SECOND);
	sim_fini(&s);
}

static void
test_a_budget_is_shared_evenly_between_origins(void **state)
{
	unsigned n[30] = { 0 }, least = 1000, most = 0;
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", "tokens=1000/s"));
	sim_input(&s, 600, one_is_huge);
	sim_run_for(&s, 14 * SECOND);
	for (i = 1; i <= 600; i++)
		n[i % 30] += s.w.outcomes[i].records;
	for (i = 0; i < 30; i++) {
		least = n[i] < least ? n[i] : least;
		most = n[i] > most ? n[i] : most;
	}
	assert_true(least >= 8 && most <= least + 2);
	sim_fini(&s);
}

/* ---- the same origin ---- */

static const struct origin only[] = { { FAST, .lookup_cached = 1000 } };

/* 100, nothing, 100: and the second one fails once. */
static void
full_none_full(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->more = seq == 2 ? "" : cost(100, 0);
}

static int
second_breaks_once(struct event_base *w, const struct seen *e)
{
	return e->seq == 2 && w->outcomes[2].handed == 1;
}

static void
test_an_item_that_costs_nothing_waits_for_no_other_items_budget(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, only,
	    ARGS("-c", "1", "--budget", "tokens=100/m", "--budget",
		"requests=1000/m"));
	s.w.breaks = second_breaks_once;
	sim_input(&s, 3, full_none_full);
	sim_run(&s, 3 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 3);
	assert_true(s.w.outcomes[2].at_us - s.w.start_at_us < 3 * SECOND);
	assert_true(s.w.outcomes[3].at_us - s.w.start_at_us > 59 * SECOND);
	sim_fini(&s);
}

/* Every tenth one costs nothing; they come in slowly. */
static void
one_of_ten_is_free(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 10 * MS;
	to->more = seq % 10 == 0 ? "" : cost(100, 0);
}

static void
test_what_a_budget_holds_does_not_hold_what_is_queued_behind(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, only,
	    ARGS("-c", "4", "--budget", "tokens=200/m", "--budget",
		"requests=1000/m"));
	sim_input(&s, 1000, one_of_ten_is_free);
	sim_run_for(&s, 20 * SECOND);
	for (i = 10; i <= 1000; i += 10)
		assert_true(s.w.outcomes[i].records == 1);
	assert_int_equal(s.w.records, 100 + 2);
	sim_fini(&s);
}

/* ---- many origins ---- */

static void
many_origins(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq;
	to->is_plain = 1;
	to->more = cost(10, 1);
}

static void
test_many_origins_that_wait_for_one_budget_cost_little(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "100", "--budget", "tokens=5000/s"));
	s.check_every = 1999;
	sim_input(&s, 20000, many_origins);
	sim_run(&s, 10 * MINUTE);
	assert_true(s.w.now_us - s.w.start_at_us < 43 * SECOND);
	print_message("20000 origins, one budget: %llu turns\n",
	    (unsigned long long)s.turns);
	sim_fini(&s);
}

int
run_budgets(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_window_holds_more_than_the_budget),
		cmocka_unit_test(
		    test_redirects_and_retries_are_charged_as_well),
		cmocka_unit_test(
		    test_a_server_that_counts_what_arrives_finds_no_more),
		cmocka_unit_test(
		    test_an_item_above_the_whole_budget_goes_alone),
		cmocka_unit_test(
		    test_small_items_of_others_pass_large_ones_that_wait),
		cmocka_unit_test(test_what_costs_nothing_waits_for_no_budget),
		cmocka_unit_test(
		    test_an_item_that_costs_nothing_waits_for_no_other_items_budget),
		cmocka_unit_test(
		    test_what_a_budget_holds_does_not_hold_what_is_queued_behind),
		cmocka_unit_test(
		    test_a_large_item_gets_its_turn_in_a_stream_of_small_ones),
		cmocka_unit_test(
		    test_a_trickle_of_small_items_starves_no_large_one),
		cmocka_unit_test(
		    test_an_item_that_is_large_in_two_budgets_gets_its_turn),
		cmocka_unit_test(
		    test_small_items_that_put_off_no_large_one_go_at_once),
		cmocka_unit_test(
		    test_a_budget_is_shared_evenly_between_origins),
		cmocka_unit_test(
		    test_many_origins_that_wait_for_one_budget_cost_little),
	};

	return cmocka_run_group_tests_name("budgets", tests, NULL, NULL);
}
