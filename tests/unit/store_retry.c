/* SPDX-License-Identifier: ISC */
/*
 * Tests store/retry.c: which items failed, what is removed when they are asked
 * for again, and that a process that stops anywhere in between leaves the old
 * file or the new one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/read_file.h"
#include "codec/compress.h"
#include "store/retry.h"
#include "store/scan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct world {
	char folder[64], path[4][96];
	const char *paths[4];
	struct buf why, got;
};

static int
setup(void **state)
{
	static struct world w;
	size_t i;

	strcpy(w.folder, "/tmp/retry.XXXXXX");
	assert_non_null(mkdtemp(w.folder));
	for (i = 0; i < COUNT(w.path); i++) {
		snprintf(w.path[i], sizeof(w.path[i]), "%s/out.%zu.jsonl",
		    w.folder, i + 1);
		w.paths[i] = w.path[i];
	}
	w.why.n = 0;
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	buf_fini(&w->why);
	buf_fini(&w->got);
	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	return system(command);
}

static void
write_file(const char *path, struct span s)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	assert_int_equal(fclose(f), 0);
}

/* The bytes of the file, decoded. */
static const char *
read_back(struct world *w, const char *path)
{
	struct scan *s = scan_open(path);
	struct span piece;

	assert_non_null(s);
	w->got.n = 0;
	do {
		assert_int_equal(scan_read(s, 7, &piece), 0);
		buf_span(&w->got, piece);
	} while (piece.n > 0);
	buf_char(&w->got, '\0');
	scan_close(s);
	return w->got.p;
}

static int
has_temporary(struct world *w)
{
	char command[200];

	snprintf(command, sizeof(command),
	    "ls -A %s | grep -q '^\\.fetchd-rewrite'", w->folder);
	return system(command) == 0;
}

/* ---- which items failed ---- */

static void
test_the_newest_record_says_whether_an_item_failed(void **state)
{
	struct world *w = *state;
	struct seqs *failed = seqs_new();

	write_file(w->path[0],
	    SPAN("{\"seq\":1,\"error\":\"a\"}\n{\"seq\":2,\"error\":\"a\"}\n"
		 "{\"type\":\"event\",\"seq\":4}\n{\"torn\n"
		 "{\"seq\":3,\"error\":null}\n"));
	write_file(w->path[1], SPAN("seq,error\n1,\n3,b\n5,\n"));
	assert_int_equal(retry_read_failed(w->paths, 2, failed, &w->why), 0);
	assert_int_equal(seqs_count(failed), 2);
	assert_true(seqs_has(failed, 2) && seqs_has(failed, 3));
	seqs_free(failed);
}

static void
test_results_that_do_not_say_who_failed_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} t[] = {
		{ "{\"seq\":1}\n", "--fields must contain seq and error" },
		{ "seq,url\n1,a\n", "--fields must contain seq and error" },
		{ "{\"url\":1}\n", "no key seq" },
		{ "\x1f\x8bxx", "damaged" },
	};
	struct world *w = *state;
	struct seqs *failed;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		failed = seqs_new();
		w->why.n = 0;
		write_file(w->path[0], span_str(t[i].text));
		assert_int_equal(
		    retry_read_failed(w->paths, 1, failed, &w->why), -1);
		buf_char(&w->why, '\0');
		assert_ptr_equal(strstr(w->why.p, w->path[0]), w->why.p);
		if (strstr(w->why.p, t[i].why) == NULL)
			fail_msg("%s", w->why.p);
		assert_int_equal(retry_remove_superseded(w->paths, 1, &w->why),
		    i < 2 ? 0 : -1);
		seqs_free(failed);
	}
	w->why.n = 0;
	failed = seqs_new();
	assert_int_equal(retry_read_failed(w->paths, 2, failed, &w->why), -1);
	seqs_free(failed);
}

/* ---- what is removed ---- */

