/* SPDX-License-Identifier: ISC */
/*
 * Bodies that go to files: every whole body has one, others have none; a slow
 * disk delays, and neither fails what is in flight nor fills the memory.
 */
#include "core/fetch.h"
#include "core/sched.h"
#include "fake.h"
#include "scenario.h"

#define DIR "--output-dir", "d"

static void
ten_hosts(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	*to = (struct item){ .host = (unsigned)(seq % 10) };
}

static uint64_t
saved(const struct sim *s)
{
	uint64_t i, n = 0;

	for (i = 1; i <= s->w.items; i++)
		n += s->w.outcomes[i].saved;
	return n;
}

static void
slow_disk(struct sim *s)
{
	s->w.write_us = 5 * MS;
	s->w.place_us = 10 * MS;
}

/* ---- tests ---- */

static void
test_every_whole_body_has_one_file(void **state)
{
	static const struct origin o[] = { { FAST } };
	static const char *const args[][10] = {
		{ DIR, NULL },
		{ DIR, "--body", "inline", NULL },
		{ DIR, "--keep-order", NULL },
		{ DIR, "--extract", "title", "--workers", "2", NULL },
	};
	struct sim s;
	uint64_t seed, k;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(args); i++)
		for (seed = 1; seed <= 4; seed++) {
			sim_init(&s, seed, o, args[i]);
			s.w.is_chaotic = seed > 1;
			s.w.is_ordered = s.opts.keep_order;
			s.w.parse_us = MS;
			slow_disk(&s);
			sim_input(&s, 300, ten_hosts);
			sim_run(&s, 10 * MINUTE);
			assert_int_equal(sim_count(&s, E_OK), 300);
			for (k = 1; k <= 300; k++) {
				assert_int_equal(s.w.outcomes[k].saved, 1);
				assert_int_equal(
				    s.w.outcomes[k].saved_bytes, 500);
			}
			sim_fini(&s);
		}
}

/* A file that is not finished leaves nothing, and the next try has its own. */
static void
test_a_failed_transfer_has_no_file_and_a_retry_a_new_one(void **state)
{
	static const struct origin o[] = { { FAST, .body_bytes = 200000,
	    .piece_bytes = 20000, .truncates = 400, .resets_after = 100 } };
	struct sim s;
	uint64_t seed, k;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		sim_init(&s, seed, o, ARGS(DIR, "--retry", "3"));
		s.w.is_chaotic = seed > 1;
		slow_disk(&s);
		sim_input(&s, 200, ten_hosts);
		sim_run(&s, 30 * MINUTE);
		assert_true(sim_count(&s, E_OK) > 100);
		assert_true(sim_count(&s, E_HTTP_TRUNCATED) > 0);
		assert_int_equal(saved(&s), sim_count(&s, E_OK));
		for (k = 1; k <= 200; k++)
			if (s.w.outcomes[k].saved > 0)
				assert_int_equal(
				    s.w.outcomes[k].saved_bytes, 200000);
		sim_fini(&s);
	}
}

static void
test_keep_partial_keeps_what_had_come(void **state)
{
	static const struct origin o[] = { { FAST, .body_bytes = 200000,
	    .piece_bytes = 20000, .truncates = 500 } };
	struct sim s;
	uint64_t k, partial = 0;

	(void)state;
	sim_init(&s, 1, o, ARGS(DIR, "--keep-partial"));
	slow_disk(&s);
	sim_input(&s, 100, ten_hosts);
	sim_run(&s, 10 * MINUTE);
	for (k = 1; k <= 100; k++) {
		partial += s.w.outcomes[k].is_partial;
		if (s.w.outcomes[k].is_partial)
			assert_int_equal(s.w.outcomes[k].err, E_HTTP_TRUNCATED);
		else
			assert_int_equal(s.w.outcomes[k].saved, 1);
	}
	assert_true(partial > 20);
	sim_fini(&s);
}

static void
with_digest(struct event_base *w, uint64_t seq, struct item *to)
{
	ten_hosts(w, seq, to);
	/* 500 and 501 bytes. */
	to->more = seq % 2 == 0
		       ? ",\"sha256\":\"00000000000000000000000000000000"
			 "000000000000000000000000000001F4\""
		       : ",\"sha256\":\"00000000000000000000000000000000"
			 "000000000000000000000000000001f5\"";
}

static void
test_a_digest_that_differs_is_an_error_with_and_without_a_file(void **state)
{
	static const struct origin o[] = { { FAST } };
	static const char *const args[][4] = { { DIR, NULL }, { NULL } };
	struct sim s;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		sim_init(&s, 1, o, args[i]);
		slow_disk(&s);
		sim_input(&s, 100, with_digest);
		sim_run(&s, 10 * MINUTE);
		assert_int_equal(sim_count(&s, E_DIGEST_MISMATCH), 50);
		assert_int_equal(sim_count(&s, E_OK), 50);
		assert_int_equal(saved(&s), i == 0 ? 50 : 0);
		sim_fini(&s);
	}
}

static void
test_a_name_that_cannot_be_had_fails_the_item_only(void **state)
{
	static const struct origin o[] = { { FAST, .is_page = 1 } };
	struct sim s;

	(void)state;
	sim_init(&s, 3, o,
	    ARGS(DIR, "--extract", "title", "--workers", "1", "--retry", "2"));
	s.w.is_chaotic = 1;
	s.w.parse_us = MS;
	s.w.file_conflicts = 300;
	slow_disk(&s);
	sim_input(&s, 200, ten_hosts);
	sim_run(&s, 10 * MINUTE);
	assert_true(sim_count(&s, E_OUTPUT_CONFLICT) > 20);
	assert_int_equal(
	    sim_count(&s, E_OUTPUT_CONFLICT) + sim_count(&s, E_OK), 200);
	sim_fini(&s);
}

