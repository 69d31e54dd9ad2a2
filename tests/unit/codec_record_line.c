/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/record/line.c: the keys of the lines of a stream are in
 * order, and each line is one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/record/line.h"
#include "codec_record_test.h"

static const struct {
	struct record_line l;
	const char *want;
} lines[] = {
	{ { .kind = RECORD_LINE_EVENT,
	      .seq = 7,
	      .n = 1,
	      .data = SPAN("hello"),
	      .retry = -1 },
	    "{\"type\":\"event\",\"seq\":7,\"n\":1,\"time\":0.000000,"
	    "\"event\":\"message\",\"data\":\"hello\",\"event_id\":null,"
	    "\"retry\":null}\n" },
	{ { .kind = RECORD_LINE_EVENT,
	      .seq = UINT64_MAX,
	      .id = SPAN("\"\xc3\xa9\\u0000\""),
	      .n = UINT64_MAX,
	      .time_us = INT64_MAX,
	      .event = SPAN("to\"ken"),
	      .data = SPAN("a\nb\r\t\xff\0"),
	      .event_id = SPAN(""),
	      .retry = INT64_MAX },
	    "{\"type\":\"event\",\"seq\":18446744073709551615,"
	    "\"id\":\"\xc3\xa9\\u0000\",\"n\":18446744073709551615,"
	    "\"time\":9223372036854.775807,\"event\":\"to\\\"ken\","
	    "\"data\":\"a\\nb\\r\\t\xef\xbf\xbd\\u0000\",\"event_id\":\"\","
	    "\"retry\":9223372036854775807}\n" },
	{ { .kind = RECORD_LINE_EVENT,
	      .seq = 1,
	      .id = SPAN("1e400"),
	      .id_is_custom = 1,
	      .n = 2,
	      .time_us = 1500000,
	      .event_id = SPAN("12\xe2\x82") },
	    "{\"type\":\"event\",\"seq\":1,\"custom_id\":1e400,\"n\":2,"
	    "\"time\":1.500000,\"event\":\"message\",\"data\":\"\","
	    "\"event_id\":\"12\xef\xbf\xbd\",\"retry\":0}\n" },
	{ { .kind = RECORD_LINE_EVENT,
	      .seq = 1,
	      .n = 2,
	      .data = SPAN("{\"a\":\n1}"),
	      .data_json = SPAN("{\"a\":\n1}"),
	      .retry = -1 },
	    "{\"type\":\"event\",\"seq\":1,\"n\":2,\"time\":0.000000,"
	    "\"event\":\"message\",\"data\":\"{\\\"a\\\":\\n1}\","
	    "\"data_json\":{\"a\": 1},\"event_id\":null,\"retry\":null}\n" },
	{ { .kind = RECORD_LINE_LINE,
	      .seq = 1,
	      .n = 1,
	      .data = SPAN(" {\"a\" :\r1,\t\"b\":\"\\r\"}\r"),
	      .is_json = 1 },
	    "{\"type\":\"line\",\"seq\":1,\"n\":1,\"time\":0.000000,"
	    "\"data\":{\"a\" : 1,\t\"b\":\"\\r\"}}\n" },
	{ { .kind = RECORD_LINE_LINE,
	      .seq = 1,
	      .n = 1,
	      .data = SPAN("{\"a\"\xff\r") },
	    "{\"type\":\"line\",\"seq\":1,\"n\":1,\"time\":0.000000,"
	    "\"data\":\"{\\\"a\\\"\xef\xbf\xbd\\r\"}\n" },
	{ { .kind = RECORD_LINE_LINE, .seq = 1, .n = 1 },
	    "{\"type\":\"line\",\"seq\":1,\"n\":1,\"time\":0.000000,"
	    "\"data\":\"\"}\n" },
	{ { .kind = RECORD_LINE_CHUNK,
	      .seq = 1,
	      .n = 1,
	      .data = SPAN("a\n\xe2\x82\xac"),
	      .is_text = 1 },
	    "{\"type\":\"chunk\",\"seq\":1,\"n\":1,\"time\":0.000000,"
	    "\"data\":\"a\\n\xe2\x82\xac\"}\n" },
	{ { .kind = RECORD_LINE_CHUNK,
	      .seq = 1,
	      .id = SPAN("null"),
	      .n = 3,
	      .data = SPAN("\xff"
			   "oobar") },
	    "{\"type\":\"chunk\",\"seq\":1,\"id\":null,\"n\":3,"
	    "\"time\":0.000000,\"data_base64\":\"/29vYmFy\"}\n" },
};

