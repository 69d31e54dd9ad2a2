/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/json/json.c. Called as `unit_codec_json --check FILE` it
 * serves tests/e2e/test_json_differential.py instead: FILE holds texts, each
 * preceded by its length in decimal and a newline; for each it prints a line
 * "valid" or "invalid AT WHY".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "codec/json/json.h"

/* 0 if s is one JSON value and nothing else. */
static int
check(struct json *j, struct span s)
{
	struct json_value v;

	json_start(j, s);
	return json_value(j, &v) == -1 || json_end(j) == -1 ? -1 : 0;
}

/*
 * A copy of the exact size, so that AddressSanitizer detects a read past its
 * end.
 */
static char *
exact(struct span s)
{
	char *p = malloc(s.n > 0 ? s.n : 1);

	assert_non_null(p);
	memcpy(p, s.p, s.n);
	return p;
}

static const char *const good[] = {
	"null",
	"true",
	"false",
	" \t\r\n1\n ",
	"0",
	"-0",
	"1.5",
	"-1e9",
	"1E+400",
	"1e-400",
	"9223372036854775808",
	"\"\"",
	"\"\\u0000\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	"\"\\ud834\\udd1e\"",
	"\"\\uDBFF\\uDFFF\"",
	"\"\xc3\xa9 \xe2\x80\xa8 \xf0\x9d\x84\x9e\"",
	"\"\x7f\"",
	"[]",
	"[ ]",
	"{}",
	"{ }",
	"[1,2 , 3]",
	"[[[]],{}]",
	"{\"a\":1,\"a\":2}",
	"{\"\":{\"b\":[{}]}}",
	"{ \"a\" : null }",
	"\"a plain string of more than eight bytes\"",
};

static void
test_what_the_rfc_allows_is_read(void **state)
{
	struct json j;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (check(&j, span_str(good[i])) != 0)
			fail_msg("%s: %s at %zu", good[i], j.why, j.at);
}

static const struct {
	const char *text;
	size_t at;
} bad[] = {
	{ "", 0 },
	{ "  ", 2 },
	{ "nul", 0 },
	{ "nulL", 0 },
	{ "True", 0 },
	{ "NaN", 0 },
	{ "-Infinity", 1 },
	{ "+1", 0 },
	{ "01", 0 },
	{ "-01", 1 },
	{ "1.", 2 },
	{ ".5", 0 },
	{ "1e", 2 },
	{ "1e+", 3 },
	{ "-", 1 },
	{ "0x10", 1 },
	{ "1 2", 2 },
	{ "\"abc", 0 },
	{ "\"a\nb\"", 2 },
	{ "\"a\tb\"", 2 },
	{ "\"0123456789\x01\"", 11 },
	{ "\"\\", 1 },
	{ "\"\\x\"", 1 },
	{ "\"\\u12\"", 1 },
	{ "\"\\u12g4\"", 1 },
	{ "\"ab\\ud800\"", 3 },
	{ "\"\\udc00\"", 1 },
	{ "\"\\ud800\\ud800\"", 1 },
	{ "\"\\ud800\\n\"", 1 },
	{ "\"\\ud800x\\udc00\"", 1 },
	{ "\"\\ud800\\u", 1 },
	{ "\"a\xff\"", 2 },
	{ "\"\xc0\x80\"", 1 },
	{ "\"\xed\xa0\x80\"", 1 },
	{ "\"\xf4\x90\x80\x80\"", 1 },
	{ "\"\xe2\x80", 1 },
	{ "\xef\xbb\xbf"
	  "1",
	    0 },
	{ "'a'", 0 },
	{ "[", 1 },
	{ "[1", 2 },
	{ "[1,", 3 },
	{ "[1,]", 3 },
	{ "[,1]", 1 },
	{ "[1 2]", 3 },
	{ "[1}", 2 },
	{ "{", 1 },
	{ "{\"a\"", 4 },
	{ "{\"a\":", 5 },
	{ "{\"a\":1", 6 },
	{ "{\"a\":1,", 7 },
	{ "{\"a\":1,}", 7 },
	{ "{\"a\" 1}", 5 },
	{ "{a:1}", 1 },
	{ "{1:1}", 1 },
	{ "{\"a\":1]", 6 },
	{ "[]]", 2 },
	{ "{}{}", 2 },
	{ "// x\n1", 0 },
};

static void
test_everything_else_is_refused_where_it_goes_wrong(void **state)
{
	struct json j;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (check(&j, span_str(bad[i].text)) == 0)
			fail_msg("%s was taken", bad[i].text);
		assert_non_null(j.why);
		if (j.at != bad[i].at)
			fail_msg("%s: %s at %zu", bad[i].text, j.why, j.at);
	}
}

