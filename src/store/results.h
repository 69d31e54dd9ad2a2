/* SPDX-License-Identifier: ISC */
/*
 * Results in an SQLite database: a table `results` with one row an item and a
 * column for each key of the record (codec/record/keys.h), and beside it what a
 * later run needs to continue this one.
 *
 * A row and the state that says its item is done are in one transaction, so a
 * database needs no journal. After kill -9 it is as it was after a commit;
 * after a loss of power also, and with RESULTS_SYNC it is the last one.
 *
 * Not thread-safe, and bound to no thread: all calls for one `struct results`
 * come one after another. Every call reads or writes the disk; results_commit
 * may wait for an fsync, and a lock held by another program for up to
 * RESULTS_BUSY_MS.
 */
#ifndef STORE_RESULTS_H
#define STORE_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct progress;
struct progress_item;
struct results;

#define RESULTS_SCHEMA 1     /* a newer one is refused */
#define RESULTS_SCHEMA_MIN 1 /* the oldest that is opened */
#define RESULTS_BUSY_MS 30000
#define RESULTS_WAL_BYTES \
	(64u << 20) /* a commit beyond it is followed by a \
		       checkpoint */

/* What is done with results that are there already. */
enum results_mode {
	RESULTS_NEW,       /* they are an error */
	RESULTS_APPEND,    /* kept: the new rows continue their seq */
	RESULTS_OVERWRITE, /* removed by results_begin */
	RESULTS_RESUME,    /* kept: the rows are of the same run; if there is no
			    * state of a run, rows are an error */
};

enum {
	RESULTS_SYNC = 1,       /* a commit returns when it is on the disk */
	RESULTS_REPLACE = 2,    /* a row replaces one with the same seq, which
				 * otherwise is an error */
	RESULTS_MAY_RESUME = 4, /* if there is the state of a run, the mode is
				 * RESULTS_RESUME, whatever it was */
};

/*
 * Opens `path`, creates the file if it does not exist (mode 0666 & umask;
 * results_close removes it again unless results_begin was called), and holds an
 * flock on it until results_close: two runs never write to one database, while
 * other programs can read it. The contents are checked, not changed. On an
 * error (locked by another fetchd, not a database, damaged, a newer schema,
 * results that the mode does not allow ...) returns NULL, and `why` has what is
 * wrong and what to do, without the file's name.
 */
struct results *results_open(
    const char *path, enum results_mode mode, unsigned flags, struct buf *why);
/*
 * Makes the tables, or removes the old rows, or adds columns that an older
 * version did not have. Before the first of the calls below it that write. 0,
 * or -1 with `why` as above.
 */
int results_begin(struct results *r, struct buf *why);
/* Uncommitted rows are lost. NULL is allowed. */
void results_close(struct results *r);

/* ---- rows ---- */
/*
 * These return E_OK, or E_OUTPUT_NO_SPACE or E_OUTPUT_IO: the transaction is
 * rolled back then, nothing is written any more, and every later call returns
 * the same.
 */

/* Adds the row of one record: a line as record_write makes it, with its "seq".
 */
enum err results_put(struct results *r, struct span line);
/* The item is done and has no row (--only-failed). Needed with a state only. */
enum err results_skip(struct results *r, uint64_t seq);
/* Ends the transaction. `st` NULL: the run cannot be resumed. */
struct results_state;
enum err results_commit(struct results *r, const struct results_state *st);
/* For a moment without work: moves commits from the log into the database, if
 * there are enough of them. */
enum err results_idle(struct results *r);
/* From any thread: do not wait for locks of other programs any more. */
void results_cancel(struct results *r);
/* What went wrong, for people; "" if nothing did. */
const char *results_why(const struct results *r);

/* ---- the state of the run ---- */

/* Opaque bytes, kept as they are. */
enum results_piece {
	RESULTS_RUN, /* options, inputs and how far they are read, counts */
	RESULTS_GOVERNOR, /* holds of origins, rates, budgets */
	RESULTS_NPIECE
};

struct results_state {
	/* The largest seq given: all from 1 to it are open or done. Items that
	 * were put or skipped are done. */
	uint64_t last;
	int is_finished; /* nothing is left to do */
	/* p NULL: as in the commit before, or (results_read_state) none. */
	struct span piece[RESULTS_NPIECE];
	/* Open items whose attempts, not_before_us or was_begun have changed
	 * since the commit before, or that were done and are opened again. Not
	 * used by results_read_state. */
	const struct progress_item *changed;
	size_t nchanged;
};

/*
 * Reads the state of the last commit: 1; 0 if there is none (a new database);
 * or -1 with `why`. The spans are valid until results_close. `open`, a new
 * progress, gets the open items; its largest seq is st->last. Takes time and
 * memory by the number of open items, not of rows. After results_open with
 * RESULTS_RESUME, before or after results_begin.
 */
int results_read_state(struct results *r, struct results_state *st,
    struct progress *open, struct buf *why);

/* The same with struct journal_state: what a run with a journal keeps there. */

struct journal_state;
/* Appends what piece[RESULTS_RUN] of a commit must be. piece[RESULTS_GOVERNOR]
 * is s->governor. */
void results_encode_run(struct buf *to, const struct journal_state *s);
/* As results_read_state; *s must be as after journal_state_init, and to be
 * freed in any case. Its places of outputs have no meaning. */
int
results_read_run(struct results *r, struct journal_state *s, struct buf *why);

/* Opens in `failed`, a new progress, the items whose rows have an error. 0, or
 * -1 with `why`. For --retry-failed. */
int results_read_failed(
    struct results *r, struct progress *failed, struct buf *why);

#endif
