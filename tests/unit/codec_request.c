/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/request.c: the meaning of input lines, and the messages for
 * invalid ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/json/json.h"
#include "codec/request.h"

#define HEX63 "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789ABCDE"
#define U "\"url\":\"https://a.test/\""

static struct span
line_of(const char *s)
{
	return span_str(s);
}

static int
is(struct span s, const char *want)
{
	return span_eq(s, span_str(want));
}

static void
parse_good(struct request *r, struct span line)
{
	struct request_fault f = { 0 };

	if (request_parse(r, line, &f) != E_OK)
		fail_msg(
		    "%.*s: %s (%zu)", (int)line.n, line.p, f.text, f.column);
}

static void
test_a_line_that_is_no_json_is_a_url_without_its_blanks(void **state)
{
	static const char *const lines[][2] = {
		{ "https://a.test/", "https://a.test/" },
		{ "  a.test/x \t", "a.test/x" },
		{ "[::1]", "[::1]" },
		{ "a b", "a b" },
		{ "\x01\x7f\xff", "\x01\x7f\xff" },
		{ "", "" },
		{ "   ", "" },
		{ "x{\"url\":1}", "x{\"url\":1}" },
	};
	struct request r = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse_good(&r, line_of(lines[i][0]));
		assert_false(r.is_json);
		assert_true(is(r.url, lines[i][1]));
		assert_int_equal(r.id.n + r.meta.n + r.method.n + r.nheader, 0);
		assert_int_equal(r.timeout_us, -1);
		assert_int_equal(r.retry, -1);
		assert_int_equal(r.stream, -1);
		assert_int_equal(r.ncost, 0);
	}
	request_fini(&r);
}

static void
test_a_nul_byte_in_a_url_line_is_a_fault_with_its_column(void **state)
{
	struct request r = { 0 };
	struct request_fault f = { 0 };

	(void)state;
	assert_int_equal(
	    request_parse(&r, SPAN(" http://a\0b/"), &f), E_INPUT_INVALID);
	assert_int_equal(f.column, 10);
	assert_true(strstr(f.text, "NUL") != NULL);
	request_fini(&r);
}

static void
test_every_key_is_understood(void **state)
{
	struct request r = { 0 };

	(void)state;
	parse_good(&r, SPAN(" {" U ", \"id\" : 7 ,\"method\":\"PURGE\","
			    "\"headers\":{\"X-A\":\"1\",\"X-B\":[\"2\",\"3\"],"
			    "\"Accept\":null,\"X-C\":[]},\"body\":\"b\\n\","
			    "\"meta\":[1, {}],\"timeout\":1.5,\"retry\":3,"
			    "\"stream\":true,\"cost\":{\"tokens\":812,"
			    "\"\\u0061 b\":0.5}} "));
	assert_true(r.is_json);
	assert_true(is(r.url, "https://a.test/"));
	assert_true(is(r.id, "7"));
	assert_false(r.id_is_custom);
	assert_true(is(r.method, "PURGE"));
	assert_int_equal(r.nheader, 5);
	assert_true(is(r.header[0].name, "X-A"));
	assert_true(is(r.header[0].value, "1"));
	assert_true(is(r.header[1].name, "X-B"));
	assert_true(is(r.header[1].value, "2"));
	assert_true(is(r.header[2].name, "X-B"));
	assert_true(is(r.header[2].value, "3"));
	assert_true(is(r.header[3].name, "Accept") && r.header[3].remove);
	assert_true(is(r.header[4].name, "X-C") && r.header[4].remove);
	assert_int_equal(r.header[2].remove, 0);
	assert_true(r.has_body && !r.body_is_json);
	assert_true(is(r.body, "b\n"));
	assert_true(is(r.meta, "[1, {}]"));
	assert_int_equal(r.timeout_us, 1500000);
	assert_int_equal(r.retry, 3);
	assert_int_equal(r.stream, 1);
	assert_int_equal(r.ncost, 2);
	assert_true(is(r.cost[0].name, "tokens") && r.cost[0].amount == 812);
	assert_true(is(r.cost[1].name, "a b") && r.cost[1].amount == 0.5);
	request_fini(&r);
}

