/* SPDX-License-Identifier: ISC */
/* Long lists: what they cost in memory and in real time. */
#include <time.h>

#include "core/fetch.h"
#include "scenario.h"

static const struct origin quick[] = {
	{ FAST, .body_bytes = 200, .piece_us = 0 },
	{ .lookup_at_us = 2 * SECOND, .lookup_fails = 1000 },
};

/* Their addresses need no waiting. */
static const struct origin known[] = {
	{ FAST, .lookup_cached = 1000 },
};

static void
thousand_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)(seq * 7919 % 1000);
	to->is_plain = seq % 2 == 0;
}

static double
cpu_seconds(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
test_a_hundred_thousand_items_cost_little(void **state)
{
	struct sim s;
	double from = cpu_seconds(), took;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "500"));
	s.check_every = 997;
	sim_input(&s, 100000, thousand_hosts);
	sim_run(&s, 60 * MINUTE);
	took = cpu_seconds() - from;
	assert_int_equal(sim_count(&s, E_OK), 100000);
	print_message("100000 items through 1000 hosts, fake origins "
		      "included: %.0f a second of CPU\n",
	    100000 / took);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
	assert_true(100000 / took > 10000);
#endif
	sim_fini(&s);
}

static void
one_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	(void)seq;
	(void)to;
}

static void
twenty_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)(seq % 20);
}

static void
test_a_list_is_read_no_further_than_needed(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, known, ARGS("-c", "50"));
	s.check_every = 101;
	sim_input(&s, 100000, twenty_hosts);
	sim_run_for(&s, 2 * SECOND);
	assert_true(s.w.records > 500);
	/* What could start, and what one turn reads. */
	assert_true(s.most_known <= 4 * 50 + 512);
	sim_fini(&s);
}

static void
test_no_more_than_65536_items_wait_for_one_host(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "50", "--max-per-host", "2"));
	s.check_every = 499;
	sim_input(&s, 80000, one_host);
	sim_run_for(&s, 20 * SECOND);
	assert_int_equal(s.most_known, 65536);
	sim_fini(&s);
}

static void
dead_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq <= 60000;
}

static void
test_items_of_a_dead_name_take_no_memory_of_exchanges(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "50"));
	s.check_every = 499;
	s.w.sink_rate = 20000000;
	sim_input(&s, 60200, dead_host);
	sim_run(&s, 10 * MINUTE);
	assert_int_equal(sim_count(&s, E_DNS_NXDOMAIN), 60000);
	assert_int_equal(sim_count(&s, E_OK), 200);
	assert_true(s.core.spare.xchgs.n <= 4000);
	sim_fini(&s);
}

static void
one_each(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq;
	to->is_plain = 1;
}

static void
few_hosts_are_known(struct sim *s)
{
	const struct core *c = &s->core;

	assert_true(c->hosts.table.n <= 10000 + 1000 + c->sched.known);
}

static void
test_hosts_without_work_are_forgotten(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, known, ARGS("-c", "200"));
	s.check_every = 997;
	s.w.input_gap_us = 500;
	s.each_turn = few_hosts_are_known;
	sim_input(&s, 30000, one_each);
	sim_run(&s, 60 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 30000);
	sim_fini(&s);
}

static void
test_a_line_that_comes_late_is_fetched_at_once(void **state)
{
	struct sim s;
	int64_t from;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, quick, ARGS("-c", "50"));
	s.w.input_gap_us = 10 * SECOND;
	from = s.w.now_us;
	sim_input(&s, 20, one_each);
	sim_run(&s, 10 * MINUTE);
	for (i = 1; i <= 20; i++)
		assert_true(s.w.outcomes[i].at_us <
			    from + (int64_t)(i - 1) * 10 * SECOND + 100 * MS);
	sim_fini(&s);
}

int
run_capacity(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hundred_thousand_items_cost_little),
		cmocka_unit_test(test_a_list_is_read_no_further_than_needed),
		cmocka_unit_test(
		    test_no_more_than_65536_items_wait_for_one_host),
		cmocka_unit_test(
		    test_items_of_a_dead_name_take_no_memory_of_exchanges),
		cmocka_unit_test(test_hosts_without_work_are_forgotten),
		cmocka_unit_test(
		    test_a_line_that_comes_late_is_fetched_at_once),
	};

	return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
