/* SPDX-License-Identifier: ISC */
/*
 * Tests record.c, header.c, fields.c and text.c of src/codec/record and
 * src/codec/json/write.c: order and form of each key of a record, and that each
 * line is JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/json/write.h"
#include "codec_record_test.h"

static const char *const key_names[] = {
#define KEY(id, name, when, value, type, text) name,
#define WIDE(id, name, type, text) name,
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

static void
test_an_item_never_tried_has_all_keys_and_null_for_what_is_unknown(void **state)
{
	static const char want[] =
	    "{\"type\":\"result\",\"seq\":1,\"input\":null,\"url\":null,"
	    "\"final_url\":null,\"method\":null,\"timestamp\":null,"
	    "\"status_code\":0,\"error\":\"input_invalid\","
	    "\"error_phase\":\"input\",\"errormsg\":\"-:1:2: no\","
	    "\"error_detail\":null,\"exitcode\":3,\"content_type\":null,"
	    "\"charset\":null,\"content_length\":null,\"location\":null,"
	    "\"http_version\":null,\"remote_ip\":null,\"remote_port\":null,"
	    "\"tls_version\":null,\"tls_verified\":null,\"conn_id\":null,"
	    "\"conn_reused\":false,\"num_attempts\":0,\"num_redirects\":0,"
	    "\"size_download\":0,\"size_decoded\":0,\"complete\":false,"
	    "\"time_queue\":0.000012,\"time_item\":null,"
	    "\"time_namelookup\":null,\"time_connect\":null,"
	    "\"time_appconnect\":null,\"time_starttransfer\":null,"
	    "\"time_total\":null,\"time_redirect\":null,\"body\":null}\n";
	struct record r = blank;
	struct buf b = { 0 };

	(void)state;
	r.error = E_INPUT_INVALID;
	r.error_phase = PHASE_INPUT;
	r.errormsg = SPAN("-:1:2: no");
	r.time_queue = 12;
	write_record(&b, &r, &plain, ALL);
	buf_char(&b, '\0');
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

static void
test_a_fetched_page_has_all_its_facts(void **state)
{
	static const char want[] =
	    "{\"type\":\"result\",\"seq\":18446744073709551615,"
	    "\"custom_id\":1e400,\"meta\":{ \"a\" : [1] },\"input\":\"a.test\","
	    "\"url\":\"https://a.test/\",\"final_url\":\"https://a.test/\","
	    "\"method\":\"GET\",\"timestamp\":\"2026-11-21T01:02:03.456Z\","
	    "\"status_code\":200,\"error\":null,\"error_phase\":null,"
	    "\"errormsg\":null,\"error_detail\":null,\"exitcode\":0,"
	    "\"content_type\":\"text/html\",\"charset\":\"utf-8\","
	    "\"content_length\":5,\"location\":\"https://b.test/\","
	    "\"http_version\":\"1.1\",\"remote_ip\":\"::1\","
	    "\"remote_port\":443,\"tls_version\":\"TLSv1.3\","
	    "\"tls_verified\":true,\"conn_id\":7,\"conn_reused\":false,"
	    "\"num_attempts\":1,\"num_redirects\":0,\"size_download\":5,"
	    "\"size_decoded\":9,\"complete\":true,\"time_queue\":1.500000,"
	    "\"time_item\":0.034000,\"time_namelookup\":0.000000,"
	    "\"time_connect\":0.000001,\"time_appconnect\":0.000123,"
	    "\"time_starttransfer\":12.345678,\"time_total\":86400.000000,"
	    "\"time_redirect\":0.000000,\"flags\":[\"lenient_framing\"],"
	    "\"body\":\"a\\\"b\\n\xc3\xa9\"}\n";
	const struct record r = {
		.seq = UINT64_MAX,
		.id = SPAN("1e400"),
		.id_is_custom = 1,
		.meta = SPAN("{ \"a\" : [1] }"),
		.input = SPAN("a.test"),
		.url = SPAN("https://a.test/"),
		.final_url = SPAN("https://a.test/"),
		.method = SPAN("GET"),
		.timestamp_us = 1795222923456789,
		.status_code = 200,
		.content_type = SPAN("text/html"),
		.charset = SPAN("utf-8"),
		.content_length = 5,
		.location = SPAN("https://b.test/"),
		.http_minor = 1,
		.remote_ip = SPAN("::1"),
		.remote_port = 443,
		.tls_version = SPAN("TLSv1.3"),
		.tls_verified = 1,
		.conn_id = 7,
		.num_attempts = 1,
		.size_download = 5,
		.size_decoded = 9,
		.complete = 1,
		.time_queue = 1500000,
		.time_item = 34000,
		.time_connect = 1,
		.time_appconnect = 123,
		.time_starttransfer = 12345678,
		.time_total = 86400000000,
		.flags = HTTP_LENIENT_FRAMING,
		.num_events = -1,
		.has_body = 1,
		.body = SPAN("a\"b\n\xc3\xa9"),
	};
	struct buf b = { 0 };

	(void)state;
	write_record(&b, &r, &plain, ALL);
	buf_char(&b, '\0');
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

static void
test_an_id_comes_back_under_its_name_byte_for_byte(void **state)
{
	struct record r = blank;

	(void)state;
	r.id = SPAN("\"a \\\"q\\\" \\u00e9 \xe2\x80\xa8\"");
	expect(&r, &plain, "id", r.id.p);
	expect(&r, &plain, "custom_id", NULL);
	r.id_is_custom = 1;
	expect(&r, &plain, "custom_id", r.id.p);
	expect(&r, &plain, "id", NULL);
	expect(&r, &plain, "meta", NULL);
	r.meta = SPAN("null");
	expect(&r, &plain, "meta", "null");
}

static void
test_an_error_has_its_code_phase_and_number(void **state)
{
	struct record r = blank;

	(void)state;
	r.error = E_TLS_RECORD_ERROR;
	r.error_phase = PHASE_BODY;
	r.error_detail = SPAN("bad record mac");
	expect(&r, &plain, "error", "\"tls_record_error\"");
	expect(&r, &plain, "error_phase", "\"body\"");
	expect(&r, &plain, "error_detail", "\"bad record mac\"");
	expect(&r, &plain, "exitcode", "56");
}

static void
test_single_values_have_their_shapes(void **state)
{
	struct record r = blank;

	(void)state;
	r.http_minor = 0;
	expect(&r, &plain, "http_version", "\"1.0\"");
	r.tls_verified = 0;
	expect(&r, &plain, "tls_verified", "false");
	r.content_length = INT64_MAX;
	expect(&r, &plain, "content_length", "9223372036854775807");
	r.content_length = 0;
	expect(&r, &plain, "content_length", "0");
	r.conn_reused = 1;
	expect(&r, &plain, "conn_reused", "false");
	r.conn_id = 100;
	expect(&r, &plain, "conn_reused", "true");
	expect(&r, &plain, "conn_id", "100");
	r.url = SPAN("");
	r.url.n = 0;
	expect(&r, &plain, "url", "\"\"");
}

static void
test_events_are_counted_only_where_there_can_be_any(void **state)
{
	struct record r = blank;

	(void)state;
	expect(&r, &plain, "num_events", NULL);
	r.num_events = 0;
	expect(&r, &plain, "num_events", "0");
	r.num_events = INT64_MAX;
	expect(&r, &plain, "num_events", "9223372036854775807");
}

static void
test_flags_are_there_only_when_there_are_any(void **state)
{
	struct record r = blank;

	(void)state;
	expect(&r, &plain, "flags", NULL);
	r.flags = 1 << 30;
	expect(&r, &plain, "flags", NULL);
	r.flags = HTTP_UNFOLDED_HEADER | RECORD_TRAILING_DATA;
	expect(&r, &plain, "flags", "[\"trailing_data\",\"unfolded_header\"]");
	r.flags = ~0u;
	expect(&r, &plain, "flags",
	    "[\"lenient_framing\",\"framing_conflict\",\"unknown_coding\","
	    "\"trailing_data\",\"unfolded_header\"]");
}

static const struct {
	uint64_t v;
	const char *want;
} numbers[] = {
	{ 0, "0" },
	{ 9, "9" },
	{ 10, "10" },
	{ 99, "99" },
	{ 100, "100" },
	{ 1001, "1001" },
	{ 65536, "65536" },
	{ 999999, "999999" },
	{ UINT64_MAX, "18446744073709551615" },
};

static void
test_numbers_are_decimal(void **state)
{
	char text[JSON_WRITE_SCALAR], *p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(numbers); i++) {
		p = json_write_u64(text, numbers[i].v);
		*p = '\0';
		assert_string_equal(text, numbers[i].want);
	}
}

/* Each 11th day from 1970 to 9999, each at another time of day. */
static void
test_a_timestamp_is_the_date_gmtime_gives(void **state)
{
	char want[64], got[JSON_WRITE_SCALAR + 1];
	struct tm tm;
	time_t t;
	int64_t ms = 0;
	size_t n;

	(void)state;
	for (t = 0; t < 253402300800; t += 11 * 86400 - 4321) {
		ms = (ms + 77) % 1000;
		assert_non_null(gmtime_r(&t, &tm));
		n = strftime(want, sizeof(want), "\"%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(want + n, sizeof(want) - n, ".%03dZ\"", (int)ms);
		*json_write_timestamp(got, t * 1000000 + ms * 1000 + 999) =
		    '\0';
		assert_string_equal(got, want);
	}
	*json_write_timestamp(got, INT64_MAX) = '\0';
	assert_string_equal(got, "\"9999-12-31T23:59:59.999Z\"");
}

