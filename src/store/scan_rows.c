/* SPDX-License-Identifier: ISC */
/* Results as CSV or TSV with a header line. */
#include <stdint.h>
#include <string.h>

#include "store/scan_int.h"

static const struct span names[] = {
	[SCAN_SEQ] = { "seq", 3 },
	[SCAN_ERROR] = { "error", 5 },
	[SCAN_INPUT] = { "input", 5 },
	[SCAN_TYPE] = { "type", 4 },
};

/* ---- the header line ---- */

/* TSV if a tab comes before the first comma in the header line. Without either
 * there is one column, and both are read alike but for the quotes. */
static int
is_tsv(struct span head)
{
	size_t i;

	for (i = 0; i < head.n && head.p[i] != '\n' && head.p[i] != ','; i++)
		if (head.p[i] == '\t')
			return 1;
	return 0;
}

static void
note_column(struct scan *s)
{
	size_t k;

	for (k = 0; k < SCAN_NKEY; k++)
		if (s->column[k] == SIZE_MAX &&
		    span_eq(buf_view(&s->table.cell), names[k]))
			s->column[k] = s->table.column;
}

static void
keep_cell(struct scan *s)
{
	struct span cell = buf_view(&s->table.cell);
	size_t k;

	if (s->number == 0) {
		note_column(s);
		return;
	}
	for (k = 0; k < SCAN_NKEY; k++)
		if (s->column[k] == s->table.column) {
			s->text[k].n = 0;
			buf_span(&s->text[k], cell);
			s->has[k] = cell.n > 0;
		}
}

/* ---- a row ---- */

/* 1: a row was read; 0: the end; -1: it cannot be read. */
static int
take_row(struct scan *s, uint64_t *bytes)
{
	enum table_verdict v = TABLE_MORE;
	size_t before;

	*bytes = 0;
	for (;;) {
		if (v == TABLE_MORE && scan_fill(s) == -1)
			return -1;
		if (v == TABLE_MORE && s->in.n == 0)
			return *bytes > 0;
		before = s->in.n;
		v = table_read(&s->table, &s->in);
		*bytes += before - s->in.n;
		if (v == TABLE_ROW)
			return 1;
		if (v == TABLE_CELL)
			keep_cell(s);
	}
}

static enum scan_verdict
take_head(struct scan *s)
{
	s->ncolumn = s->table.ncell;
	if (s->column[SCAN_SEQ] == SIZE_MAX)
		return scan_say(s, SCAN_FAILED,
		    "it begins neither with a JSON line of results nor with a "
		    "header line that has a column seq (--fields must contain "
		    "seq and error)");
	return SCAN_HEAD;
}

enum scan_verdict
scan_rows_next(struct scan *s, struct scan_item *item)
{
	size_t k;
	int got;

	if (s->number == 0) {
		for (k = 0; k < SCAN_NKEY; k++)
			s->column[k] = SIZE_MAX;
		table_start(&s->table, is_tsv(s->in));
	}
	memset(s->has, 0, sizeof(s->has));
	got = take_row(s, &item->bytes);
	if (got == -1)
		return SCAN_FAILED;
	if (got == 0)
		return SCAN_END;
	item->number = ++s->number;
	item->offset = s->offset;
	s->offset += item->bytes;
	if (s->table.is_open)
		return scan_say(s, SCAN_TORN, "the last row is not complete");
	if (s->number == 1)
		return take_head(s);
	item->has_error = s->column[SCAN_ERROR] != SIZE_MAX;
	if (s->table.ncell != s->ncolumn)
		return scan_say(s, SCAN_TORN,
		    "the row has %zu cells, the header line %zu",
		    s->table.ncell, s->ncolumn);
	if (s->table.is_bad)
		return scan_say(
		    s, SCAN_TORN, "the row is not valid CSV or TSV");
	if (scan_fill_item(s, item) == -1)
		return scan_say(s, SCAN_TORN, "seq is not a number from 1");
	return SCAN_RECORD;
}
