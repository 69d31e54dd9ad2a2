/* SPDX-License-Identifier: ISC */
/*
 * A response body, decoded, as it arrives: events of text/event-stream by the
 * HTML standard, lines of JSON, or pieces cut at character borders. What comes
 * out is the same however the body arrives (chunks: the same bytes), and is
 * given out with the byte that completes it. Knows nothing of records.
 */
#ifndef CODEC_STREAM_H
#define CODEC_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* An event's name and data together, or a line: bytes as they came. */
#define STREAM_ITEM_MAX (16u << 20)
/* An event's id: it is repeated with each event that follows. */
#define STREAM_ID_MAX (8u << 10)
#define STREAM_CHUNK_MAX (64u << 10)

enum stream_kind {
	STREAM_EVENTS,
	STREAM_LINES,
	STREAM_TEXTS, /* JSON text sequences (RFC 7464) */
	STREAM_CHUNKS,
};

struct stream; /* the reader of one body after another */

/* Spans lie in the reader or in the caller's bytes; valid until the next call
 * with this reader. */
struct stream_item {
	struct span event;    /* EVENTS: its name, "message" if it has none */
	struct span event_id; /* EVENTS: the last one set; p NULL if none was */
	int64_t retry;        /* EVENTS: what this block sets, in ms; or -1 */
	/*
	 * EVENTS: the data lines, LF between them. LINES: one line without its
	 * end; TEXTS: one text without white space around it, which may have
	 * line ends inside; of both, if it is JSON, the value alone. CHUNKS: at
	 * most STREAM_CHUNK_MAX bytes. Only a chunk with is_text and a line
	 * or text with is_json are known to be UTF-8. p is never NULL.
	 */
	struct span data;
	int is_json; /* LINES, TEXTS: one JSON value by json_read_answer */
	int is_text; /* CHUNKS: UTF-8, whole characters */
};

enum stream_verdict {
	STREAM_MORE,    /* all input taken, no item is complete */
	STREAM_ITEM,    /* *item is filled in: call again with the rest */
	STREAM_TOO_BIG, /* an item above the limits, and so from then on */
};

struct stream *stream_new(void);
void stream_free(struct stream *s);

/*
 * What a media type (by codec/media_type) asks for; CHUNKS where it is none of
 * those listed.
 */
enum stream_kind stream_kind_of(struct span type);

/* Makes ready for one body. Keeps its memory as far as that is small. */
void stream_start(struct stream *s, enum stream_kind kind);

/*
 * Takes bytes from the front of *in, up to and with the end of one item.
 * EVENTS: a block without a data field is no item, but the id it sets is kept.
 * LINES: end in LF or CRLF; one that is empty or blank is no item. TEXTS: one
 * begins with a record separator and ends before the next, or with the LF
 * behind its value; one that is cut off is no JSON and spoils no other. CHUNKS:
 * one item for the bytes of a call, cut where the 64 KiB end and before a
 * character that is not complete yet.
 */
enum stream_verdict
stream_next(struct stream *s, struct span *in, struct stream_item *item);

/*
 * The body is over. STREAM_ITEM at most once, with what is left: LINES a line
 * and TEXTS a text without an end, CHUNKS the bytes of a cut character. EVENTS:
 * nothing, the standard drops a block without its blank line.
 */
enum stream_verdict stream_end(struct stream *s, struct stream_item *item);

/* Bytes held of what is not complete yet, and of the last event id. */
size_t stream_held_bytes(const struct stream *s);

#endif
