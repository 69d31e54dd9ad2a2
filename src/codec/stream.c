/* SPDX-License-Identifier: ISC */
/*
 * Splits bodies into events, lines or chunks. An item that is complete in the
 * caller's bytes is read in place; only a split item is copied, once. Each byte
 * is examined once, so the cost does not depend on the size of the pieces.
 */
#include "codec/stream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/json/json.h"

#define KEEP_BYTES 4096 /* kept of each buffer from item to item */
#define CUT_MAX 3       /* bytes of an incomplete character */
#define RECORD_SEPARATOR 0x1e

struct stream {
	enum stream_kind kind;
	struct buf rest;  /* an incomplete line; CHUNKS: a joined piece */
	struct buf data;  /* EVENTS: of the block, LF between lines */
	struct buf event; /* EVENTS: of the block */
	struct buf id;    /* EVENTS: the last one */
	int64_t retry;    /* EVENTS: of the block, or -1 */
	int has_data;     /* EVENTS: the block has a data field */
	int has_id;       /* EVENTS */
	int first_line;   /* EVENTS: it may begin with a BOM */
	int after_cr;     /* EVENTS: an LF that follows belongs to the CR */
	size_t cut_n;     /* CHUNKS: bytes of an incomplete character */
	char cut[CUT_MAX];
	/* TEXTS: the state of the current text; `rest` holds its beginning. */
	unsigned depth; /* open lists and objects, if it is JSON */
	int in_string, after_backslash;
	int is_broken; /* cannot become JSON any more */
	int given;     /* an item was returned and can be dropped */
	int too_big;
};

static const struct {
	struct span type;
	enum stream_kind kind;
} types[] = {
	{ { "text/event-stream", 17 }, STREAM_EVENTS },
	{ { "application/x-ndjson", 20 }, STREAM_LINES },
	{ { "application/ndjson", 18 }, STREAM_LINES },
	{ { "application/jsonl", 17 }, STREAM_LINES },
	{ { "application/x-jsonlines", 23 }, STREAM_LINES },
	{ { "application/jsonlines", 21 }, STREAM_LINES },
	{ { "application/json-seq", 20 }, STREAM_TEXTS },
};

struct stream *
stream_new(void)
{
	return mem_zalloc(1, sizeof(struct stream));
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	buf_fini(&s->rest);
	buf_fini(&s->data);
	buf_fini(&s->event);
	buf_fini(&s->id);
	free(s);
}

enum stream_kind
stream_kind_of(struct span type)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_eq(type, types[i].type))
			return types[i].kind;
	return STREAM_CHUNKS;
}

static void
forget_text(struct stream *s)
{
	s->depth = 0;
	s->in_string = s->after_backslash = s->is_broken = 0;
}

static void
forget_block(struct stream *s)
{
	buf_clear(&s->data, KEEP_BYTES);
	buf_clear(&s->event, KEEP_BYTES);
	s->retry = -1;
	s->has_data = 0;
}

void
stream_start(struct stream *s, enum stream_kind kind)
{
	buf_clear(&s->rest, KEEP_BYTES);
	buf_clear(&s->id, KEEP_BYTES);
	forget_block(s);
	forget_text(s);
	s->kind = kind;
	s->has_id = 0;
	s->first_line = 1;
	s->after_cr = 0;
	s->cut_n = 0;
	s->given = 0;
	s->too_big = 0;
}

size_t
stream_held_bytes(const struct stream *s)
{
	size_t item = s->given ? 0 : s->data.n + s->event.n + s->rest.n;

	return item + s->cut_n + s->id.n;
}

static enum stream_verdict
fail(struct stream *s)
{
	s->too_big = 1;
	return STREAM_TOO_BIG;
}

static enum stream_verdict
give(struct stream *s)
{
	s->given = 1;
	return STREAM_ITEM;
}

/* ---- lines ---- */

