/* SPDX-License-Identifier: ISC */
#include "base/trace.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

#define START_US 5000000
#define WALL_US 1700000000123456LL /* 2023-11-14T22:13:20.123456Z */

static const char *
state_name(unsigned state)
{
	static const char *const names[] = { "queued", "connecting" };

	assert_true(state < 2);
	return names[state];
}

static struct trace *
make(void)
{
	return trace_new(START_US, WALL_US, state_name);
}

/* A move at START_US + us of the item seq. */
static void
put(struct trace *t, int64_t us, uint64_t seq)
{
	const struct trace_event e = {
		.at_us = START_US + us,
		.kind = TRACE_FETCH_MOVE,
		.from = TRACE_NEW,
		.id = seq,
		.why = "read",
	};

	trace_put(t, &e, SPAN("http://a:1"));
}

static const char *
line_of(const struct trace *t, size_t nth, char line[TRACE_LINE + 1])
{
	line[trace_kept_line(t, nth, line)] = '\0';
	return line;
}

static void
test_the_head_has_the_date_that_times_count_from(void **state)
{
	struct trace *t = make();
	char line[TRACE_LINE + 1];

	(void)state;
	line[trace_head(t, line)] = '\0';
	assert_non_null(
	    strstr(line, ": microseconds since 2023-11-14T22:13:20.123456Z\n"));
	trace_free(t);
}

static void
test_a_move_names_the_item_both_states_and_why(void **state)
{
	struct trace *t = make();
	struct trace_event e = {
		.at_us = START_US + 1234567,
		.kind = TRACE_FETCH_MOVE,
		.from = 0,
		.to = 1,
		.id = 7,
		.other = 3,
		.count = 2,
		.why = "slot",
	};
	char line[TRACE_LINE + 1];

	(void)state;
	put(t, 0, 7);
	assert_string_equal(line_of(t, 0, line),
	    "        0 fetch.move seq=7 from=new to=queued why=read "
	    "url=http://a:1\n");
	trace_put(t, &e, SPAN_NONE);
	assert_string_equal(line_of(t, 1, line),
	    "  1234567 fetch.move seq=7 conn=3 from=queued to=connecting "
	    "attempt=2 why=slot\n");
	e.at_us = START_US + 123456789012;
	trace_put(t, &e, SPAN_NONE);
	assert_int_equal(strncmp(line_of(t, 2, line), "123456789012 f", 14), 0);
	trace_free(t);
}

/* Every kind, every field at its longest: no line is longer than TRACE_LINE. */
static void
test_no_line_is_longer_than_its_buffer(void **state)
{
	struct trace *t = make();
	char text[200], line[2 * TRACE_LINE];
	struct trace_event e = {
		.at_us = INT64_MIN / 2,
		.to = 1,
		.id = UINT64_MAX,
		.other = UINT64_MAX,
		.count = UINT32_MAX,
		.value = INT64_MIN / 2,
		.why = text,
	};
	size_t n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[3] = ' ';
	for (e.kind = 0; e.kind < TRACE_KINDS; e.kind++) {
		trace_put(t, &e, span_str(text));
		n = trace_kept_line(t, e.kind, line);
		assert_true(n <= TRACE_LINE);
		assert_int_equal(line[n - 1], '\n');
	}
	trace_free(t);
}

static void
test_a_text_is_cut_and_has_no_control_bytes(void **state)
{
	struct trace *t = make();
	const struct trace_event e = { .at_us = START_US, .why = "a b" };
	char line[TRACE_LINE + 1], text[200];

	(void)state;
	trace_put(t, &e, SPAN("\x1b[2J\n-\"-\xff-\x80x"));
	assert_non_null(
	    strstr(line_of(t, 0, line), "why=\"a b\" url=?[2J?-?-?-?x\n"));
	memset(text, 'x', sizeof(text));
	trace_put(t, &e, span_of(text, sizeof(text)));
	assert_int_equal(strlen(strstr(line_of(t, 1, line), " url=")),
	    strlen(" url=") + TRACE_TEXT + 1);
	trace_free(t);
}

