/* SPDX-License-Identifier: ISC */
/* The pool's contract with its owner, tested with scripted workers. */
#include "io_pool_world.h"

#include <fcntl.h>
#include <sys/socket.h>

static void
test_each_document_gets_its_own_answer(void **state)
{
	struct world w;
	struct doc d[50];
	char text[50][32], want[50][32];
	int i;

	(void)state;
	world_open(&w, 3);
	world_start(&w);
	for (i = 0; i < 50; i++) {
		snprintf(text[i], sizeof(text[i]), "echo %d", i);
		snprintf(want[i], sizeof(want[i]), "\"%d\"", i);
		put(&w, &d[i], text[i]);
	}
	assert_int_equal(w.done, 0);
	assert_int_equal(pool_waiting(w.pool), 50);
	run(&w, 50);
	for (i = 0; i < 50; i++) {
		assert_in_range(d[i].worker, 1, 3);
		assert_true(d[i].time_us >= 0 && d[i].time_us < TEST_US);
		expect(&d[i], PARSE_OK, want[i]);
	}
	assert_int_equal(stats_of(&w).restarts, 0);
	assert_int_equal(stats_of(&w).missing, FRAME_NO_LANDLOCK);
	world_close(&w);
}

static void
test_one_worker_answers_in_the_order_of_the_queue(void **state)
{
	struct world w;
	struct doc d[20];
	int i;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	for (i = 0; i < 20; i++)
		put(&w, &d[i], "echo x");
	run(&w, 20);
	for (i = 0; i < 20; i++) {
		assert_int_equal(d[i].order, i + 1);
		doc_fini(&d[i]);
	}
	world_close(&w);
}

static void
test_a_second_document_waits_in_the_socket_while_the_first_is_parsed(
    void **state)
{
	struct world w;
	struct doc d[4];
	char path[64], wait[80];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	snprintf(path, sizeof(path), "%s/go", w.dir);
	snprintf(wait, sizeof(wait), "wait %s", path);
	put(&w, &d[0], "piped a"); /* answers once it sees the next */
	put(&w, &d[1], wait);
	put(&w, &d[2], "echo b");
	put(&w, &d[3], "echo c");
	run(&w, 1);
	RUN_UNTIL(&w, pool_is_with_worker(&d[2].d));
	assert_true(pool_is_with_worker(&d[1].d));
	assert_false(pool_is_with_worker(&d[3].d)); /* two at most */
	assert_int_equal(pool_waiting(w.pool), 1);
	touch(path);
	run(&w, 4);
	expect(&d[0], PARSE_OK, "\"a\"");
	expect(&d[1], PARSE_OK, "\"waited\"");
	expect(&d[2], PARSE_OK, "\"b\"");
	expect(&d[3], PARSE_OK, "\"c\"");
	assert_in_range(stats_of(&w).queue_max, 2, 4); /* was it ready then? */
	world_close(&w);
}

/* A frozen container: no process runs for longer than --worker-time. */
static void
test_a_worker_gets_more_time_if_our_process_did_not_run(void **state)
{
	struct world w;
	struct doc d;
	char path[64], wait[80];

	(void)state;
	world_open(&w, 1);
	w.conf.time_us = 500 * MS;
	world_start(&w);
	snprintf(path, sizeof(path), "%s/go", w.dir);
	snprintf(wait, sizeof(wait), "wait %s", path);
	RUN_UNTIL(&w, w.pool->idle.n == 1);
	put(&w, &d, wait);
	RUN_UNTIL(&w, pool_is_with_worker(&d.d));
	usleep(1200 * MS);
	run_for(&w, 100 * MS);
	assert_false(d.is_done);
	touch(path);
	run(&w, 1);
	expect(&d, PARSE_OK, "\"waited\"");
	world_close(&w);
}