/* Bytes before the first line end: LF, and for events CR. */
static size_t
find_end(const struct stream *s, struct span in)
{
	const char *lf;
	size_t i;

	if (s->kind == STREAM_LINES) {
		lf = memchr(in.p, '\n', in.n);
		return lf != NULL ? (size_t)(lf - in.p) : in.n;
	}
	for (i = 0; i < in.n && in.p[i] != '\n' && in.p[i] != '\r'; i++)
		;
	return i;
}

/*
 * Consumes bytes up to a line end. STREAM_ITEM: *line is complete, without its
 * end. STREAM_MORE: the incomplete line is kept. The length is checked first,
 * so that the result does not depend on how the bytes are split.
 */
static enum stream_verdict
take_line(struct stream *s, struct span *in, struct span *line)
{
	size_t n = find_end(s, *in);
	int whole = n < in->n;

	if (n > STREAM_ITEM_MAX - s->data.n - s->event.n - s->rest.n)
		return fail(s);
	*line = span_of(in->p, n);
	if (!whole || s->rest.n > 0) {
		buf_span(&s->rest, *line);
		*line = buf_view(&s->rest);
	}
	if (whole)
		s->after_cr = in->p[n] == '\r';
	span_drop(in, n + (size_t)whole);
	return whole ? STREAM_ITEM : STREAM_MORE;
}

/* 0 if the line is blank. */
static int
read_line(struct span line, struct stream_item *item)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (span_trim_space(line).n == 0)
		return 0;
	item->data = line;
	item->is_json = json_read_answer(line, &item->data);
	return 1;
}

static enum stream_verdict
next_line(struct stream *s, struct span *in, struct stream_item *item)
{
	enum stream_verdict v = STREAM_MORE;
	struct span line;

	while (in->n > 0 && (v = take_line(s, in, &line)) == STREAM_ITEM) {
		if (read_line(line, item))
			return give(s);
		buf_clear(&s->rest, KEEP_BYTES);
		v = STREAM_MORE;
	}
	return v;
}

/* ---- texts (RFC 7464) ---- */

/* A number or literal without white space after it may be truncated. */
static int
may_be_cut(struct span text, struct span value)
{
	return strchr("\"[{", value.p[0]) == NULL &&
	       value.p + value.n == text.p + text.n;
}

/* The text between two separators. 0 if it is blank. */
static int
read_text(struct span text, struct stream_item *item)
{
	struct span trimmed = span_trim_space(text);

	if (trimmed.n == 0)
		return 0;
	item->data = trimmed;
	item->is_json = json_read_answer(text, &item->data) &&
			!may_be_cut(text, item->data);
	if (!item->is_json)
		item->data = trimmed;
	return 1;
}

/* Advances the state of a text by one byte. Nonzero: with this LF the text may
 * be complete. */
static int
step_text(struct stream *s, char c)
{
	if (s->after_backslash) {
		s->after_backslash = 0;
		return 0;
	}
	if (s->in_string) {
		s->after_backslash = c == '\\';
		s->in_string = c != '"';
		return 0;
	}
	if (c == '"')
		s->in_string = 1;
	else if (c == '[' || c == '{')
		s->depth++;
	else if ((c == ']' || c == '}') && s->depth > 0)
		s->depth--;
	return c == '\n' && s->depth == 0 && !s->is_broken;
}

/*
 * The number of bytes of `in` that belong to the current text. *end is the byte
 * that may end it: a separator (not counted), an LF (counted), or 0 if none was
 * found.
 */
static size_t
find_text_end(struct stream *s, struct span in, char *end)
{
	size_t i;

	for (i = 0; i < in.n; i++) {
		*end = in.p[i];
		if (in.p[i] == RECORD_SEPARATOR)
			return i;
		if (step_text(s, in.p[i]))
			return i + 1;
	}
	*end = '\0';
	return in.n;
}

/* Ends the text at an LF if it is a complete value; otherwise it cannot become
 * one and extends to the next separator. */
static int
try_end_text(struct stream *s, struct span text, char end)
{
	if (end == RECORD_SEPARATOR || span_trim_space(text).n == 0)
		return 1;
	s->is_broken = !json_read_answer(text, NULL);
	return !s->is_broken;
}

