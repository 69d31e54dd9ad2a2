/* SPDX-License-Identifier: ISC */
/*
 * --net-down: while the network is down the run waits and uses up no tries; a
 * failure of one origin stops no other, and items of origins that never worked
 * fail.
 */
#include "core/origin/host.h"
#include "scenario.h"
#include "seen.h"

#define EVER (INT64_MAX / 2)

static const struct origin plain[] = { { FAST } };

static double
seen_lookup(const struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->what == SEEN_LOOKUP;
}

static void
fifty_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 5 * MS;
	to->host = (unsigned)seq % 50;
	to->is_plain = seq % 2 == 0;
}

static void
new_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 5 * MS;
	to->host = (unsigned)seq;
}

static void
one_host(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)seq;
	(void)to;
	w->input_gap_us = 5 * MS;
}

/* ---- gone for a minute ---- */

static void
run_outage(uint64_t seed,
    void (*item)(struct event_base *, uint64_t, struct item *), int is_afar)
{
	double tries;
	struct sim s;
	uint64_t i;

	/* From afar it takes some tries until the name servers tell. */
	sim_init(
	    &s, seed, plain, ARGS("-c", "64", "--retry", is_afar ? "4" : "2"));
	s.w.is_chaotic = seed > 1;
	s.check_every = 7;
	s.slack_us = 200 * MS;
	s.w.offline_from_us = 5 * SECOND;
	s.w.offline_until_us = 65 * SECOND;
	s.w.is_offline_afar = is_afar;
	sim_input(&s, 3000, item);
	sim_run(&s, 4 * MINUTE);
	for (i = 1; i <= 3000; i++)
		if (s.w.outcomes[i].err != E_OK)
			world_fail(&s.w, "item %llu: %s after %d attempts",
			    (unsigned long long)i,
			    error_code(s.w.outcomes[i].err),
			    s.w.outcomes[i].attempts);
	for (i = 1; i <= 3000; i++)
		assert_true(s.w.outcomes[i].attempts <= (is_afar ? 5 : 3));
	/* What was in flight, and now and then one that finds out. */
	tries = seen_sum(&s.w, seen_dial, 6 * SECOND, 65 * SECOND) +
		seen_sum(&s.w, seen_lookup, 6 * SECOND, 65 * SECOND);
	assert_true(tries < (is_afar ? 400 : 40));
	assert_true(s.w.now_us - s.w.start_at_us < 100 * SECOND);
	/* Of known addresses nobody can tell from afar that all are gone. */
	if (!is_afar || item == new_hosts)
		assert_true(s.job.stats.waits[WAIT_NET_DOWN].count > 0);
	sim_fini(&s);
}

static void
run_outages(int is_afar)
{
	void (*const items[])(struct event_base *, uint64_t,
	    struct item *) = { fifty_hosts, new_hosts, one_host };
	uint64_t seed;
	size_t i;

	for (i = 0; i < COUNT(items); i++)
		for (seed = 1; seed <= 2; seed++)
			run_outage(seed, items[i], is_afar);
}

static void
test_a_minute_without_network_costs_no_item(void **state)
{
	(void)state;
	run_outages(0);
}

static void
test_a_minute_without_network_farther_away_costs_no_item(void **state)
{
	(void)state;
	run_outages(1);
}

/* ---- gone again and again ---- */

/* Ten seconds of every forty. */
static void
flap(struct sim *s)
{
	int64_t period = world_time(&s->w) / (40 * SECOND);

	s->w.offline_from_us = period * 40 * SECOND + 30 * SECOND;
	s->w.offline_until_us = period * 40 * SECOND + 40 * SECOND;
}

static void
new_hosts_slowly(struct event_base *w, uint64_t seq, struct item *to)
{
	new_hosts(w, seq, to);
	w->input_gap_us = 25 * MS;
}

static void
test_a_network_that_comes_and_goes_costs_no_item(void **state)
{
	struct sim s;
	int is_afar;

	(void)state;
	for (is_afar = 0; is_afar < 2; is_afar++) {
		sim_init(&s, 1, plain, ARGS("-c", "64", "--retry", "2"));
		s.check_every = 31;
		s.w.is_offline_afar = is_afar;
		s.each_turn = flap;
		sim_input(&s, 6000, new_hosts_slowly);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 6000);
		sim_fini(&s);
	}
}

