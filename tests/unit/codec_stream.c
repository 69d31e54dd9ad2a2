/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/stream.c: each body is read at once, split at every byte, and
 * byte by byte; the items are written as one text and compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "codec/stream.h"

#define IN(lit) \
	{ \
		(lit), sizeof(lit) - 1 \
	}
#define BOM "\xef\xbb\xbf"

struct body {
	const char *what;
	struct span in;
	struct span out; /* see put_item */
};

/*
 * "name=data", optionally " #id" and " ~retry", with "|" after each item. A
 * line: "json=" or "string=", a chunk: "text=" or "bytes=".
 */
static void
put_item(struct buf *out, enum stream_kind kind, const struct stream_item *i)
{
	assert_non_null(i->data.p);
	if (kind == STREAM_EVENTS) {
		assert_true(i->event.n > 0 && !i->is_json && !i->is_text);
		buf_span(out, i->event);
	} else {
		assert_int_equal(i->event.n + i->event_id.n, 0);
		assert_int_equal(i->retry, -1);
		if (kind == STREAM_LINES || kind == STREAM_TEXTS)
			buf_str(out, i->is_json ? "json" : "string");
		else
			buf_str(out, i->is_text ? "text" : "bytes");
	}
	buf_char(out, '=');
	buf_span(out, i->data);
	if (i->event_id.p != NULL) {
		buf_str(out, " #");
		buf_span(out, i->event_id);
	}
	if (i->retry >= 0)
		buf_printf(out, " ~%lld", (long long)i->retry);
	buf_char(out, '|');
}

/*
 * Each piece in heap memory of its exact size, so that AddressSanitizer detects
 * reads past its end and after it was freed.
 */
static enum stream_verdict
feed(struct stream *s, enum stream_kind kind, struct span in, struct buf *out)
{
	char *p = malloc(in.n > 0 ? in.n : 1);
	struct span piece = { p, in.n };
	struct stream_item item;
	enum stream_verdict v;

	assert_non_null(p);
	if (in.n > 0)
		memcpy(p, in.p, in.n);
	while ((v = stream_next(s, &piece, &item)) == STREAM_ITEM)
		put_item(out, kind, &item);
	assert_true(v == STREAM_TOO_BIG || piece.n == 0);
	free(p);
	return v;
}

static void
end(struct stream *s, enum stream_kind kind, struct buf *out)
{
	struct stream_item item;

	if (stream_end(s, &item) == STREAM_ITEM)
		put_item(out, kind, &item);
	assert_int_equal(stream_end(s, &item), STREAM_MORE);
}

/* `step` 0: in two, at `cut`; otherwise in pieces of so many bytes. */
static void
check_cut(struct stream *s, enum stream_kind kind, const struct body *b,
    size_t cut, size_t step)
{
	struct buf out = { 0 };
	struct span left = b->in;
	size_t n = cut;

	stream_start(s, kind);
	do {
		n = n < left.n ? n : left.n;
		feed(s, kind, span_of(left.p, n), &out);
		left = span_of(left.p + n, left.n - n);
		n = step > 0 ? step : left.n;
	} while (left.n > 0);
	end(s, kind, &out);
	if (!span_eq(buf_view(&out), b->out))
		fail_msg("%s, cut at %zu, pieces of %zu: %.*s", b->what, cut,
		    step, (int)out.n, out.p);
	buf_fini(&out);
}

static void
check_bodies(enum stream_kind kind, const struct body *b, size_t n)
{
	struct stream *s = stream_new();
	size_t i, cut;

	for (i = 0; i < n; i++) {
		for (cut = 0; cut <= b[i].in.n; cut++)
			check_cut(s, kind, &b[i], cut, 0);
		for (cut = 1; cut < 4; cut++)
			check_cut(s, kind, &b[i], 0, cut);
	}
	stream_free(s);
}

#define CHECK_BODIES(kind, table) \
	check_bodies(kind, table, sizeof(table) / sizeof((table)[0]))

