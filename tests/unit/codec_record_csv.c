/* SPDX-License-Identifier: ISC */
/*
 * Tests csv.c of src/codec/record: what each kind of value becomes in a cell of
 * CSV and TSV, that readers get back what was written however it was cut into
 * pieces, and that no cell is a formula with --csv-safe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_record_test.h"

#define PIECE (12u << 10) /* RECORD_PIECE */

static struct record_format
format_of(const char *fields)
{
	struct record_format f = { .include_headers = 1 };
	struct span bad;

	assert_int_equal(
	    record_fields(&f, span_str(fields), &bad), RECORD_FIELDS_OK);
	return f;
}

static void
write_row(struct buf *b, const struct record *r, const struct record_format *f,
    size_t max)
{
	struct record_at at = { 0 };

	while (record_csv_write(b, r, f, &at, max) == 1)
		continue;
}

static void
expect_row(
    const struct record *r, const struct record_format *f, const char *want)
{
	struct buf b = { 0 };

	write_row(&b, r, f, ALL);
	buf_char(&b, '\0');
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

/* The cells of one row, as a reader of RFC 4180 or of COPY takes them; each
 * ends with a NUL. */
static void
read_row(struct buf *cells, struct span row, int is_tsv)
{
	size_t i = 0;

	assert_true(row.n > 0 && row.p[row.n - 1] == '\n');
	while (i < row.n) {
		if (!is_tsv && row.p[i] == '"') {
			for (i++; row.p[i] != '"' || row.p[i + 1] == '"'; i++) {
				i += row.p[i] == '"';
				buf_char(cells, row.p[i]);
				assert_true(i + 1 < row.n);
			}
			i++;
		} else
			for (; row.p[i] != (is_tsv ? '\t' : ',') &&
			       row.p[i] != '\n';
			     i++) {
				if (is_tsv && row.p[i] == '\\') {
					i++;
					buf_char(cells, row.p[i] == 'n'   ? '\n'
							: row.p[i] == 't' ? '\t'
							: row.p[i] == 'r'
							    ? '\r'
							    : '\\');
				} else {
					assert_int_not_equal(row.p[i], '\r');
					buf_char(cells, row.p[i]);
				}
			}
		buf_char(cells, '\0');
		assert_true(row.p[i] == (is_tsv ? '\t' : ',') ||
			    (row.p[i] == '\n' && i + 1 == row.n));
		i++;
	}
}

/* ---- values ---- */

static void
test_each_kind_of_value_has_its_cell(void **state)
{
	static const struct {
		const char *json, *csv, *tsv;
	} t[] = {
		{ "\"a b\"", "a b", "a b" },
		{ "\"\"", "\"\"", "" },
		{ "null", "", "" },
		{ "true", "true", "true" },
		{ "-1.5e3", "-1.5e3", "-1.5e3" },
		{ "\"a,b\"", "\"a,b\"", "a,b" },
		{ "\"say \\\"x\\\"\"", "\"say \"\"x\"\"\"", "say \"x\"" },
		{ "\"a\\nb\"", "\"a\nb\"", "a\\nb" },
		{ "\"a\\r\\tb\"", "\"a\r\tb\"", "a\\r\\tb" },
		{ "\" a\"", "\" a\"", " a" },
		{ "\"\\\\.\"", "\"\\.\"", "\\\\." },
		{ "\"\\u00e4\\ud83d\\ude00\"", "\xc3\xa4\xf0\x9f\x98\x80",
		    "\xc3\xa4\xf0\x9f\x98\x80" },
		{ "\"a\\u0000b\"",
		    "a\xef\xbf\xbd"
		    "b",
		    "a\xef\xbf\xbd"
		    "b" },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx", "\xef\xbf\xbdx" },
		{ "\"\\ud83d\\n\"", "\"\xef\xbf\xbd\n\"", "\xef\xbf\xbd\\n" },
		{ "\"\\ud83d\"", "\xef\xbf\xbd", "\xef\xbf\xbd" },
		{ "[]", "", "" },
		{ "[\"a\",\"b c\", 1, null ,true]", "a b c 1  true",
		    "a b c 1  true" },
		{ "[ \"a,\" ]", "\"a,\"", "a," },
		{ "[1,{\"a\":[2,\"]\"]},3]",
		    "\"1 {\"\"a\"\":[2,\"\"]\"\"]} 3\"",
		    "1 {\"a\":[2,\"]\"]} 3" },
		{ "[{\"a\":1},2]", "\"[{\"\"a\"\":1},2]\"", "[{\"a\":1},2]" },
		{ "[[1]]", "[[1]]", "[[1]]" },
		{ "{}", "{}", "{}" },
		{ "{\"a\":\"}\\\"\\n\"}", "\"{\"\"a\"\":\"\"}\\\"\"\\n\"\"}\"",
		    "{\"a\":\"}\\\\\"\\\\n\"}" },
	};
	struct record_format f = format_of("seq,meta,complete");
	struct record r = blank;
	char want[100];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		r.meta = span_str(t[i].json);
		snprintf(want, sizeof(want), "1,%s,false\n", t[i].csv);
		f.is_tsv = 0;
		expect_row(&r, &f, want);
		snprintf(want, sizeof(want), "1\t%s\tfalse\n", t[i].tsv);
		f.is_tsv = 1;
		expect_row(&r, &f, want);
	}
}

