/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/record/extract.c: the parsers' results are written on one
 * line, at once or in pieces, and `parse` beside them.
 */
#include <stdio.h>
#include <string.h>

#include "codec_record_test.h"

/* The object of the workers and the value of the coprocess; NULL: none. */
static struct record
parsed(const char *object, const char *exec)
{
	struct record r = blank;

	r.has_parse = r.was_parsed = 1;
	r.parse_time = 1500000;
	r.parse_worker = 2;
	r.extract = span_str(object);
	r.exec = span_str(exec);
	return r;
}

/* ---- extract ---- */

static void
test_without_extraction_there_are_no_such_keys(void **state)
{
	struct record r = parsed("{\"title\":\"x\"}", "1");

	(void)state;
	r.has_parse = 0;
	r.has_exec = 1;
	expect(&r, &plain, "extract", NULL);
	expect(&r, &plain, "parse", NULL);
}

static void
test_an_item_that_came_to_nothing_has_both_null(void **state)
{
	struct record r = blank;

	(void)state;
	r.has_parse = 1;
	r.parse_time = RECORD_NO_TIME;
	for (r.has_exec = 0; r.has_exec < 2; r.has_exec++) {
		expect(&r, &plain, "extract", "null");
		expect(&r, &plain, "parse", "null");
	}
}

static const struct {
	const char *object;
	int has_exec;
	const char *exec, *want;
} texts[] = {
	{ NULL, 0, NULL, "null" },
	{ "{}", 0, NULL, "{}" },
	{ "{\"title\":\"x\"}", 0, NULL, "{\"title\":\"x\"}" },
	/* Without --extract the keys are missing. */
	{ "{\"title\":null}", 0, "1", "{\"title\":null}" },
	{ NULL, 1, NULL, "null" },
	{ NULL, 1, "{\"a\":1}", "{\"exec\":{\"a\":1}}" },
	{ NULL, 1, "null", "{\"exec\":null}" },
	{ NULL, 1, "1e400", "{\"exec\":1e400}" },
	{ "{\"title\":\"x\"}", 1, "[]", "{\"title\":\"x\",\"exec\":[]}" },
	{ "{\"a\":{}}", 1, "\"}\"", "{\"a\":{},\"exec\":\"}\"}" },
	{ "{\"a\":\"}\"}", 1, NULL, "{\"a\":\"}\",\"exec\":null}" },
	{ "{}", 1, "0", "{\"exec\":0}" },
	{ "{}", 1, NULL, "{\"exec\":null}" },
	{ "{ }", 1, "0", "{\"exec\":0}" },
	{ " \n{\r\n\t}\r\n", 1, " 0\n", "{\"exec\":0}" },
	/* On one line, whatever they come as. */
	{ "\r\n {\"a\" :\n[1,\r\n2]\n}\n", 0, NULL, "{\"a\" : [1,  2] }" },
	{ "\n{\"a\":\n1 \n}\t\r\n", 1, "\r\n{\n\"b\":\t2\r}\n",
	    "{\"a\": 1,\"exec\":{ \"b\":\t2 }}" },
	{ "{\"a\":\"\\n\\r\"}\n", 0, NULL, "{\"a\":\"\\n\\r\"}" },
};

static void
test_what_the_parsers_found_is_one_object_on_one_line(void **state)
{
	struct record r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		r = parsed(texts[i].object, texts[i].exec);
		r.has_exec = texts[i].has_exec;
		expect(&r, &plain, "extract", texts[i].want);
	}
}

static void
test_they_are_the_last_keys_and_a_line_is_whole(void **state)
{
	struct record r = parsed("{\"a\":1}", "2");
	static const char want[] =
	    ",\"body\":null,\"extract\":{\"a\":1,\"exec\":2},\"parse\":{"
	    "\"error\":null,\"time\":1.500000,\"worker\":2}}\n";
	struct buf b = { 0 };

	(void)state;
	r.has_exec = 1;
	write_record(&b, &r, &plain, ALL);
	assert_true(b.n > sizeof(want));
	assert_memory_equal(
	    b.p + b.n - (sizeof(want) - 1), want, sizeof(want) - 1);
	buf_fini(&b);
}

/* ---- in pieces ---- */

