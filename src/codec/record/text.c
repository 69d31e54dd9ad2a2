/* SPDX-License-Identifier: ISC */
/*
 * Writes for people at a terminal: the text line of an item, and JSON lines
 * and rows without control characters.
 */
#include "base/utf8.h"
#include "codec/record/record.h"

#define WHY_COLUMNS 24 /* with less room the message goes on the next row */

/* Appends at most `max` characters; '?' replaces C0, DEL and C1 controls. */
static void
add_visible(struct buf *out, struct span s, size_t max)
{
	unsigned char c;
	size_t i, n;

	for (i = 0; i < s.n && max > 0; i += n, max--) {
		c = (unsigned char)s.p[i];
		n = utf8_len(span_of(s.p + i, s.n - i));
		if (n == 0) {
			n = 1;
			buf_str(out, "\xef\xbf\xbd");
		} else if (c < 0x20 || c == 0x7f ||
			   (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0))
			buf_char(out, '?');
		else
			buf_add(out, s.p + i, n);
	}
}

/* "999", "1.2k", "12k", "3.4M", with 1k = 1024. */
static void
add_size(struct buf *out, uint64_t v)
{
	static const char unit[] = "kMGTPE";
	uint64_t tenths;
	int i;

	if (v < 1000) {
		buf_u64(out, v);
		return;
	}
	for (i = 0; v >= 1000 * 1024ULL; i++)
		v /= 1024;
	tenths = v * 10 / 1024;
	buf_u64(out, tenths / 10);
	if (tenths < 100) {
		buf_char(out, '.');
		buf_u64(out, tenths % 10);
	}
	buf_char(out, unit[i]);
}

static void
add_seconds(struct buf *out, int64_t us)
{
	buf_printf(out, "%lld.%03llds", (long long)(us < 0 ? 0 : us) / 1000000,
	    (long long)(us < 0 ? 0 : us) / 1000 % 1000);
}

/* By the status class. A failure without a status is coloured as a 5xx. */
static const char *
colour_of(const struct record *r)
{
	switch (r->status_code / 100) {
	case 1:
	case 3:
		return "\033[36m"; /* cyan */
	case 2:
		return r->error == E_OK ? "\033[32m" /* green */
					: "\033[31m";
	case 4:
		return "\033[33m"; /* yellow */
	}
	return "\033[31m"; /* red */
}

/* The status and the size or error code: the coloured part of the line. */
static void
add_outcome(
    struct buf *out, const struct record *r, const struct record_text *how)
{
	if (how->is_coloured)
		buf_str(out, colour_of(r));
	if (r->status_code > 0)
		buf_i64(out, r->status_code);
	else
		buf_str(out, "---");
	buf_str(out, "  ");
	if (r->error != E_OK)
		buf_str(out, error_code(r->error));
	else
		add_size(out, r->size_download);
	if (how->is_coloured)
		buf_str(out, "\033[0m");
}

/* Characters from offset `from` on, without escape sequences. */
static size_t
columns_of(const struct buf *b, size_t from)
{
	size_t i, n = 0;

	for (i = from; i < b->n; i++) {
		if (b->p[i] == '\033')
			while (i < b->n && b->p[i] != 'm')
				i++;
		else
			n += ((unsigned char)b->p[i] & 0xc0) != 0x80;
	}
	return n;
}

/* The columns left in the last row of the line, without the last column, where
 * a terminal may wrap. If they are too few, those of one more row. */
static size_t
room_for_why(const struct buf *b, size_t from, const struct record_text *how)
{
	size_t row, room;

	if (how->columns == 0)
		return SIZE_MAX;
	row = how->columns > WHY_COLUMNS ? how->columns : WHY_COLUMNS + 1;
	room = row - columns_of(b, from) % row;
	return room > WHY_COLUMNS ? room - 1 : room + row - 1;
}

void
record_write_text(
    struct buf *out, const struct record *r, const struct record_text *how)
{
	struct span what = r->url, why = r->errormsg;
	size_t from = out->n;

	if (what.p == NULL && r->error != E_OK && why.n > 0) {
		what = why; /* the message names the input line */
		why = SPAN_NONE;
	} else if (what.p == NULL)
		what = r->input;
	add_outcome(out, r, how);
	buf_str(out, "  ");
	add_seconds(out, r->time_item);
	buf_str(out, "  ");
	add_visible(out, what, SIZE_MAX);
	if (r->error != E_OK && why.n > 0) {
		buf_str(out, "  ");
		add_visible(out, why, room_for_why(out, from, how));
	}
	buf_char(out, '\n');
}

/* The length of a control character (DEL, C1) at the start of s, or 0. */
static size_t
control_bytes(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (p[0] == 0x7f)
		return 1;
	return s.n > 1 && p[0] == 0xc2 && p[1] < 0xa0 ? 2 : 0;
}

void
record_spare_terminal(struct buf *b, size_t from)
{
	struct span s = span_of(b->p + from, b->n - from);
	struct buf out = { 0 };
	size_t i, n;

	if (s.n == 0)
		return;
	for (i = 0; i < s.n; i++) {
		n = control_bytes(span_of(s.p + i, s.n - i));
		if (n == 0) {
			buf_char(&out, s.p[i]);
			continue;
		}
		i += n - 1;
		buf_printf(&out, "\\u00%02x", (unsigned char)s.p[i]);
	}
	b->n = from;
	buf_span(b, buf_view(&out));
	buf_fini(&out);
}

void
record_hide_controls(struct buf *b, size_t from)
{
	size_t i, to = from, n;

	for (i = from; i < b->n; i++) {
		n = control_bytes(span_of(b->p + i, b->n - i));
		if (n == 0 && (unsigned char)b->p[i] < 0x20 &&
		    b->p[i] != '\t' && b->p[i] != '\n')
			n = 1;
		b->p[to++] = n > 0 ? '?' : b->p[i];
		if (n > 0)
			i += n - 1;
	}
	b->n = to;
}
