/* SPDX-License-Identifier: ISC */
/*
 * A run that is stopped while items wait: transfers in flight finish, no other
 * starts, and the run does not wait for the reason of the waits.
 */
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/sched.h"
#include "scenario.h"
#include "seen.h"

#define STOP (3 * SECOND)

/* All of them have 500 items on five hosts, and are stopped after 3 s. */
static const struct {
	const char *name;
	struct origin origin;
	const char *args[10];
	int is_offline;
	enum wait_reason why; /* some of them say */
} waits[] = {
	{ "slots", { FAST, .first_at_us = 500 * MS }, { "-c", "5" }, 0,
	    WAIT_SLOT },
	{ "a hold", { FAST, .status = 429, .retry_after_s = 30 }, { NULL }, 0,
	    WAIT_RETRY_AFTER },
	{ "a long hold", { FAST, .status = 503, .retry_after_s = 3000 },
	    { "--retry-after-max", "0" }, 0, WAIT_RETRY_AFTER },
	{ "an origin that is down", { FAST, .refuses = 1000 }, { NULL }, 0,
	    WAIT_BACKOFF },
	{ "an origin that is silent", { FAST, .connect_stalls = 1000 },
	    { "--connect-timeout", "8" }, 0, WAIT_HOST_LIMIT },
	{ "back-off", { FAST, .status = 500 }, { "--retry-delay", "20" }, 0,
	    WAIT_BACKOFF },
	{ "no back-off", { FAST, .status = 500 },
	    { "--retry-delay", "0", "--retry", "100" }, 0, WAIT_HOST_LIMIT },
	{ "redirects",
	    { FAST, .redirects = 1000, .to_hosts = 5, .first_at_us = 300 * MS },
	    { "--max-redirs", "30" }, 0, WAIT_HOST_LIMIT },
	{ "a rate", { FAST }, { "--rate", "2" }, 0, WAIT_RATE },
	{ "a rate of their own", { FAST }, { "--rate-per-host", "6/m" }, 0,
	    WAIT_RATE },
	{ "a delay", { FAST }, { "--delay", "20" }, 0, WAIT_DELAY },
	{ "a budget", { FAST }, { "--budget", "tokens=5/m" }, 0, WAIT_BUDGET },
	{ "names", { .lookup_stalls = 1000 }, { "--dns-timeout", "8" }, 0,
	    WAIT_DNS },
	{ "the network", { FAST, .says_close = 1000 }, { "--rate", "20" }, 1,
	    WAIT_NET_DOWN },
	{ "descriptors", { FAST }, { NULL }, 2, WAIT_FD_LIMIT },
};

static void
five_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 5;
	to->more = ",\"cost\":{\"tokens\":1}";
}

static int
count_begun(void *arg, const struct fetch *f)
{
	*(size_t *)arg += f->attempts > 0;
	return 1;
}

/* Items that have begun have a record; others have none. */
static void
check_outcomes(const struct sim *s)
{
	const struct outcome *o;
	uint64_t i;

	for (i = 1; i <= s->w.given; i++) {
		o = &s->w.outcomes[i];
		if (o->handed > 0 && o->records != 1)
			world_fail(&s->w, "item %llu was sent: %u records",
			    (unsigned long long)i, o->records);
		if (o->err == E_INTERRUPTED && o->attempts == 0)
			world_fail(&s->w, "item %llu was not begun",
			    (unsigned long long)i);
	}
}

