/* SPDX-License-Identifier: ISC */
/*
 * Content codings: results do not depend on how input is split; damaged input.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/decode.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* 2000 bytes of the sentence below, and 1 MiB of zeros, in brotli. */
static const char sentence[] =
    "Each row is a promise: stimulus, and what must come out. ";
static const unsigned char br_text[] = { 0x1b, 0xcf, 0x07, 0x80, 0x05, 0xb2,
	0x6d, 0xa9, 0x5e, 0x48, 0xd2, 0x6d, 0xcd, 0xf8, 0xe0, 0xf3, 0xe0, 0x36,
	0x6c, 0x41, 0x54, 0xe9, 0xc5, 0x35, 0xe0, 0x21, 0x6b, 0xe1, 0x2f, 0x04,
	0xc3, 0x41, 0xd0, 0x37, 0x9f, 0x12, 0x87, 0xbc, 0xba, 0x91, 0xab, 0x73,
	0x53, 0x7d, 0xcc, 0xd2, 0x91, 0x07, 0xcf, 0x51, 0x4f, 0xbc, 0x00,
	0x00 };
static const unsigned char br_zeros[] = { 0x5b, 0xff, 0xff, 0x8f, 0x7f, 0x02,
	0x20, 0x1e, 0x0b, 0x04, 0x72, 0xef, 0x1f, 0x00 };

enum { GZIP = 15 + 16, ZLIB = 15, RAW = -15 }; /* wrappings, for zlib */

struct result {
	struct buf out;
	enum decode_verdict v;
	int whole, trailing, has_detail;
	uint64_t widest;
	size_t steps;
};

static struct span
bytes(const void *p, size_t n)
{
	return span_of(p, n);
}

static struct buf
make_text(void)
{
	struct buf b = { 0 };

	while (b.n < 2000)
		buf_str(&b, sentence);
	b.n = 2000;
	return b;
}

/* Text that does not compress well, as a typical encoder writes it. */
static struct buf
make_noise(size_t n)
{
	struct buf b = { 0 };
	uint32_t x = 1;

	while (b.n < n) {
		x = x * 1664525 + 1013904223;
		buf_char(&b, (char)(x >> 24));
	}
	return b;
}

static struct buf
deflated(struct span in, int wrap)
{
	struct buf b = { 0 };
	z_stream z = { 0 };

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, wrap, 8, Z_DEFAULT_STRATEGY), Z_OK);
	buf_reserve(&b, deflateBound(&z, in.n) + 64);
	z.next_in = (unsigned char *)(uintptr_t)in.p;
	z.avail_in = (unsigned int)in.n;
	z.next_out = (unsigned char *)b.p;
	z.avail_out = (unsigned int)b.cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.n = z.total_out;
	deflateEnd(&z);
	return b;
}

static struct buf
zstd(struct span in)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct buf b = { 0 };

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	buf_reserve(&b, ZSTD_compressBound(in.n));
	b.n = ZSTD_compress2(c, b.p, b.cap, in.p, in.n);
	assert_false(ZSTD_isError(b.n));
	ZSTD_freeCCtx(c);
	return b;
}

static struct decode *
open_codings(struct decode *old, const char *codings)
{
	struct span value = span_str(codings);
	struct decode *d = old;
	int unknown = 1;

	assert_int_equal(decode_open(&d, &value, 1, &unknown), E_OK);
	assert_false(unknown);
	assert_non_null(d);
	return d;
}

/*
 * Feeds `in` in pieces of `piece` bytes into output windows of `window` bytes.
 */