static void
test_a_request_is_empty_again_before_the_next_line(void **state)
{
	struct request r = { 0 };

	(void)state;
	parse_good(&r, SPAN("{" U ",\"custom_id\":7,\"method\":\"PUT\","
			    "\"headers\":{\"a\":\"1\"},\"body\":{},\"meta\":1,"
			    "\"timeout\":1,\"retry\":3,\"stream\":false,"
			    "\"cost\":{\"a\":1}}"));
	assert_true(r.stream == 0 && r.ncost == 1);
	assert_true(r.id_is_custom && r.body_is_json);
	parse_good(&r, SPAN("{" U "}"));
	assert_int_equal(r.id.n + r.meta.n + r.method.n + r.nheader, 0);
	assert_int_equal(r.body.n + r.body_file.n, 0);
	assert_false(r.has_body || r.body_is_json || r.id_is_custom);
	assert_int_equal(r.timeout_us, -1);
	assert_int_equal(r.retry, -1);
	assert_int_equal(r.stream, -1);
	assert_int_equal(r.ncost, 0);
	request_fini(&r);
}

static void
test_an_id_keeps_its_bytes_whatever_scalar_it_is(void **state)
{
	static const char *const ids[] = { "9223372036854775808", "1e400", "-0",
		"0.10", "null", "true", "false", "\"\"",
		"\"a \\\"quoted\\\" \\u00e9 \xe2\x80\xa8\"" };
	struct request r = { 0 };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(line, sizeof(line), "{\"id\":%s," U "}", ids[i]);
		parse_good(&r, line_of(line));
		assert_true(is(r.id, ids[i]));
		assert_false(r.id_is_custom);
		snprintf(
		    line, sizeof(line), "{" U ",\"custom_id\": %s }", ids[i]);
		parse_good(&r, line_of(line));
		assert_true(is(r.id, ids[i]));
		assert_true(r.id_is_custom);
	}
	request_fini(&r);
}

static void
test_escapes_are_undone_in_keys_and_strings(void **state)
{
	struct request r = { 0 };

	(void)state;
	parse_good(&r, SPAN("{\"\\u0075rl\":\"http:\\/\\/a.test\\/\\u00e9\","
			    "\"head\\u0065rs\":{\"\\u0058-A\":\"\\u20ac\"},"
			    "\"method\":\"G\\u0045T\","
			    "\"body_base64\":\"\\/\\/79\"}"));
	assert_true(is(r.url, "http://a.test/\xc3\xa9"));
	assert_true(is(r.header[0].name, "X-A"));
	assert_true(is(r.header[0].value, "\xe2\x82\xac"));
	assert_true(is(r.method, "GET"));
	assert_true(is(r.body, "\xff\xfe\xfd"));
	request_fini(&r);
}

static const struct {
	const char *key;
	struct span body;
	int is_json;
} bodies[] = {
	{ "\"body\":\"\"", { "", 0 }, 0 },
	{ "\"body\":\"a\\u0000b\"", { "a\0b", 3 }, 0 },
	{ "\"body\":{ \"b\" : 1 }", { "{ \"b\" : 1 }", 11 }, 1 },
	{ "\"body\":[1 ,2]", { "[1 ,2]", 6 }, 1 },
	{ "\"body_base64\":\"\"", { "", 0 }, 0 },
	{ "\"body_base64\":\"AA==\"", { "\0", 1 }, 0 },
	{ "\"body_base64\":\"Zm8=\"", { "fo", 2 }, 0 },
	{ "\"body_base64\":\"Zm9vYmFy\"", { "foobar", 6 }, 0 },
	{ "\"body_base64\":\"+/+/\"", { "\xfb\xff\xbf", 3 }, 0 },
};

static void
test_a_body_is_text_json_as_it_stands_or_base64(void **state)
{
	struct request r = { 0 };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		snprintf(line, sizeof(line), "{%s," U "}", bodies[i].key);
		parse_good(&r, line_of(line));
		assert_true(r.has_body);
		assert_int_equal(r.body_is_json, bodies[i].is_json);
		if (!span_eq(r.body, bodies[i].body))
			fail_msg("%s", line);
	}
	parse_good(&r, SPAN("{" U ",\"body_file\":\"dir/x\\u0020y\"}"));
	assert_true(r.has_body && is(r.body_file, "dir/x y"));
	request_fini(&r);
}