/* ---- while nothing could start anyway ---- */

static void
fail_once(struct event_base *w, const struct seen *e, struct answer *a)
{
	if (w->outcomes[e->seq].handed < 2)
		a->status = 500;
}

static void
ten_at_once(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 2;
}

static void
test_nobody_turns_in_circles_while_it_is_gone(void **state)
{
	struct sim s;

	(void)state;
	/* Two go down with it, all others are in a back-off then. */
	sim_init(&s, 1, plain,
	    ARGS("-c", "4", "--retry", "2", "--retry-delay", "40"));
	s.w.answer = fail_once;
	s.w.offline_from_us = 50 * SECOND;
	s.w.offline_until_us = 80 * SECOND;
	sim_input(&s, 10, ten_at_once);
	sim_run(&s, 3 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 10);
	assert_true(s.turns < 1000);
	sim_fini(&s);
}

/* An origin held by a rate of its own has no item to probe with. */
static void
test_nobody_turns_in_circles_while_the_only_origin_is_held(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, plain, ARGS("--retry", "2", "--rate-per-host", "3/m"));
	s.w.offline_from_us = 30 * SECOND;
	s.w.offline_until_us = 90 * SECOND;
	sim_input(&s, 10, one_host);
	sim_run(&s, 6 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 10);
	assert_true(s.turns < 1000);
	sim_fini(&s);
}

/* ---- fail ---- */

static void
test_net_down_fail_lets_items_fail(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, plain,
	    ARGS("-c", "64", "--retry", "0", "--net-down", "fail"));
	s.w.offline_from_us = 5 * SECOND;
	s.w.offline_until_us = 65 * SECOND;
	sim_input(&s, 3000, new_hosts);
	sim_run(&s, 3 * MINUTE);
	assert_true(sim_count(&s, E_DNS_TIMEOUT) > 1500);
	assert_int_equal(s.job.stats.waits[WAIT_NET_DOWN].count, 0);
	sim_fini(&s);
}

static void
test_a_run_begun_offline_ends(void **state)
{
	struct sim s;
	int is_afar;

	(void)state;
	for (is_afar = 0; is_afar < 2; is_afar++) {
		sim_init(&s, 1, plain, ARGS("-c", "64", "--retry", "1"));
		s.w.offline_from_us = 0;
		s.w.is_offline_afar = is_afar;
		sim_input(&s, 500, fifty_hosts);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_DNS_TIMEOUT), 500);
		sim_fini(&s);
	}
}

/* ---- one origin's own fault ---- */

/* Kind 0 is one host, kind 1 are twenty, all of them asked all the time. */
static void
one_and_twenty(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 25 * MS;
	to->kind = seq % 5 != 0;
	to->host = to->kind == 1 ? (unsigned)seq % 20 : 0;
}

static const struct {
	const char *name;
	struct origin origins[2];
	enum err err;
} lone[] = {
	{ "cannot be reached",
	    { { FAST, .trouble = DOWN_NO_ROUTE,
		  .trouble_from_us = 10 * SECOND },
		{ FAST } },
	    E_CONNECT_UNREACHABLE },
	{ "has lost its name server",
	    { { FAST, .trouble = DOWN_UNNAMED, .trouble_from_us = 10 * SECOND,
		  .ttl_us = 5 * SECOND, .says_close = 1000 },
		{ FAST, .ttl_us = 60 * MINUTE } },
	    E_DNS_TIMEOUT },
	{ "never could be reached",
	    { { FAST, .trouble = DOWN_NO_ROUTE }, { FAST } },
	    E_CONNECT_UNREACHABLE },
	{ "never had a name server",
	    { { FAST, .trouble = DOWN_UNNAMED }, { FAST } }, E_DNS_TIMEOUT },
};

static void
test_what_one_origin_lacks_stops_no_other(void **state)
{
	const struct outcome *o;
	struct sim s;
	int64_t due, worst;
	uint64_t i;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(lone); k++) {
		worst = 0;
		sim_init(&s, k, lone[k].origins,
		    ARGS("-c", "64", "--retry", "0", "--max-host-errors", "5",
			"--host-dead-after", "30"));
		s.check_every = 7;
		sim_input(&s, 4800, one_and_twenty);
		sim_run(&s, 6 * MINUTE);
		for (i = 1; i <= 4800; i++) {
			o = &s.w.outcomes[i];
			due = s.w.start_at_us + (int64_t)i * 25 * MS;
			if (i % 5 == 0)
				continue;
			assert_int_equal(o->status, 200);
			if (o->at_us - due > worst)
				worst = o->at_us - due;
		}
		assert_true(sim_count(&s, lone[k].err) > 0);
		if (worst > 200 * MS)
			world_fail(&s.w, "%s: others wait for %.2f s",
			    lone[k].name, (double)worst / 1e6);
		sim_fini(&s);
	}
}

