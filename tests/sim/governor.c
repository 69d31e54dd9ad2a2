/* SPDX-License-Identifier: ISC */
/*
 * Origins that throttle: one is held as a whole and no other is, no burst
 * follows the hold, and it is given up after some time.
 */
#include <string.h>

#include "scenario.h"
#include "seen.h"

#define EVER (INT64_MAX / 2)

static const struct origin two[] = { { FAST }, { FAST } };

/* Kind 0 is one host, kind 1 are twenty. */
static void
both(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq % 2;
	to->host = seq % 2 != 0 ? (unsigned)seq % 40 : 0;
}

static void
one_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	(void)to;
}

static double
seen_429(const struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->what == SEEN_REQUEST && e->status == 429;
}

static void
say(struct answer *a, int status, int retry_after_s)
{
	a->status = status;
	a->retry_after_s = retry_after_s;
}

/* ---- one is held, and the others are not ---- */

static void
busy_at_first(struct event_base *w, const struct seen *e, struct answer *a)
{
	if (e->kind == 0 && world_time(w) > 200 * MS && world_time(w) < SECOND)
		say(a, w->seed % 2 != 0 ? 429 : 503, 7);
}

static void
test_retry_after_holds_all_of_one_origin_and_no_other(void **state)
{
	struct sim s;
	uint64_t seed, i;
	int64_t last;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, two,
		    ARGS("-c", "30", "--retry", "1", "--no-learn-rate"));
		s.w.is_chaotic = seed > 2;
		s.w.answer = busy_at_first;
		sim_input(&s, 400, both);
		sim_run(&s, MINUTE);
		for (i = 1; i <= 400; i++) {
			assert_int_equal(s.w.outcomes[i].status, 200);
			if (i % 2 != 0)
				assert_true(s.w.outcomes[i].at_us <
					    s.w.start_at_us + 2 * SECOND);
		}
		last = 300 * MS;
		assert_int_equal(
		    seen_sum(&s.w, seen_kind0, last, 7 * SECOND), 0);
		assert_true(seen_sum(&s.w, seen_kind0, 0, last) < 100);
		assert_true(s.job.stats.waits[WAIT_RETRY_AFTER].count > 50);
		sim_fini(&s);
	}
}

static void
test_after_a_hold_one_goes_first_then_more(void **state)
{
	static const struct origin o[] = { { FAST, .first_at_us = 100 * MS } };
	struct sim s;
	int64_t first;
	size_t i;

	(void)state;
	sim_init(&s, 1, o,
	    ARGS("-c", "64", "--max-per-host", "32", "--retry", "1",
		"--no-learn-rate"));
	s.w.answer = busy_at_first;
	sim_input(&s, 600, one_host);
	sim_run(&s, MINUTE);
	for (i = 0; i < s.w.nseen; i++)
		if (s.w.seen[i].begun_at_us > s.w.start_at_us + 5 * SECOND)
			break;
	/* Each round trip takes 100 ms. */
	first = s.w.seen[i].begun_at_us - s.w.start_at_us;
	assert_int_equal(seen_sum(&s.w, seen_kind0, first, first + 99 * MS), 1);
	assert_true(
	    seen_sum(&s.w, seen_kind0, first, first + 199 * MS) <= 1 + 2);
	assert_true(
	    seen_sum(&s.w, seen_kind0, first, first + 299 * MS) <= 1 + 2 + 4);
	assert_true(seen_sum(&s.w, seen_kind0, first, first + SECOND) > 60);
	assert_int_equal(sim_count(&s, E_OK), 600);
	sim_fini(&s);
}

/* A stream that goes on for long was there before. */
static const struct origin streaming[] = {
	{ FAST, .body_bytes = 600, .piece_bytes = 1, .piece_us = SECOND },
};

static void
busy_in_the_second_second(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (world_time(w) > 900 * MS && world_time(w) < 2 * SECOND)
		say(a, 429, 5);
}

