/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/journal.h"
#include "store/progress.h"
#include "store/results.h"

struct world {
	char dir[64], path[80];
	struct buf why;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/fetchd-results-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/r.db", w->dir);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
	buf_fini(&w->why);
	free(w);
	return 0;
}

static struct results *
begin(struct world *w, enum results_mode mode, unsigned flags)
{
	struct results *r = results_open(w->path, mode, flags, &w->why);

	if (r == NULL || results_begin(r, &w->why) == -1)
		fail_msg("%.*s", (int)w->why.n, w->why.p);
	return r;
}

static void
assert_refused(struct world *w, enum results_mode mode, const char *what)
{
	struct results *r;

	w->why.n = 0;
	r = results_open(w->path, mode, 0, &w->why);
	assert_null(r);
	buf_char(&w->why, '\0');
	if (strstr(w->why.p, what) == NULL)
		fail_msg("%s", w->why.p);
}

static void
put(struct results *r, const char *line)
{
	if (results_put(r, span_str(line)) != E_OK)
		fail_msg("%s: %s", line, results_why(r));
}

static void
put_seq(struct results *r, uint64_t seq)
{
	char line[64];

	snprintf(
	    line, sizeof(line), "{\"seq\":%llu}\n", (unsigned long long)seq);
	put(r, line);
}

