/* SPDX-License-Identifier: ISC */
/*
 * Request bodies that are read from files while they are sent. The fake
 * connections fail a run in which a body is longer than its Content-Length, and
 * answer only when it is complete; sim_fini fails one that leaves a file open.
 */
#include "core/fetch.h"
#include "core/xchg.h"
#include "scenario.h"
#include "seen.h"

#define LARGE 5000000

static void
upload(struct event_base *w, uint64_t seq, struct item *to)
{
	(void)w;
	to->host = (unsigned)seq % 5;
	to->is_plain = seq % 2;
	to->method = "PUT";
	to->file_bytes = LARGE;
}

static void
mixed(struct event_base *w, uint64_t seq, struct item *to)
{
	upload(w, seq, to);
	if (seq % 3 == 0) {
		to->method = NULL;
		to->file_bytes = 0;
	}
}

static const struct origin takes_time[] = {
	{ FAST, .upload_bytes = 50000, .upload_us = 5 * MS },
};

static void
test_a_large_file_costs_the_memory_of_a_piece(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 3; seed++) {
		sim_init(&s, seed, takes_time, ARGS("-c", "10"));
		s.w.is_chaotic = seed > 1;
		s.slack_us = 200 * MS;
		sim_input(&s, 60, upload);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 60);
		assert_in_range(
		    s.job.stats.bytes_out, 60 * LARGE, 60 * (LARGE + 1000));
		assert_true(
		    s.most_held < 10 * (UPLOAD_PIECE_BYTES + 65536) + 500000);
		sim_fini(&s);
	}
}

/* The connection takes everything at once: others run in between. */
static void
test_a_fast_upload_does_not_keep_others_waiting(void **state)
{
	static const struct origin o[] = {
		{ FAST, .first_at_us = 0, .piece_us = 0 },
	};
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "10"));
	s.w.budget = 20;
	sim_input(&s, 60, mixed);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 60);
	/* 40 uploads of 39 pieces, 20 steps a turn. */
	assert_true(s.turns > 40 * 39 / 20);
	/* When the last piece used up a turn, the answer is not early. */
	assert_int_equal(
	    s.job.stats.conns_reused + s.core.idle_pool.list.n, 60);
	sim_fini(&s);
}

/* ---- files that change ---- */

static void
test_a_file_that_becomes_shorter_fails_its_item(void **state)
{
	struct sim s;
	uint64_t i;

	(void)state;
	sim_init(&s, 1, takes_time, ARGS("-c", "10", "--retry", "3"));
	s.w.files_end = LARGE / 2;
	sim_input(&s, 30, mixed);
	sim_run(&s, MINUTE);
	for (i = 1; i <= 30; i++) {
		assert_int_equal(
		    s.w.outcomes[i].err, i % 3 == 0 ? E_OK : E_INPUT_INVALID);
		assert_int_equal(s.w.outcomes[i].attempts, 1);
	}
	sim_fini(&s);
}

/* It says 200 before the body is complete, and the file ends too soon. */
static void
test_an_answer_is_kept_though_the_file_became_shorter(void **state)
{
	static const struct origin o[] = {
		{ FAST, .is_early = 1, .upload_bytes = 20000,
		    .upload_us = 10 * MS, .body_bytes = 2000,
		    .piece_bytes = 100, .piece_us = 100 * MS },
	};
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "10"));
	s.w.files_end = LARGE / 2;
	sim_input(&s, 30, upload);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 30);
	sim_fini(&s);
}

static void
test_an_early_answer_ends_the_upload_and_the_connection(void **state)
{
	static const struct origin o[] = {
		{ FAST, .is_early = 1, .status = 413, .upload_bytes = 10000,
		    .upload_us = 100 * MS },
	};
	struct sim s;

	(void)state;
	sim_init(&s, 1, o, ARGS("-c", "10"));
	sim_input(&s, 30, upload);
	sim_run(&s, MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 30);
	assert_int_equal(s.w.outcomes[1].status, 413);
	assert_int_equal(s.job.stats.conns_reused, 0);
	assert_true(s.job.stats.bytes_out < 30 * LARGE / 2);
	sim_fini(&s);
}

/* ---- sent again ---- */

/* Kept-alive connections are closed under the second request. */
static void
test_an_upload_that_is_sent_again_begins_anew(void **state)
{
	static const struct origin o[] = {
		{ FAST, .is_mute_reused = 1, .upload_bytes = 50000,
		    .upload_us = 5 * MS },
	};
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 5; seed++) {
		sim_init(&s, seed, o, ARGS("-c", "3"));
		s.w.is_chaotic = seed > 1;
		s.slack_us = 200 * MS;
		sim_input(&s, 40, upload);
		sim_run(&s, 5 * MINUTE);
		assert_int_equal(sim_count(&s, E_OK), 40);
		sim_fini(&s);
	}
}

static void
test_retries_and_redirects_read_the_file_again(void **state)
{
	static const struct origin o[] = {
		{ FAST, .errs = 300, .redirects = 300, .redirect_status = 307,
		    .to_hosts = 5 },
	};
	struct sim s;

	(void)state;
	sim_init(&s, 1, o,
	    ARGS("-c", "10", "--retry", "20", "--retry-delay", "1", "-L",
		"--max-redirs", "30"));
	sim_input(&s, 40, upload);
	sim_run(&s, 20 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 40);
	sim_fini(&s);
}

/* ---- descriptors ---- */

static void
test_uploads_wait_for_a_descriptor(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, takes_time, ARGS("-c", "10"));
	s.w.files_max = 2;
	sim_input(&s, 40, upload);
	sim_run(&s, 5 * MINUTE);
	assert_int_equal(sim_count(&s, E_OK), 40);
	/* Nobody was dialled in vain. */
	assert_true(seen_sum(&s.w, seen_dial, 0, INT64_MAX / 2) <= 45);
	sim_fini(&s);
}

int
run_uploads(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_large_file_costs_the_memory_of_a_piece),
		cmocka_unit_test(
		    test_a_fast_upload_does_not_keep_others_waiting),
		cmocka_unit_test(
		    test_a_file_that_becomes_shorter_fails_its_item),
		cmocka_unit_test(
		    test_an_answer_is_kept_though_the_file_became_shorter),
		cmocka_unit_test(
		    test_an_early_answer_ends_the_upload_and_the_connection),
		cmocka_unit_test(test_an_upload_that_is_sent_again_begins_anew),
		cmocka_unit_test(
		    test_retries_and_redirects_read_the_file_again),
		cmocka_unit_test(test_uploads_wait_for_a_descriptor),
	};

	return cmocka_run_group_tests_name("uploads", tests, NULL, NULL);
}
