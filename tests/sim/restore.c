/* SPDX-License-Identifier: ISC */
/*
 * What a run has learnt of its origins and rates goes on in the next one:
 * holds, back-off, rates, quotas and the windows of budgets. And counts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/governor.h"
#include "core/origin/host.h"
#include "core/sched.h"
#include "scenario.h"
#include "seen.h"

#define WALL (1790000000 * SECOND) /* when the first run begins */
#define EVER (INT64_MAX / 2)

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
	to->host = (unsigned)seq;
	to->is_plain = seq % 2;
}

static void
costly(struct event_base *w, uint64_t seq, struct item *to)
{
	one_host(w, seq, to);
	to->more = ",\"cost\":{\"tokens\":1}";
}

typedef void item_fn(struct event_base *w, uint64_t seq, struct item *to);

/* Runs it for `us` and returns what it has learnt; it is killed then. */
static struct buf
first_run(const struct origin *o, const char *const *args, item_fn *item,
    uint64_t items, int64_t us)
{
	struct buf saved = { 0 };
	struct sim s;

	sim_init(&s, 1, o, args);
	sim_input(&s, items, item);
	sim_run_for(&s, us);
	clock_tick(&s.core.clock);
	core_save_governor(&s.core, &s.job, &saved, WALL + world_time(&s.w));
	sim_fini(&s);
	return saved;
}

/* A run that begins `later_us` after the first one did, by the wall clock. */
static void
begin_next(struct sim *s, const struct origin *o, const char *const *args,
    item_fn *item, uint64_t items, struct buf *saved, int64_t later_us)
{
	sim_init(s, 2, o, args);
	sim_input(s, items, item);
	assert_int_equal(core_restore_governor(&s->core, &s->job,
			     buf_view(saved), WALL + later_us),
	    0);
	buf_fini(saved);
}

/* ---- holds ---- */

static const struct origin asks_for_time[] = {
	{ FAST, .status = 429, .retry_after_s = 600 },
};
static const struct origin fast[] = { { FAST } };

static void
test_an_origin_that_said_retry_after_is_not_asked_at_once(void **state)
{
	const char *const *args =
	    ARGS("--retry", "3", "--retry-after-max", "1h");
	size_t why[WAIT_COUNT];
	struct buf saved;
	struct sim s;
	int64_t first;

	(void)state;
	saved = first_run(asks_for_time, args, one_host, 50, 10 * SECOND);
	assert_true(saved.n > 0);
	begin_next(&s, fast, args, one_host, 50, &saved, 100 * SECOND);
	sim_run_for(&s, 450 * SECOND);
	assert_int_equal((int64_t)seen_sum(&s.w, seen_request, 0, EVER), 0);
	sched_count_waiting(&s.core, why);
	assert_int_equal(why[WAIT_RETRY_AFTER], 50);
	sim_run(&s, 10 * MINUTE);
	assert_in_range(
	    seen_first(&s.w, seen_request), 499 * SECOND, 510 * SECOND);
	/* One goes first. */
	first = seen_first(&s.w, seen_request);
	assert_true(seen_sum(&s.w, seen_request, first, first + 20 * MS) == 1);
	sim_fini(&s);
}

static void
test_a_hold_that_has_ended_is_dropped(void **state)
{
	const char *const *args =
	    ARGS("--retry", "3", "--retry-after-max", "1h");
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(asks_for_time, args, one_host, 50, 10 * SECOND);
	begin_next(&s, fast, args, one_host, 50, &saved, 700 * SECOND);
	sim_run(&s, MINUTE);
	assert_true(s.w.now_us < s.w.start_at_us + 20 * SECOND);
	sim_fini(&s);
}

/* A wall clock that was set back by a year holds nothing longer. */
static void
test_a_clock_that_was_set_does_not_extend_a_hold(void **state)
{
	const char *const *args =
	    ARGS("--retry", "3", "--retry-after-max", "1h");
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(asks_for_time, args, one_host, 50, 10 * SECOND);
	begin_next(&s, fast, args, one_host, 50, &saved, -365 * 86400 * SECOND);
	sim_run(&s, 20 * MINUTE);
	assert_in_range(
	    seen_first(&s.w, seen_request), 580 * SECOND, 600 * SECOND);
	sim_fini(&s);
}

/* The wait is longer than --retry-after-max: the origin was given up. */
static void
test_an_origin_that_was_given_up_stays_so_until_its_hold_ends(void **state)
{
	const char *const *args =
	    ARGS("--retry", "3", "--retry-after-max", "1m");
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(asks_for_time, args, one_host, 5, 10 * SECOND);
	begin_next(&s, fast, args, one_host, 5, &saved, 100 * SECOND);
	sim_run(&s, 10 * SECOND);
	assert_int_equal(sim_count(&s, E_HOST_UNAVAILABLE), 5);
	assert_string_equal(s.w.outcomes[1].detail, "429");
	sim_fini(&s);
}