static void
test_no_worker_gets_a_second_document_while_another_is_idle(void **state)
{
	struct world w;
	struct doc d[4];
	char path[64], wait[80];
	int i;

	(void)state;
	world_open(&w, 4);
	world_start(&w);
	snprintf(path, sizeof(path), "%s/go", w.dir);
	snprintf(wait, sizeof(wait), "wait %s", path);
	RUN_UNTIL(&w, w.pool->idle.n == 4);
	for (i = 0; i < 4; i++)
		put(&w, &d[i], wait);
	RUN_UNTIL(&w, pool_waiting(w.pool) == 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(w.pool->workers[i].ntasks, 1);
	touch(path);
	run(&w, 4);
	for (i = 0; i < 4; i++)
		doc_fini(&d[i]);
	assert_true(stats_of(&w).busy_us > 0);
	world_close(&w);
}

static void
test_a_large_document_and_its_answer_are_sent_at_the_same_time(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put_big(&w, &d, "mirror ", 8000000);
	run(&w, 1);
	assert_int_equal(d.error, PARSE_OK);
	assert_int_equal(d.value.n, 8000000 + 7 + 1);
	doc_fini(&d);
	world_close(&w);
}

static void
test_little_of_a_large_document_is_buffered(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put_big(&w, &d, "deaf ", 100000000);
	RUN_UNTIL(&w, pool_is_with_worker(&d.d));
	run_for(&w, 20 * MS);
	assert_true(d.at < 1000000);
	assert_true(w.pool->workers[0].out.cap < 1000000);
	pool_cancel(w.pool, &d.d);
	world_close(&w);
}

static void
test_an_answer_is_not_read_before_its_document_is_sent(void **state)
{
	struct world w;
	struct doc d[2];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put_big(&w, &d[0], "early ", 5000000);
	put(&w, &d[1], "echo b");
	run(&w, 2);
	assert_int_equal(d[0].at, 5000000);
	assert_int_equal(d[0].error, PARSE_OK);
	doc_fini(&d[0]);
	expect(&d[1], PARSE_OK, "\"b\"");
	assert_int_equal(stats_of(&w).restarts, 0);
	world_close(&w);
}

static void
test_parse_failed_is_not_tried_again(void **state)
{
	struct world w;
	struct doc d[2];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put(&w, &d[0], "failed");
	put(&w, &d[1], "failed {}");
	run(&w, 2);
	assert_int_equal(d[0].begins, 1);
	expect(&d[0], PARSE_FAILED, "");
	expect(&d[1], PARSE_FAILED, "{}");
	world_close(&w);
}

static void
test_a_worker_inherits_nothing(void **state)
{
	struct world w;
	struct doc d;
	sigset_t set, old;
	int fd;

	(void)state;
	fd = open("/dev/null", O_RDONLY); /* without CLOEXEC */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	world_open(&w, 1);
	world_start(&w);
	put(&w, &d, "self");
	run(&w, 1);
	expect(&d, PARSE_OK, "\"fds 0 env 0 group 1 mask 0 pipe 1\"");
	world_close(&w);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
}

/* ---- pool_check ---- */

static void
test_a_refused_configuration_is_reported_before_the_loop_runs(void **state)
{
	struct world w;
	struct buf why = { 0 };
	struct doc d;

	(void)state;
	world_open(&w, 2);
	w.conf.config = SPAN("bad no such selector: a[");
	world_start(&w);
	assert_int_equal(pool_check(w.pool, TEST_US, &why), -1);
	assert_true(span_eq(buf_view(&why), SPAN("no such selector: a[")));
	/* A document that is put all the same gets the same reason. */
	put(&w, &d, "echo a");
	run(&w, 1);
	expect(&d, PARSE_UNAVAILABLE, "");
	buf_char(&w.log, '\0');
	assert_string_equal(
	    w.log.p, "0: cannot start a worker: no such selector: a[\n");
	buf_fini(&why);
	world_close(&w);
}

static void
test_an_accepted_configuration_is_ready_before_the_loop_runs(void **state)
{
	struct world w;
	struct buf why = { 0 };
	struct doc d;

	(void)state;
	world_open(&w, 2);
	world_start(&w);
	assert_int_equal(pool_check(w.pool, TEST_US, &why), 0);
	assert_int_equal(why.n, 0);
	assert_true(w.pool->workers[0].state == WORKER_UP ||
		    w.pool->workers[1].state == WORKER_UP);
	assert_int_equal(stats_of(&w).missing, FRAME_NO_LANDLOCK);
	put(&w, &d, "echo a");
	run(&w, 1);
	expect(&d, PARSE_OK, "\"a\"");
	world_close(&w);
}

/* It was READY, so workers can be started; the fault is dealt with later. */
static void
test_a_worker_that_is_ready_and_then_talks_nonsense_was_started(void **state)
{
	struct world w;
	struct buf why = { 0 };
	struct pool_stats st;

	(void)state;
	world_open(&w, 2);
	w.conf.config = SPAN("ready and noise");
	world_start(&w);
	assert_int_equal(pool_check(w.pool, TEST_US, &why), 0);
	run_for(&w, 400 * MS);
	pool_stats(w.pool, &st);
	assert_false(st.is_broken);
	assert_in_range(st.restarts, 2, 60); /* with waits in between */
	world_close(&w);
	buf_fini(&why);
}

static void
test_a_pool_without_any_worker_is_reported_before_the_loop_runs(void **state)
{
	static const char *const configs[] = { "silent", "signal", "noise" };
	static const char *const reasons[] = { "not ready within 0.1 s",
		"killed by signal ", "sent an invalid message" };
	struct world w;
	struct buf why = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		world_open(&w, 2);
		w.conf.config = span_str(configs[i]);
		world_start(&w);
		assert_int_equal(
		    pool_check(w.pool, i == 0 ? 100 * MS : TEST_US, &why), -1);
		buf_char(&why, '\0');
		assert_non_null(strstr(why.p, "cannot start a worker: "));
		assert_non_null(strstr(why.p, reasons[i]));
		why.n = 0;
		world_close(&w);
	}
	buf_fini(&why);
}