static void
run_wait(size_t i, uint64_t seed)
{
	size_t slots, begun = 0, why[WAIT_COUNT];
	uint64_t records;
	struct sim s;
	int64_t at;

	sim_init(&s, seed, &waits[i].origin, waits[i].args);
	s.opts.retry = s.opts.retry > 0 ? s.opts.retry : 2;
	s.w.is_chaotic = seed > 1;
	if (waits[i].is_offline == 1)
		s.w.offline_from_us = SECOND;
	if (waits[i].is_offline == 2)
		s.w.fd_lacks_until = INT64_MAX;
	sim_input(&s, 500, five_hosts);
	sim_run_for(&s, STOP);
	at = s.w.now_us;
	slots = s.core.sched.slots;
	sched_count_waiting(&s.core, why);
	if (why[waits[i].why] == 0)
		world_fail(&s.w, "%s: nobody waits for that", waits[i].name);
	records = s.w.records + s.core.state[FETCH_EMITTING].n;
	hosts_each_waiting(&s.core, count_begun, &begun);
	sim_stop(&s);
	sim_run_for(&s, MINUTE);
	if (!sim_is_over(&s) || s.w.now_us > at + s.opts.grace_us + 20 * MS)
		world_fail(&s.w, "%s: not over", waits[i].name);
	if (slots == 0 && s.w.now_us > at + 20 * MS)
		world_fail(&s.w, "%s: it waited for nothing", waits[i].name);
	assert_true(s.w.records <= records + slots + begun);
	if (!waits[i].is_offline)
		assert_true(s.w.records == records + slots + begun);
	check_outcomes(&s);
	assert_true(seen_sum(&s.w, seen_dial, at - s.w.start_at_us + 1 * MS,
			INT64_MAX / 2) <= (double)slots);
	assert_true(s.core.alive == 0);
	assert_true(s.job.was_left || sim_count(&s, E_INTERRUPTED) > 0);
	sim_fini(&s);
}

static void
test_a_stop_waits_for_nothing_but_what_is_in_flight(void **state)
{
	uint64_t seed;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(waits); i++)
		for (seed = 1; seed <= 3; seed++)
			run_wait(i, seed);
}

/* An item that waits to follow a redirect is interrupted. */
static void
test_no_redirect_is_followed_after_a_stop(void **state)
{
	static const struct origin o[] = { { FAST, .first_at_us = 2 * SECOND,
	    .redirects = 1000 } };
	struct sim s;
	size_t slots;
	double before;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "20"));
	sim_input(&s, 100, five_hosts);
	sim_run_for(&s, 3 * SECOND);
	before = seen_sum(&s.w, seen_request, 0, INT64_MAX / 2);
	slots = s.core.sched.slots;
	assert_true(slots > 0);
	sim_stop(&s);
	sim_run_for(&s, MINUTE);
	assert_true(sim_is_over(&s) && !s.is_cut);
	assert_true(
	    seen_sum(&s.w, seen_request, 0, INT64_MAX / 2) - before <= 0);
	assert_true(sim_count(&s, E_INTERRUPTED) >= slots);
	assert_true(s.w.records == sim_count(&s, E_INTERRUPTED));
	check_outcomes(&s);
	sim_fini(&s);
}

/* Items that are done and not freed yet. */
static size_t
count_done(const struct core *c)
{
	const struct link *k;
	size_t n = 0;

	for (k = list_first(&c->run); k != NULL; k = list_next(&c->run, k))
		n += CONTAINER(k, struct fetch, run)->state == FETCH_DONE;
	return n;
}

/* A pass that is over its budget leaves written items to be freed later. */
static void
test_an_item_may_be_dropped_when_its_record_is_written(void **state)
{
	static const struct origin o[] = { { FAST } };
	size_t done = 0;
	struct sim s;
	int n;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "50", "--keep-order"));
	sim_input(&s, 500, five_hosts);
	s.w.horizon_us = INT64_MAX;
	s.w.is_ordered = 1;
	s.w.budget = 1;
	for (n = 0; n < 10000 && done == 0; n++) {
		sim_turn(&s);
		done = count_done(&s.core);
	}
	assert_true(done > 0);
	core_drop(&s.core);
	sim_fini(&s);
}

int
run_drain(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_stop_waits_for_nothing_but_what_is_in_flight),
		cmocka_unit_test(test_no_redirect_is_followed_after_a_stop),
		cmocka_unit_test(
		    test_an_item_may_be_dropped_when_its_record_is_written),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