static void
test_an_origin_that_is_down_is_probed_by_one(void **state)
{
	static const struct origin down[] = { { FAST, .refuses = 1000 } };
	const char *const *args = ARGS("-c", "50", "--max-per-host", "50",
	    "--retry", "50", "--host-dead-after", "0");
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(down, args, one_host, 50, 20 * SECOND);
	begin_next(&s, down, args, one_host, 50, &saved, 21 * SECOND);
	sim_run_for(&s, MINUTE);
	assert_true(seen_sum(&s.w, seen_dial, 0, EVER) > 0);
	assert_true(seen_sum(&s.w, seen_dial, 0, EVER) <= 3);
	sim_fini(&s);
}

/* The time between the runs is not a time in which it was seen to be down. */
static void
test_time_without_a_run_does_not_make_an_origin_dead(void **state)
{
	static const struct origin down[] = { { FAST, .refuses = 1000 } };
	const char *const *args =
	    ARGS("-c", "50", "--retry", "50", "--host-dead-after", "10m");
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(down, args, one_host, 50, 20 * SECOND);
	begin_next(&s, fast, args, one_host, 50, &saved, 86400 * SECOND);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 50);
	sim_fini(&s);
}

/* ---- rates ---- */

static void
test_a_learnt_rate_is_kept(void **state)
{
	static const struct origin api[] = { { FAST, .allows = 10 } };
	const char *const *args =
	    ARGS("-c", "50", "--max-per-host", "50", "--retry", "5");
	struct buf saved;
	struct sim s;
	double before;

	(void)state;
	saved = first_run(api, args, one_host, 5000, 20 * SECOND);
	begin_next(&s, api, args, one_host, 5000, &saved, 30 * SECOND);
	sim_run_for(&s, 10 * SECOND);
	before = seen_most(&s.w, SECOND, seen_request);
	assert_true(before >= 5 && before <= 25);
	sim_fini(&s);
}

static void
test_a_budget_is_not_spent_twice(void **state)
{
	const char *const *args = ARGS("-c", "50", "--budget", "tokens=100/h");
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(fast, args, costly, 80, 10 * SECOND);
	begin_next(&s, fast, args, costly, 80, &saved, 600 * SECOND);
	sim_run_for(&s, 40 * MINUTE);
	assert_int_equal((int64_t)seen_sum(&s.w, seen_request, 0, EVER), 20);
	sim_run(&s, 30 * MINUTE);
	/* An hour after the first run spent its 80. */
	assert_in_range(
	    seen_last(&s.w, seen_request), 50 * MINUTE, 52 * MINUTE);
	sim_fini(&s);
}

static void
test_a_budget_of_another_length_is_new(void **state)
{
	struct buf saved;
	struct sim s;

	(void)state;
	saved = first_run(
	    fast, ARGS("--budget", "tokens=100/h"), costly, 80, 10 * SECOND);
	begin_next(&s, fast, ARGS("--budget", "tokens=100/m"), costly, 80,
	    &saved, 11 * SECOND);
	sim_run(&s, 10 * SECOND);
	sim_fini(&s);
}

static void
test_gaps_between_requests_are_kept(void **state)
{
	static const struct {
		const char *args[4];
		int64_t least_us, most_us; /* of the first request */
	} t[] = {
		{ { "--rate", "6/m", NULL }, 4 * SECOND, 10 * SECOND },
		{ { "--rate-per-host", "6/m", NULL }, 4 * SECOND, 10 * SECOND },
		{ { "--delay", "10", NULL }, 4 * SECOND, 10 * SECOND },
	};
	struct buf saved;
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		/* At 0, 10, 20 s. */
		saved = first_run(fast, t[i].args, one_host, 9, 22 * SECOND);
		begin_next(
		    &s, fast, t[i].args, one_host, 9, &saved, 25 * SECOND);
		sim_run(&s, 10 * MINUTE);
		assert_in_range(seen_first(&s.w, seen_request), t[i].least_us,
		    t[i].most_us);
		sim_fini(&s);
	}
}

/* ---- limits, damage ---- */