static struct result
run_with(struct decode *d, struct span in, size_t piece, size_t window)
{
	struct result r = { .v = DECODE_MORE };
	char *to = mem_alloc(window);
	struct span part;
	size_t wrote;

	do {
		part = span_of(in.p, in.n < piece ? in.n : piece);
		if (part.n > 0)
			in = span_of(in.p + part.n, in.n - part.n);
		do {
			r.v = decode_step(d, &part, to, window, &wrote);
			assert_true(wrote <= window);
			buf_add(&r.out, to, wrote);
			r.steps++;
		} while (r.v == DECODE_FULL);
		if (r.v == DECODE_MORE || r.v == DECODE_DONE)
			assert_int_equal(part.n, 0);
	} while (in.n > 0 && r.v != DECODE_BAD);
	r.whole = decode_finish(d);
	r.trailing = decode_trailing(d);
	r.has_detail = decode_detail(d) != NULL;
	r.widest = decode_widest(d);
	free(to);
	return r;
}

static struct result
run(const char *codings, struct span in, size_t piece, size_t window)
{
	struct decode *d = open_codings(NULL, codings);
	struct result r = run_with(d, in, piece, window);

	decode_close(d);
	return r;
}

static const struct {
	size_t piece, window;
} ways[] = { { SIZE_MAX, 1 << 20 }, { 1, 4096 }, { SIZE_MAX, 1 }, { 1, 1 },
	{ 7, 11 }, { 1500, 16384 } };

/* Decodes to `want` for all sizes of pieces and windows. */
static void
check_good(const char *codings, struct span in, struct span want, int trailing)
{
	struct result r;
	size_t i;

	for (i = 0; i < COUNT(ways); i++) {
		r = run(codings, in, ways[i].piece, ways[i].window);
		if (r.v == DECODE_BAD || !r.whole ||
		    !span_eq(buf_view(&r.out), want))
			fail_msg("%s, %zu bytes, way %zu: verdict %d, whole %d",
			    codings, in.n, i, (int)r.v, r.whole);
		assert_int_equal(r.trailing, trailing);
		assert_true(r.widest >= want.n);
		assert_false(r.has_detail);
		buf_fini(&r.out);
	}
}

/* Decodes exactly `want`, then fails. */
static void
check_bad(const char *codings, struct span in, struct span want)
{
	struct result r;
	size_t i;

	for (i = 0; i < COUNT(ways); i++) {
		r = run(codings, in, ways[i].piece, ways[i].window);
		if (r.v != DECODE_BAD || r.whole || !r.has_detail)
			fail_msg("%s, %zu bytes, way %zu: verdict %d", codings,
			    in.n, i, (int)r.v);
		if (!span_eq(buf_view(&r.out), want))
			fail_msg("%s, %zu bytes, way %zu: gave %zu", codings,
			    in.n, i, r.out.n);
		buf_fini(&r.out);
	}
}

static void
check_cut_once(const char *codings, struct span in)
{
	struct result r;
	size_t i;

	for (i = 0; i < COUNT(ways); i++) {
		r = run(codings, in, ways[i].piece, ways[i].window);
		assert_int_not_equal(r.v, DECODE_BAD);
		assert_false(r.whole);
		buf_fini(&r.out);
	}
}

/* Every proper prefix is incomplete and decodes as far as possible. */
static void
check_cut(const char *codings, struct span in, struct span want)
{
	struct result r;
	size_t n;

	for (n = 1; n < in.n; n++) {
		r = run(codings, span_of(in.p, n), SIZE_MAX, 64);
		assert_int_not_equal(r.v, DECODE_BAD);
		assert_false(r.whole);
		assert_true(r.out.n <= want.n);
		if (r.out.n > 0)
			assert_memory_equal(r.out.p, want.p, r.out.n);
		buf_fini(&r.out);
	}
}

