/* SPDX-License-Identifier: ISC */
/*
 * Strings as JSON, piece by piece, so that no more memory is taken than they
 * need. Knows nothing of what they are.
 */
#include "worker/strings.h"

#include "base/utf8.h"
#include "codec/frame.h"
#include "codec/json_write.h"

#define PIECE 16384

void
strings_open(struct strings *l, struct buf *out)
{
	l->out = out;
	l->start = out->n;
	l->too_large = 0;
	buf_char(out, '[');
}

size_t
strings_room(const struct strings *l)
{
	/* The end of this list, and of what it stands in. */
	size_t used = l->out->n + 4;

	return used < FRAME_RESULT_MAX ? FRAME_RESULT_MAX - used : 0;
}

/* The next piece of s; returns how much of it that was. */
static size_t
put_piece(struct buf *out, struct span s)
{
	size_t n = utf8_valid(span_of(s.p, s.n < PIECE ? s.n : PIECE));
	char *p;

	if (n == 0) {
		buf_str(out, "\xef\xbf\xbd");
		return 1;
	}
	p = buf_reserve(out, JSON_WRITE_STRING(n));
	out->n = (size_t)(json_write_inside_utf8(p, span_of(s.p, n)) - out->p);
	return n;
}

int
strings_put(struct strings *l, struct span s)
{
	size_t n;

	if (l->too_large || s.n > strings_room(l))
		goto too_large;
	if (l->out->n > l->start + 1)
		buf_char(l->out, ',');
	buf_char(l->out, '"');
	for (; s.n > 0; s.p += n, s.n -= n) {
		n = put_piece(l->out, s);
		if (strings_room(l) == 0)
			goto too_large;
	}
	buf_char(l->out, '"');
	return 0;
too_large:
	l->too_large = 1;
	return -1;
}

void
strings_close(struct strings *l)
{
	buf_char(l->out, ']');
}

void
strings_drop(struct strings *l)
{
	l->out->n = l->start;
}