/* What a program of its own reads: its value as text. */
static void
assert_sql(struct world *w, const char *sql, const char *value)
{
	const char *got;
	sqlite3_stmt *st;
	sqlite3 *db;

	assert_int_equal(
	    sqlite3_open_v2(w->path, &db, SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	got = (const char *)sqlite3_column_text(st, 0);
	assert_string_equal(got != NULL ? got : "NULL", value);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
execute(struct world *w, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* ---- rows ---- */

static void
test_each_key_is_a_column_of_its_type(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	put(r, "{\"type\":\"result\",\"seq\":7,\"id\":\"a\\n\\u0041\","
	       "\"meta\":\"m\",\"url\":\"http://h/\",\"status_code\":200,"
	       "\"error\":null,\"complete\":true,\"time_total\":0.034567,"
	       "\"header\":{\"etag\":[\"x\"]},\"body\":\"\\u00e9\\u0000z\"}\n");
	assert_int_equal(results_commit(r, NULL), E_OK);
	assert_sql(w, "SELECT typeof(seq)||seq FROM results", "integer7");
	assert_sql(w, "SELECT id FROM results", "a\nA");
	assert_sql(w, "SELECT meta FROM results", "\"m\"");
	assert_sql(w, "SELECT typeof(status_code)||status_code FROM results",
	    "integer200");
	assert_sql(w, "SELECT error FROM results", "NULL");
	assert_sql(
	    w, "SELECT typeof(complete)||complete FROM results", "integer1");
	assert_sql(w,
	    "SELECT typeof(time_total)||(time_total = 0.034567) "
	    "FROM results",
	    "real1");
	assert_sql(w, "SELECT header->>'$.etag[0]' FROM results", "x");
	assert_sql(w, "SELECT hex(body) FROM results", "C3A9007A");
	assert_sql(w, "SELECT typeof(body) FROM results", "text");
	assert_sql(w, "SELECT typeof(attempts) FROM results", "null");
	results_close(r);
}

static void
test_a_body_that_is_not_text_is_a_blob_of_its_bytes(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	put(r, "{\"seq\":1,\"body_base64\":\"AP8=\"}\n");
	put(r, "{\"seq\":2,\"body\":\"\"}\n");
	put(r, "{\"seq\":3,\"body\":null}\n");
	put(r, "{\"seq\":4,\"body_json\":null}\n");
	put(r, "{\"seq\":5,\"body_json\":[1, {\"a\":\"\\ud800\"}]}\n");
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_sql(w,
	    "SELECT typeof(body)||hex(body) FROM results "
	    "WHERE seq = 1",
	    "blob00FF");
	assert_sql(w, "SELECT group_concat(typeof(body)) FROM results",
	    "blob,text,null,null,null");
	assert_sql(w, "SELECT body_json FROM results WHERE seq = 4", "null");
	assert_sql(w, "SELECT body_json FROM results WHERE seq = 5",
	    "[1, {\"a\":\"\\ud800\"}]");
}

static void
test_an_id_keeps_its_type_and_its_digits(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	put(r, "{\"seq\":1,\"id\":5}\n");
	put(r, "{\"seq\":2,\"id\":\"5\"}\n");
	put(r, "{\"seq\":3,\"custom_id\":18446744073709551616}\n");
	put(r, "{\"seq\":4,\"id\":1.50}\n");
	put(r, "{\"seq\":5,\"id\":true}\n");
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_sql(w, "SELECT group_concat(typeof(id)||id) FROM results",
	    "integer5,text5,text1.50,integer1");
	assert_sql(w, "SELECT custom_id FROM results WHERE seq = 3",
	    "18446744073709551616");
}

static const char whole[] =
    "{\"type\":\"result\",\"seq\":1,\"id\":\"x\\ty\",\"meta\":{\"a\":[1]},"
    "\"conn_reused\":false,\"time_item\":1.5,\"body_base64\":\"AAAA\"}";

static void
test_a_line_that_is_cut_anywhere_is_an_error_with_a_message(void **state)
{
	struct world *w = *state;
	struct results *r;
	char *line;
	size_t n;

	for (n = 0; n < sizeof(whole) - 1; n++) {
		r = begin(w, RESULTS_NEW, 0);
		line = malloc(n > 0 ? n : 1); /* its end is guarded */
		memcpy(line, whole, n);
		assert_int_equal(results_put(r, span_of(line, n)), E_OUTPUT_IO);
		free(line);
		assert_non_null(
		    strstr(results_why(r), "a record cannot be stored: "));
		assert_int_equal(results_commit(r, NULL), E_OUTPUT_IO);
		results_close(r);
	}
	r = begin(w, RESULTS_NEW, 0);
	put(r, whole);
	results_close(r);
}

static void
test_what_is_no_record_is_an_error_with_a_message(void **state)
{
	static const char *const lines[] = { "[1]", "7", "{}", "{\"seq\":0}",
		"{\"seq\":-1}", "{\"seq\":1.5}", "{\"seq\":\"1\"}",
		"{\"seq\":99999999999999999999}", "{\"seq\":1,\"colour\":2}",
		"{\"seq\":1}{\"seq\":2}", "{\"seq\":1,\"body_base64\":\"A\"}" };
	struct world *w = *state;
	struct results *r;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		r = begin(w, RESULTS_NEW, 0);
		if (results_put(r, span_str(lines[i])) != E_OUTPUT_IO)
			fail_msg("%s was stored", lines[i]);
		results_close(r);
	}
	r = begin(w, RESULTS_NEW, 0);
	results_close(r);
	assert_sql(w, "SELECT count(*) FROM results", "0");
}

static void
test_a_second_record_of_an_item_is_an_error_unless_it_replaces(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	put(r, "{\"seq\":1,\"error\":\"dns_error\"}\n");
	assert_int_equal(results_commit(r, NULL), E_OK);
	put_seq(r, 2);
	assert_int_equal(results_put(r, SPAN("{\"seq\":1}\n")), E_OUTPUT_IO);
	assert_string_equal(
	    results_why(r), "the record with seq 1 is in the table already");
	assert_int_equal(results_commit(r, NULL), E_OUTPUT_IO);
	results_close(r);
	/* What was not committed is gone. */
	assert_sql(w, "SELECT group_concat(seq) FROM results", "1");

	r = begin(w, RESULTS_APPEND, RESULTS_REPLACE);
	results_close(r);
}

static void
test_uncommitted_rows_are_lost(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, RESULTS_SYNC);

	put_seq(r, 1);
	assert_int_equal(results_commit(r, NULL), E_OK);
	put_seq(r, 2);
	/* A reader sees what is committed, and the run goes on. */
	assert_sql(w, "SELECT max(seq) FROM results", "1");
	results_close(r);
	assert_sql(w, "SELECT max(seq) FROM results", "1");
	assert_sql(w, "PRAGMA integrity_check", "ok");
}

/* ---- what is there already ---- */

static void
test_results_are_never_replaced_unasked(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	results_close(r);
	r = begin(w, RESULTS_NEW, 0); /* it has none yet */
	put_seq(r, 1);
	put_seq(r, 2);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_refused(w, RESULTS_NEW, "--append");
	assert_refused(w, RESULTS_RESUME, "cannot be resumed");
	assert_sql(w, "SELECT count(*) FROM results", "2");

	r = begin(w, RESULTS_APPEND, 0);
	put_seq(r, 1);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_sql(w, "SELECT group_concat(seq) FROM results", "1,2,3");

	r = begin(w, RESULTS_OVERWRITE, 0);
	put_seq(r, 5);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_sql(w, "SELECT group_concat(seq) FROM results", "5");
}

static void
test_a_table_of_somebody_else_is_left_alone(void **state)
{
	struct world *w = *state;
	struct results *r;

	execute(w, "CREATE TABLE results(x); CREATE TABLE mine(y);"
		   "INSERT INTO mine VALUES(3)");
	assert_refused(w, RESULTS_OVERWRITE, "has not made");
	execute(w, "DROP TABLE results");
	r = begin(w, RESULTS_NEW, 0);
	put_seq(r, 1);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	r = begin(w, RESULTS_OVERWRITE, 0);
	results_close(r);
	assert_sql(w, "SELECT y FROM mine", "3");
}

static void
test_what_is_no_database_is_refused_untouched(void **state)
{
	static const char text[] = "http://h/ is a list, not a database, and "
				   "longer than the header of one would be";
	struct world *w = *state;
	char got[sizeof(text)];
	FILE *f = fopen(w->path, "w");

	fwrite(text, 1, sizeof(text), f);
	fclose(f);
	assert_refused(w, RESULTS_OVERWRITE, "not an SQLite database");
	f = fopen(w->path, "r");
	assert_int_equal(fread(got, 1, sizeof(got), f), sizeof(got));
	fclose(f);
	assert_memory_equal(got, text, sizeof(text));
	unlink(w->path);
	assert_int_equal(mkdir(w->path, 0700), 0);
	assert_refused(w, RESULTS_NEW, "Is a directory");
	rmdir(w->path);
	assert_int_equal(mkfifo(w->path, 0600), 0);
	assert_refused(w, RESULTS_NEW, "not a regular file");
}

/* Each page is overwritten in turn: an error or not, never a crash. */
static void
test_a_damaged_database_is_an_error_with_a_message(void **state)
{
	struct world *w = *state;
	struct results_state st = { .last = 3000 };
	struct results *r = begin(w, RESULTS_NEW, 0);
	struct progress *open;
	char noise[4096];
	struct stat sb;
	uint64_t seq;
	long at;
	FILE *f;

	for (seq = 1; seq <= 2000; seq++)
		put_seq(r, seq);
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	assert_int_equal(stat(w->path, &sb), 0);
	memset(noise, 0x5a, sizeof(noise));
	for (at = (long)sb.st_size - 4096; at >= 0; at -= 4096) {
		f = fopen(w->path, "r+");
		fseek(f, at, SEEK_SET);
		fwrite(noise, 1, sizeof(noise), f);
		fclose(f);
		w->why.n = 0;
		r = results_open(w->path, RESULTS_RESUME, 0, &w->why);
		open = progress_new();
		if (r != NULL &&
		    results_read_state(r, &st, open, &w->why) == 1 &&
		    results_begin(r, &w->why) == 0) {
			(void)results_put(r, SPAN("{\"seq\":2500}"));
			(void)results_commit(r, &st);
			assert_int_equal(results_why(r)[0] == '\0',
			    results_commit(r, NULL) == E_OK);
		} else
			assert_int_not_equal(w->why.n, 0);
		progress_free(open);
		results_close(r);
	}
	assert_refused(w, RESULTS_RESUME, "not an SQLite database");
}

static void
test_a_newer_schema_is_refused(void **state)
{
	struct world *w = *state;

	results_close(begin(w, RESULTS_NEW, 0));
	execute(w, "UPDATE fetchd SET value = 2 WHERE key = 'schema'");
	assert_refused(w, RESULTS_OVERWRITE, "a newer fetchd");
	execute(w, "UPDATE fetchd SET value = 0 WHERE key = 'schema'");
	assert_refused(w, RESULTS_OVERWRITE, "an older fetchd");
}

static void
test_columns_that_an_older_version_did_not_have_are_added(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	put_seq(r, 1);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	execute(w, "ALTER TABLE results DROP COLUMN parse;"
		   "ALTER TABLE results ADD COLUMN of_the_future TEXT");
	r = begin(w, RESULTS_APPEND, 0);
	put(r, "{\"seq\":1,\"parse\":{\"error\":null}}\n");
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_sql(
	    w, "SELECT parse FROM results WHERE seq = 2", "{\"error\":null}");
}

static void
test_two_runs_never_write_to_one_database(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);

	assert_refused(w, RESULTS_APPEND, "another fetchd is writing");
	put_seq(r, 1);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	results_close(begin(w, RESULTS_APPEND, 0));
}

/* It goes on reading what it saw, and the new rows are complete. */
static void
test_a_reader_does_not_keep_a_database_from_being_overwritten(void **state)
{
	struct world *w = *state;
	struct results *r = begin(w, RESULTS_NEW, 0);
	sqlite3_stmt *st;
	sqlite3 *db;
	int i, n = 0;

	for (i = 1; i <= 1000; i++)
		put_seq(r, (uint64_t)i);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT seq FROM results", -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	r = begin(w, RESULTS_OVERWRITE, 0);
	put_seq(r, 7);
	assert_int_equal(results_commit(r, NULL), E_OK);
	do {
		n++;
	} while (sqlite3_step(st) == SQLITE_ROW);
	assert_int_equal(n, 1000);
	sqlite3_finalize(st);
	sqlite3_close(db);
	results_close(r);
	assert_sql(w, "SELECT group_concat(seq) FROM results", "7");
	assert_sql(w, "PRAGMA integrity_check", "ok");
}

static void
test_a_name_is_never_a_uri_or_memory(void **state)
{
	struct world *w = *state;
	char dir[4096];

	assert_non_null(getcwd(dir, sizeof(dir)));
	assert_int_equal(chdir(w->dir), 0);
	strcpy(w->path, ":memory:");
	results_close(begin(w, RESULTS_NEW, 0));
	assert_int_equal(access(":memory:", F_OK), 0);
	strcpy(w->path, "file:x?mode=memory");
	results_close(begin(w, RESULTS_NEW, 0));
	assert_int_equal(access("file:x?mode=memory", F_OK), 0);
	assert_int_equal(chdir(dir), 0);
}

/* ---- the state ---- */

static void
assert_state(struct world *w, uint64_t last, const uint64_t *seqs, size_t n)
{
	struct results *r = results_open(w->path, RESULTS_RESUME, 0, &w->why);
	struct progress *p = progress_new();
	const struct progress_item *i = NULL;
	struct results_state st;
	size_t k;

	assert_non_null(r);
	assert_int_equal(results_read_state(r, &st, p, &w->why), 1);
	assert_int_equal(st.last, last);
	assert_int_equal(progress_last(p), last);
	assert_int_equal(progress_open(p), n);
	for (k = 0; k < n; k++) {
		i = progress_from(p, i != NULL ? i->seq + 1 : 0);
		assert_int_equal(i->seq, seqs[k]);
	}
	progress_free(p);
	results_close(r);
}

static void
test_items_without_row_are_open_at_every_commit(void **state)
{
	struct world *w = *state;
	struct results_state st = { .last = 5 };
	struct results *r = begin(w, RESULTS_NEW, 0);

	put_seq(r, 4);
	put_seq(r, 1);
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	assert_state(w, 5, (uint64_t[]){ 2, 3, 5 }, 3);

	r = begin(w, RESULTS_RESUME, 0);
	put_seq(r, 3);
	assert_int_equal(results_skip(r, 5), E_OK);
	put_seq(r, 7);
	st.last = 8;
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	assert_state(w, 8, (uint64_t[]){ 2, 6, 8 }, 3);

	r = begin(w, RESULTS_RESUME, 0);
	put_seq(r, 2); /* not committed */
	results_close(r);
	assert_state(w, 8, (uint64_t[]){ 2, 6, 8 }, 3);

	r = begin(w, RESULTS_RESUME, 0);
	assert_int_equal(results_skip(r, 2), E_OK);
	assert_int_equal(results_skip(r, 6), E_OK);
	assert_int_equal(results_skip(r, 8), E_OK);
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	assert_state(w, 8, NULL, 0);
}

static void
test_pieces_and_changed_items_come_back(void **state)
{
	struct world *w = *state;
	const struct progress_item changed[] = {
		{ .seq = 2,
		    .attempts = 3,
		    .tries = 2,
		    .not_before_us = 1234567890123456,
		    .was_begun = 1 },
	};
	struct results_state st;
	struct results *r = begin(w, RESULTS_NEW, 0);
	struct progress *p = progress_new();
	const struct progress_item *i;

	assert_int_equal(results_read_state(r, &st, p, &w->why), 0);
	st = (struct results_state){ .last = 2,
		.piece = { [RESULTS_RUN] = SPAN("a\0b") },
		.changed = changed,
		.nchanged = 1 };
	assert_int_equal(results_commit(r, &st), E_OK);
	st = (struct results_state){ .last = 2, .is_finished = 1 };
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	r = begin(w, RESULTS_RESUME, 0);
	assert_int_equal(results_read_state(r, &st, p, &w->why), 1);
	assert_int_equal(st.is_finished, 1);
	assert_true(span_eq(st.piece[RESULTS_RUN], SPAN("a\0b")));
	assert_null(st.piece[RESULTS_GOVERNOR].p);
	i = progress_find(p, 2);
	assert_int_equal(i->attempts, 3);
	assert_int_equal(i->tries, 2);
	assert_int_equal(i->not_before_us, 1234567890123456);
	assert_int_equal(i->was_begun, 1);
	progress_free(p);
	st = (struct results_state){ .last = 2,
		.piece = { [RESULTS_GOVERNOR] = SPAN("") } };
	assert_int_equal(results_commit(r, &st), E_OK);
	p = progress_new();
	assert_int_equal(results_read_state(r, &st, p, &w->why), 1);
	assert_non_null(st.piece[RESULTS_GOVERNOR].p);
	assert_int_equal(st.piece[RESULTS_GOVERNOR].n, 0);
	progress_free(p);
	results_close(r);
}

static void
test_the_state_of_a_journal_comes_back(void **state)
{
	struct world *w = *state;
	struct journal_state s, back;
	struct results_state st = { .last = 3 };
	struct results *r = begin(w, RESULTS_RESUME, 0);
	struct buf run = { 0 };

	journal_state_init(&s);
	journal_state_init(&back);
	assert_int_equal(results_read_run(r, &back, &w->why), 0);
	journal_state_add_input(&s, SPAN("urls.txt"), 77, -5);
	s.identity.options[1] = 42;
	s.mark = (struct journal_mark){ .bytes = 9, .lines = 3, .hash = { 8 } };
	buf_str(&s.counts, "counts");
	buf_str(&s.governor, "governor");
	progress_give(s.progress, 1);
	results_encode_run(&run, &s);
	st.piece[RESULTS_RUN] = buf_view(&run);
	st.piece[RESULTS_GOVERNOR] = buf_view(&s.governor);
	put_seq(r, 2);
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	r = begin(w, RESULTS_RESUME, 0);
	assert_int_equal(results_read_run(r, &back, &w->why), 1);
	assert_int_equal(back.identity.options[1], 42);
	assert_string_equal(back.identity.inputs[0].name, "urls.txt");
	assert_int_equal(back.identity.inputs[0].mtime_ns, -5);
	assert_int_equal(back.mark.bytes, 9);
	assert_int_equal(back.mark.hash[0], 8);
	assert_true(span_eq(buf_view(&back.counts), SPAN("counts")));
	assert_true(span_eq(buf_view(&back.governor), SPAN("governor")));
	assert_int_equal(progress_last(back.progress), 3);
	assert_int_equal(progress_open(back.progress), 2);
	assert_non_null(progress_find(back.progress, 1));
	assert_int_equal(back.is_finished, 0);
	/* A byte that is wrong is found. */
	run.p[run.n / 2] ^= 1;
	st.piece[RESULTS_RUN] = buf_view(&run);
	assert_int_equal(results_commit(r, &st), E_OK);
	journal_state_fini(&back);
	journal_state_init(&back);
	assert_int_equal(results_read_run(r, &back, &w->why), -1);
	assert_int_not_equal(w->why.n, 0);
	results_close(r);
	journal_state_fini(&s);
	journal_state_fini(&back);
	buf_fini(&run);
}

static void
test_appended_rows_continue_seq_and_have_a_state_of_their_own(void **state)
{
	struct world *w = *state;
	struct results_state st = { .last = 3 };
	struct results *r = begin(w, RESULTS_NEW, 0);
	struct progress *p = progress_new();

	put_seq(r, 1);
	put_seq(r, 3);
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	r = begin(w, RESULTS_APPEND, 0);
	put(r, "{\"seq\":2,\"error\":\"dns_error\"}\n");
	st.last = 2;
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	assert_state(w, 2, (uint64_t[]){ 1 }, 1);
	r = begin(w, RESULTS_RESUME, RESULTS_REPLACE);
	assert_int_equal(results_read_failed(r, p, &w->why), 0);
	assert_int_equal(progress_open(p), 1);
	assert_int_equal(progress_from(p, 0)->seq, 2);
	put_seq(r, 1);
	put_seq(r, 2); /* replaces the failed one */
	assert_int_equal(results_commit(r, &st), E_OK);
	results_close(r);
	assert_state(w, 2, NULL, 0);
	assert_sql(w,
	    "SELECT group_concat(seq) FROM results WHERE error IS "
	    "NULL",
	    "1,3,4,5");
	progress_free(p);
}

static void
test_a_state_that_is_damaged_is_an_error_with_a_message(void **state)
{
	static const char *const damages[] = {
		"UPDATE fetchd SET value = -1 WHERE key = 'last'",
		"UPDATE fetchd SET value = 1 WHERE key = 'last'",
		"INSERT INTO fetchd_open VALUES(-4, 0, 0, 0, 0)",
	};
	struct world *w = *state;
	struct results_state st = { .last = 3 };
	struct progress *p;
	struct results *r;
	size_t i;

	for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		r = begin(w, RESULTS_OVERWRITE, 0);
		put_seq(r, 1);
		assert_int_equal(results_commit(r, &st), E_OK);
		results_close(r);
		execute(w, damages[i]);
		r = results_open(w->path, RESULTS_RESUME, 0, &w->why);
		assert_non_null(r);
		p = progress_new();
		w->why.n = 0;
		assert_int_equal(results_read_state(r, &st, p, &w->why), -1);
		assert_int_not_equal(w->why.n, 0);
		progress_free(p);
		results_close(r);
		st = (struct results_state){ .last = 3 };
	}
}