static void
test_a_nul_byte_is_no_white_space_and_no_escape(void **state)
{
	struct json j;

	(void)state;
	assert_int_equal(check(&j, SPAN("1\0")), -1);
	assert_int_equal(check(&j, SPAN("\"\0\"")), -1);
	assert_int_equal(check(&j, SPAN("\"\\\0\"")), -1);
}

/* Objects, lists and strings are incomplete until their last byte. */
static void
test_a_text_cut_at_any_byte_is_refused(void **state)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e+3,\"\\u00e9\\ud834\\udd1e\\n \xe2\x82\xac\"],"
	    "\"b\":{\"c\":true,\"d\":false,\"e\":null},\"longer key\":0}";
	struct json j;
	char *p;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text) - 1; n++) {
		p = exact(span_of(text, n));
		if (check(&j, span_of(p, n)) == 0)
			fail_msg("taken when cut at %zu", n);
		assert_true(j.at <= n);
		free(p);
	}
	assert_int_equal(check(&j, SPAN(text)), 0);
}

static int
nested(struct json *j, const char *open, const char *shut, size_t depth)
{
	struct buf b = { 0 };
	size_t i;
	int r;

	for (i = 0; i < depth; i++)
		buf_str(&b, open);
	buf_str(&b, "0");
	for (i = 0; i < depth; i++)
		buf_str(&b, shut);
	r = check(j, buf_view(&b));
	buf_fini(&b);
	return r;
}

static void
test_sixty_four_levels_are_the_most(void **state)
{
	struct json j;

	(void)state;
	assert_int_equal(nested(&j, "[", "]", 64), 0);
	assert_int_equal(nested(&j, "[", "]", 65), -1);
	assert_int_equal(j.at, 64);
	assert_int_equal(nested(&j, "{\"a\":", "}", 64), 0);
	assert_int_equal(nested(&j, "{\"a\":", "}", 65), -1);
	assert_int_equal(nested(&j, "[{\"a\":", "}]", 32), 0);
	assert_int_equal(nested(&j, "[{\"a\":", "}]", 33), -1);
	assert_int_equal(nested(&j, "[", "]", 1000000), -1);
	assert_int_equal(j.at, 64);
}

static void
test_depth_is_of_what_is_open_not_of_what_was(void **state)
{
	struct buf b = { 0 };
	struct json j;
	int i;

	(void)state;
	buf_char(&b, '[');
	for (i = 0; i < 1000; i++)
		buf_str(&b, "[{}],");
	buf_str(&b, "[]]");
	assert_int_equal(check(&j, buf_view(&b)), 0);
	buf_fini(&b);
}

static void
test_a_value_comes_with_its_raw_bytes(void **state)
{
	static const char text[] =
	    " { \"id\" : 9223372036854775808, \"x\\n\":[ 1, {} ] ,"
	    "\"s\":\"\\u00e9\" }";
	struct json_value key, v;
	struct json j;

	(void)state;
	json_start(&j, SPAN(text));
	assert_int_equal(json_enter(&j), 0);
	assert_int_equal(json_member(&j, &key), 1);
	assert_true(span_eq(json_inside(&key), SPAN("id")));
	assert_false(key.escaped);
	assert_int_equal(json_value(&j, &v), 0);
	assert_int_equal(v.kind, JSON_NUMBER);
	assert_true(span_eq(v.raw, SPAN("9223372036854775808")));
	assert_int_equal(json_member(&j, &key), 1);
	assert_true(key.escaped);
	assert_int_equal(json_value(&j, &v), 0);
	assert_int_equal(v.kind, JSON_LIST);
	assert_true(span_eq(v.raw, SPAN("[ 1, {} ]")));
	assert_int_equal(json_member(&j, &key), 1);
	assert_int_equal(json_value(&j, &v), 0);
	assert_int_equal(v.kind, JSON_STRING);
	assert_true(span_eq(v.raw, SPAN("\"\\u00e9\"")));
	assert_int_equal(json_member(&j, &key), 0);
	assert_int_equal(json_end(&j), 0);
}

