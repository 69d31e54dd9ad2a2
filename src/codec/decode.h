/* SPDX-License-Identifier: ISC */
/*
 * Content codings (RFC 9110 section 8.4.1), decoded in a stream: gzip, x-gzip,
 * deflate (zlib-wrapped or raw), br, zstd, in up to 5 layers. Every step
 * writes into a window the caller bounds. Owner of zlib, brotli and zstd.
 */
#ifndef CODEC_DECODE_H
#define CODEC_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

#define DECODE_MAX_LAYERS 5
/* Memory limit for all layers of a body together, mostly their windows. Enough
 * for a br window of 16 MiB while it grows. A body that needs more gives
 * DECODE_BAD. */
#define DECODE_MEMORY_MAX (28u << 20)

struct decode; /* the layers of one body */

enum decode_verdict {
	DECODE_MORE, /* all input consumed, no output pending: feed more */
	DECODE_FULL, /* the output is full, or the step did its share of work:
		      * call again with room and the rest of the input */
	DECODE_DONE, /* the stream has ended; the rest of the input and all that
		      * follows is ignored (decode_trailing) */
	DECODE_BAD,  /* damaged: see decode_detail */
};

/*
 * Parses the values of all Content-Encoding lines (a list each) and sets up
 * *out; NULL with E_OK if there is nothing to decode (none, identity). An
 * unknown coding sets *unknown and gives NULL with E_OK: the body is not
 * decoded. More than 5 layers over all lines: E_DECODE_UNSUPPORTED.
 *
 * *out is NULL or the decoder of an earlier body, in any state, whose library
 * states are reused where the codings are the same. It is consumed in any case.
 * Passing the previous decoder saves allocations; it is never required.
 */
enum err decode_open(
    struct decode **out, const struct span *values, size_t n, int *unknown);

/*
 * Consumes bytes from the front of *in and writes up to cap decoded bytes to
 * `to`; *wrote is their number. Bytes written with DECODE_BAD are valid. After
 * DECODE_DONE or DECODE_BAD further calls return the same.
 */
enum decode_verdict decode_step(
    struct decode *d, struct span *in, char *to, size_t cap, size_t *wrote);

/*
 * The body has ended. Nonzero if the stream is complete: it reached its end, or
 * it is empty (an empty body is no error).
 */
int decode_finish(const struct decode *d);
/* Nonzero if bytes after the end of the stream were ignored. */
int decode_trailing(const struct decode *d);
/*
 * The largest number of bytes that any layer has written so far. Limits of
 * decoded bytes apply to this: one layer may expand enormously and the next one
 * shrink the result.
 */
uint64_t decode_widest(const struct decode *d);
/* Bytes of memory in use. */
size_t decode_held_bytes(const struct decode *d);
/* The library's name of the fault, static; or NULL. */
const char *decode_detail(const struct decode *d);
/* Frees it and all its layers; NULL is allowed. */
void decode_close(struct decode *d);

#endif
