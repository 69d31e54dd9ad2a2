/* SPDX-License-Identifier: ISC */
/*
 * One content coding of a body. A part of codec/decode; nobody else calls it.
 * Owner of zlib, brotli and zstd.
 */
#ifndef CODEC_DECODE_LAYER_H
#define CODEC_DECODE_LAYER_H

#include <brotli/decode.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#include "base/span.h"
#include "codec/decode.h"

enum decode_coding { DECODE_GZIP, DECODE_DEFLATE, DECODE_BR, DECODE_ZSTD };

/* Where a layer is in its stream. */
enum decode_state {
	LAYER_MAGIC, /* gathers the bytes that say what follows */
	LAYER_BODY,  /* in the library's hands */
	LAYER_OVER,
	LAYER_BAD,
};

/* All-zero before its first init. */
struct decode_layer {
	enum decode_coding coding;
	enum decode_state state;
	int members;  /* gzip members, zstd frames that were begun */
	int started;  /* a byte came */
	int trailing; /* bytes behind the end were ignored */
	int pending;  /* the library may have more to give */
	unsigned char magic[4];
	size_t magic_n, magic_at; /* gathered; of those, given on */
	size_t hint;              /* zstd: up to the end of its block */
	uint64_t total;           /* bytes given */
	const char *detail;
	struct span in; /* unread bytes of `between` */
	size_t *memory; /* bytes that all layers of the body hold */
	int is_refused; /* it needs more than DECODE_MEMORY_MAX leaves */
	/* What is used again: */
	char *between; /* from the layer before */
	int has_zlib;
	z_stream zlib;
	BrotliDecoderState *br;
	ZSTD_DCtx *zstd;
	size_t zstd_held; /* of *memory */
};

/*
 * Begins a stream; states and `between` of one before it are used again.
 * `memory` is where all layers count what they hold, and outlives this one.
 */
void decode_layer_init(
    struct decode_layer *l, enum decode_coding coding, size_t *memory);
void decode_layer_fini(struct decode_layer *l);
/*
 * As decode_step, for this layer alone, but adds to *wrote. With DECODE_MORE
 * and DECODE_DONE all of *src was taken.
 */
enum decode_verdict decode_layer_run(struct decode_layer *l, struct span *src,
    char *to, size_t cap, size_t *wrote);
/* If nothing more comes: is the stream whole? were bytes behind it ignored? */
int decode_layer_whole(const struct decode_layer *l);
int decode_layer_trailing(const struct decode_layer *l);
/* Takes n bytes off the front; p may be NULL if there are none. */
void decode_layer_eat(struct span *s, size_t n);

#endif
