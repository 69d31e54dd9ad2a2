/* SPDX-License-Identifier: ISC */
/*
 * Writes the lines of a live stream as JSON, as docs/record.schema.json
 * describes them. Knows nothing of how a stream is cut into events.
 */
#ifndef CODEC_RECORD_LINE_H
#define CODEC_RECORD_LINE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum record_line_kind {
	RECORD_LINE_EVENT, /* event, data, data_json, event_id, retry */
	RECORD_LINE_LINE,  /* data: a value if is_json, else a string */
	RECORD_LINE_CHUNK, /* data if is_text, else data_base64 */
};

struct record_line {
	enum record_line_kind kind;
	uint64_t seq;
	struct span id; /* raw JSON; n 0: no such key */
	int id_is_custom;
	uint64_t n;            /* from 1 */
	int64_t time_us;       /* since the request began */
	struct span event;     /* n 0: message */
	struct span data;      /* is_json: one JSON value */
	struct span data_json; /* of an event: data as a value; p NULL: none */
	struct span event_id;  /* p NULL: null */
	int64_t retry;         /* -1: null */
	int is_json, is_text;
};

/* How far a line is written; all-zero at first. */
struct record_line_at {
	int part;
	int is_open;
	size_t done; /* bytes of the text of that part */
};

/*
 * Appends the line and its LF, or about `max` bytes of it. Nonzero while there
 * is more: call again with the same line. What is no UTF-8 in a string comes
 * out as U+FFFD, so a chunk is is_text only if that is none of it.
 */
int record_line_write(struct buf *out, const struct record_line *l,
    struct record_line_at *at, size_t max);

#endif