static void
test_what_was_in_flight_before_a_hold_does_not_prolong_it(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, streaming,
	    ARGS("-c", "20", "--retry", "1", "-m", "0", "--max-per-host", "8"));
	s.w.answer = busy_in_the_second_second;
	s.w.input_gap_us = 300 * MS;
	sim_input(&s, 12, one_host);
	sim_run_for(&s, 30 * SECOND);
	assert_true(seen_sum(&s.w, seen_429, 0, EVER) > 0);
	/* Those begun before and those that could be since: eight. */
	assert_true(s.core.sched.slots == 8);
	sim_fini(&s);
}

/* ---- how long ---- */

/* Moments of its requests, since the start, in us. */
static size_t
times(const struct sim *s, int64_t *at, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < s->w.nseen && n < max; i++)
		if (s->w.seen[i].what == SEEN_REQUEST)
			at[n++] = s->w.seen[i].at_us - s->w.start_at_us;
	return n;
}

static void
always_busy(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	say(a, 429, (int)w->seed - 1);
}

static void
test_a_hold_is_never_shorter_than_the_origins_own_back_off(void **state)
{
	int64_t at[40], wait, least;
	struct sim s;
	uint64_t seed;
	size_t i, n;

	(void)state;
	/* Retry-After: none, 1, 2, ... seconds. */
	for (seed = 1; seed <= 6; seed++) {
		sim_init(&s, seed, two, ARGS("-c", "6"));
		s.w.answer = always_busy;
		sim_input(&s, 50, one_host);
		s.opts.retry = 2;
		sim_run_for(&s, 4 * MINUTE);
		n = times(&s, at, COUNT(at));
		assert_true(n > 6 + 5);
		/* The burst counts once; then it doubles, up to a minute. */
		for (i = 6; i < n; i++) {
			least = SECOND << (i - 6);
			least = least < MINUTE ? least : MINUTE;
			wait = (int64_t)(seed - 1) * SECOND;
			wait = wait > least ? wait : least;
			assert_true(at[i] - at[i - 1] >= wait);
			assert_true(at[i] - at[i - 1] < wait + 200 * MS);
		}
		sim_fini(&s);
	}
}

/* Three times in a row, then it answers, then again. */
static void
busy_now_and_then(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->seq % 10 == 0 && w->outcomes[e->seq].asked < 3)
		say(a, 429, 0);
}

static void
test_an_answer_ends_the_origins_back_off(void **state)
{
	struct sim s;

	(void)state;
	sim_init(
	    &s, 1, two, ARGS("-c", "1", "--retry", "1", "--no-learn-rate"));
	s.w.answer = busy_now_and_then;
	sim_input(&s, 100, one_host);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 100);
	assert_int_equal(seen_sum(&s.w, seen_429, 0, EVER), 30);
	/* Others are answered in between: 20 times 1 s; the third refusal of
	 * an item is its own matter. */
	assert_true(s.w.now_us - s.w.start_at_us > 19 * SECOND);
	assert_true(s.w.now_us - s.w.start_at_us < 60 * SECOND);
	sim_fini(&s);
}

/* One is throttled, and all others in flight are answered. */
static void
one_is_asked(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (world_time(w) > 200 * MS && seen_sum(w, seen_429, 0, EVER) <= 0)
		say(a, 429, 7);
}

static void
test_answers_to_what_was_in_flight_do_not_end_a_hold(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, two, ARGS("-c", "30", "--retry", "1"));
		s.w.is_chaotic = 1;
		s.w.answer = one_is_asked;
		sim_input(&s, 600, one_host);
		sim_run(&s, MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 600);
		assert_int_equal(
		    seen_sum(&s.w, seen_kind0, 300 * MS, 7 * SECOND), 0);
		sim_fini(&s);
	}
}

/* ---- no try is used up ---- */

static void
busy_for_long(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (world_time(w) < 20 * SECOND)
		say(a, w->seed % 2 != 0 ? 429 : 503, 1);
}

static void
post_to_one(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->method = seq % 2 != 0 ? "POST" : NULL;
	to->body_bytes = seq % 2 != 0 ? 100 : 0;
}

