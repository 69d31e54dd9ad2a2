/* SPDX-License-Identifier: ISC */
/*
 * Redirects: each request obeys the same limits, an item has one record and at
 * most one slot, and requests that are not idempotent are sent once.
 */
#include "core/origin/host.h"
#include "scenario.h"
#include "seen.h"

#define BAD 30

/* ---- limits ---- */

static const struct origin winding[] = {
	{ FAST, .redirects = 600, .to_kind = 1, .to_hosts = 5 },
	{ FAST, .redirects = 400, .to_kind = 2, .to_hosts = 5, .body_bytes = 0,
	    .says_close = 200 },
	{ FAST, .redirects = 300, .to_kind = 0, .to_hosts = 5,
	    .resets_before = BAD, .closes_before = BAD, .resets_after = BAD,
	    .body_bytes = 90000, .piece_bytes = 9000 },
};

static void
winding_item(struct event_base *w, uint64_t seq, struct item *to)
{
	static const char *const methods[] = { NULL, NULL, "GET", "HEAD",
		"POST", "PUT" };

	(void)seq;
	to->kind = (unsigned)world_draw(w, 3);
	to->host = (unsigned)world_draw(w, 5);
	to->is_plain = world_chance(w, 500);
	to->method = methods[world_draw(w, COUNT(methods))];
}

static void
check_hops(struct sim *s)
{
	const struct outcome *o;
	uint64_t i, followed = 0;

	for (i = 1; i <= s->w.items; i++) {
		o = &s->w.outcomes[i];
		followed += o->redirects > 0;
		assert_true((unsigned)o->redirects <= o->hops);
		/* The last answer is what counts, if it is not too far. */
		if (o->err == E_OK)
			assert_int_equal(o->status, 200);
		if (o->err == E_REDIRECT_LIMIT)
			assert_int_equal(o->redirects, 4);
	}
	assert_true(followed > s->w.items / 4);
}

static void
test_redirects_keep_to_every_limit(void **state)
{
	static const char *const c[] = { "1", "5", "40" };
	static const char *const per_host[] = { "1", "2", "0" };
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 9; seed++) {
		sim_init(&s, seed, winding,
		    ARGS("-c", c[seed % 3], "--max-per-host",
			per_host[seed / 3 % 3], "-L", "--max-redirs", "4",
			"--retry", seed % 2 != 0 ? "0" : "2"));
		s.w.is_chaotic = 1;
		s.check_every = 3;
		sim_input(&s, 400, winding_item);
		sim_run(&s, 60 * MINUTE);
		assert_true(s.most_slots <= (size_t)s.opts.concurrency);
		check_hops(&s);
		sim_fini(&s);
	}
}

/* ---- targets ---- */

static const struct origin four[] = { { FAST }, { FAST }, { FAST }, { FAST } };

/* From kind to kind, and no farther than the last. */
static void
lead_on(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->kind == 3)
		return;
	a->status = 302;
	a->has_location = 1;
	a->to_kind = e->kind + 1;
}

static void
plain_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 7;
}

static double
of_kind(const struct sim *s, unsigned kind)
{
	size_t i;
	double n = 0;

	for (i = 0; i < s->w.nseen; i++)
		n += s->w.seen[i].what == SEEN_REQUEST &&
		     s->w.seen[i].kind == kind;
	return n;
}

static void
test_a_chain_is_one_attempt_and_one_record(void **state)
{
	struct sim s;
	uint64_t i;
	unsigned k;

	(void)state;
	sim_init(&s, 1, four, ARGS("-c", "10"));
	s.w.answer = lead_on;
	sim_input(&s, 50, plain_item);
	sim_run(&s, MINUTE);
	for (k = 0; k < 4; k++)
		assert_int_equal(of_kind(&s, k), 50);
	for (i = 1; i <= 50; i++) {
		assert_int_equal(s.w.outcomes[i].status, 200);
		assert_int_equal(s.w.outcomes[i].redirects, 3);
		assert_int_equal(s.w.outcomes[i].attempts, 1);
	}
	sim_fini(&s);
}

/* ---- methods ---- */

