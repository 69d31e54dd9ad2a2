/* SPDX-License-Identifier: ISC */
/* Writes the lines of --stream: events, lines and chunks, in pieces. */
#include "codec/record/line.h"

#include "base/check.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json/json.h"
#include "codec/json/write.h"
#include "codec/record/record_int.h"

/* Bytes of the keys that every line has with their values, without the id. */
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

enum form { FORM_TEXT, FORM_JSON, FORM_BASE64 };

static void
add_piece(struct buf *out, struct span piece, enum form form)
{
	switch (form) {
	case FORM_TEXT:
		record_escape(out, piece);
		break;
	case FORM_JSON:
		record_add_json(out, piece);
		break;
	case FORM_BASE64:
		base64_encode(buf_reserve(out, BASE64_BYTES(piece.n)), piece);
		out->n += BASE64_BYTES(piece.n);
		break;
	}
}

/* The next piece of s; text is cut between characters. */
static struct span
next_piece(struct span s, enum form form)
{
	if (form == FORM_TEXT)
		return utf8_cut(s, RECORD_PIECE);
	return span_of(s.p, s.n < RECORD_PIECE ? s.n : RECORD_PIECE);
}

/* A key and its value, until out has `end` bytes. Nonzero: there is more. */
static int
add_value(struct buf *out, const char *key, struct span s, enum form form,
    struct record_line_at *at, size_t end)
{
	struct span piece;

	if (form == FORM_JSON)
		s = json_trim(s);
	if (!at->is_open) {
		buf_str(out, key);
		if (form != FORM_JSON)
			buf_char(out, '"');
		at->is_open = 1;
	}
	while (at->done < s.n) {
		if (out->n >= end)
			return 1;
		piece =
		    next_piece(span_of(s.p + at->done, s.n - at->done), form);
		add_piece(out, piece, form);
		at->done += piece.n;
	}
	if (form != FORM_JSON)
		buf_char(out, '"');
	at->is_open = 0;
	at->done = 0;
	return 0;
}

enum {
	PART_HEAD,
	PART_EVENT,
	PART_DATA,
	PART_DATA_JSON,
	PART_EVENT_ID,
	PART_END,
};

/* Nonzero: there is more of that part. */
static int
add_part(struct buf *out, const struct record_line *l,
    struct record_line_at *at, size_t end)
{
	int is_event = l->kind == RECORD_LINE_EVENT;
	int is_json = l->kind == RECORD_LINE_LINE && l->is_json;

	switch (at->part) {
	case PART_HEAD:
		add_head(out, l);
		return 0;
	case PART_EVENT:
		return is_event &&
		       add_value(out, ",\"event\":",
			   l->event.n > 0 ? l->event : SPAN("message"),
			   FORM_TEXT, at, end);
	case PART_DATA:
		if (l->kind == RECORD_LINE_CHUNK && !l->is_text)
			return add_value(out, ",\"data_base64\":", l->data,
			    FORM_BASE64, at, end);
		return add_value(out, ",\"data\":", l->data,
		    is_json ? FORM_JSON : FORM_TEXT, at, end);
	case PART_DATA_JSON:
		return is_event && l->data_json.p != NULL &&
		       add_value(out, ",\"data_json\":", l->data_json,
			   FORM_JSON, at, end);
	case PART_EVENT_ID:
		if (is_event && l->event_id.p != NULL)
			return add_value(out, ",\"event_id\":", l->event_id,
			    FORM_TEXT, at, end);
		buf_str(out, is_event ? ",\"event_id\":null" : "");
		return 0;
	}
	if (is_event && l->retry >= 0) {
		buf_str(out, ",\"retry\":");
		buf_i64(out, l->retry);
	} else if (is_event)
		buf_str(out, ",\"retry\":null");
	buf_str(out, "}\n");
	return 0;
}

int
record_line_write(struct buf *out, const struct record_line *l,
    struct record_line_at *at, size_t max)
{
	size_t end = max < SIZE_MAX - out->n ? out->n + max : SIZE_MAX;

	for (; at->part <= PART_END; at->part++)
		if (add_part(out, l, at, end))
			return 1;
	return 0;
}
