/* SPDX-License-Identifier: ISC */
/*
 * The pre-validator of a header section (RFC 9112 sections 2.2, 4, 5), for
 * codec/http alone: bytes as they come in, fields out, each line judged as
 * soon as it is whole, a control byte at once. The same for trailers.
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
	int in_fields;              /* the status line is behind us */
	int begun;                  /* a byte that is no blank line has come */
	int status, minor;
	unsigned flags;  /* leniencies, kept from section to section */
	size_t left;     /* bytes of the budget that are left */
	size_t scanned;  /* of `line`, known to be free of controls */
	struct buf line; /* a line whose end has not come yet */
	enum err error;
	const char *detail;
};

/* All is reset but the memory of `line`. */
void http_head_start(struct http_head *hd, size_t budget);
/* Empties `fields` and makes ready for a status line, or for trailers. The
 * budget runs on. */
void http_head_section(
    struct http_head *hd, struct http_fields *fields, int trailers);
void http_head_fini(struct http_head *hd);
/*
 * Takes what it can from the front of *in. HTTP_DONE: the section's empty line
 * is taken; HTTP_MORE: all input is; HTTP_BAD: see error and detail. What the
 * fields' bytes hold is then the section itself as it should have been sent:
 * names in lower case, folds undone, each line ended by CRLF.
 */
enum http_verdict http_head_feed(struct http_head *hd, struct span *in);

#endif