static void
test_the_content_type_says_which_kind_it_is(void **state)
{
	static const struct {
		const char *type;
		enum stream_kind kind;
	} table[] = {
		{ "text/event-stream", STREAM_EVENTS },
		{ "application/x-ndjson", STREAM_LINES },
		{ "application/ndjson", STREAM_LINES },
		{ "application/jsonl", STREAM_LINES },
		{ "application/x-jsonlines", STREAM_LINES },
		{ "application/jsonlines", STREAM_LINES },
		{ "application/json-seq", STREAM_TEXTS },
		{ "application/json", STREAM_CHUNKS },
		{ "text/event-streams", STREAM_CHUNKS },
		{ "text/event-strea", STREAM_CHUNKS },
		{ "", STREAM_CHUNKS },
		{ NULL, STREAM_CHUNKS },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(
		    stream_kind_of(span_str(table[i].type)), table[i].kind);
}

/* ---- events ---- */

static void
test_events_are_read_as_the_html_standard_says(void **state)
{
	static const struct body table[] = {
		{ "nothing", IN(""), IN("") },
		{ "one", IN("data: x\n\n"), IN("message=x|") },
		{ "the standard's first example",
		    IN("data: YHOO\ndata: +2\ndata: 10\n\n"),
		    IN("message=YHOO\n+2\n10|") },
		{ "its second",
		    IN(": test stream\n\ndata: first event\nid: 1\n\n"
		       "data:second event\nid\n\ndata:  third event\n\n"),
		    IN("message=first event #1|message=second event #|"
		       "message= third event #|") },
		{ "its third", IN("data\n\ndata\ndata\n\ndata:"),
		    IN("message=|message=\n|") },
		{ "its fourth", IN("data:test\n\ndata: test\n\n"),
		    IN("message=test|message=test|") },
		{ "named", IN("event: add\ndata: 73\n\ndata: 1\n\n"),
		    IN("add=73|message=1|") },
		{ "the last name counts", IN("event:a\nevent:b\ndata:\n\n"),
		    IN("b=|") },
		{ "an empty name is none", IN("event: \ndata:data\n\n"),
		    IN("message=data|") },
		{ "a name without data goes", IN("event:a\n\ndata:1\n\n"),
		    IN("message=1|") },
		{ "fields are told by the whole of their names",
		    IN("data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\n"
		       "da-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n"
		       "\n"),
		    IN("message=\0\n 2\n1\n3\n\n4|") },
		{ "others are passed over",
		    IN("data:test\n data\ndata\nfoobar:xxx\njustsometext\n"
		       ":thisisacommentyay\ndata:test\n\n"),
		    IN("message=test\n\ntest|") },
		{ "one blank is dropped, no tab",
		    IN("data:\ttest\rdata: \ndata:test\n\n"),
		    IN("message=\ttest\n\ntest|") },
		{ "comments",
		    IN("data:1\r:\0\n:\r\ndata:2\n:long\rdata:3\n:data:fail\r:"
		       "\ndata:4\n\n:\n\n: keep-alive\n\n"),
		    IN("message=1\n2\n3\n4|") },
		{ "colons in a value", IN("data::a: b\n\n"),
		    IN("message=:a: b|") },
		{ "bytes are left as they are",
		    IN("data:\xff \xc3\nevent:\xe2\x82\n\n"),
		    IN("\xe2\x82=\xff \xc3|") },
		{ "a block that is cut", IN("data:1\n\ndata:2\n"),
		    IN("message=1|") },
		{ "a line that is cut", IN("data:1\n\ndata:2"),
		    IN("message=1|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_EVENTS, table);
}

static void
test_lines_of_events_end_in_cr_lf_or_both(void **state)
{
	static const struct body table[] = {
		{ "LF", IN("data:1\ndata:2\n\ndata:3\n\n"),
		    IN("message=1\n2|message=3|") },
		{ "CR", IN("data:1\rdata:2\r\rdata:3\r\r"),
		    IN("message=1\n2|message=3|") },
		{ "CRLF", IN("data:1\r\ndata:2\r\n\r\ndata:3\r\n\r\n"),
		    IN("message=1\n2|message=3|") },
		{ "all of them", IN("data:1\r\ndata\ndata:2\r\n\rdata:3\n\r\n"),
		    IN("message=1\n\n2|message=3|") },
		{ "LF CR are two", IN("data:1\n\rdata:2\n\r"),
		    IN("message=1|message=2|") },
		{ "CR CRLF are two", IN("data:1\r\r\n\ndata:2\r\r\n"),
		    IN("message=1|message=2|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_EVENTS, table);
}

static void
test_one_byte_order_mark_is_dropped_at_the_very_start(void **state)
{
	static const struct body table[] = {
		{ "one", IN(BOM "data:1\n\n" BOM "data:2\n\ndata:3\n\n"),
		    IN("message=1|message=3|") },
		{ "two", IN(BOM BOM "data:1\n\ndata:2\n\n"), IN("message=2|") },
		{ "before a blank line", IN(BOM "\ndata:1\n\n"),
		    IN("message=1|") },
		{ "in a value", IN("data:" BOM "1\n\n"),
		    IN("message=" BOM "1|") },
		{ "a part of one",
		    IN("\xef\xbb"
		       "data:1\n\ndata:2\n\n"),
		    IN("message=2|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_EVENTS, table);
}

static void
test_an_id_stays_until_the_next_one(void **state)
{
	static const struct body table[] = {
		{ "kept", IN("id: a\ndata:1\n\ndata:2\n\nid:b\ndata:3\n\n"),
		    IN("message=1 #a|message=2 #a|message=3 #b|") },
		{ "of a block without data", IN("id:a\n\ndata:1\n\n"),
		    IN("message=1 #a|") },
		{ "the last of a block", IN("id:a\ndata:1\nid:b\n\n"),
		    IN("message=1 #b|") },
		{ "emptied", IN("id:a\ndata:1\n\nid\ndata:2\n\ndata:3\n\n"),
		    IN("message=1 #a|message=2 #|message=3 #|") },
		{ "with a NUL it is none",
		    IN("id:a\ndata:1\n\nid:b\0c\ndata:2\n\n"),
		    IN("message=1 #a|message=2 #a|") },
		{ "none", IN("id:\0\ndata:1\n\n"), IN("message=1|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_EVENTS, table);
}

static void
test_retry_is_of_its_own_block_and_all_digits(void **state)
{
	static const struct body table[] = {
		{ "set", IN("retry:3000\ndata:x\n\ndata:y\n\n"),
		    IN("message=x ~3000|message=y|") },
		{ "behind data", IN("data:x\nretry: 0\n\n"),
		    IN("message=x ~0|") },
		{ "of a block without data", IN("retry:1\n\ndata:x\n\n"),
		    IN("message=x|") },
		{ "rubbish leaves it",
		    IN("retry:3000\nretry:1000x\nretry:-1\nretry:1.5\n"
		       "retry\nretry:  1\nretry:+1\ndata:x\n\n"),
		    IN("message=x ~3000|") },
		{ "leading zeros", IN("retry:007\ndata:x\n\n"),
		    IN("message=x ~7|") },
		{ "largest of all",
		    IN("retry:99999999999999999999999\ndata:x\n\n"),
		    IN("message=x ~9223372036854775799|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_EVENTS, table);
}

static void
test_an_event_is_given_out_with_the_byte_that_ends_it(void **state)
{
	struct stream *s = stream_new();
	struct buf out = { 0 };

	(void)state;
	stream_start(s, STREAM_EVENTS);
	feed(s, STREAM_EVENTS, SPAN("data:1\r\n"), &out);
	assert_int_equal(out.n, 0);
	feed(s, STREAM_EVENTS, SPAN("\r"), &out);
	assert_true(span_eq(buf_view(&out), SPAN("message=1|")));
	feed(s, STREAM_EVENTS, SPAN("\ndata:2\n"), &out);
	assert_true(span_eq(buf_view(&out), SPAN("message=1|")));
	feed(s, STREAM_EVENTS, SPAN("\n"), &out);
	assert_true(span_eq(buf_view(&out), SPAN("message=1|message=2|")));
	buf_fini(&out);
	stream_free(s);
}

/* ---- lines ---- */

static void
test_lines_are_json_values_or_strings(void **state)
{
	static const struct body table[] = {
		{ "nothing", IN(""), IN("") },
		{ "two", IN("{\"a\":1}\n[2]\n"),
		    IN("json={\"a\":1}|json=[2]|") },
		{ "CRLF", IN("{}\r\n1\r\n"), IN("json={}|json=1|") },
		{ "without the last end", IN("1\n{\"a\": 2}"),
		    IN("json=1|json={\"a\": 2}|") },
		{ "half an end", IN("1\nx\r"), IN("json=1|string=x|") },
		{ "empty and blank lines", IN("\n\r\n1\n \t\r\n\n2\n\n"),
		    IN("json=1|json=2|") },
		{ "blanks round a value", IN(" \t1 \r\n  2"),
		    IN("json=1|json=2|") },
		{ "blanks round a string", IN(" a \r\n"), IN("string= a |") },
		{ "no JSON", IN("hello\n{\"a\":}\n1 2\ntrue\n"),
		    IN("string=hello|string={\"a\":}|string=1 2|json=true|") },
		{ "no UTF-8", IN("\"\xff\"\n\"\xc3\xa9\"\n"),
		    IN("string=\"\xff\"|json=\"\xc3\xa9\"|") },
		{ "CR ends no line", IN("1\r2\n"), IN("string=1\r2|") },
		{ "NUL", IN("\0\n1\0\n"), IN("string=\0|string=1\0|") },
		{ "BOM", IN("\xef\xbb\xbf{}\n1\n"), IN("json={}|json=1|") },
		{ "half a pair", IN("\"\\ud800\"\n"), IN("json=\"\\ud800\"|") },
		{ "RS inside",
		    IN("1\x1e"
		       "2\n"),
		    IN("string=1\x1e"
		       "2|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_LINES, table);
}

#define RS "\x1e"

static void
test_texts_are_what_stands_between_separators(void **state)
{
	static const struct body table[] = {
		{ "several", IN(RS "{\"a\":1}\n" RS "[2]\n" RS "\"x\"\n"),
		    IN("json={\"a\":1}|json=[2]|json=\"x\"|") },
		{ "over lines", IN(RS "{\n \"a\":\r\n [1,\n2]\n}\n" RS "3\n"),
		    IN("json={\n \"a\":\r\n [1,\n2]\n}|json=3|") },
		{ "blanks around", IN(" \n" RS "\n\n {} \r\n\n" RS "\t1 \n"),
		    IN("json={}|json=1|") },
		{ "empty ones", IN(RS RS "\n" RS " " RS "1\n" RS),
		    IN("json=1|") },
		{ "cut before a whole one", IN(RS "{\"a\":\n" RS "{}\n"),
		    IN("string={\"a\":|json={}|") },
		{ "cut in a string",
		    IN(RS "{\"a\":\"b\nc" RS "{}\n" RS "\"\\" RS "1\n"),
		    IN("string={\"a\":\"b\nc|json={}|string=\"\\|json=1|") },
		{ "cut at the end", IN(RS "[1]\n" RS "[1,\n2"),
		    IN("json=[1]|string=[1,\n2|") },
		{ "a number that may be cut", IN(RS "12" RS "12 " RS "12"),
		    IN("string=12|json=12|string=12|") },
		{ "a word that may be cut",
		    IN(RS "true" RS "null\n" RS "false\t"),
		    IN("string=true|json=null|json=false|") },
		{ "whole without an LF", IN(RS "{}" RS "[]" RS "\"x\""),
		    IN("json={}|json=[]|json=\"x\"|") },
		{ "no JSON, over lines", IN(RS "a\n{}\nb\n" RS "1\n"),
		    IN("string=a\n{}\nb|json=1|") },
		{ "brackets too many", IN(RS "}]\n1\n" RS "[1]\n"),
		    IN("string=}]\n1|json=[1]|") },
		{ "brackets and quotes in strings",
		    IN(RS "[\"]\\\"}{[\",\n\"\\\\\"]\n" RS "1\n"),
		    IN("json=[\"]\\\"}{[\",\n\"\\\\\"]|json=1|") },
		{ "without separators", IN("{}\n[1,\n2]\n3\n"),
		    IN("json={}|json=[1,\n2]|json=3|") },
		{ "BOM", IN("\xef\xbb\xbf" RS "{}\n" RS "\xef\xbb\xbf[]\n"),
		    IN("string=\xef\xbb\xbf|json={}|json=[]|") },
		{ "no UTF-8", IN(RS "\"\xff\"\n" RS "1\n"),
		    IN("string=\"\xff\"|json=1|") },
	};

	(void)state;
	CHECK_BODIES(STREAM_TEXTS, table);
}

/* As soon as its LF arrives, not with the next separator. */
static void
test_a_text_is_given_out_with_the_lf_behind_its_value(void **state)
{
	struct stream *s = stream_new();
	struct stream_item item;
	struct span in;

	(void)state;
	stream_start(s, STREAM_TEXTS);
	in = SPAN(RS "{\"a\":\n");
	assert_int_equal(stream_next(s, &in, &item), STREAM_MORE);
	in = SPAN("1}\n");
	assert_int_equal(stream_next(s, &in, &item), STREAM_ITEM);
	assert_true(item.is_json);
	assert_true(span_eq(item.data, SPAN("{\"a\":\n1}")));
	assert_int_equal(stream_next(s, &in, &item), STREAM_MORE);
	assert_int_equal(stream_held_bytes(s), 0);
	stream_free(s);
}

/* 8 MiB of lines after invalid JSON are not scanned again with each line. */
static void
test_a_text_of_many_lines_is_read_once(void **state)
{
	struct stream *s = stream_new();
	struct stream_item item;
	struct buf b = { 0 };
	struct span in;
	int i;

	(void)state;
	buf_str(&b, RS "[");
	for (i = 0; i < 2000000; i++)
		buf_str(&b, "1,");
	buf_str(&b, "1] x\n");
	for (i = 0; i < 2000000; i++)
		buf_str(&b, "y\n");
	buf_str(&b, RS);
	in = buf_view(&b);
	stream_start(s, STREAM_TEXTS);
	assert_int_equal(stream_next(s, &in, &item), STREAM_ITEM);
	assert_false(item.is_json);
	assert_int_equal(item.data.n, b.n - 3);
	stream_free(s);
	buf_fini(&b);
}

/* ---- chunks ---- */

static void
check_chunks(const char *what, struct span a, struct span b, const char *want)
{
	struct stream *s = stream_new();
	struct buf out = { 0 };

	stream_start(s, STREAM_CHUNKS);
	feed(s, STREAM_CHUNKS, a, &out);
	feed(s, STREAM_CHUNKS, SPAN(""), &out);
	feed(s, STREAM_CHUNKS, b, &out);
	end(s, STREAM_CHUNKS, &out);
	if (!span_eq(buf_view(&out), span_str(want)))
		fail_msg("%s: %.*s", what, (int)out.n, out.p);
	buf_fini(&out);
	stream_free(s);
}

static void
test_chunks_are_cut_at_the_borders_of_characters(void **state)
{
	static const struct {
		const char *what, *a, *b, *want;
	} table[] = {
		{ "nothing", "", "", "" },
		{ "ASCII", "ab", "c", "text=ab|text=c|" },
		{ "two bytes", "a\xc3", "\xa9z", "text=a|text=\xc3\xa9z|" },
		{ "three, after the first", "a\xe2", "\x82\xac",
		    "text=a|text=\xe2\x82\xac|" },
		{ "three, after the second", "a\xe2\x82", "\xac",
		    "text=a|text=\xe2\x82\xac|" },
		{ "four, after the first", "\xf0", "\x9d\x84\x9ez",
		    "text=\xf0\x9d\x84\x9ez|" },
		{ "four, after the third", "\xf0\x9d\x84", "\x9e",
		    "text=\xf0\x9d\x84\x9e|" },
		{ "and the next one cut", "\xc3", "\xa9\xe2\x82",
		    "text=\xc3\xa9|bytes=\xe2\x82|" },
		{ "still cut", "\xf0\x9d", "\x84", "bytes=\xf0\x9d\x84|" },
		{ "cut by the end", "ab\xe2\x82", "",
		    "text=ab|bytes=\xe2\x82|" },
		{ "not gone on", "ab\xe2", "c",
		    "text=ab|bytes=\xe2"
		    "c|" },
		{ "never a character", "ab\xff", "c", "bytes=ab\xff|text=c|" },
		{ "overlong", "\xe0\x9f", "\xbf",
		    "bytes=\xe0\x9f|bytes=\xbf|" },
		{ "surrogate", "\xed\xa0", "\x80",
		    "bytes=\xed\xa0|bytes=\x80|" },
		{ "too high", "\xf4\x90", "\x80\x80",
		    "bytes=\xf4\x90|bytes=\x80\x80|" },
		{ "bytes and a character cut",
		    "\xff"
		    "a\xc3",
		    "\xa9",
		    "bytes=\xff"
		    "a|text=\xc3\xa9|" },
		{ "tails alone", "\x80\x80\x80\x80", "a",
		    "bytes=\x80\x80\x80\x80|text=a|" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_chunks(table[i].what, span_str(table[i].a),
		    span_str(table[i].b), table[i].want);
}

static void
test_a_text_stays_text_however_it_is_cut(void **state)
{
	static const char text[] =
	    "a\xc3\xa9" BOM "\xe2\x82\xac\xf0\x9d\x84\x9e\xf4\x8f\xbf\xbfz";
	struct stream *s = stream_new();
	struct stream_item item;
	struct span in;
	size_t step, at, n;

	(void)state;
	for (step = 1; step < sizeof(text); step++) {
		stream_start(s, STREAM_CHUNKS);
		for (at = n = 0; at < sizeof(text) - 1; at += step) {
			in = SPAN(text);
			in.p += at;
			in.n = in.n - at < step ? in.n - at : step;
			while (stream_next(s, &in, &item) == STREAM_ITEM) {
				assert_true(item.is_text);
				assert_memory_equal(
				    item.data.p, text + n, item.data.n);
				n += item.data.n;
			}
			assert_true(stream_held_bytes(s) <= 3);
		}
		assert_int_equal(stream_end(s, &item), STREAM_MORE);
		assert_int_equal(n, sizeof(text) - 1);
	}
	stream_free(s);
}

static void
test_a_chunk_has_64_kib_at_most(void **state)
{
	struct stream *s = stream_new();
	struct buf b = { 0 };
	struct stream_item item;
	struct span in;
	size_t first, n;

	(void)state;
	for (first = 0; first < 3; first++) {
		b.n = 0;
		buf_add(&b, "ab", first);
		while (b.n < 200000)
			buf_str(&b, "\xe2\x82\xac");
		in = buf_view(&b);
		n = 0;
		stream_start(s, STREAM_CHUNKS);
		while (stream_next(s, &in, &item) == STREAM_ITEM) {
			assert_true(item.is_text && item.data.p == b.p + n);
			n += item.data.n;
			assert_true(item.data.n <= STREAM_CHUNK_MAX);
			assert_true(
			    item.data.n > STREAM_CHUNK_MAX - 3 || n == b.n);
		}
		assert_int_equal(n, b.n);
	}
	buf_fini(&b);
	stream_free(s);
}

/* ---- limits and memory ---- */

/* `head`, then n bytes, then `tail`, in pieces of `step`. */
static enum stream_verdict
run_long(struct stream *s, enum stream_kind kind, struct span head, size_t n,
    struct span tail, size_t step)
{
	struct buf b = { 0 };
	struct stream_item item;
	enum stream_verdict v = STREAM_MORE;
	size_t at, items = 0;
	struct span in;

	buf_span(&b, head);
	memset(buf_reserve(&b, n), '7', n);
	b.n += n;
	buf_span(&b, tail);
	stream_start(s, kind);
	for (at = 0; at < b.n && v == STREAM_MORE; at += step) {
		in = span_of(b.p + at, b.n - at < step ? b.n - at : step);
		while ((v = stream_next(s, &in, &item)) == STREAM_ITEM)
			items++;
	}
	buf_fini(&b);
	return v == STREAM_MORE && items > 0 ? STREAM_ITEM : v;
}

static void
check_limit(
    enum stream_kind kind, struct span head, struct span tail, size_t most)
{
	struct stream *s = stream_new();
	static const size_t steps[] = { SIZE_MAX / 2, 65536, 4099 };
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(
		    run_long(s, kind, head, most, tail, steps[i]), STREAM_ITEM);
		assert_int_equal(
		    run_long(s, kind, head, most + 1, tail, steps[i]),
		    STREAM_TOO_BIG);
	}
	stream_free(s);
}

static void
test_an_item_above_16_mib_is_too_big(void **state)
{
	(void)state;
	check_limit(STREAM_LINES, SPAN(""), SPAN("\n"), STREAM_ITEM_MAX);
	check_limit(STREAM_TEXTS, SPAN(RS), SPAN(RS), STREAM_ITEM_MAX);
	check_limit(
	    STREAM_EVENTS, SPAN("data:"), SPAN("\n\n"), STREAM_ITEM_MAX - 5);
	check_limit(STREAM_EVENTS, SPAN("data:12\ndata:"), SPAN("\n\n"),
	    STREAM_ITEM_MAX - 5 - 2);
	check_limit(STREAM_EVENTS, SPAN("event:12\ndata:"), SPAN("\n\n"),
	    STREAM_ITEM_MAX - 5 - 2);
	check_limit(
	    STREAM_EVENTS, SPAN("data\nid:"), SPAN("\n\n"), STREAM_ID_MAX);
}

static void
test_too_big_stays_until_the_next_body(void **state)
{
	struct stream *s = stream_new();
	struct stream_item item;
	struct span in = SPAN("\n\ndata:1\n\n");

	(void)state;
	assert_int_equal(run_long(s, STREAM_EVENTS, SPAN("data:"),
			     STREAM_ITEM_MAX, SPAN(""), 65536),
	    STREAM_TOO_BIG);
	assert_int_equal(stream_next(s, &in, &item), STREAM_TOO_BIG);
	assert_int_equal(stream_end(s, &item), STREAM_TOO_BIG);
	stream_start(s, STREAM_EVENTS);
	assert_int_equal(stream_held_bytes(s), 0);
	in = SPAN("data:1\n\n");
	assert_int_equal(stream_next(s, &in, &item), STREAM_ITEM);
	stream_free(s);
}

static void
test_a_body_knows_nothing_of_the_one_before(void **state)
{
	static const struct body next = { "next",
		IN("\n" BOM "data:1\n\ndata:2\n\n"), IN("message=2|") };
	static const char *const before[] = {
		"id:1\ndata:x\nevent:y\nretry:1\n", "data:x\r", "data:x\n\n",
		"dat", ""
	};
	struct stream *s = stream_new();
	struct buf out = { 0 };
	size_t i;
	int k;

	(void)state;
	for (k = 0; k < 3; k++)
		for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
			stream_start(s, (enum stream_kind)k);
			feed(s, (enum stream_kind)k, span_str(before[i]), &out);
			check_cut(s, STREAM_EVENTS, &next, next.in.n, 0);
			stream_start(s, STREAM_CHUNKS);
			feed(s, STREAM_CHUNKS, SPAN("\xe2\x82"), &out);
			check_cut(s, STREAM_EVENTS, &next, next.in.n, 0);
		}
	buf_fini(&out);
	stream_free(s);
}

static void
test_what_is_held_is_counted(void **state)
{
	struct stream *s = stream_new();
	struct stream_item item;
	struct span in = SPAN("id:77\ndata:123\nevent:ab\ndat");

	(void)state;
	stream_start(s, STREAM_EVENTS);
	assert_int_equal(stream_next(s, &in, &item), STREAM_MORE);
	assert_int_equal(stream_held_bytes(s), 2 + 3 + 2 + 3);
	in = SPAN("a\n\n");
	assert_int_equal(stream_next(s, &in, &item), STREAM_ITEM);
	assert_int_equal(stream_held_bytes(s), 2);
	assert_int_equal(stream_next(s, &in, &item), STREAM_MORE);
	assert_int_equal(stream_held_bytes(s), 2);
	stream_start(s, STREAM_LINES);
	in = SPAN("{}\n123");
	assert_int_equal(stream_next(s, &in, &item), STREAM_ITEM);
	assert_int_equal(stream_next(s, &in, &item), STREAM_MORE);
	assert_int_equal(stream_held_bytes(s), 3);
	stream_start(s, STREAM_CHUNKS);
	in = SPAN("a\xe2\x82");
	assert_int_equal(stream_next(s, &in, &item), STREAM_ITEM);
	assert_int_equal(stream_held_bytes(s), 2);
	stream_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_content_type_says_which_kind_it_is),
		cmocka_unit_test(
		    test_events_are_read_as_the_html_standard_says),
		cmocka_unit_test(test_lines_of_events_end_in_cr_lf_or_both),
		cmocka_unit_test(
		    test_one_byte_order_mark_is_dropped_at_the_very_start),
		cmocka_unit_test(test_an_id_stays_until_the_next_one),
		cmocka_unit_test(test_retry_is_of_its_own_block_and_all_digits),
		cmocka_unit_test(
		    test_an_event_is_given_out_with_the_byte_that_ends_it),
		cmocka_unit_test(test_lines_are_json_values_or_strings),
		cmocka_unit_test(test_texts_are_what_stands_between_separators),
		cmocka_unit_test(
		    test_a_text_is_given_out_with_the_lf_behind_its_value),
		cmocka_unit_test(test_a_text_of_many_lines_is_read_once),
		cmocka_unit_test(
		    test_chunks_are_cut_at_the_borders_of_characters),
		cmocka_unit_test(test_a_text_stays_text_however_it_is_cut),
		cmocka_unit_test(test_a_chunk_has_64_kib_at_most),
		cmocka_unit_test(test_an_item_above_16_mib_is_too_big),
		cmocka_unit_test(test_too_big_stays_until_the_next_body),
		cmocka_unit_test(test_a_body_knows_nothing_of_the_one_before),
		cmocka_unit_test(test_what_is_held_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
