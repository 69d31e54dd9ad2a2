/* SPDX-License-Identifier: ISC */
/*
 * CSS to XPath: verbatim what parsel writes (worker_select_css.golden, made by
 * worker_select_css.py), and the intended differences.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/json/json.h"
#include "worker/select/css.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A row of the list: a string to out, or 0 for null. */
static int
read_cell(struct json *j, struct buf *out)
{
	struct json_value v;

	out->n = 0;
	assert_int_equal(json_element(j), 1);
	assert_int_equal(json_value(j, &v), 0);
	if (v.kind == JSON_NULL)
		return 0;
	json_unescape(out, &v);
	return 1;
}

static void
check(const struct buf *css, enum css_language language, int taken,
    const struct buf *want)
{
	struct buf got = { 0 }, why = { 0 };
	int rc = css_to_xpath(buf_view(css), language, &got, &why);

	if ((rc == 0) != taken)
		fail_msg("%.*s: %s: %.*s", (int)css->n, css->p,
		    taken ? "refused" : "taken", (int)why.n, why.p);
	if (taken && !span_eq(buf_view(&got), buf_view(want)))
		fail_msg("%.*s:\n  %.*s\nnot\n  %.*s", (int)css->n, css->p,
		    (int)got.n, got.p, (int)want->n, want->p);
	if (!taken) {
		assert_true(why.n > 0);
		assert_int_equal(got.n, 0);
	}
	buf_fini(&got);
	buf_fini(&why);
}

static void
check_row(struct span line)
{
	struct buf css = { 0 }, want = { 0 };
	struct json j;

	json_start(&j, line);
	assert_int_equal(json_enter(&j), 0);
	assert_int_equal(read_cell(&j, &css), 1);
	check(&css, CSS_HTML, read_cell(&j, &want), &want);
	check(&css, CSS_XML, read_cell(&j, &want), &want);
	buf_fini(&css);
	buf_fini(&want);
}

static void
test_xpath_is_what_parsel_makes_of_it(void **state)
{
	char *line = NULL;
	size_t size = 0, rows = 0;
	ssize_t n;
	FILE *f;

	(void)state;
	f = fopen(GOLDEN, "r");
	assert_non_null(f);
	while ((n = getline(&line, &size, f)) > 0) {
		check_row(span_of(line, (size_t)n));
		rows++;
	}
	assert_true(rows > 400);
	free(line);
	fclose(f);
}

static void
assert_html(const char *css, const char *want)
{
	struct buf in = { 0 }, out = { 0 };

	buf_str(&in, css);
	if (want != NULL)
		buf_str(&out, want);
	check(&in, CSS_HTML, want != NULL, &out);
	buf_fini(&in);
	buf_fini(&out);
}

static void
test_a_list_needs_no_blanks_behind_its_commas(void **state)
{
	(void)state;
	assert_html(":is(a,.b)",
	    "descendant-or-self::*[(name() = 'a') or (@class and "
	    "contains(concat(' ', normalize-space(@class), ' '), ' b '))]");
	assert_html(":where(a,b)",
	    "descendant-or-self::*[(name() = 'a') or (name() = 'b')]");
}

static void
test_only_letters_of_ascii_are_made_small(void **state)
{
	(void)state;
	assert_html("[\xc3\x89=x]",
	    "descendant-or-self::*[attribute::*[name() = '\xc3\x89'] = 'x']");
}

static void
test_escapes_stand_for_characters(void **state)
{
	(void)state;
	assert_html("\\0", NULL);
	assert_html("[x=\"\\d800 \"]", NULL);
	assert_html("\\dfff x", NULL);
	assert_html("\\10ffff", "descendant-or-self::*[name() = "
				"'\xf4\x8f\xbf\xbf']");
}

static void
test_what_is_not_utf8_is_refused(void **state)
{
	static const char *bad[] = { "\xff", "a\xc3", "[x='\xed\xa0\x80']" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_html(bad[i], NULL);
}

/* `n` times `part` behind a. */
static int
repeat(const char *before, const char *part, size_t n, const char *after)
{
	struct buf in = { 0 }, out = { 0 }, why = { 0 };
	int rc;

	buf_str(&in, before);
	while (n-- > 0)
		buf_str(&in, part);
	buf_str(&in, after);
	rc = css_to_xpath(buf_view(&in), CSS_HTML, &out, &why);
	buf_fini(&in);
	buf_fini(&out);
	buf_fini(&why);
	return rc;
}

static void
test_length_and_depth_have_an_end(void **state)
{
	(void)state;
	assert_int_equal(repeat("a", "a", CSS_SELECTOR_MAX - 1, ""), 0);
	assert_int_equal(repeat("a", "a", CSS_SELECTOR_MAX, ""), -1);
	assert_int_equal(repeat("a", ".b", 190, ""), 0);
	assert_int_equal(repeat("a", ".b", 300, ""), -1);
	assert_int_equal(repeat("a", " b", 190, ""), 0);
	assert_int_equal(repeat("a", " b", 300, ""), -1);
	assert_int_equal(repeat("a", ":is(b", 5000, ""), -1);
	assert_int_equal(repeat("a", ":has('b", 2000, ""), -1);
	assert_int_equal(repeat("a", ", b", 1000, ""), 0);
}

static void
test_a_refusal_says_what_and_where(void **state)
{
	struct buf out = { 0 }, why = { 0 };

	(void)state;
	buf_str(&out, "kept");
	assert_int_equal(css_to_xpath(SPAN("a, b)"), CSS_HTML, &out, &why), -1);
	assert_true(
	    span_eq(buf_view(&why), SPAN("expected a selector, got ')' at 4")));
	assert_true(span_eq(buf_view(&out), SPAN("kept")));
	buf_fini(&out);
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xpath_is_what_parsel_makes_of_it),
		cmocka_unit_test(test_a_list_needs_no_blanks_behind_its_commas),
		cmocka_unit_test(test_only_letters_of_ascii_are_made_small),
		cmocka_unit_test(test_escapes_stand_for_characters),
		cmocka_unit_test(test_what_is_not_utf8_is_refused),
		cmocka_unit_test(test_length_and_depth_have_an_end),
		cmocka_unit_test(test_a_refusal_says_what_and_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
