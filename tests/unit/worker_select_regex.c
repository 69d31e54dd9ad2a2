/* SPDX-License-Identifier: ISC */
/* Patterns: results of parsel's .re(), and limits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/frame.h"
#include "worker/select/regex.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (1u << 20)

static struct regex *
make(const char *pattern)
{
	struct buf why = { 0 };
	struct regex *r = regex_new(span_str(pattern), &why);

	if (r == NULL)
		fail_msg("%s: %.*s", pattern, (int)why.n, why.p);
	buf_fini(&why);
	return r;
}

static int
run(struct regex *r, struct span text, struct buf *out)
{
	struct answer a;

	answer_start(&a, out, FRAME_RESULT_MAX);
	return regex_run(r, text, &a);
}

static void
check(const char *pattern, const char *text, const char *want)
{
	struct regex *r = make(pattern);
	struct buf out = { 0 };

	buf_char(&out, '>');
	assert_int_equal(run(r, span_str(text), &out), 0);
	if (!span_eq(span_of(out.p + 1, out.n - 1), span_str(want)))
		fail_msg("%s on %s: %.*s, not %s", pattern, text, (int)out.n,
		    out.p, want);
	buf_fini(&out);
	regex_free(r);
}

struct row {
	const char *pattern, *text, *want;
};

static void
check_rows(const struct row *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check(t[i].pattern, t[i].text, t[i].want);
}

static void
test_matches_and_groups_as_parsel_gives_them(void **state)
{
	static const struct row rows[] = {
		{ "\\d+", "a1b22", "[\"1\",\"22\"]" },
		{ "x", "abc", "[]" },
		{ "x", "", "[]" },
		{ "", "", "[\"\"]" },
		{ "a(.)", "abac", "[\"b\",\"c\"]" },
		{ "(a)(.)", "abac", "[\"a\",\"b\",\"a\",\"c\"]" },
		{ "(a)|(b)", "ab", "[\"a\",\"\",\"\",\"b\"]" },
		{ "(?:a)b", "ab", "[\"ab\"]" },
		{ "(?P<extract>b).(c)", "abxcbxc", "[\"b\"]" },
		{ "(?P<extract>b)?a", "aba", "[]" },
		{ "(?P<other>b)", "bb", "[\"b\",\"b\"]" },
		{ "\"", "a\"\n", "[\"\\\"\"]" },
		{ "&amp;", "&amp;", "[\"&amp;\"]" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_empty_matches_go_on_as_in_python(void **state)
{
	static const struct row rows[] = {
		{ "a*", "baac", "[\"\",\"aa\",\"\",\"\"]" },
		{ "x*", "ab", "[\"\",\"\",\"\"]" },
		{ "\\b", "ab c", "[\"\",\"\",\"\",\"\"]" },
		{ "|a", "aa", "[\"\",\"a\",\"\",\"a\",\"\"]" },
		{ "(?=(..))", "abc", "[\"ab\",\"bc\"]" },
		{ "x*", "\xc3\xa9\xe6\x97\xa5", "[\"\",\"\",\"\"]" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_pythons_ways_of_writing_are_understood(void **state)
{
	static const struct row rows[] = {
		{ "a\\Z", "ba\na", "[\"a\"]" },
		{ "a\\Z", "a\n", "[]" },
		{ "a$", "a\n", "[\"a\"]" },
		{ "\\u00e9|\\U0001F600", "\xc3\xa9\xf0\x9f\x98\x80",
		    "[\"\xc3\xa9\",\"\xf0\x9f\x98\x80\"]" },
		{ "[\\u00e9x]", "\xc3\xa9", "[\"\xc3\xa9\"]" },
		{ "a\\v", "a\va\n", "[\"a\\u000b\"]" },
		{ "ba{,2}", "baaa", "[\"baa\"]" },
		{ "[{,2}]", "{,2", "[\"{\",\",\",\"2\"]" },
		{ "[]{,2}]+", "],2", "[\"],2\"]" },
		{ "\\{,2}", "{,2}", "[\"{,2}\"]" },
		{ "(?P<n>a)(?P=n)", "aa", "[\"a\"]" },
		{ "\\\\Z", "\\Z", "[\"\\\\Z\"]" },
		{ "a.b", "a\rba\nb", "[\"a\\rb\"]" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_classes_are_unicodes(void **state)
{
	static const struct row rows[] = {
		{ "\\w+", "\xd0\x9c\xd0\xbe\xd1\x81\xd1\x82 \xe6\x97\xa5",
		    "[\"\xd0\x9c\xd0\xbe\xd1\x81\xd1\x82\","
		    "\"\xe6\x97\xa5\"]" },
		{ "\\d", "\xd9\xa3", "[\"\xd9\xa3\"]" },
		{ "a\\sb",
		    "a\xc2\xa0"
		    "b",
		    "[\"a\xc2\xa0"
		    "b\"]" },
		{ "(?i)\xc3\x89", "\xc3\xa9", "[\"\xc3\xa9\"]" },
		{ ".", "\xf0\x9f\x98\x80", "[\"\xf0\x9f\x98\x80\"]" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_bad_patterns_are_refused_with_a_reason(void **state)
{
	static const char *bad[] = { "(", "[a", "a**", "(?P<n", "\\C",
		"(?<=a*)b", "\xff", "(?P=nope)" };
	struct buf why = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		why.n = 0;
		if (regex_new(span_str(bad[i]), &why) != NULL)
			fail_msg("taken: %s", bad[i]);
		assert_true(why.n > 0);
	}
	buf_fini(&why);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* n bytes of c followed by `end`. */