static void
test_each_coding_decodes_however_it_arrives(void **state)
{
	static const struct {
		const char *name;
		int wrap;
	} t[] = { { "gzip", GZIP }, { "x-gzip", GZIP }, { "GZIP", GZIP },
		{ "gzip", ZLIB }, { "deflate", ZLIB }, { "deflate", RAW },
		{ "deflate", GZIP }, { " Deflate , identity,, none", ZLIB } };
	struct buf texts[] = { make_text(), { 0 }, make_noise(1),
		make_noise(3000), make_noise(70000) };
	struct buf b;
	size_t i, j;

	(void)state;
	for (j = 0; j < COUNT(texts); j++) {
		for (i = 0; i < COUNT(t); i++) {
			b = deflated(buf_view(&texts[j]), t[i].wrap);
			check_good(
			    t[i].name, buf_view(&b), buf_view(&texts[j]), 0);
			buf_fini(&b);
		}
		b = zstd(buf_view(&texts[j]));
		check_good("zstd", buf_view(&b), buf_view(&texts[j]), 0);
		buf_fini(&b);
	}
	check_good(
	    "br", bytes(br_text, sizeof(br_text)), buf_view(&texts[0]), 0);
	check_good("BR", SPAN("\x3b"), SPAN(""), 0);
	for (j = 0; j < COUNT(texts); j++)
		buf_fini(&texts[j]);
}

/* brotli asks for input while it still has pending output. */
static void
test_what_came_of_a_cut_brotli_stream_is_given_out(void **state)
{
	struct result r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ways); i++) {
		r = run("br", SPAN("\x0b\x01\x80\x37\x03"), ways[i].piece,
		    ways[i].window);
		assert_int_equal(r.v, DECODE_MORE);
		assert_int_equal(r.out.n, 2);
		buf_fini(&r.out);
	}
}

static void
test_a_raw_stream_of_any_first_block_is_seen(void **state)
{
	(void)state;
	check_good("deflate", SPAN("\x03\0"), SPAN(""), 0);
	check_good("deflate", SPAN("\x01\x01\0\xfe\xffx"), SPAN("x"), 0);
	check_good("deflate", SPAN("\0\0\0\xff\xff\x03\0"), SPAN(""), 0);
	check_good("deflate", SPAN("\x4b\x04\0"), SPAN("a"), 0);
	check_bad("deflate", SPAN("<html>"), SPAN(""));
}

static void
test_a_stream_that_is_cut_is_not_whole(void **state)
{
	struct buf text = make_text(), b;

	(void)state;
	b = deflated(buf_view(&text), GZIP);
	check_cut("gzip", buf_view(&b), buf_view(&text));
	buf_fini(&b);
	b = deflated(buf_view(&text), ZLIB);
	check_cut("deflate", buf_view(&b), buf_view(&text));
	buf_fini(&b);
	b = deflated(buf_view(&text), RAW);
	check_cut("deflate", buf_view(&b), buf_view(&text));
	buf_fini(&b);
	b = zstd(buf_view(&text));
	check_cut("zstd", buf_view(&b), buf_view(&text));
	buf_fini(&b);
	check_cut("br", bytes(br_text, sizeof(br_text)), buf_view(&text));
	buf_fini(&text);
}

static void
test_an_empty_body_is_whole(void **state)
{
	static const char *const names[] = { "gzip", "deflate", "br", "zstd",
		"gzip, br", "br, zstd, gzip" };
	struct decode *d;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		check_good(names[i], SPAN(""), SPAN(""), 0);
		check_good(names[i], SPAN_NONE, SPAN(""), 0);
		d = open_codings(NULL, names[i]);
		assert_true(decode_finish(d));
		assert_false(decode_trailing(d));
		assert_null(decode_detail(d));
		decode_close(d);
	}
	decode_close(NULL);
}

