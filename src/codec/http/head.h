/* SPDX-License-Identifier: ISC */
/*
 * Parses and validates a header section or trailers incrementally (RFC 9112
 * sections 2.2, 4, 5), for codec/http only. A line is checked as soon as it is
 * complete, control bytes as soon as they arrive.
 */
#ifndef CODEC_HTTP_HEAD_H
#define CODEC_HTTP_HEAD_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "codec/http/http.h"

struct http_head {
	struct http_fields *fields; /* borrowed: where the lines go */
	int in_fields;              /* the status line is complete */
	int begun;                  /* a byte other than a blank line arrived */
	int status, minor;
	unsigned flags;  /* leniencies, kept from section to section */
	size_t left;     /* bytes left of the budget */
	size_t scanned;  /* of `line`, known to be free of controls */
	struct buf line; /* a line that is not complete yet */
	enum err error;
	const char *detail;
};

/* Resets everything but keeps the memory of `line`. */
void http_head_start(struct http_head *hd, size_t budget);
/* Empties `fields` and expects a status line, or trailers. The budget is not
 * reset. */
void http_head_section(
    struct http_head *hd, struct http_fields *fields, int trailers);
void http_head_fini(struct http_head *hd);
/*
 * Consumes bytes from the front of *in. HTTP_DONE: the empty line at the end of
 * the section was consumed. HTTP_MORE: all input was consumed. HTTP_BAD: see
 * error and detail. Afterwards fields->bytes holds the section in normal form:
 * names in lower case, folded lines joined, each line ended by CRLF.
 */
enum http_verdict http_head_feed(struct http_head *hd, struct span *in);

#endif
