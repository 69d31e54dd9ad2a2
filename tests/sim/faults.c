/* SPDX-License-Identifier: ISC */
/*
 * Faults of transfers: each deadline at its time, requests that are sent again,
 * a lack of descriptors, a run that is stopped.
 */
#include <string.h>

#include "base/mem.h"
#include "scenario.h"

/* ---- deadlines ---- */

static const struct timeout {
	const char *name;
	struct origin origin;
	const char *args[6];
	int64_t after_us; /* when the record comes */
	enum err err;
	struct item item;
} timeouts[] = {
	{ "dns", { .lookup_stalls = 1000 }, { "--dns-timeout", "4" },
	    4 * SECOND, E_DNS_TIMEOUT, { 0 } },
	{ "connect", { FAST, .connect_stalls = 1000 },
	    { "--connect-timeout", "3" }, 3010 * MS, E_CONNECT_TIMEOUT, { 0 } },
	{ "tls", { FAST, .tls_stalls = 1000 }, { "--tls-timeout", "3" },
	    3020 * MS, E_TLS_TIMEOUT, { 0 } },
	{ "first byte", { FAST, .stalls_before = 1000 },
	    { "--ttfb-timeout", "7" }, 7040 * MS, E_TIMEOUT_TTFB, { 0 } },
	{ "idle", { FAST, .stalls_after = 1000 }, { "--idle-timeout", "9" },
	    9061 * MS, E_TIMEOUT_IDLE, { 0 } },
	{ "idle while sending",
	    { FAST, .upload_bytes = 1000, .upload_us = 10 * MS,
		.upload_stalls = 1000 },
	    { "--idle-timeout", "9" }, 9040 * MS, E_TIMEOUT_IDLE,
	    { .method = "PUT", .body_bytes = 100000 } },
	{ "too slow",
	    { FAST, .body_bytes = 1000000, .piece_bytes = 100,
		.piece_us = SECOND },
	    { "--speed-limit", "200", "--speed-time", "20" }, 20060 * MS,
	    E_TIMEOUT_SPEED, { 0 } },
	{ "in all",
	    { FAST, .body_bytes = 1000000, .piece_bytes = 100,
		.piece_us = SECOND },
	    { "-m", "30" }, 30010 * MS, E_TIMEOUT_TOTAL, { 0 } },
	{ "in all, while connecting", { FAST, .connect_stalls = 1000 },
	    { "-m", "2" }, 2010 * MS, E_TIMEOUT_TOTAL, { 0 } },
	{ "in all, while in the handshake", { FAST, .tls_stalls = 1000 },
	    { "-m", "2" }, 2010 * MS, E_TIMEOUT_TOTAL, { 0 } },
	{ "in all, by default", { FAST, .stalls_before = 1000 }, { NULL },
	    60010 * MS, E_TIMEOUT_TOTAL, { 0 } },
	{ "the item's own", { FAST, .stalls_before = 1000 }, { "-m", "50" },
	    5010 * MS, E_TIMEOUT_TOTAL, { .more = ",\"timeout\":5" } },
	{ "the item's own, while connecting", { FAST, .connect_stalls = 1000 },
	    { "-m", "50" }, 5010 * MS, E_TIMEOUT_TOTAL,
	    { .more = ",\"timeout\":5" } },
	{ "first byte, where there is no limit in all",
	    { FAST, .stalls_before = 1000 }, { "-m", "0" }, 300040 * MS,
	    E_TIMEOUT_TTFB, { 0 } },
	{ "in all, where an error came in place of a stream",
	    { FAST, .status = 404, .first_at_us = 100 * SECOND,
		.body_bytes = 1000, .piece_bytes = 1, .piece_us = SECOND },
	    { "--stream" }, 160060 * MS, E_TIMEOUT_TOTAL, { 0 } },
	{ "idle, where an error came in place of a stream",
	    { FAST, .status = 404, .stalls_after = 1000 }, { "--stream" },
	    30061 * MS, E_TIMEOUT_IDLE, { 0 } },
	{ "the handshake, less what our own queue held",
	    { FAST, .handshake_us = 20 * SECOND, .tls_stalls = 1000 },
	    { "--tls-timeout", "3" }, 23020 * MS, E_TLS_TIMEOUT, { 0 } },
	{ "nothing",
	    { FAST, .handshake_us = 20 * SECOND, .tls_us = 22 * SECOND },
	    { "--tls-timeout", "3", "-m", "4" }, 22042 * MS, E_OK, { 0 } },
};