static void
fill(struct buf *text, char c, size_t n, const char *end)
{
	text->n = 0;
	memset(buf_reserve(text, n), c, n);
	text->n = n;
	buf_str(text, end);
}

static void
test_backtracking_ends_in_less_than_a_second(void **state)
{
	static const struct {
		const char *pattern;
		char c;
		size_t n;
		const char *end;
	} rows[] = {
		{ "(a+)+$", 'a', 1000, "b" },
		{ "(a|a)*$", 'a', MIB, "b" },
		{ "(a*)*b", 'a', MIB, "c" },
		{ "(x+x+)+y", 'x', MIB, "z" },
		{ "\\s+x", ' ', MIB, "y" },
		{ "(?s).*?\\s++x", ' ', MIB, "y" },
		{ "(.*)(.*)(.*)(.*)(.*)z", 'a', MIB, "z?" },
		{ "(?:a?){40}b{1}a{40}c", 'a', MIB, "b" },
		{ "(?R)?a(?R)?b", 'a', MIB, "" },
	};
	struct buf text = { 0 }, out = { 0 };
	struct regex *r;
	double began;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fill(&text, rows[i].c, rows[i].n, rows[i].end);
		r = make(rows[i].pattern);
		out.n = 0;
		began = seconds();
		rc = run(r, buf_view(&text), &out);
		if (seconds() - began > 0.95)
			fail_msg(
			    "%s: %.2f s", rows[i].pattern, seconds() - began);
		assert_true(rc == 0 || (rc == -1 && out.n == 0));
		regex_free(r);
	}
	buf_fini(&text);
	buf_fini(&out);
}

/* 8 MiB may take 1.1 s. From each place on, one step goes over all of it. */
static void
test_the_clock_is_looked_at_between_long_steps(void **state)
{
	struct regex *r = make("\\w+\\sx");
	struct buf text = { 0 }, out = { 0 };
	double began = seconds();

	(void)state;
	fill(&text, 'x', 8 * MIB, "");
	assert_int_equal(run(r, buf_view(&text), &out), -1);
	if (seconds() - began > 2)
		fail_msg("%.2f s", seconds() - began);
	regex_free(r);
	buf_fini(&text);
	buf_fini(&out);
}

static void
test_a_limit_is_met_and_the_next_text_is_none_the_worse(void **state)
{
	struct regex *r = make("(a+)+$");
	struct buf text = { 0 }, out = { 0 };

	(void)state;
	fill(&text, 'a', 5000, "b");
	buf_str(&out, "kept");
	assert_int_equal(run(r, buf_view(&text), &out), -1);
	assert_int_equal(out.n, 4);
	assert_int_equal(run(r, SPAN("aa"), &out), 0);
	assert_true(span_eq(buf_view(&out), SPAN("kept[\"aa\"]")));
	regex_free(r);
	buf_fini(&text);
	buf_fini(&out);
}

static void
test_a_long_match_is_none_too_long(void **state)
{
	struct regex *r = make("(?s)<a>(.*?)</a>");
	struct buf text = { 0 }, out = { 0 };

	(void)state;
	fill(&text, 'x', 4 * MIB, "</a>");
	memcpy(text.p, "<a>", 3);
	assert_int_equal(run(r, buf_view(&text), &out), 0);
	assert_int_equal(out.n, 4 * MIB - 3 + 4);
	regex_free(r);
	buf_fini(&text);
	buf_fini(&out);
}

static void
test_a_result_is_no_longer_than_a_result_may_be(void **state)
{
	struct regex *r = make("(?s)(?=(.+))");
	struct buf text = { 0 }, out = { 0 };
	struct answer a;

	(void)state;
	fill(&text, '\n', MIB, "");
	answer_start(&a, &out, FRAME_RESULT_MAX);
	assert_int_equal(regex_run(r, buf_view(&text), &a), 0);
	assert_true(a.full);
	assert_true(out.n <= FRAME_RESULT_MAX);
	assert_true(out.cap <= 4 * FRAME_RESULT_MAX);
	regex_free(r);
	buf_fini(&text);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches_and_groups_as_parsel_gives_them),
		cmocka_unit_test(test_empty_matches_go_on_as_in_python),
		cmocka_unit_test(test_pythons_ways_of_writing_are_understood),
		cmocka_unit_test(test_classes_are_unicodes),
		cmocka_unit_test(test_bad_patterns_are_refused_with_a_reason),
		cmocka_unit_test(test_backtracking_ends_in_less_than_a_second),
		cmocka_unit_test(
		    test_the_clock_is_looked_at_between_long_steps),
		cmocka_unit_test(
		    test_a_limit_is_met_and_the_next_text_is_none_the_worse),
		cmocka_unit_test(test_a_long_match_is_none_too_long),
		cmocka_unit_test(
		    test_a_result_is_no_longer_than_a_result_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