/* One is unreachable, the other is silent on its open connections. */
static const struct origin silent_both[] = {
	{ FAST, .trouble = DOWN_NO_ROUTE, .trouble_from_us = 10 * SECOND,
	    .trouble_until_us = 40 * SECOND, .says_close = 1000 },
	{ FAST, .trouble = DOWN_SILENT, .trouble_from_us = 10 * SECOND,
	    .trouble_until_us = 40 * SECOND, .first_at_us = 2 * SECOND },
};

/* Several connections of kind 1 are idle when all that happens. */
static void
two_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = seq < 40 ? 200 * MS : 900 * MS;
	to->kind = seq % 2;
}

static void
test_a_probe_on_an_open_connection_that_is_silent_is_not_the_last(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, silent_both,
	    ARGS("-c", "10", "--retry", "2", "--ttfb-timeout", "5",
		"--connect-timeout", "5"));
	sim_input(&s, 200, two_hosts);
	sim_run(&s, 5 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 200);
	sim_fini(&s);
}

/* ---- a tail of what never worked ---- */

static const struct origin tails[][2] = {
	{ { FAST, .trouble = DOWN_UNNAMED }, { FAST } },
	{ { FAST, .trouble = DOWN_NO_ROUTE }, { FAST } },
};

/* A hundred that work, then only others, all of them different. */
static void
then_dead(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = seq <= 100 ? 0 : 20 * MS;
	to->kind = seq <= 100;
	to->host = (unsigned)seq;
}

static double
lookup_of_kind1(const struct event_base *w, const struct seen *e)
{
	return e->kind == 1 ? seen_lookup(w, e) : 0;
}

static void
test_a_tail_of_what_never_worked_ends(void **state)
{
	struct sim s;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(tails); k++) {
		sim_init(&s, k, tails[k], ARGS("-c", "64", "--retry", "1"));
		s.check_every = 3;
		sim_input(&s, 1500, then_dead);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 100);
		/* A known name is asked for once while many fail. */
		assert_true(seen_sum(&s.w, lookup_of_kind1, 0, EVER) < 140);
		assert_true(s.w.now_us - s.w.start_at_us <
			    (k == 0 ? 180 : 200) * SECOND);
		sim_fini(&s);
	}
}

/* ---- a tail of what had worked ---- */

#define GONE(how) \
	{ \
		FAST, .trouble = how, .trouble_from_us = 10 * SECOND, \
		      .ttl_us = 5 * SECOND, .says_close = 1000 \
	}

static const struct origin gone[][2] = {
	{ GONE(DOWN_UNNAMED), { FAST } },
	{ GONE(DOWN_NO_ROUTE), { FAST } },
};

/* Two names of a domain that is gone after ten seconds; of another one there
 * is nothing more to do then. */
static void
two_of_one_domain(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 100 * MS;
	to->kind = seq % 3 == 0 && seq < 80;
	to->host = (unsigned)seq % 2;
}

/* The same, and there never was anything else. */
static void
only_one(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 100 * MS;
	(void)seq;
	(void)to;
}

static void
test_a_tail_of_what_is_gone_for_good_ends(void **state)
{
	struct sim s;
	size_t k;

	(void)state;
	for (k = 0; k < 4; k++) {
		sim_init(&s, k, gone[k % 2],
		    ARGS("-c", "64", "--retry", "1", "--max-host-errors", "5",
			"--host-dead-after", "1m"));
		sim_input(&s, 150, k < 2 ? two_of_one_domain : only_one);
		sim_run(&s, 6 * MINUTE);
		assert_true(sim_count(&s, E_OK) > 80);
		/* Where another domain can be asked for nobody waits. */
		if (k == 0)
			assert_int_equal(s.core.network.down_at_us, 0);
		sim_fini(&s);
	}
}