static void
test_a_path_is_shown_without_query_and_passwords(void **state)
{
	static const char *const paths[][2] = {
		{ "/a/b?key=s3cret", "/a/b" },
		{ "/?s3cret", "/" },
		{ "/http://u:s3cret@h/", "/http" },
		{ "/u%3As3cret@h/", "/u" },
		{ "/u%EF%BC%9As3cret@h/", "/u" },
		{ "/a%20b@c", "/a%20b@c" },
		{ "/a%2", "/a" },
	};
	struct trace *t = make();
	const struct trace_event e = { .at_us = START_US };
	char line[TRACE_LINE + 1], want[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		trace_put(t, &e, span_str(paths[i][0]));
		snprintf(want, sizeof(want), " url=%s\n", paths[i][1]);
		assert_non_null(strstr(line_of(t, i, line), want));
	}
	trace_free(t);
}

static void
test_the_ring_keeps_the_last_events(void **state)
{
	struct trace *t = make();
	char line[TRACE_LINE + 1];
	uint64_t i;

	(void)state;
	assert_int_equal(trace_kept(t), 0);
	for (i = 1; i <= TRACE_EVENTS; i++)
		put(t, 0, i);
	assert_int_equal(trace_kept(t), TRACE_EVENTS);
	assert_non_null(strstr(line_of(t, 0, line), " seq=1 "));
	for (; i <= 3 * TRACE_EVENTS + 10; i++)
		put(t, 0, i);
	assert_int_equal(trace_kept(t), TRACE_EVENTS);
	assert_non_null(strstr(line_of(t, 0, line), " seq=8203 "));
	assert_non_null(
	    strstr(line_of(t, TRACE_EVENTS - 1, line), " seq=12298 "));
	trace_free(t);
}

struct reader {
	struct trace *t;
	uint64_t next; /* the seq that must be the next */
	size_t most;   /* events it takes when the ring is full */
	uint64_t lost;
};

/* Nonzero: there was an event. */
static int
take_one(struct reader *r)
{
	char line[TRACE_LINE + 1], *at;
	size_t n = trace_next(r->t, line);

	line[n] = '\0';
	if (n == 0)
		return 0;
	at = strstr(line, "trace.lost events=");
	if (at != NULL) {
		r->lost = strtoull(at + 18, NULL, 10);
		r->next += r->lost;
		return 1;
	}
	at = strstr(line, " seq=");
	assert_non_null(at);
	assert_int_equal(strtoull(at + 5, NULL, 10), r->next);
	r->next++;
	return 1;
}

static void
on_full(void *arg)
{
	struct reader *r = arg;
	size_t i;

	for (i = 0; i < r->most; i++)
		(void)take_one(r);
}

static void
test_a_follower_gets_every_event_in_order(void **state)
{
	struct reader r = { .t = make(), .next = 1, .most = 100 };
	uint64_t i;

	(void)state;
	put(r.t, 0, 1);
	trace_follow(r.t, on_full, &r);
	for (i = 2; i <= 50000; i++)
		put(r.t, 0, i);
	while (take_one(&r))
		;
	assert_int_equal(r.next, 50001);
	assert_int_equal(r.lost, 0);
	trace_free(r.t);
}

/* The reader begins when the ring is full, and takes one event at a time. */
static void
test_a_late_follower_begins_with_the_oldest_event(void **state)
{
	struct reader r = { .t = make(), .most = 1 };
	uint64_t i;

	(void)state;
	for (i = 1; i <= 2 * TRACE_EVENTS + 7; i++)
		put(r.t, 0, i);
	r.next = i - TRACE_EVENTS;
	trace_follow(r.t, on_full, &r);
	for (; i <= 5 * TRACE_EVENTS; i++)
		put(r.t, 0, i);
	while (take_one(&r))
		;
	assert_int_equal(r.next, i);
	assert_int_equal(r.lost, 0);
	trace_free(r.t);
}

