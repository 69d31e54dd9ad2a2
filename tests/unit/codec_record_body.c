/* SPDX-License-Identifier: ISC */
/*
 * Tests body.c and attempts.c of src/codec/record: the form of the body,
 * written at once or in pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "codec_record_test.h"

static void
test_a_body_takes_the_form_that_holds_it(void **state)
{
	static const struct {
		enum record_body form;
		int has;
		struct span body;
		const char *text, *base64;
	} t[] = {
		{ RECORD_BODY_INLINE, 0, { NULL, 0 }, "null", NULL },
		{ RECORD_BODY_INLINE, 1, { NULL, 0 }, "\"\"", NULL },
		{ RECORD_BODY_INLINE, 1, { "a\n", 2 }, "\"a\\n\"", NULL },
		{ RECORD_BODY_INLINE, 1, { "\0", 1 }, "\"\\u0000\"", NULL },
		{ RECORD_BODY_INLINE, 1, { "\xff", 1 }, NULL, "\"/w==\"" },
		{ RECORD_BODY_INLINE, 1, { "a\xc3", 2 }, NULL, "\"YcM=\"" },
		{ RECORD_BODY_BASE64, 1, { "foobar", 6 }, NULL,
		    "\"Zm9vYmFy\"" },
		{ RECORD_BODY_BASE64, 1, { NULL, 0 }, "\"\"", NULL },
		{ RECORD_BODY_BASE64, 0, { NULL, 0 }, "null", NULL },
		{ RECORD_BODY_JSON, 0, { NULL, 0 }, "null", NULL },
		{ RECORD_BODY_JSON, 1, { NULL, 0 }, "\"\"", NULL },
		{ RECORD_BODY_JSON, 1, { "a\n", 2 }, "\"a\\n\"", NULL },
		{ RECORD_BODY_JSON, 1, { "\xff", 1 }, NULL, "\"/w==\"" },
		{ RECORD_BODY_NONE, 1, { "a", 1 }, NULL, NULL },
		{ RECORD_BODY_NONE, 0, { NULL, 0 }, NULL, NULL },
	};
	struct record_format f = { 0 };
	struct record r = blank;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		f.body = t[i].form;
		r.has_body = t[i].has;
		r.body = t[i].body;
		expect(&r, &f, "body", t[i].text);
		expect(&r, &f, "body_base64", t[i].base64);
	}
}

static const struct {
	const char *body, *want; /* NULL: it is no JSON, and a string */
} texts[] = {
	{ "null", "null" },
	{ "1e400", "1e400" },
	{ "\"\\u00e9\"", "\"\\u00e9\"" },
	{ " \t\r\n{}\r\n", "{}" },
	{ "{\"a\" : 1,\t\"a\":[ ]}", "{\"a\" : 1,\t\"a\":[ ]}" },
	{ "{\n \"a\\n\": [1,\r\n2]\n}", "{  \"a\\n\": [1,  2] }" },
	{ "{\"a\":1} x", NULL },
	{ "{}{}", NULL },
	{ "{\"a\":1", NULL },
	{ "{'a':1}", NULL },
	{ "[1,]", NULL },
	{ "NaN", NULL },
	{ "\"a\nb\"", NULL },
	{ "\xef\xbb\xbf {}\n", "{}" },
	{ "\"\\ud800\"", "\"\\ud800\"" },
	{ "{\"a\":1,\"a\":\"\\u0000\"}", "{\"a\":1,\"a\":\"\\u0000\"}" },
	{ "\xef\xbb\xbf\xef\xbb\xbf{}", NULL },
	{ "{}\xef\xbb\xbf", NULL },
	{ "\xef\xbb\xbf", NULL },
	{ " \n", NULL },
	{ "<html>", NULL },
};

static void
test_a_json_body_stands_as_a_value_and_anything_else_as_a_string(void **state)
{
	struct record_format f = { .body = RECORD_BODY_JSON };
	struct record r = blank;
	struct buf want = { 0 };
	size_t i;

	(void)state;
	r.has_body = r.complete = 1;
	for (i = 0; i < COUNT(texts); i++) {
		r.body = span_str(texts[i].body);
		want.n = 0;
		buf_char(&want, '"');
		record_escape(&want, r.body);
		buf_str(&want, "\"");
		buf_char(&want, '\0');
		expect(&r, &f, "body_json", texts[i].want);
		expect(&r, &f, "body", texts[i].want == NULL ? want.p : NULL);
		expect(&r, &f, "body_base64", NULL);
	}
	buf_fini(&want);
}

