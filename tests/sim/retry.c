/* SPDX-License-Identifier: ISC */
/*
 * Retries: which requests, how often, and when. The origins answer with errors
 * or break connections; none throttles.
 */
#include <string.h>

#include "scenario.h"
#include "seen.h"

static void
one_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	to->is_plain = 1;
}

static void
many_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)(seq % 200);
	to->is_plain = seq % 2;
}

/* ---- when ---- */

static const struct origin failing[] = { { FAST, .status = 500 } };

/* Between the n-th try of an only item and the next one, 1 the first. */
static int64_t
gap(const struct sim *s, unsigned n)
{
	int64_t last = 0;
	unsigned k = 0;
	size_t i;

	for (i = 0; i < s->w.nseen; i++) {
		if (s->w.seen[i].what != SEEN_REQUEST)
			continue;
		if (k++ == n)
			return s->w.seen[i].at_us - last;
		last = s->w.seen[i].at_us;
	}
	fail();
	return 0;
}

static void
test_back_off_doubles_with_jitter_up_to_a_minute(void **state)
{
	int64_t delay, us, least[9], most[9];
	struct sim s;
	uint64_t seed;
	unsigned n;

	(void)state;
	for (n = 1; n < 9; n++) {
		least[n] = INT64_MAX;
		most[n] = 0;
	}
	for (seed = 1; seed <= 60; seed++) {
		sim_init(&s, seed, failing, ARGS("--retry", "8"));
		sim_input(&s, 1, one_host);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(s.w.outcomes[1].attempts, 9);
		assert_int_equal(s.w.outcomes[1].status, 500);
		for (n = 1; n < 9; n++) {
			us = gap(&s, n);
			least[n] = us < least[n] ? us : least[n];
			most[n] = us > most[n] ? us : most[n];
		}
		sim_fini(&s);
	}
	/* 30 ms of each are the answer before. */
	for (n = 1; n < 9; n++) {
		delay = SECOND << (n - 1);
		assert_true(least[n] >= delay / 2 || least[n] >= MINUTE / 2);
		assert_true(least[n] < delay * 3 / 4);
		us = delay * 3 / 2 < MINUTE ? delay * 3 / 2 : MINUTE;
		assert_true(most[n] <= us + 100 * MS);
		assert_true(most[n] > us * 4 / 5);
	}
}

static void
fail_some(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->seq % 4 == 0)
		a->status = 500;
}

static void
test_a_back_off_holds_no_slot_and_no_other_item(void **state)
{
	static const struct origin o[] = { { FAST } };
	struct sim s;

	(void)state;
	sim_init(
	    &s, 1, o, ARGS("-c", "1", "--retry", "2", "--retry-delay", "20"));
	s.w.answer = fail_some;
	sim_input(&s, 100, one_host);
	sim_run_for(&s, 9 * SECOND);
	assert_int_equal(s.w.records, 75);
	sim_run(&s, 5 * MINUTE);
	sim_fini(&s);
}

/* ---- how often ---- */

static const struct origin unavailable[] = { { FAST, .status = 503 } };

static void
test_ten_thousand_503s_cost_three_requests_each(void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 0; seed < 2; seed++) {
		sim_init(&s, seed, unavailable,
		    ARGS("-c", "200", "--max-per-host", "0", "--retry", "2"));
		s.check_every = 499;
		sim_input(&s, 10000, seed == 0 ? many_hosts : one_host);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(
		    seen_sum(&s.w, seen_request, 0, 10 * MINUTE), 30000);
		for (i = 1; i <= 10000; i++) {
			assert_int_equal(s.w.outcomes[i].attempts, 3);
			assert_int_equal(s.w.outcomes[i].status, 503);
			assert_int_equal(s.w.outcomes[i].err, E_OK);
		}
		sim_fini(&s);
	}
}

