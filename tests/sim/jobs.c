/* SPDX-License-Identifier: ISC */
/*
 * Several jobs in one engine, over shared origins: whose limits hold, and who
 * has its turn.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/xchg.h"
#include "scenario.h"
#include "seen.h"

static const struct origin fast[] = { { FAST } };

/* ---- what has just started ---- */

struct starts {
	int64_t looked_at_us; /* what began later is new */
	uint64_t own_limited; /* new ones of the job with --max-per-host 2, */
	uint64_t beside;      /* of these, next to another job's transfer */
	size_t most, most_of_host;
};

/* Transfers at h that began before f, or with it in the same moment. */
static size_t
count_before(const struct core *c, const struct fetch *f, size_t *others)
{
	const struct fetch *g;
	const struct link *k;
	size_t n = 0;
	int st;

	for (st = FETCH_CONNECTING; st <= FETCH_RECEIVING; st++)
		for (k = list_first(&c->state[st]); k != NULL;
		     k = list_next(&c->state[st], k)) {
			g = CONTAINER(k, const struct fetch, link);
			if (g == f || g->host != f->host)
				continue;
			if (g->x->slot_at_us < f->x->slot_at_us ||
			    (g->job == f->job && g->seq < f->seq &&
				g->x->slot_at_us == f->x->slot_at_us)) {
				n++;
				*others += g->job != f->job;
			}
		}
	return n;
}

/* Every start of a job with --max-per-host is judged by what was there. */
static void
look_at_starts(struct sim *s)
{
	const struct core *c = &s->core;
	struct starts *t = s->arg;
	const struct fetch *f;
	const struct link *k;
	size_t n, others;
	int st;

	for (st = FETCH_CONNECTING; st <= FETCH_RECEIVING; st++)
		for (k = list_first(&c->state[st]); k != NULL;
		     k = list_next(&c->state[st], k)) {
			f = CONTAINER(k, const struct fetch, link);
			if (f->host->active > t->most_of_host)
				t->most_of_host = f->host->active;
			if (f->x->slot_at_us <= t->looked_at_us ||
			    f->job->opts->max_per_host == 0)
				continue;
			others = 0;
			n = count_before(c, f, &others);
			if (n >= (size_t)f->job->opts->max_per_host)
				world_fail(&s->w,
				    "item %llu starts where %zu are under way",
				    (unsigned long long)f->seq, n);
			t->own_limited++;
			t->beside += others > 0;
		}
	if (c->sched.slots > t->most)
		t->most = c->sched.slots;
	t->looked_at_us = c->clock.now_us;
}

/* ---- limits ---- */

/* 1 to 600 are of the first job, the next 60 of the second, 20 of the third. */
static const uint64_t three_lists[] = { 600, 60, 20, 0 };

static void
four_hosts(struct event_base *w, uint64_t number, struct item *to)
{
	(void)w;
	to->host = (unsigned)number % 4;
	to->is_plain = 1;
}

static void
three_jobs(struct sim *s, uint64_t seed)
{
	sim_init(s, seed, fast, ARGS("-c", "100", "--max-per-host", "0"));
	s->core.limits.concurrency = 12;
	s->core.limits.max_per_host = 5;
	sim_add_job(s, ARGS("-c", "4", "--max-per-host", "2"));
	sim_add_job(
	    s, ARGS("-c", "100", "--max-per-host", "0", "--delay", "300ms"));
	sim_inputs(s, three_lists, four_hosts);
	s->w.is_chaotic = seed > 1;
}

static void
test_a_start_keeps_to_the_limits_of_the_engine_and_of_its_own_job(void **state)
{
	struct starts t;
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		three_jobs(&s, seed);
		t = (struct starts){ 0 };
		s.arg = &t;
		s.each_turn = look_at_starts;
		s.slack_us = 200 * MS;
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 680);
		/* The engine's are used up, and never exceeded. */
		assert_int_equal(t.most, 12);
		assert_true(t.most_of_host <= 5);
		/* --max-per-host 2 counted the transfers of the others. */
		assert_true(t.own_limited > 0);
		sim_fini(&s);
	}
}

/* When the last request of those that had begun before e's left for its host.
 */
static int64_t
last_before(const struct event_base *w, const struct seen *e)
{
	int64_t last = 0;
	size_t i;

	for (i = 0; i < w->nseen; i++)
		if (w->seen[i].what == SEEN_REQUEST &&
		    w->seen[i].host == e->host &&
		    w->seen[i].begun_at_us < e->begun_at_us &&
		    w->seen[i].at_us > last)
			last = w->seen[i].at_us;
	return last;
}

static void
test_a_delay_runs_from_the_last_start_of_any_job(void **state)
{
	const struct seen *e;
	struct sim s;
	uint64_t seed;
	size_t i, n;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		three_jobs(&s, seed);
		s.slack_us = 200 * MS;
		sim_run(&s, 10 * MINUTE);
		for (i = n = 0; i < s.w.nseen; i++) {
			if (s.w.seen[i].what != SEEN_REQUEST ||
			    s.w.seen[i].seq <= 660)
				continue;
			n++;
			e = &s.w.seen[i];
			if (e->begun_at_us - last_before(&s.w, e) < 300 * MS)
				world_fail(&s.w, "item %llu came too soon",
				    (unsigned long long)s.w.seen[i].seq);
		}
		assert_true(n >= 20);
		sim_fini(&s);
	}
}

