/* SPDX-License-Identifier: ISC */
/*
 * Reads CSV (RFC 4180) or TSV, as codec/record/csv.c writes them, in pieces of
 * any size and in constant memory: a cell is kept up to TABLE_CELL_MAX bytes.
 * Every input is read; what is wrong with a row is said of the row.
 */
#ifndef CODEC_TABLE_H
#define CODEC_TABLE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

#define TABLE_CELL_MAX ((size_t)256 << 10)

enum table_verdict {
	TABLE_MORE, /* all input is consumed */
	TABLE_CELL, /* a cell is complete */
	TABLE_ROW,  /* the row is complete; it may have had no cell */
};

struct table {
	int is_tsv;
	unsigned char state;
	unsigned char is_open;  /* a byte of the present row was read */
	unsigned char is_bad;   /* the row: text behind a closing quote, or a
				 * backslash that is no escape */
	unsigned char was_cell; /* `cell` was returned */
	unsigned char cr;       /* CSV: a CR, perhaps of the line end */
	size_t column;          /* of the present cell, from 0 */
	size_t ncell;           /* cells of the row, once it is complete */
	struct buf cell;        /* its text, at most TABLE_CELL_MAX bytes */
};

void table_start(struct table *t, int is_tsv);
void table_fini(struct table *t);
/*
 * Consumes bytes from the front of *in. TABLE_CELL: t->cell is the text of the
 * cell in column t->column, valid until the next call. TABLE_ROW comes after
 * the last cell of each row, with its LF consumed; ncell and is_bad are valid
 * until the next call. At the end of the input a row is incomplete if
 * t->is_open.
 */
enum table_verdict table_read(struct table *t, struct span *in);

#endif
