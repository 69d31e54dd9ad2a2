/* SPDX-License-Identifier: ISC */
/*
 * The chunked transfer coding (RFC 9112 section 7.1) up to the line of the last
 * chunk, for codec/http alone; trailers are http_head's.
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
	int digits;     /* of the size at hand, without leading zeros */
	uint64_t left;  /* of the chunk at hand */
	uint64_t extra; /* bytes of chunk lines that could have been left out */
	uint64_t data;  /* bytes of chunks so far */
	unsigned flags; /* leniencies */
	enum err error;
	const char *detail;
};

void http_chunk_start(struct http_chunk *c);
/*
 * Takes bytes from the front of *in. HTTP_MORE: *data is the next run of body
 * bytes, maybe empty, and *in may hold more. HTTP_DONE: the last chunk's line
 * is taken, trailers begin. HTTP_BAD: see error and detail.
 */
enum http_verdict
http_chunk_feed(struct http_chunk *c, struct span *in, struct span *data);

#endif