static void
write_line(struct buf *b, const struct record_line *l, size_t max)
{
	struct record_line_at at = { 0 };
	size_t before;
	int more;

	do {
		before = b->n;
		more = record_line_write(b, l, &at, max);
		assert_true(b->n > before);
		/* A piece of 12 KiB grows six times at most. */
		assert_true(max == SIZE_MAX || b->n - before <= max + 80000);
	} while (more);
}

static void
test_each_kind_of_line_has_its_keys_in_order(void **state)
{
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++) {
		b.n = 0;
		write_line(&b, &lines[i].l, SIZE_MAX);
		find(buf_view(&b), "seq");
		buf_char(&b, '\0');
		assert_string_equal(b.p, lines[i].want);
	}
	buf_fini(&b);
}

/* A line is written in pieces to an output that is nearly full. */
static void
test_a_line_comes_out_the_same_in_pieces(void **state)
{
	struct record_line l = { .seq = 1, .n = 1, .retry = -1 };
	struct buf in = { 0 }, whole = { 0 }, b = { 0 };
	static const size_t max[] = { 1, 100, 20000, 65536 };
	size_t i, k;
	int n;

	(void)state;
	for (n = 0; n < 30000; n++)
		buf_add(&in, "\x01\xe2\x82\xac\xff", 5);
	l.data = l.event = buf_view(&in);
	l.event_id = span_of(in.p, 8000);
	for (k = 0; k < 3; k++) {
		l.kind = (enum record_line_kind)k;
		whole.n = 0;
		write_line(&whole, &l, SIZE_MAX);
		for (i = 0; i < COUNT(max); i++) {
			b.n = 0;
			write_line(&b, &l, max[i]);
			assert_true(span_eq(buf_view(&b), buf_view(&whole)));
		}
	}
	for (k = 0; k < COUNT(lines); k++) {
		b.n = 0;
		write_line(&b, &lines[k].l, 1);
		buf_char(&b, '\0');
		assert_string_equal(b.p, lines[k].want);
	}
	buf_fini(&in);
	buf_fini(&whole);
	buf_fini(&b);
}

static void
test_lines_are_appended_one_after_another(void **state)
{
	struct buf b = { 0 }, want = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++) {
		write_line(&b, &lines[i].l, SIZE_MAX);
		buf_str(&want, lines[i].want);
	}
	assert_true(span_eq(buf_view(&b), buf_view(&want)));
	buf_fini(&b);
	buf_fini(&want);
}

/* 64 KiB and more of each form: the output decodes to the input. */
static void
test_large_data_comes_out_whole(void **state)
{
	struct record_line l = { .seq = 1, .n = 1, .retry = -1 };
	struct buf in = { 0 }, b = { 0 }, back = { 0 };
	struct json_value v = { .kind = JSON_STRING };
	struct span got;
	int i;

	(void)state;
	buf_char(&in, '[');
	for (i = 0; i < 20000; i++)
		buf_str(&in, "\"\xe2\x82\xac\",");
	buf_str(&in, "0]");
	l.data = buf_view(&in);
	write_line(&b, &l, SIZE_MAX);
	v.raw = find(buf_view(&b), "data");
	json_unescape(&back, &v);
	assert_true(span_eq(buf_view(&back), l.data));
	b.n = 0;
	l.kind = RECORD_LINE_LINE;
	l.is_json = 1;
	write_line(&b, &l, SIZE_MAX);
	assert_true(span_eq(find(buf_view(&b), "data"), l.data));
	b.n = 0;
	l.kind = RECORD_LINE_CHUNK;
	write_line(&b, &l, SIZE_MAX);
	got = find(buf_view(&b), "data_base64");
	assert_int_equal(got.n, 2 + (l.data.n + 2) / 3 * 4);
	assert_null(memchr(got.p + 1, '=', got.n - 4));
	buf_fini(&in);
	buf_fini(&b);
	buf_fini(&back);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_each_kind_of_line_has_its_keys_in_order),
		T(test_lines_are_appended_one_after_another),
		cmocka_unit_test(test_a_line_comes_out_the_same_in_pieces),
		T(test_large_data_comes_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