#define OLD1 "{\"seq\":1,\"error\":\"a\",\"body\":\"x\"}\n"
#define NEW1 "{\"seq\":1,\"error\":null}\n"
#define KEPT2 "{\"seq\":2, \"error\":null}\n"
#define EVENT1 "{\"type\":\"event\",\"seq\":1,\"n\":1}\n"

static void
test_old_records_and_their_events_go_and_all_else_stays(void **state)
{
	static const struct {
		const char *before, *after;
	} t[] = {
		{ OLD1 KEPT2 NEW1, KEPT2 NEW1 },
		{ KEPT2 NEW1, KEPT2 NEW1 },
		{ OLD1 OLD1 KEPT2 OLD1 NEW1, KEPT2 NEW1 },
		{ EVENT1 KEPT2 EVENT1 OLD1 EVENT1 NEW1, KEPT2 EVENT1 NEW1 },
		{ "{torn\n" OLD1 "\n" NEW1 "{\"seq\":2,",
		    "{torn\n\n" NEW1 "{\"seq\":2," },
		{ "seq,error\n1,\"a\n\"\n2,\n1,\n", "seq,error\n2,\n1,\n" },
		{ "seq\terror\n1\ta\n1\tb\n1\t\n3\tc",
		    "seq\terror\n1\t\n3\tc" },
	};
	struct world *w = *state;
	struct stat a, b;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		write_file(w->path[0], span_str(t[i].before));
		assert_int_equal(chmod(w->path[0], 0640), 0);
		assert_int_equal(stat(w->path[0], &a), 0);
		assert_int_equal(
		    retry_remove_superseded(w->paths, 1, &w->why), 0);
		assert_string_equal(read_back(w, w->path[0]), t[i].after);
		assert_int_equal(stat(w->path[0], &b), 0);
		assert_int_equal(b.st_mode & 0777, 0640);
		assert_int_equal(
		    a.st_ino == b.st_ino, strcmp(t[i].before, t[i].after) == 0);
		assert_false(has_temporary(w));
	}
}

static void
test_a_series_is_one_output(void **state)
{
	struct world *w = *state;
	struct stat a, b;
	int i;

	write_file(w->path[0], SPAN(OLD1 KEPT2));
	write_file(w->path[1], SPAN("{\"seq\":3}\n"));
	write_file(w->path[2], SPAN(OLD1));
	write_file(w->path[3], SPAN(NEW1));
	assert_int_equal(stat(w->path[1], &a), 0);
	/* Again: nothing changes. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(
		    retry_remove_superseded(w->paths, 4, &w->why), 0);
		assert_string_equal(read_back(w, w->path[0]), KEPT2);
		assert_string_equal(read_back(w, w->path[1]), "{\"seq\":3}\n");
		assert_string_equal(read_back(w, w->path[2]), "");
		assert_string_equal(read_back(w, w->path[3]), NEW1);
	}
	assert_int_equal(stat(w->path[1], &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
}

static void
test_a_compressed_file_is_compressed_again(void **state)
{
	struct buf b = { 0 }, line = { 0 }, want = { 0 };
	struct world *w = *state;
	struct compress *c;
	int coding, i;
	FILE *f;

	for (coding = COMPRESS_GZIP; coding <= COMPRESS_ZSTD; coding++) {
		b.n = want.n = 0;
		c = compress_new((enum compress_coding)coding);
		for (i = 1; i <= 40000; i++) {
			line.n = 0;
			buf_printf(
			    &line, "{\"seq\":%d,\"error\":\"%060d\"}\n", i, i);
			compress_frame(c, buf_view(&line), &b);
			if (i % 2 == 1)
				buf_span(&want, buf_view(&line));
		}
		line.n = 0;
		for (i = 2; i <= 40000; i += 2)
			buf_printf(&line, "{\"seq\":%d,\"error\":null}\n", i);
		buf_span(&want, buf_view(&line));
		buf_char(&want, '\0');
		compress_frame(c, buf_view(&line), &b);
		compress_free(c);
		write_file(w->path[0], buf_view(&b));
		assert_int_equal(
		    retry_remove_superseded(w->paths, 1, &w->why), 0);
		assert_string_equal(read_back(w, w->path[0]), want.p);
		f = fopen(w->path[0], "rb");
		assert_int_equal(
		    fgetc(f), coding == COMPRESS_GZIP ? 0x1f : 0x28);
		fclose(f);
		/* A damaged one is left alone. */
		write_file(w->path[0], span_of(b.p, b.n - 3));
		assert_int_equal(
		    retry_remove_superseded(w->paths, 1, &w->why), -1);
		assert_false(has_temporary(w));
	}
	buf_fini(&b);
	buf_fini(&line);
	buf_fini(&want);
}