static enum stream_verdict
next_text(struct stream *s, struct span *in, struct stream_item *item)
{
	struct span text;
	size_t n;
	char end;

	while (in->n > 0) {
		n = find_text_end(s, *in, &end);
		if (n > STREAM_ITEM_MAX - s->rest.n)
			return fail(s);
		text = span_of(in->p, n);
		span_drop(in, n + (end == RECORD_SEPARATOR));
		if (end == '\0' || s->rest.n > 0) {
			buf_span(&s->rest, text);
			text = buf_view(&s->rest);
		}
		if (end == '\0')
			return STREAM_MORE;
		if (!try_end_text(s, text, end)) {
			if (s->rest.n == 0)
				buf_span(&s->rest, text);
			continue;
		}
		forget_text(s);
		if (read_text(text, item))
			return give(s);
		buf_clear(&s->rest, KEEP_BYTES);
	}
	return STREAM_MORE;
}

/* ---- events (HTML standard, "Interpreting an event stream") ---- */

static void
set_retry(struct stream *s, struct span value)
{
	int64_t ms = 0;
	size_t i;

	for (i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return;
		if (ms > (INT64_MAX - 9) / 10)
			ms = (INT64_MAX - 9) / 10;
		ms = ms * 10 + (value.p[i] - '0');
	}
	if (value.n > 0)
		s->retry = ms;
}

static enum stream_verdict
set_id(struct stream *s, struct span value)
{
	if (value.n > 0 && memchr(value.p, '\0', value.n) != NULL)
		return STREAM_MORE;
	if (value.n > STREAM_ID_MAX)
		return fail(s);
	s->id.n = 0;
	buf_span(&s->id, value);
	s->has_id = 1;
	return STREAM_MORE;
}

static enum stream_verdict
take_field(struct stream *s, struct span name, struct span value)
{
	if (span_eq(name, SPAN("data"))) {
		if (s->has_data)
			buf_char(&s->data, '\n');
		buf_span(&s->data, value);
		s->has_data = 1;
	} else if (span_eq(name, SPAN("event"))) {
		s->event.n = 0;
		buf_span(&s->event, value);
	} else if (span_eq(name, SPAN("id")))
		return set_id(s, value);
	else if (span_eq(name, SPAN("retry")))
		set_retry(s, value);
	return STREAM_MORE;
}

/* A line that is not empty. */
static enum stream_verdict
read_field(struct stream *s, struct span line)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct span name = line, value = SPAN_NONE;

	if (colon != NULL) {
		name.n = (size_t)(colon - line.p);
		value = line;
		span_drop(&value, name.n + 1);
		if (value.n > 0 && value.p[0] == ' ')
			span_drop(&value, 1);
	}
	return take_field(s, name, value);
}

/* p is not NULL even if the buffer is empty. */
static struct span
view(const struct buf *b)
{
	return b->n > 0 ? buf_view(b) : SPAN("");
}

/* The blank line after a block. */
static enum stream_verdict
end_block(struct stream *s, struct stream_item *item)
{
	if (!s->has_data) {
		forget_block(s);
		return STREAM_MORE;
	}
	item->event = s->event.n > 0 ? buf_view(&s->event) : SPAN("message");
	if (s->has_id)
		item->event_id = view(&s->id);
	item->retry = s->retry;
	item->data = view(&s->data);
	return give(s);
}

/* Skips the LF after a CR that ended the previous piece. */
static void
skip_lf(struct stream *s, struct span *in)
{
	if (s->after_cr && in->n > 0) {
		if (in->p[0] == '\n')
			span_drop(in, 1);
		s->after_cr = 0;
	}
}

