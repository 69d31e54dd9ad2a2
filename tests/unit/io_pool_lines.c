/* SPDX-License-Identifier: ISC */
/* The pool with any program: a line in, a line out. */
#include <sys/resource.h>

#include "io_pool_world.h"

/* Of these only what a test needs is looked at. */
static void
lines_open(struct world *w, unsigned workers, char *const *argv)
{
	world_open(w, workers);
	w->conf.protocol = POOL_LINES;
	w->conf.argv = argv;
}

static char *const cat[] = { (char *)"/bin/cat", NULL };

static void
test_each_line_gets_the_line_that_answers_it(void **state)
{
	struct world w;
	struct doc d[40];
	char text[40][32];
	int i;

	(void)state;
	lines_open(&w, 2, cat);
	world_start(&w);
	for (i = 0; i < 40; i++) {
		snprintf(text[i], sizeof(text[i]), "{\"n\":%d}", i);
		put(&w, &d[i], text[i]);
	}
	run(&w, 40);
	for (i = 0; i < 40; i++)
		expect(&d[i], PARSE_OK, text[i]);
	assert_int_equal(stats_of(&w).restarts, 0);
	world_close(&w);
}

static void
test_a_large_line_and_its_answer_pass_each_other(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	lines_open(&w, 1, cat);
	world_start(&w);
	put_big(&w, &d, "{", 8000000);
	run(&w, 1);
	assert_int_equal(d.error, PARSE_OK);
	assert_int_equal(d.value.n, 8000000 + 1 + 1);
	doc_fini(&d);
	world_close(&w);
}

static char *const shell_env[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"while read -r l; do printf ' \"%s\" \\r\\n' "
		"\"$POOL_TEST\"; done",
	NULL };

static void
test_a_program_has_our_environment_and_blanks_around_a_line_are_trimmed(
    void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	setenv("POOL_TEST", "seen", 1);
	lines_open(&w, 1, shell_env);
	world_start(&w);
	put(&w, &d, "1");
	run(&w, 1);
	expect(&d, PARSE_OK, "\"seen\"");
	world_close(&w);
}

/* Echoes two lines, then dies of the third. */
static char *const mortal[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"read a; echo $a; read a; echo $a; read a; exit 5", NULL };

static void
test_a_program_that_crashes_is_replaced_and_its_line_tried_again(void **state)
{
	struct world w;
	struct doc d[20];
	int i;

	(void)state;
	lines_open(&w, 1, mortal);
	world_start(&w);
	for (i = 0; i < 20; i++)
		put(&w, &d[i], "17");
	run(&w, 20);
	for (i = 0; i < 20; i++)
		expect(&d[i], PARSE_OK, "17");
	assert_false(stats_of(&w).is_broken);
	world_close(&w);
}

/* Answers once and is done: the next line may be on its way to it by then. */
static char *const once[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"read a; echo $a", NULL };

static void
test_an_exit_after_an_answer_does_not_affect_the_next_line(void **state)
{
	struct world w;
	struct doc d[40];
	int i;

	(void)state;
	lines_open(&w, 4, once);
	world_start(&w);
	for (i = 0; i < 40; i++)
		put(&w, &d[i], "17");
	run(&w, 40);
	for (i = 0; i < 40; i++) {
		assert_int_equal(d[i].d.charges, 0);
		expect(&d[i], PARSE_OK, "17");
	}
	world_close(&w);
}

static const struct {
	const char *script;
	enum parse_error error;
	int tries;
} faults[] = {
	{ "read a; exit 0", PARSE_CRASHED, 2 },
	{ "read a; exit 1", PARSE_CRASHED, 2 },
	{ "read a; exit 71", PARSE_CRASHED, 2 }, /* its own 71 */
	{ "read a; kill -11 $$", PARSE_CRASHED, 2 },
	{ "read a; printf 17", PARSE_CRASHED, 2 }, /* an answer ends in LF */
	{ "read a; echo; read b", PARSE_PROTOCOL, 2 },
	{ "read a; echo wrong; read b", PARSE_PROTOCOL, 2 },
	{ "tr '\\0' x </dev/zero", PARSE_PROTOCOL, 2 },
	{ "exec sleep 1000", PARSE_TIMEOUT, 1 },
	{ "sleep 1000", PARSE_TIMEOUT, 1 }, /* and its child */
};

