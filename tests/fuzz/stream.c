/* SPDX-License-Identifier: ISC */
/*
 * Streams: the items do not depend on how the body is split. The first byte
 * selects the kind, the second seeds the cuts, the rest is the body; a short
 * body is also split at every byte. Chunks may differ, but joined they must
 * equal the body, and be text wherever the body is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/stream.h"

#define SHORT 64
#define IDS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	struct buf out; /* every item; of chunks their bytes alone */
	size_t items, bytes;
	enum stream_verdict v;
};

static void
put_span(struct buf *out, struct span s)
{
	if (s.p == NULL)
		buf_str(out, "-,");
	else
		buf_printf(out, "%zu:", s.n);
	buf_span(out, s);
}

static void
put_event(struct buf *out, const struct stream_item *i)
{
	CHECK(i->event.n > 0 && !i->is_json && !i->is_text && i->retry >= -1);
	CHECK(memchr(i->event.p, '\n', i->event.n) == NULL);
	CHECK(i->event_id.n <= STREAM_ID_MAX);
	CHECK(i->event_id.n == 0 ||
	      memchr(i->event_id.p, '\0', i->event_id.n) == NULL);
	CHECK(i->data.n == 0 || memchr(i->data.p, '\r', i->data.n) == NULL);
	put_span(out, i->event);
	put_span(out, i->event_id);
	buf_i64(out, i->retry);
	put_span(out, i->data);
}

/* A text may look like JSON and be truncated. */
static void
put_line(struct buf *out, enum stream_kind kind, const struct stream_item *i)
{
	CHECK(i->data.n > 0);
	CHECK(memchr(i->data.p, kind == STREAM_LINES ? '\n' : '\x1e',
		  i->data.n) == NULL);
	CHECK(json_read_answer(i->data, NULL) == i->is_json ||
	      (kind == STREAM_TEXTS && !i->is_json));
	buf_i64(out, i->is_json);
	put_span(out, i->data);
}

/*
 * The items of one call. Repeated ids are left out where there would be many.
 */
static void
put_item(struct result *r, enum stream_kind kind, struct stream_item *i)
{
	r->items++;
	r->bytes += i->data.n;
	CHECK(i->data.p != NULL);
	if (kind == STREAM_CHUNKS) {
		CHECK(i->data.n > 0 && i->data.n <= STREAM_CHUNK_MAX);
		CHECK((utf8_valid(i->data) == i->data.n) == i->is_text);
		buf_span(&r->out, i->data);
	} else if (kind == STREAM_LINES || kind == STREAM_TEXTS)
		put_line(&r->out, kind, i);
	else {
		if (r->items > IDS_MAX)
			i->event_id.n = 0;
		put_event(&r->out, i);
	}
}

/*
 * A copy of the exact size, so that AddressSanitizer detects a read past its
 * end.
 */
static void
feed_piece(
    struct stream *s, enum stream_kind kind, struct span in, struct result *r)
{
	char *p = mem_alloc(in.n);
	struct span piece = { p, in.n };
	struct stream_item item;

	if (in.n > 0)
		memcpy(p, in.p, in.n);
	while ((r->v = stream_next(s, &piece, &item)) == STREAM_ITEM)
		put_item(r, kind, &item);
	CHECK(r->v == STREAM_TOO_BIG || piece.n == 0);
	CHECK(kind != STREAM_CHUNKS || stream_held_bytes(s) <= 3);
	free(p);
}

/*
 * The first piece has n bytes; later ones have 1 to 2^k, with k from the seed,
 * or all the rest if the seed is 0.
 */
static struct result
run(struct stream *s, enum stream_kind kind, struct span in, size_t n,
    unsigned seed)
{
	struct result r = { .v = STREAM_MORE };
	struct stream_item item;
	unsigned random = seed;

	stream_start(s, kind);
	do {
		n = n < in.n ? n : in.n;
		feed_piece(s, kind, span_of(in.p, n), &r);
		in = span_of(in.p + n, in.n - n);
		random = random * 1103515245u + 12345u;
		n = in.n;
		if (seed != 0)
			n = 1 + (random >> 16 & ((1u << (seed & 7)) - 1));
	} while (in.n > 0 && r.v != STREAM_TOO_BIG);
	if (stream_end(s, &item) == STREAM_ITEM)
		put_item(&r, kind, &item);
	CHECK(stream_end(s, &item) != STREAM_ITEM);
	return r;
}

static void
check_same(enum stream_kind kind, const struct result *a, struct result b)
{
	CHECK(a->v == b.v && span_eq(buf_view(&a->out), buf_view(&b.out)));
	CHECK(kind == STREAM_CHUNKS || a->items == b.items);
	buf_fini(&b.out);
}

static void
check_promises(enum stream_kind kind, struct span in, const struct result *r)
{
	CHECK(r->v == STREAM_MORE || in.n > STREAM_ID_MAX);
	CHECK(r->bytes <= in.n);
	if (kind == STREAM_CHUNKS)
		CHECK(span_eq(buf_view(&r->out), in));
}

/* Text remains text when fed byte by byte. */
static void
check_text(struct stream *s, struct span in)
{
	struct stream_item item;
	struct span piece;
	size_t i;

	if (utf8_valid(in) != in.n)
		return;
	stream_start(s, STREAM_CHUNKS);
	for (i = 0; i < in.n; i++) {
		piece = span_of(in.p + i, 1);
		while (stream_next(s, &piece, &item) == STREAM_ITEM)
			CHECK(item.is_text);
	}
	CHECK(stream_end(s, &item) == STREAM_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream *s;
	enum stream_kind kind;
	struct result whole;
	struct span in;
	size_t cut;

	if (size < 3)
		return 0;
	kind = (enum stream_kind)(data[0] % 4);
	in = span_of((const char *)data + 2, size - 2);
	s = stream_new();
	whole = run(s, kind, in, in.n, 0);
	check_promises(kind, in, &whole);
	check_same(kind, &whole, run(s, kind, in, 1, data[1]));
	check_same(kind, &whole, run(s, kind, in, 1, 8));
	for (cut = 0; cut <= in.n && in.n <= SHORT; cut++)
		check_same(kind, &whole, run(s, kind, in, cut, 0));
	if (kind == STREAM_CHUNKS)
		check_text(s, in);
	buf_fini(&whole.out);
	stream_free(s);
	return 0;
}