static void
look_at_files(struct sim *s)
{
	size_t *most = s->arg;

	if (s->core.state[FETCH_SAVING].n > *most)
		*most = s->core.state[FETCH_SAVING].n;
}

/* Files hold no slots; enough of them pause what would start. */
static void
test_files_that_wait_for_a_name_hold_no_slot_and_have_a_limit(void **state)
{
	static const struct origin o[] = { { FAST } };
	size_t most = 0;
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS(DIR, "-c", "20"));
	s.w.place_us = 10 * SECOND;
	s.each_turn = look_at_files;
	s.arg = &most;
	sim_input(&s, 200, ten_hosts);
	sim_run_for(&s, 5 * SECOND);
	assert_int_equal(s.core.sched.slots, 0);
	assert_true(s.core.sched.pauses & PAUSE_FILES);
	sim_run(&s, 10 * MINUTE);
	assert_true(most >= 64 && most < 64 + 20);
	sim_fini(&s);
}

/* Ten times slower than the peers: nothing times out, little is held. */
static void
test_a_slow_disk_pauses_reading_and_its_clocks(void **state)
{
	static const struct origin o[] = { { FAST, .body_bytes = 4 << 20,
	    .piece_bytes = 65536 } };
	struct sim s;

	(void)state;
	sim_init(&s, 1, o,
	    ARGS(DIR, "-m", "5s", "--idle-timeout", "2s", "--speed-limit",
		"100k", "--speed-time", "3s"));
	s.w.write_us = 3 * SECOND; /* for 256k */
	sim_input(&s, 8, ten_hosts);
	sim_run(&s, 30 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 8);
	assert_true(s.job.stats.waits[WAIT_OUTPUT_BLOCKED].count > 8);
	assert_true(s.most_held < 8 * (512u << 10));
	sim_fini(&s);
}

static void
test_a_stop_lets_files_be_finished_within_grace(void **state)
{
	static const struct origin o[] = { { FAST } };
	static const char *const grace[] = { "60s", "100ms" };
	struct sim s;
	uint64_t seed;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		for (seed = 1; seed <= 4; seed++) {
			sim_init(&s, seed, o, ARGS(DIR, "--grace", grace[i]));
			s.w.is_chaotic = seed > 1;
			s.w.place_us = 2 * SECOND;
			sim_input(&s, 1000, ten_hosts);
			sim_run_for(&s, 3 * SECOND);
			assert_true(s.core.state[FETCH_SAVING].n > 10);
			sim_stop(&s);
			sim_run_for(&s, 2 * MINUTE);
			assert_true(sim_is_over(&s));
			assert_true((sim_count(&s, E_INTERRUPTED) > 0) == i);
			assert_int_equal(saved(&s), sim_count(&s, E_OK));
			assert_int_equal(fake_files_live(s.job.files), 0);
			sim_fini(&s);
		}
}

/* Redirects are followed, and only what ends the item has a file. */
static void
test_only_the_last_answer_of_an_item_has_a_file(void **state)
{
	static const struct origin o[] = { { FAST, .redirects = 300,
	    .errs = 200 } };
	struct sim s;
	uint64_t k;

	(void)state;
	sim_init(&s, 5, o, ARGS(DIR, "--retry", "1", "--max-redirs", "30"));
	s.w.is_chaotic = 1;
	slow_disk(&s);
	sim_input(&s, 300, ten_hosts);
	sim_run(&s, 10 * MINUTE);
	for (k = 1; k <= 300; k++)
		assert_int_equal(
		    s.w.outcomes[k].saved, s.w.outcomes[k].err == E_OK);
	sim_fini(&s);
}

/* ---- chaos ---- */

static void
test_files_survive_chaos(void **state)
{
	static const struct origin o[] = { { FAST, .body_bytes = 300000,
	    .piece_bytes = 30000, .truncates = 50, .resets_after = 50,
	    .stalls_after = 20, .closes_reused = 50, .errs = 100,
	    .redirects = 100 } };
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= scale(6); seed++) {
		sim_init(&s, seed, o,
		    ARGS(DIR, "--retry", "2", "--max-buffer", "2M",
			seed % 2 ? "--keep-partial" : "--keep-order", "--exec",
			"true", "--workers", "1"));
		s.w.is_chaotic = 1;
		s.w.is_ordered = s.opts.keep_order;
		s.w.parse_us = MS;
		s.w.write_us = 20 * MS;
		s.w.place_us = 30 * MS;
		s.w.file_conflicts = 100;
		sim_input(&s, 150, ten_hosts);
		sim_run(&s, 60 * MINUTE);
		sim_fini(&s);
	}
}

int
run_saving(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_whole_body_has_one_file),
		cmocka_unit_test(
		    test_a_failed_transfer_has_no_file_and_a_retry_a_new_one),
		cmocka_unit_test(test_keep_partial_keeps_what_had_come),
		cmocka_unit_test(
		    test_a_digest_that_differs_is_an_error_with_and_without_a_file),
		cmocka_unit_test(
		    test_a_name_that_cannot_be_had_fails_the_item_only),
		cmocka_unit_test(
		    test_files_that_wait_for_a_name_hold_no_slot_and_have_a_limit),
		cmocka_unit_test(
		    test_a_slow_disk_pauses_reading_and_its_clocks),
		cmocka_unit_test(
		    test_a_stop_lets_files_be_finished_within_grace),
		cmocka_unit_test(
		    test_only_the_last_answer_of_an_item_has_a_file),
		cmocka_unit_test(test_files_survive_chaos),
	};

	return cmocka_run_group_tests_name("saving", tests, NULL, NULL);
}
