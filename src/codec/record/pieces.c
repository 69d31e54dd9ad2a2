/* SPDX-License-Identifier: ISC */
/*
 * Appends the parts that all keys of a record are made of: names, strings, and
 * raw JSON, each in pieces of bounded size.
 */
#include "base/utf8.h"
#include "codec/json/write.h"
#include "codec/record/record_int.h"

void
record_escape(struct buf *out, struct span s)
{
	struct span piece;
	char *start;

	for (; s.n > 0; s = span_skip(s, piece.n)) {
		piece = utf8_cut(s, RECORD_PIECE);
		start = buf_reserve(out, JSON_WRITE_STRING(piece.n));
		out->n += (size_t)(json_write_inside(start, piece) - start);
	}
}

void
record_add_string(struct buf *out, struct span s)
{
	buf_char(out, '"');
	record_escape(out, s);
	buf_char(out, '"');
}

void
record_add_name(struct buf *out, struct record_at *at, struct span name)
{
	buf_char(out, at->any ? ',' : '{');
	at->any = 1;
	record_add_string(out, name);
	buf_char(out, ':');
}

void
record_add_json(struct buf *out, struct span piece)
{
	(void)json_write_line(buf_reserve(out, piece.n), piece);
	out->n += piece.n;
}
