/* SPDX-License-Identifier: ISC */
/*
 * Reads a gzip or zstd file of any number of members or frames in a stream:
 * compressed bytes in, bounded pieces out. Stricter than codec/decode: nothing
 * may follow the last frame.
 */
#ifndef CODEC_UNPACK_H
#define CODEC_UNPACK_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

#define UNPACK_MAGIC_BYTES 4 /* decide what a file is */

enum unpack_kind {
	UNPACK_UNKNOWN, /* the bytes so far could begin either */
	UNPACK_PLAIN,   /* not compressed, or empty */
	UNPACK_PACKED,
};

enum unpack_verdict {
	UNPACK_SOME,   /* bytes were appended; there may be more */
	UNPACK_HUNGRY, /* feed more, or end */
	UNPACK_BAD,    /* damaged: see unpack_error; what came before is good */
};

struct unpack;

/* What a file is that begins with `head`. */
enum unpack_kind unpack_detect(struct span head, int is_all);

struct unpack *unpack_new(void);
void unpack_free(struct unpack *u); /* NULL is allowed */
/* Begins a file, for which unpack_detect gave UNPACK_PACKED. Memory of the
 * file before is reused. */
void unpack_begin(struct unpack *u, struct span head);
/* Hands over the next bytes of it, after UNPACK_HUNGRY. */
void unpack_feed(struct unpack *u, struct span bytes);
/* Appends at most cap decoded bytes to out. */
enum unpack_verdict unpack_step(struct unpack *u, struct buf *out, size_t cap);
/* The file has ended: 0, or -1 if it is not complete. After UNPACK_HUNGRY. */
int unpack_end(struct unpack *u);
/* After UNPACK_BAD or -1: "damaged gzip data: incorrect data check". Valid
 * until unpack_begin. */
const char *unpack_error(const struct unpack *u);
/* Compressed bytes that were fed and not yet decoded. */
size_t unpack_unread(const struct unpack *u);
size_t unpack_held_bytes(const struct unpack *u);

#endif
