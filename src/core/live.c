/* SPDX-License-Identifier: ISC */
/*
 * From decoded bytes to lines in the output's buffer. Knows where lines may
 * go just now; what an event or a line is, codec/stream knows.
 */
#include "core/live.h"

#include "codec/json.h"
#include "codec/record_line.h"
#include "codec/stream.h"
#include "core/emit.h"
#include "core/fetch.h"
#include "core/xchg.h"

void
live_begin(struct xchg *x)
{
	const struct core *c = x->core;

	if (c->is_single && c->opts->format == FORMAT_BODY &&
	    !c->opts->only_failed &&
	    !(c->opts->fail && http_status(x->http) >= 400))
		x->live = LIVE_BYTES;
	if (!x->fetch->is_streamed)
		return;
	/* What is no success is told in the record, body and all. */
	if (http_status(x->http) / 100 != 2) {
		x->refused_us = c->now_us;
		return;
	}
	x->live = LIVE_LINES;
	if (x->stream == NULL)
		x->stream = stream_new();
	x->stream_kind = stream_kind_of(x->media.type);
	stream_start(x->stream, x->stream_kind);
}

int
live_is_blocked(const struct fetch *f)
{
	const struct core *c = f->core;

	return c->emitting != NULL && c->emitting != f;
}

void
live_flush(struct fetch *f)
{
	struct xchg *x = f->x;

	if (x->late.n == 0)
		return;
	buf_span(emit_open(f), buf_view(&x->late));
	emit_close(f);
	buf_clear(&x->late, 0);
}

/* Where whole lines, or bytes of a body, may go just now. */
static struct buf *
open_place(struct fetch *f)
{
	f->has_written = 1;
	if (live_is_blocked(f))
		return &f->x->late;
	live_flush(f);
	return emit_open(f);
}

static void
close_place(struct fetch *f)
{
	if (!live_is_blocked(f))
		emit_close(f);
}

static const enum record_line_kind kinds[] = {
	[STREAM_EVENTS] = RECORD_LINE_EVENT,
	[STREAM_LINES] = RECORD_LINE_LINE,
	[STREAM_TEXTS] = RECORD_LINE_LINE,
	[STREAM_CHUNKS] = RECORD_LINE_CHUNK,
};

static void
put_item(struct xchg *x, const struct stream_item *item)
{
	struct fetch *f = x->fetch;
	struct record_line l = { .kind = kinds[x->stream_kind],
		.seq = f->seq,
		.id = x->req.id,
		.id_is_custom = x->req.id_is_custom,
		.n = ++x->lines,
		.time_us = x->core->now_us - x->start_us,
		.event = item->event,
		.event_id = item->event_id,
		.data = item->data,
		.retry = item->retry,
		.is_json = item->is_json,
		.is_text = item->is_text };

	if (l.kind == RECORD_LINE_EVENT && f->opts->body == BODY_JSON)
		(void)json_is_answer(item->data, &l.data_json);
	record_line_write(open_place(f), &l);
	close_place(f);
}

enum err
live_take(struct xchg *x, struct span in)
{
	struct stream_item item;

	if (x->live == LIVE_BYTES) {
		buf_span(open_place(x->fetch), in);
		close_place(x->fetch);
		return E_OK;
	}
	for (;;)
		switch (stream_next(x->stream, &in, &item)) {
		case STREAM_ITEM:
			put_item(x, &item);
			break;
		case STREAM_MORE:
			return E_OK;
		case STREAM_TOO_BIG:
			return E_BODY_TOO_LARGE;
		}
}

void
live_end(struct xchg *x)
{
	struct stream_item item;

	if (x->live != LIVE_LINES || x->is_live_over)
		return;
	x->is_live_over = 1;
	if (stream_end(x->stream, &item) == STREAM_ITEM)
		put_item(x, &item);
}
