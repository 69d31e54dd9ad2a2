/* SPDX-License-Identifier: ISC */
/* Tests codec/table.c: cells and rows of CSV and TSV, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "[a|b]" a row of two cells, "[a|b!]" a bad one, "~" an incomplete one. */
static void
feed(struct buf *out, struct table *t, struct span in)
{
	enum table_verdict v;

	while ((v = table_read(t, &in)) != TABLE_MORE) {
		if (v == TABLE_CELL) {
			buf_char(out, t->column == 0 ? '[' : '|');
			buf_span(out, buf_view(&t->cell));
			continue;
		}
		buf_str(out, t->is_bad ? "!]" : "]");
		buf_u64(out, t->ncell);
	}
	assert_int_equal(in.n, 0);
}

static void
check(const char *text, int is_tsv, const char *want)
{
	struct span in = span_str(text);
	struct table t = { 0 };
	struct buf out = { 0 };
	size_t cut, i;

	for (cut = 0; cut <= in.n + 1; cut++) {
		out.n = 0;
		table_start(&t, is_tsv);
		if (cut <= in.n) {
			feed(&out, &t, span_of(in.p, cut));
			feed(&out, &t, span_skip(in, cut));
		} else
			for (i = 0; i < in.n; i++)
				feed(&out, &t, span_of(in.p + i, 1));
		buf_str(&out, t.is_open ? "~" : "");
		buf_char(&out, '\0');
		assert_string_equal(out.p, want);
	}
	table_fini(&t);
	buf_fini(&out);
}

static void
test_rows_of_csv_are_read_as_rfc_4180_says(void **state)
{
	static const struct {
		const char *in, *want;
	} t[] = {
		{ "", "" },
		{ "a,b\n1,2\n", "[a|b]2[1|2]2" },
		{ "a,b\r\n1,2\r\n", "[a|b]2[1|2]2" },
		{ "\n", "[]1" },
		{ "\r\n", "[]1" },
		{ ",\n,,\n", "[|]2[||]3" },
		{ "\"\",\"a\"\n", "[|a]2" },
		{ "\"a\"\"b\",\"\"\"\"\n", "[a\"b|\"]2" },
		{ "\"a,b\nc\r\n\",2\r\n", "[a,b\nc\r\n|2]2" },
		{ "a\"b,2\n", "[a\"b|2]2" },
		{ " \"a\"\n", "[ \"a\"]1" },
		{ "a\rb\r\r\n", "[a\rb\r]1" },
		{ "\"a\"b,2\n", "[ab|2!]2" },
		{ "\"a\"\rb\n", "[a\rb!]1" },
		{ "\"a\"b\nc\n", "[ab!]1[c]1" },
		{ "a\\n\n", "[a\\n]1" },
		{ "a\tb\n", "[a\tb]1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		check(t[i].in, 0, t[i].want);
}

static void
test_rows_of_tsv_are_read_as_copy_does(void **state)
{
	static const struct {
		const char *in, *want;
	} t[] = {
		{ "a\tb\n1\t2\n", "[a|b]2[1|2]2" },
		{ "\t\n", "[|]2" },
		{ "a\\tb\\n\\r\\\\\tc\n", "[a\tb\n\r\\|c]2" },
		{ "\"a\",b\n", "[\"a\",b]1" },
		{ "a\\x\n", "[ax!]1" },
		{ "a\\\nb\n", "[a!]1[b]1" },
		{ "a\r\n", "[a\r]1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		check(t[i].in, 1, t[i].want);
}

static void
test_a_row_that_breaks_off_is_open(void **state)
{
	(void)state;
	check("a,b\n1", 0, "[a|b]2~");
	check("a,b\n1,", 0, "[a|b]2[1~");
	check("a,b\n\"1\n2\n", 0, "[a|b]2~");
	check("a,b\n1,\"2\"", 0, "[a|b]2[1~");
	check("a\tb\\", 1, "[a~");
	check("a\r", 0, "~");
}

static void
test_of_a_large_cell_the_beginning_is_kept(void **state)
{
	struct table t = { 0 };
	struct buf b = { 0 };
	struct span in;

	(void)state;
	while (b.n < 3 * TABLE_CELL_MAX)
		buf_str(&b, "0123456789abcdef\"\"\n");
	memcpy(b.p, "\"", 1);
	buf_str(&b, "\",2\n");
	table_start(&t, 0);
	in = buf_view(&b);
	assert_int_equal(table_read(&t, &in), TABLE_CELL);
	assert_int_equal(t.cell.n, TABLE_CELL_MAX);
	assert_true(t.cell.cap <= 2 * TABLE_CELL_MAX);
	assert_int_equal(table_read(&t, &in), TABLE_CELL);
	assert_true(span_eq(buf_view(&t.cell), SPAN("2")));
	assert_int_equal(t.column, 1);
	assert_int_equal(table_read(&t, &in), TABLE_ROW);
	assert_false(t.is_bad);
	assert_int_equal(in.n, 0);
	table_fini(&t);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_of_csv_are_read_as_rfc_4180_says),
		cmocka_unit_test(test_rows_of_tsv_are_read_as_copy_does),
		cmocka_unit_test(test_a_row_that_breaks_off_is_open),
		cmocka_unit_test(test_of_a_large_cell_the_beginning_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