static void
test_a_key_that_the_record_does_not_have_is_an_empty_cell(void **state)
{
	struct record_format f =
	    format_of("custom_id,id,meta.a,flags,error,body,interim,url");
	struct record r = blank;

	(void)state;
	expect_row(&r, &f, ",,,,,,,\n");
	f = format_of("id,flags,error,body");
	r.id = SPAN("\"x\"");
	r.id_is_custom = 1;
	r.flags = HTTP_LENIENT_FRAMING | RECORD_TRAILING_DATA;
	r.error = E_CONNECT_REFUSED;
	r.has_body = 1;
	expect_row(
	    &r, &f, "x,lenient_framing trailing_data,connect_refused,\"\"\n");
}

static void
test_no_row_is_an_empty_line_of_csv(void **state)
{
	struct record_format f = format_of("url");
	struct record r = blank;

	(void)state;
	expect_row(&r, &f, "\"\"\n");
	f.is_tsv = 1;
	expect_row(&r, &f, "\n");
}

static void
test_the_head_has_the_names_of_the_fields(void **state)
{
	struct record_format f = format_of("seq, extract.a b.0,header.x\"y");
	struct buf b = { 0 };

	(void)state;
	record_csv_head(&b, &f);
	f.is_tsv = 1;
	record_csv_head(&b, &f);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "seq,extract.a b.0,\"header.x\"\"y\"\n"
				 "seq\textract.a b.0\theader.x\"y\n");
	buf_fini(&b);
}

static void
test_a_body_that_is_no_text_is_base64_in_either_column(void **state)
{
	struct record_format f = format_of("body,size_decoded");
	struct record r = blank;

	(void)state;
	r.has_body = 1;
	r.body = SPAN("\xff\xfe");
	expect_row(&r, &f, "//4=,0\n");
	f = format_of("body,body_base64");
	expect_row(&r, &f, ",//4=\n");
	r.body = SPAN("a\r\n,");
	expect_row(&r, &f, "\"a\r\n,\",\n");
	f = format_of("body_json.k.1,body_json");
	f.body = RECORD_BODY_JSON;
	r.body = SPAN("{\"k\":\n[1,\"x\"]}");
	r.content_type = SPAN("application/json");
	r.complete = 1;
	expect_row(&r, &f, "x,\"{\"\"k\"\": [1,\"\"x\"\"]}\"\n");
}

/* ---- pieces ---- */