/* Many rows, and few open items at both ends: the rows are not read. */
static void
test_the_state_is_read_by_the_open_items_and_not_by_the_rows(void **state)
{
	struct world *w = *state;
	const char *rows = getenv("RESULTS_ROWS"),
		   *text = getenv("RESULTS_TEXT");
	uint64_t n = rows != NULL ? strtoull(rows, NULL, 10) : 20000, seq;
	struct results_state st = { 0 };
	struct results *r = begin(w, RESULTS_NEW, 0);
	char line[8192];

	for (seq = 2; seq < n; seq++) {
		snprintf(line, sizeof(line), "{\"seq\":%llu,\"body\":\"%s\"}\n",
		    (unsigned long long)seq, text != NULL ? text : "x");
		put(r, line);
		if (seq % 1000 == 0) {
			st.last = seq + 1;
			assert_int_equal(results_commit(r, &st), E_OK);
		}
	}
	st.last = n;
	assert_int_equal(results_commit(r, &st), E_OK);
	assert_int_equal(results_idle(r), E_OK);
	results_close(r);
	assert_state(w, n, (uint64_t[]){ 1, n }, 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_each_key_is_a_column_of_its_type),
		TEST(test_a_body_that_is_not_text_is_a_blob_of_its_bytes),
		TEST(test_an_id_keeps_its_type_and_its_digits),
		TEST(
		    test_a_line_that_is_cut_anywhere_is_an_error_with_a_message),
		TEST(test_what_is_no_record_is_an_error_with_a_message),
		TEST(
		    test_a_second_record_of_an_item_is_an_error_unless_it_replaces),
		TEST(test_uncommitted_rows_are_lost),
		TEST(test_results_are_never_replaced_unasked),
		TEST(test_a_table_of_somebody_else_is_left_alone),
		TEST(test_what_is_no_database_is_refused_untouched),
		TEST(test_a_damaged_database_is_an_error_with_a_message),
		TEST(test_a_newer_schema_is_refused),
		TEST(test_columns_that_an_older_version_did_not_have_are_added),
		TEST(test_two_runs_never_write_to_one_database),
		TEST(
		    test_a_reader_does_not_keep_a_database_from_being_overwritten),
		TEST(test_a_name_is_never_a_uri_or_memory),
		TEST(test_items_without_row_are_open_at_every_commit),
		TEST(test_pieces_and_changed_items_come_back),
		TEST(test_the_state_of_a_journal_comes_back),
		TEST(
		    test_appended_rows_continue_seq_and_have_a_state_of_their_own),
		TEST(test_a_state_that_is_damaged_is_an_error_with_a_message),
		TEST(
		    test_the_state_is_read_by_the_open_items_and_not_by_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
