/* SPDX-License-Identifier: ISC */
/*
 * Limits that hold under chaos, fairness, and back-pressure from the output to
 * the input.
 */
#include "base/mem.h"
#include "core/origin/host.h"
#include "io/sink.h"
#include "core/output/output.h"
#include "scenario.h"

#define BAD 40 /* of 1,000, for each thing that can go wrong */

static const struct origin chaos[] = {
	{ FAST },
	{ FAST, .lookup_cached = 300, .closes_idle = 300, .talks_idle = 100,
	    .closes_reused = 200, .says_close = 100 },
	{ FAST, .lookup_fails = 100, .lookup_stalls = BAD, .refuses = BAD,
	    .connect_stalls = BAD, .tls_fails = BAD, .tls_stalls = BAD,
	    .lacks_port = BAD, .ttl_us = 500 * MS },
	{ FAST, .body_bytes = 90000, .piece_bytes = 7000, .resets_before = BAD,
	    .closes_before = BAD, .stalls_before = BAD, .resets_after = BAD,
	    .truncates = BAD, .stalls_after = BAD, .closes_reused = BAD },
	{ FAST, .is_brotli = 1, .piece_bytes = 5, .truncates = BAD },
	{ FAST, .upload_bytes = 3000, .upload_us = 30 * MS,
	    .upload_stalls = BAD, .resets_before = BAD, .closes_reused = 200,
	    .closes_idle = 200 },
	{ FAST, .upload_bytes = 3000, .upload_us = 30 * MS, .is_early = 1,
	    .says_close = 100, .body_bytes = 20000, .piece_bytes = 3000,
	    .piece_us = 20 * MS },
};

static void
chaos_item(struct event_base *w, uint64_t seq, struct item *to)
{
	static const char *const methods[] = { NULL, NULL, NULL, "GET", "HEAD",
		"POST", "PUT", "POST", "DELETE" };

	(void)seq;
	to->kind = (unsigned)world_draw(w, COUNT(chaos));
	if (chaos[to->kind].is_brotli && !world_chance(w, 100))
		to->kind = 0; /* its bodies are long */
	to->host = (unsigned)world_draw(w, 12);
	to->is_plain = world_chance(w, 400);
	to->method = methods[world_draw(w, COUNT(methods))];
	if (to->method != NULL && to->method[0] == 'P')
		to->body_bytes = (size_t)world_draw(w, 20000);
	if (to->body_bytes > 15000) {
		to->file_bytes = to->body_bytes;
		to->body_bytes = 0;
	}
	if (world_chance(w, 50))
		to->more = ",\"timeout\":1.5";
}

static void
run_seed(uint64_t seed, const char *concurrency, const char *per_host)
{
	struct sim s;

	sim_init(&s, seed, chaos,
	    ARGS("-c", concurrency, "--max-per-host", per_host, "-m", "20",
		"--connect-timeout", "2", "--tls-timeout", "2",
		"--ttfb-timeout", "3", "--idle-timeout", "3", "--dns-timeout",
		"2", "--max-idle", "30"));
	s.w.is_chaotic = 1;
	s.check_every = seed <= 2 ? 1 : 7;
	s.slack_us = 200 * MS;
	s.w.sink_rate = seed % 3 == 0 ? 2000000 : 0;
	if (seed % 4 == 1)
		sim_sockets(&s, 25);
	sim_input(&s, 1500, chaos_item);
	sim_run(&s, 30 * MINUTE);
	assert_true(s.most_slots <= (size_t)s.opts.concurrency);
	assert_int_equal(sim_count(&s, E_RESOURCE_LIMIT), 0);
	assert_true(sim_count(&s, E_OK) > 500);
	sim_fini(&s);
}

static void
test_limits_and_counts_hold_whatever_goes_wrong(void **state)
{
	static const char *const c[] = { "1", "7", "40", "200" };
	static const char *const per_host[] = { "1", "0", "3" };
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 9; seed++)
		run_seed(
		    seed, c[seed % COUNT(c)], per_host[seed % COUNT(per_host)]);
}

/* ---- fairness ---- */

static const struct origin slow_and_fast[] = {
	{ FAST, .first_at_us = 30 * SECOND },
	{ FAST },
};

static void
slow_first(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq > 2000;
	to->host = seq > 2000 ? (unsigned)seq : 0;
}

static void
fast_first(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq <= 200;
	to->host = seq <= 200 ? (unsigned)seq : 0;
}

static void
mixed(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq % 11 == 0;
	to->host = seq % 11 == 0 ? (unsigned)seq : 0;
}

static void
check_fast(struct sim *s, int64_t from)
{
	struct item item;
	uint64_t i;

	for (i = 1; i <= s->w.items; i++) {
		item = (struct item){ 0 };
		s->w.item(&s->w, i, &item);
		if (item.kind == 0)
			continue;
		assert_int_equal(s->w.outcomes[i].records, 1);
		assert_int_equal(s->w.outcomes[i].err, E_OK);
		assert_true(s->w.outcomes[i].at_us < from + 5 * SECOND);
	}
}

