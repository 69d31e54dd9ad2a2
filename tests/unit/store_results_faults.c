/* SPDX-License-Identifier: ISC */
/*
 * The disk fails at each write and each sync in turn, once or for good: what
 * was acknowledged is there, whole, and the failure has a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/progress.h"
#include "store/results.h"

#define COMMITS 4
#define ROWS 50 /* of each commit; as many items stay open */

/* ---- a disk that fails ---- */

enum fault { FULL, IO, SYNC };

static struct {
	sqlite3_vfs vfs, *real;
	/* Of the database; of its log and others, which are not locked. */
	struct {
		const sqlite3_io_methods *real;
		sqlite3_io_methods faulty;
	} methods[2];
	enum fault fault;
	long left; /* calls until it fails; 0: never */
	int is_for_good, has_failed;
} disk;

static int
fails(int is_sync)
{
	if (is_sync != (disk.fault == SYNC))
		return 0;
	if (disk.has_failed)
		return disk.is_for_good;
	if (disk.left == 0 || --disk.left > 0)
		return 0;
	disk.has_failed = 1;
	return 1;
}

static const sqlite3_io_methods *
real(const sqlite3_file *f)
{
	return disk.methods[f->pMethods == &disk.methods[1].faulty].real;
}

static int
on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (!fails(0))
		return real(f)->xWrite(f, p, n, at);
	/* Some of it may be there. */
	(void)real(f)->xWrite(f, p, n / 2, at);
	return disk.fault == FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int
on_sync(sqlite3_file *f, int flags)
{
	return fails(1) ? SQLITE_IOERR_FSYNC : real(f)->xSync(f, flags);
}

static int
on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out_flags)
{
	int rc = disk.real->xOpen(disk.real, name, f, flags, out_flags);
	int k = (flags & SQLITE_OPEN_MAIN_DB) == 0;

	(void)vfs;
	if (rc != SQLITE_OK)
		return rc;
	disk.methods[k].real = f->pMethods;
	disk.methods[k].faulty = *f->pMethods;
	disk.methods[k].faulty.xWrite = on_write;
	disk.methods[k].faulty.xSync = on_sync;
	f->pMethods = &disk.methods[k].faulty;
	return rc;
}

static int
register_disk(void **state)
{
	(void)state;
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "faulty";
	disk.vfs.xOpen = on_open;
	return sqlite3_vfs_register(&disk.vfs, 1);
}

/* ---- a run ---- */

static char path[64];

static void
forget(void)
{
	char name[80];

	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-journal", path);
	unlink(name);
}

/* Items 2k-1 get rows, 2k stay open. */
static enum err
commit(struct results *r, uint64_t k)
{
	struct results_state st = { .last = k * ROWS * 2 };
	char line[64];
	uint64_t seq;
	enum err err;

	for (seq = (k - 1) * ROWS * 2 + 1; seq <= st.last; seq += 2) {
		snprintf(line, sizeof(line), "{\"seq\":%llu,\"url\":\"u\"}\n",
		    (unsigned long long)seq);
		err = results_put(r, span_str(line));
		if (err != E_OK)
			return err;
	}
	return results_commit(r, &st);
}

/* Returns how many commits were acknowledged; *err is what ended the run. */
static uint64_t
run(enum err *err, struct buf *why)
{
	struct results *r =
	    results_open(path, RESULTS_RESUME, RESULTS_SYNC, why);
	uint64_t k = 0;

	*err = E_OUTPUT_IO;
	if (r != NULL && results_begin(r, why) == 0) {
		do {
			*err = commit(r, k + 1);
			k += *err == E_OK;
		} while (*err == E_OK && k < COMMITS);
		if (*err == E_OK)
			*err = results_idle(r);
		if (*err != E_OK) {
			buf_str(why, results_why(r));
			assert_int_equal(results_put(r, SPAN("{}")), *err);
			assert_int_equal(results_commit(r, NULL), *err);
		}
	}
	results_close(r);
	return k;
}