static void
test_a_body_cut_off_is_no_json_even_if_it_reads_as_such(void **state)
{
	struct record_format f = { .body = RECORD_BODY_JSON };
	struct record r = blank;

	(void)state;
	r.has_body = 1;
	r.body = SPAN("12");
	expect(&r, &f, "body", "\"12\"");
	expect(&r, &f, "body_json", NULL);
	r.complete = 1;
	expect(&r, &f, "body", NULL);
	expect(&r, &f, "body_json", "12");
}

static void
test_what_was_streamed_is_not_repeated(void **state)
{
	static const enum record_body forms[] = { RECORD_BODY_INLINE,
		RECORD_BODY_BASE64, RECORD_BODY_JSON };
	struct record_format f = { 0 };
	struct record r = blank;
	size_t i;

	(void)state;
	r.has_body = r.complete = r.body_streamed = 1;
	r.body = SPAN("{}");
	for (i = 0; i < COUNT(forms); i++) {
		f.body = forms[i];
		expect(&r, &f, "body", "null");
		expect(&r, &f, "body_base64", NULL);
		expect(&r, &f, "body_json", NULL);
	}
	f.body = RECORD_BODY_NONE;
	expect(&r, &f, "body", NULL);
}

static const struct {
	const char *list, *body, *want;
} chosen_forms[] = {
	{ "body", "{}", "{\"body_json\":{}}\n" },
	{ "body", "x", "{\"body\":\"x\"}\n" },
	{ "body", "\xff", "{\"body_base64\":\"/w==\"}\n" },
	{ "body,body_json,seq", "{}", "{\"body_json\":{},\"seq\":1}\n" },
	{ "body,seq,body_json", "\xff",
	    "{\"body_base64\":\"/w==\",\"seq\":1}\n" },
	{ "body,seq,body_base64", "{}", "{\"body_json\":{},\"seq\":1}\n" },
	{ "body,seq,body_base64", "\xff",
	    "{\"seq\":1,\"body_base64\":\"/w==\"}\n" },
	{ "body,seq,body_json", "{}", "{\"seq\":1,\"body_json\":{}}\n" },
	{ "seq,body_json", "x", "{\"seq\":1}\n" },
	{ "seq,body_base64", "{}", "{\"seq\":1}\n" },
};

static void
test_the_field_body_stands_for_the_forms_not_named(void **state)
{
	struct record_format f = { .body = RECORD_BODY_JSON };
	struct record r = blank;
	struct span bad;
	struct buf b = { 0 };
	size_t i;

	(void)state;
	r.has_body = r.complete = 1;
	for (i = 0; i < COUNT(chosen_forms); i++) {
		b.n = 0;
		r.body = span_str(chosen_forms[i].body);
		assert_int_equal(
		    record_fields(&f, span_str(chosen_forms[i].list), &bad), 0);
		write_record(&b, &r, &f, ALL);
		buf_char(&b, '\0');
		assert_string_equal(b.p, chosen_forms[i].want);
	}
	buf_fini(&b);
}

static void
check_pieces(const struct record *r, const struct record_format *f)
{
	static const size_t max[] = { 0, 1, 1000, 20000, 65536, 1 << 20 };
	struct buf whole = { 0 }, b = { 0 };
	struct record_at at;
	size_t i, before;
	int more, n;

	assert_int_equal(write_record(&whole, r, f, ALL), 1);
	for (i = 0; i < COUNT(max); i++) {
		b.n = 0;
		at = (struct record_at){ 0 };
		n = 0;
		do {
			before = b.n;
			more = record_write(&b, r, f, &at, max[i]);
			assert_true(b.n > before);
			assert_true(b.n - before <= max[i] + 80000);
			n++;
		} while (more == 1);
		assert_true(span_eq(buf_view(&b), buf_view(&whole)));
		assert_true(max[i] > 65536 || n > 1);
	}
	buf_fini(&whole);
	buf_fini(&b);
}