static void
test_what_is_saved_of_many_origins_is_bounded(void **state)
{
	const char *const *args = ARGS("-c", "2000", "--retry", "3");
	struct buf saved, copy = { 0 };
	size_t held = 0;
	struct sim s;
	uint64_t i;

	(void)state;
	saved = first_run(asks_for_time, args, many_hosts, 12000, 200 * SECOND);
	assert_true(saved.n > 100000 && saved.n <= GOVERNOR_BYTES_MAX);
	buf_span(&copy, buf_view(&saved));
	sim_init(&s, 2, fast, args);
	s.check_every = 100;
	sim_input(&s, 12000, many_hosts);
	assert_int_equal(core_restore_governor(&s.core, &s.job,
			     buf_view(&saved), WALL + 210 * SECOND),
	    0);
	for (i = 0; i < s.core.hosts.table.nslot; i++)
		held += s.core.hosts.table.slot[i] != NULL;
	assert_true(held > 500 && s.core.hosts.created <= GOVERNOR_ORIGINS_MAX);
	assert_true(s.core.hosts.created > 3000);
	sim_fini(&s);
	buf_fini(&saved);
	buf_fini(&copy);
}

static void
test_a_run_that_learnt_nothing_saves_nothing(void **state)
{
	struct buf saved;

	(void)state;
	saved = first_run(fast, ARGS("-c", "9"), one_host, 100, MINUTE);
	assert_int_equal(saved.n, 0);
	buf_fini(&saved);
}

/* All of it or nothing, and never a fault. */
static void
test_damaged_bytes_are_refused(void **state)
{
	const char *const *args = ARGS("-c", "50", "--retry", "3", "--budget",
	    "tokens=100/h", "--rate", "100");
	struct buf saved;
	struct sim s;
	size_t n, i;
	char was;

	(void)state;
	saved = first_run(asks_for_time, args, costly, 50, 10 * SECOND);
	sim_init(&s, 2, fast, args);
	for (n = 1; n < saved.n; n++)
		assert_int_equal(core_restore_governor(&s.core, &s.job,
				     span_of(saved.p, n), WALL),
		    -1);
	assert_int_equal(s.core.hosts.created, 0);
	assert_int_equal(s.job.pace.budgets[0].n, 0);
	buf_char(&saved, 0);
	assert_int_equal(
	    core_restore_governor(&s.core, &s.job, buf_view(&saved), WALL), -1);
	saved.n--;
	for (i = 0; i < 100000; i++) {
		n = (size_t)world_draw(&s.w, saved.n);
		was = saved.p[n];
		saved.p[n] = (char)world_draw(&s.w, 256);
		(void)core_restore_governor(
		    &s.core, &s.job, buf_view(&saved), WALL);
		if (i % 3 != 0)
			saved.p[n] = was;
	}
	sim_fini(&s);
	buf_fini(&saved);
}

/* Whatever is restored, the run ends. */
static void
test_a_run_ends_whatever_is_restored(void **state)
{
	const char *const *args = ARGS("-c", "50", "--retry", "3", "--budget",
	    "tokens=100/m", "--rate", "100", "--retry-after-max", "1m");
	struct buf saved, bytes = { 0 };
	struct sim s;
	unsigned runs = 0;
	uint64_t seed;
	int k;

	(void)state;
	saved = first_run(asks_for_time, args, costly, 50, 10 * SECOND);
	for (seed = 1; seed <= scale(3000) && runs < scale(60); seed++) {
		sim_init(&s, seed, fast, args);
		sim_input(&s, 50, costly);
		bytes.n = 0;
		buf_span(&bytes, buf_view(&saved));
		for (k = 0; k < 3; k++)
			bytes.p[world_draw(&s.w, bytes.n)] ^=
			    (char)(1 << world_draw(&s.w, 8));
		if (core_restore_governor(
			&s.core, &s.job, buf_view(&bytes), WALL) == 0) {
			runs++;
			sim_run(&s, 6000 * MINUTE);
		}
		sim_fini(&s);
	}
	assert_true(runs > 10);
	buf_fini(&saved);
	buf_fini(&bytes);
}

int
run_restore(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_an_origin_that_said_retry_after_is_not_asked_at_once),
		cmocka_unit_test(test_a_hold_that_has_ended_is_dropped),
		cmocka_unit_test(
		    test_a_clock_that_was_set_does_not_extend_a_hold),
		cmocka_unit_test(
		    test_an_origin_that_was_given_up_stays_so_until_its_hold_ends),
		cmocka_unit_test(test_an_origin_that_is_down_is_probed_by_one),
		cmocka_unit_test(
		    test_time_without_a_run_does_not_make_an_origin_dead),
		cmocka_unit_test(test_a_learnt_rate_is_kept),
		cmocka_unit_test(test_a_budget_is_not_spent_twice),
		cmocka_unit_test(test_a_budget_of_another_length_is_new),
		cmocka_unit_test(test_gaps_between_requests_are_kept),
		cmocka_unit_test(test_what_is_saved_of_many_origins_is_bounded),
		cmocka_unit_test(test_a_run_that_learnt_nothing_saves_nothing),
		cmocka_unit_test(test_damaged_bytes_are_refused),
		cmocka_unit_test(test_a_run_ends_whatever_is_restored),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