static const struct {
	struct span in;
	const char *want;
} strings[] = {
	{ { "", 0 }, "" },
	{ { "a\0b", 3 }, "a\\u0000b" },
	{ { "\b\f\n\r\t\x1b\x1f\x7f", 8 },
	    "\\b\\f\\n\\r\\t\\u001b\\u001f\x7f" },
	{ { "\"\\/", 3 }, "\\\"\\\\/" },
	{ { "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e", 9 },
	    "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e" },
	{ { "12345678\xe2\x82\xac"
	    "12345",
	      16 },
	    "12345678\xe2\x82\xac"
	    "12345" },
	{ { "\xff", 1 }, "\xef\xbf\xbd" },
	{ { "a\xe2\x82"
	    "b",
	      4 },
	    "a\xef\xbf\xbd"
	    "b" },
	{ { "\xe2\x82", 2 }, "\xef\xbf\xbd" },
	{ { "\xf0\x9d\x84", 3 }, "\xef\xbf\xbd" },
	{ { "\xf0\x9d\"", 3 }, "\xef\xbf\xbd\\\"" },
	{ { "\xc0\x80", 2 }, "\xef\xbf\xbd\xef\xbf\xbd" },
	{ { "\xed\xa0\x80", 3 }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ { "\xf0\x80\x80", 3 }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ { "\xe2\xe2\x82\xac", 4 }, "\xef\xbf\xbd\xe2\x82\xac" },
	{ { "\x80\xbf", 2 }, "\xef\xbf\xbd\xef\xbf\xbd" },
};

