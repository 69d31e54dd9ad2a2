/* SPDX-License-Identifier: ISC */
/* Shared by store/scan*.c only. */
#ifndef STORE_SCAN_INT_H
#define STORE_SCAN_INT_H

#include "codec/table.h"
#include "store/scan.h"

struct decode;
struct sqlite3;
struct sqlite3_stmt;

#define SCAN_CHUNK_BYTES ((size_t)256 << 10)
#define SCAN_COLUMNS_MAX 4096

enum scan_form { SCAN_UNKNOWN, SCAN_LINES, SCAN_TABLE, SCAN_DATABASE };

/* The keys that are read, and the columns that have them. */
enum scan_key { SCAN_SEQ, SCAN_ERROR, SCAN_INPUT, SCAN_TYPE, SCAN_NKEY };

struct scan {
	char *path;
	int fd;
	enum scan_form form;
	enum scan_coding coding;
	int is_over; /* SCAN_END or SCAN_FAILED was returned */
	struct buf why;

	/* scan_bytes.c: the decoded bytes */
	struct decode *decode;
	char *raw; /* compressed */
	struct span raw_in;
	char *chunk;
	struct span in; /* of chunk: not taken yet */
	int is_file_end, is_end, is_damaged;

	uint64_t offset; /* of in.p */
	uint64_t number; /* lines or rows so far */
	struct buf line; /* the beginning of a line that several chunks hold */
	struct buf text[SCAN_NKEY]; /* values that item points to */
	int has[SCAN_NKEY];         /* not null */

	struct table table;
	size_t column[SCAN_NKEY]; /* SIZE_MAX: there is none */
	size_t ncolumn;

	struct sqlite3 *db; /* scan_db.c */
	struct sqlite3_stmt *rows;
};

/* scan_bytes.c */
/* Makes s->in not empty, unless it is the end: then s->is_end, and
 * s->is_damaged with s->why if the compressed bytes break off. 0, or -1 with
 * s->why after an error of the disk. */
int scan_fill(struct scan *s);
/* Reads the first bytes: sets coding, and form if it is a database. As
 * scan_fill. */
int scan_begin(struct scan *s);

/* scan_line.c, scan_rows.c, scan_db.c: the next item of that form. */
enum scan_verdict scan_line_next(struct scan *s, struct scan_item *item);
enum scan_verdict scan_rows_next(struct scan *s, struct scan_item *item);
enum scan_verdict scan_db_next(struct scan *s, struct scan_item *item);
void scan_db_close(struct scan *s);

/* For all of these: sets s->why and returns the verdict. */
enum scan_verdict scan_say(struct scan *s, enum scan_verdict v, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* Fills item from s->text and s->has. -1 if there is no valid seq. */
int scan_fill_item(struct scan *s, struct scan_item *item);

#endif
