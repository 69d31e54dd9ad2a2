/* SPDX-License-Identifier: ISC */
/*
 * A response read at once and in pieces: verdict, error, status, fields and
 * body must be equal and as http.h specifies. The first four bytes of the input
 * choose: HEAD and how the peer closes, the header limit, and two that seed the
 * cuts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "codec/http/http.h"

#define PREFIX 4
#define FLAG_HEAD 1
#define FLAG_INTERIM 2
#define FLAG_EOF 4
#define FLAG_CLEAN 8

struct outcome {
	enum http_verdict verdict;
	struct buf body;
	size_t used;
};

static size_t
header_max_of(uint8_t choice)
{
	return choice < 128 ? 262144 : (size_t)(choice - 127) * 5;
}

/*
 * A copy of the exact size, so that AddressSanitizer detects a read past its
 * end.
 */
static void
feed_piece(struct http *h, struct span in, struct outcome *o)
{
	char *piece = malloc(in.n > 0 ? in.n : 1);
	struct span body;

	CHECK(piece != NULL);
	if (in.n > 0)
		memcpy(piece, in.p, in.n);
	o->verdict = http_feed(h, span_of(piece, in.n), &body);
	CHECK(body.n <= in.n);
	CHECK(http_used(h) <= in.n);
	CHECK(o->verdict != HTTP_MORE || http_used(h) == in.n);
	buf_span(&o->body, body);
	o->used += http_used(h);
	free(piece);
}

/* In pieces of 1 to 2^k bytes, k by the seed; seed 0: all at once. */
static void
read_response(struct http *h, const uint8_t *config, struct span in,
    unsigned seed, struct outcome *o)
{
	unsigned random = seed;
	size_t at = 0, n = in.n;

	http_start(h, config[0] & FLAG_HEAD, header_max_of(config[1]),
	    config[0] & FLAG_INTERIM);
	*o = (struct outcome){ .verdict = HTTP_MORE };
	while (at < in.n && o->verdict == HTTP_MORE) {
		random = random * 1103515245u + 12345u;
		if (seed != 0)
			n = 1 + (random >> 16 & ((1u << (seed & 7)) - 1));
		if (n > in.n - at)
			n = in.n - at;
		feed_piece(h, span_of(in.p + at, n), o);
		at += n;
	}
	if (o->verdict == HTTP_MORE && (config[0] & FLAG_EOF))
		o->verdict = http_eof(h, (config[0] & FLAG_CLEAN) != 0);
}

static void
check_fields(const struct http_fields *f)
{
	struct span name, value;
	size_t i, k;

	CHECK(f->n <= HTTP_MAX_FIELDS);
	for (i = 0; i < f->n; i++) {
		name = http_field_name(f, i);
		value = http_field_value(f, i);
		CHECK(http_is_token(name));
		for (k = 0; k < name.n; k++)
			CHECK(name.p[k] == span_lower(name.p[k]));
		CHECK(http_is_value(value));
		CHECK(span_eq(value, span_trim(value)));
		CHECK(http_find(f, name, 0).p != NULL);
	}
}

static void
check_promises(const struct http *h, const struct outcome *o, int head)
{
	int status = http_status(h);

	CHECK((o->verdict == HTTP_BAD) == (http_error(h) != E_OK));
	CHECK((o->verdict == HTTP_BAD) == (http_detail(h) != NULL));
	CHECK((o->verdict == HTTP_DONE) == http_is_done(h));
	CHECK(!http_has_head(h) || (status >= 200 && status <= 999));
	CHECK(http_has_head(h) || (status == 0 && o->body.n == 0));
	CHECK(o->body.n == 0 || !(head || status == 204 || status == 304));
	CHECK(!http_keep_alive(h) ||
	      (o->verdict == HTTP_DONE && http_flags(h) == 0));
	CHECK(http_interim_count(h) <= HTTP_MAX_INTERIM);
	check_fields(http_header(h));
	check_fields(http_trailer(h));
}

static void
check_same_fields(const struct http_fields *a, const struct http_fields *b)
{
	CHECK(a->n == b->n);
	CHECK(span_eq(buf_view(&a->bytes), buf_view(&b->bytes)));
}

static void
check_same(const struct http *a, const struct outcome *x, const struct http *b,
    const struct outcome *y)
{
	size_t i;

	CHECK(x->verdict == y->verdict);
	CHECK(http_error(a) == http_error(b));
	CHECK(span_eq(span_str(http_detail(a)), span_str(http_detail(b))));
	CHECK(http_status(a) == http_status(b));
	CHECK(http_flags(a) == http_flags(b));
	CHECK(http_begun(a) == http_begun(b));
	CHECK(http_keep_alive(a) == http_keep_alive(b));
	CHECK(http_content_length(a) == http_content_length(b));
	CHECK(span_eq(buf_view(&x->body), buf_view(&y->body)));
	CHECK(x->verdict != HTTP_DONE || x->used == y->used);
	check_same_fields(http_header(a), http_header(b));
	check_same_fields(http_trailer(a), http_trailer(b));
	CHECK(http_interim_count(a) == http_interim_count(b));
	for (i = 0; i < http_interim_count(a); i++)
		check_same_fields(
		    &http_interim(a, i)->fields, &http_interim(b, i)->fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http *whole, *cut;
	struct outcome x, y;
	struct span in;
	unsigned seed, i;

	if (size < PREFIX)
		return 0;
	in = span_of((const char *)data + PREFIX, size - PREFIX);
	whole = http_new();
	cut = http_new();
	read_response(whole, data, in, 0, &x);
	check_promises(whole, &x, data[0] & FLAG_HEAD);
	seed = data[2] * 256u + data[3];
	/* Twice with one reader, which must reset its state. */
	for (i = 1; i <= 2; i++) {
		read_response(cut, data, in, seed * i, &y);
		check_promises(cut, &y, data[0] & FLAG_HEAD);
		check_same(whole, &x, cut, &y);
		buf_fini(&y.body);
	}
	buf_fini(&x.body);
	http_free(whole);
	http_free(cut);
	return 0;
}
