/* SPDX-License-Identifier: ISC */
/* Workers that die, hang, lie or do not start: what it costs, and whom. */
#include "io_pool_world.h"

#define POISON 40
#define DEATHS 500

/* ---- one document's fault ---- */

static const struct fault {
	const char *text;
	size_t pad;
	enum parse_error error;
	int tries;
} faults[] = {
	{ "signal 11", 0, PARSE_CRASHED, 2 },
	{ "signal 6", 0, PARSE_CRASHED, 2 },
	{ "signal 7", 0, PARSE_CRASHED, 2 },
	{ "signal 4", 0, PARSE_CRASHED, 2 },
	{ "signal 8", 0, PARSE_CRASHED, 2 },
	{ "signal 15", 0, PARSE_CRASHED, 2 },
	{ "signal 31", 0, PARSE_SANDBOX, 1 }, /* SIGSYS */
	{ "signal 24", 0, PARSE_TIMEOUT, 1 }, /* SIGXCPU */
	{ "signal 19", 0, PARSE_TIMEOUT, 1 }, /* SIGSTOP */
	{ "exit 0", 0, PARSE_CRASHED, 2 },
	{ "exit 1", 0, PARSE_CRASHED, 2 },
	{ "exit 71", 0, PARSE_OOM, 2 },
	{ "exit 73", 0, PARSE_CRASHED, 2 },
	{ "hang", 0, PARSE_TIMEOUT, 1 },
	{ "deaf ", 5000000, PARSE_TIMEOUT, 1 },
	{ "promise", 0, PARSE_TIMEOUT, 1 },
	{ "huge", 0, PARSE_PROTOCOL, 2 },
	{ "wrong-id -1", 0, PARSE_PROTOCOL, 2 },
	{ "wrong-id 1", 0, PARSE_PROTOCOL, 2 }, /* the next one */
	{ "wrong-id 1000", 0, PARSE_PROTOCOL, 2 },
	{ "noise", 0, PARSE_PROTOCOL, 2 },
	{ "truncated abc", 0, PARSE_PROTOCOL, 2 },
	{ "ready-again", 0, PARSE_PROTOCOL, 2 },
	{ "no-error", 0, PARSE_PROTOCOL, 2 }, /* not one that it may report */
	{ "no-error {}", 0, PARSE_PROTOCOL, 2 },
	{ "failed wrong", 0, PARSE_PROTOCOL, 2 },
};

static void
test_a_failure_is_charged_to_the_first_document_only(void **state)
{
	const struct fault *f;
	struct world w;
	struct doc d[3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		f = &faults[i];
		world_open(&w, 1);
		if (f->error == PARSE_TIMEOUT)
			w.conf.time_us = 300 * MS;
		world_start(&w);
		put_big(&w, &d[0], f->text, f->pad);
		put(&w, &d[1], "echo b");
		put(&w, &d[2], "echo c");
		run(&w, 3);
		if (d[0].error != f->error || d[0].begins != f->tries)
			print_error("%s: %s, %d tries\n", f->text,
			    parse_error_code(d[0].error), d[0].begins);
		assert_int_equal(d[0].begins, f->tries);
		assert_int_equal(d[0].worker, 1);
		assert_int_equal(stats_of(&w).restarts, f->tries);
		expect(&d[0], f->error, "");
		expect(&d[1], PARSE_OK, "\"b\"");
		expect(&d[2], PARSE_OK, "\"c\"");
		world_close(&w);
	}
}

static void
test_an_inherited_ignored_sigchld_is_reset(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	world_open(&w, 1);
	world_start(&w);
	put(&w, &d, "signal 31");
	run(&w, 1);
	expect(&d, PARSE_SANDBOX, "");
	world_close(&w);
}