static const struct {
	int status;
	const char *method, *option;
	char then; /* its second request's method; 0: there is none */
} methods[] = {
	{ 301, "GET", "-L", 'G' },
	{ 301, "HEAD", "-L", 'H' },
	{ 301, "POST", "-L", 'G' },
	{ 301, "PUT", "-L", 'U' },
	{ 302, "POST", "-L", 'G' },
	{ 302, "DELETE", "-L", 'D' },
	{ 303, "POST", "-L", 'G' },
	{ 303, "PUT", "-L", 'G' },
	{ 303, "HEAD", "-L", 'H' },
	{ 307, "POST", "-L", 'P' },
	{ 308, "PUT", "-L", 'U' },
	{ 301, "GET", "-4", 'G' },
	{ 302, "HEAD", "-4", 'H' },
	{ 302, "POST", "-4", 0 },
	{ 307, "PUT", "-4", 0 },
	{ 301, "GET", "--no-location", 0 },
	{ 304, "GET", "-L", 0 },
	{ 300, "GET", "-L", 0 },
};

/* Which of them is run: the seed says. */
static void
lead_with(struct event_base *w, const struct seen *e, struct answer *a)
{
	if (e->hop > 0)
		return;
	a->status = methods[w->seed].status;
	a->has_location = 1;
	a->to_kind = 1;
}

static void
method_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)seq;
	to->method = methods[w->seed].method;
	to->body_bytes = to->method[0] == 'P' ? 10 : 0;
}

static char
method_of_hop(const struct sim *s, unsigned hop)
{
	size_t i;

	for (i = 0; i < s->w.nseen; i++)
		if (s->w.seen[i].what == SEEN_REQUEST &&
		    s->w.seen[i].hop == hop)
			return s->w.seen[i].method;
	return 0;
}

static void
test_status_method_and_option_say_what_is_asked_next(void **state)
{
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(methods); i++) {
		sim_init(&s, i, four, ARGS(methods[i].option));
		s.w.answer = lead_with;
		sim_input(&s, 1, method_item);
		sim_run(&s, MINUTE);
		if (method_of_hop(&s, 1) != methods[i].then)
			world_fail(&s.w, "%d, %s, %s", methods[i].status,
			    methods[i].method, methods[i].option);
		assert_int_equal(s.w.outcomes[1].status,
		    methods[i].then != 0 ? 200 : methods[i].status);
		sim_fini(&s);
	}
}

/* ---- chains that end badly ---- */

static void
lead_nowhere(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	a->status = 302;
	a->has_location = 1;
	a->to_kind = (e->kind + 1) % 4;
	if (e->seq % 2 == 0 && e->hop == 4)
		a->to_hop = 2; /* it was there, at the other end of the ring */
	if (e->seq % 2 == 0 && e->hop == 4)
		a->to_kind = 2;
}

static void
test_loops_and_long_chains_end(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, four, ARGS("-c", "10", "--retry", "2"));
	s.w.answer = lead_nowhere;
	sim_input(&s, 20, plain_item);
	sim_run(&s, MINUTE);
	for (i = 1; i <= 20; i++) {
		assert_int_equal(s.w.outcomes[i].err,
		    i % 2 == 0 ? E_REDIRECT_LOOP : E_REDIRECT_LIMIT);
		assert_int_equal(s.w.outcomes[i].handed, i % 2 == 0 ? 5 : 11);
	}
	sim_fini(&s);
}

/* ---- with retries ---- */

/* The second hop fails; the first one answers. */
static void
fail_behind(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->kind == 0) {
		a->status = 303;
		a->has_location = 1;
		a->to_kind = 1;
	} else
		a->status = 500;
}

static void
posted_item(struct event_base *w, uint64_t seq, struct item *to)
{
	plain_item(w, seq, to);
	to->method = seq % 2 == 0 ? "POST" : "GET";
	to->body_bytes = seq % 2 == 0 ? 100 : 0;
}

static void
test_a_post_behind_a_redirect_is_not_sent_again(void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 3; seed++) {
		sim_init(
		    &s, seed, four, ARGS("-c", "10", "-L", "--retry", "2"));
		s.w.answer = fail_behind;
		s.w.is_chaotic = seed > 1;
		sim_input(&s, 20, posted_item);
		sim_run(&s, MINUTE);
		for (i = 1; i <= 20; i++) {
			assert_int_equal(s.w.outcomes[i].status, 500);
			assert_int_equal(s.w.outcomes[i].attempts, 3);
			/* POST, GET, GET, GET; or GET and GET, three times. */
			assert_int_equal(
			    s.w.outcomes[i].handed, i % 2 == 0 ? 4 : 6);
		}
		sim_fini(&s);
	}
}

/* The same, but it is the connection that breaks. */
static const struct origin breaking[] = {
	{ FAST, .redirects = 1000, .redirect_status = 303, .to_kind = 1 },
	{ FAST, .refuses = 500, .resets_before = 500, .resets_after = 300 },
};