static void
test_damage_is_found_and_what_came_before_is_kept(void **state)
{
	struct buf text = make_text(), b = deflated(buf_view(&text), GZIP), z;

	(void)state;
	b.p[b.n - 5] ^= 1; /* CRC */
	check_bad("gzip", buf_view(&b), buf_view(&text));
	b.p[b.n - 5] ^= 1;
	b.p[b.n - 1] ^= 1; /* ISIZE */
	check_bad("gzip", buf_view(&b), buf_view(&text));
	b.p[b.n - 1] ^= 1;
	b.p[3] = (char)0xe0; /* reserved flags */
	check_bad("gzip", buf_view(&b), SPAN(""));
	b.p[3] = 0;
	b.p[2] = 7; /* method */
	check_bad("gzip", buf_view(&b), SPAN(""));
	b.p[2] = 8;
	b.p[1] ^= 1; /* magic */
	check_bad("gzip", buf_view(&b), SPAN(""));
	buf_fini(&b);
	check_bad("gzip", SPAN("<!doctype html><p>hello"), SPAN(""));
	check_bad("zstd", SPAN("<!doctype html><p>hello"), SPAN(""));
	check_bad("br", SPAN("<!doctype html><p>hello"), SPAN(""));
	b = deflated(buf_view(&text), ZLIB);
	b.p[b.n - 1] ^= 1;
	check_bad("deflate", buf_view(&b), buf_view(&text));
	check_bad("gzip", buf_view(&b), buf_view(&text));
	buf_fini(&b);
	check_bad("deflate", SPAN("\x78\xbb\0\0\0\0"), SPAN("")); /* FDICT */
	z = zstd(buf_view(&text));
	z.p[z.n - 1] ^= 1; /* checksum */
	check_bad("zstd", buf_view(&z), buf_view(&text));
	buf_fini(&z);
	buf_fini(&text);
}

/* A valid block followed by a bad one, in one piece. */
static void
test_zstd_gives_the_blocks_before_a_bad_one(void **state)
{
	static const char frame[] = "\x28\xb5\x2f\xfd\0\0"
				    "\x18\0\0abc"   /* raw, 3 bytes */
				    "\x1a\0\0x"     /* RLE, 3 times x */
				    "\x07\0\0junk"; /* reserved type */

	(void)state;
	check_bad("zstd", SPAN(frame), SPAN("abcxxx"));
}

static void
test_gzip_members_and_zstd_frames_are_one_body(void **state)
{
	struct buf text = make_text(), two = { 0 }, in = { 0 }, a, b, c;

	(void)state;
	buf_span(&two, buf_view(&text));
	buf_span(&two, buf_view(&text));
	a = deflated(buf_view(&text), GZIP);
	b = deflated(SPAN(""), GZIP);
	buf_span(&in, buf_view(&a));
	buf_span(&in, buf_view(&b));
	buf_span(&in, buf_view(&a));
	check_good("gzip", buf_view(&in), buf_view(&two), 0);
	in.n--; /* the second one is cut */
	check_cut_once("gzip", buf_view(&in));
	in.n = 0;
	c = zstd(buf_view(&text));
	buf_add(&in, "\x5a\x2a\x4d\x18\x03\0\0\0abc", 11);
	buf_span(&in, buf_view(&c));
	buf_add(&in, "\x50\x2a\x4d\x18\0\0\0\0", 8);
	buf_span(&in, buf_view(&c));
	check_good("zstd", buf_view(&in), buf_view(&two), 0);
	buf_fini(&a);
	buf_fini(&b);
	buf_fini(&c);
	buf_fini(&in);
	buf_fini(&two);
	buf_fini(&text);
}

static void
test_bytes_behind_the_end_are_ignored_and_told(void **state)
{
	static const char zeros[512];
	struct span tails[] = { bytes(zeros, 512), SPAN("garbage"), SPAN("\0"),
		SPAN("\x1f"), SPAN("\x28\xb5\x2f"), SPAN("\x1f\x8a") };
	struct buf text = make_text(), in[5];
	const char *names[] = { "gzip", "deflate", "deflate", "zstd", "br" };
	size_t i, j, n;

	(void)state;
	in[0] = deflated(buf_view(&text), GZIP);
	in[1] = deflated(buf_view(&text), ZLIB);
	in[2] = deflated(buf_view(&text), RAW);
	in[3] = zstd(buf_view(&text));
	in[4] = (struct buf){ 0 };
	buf_add(&in[4], br_text, sizeof(br_text));
	for (i = 0; i < 5; i++) {
		n = in[i].n;
		for (j = 0; j < COUNT(tails); j++) {
			buf_span(&in[i], tails[j]);
			check_good(
			    names[i], buf_view(&in[i]), buf_view(&text), 1);
			in[i].n = n;
		}
	}
	/* what begins as a member has to be one */
	buf_str(&in[0], "\x1f\x8bjunk, junk, junk");
	check_bad("gzip", buf_view(&in[0]), buf_view(&text));
	for (i = 0; i < 5; i++)
		buf_fini(&in[i]);
	buf_fini(&text);
}