/* However it is cut, readers get the same cells. */
static void
check_pieces(const struct record *r, struct record_format *f, const char *first,
    struct span second)
{
	static const size_t maxes[] = { 1, PIECE, 3 * PIECE + 5, ALL };
	struct buf row = { 0 }, cells = { 0 }, want = { 0 };
	size_t i;

	buf_add(&want, first, strlen(first) + 1);
	buf_span(&want, second);
	buf_char(&want, '\0');
	for (f->is_tsv = 0; f->is_tsv < 2; f->is_tsv++)
		for (i = 0; i < COUNT(maxes); i++) {
			row.n = cells.n = 0;
			write_row(&row, r, f, maxes[i]);
			read_row(&cells, buf_view(&row), f->is_tsv);
			assert_int_equal(cells.n, want.n);
			assert_memory_equal(cells.p, want.p, want.n);
		}
	buf_fini(&row);
	buf_fini(&cells);
	buf_fini(&want);
}

static void
test_an_escape_may_be_cut_at_every_byte(void **state)
{
	struct record_format f = format_of("seq,meta.k");
	struct buf json = { 0 }, text = { 0 };
	struct record r = blank;
	size_t i, k;

	(void)state;
	for (i = 0; i < 40; i++) {
		json.n = text.n = 0;
		buf_str(&json, "{\"k\":\"");
		for (k = 0; k < PIECE - i; k++) {
			buf_char(&json, 'x');
			buf_char(&text, 'x');
		}
		buf_str(
		    &json, "\\ud83d\\ude00\\n\\\"\\ud83d\\u0041,\\u00e9\"}");
		buf_str(&text, "\xf0\x9f\x98\x80\n\"\xef\xbf\xbd"
			       "A,\xc3\xa9");
		r.meta = buf_view(&json);
		check_pieces(&r, &f, "1", buf_view(&text));
	}
	buf_fini(&json);
	buf_fini(&text);
}

static void
test_a_long_list_may_be_cut_at_every_byte(void **state)
{
	struct record_format f = format_of("seq,meta.k");
	struct buf json = { 0 }, text = { 0 };
	struct record r = blank;
	size_t i, k;

	(void)state;
	for (i = 0; i < 60; i++) {
		json.n = text.n = 0;
		buf_str(&json, "{\"k\":[\"");
		for (k = 0; k < PIECE - i; k++) {
			buf_char(&json, 'x');
			buf_char(&text, 'x');
		}
		buf_str(&json,
		    "\" , 12 ,null,{\"a\":[\"\\\\\",{}]},\"\", \"\\\"\"]}");
		buf_str(&text, " 12  {\"a\":[\"\\\\\",{}]}  \"");
		r.meta = buf_view(&json);
		check_pieces(&r, &f, "1", buf_view(&text));
	}
	buf_fini(&json);
	buf_fini(&text);
}

static void
test_a_large_body_comes_back_byte_for_byte(void **state)
{
	struct record_format f = format_of("seq,body");
	struct buf body = { 0 };
	struct record r = blank;
	unsigned k;

	(void)state;
	for (k = 0; k < 200000; k++)
		buf_char(&body, "a,\"\n\t\\\r "[k * 7 % 8]);
	r.has_body = 1;
	r.body = buf_view(&body);
	check_pieces(&r, &f, "1", r.body);
	buf_fini(&body);
}

static void
test_a_piece_is_about_as_large_as_asked(void **state)
{
	struct record_format f = format_of("body,body_base64,seq");
	struct buf body = { 0 }, row = { 0 };
	struct record_at at = { 0 };
	struct record r = blank;
	int n = 1;

	(void)state;
	memset(buf_reserve(&body, 1 << 20), 'x', 1 << 20);
	body.n = 1 << 20;
	r.has_body = 1;
	r.body = buf_view(&body);
	while (record_csv_write(&row, &r, &f, &at, 2 * PIECE) == 1) {
		assert_true(row.n > 0 && row.n <= 4 * PIECE);
		row.n = 0;
		n++;
	}
	assert_true(n > 30);
	buf_fini(&body);
	buf_fini(&row);
}