static void
test_strings_are_escaped_and_always_utf8(void **state)
{
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(strings); i++) {
		b.n = 0;
		record_escape(&b, strings[i].in);
		if (!span_eq(buf_view(&b), span_str(strings[i].want)))
			fail_msg("%zu: %.*s", i, (int)b.n, b.p);
	}
	buf_fini(&b);
}

/*
 * Each byte at each position of strings of each length up to 20: the output
 * decodes to the input.
 */
static void
test_an_escaped_string_reads_back_as_it_was(void **state)
{
	struct buf b = { 0 }, back = { 0 };
	struct json_value v;
	struct json j;
	char *s;
	size_t n, at;
	int c;

	(void)state;
	for (n = 1; n <= 20; n++)
		for (at = 0; at < n; at++)
			for (c = 0; c < 128; c++) {
				s = malloc(n);
				assert_non_null(s);
				memset(s, 'x', n);
				s[at] = (char)c;
				b.n = back.n = 0;
				buf_char(&b, '"');
				record_escape(&b, span_of(s, n));
				buf_char(&b, '"');
				json_start(&j, buf_view(&b));
				assert_int_equal(json_value(&j, &v), 0);
				assert_int_equal(json_end(&j), 0);
				json_unescape(&back, &v);
				assert_true(
				    span_eq(buf_view(&back), span_of(s, n)));
				free(s);
			}
	buf_fini(&b);
	buf_fini(&back);
}