static void
test_an_unasked_answer_is_charged_to_no_document(void **state)
{
	struct world w;
	struct doc d[2];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put(&w, &d[0], "twice a");
	run(&w, 1);
	RUN_UNTIL(&w, stats_of(&w).restarts == 1);
	put(&w, &d[1], "echo b");
	run(&w, 2);
	expect(&d[0], PARSE_OK, "\"a\"");
	expect(&d[1], PARSE_OK, "\"b\"");
	world_close(&w);
}

static void
test_answers_written_before_a_crash_are_accepted(void **state)
{
	struct world w;
	struct doc d[40];
	int i;

	(void)state;
	world_open(&w, 2);
	world_start(&w);
	for (i = 0; i < 40; i++)
		put(&w, &d[i], "bye x");
	run(&w, 40);
	for (i = 0; i < 40; i++)
		expect(&d[i], PARSE_OK, "\"x\"");
	assert_in_range(stats_of(&w).restarts, 38, 40);
	world_close(&w);
}

#define LEAVERS 20

static void
test_repeated_exits_before_one_document_count_as_a_crash(void **state)
{
	struct world w;
	struct doc d[LEAVERS], bad;
	int i;

	(void)state;
	world_open(&w, LEAVERS);
	world_start(&w);
	RUN_UNTIL(&w, w.pool->idle.n == LEAVERS);
	for (i = 0; i < LEAVERS; i++)
		put(&w, &d[i], "echo x");
	run(&w, LEAVERS); /* each has answered something */
	put(&w, &bad, "exit 0");
	run(&w, LEAVERS + 1);
	assert_int_equal(bad.begins, 17);
	expect(&bad, PARSE_CRASHED, "");
	for (i = 0; i < LEAVERS; i++)
		doc_fini(&d[i]);
	world_close(&w);
}

static void
test_a_document_shares_a_crash_with_another_at_most_once(void **state)
{
	struct world w;
	struct doc d[30];
	int i;

	(void)state;
	world_open(&w, 2);
	world_start(&w);
	for (i = 0; i < 30; i++)
		put(&w, &d[i], i % 3 == 2 ? "echo x" : "signal 11");
	run(&w, 30);
	for (i = 0; i < 30; i++) {
		if (i % 3 == 2)
			assert_in_range(d[i].begins, 1, 2);
		doc_fini(&d[i]);
	}
	world_close(&w);
}

static void
test_documents_that_crash_workers_do_not_affect_the_others(void **state)
{
	struct world w;
	struct doc d[10 * POISON];
	int i;

	(void)state;
	world_open(&w, 3);
	world_start(&w);
	for (i = 0; i < 10 * POISON; i++)
		put(&w, &d[i], i % 10 == 3 ? "signal 11" : "echo x");
	run(&w, 10 * POISON);
	for (i = 0; i < 10 * POISON; i++) {
		if (i % 10 == 3)
			expect(&d[i], PARSE_CRASHED, "");
		else
			expect(&d[i], PARSE_OK, "\"x\"");
	}
	assert_int_equal(stats_of(&w).restarts, 2 * POISON);
	world_close(&w);
}

static void
test_a_thousand_crashes_leave_no_process(void **state)
{
	struct world w;
	struct doc *d = mem_zalloc(DEATHS, sizeof(*d));
	int i;

	(void)state;
	world_open(&w, 8);
	world_start(&w);
	for (i = 0; i < DEATHS; i++)
		put(&w, &d[i], "signal 6");
	run(&w, DEATHS);
	assert_int_equal(stats_of(&w).restarts, 2 * DEATHS);
	RUN_UNTIL(&w, w.pool->procs.n == 8);
	for (i = 0; i < DEATHS; i++)
		expect(&d[i], PARSE_CRASHED, "");
	free(d);
	world_close(&w);
}

/* ---- from outside ---- */

static void
test_a_worker_killed_from_outside_is_replaced(void **state)
{
	struct world w;
	struct doc d;
	char path[64], wait[80];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	snprintf(path, sizeof(path), "%s/go", w.dir);
	snprintf(wait, sizeof(wait), "wait %s", path);
	put(&w, &d, wait);
	RUN_UNTIL(&w, pool_is_with_worker(&d.d));
	kill(pid_of(&w, 1), SIGKILL);
	RUN_UNTIL(&w, d.begins == 2);
	touch(path);
	run(&w, 1);
	expect(&d, PARSE_OK, "\"waited\"");
	world_close(&w);
}

