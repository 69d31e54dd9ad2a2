/* SPDX-License-Identifier: ISC */
/*
 * Answers that are parsed: parsing uses no transfer slot, a full pool only
 * stops new starts, and every record has its own result.
 */
#include "core/fetch.h"
#include "core/output/parse.h"
#include "core/sched.h"
#include "scenario.h"

static void
one_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	*to = (struct item){ 0 };
}

static void
ten_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	*to = (struct item){ .host = (unsigned)(seq % 10) };
}

#define PAGE FAST, .is_page = 1

static uint64_t
parsed(const struct sim *s)
{
	uint64_t i, n = 0;

	for (i = 1; i <= s->w.items; i++)
		n += s->w.outcomes[i].was_parsed;
	return n;
}

/* ---- tests ---- */

static void
test_each_record_has_the_result_of_its_own_page(void **state)
{
	static const struct origin o[] = { { PAGE } };
	static const char *const args[][12] = {
		{ "--extract", "title", "--workers", "3", "--body", "none",
		    NULL },
		{ "--exec", "true", "--workers", "2", "--body", "none", NULL },
		{ "--extract", "title", "--exec", "true", "--workers", "2",
		    "--body", "none", "--keep-order", NULL },
	};
	struct sim s;
	uint64_t seed;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(args); i++)
		for (seed = 1; seed <= 4; seed++) {
			sim_init(&s, seed, o, args[i]);
			s.w.is_chaotic = seed > 1;
			s.w.is_ordered = s.opts.keep_order;
			s.w.parse_us = 20 * MS;
			s.w.parse_fails = seed > 2 ? 100 : 0;
			sim_input(&s, 300, ten_hosts);
			sim_run(&s, 10 * MINUTE);
			assert_int_equal(parsed(&s), 300);
			assert_int_equal(sim_count(&s, E_OK), 300);
			sim_fini(&s);
		}
}

/* Ten fetches at once, each 50 ms, one parser at 100 ms a page: the parser is
 * never idle, and no more than enough wait for it. */
static void
look_at_queue(struct sim *s)
{
	size_t *most = s->arg;

	if (s->core.state[FETCH_PARSING].n > *most)
		*most = s->core.state[FETCH_PARSING].n;
}

static void
test_a_full_pool_pauses_what_would_start(void **state)
{
	static const struct origin o[] = { { PAGE } };
	size_t most = 0, why[WAIT_COUNT];
	struct sim s;

	(void)state;
	sim_init(
	    &s, 1, o, ARGS("--extract", "title", "--workers", "1", "-c", "10"));
	s.w.parse_us = 100 * MS;
	s.each_turn = look_at_queue;
	s.arg = &most;
	sim_input(&s, 400, one_host);
	sim_run_for(&s, 20 * SECOND);
	assert_true(s.core.sched.pauses & PAUSE_POOL);
	sched_count_waiting(&s.core, why);
	assert_true(why[WAIT_WORKER_BUSY] > 0);
	sim_run(&s, 60 * SECOND);
	assert_true(most >= 20 && most < 20 + 10);
	assert_true(s.job.stats.waits[WAIT_WORKER_BUSY].count > 0);
	/* 400 pages of 100 ms, and what the first needed to come. */
	assert_true(s.w.now_us - s.w.start_at_us < 41 * SECOND);
	sim_fini(&s);
}

/* Pages that wait for a parser hold no slot. */
static void
test_no_slot_is_held_while_a_page_is_parsed(void **state)
{
	static const struct origin o[] = { { PAGE } };
	struct sim s;

	(void)state;
	sim_init(
	    &s, 1, o, ARGS("--extract", "title", "--workers", "1", "-c", "2"));
	s.w.parse_us = 10 * SECOND;
	sim_input(&s, 12, one_host);
	sim_run_for(&s, 5 * SECOND);
	assert_int_equal(s.core.sched.slots, 0);
	assert_int_equal(s.core.state[FETCH_PARSING].n, 12);
	sim_run(&s, 5 * MINUTE);
	sim_fini(&s);
}