/*
 * A long string is written in pieces of 12 KiB; a cut inside a character or
 * invalid bytes does not change the result.
 */
static void
test_a_long_string_is_cut_nowhere(void **state)
{
	static const struct span ends[] = { { "\xf0\x9d\x84\x9e", 4 },
		{ "\xf0\x9d\x84", 3 }, { "\x80\x80\x80\x80\x80\x80", 6 },
		{ "\xe2\x82\xac\"\n", 5 }, { "\xe2\x82\xac\xac\xac", 5 } };
	struct buf in = { 0 }, got = { 0 }, want = { 0 };
	size_t i, shift;

	(void)state;
	for (i = 0; i < COUNT(ends); i++)
		for (shift = 0; shift < 8; shift++) {
			in.n = got.n = want.n = 0;
			while (in.n < (12 << 10) - shift)
				buf_char(&in, 'x');
			buf_span(&in, ends[i]);
			buf_str(&in, "and so on");
			record_escape(&got, buf_view(&in));
			buf_reserve(&want, JSON_WRITE_STRING(in.n));
			want.n =
			    (size_t)(json_write_inside(want.p, buf_view(&in)) -
				     want.p);
			assert_true(span_eq(buf_view(&got), buf_view(&want)));
		}
	buf_fini(&in);
	buf_fini(&got);
	buf_fini(&want);
}

static void
test_a_media_type_or_charset_that_is_not_known_is_null(void **state)
{
	struct record r = blank;

	(void)state;
	expect(&r, &plain, "content_type", "null");
	expect(&r, &plain, "charset", "null");
	r.content_type = SPAN("text/html");
	r.charset = SPAN("a\xff\"\\\x01");
	expect(&r, &plain, "content_type", "\"text/html\"");
	expect(&r, &plain, "charset", "\"a\xef\xbf\xbd\\\"\\\\\\u0001\"");
	r.charset = SPAN("");
	expect(&r, &plain, "charset", "null");
}

static void
test_an_input_is_cut_at_a_character(void **state)
{
	struct record r = blank;
	struct buf in = { 0 }, b = { 0 };
	struct span v;
	size_t shift, n;

	(void)state;
	for (shift = 0; shift < 4; shift++) {
		in.n = b.n = 0;
		memset(buf_reserve(&in, 65528 + shift), 'x', 65528 + shift);
		in.n = 65528 + shift;
		buf_str(
		    &in, "\xf0\x9d\x84\x9e\xf0\x9d\x84\x9e\xf0\x9d\x84\x9e");
		r.input = buf_view(&in);
		write_record(&b, &r, &plain, ALL);
		v = find(buf_view(&b), "input");
		n = v.n - 2;
		assert_true(n <= 65535 && n > 65531);
		assert_int_equal(n, 65528 + shift + 4);
		assert_int_equal(utf8_valid(v), v.n);
	}
	in.n = 65535;
	r.input = buf_view(&in);
	b.n = 0;
	write_record(&b, &r, &plain, ALL);
	assert_true(find(buf_view(&b), "input").n >= 65535 + 2);
	buf_fini(&in);
	buf_fini(&b);
}