static void
test_being_asked_to_wait_uses_up_no_try_of_any_method(void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 2; seed++) {
		sim_init(&s, seed, two, ARGS("-c", "4", "--retry", "1"));
		s.w.answer = busy_for_long;
		sim_input(&s, 60, post_to_one);
		sim_run(&s, 2 * MINUTE);
		for (i = 1; i <= 60; i++)
			assert_int_equal(s.w.outcomes[i].status, 200);
		assert_true(seen_sum(&s.w, seen_kind0, 0, EVER) < 60 + 12);
		sim_fini(&s);
	}
}

static void
asked_once(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	to->more = ",\"retry\":0";
}

static void
test_an_item_that_is_not_tried_again_holds_its_origin_all_the_same(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, two, ARGS("-c", "4", "--retry", "1"));
	s.w.answer = busy_at_first;
	sim_input(&s, 200, asked_once);
	sim_run(&s, MINUTE);
	assert_int_equal(seen_sum(&s.w, seen_kind0, 250 * MS, 7 * SECOND), 0);
	/* Those in flight had their only answer; nobody else was refused. */
	assert_true(seen_sum(&s.w, seen_429, 0, EVER) <= 4);
	assert_int_equal(seen_sum(&s.w, seen_request, 0, EVER), 200);
	sim_fini(&s);
}

static void
busy_then_broken(struct event_base *w, const struct seen *e, struct answer *a)
{
	unsigned n = w->outcomes[e->seq].handed;

	if (n <= 3)
		say(a, 429, 1);
	else if (n == 4)
		a->status = 500;
}

static void
test_tries_are_left_after_being_asked_to_wait(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, two, ARGS("--retry", "1"));
	s.w.answer = busy_then_broken;
	sim_input(&s, 1, one_host);
	sim_run(&s, MINUTE);
	assert_int_equal(s.w.outcomes[1].status, 200);
	assert_int_equal(s.w.outcomes[1].attempts, 5);
	sim_fini(&s);
}

static void
moved_for_now(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->hop > 0)
		return;
	say(a, 302, 30);
	a->has_location = 1;
}

static void
test_retry_after_on_a_redirect_is_ignored(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, two, ARGS("-c", "4", "--retry", "1"));
	s.w.answer = moved_for_now;
	sim_input(&s, 20, one_host);
	sim_run(&s, 5 * SECOND);
	assert_int_equal(sim_count(&s, E_OK), 20);
	sim_fini(&s);
}

/* ---- one URL that is always refused ---- */

static void
one_is_always_refused(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	if (e->seq == 7)
		say(a, 429, w->seed > 1 ? 1 : 0);
}

static void
test_that_holds_without_a_retry_delay_too(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, two,
	    ARGS("--retry", "2", "--retry-delay", "0", "--retry-max-time",
		"3s"));
	s.w.answer = one_is_always_refused;
	sim_input(&s, 300, one_host);
	sim_run(&s, 5 * MINUTE);
	for (i = 1; i <= 300; i++)
		assert_int_equal(s.w.outcomes[i].status, i == 7 ? 429 : 200);
	sim_fini(&s);
}

static void
test_one_url_that_is_refused_for_ever_does_not_stall_the_others(void **state)
{
	struct sim s;
	uint64_t seed, i, last;

	(void)state;
	for (seed = 1; seed <= 2; seed++) {
		sim_init(&s, seed, two,
		    ARGS("--retry", "2", "--retry-max-time", "2m"));
		s.w.answer = one_is_always_refused;
		sim_input(&s, 400, one_host);
		sim_run(&s, 5 * MINUTE);
		for (i = 1, last = 0; i <= 400; i++) {
			assert_int_equal(
			    s.w.outcomes[i].status, i == 7 ? 429 : 200);
			if (i != 7 && (uint64_t)s.w.outcomes[i].at_us > last)
				last = (uint64_t)s.w.outcomes[i].at_us;
		}
		print_message("400 items, one refused for ever: %.1f s\n",
		    (double)((int64_t)last - s.w.start_at_us) / 1e6);
		assert_true((int64_t)last - s.w.start_at_us < 15 * SECOND);
		sim_fini(&s);
	}
}

static void
one_in_a_hundred_is_always_refused(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->seq % 100 == 50)
		say(a, 429, 0);
}

