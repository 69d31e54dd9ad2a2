/* SPDX-License-Identifier: ISC */
/*
 * Content codings: the output does not depend on how the body is split or on
 * the output window, and memory limits hold. The first byte selects the layers,
 * the second how they are fed; the rest is the body.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "codec/decode.h"

#define OUT_MAX (1u << 20) /* a bomb is left alone here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const codings[] = { "gzip", "deflate", "br", "zstd",
	"gzip, gzip", "br, zstd", "deflate, br", "zstd, gzip",
	"gzip, deflate, br, zstd, gzip" };

struct way {
	size_t piece, window;
};

struct result {
	struct buf out;
	enum decode_verdict v;
	int whole, trailing, cut;
};

static struct decode *
open_codings(struct decode *d, const char *names)
{
	struct span value = span_str(names);
	int unknown;

	CHECK(decode_open(&d, &value, 1, &unknown) == E_OK);
	CHECK(d != NULL && !unknown);
	return d;
}

static int
is_over(const struct decode *d, const struct result *r)
{
	return r->out.n > OUT_MAX || decode_widest(d) > 4 * OUT_MAX;
}

static struct result
run(struct decode *d, struct span in, struct way way)
{
	struct result r = { .v = DECODE_MORE };
	char *to = mem_alloc(way.window); /* its end is guarded */
	struct span part;
	size_t wrote;

	do {
		part = in;
		part.n = in.n < way.piece ? in.n : way.piece;
		in = span_of(in.p + part.n, in.n - part.n);
		do {
			r.v = decode_step(d, &part, to, way.window, &wrote);
			CHECK(wrote <= way.window);
			buf_add(&r.out, to, wrote);
			CHECK(decode_widest(d) >= r.out.n);
			r.cut = is_over(d, &r);
		} while (r.v == DECODE_FULL && !r.cut);
		CHECK(r.cut || r.v == DECODE_BAD || part.n == 0);
	} while (in.n > 0 && r.v != DECODE_BAD && !r.cut);
	r.whole = decode_finish(d);
	r.trailing = decode_trailing(d);
	CHECK((r.v == DECODE_BAD) == (decode_detail(d) != NULL) || r.cut);
	CHECK(r.v != DECODE_BAD || !r.whole);
	free(to);
	return r;
}

/* brotli and zstd drop what they decoded in the call that fails, so that a
 * damaged body may give less in one way than in another, and an inner layer may
 * be at its end before the damage or not. */
static void
compare(const char *names, const struct result *a, const struct result *b)
{
	int damaged = a->v == DECODE_BAD || b->v == DECODE_BAD;
	int drops = strstr(names, "br") != NULL || strstr(names, "zs") != NULL;
	size_t n = a->out.n < b->out.n ? a->out.n : b->out.n;

	CHECK(n == 0 || memcmp(a->out.p, b->out.p, n) == 0);
	if (a->cut || b->cut || (damaged && drops))
		return;
	CHECK(a->v == b->v && a->whole == b->whole);
	CHECK(a->out.n == b->out.n && (damaged || a->trailing == b->trailing));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct way ways[] = { { 1, 4096 }, { SIZE_MAX, 1 },
		{ 3, 17 }, { 1000, 100000 } };
	struct decode *d;
	struct result a, b;
	const char *names;
	struct span in;

	if (size < 2)
		return 0;
	names = codings[data[0] % (sizeof(codings) / sizeof(codings[0]))];
	in = span_of((const char *)data + 2, size - 2);
	d = open_codings(NULL, names);
	a = run(d, in, (struct way){ SIZE_MAX, 65536 });
	d = open_codings(d, names);
	b = run(d, in, ways[data[1] % 4]);
	compare(names, &a, &b);
	decode_close(d);
	buf_fini(&a.out);
	buf_fini(&b.out);
	return 0;
}