static void
test_failures_are_charged_to_the_first_line(void **state)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", NULL, NULL };
	struct world w;
	struct doc d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		argv[2] = (char *)faults[i].script;
		lines_open(&w, 1, argv);
		if (faults[i].error == PARSE_TIMEOUT)
			w.conf.time_us = 300 * MS;
		world_start(&w);
		put(&w, &d, "17");
		run(&w, 1);
		if (d.error != faults[i].error)
			print_error("%s\n", faults[i].script);
		assert_int_equal(d.begins, faults[i].tries);
		expect(&d, faults[i].error, "");
		world_close(&w);
	}
}

static char *const twice[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"while read -r l; do printf '%s\\n%s\\n' \"$l\" \"$l\"; done",
	NULL };
static char *const late[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"while read -r l; do echo \"$l\"; sleep 0.2; echo x; done",
	NULL };

/* At once with the answer it spoils that; later it can only end the program,
 * before the next line is given to it. */
static void
test_an_unasked_line_ends_the_program(void **state)
{
	struct world w;
	struct doc d[2];

	(void)state;
	lines_open(&w, 1, twice);
	world_start(&w);
	put(&w, &d[0], "17");
	run(&w, 1);
	expect(&d[0], PARSE_PROTOCOL, "");
	world_close(&w);

	lines_open(&w, 1, late);
	world_start(&w);
	put(&w, &d[0], "17");
	run(&w, 1);
	expect(&d[0], PARSE_OK, "17");
	RUN_UNTIL(&w, stats_of(&w).restarts == 1);
	put(&w, &d[1], "18");
	run(&w, 2);
	expect(&d[1], PARSE_OK, "18");
	world_close(&w);
}

static char *const missing[] = { (char *)"/nonexistent/parser", NULL };

static void
test_a_missing_program_is_given_up_soon(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	lines_open(&w, 2, missing);
	world_start(&w);
	run_for(&w, 200 * MS);
	put(&w, &d, "17");
	run(&w, 1);
	expect(&d, PARSE_UNAVAILABLE, "");
	buf_char(&w.log, '\0');
	assert_non_null(strstr(w.log.p,
	    "0: --exec /nonexistent/parser: cannot start a worker: exited with "
	    "status 72 (the program cannot be executed)\n"));
	/* Its own message on stderr comes before. */
	assert_non_null(strstr(
	    w.log.p, ": /nonexistent/parser: No such file or directory\n"));
	world_close(&w);
}

static char *const stillborn[] = { (char *)"/bin/true", NULL };

static void
test_a_program_that_always_exits_is_given_up_later(void **state)
{
	struct world w;
	struct doc d[30];
	int i, charged = 0;

	(void)state;
	lines_open(&w, 1, stillborn);
	world_start(&w);
	for (i = 0; i < 30; i++)
		put(&w, &d[i], "17");
	run(&w, 30);
	for (i = 0; i < 30 && d[i].error == PARSE_CRASHED; i++)
		charged++;
	assert_in_range(charged, 1, 5);
	for (i = 0; i < 30; i++)
		expect(
		    &d[i], i < charged ? PARSE_CRASHED : PARSE_UNAVAILABLE, "");
	assert_int_equal(stats_of(&w).restarts, 9);
	assert_non_null(strstr(
	    w.log.p, "0: --exec /bin/true: no answer: exited with status 0\n"));
	world_close(&w);
}

static char *const asleep[] = { (char *)"/bin/sleep", (char *)"1000", NULL };

