/* SPDX-License-Identifier: ISC */
/*
 * Rows and commits. In the table fetchd_open are the items that were given and
 * not done at the last commit: a commit adds those that are new and removes
 * those that are done, so that it costs as much as its batch.
 */
#include "store/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/progress.h"
#include "store/results_int.h"

#define IDLE_WAL_BYTES (4u << 20) /* worth a checkpoint without work */

/* Closes the transaction; r->why is set. */
static enum err
stop(struct results *r, enum err err)
{
	r->err = err;
	if (r->is_in_transaction)
		(void)results_exec(r, "ROLLBACK");
	r->is_in_transaction = 0;
	return err;
}

static enum err
fail(struct results *r)
{
	int errnum = sqlite3_system_errno(r->db);
	int code = sqlite3_errcode(r->db) & 0xff;
	int is_io = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;

	snprintf(r->why, sizeof(r->why), "%s%s%s", results_fault(r->db),
	    is_io && errnum != 0 ? ": " : "",
	    is_io && errnum != 0 ? strerror(errnum) : "");
	return stop(r, code == SQLITE_FULL ||
			       (is_io && (errnum == ENOSPC || errnum == EDQUOT))
			   ? E_OUTPUT_NO_SPACE
			   : E_OUTPUT_IO);
}

static enum err
begin(struct results *r)
{
	if (r->err != E_OK || r->is_in_transaction)
		return r->err;
	if (results_exec(r, "BEGIN IMMEDIATE") == -1)
		return fail(r);
	r->is_in_transaction = 1;
	return E_OK;
}

/* Runs a prepared statement. 0, or -1. */
static int
run(sqlite3_stmt *st)
{
	(void)sqlite3_step(st);
	return sqlite3_reset(st) == SQLITE_OK ? 0 : -1;
}

static void
note_closed(struct results *r, uint64_t seq)
{
	r->closed = mem_grow(
	    r->closed, r->nclosed, &r->closed_cap, sizeof(r->closed[0]));
	r->closed[r->nclosed++] = seq;
}

/* ---- rows ---- */

static enum err
fail_row(struct results *r, uint64_t seq)
{
	const char *what = "is in the table already";

	switch (sqlite3_errcode(r->db) & 0xff) {
	case SQLITE_CONSTRAINT:
		/* Others are of a trigger or index that fetchd has not made. */
		if (sqlite3_extended_errcode(r->db) !=
		    SQLITE_CONSTRAINT_PRIMARYKEY)
			return fail(r);
		break;
	case SQLITE_TOOBIG:
		what = "is larger than a row can be";
		break;
	default:
		return fail(r);
	}
	snprintf(r->why, sizeof(r->why), "the record with seq %llu %s",
	    (unsigned long long)seq, what);
	return stop(r, E_OUTPUT_IO);
}

enum err
results_put(struct results *r, struct span line)
{
	enum err err = begin(r);
	uint64_t seq;

	if (err != E_OK)
		return err;
	if (results_bind(r, line, &seq) == -1)
		return stop(r, E_OUTPUT_IO);
	if (seq > (uint64_t)(INT64_MAX - r->base)) {
		snprintf(r->why, sizeof(r->why),
		    "the largest seq of the table leaves no room for new rows");
		return stop(r, E_OUTPUT_IO);
	}
	sqlite3_bind_int64(r->put, 1, r->base + (int64_t)seq);
	if (run(r->put) == -1)
		return fail_row(r, seq);
	note_closed(r, seq);
	return E_OK;
}

enum err
results_skip(struct results *r, uint64_t seq)
{
	if (r->err == E_OK)
		note_closed(r, seq);
	return r->err;
}

/* ---- the state ---- */

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Opens the items after r->last that are not closed, and closes older ones. */
static int
save_open(struct results *r, uint64_t last)
{
	uint64_t seq = r->last;
	size_t i;

	if (r->nclosed > 1)
		qsort(r->closed, r->nclosed, sizeof(r->closed[0]), compare);
	for (i = 0; i < r->nclosed && r->closed[i] <= r->last; i++) {
		sqlite3_bind_int64(r->close, 1, (int64_t)r->closed[i]);
		if (run(r->close) == -1)
			return -1;
	}
	while (++seq <= last) {
		while (i < r->nclosed && r->closed[i] < seq)
			i++;
		if (i < r->nclosed && r->closed[i] == seq)
			continue;
		sqlite3_bind_int64(r->open, 1, (int64_t)seq);
		if (run(r->open) == -1)
			return -1;
	}
	return 0;
}

