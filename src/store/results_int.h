/* SPDX-License-Identifier: ISC */
/* Shared by store/results*.c and their tests only. */
#ifndef STORE_RESULTS_INT_H
#define STORE_RESULTS_INT_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "store/results.h"

enum {
	RESULTS_NKEY = 0
#define KEY(id, name, when, value, type, text) +1
#define WIDE(id, name, type, text) +1
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

struct results {
	sqlite3 *db;
	int fd; /* holds the flock; never closed before db: closing any
		 * descriptor of a file ends the locks that SQLite has on it */
	enum results_mode mode;
	unsigned flags;
	char *new_path; /* of the file made by results_open, until
			 * results_begin; otherwise NULL */
	sqlite3_stmt *put, *close, *open, *change, *set;
	/* Of each key: how it is stored, and its parameter of `put`. */
	unsigned char kind[RESULTS_NKEY], parameter[RESULTS_NKEY];
	int64_t base; /* added to a seq of this run to get that of its row */
	uint64_t last;
	uint64_t *closed; /* seqs that are done in this transaction */
	size_t nclosed, closed_cap;
	int is_in_transaction;
	int busy_ms; /* how long a lock of another program is waited for */
	atomic_int is_cancelled;
	int wal_pages;      /* after the last commit */
	int checked_at;     /* of these, at the last checkpoint */
	int page_bytes;     /* size of a page */
	struct buf scratch; /* decoded strings of the row */
	struct buf pieces;  /* of results_read_state */
	enum err err;
	char why[256];
};

/* ---- results_row.c: the columns ---- */

/* Appends the columns of CREATE TABLE. */
void results_columns(struct buf *sql);
/* The definition of stored column number i, its name in *name; NULL after the
 * last. */
const char *results_column(int i, const char **name);
/* Appends the INSERT of a row, and sets r->kind and r->parameter. */
void results_insert(struct results *r, struct buf *sql);
/*
 * Binds the keys of the line to r->put, but for seq: that is returned in *seq,
 * and its parameter is number 1. 0, or -1 with r->why if this is not a record.
 * Valid until the line or r->scratch changes.
 */
int results_bind(struct results *r, struct span line, uint64_t *seq);

/* ---- results_open.c ---- */

/* What went wrong in the call of SQLite before, for people. */
const char *results_fault(sqlite3 *db);
/* Runs statements without results. 0, or -1. */
int results_exec(struct results *r, const char *sql);

#endif
