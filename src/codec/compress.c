/* SPDX-License-Identifier: ISC */
/*
 * Compresses with the fast levels: output is written while the run goes on, and
 * must not be slower than the network.
 */
#include "codec/compress.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"
#include "base/mem.h"

#define GZIP_LEVEL 6
#define ZSTD_LEVEL 3
#define GZIP_WINDOW (15 + 16) /* of 32 KiB, with gzip's header and trailer */
#define GZIP_MEMORY 8         /* the default */
#define STEP_BYTES (1u << 30) /* zlib counts in unsigned int */

struct compress {
	enum compress_coding coding;
	z_stream zlib;
	ZSTD_CCtx *zstd;
};

struct compress *
compress_new(enum compress_coding coding)
{
	struct compress *c = mem_zalloc(1, sizeof(*c));

	c->coding = coding;
	switch (coding) {
	case COMPRESS_GZIP:
		if (deflateInit2(&c->zlib, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
			GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
			fatalx("out of memory (zlib)");
		break;
	case COMPRESS_ZSTD:
		c->zstd = ZSTD_createCCtx();
		if (c->zstd == NULL)
			fatalx("out of memory (zstd)");
		CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(
		    c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)));
		CHECK(!ZSTD_isError(
		    ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1)));
		break;
	}
	return c;
}

void
compress_free(struct compress *c)
{
	if (c == NULL)
		return;
	if (c->coding == COMPRESS_GZIP)
		deflateEnd(&c->zlib);
	ZSTD_freeCCtx(c->zstd);
	free(c);
}

static void
gzip_frame(z_stream *z, struct span bytes, struct buf *out)
{
	size_t room;
	int r;

	CHECK(deflateReset(z) == Z_OK);
	do {
		if (z->avail_in == 0) {
			z->next_in = (unsigned char *)(uintptr_t)bytes.p;
			z->avail_in = bytes.n < STEP_BYTES
					  ? (unsigned int)bytes.n
					  : STEP_BYTES;
			bytes = span_skip(bytes, z->avail_in);
		}
		room = deflateBound(z, z->avail_in);
		z->next_out = (unsigned char *)buf_reserve(out, room);
		z->avail_out = (unsigned int)room;
		r = deflate(z, bytes.n == 0 ? Z_FINISH : Z_NO_FLUSH);
		CHECK(r == Z_OK || r == Z_STREAM_END);
		out->n += room - z->avail_out;
	} while (r != Z_STREAM_END);
}

static void
zstd_frame(ZSTD_CCtx *zstd, struct span bytes, struct buf *out)
{
	size_t room = ZSTD_compressBound(bytes.n), n;

	n = ZSTD_compress2(
	    zstd, buf_reserve(out, room), room, bytes.p, bytes.n);
	if (ZSTD_isError(n))
		fatalx("zstd: %s", ZSTD_getErrorName(n));
	out->n += n;
}

void
compress_frame(struct compress *c, struct span bytes, struct buf *out)
{
	if (bytes.n == 0)
		bytes = SPAN("");
	switch (c->coding) {
	case COMPRESS_GZIP:
		gzip_frame(&c->zlib, bytes, out);
		break;
	case COMPRESS_ZSTD:
		zstd_frame(c->zstd, bytes, out);
		break;
	}
}