static void
test_a_list_is_walked_element_by_element(void **state)
{
	struct json_value v;
	struct json j;
	int sum = 0;

	(void)state;
	json_start(&j, SPAN("[1,[2,3],[],4]"));
	assert_int_equal(json_enter(&j), 0);
	assert_int_equal(json_element(&j), 1);
	assert_int_equal(json_value(&j, &v), 0);
	assert_int_equal(json_element(&j), 1);
	assert_int_equal(json_enter(&j), 0);
	while (json_element(&j) == 1 && json_value(&j, &v) == 0)
		sum += v.raw.p[0] - '0';
	assert_int_equal(sum, 5);
	assert_int_equal(json_element(&j), 1);
	assert_int_equal(json_enter(&j), 0);
	assert_int_equal(json_element(&j), 0);
	assert_int_equal(json_element(&j), 1);
	assert_int_equal(json_value(&j, &v), 0);
	assert_int_equal(json_element(&j), 0);
	assert_int_equal(json_end(&j), 0);
}

static void
test_a_fault_stays(void **state)
{
	struct json_value v;
	struct json j;

	(void)state;
	json_start(&j, SPAN("[1 2]"));
	assert_int_equal(json_enter(&j), 0);
	assert_int_equal(json_element(&j), 1);
	assert_int_equal(json_value(&j, &v), 0);
	assert_int_equal(json_element(&j), -1);
	assert_int_equal(json_element(&j), -1);
	assert_int_equal(json_value(&j, &v), -1);
	assert_int_equal(json_enter(&j), -1);
	assert_int_equal(json_end(&j), -1);
	assert_int_equal(j.at, 3);
	json_start(&j, SPAN("3"));
	assert_int_equal(json_enter(&j), -1);
}

static const struct {
	const char *text;
	struct span chars;
} unescaped[] = {
	{ "\"\"", { "", 0 } },
	{ "\"plain\"", { "plain", 5 } },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", { "\"\\/\b\f\n\r\t", 8 } },
	{ "\"a\\u0000b\"", { "a\0b", 3 } },
	{ "\"\\u00E9\\u20aC\"", { "\xc3\xa9\xe2\x82\xac", 5 } },
	{ "\"x\\ud834\\udd1ey\"", { "x\xf0\x9d\x84\x9ey", 6 } },
	{ "\"\\\\u0041\"", { "\\u0041", 6 } },
};

static void
test_escapes_become_the_characters_they_stand_for(void **state)
{
	struct buf b = { 0 };
	struct json_value v;
	struct json j;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(unescaped) / sizeof(unescaped[0]); i++) {
		json_start(&j, span_str(unescaped[i].text));
		assert_int_equal(json_value(&j, &v), 0);
		b.n = 0;
		json_unescape(&b, &v);
		if (!span_eq(buf_view(&b), unescaped[i].chars))
			fail_msg("%s", unescaped[i].text);
		assert_true(b.n <= v.raw.n - 2);
	}
	buf_fini(&b);
}

/* Each kind of byte at each place in the eight bytes that are read at once. */
static void
test_the_fast_path_sees_every_special_byte(void **state)
{
	char text[34];
	struct json j;
	size_t at;
	int c, is_good;

	(void)state;
	for (c = 0; c < 256; c++)
		for (at = 1; at < sizeof(text) - 1; at++) {
			memset(text, 'x', sizeof(text));
			text[0] = text[sizeof(text) - 1] = '"';
			text[at] = (char)c;
			is_good =
			    c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
			if ((check(&j, span_of(text, sizeof(text))) == 0) !=
			    is_good)
				fail_msg("byte %d at %zu", c, at);
		}
}

static void
test_a_text_is_a_value_whatever_white_space_is_around_it(void **state)
{
	struct span raw = SPAN("untouched");

	(void)state;
	assert_true(json_read_answer(SPAN("\r\n\t [1,\n2] \n\r\n"), &raw));
	assert_true(span_eq(raw, SPAN("[1,\n2]")));
	assert_true(json_read_answer(SPAN("0"), NULL));
	assert_false(json_read_answer(SPAN("{} {}"), &raw));
	assert_false(json_read_answer(SPAN("{"), &raw));
	assert_false(json_read_answer(SPAN(" \n"), &raw));
	assert_false(json_read_answer(SPAN_NONE, &raw));
	assert_true(span_eq(raw, SPAN("[1,\n2]")));
}

