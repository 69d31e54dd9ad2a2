/* SPDX-License-Identifier: ISC */
/* Recognises the file; codec/decode does the rest. */
#include "codec/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/decode.h"

#define KEEP_BYTES (256u << 10)

struct unpack {
	struct decode *decode;
	struct span coding;
	struct buf in;
	size_t off;     /* bytes of in that are decoded */
	int is_pending; /* decode may have more without input */
	int is_bad;     /* error is set */
	char error[200];
};

static const unsigned char gzip[] = { 0x1f, 0x8b };
static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
static const unsigned char zstd_skippable[] = { 0x50, 0x2a, 0x4d, 0x18 };

/* Do the first bytes agree with this magic number, whose first byte may differ
 * in the bits outside of `mask`? */
static int
fits(struct span head, const unsigned char *magic, size_t n, int mask)
{
	size_t i;

	for (i = 0; i < head.n && i < n; i++)
		if (((unsigned char)head.p[i] & (i == 0 ? mask : 0xff)) !=
		    magic[i])
			return 0;
	return 1;
}

enum unpack_kind
unpack_detect(struct span head, int is_all)
{
	int is_gzip = fits(head, gzip, sizeof(gzip), 0xff);
	int is_zstd = fits(head, zstd, sizeof(zstd), 0xff) ||
		      fits(head, zstd_skippable, sizeof(zstd_skippable), 0xf0);

	if ((is_gzip && head.n >= sizeof(gzip)) ||
	    (is_zstd && head.n >= sizeof(zstd)))
		return UNPACK_PACKED;
	return (is_gzip || is_zstd) && !is_all ? UNPACK_UNKNOWN : UNPACK_PLAIN;
}

struct unpack *
unpack_new(void)
{
	return mem_zalloc(1, sizeof(struct unpack));
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	decode_close(u->decode);
	buf_fini(&u->in);
	free(u);
}

void
unpack_begin(struct unpack *u, struct span head)
{
	int unknown;

	u->coding =
	    (unsigned char)head.p[0] == gzip[0] ? SPAN("gzip") : SPAN("zstd");
	u->off = 0;
	u->is_pending = u->is_bad = 0;
	u->error[0] = '\0';
	buf_clear(&u->in, KEEP_BYTES);
	(void)decode_open(&u->decode, &u->coding, 1, &unknown);
	buf_span(&u->in, head);
}

void
unpack_feed(struct unpack *u, struct span bytes)
{
	buf_drop(&u->in, u->off);
	u->off = 0;
	buf_span(&u->in, bytes);
}

static void
explain(struct unpack *u, const char *how, const char *detail)
{
	snprintf(u->error, sizeof(u->error), "%s %s data: %s", how, u->coding.p,
	    detail);
}

enum unpack_verdict
unpack_step(struct unpack *u, struct buf *out, size_t cap)
{
	enum decode_verdict v = DECODE_FULL;
	struct span in;
	size_t n = 0;

	if (u->is_bad)
		return UNPACK_BAD;
	/* A step may only have moved bytes inside the decoder. */
	while (
	    v == DECODE_FULL && n == 0 && (u->off < u->in.n || u->is_pending)) {
		in = span_of(u->in.p + u->off, u->in.n - u->off);
		v = decode_step(u->decode, &in, buf_reserve(out, cap), cap, &n);
		u->off = u->in.n - in.n;
		u->is_pending = v == DECODE_FULL;
	}
	out->n += n;
	if (v == DECODE_BAD)
		explain(u, "damaged", decode_detail(u->decode));
	else if (v == DECODE_DONE)
		explain(u, "damaged", "other bytes follow the last frame");
	u->is_bad = u->error[0] != '\0';
	if (n > 0)
		return UNPACK_SOME;
	return u->is_bad ? UNPACK_BAD : UNPACK_HUNGRY;
}

int
unpack_end(struct unpack *u)
{
	if (decode_finish(u->decode) && !decode_trailing(u->decode))
		return 0;
	explain(u, "incomplete", "the end is missing");
	return -1;
}

const char *
unpack_error(const struct unpack *u)
{
	return u->error;
}

size_t
unpack_unread(const struct unpack *u)
{
	return u->in.n - u->off;
}

size_t
unpack_held_bytes(const struct unpack *u)
{
	return u->in.cap +
	       (u->decode != NULL ? decode_held_bytes(u->decode) : 0);
}