static void
test_nothing_known_to_decode_gives_no_decoder(void **state)
{
	static const struct {
		const char *value[3];
		int unknown;
	} t[] = { { { "" }, 0 }, { { " , ,\t" }, 0 }, { { "identity" }, 0 },
		{ { "none", "IDENTITY, none" }, 0 }, { { "xyz" }, 1 },
		{ { "gzip, xyz" }, 1 }, { { "xyz", "gzip" }, 1 },
		{ { "gzip;q=1" }, 1 }, { { "g zip" }, 1 },
		{ { "\"gzip\"" }, 1 }, { { "compress" }, 1 } };
	struct span values[3];
	struct decode *d = NULL;
	size_t i, n;
	int unknown;

	(void)state;
	assert_int_equal(decode_open(&d, NULL, 0, &unknown), E_OK);
	assert_null(d);
	assert_false(unknown);
	for (i = 0; i < COUNT(t); i++) {
		for (n = 0; n < 3 && t[i].value[n] != NULL; n++)
			values[n] = span_str(t[i].value[n]);
		d = i % 2 ? open_codings(NULL, "br") : NULL;
		assert_int_equal(decode_open(&d, values, n, &unknown), E_OK);
		assert_null(d);
		assert_int_equal(unknown, t[i].unknown);
	}
}

static void
test_five_layers_are_peeled_and_six_refused(void **state)
{
	struct span values[1000];
	struct buf text = make_text(), in = { 0 }, next;
	struct decode *d = NULL;
	int unknown, i;

	(void)state;
	buf_add(&in, br_text, sizeof(br_text));
	next = zstd(buf_view(&in));
	buf_fini(&in);
	in = deflated(buf_view(&next), RAW);
	buf_fini(&next);
	next = deflated(buf_view(&in), GZIP);
	buf_fini(&in);
	in = deflated(buf_view(&next), GZIP);
	buf_fini(&next);
	check_good("br, zstd, deflate, gzip, x-gzip", buf_view(&in),
	    buf_view(&text), 0);
	check_cut("br,zstd,identity,deflate,gzip,gzip", buf_view(&in),
	    buf_view(&text));
	for (i = 0; i < 1000; i++)
		values[i] = SPAN("gzip");
	assert_int_equal(decode_open(&d, values, 5, &unknown), E_OK);
	assert_non_null(d);
	assert_int_equal(
	    decode_open(&d, values, 6, &unknown), E_DECODE_UNSUPPORTED);
	assert_null(d);
	assert_int_equal(
	    decode_open(&d, values, 1000, &unknown), E_DECODE_UNSUPPORTED);
	values[0] = SPAN("gzip, gzip, gzip, gzip, gzip, gzip");
	assert_int_equal(
	    decode_open(&d, values, 1, &unknown), E_DECODE_UNSUPPORTED);
	values[0] = SPAN("a, b, c, d, e, f");
	assert_int_equal(
	    decode_open(&d, values, 1, &unknown), E_DECODE_UNSUPPORTED);
	for (i = 0; i < 1000; i++)
		values[i] = SPAN("identity,");
	assert_int_equal(decode_open(&d, values, 1000, &unknown), E_OK);
	assert_null(d);
	buf_fini(&in);
	buf_fini(&text);
}