/* They cost a second or two each, and nothing is learnt from them. */
static void
test_urls_that_are_refused_for_ever_teach_no_pace(void **state)
{
	int64_t last = 0;
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, two, ARGS("--retry-max-time", "5m"));
	s.w.answer = one_in_a_hundred_is_always_refused;
	sim_input(&s, 2000, one_host);
	sim_run(&s, 20 * MINUTE);
	for (i = 1; i <= 2000; i++)
		if (s.w.outcomes[i].status == 200 &&
		    s.w.outcomes[i].at_us > last)
			last = s.w.outcomes[i].at_us;
	assert_int_equal(sim_count(&s, E_OK), 2000);
	print_message("2000 items, 20 refused for ever: %.1f s\n",
	    (double)(last - s.w.start_at_us) / 1e6);
	assert_true(last - s.w.start_at_us < 90 * SECOND);
	sim_fini(&s);
}

static void
the_first_is_always_refused(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->seq == 1)
		say(a, 429, 0);
}

static void
test_a_first_url_that_is_refused_for_ever_does_not_bar_the_others(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, two, ARGS("-c", "1", "--retry-max-time", "2m"));
	s.w.answer = the_first_is_always_refused;
	sim_input(&s, 200, one_host);
	sim_run(&s, 5 * MINUTE);
	assert_int_equal(s.w.outcomes[1].status, 429);
	for (i = 2; i <= 200; i++) {
		assert_int_equal(s.w.outcomes[i].status, 200);
		assert_true(
		    s.w.outcomes[i].at_us < s.w.start_at_us + 60 * SECOND);
	}
	sim_fini(&s);
}

static void
each_is_refused_twice(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	if (w->outcomes[e->seq].asked < 2)
		say(a, 429, 0);
}

/* Items throttled before are probes again. */
static void
test_an_origin_that_refuses_each_item_twice_lets_all_through(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, two, ARGS("--retry", "1"));
	s.w.answer = each_is_refused_twice;
	sim_input(&s, 20, one_host);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 20);
	assert_int_equal(seen_sum(&s.w, seen_429, 0, EVER), 40);
	print_message("20 items, each refused twice: %.1f s\n",
	    (double)(s.w.now_us - s.w.start_at_us) / 1e6);
	assert_true(s.w.now_us - s.w.start_at_us < 2 * MINUTE);
	sim_fini(&s);
}

/* ---- a limit to so many a second ---- */

/* An origin that allows so many a second, in whatever way, beside the ideal. */
static void
run_limited(const char *what, const struct origin *o,
    void (*answer)(struct event_base *, const struct seen *, struct answer *),
    double ideal_s)
{
	struct sim s;
	double refused, took;

	sim_init(&s, 1, o, ARGS("--retry", "2"));
	s.check_every = 7;
	s.w.answer = answer;
	sim_input(&s, 600, one_host);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 600);
	refused = seen_sum(&s.w, seen_429, 0, EVER);
	took = (double)(s.w.now_us - s.w.start_at_us) / 1e6;
	print_message("%s: 600 items, %.0f refused, %.1f s of %.1f\n", what,
	    refused, took, ideal_s);
	assert_true(refused < 60);
	assert_true(took < 1.3 * ideal_s);
	sim_fini(&s);
}

/* Tokens come at a rate, up to so many. */
static double
tokens_of(const struct event_base *w, double rate, double burst)
{
	double have = burst, at = 0, now;
	size_t i;

	for (i = 0; i < w->nseen; i++) {
		if (w->seen[i].what != SEEN_REQUEST || w->seen[i].status != 200)
			continue;
		now = (double)(w->seen[i].at_us - w->start_at_us) / 1e6;
		have += (now - at) * rate;
		have = (have < burst ? have : burst) - 1;
		at = now;
	}
	have += ((double)world_time(w) / 1e6 - at) * rate;
	return have < burst ? have : burst;
}

static void
forty_a_second_in_a_bucket(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (tokens_of(w, 40, 40) < 1)
		say(a, 429, 0);
}

static void
forty_a_second_in_a_small_bucket(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (tokens_of(w, 40, 10) < 1)
		say(a, 429, 0);
}