/* An object or a list of about n bytes; a comma after each line end. */
static void
make_json(struct buf *b, int is_list, size_t n)
{
	size_t start = b->n;
	int i;

	buf_str(b, is_list ? "\n [ 0" : "\n {\"a\":0");
	for (i = 0; b->n - start < n; i++)
		if (is_list)
			buf_printf(b, "\n,\"%d \xe2\x82\xac\\n\"\r\n", i);
		else
			buf_printf(b, "\r\n,\"k%d\" :\n\"\\n}\"", i);
	buf_str(b, is_list ? "\r\n]\r\n" : "\r\n }\r\n");
}

static void
check_pieces(const struct record *r, const struct record_format *f)
{
	static const size_t max[] = { 0, 1, 7, 4096, 12287, 12288, 12289, 65536,
		1 << 20 };
	struct buf whole = { 0 }, b = { 0 };
	struct record_at at;
	size_t i, before;
	int more;

	assert_int_equal(write_record(&whole, r, f, ALL), 1);
	find(buf_view(&whole), ""); /* it is an object on one line */
	for (i = 0; i < COUNT(max); i++) {
		b.n = 0;
		at = (struct record_at){ 0 };
		do {
			before = b.n;
			more = record_write(&b, r, f, &at, max[i]);
			assert_true(b.n > before);
			assert_true(b.n - before <= max[i] + 16384);
		} while (more == 1);
		assert_true(span_eq(buf_view(&b), buf_view(&whole)));
	}
	buf_fini(&whole);
	buf_fini(&b);
}

static void
test_large_values_in_pieces_are_the_same_as_whole(void **state)
{
	/* Lengths around the size of one piece and of many. */
	static const size_t sizes[] = { 0, 12200, 12250, 24500, 200000 };
	struct record_format f = { 0 }, chosen = { 0 };
	struct buf object = { 0 }, exec = { 0 };
	struct record r = parsed(NULL, NULL);
	struct span bad;
	size_t i, k;

	(void)state;
	assert_int_equal(
	    record_fields(&chosen, SPAN("parse,extract,seq"), &bad), 0);
	for (i = 0; i < COUNT(sizes); i++)
		for (k = 0; k < COUNT(sizes); k++) {
			object.n = exec.n = 0;
			make_json(&object, 0, sizes[i]);
			make_json(&exec, 1, sizes[k]);
			r.extract = buf_view(&object);
			r.exec = buf_view(&exec);
			r.has_exec = 1;
			check_pieces(&r, &f);
			check_pieces(&r, &chosen);
			r.has_exec = 0;
			check_pieces(&r, &chosen);
			r.has_exec = 1;
			r.extract = SPAN_NONE;
			check_pieces(&r, &chosen);
		}
	buf_fini(&object);
	buf_fini(&exec);
}

/* Each of them in turn is the last byte of a piece. */
static void
test_every_border_between_two_pieces_is_seamless(void **state)
{
	struct record_format f = { 0 };
	struct record r = parsed(NULL, "{\"b\":\n[]}");
	struct buf object = { 0 };
	struct span bad;
	size_t i;

	(void)state;
	r.has_exec = 1;
	assert_int_equal(record_fields(&f, SPAN("extract"), &bad), 0);
	for (i = 12288 - 40; i < 12288 + 40; i++) {
		object.n = 0;
		buf_str(&object, "{\"a\":\"");
		while (object.n < i)
			buf_char(&object, 'x');
		buf_str(&object, "\"\n}");
		r.extract = buf_view(&object);
		check_pieces(&r, &f);
	}
	buf_fini(&object);
}

/* ---- parse ---- */

static const struct {
	enum parse_error e;
	const char *code;
} codes[] = {
	{ PARSE_CRASHED, "worker_crashed" },
	{ PARSE_TIMEOUT, "worker_timeout" },
	{ PARSE_OOM, "worker_oom" },
	{ PARSE_SANDBOX, "worker_sandbox" },
	{ PARSE_PROTOCOL, "worker_protocol" },
	{ PARSE_UNAVAILABLE, "worker_unavailable" },
	{ PARSE_FAILED, "parse_failed" },
	{ PARSE_SKIPPED, "parse_skipped" },
	{ PARSE_TOO_LARGE, "parse_too_large" },
};