static void
test_all_workers_killed_at_once_are_replaced(void **state)
{
	struct world w;
	struct doc d[8];
	unsigned i;

	(void)state;
	world_open(&w, 8);
	world_start(&w);
	RUN_UNTIL(&w, w.pool->idle.n == 8);
	for (i = 1; i <= 8; i++)
		kill(pid_of(&w, i), SIGKILL);
	RUN_UNTIL(&w, stats_of(&w).restarts == 8 && w.pool->idle.n == 8);
	for (i = 0; i < 8; i++)
		put(&w, &d[i], "echo x");
	run(&w, 8);
	for (i = 0; i < 8; i++)
		expect(&d[i], PARSE_OK, "\"x\"");
	world_close(&w);
}

static int
is_dead(const char *pid)
{
	char path[64], s = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 1;
	if (fscanf(f, "%*d %*s %c", &s) != 1)
		s = 'Z';
	fclose(f);
	return s == 'Z' || s == 'X';
}

static void
test_the_children_of_a_worker_are_killed_with_it(void **state)
{
	static const char *const ends[] = { "hang", "signal 11", "exit 0" };
	struct world w;
	struct doc d[2];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		world_open(&w, 1);
		w.conf.time_us = 300 * MS;
		world_start(&w);
		put(&w, &d[0], "child");
		put(&w, &d[1], ends[i]);
		run(&w, 2);
		RUN_UNTIL(&w, is_dead(d[0].value.p));
		doc_fini(&d[0]);
		doc_fini(&d[1]);
		world_close(&w);
	}
}

/* ---- time ---- */

static void
test_time_in_which_our_process_did_not_run_does_not_count(void **state)
{
	struct world w;
	struct doc d[2];

	(void)state;
	world_open(&w, 1);
	w.conf.time_us = 700 * MS; /* enough for it, were we there */
	world_start(&w);
	RUN_UNTIL(&w, w.pool->idle.n == 1);
	put(&w, &d[0], "echo a");
	put_big(&w, &d[1], "mirror ", 1000000);
	RUN_UNTIL(&w, d[1].at > 0);
	usleep(1500 * MS);
	run(&w, 2);
	expect(&d[0], PARSE_OK, "\"a\"");
	assert_int_equal(d[1].error, PARSE_OK);
	doc_fini(&d[1]);
	assert_int_equal(stats_of(&w).restarts, 0);
	world_close(&w);
}

static void
test_each_document_has_its_own_time(void **state)
{
	struct world w;
	struct doc d[3];

	(void)state;
	world_open(&w, 1);
	w.conf.time_us = 200 * MS;
	world_start(&w);
	put(&w, &d[0], "hang");
	put(&w, &d[1], "hang");
	put(&w, &d[2], "echo c");
	run(&w, 3);
	assert_in_range(d[0].time_us, 200 * MS, TEST_US);
	assert_in_range(d[1].time_us, 200 * MS, TEST_US);
	expect(&d[0], PARSE_TIMEOUT, "");
	expect(&d[1], PARSE_TIMEOUT, "");
	expect(&d[2], PARSE_OK, "\"c\"");
	assert_true(stats_of(&w).busy_us >= 400 * MS);
	world_close(&w);
}

static void
test_without_a_limit_there_is_no_timeout(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	world_open(&w, 1);
	w.conf.time_us = 0;
	world_start(&w);
	put(&w, &d, "hang");
	run_for(&w, 300 * MS);
	assert_false(d.is_done);
	assert_int_equal(w.pool->workers[0].deadline_at_us, TIMER_NEVER);
	world_close(&w);
}