static void
timed_item(struct event_base *w, uint64_t seq, struct item *to)
{
	const struct origin *o = w->origins;
	const struct timeout *t;

	(void)seq;
	t = (const struct timeout *)(const void *)((const char *)o -
						   offsetof(
						       struct timeout, origin));
	*to = t->item;
}

static void
test_each_deadline_strikes_at_its_time(void **state)
{
	const struct timeout *t;
	struct sim s;
	int64_t from, took;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(timeouts); i++) {
		t = &timeouts[i];
		sim_init(&s, i, &t->origin, t->args);
		s.slack_us = MINUTE;
		from = s.w.now_us;
		sim_input(&s, 1, timed_item);
		sim_run(&s, 10 * MINUTE);
		took = s.w.outcomes[1].at_us - from;
		if (s.w.outcomes[1].err != t->err ||
		    took < t->after_us - t->after_us / 100 ||
		    took > t->after_us + t->after_us / 100)
			world_fail(&s.w,
			    "%s: %s after %.3f s, not %s after "
			    "%.3f s",
			    t->name, error_info(s.w.outcomes[1].err)->code,
			    (double)took / 1e6, error_info(t->err)->code,
			    (double)t->after_us / 1e6);
		sim_fini(&s);
	}
}

/* Timers fire early or late; exchanges are reused by other items. */
static void
own_times(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 5;
	to->more = seq % 3 == 0   ? ",\"timeout\":40"
		   : seq % 3 == 1 ? ",\"timeout\":1"
				  : NULL;
}

static void
test_no_item_lives_by_the_limits_of_another(void **state)
{
	static const struct origin o[] = { { FAST, .connect_stalls = 300,
	    .tls_stalls = 300, .stalls_before = 100, .stalls_after = 200,
	    .says_close = 1000 } };
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, o,
		    ARGS("-c", "10", "-m", "4", "--connect-timeout", "35",
			"--tls-timeout", "35"));
		s.w.is_chaotic = 1;
		sim_input(&s, 300, own_times);
		sim_run(&s, 60 * MINUTE);
		sim_fini(&s);
	}
}

/* ---- RESEND ---- */

static const struct origin mute[] = { { FAST, .is_mute_reused = 1 } };

static void
get_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)seq;
	to->is_plain = w->seed % 2 != 0;
}

static void
test_a_get_on_a_dead_connection_is_sent_once_more(void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		sim_init(&s, seed, mute, ARGS("-c", "1"));
		s.w.is_chaotic = seed > 2;
		sim_input(&s, 20, get_item);
		sim_run(&s, MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 20);
		assert_int_equal(s.w.outcomes[1].handed, 1);
		for (i = 2; i <= 20; i += 2) {
			assert_int_equal(s.w.outcomes[i].handed, 2);
			assert_int_equal(s.w.outcomes[i].attempts, 1);
		}
		sim_fini(&s);
	}
}

static void
post_item(struct event_base *w, uint64_t seq, struct item *to)
{
	get_item(w, seq, to);
	to->method = "POST";
	to->body_bytes = 5000;
}

static void
test_a_post_whose_bytes_were_handed_over_is_never_sent_again(void **state)
{
	struct sim s;
	uint64_t seed, i;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		sim_init(&s, seed, mute, ARGS("-c", "1"));
		s.w.is_chaotic = seed > 2;
		sim_input(&s, 20, post_item);
		sim_run(&s, MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 10);
		for (i = 2; i <= 20; i += 2)
			assert_int_equal(s.w.outcomes[i].handed, 1);
		sim_fini(&s);
	}
}