static void
test_outer_layers_are_checked_to_their_ends(void **state)
{
	struct buf text = make_text(), inner = deflated(buf_view(&text), GZIP);
	struct buf in = deflated(buf_view(&inner), GZIP);

	(void)state;
	check_good("gzip, gzip", buf_view(&in), buf_view(&text), 0);
	in.p[in.n - 5] ^= 1;
	check_bad("gzip, gzip", buf_view(&in), buf_view(&text));
	in.p[in.n - 5] ^= 1;
	in.n--;
	check_cut("gzip, gzip", buf_view(&in), buf_view(&text));
	buf_fini(&in);
	/* the inner one has bytes to spare, the outer one is fine or not */
	buf_str(&inner, "garbage");
	in = deflated(buf_view(&inner), GZIP);
	check_good("gzip, gzip", buf_view(&in), buf_view(&text), 1);
	buf_str(&in, "garbage");
	check_good("gzip, gzip", buf_view(&in), buf_view(&text), 1);
	buf_fini(&in);
	/* the inner one is cut */
	inner.n = 20;
	in = deflated(buf_view(&inner), GZIP);
	check_cut_once("gzip, gzip", buf_view(&in));
	buf_fini(&in);
	buf_fini(&inner);
	buf_fini(&text);
}

static void
test_a_window_over_its_limit_is_refused(void **state)
{
	(void)state;
	/* windows of 8 and 16 MiB; a raw block of one byte */
	check_good(
	    "zstd", SPAN("\x28\xb5\x2f\xfd\0\x68\x09\0\0x"), SPAN("x"), 0);
	check_bad("zstd", SPAN("\x28\xb5\x2f\xfd\0\x70\x09\0\0x"), SPAN(""));
	/* brotli's large window, 30 bits */
	check_bad("br", SPAN("\x11\x1e\x03\0\0"), SPAN(""));
}

static void
test_a_bomb_goes_off_one_window_at_a_time(void **state)
{
	char to[4096];
	struct decode *d = open_codings(NULL, "br");
	struct span in = bytes(br_zeros, sizeof(br_zeros));
	uint64_t total = 0;
	size_t wrote;
	enum decode_verdict v;

	(void)state;
	do {
		v = decode_step(d, &in, to, sizeof(to), &wrote);
		assert_true(wrote <= sizeof(to));
		total += wrote;
		assert_int_equal(decode_widest(d), total);
	} while (v == DECODE_FULL);
	assert_int_equal(v, DECODE_DONE);
	assert_int_equal(total, 1 << 20);
	assert_true(decode_finish(d));
	decode_close(d);
}

static void
test_a_bomb_that_an_inner_layer_swallows_is_seen(void **state)
{
	/* a zstd frame that is skipped: 64 MiB of zeros */
	struct buf inner = { 0 }, in;
	struct decode *d = open_codings(NULL, "zstd, gzip");
	char to[64];
	struct span s;
	uint64_t before = 0;
	size_t wrote, steps = 0;
	enum decode_verdict v;

	(void)state;
	buf_add(&inner, "\x50\x2a\x4d\x18\0\0\0\x04", 8);
	buf_reserve(&inner, 64 << 20);
	memset(inner.p + inner.n, 0, 64 << 20);
	inner.n += 64 << 20;
	in = deflated(buf_view(&inner), GZIP);
	s = buf_view(&in);
	do {
		v = decode_step(d, &s, to, sizeof(to), &wrote);
		assert_int_equal(wrote, 0);
		assert_true(decode_widest(d) - before <= 512 << 10);
		before = decode_widest(d);
		steps++;
	} while (v == DECODE_FULL);
	assert_int_equal(v, DECODE_MORE);
	assert_true(steps > 100);
	assert_int_equal(decode_widest(d), inner.n);
	assert_true(decode_finish(d));
	decode_close(d);
	buf_fini(&in);
	buf_fini(&inner);
}