static void
test_a_worker_that_closes_its_socket_without_exiting_is_killed(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	world_open(&w, 1);
	w.conf.time_us = 0;
	world_start(&w);
	w.pool->pace.exit_us = 50 * MS;
	put(&w, &d, "close");
	run(&w, 1);
	assert_int_equal(d.begins, 2);
	expect(&d, PARSE_PROTOCOL, "");
	world_close(&w);
}

/* ---- starts that fail ---- */

static long
length_of(const char *path)
{
	FILE *f = fopen(path, "r");
	long n;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	fclose(f);
	return n;
}

static void
test_waiting_documents_go_to_a_worker_that_starts_late(void **state)
{
	struct world w;
	struct doc d;
	char path[64], config[100];

	(void)state;
	world_open(&w, 1);
	snprintf(path, sizeof(path), "%s/starts", w.dir);
	snprintf(config, sizeof(config), "die 4 %s", path);
	w.conf.config = span_str(config);
	world_start(&w);
	put(&w, &d, "echo a");
	run(&w, 1);
	expect(&d, PARSE_OK, "\"a\"");
	assert_int_equal(length_of(path), 5);
	assert_int_equal(d.begins, 1);
	world_close(&w);
}

static void
test_after_six_failed_starts_in_a_row_the_pool_gives_up(void **state)
{
	struct world w;
	struct doc d[3];
	char path[64], config[100];
	int64_t begin_us = timer_now_us();
	int i;

	(void)state;
	world_open(&w, 1);
	snprintf(path, sizeof(path), "%s/starts", w.dir);
	snprintf(config, sizeof(config), "die 1000 %s", path);
	w.conf.config = span_str(config);
	world_start(&w);
	for (i = 0; i < 2; i++)
		put(&w, &d[i], "echo a");
	run(&w, 2);
	/* At once, then 5, 10, 20, 20 ms apart. */
	assert_true(timer_now_us() - begin_us >= 55 * MS);
	assert_int_equal(length_of(path), 6);
	put(&w, &d[2], "echo a");
	assert_int_equal(w.done, 2);
	run(&w, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(d[i].worker, 0);
		expect(&d[i], PARSE_UNAVAILABLE, "");
	}
	buf_char(&w.log, '\0');
	assert_string_equal(
	    w.log.p, "0: cannot start a worker: exited with status 3\n");
	assert_true(stats_of(&w).is_broken);
	assert_int_equal(stats_of(&w).running, 0);
	world_close(&w);
}

/* Each is READY and is then at fault before it could be given a document. */
static void
test_workers_that_never_take_a_document_leave_none_waiting_for_ever(
    void **state)
{
	struct world w;
	struct doc d[2];
	int i;

	(void)state;
	world_open(&w, 1);
	w.conf.config = SPAN("ready and noise");
	world_start(&w);
	for (i = 0; i < 2; i++)
		put(&w, &d[i], "echo a");
	run(&w, 2);
	for (i = 0; i < 2; i++)
		expect(&d[i], PARSE_UNAVAILABLE, "");
	buf_char(&w.log, '\0');
	assert_string_equal(
	    w.log.p, "0: cannot start a worker: sent an invalid message\n");
	assert_true(stats_of(&w).is_broken);
	world_close(&w);
}

static void
test_the_reason_is_logged(void **state)
{
	static const struct {
		const char *program, *config, *reason;
	} rows[] = {
		{ "/nonexistent/worker", "ready",
		    "/nonexistent/worker: No such file or directory" },
		{ "/", "ready", "/: Permission denied" },
		{ FAKE_WORKER, "signal",
		    "killed by signal 11 (Segmentation fault)" },
		{ FAKE_WORKER, "noise", "sent an invalid message" },
		{ FAKE_WORKER, "silent", "not ready within 0.03 s" },
		{ "/bin/true", "ready", "exited with status 0" },
		{ FAKE_WORKER, "bad it is Monday", "it is Monday" },
	};
	struct world w;
	struct doc d;
	char want[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_open(&w, 3);
		w.conf.program = rows[i].program;
		w.conf.config = span_str(rows[i].config);
		w.conf.time_us = 100 * MS;
		world_start(&w);
		w.pool->pace.ready_us = 30 * MS;
		put(&w, &d, "echo a");
		if (strcmp(rows[i].config, "silent") == 0)
			for (int j = 0; j < 3; j++)
				kill(pid_of(&w, (unsigned)j + 1), SIGKILL);
		run(&w, 1);
		expect(&d, PARSE_UNAVAILABLE, "");
		snprintf(want, sizeof(want), "0: cannot start a worker: %s\n",
		    rows[i].reason);
		buf_char(&w.log, '\0');
		assert_string_equal(w.log.p, want);
		world_close(&w);
	}
}

