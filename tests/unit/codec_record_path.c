/* SPDX-License-Identifier: ISC */
/* Parts of a key's value by a path: --fields extract.title, header.etag.0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_record_test.h"

static struct buf out;

/* The line of these fields, written in pieces of about max. */
static const char *
line(const struct record *r, const char *fields, size_t max)
{
	static struct record_format f;
	struct span bad;

	f = (struct record_format){ .body = RECORD_BODY_JSON,
		.include_headers = 1 };
	assert_int_equal(
	    record_fields(&f, span_str(fields), &bad), RECORD_FIELDS_OK);
	out.n = 0;
	write_record(&out, r, &f, max);
	buf_char(&out, '\0');
	return out.p;
}

static void
test_a_path_reaches_into_objects_and_lists(void **state)
{
	static const struct {
		const char *fields, *want;
	} t[] = {
		{ "meta.a", "{\"meta.a\":1}\n" },
		{ "meta.b.c", "{\"meta.b.c\":[10, {\"d\":\"x\"}]}\n" },
		{ "meta.b.c.1.d,seq", "{\"meta.b.c.1.d\":\"x\",\"seq\":1}\n" },
		{ "meta.b.c.0", "{\"meta.b.c.0\":10}\n" },
		{ "meta.e\\u0065", "{\"meta.e\\\\u0065\":null}\n" },
		{ "meta.ee", "{\"meta.ee\":true}\n" },
	};
	struct record r = blank;
	size_t i;

	(void)state;
	r.meta = SPAN("{\"a\":1, \"b\" : {\"c\":[10, {\"d\":\"x\"}]}, "
		      "\"e\\u0065\":true}");
	for (i = 0; i < COUNT(t); i++)
		assert_string_equal(line(&r, t[i].fields, ALL), t[i].want);
}

static void
test_what_is_not_there_is_null(void **state)
{
	static const char *const paths[] = { "meta.x", "meta.a.x", "meta.l.2",
		"meta.l.x", "meta.l.00000000000", "meta.l.-1", "meta.l.0x",
		"meta.a.0", "meta.A", "meta.aa", "meta.l..0", "trailer.x",
		"header.x", "attempts.0.url", "extract.title", "parse.time",
		"body_json.a", "flags.0", "interim.0.status_code" };
	struct record r = blank;
	char want[80];
	size_t i;

	(void)state;
	r.meta = SPAN("{\"a\":1,\"l\":[1,2]}");
	for (i = 0; i < COUNT(paths); i++) {
		snprintf(want, sizeof(want), "{\"%s\":null}\n", paths[i]);
		assert_string_equal(line(&r, paths[i], ALL), want);
	}
	r.meta = SPAN_NONE;
	assert_string_equal(line(&r, "meta.a", ALL), "{\"meta.a\":null}\n");
	r.meta = SPAN("\"text\"");
	assert_string_equal(line(&r, "meta.a", ALL), "{\"meta.a\":null}\n");
}

static void
test_a_name_with_dots_goes_before_the_objects_it_could_be(void **state)
{
	struct record r = blank;

	(void)state;
	r.meta =
	    SPAN("{\"a\":{\"b\":1},\"a.b\":2,\"a.b.c\":3,\"x\":1,\"x\":2}");
	assert_string_equal(line(&r, "meta.a.b", ALL), "{\"meta.a.b\":2}\n");
	assert_string_equal(
	    line(&r, "meta.a.b.c", ALL), "{\"meta.a.b.c\":3}\n");
	assert_string_equal(line(&r, "meta.x", ALL), "{\"meta.x\":2}\n");
	r.meta = SPAN("{\"a\":{\"b\":{\"c\":1}},\"a.b\":2}");
	assert_string_equal(
	    line(&r, "meta.a.b.c", ALL), "{\"meta.a.b.c\":1}\n");
}

static void
test_parts_of_what_was_extracted_come_from_its_maker(void **state)
{
	struct record r = blank;

	(void)state;
	r.has_parse = r.was_parsed = 1;
	r.parse_time = 5000;
	r.parse_worker = 2;
	r.extract = SPAN("{\"title\":\"T\",\"p\":[\"1\",\"2\"]}");
	assert_string_equal(
	    line(&r, "extract.title,extract.p.1,parse.worker", ALL),
	    "{\"extract.title\":\"T\",\"extract.p.1\":\"2\","
	    "\"parse.worker\":2}\n");
	r.has_exec = 1;
	r.exec = SPAN("{\"n\":{\"m\":7}}");
	assert_string_equal(line(&r, "extract.exec.n.m,extract.title", ALL),
	    "{\"extract.exec.n.m\":7,\"extract.title\":\"T\"}\n");
	assert_string_equal(line(&r, "extract.exec", ALL),
	    "{\"extract.exec\":{\"n\":{\"m\":7}}}\n");
}

static void
test_parts_of_a_body_come_in_pieces_of_one_line(void **state)
{
	struct record r = blank;
	struct buf body = { 0 };
	const char *whole;
	char *one;
	int i;

	(void)state;
	buf_str(&body, "{\"a\":[\n");
	for (i = 0; i < 20000; i++)
		buf_printf(&body, "%d,\n", i);
	buf_str(&body, "1],\r\n\"b\":1}");
	r.status_code = 200;
	r.content_type = SPAN("application/json");
	r.has_body = r.complete = 1;
	r.body = buf_view(&body);
	whole = line(&r, "body_json.a,body_json.b,seq", ALL);
	one = strdup(whole);
	assert_ptr_equal(strchr(one, '\n'), one + strlen(one) - 1);
	assert_non_null(strstr(one, "],\"body_json.b\":1,\"seq\":1}\n"));
	assert_string_equal(line(&r, "body_json.a,body_json.b,seq", 100), one);
	r.complete = 0;
	assert_string_equal(
	    line(&r, "body_json.b", ALL), "{\"body_json.b\":null}\n");
	free(one);
	buf_fini(&body);
}

static int
drop(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_reaches_into_objects_and_lists),
		cmocka_unit_test(test_what_is_not_there_is_null),
		cmocka_unit_test(
		    test_a_name_with_dots_goes_before_the_objects_it_could_be),
		cmocka_unit_test(
		    test_parts_of_what_was_extracted_come_from_its_maker),
		cmocka_unit_test(
		    test_parts_of_a_body_come_in_pieces_of_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