static void
test_a_long_slow_host_holds_back_no_other(void **state)
{
	void (*const orders[])(struct event_base *, uint64_t,
	    struct item *) = { slow_first, fast_first, mixed };
	struct sim s;
	int64_t from;
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		sim_init(&s, i, slow_and_fast, ARGS("--max-time", "60"));
		s.w.is_chaotic = i >= 3;
		from = s.w.now_us;
		sim_input(&s, 2200, orders[i % 3]);
		sim_run_for(&s, 40 * SECOND);
		assert_int_equal(s.w.given, 2200);
		check_fast(&s, from);
		sim_fini(&s);
	}
}

static void
two_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = seq > 30;
}

static void
test_hosts_take_turns_where_there_is_no_limit_to_each(void **state)
{
	static const struct origin o[] = { { FAST, .lookup_cached = 1000 } };
	struct sim s;
	size_t i, first = 0;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "20"));
	sim_input(&s, 60, two_hosts);
	while (s.w.records < 20)
		sim_turn(&s);
	for (i = 1; i <= 30; i++)
		first += s.w.outcomes[i].records;
	assert_int_equal(s.w.records, 20);
	assert_int_equal(first, 10);
	sim_fini(&s);
}

/* ---- names that are dead ---- */

static const struct origin dead_and_live[] = {
	{ .lookup_stalls = 1000 },
	{ FAST },
};

static void
dead_first(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->kind = seq > 100;
	to->host = (unsigned)seq % 110;
}

static void
no_slot_is_idle(struct sim *s)
{
	if (s->w.records >= 400)
		assert_int_equal(s->core.sched.slots, 0);
}

static void
test_dead_names_hold_no_slots_and_nobody_back(void **state)
{
	struct sim s;
	uint64_t i;
	int64_t from;

	(void)state;
	for (i = 1; i <= 4; i++) {
		sim_init(&s, i, dead_and_live,
		    ARGS("-c", "64", "--max-per-host", "6"));
		s.w.is_chaotic = i > 1;
		s.each_turn = no_slot_is_idle;
		from = s.w.now_us;
		sim_input(&s, 500, dead_first);
		sim_run_for(&s, 4 * SECOND);
		assert_int_equal(s.w.records, 400);
		sim_run(&s, MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 400);
		assert_int_equal(sim_count(&s, E_DNS_TIMEOUT), 100);
		assert_true(s.w.now_us < from + 7 * SECOND);
		sim_fini(&s);
	}
}

/* ---- pressure ---- */

static const struct origin wordy[] = {
	{ FAST, .lookup_cached = 1000, .body_bytes = 60000, .piece_bytes = 6000,
	    .piece_us = 200 * MS },
};

static void
wordy_item(struct event_base *w, uint64_t seq, struct item *to)
{
	to->host = (unsigned)seq % 40;
	to->is_plain = world_chance(w, 500);
}

static void
nothing_new_while_blocked(struct sim *s)
{
	uint64_t *given = s->arg;

	if (s->w.now_us < s->w.sink_blocks_from + 10 * SECOND ||
	    s->w.now_us >= s->w.sink_blocks_until)
		return;
	if (*given == 0)
		*given = s->w.given;
	assert_true(s->job.emit.out->ops->is_full(s->job.emit.out));
	assert_int_equal(s->w.given, *given);
}

static void
test_a_blocked_output_stops_the_input_and_fails_no_transfer(void **state)
{
	struct sim s;
	uint64_t seed, given;

	(void)state;
	for (seed = 2; seed <= 5; seed++) {
		given = 0;
		sim_init(&s, seed, wordy,
		    ARGS("-c", "50", "-m", "8", "--idle-timeout", "3",
			"--ttfb-timeout", "3", "--speed-limit", "100",
			"--speed-time", "2"));
		s.w.is_chaotic = seed % 2 != 0;
		s.w.sink_blocks_from = s.w.now_us + SECOND;
		s.w.sink_blocks_until = s.w.now_us + 3 * MINUTE;
		s.w.sink_rate = seed > 3 ? 5000000 : 0;
		s.slack_us = 200 * MS;
		s.each_turn = nothing_new_while_blocked;
		s.check_every = 5;
		s.arg = &given;
		sim_input(&s, 1200, wordy_item);
		sim_run(&s, 20 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 1200);
		assert_true(given > 0 && given < 1000);
		sim_fini(&s);
	}
}

static void
test_an_output_that_drains_while_nothing_is_in_flight_starts_the_next(
    void **state)
{
	static const struct origin o[] = { { FAST, .body_bytes = 900000 } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "1"));
	s.w.sink_rate = 300000;
	sim_input(&s, 20, wordy_item);
	sim_run(&s, 5 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 20);
	sim_fini(&s);
}