static void
test_a_missing_program_is_reported_before_the_loop_runs(void **state)
{
	struct world w;
	struct buf why = { 0 };

	(void)state;
	world_open(&w, 2);
	w.conf.program = "/no/such/fetchd-worker";
	world_start(&w);
	assert_int_equal(pool_check(w.pool, TEST_US, &why), -1);
	assert_true(span_eq(buf_view(&why),
	    SPAN("cannot start a worker: /no/such/fetchd-worker: "
		 "No such file or directory")));
	buf_fini(&why);
	world_close(&w);
}

/* ---- pool_cancel ---- */

static void
test_a_waiting_document_can_be_cancelled(void **state)
{
	struct world w;
	struct doc d[3];
	int i;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	for (i = 0; i < 3; i++)
		put(&w, &d[i], "echo x");
	pool_cancel(w.pool, &d[0].d);
	pool_cancel(w.pool, &d[2].d);
	assert_int_equal(pool_waiting(w.pool), 1);
	run(&w, 1);
	expect(&d[1], PARSE_OK, "\"x\"");
	pool_cancel(w.pool, &d[1].d); /* long back: nothing happens */
	world_close(&w);
}

static void
test_cancelling_a_document_does_not_affect_the_next_one(void **state)
{
	struct world w;
	struct doc d[3];
	char path[64], wait[80];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	snprintf(path, sizeof(path), "%s/go", w.dir);
	snprintf(wait, sizeof(wait), "wait %s", path);
	put(&w, &d[0], wait);
	put(&w, &d[1], "echo b");
	put(&w, &d[2], "echo c");
	RUN_UNTIL(&w, pool_is_with_worker(&d[1].d));
	pool_cancel(w.pool, &d[0].d);
	pool_cancel(w.pool, &d[1].d);
	memset(&d[0], 0xee, sizeof(d[0])); /* it is the owner's again */
	memset(&d[1], 0xee, sizeof(d[1]));
	touch(path);
	run(&w, 1);
	expect(&d[2], PARSE_OK, "\"c\"");
	assert_int_equal(stats_of(&w).restarts, 0);
	world_close(&w);
}

static void
test_a_cancelled_document_still_has_its_time_limit(void **state)
{
	struct world w;
	struct doc d[2];

	(void)state;
	world_open(&w, 1);
	w.conf.time_us = 100 * MS;
	world_start(&w);
	put(&w, &d[0], "hang");
	put(&w, &d[1], "echo b");
	RUN_UNTIL(&w, pool_is_with_worker(&d[1].d));
	pool_cancel(w.pool, &d[0].d);
	run(&w, 1);
	assert_int_equal(d[1].begins, 2);
	expect(&d[1], PARSE_OK, "\"b\"");
	world_close(&w);
}

static void
test_cancelling_a_half_sent_document_ends_its_worker_uncharged(void **state)
{
	struct world w;
	struct doc d[3];
	char path[64], wait[80];
	int i;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	snprintf(path, sizeof(path), "%s/go", w.dir);
	snprintf(wait, sizeof(wait), "wait %s", path);
	put(&w, &d[0], wait);
	put_big(&w, &d[1], "echo b ", 3000000);
	for (i = 0; i < 3; i++) {
		RUN_UNTIL(&w, d[1].d.state == DOC_WITH_WORKER && d[1].at > 0);
		assert_true(d[1].at < 3000000);
		pool_cancel(w.pool, &d[1].d);
		put_big(&w, &d[1], "echo b ", 3000000);
	}
	assert_int_equal(w.done, 0);
	put(&w, &d[2], "echo c");
	touch(path);
	run(&w, 3);
	assert_int_equal(stats_of(&w).restarts, 3);
	expect(&d[0], PARSE_OK, "\"waited\"");
	assert_int_equal(d[1].error, PARSE_OK);
	doc_fini(&d[1]);
	expect(&d[2], PARSE_OK, "\"c\"");
	world_close(&w);
}

static struct doc *others[2];

static void
take_back_others(struct doc *d)
{
	pool_cancel(d->w->pool, &others[0]->d);
	pool_cancel(d->w->pool, &others[1]->d);
	put(d->w, others[0], "echo again");
}

