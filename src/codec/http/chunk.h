/* SPDX-License-Identifier: ISC */
/*
 * Decodes the chunked transfer coding (RFC 9112 section 7.1) up to the line of
 * the last chunk, for codec/http only. http_head reads the trailers.
 */
#ifndef CODEC_HTTP_CHUNK_H
#define CODEC_HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "codec/http/http.h"

struct http_chunk {
	int state;
	int digits;     /* of the current size, without leading zeros */
	uint64_t left;  /* bytes left of the current chunk */
	uint64_t extra; /* unnecessary bytes of chunk lines so far */
	uint64_t data;  /* bytes of chunks so far */
	unsigned flags; /* leniencies */
	enum err error;
	const char *detail;
};

void http_chunk_start(struct http_chunk *c);
/*
 * Consumes bytes from the front of *in. HTTP_MORE: *data is the next run of
 * body bytes, possibly empty, and *in may hold more. HTTP_DONE: the line of the
 * last chunk was consumed; trailers follow. HTTP_BAD: see error and detail.
 */
enum http_verdict
http_chunk_feed(struct http_chunk *c, struct span *in, struct span *data);

#endif
