/* SPDX-License-Identifier: ISC */
/*
 * Content codings (RFC 9110 section 8.4.1), decoded in a stream: gzip, x-gzip,
 * deflate (zlib-wrapped or raw), br, zstd, in up to 5 layers. Every step
 * writes into a window the caller bounds. Owner of zlib, brotli and zstd.
 */
#ifndef CODEC_DECODE_H
#define CODEC_DECODE_H

#include <stddef.h>

#include "base/error.h"
#include "base/span.h"

#define DECODE_MAX_LAYERS 5

struct decode; /* the layers of one body */

enum decode_verdict {
	DECODE_MORE, /* all input taken, nothing more to give: feed it more */
	DECODE_FULL, /* the window is full: call again with room */
	DECODE_DONE, /* the outermost stream is at its end; what is left of the
		      * input was ignored (see decode_trailing) */
	DECODE_BAD,  /* damaged: see decode_detail */
};

/*
 * Reads the values of all Content-Encoding header lines (a list each) and sets
 * up *out; NULL with E_OK if there is nothing to decode (none, identity). An
 * unknown coding sets *unknown and gives NULL, E_OK: the body counts as
 * decoded. More than 5 layers, counted over all lines: E_DECODE_UNSUPPORTED.
 * `*out` may point at one from before that was given back by decode_close.
 */
enum err decode_open(struct decode **out, const struct span *values, size_t n,
    int *unknown);

/*
 * Takes bytes from *in (advancing it) and writes up to cap of them, decoded,
 * to `to`; *wrote says how many. Bytes written before a DECODE_BAD are good.
 */
enum decode_verdict decode_step(struct decode *d, struct span *in, char *to,
    size_t cap, size_t *wrote);

/*
 * The body is at its end. Nonzero if the stream is whole: it reached its end,
 * or no byte of it ever came (an empty body is no error).
 */
int decode_finish(const struct decode *d);
/* Nonzero if bytes behind the stream's end were ignored. */
int decode_trailing(const struct decode *d);
/* The library's own word for the fault, static; NULL if none. */
const char *decode_detail(const struct decode *d);
/* Frees it and all its layers; NULL is allowed. */
void decode_close(struct decode *d);

#endif