static void
test_a_slow_program_is_not_a_failed_start(void **state)
{
	struct world w;
	struct doc d[6];
	int i;

	(void)state;
	lines_open(&w, 1, asleep);
	w.conf.time_us = 30 * MS;
	world_start(&w);
	w.pool->pace.limit_lines = 3;
	for (i = 0; i < 6; i++)
		put(&w, &d[i], "17");
	run(&w, 6);
	for (i = 0; i < 6; i++)
		expect(&d[i], PARSE_TIMEOUT, "");
	/* Once: most often it answers into a buffer of its own. */
	buf_char(&w.log, '\0');
	assert_string_equal(w.log.p,
	    "0: --exec /bin/sleep: no answer: --worker-time is over (the "
	    "program "
	    "must flush its output after each line)\n");
	world_close(&w);
}

static char *const loud[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"echo hello; exec cat", NULL };

static void
test_a_program_that_writes_before_its_first_line_is_given_up(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	lines_open(&w, 1, loud);
	world_start(&w);
	RUN_UNTIL(&w, stats_of(&w).is_broken);
	put(&w, &d, "17");
	run(&w, 1);
	expect(&d, PARSE_UNAVAILABLE, "");
	world_close(&w);
}

/* The first line takes longer than all tries to start the others. */
static char *const slow_first[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"read x; sleep 1; echo $x; exec cat", NULL };

static void
test_fewer_workers_than_configured_are_enough(void **state)
{
	struct rlimit old, few;
	struct world w;
	struct doc d[4];
	int i, fd;

	(void)state;
	lines_open(&w, 8, slow_first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	fd = dup(0);
	few.rlim_cur = (rlim_t)fd + 9; /* two, and what it takes to start */
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	world_start(&w);
	assert_in_range(stats_of(&w).running, 1, 7);
	w.pool->pace.first_us = w.pool->pace.max_us = 10 * MS;
	for (i = 0; i < 4; i++)
		put(&w, &d[i], "17");
	run(&w, 4);
	for (i = 0; i < 4; i++)
		expect(&d[i], PARSE_OK, "17");
	assert_false(stats_of(&w).is_broken);
	setrlimit(RLIMIT_NOFILE, &old);
	world_close(&w);
}

/* ---- nothing but one line for each line ---- */

static void
probing_open(struct world *w, unsigned workers, char *const *argv)
{
	lines_open(w, workers, argv);
	w->conf.prefix = SPAN("{");
}

static void
put_numbered(struct world *w, struct doc *d, char text[][32], int n)
{
	int i;

	for (i = 0; i < n; i++) {
		snprintf(text[i], sizeof(text[i]), "{\"n\":%d}", i);
		put(w, &d[i], text[i]);
	}
}

static void
test_a_line_after_a_probe_is_complete(void **state)
{
	struct world w;
	struct doc d[40];
	char text[40][32];
	int i;

	(void)state;
	probing_open(&w, 2, cat);
	world_start(&w);
	put_numbered(&w, d, text, 40);
	run(&w, 40);
	for (i = 0; i < 40; i++)
		expect(&d[i], PARSE_OK, text[i]);
	assert_int_equal(stats_of(&w).restarts, 0);
	world_close(&w);
}

static void
test_a_large_line_after_a_probe_is_complete(void **state)
{
	struct world w;
	struct doc d;

	(void)state;
	probing_open(&w, 1, cat);
	world_start(&w);
	put_big(&w, &d, "{", 8000000);
	run(&w, 1);
	assert_int_equal(d.error, PARSE_OK);
	assert_int_equal(d.value.n, 8000000 + 1 + 1);
	doc_fini(&d);
	world_close(&w);
}

/* Each says more than one line for each, at another time. */
static char *const talkers[][4] = {
	{ (char *)"/bin/sh", (char *)"-c",
	    (char *)"echo 1; while read l; do echo \"$l\"; done", NULL },
	{ (char *)"/bin/sh", (char *)"-c",
	    (char *)"echo 1; while read l; do sleep .2; echo \"$l\"; done",
	    NULL },
	{ (char *)"/bin/sh", (char *)"-c",
	    (char *)"sleep .2; echo 1; while read l; do echo \"$l\"; done",
	    NULL },
	{ (char *)"/bin/sh", (char *)"-c",
	    (char *)"while read l; do echo \"$l\"; echo 2; done", NULL },
	{ (char *)"/bin/sh", (char *)"-c",
	    (char *)"while read l; do echo \"$l\"; sleep .1; echo 2; done",
	    NULL },
	{ (char *)"/bin/sh", (char *)"-c",
	    (char *)"read l; echo \"$l\"; read l; echo \"$l\"; echo 3;"
		    "while read l; do echo \"$l\"; done",
	    NULL },
};

static void
test_no_answer_is_taken_for_that_of_another_line(void **state)
{
	struct world w;
	struct doc d[6];
	char text[6][32];
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < sizeof(talkers) / sizeof(talkers[0]); i++) {
		probing_open(&w, 1, talkers[i]);
		world_start(&w);
		put_numbered(&w, d, text, 6);
		run(&w, 6);
		for (k = 0; k < 6; k++) {
			if (d[k].error == PARSE_OK)
				expect(&d[k], PARSE_OK, text[k]);
			else
				doc_fini(&d[k]);
		}
		assert_true(stats_of(&w).restarts > 0);
		world_close(&w);
	}
}

