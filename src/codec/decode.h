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
/* Memory of all layers of one body together, their windows above all: one br
 * window of 16 MiB while it grows. A body that needs more is DECODE_BAD. */
#define DECODE_MEMORY_MAX (28u << 20)

struct decode; /* the layers of one body */

enum decode_verdict {
	DECODE_MORE, /* all input taken, nothing more to give: feed it more */
	DECODE_FULL, /* the window is full, or the step did its share of work:
		      * call again with room, with what is left of the input */
	DECODE_DONE, /* the stream is at its end; what was left of the input was
		      * ignored, and so is all that follows (decode_trailing) */
	DECODE_BAD,  /* damaged: see decode_detail */
};

/*
 * Reads the values of all Content-Encoding header lines (a list each) and sets
 * up *out; NULL with E_OK if there is nothing to decode (none, identity). An
 * unknown coding sets *unknown and gives NULL, E_OK: the body counts as
 * decoded. More than 5 layers, counted over all lines: E_DECODE_UNSUPPORTED.
 *
 * *out is NULL or a decoder from before, at whatever point of its stream: its
 * library states are used again where the codings are the same. It is consumed
 * in any case. So a caller that keeps one decoder after its body and hands it
 * in for the next one spares the allocations; NULL each time, and decode_close
 * after each body, is as good for the rest.
 */
enum err decode_open(
    struct decode **out, const struct span *values, size_t n, int *unknown);

/*
 * Takes bytes from *in (advancing it) and writes up to cap of them, decoded,
 * to `to`; *wrote says how many. Bytes written before a DECODE_BAD are good.
 * After DECODE_DONE or DECODE_BAD it gives the same again.
 */
enum decode_verdict decode_step(
    struct decode *d, struct span *in, char *to, size_t cap, size_t *wrote);

/*
 * The body is at its end. Nonzero if the stream is whole: it reached its end,
 * or no byte of it ever came (an empty body is no error).
 */
int decode_finish(const struct decode *d);
/* Nonzero if bytes behind the stream's end were ignored. */
int decode_trailing(const struct decode *d);
/*
 * The most bytes that came out of any one layer so far. A limit for decoded
 * bytes is held against this: an inner layer can swallow what blows up in an
 * outer one.
 */
uint64_t decode_widest(const struct decode *d);
/* Bytes of memory that its layers hold just now. */
size_t decode_held_bytes(const struct decode *d);
/* The library's own word for the fault, static; NULL if none. */
const char *decode_detail(const struct decode *d);
/* Frees it and all its layers; NULL is allowed. */
void decode_close(struct decode *d);

#endif