static void
test_failed_starts_do_not_affect_workers_that_are_up(void **state)
{
	struct world w;
	struct doc d[3];
	int i;

	(void)state;
	world_open(&w, 2);
	world_start(&w);
	RUN_UNTIL(&w, w.pool->idle.n == 2);
	w.pool->conf.program = "/nonexistent/worker";
	kill(pid_of(&w, 1), SIGKILL);
	RUN_UNTIL(&w, w.pool->failed_starts > 10);
	put(&w, &d[0], "echo a");
	run(&w, 1);
	assert_int_equal(d[0].worker, 2);
	w.pool->conf.program = FAKE_WORKER;
	RUN_UNTIL(&w, w.pool->idle.n == 2);
	put(&w, &d[1], "echo a");
	put(&w, &d[2], "echo a");
	run(&w, 3);
	for (i = 0; i < 3; i++)
		expect(&d[i], PARSE_OK, "\"a\"");
	assert_false(stats_of(&w).is_broken);
	world_close(&w);
}

static void
test_workers_that_exit_while_idle_are_not_restarted_in_a_busy_loop(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 1);
	w.conf.config = SPAN("idle death");
	world_start(&w);
	run_for(&w, 300 * MS);
	assert_in_range(stats_of(&w).restarts, 2, 25);
	assert_false(stats_of(&w).is_broken);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_failure_is_charged_to_the_first_document_only),
		cmocka_unit_test(test_an_inherited_ignored_sigchld_is_reset),
		cmocka_unit_test(
		    test_an_unasked_answer_is_charged_to_no_document),
		cmocka_unit_test(
		    test_answers_written_before_a_crash_are_accepted),
		cmocka_unit_test(
		    test_repeated_exits_before_one_document_count_as_a_crash),
		cmocka_unit_test(
		    test_a_document_shares_a_crash_with_another_at_most_once),
		cmocka_unit_test(
		    test_documents_that_crash_workers_do_not_affect_the_others),
		cmocka_unit_test(test_a_thousand_crashes_leave_no_process),
		cmocka_unit_test(test_a_worker_killed_from_outside_is_replaced),
		cmocka_unit_test(test_all_workers_killed_at_once_are_replaced),
		cmocka_unit_test(
		    test_the_children_of_a_worker_are_killed_with_it),
		cmocka_unit_test(
		    test_time_in_which_our_process_did_not_run_does_not_count),
		cmocka_unit_test(test_each_document_has_its_own_time),
		cmocka_unit_test(test_without_a_limit_there_is_no_timeout),
		cmocka_unit_test(
		    test_a_worker_that_closes_its_socket_without_exiting_is_killed),
		cmocka_unit_test(
		    test_waiting_documents_go_to_a_worker_that_starts_late),
		cmocka_unit_test(
		    test_after_six_failed_starts_in_a_row_the_pool_gives_up),
		cmocka_unit_test(
		    test_workers_that_never_take_a_document_leave_none_waiting_for_ever),
		cmocka_unit_test(test_the_reason_is_logged),
		cmocka_unit_test(
		    test_failed_starts_do_not_affect_workers_that_are_up),
		cmocka_unit_test(
		    test_workers_that_exit_while_idle_are_not_restarted_in_a_busy_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