static void
forty_a_second_says_when(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (tokens_of(w, 40, 40) < 1)
		say(a, 429, 1);
}

static void
ten_a_second_in_a_bucket(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (tokens_of(w, 10, 10) < 1)
		say(a, 429, 0);
}

/* In each second by the clock. */
static void
forty_in_each_second(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	int64_t from = world_time(w) / SECOND * SECOND;
	double n = 0;
	size_t i;

	(void)e;
	for (i = w->nseen; i-- > 0;) {
		if (w->seen[i].at_us - w->start_at_us < from)
			break;
		n +=
		    w->seen[i].what == SEEN_REQUEST && w->seen[i].status == 200;
	}
	if (n >= 40)
		say(a, 429, 0);
}

static void
test_the_pace_of_an_origin_is_learnt_from_its_refusals(void **state)
{
	static const struct origin o[] = { { FAST } };
	static const struct origin near[] = { { .lookup_at_us = MS,
	    .connect_us = MS,
	    .tls_us = MS,
	    .first_at_us = MS,
	    .body_bytes = 100 } };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		const struct origin *of = i == 0 ? o : near;

		run_limited("bucket of 40", of, forty_a_second_in_a_bucket, 15);
		run_limited(
		    "bucket of 10", of, forty_a_second_in_a_small_bucket, 15);
		run_limited(
		    "bucket, says when", of, forty_a_second_says_when, 15);
		run_limited("each second", of, forty_in_each_second, 15);
		run_limited("10/s", of, ten_a_second_in_a_bucket, 60);
	}
}

static const struct origin limited[] = {
	{ FAST, .allows = 50, .retry_after_s = 1 },
};

static void
test_an_origin_with_a_limit_loses_nothing_and_is_kept_busy(void **state)
{
	struct sim s;
	double refused;

	(void)state;
	sim_init(&s, 1, limited,
	    ARGS("-c", "64", "--max-per-host", "0", "--retry", "1"));
	sim_input(&s, 2000, one_host);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 2000);
	refused = seen_sum(&s.w, seen_429, 0, EVER);
	print_message("2000 items, 50/s allowed: %.0f refused, %.1f s\n",
	    refused, (double)(s.w.now_us - s.w.start_at_us) / 1e6);
	assert_true(refused < 2000);
	assert_true(s.w.now_us - s.w.start_at_us < 48 * SECOND);
	sim_fini(&s);
}

/* ---- giving up ---- */

static void
busy_for_a_minute(struct event_base *w, const struct seen *e, struct answer *a)
{
	if (e->kind == 0 && world_time(w) > SECOND && world_time(w) < MINUTE)
		say(a, 429, 60);
}

/* Kind 0 is one host, and comes in until long after. */
static void
until_late(struct event_base *w, uint64_t seq, struct item *to)
{
	both(w, seq, to);
	w->input_gap_us = seq < 500 ? 10 * MS : SECOND;
}

static void
test_a_wait_that_is_too_long_ends_what_waits_there(void **state)
{
	const struct outcome *o;
	struct sim s;
	uint64_t i, n429 = 0;

	(void)state;
	sim_init(&s, 1, two,
	    ARGS("-c", "30", "--max-per-host", "1", "--retry", "1",
		"--retry-after-max", "30"));
	s.w.answer = busy_for_a_minute;
	s.w.input_gap_us = 10 * MS;
	sim_input(&s, 600, until_late);
	sim_run(&s, 5 * MINUTE);
	for (i = 1; i <= 600; i++) {
		o = &s.w.outcomes[i];
		n429 += o->status == 429;
		if (i % 2 != 0) {
			assert_int_equal(o->status, 200);
		} else if (o->err == E_HOST_UNAVAILABLE) {
			assert_int_equal(o->attempts, 0);
			assert_string_equal(o->detail, "429");
			assert_true(o->at_us < s.w.start_at_us + 62 * SECOND);
		} else if (o->at_us > s.w.start_at_us + 62 * SECOND)
			assert_int_equal(o->status, 200);
	}
	/* Nobody waited for it; after a minute it was tried again. */
	assert_int_equal(n429, 1);
	assert_true(sim_count(&s, E_HOST_UNAVAILABLE) > 200);
	assert_int_equal(s.w.outcomes[600].status, 200);
	assert_true(s.w.now_us - s.w.start_at_us < 110 * SECOND);
	sim_fini(&s);
}