static void
test_every_reason_has_its_code_and_leaves_error_alone(void **state)
{
	struct record r = parsed(NULL, NULL);
	char want[128];
	size_t i;

	(void)state;
	assert_int_equal(COUNT(codes), PARSE_COUNT - 1);
	for (i = 0; i < COUNT(codes); i++) {
		r.parse_error = codes[i].e;
		snprintf(want, sizeof(want),
		    "{\"error\":\"%s\",\"time\":1.500000,\"worker\":2}",
		    codes[i].code);
		expect(&r, &plain, "parse", want);
		expect(&r, &plain, "extract", "null");
		expect(&r, &plain, "error", "null");
		expect(&r, &plain, "exitcode", "0");
		assert_string_equal(
		    parse_error_code(codes[i].e), codes[i].code);
		assert_true(strlen(parse_error_text(codes[i].e)) > 0);
	}
	assert_null(parse_error_code(PARSE_OK));
	assert_string_equal(parse_error_text(PARSE_OK), "");
}

static void
test_what_no_parser_had_has_neither_time_nor_worker(void **state)
{
	struct record r = parsed(NULL, NULL);

	(void)state;
	r.parse_error = PARSE_SKIPPED;
	r.parse_time = RECORD_NO_TIME;
	r.parse_worker = 0;
	expect(&r, &plain, "parse",
	    "{\"error\":\"parse_skipped\",\"time\":null,\"worker\":null}");
}

static void
test_the_longest_parse_has_room(void **state)
{
	struct record r = parsed(NULL, NULL);

	(void)state;
	r.parse_error = PARSE_UNAVAILABLE;
	r.parse_time = INT64_MAX;
	r.parse_worker = UINT32_MAX;
	expect(&r, &plain, "parse",
	    "{\"error\":\"worker_unavailable\",\"time\":9223372036854.775807,"
	    "\"worker\":4294967295}");
	r.parse_error = PARSE_OK;
	r.parse_time = 0;
	expect(&r, &plain, "parse",
	    "{\"error\":null,\"time\":0.000000,\"worker\":4294967295}");
}

/* An error of the workers does not remove the value of the coprocess. */
static void
test_an_error_stands_beside_what_was_found_all_the_same(void **state)
{
	struct record r = parsed(NULL, "7");

	(void)state;
	r.has_exec = 1;
	r.parse_error = PARSE_CRASHED;
	expect(&r, &plain, "extract", "{\"exec\":7}");
	expect(&r, &plain, "parse",
	    "{\"error\":\"worker_crashed\",\"time\":1.500000,\"worker\":2}");
}

/* ---- --fields ---- */

static void
test_fields_names_them_in_any_order_and_only_where_they_are(void **state)
{
#define P "\"parse\":{\"error\":null,\"time\":1.500000,\"worker\":2}"
	static const struct {
		const char *list;
		int has_parse;
		const char *want;
	} t[] = {
		{ "extract,parse", 1, "{\"extract\":{\"a\":1}," P "}\n" },
		{ "parse,extract", 1, "{" P ",\"extract\":{\"a\":1}}\n" },
		{ "parse,seq,extract", 1,
		    "{" P ",\"seq\":1,\"extract\":{\"a\":1}}\n" },
		{ "extract", 1, "{\"extract\":{\"a\":1}}\n" },
		{ "parse", 1, "{" P "}\n" },
		{ "seq", 1, "{\"seq\":1}\n" },
		{ "extract,seq,parse", 0, "{\"seq\":1}\n" },
		{ "extract,parse", 0, "{}\n" },
	};
	struct record_format f = { 0 };
	struct record r = parsed("{\"a\":1}", NULL);
	struct buf b = { 0 };
	struct span bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		b.n = 0;
		r.has_parse = t[i].has_parse;
		assert_int_equal(
		    record_fields(&f, span_str(t[i].list), &bad), 0);
		write_record(&b, &r, &f, ALL);
		buf_char(&b, '\0');
		assert_string_equal(b.p, t[i].want);
	}
	assert_int_equal(record_fields(&f, SPAN("extract,extract"), &bad),
	    RECORD_FIELDS_REPEATED);
	assert_true(span_eq(bad, SPAN("extract")));
	buf_fini(&b);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_without_extraction_there_are_no_such_keys),
		T(test_an_item_that_came_to_nothing_has_both_null),
		T(test_what_the_parsers_found_is_one_object_on_one_line),
		T(test_they_are_the_last_keys_and_a_line_is_whole),
		T(test_large_values_in_pieces_are_the_same_as_whole),
		T(test_every_border_between_two_pieces_is_seamless),
		T(test_every_reason_has_its_code_and_leaves_error_alone),
		T(test_what_no_parser_had_has_neither_time_nor_worker),
		T(test_the_longest_parse_has_room),
		T(test_an_error_stands_beside_what_was_found_all_the_same),
		T(test_fields_names_them_in_any_order_and_only_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