static void
test_a_large_body_in_pieces_is_the_same_as_whole(void **state)
{
	struct record_format f = { 0 }, chosen = { 0 };
	struct record r = blank;
	struct span bad;
	struct buf body = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 20000; i++)
		buf_printf(&body, "%d \xe2\x82\xac\n", i);
	r.has_body = 1;
	r.body = buf_view(&body);
	check_pieces(&r, &f);
	assert_int_equal(
	    record_fields(&chosen, SPAN("body,body_base64,seq"), &bad), 0);
	check_pieces(&r, &chosen);
	f.body = RECORD_BODY_BASE64;
	check_pieces(&r, &f);
	body.n = 0;
	buf_str(&body, "\r\n [");
	for (i = 0; i < 20000; i++)
		buf_printf(&body, "%d,\n\"\xe2\x82\xac\",\r\n", i);
	buf_str(&body, "{}]\n");
	r.body = buf_view(&body);
	r.complete = 1;
	f.body = chosen.body = RECORD_BODY_JSON;
	check_pieces(&r, &f);
	check_pieces(&r, &chosen);
	body.p[100000] = '\xff';
	f.body = chosen.body = RECORD_BODY_INLINE;
	check_pieces(&r, &f);
	check_pieces(&r, &chosen);
	buf_fini(&body);
}

/* ---- attempts ---- */

static void
test_attempts_are_a_list_when_asked_for(void **state)
{
	static const struct record_attempt two[] = {
		{ .attempt = 1,
		    .url = SPAN("http://a.test/\xff"),
		    .error = E_CONNECT_REFUSED,
		    .remote_ip = SPAN("127.0.0.1"),
		    .time_namelookup = 5,
		    .time_connect = RECORD_NO_TIME,
		    .time_appconnect = RECORD_NO_TIME,
		    .time_starttransfer = RECORD_NO_TIME,
		    .time_total = 1000000,
		    .wait_us = 0 },
		{ .attempt = 2,
		    .url = SPAN("http://a.test/"),
		    .status_code = 429,
		    .remote_ip = SPAN("::1"),
		    .conn_id = 12,
		    .time_connect = 1,
		    .time_appconnect = 1,
		    .time_starttransfer = 2,
		    .time_total = 3,
		    .wait_us = 1500000,
		    .wait_reason = SPAN("backoff") },
	};
	struct record r = blank;

	(void)state;
	expect(&r, &plain, "attempts", NULL);
	r.has_attempts = 1;
	expect(&r, &plain, "attempts", "[]");
	r.attempt = two;
	r.nattempt = 2;
	expect(&r, &plain, "attempts",
	    "[{\"attempt\":1,\"url\":\"http://a.test/\xef\xbf\xbd\","
	    "\"status_code\":0,\"error\":\"connect_refused\","
	    "\"remote_ip\":\"127.0.0.1\",\"conn_id\":null,"
	    "\"time_namelookup\":0.000005,\"time_connect\":null,"
	    "\"time_appconnect\":null,\"time_starttransfer\":null,"
	    "\"time_total\":1.000000,\"wait\":0.000000,"
	    "\"wait_reason\":null},"
	    "{\"attempt\":2,\"url\":\"http://a.test/\","
	    "\"status_code\":429,\"error\":null,\"remote_ip\":\"::1\","
	    "\"conn_id\":12,\"time_namelookup\":0.000000,"
	    "\"time_connect\":0.000001,\"time_appconnect\":0.000001,"
	    "\"time_starttransfer\":0.000002,\"time_total\":0.000003,"
	    "\"wait\":1.500000,\"wait_reason\":\"backoff\"}]");
	r.has_attempts = 0;
	expect(&r, &plain, "attempts", NULL);
}

static void
test_many_attempts_in_pieces_are_the_same_as_whole(void **state)
{
	struct record_attempt *a = calloc(1000, sizeof(*a));
	struct record_format f = { 0 };
	struct record r = blank;
	struct span bad;
	size_t i;

	(void)state;
	assert_non_null(a);
	for (i = 0; i < 1000; i++) {
		a[i].attempt = (unsigned)i;
		a[i].url = SPAN("https://a.test/\x01\x02\x03");
		a[i].conn_id = INT64_MAX;
		a[i].time_total = a[i].wait_us = INT64_MAX;
	}
	r.attempt = a;
	r.nattempt = 1000;
	r.has_attempts = 1;
	r.num_events = 1;
	check_pieces(&r, &plain);
	assert_int_equal(record_fields(&f, SPAN("attempts,seq"), &bad), 0);
	check_pieces(&r, &f);
	free(a);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_a_body_takes_the_form_that_holds_it),
		T(test_a_json_body_stands_as_a_value_and_anything_else_as_a_string),
		T(test_a_body_cut_off_is_no_json_even_if_it_reads_as_such),
		T(test_what_was_streamed_is_not_repeated),
		T(test_the_field_body_stands_for_the_forms_not_named),
		T(test_a_large_body_in_pieces_is_the_same_as_whole),
		T(test_attempts_are_a_list_when_asked_for),
		T(test_many_attempts_in_pieces_are_the_same_as_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