static void
keyed_item(struct event_base *w, uint64_t seq, struct item *to)
{
	post_item(w, seq, to);
	to->more = ",\"headers\":{\"Idempotency-Key\":\"k\"}";
}

static void
test_a_post_with_an_idempotency_key_is_sent_once_more(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, mute, ARGS("-c", "1"));
	sim_input(&s, 10, keyed_item);
	sim_run_for(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 10);
	for (i = 2; i <= 10; i += 2)
		assert_int_equal(s.w.outcomes[i].handed, 2);
	sim_fini(&s);
}

static void
test_a_post_takes_no_connection_idle_for_two_seconds(void **state)
{
	static const struct origin o[] = { { FAST } };
	struct sim s;
	int slow;

	(void)state;
	for (slow = 0; slow < 2; slow++) {
		sim_init(&s, 1, o, ARGS("-c", "1"));
		s.w.input_gap_us = slow ? 3 * SECOND : SECOND;
		sim_input(&s, 10, post_item);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 10);
		assert_int_equal(s.job.stats.conns_reused, slow ? 0 : 9);
		sim_fini(&s);
	}
}

/* ---- descriptors ---- */

static const struct origin ten[] = { { FAST, .first_at_us = 100 * MS } };

static void
many_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	to->host = (unsigned)seq % 150;
	to->is_plain = world_chance(w, 300);
}

static void
test_few_descriptors_make_items_wait_and_fail_none(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		sim_init(&s, seed, ten, ARGS("-c", "100"));
		s.w.is_chaotic = seed % 2 == 0;
		sim_sockets(&s, seed);
		sim_input(&s, 300, many_hosts);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 300);
		assert_true(s.w.most_sockets <= seed);
		sim_fini(&s);
	}
}

static void
test_no_descriptor_at_all_for_a_while_fails_none(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 6; seed++) {
		sim_init(&s, seed, ten, ARGS("-c", "20"));
		s.w.is_chaotic = seed % 2 == 0;
		s.w.fd_lacks_until = s.w.now_us + 30 * SECOND;
		sim_input(&s, 300, many_hosts);
		sim_run_for(&s, 29 * SECOND);
		assert_int_equal(s.w.records, 0);
		sim_run(&s, 33 * SECOND);
		assert_int_equal(sim_count(&s, E_OK), 300);
		sim_fini(&s);
	}
}

static void
test_what_never_gets_a_descriptor_ends_as_resource_limit(void **state)
{
	struct sim s;
	int64_t from;

	(void)state;
	sim_init(&s, 1, ten, ARGS("-c", "20", "--retry-max-time", "10"));
	s.w.fd_lacks_until = INT64_MAX;
	from = s.w.now_us;
	sim_input(&s, 20, many_hosts);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_RESOURCE_LIMIT), 20);
	assert_true(s.w.now_us < from + 15 * SECOND);
	sim_fini(&s);
}

/* ---- stopping ---- */

static const struct origin leisurely[] = {
	{ FAST, .first_at_us = 2 * SECOND },
	{ FAST, .stalls_before = 1000 },
};

static void
leisurely_item(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq == 5;
	to->host = (unsigned)seq % 7;
}

static void
polite_item(struct event_base *w, uint64_t seq, struct item *to)
{
	leisurely_item(w, seq, to);
	to->kind = 0;
}

static void
test_a_stop_lets_finish_what_is_in_flight_and_starts_nothing(void **state)
{
	struct sim s;
	uint64_t seed, requests;
	int64_t from;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, leisurely, ARGS("-c", "30"));
		s.w.is_chaotic = seed % 2 == 0;
		sim_input(&s, 1000, polite_item);
		sim_run_for(&s, 5 * SECOND);
		from = s.w.now_us;
		requests = s.w.records + s.core.sched.slots;
		sim_stop(&s);
		sim_run_for(&s, 10 * SECOND);
		assert_true(sim_is_over(&s) && !s.is_cut);
		assert_true(s.w.now_us < from + 5 * SECOND);
		assert_int_equal(s.w.records, requests);
		assert_int_equal(sim_count(&s, E_OK), requests);
		sim_fini(&s);
	}
}