/* ---- header, trailer, interim ---- */

static struct http *
answer(const char *bytes)
{
	struct http *h = http_new();
	struct span body;

	http_start(h, 0, 65536, 1);
	http_feed(h, span_str(bytes), &body);
	return h;
}

static const struct record_format with_header = { .include_headers = 1 };

static void
test_header_fields_of_one_name_stand_together_in_order(void **state)
{
	struct http *h = answer("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n"
				"X-B: 1\r\nset-cookie: b\r\nX-C:\r\nx-b: 2\r\n"
				"SET-COOKIE: c\"\xff\r\n"
				"Content-Length: 0\r\n\r\n");
	struct record r = blank;

	(void)state;
	r.http = h;
	expect(&r, &with_header, "header",
	    "{\"set-cookie\":[\"a\",\"b\",\"c\\\"\xef\xbf\xbd\"],"
	    "\"x-b\":[\"1\",\"2\"],\"x-c\":[\"\"],"
	    "\"content-length\":[\"0\"]}");
	expect(&r, &with_header, "trailer", "null");
	expect(&r, &with_header, "interim", NULL);
	expect(&r, &plain, "header", NULL);
	expect(&r, &plain, "trailer", NULL);
	http_free(h);
}

static void
test_trailer_and_interim_are_there_when_they_came(void **state)
{
	struct http *h = answer("HTTP/1.1 103 Early\r\nLink: </a>\r\n"
				"Link: </b>\r\n\r\n"
				"HTTP/1.1 100 Continue\r\n\r\n"
				"HTTP/1.1 200 OK\r\n"
				"Transfer-Encoding: chunked\r\n\r\n"
				"0\r\nX-Sum: 1\r\n\r\n");
	struct record r = blank;

	(void)state;
	r.http = h;
	expect(&r, &with_header, "header",
	    "{\"transfer-encoding\":[\"chunked\"]}");
	expect(&r, &with_header, "trailer", "{\"x-sum\":[\"1\"]}");
	expect(&r, &with_header, "interim",
	    "[{\"status_code\":103,\"header\":{\"link\":[\"</a>\",\"</b>\"]}},"
	    "{\"status_code\":100,\"header\":{}}]");
	http_free(h);
}

static void
test_without_a_final_answer_the_header_is_null(void **state)
{
	struct http *h = answer("HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 2");
	struct record r = blank;

	(void)state;
	expect(&r, &with_header, "header", "null");
	expect(&r, &with_header, "trailer", "null");
	expect(&r, &with_header, "interim", NULL);
	r.http = h;
	expect(&r, &with_header, "header", "null");
	expect(&r, &with_header, "interim",
	    "[{\"status_code\":103,\"header\":{\"a\":[\"b\"]}}]");
	http_free(h);
}

static void
test_a_thousand_header_fields_keep_their_order(void **state)
{
	struct buf b = { 0 }, want = { 0 };
	struct record r = blank;
	struct http *h;
	int i;

	(void)state;
	buf_str(&b, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < HTTP_MAX_FIELDS; i++)
		buf_printf(&b, "x-%d: %d\r\n", i % 500, i);
	buf_str(&b, "\r\n");
	buf_char(&b, '\0');
	for (i = 0; i < 500; i++)
		buf_printf(&want, "%c\"x-%d\":[\"%d\",\"%d\"]",
		    i == 0 ? '{' : ',', i, i, i + 500);
	buf_str(&want, "}");
	buf_char(&want, '\0');
	h = answer(b.p);
	r.http = h;
	expect(&r, &with_header, "header", want.p);
	http_free(h);
	buf_fini(&b);
	buf_fini(&want);
}

/* ---- --fields ---- */

