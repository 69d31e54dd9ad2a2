/* SPDX-License-Identifier: ISC */
/* Results as JSON lines. */
#include <string.h>

#include "codec/json/json.h"
#include "store/scan_int.h"

static const struct span keys[] = {
	[SCAN_SEQ] = { "seq", 3 },
	[SCAN_ERROR] = { "error", 5 },
	[SCAN_INPUT] = { "input", 5 },
	[SCAN_TYPE] = { "type", 4 },
};

/* A line, or its first SCAN_LINE_MAX bytes. */
struct line {
	struct span text;
	uint64_t bytes;
	int has_lf;
	char last; /* before the LF */
};

static int
take_line(struct scan *s, struct line *l)
{
	const char *lf = NULL;
	struct span piece;
	size_t room;

	s->line.n = 0;
	*l = (struct line){ .text = SPAN_NONE };
	while (lf == NULL) {
		if (scan_fill(s) == -1)
			return -1;
		if (s->in.n == 0)
			break;
		lf = memchr(s->in.p, '\n', s->in.n);
		piece = s->in;
		if (lf != NULL)
			piece.n = (size_t)(lf - s->in.p);
		span_drop(&s->in, piece.n + (lf != NULL));
		l->bytes += piece.n + (lf != NULL);
		l->has_lf = lf != NULL;
		if (piece.n > 0)
			l->last = piece.p[piece.n - 1];
		if (lf != NULL && s->line.n == 0) {
			l->text = piece; /* the usual case: no copy */
			break;
		}
		room = SCAN_LINE_MAX - s->line.n;
		buf_add(&s->line, piece.p, piece.n < room ? piece.n : room);
		l->text = buf_view(&s->line);
	}
	return 0;
}

/* ---- what it says ---- */

static void
keep(struct scan *s, size_t k, const struct json_value *v)
{
	struct buf *to = &s->text[k];

	to->n = 0;
	s->has[k] = v->kind != JSON_NULL;
	if (v->kind == JSON_STRING && v->escaped)
		json_unescape(to, v);
	else if (v->kind == JSON_STRING)
		buf_span(to, json_inside(v));
	else
		buf_span(to, v->raw);
}

/* Keeps the keys that count. 0, or -1 where it is no JSON object, with the rest
 * not read. */
static int
read_keys(struct scan *s, struct scan_item *item, struct span text)
{
	struct json_value key, v;
	struct json j;
	size_t k;
	int more;

	memset(s->has, 0, sizeof(s->has));
	json_start_answer(&j, text);
	if (text.n == 0 || *text.p != '{' || json_enter(&j) == -1)
		return -1;
	while ((more = json_member(&j, &key)) == 1) {
		if (json_value(&j, &v) == -1)
			return -1;
		for (k = 0; k < SCAN_NKEY; k++)
			if (span_eq(json_inside(&key), keys[k])) {
				keep(s, k, &v);
				item->has_error |= k == SCAN_ERROR;
			}
	}
	return more == 0 ? json_end(&j) : -1;
}

enum scan_verdict
scan_line_next(struct scan *s, struct scan_item *item)
{
	struct line l;
	int is_whole, is_event;

	if (take_line(s, &l) == -1)
		return SCAN_FAILED;
	if (l.bytes == 0)
		return SCAN_END;
	item->number = ++s->number;
	item->offset = s->offset;
	item->bytes = l.bytes;
	s->offset += l.bytes;
	is_whole = read_keys(s, item, l.text) == 0;
	if (l.text.n < l.bytes - (uint64_t)l.has_lf)
		is_whole = l.last == '}'; /* the middle was not read */
	if (!l.has_lf)
		return scan_say(s, SCAN_TORN, "the last line has no line end");
	if (!is_whole)
		return scan_say(s, SCAN_TORN, "the line is not a JSON object");
	is_event = s->has[SCAN_TYPE] &&
		   !span_eq(buf_view(&s->text[SCAN_TYPE]), SPAN("result"));
	if (scan_fill_item(s, item) == 0)
		return is_event ? SCAN_EVENT : SCAN_RECORD;
	if (s->has[SCAN_SEQ])
		return scan_say(s, SCAN_TORN, "seq is not a number from 1");
	return scan_say(s, SCAN_FAILED,
	    "line %llu has no key seq, so it cannot be assigned to an item "
	    "(--fields must contain seq and error)",
	    (unsigned long long)s->number);
}