static const struct {
	const char *line;
	size_t column;
	const char *text; /* somewhere in the fault's text */
} faults[] = {
	{ "{}", 1, "\"url\" is missing" },
	{ "{\"id\":1}", 1, "\"url\" is missing" },
	{ "{\"url\":5}", 8, "\"url\" must be a string" },
	{ "{\"url\":null}", 8, "\"url\" must be a string" },
	{ "{\"url\":\"a\\u0000b\"}", 8, "\"url\" contains a NUL" },
	{ "{\"URL\":\"a.test\"}", 2, "\"URL\" is not a known key" },
	{ "{" U ",\"u\\nx\":1}", 26, "\"u\\nx\" is not a known key" },
	{ "{" U "," U "}", 26, "\"url\" is a duplicate key" },
	{ "{" U ",\"meta\":1,\"meta\":1}", 35, "\"meta\" is a duplicate key" },
	{ "{" U ",\"id\":1,\"custom_id\":2}", 33, "\"custom_id\" is a second" },
	{ "{" U ",\"custom_id\":1,\"id\":2}", 40,
	    "\"id\" is a second id; give \"id\" or \"custom_id\"" },
	{ "{" U ",\"id\":1,\"id\":1}", 33,
	    "\"id\" is a second id; give \"id\" or \"custom_id\"" },
	{ "{" U ",\"id\":{}}", 31, "\"id\" must be" },
	{ "{" U ",\"custom_id\":[]}", 38, "\"custom_id\" must be" },
	{ "{" U ",\"stream\":1}", 35, "\"stream\" must be true, false or" },
	{ "{" U ",\"stream\":\"true\"}", 35, "\"stream\" must be true" },
	{ "{" U ",\"stream\":true,\"stream\":true}", 40,
	    "\"stream\" is a duplicate key" },
	{ "{" U ",\"cost\":1}", 33, "\"cost\" must be an object" },
	{ "{" U ",\"cost\":[]}", 33, "\"cost\" must be an object" },
	{ "{" U ",\"cost\":{},\"cost\":null}", 36, "\"cost\" is a duplicate" },
	{ "{" U ",\"cost\":{\"a\":-1}}", 38,
	    "\"a\" in \"cost\" must be a number of 0 or more" },
	{ "{" U ",\"cost\":{\"a\":-1e-9}}", 38, "\"a\" in \"cost\" must" },
	{ "{" U ",\"cost\":{\"a\":1e400}}", 38, "\"a\" in \"cost\" must" },
	{ "{" U ",\"cost\":{\"a\":\"1\"}}", 38, "\"a\" in \"cost\" must" },
	{ "{" U ",\"cost\":{\"a\":null}}", 38, "\"a\" in \"cost\" must" },
	{ "{" U ",\"cost\":{\"a\":1,\"\\u0061\":1}}", 40,
	    "is a duplicate key" },
	{ "{" U ",\"output\":\"\"}", 35, "\"output\" is not a file name" },
	{ "{" U ",\"output\":7}", 35, "\"output\" must be a string" },
	{ "{" U ",\"output\":\"x\",\"output\":\"x\"}", 39, "duplicate key" },
	{ "{" U ",\"sha256\":\"x\"}", 35,
	    "\"sha256\" must be 64 hexadecimal digits" },
	{ "{" U ",\"sha256\":\"" HEX63 "g\"}", 35, "64 hexadecimal" },
	{ "{" U ",\"sha256\":\"" HEX63 "00\"}", 35, "64 hexadecimal" },
	{ "{" U ",\"sha256\":null}", 35, "must be a string" },
	{ "{" U ",\"method\":\"\"}", 35, "\"method\" is not a token" },
	{ "{" U ",\"method\":\"GET / HTTP/1.1\\r\\nX:\"}", 35,
	    "\"method\" is not a token" },
	{ "{" U ",\"method\":null}", 35, "\"method\" must be a string" },
	{ "{" U ",\"method\":\"CONNECT\"}", 35, "CONNECT" },
	{ "{" U ",\"method\":\"connect\"}", 35, "CONNECT" },
	{ "{" U ",\"headers\":[]}", 36, "\"headers\" must be an object" },
	{ "{" U ",\"headers\":{\"X\":\"a\\r\\nX-Evil: 1\"}}", 41,
	    "\"X\": the header value contains a control character" },
	{ "{" U ",\"headers\":{\"X\":[\"a\",\"\\n\"]}}", 46,
	    "\"X\": the header" },
	{ "{" U ",\"headers\":{\"Host\":\"a\\r\\nX: 1\"}}", 44, "\"Host\": " },
	{ "{" U ",\"headers\":{\"X\":\"\\u0000\"}}", 41, "control" },
	{ "{" U ",\"headers\":{\"X Y\":\"a\"}}", 37,
	    "\"X Y\" is not a header" },
	{ "{" U ",\"headers\":{\"\":null}}", 37, "\"\" is not a header" },
	{ "{" U ",\"headers\":{\"X\\n\":null}}", 37, "is not a header name" },
	{ "{" U ",\"headers\":{\"X\":1}}", 41, "\"X\" must be a string" },
	{ "{" U ",\"headers\":{\"X\":[null]}}", 42, "\"X\" must be a string" },
	{ "{" U ",\"headers\":{\"X\":{}}}", 41, "\"X\" must be a string" },
	{ "{" U ",\"headers\":{\"X\":\"1\",\"x\":\"2\"}}", 45,
	    "\"x\" is a duplicate" },
	{ "{" U ",\"headers\":{\"Content-Length\":\"1\"}}", 54,
	    "\"Content-Length\": " },
	{ "{" U ",\"body\":1}", 33, "\"body\" must be" },
	{ "{" U ",\"body\":null}", 33, "\"body\" must be" },
	{ "{" U ",\"body\":\"\",\"body_base64\":\"\"}", 36,
	    "\"body_base64\" is a second body; give one of \"body\", "
	    "\"body_base64\" and \"body_file\"" },
	{ "{" U ",\"body_file\":\"x\",\"body\":\"\"}", 42,
	    "\"body\" is a second" },
	{ "{" U ",\"body_base64\":\"YQ\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":\"YQ=\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":\"=YQ=\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":\"Y===\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":\"YQ==YQ==\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":\"YW Jj\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":\"_-__\"}", 40, "is not base64" },
	{ "{" U ",\"body_base64\":7}", 40, "must be a string" },
	{ "{" U ",\"body_file\":\"\"}", 38, "is not a file name" },
	{ "{" U ",\"body_file\":\"a\\u0000\"}", 38, "is not a file name" },
	{ "{" U ",\"http://u:PW@h/\":1}", 26, "\"http://u:***@h/\" is not" },
	{ "{" U ",\"timeout\":-1}", 36, "\"timeout\" must not be negative" },
	{ "{" U ",\"timeout\":-1e-400}", 36, "must not be negative" },
	{ "{" U ",\"timeout\":\"x\"}", 36, "must be a number" },
	{ "{" U ",\"timeout\":\"-1s\"}", 36, "such as \"10s\"" },
	{ "{" U ",\"timeout\":\"\"}", 36, "or a duration" },
	{ "{" U ",\"timeout\":\"1\\u0000s\"}", 36, "or a duration" },
	{ "{" U ",\"timeout\":null}", 36, "or a duration" },
	{ "{" U ",\"retry\":-1}", 34, "\"retry\" must be a whole number" },
	{ "{" U ",\"retry\":1.0}", 34, "must be a whole number" },
	{ "{" U ",\"retry\":1001}", 34, "must be a whole number" },
	{ "{" U ",\"retry\":18446744073709551617}", 34, "must be a whole" },
	{ "{" U ",\"retry\":true}", 34, "must be a whole number" },
	{ "{", 2, "not valid JSON" },
	{ "{" U, 25, "not valid JSON" },
	{ "{" U "} x", 27, "not valid JSON: unexpected text" },
	{ "{" U ",\"x\":\"\xff\"}", 31, "not valid JSON: not UTF-8" },
	{ "{" U ",\"id\":\"\\ud800\"}", 32, "not valid JSON: unpaired" },
	{ "{\"bogus\":1,\"x\"}", 15, "not valid JSON: expected ':'" },
};

