/* SPDX-License-Identifier: ISC */
/*
 * Splits a decoded response body as it arrives: into events of
 * text/event-stream (HTML standard), lines of JSON, or pieces cut between
 * characters. Items do not depend on how the body is split on arrival (chunks:
 * the same bytes), and are returned as soon as they are complete.
 */
#ifndef CODEC_STREAM_H
#define CODEC_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Bytes of an event's name and data together, or of a line. */
#define STREAM_ITEM_MAX (16u << 20)
/* Bytes of an event's id, which is repeated with each event that follows. */
#define STREAM_ID_MAX (8u << 10)
#define STREAM_CHUNK_MAX (64u << 10)

enum stream_kind {
	STREAM_EVENTS,
	STREAM_LINES,
	STREAM_TEXTS, /* JSON text sequences (RFC 7464) */
	STREAM_CHUNKS,
};

struct stream; /* a reader of one body after another */

/* Spans point into the reader or into the caller's bytes, and are valid until
 * the next call with this reader. */
struct stream_item {
	struct span event;    /* EVENTS: its name, "message" if it has none */
	struct span event_id; /* EVENTS: the last one set; p NULL: none */
	int64_t retry;        /* EVENTS: set by this block, in ms; or -1 */
	/*
	 * EVENTS: the data lines, LF between them. LINES: a line without its
	 * end. TEXTS: a text without white space around it; it may contain line
	 * ends. LINES and TEXTS that are JSON: only the value. CHUNKS: at most
	 * STREAM_CHUNK_MAX bytes. Only chunks with is_text and lines or texts
	 * with is_json are known to be UTF-8. p is never NULL.
	 */
	struct span data;
	int is_json; /* LINES, TEXTS: one JSON value by json_read_answer */
	int is_text; /* CHUNKS: UTF-8, whole characters */
};

enum stream_verdict {
	STREAM_MORE,    /* all input consumed, no item is complete */
	STREAM_ITEM,    /* *item is filled in: call again with the rest */
	STREAM_TOO_BIG, /* an item exceeds the limits; final */
};

struct stream *stream_new(void);
void stream_free(struct stream *s);

/* The kind for a media type (by codec/media_type); CHUNKS for all others. */
enum stream_kind stream_kind_of(struct span type);

/* Prepares for a body. Keeps small buffers of the previous one. */
void stream_start(struct stream *s, enum stream_kind kind);

/*
 * Consumes bytes from the front of *in, up to the end of one item.
 * EVENTS: a block without a data field is not an item, but its id is kept.
 * LINES: end in LF or CRLF; blank lines are skipped.
 * TEXTS: begin with a record separator and end before the next one, or with the
 * LF after their value; a truncated text is not JSON and affects no other.
 * CHUNKS: one item for the bytes of a call, at most 64 KiB, without an
 * incomplete character at its end.
 */
enum stream_verdict
stream_next(struct stream *s, struct span *in, struct stream_item *item);

/*
 * The body has ended. Returns STREAM_ITEM at most once: an unterminated line or
 * text, or the bytes of an incomplete character. EVENTS: nothing, as the
 * standard discards a block without its blank line.
 */
enum stream_verdict stream_end(struct stream *s, struct stream_item *item);

/* Bytes held: incomplete items and the last event id. */
size_t stream_held_bytes(const struct stream *s);

#endif