static char *const busy[] = { (char *)"/bin/sh", (char *)"-c",
	(char *)"while read l; do echo \"$l\"; sleep 1.5; done", NULL };

static void
test_an_answer_is_held_for_a_limited_time_only(void **state)
{
	struct world w;
	struct doc d[2];
	char text[2][32];

	(void)state;
	probing_open(&w, 1, busy);
	world_start(&w);
	put_numbered(&w, d, text, 2);
	run(&w, 2);
	expect(&d[0], PARSE_OK, text[0]);
	expect(&d[1], PARSE_OK, text[1]);
	assert_true(d[0].d.charges == 0 && stats_of(&w).restarts == 0);
	world_close(&w);
}

static void
test_an_answer_counts_if_the_program_exits_after_it(void **state)
{
	struct world w;
	struct doc d[10];
	char text[10][32];
	int i;

	(void)state;
	probing_open(&w, 2, once);
	world_start(&w);
	put_numbered(&w, d, text, 10);
	run(&w, 10);
	for (i = 0; i < 10; i++)
		expect(&d[i], PARSE_OK, text[i]);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_line_gets_the_line_that_answers_it),
		cmocka_unit_test(
		    test_a_large_line_and_its_answer_pass_each_other),
		cmocka_unit_test(
		    test_a_program_has_our_environment_and_blanks_around_a_line_are_trimmed),
		cmocka_unit_test(
		    test_a_program_that_crashes_is_replaced_and_its_line_tried_again),
		cmocka_unit_test(
		    test_an_exit_after_an_answer_does_not_affect_the_next_line),
		cmocka_unit_test(test_failures_are_charged_to_the_first_line),
		cmocka_unit_test(test_an_unasked_line_ends_the_program),
		cmocka_unit_test(test_a_missing_program_is_given_up_soon),
		cmocka_unit_test(
		    test_a_program_that_always_exits_is_given_up_later),
		cmocka_unit_test(test_a_slow_program_is_not_a_failed_start),
		cmocka_unit_test(test_fewer_workers_than_configured_are_enough),
		cmocka_unit_test(
		    test_a_program_that_writes_before_its_first_line_is_given_up),
		cmocka_unit_test(test_a_line_after_a_probe_is_complete),
		cmocka_unit_test(test_a_large_line_after_a_probe_is_complete),
		cmocka_unit_test(
		    test_no_answer_is_taken_for_that_of_another_line),
		cmocka_unit_test(
		    test_an_answer_is_held_for_a_limited_time_only),
		cmocka_unit_test(
		    test_an_answer_counts_if_the_program_exits_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