static void
test_the_name_and_the_digest_of_a_file_are_taken(void **state)
{
	struct request r = { 0 };
	struct request_fault f;

	(void)state;
	assert_int_equal(
	    request_parse(&r,
		line_of("{" U ",\"output\":\"a\\u002fb\",\"sha256\":\"" HEX63
			"f\"}"),
		&f),
	    E_OK);
	assert_true(span_eq(r.output, SPAN("a/b")));
	assert_true(span_eq(r.sha256, SPAN(HEX63 "f")));
	assert_int_equal(request_parse(&r, line_of("{" U "}"), &f), E_OK);
	assert_true(r.output.n == 0 && r.sha256.n == 0);
	request_fini(&r);
}

static void
test_a_fault_is_told_with_its_key_and_column(void **state)
{
	struct request r = { 0 };
	struct request_fault f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		memset(&f, 0, sizeof(f));
		if (request_parse(&r, line_of(faults[i].line), &f) !=
		    E_INPUT_INVALID)
			fail_msg("taken: %s", faults[i].line);
		if (f.column != faults[i].column ||
		    strstr(f.text, faults[i].text) == NULL)
			fail_msg(
			    "%s: %s (%zu)", faults[i].line, f.text, f.column);
	}
	request_fini(&r);
}

static void
test_of_two_faults_the_first_is_told(void **state)
{
	struct request r = { 0 };
	struct request_fault f = { 0 };

	(void)state;
	request_parse(&r, SPAN("{\"retry\":-1,\"nix\":1,\"timeout\":-1}"), &f);
	assert_true(strstr(f.text, "\"retry\"") != NULL);
	request_fini(&r);
}