static int64_t
number(const char *sql)
{
	sqlite3_stmt *st;
	int64_t n = -1;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* The rows and the state are those of a commit, and not of one before the last
 * that was acknowledged. */
static void
check_what_is_there(uint64_t acknowledged)
{
	struct buf why = { 0 };
	struct results *r = results_open(path, RESULTS_RESUME, 0, &why);
	struct progress *open = progress_new();
	struct results_state st;
	uint64_t k, seq;

	if (r == NULL)
		fail_msg("%.*s", (int)why.n, why.p);
	k = results_read_state(r, &st, open, &why) == 1 ? st.last / ROWS / 2
							: 0;
	assert_in_range(k, acknowledged, COMMITS);
	assert_int_equal(progress_open(open), k * ROWS);
	for (seq = 2; seq <= k * ROWS * 2; seq += 2)
		assert_non_null(progress_find(open, seq));
	progress_free(open);
	results_close(r);
	assert_int_equal(number("SELECT integrity_check = 'ok' FROM "
				"pragma_integrity_check"),
	    1);
	if (k > 0)
		assert_int_equal(
		    number("SELECT count(url) FROM results"), k * ROWS);
	buf_fini(&why);
}

static void
fail_at_each(enum fault fault, int is_for_good)
{
	struct buf why = { 0 };
	uint64_t acknowledged;
	enum err err;
	long n;

	for (n = 1;; n++) {
		forget();
		why.n = 0;
		disk.fault = fault;
		disk.left = n;
		disk.is_for_good = is_for_good;
		disk.has_failed = 0;
		acknowledged = run(&err, &why);
		disk.left = 0;
		disk.is_for_good = 0;
		if (!disk.has_failed)
			break;
		check_what_is_there(acknowledged);
		if (err == E_OK)
			continue; /* it was at the end */
		assert_int_not_equal(why.n, 0);
		if (acknowledged > 0 && fault == FULL)
			assert_int_equal(err, E_OUTPUT_NO_SPACE);
		if (acknowledged > 0 && fault != FULL)
			assert_int_equal(err, E_OUTPUT_IO);
	}
	assert_int_equal(acknowledged, COMMITS);
	assert_in_range(n, 5, 10000);
	forget();
	buf_fini(&why);
}

static void
test_a_full_disk_loses_nothing_that_was_acknowledged(void **state)
{
	(void)state;
	fail_at_each(FULL, 0);
	fail_at_each(FULL, 1);
}

static void
test_a_failed_write_loses_nothing_that_was_acknowledged(void **state)
{
	(void)state;
	fail_at_each(IO, 0);
	fail_at_each(IO, 1);
}

/* It is never tried again as if nothing had happened. */
static void
test_a_failed_sync_ends_the_run(void **state)
{
	(void)state;
	fail_at_each(SYNC, 0);
	fail_at_each(SYNC, 1);
}

/* The run goes on where it was once there is room again. */
static void
test_a_run_can_be_resumed_after_a_full_disk(void **state)
{
	struct buf why = { 0 };
	uint64_t acknowledged, k;
	struct results *r;
	enum err err;

	(void)state;
	forget();
	disk.fault = FULL;
	disk.has_failed = 0;
	disk.is_for_good = 1;
	disk.left = 40;
	acknowledged = run(&err, &why);
	if (err != E_OUTPUT_NO_SPACE)
		fail_msg("%.*s", (int)why.n, why.p);
	disk.left = 0;
	disk.is_for_good = 0;
	r = results_open(path, RESULTS_RESUME, RESULTS_SYNC, &why);
	assert_int_equal(results_begin(r, &why), 0);
	for (k = acknowledged + 1; k <= COMMITS; k++)
		assert_int_equal(commit(r, k), E_OK);
	results_close(r);
	check_what_is_there(COMMITS);
	forget();
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_full_disk_loses_nothing_that_was_acknowledged),
		cmocka_unit_test(
		    test_a_failed_write_loses_nothing_that_was_acknowledged),
		cmocka_unit_test(test_a_failed_sync_ends_the_run),
		cmocka_unit_test(test_a_run_can_be_resumed_after_a_full_disk),
	};

	snprintf(path, sizeof(path), "/tmp/fetchd-faults-%d.db", (int)getpid());
	return cmocka_run_group_tests(tests, register_disk, NULL);
}