static void
test_a_symbolic_link_still_leads_to_the_file(void **state)
{
	struct world *w = *state;
	struct stat st;

	write_file(w->path[0], SPAN(OLD1 NEW1));
	assert_int_equal(symlink("out.1.jsonl", w->path[1]), 0);
	assert_int_equal(retry_remove_superseded(w->paths + 1, 1, &w->why), 0);
	assert_int_equal(lstat(w->path[1], &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(read_back(w, w->path[0]), NEW1);
}

static void
test_a_disk_that_takes_no_bytes_leaves_the_old_file(void **state)
{
	struct world *w = *state;
	struct rlimit old, few;

	write_file(w->path[0], SPAN(OLD1 NEW1));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	few = old;
	few.rlim_cur = 8;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_int_equal(retry_remove_superseded(w->paths, 1, &w->why), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_string_equal(read_back(w, w->path[0]), OLD1 NEW1);
}

/* ---- a process that is killed ---- */

/* Runs it and kills it before its n-th system call. Nonzero: it came to its
 * end. */
static int
run_to_call(struct world *w, int n)
{
	pid_t pid = fork();
	int status, i;

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(
		    retry_remove_superseded(w->paths, 2, &w->why) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (i = 0; i < n && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		return 1;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return 0;
}

static void
test_killed_at_any_system_call_each_name_leads_to_a_whole_file(void **state)
{
	struct world *w = *state;
	int n, is_over = 0, old = 0, new = 0;

	for (n = 1; n < 3000 && !is_over; n++) {
		write_file(w->path[0], SPAN(OLD1 KEPT2));
		write_file(w->path[1], SPAN("{\"seq\":3}\n" OLD1 NEW1));
		is_over = run_to_call(w, n);
		if (strcmp(read_back(w, w->path[0]), OLD1 KEPT2) == 0)
			old++;
		else {
			assert_string_equal(w->got.p, KEPT2);
			new ++;
		}
		read_back(w, w->path[1]);
		assert_true(strcmp(w->got.p, "{\"seq\":3}\n" OLD1 NEW1) == 0 ||
			    strcmp(w->got.p, "{\"seq\":3}\n" NEW1) == 0);
		/* The next one brings it to its end. */
		assert_int_equal(
		    retry_remove_superseded(w->paths, 2, &w->why), 0);
		assert_string_equal(read_back(w, w->path[0]), KEPT2);
		assert_string_equal(
		    read_back(w, w->path[1]), "{\"seq\":3}\n" NEW1);
	}
	assert_true(is_over && old > 10 && new > 10);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_newest_record_says_whether_an_item_failed),
		T(test_results_that_do_not_say_who_failed_are_refused),
		T(test_old_records_and_their_events_go_and_all_else_stays),
		T(test_a_series_is_one_output),
		T(test_a_compressed_file_is_compressed_again),
		T(test_a_symbolic_link_still_leads_to_the_file),
		T(test_a_disk_that_takes_no_bytes_leaves_the_old_file),
		T(test_killed_at_any_system_call_each_name_leads_to_a_whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