static void
test_id_meta_and_url_are_known_though_the_line_is_at_fault(void **state)
{
	static const char *const lines[] = {
		"{\"bogus\":1," U ",\"id\":\"x\",\"meta\":{\"a\":1}}",
		"{\"id\":\"x\",\"id\":2," U ",\"meta\":{\"a\":1},\"meta\":3}",
		"{\"method\":\"\",\"id\":\"x\"," U "," U ",\"meta\":{\"a\":1}}",
		"{\"headers\":{\"a\":{}},\"id\":\"x\",\"meta\":{\"a\":1}," U
		"}",
	};
	struct request r = { 0 };
	struct request_fault f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(
		    request_parse(&r, line_of(lines[i]), &f), E_INPUT_INVALID);
		assert_true(is(r.id, "\"x\""));
		assert_true(is(r.meta, "{\"a\":1}"));
		assert_true(is(r.url, "https://a.test/"));
	}
	request_fini(&r);
}

static void
test_of_a_line_that_is_no_json_nothing_is_known(void **state)
{
	static const char text[] = "{\"custom_id\":\"x\",\"meta\":[1],\"body\":"
				   "\"\\n\"," U ",\"headers\":{\"a\":\"b\"}}";
	struct request r = { 0 };
	struct request_fault f;
	char *p;
	size_t n;

	(void)state;
	for (n = 1; n < sizeof(text) - 1; n++) {
		p = malloc(n);
		assert_non_null(p);
		memcpy(p, text, n);
		assert_int_equal(
		    request_parse(&r, span_of(p, n), &f), E_INPUT_INVALID);
		assert_true(r.is_json);
		assert_int_equal(r.id.n + r.meta.n + r.url.n, 0);
		assert_false(r.id_is_custom);
		assert_true(f.column >= 1 && f.column <= n + 1);
		free(p);
	}
	parse_good(&r, SPAN(text));
	request_fini(&r);
}

static void
test_a_long_key_is_cut_at_a_character_in_the_fault(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	struct request_fault f = { 0 };
	int i;

	(void)state;
	buf_str(&b, "{\"");
	for (i = 0; i < 1000; i++)
		buf_str(&b, "\xe2\x82\xac");
	buf_str(&b, "\":1}");
	request_parse(&r, buf_view(&b), &f);
	assert_true(strstr(f.text, "\xe2\x82\xac...\" is not a known") != NULL);
	buf_fini(&b);
	request_fini(&r);
}

static void
test_a_line_of_a_million_brackets_fails_at_the_depth_limit(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	struct request_fault f = { 0 };

	(void)state;
	buf_str(&b, "{\"meta\":");
	memset(buf_reserve(&b, 1000000), '[', 1000000);
	b.n += 1000000;
	assert_int_equal(request_parse(&r, buf_view(&b), &f), E_INPUT_INVALID);
	assert_int_equal(f.column, 8 + 63 + 1);
	assert_true(strstr(f.text, "deeper than 64") != NULL);
	buf_fini(&b);
	request_fini(&r);
}