static const struct {
	const char *name;
	struct origin origin;
	const char *args[6];
	struct item item;
	unsigned requests, dials;
	int attempts;
} tries[] = {
	{ "GET, 500", { FAST, .status = 500 }, { "--retry", "2" }, { 0 }, 3, 1,
	    3 },
	{ "GET, 404", { FAST, .status = 404 }, { "--retry", "2" }, { 0 }, 1, 1,
	    1 },
	{ "GET, --retry 0", { FAST, .status = 500 }, { "--retry", "0" }, { 0 },
	    1, 1, 1 },
	{ "GET, its own retry", { FAST, .status = 500 }, { "--retry", "0" },
	    { .more = ",\"retry\":4" }, 5, 1, 5 },
	{ "GET, its own retry, none", { FAST, .status = 500 },
	    { "--retry", "3" }, { .more = ",\"retry\":0" }, 1, 1, 1 },
	{ "GET, not listed", { FAST, .status = 500 },
	    { "--retry", "2", "--retry-on", "503,errors" }, { 0 }, 1, 1, 1 },
	{ "GET, 429 not listed", { FAST, .status = 429, .retry_after_s = 1 },
	    { "--retry", "2", "--retry-on", "503,errors" }, { 0 }, 1, 1, 1 },
	{ "GET, 429, --retry 0", { FAST, .status = 429, .retry_after_s = 1 },
	    { "--retry", "0" }, { 0 }, 1, 1, 1 },
	{ "GET, errors not listed", { FAST, .refuses = 1000 },
	    { "--retry", "2", "--retry-on", "500" }, { 0 }, 0, 1, 1 },
	{ "GET, one code listed", { FAST, .refuses = 1000 },
	    { "--retry", "2", "--retry-on", "connect_refused" }, { 0 }, 0, 3,
	    3 },
	{ "GET, reset", { FAST, .resets_before = 1000 }, { "--retry", "2" },
	    { 0 }, 3, 3, 3 },
	{ "GET, cut in the middle", { FAST, .truncates = 1000 },
	    { "--retry", "2" }, { 0 }, 3, 3, 3 },
	{ "GET, name not known", { .lookup_fails = 1000 }, { "--retry", "2" },
	    { 0 }, 0, 0, 1 },
	{ "GET, name server fails", { .lookup_servfails = 1000 },
	    { "--retry", "2" }, { 0 }, 0, 0, 3 },
	{ "GET, no byte in time", { FAST, .stalls_before = 1000 },
	    { "--retry", "2", "-m", "3" }, { 0 }, 3, 3, 3 },
	{ "GET, too late after the first byte", { FAST, .stalls_after = 1000 },
	    { "--retry", "2", "-m", "3" }, { 0 }, 1, 1, 1 },
	{ "POST, 503", { FAST, .status = 503 }, { "--retry", "2" },
	    { .method = "POST" }, 1, 1, 1 },
	{ "POST, reset", { FAST, .resets_before = 1000 }, { "--retry", "2" },
	    { .method = "POST", .body_bytes = 9 }, 1, 1, 1 },
	{ "POST, not sent", { FAST, .refuses = 1000 }, { "--retry", "2" },
	    { .method = "POST", .body_bytes = 9 }, 0, 3, 3 },
	{ "POST, not sent: handshake", { FAST, .tls_fails = 1000 },
	    { "--retry", "2" }, { .method = "POST", .body_bytes = 9 }, 0, 3,
	    3 },
	{ "POST, 503, --retry-post", { FAST, .status = 503 },
	    { "--retry", "2", "--retry-post" },
	    { .method = "POST", .body_bytes = 9 }, 3, 1, 3 },
	{ "POST, reset, --retry-post", { FAST, .resets_before = 1000 },
	    { "--retry", "2", "--retry-post" },
	    { .method = "POST", .body_bytes = 9 }, 3, 3, 3 },
	{ "POST with a key, 503", { FAST, .status = 503 }, { "--retry", "2" },
	    { .method = "POST",
		.more = ",\"headers\":{\"Idempotency-Key\":\"k\"}" },
	    3, 1, 3 },
	{ "PUT, 503", { FAST, .status = 503 }, { "--retry", "2" },
	    { .method = "PUT", .body_bytes = 9 }, 3, 1, 3 },
};

