/* SPDX-License-Identifier: ISC */
/*
 * Feeds a response to a reader, split in many ways, and compares the result
 * with a table. The result must not depend on the split.
 */
#ifndef TESTS_UNIT_CODEC_HTTP_RUN_H
#define TESTS_UNIT_CODEC_HTTP_RUN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "codec/http/http.h"

#define IN(lit) (lit), sizeof(lit) - 1
#define HEADER_MAX 262144

enum eof { STAYS_OPEN, CLEAN_EOF, UNCLEAN_EOF };

struct response {
	const char *what;
	const char *in;
	size_t n;
	int status; /* 0: no usable head */
	enum err error;
	const char *body;
	const char *detail; /* NULL: not looked at */
	unsigned flags;
	int keep_alive;
	size_t left_over; /* bytes behind a response that is done */
	enum eof eof;
	int head; /* the request was HEAD */
	int more; /* it is not complete, and no error either */
};

struct outcome {
	enum http_verdict verdict;
	struct buf body;
	size_t used;
};

/* Feeds pieces: up to a, up to b, the rest; step > 0: pieces of that size. */
static inline void
feed_cut(struct http *h, struct span in, size_t a, size_t b, size_t step,
    struct outcome *o)
{
	size_t at = 0, end;
	struct span body;
	char *piece;

	o->verdict = HTTP_MORE;
	o->used = 0;
	o->body.n = 0;
	while (at < in.n && o->verdict == HTTP_MORE) {
		end = at < a ? a : at < b ? b : in.n;
		if (step > 0)
			end = at + step < in.n ? at + step : in.n;
		/*
		 * A copy of the exact size, so that AddressSanitizer detects a
		 * read past its end.
		 */
		piece = malloc(end - at);
		assert_non_null(piece);
		memcpy(piece, in.p + at, end - at);
		o->verdict = http_feed(h, span_of(piece, end - at), &body);
		buf_span(&o->body, body);
		free(piece);
		o->used += http_used(h);
		at = end;
	}
}

static inline void
check_outcome(struct http *h, const struct response *r, struct outcome *o)
{
	struct span body = span_str(r->body);

	if (r->eof != STAYS_OPEN && o->verdict == HTTP_MORE)
		o->verdict = http_eof(h, r->eof == CLEAN_EOF);
	assert_int_equal(o->verdict, r->more            ? HTTP_MORE
				     : r->error != E_OK ? HTTP_BAD
							: HTTP_DONE);
	assert_string_equal(error_code(http_error(h)), error_code(r->error));
	assert_int_equal(http_status(h), r->status);
	assert_int_equal(http_has_head(h), r->status != 0);
	assert_int_equal(o->body.n, body.n);
	if (body.n > 0)
		assert_memory_equal(o->body.p, body.p, body.n);
	if (r->detail != NULL)
		assert_string_equal(http_detail(h), r->detail);
	if (r->error == E_OK)
		assert_int_equal(http_flags(h), r->flags);
	assert_int_equal(http_keep_alive(h), r->keep_alive);
	assert_int_equal(http_is_done(h), o->verdict == HTTP_DONE);
	if (o->verdict == HTTP_DONE)
		assert_int_equal(o->used, r->n - r->left_over);
}

static inline void
check_cut(struct http *h, const struct response *r, size_t a, size_t b,
    size_t step, struct outcome *o)
{
	http_start(h, r->head, HEADER_MAX, 0);
	feed_cut(h, span_of(r->in, r->n), a, b, step, o);
	check_outcome(h, r, o);
}

/* At once, byte by byte, in threes, and split at every one and two places. */
static inline void
check_response(const struct response *r)
{
	struct http *h = http_new();
	struct outcome o = { 0 };
	size_t a, b, stride = r->n / (r->n < 1024 ? 64 : 16) + 1;

	print_message("  %s\n", r->what);
	check_cut(h, r, r->n, r->n, 0, &o);
	check_cut(h, r, 0, 0, 1, &o);
	check_cut(h, r, 0, 0, 3, &o);
	for (a = 0; a < r->n; a += r->n < 1024 ? 1 : stride)
		check_cut(h, r, a, a, 0, &o);
	for (a = 0; a < r->n; a += stride)
		for (b = a; b < r->n; b += stride)
			check_cut(h, r, a, b, 0, &o);
	buf_fini(&o.body);
	http_free(h);
}

static inline void
check_responses(const struct response *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check_response(&r[i]);
}

#define CHECK_RESPONSES(table) \
	check_responses(table, sizeof(table) / sizeof((table)[0]))

#endif
