/* SPDX-License-Identifier: ISC */
/*
 * One content coding of a body; for codec/decode only. Owner of zlib, brotli
 * and zstd.
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

/* The state of a layer in its stream. */
enum decode_state {
	LAYER_MAGIC, /* gathering the magic number */
	LAYER_BODY,  /* feeding the library */
	LAYER_OVER,
	LAYER_BAD,
};

/* All-zero before its first init. */
struct decode_layer {
	enum decode_coding coding;
	enum decode_state state;
	int members;  /* gzip members or zstd frames begun */
	int started;  /* a byte arrived */
	int trailing; /* bytes after the end were ignored */
	int pending;  /* the library may have more output */
	unsigned char magic[4];
	size_t magic_n, magic_at; /* bytes gathered; of those, passed on */
	size_t hint;              /* zstd: bytes to the end of the block */
	uint64_t total;           /* bytes written */
	const char *detail;
	struct span in; /* unread bytes of `between` */
	size_t *memory; /* bytes of memory of all layers of the body */
	int is_refused; /* an allocation would exceed DECODE_MEMORY_MAX */
	/* Reused for the next body: */
	char *between; /* input from the layer before */
	int has_zlib;
	z_stream zlib;
	BrotliDecoderState *br;
	ZSTD_DCtx *zstd;
	size_t zstd_held; /* of *memory */
};

/*
 * Begins a stream. The states and `between` of an earlier stream are reused.
 * All layers count their memory in *memory, which outlives them.
 */
void decode_layer_init(
    struct decode_layer *l, enum decode_coding coding, size_t *memory);
void decode_layer_fini(struct decode_layer *l);
/*
 * Like decode_step, for this layer only, but adds to *wrote. DECODE_MORE and
 * DECODE_DONE consume all of *src.
 */
enum decode_verdict decode_layer_run(struct decode_layer *l, struct span *src,
    char *to, size_t cap, size_t *wrote);
/* At the end of the input: is the stream complete? Were bytes after it ignored?
 */
int decode_layer_whole(const struct decode_layer *l);
int decode_layer_trailing(const struct decode_layer *l);
/* Removes n bytes from the front of *s. s->p may be NULL if n is 0. */
void decode_layer_eat(struct span *s, size_t n);

#endif