static void
test_a_stop_cuts_what_outlives_the_grace(void **state)
{
	struct sim s;
	int64_t from;

	(void)state;
	sim_init(&s, 1, leisurely, ARGS("-c", "30", "--grace", "6"));
	sim_input(&s, 1000, leisurely_item);
	sim_run_for(&s, 5 * SECOND);
	from = s.w.now_us;
	sim_stop(&s);
	sim_run_for(&s, MINUTE);
	assert_true(s.is_cut);
	assert_int_equal(s.w.outcomes[5].records, 1);
	assert_true(s.w.outcomes[5].err == E_INTERRUPTED);
	assert_true(s.w.now_us >= from + 6 * SECOND);
	assert_true(s.w.now_us < from + 6010 * MS);
	sim_fini(&s);
}

/* ---- the process stood still ---- */

static void
stand_still(struct sim *s)
{
	s->w.now_us += 1500 * MS;
	clock_tick(&s->core.clock);
	standstill_note(&s->core, 1500 * MS);
}

/* Twice, three seconds in all. */
static void
run_stopped(const struct origin *o, const char *const *args, int64_t after_us,
    enum err err)
{
	struct sim s;

	sim_init(&s, 1, o, args);
	sim_input(&s, 1, get_item);
	sim_run_for(&s, SECOND);
	stand_still(&s);
	sim_run_for(&s, SECOND);
	stand_still(&s);
	sim_run(&s, MINUTE);
	assert_int_equal(s.w.outcomes[1].err, err);
	assert_true(s.w.outcomes[1].at_us >= s.w.start_at_us + after_us);
	assert_true(
	    s.w.outcomes[1].at_us < s.w.start_at_us + after_us + 50 * MS);
	sim_fini(&s);
}

static void
test_deadlines_count_the_time_in_which_we_ran(void **state)
{
	static const struct origin unreached = { FAST, .connect_stalls = 1000 };
	static const struct origin says_nothing = { FAST,
		.stalls_before = 1000 };
	static const struct origin stalled = { FAST, .stalls_after = 1000 };

	(void)state;
	run_stopped(&unreached, ARGS("--connect-timeout", "4"), 7010 * MS,
	    E_CONNECT_TIMEOUT);
	run_stopped(&says_nothing, ARGS("--ttfb-timeout", "4"), 7020 * MS,
	    E_TIMEOUT_TTFB);
	run_stopped(
	    &stalled, ARGS("--idle-timeout", "4"), 7040 * MS, E_TIMEOUT_IDLE);
	run_stopped(&says_nothing, ARGS("-m", "4"), 7010 * MS, E_TIMEOUT_TOTAL);
}

int
run_faults(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_deadline_strikes_at_its_time),
		cmocka_unit_test(test_no_item_lives_by_the_limits_of_another),
		cmocka_unit_test(
		    test_a_get_on_a_dead_connection_is_sent_once_more),
		cmocka_unit_test(
		    test_a_post_whose_bytes_were_handed_over_is_never_sent_again),
		cmocka_unit_test(
		    test_a_post_with_an_idempotency_key_is_sent_once_more),
		cmocka_unit_test(
		    test_a_post_takes_no_connection_idle_for_two_seconds),
		cmocka_unit_test(
		    test_few_descriptors_make_items_wait_and_fail_none),
		cmocka_unit_test(
		    test_no_descriptor_at_all_for_a_while_fails_none),
		cmocka_unit_test(
		    test_what_never_gets_a_descriptor_ends_as_resource_limit),
		cmocka_unit_test(
		    test_a_stop_lets_finish_what_is_in_flight_and_starts_nothing),
		cmocka_unit_test(test_a_stop_cuts_what_outlives_the_grace),
		cmocka_unit_test(test_deadlines_count_the_time_in_which_we_ran),
	};

	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