static void
tried_item(struct event_base *w, uint64_t seq, struct item *to)
{
	size_t i;

	(void)seq;
	for (i = 0; i < COUNT(tries); i++)
		if (w->origins == &tries[i].origin)
			*to = tries[i].item;
}

static void
test_what_is_tried_again_and_what_is_not(void **state)
{
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(tries); i++) {
		sim_init(&s, i, &tries[i].origin, tries[i].args);
		s.w.may_repeat = s.opts.retry_post;
		sim_input(&s, 1, tried_item);
		sim_run_for(&s, 10 * MINUTE);
		if (seen_sum(&s.w, seen_request, 0, INT64_MAX / 2) !=
			tries[i].requests ||
		    s.w.outcomes[1].attempts != tries[i].attempts)
			world_fail(&s.w, "%s: %.0f requests, %d attempts",
			    tries[i].name,
			    seen_sum(&s.w, seen_request, 0, INT64_MAX / 2),
			    s.w.outcomes[1].attempts);
		/* A connection may be too old to be used again. */
		if (seen_sum(&s.w, seen_dial, 0, INT64_MAX / 2) <
		    tries[i].dials)
			world_fail(&s.w, "%s: dials", tries[i].name);
		sim_fini(&s);
	}
}

static void
test_one_failed_look_up_is_one_attempt_of_each_that_waits(void **state)
{
	static const struct origin o[] = { { .lookup_at_us = 100 * MS,
	    .lookup_servfails = 1000 } };
	static const char *const delays[] = { "0", "1" };
	struct sim s;
	uint64_t i, n;

	(void)state;
	for (n = 0; n < 2; n++) {
		sim_init(
		    &s, 1, o, ARGS("--retry", "2", "--retry-delay", delays[n]));
		sim_input(&s, 10, one_host);
		sim_run(&s, MINUTE);
		for (i = 1; i <= 10; i++) {
			assert_int_equal(s.w.outcomes[i].err, E_DNS_SERVFAIL);
			assert_int_equal(s.w.outcomes[i].attempts, 3);
			/* Three look-ups lie before the end of each. */
			assert_true(s.w.outcomes[i].at_us >=
				    s.w.start_at_us + 300 * MS);
		}
		sim_fini(&s);
	}
}

/* ---- until when ---- */

static void
test_no_try_begins_after_retry_max_time(void **state)
{
	struct sim s;
	int64_t last;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 10; seed++) {
		sim_init(&s, seed, failing,
		    ARGS("--retry", "100", "--retry-max-time", "30"));
		sim_input(&s, 1, one_host);
		sim_run(&s, 10 * MINUTE);
		last = seen_last(&s.w, seen_request);
		assert_true(last < 31 * SECOND);
		assert_true(last > 15 * SECOND);
		sim_fini(&s);
	}
}

/* ---- place in the queue ---- */

static void
fail_first(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->seq <= 3 && w->outcomes[e->seq].handed < 2)
		a->status = 500;
}

static void
test_what_comes_back_goes_before_what_is_new(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, (const struct origin[]){ { FAST } },
	    ARGS("--max-per-host", "1", "--retry", "1"));
	s.w.answer = fail_first;
	sim_input(&s, 2000, one_host);
	sim_run(&s, 5 * MINUTE);
	for (i = 1; i <= 3; i++) {
		assert_int_equal(s.w.outcomes[i].status, 200);
		assert_true(
		    s.w.outcomes[i].at_us < s.w.start_at_us + 2 * SECOND);
	}
	sim_fini(&s);
}

int
run_retry(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_back_off_doubles_with_jitter_up_to_a_minute),
		cmocka_unit_test(
		    test_a_back_off_holds_no_slot_and_no_other_item),
		cmocka_unit_test(
		    test_ten_thousand_503s_cost_three_requests_each),
		cmocka_unit_test(test_what_is_tried_again_and_what_is_not),
		cmocka_unit_test(
		    test_one_failed_look_up_is_one_attempt_of_each_that_waits),
		cmocka_unit_test(test_no_try_begins_after_retry_max_time),
		cmocka_unit_test(test_what_comes_back_goes_before_what_is_new),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
