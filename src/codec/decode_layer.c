/* SPDX-License-Identifier: ISC */
/*
 * Decodes one content coding with its library. Magic numbers are checked here
 * where one member or frame can follow another, and where a stream can have two
 * wrappings.
 */
#include "codec/decode_layer.h"

#include <malloc.h>
#include <stdlib.h>
#include <zstd_errors.h>

#include "base/check.h"
#include "base/mem.h"

#define BR_BITE_BYTES 256
#define ZSTD_WINDOW_LOG 23 /* 8 MiB (RFC 9659) */
#define ZSTD_HEADER 3      /* bytes of a block's */
#define ZSTD_KEEP_BYTES (1u << 20)
#define REFUSED_FROM (64u << 10) /* smaller allocations always succeed */

/* ---- the libraries ------------------------------------------------------- */

void
decode_layer_eat(struct span *s, size_t n)
{
	if (n > 0)
		*s = span_of(s->p + n, s->n - n);
}

static enum decode_verdict
bad(struct decode_layer *l, const char *detail)
{
	l->state = LAYER_BAD;
	l->detail = detail;
	return DECODE_BAD;
}

static void *
zlib_alloc(void *opaque, unsigned int n, unsigned int size)
{
	struct decode_layer *l = opaque;
	void *p = mem_alloc((size_t)n * size);

	*l->memory += malloc_usable_size(p);
	return p;
}

static void
counted_free(void *opaque, void *p)
{
	struct decode_layer *l = opaque;

	*l->memory -= malloc_usable_size(p);
	free(p);
}

/* Refuses a window that would exceed the memory limit of the body. */
static void *
brotli_alloc(void *opaque, size_t n)
{
	struct decode_layer *l = opaque;

	if (n >= REFUSED_FROM &&
	    (n > DECODE_MEMORY_MAX || *l->memory > DECODE_MEMORY_MAX - n)) {
		l->is_refused = 1;
		return NULL;
	}
	return zlib_alloc(opaque, 1, (unsigned int)n);
}

static void
count_zstd(struct decode_layer *l)
{
	size_t n = ZSTD_sizeof_DCtx(l->zstd); /* 0 of NULL */

	*l->memory += n - l->zstd_held;
	l->zstd_held = n;
	l->is_refused |= *l->memory > DECODE_MEMORY_MAX;
}

static enum decode_verdict
bad_memory(struct decode_layer *l)
{
	return bad(l, "its windows need too much memory");
}

/* `bits` as inflateInit2 takes them: wrapping and window. */
static void
start_zlib(struct decode_layer *l, int bits)
{
	int r;

	if (l->has_zlib)
		r = inflateReset2(&l->zlib, bits);
	else {
		l->zlib = (z_stream){
			.zalloc = zlib_alloc, .zfree = counted_free, .opaque = l
		};
		r = inflateInit2(&l->zlib, bits);
	}
	CHECK(r == Z_OK);
	l->has_zlib = 1;
}

static void
start_br(struct decode_layer *l)
{
	CHECK(l->br == NULL);
	l->br = BrotliDecoderCreateInstance(brotli_alloc, counted_free, l);
	CHECK(l->br != NULL);
}

