/* SPDX-License-Identifier: ISC */
/* Appends JSON to a buffer up to a limit. */
#include "worker/answer.h"

#include "base/utf8.h"
#include "codec/json/write.h"

#define PIECE 16384 /* bytes of a string; may take six times the room */

void
answer_start(struct answer *a, struct buf *to, size_t max)
{
	*a = (struct answer){ .to = to, .end = to->n + max };
}

size_t
answer_room(const struct answer *a)
{
	return a->full ? 0 : a->end - a->to->n;
}

static int
reserve(struct answer *a, size_t n)
{
	if (n > answer_room(a))
		a->full = 1;
	return !a->full;
}

void
answer_raw(struct answer *a, struct span json)
{
	if (reserve(a, json.n))
		buf_span(a->to, json);
}

void
answer_line(struct answer *a, struct span json)
{
	if (!reserve(a, json.n))
		return;
	(void)json_write_line(buf_reserve(a->to, json.n), json);
	a->to->n += json.n;
}

void
answer_next(struct answer *a)
{
	char last = a->to->n > 0 ? a->to->p[a->to->n - 1] : '\0';

	if (last != '[' && last != '{')
		answer_raw(a, SPAN(","));
}

/* Nonzero if it fitted. Its length is known only after it was written. */
static int
put_piece(struct answer *a, struct span s)
{
	char *p = buf_reserve(a->to, JSON_WRITE_STRING(s.n));
	size_t n = (size_t)(json_write_inside(p, s) - p);

	if (!reserve(a, n))
		return 0;
	a->to->n += n;
	return 1;
}

void
answer_string(struct answer *a, struct span s)
{
	struct span piece;

	if (s.p == NULL) {
		answer_raw(a, SPAN("null"));
		return;
	}
	/* Its JSON is at least as long. */
	if (!reserve(a, s.n + 2))
		return;
	buf_char(a->to, '"');
	for (; s.n > 0; span_drop(&s, piece.n)) {
		piece = utf8_cut(s, PIECE);
		if (!put_piece(a, piece))
			return;
	}
	answer_raw(a, SPAN("\""));
}

void
answer_item(struct answer *a, struct span s)
{
	answer_next(a);
	answer_string(a, s.p != NULL ? s : SPAN(""));
}