static void
test_fields_are_only_those_and_in_that_order(void **state)
{
	struct record_format f = { 0 };
	struct record r = blank;
	struct span bad;
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(
	    record_fields(&f, SPAN("url, seq,body,id,status_code"), &bad), 0);
	assert_int_equal(f.nfield, 5);
	r.url = SPAN("https://a.test/");
	write_record(&b, &r, &f, ALL);
	buf_char(&b, '\0');
	assert_string_equal(b.p,
	    "{\"url\":\"https://a.test/\",\"seq\":1,\"body\":null,"
	    "\"status_code\":0}\n");
	b.n = 0;
	assert_int_equal(record_fields(&f, SPAN("id"), &bad), 0);
	write_record(&b, &r, &f, ALL);
	assert_true(span_eq(buf_view(&b), SPAN("{}\n")));
	b.n = 0;
	assert_int_equal(record_fields(&f, SPAN("meta,flags,body"), &bad), 0);
	r.has_body = 1;
	write_record(&b, &r, &f, ALL);
	assert_true(span_eq(buf_view(&b), SPAN("{\"body\":\"\"}\n")));
	buf_fini(&b);
}

static const struct {
	const char *list;
	int is_custom;
	const char *want;
} ids[] = {
	{ "seq,id", 0, "{\"seq\":1,\"id\":7}\n" },
	{ "id,seq", 1, "{\"custom_id\":7,\"seq\":1}\n" },
	{ "custom_id,id,seq", 1, "{\"custom_id\":7,\"seq\":1}\n" },
	{ "id,seq,custom_id", 1, "{\"seq\":1,\"custom_id\":7}\n" },
	{ "custom_id,seq", 0, "{\"seq\":1}\n" },
};

static void
test_the_field_id_gives_the_id_by_the_name_it_came_by(void **state)
{
	struct record_format f = { 0 };
	struct record r = blank;
	struct span bad;
	struct buf b = { 0 };
	size_t i;

	(void)state;
	r.id = SPAN("7");
	for (i = 0; i < COUNT(ids); i++) {
		b.n = 0;
		r.id_is_custom = ids[i].is_custom;
		assert_int_equal(
		    record_fields(&f, span_str(ids[i].list), &bad), 0);
		write_record(&b, &r, &f, ALL);
		buf_char(&b, '\0');
		assert_string_equal(b.p, ids[i].want);
	}
	buf_fini(&b);
}

static void
test_every_key_can_be_chosen_and_gives_what_the_whole_record_has(void **state)
{
	struct record_format f = { .include_headers = 1 };
	struct record r = blank;
	struct buf list = { 0 }, whole = { 0 }, chosen = { 0 };
	struct span bad;
	size_t i;

	(void)state;
	r.id = SPAN("1");
	r.meta = SPAN("2");
	r.flags = ~0u;
	r.url = SPAN("https://a.test/");
	r.has_attempts = 1;
	r.num_events = 3;
	write_record(&whole, &r, &f, ALL);
	for (i = 0; i < COUNT(key_names); i++) {
		buf_str(&list, i > 0 ? "," : "");
		buf_str(&list, key_names[i]);
	}
	assert_int_equal(record_fields(&f, buf_view(&list), &bad), 0);
	write_record(&chosen, &r, &f, ALL);
	assert_true(span_eq(buf_view(&chosen), buf_view(&whole)));
	buf_fini(&list);
	buf_fini(&whole);
	buf_fini(&chosen);
}

static void
test_a_field_unknown_or_given_twice_is_named(void **state)
{
	static const struct {
		const char *list, *bad;
		enum record_fields_fault fault;
	} t[] = {
		{ "url,nix", "nix", RECORD_FIELDS_UNKNOWN },
		{ "url,seq,url", "url", RECORD_FIELDS_REPEATED },
		{ "meta.a,meta,meta.a", "meta.a", RECORD_FIELDS_REPEATED },
		{ "", "", RECORD_FIELDS_UNKNOWN },
		{ "url,", "", RECORD_FIELDS_UNKNOWN },
		{ ",url", "", RECORD_FIELDS_UNKNOWN },
		{ "URL", "URL", RECORD_FIELDS_UNKNOWN },
		{ "ur", "ur", RECORD_FIELDS_UNKNOWN },
		{ "header.", "header.", RECORD_FIELDS_UNKNOWN },
		{ ".header", ".header", RECORD_FIELDS_UNKNOWN },
		{ "url.host", "url.host", RECORD_FIELDS_NO_OBJECT },
		{ "body.a", "body.a", RECORD_FIELDS_NO_OBJECT },
	};
	struct record_format f = { 0 };
	struct span bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(
		    record_fields(&f, span_str(t[i].list), &bad), t[i].fault);
		assert_true(span_eq(bad, span_str(t[i].bad)));
	}
}

