/* SPDX-License-Identifier: ISC */
/*
 * A pull reader for JSON texts (RFC 8259). It returns raw spans, so that ids,
 * meta and bodies can be echoed byte for byte. The whole text is in memory;
 * nothing is copied or allocated, and there is no recursion. Repeated keys are
 * left to the caller.
 *
 * Two modes. Input (json_start) is strict: strings must be UTF-8, escaped
 * surrogates must come in pairs, and at most JSON_DEPTH_MAX lists and objects
 * may be open. Response bodies (json_start_answer) may contain lone surrogate
 * escapes and begin with a byte order mark, and may be nested up to
 * JSON_ANSWER_DEPTH_MAX, where many other readers give up.
 */
#ifndef CODEC_JSON_JSON_H
#define CODEC_JSON_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define JSON_DEPTH_MAX 64
#define JSON_ANSWER_DEPTH_MAX 512
/* For records, which nest a body a few levels deeper. */
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

/* A complete, valid value. `raw` points into the text. */
struct json_value {
	enum json_kind kind;
	struct span raw; /* verbatim; a string with its quotes */
	int escaped;     /* a string with an escape in it */
};

struct json {
	struct span text;
	size_t at;       /* offset of the next byte, or of the fault */
	const char *why; /* the fault, static; NULL if there is none */
	int is_answer;
	unsigned depth, depth_max; /* open lists and objects */
	uint64_t objects[JSON_READER_DEPTH_MAX / 64]; /* a bit for each: it is
							 an object */
	int first; /* directly after a '{' or '[' */
};

/*
 * These return -1 at a fault, with `at` and `why` set, and on every later call.
 * The text must outlive the reader and all spans it returned.
 */
void json_start(struct json *j, struct span text);
/* For a response body, or a text that contains some. */
void json_start_answer(struct json *j, struct span text);
/* Reads the next value completely. 0 or -1. */
int json_value(struct json *j, struct json_value *v);
/* Enters the next value, which must be an object or a list. */
int json_enter(struct json *j);
/*
 * Inside an object: 1 with *key set, and its value comes next; 0 at the end of
 * the object, which is left. The value must be read or entered before the next
 * call.
 */
int json_member(struct json *j, struct json_value *key);
/* Inside a list: 1 if a value comes next; 0 at the end of the list, which is
 * left. */
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

/* A string without its quotes, escapes not decoded. */
struct span json_inside(const struct json_value *v);
/* Appends the decoded string, at most v->raw.n - 2 bytes. A lone surrogate
 * becomes U+FFFD. */
void json_unescape(struct buf *out, const struct json_value *v);

/*
 * Scans eight bytes at once: sets the high bit of each byte of w that must be
 * escaped in a string (a quote, a backslash, a control byte), or that is not
 * ASCII if `high` is 0x80 in every byte (0: non-ASCII is accepted). Only the
 * lowest bit set is reliable.
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