static void
one_host(struct event_base *w, uint64_t number, struct item *to)
{
	(void)w;
	(void)number;
	to->is_plain = 1;
}

static void
test_a_rate_for_each_origin_counts_the_starts_of_all_jobs(void **state)
{
	static const uint64_t lists[] = { 200, 40, 0 };
	int64_t last = 0;
	struct sim s;
	size_t i;

	(void)state;
	sim_init(&s, 1, fast, ARGS("-c", "3", "--max-per-host", "0"));
	s.core.limits.concurrency = 20;
	sim_add_job(&s,
	    ARGS("-c", "20", "--max-per-host", "0", "--rate-per-host", "20/s"));
	sim_inputs(&s, lists, one_host);
	sim_run(&s, 10 * MINUTE);
	/* 50 ms after anyone's start, so mostly after the first job is done. */
	for (i = 0; i < s.w.nseen; i++) {
		if (s.w.seen[i].what != SEEN_REQUEST)
			continue;
		if (s.w.seen[i].seq > 200 && last != 0)
			assert_true(s.w.seen[i].begun_at_us - last >= 50 * MS);
		last = s.w.seen[i].begun_at_us;
	}
	assert_int_equal(sim_count(&s, E_OK), 240);
	sim_fini(&s);
}

static void
test_each_job_has_its_own_rate(void **state)
{
	static const uint64_t lists[] = { 300, 30, 0 };
	struct sim s;

	(void)state;
	sim_init(&s, 1, fast, ARGS("-c", "50", "--rate", "100/s"));
	sim_add_job(&s, ARGS("-c", "50", "--rate", "10/s"));
	sim_inputs(&s, lists, four_hosts);
	sim_run_for(&s, SECOND);
	assert_true(s.job.stats.requests > 80);
	assert_true(s.job.stats.requests <= 101);
	assert_true(s.more[0].job.stats.requests > 8);
	assert_true(s.more[0].job.stats.requests <= 11);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 330);
	sim_fini(&s);
}

/* ---- turns ---- */

/* Ten items behind 100,000: begins the long list, then the short one. */
static const uint64_t long_and_short[] = { 100000, 10, 0 };

static void
begin_both(struct sim *s, const char *per_host,
    void (*item)(struct event_base *w, uint64_t number, struct item *to))
{
	sim_init(s, 1, fast, ARGS("-c", "10", "--max-per-host", per_host));
	s->check_every = 50;
	sim_inputs(s, long_and_short, item);
	sim_run_for(s, SECOND);
	assert_true(s->job.known > 0);
	sim_add_job(s, ARGS("-c", "10", "--max-per-host", per_host));
}

/* How many of the long list start until the short one is done. */
static uint64_t
run_short(struct sim *s)
{
	uint64_t before = s->job.stats.requests, n;

	s->w.horizon_us = INT64_MAX;
	while (!job_is_done(&s->more[0].job))
		sim_turn(s);
	assert_int_equal(s->more[0].job.stats.ok, 10);
	n = s->job.stats.requests - before;
	core_drop(&s->core);
	sim_fini(s);
	return n;
}

static void
test_a_long_list_at_one_origin_does_not_delay_a_short_one_there(void **state)
{
	struct sim s;

	(void)state;
	/* Two at a time there, one of each job in turn. */
	begin_both(&s, "2", one_host);
	assert_true(run_short(&s) <= 10 + 2);
	/* Ten at a time: it is the slots that are shared. */
	begin_both(&s, "0", one_host);
	assert_true(run_short(&s) <= 10 + 10);
}

/* The long list has 1,000 origins, the short one its own or one of these. */
static void
own_host(struct event_base *w, uint64_t number, struct item *to)
{
	(void)w;
	to->host = number > 100000 ? 5000 : (unsigned)number % 1000;
	to->is_plain = 1;
}

static void
shared_host(struct event_base *w, uint64_t number, struct item *to)
{
	(void)w;
	to->host = number > 100000 ? 7 : (unsigned)number % 1000;
	to->is_plain = 1;
}

static void
test_a_list_of_many_origins_does_not_delay_a_short_one(void **state)
{
	struct sim s;

	(void)state;
	/* Its look-up and ten round trips, while the other goes on. */
	begin_both(&s, "0", own_host);
	assert_true(run_short(&s) <= 60);
	begin_both(&s, "2", shared_host);
	assert_true(run_short(&s) <= 100);
}

static void
test_items_that_wait_are_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct fetch) <= 256 + FETCH_INLINE);
}

int
run_jobs(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_start_keeps_to_the_limits_of_the_engine_and_of_its_own_job),
		cmocka_unit_test(
		    test_a_delay_runs_from_the_last_start_of_any_job),
		cmocka_unit_test(
		    test_a_rate_for_each_origin_counts_the_starts_of_all_jobs),
		cmocka_unit_test(test_each_job_has_its_own_rate),
		cmocka_unit_test(
		    test_a_long_list_at_one_origin_does_not_delay_a_short_one_there),
		cmocka_unit_test(
		    test_a_list_of_many_origins_does_not_delay_a_short_one),
		cmocka_unit_test(test_items_that_wait_are_small),
	};

	return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