/* ---- spreadsheets ---- */

static void
test_no_cell_is_a_formula_if_it_must_be_safe(void **state)
{
	static const struct {
		const char *json, *cell;
	} t[] = {
		{ "\"=1+1\"", "'=1+1" },
		{ "\"+49 30\"", "'+49 30" },
		{ "\"-5+cmd|' /C calc'!A0\"", "'-5+cmd|' /C calc'!A0" },
		{ "\"@SUM(1,2)\"", "\"'@SUM(1,2)\"" },
		{ "\"\\t=1\"", "'\t=1" },
		{ "\"\\r=1\"", "\"'\r=1\"" },
		{ "\"\\n=1\"", "\"'\n=1\"" },
		{ "\"  =1\"", "'  =1" },
		{ "\"\\uff1d1\"", "'\xef\xbc\x9d"
				  "1" },
		{ "[\"=a\",\"b\"]", "'=a b" },
		{ "\"-5\"", "-5" },
		{ "\"+1.25\"", "+1.25" },
		{ "\"-\"", "'-" },
		{ "\"-1.2.3\"", "'-1.2.3" },
		{ "-5", "-5" },
		{ "\"a=1\"", "a=1" },
		{ "\"\"", "\"\"" },
		{ "null", "" },
		{ "{\"=\":1}", "\"{\"\"=\"\":1}\"" },
	};
	struct record_format f = format_of("seq,meta,complete");
	struct record r = blank;
	char want[100];
	size_t i;

	(void)state;
	f.is_safe = 1;
	for (i = 0; i < COUNT(t); i++) {
		r.meta = span_str(t[i].json);
		snprintf(want, sizeof(want), "1,%s,false\n", t[i].cell);
		expect_row(&r, &f, want);
	}
	f.is_tsv = 1;
	r.meta = SPAN("\"\\t=1\"");
	expect_row(&r, &f, "1\t'\\t=1\tfalse\n");
}

static void
test_a_long_formula_is_made_safe_once(void **state)
{
	struct record_format f = format_of("seq,body");
	struct buf body = { 0 }, want = { 0 };
	struct record r = blank;
	unsigned k;

	(void)state;
	for (k = 0; k < 3 * PIECE; k++)
		buf_char(&body, '=');
	buf_char(&want, '\'');
	buf_span(&want, buf_view(&body));
	r.has_body = 1;
	r.body = buf_view(&body);
	f.is_safe = 1;
	check_pieces(&r, &f, "1", buf_view(&want));
	buf_fini(&body);
	buf_fini(&want);
}

static void
test_a_terminal_gets_no_control_characters(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, "\033kept,");
	record_hide_controls(&b, 1);
	assert_true(span_eq(buf_view(&b), SPAN("\033kept,")));
	buf_str(&b, "\033[2J\x7f\t\xc2\x9b\xc3\xa4\r\n");
	record_hide_controls(&b, 6);
	assert_true(
	    span_eq(buf_view(&b), SPAN("\033kept,?[2J?\t?\xc3\xa4?\n")));
	buf_fini(&b);
}

#define T(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_each_kind_of_value_has_its_cell),
		T(test_a_key_that_the_record_does_not_have_is_an_empty_cell),
		T(test_no_row_is_an_empty_line_of_csv),
		T(test_the_head_has_the_names_of_the_fields),
		T(test_a_body_that_is_no_text_is_base64_in_either_column),
		T(test_an_escape_may_be_cut_at_every_byte),
		T(test_a_long_list_may_be_cut_at_every_byte),
		T(test_a_large_body_comes_back_byte_for_byte),
		T(test_a_piece_is_about_as_large_as_asked),
		T(test_no_cell_is_a_formula_if_it_must_be_safe),
		T(test_a_long_formula_is_made_safe_once),
		T(test_a_terminal_gets_no_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
