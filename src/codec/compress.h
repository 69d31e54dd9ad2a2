/* SPDX-License-Identifier: ISC */
/*
 * Bytes in, one complete gzip member or zstd frame out. Frames may follow one
 * another in a file, which then reads as the bytes of all of them. Owner of
 * zlib and zstd for compression.
 */
#ifndef CODEC_COMPRESS_H
#define CODEC_COMPRESS_H

#include "base/buf.h"
#include "base/span.h"

enum compress_coding { COMPRESS_GZIP, COMPRESS_ZSTD };

struct compress; /* the library's state, reused for the next frame */

struct compress *compress_new(enum compress_coding coding);
void compress_free(struct compress *c); /* NULL is allowed */
/* Appends a frame that holds `bytes`, which may be empty. */
void compress_frame(struct compress *c, struct span bytes, struct buf *out);

#endif
