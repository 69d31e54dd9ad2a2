/* SPDX-License-Identifier: ISC */
/*
 * Turns decoded bytes into lines in the output's buffer, as far as it has room:
 * a few compressed bytes may become megabytes. codec/stream finds the events
 * and lines.
 */
#include "core/output/stream.h"

#include "codec/json/json.h"
#include "codec/record/line.h"
#include "codec/stream.h"
#include "core/output/output.h"
#include "core/fetch.h"
#include "core/xchg.h"

#define PIECE_BYTES (64u << 10) /* of a line or body, written at a time */

void
output_stream_begin(struct xchg *x)
{
	const struct job *j = x->fetch->job;

	if (j->is_single && j->opts->format == FORMAT_BODY &&
	    !j->opts->only_failed &&
	    !(j->opts->fail && http_status(x->http) >= 400))
		x->stream_mode = OUTPUT_STREAM_BYTES;
	if (!x->fetch->is_streamed)
		return;
	/* Other statuses are reported in the record, with the body. */
	if (http_status(x->http) / 100 != 2) {
		x->refused_at_us = x->core->clock.now_us;
		return;
	}
	x->stream_mode = OUTPUT_STREAM_LINES;
	if (x->stream == NULL)
		x->stream = stream_new();
	x->stream_kind = stream_kind_of(x->media.type);
	stream_start(x->stream, x->stream_kind);
}

void
output_stream_clear(struct xchg *x)
{
	x->stream_mode = OUTPUT_STREAM_NONE;
	x->stream_taken = 0;
	x->is_stream_ended = x->has_line = 0;
	x->lines = 0;
}

static int
has_room(const struct fetch *f, int all)
{
	if (!output_is_stored(f) && output_is_blocked(f))
		return 0;
	return all || output_has_room(f);
}

/* Writes the present line. Nonzero: it is complete, or there is none. */
static int
write_line(struct xchg *x, int all)
{
	struct fetch *f = x->fetch;
	int is_stored;

	while (x->has_line) {
		if (!has_room(f, all))
			return 0;
		is_stored = output_is_stored(f);
		f->has_written = 1;
		x->has_line = record_line_write(
		    output_open(f), &x->line, &x->line_at, PIECE_BYTES);
		output_close(f);
		if (!is_stored)
			f->job->emit.unfinished = x->has_line ? f : NULL;
	}
	return 1;
}

static const enum record_line_kind kinds[] = {
	[STREAM_EVENTS] = RECORD_LINE_EVENT,
	[STREAM_LINES] = RECORD_LINE_LINE,
	[STREAM_TEXTS] = RECORD_LINE_LINE,
	[STREAM_CHUNKS] = RECORD_LINE_CHUNK,
};

/* item's spans stay valid until stream_next is called again; x->body does not
 * change until then. */
static void
set_line(struct xchg *x, const struct stream_item *item)
{
	x->line = (struct record_line){ .kind = kinds[x->stream_kind],
		.seq = x->fetch->seq,
		.id = x->req.id,
		.id_is_custom = x->req.id_is_custom,
		.n = ++x->lines,
		.time_us = x->core->clock.now_us - x->start_at_us,
		.event = item->event,
		.event_id = item->event_id,
		.data = item->data,
		.retry = item->retry,
		.is_json = item->is_json,
		.is_text = item->is_text };
	if (x->line.kind == RECORD_LINE_EVENT &&
	    x->fetch->job->opts->body == BODY_JSON)
		(void)json_read_answer(item->data, &x->line.data_json);
	x->line_at = (struct record_line_at){ 0 };
	x->has_line = 1;
}

static void
put_bytes(struct xchg *x, struct span in)
{
	size_t n = in.n < PIECE_BYTES ? in.n : PIECE_BYTES;

	x->fetch->has_written = 1;
	buf_add(output_open(x->fetch), in.p, n);
	output_close(x->fetch);
	x->stream_taken += n;
}

/* Takes the next line, or some bytes. OUTPUT_STREAM_TAKEN: go on. */
static enum output_stream_verdict
take_some(struct xchg *x, struct span in)
{
	struct stream_item item;

	if (x->stream_mode == OUTPUT_STREAM_BYTES) {
		put_bytes(x, in);
		return OUTPUT_STREAM_TAKEN;
	}
	switch (stream_next(x->stream, &in, &item)) {
	case STREAM_ITEM:
		set_line(x, &item);
		break;
	case STREAM_MORE:
		break;
	case STREAM_TOO_BIG:
		return OUTPUT_STREAM_TOO_BIG;
	}
	x->stream_taken = x->body.n - in.n;
	return OUTPUT_STREAM_TAKEN;
}

static enum output_stream_verdict
run(struct xchg *x, int all)
{
	enum output_stream_verdict v = OUTPUT_STREAM_TAKEN;

	while (v == OUTPUT_STREAM_TAKEN) {
		if (!write_line(x, all))
			return OUTPUT_STREAM_BLOCKED;
		if (x->stream_taken == x->body.n) {
			x->stream_taken = x->body.n = 0;
			return OUTPUT_STREAM_TAKEN;
		}
		if (!has_room(x->fetch, all))
			return OUTPUT_STREAM_BLOCKED;
		v = take_some(x, span_of(x->body.p + x->stream_taken,
				     x->body.n - x->stream_taken));
	}
	return v;
}

enum output_stream_verdict
output_stream_run(struct xchg *x)
{
	return run(x, 0);
}

int
output_stream_finish(struct xchg *x, int all)
{
	struct stream_item item;

	if (x->stream_mode == OUTPUT_STREAM_NONE)
		return 1;
	if (run(x, all) == OUTPUT_STREAM_BLOCKED)
		return 0;
	if (x->stream_mode == OUTPUT_STREAM_LINES && !x->is_stream_ended) {
		x->is_stream_ended = 1;
		if (stream_end(x->stream, &item) == STREAM_ITEM)
			set_line(x, &item);
	}
	return write_line(x, all);
}