/* ---- text ---- */

static struct record_text text;

static void
expect_text(const struct record *r, const char *want)
{
	struct buf b = { 0 };

	record_write_text(&b, r, &text);
	buf_char(&b, '\0');
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

static void
test_the_short_line_tells_status_size_time_and_url(void **state)
{
	static const struct {
		uint64_t size;
		const char *want;
	} t[] = {
		{ 0, "200  0  0.034s  https://a.test/\n" },
		{ 999, "200  999  0.034s  https://a.test/\n" },
		{ 1000, "200  0.9k  0.034s  https://a.test/\n" },
		{ 1234, "200  1.2k  0.034s  https://a.test/\n" },
		{ 10240, "200  10k  0.034s  https://a.test/\n" },
		{ 1023999, "200  999k  0.034s  https://a.test/\n" },
		{ 1024000, "200  0.9M  0.034s  https://a.test/\n" },
		{ 5u << 20, "200  5.0M  0.034s  https://a.test/\n" },
		{ UINT64_MAX, "200  15E  0.034s  https://a.test/\n" },
	};
	struct record r = blank;
	size_t i;

	(void)state;
	r.status_code = 200;
	r.url = SPAN("https://a.test/");
	r.time_item = 34999;
	for (i = 0; i < COUNT(t); i++) {
		r.size_download = t[i].size;
		expect_text(&r, t[i].want);
	}
}

static void
test_the_short_line_of_a_failure_tells_its_code(void **state)
{
	struct record r = blank;

	(void)state;
	r.error = E_DNS_NXDOMAIN;
	r.time_item = 1010000;
	r.url = SPAN("https://a.test/");
	expect_text(&r, "---  dns_nxdomain  1.010s  https://a.test/\n");
	r.error = E_HTTP_TRUNCATED;
	r.status_code = 200;
	expect_text(&r, "200  http_truncated  1.010s  https://a.test/\n");
	r = blank;
	r.error = E_URL_INVALID;
	r.input = SPAN("nix");
	expect_text(&r, "---  url_invalid  0.000s  nix\n");
	r.errormsg = SPAN("-:3:1: no host");
	expect_text(&r, "---  url_invalid  0.000s  -:3:1: no host\n");
}

static void
test_the_short_line_of_a_failure_says_why_as_far_as_the_row_goes(void **state)
{
	struct record r = blank;

	(void)state;
	r.error = E_CONNECT_REFUSED;
	r.url = SPAN("http://a.test/");
	r.errormsg =
	    SPAN("connection refused\n(ECONNREFUSED), \xc3\xa9\xc3\xa9");
	expect_text(&r,
	    "---  connect_refused  0.000s  http://a.test/  "
	    "connection refused?(ECONNREFUSED), \xc3\xa9\xc3\xa9\n");
	/* The URL takes 44 columns, two blanks 46. */
	text.columns = 80;
	expect_text(&r, "---  connect_refused  0.000s  http://a.test/  "
			"connection refused?(ECONNREFUSED)\n");
	text.columns = 81;
	expect_text(&r, "---  connect_refused  0.000s  http://a.test/  "
			"connection refused?(ECONNREFUSED),\n");
	/* Too little room is left in the row, so the next one is used, too. */
	text.columns = 60;
	expect_text(&r,
	    "---  connect_refused  0.000s  http://a.test/  "
	    "connection refused?(ECONNREFUSED), \xc3\xa9\xc3\xa9\n");
	/* The line already takes two rows. */
	text.columns = 39;
	expect_text(&r, "---  connect_refused  0.000s  http://a.test/  "
			"connection refused?(ECONNREFUSE\n");
	text.columns = 1;
	expect_text(&r, "---  connect_refused  0.000s  http://a.test/  "
			"connection refused?(ECONNREF\n");
	text.columns = 0;
}

static void
test_colours_are_those_of_the_class_and_take_no_room(void **state)
{
	struct record r = blank;

	(void)state;
	text.is_coloured = 1;
	r.url = SPAN("http://a.test/");
	r.status_code = 204;
	expect_text(&r, "\033[32m204  0\033[0m  0.000s  http://a.test/\n");
	r.status_code = 301;
	expect_text(&r, "\033[36m301  0\033[0m  0.000s  http://a.test/\n");
	r.status_code = 404;
	expect_text(&r, "\033[33m404  0\033[0m  0.000s  http://a.test/\n");
	r.status_code = 599;
	expect_text(&r, "\033[31m599  0\033[0m  0.000s  http://a.test/\n");
	r.status_code = 0;
	r.error = E_DNS_NXDOMAIN;
	r.errormsg = SPAN("0123456789012345678901234567890123456789");
	text.columns = 72;
	expect_text(&r, "\033[31m---  dns_nxdomain\033[0m  0.000s  "
			"http://a.test/  0123456789012345678901234567\n");
	text = (struct record_text){ 0 };
}

static void
test_no_control_byte_reaches_a_terminal(void **state)
{
	struct record r = blank;

	(void)state;
	r.error = E_URL_INVALID;
	r.input = SPAN("\x1b]0;x\a\x7f\n\r\t\x9b"
		       "31m\xc2\x9b"
		       "1m\xc2\x80"
		       "\xc2\xa0\xc3\xa9\xf0\x9d\x84\x9e\0z");
	expect_text(&r, "---  url_invalid  0.000s  ?]0;x?????\xef\xbf\xbd"
			"31m"
			"?1m?\xc2\xa0\xc3\xa9\xf0\x9d\x84\x9e?z\n");
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_an_item_never_tried_has_all_keys_and_null_for_what_is_unknown),
		T(test_a_fetched_page_has_all_its_facts),
		T(test_an_id_comes_back_under_its_name_byte_for_byte),
		T(test_an_error_has_its_code_phase_and_number),
		T(test_single_values_have_their_shapes),
		T(test_events_are_counted_only_where_there_can_be_any),
		T(test_flags_are_there_only_when_there_are_any),
		T(test_numbers_are_decimal),
		T(test_a_timestamp_is_the_date_gmtime_gives),
		T(test_strings_are_escaped_and_always_utf8),
		T(test_an_escaped_string_reads_back_as_it_was),
		T(test_a_long_string_is_cut_nowhere),
		T(test_a_media_type_or_charset_that_is_not_known_is_null),
		T(test_an_input_is_cut_at_a_character),
		T(test_header_fields_of_one_name_stand_together_in_order),
		T(test_trailer_and_interim_are_there_when_they_came),
		T(test_without_a_final_answer_the_header_is_null),
		T(test_a_thousand_header_fields_keep_their_order),
		T(test_fields_are_only_those_and_in_that_order),
		T(test_the_field_id_gives_the_id_by_the_name_it_came_by),
		T(test_every_key_can_be_chosen_and_gives_what_the_whole_record_has),
		T(test_a_field_unknown_or_given_twice_is_named),
		T(test_the_short_line_tells_status_size_time_and_url),
		T(test_the_short_line_of_a_failure_tells_its_code),
		T(test_the_short_line_of_a_failure_says_why_as_far_as_the_row_goes),
		T(test_colours_are_those_of_the_class_and_take_no_room),
		T(test_no_control_byte_reaches_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