static void
test_more_headers_than_a_message_may_have_are_a_fault(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	struct request_fault f = { 0 };
	int i;

	(void)state;
	buf_str(&b, "{" U ",\"headers\":{\"X\":[\"\"");
	for (i = 1; i < HTTP_MAX_FIELDS; i++)
		buf_str(&b, ",\"\"");
	buf_str(&b, "]}}");
	parse_good(&r, buf_view(&b));
	assert_int_equal(r.nheader, HTTP_MAX_FIELDS);
	b.n -= 3;
	buf_str(&b, ",\"\"]}}");
	assert_int_equal(request_parse(&r, buf_view(&b), &f), E_INPUT_INVALID);
	buf_fini(&b);
	request_fini(&r);
}

/* Spans into the store stay valid while more strings are decoded. */
static void
test_the_store_does_not_move_under_its_spans(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	char name[32];
	int i;

	(void)state;
	buf_str(&b, "{\"url\":\"\\u0061.test\",\"headers\":{");
	for (i = 0; i < 900; i++)
		buf_printf(&b, "\"\\u0058-%d\":\"\\u0056%d\",", i, i);
	buf_str(&b, "\"Y\":null},\"body_base64\":\"\\u005am9v\"}");
	parse_good(&r, buf_view(&b));
	assert_true(is(r.url, "a.test"));
	for (i = 0; i < 900; i++) {
		snprintf(name, sizeof(name), "X-%d", i);
		assert_true(is(r.header[i].name, name));
		snprintf(name, sizeof(name), "V%d", i);
		assert_true(is(r.header[i].value, name));
	}
	assert_true(is(r.body, "foo"));
	assert_true(r.store.n <= b.n);
	buf_fini(&b);
	request_fini(&r);
}

/*
 * Found by fuzzing: base64 is decoded in the store in place of the unescaped
 * string.
 */
static void
test_escaped_base64_is_decoded_where_it_stands(void **state)
{
	struct buf b = { 0 };
	struct request r = { 0 };
	size_t i;

	(void)state;
	buf_str(&b, "{\"body_base64\":\"");
	for (i = 0; i < 1000; i++)
		buf_str(&b, "\\/\\u002f79");
	buf_str(&b, "\"," U "}");
	parse_good(&r, buf_view(&b));
	assert_int_equal(r.body.n, 3000);
	for (i = 0; i < r.body.n; i += 3)
		assert_memory_equal(r.body.p + i, "\xff\xfe\xfd", 3);
	buf_fini(&b);
	request_fini(&r);
}

static void
test_a_timeout_may_be_a_duration(void **state)
{
	static const struct {
		const char *value;
		int64_t us;
	} t[] = {
		{ "\"10s\"", 10000000 },
		{ "\"500ms\"", 500000 },
		{ "\"1m30s\"", 90000000 },
		{ "\"\\u0031h\"", 3600000000 },
		{ "\"1.5\"", 1500000 },
		{ "\"0\"", 0 },
		{ "\"9999999999999999999999h\"", 1000000000000000 },
		{ "10", 10000000 },
	};
	struct request_fault f;
	struct request r = { 0 };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(line, sizeof(line), "{\"url\":\"h\",\"timeout\":%s}",
		    t[i].value);
		assert_int_equal(request_parse(&r, span_str(line), &f), E_OK);
		assert_int_equal(r.timeout_us, t[i].us);
	}
	request_fini(&r);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_a_line_that_is_no_json_is_a_url_without_its_blanks),
		T(test_a_nul_byte_in_a_url_line_is_a_fault_with_its_column),
		T(test_every_key_is_understood),
		T(test_a_request_is_empty_again_before_the_next_line),
		T(test_an_id_keeps_its_bytes_whatever_scalar_it_is),
		T(test_escapes_are_undone_in_keys_and_strings),
		T(test_a_body_is_text_json_as_it_stands_or_base64),
		T(test_the_name_and_the_digest_of_a_file_are_taken),
		T(test_a_fault_is_told_with_its_key_and_column),
		T(test_of_two_faults_the_first_is_told),
		T(test_id_meta_and_url_are_known_though_the_line_is_at_fault),
		T(test_of_a_line_that_is_no_json_nothing_is_known),
		T(test_a_long_key_is_cut_at_a_character_in_the_fault),
		T(test_a_line_of_a_million_brackets_fails_at_the_depth_limit),
		T(test_more_headers_than_a_message_may_have_are_a_fault),
		T(test_the_store_does_not_move_under_its_spans),
		T(test_escaped_base64_is_decoded_where_it_stands),
		cmocka_unit_test(test_a_timeout_may_be_a_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
