/* SPDX-License-Identifier: ISC */
/* Reads CSV and TSV byte by byte, except for runs of ordinary text. */
#include "codec/table.h"

#include <string.h>

enum {
	BEGIN,  /* before a cell */
	PLAIN,  /* in a cell without quotes */
	QUOTED, /* between quotes */
	CLOSED, /* behind a quote that ends the cell, or is the first of two */
	ESCAPE, /* TSV: behind a backslash */
	LAST,   /* behind the LF: the row is complete once the cell is taken */
};

void
table_start(struct table *t, int is_tsv)
{
	struct buf cell = t->cell;

	cell.n = 0;
	*t = (struct table){ .is_tsv = is_tsv, .cell = cell };
}

void
table_fini(struct table *t)
{
	buf_fini(&t->cell);
}

static void
keep(struct table *t, struct span s)
{
	size_t room = TABLE_CELL_MAX - t->cell.n;

	buf_add(&t->cell, s.p, s.n < room ? s.n : room);
}

static void
keep_char(struct table *t, char c)
{
	keep(t, span_of(&c, 1));
}

/* How many bytes at the front of `in` are only text in this state. */
static size_t
run_of(const struct table *t, struct span in)
{
	size_t n = 0;

	if (t->state == QUOTED)
		for (; n < in.n && in.p[n] != '"'; n++)
			continue;
	else if (t->state == PLAIN && t->is_tsv)
		for (; n < in.n && in.p[n] != '\t' && in.p[n] != '\n' &&
		       in.p[n] != '\\';
		     n++)
			continue;
	else if (t->state == PLAIN)
		for (; n < in.n && in.p[n] != ',' && in.p[n] != '\n' &&
		       in.p[n] != '\r';
		     n++)
			continue;
	return n;
}

static char
unescape(struct table *t, char c)
{
	switch (c) {
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case '\\':
		return '\\';
	}
	t->is_bad = 1;
	return c;
}

/* A CR that no LF follows is text. */
static void
settle_cr(struct table *t)
{
	if (!t->cr)
		return;
	t->cr = 0;
	keep_char(t, '\r');
	if (t->state == CLOSED)
		t->is_bad = 1;
}

/* Takes a byte that is not only text. Nonzero: it ends the cell. */
static int
take(struct table *t, char c)
{
	char separator = t->is_tsv ? '\t' : ',';

	/* In a damaged row too, the LF is the end. */
	if (t->state == ESCAPE && c == '\n')
		t->is_bad = 1;
	else if (t->state == ESCAPE) {
		keep_char(t, unescape(t, c));
		t->state = PLAIN;
		return 0;
	}
	if (t->state == QUOTED) { /* a quote: run_of() takes the rest */
		t->state = CLOSED;
		return 0;
	}
	if (c == '\n') {
		t->cr = 0;
		t->state = LAST;
		return 1;
	}
	settle_cr(t);
	if (c == separator) {
		t->state = BEGIN;
		return 1;
	}
	if (c == '"' && !t->is_tsv && t->state != PLAIN) {
		if (t->state == CLOSED) /* two quotes are one */
			keep_char(t, c);
		t->state = QUOTED;
		return 0;
	}
	if (c == '\r' && !t->is_tsv) {
		t->cr = 1;
		if (t->state == BEGIN)
			t->state = PLAIN;
		return 0;
	}
	if (t->state == CLOSED)
		t->is_bad = 1;
	t->state = PLAIN;
	if (c == '\\' && t->is_tsv)
		t->state = ESCAPE;
	else
		keep_char(t, c);
	return 0;
}

/* Nonzero: the row is complete. */
static int
next_cell(struct table *t)
{
	int is_row = t->state == LAST;

	t->was_cell = 0;
	t->cell.n = 0;
	if (!is_row) {
		t->column++;
		return 0;
	}
	t->ncell = t->column + 1;
	t->column = 0;
	t->is_open = 0;
	t->state = BEGIN;
	return 1;
}

enum table_verdict
table_read(struct table *t, struct span *in)
{
	size_t n;

	if (t->was_cell && next_cell(t))
		return TABLE_ROW;
	while (in->n > 0) {
		if (!t->is_open) {
			t->is_open = 1;
			t->is_bad = 0;
		}
		n = run_of(t, *in);
		if (n > 0)
			settle_cr(t);
		keep(t, span_of(in->p, n));
		span_drop(in, n);
		if (in->n == 0)
			break;
		t->was_cell = take(t, in->p[0]) != 0;
		span_drop(in, 1);
		if (t->was_cell)
			return TABLE_CELL;
	}
	return TABLE_MORE;
}