/* ---- memory ---- */

static const struct origin large[] = {
	{ FAST, .body_bytes = 3000000, .piece_bytes = 30000,
	    .piece_us = 20 * MS },
};

static void
test_max_buffer_holds_and_all_get_through(void **state)
{
	struct sim s;
	uint64_t seed, most;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, large,
		    ARGS("-c", "20", "--max-buffer", "8M", "-m", "30",
			"--idle-timeout", "5"));
		s.w.is_chaotic = seed % 2 == 0;
		s.w.sink_rate = seed > 2 ? 4000000 : 0;
		s.slack_us = 200 * MS;
		sim_input(&s, 50, wordy_item);
		sim_run(&s, 60 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 50);
		/* One body, what each had read when it was stopped, and
		 * what was written last. */
		most = (8u << 20) + 3000000 + 20 * 65536 + 3 * SINK_HIGH_WATER;
		assert_true(s.most_held < most);
		assert_true(s.most_held > 6u << 20);
		sim_fini(&s);
	}
}

static void
large_upload(struct event_base *w, uint64_t seq, struct item *to)
{
	wordy_item(w, seq, to);
	to->method = "PUT";
	to->file_bytes = 500000;
}

static void
test_uploads_over_max_buffer_get_their_answers(void **state)
{
	static const struct origin o[] = { { FAST, .upload_bytes = 65536,
	    .upload_us = 20 * MS } };
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 2; seed++) {
		sim_init(&s, seed, o,
		    ARGS("-c", "20", "--max-buffer", "4M", "-m", "30"));
		s.w.is_chaotic = seed > 1;
		s.slack_us = 200 * MS;
		sim_input(&s, 60, large_upload);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 60);
		sim_fini(&s);
	}
}

static void
test_uploads_that_wait_are_not_read_into_memory(void **state)
{
	static const struct origin o[] = { { FAST, .first_at_us = SECOND } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "100", "--max-buffer", "4M"));
	sim_input(&s, 100, large_upload);
	sim_run_for(&s, 900 * MS);
	assert_true(s.most_held <= (4u << 20) + 500000);
	sim_fini(&s);
}

/* ---- an answer before its time ---- */

static const struct origin hasty[] = {
	{ FAST, .is_early = 1, .upload_bytes = 10000, .upload_us = 100 * MS,
	    .body_bytes = 2000, .piece_bytes = 500, .piece_us = 50 * MS },
	{ FAST, .body_bytes = 900000 },
};

static void
hasty_item(struct event_base *w, uint64_t seq, struct item *to)
{
	wordy_item(w, seq, to);
	to->host = (unsigned)seq % 3;
	to->kind = seq % 2;
	to->method = seq % 4 == 0 ? "POST" : NULL;
	to->file_bytes = seq % 4 == 0 ? 60000 : 0;
}

static void
test_an_answer_before_the_request_is_out_ends_the_connection(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, hasty, ARGS("-c", "10"));
		s.w.is_chaotic = seed > 1;
		sim_input(&s, 60, hasty_item);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 60);
		sim_fini(&s);
	}
}

static void
test_a_request_that_leaves_while_reading_is_paused_reads_on(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, hasty, ARGS("-c", "10", "-m", "8"));
		s.w.is_chaotic = seed > 1;
		s.slack_us = 200 * MS;
		s.w.sink_rate = 2000000;
		s.w.sink_blocks_from = s.w.now_us + 120 * MS;
		s.w.sink_blocks_until = s.w.now_us + 20 * SECOND;
		sim_input(&s, 60, hasty_item);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 60);
		sim_fini(&s);
	}
}

int
run_limits(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_limits_and_counts_hold_whatever_goes_wrong),
		cmocka_unit_test(test_a_long_slow_host_holds_back_no_other),
		cmocka_unit_test(
		    test_hosts_take_turns_where_there_is_no_limit_to_each),
		cmocka_unit_test(test_dead_names_hold_no_slots_and_nobody_back),
		cmocka_unit_test(
		    test_a_blocked_output_stops_the_input_and_fails_no_transfer),
		cmocka_unit_test(
		    test_an_output_that_drains_while_nothing_is_in_flight_starts_the_next),
		cmocka_unit_test(test_max_buffer_holds_and_all_get_through),
		cmocka_unit_test(
		    test_uploads_over_max_buffer_get_their_answers),
		cmocka_unit_test(
		    test_uploads_that_wait_are_not_read_into_memory),
		cmocka_unit_test(
		    test_an_answer_before_the_request_is_out_ends_the_connection),
		cmocka_unit_test(
		    test_a_request_that_leaves_while_reading_is_paused_reads_on),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