/* What is in flight when a stop comes is parsed, or cut at --grace. */
static void
test_a_stop_lets_pages_be_parsed_within_grace(void **state)
{
	static const struct origin o[] = { { PAGE } };
	static const char *const grace[] = { "60s", "300ms" };
	struct sim s;
	uint64_t seed;
	size_t i, n;

	(void)state;
	for (i = 0; i < 2; i++)
		for (seed = 1; seed <= 4; seed++) {
			sim_init(&s, seed, o,
			    ARGS("--extract", "title", "--workers", "2",
				"--grace", grace[i]));
			s.w.is_chaotic = seed > 1;
			s.w.parse_us = 200 * MS;
			sim_input(&s, 1000, ten_hosts);
			sim_run_for(&s, 2 * SECOND);
			n = s.core.state[FETCH_PARSING].n + s.core.sched.slots;
			assert_true(n > 10);
			n += s.w.records + s.core.state[FETCH_EMITTING].n;
			sim_stop(&s);
			sim_run_for(&s, 2 * MINUTE);
			assert_true(sim_is_over(&s));
			assert_true(s.w.records == n);
			assert_true((sim_count(&s, E_INTERRUPTED) > 0) == i);
			assert_true((s.is_cut != 0) == i);
			sim_fini(&s);
		}
}

/* Bodies and results held by parsers count against --max-buffer. */
static void
test_memory_bounds_what_waits_for_a_parser(void **state)
{
	static const struct origin o[] = { { PAGE, .body_bytes = 100000 } };
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, o,
		    ARGS("--extract", "title", "--workers", "1", "--max-buffer",
			"500k", "--body", "none", "-c", "20"));
		s.w.is_chaotic = seed > 1;
		s.w.parse_us = 50 * MS;
		sim_input(&s, 100, ten_hosts);
		sim_run(&s, 10 * MINUTE);
		assert_true(s.most_held < 500 * 1024 + 21 * 65536);
		sim_fini(&s);
	}
}

static void
test_what_is_no_page_is_not_parsed(void **state)
{
	static const struct origin o[] = { { FAST } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("--extract", "title", "--workers", "1"));
	sim_input(&s, 50, ten_hosts);
	sim_run(&s, MINUTE);
	assert_int_equal(parsed(&s), 0);
	assert_int_equal(sim_count(&s, E_OK), 50);
	sim_fini(&s);
}

/* A pass that is over its budget leaves a page that no pool has yet. */
static void
test_a_page_may_be_dropped_before_its_pool_has_it(void **state)
{
	static const struct origin o[] = { { PAGE } };
	const struct list *l;
	int n = 0, found = 0;
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("--extract", "title", "--workers", "1"));
	s.w.parse_us = 100 * MS;
	sim_input(&s, 100, one_host);
	s.w.horizon_us = INT64_MAX;
	s.w.budget = 1;
	l = &s.core.state[FETCH_PARSING];
	for (n = 0; n < 10000 && !found; n++) {
		sim_turn(&s);
		if (l->n > 0)
			found = CONTAINER(list_last(l), struct fetch, link)
				    ->is_hook_due;
	}
	assert_true(found);
	core_drop(&s.core);
	sim_fini(&s);
}

int
run_parsing(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_each_record_has_the_result_of_its_own_page),
		cmocka_unit_test(test_a_full_pool_pauses_what_would_start),
		cmocka_unit_test(test_no_slot_is_held_while_a_page_is_parsed),
		cmocka_unit_test(test_a_stop_lets_pages_be_parsed_within_grace),
		cmocka_unit_test(test_memory_bounds_what_waits_for_a_parser),
		cmocka_unit_test(test_what_is_no_page_is_not_parsed),
		cmocka_unit_test(
		    test_a_page_may_be_dropped_before_its_pool_has_it),
	};

	return cmocka_run_group_tests_name("parsing", tests, NULL, NULL);
}
