/* SPDX-License-Identifier: ISC */
/*
 * CSV and TSV: reading a table in two pieces or at once gives the same, and
 * what is written again from the cells is read as the same cells. The first
 * byte says the kind, the second where the rest is cut.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "codec/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Puts the cells down as a table of canonical form, with all cells quoted.
 * *end: behind the last row that is whole. */
static void
read_rows(struct buf *out, size_t *end, struct table *t, struct span in)
{
	enum table_verdict v;
	size_t i;

	while ((v = table_read(t, &in)) != TABLE_MORE) {
		CHECK(t->cell.n <= TABLE_CELL_MAX);
		if (v == TABLE_ROW) {
			CHECK(t->ncell > 0);
			buf_char(out, '\n');
			*end = out->n;
			continue;
		}
		buf_str(out, t->column > 0 ? ",\"" : "\"");
		for (i = 0; i < t->cell.n; i++) {
			if (t->cell.p[i] == '"')
				buf_char(out, '"');
			buf_char(out, t->cell.p[i]);
		}
		buf_char(out, '"');
	}
	CHECK(in.n == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = { 0 }, twice = { 0 }, again = { 0 };
	struct table t = { 0 };
	struct span in;
	int is_tsv;
	size_t cut, whole = 0, end = 0;

	if (size < 2)
		return 0;
	is_tsv = data[0] & 1;
	in = span_of((const char *)data + 2, size - 2);
	cut = data[1] < in.n ? data[1] : in.n;
	table_start(&t, is_tsv);
	read_rows(&once, &whole, &t, in);
	table_start(&t, is_tsv);
	read_rows(&twice, &end, &t, span_of(in.p, cut));
	read_rows(&twice, &end, &t, span_skip(in, cut));
	CHECK(span_eq(buf_view(&once), buf_view(&twice)));
	once.n = whole;
	table_start(&t, 0);
	read_rows(&again, &end, &t, buf_view(&once));
	CHECK(span_eq(buf_view(&once), buf_view(&again)));
	table_fini(&t);
	buf_fini(&once);
	buf_fini(&twice);
	buf_fini(&again);
	return 0;
}