static void
test_what_a_slow_follower_misses_is_counted(void **state)
{
	struct reader r = { .t = make(), .next = 1, .most = 0 };
	uint64_t i;

	(void)state;
	trace_follow(r.t, on_full, &r);
	for (i = 1; i <= TRACE_EVENTS + 500; i++)
		put(r.t, 0, i);
	while (take_one(&r))
		;
	assert_int_equal(r.lost, 500);
	assert_int_equal(r.next, TRACE_EVENTS + 501);
	trace_free(r.t);
}

static void
test_nobody_has_to_trace(void **state)
{
	const struct trace_event e = { .at_us = 1 };

	(void)state;
	trace_put(NULL, &e, SPAN("x"));
	trace_free(NULL);
}

/* What a process that runs `end` has written to stderr; its wait status. */
static int
stderr_of(void (*end)(void), char *to, size_t size)
{
	int fds[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], 2);
		signal(SIGABRT, SIG_DFL);
		end();
		_exit(99);
	}
	close(fds[1]);
	while ((got = read(fds[0], to + n, size - 1 - n)) > 0)
		n += (size_t)got;
	to[n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
fail_a_check(void)
{
	struct trace *first = make(), *gone = make(), *last = make();
	uint64_t i;

	put(first, 1, 11);
	put(gone, 2, 22);
	trace_free(gone);
	for (i = 0; i < 5000; i++)
		put(last, 3, 100000 + i);
	CHECK(!"the moon is full");
}

static void
test_a_failed_check_prints_the_events_of_every_engine(void **state)
{
	static char text[1 << 20];
	int status = stderr_of(fail_a_check, text, sizeof(text)), n = 0;
	char *at;

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	at = strstr(text, "internal error: !\"the moon is full\"\n");
	assert_non_null(at);
	assert_non_null(strstr(at, " seq=11 "));
	assert_null(strstr(at, " seq=22 "));
	assert_null(strstr(at, " seq=100903 "));
	assert_non_null(strstr(at, " seq=100904 "));
	assert_non_null(strstr(at, " seq=104999 "));
	for (at = text; (at = strstr(at, " seq=10")) != NULL; at++)
		n++;
	assert_int_equal(n, TRACE_EVENTS);
}

static void
run_out(void)
{
	put(make(), 1, 11);
	fatalx("no room for %d elephants", 3);
}

static void
test_so_does_a_fatal_shortage(void **state)
{
	char text[4096];
	int status = stderr_of(run_out, text, sizeof(text));

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_int_equal(
	    strncmp(text, "fetchd: no room for 3 elephants\n", 32), 0);
	assert_non_null(strstr(text, " seq=11 "));
}

/* Reads a whole file; the caller frees it. */
static char *
contents(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void
test_the_page_for_maintainers_has_every_event(void **state)
{
	static const char *const rows[][2] = {
#define TRACE(id, name, k1, k2, k3, k4, k5, k6, meaning) { name, meaning },
#include "base/trace_table.h"
#undef TRACE
	};
	char *page = contents(DEBUGGING_PAGE), row[512];
	size_t i;

	(void)state;
	for (i = 0; i < TRACE_KINDS; i++) {
		snprintf(row, sizeof(row), "| `%s` | ", rows[i][0]);
		if (strstr(page, row) == NULL)
			fail_msg("docs/debugging.md has no row %s", row);
		snprintf(row, sizeof(row), " | %s |\n", rows[i][1]);
		if (strstr(page, row) == NULL)
			fail_msg("docs/debugging.md has no row %s", row);
	}
	free(page);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_the_head_has_the_date_that_times_count_from),
		T(test_a_move_names_the_item_both_states_and_why),
		T(test_no_line_is_longer_than_its_buffer),
		T(test_a_text_is_cut_and_has_no_control_bytes),
		T(test_a_path_is_shown_without_query_and_passwords),
		T(test_the_ring_keeps_the_last_events),
		T(test_a_follower_gets_every_event_in_order),
		T(test_a_late_follower_begins_with_the_oldest_event),
		T(test_what_a_slow_follower_misses_is_counted),
		T(test_nobody_has_to_trace),
		T(test_a_failed_check_prints_the_events_of_every_engine),
		T(test_so_does_a_fatal_shortage),
		T(test_the_page_for_maintainers_has_every_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
