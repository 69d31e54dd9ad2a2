/* SPDX-License-Identifier: ISC */
/*
 * Writes the lines of a live stream in one pass; what may be large goes piece
 * by piece. Knows nothing of streams.
 */
#include "codec/record_line.h"

#include "base/check.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "codec/record_int.h"

/* The keys that every line has with their values, the id apart. */
#define ROOM 160

static struct span
opening(enum record_line_kind kind)
{
	switch (kind) {
	case RECORD_LINE_EVENT:
		return SPAN("{\"type\":\"event\",\"seq\":");
	case RECORD_LINE_LINE:
		return SPAN("{\"type\":\"line\",\"seq\":");
	case RECORD_LINE_CHUNK:
		return SPAN("{\"type\":\"chunk\",\"seq\":");
	}
	return SPAN_NONE;
}

/* type, seq, the id, n, time. */
static void
add_head(struct buf *out, const struct record_line *l)
{
	char *start = buf_reserve(out, ROOM + l->id.n), *p = start;

	p = json_write_raw(p, opening(l->kind));
	p = json_write_u64(p, l->seq);
	if (l->id.n > 0) {
		p = json_write_raw(p, l->id_is_custom ? SPAN(",\"custom_id\":")
						      : SPAN(",\"id\":"));
		p = json_write_raw(p, l->id);
	}
	p = json_write_raw(p, SPAN(",\"n\":"));
	p = json_write_u64(p, l->n);
	p = json_write_raw(p, SPAN(",\"time\":"));
	p = json_write_time(p, l->time_us);
	CHECK((size_t)(p - start) <= ROOM + l->id.n);
	out->n += (size_t)(p - start);
}

static struct span
next_piece(struct span *s)
{
	size_t n = s->n < RECORD_PIECE ? s->n : RECORD_PIECE;
	struct span piece = span_of(s->p, n);

	*s = span_of(s->p + n, s->n - n);
	return piece;
}

static void
add_json(struct buf *out, struct span s)
{
	struct span piece;

	for (s = record_json_value(s); s.n > 0;) {
		piece = next_piece(&s);
		record_put_json(buf_reserve(out, piece.n), piece);
		out->n += piece.n;
	}
}

static void
add_base64(struct buf *out, struct span s)
{
	struct span piece;

	buf_char(out, '"');
	while (s.n > 0) {
		piece = next_piece(&s);
		base64_encode(buf_reserve(out, BASE64_BYTES(piece.n)), piece);
		out->n += BASE64_BYTES(piece.n);
	}
	buf_char(out, '"');
}

static void
add_event(struct buf *out, const struct record_line *l)
{
	buf_str(out, ",\"event\":");
	record_add_string(out, l->event.n > 0 ? l->event : SPAN("message"));
	buf_str(out, ",\"data\":");
	record_add_string(out, l->data);
	if (l->data_json.p != NULL) {
		buf_str(out, ",\"data_json\":");
		add_json(out, l->data_json);
	}
	buf_str(out, ",\"event_id\":");
	if (l->event_id.p != NULL)
		record_add_string(out, l->event_id);
	else
		buf_str(out, "null");
	buf_str(out, ",\"retry\":");
	if (l->retry >= 0)
		buf_i64(out, l->retry);
	else
		buf_str(out, "null");
}

static void
add_chunk(struct buf *out, const struct record_line *l)
{
	if (l->is_text) {
		buf_str(out, ",\"data\":");
		record_add_string(out, l->data);
	} else {
		buf_str(out, ",\"data_base64\":");
		add_base64(out, l->data);
	}
}

void
record_line_write(struct buf *out, const struct record_line *l)
{
	add_head(out, l);
	switch (l->kind) {
	case RECORD_LINE_EVENT:
		add_event(out, l);
		break;
	case RECORD_LINE_LINE:
		buf_str(out, ",\"data\":");
		if (l->is_json)
			add_json(out, l->data);
		else
			record_add_string(out, l->data);
		break;
	case RECORD_LINE_CHUNK:
		add_chunk(out, l);
		break;
	}
	buf_str(out, "}\n");
}