static void
busy_long_then_short(
    struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)e;
	if (w->outcomes[1].asked == 0)
		say(a, 429, 60);
	else if (world_time(w) < 70 * SECOND)
		say(a, 429, 3);
}

static void
test_a_wait_that_was_too_long_spoils_no_later_one(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, two,
	    ARGS("-c", "1", "--retry", "1", "--retry-after-max", "30"));
	s.w.answer = busy_long_then_short;
	s.w.input_gap_us = 65 * SECOND;
	sim_input(&s, 3, one_host);
	sim_run(&s, 5 * MINUTE);
	assert_int_equal(s.w.outcomes[1].status, 429);
	assert_int_equal(s.w.outcomes[2].status, 200);
	assert_int_equal(s.w.outcomes[3].status, 200);
	sim_fini(&s);
}

static void
test_an_origin_that_only_asks_is_given_up_after_retry_max_time(void **state)
{
	const struct outcome *o;
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 3, two,
	    ARGS("-c", "30", "--retry", "2", "--retry-max-time", "50"));
	s.w.answer = always_busy;
	sim_input(&s, 500, one_host);
	sim_run(&s, 5 * MINUTE);
	assert_true(s.w.now_us - s.w.start_at_us > 50 * SECOND);
	assert_true(s.w.now_us - s.w.start_at_us < 100 * SECOND);
	assert_true(seen_sum(&s.w, seen_429, 0, EVER) < 30 + 10);
	for (i = 1; i <= 500; i++) {
		o = &s.w.outcomes[i];
		assert_true(o->status == 429 || o->err == E_HOST_UNAVAILABLE);
	}
	assert_true(sim_count(&s, E_HOST_UNAVAILABLE) > 490);
	sim_fini(&s);
}

int
run_governor(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_retry_after_holds_all_of_one_origin_and_no_other),
		cmocka_unit_test(test_after_a_hold_one_goes_first_then_more),
		cmocka_unit_test(
		    test_what_was_in_flight_before_a_hold_does_not_prolong_it),
		cmocka_unit_test(
		    test_a_hold_is_never_shorter_than_the_origins_own_back_off),
		cmocka_unit_test(test_an_answer_ends_the_origins_back_off),
		cmocka_unit_test(
		    test_being_asked_to_wait_uses_up_no_try_of_any_method),
		cmocka_unit_test(
		    test_an_item_that_is_not_tried_again_holds_its_origin_all_the_same),
		cmocka_unit_test(
		    test_answers_to_what_was_in_flight_do_not_end_a_hold),
		cmocka_unit_test(test_tries_are_left_after_being_asked_to_wait),
		cmocka_unit_test(test_retry_after_on_a_redirect_is_ignored),
		cmocka_unit_test(test_that_holds_without_a_retry_delay_too),
		cmocka_unit_test(
		    test_one_url_that_is_refused_for_ever_does_not_stall_the_others),
		cmocka_unit_test(
		    test_urls_that_are_refused_for_ever_teach_no_pace),
		cmocka_unit_test(
		    test_a_first_url_that_is_refused_for_ever_does_not_bar_the_others),
		cmocka_unit_test(
		    test_an_origin_that_refuses_each_item_twice_lets_all_through),
		cmocka_unit_test(
		    test_the_pace_of_an_origin_is_learnt_from_its_refusals),
		cmocka_unit_test(
		    test_an_origin_with_a_limit_loses_nothing_and_is_kept_busy),
		cmocka_unit_test(
		    test_a_wait_that_is_too_long_ends_what_waits_there),
		cmocka_unit_test(
		    test_a_wait_that_was_too_long_spoils_no_later_one),
		cmocka_unit_test(
		    test_an_origin_that_only_asks_is_given_up_after_retry_max_time),
	};

	return cmocka_run_group_tests_name("governor", tests, NULL, NULL);
}
