/* SPDX-License-Identifier: ISC */
/*
 * A pull reader for JSON texts (RFC 8259) that hands out raw spans, so that
 * ids, meta and bodies can be echoed byte for byte. The text stands whole in
 * memory; nothing is copied, nothing allocated, and nesting is counted, not
 * recursed into. Repeated keys are the caller's matter.
 *
 * Input (json_start) is held to more than the grammar: strings must be UTF-8,
 * an escaped surrogate must have its other half, and no more than
 * JSON_DEPTH_MAX lists and objects may be open at once. Of answers the grammar
 * is enough, in UTF-8: half a pair is let pass, so is a byte order mark in
 * front, and JSON_ANSWER_DEPTH_MAX, beyond which many readers give up, is the
 * deepest.
 */
#ifndef CODEC_JSON_JSON_H
#define CODEC_JSON_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define JSON_DEPTH_MAX 64
#define JSON_ANSWER_DEPTH_MAX 512
/* A record puts a few levels around an answer; its reader takes these too. */
#define JSON_READER_DEPTH_MAX (JSON_ANSWER_DEPTH_MAX + 64)

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_LIST,
	JSON_OBJECT,
};

/* A whole value, checked to its end. `raw` lies in the text. */
struct json_value {
	enum json_kind kind;
	struct span raw; /* as it stands, a string with its quotes */
	int escaped;     /* a string with an escape in it */
};

struct json {
	struct span text;
	size_t at;       /* the next byte; after a fault: where that is */
	const char *why; /* static text; NULL as long as nothing is wrong */
	int is_answer;
	unsigned depth, depth_max; /* open lists and objects */
	uint64_t objects[JSON_READER_DEPTH_MAX / 64]; /* a bit for each: it is
							 an object */
	int first; /* nothing read yet since the last '{' or '[' */
};

/*
 * All of these return -1 at a fault, with at and why set, and from then on.
 * The text outlives the reader and every span it gave.
 */
void json_start(struct json *j, struct span text);
/* Of an answer, or what has answers in it. */
void json_start_answer(struct json *j, struct span text);
/* Reads the next value whole, whatever it is. 0 or -1. */
int json_value(struct json *j, struct json_value *v);
/* Steps into the object or list that is next (anything else is a fault). */
int json_enter(struct json *j);
/*
 * Inside an object: 1 with *key read, its value is next; 0 when the object has
 * ended and been left. The value must be read or entered before the next call.
 */
int json_member(struct json *j, struct json_value *key);
/* Inside a list: 1 when a value is next; 0 when the list has been left. */
int json_element(struct json *j);
/* At the outermost level: 0 if nothing but white space follows. */
int json_end(struct json *j);

/*
 * Nonzero if the text is one value of an answer with nothing but white space
 * around it. Then *raw, unless NULL, is the value alone; there may be line ends
 * inside it.
 */
int json_read_answer(struct span text, struct span *raw);

/* The text without a byte order mark and without white space at both ends. */
struct span json_trim(struct span text);

/* A string without its quotes; its escapes still in it. */
struct span json_inside(const struct json_value *v);
/* Appends a string's characters, at most v->raw.n - 2 bytes; half a pair as
 * U+FFFD. */
void json_unescape(struct buf *out, const struct json_value *v);

/*
 * For scanning eight bytes at once: the high bit of each byte of w that cannot
 * stand in a string as it is (a quote, a backslash, a control byte) or that is
 * in `high` (0x80 in every byte: what is not ASCII; 0: nothing). Only the
 * lowest bit set is to be relied on.
 */
static inline uint64_t
json_special(uint64_t w, uint64_t high)
{
	const uint64_t one = 0x0101010101010101ULL;
	uint64_t quote = w ^ (one * '"'), slash = w ^ (one * '\\');

	return ((((w - one * 0x20) & ~w) | ((quote - one) & ~quote) |
		    ((slash - one) & ~slash)) &
		   (one * 0x80)) |
	       (w & high);
}

#endif
