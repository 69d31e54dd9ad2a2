/* SPDX-License-Identifier: ISC */
/*
 * Status lines and header sections: what is accepted, normalised or rejected,
 * and at which byte. codec_http.c tests bodies.
 */
#include "codec_http_run.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"

static void
test_a_status_line_is_version_and_three_digits(void **state)
{
	static const struct response table[] = {
		{ "plain", IN("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		    200, .keep_alive = 1 },
		{ "no reason", IN("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
		    200, .keep_alive = 1 },
		{ "empty reason",
		    IN("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n"), 404,
		    .keep_alive = 1 },
		{ "status 999",
		    IN("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"), 999,
		    .keep_alive = 1 },
		{ "reason of bytes and a tab",
		    IN("HTTP/1.1 200 \xff\tx\r\nContent-Length: 0\r\n\r\n"),
		    200, .keep_alive = 1 },
		{ "HTTP/1.0",
		    IN("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), 200,
		    .keep_alive = 0 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

#define BAD_STATUS .error = E_HTTP_BAD_STATUS_LINE

static void
test_a_malformed_status_line_is_refused(void **state)
{
	static const struct response table[] = {
		{ "one digit", IN("HTTP/1.1 2 OK\r\n\r\n"), BAD_STATUS,
		    .detail = "HPE_INVALID_STATUS" },
		{ "two digits", IN("HTTP/1.1 20\r\n\r\n"), BAD_STATUS },
		{ "negative", IN("HTTP/1.1 -12 OK\r\n\r\n"), BAD_STATUS },
		{ "four digits", IN("HTTP/1.1 1000 OK\r\n\r\n"), BAD_STATUS },
		{ "a hundred digits", IN("HTTP/1.1 1111111111111111111111111"),
		    BAD_STATUS },
		{ "below 100", IN("HTTP/1.1 099 OK\r\n\r\n"), BAD_STATUS },
		{ "two blanks", IN("HTTP/1.1  200 OK\r\n\r\n"), BAD_STATUS },
		{ "tab before the status", IN("HTTP/1.1\t200 OK\r\n\r\n"),
		    BAD_STATUS },
		{ "tab behind the status", IN("HTTP/1.1 200\tOK\r\n\r\n"),
		    BAD_STATUS },
		{ "long minor version", IN("HTTP/1.0123 200 OK\r\n\r\n"),
		    BAD_STATUS, .detail = "HPE_INVALID_VERSION" },
		{ "HTTP/3.0", IN("HTTP/3.0 200 OK\r\n\r\n"), BAD_STATUS },
		{ "HTTP/1.2", IN("HTTP/1.2 200 OK\r\n\r\n"), BAD_STATUS },
		{ "HTTP/2 200", IN("HTTP/2 200 OK\r\n\r\n"), BAD_STATUS },
		{ "no status", IN("HTTP/1.1\r\n\r\n"), BAD_STATUS },
		{ "bare CR", IN("HTTP/1.1 200 O\rK\r\n\r\n"), BAD_STATUS },
		{ "DEL", IN("HTTP/1.1 200 O\177K\r\n\r\n"), BAD_STATUS },
		{ "NUL", IN("HTTP/1.1 200 O\0K\r\n\r\n"),
		    .error = E_HTTP_BAD_HEADER },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

#define NOT_HTTP .error = E_HTTP_NOT_HTTP, .detail = "HPE_INVALID_CONSTANT"

/* Without line ends: the first wrong byte is enough. */
static void
test_what_is_not_http_is_refused_at_its_first_byte(void **state)
{
	static const struct response table[] = {
		{ "ICY", IN("I"), NOT_HTTP },
		{ "ICY 200 OK", IN("ICY 200 OK\r\n\r\n"), NOT_HTTP },
		{ "ssh", IN("S"), NOT_HTTP },
		{ "mail", IN("220 mail"), NOT_HTTP },
		{ "NUL", IN("\0"), NOT_HTTP },
		{ "html", IN("<html>"), NOT_HTTP },
		{ "lower case", IN("h"), NOT_HTTP },
		{ "HTTQ", IN("HTTQ"), NOT_HTTP },
		{ "blank", IN(" HTTP/1.1 200 OK\r\n\r\n"), NOT_HTTP },
		{ "CR and more", IN("\r\n\rH"), NOT_HTTP },
		{ "behind blank lines", IN("\r\n\r\nX"), NOT_HTTP },
		{ "HTTP and a NUL", IN("HTTP\0"), NOT_HTTP },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

#define BAD_HEADER .error = E_HTTP_BAD_HEADER

static void
test_a_malformed_field_line_is_refused(void **state)
{
	static const struct response table[] = {
		{ "no colon", IN("HTTP/1.1 200 OK\r\nServer a/b\r\n\r\n"),
		    BAD_HEADER, .detail = "HPE_INVALID_HEADER_TOKEN" },
		{ "only a name", IN("HTTP/1.1 200 OK\r\nServer\r\n\r\n"),
		    BAD_HEADER },
		{ "empty name", IN("HTTP/1.1 200 OK\r\n: x\r\n\r\n"),
		    BAD_HEADER },
		{ "blank in the name",
		    IN("HTTP/1.1 200 OK\r\nNa me: x\r\n\r\n"), BAD_HEADER },
		{ "blank before the colon",
		    IN("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"),
		    BAD_HEADER },
		{ "tab before the colon",
		    IN("HTTP/1.1 200 OK\r\nContent-Length\t: 5\r\n\r\nhello"),
		    BAD_HEADER },
		{ "bytes in the name",
		    IN("HTTP/1.1 200 OK\r\n\xc3\xa4: 5\r\n\r\n"), BAD_HEADER },
		{ "CRLF CR X: no line end is waited for",
		    IN("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\rXa"),
		    BAD_HEADER, .detail = "HPE_LF_EXPECTED" },
		{ "bare CR in a value",
		    IN("HTTP/1.1 200 OK\r\nA: b\rContent-Length: 1\r\n\r\n"),
		    BAD_HEADER },
		{ "CR CR LF", IN("HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n"),
		    BAD_HEADER },
		{ "NUL in a value", IN("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"),
		    BAD_HEADER, .detail = "HPE_INVALID_HEADER_TOKEN" },
		{ "NUL in a name", IN("HTTP/1.1 200 OK\r\nA\0: bc\r\n\r\n"),
		    BAD_HEADER },
		{ "control in a value",
		    IN("HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n"), BAD_HEADER },
		{ "DEL in a value", IN("HTTP/1.1 200 OK\r\nA: b\177\r\n\r\n"),
		    BAD_HEADER },
		{ "blank line start behind the status line",
		    IN("HTTP/1.1 200 OK\r\n Date: x\r\n\r\n"), BAD_HEADER,
		    .detail = "HPE_UNEXPECTED_SPACE" },
		{ "only blanks behind the status line",
		    IN("HTTP/1.1 200 OK\r\n \t\r\n\r\n"), BAD_HEADER },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_bare_lf_is_let_pass_and_ends_the_connection(void **state)
{
	static const struct response table[] = {
		{ "all LF", IN("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"), 200,
		    .body = "hi", .flags = HTTP_LENIENT_FRAMING },
		{ "one LF", IN(OK_HEAD "A: b\n\r\n"), 200,
		    .flags = HTTP_LENIENT_FRAMING },
		{ "LF ends the section", IN(OK_HEAD "\n"), 200,
		    .flags = HTTP_LENIENT_FRAMING },
		{ "a blank line before the status line",
		    IN("\r\n" OK_HEAD "\r\n"), 200,
		    .flags = HTTP_LENIENT_FRAMING },
		{ "blank lines of LF", IN("\n\n\r\n" OK_HEAD "\r\n"), 200,
		    .flags = HTTP_LENIENT_FRAMING },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_a_fold_is_a_space_and_ends_the_connection(void **state)
{
	static const struct response table[] = {
		{ "folded", IN(OK_HEAD "A: b\r\n\tc\r\n\r\n"), 200,
		    .flags = HTTP_UNFOLDED_HEADER },
		{ "a fold of blanks does not end the section",
		    IN("HTTP/1.1 200 OK\r\nA: b\r\n \t\r\n"
		       "Content-Length: 2\r\n\r\nhi"),
		    200, .body = "hi", .flags = HTTP_UNFOLDED_HEADER },
		{ "a folded length counts",
		    IN("HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nhi"),
		    200, .body = "hi", .flags = HTTP_UNFOLDED_HEADER },
		{ "a folded length that is none",
		    IN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 2\r\n\r\nhi"),
		    .error = E_HTTP_BAD_CONTENT_LENGTH },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static struct http *
read_head(const char *in, size_t n)
{
	struct http *h = http_new();
	struct span body;

	http_start(h, 0, HEADER_MAX, 1);
	http_feed(h, span_of(in, n), &body);
	assert_true(http_has_head(h));
	return h;
}

static void
assert_field(
    const struct http_fields *f, const char *name, size_t i, const char *value)
{
	struct span v = http_find(f, span_str(name), i);

	if (value == NULL) {
		assert_null(v.p);
		return;
	}
	assert_non_null(v.p);
	assert_int_equal(v.n, strlen(value));
	assert_memory_equal(v.p, value, v.n);
}

static void
test_names_are_lower_case_and_values_trimmed_bytes(void **state)
{
	struct http *h = read_head(IN("HTTP/1.1 200 OK\r\n"
				      "X-ONE:  a\tb \t\r\n"
				      "x-one:c\r\n"
				      "Empty:\r\n"
				      "Blank: \t \r\n"
				      "Folded: b\r\n\tc\r\n \r\n  d \r\n"
				      "Late:\r\n  close\r\n"
				      "Bytes: \xff\x80\r\n\r\n"));
	const struct http_fields *f = http_header(h);

	(void)state;
	assert_int_equal(f->n, 7);
	assert_field(f, "x-one", 0, "a\tb");
	assert_field(f, "x-one", 1, "c");
	assert_field(f, "x-one", 2, NULL);
	assert_field(f, "empty", 0, "");
	assert_field(f, "blank", 0, "");
	assert_field(f, "folded", 0, "b c d");
	assert_field(f, "late", 0, "close");
	assert_field(f, "bytes", 0, "\xff\x80");
	assert_field(f, "none", 0, NULL);
	assert_true(span_eq(http_field_name(f, 1), SPAN("x-one")));
	assert_true(span_eq(http_field_value(f, 1), SPAN("c")));
	http_free(h);
}

/* A response with one header line of `n` bytes, its CRLF not counted. */
static void
put_long_line(struct buf *b, size_t n)
{
	size_t i;

	b->n = 0;
	buf_str(b, OK_HEAD "L: ");
	for (i = 3; i < n; i++)
		buf_char(b, 'x');
	buf_str(b, "\r\n\r\n");
}

/*
 * A line of 256 KiB in pieces of 16 KiB is not scanned again with each piece.
 */
static void
check_long(struct buf *b, enum err error)
{
	struct http *h = http_new();
	struct outcome o = { 0 };
	size_t step;

	for (step = 0; step <= 65536; step += 16384) {
		http_start(h, 0, HEADER_MAX, 0);
		feed_cut(h, buf_view(b), b->n, b->n, step, &o);
		assert_int_equal(http_error(h), error);
		if (error != E_OK)
			assert_string_equal(
			    http_detail(h), "HPE_HEADER_OVERFLOW");
	}
	buf_fini(&o.body);
	http_free(h);
}

static void
test_one_field_may_fill_the_section(void **state)
{
	const size_t most = HEADER_MAX - (sizeof(OK_HEAD) - 1) - 4;
	struct buf b = { 0 };

	(void)state;
	put_long_line(&b, most);
	check_long(&b, E_OK);
	put_long_line(&b, most + 1);
	check_long(&b, E_HTTP_HEADER_TOO_LARGE);
	buf_fini(&b);
}

static void
test_a_name_or_a_reason_may_fill_the_section(void **state)
{
	struct buf b = { 0 };
	int i;

	(void)state;
	buf_str(&b, "HTTP/1.1 200 ");
	for (i = 0; i < 200000; i++)
		buf_char(&b, 'r');
	buf_str(&b, "\r\nContent-Length: 0\r\n\r\n");
	check_long(&b, E_OK);
	b.n = 0;
	buf_str(&b, OK_HEAD);
	for (i = 0; i < 200000; i++)
		buf_char(&b, 'n');
	buf_str(&b, ":\r\n\r\n");
	check_long(&b, E_OK);
	buf_fini(&b);
}

static void
test_folds_count_into_the_section(void **state)
{
	struct buf b = { 0 };
	int i;

	(void)state;
	buf_str(&b, OK_HEAD "L: x\r\n");
	for (i = 0; i < 50000; i++)
		buf_str(&b, " y\r\n");
	check_long(&b, E_OK);
	for (i = 0; i < HEADER_MAX / 4; i++)
		buf_str(&b, " y\r\n");
	check_long(&b, E_HTTP_HEADER_TOO_LARGE);
	buf_fini(&b);
}

static void
test_1000_fields_are_the_most(void **state)
{
	struct buf b = { 0 };
	struct response r;
	int i;

	(void)state;
	buf_str(&b, OK_HEAD);
	for (i = 1; i < HTTP_MAX_FIELDS; i++)
		buf_printf(&b, "F%d: %d\r\n", i, i);
	buf_str(&b, "\r\n");
	r = (struct response){ "1000", b.p, b.n, 200, .keep_alive = 1 };
	check_response(&r);
	b.n -= 2;
	buf_str(&b, "One-More: 1\r\n\r\n");
	r = (struct response){ "1001", b.p, b.n,
		.error = E_HTTP_HEADER_TOO_LARGE };
	check_response(&r);
	buf_fini(&b);
}

static enum http_verdict
feed_with_max(struct http *h, const char *in, size_t n, size_t max, int split)
{
	struct outcome o = { 0 };

	http_start(h, 0, max, 0);
	feed_cut(h, span_of(in, n), n, n, split ? 1 : 0, &o);
	buf_fini(&o.body);
	return o.verdict;
}

static void
test_the_header_budget_holds_to_the_byte(void **state)
{
	static const struct {
		const char *in;
		size_t n;
	} table[] = {
		{ IN(OK_HEAD "\r\n") },
		{ IN("\r\n\r\n" OK_HEAD "\r\n") },
		{ IN("HTTP/1.1 100 Go\r\n\r\n" OK_HEAD "\r\n") },
		{ IN("HTTP/1.1 103 Hi\r\nA: b\r\n\r\n" OK_HEAD "\r\n") },
	};
	struct http *h = http_new();
	size_t i, max;
	int split;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (split = 0; split < 2; split++) {
			assert_int_equal(feed_with_max(h, table[i].in,
					     table[i].n, table[i].n, split),
			    HTTP_DONE);
			for (max = 0; max < table[i].n; max++) {
				assert_int_equal(feed_with_max(h, table[i].in,
						     table[i].n, max, split),
				    HTTP_BAD);
				assert_int_equal(
				    http_error(h), E_HTTP_HEADER_TOO_LARGE);
			}
		}
	http_free(h);
}

static void
test_blank_lines_without_end_are_cut_at_the_budget(void **state)
{
	struct http *h = http_new();
	char crlf[1024];
	struct span body;
	size_t i, fed = 0;

	(void)state;
	for (i = 0; i < sizeof(crlf); i += 2)
		memcpy(crlf + i, "\r\n", 2);
	http_start(h, 0, HEADER_MAX, 0);
	while (http_feed(h, span_of(crlf, sizeof(crlf)), &body) == HTTP_MORE) {
		fed += sizeof(crlf);
		assert_true(fed <= HEADER_MAX);
	}
	assert_int_equal(http_error(h), E_HTTP_HEADER_TOO_LARGE);
	assert_int_equal(http_begun(h), 0);
	http_free(h);
}

static void
test_an_answer_begins_with_its_first_byte_that_is_no_blank_line(void **state)
{
	struct http *h = http_new();
	struct span body;

	(void)state;
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_begun(h), 0);
	http_feed(h, SPAN("\r\n\r"), &body);
	assert_int_equal(http_begun(h), 0);
	http_feed(h, SPAN("\nH"), &body);
	assert_int_equal(http_begun(h), 1);
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_begun(h), 0);
	http_feed(h, SPAN("x"), &body);
	assert_int_equal(http_begun(h), 1);
	http_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_status_line_is_version_and_three_digits),
		cmocka_unit_test(test_a_malformed_status_line_is_refused),
		cmocka_unit_test(
		    test_what_is_not_http_is_refused_at_its_first_byte),
		cmocka_unit_test(test_a_malformed_field_line_is_refused),
		cmocka_unit_test(
		    test_bare_lf_is_let_pass_and_ends_the_connection),
		cmocka_unit_test(
		    test_a_fold_is_a_space_and_ends_the_connection),
		cmocka_unit_test(
		    test_names_are_lower_case_and_values_trimmed_bytes),
		cmocka_unit_test(test_one_field_may_fill_the_section),
		cmocka_unit_test(test_a_name_or_a_reason_may_fill_the_section),
		cmocka_unit_test(test_folds_count_into_the_section),
		cmocka_unit_test(test_1000_fields_are_the_most),
		cmocka_unit_test(test_the_header_budget_holds_to_the_byte),
		cmocka_unit_test(
		    test_blank_lines_without_end_are_cut_at_the_budget),
		cmocka_unit_test(
		    test_an_answer_begins_with_its_first_byte_that_is_no_blank_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
