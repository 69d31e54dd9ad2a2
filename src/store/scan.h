/* SPDX-License-Identifier: ISC */
/*
 * Reads a file of results, record by record and in constant memory: JSON lines,
 * CSV or TSV with a header line, each as it is or compressed (gzip, zstd), or a
 * database of store/results. What it is shows in its first bytes. The file may
 * be damaged in any way, and another process may be writing to it.
 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* Of a longer line only the beginning is read, where the keys are that count;
 * its end is checked, not what lies in between. */
#define SCAN_LINE_MAX ((size_t)32 << 20)

struct scan;

enum scan_verdict {
	SCAN_RECORD, /* a whole result */
	SCAN_EVENT,  /* a line of a live stream */
	SCAN_HEAD,   /* the header line of CSV or TSV */
	SCAN_TORN,   /* not a whole line or row, or compressed bytes that cannot
		      * be decoded: scan_why says what is wrong */
	SCAN_END,
	SCAN_FAILED, /* it cannot be read, or holds no results: scan_why; there
		      * is no more */
};

struct scan_item {
	uint64_t seq;      /* from 1; of a torn one 0 */
	int has_error;     /* there is a key or column `error` */
	struct span error; /* n 0: it did not fail */
	struct span input; /* p NULL: null, or no such key or column */
	uint64_t number;   /* of the line, row or database row, from 1 */
	uint64_t offset;   /* of its first byte, before compression; 0 in a
			    * database, as is: */
	uint64_t bytes;    /* with its line end */
};

/*
 * NULL with errno if the file cannot be opened. Not for a database that this
 * process has open: closing a second descriptor ends the locks of the first.
 */
struct scan *scan_open(const char *path);
void scan_close(struct scan *s); /* NULL is allowed */
/* Spans in *item are valid until the next call. */
enum scan_verdict scan_next(struct scan *s, struct scan_item *item);
/*
 * Instead of scan_next, not beside it: the next bytes of the file, decoded, at
 * most `max` of them; n 0 at the end. 0, or -1 with scan_why. Not of a
 * database.
 */
int scan_read(struct scan *s, uint64_t max, struct span *piece);
/* What is wrong, for people, without the name of the file. */
const char *scan_why(const struct scan *s);

/* ---- the shape of the file, once scan_next has returned anything ---- */

enum scan_coding { SCAN_PLAIN, SCAN_GZIP, SCAN_ZSTD };

enum scan_coding scan_coding(const struct scan *s);
int scan_is_database(const struct scan *s);

#endif