static void
test_documents_can_be_cancelled_and_put_from_a_callback(void **state)
{
	struct world w;
	struct doc d[3];

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	others[0] = &d[1];
	others[1] = &d[2];
	put(&w, &d[0], "piped a");
	put_big(&w, &d[1], "echo b ", 3000000); /* half sent by then */
	put(&w, &d[2], "echo c");
	d[0].then = take_back_others;
	run(&w, 2);
	expect(&d[0], PARSE_OK, "\"a\"");
	expect(&d[1], PARSE_OK, "\"again\"");
	assert_int_equal(stats_of(&w).restarts, 1);
	world_close(&w);
}

/* ---- pool_free ---- */

static void
test_a_pool_can_be_freed_at_any_time(void **state)
{
	struct world w;
	struct doc d[6];
	int i, turns;

	(void)state;
	for (turns = 0; turns < 12; turns++) {
		world_open(&w, 2);
		world_start(&w);
		put(&w, &d[0], "hang");
		put(&w, &d[1], "signal 11");
		put_big(&w, &d[2], "deaf ", 3000000);
		put(&w, &d[3], "signal 11");
		put(&w, &d[4], "close");
		put(&w, &d[5], "words 100");
		run_for(&w, turns * MS);
		world_close(&w);
		for (i = 0; i < 6; i++)
			doc_fini(&d[i]);
	}
	pool_free(NULL);
}

/* ---- stderr ---- */

static void
test_lines_on_stderr_are_logged_with_their_worker(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put(&w, &d, "words 2");
	run(&w, 1);
	doc_fini(&d);
	RUN_UNTIL(&w, w.lines_logged == 2);
	kill(pid_of(&w, 1), SIGKILL);
	RUN_UNTIL(&w, w.lines_logged == 3); /* the end of it, at its end */
	buf_char(&w.log, '\0');
	assert_string_equal(w.log.p, "1: word 1\n1: word 2\n1: no end\n");
	world_close(&w);
}

static void
test_lines_over_the_limit_on_stderr_are_counted(void **state)
{
	struct world w;
	struct doc d;
	unsigned long long more = 0;
	const char *last;

	(void)state;
	world_open(&w, 1);
	world_start(&w);
	put(&w, &d, "words 30000");
	run(&w, 1);
	doc_fini(&d);
	kill(pid_of(&w, 1), SIGKILL);
	RUN_UNTIL(&w, w.log.n > 30 && memcmp(w.log.p + w.log.n - 16,
					  "KiB in a second\n", 16) == 0);
	w.log.p[w.log.n - 1] = '\0';
	last = strrchr(w.log.p, '\n') + 1;
	assert_int_equal(sscanf(last, "1: %llu lines dropped: more", &more), 1);
	assert_in_range(w.log.n, 60000, 110000);
	/* Nothing is lost uncounted: 30000, the unfinished one, that one. */
	assert_int_equal(more + (unsigned)w.lines_logged, 30002);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_document_gets_its_own_answer),
		cmocka_unit_test(
		    test_one_worker_answers_in_the_order_of_the_queue),
		cmocka_unit_test(
		    test_a_second_document_waits_in_the_socket_while_the_first_is_parsed),
		cmocka_unit_test(
		    test_a_worker_gets_more_time_if_our_process_did_not_run),
		cmocka_unit_test(
		    test_no_worker_gets_a_second_document_while_another_is_idle),
		cmocka_unit_test(
		    test_a_large_document_and_its_answer_are_sent_at_the_same_time),
		cmocka_unit_test(test_little_of_a_large_document_is_buffered),
		cmocka_unit_test(
		    test_an_answer_is_not_read_before_its_document_is_sent),
		cmocka_unit_test(test_parse_failed_is_not_tried_again),
		cmocka_unit_test(test_a_worker_inherits_nothing),
		cmocka_unit_test(
		    test_a_refused_configuration_is_reported_before_the_loop_runs),
		cmocka_unit_test(
		    test_an_accepted_configuration_is_ready_before_the_loop_runs),
		cmocka_unit_test(
		    test_a_worker_that_is_ready_and_then_talks_nonsense_was_started),
		cmocka_unit_test(
		    test_a_pool_without_any_worker_is_reported_before_the_loop_runs),
		cmocka_unit_test(
		    test_a_missing_program_is_reported_before_the_loop_runs),
		cmocka_unit_test(test_a_waiting_document_can_be_cancelled),
		cmocka_unit_test(
		    test_cancelling_a_document_does_not_affect_the_next_one),
		cmocka_unit_test(
		    test_a_cancelled_document_still_has_its_time_limit),
		cmocka_unit_test(
		    test_cancelling_a_half_sent_document_ends_its_worker_uncharged),
		cmocka_unit_test(
		    test_documents_can_be_cancelled_and_put_from_a_callback),
		cmocka_unit_test(test_a_pool_can_be_freed_at_any_time),
		cmocka_unit_test(
		    test_lines_on_stderr_are_logged_with_their_worker),
		cmocka_unit_test(
		    test_lines_over_the_limit_on_stderr_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