static enum stream_verdict
next_event(struct stream *s, struct span *in, struct stream_item *item)
{
	enum stream_verdict v;
	struct span line;

	for (;;) {
		skip_lf(s, in);
		if (in->n == 0)
			return STREAM_MORE;
		v = take_line(s, in, &line);
		if (v != STREAM_ITEM)
			return v;
		if (s->first_line)
			line = utf8_skip_bom(line);
		s->first_line = 0;
		if (line.n > 0)
			v = read_field(s, line);
		else
			v = end_block(s, item);
		buf_clear(&s->rest, KEEP_BYTES);
		if (v != STREAM_MORE)
			return v;
	}
}

/* ---- chunks ---- */

/* Is s the beginning of a character, but not a complete one? */
static int
is_begun(struct span s)
{
	char padded[4] = "\x80\x80\x80\x80";

	if ((unsigned char)s.p[0] < 0xc2 || (unsigned char)s.p[0] > 0xf4)
		return 0;
	if (s.n == 1)
		return 1;
	memcpy(padded, s.p, s.n);
	return utf8_len(span_of(padded, sizeof(padded))) > s.n;
}

/* The number of bytes at the end of s that begin an incomplete character. */
static size_t
cut_bytes(struct span s)
{
	size_t n;

	for (n = 1; n <= CUT_MAX && n <= s.n; n++)
		if (is_begun(span_of(s.p + s.n - n, n)))
			return n;
	return 0;
}

static enum stream_verdict
give_chunk(struct stream *s, struct span data, struct stream_item *item)
{
	item->data = data;
	item->is_text = utf8_valid(data) == data.n;
	return give(s);
}

/*
 * Removes an incomplete character from the end of data. If *in has its other
 * bytes, the character is put back there, else it is kept for the next call.
 */
static struct span
hold_back(struct stream *s, struct span *in, struct span data)
{
	size_t n = cut_bytes(data);

	data.n -= n;
	if (in->n > 0)
		*in = span_of(in->p - n, in->n + n);
	else if (n > 0) {
		memcpy(s->cut, data.p + data.n, n);
		s->cut_n = n;
	}
	return data;
}

static enum stream_verdict
next_chunk(struct stream *s, struct span *in, struct stream_item *item)
{
	size_t room = STREAM_CHUNK_MAX - s->cut_n;
	struct span data = span_of(in->p, in->n < room ? in->n : room);

	if (data.n == 0)
		return STREAM_MORE;
	span_drop(in, data.n);
	if (s->cut_n > 0) {
		buf_add(&s->rest, s->cut, s->cut_n);
		buf_span(&s->rest, data);
		data = buf_view(&s->rest);
		s->cut_n = 0;
	}
	data = hold_back(s, in, data);
	if (data.n > 0)
		return give_chunk(s, data, item);
	s->rest.n = 0;
	return STREAM_MORE;
}

/* ---- all of them ---- */

/* Drops the item returned by the last call. */
static void
begin(struct stream *s, struct stream_item *item)
{
	*item = (struct stream_item){ .retry = -1 };
	if (!s->given)
		return;
	s->given = 0;
	buf_clear(&s->rest, KEEP_BYTES);
	forget_block(s);
}

enum stream_verdict
stream_next(struct stream *s, struct span *in, struct stream_item *item)
{
	begin(s, item);
	if (s->too_big)
		return STREAM_TOO_BIG;
	switch (s->kind) {
	case STREAM_EVENTS:
		return next_event(s, in, item);
	case STREAM_LINES:
		return next_line(s, in, item);
	case STREAM_TEXTS:
		return next_text(s, in, item);
	case STREAM_CHUNKS:
		break;
	}
	return next_chunk(s, in, item);
}

enum stream_verdict
stream_end(struct stream *s, struct stream_item *item)
{
	begin(s, item);
	if (s->too_big)
		return STREAM_TOO_BIG;
	if (s->kind == STREAM_LINES && read_line(buf_view(&s->rest), item))
		return give(s);
	if (s->kind == STREAM_TEXTS && read_text(buf_view(&s->rest), item))
		return give(s);
	if (s->cut_n > 0) {
		buf_add(&s->rest, s->cut, s->cut_n);
		s->cut_n = 0;
		return give_chunk(s, buf_view(&s->rest), item);
	}
	return STREAM_MORE;
}