static void
start_zstd(struct decode_layer *l)
{
	size_t r;

	if (l->zstd == NULL) {
		l->zstd = ZSTD_createDCtx();
		if (l->zstd == NULL)
			fatalx("out of memory (zstd)");
		r = ZSTD_DCtx_setParameter(
		    l->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	} else
		r = ZSTD_DCtx_reset(l->zstd, ZSTD_reset_session_only);
	CHECK(!ZSTD_isError(r));
	count_zstd(l);
	l->hint = sizeof(l->magic);
}

static enum decode_verdict
run_zlib(struct decode_layer *l, struct span *src, char *to, size_t room,
    size_t *got)
{
	z_stream *z = &l->zlib;
	int r;

	z->next_in = (unsigned char *)(uintptr_t)src->p;
	z->avail_in = src->n < UINT32_MAX ? (unsigned int)src->n : UINT32_MAX;
	z->next_out = (unsigned char *)to;
	z->avail_out = room < UINT32_MAX ? (unsigned int)room : UINT32_MAX;
	r = inflate(z, Z_NO_FLUSH);
	if (src->n > 0)
		decode_layer_eat(
		    src, (size_t)((const char *)z->next_in - src->p));
	*got = (size_t)((char *)z->next_out - to);
	z->next_in = NULL;
	if (r == Z_STREAM_END)
		return DECODE_DONE;
	if (r == Z_NEED_DICT)
		return bad(l, "need dictionary");
	if (r != Z_OK && r != Z_BUF_ERROR)
		return bad(l, z->msg != NULL ? z->msg : zError(r));
	return *got == room ? DECODE_FULL : DECODE_MORE;
}

/* In small steps: on an error brotli discards what the call has decoded. */
static enum decode_verdict
run_br(struct decode_layer *l, struct span *src, char *to, size_t room,
    size_t *got)
{
	size_t bite = src->n < BR_BITE_BYTES ? src->n : BR_BITE_BYTES;
	size_t left = bite, left_room = room;
	const uint8_t *in = (const uint8_t *)src->p;
	uint8_t *out = (uint8_t *)to;
	BrotliDecoderResult r;

	r = BrotliDecoderDecompressStream(
	    l->br, &left, &in, &left_room, &out, NULL);
	decode_layer_eat(src, bite - left);
	*got = room - left_room;
	switch (r) {
	case BROTLI_DECODER_RESULT_SUCCESS:
		return DECODE_DONE;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
		return DECODE_FULL;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
		/* Brotli returns this with output pending, too. */
		return BrotliDecoderHasMoreOutput(l->br) ? DECODE_FULL
							 : DECODE_MORE;
	case BROTLI_DECODER_RESULT_ERROR:
		break;
	}
	if (l->is_refused)
		return bad_memory(l);
	return bad(
	    l, BrotliDecoderErrorString(BrotliDecoderGetErrorCode(l->br)));
}

/*
 * One block at a time: on an error zstd does not report what the call wrote.
 * Its hint is the rest of the block, often with the header of the next one.
 * Pending output is read without new input.
 */
static enum decode_verdict
run_zstd(struct decode_layer *l, struct span *src, char *to, size_t room,
    size_t *got)
{
	size_t n = l->hint > ZSTD_HEADER ? l->hint - ZSTD_HEADER : l->hint, r;
	ZSTD_inBuffer in = { src->p, n < src->n ? n : src->n, 0 };
	ZSTD_outBuffer out = { to, room, 0 };

	if (l->pending)
		in.size = 0;
	r = ZSTD_decompressStream(l->zstd, &out, &in);
	decode_layer_eat(src, in.pos);
	*got = out.pos;
	if (r == 0)
		return DECODE_DONE;
	if (ZSTD_isError(r)) {
		if (ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
			fatalx("out of memory (zstd)");
		return bad(l, ZSTD_getErrorName(r));
	}
	count_zstd(l);
	if (l->is_refused)
		return bad_memory(l);
	l->hint = r;
	return out.pos == room ? DECODE_FULL : DECODE_MORE;
}

static enum decode_verdict
run_library(struct decode_layer *l, struct span *src, char *to, size_t room,
    size_t *got)
{
	switch (l->coding) {
	case DECODE_GZIP:
	case DECODE_DEFLATE:
		return run_zlib(l, src, to, room, got);
	case DECODE_BR:
		return run_br(l, src, to, room, got);
	case DECODE_ZSTD:
		return run_zstd(l, src, to, room, got);
	}
	return DECODE_BAD;
}

/* ---- magic numbers ------------------------------------------------------- */

static int
is_gzip(const unsigned char *p, size_t n)
{
	return p[0] == 0x1f && (n < 2 || p[1] == 0x8b);
}

/* RFC 1950 section 2.2: deflate, a window of 32 KiB at most, the check. */
static int
is_zlib(const unsigned char *p)
{
	return (p[0] & 15) == 8 && p[0] >> 4 <= 7 &&
	       (p[0] << 8 | p[1]) % 31 == 0;
}

/* A frame, or a skippable frame (RFC 8878 section 3.1). */
static int
is_zstd(const unsigned char *p, size_t n)
{
	static const unsigned char frame[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const unsigned char skip[4] = { 0x50, 0x2a, 0x4d, 0x18 };

	return memcmp(p, frame, n) == 0 ||
	       ((p[0] & 0xf0) == skip[0] &&
		   memcmp(p + 1, skip + 1, n - 1) == 0);
}

/* Can the bytes gathered so far begin a stream, member or frame? */
static int
fits(const struct decode_layer *l)
{
	switch (l->coding) {
	case DECODE_GZIP:
		if (l->members > 0)
			return is_gzip(l->magic, l->magic_n);
		return l->magic_n < 2 || is_gzip(l->magic, 2) ||
		       is_zlib(l->magic);
	case DECODE_ZSTD:
		return is_zstd(l->magic, l->magic_n);
	case DECODE_DEFLATE:
	case DECODE_BR:
		break;
	}
	return 1;
}

static size_t
magic_len(const struct decode_layer *l)
{
	switch (l->coding) {
	case DECODE_GZIP:
	case DECODE_DEFLATE:
		return 2;
	case DECODE_ZSTD:
		return 4;
	case DECODE_BR:
		break;
	}
	return 0;
}

/* The magic number is complete: sets up the library for that format. */
static void
start(struct decode_layer *l)
{
	int bits = -15;

	switch (l->coding) {
	case DECODE_GZIP:
	case DECODE_DEFLATE:
		/* Some servers send zlib as gzip and vice versa. */
		if (is_gzip(l->magic, 2))
			bits = 15 + 16;
		else if (is_zlib(l->magic))
			bits = 15;
		start_zlib(l, bits);
		break;
	case DECODE_BR:
		start_br(l);
		break;
	case DECODE_ZSTD:
		start_zstd(l);
		break;
	}
	l->state = LAYER_BODY;
	l->members++;
	l->pending = 0;
}

/* ---- one layer ----------------------------------------------------------- */

static enum decode_verdict
ignore(struct decode_layer *l, struct span *src)
{
	l->state = LAYER_OVER;
	if (src->n > 0)
		l->trailing = 1;
	decode_layer_eat(src, src->n);
	return DECODE_DONE;
}

/* Gathers the magic number. DECODE_FULL: continue in the new state. */
static enum decode_verdict
take_magic(struct decode_layer *l, struct span *src)
{
	while (l->magic_n < magic_len(l) && src->n > 0) {
		l->magic[l->magic_n++] = (unsigned char)*src->p;
		decode_layer_eat(src, 1);
		if (fits(l))
			continue;
		if (l->members == 0)
			return bad(l, l->coding == DECODE_GZIP
					  ? "incorrect header check"
					  : ZSTD_getErrorString(
						ZSTD_error_prefix_unknown));
		l->trailing = 1;
		return ignore(l, src);
	}
	if (l->magic_n < magic_len(l))
		return DECODE_MORE;
	start(l);
	return DECODE_FULL;
}

/* The library reached the end of a member, a frame or the stream. */
static void
end_member(struct decode_layer *l)
{
	int again = l->coding == DECODE_ZSTD ||
		    (l->coding == DECODE_GZIP && is_gzip(l->magic, 2));

	l->state = again ? LAYER_MAGIC : LAYER_OVER;
	l->magic_n = l->magic_at = 0;
}

/* Feeds the library: the magic number first. DECODE_DONE: a member ended. */
static enum decode_verdict
take_body(struct decode_layer *l, struct span *src, char *to, size_t cap,
    size_t *wrote)
{
	struct span magic = { (char *)l->magic + l->magic_at,
		l->magic_n - l->magic_at };
	enum decode_verdict v = DECODE_MORE;
	size_t got = 0;

	if (*wrote == cap)
		return DECODE_FULL;
	if (magic.n > 0) {
		v = run_library(l, &magic, to + *wrote, cap - *wrote, &got);
		l->magic_at = l->magic_n - magic.n;
	} else if (src->n > 0 || l->pending)
		v = run_library(l, src, to + *wrote, cap - *wrote, &got);
	*wrote += got;
	l->total += got;
	l->pending = v == DECODE_FULL;
	return v;
}

enum decode_verdict
decode_layer_run(struct decode_layer *l, struct span *src, char *to, size_t cap,
    size_t *wrote)
{
	enum decode_verdict v;

	if (src->n > 0)
		l->started = 1;
	for (;;) {
		switch (l->state) {
		case LAYER_MAGIC:
			v = take_magic(l, src);
			if (v != DECODE_FULL)
				return v;
			break;
		case LAYER_BODY:
			v = take_body(l, src, to, cap, wrote);
			if (v == DECODE_DONE)
				end_member(l);
			else if (v == DECODE_BAD || v == DECODE_FULL)
				return v;
			else if (l->magic_at == l->magic_n && src->n == 0)
				return v;
			break;
		case LAYER_OVER:
			return ignore(l, src);
		case LAYER_BAD:
			return DECODE_BAD;
		}
	}
}

static void
free_zlib(struct decode_layer *l)
{
	if (l->has_zlib)
		inflateEnd(&l->zlib);
	l->has_zlib = 0;
}

static void
free_br(struct decode_layer *l)
{
	if (l->br != NULL)
		BrotliDecoderDestroyInstance(l->br);
	l->br = NULL;
}

static void
free_zstd(struct decode_layer *l)
{
	ZSTD_freeDCtx(l->zstd);
	l->zstd = NULL;
	if (l->zstd_held > 0)
		count_zstd(l);
}

void
decode_layer_init(
    struct decode_layer *l, enum decode_coding coding, size_t *memory)
{
	int is_zlib_coding = coding == DECODE_GZIP || coding == DECODE_DEFLATE;

	l->memory = memory;
	if (l->has_zlib && !is_zlib_coding)
		free_zlib(l);
	if (l->zstd != NULL && (coding != DECODE_ZSTD ||
				   ZSTD_sizeof_DCtx(l->zstd) > ZSTD_KEEP_BYTES))
		free_zstd(l);
	free_br(l);
	l->coding = coding;
	l->state = LAYER_MAGIC;
	l->members = l->started = l->trailing = l->pending = 0;
	l->is_refused = 0;
	l->magic_n = l->magic_at = 0;
	l->total = 0;
	l->detail = NULL;
	l->in = SPAN_NONE;
}

void
decode_layer_fini(struct decode_layer *l)
{
	free_zlib(l);
	free_br(l);
	free_zstd(l);
	free(l->between);
	*l = (struct decode_layer){ 0 };
}

int
decode_layer_whole(const struct decode_layer *l)
{
	if (!l->started || l->state == LAYER_OVER)
		return 1;
	return l->state == LAYER_MAGIC && l->members > 0;
}

int
decode_layer_trailing(const struct decode_layer *l)
{
	if (l->state == LAYER_MAGIC && l->members > 0 && l->magic_n > 0)
		return 1;
	return l->trailing;
}