static void
test_a_decoder_is_used_again_as_new(void **state)
{
	struct buf text = make_text(), in[4];
	const char *names[] = { "gzip", "deflate", "zstd", "br" };
	struct decode *d = NULL;
	struct result r;
	size_t i, n, round;

	(void)state;
	in[0] = deflated(buf_view(&text), GZIP);
	in[1] = deflated(buf_view(&text), RAW);
	in[2] = zstd(buf_view(&text));
	in[3] = (struct buf){ 0 };
	buf_add(&in[3], br_text, sizeof(br_text));
	for (round = 0; round < 64; round++) {
		i = (round ^ round >> 2) & 3;
		d = open_codings(d, names[i]);
		/* some are left in the middle, some fail */
		n = round % 3 == 0 ? in[i].n / 2 : in[i].n;
		r = run_with(d, span_of(in[i].p, n), 100, 1000);
		assert_int_equal(r.whole, n == in[i].n);
		buf_fini(&r.out);
		if (round % 5 == 0) {
			d = open_codings(d, "gzip, gzip");
			r = run_with(d, SPAN("no gzip"), 100, 1000);
			assert_int_equal(r.v, DECODE_BAD);
		}
		d = open_codings(d, names[i]);
		r = run_with(d, buf_view(&in[i]), 100, 1000);
		assert_true(r.whole && !r.trailing && !r.has_detail);
		assert_true(span_eq(buf_view(&r.out), buf_view(&text)));
		buf_fini(&r.out);
	}
	decode_close(d);
	for (i = 0; i < 4; i++)
		buf_fini(&in[i]);
	buf_fini(&text);
}

static void
test_long_gzip_header_fields_are_passed_over(void **state)
{
	struct buf text = make_text(), raw = deflated(buf_view(&text), RAW);
	struct buf in = { 0 };
	unsigned long crc =
	    crc32(0, (const unsigned char *)text.p, (unsigned int)text.n);
	size_t i;

	(void)state;
	buf_add(&in, "\x1f\x8b\x08\x1c\0\0\0\0\0\xff\xff\xff", 12);
	for (i = 0; i < 65535 + 2 * 70000; i++) /* FEXTRA, FNAME, FCOMMENT */
		buf_char(&in, i == 65535 + 70000 ? '\0' : 'a');
	check_cut_once("gzip", buf_view(&in));
	buf_char(&in, '\0');
	buf_span(&in, buf_view(&raw));
	for (i = 0; i < 32; i += 8)
		buf_char(&in, (char)(crc >> i));
	for (i = 0; i < 32; i += 8)
		buf_char(&in, (char)(text.n >> i));
	check_good("gzip", buf_view(&in), buf_view(&text), 0);
	buf_fini(&in);
	buf_fini(&raw);
	buf_fini(&text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_coding_decodes_however_it_arrives),
		cmocka_unit_test(test_a_raw_stream_of_any_first_block_is_seen),
		cmocka_unit_test(
		    test_what_came_of_a_cut_brotli_stream_is_given_out),
		cmocka_unit_test(test_a_stream_that_is_cut_is_not_whole),
		cmocka_unit_test(test_an_empty_body_is_whole),
		cmocka_unit_test(
		    test_damage_is_found_and_what_came_before_is_kept),
		cmocka_unit_test(test_zstd_gives_the_blocks_before_a_bad_one),
		cmocka_unit_test(
		    test_gzip_members_and_zstd_frames_are_one_body),
		cmocka_unit_test(
		    test_bytes_behind_the_end_are_ignored_and_told),
		cmocka_unit_test(test_nothing_known_to_decode_gives_no_decoder),
		cmocka_unit_test(test_five_layers_are_peeled_and_six_refused),
		cmocka_unit_test(test_outer_layers_are_checked_to_their_ends),
		cmocka_unit_test(test_a_window_over_its_limit_is_refused),
		cmocka_unit_test(test_a_bomb_goes_off_one_window_at_a_time),
		cmocka_unit_test(
		    test_a_bomb_that_an_inner_layer_swallows_is_seen),
		cmocka_unit_test(test_a_decoder_is_used_again_as_new),
		cmocka_unit_test(test_long_gzip_header_fields_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