static void
test_a_post_behind_a_broken_hop_is_not_sent_again(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		sim_init(
		    &s, seed, breaking, ARGS("-c", "10", "-L", "--retry", "4"));
		s.w.is_chaotic = 1;
		sim_input(&s, 100, posted_item);
		sim_run(&s, 60 * MINUTE); /* the peer would tell */
		assert_true(sim_count(&s, E_OK) > 50);
		sim_fini(&s);
	}
}

/* ---- with holds ---- */

static void
busy_behind(struct event_base *w, const struct seen *e, struct answer *a)
{
	if (e->kind == 0 && e->seq <= 30) {
		a->status = 302;
		a->has_location = 1;
		a->to_kind = 1;
		a->to_host = 0;
	} else if (e->kind == 1 && world_time(w) < SECOND) {
		a->status = 429;
		a->retry_after_s = 5;
	}
}

static void
test_a_hop_that_is_asked_to_wait_holds_its_own_origin_only(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, four, ARGS("-c", "10", "--retry", "2"));
	s.w.answer = busy_behind;
	sim_input(&s, 60, plain_item);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 60);
	for (i = 1; i <= 60; i++) {
		assert_int_equal(s.w.outcomes[i].status, 200);
		if (i > 30)
			assert_true(s.w.outcomes[i].at_us <
				    s.w.start_at_us + 2 * SECOND);
	}
	/* Only the hop is asked again. */
	assert_int_equal(of_kind(&s, 0), 60);
	assert_int_equal(seen_sum(&s.w, seen_kind1, SECOND, 5 * SECOND), 0);
	sim_fini(&s);
}

/* ---- time ---- */

static const struct origin slow[] = {
	{ FAST, .first_at_us = 8 * SECOND, .redirects = 1000, .to_kind = 1 },
	{ FAST, .first_at_us = 8 * SECOND, .redirects = 1000, .to_kind = 2 },
	{ FAST, .stalls_before = 1000 },
};

static void
one_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	(void)to;
}

static void
test_max_time_counts_all_hops_of_an_attempt(void **state)
{
	struct sim s;
	int64_t took;

	(void)state;
	sim_init(&s, 1, slow, ARGS("-m", "20"));
	sim_input(&s, 1, one_item);
	sim_run(&s, MINUTE);
	took = s.w.outcomes[1].at_us - s.w.start_at_us;
	assert_int_equal(s.w.outcomes[1].err, E_TIMEOUT_TOTAL);
	/* Three look-ups lie between, which do not count. */
	assert_true(took >= 20 * SECOND && took < 20100 * MS);
	sim_fini(&s);
}

/* ---- origins that are only led to ---- */

static const struct origin drawn_out[] = {
	{ FAST, .lookup_cached = 1000, .says_close = 1000 },
	{ FAST, .lookup_cached = 1000, .body_bytes = 30000, .piece_bytes = 3000,
	    .piece_us = 200 * MS },
};

static void
lead_back(struct event_base *w, const struct seen *e, struct answer *a)
{
	(void)w;
	if (e->kind != 1 || e->hop > 0)
		return;
	a->status = 302;
	a->has_location = 1;
	a->to_kind = 0;
	a->to_host = e->host;
}

/* First each origin once, then by way of another one, each from the oldest. */
static void
return_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->is_plain = 1;
	to->kind = seq > 11000 && seq % 2 == 0;
	to->host =
	    (unsigned)(seq > 11000 && seq % 2 == 0 ? (seq - 11000) / 2 + 1000
						   : seq);
}

static void
test_an_origin_is_not_forgotten_while_an_item_is_on_its_way_there(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, drawn_out, ARGS("-c", "400"));
	s.w.answer = lead_back;
	s.check_every = 997;
	s.w.input_gap_us = 200;
	sim_input(&s, 14000, return_item);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 14000);
	sim_fini(&s);
}

int
run_redirects(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirects_keep_to_every_limit),
		cmocka_unit_test(test_a_chain_is_one_attempt_and_one_record),
		cmocka_unit_test(
		    test_status_method_and_option_say_what_is_asked_next),
		cmocka_unit_test(test_loops_and_long_chains_end),
		cmocka_unit_test(
		    test_a_post_behind_a_redirect_is_not_sent_again),
		cmocka_unit_test(
		    test_a_post_behind_a_broken_hop_is_not_sent_again),
		cmocka_unit_test(
		    test_a_hop_that_is_asked_to_wait_holds_its_own_origin_only),
		cmocka_unit_test(test_max_time_counts_all_hops_of_an_attempt),
		cmocka_unit_test(
		    test_an_origin_is_not_forgotten_while_an_item_is_on_its_way_there),
	};

	return cmocka_run_group_tests_name("redirects", tests, NULL, NULL);
}
