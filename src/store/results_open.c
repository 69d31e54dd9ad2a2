/* SPDX-License-Identifier: ISC */
/* Opens the database and makes its tables. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/results_int.h"

#define BUSY_STEP_MS 10
#define START_BUSY_MS 2000 /* nothing is lost yet if the run does not start */

const char *
results_fault(sqlite3 *db)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_NOTADB:
		return "it is not an SQLite database; choose another file";
	case SQLITE_CORRUPT:
		return "the database is damaged; sqlite3 FILE .recover may "
		       "save what is in it";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "it is locked by another program";
	}
	return sqlite3_errmsg(db);
}

int
results_exec(struct results *r, const char *sql)
{
	return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int
fail(struct results *r, struct buf *why)
{
	buf_str(why, results_fault(r->db));
	return -1;
}

static int
refuse(struct buf *why, const char *what)
{
	buf_str(why, what);
	return -1;
}

/* The number that the statement returns; *n stays as it is if it returns no
 * row. 0, or -1. */
static int
read_number(struct results *r, const char *sql, int64_t *n)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(r->db, sql, -1, &st, NULL) != SQLITE_OK)
		return -1;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

/* ---- what is there ---- */

static int
open_locked(struct results *r, const char *path, struct buf *why)
{
	struct stat st;

	r->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (r->fd != -1)
		r->new_path = mem_strndup(path, strlen(path));
	else
		r->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (r->fd == -1 || fstat(r->fd, &st) == -1)
		return refuse(why, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(
		    why, "it is not a regular file; a database must be one");
	if (flock(r->fd, LOCK_EX | LOCK_NB) == 0) {
		if (fstat(r->fd, &st) == 0 && st.st_nlink > 0)
			return 0;
		return refuse(
		    why, "another fetchd has just removed it; try again");
	}
	free(r->new_path); /* it belongs to that other one now */
	r->new_path = NULL;
	if (errno == EWOULDBLOCK)
		return refuse(
		    why, "it is locked: another fetchd is writing to it");
	buf_printf(why, "cannot lock it: %s", strerror(errno));
	return -1;
}

/* Another program has a lock: waits a moment. 0: not any longer. */
static int
on_busy(void *arg, int calls)
{
	struct results *r = arg;

	if (atomic_load(&r->is_cancelled) || calls >= r->busy_ms / BUSY_STEP_MS)
		return 0;
	(void)poll(NULL, 0, BUSY_STEP_MS);
	return 1;
}

void
results_cancel(struct results *r)
{
	atomic_store(&r->is_cancelled, 1);
}

/* "./" keeps SQLite from taking a name for a URI or ":memory:". */
static int
open_database(struct results *r, const char *path, struct buf *why)
{
	struct buf name = { 0 };
	int rc;

	buf_printf(&name, "%s%s", path[0] == '/' ? "" : "./", path);
	buf_char(&name, '\0');
	rc = sqlite3_open_v2(name.p, &r->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_PRIVATECACHE,
	    NULL);
	buf_fini(&name);
	if (rc != SQLITE_OK)
		return refuse(why,
		    r->db != NULL ? sqlite3_errmsg(r->db) : sqlite3_errstr(rc));
	sqlite3_extended_result_codes(r->db, 1);
	r->busy_ms = START_BUSY_MS;
	sqlite3_busy_handler(r->db, on_busy, r);
	/* The file may come from somebody else. */
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return 0;
}

static int
check_schema(struct results *r, struct buf *why)
{
	int64_t schema = 0;

	if (read_number(r, "SELECT value FROM fetchd WHERE key = 'schema'",
		&schema) == -1)
		return fail(r, why);
	if (schema >= RESULTS_SCHEMA_MIN && schema <= RESULTS_SCHEMA)
		return 0;
	buf_printf(why,
	    "its schema is version %lld, and this fetchd reads %d to %d; use "
	    "%s fetchd, or choose another file",
	    (long long)schema, RESULTS_SCHEMA_MIN, RESULTS_SCHEMA,
	    schema > RESULTS_SCHEMA ? "a newer" : "an older");
	return -1;
}

static int
check_rows(struct results *r, int has_state, struct buf *why)
{
	switch (r->mode) {
	case RESULTS_NEW:
		return refuse(why,
		    "it has results already: --resume continues their run, "
		    "--append adds new ones, --overwrite replaces them");
	case RESULTS_RESUME:
		if (has_state)
			return 0;
		return refuse(why,
		    "it has results, but not the state of their run, so that "
		    "it cannot be resumed: --append adds new ones, --overwrite "
		    "replaces them");
	case RESULTS_APPEND:
	case RESULTS_OVERWRITE:
		return 0;
	}
	return -1;
}

/* Compares what the database has with what the mode allows. */
static int
check_contents(struct results *r, struct buf *why)
{
	int64_t has_results = 0, is_ours = 0, has_rows = 0, has_state = 0;

	if (read_number(r,
		"SELECT count(*) FROM sqlite_schema WHERE name = 'results'",
		&has_results) == -1 ||
	    read_number(r,
		"SELECT count(*) = 2 FROM sqlite_schema WHERE type = 'table' "
		"AND name IN ('fetchd', 'fetchd_open')",
		&is_ours) == -1)
		return fail(r, why);
	if (has_results && !is_ours)
		return refuse(why,
		    "it has a table \"results\" that fetchd has not made; "
		    "choose another file");
	if (!is_ours)
		return 0;
	if (check_schema(r, why) == -1)
		return -1;
	if (!has_results)
		return refuse(why,
		    "its table \"results\" is missing; choose another file");
	if (read_number(r, "SELECT 1 FROM results LIMIT 1", &has_rows) == -1 ||
	    read_number(r, "SELECT 1 FROM fetchd WHERE key = 'last'",
		&has_state) == -1 ||
	    read_number(r, "SELECT value FROM fetchd WHERE key = 'base'",
		&r->base) == -1)
		return fail(r, why);
	if (r->flags & RESULTS_MAY_RESUME && has_state)
		r->mode = RESULTS_RESUME;
	return has_rows ? check_rows(r, has_state != 0, why) : 0;
}

struct results *
results_open(
    const char *path, enum results_mode mode, unsigned flags, struct buf *why)
{
	struct results *r = mem_zalloc(1, sizeof(*r));

	r->fd = -1;
	r->mode = mode;
	r->flags = flags;
	if (open_locked(r, path, why) == -1 ||
	    open_database(r, path, why) == -1 || check_contents(r, why) == -1) {
		results_close(r);
		return NULL;
	}
	return r;
}

void
results_close(struct results *r)
{
	if (r == NULL)
		return;
	sqlite3_finalize(r->put);
	sqlite3_finalize(r->close);
	sqlite3_finalize(r->open);
	sqlite3_finalize(r->change);
	sqlite3_finalize(r->set);
	/* After a failed write or sync nothing is moved into the database. */
	if (r->err != E_OK)
		sqlite3_db_config(
		    r->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (r->db != NULL)
		CHECK(sqlite3_close(r->db) == SQLITE_OK);
	if (r->new_path != NULL)
		(void)unlink(r->new_path);
	free(r->new_path);
	if (r->fd != -1)
		close(r->fd);
	free(r->closed);
	buf_fini(&r->scratch);
	buf_fini(&r->pieces);
	free(r);
}

/* ---- the tables ---- */

static int
on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct results *r = arg;

	(void)db;
	(void)name;
	r->wal_pages = pages;
	return SQLITE_OK;
}

/* WAL lets others read during the run; checkpoints are made by results.c. */
static int
set_modes(struct results *r, struct buf *why)
{
	int64_t page = 4096, none = 0;
	sqlite3_stmt *st;
	int is_wal;

	if (sqlite3_prepare_v2(
		r->db, "PRAGMA journal_mode = WAL", -1, &st, NULL) != SQLITE_OK)
		return fail(r, why);
	if (sqlite3_step(st) != SQLITE_ROW) {
		sqlite3_finalize(st);
		return fail(r, why);
	}
	is_wal = strcmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
	sqlite3_finalize(st);
	if (!is_wal)
		return refuse(why,
		    "SQLite cannot write a log (WAL) here; choose a directory "
		    "on a local file system");
	sqlite3_wal_hook(r->db, on_commit, r);
	if (results_exec(r, r->flags & RESULTS_SYNC
				? "PRAGMA synchronous = FULL"
				: "PRAGMA synchronous = NORMAL") == -1 ||
	    read_number(r, "PRAGMA page_size", &page) == -1 ||
	    read_number(r, "PRAGMA journal_size_limit = 67108864", &none) == -1)
		return fail(r, why);
	r->page_bytes = (int)page;
	return 0;
}

/*
 * Removes the results. If there is nothing else in the database, it becomes a
 * new one at once; DROP TABLE would read all of it.
 */
static int
remove_results(struct results *r)
{
	int64_t others = 0;
	int rc;

	if (read_number(r,
		"SELECT count(*) FROM sqlite_schema WHERE tbl_name NOT IN "
		"('results', 'fetchd', 'fetchd_open')",
		&others) == -1)
		return -1;
	if (others > 0)
		return results_exec(r, "DROP TABLE IF EXISTS results");
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
	rc = results_exec(r, "VACUUM");
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
	return rc;
}

static int
make_tables(struct results *r)
{
	struct buf sql = { 0 };
	int rc;

	buf_str(&sql, "CREATE TABLE IF NOT EXISTS results(");
	results_columns(&sql);
	buf_printf(&sql,
	    ");"
	    "CREATE INDEX IF NOT EXISTS results_error ON results(error)"
	    " WHERE error IS NOT NULL;"
	    "CREATE TABLE IF NOT EXISTS fetchd("
	    "key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	    "CREATE TABLE IF NOT EXISTS fetchd_open(seq INTEGER PRIMARY KEY,"
	    " attempts INTEGER, tries INTEGER, not_before INTEGER,"
	    " begun INTEGER);"
	    "INSERT OR REPLACE INTO fetchd VALUES('schema', %d);",
	    RESULTS_SCHEMA);
	buf_char(&sql, '\0');
	rc = results_exec(r, sql.p);
	buf_fini(&sql);
	return rc;
}

/* A database of an older version may lack columns. */
static int
add_columns(struct results *r)
{
	const char *type, *name;
	struct buf sql = { 0 };
	int i, rc = 0;
	int64_t has;

	for (i = 0; rc == 0 && (type = results_column(i, &name)) != NULL; i++) {
		sql.n = 0;
		has = 0;
		buf_printf(&sql,
		    "SELECT 1 FROM pragma_table_info('results') "
		    "WHERE name = '%s'",
		    name);
		buf_char(&sql, '\0');
		rc = read_number(r, sql.p, &has);
		if (rc == -1 || has)
			continue;
		sql.n = 0;
		buf_printf(&sql, "ALTER TABLE results ADD COLUMN \"%s\" %s",
		    name, type);
		buf_char(&sql, '\0');
		rc = results_exec(r, sql.p);
	}
	buf_fini(&sql);
	return rc;
}

/* A new run has no state yet, and its rows follow those that are kept. */
static int
begin_run(struct results *r)
{
	char sql[200];

	r->base = 0;
	if (read_number(r, "SELECT max(seq) FROM results", &r->base) == -1)
		return -1;
	snprintf(sql, sizeof(sql),
	    "DELETE FROM fetchd WHERE key <> 'schema';"
	    "DELETE FROM fetchd_open;"
	    "INSERT INTO fetchd VALUES('base', %lld)",
	    (long long)r->base);
	return results_exec(r, sql);
}

static int
prepare(struct results *r)
{
	const struct {
		sqlite3_stmt **st;
		const char *sql;
	} all[] = {
		{ &r->close, "DELETE FROM fetchd_open WHERE seq = ?" },
		{ &r->open, "INSERT INTO fetchd_open(seq) VALUES(?)" },
		{ &r->change, "INSERT OR REPLACE INTO fetchd_open VALUES(?, ?, "
			      "?, ?, ?)" },
		{ &r->set, "INSERT OR REPLACE INTO fetchd VALUES(?, ?)" },
	};
	struct buf sql = { 0 };
	size_t i;
	int rc;

	results_insert(r, &sql);
	rc = sqlite3_prepare_v3(
	    r->db, sql.p, (int)sql.n, SQLITE_PREPARE_PERSISTENT, &r->put, NULL);
	buf_fini(&sql);
	for (i = 0; rc == SQLITE_OK && i < sizeof(all) / sizeof(all[0]); i++)
		rc = sqlite3_prepare_v3(r->db, all[i].sql, -1,
		    SQLITE_PREPARE_PERSISTENT, all[i].st, NULL);
	return rc == SQLITE_OK ? 0 : -1;
}

int
results_begin(struct results *r, struct buf *why)
{
	int64_t last = 0, has_state = 0;

	free(r->new_path);
	r->new_path = NULL;
	if (r->mode == RESULTS_OVERWRITE && remove_results(r) == -1)
		return fail(r, why);
	if (set_modes(r, why) == -1)
		return -1;
	if (results_exec(r, "BEGIN IMMEDIATE") == -1)
		return fail(r, why);
	if (make_tables(r) == -1 || add_columns(r) == -1 ||
	    read_number(r, "SELECT value, 1 FROM fetchd WHERE key = 'last'",
		&last) == -1 ||
	    read_number(
		r, "SELECT 1 FROM fetchd WHERE key = 'last'", &has_state) == -1)
		return fail(r, why);
	if ((r->mode != RESULTS_RESUME || !has_state) && begin_run(r) == -1)
		return fail(r, why);
	if (r->mode == RESULTS_RESUME && has_state)
		r->last = (uint64_t)last;
	if (r->last > INT64_MAX || r->base < 0)
		return refuse(why,
		    "the state of its run is damaged: --append adds new "
		    "results, --overwrite replaces them");
	if (results_exec(r, "COMMIT") == -1 || prepare(r) == -1)
		return fail(r, why);
	r->busy_ms = RESULTS_BUSY_MS;
	return 0;
}