static void
test_of_answers_the_grammar_is_enough(void **state)
{
	static const char *const answers[] = { "\"\\ud800\"",
		"[\"\\udc00\\ud800\"]", "{\"\\ud83d\":\"x\\ud83d\\u0041\"}",
		"\xef\xbb\xbf{}", "\xef\xbb\xbf \n1\n", "\"\\u0000\"",
		"{\"a\":1,\"a\":2}", "1e400", "123456789012345678901234567890",
		"\"\xe2\x80\xa8\x7f\"" };
	static const char *const no_answers[] = { "", "\xef\xbb\xbf",
		"\"\\ud80\"", "\"\\ud800\\u00g0\"", "\"\xff\"",
		"\"\xed\xa0\x80\"", "{}\xef\xbb\xbf",
		"\xef\xbb\xbf\xef\xbb\xbf{}", "\xef\xbb{}", "[1,]", "\x0b[]",
		"NaN", "'a'", "\xff\xfe[\0" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (!json_read_answer(span_str(answers[i]), NULL))
			fail_msg("%s", answers[i]);
	for (i = 0; i < sizeof(no_answers) / sizeof(no_answers[0]); i++)
		if (json_read_answer(span_str(no_answers[i]), NULL))
			fail_msg("%s", no_answers[i]);
}

static void
test_half_a_pair_reads_as_a_replacement_character(void **state)
{
	struct buf b = { 0 };
	struct json_value v;
	struct json j;

	(void)state;
	json_start_answer(
	    &j, SPAN("\"a\\ud83d\\ude00\\ud83d\\ude0\\u0062\\udc00\""));
	assert_int_equal(json_value(&j, &v), -1);
	json_start_answer(
	    &j, SPAN("\"a\\ud83d\\ude00\\ud83dx\\u0062\\udc00\""));
	assert_int_equal(json_value(&j, &v), 0);
	json_unescape(&b, &v);
	assert_true(span_eq(
	    buf_view(&b), SPAN("a\xf0\x9f\x98\x80\xef\xbf\xbdxb\xef\xbf\xbd")));
	buf_fini(&b);
}

static void
test_answers_may_be_512_deep_and_have_a_record_around_them(void **state)
{
	struct buf b = { 0 };
	struct json_value v;
	struct span deep;
	struct json j;
	size_t n, i;

	(void)state;
	for (n = 1; n <= JSON_READER_DEPTH_MAX + 1; n++) {
		b.n = 0;
		for (i = 0; i < n; i++)
			buf_str(&b, i % 3 == 1 ? "{\"[\":" : "[");
		buf_char(&b, '1');
		for (i = n; i-- > 0;)
			buf_char(&b, i % 3 == 1 ? '}' : ']');
		deep = buf_view(&b);
		assert_int_equal(
		    json_read_answer(deep, NULL), n <= JSON_ANSWER_DEPTH_MAX);
		assert_int_equal(check(&j, deep), n <= JSON_DEPTH_MAX ? 0 : -1);
		json_start_answer(&j, deep);
		assert_int_equal(
		    json_value(&j, &v), n <= JSON_READER_DEPTH_MAX ? 0 : -1);
		/* A bracket of the wrong kind is detected at every depth. */
		b.p[b.n - 1 - n / 2] ^= '}' ^ ']';
		assert_false(json_read_answer(deep, NULL));
	}
	buf_fini(&b);
}

static int
check_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct json j;
	char *text;
	size_t n;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	while (fscanf(f, "%zu", &n) == 1 && fgetc(f) == '\n') {
		text = malloc(n > 0 ? n : 1);
		if (text == NULL || fread(text, 1, n, f) != n)
			return 1;
		if (check(&j, span_of(text, n)) == 0)
			puts("valid");
		else
			printf("invalid %zu %s\n", j.at, j.why);
		free(text);
	}
	fclose(f);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_rfc_allows_is_read),
		cmocka_unit_test(
		    test_everything_else_is_refused_where_it_goes_wrong),
		cmocka_unit_test(
		    test_a_nul_byte_is_no_white_space_and_no_escape),
		cmocka_unit_test(test_a_text_cut_at_any_byte_is_refused),
		cmocka_unit_test(test_sixty_four_levels_are_the_most),
		cmocka_unit_test(test_depth_is_of_what_is_open_not_of_what_was),
		cmocka_unit_test(test_a_value_comes_with_its_raw_bytes),
		cmocka_unit_test(test_a_list_is_walked_element_by_element),
		cmocka_unit_test(test_a_fault_stays),
		cmocka_unit_test(
		    test_escapes_become_the_characters_they_stand_for),
		cmocka_unit_test(test_the_fast_path_sees_every_special_byte),
		cmocka_unit_test(
		    test_a_text_is_a_value_whatever_white_space_is_around_it),
		cmocka_unit_test(test_of_answers_the_grammar_is_enough),
		cmocka_unit_test(
		    test_half_a_pair_reads_as_a_replacement_character),
		cmocka_unit_test(
		    test_answers_may_be_512_deep_and_have_a_record_around_them),
	};

	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check_file(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