static int
save_changed(struct results *r, const struct results_state *st)
{
	const struct progress_item *i;
	size_t k;

	for (k = 0; k < st->nchanged; k++) {
		i = &st->changed[k];
		sqlite3_bind_int64(r->change, 1, (int64_t)i->seq);
		sqlite3_bind_int64(r->change, 2, i->attempts);
		sqlite3_bind_int64(r->change, 3, i->tries);
		sqlite3_bind_int64(r->change, 4, i->not_before_us);
		sqlite3_bind_int64(r->change, 5, i->was_begun);
		if (run(r->change) == -1)
			return -1;
	}
	return 0;
}

static const char *const names[RESULTS_NPIECE] = {
	[RESULTS_RUN] = "run",
	[RESULTS_GOVERNOR] = "governor",
};

static int
save_number(struct results *r, const char *key, uint64_t n)
{
	sqlite3_bind_text(r->set, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(r->set, 2, (int64_t)n);
	return run(r->set);
}

static int
save_pieces(struct results *r, const struct results_state *st)
{
	int i;

	for (i = 0; i < RESULTS_NPIECE; i++) {
		if (st->piece[i].p == NULL)
			continue;
		sqlite3_bind_text(r->set, 1, names[i], -1, SQLITE_STATIC);
		sqlite3_bind_blob64(
		    r->set, 2, st->piece[i].p, st->piece[i].n, SQLITE_STATIC);
		if (run(r->set) == -1)
			return -1;
	}
	return 0;
}

static int
save_state(struct results *r, const struct results_state *st)
{
	uint64_t last = st->last;

	if (last < r->last)
		last = r->last;
	if (save_open(r, last) == -1 || save_changed(r, st) == -1 ||
	    save_pieces(r, st) == -1 || save_number(r, "last", last) == -1 ||
	    save_number(r, "is_finished", st->is_finished != 0) == -1)
		return -1;
	r->last = last;
	return 0;
}

/* ---- commits ---- */

/* A reader may keep the log from being moved as a whole: then it is tried again
 * when the log has grown by as much. */
static enum err
checkpoint(struct results *r, uint64_t min_bytes)
{
	int64_t pages;
	int code;

	if (r->wal_pages < r->checked_at)
		r->checked_at = 0;
	pages = r->wal_pages - r->checked_at;
	if (r->err != E_OK || (uint64_t)(pages * r->page_bytes) < min_bytes)
		return r->err;
	r->checked_at = r->wal_pages;
	code = sqlite3_wal_checkpoint_v2(
	    r->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? E_OK
								 : fail(r);
}

enum err
results_commit(struct results *r, const struct results_state *st)
{
	if (st != NULL && begin(r) == E_OK && save_state(r, st) == -1)
		return fail(r);
	r->nclosed = 0;
	if (r->err != E_OK || !r->is_in_transaction)
		return r->err;
	if (results_exec(r, "COMMIT") == -1)
		return fail(r);
	r->is_in_transaction = 0;
	return checkpoint(r, RESULTS_WAL_BYTES);
}

enum err
results_idle(struct results *r)
{
	return checkpoint(r, IDLE_WAL_BYTES);
}

const char *
results_why(const struct results *r)
{
	return r->why;
}

/* ---- reading it back ---- */

/* Reads the rows of `fetchd`. Spans are set at the end, as r->pieces moves. */
static int
read_pieces(struct results *r, struct results_state *st, int *has_state)
{
	size_t from[RESULTS_NPIECE], n[RESULTS_NPIECE];
	sqlite3_stmt *q;
	const char *key;
	int i, rc;

	memset(n, 0, sizeof(n));
	memset(from, 0xff, sizeof(from));
	if (sqlite3_prepare_v2(r->db, "SELECT key, value FROM fetchd", -1, &q,
		NULL) != SQLITE_OK)
		return -1;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		key = (const char *)sqlite3_column_text(q, 0);
		if (key == NULL)
			continue;
		if (strcmp(key, "last") == 0) {
			*has_state = 1;
			st->last = (uint64_t)sqlite3_column_int64(q, 1);
		}
		if (strcmp(key, "is_finished") == 0)
			st->is_finished = sqlite3_column_int(q, 1);
		for (i = 0; i < RESULTS_NPIECE; i++) {
			if (strcmp(key, names[i]) != 0)
				continue;
			from[i] = r->pieces.n;
			buf_add(&r->pieces, sqlite3_column_blob(q, 1),
			    (size_t)sqlite3_column_bytes(q, 1));
			n[i] = r->pieces.n - from[i];
		}
	}
	sqlite3_finalize(q);
	buf_char(&r->pieces, '\0'); /* an empty piece has an address too */
	for (i = 0; i < RESULTS_NPIECE; i++)
		if (from[i] != SIZE_MAX)
			st->piece[i] = span_of(r->pieces.p + from[i], n[i]);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* 0, -1, or 1 if the items are not those of a run. */
static int
read_open(struct results *r, struct progress *open, uint64_t last)
{
	struct progress_item *i;
	sqlite3_stmt *q;
	int64_t seq;
	int rc;

	if (sqlite3_prepare_v2(r->db,
		"SELECT seq, attempts, tries, not_before, begun "
		"FROM fetchd_open ORDER BY seq",
		-1, &q, NULL) != SQLITE_OK)
		return -1;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		seq = sqlite3_column_int64(q, 0);
		if (seq <= 0 || (uint64_t)seq > last ||
		    (uint64_t)seq <= progress_last(open))
			break;
		progress_give(open, (uint64_t)seq);
		i = progress_find(open, (uint64_t)seq);
		i->attempts = (unsigned)sqlite3_column_int(q, 1);
		i->tries = (unsigned)sqlite3_column_int(q, 2);
		i->not_before_us = sqlite3_column_int64(q, 3);
		i->was_begun = sqlite3_column_int(q, 4) != 0;
	}
	sqlite3_finalize(q);
	if (rc == SQLITE_DONE && progress_last(open) < last) {
		progress_give(open, last);
		progress_done(open, last);
	}
	return rc == SQLITE_DONE ? 0 : rc == SQLITE_ROW ? 1 : -1;
}

int
results_read_state(struct results *r, struct results_state *st,
    struct progress *open, struct buf *why)
{
	int has_state = 0, rc;
	sqlite3_stmt *q;

	*st = (struct results_state){ 0 };
	r->pieces.n = 0;
	/* A database without tables is a new one. */
	if (sqlite3_prepare_v2(r->db,
		"SELECT 1 FROM sqlite_schema WHERE name = 'fetchd_open'", -1,
		&q, NULL) != SQLITE_OK) {
		buf_str(why, results_fault(r->db));
		return -1;
	}
	rc = sqlite3_step(q);
	sqlite3_finalize(q);
	if (rc == SQLITE_DONE)
		return 0;
	rc = rc == SQLITE_ROW ? read_pieces(r, st, &has_state) : -1;
	if (rc == 0 && st->last > INT64_MAX)
		rc = 1;
	if (rc == 0 && has_state)
		rc = read_open(r, open, st->last);
	if (rc == 0)
		return has_state;
	buf_str(why, rc == 1
			 ? "the state of its run is damaged: --append adds new "
			   "results, --overwrite replaces them"
			 : results_fault(r->db));
	return -1;
}

int
results_read_failed(struct results *r, struct progress *failed, struct buf *why)
{
	/* "+seq" makes it sort the few rows of the index on errors, instead of
	 * reading the whole table in order. */
	sqlite3_stmt *q;
	int64_t seq;
	int rc;

	if (sqlite3_prepare_v2(r->db,
		"SELECT seq - ?1 FROM results WHERE error IS NOT NULL AND "
		"seq > ?1 ORDER BY +seq",
		-1, &q, NULL) != SQLITE_OK) {
		buf_str(why, results_fault(r->db));
		return -1;
	}
	sqlite3_bind_int64(q, 1, r->base);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		seq = sqlite3_column_int64(q, 0);
		if (seq > 0 && (uint64_t)seq > progress_last(failed))
			progress_give(failed, (uint64_t)seq);
	}
	sqlite3_finalize(q);
	if (rc == SQLITE_DONE)
		return 0;
	buf_str(why, results_fault(r->db));
	return -1;
}