/* Two domains, and all the network, for an hour. */
static void
two_domains(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = 100 * MS;
	to->kind = seq % 2;
}

/* Their addresses are known for longer than that. */
#define AWAY \
	{ \
		FAST, .trouble = DOWN_NO_ROUTE, \
		      .trouble_from_us = 10 * SECOND, \
		      .trouble_until_us = 60 * MINUTE, .says_close = 1000, \
		      .ttl_us = 200 * MINUTE \
	}

static const struct origin hasty[][2] = {
	{ { FAST }, { FAST } },
	{ { FAST, .ttl_us = 5 * SECOND, .says_close = 1000 },
	    { FAST, .ttl_us = 5 * SECOND, .says_close = 1000 } },
	{ AWAY, AWAY },
};

static void
test_an_hour_without_network_is_waited_for(void **state)
{
	struct sim s;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(hasty); k++) {
		sim_init(&s, k, hasty[k],
		    ARGS(
			"-c", "64", "--retry", "2", "--host-dead-after", "1m"));
		s.w.is_offline_afar = k > 0;
		if (k < 2) {
			s.w.offline_from_us = 10 * SECOND;
			s.w.offline_until_us = 60 * MINUTE;
		}
		sim_input(&s, 300, two_domains);
		sim_run(&s, 60 * MINUTE + 40 * SECOND);
		assert_int_equal(sim_count(&s, E_OK), 300);
		sim_fini(&s);
	}
}

/* ---- thousands of pending look-up errors at once ---- */

/* Kind 2 leads to kind 0, whose name servers are silent; that of kind 1 takes
 * long to say that others are there. */
static const struct origin doubtful[] = {
	{ FAST, .trouble = DOWN_UNNAMED },
	{ FAST, .lookup_at_us = 20 * SECOND },
	{ FAST, .lookup_cached = 1000, .says_close = 1000, .redirects = 1000,
	    .redirect_status = 302, .to_kind = 0, .to_hosts = 9000 },
};

/* Of 25,000 origins most are forgotten by the time that their items come
 * back. */
static void
redirected(struct event_base *w, uint64_t seq, struct item *to)
{
	w->input_gap_us = seq == 1 ? 25 * SECOND : 0;
	to->kind = seq == 1 ? 1 : 2;
	to->host = (unsigned)seq;
	to->is_plain = 1;
}

/* Right after the answer no look-up error is pending. */
static void
check_doubts(struct sim *s)
{
	int *was_asking = s->arg;

	if (*was_asking && s->core.network.lookup == NULL)
		check_all(s);
	*was_asking = s->core.network.lookup != NULL;
}

static void
test_origins_whose_look_ups_fail_together_are_all_told(void **state)
{
	struct sim s;
	uint64_t seed;
	int was_asking = 0;

	(void)state;
	for (seed = 1; seed <= 2; seed++) {
		sim_init(&s, seed, doubtful,
		    ARGS("-c", "500", "--retry", "1", "--dns-timeout", "1"));
		s.check_every = 49999;
		s.each_turn = check_doubts;
		s.arg = &was_asking;
		sim_input(&s, 25001, redirected);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_DNS_TIMEOUT), 25000);
		sim_fini(&s);
	}
}

int
run_network(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_minute_without_network_costs_no_item),
		cmocka_unit_test(
		    test_a_minute_without_network_farther_away_costs_no_item),
		cmocka_unit_test(
		    test_a_network_that_comes_and_goes_costs_no_item),
		cmocka_unit_test(test_nobody_turns_in_circles_while_it_is_gone),
		cmocka_unit_test(
		    test_nobody_turns_in_circles_while_the_only_origin_is_held),
		cmocka_unit_test(test_net_down_fail_lets_items_fail),
		cmocka_unit_test(test_a_run_begun_offline_ends),
		cmocka_unit_test(test_what_one_origin_lacks_stops_no_other),
		cmocka_unit_test(
		    test_a_probe_on_an_open_connection_that_is_silent_is_not_the_last),
		cmocka_unit_test(test_a_tail_of_what_never_worked_ends),
		cmocka_unit_test(test_a_tail_of_what_is_gone_for_good_ends),
		cmocka_unit_test(test_an_hour_without_network_is_waited_for),
		cmocka_unit_test(
		    test_origins_whose_look_ups_fail_together_are_all_told),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
