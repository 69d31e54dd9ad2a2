/* SPDX-License-Identifier: ISC */
/* Chunked bodies and trailers: sizes, extensions, leniencies, limits. */
#include "codec_http_run.h"

#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKS(c) IN(HEAD c)
#define LENIENT .flags = HTTP_LENIENT_FRAMING

static void
test_chunks_are_put_together(void **state)
{
	static const struct response table[] = {
		{ "one", CHUNKS("5\r\nhello\r\n0\r\n\r\n"), 200,
		    .body = "hello", .keep_alive = 1 },
		{ "none", CHUNKS("0\r\n\r\n"), 200, .keep_alive = 1 },
		{ "several",
		    CHUNKS("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"), 200,
		    .body = "abcdef", .keep_alive = 1 },
		{ "hex of both cases",
		    CHUNKS("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"),
		    200, .body = "01234567890123456789a", .keep_alive = 1 },
		{ "zeros in front", CHUNKS("00000005\r\nhello\r\n000\r\n\r\n"),
		    200, .body = "hello", .keep_alive = 1 },
		{ "more zeros than digits fit",
		    CHUNKS("00000000000000000000005\r\nhello\r\n0\r\n\r\n"),
		    200, .body = "hello", .keep_alive = 1 },
		{ "extensions",
		    CHUNKS("5;heresatest=moooo\r\nhello\r\n"
			   "1;a;b=\"c;\td\" ;e\r\n!\r\n0;x\r\n\r\n"),
		    200, .body = "hello!", .keep_alive = 1 },
		{ "trailers", CHUNKS("1\r\na\r\n0\r\nX: y\r\nZ:\r\n\r\n"), 200,
		    .body = "a", .keep_alive = 1 },
		{ "what follows is not ours", CHUNKS("1\r\na\r\n0\r\n\r\nHTTP"),
		    200, .body = "a", .keep_alive = 1, .left_over = 4 },
		{ "CRLF in the data", CHUNKS("4\r\n\r\n0\r\r\n0\r\n\r\n"), 200,
		    .body = "\r\n0\r", .keep_alive = 1 },
		{ "more to come", CHUNKS("5\r\nhel"), 200, .body = "hel",
		    .more = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_blanks_and_bare_lf_are_let_pass_and_end_the_connection(void **state)
{
	static const struct response table[] = {
		{ "blanks behind a size", CHUNKS("5  \r\nhello\r\n0\r\n\r\n"),
		    200, .body = "hello", LENIENT },
		{ "tab behind a size", CHUNKS("5\t\r\nhello\r\n0\r\n\r\n"), 200,
		    .body = "hello", LENIENT },
		{ "blanks before an extension",
		    CHUNKS("5 ;a\r\nhello\r\n0\r\n\r\n"), 200, .body = "hello",
		    LENIENT },
		{ "LF behind a size", CHUNKS("5\nhello\r\n0\r\n\r\n"), 200,
		    .body = "hello", LENIENT },
		{ "LF behind an extension", CHUNKS("5;a\nhello\r\n0\r\n\r\n"),
		    200, .body = "hello", LENIENT },
		{ "LF behind data", CHUNKS("5\r\nhello\n0\r\n\r\n"), 200,
		    .body = "hello", LENIENT },
		{ "LF behind all", CHUNKS("5\nhello\n0\n\n"), 200,
		    .body = "hello", LENIENT },
		{ "LF behind a trailer", CHUNKS("0\r\nA: b\n\r\n"), 200,
		    LENIENT },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_a_malformed_chunk_is_refused_and_what_came_before_kept(void **state)
{
#define BAD_CHUNK .error = E_HTTP_BAD_CHUNK
#define BAD_SIZE BAD_CHUNK, .detail = "HPE_INVALID_CHUNK_SIZE"
	static const struct response table[] = {
		{ "a word", CHUNKS("2\r\nhi\r\nILLEGAL\r\n"), 200, .body = "hi",
		    BAD_SIZE },
		{ "negative", CHUNKS("-5\r\n"), 200, BAD_SIZE },
		{ "plus", CHUNKS("+5\r\n"), 200, BAD_SIZE },
		{ "0x", CHUNKS("0x5\r\n"), 200, BAD_SIZE },
		{ "underscore", CHUNKS("5_0\r\n"), 200, BAD_SIZE },
		{ "no size", CHUNKS("\r\n"), 200, BAD_SIZE },
		{ "only an extension", CHUNKS(";a\r\n"), 200, BAD_SIZE },
		{ "blank before the size", CHUNKS(" 5\r\n"), 200, BAD_SIZE },
		{ "two sizes", CHUNKS("5 5\r\n"), 200, BAD_SIZE },
		{ "17 digits", CHUNKS("12345678123456789\r\nx"), 200,
		    BAD_SIZE },
		{ "17 F", CHUNKS("FFFFFFFFFFFFFFFFF"), 200, BAD_SIZE },
		{ "16 F is only large", CHUNKS("FFFFFFFFFFFFFFFF\r\nx"), 200,
		    .body = "x", .more = 1 },
		{ "CR alone behind a size", CHUNKS("5\rhello"), 200, BAD_CHUNK,
		    .detail = "HPE_LF_EXPECTED" },
		{ "CR alone in an extension", CHUNKS("5;a\rb\r\n"), 200,
		    BAD_CHUNK },
		{ "NUL in an extension", CHUNKS("5;a\0b\r\n"), 200, BAD_CHUNK,
		    .detail = "HPE_STRICT" },
		{ "more data than said", CHUNKS("2\r\nhix\r\n"), 200,
		    .body = "hi", BAD_CHUNK, .detail = "HPE_STRICT" },
		{ "CR CR LF behind data", CHUNKS("2\r\nhi\r\r\n"), 200,
		    .body = "hi", BAD_CHUNK },
		{ "no size behind data", CHUNKS("2\r\nhi\r\n\r\n"), 200,
		    .body = "hi", BAD_SIZE },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_a_trailer_is_held_to_the_rules_of_a_header(void **state)
{
#define BAD_TRAILER .error = E_HTTP_BAD_HEADER
	static const struct response table[] = {
		{ "no colon", CHUNKS("2\r\nhi\r\n0\r\nabc\r\n\r\n"), 200,
		    .body = "hi", BAD_TRAILER },
		{ "NUL", CHUNKS("0\r\na: \0\r\n\r\n"), 200, BAD_TRAILER },
		{ "bare CR", CHUNKS("0\r\n\rX"), 200, BAD_TRAILER },
		{ "blank at the start", CHUNKS("0\r\n a: b\r\n\r\n"), 200,
		    BAD_TRAILER },
		{ "fold", CHUNKS("0\r\na: b\r\n c\r\n\r\n"), 200,
		    .flags = HTTP_UNFOLDED_HEADER },
		{ "framing fields mean nothing",
		    CHUNKS("0\r\nContent-Length: x\r\nTransfer-Encoding: y\r\n"
			   "Connection: close\r\n\r\n"),
		    200, .keep_alive = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_trailers_stand_apart_from_the_header(void **state)
{
	struct http *h = http_new();
	struct span body;

	(void)state;
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_feed(h,
			     SPAN("HTTP/1.1 200 OK\r\nA: header\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n"
				  "1\r\nx\r\n0\r\nA: trailer\r\nB: c\r\n\r\n"),
			     &body),
	    HTTP_DONE);
	assert_int_equal(http_header(h)->n, 2);
	assert_int_equal(http_trailer(h)->n, 2);
	assert_true(
	    span_eq(http_find(http_header(h), SPAN("a"), 0), SPAN("header")));
	assert_null(http_find(http_header(h), SPAN("b"), 0).p);
	assert_true(
	    span_eq(http_find(http_trailer(h), SPAN("a"), 0), SPAN("trailer")));
	http_free(h);
}

static void
test_one_run_of_body_is_given_out_where_it_stands(void **state)
{
	struct http *h = http_new();
	struct span body, in = SPAN(HEAD "5\r\nhello\r\n0\r\n\r\n");

	(void)state;
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_feed(h, in, &body), HTTP_DONE);
	assert_ptr_equal(body.p, in.p + sizeof(HEAD) - 1 + 3);
	assert_int_equal(body.n, 5);
	http_free(h);
}

static void
check_framing(const char *what, struct buf *b, enum err error)
{
	struct http *h = http_new();
	struct outcome o = { 0 };
	size_t step;

	print_message("  %s\n", what);
	for (step = 0; step < 2; step++) {
		http_start(h, 0, HEADER_MAX, 0);
		feed_cut(h, buf_view(b), b->n, b->n, step * 16384, &o);
		assert_int_equal(http_error(h), error);
	}
	buf_fini(&o.body);
	b->n = 0;
	http_free(h);
}

static void
put_times(struct buf *b, const char *s, size_t n)
{
	while (n-- > 0)
		buf_str(b, s);
}

/* n chunks of one byte, each with the chunk line `line`. */
static void
put_chunks(struct buf *b, const char *line, size_t n)
{
	while (n-- > 0)
		buf_printf(b, "%s\r\nx\r\n", line);
}

static void
test_the_shortest_chunk_lines_cost_nothing(void **state)
{
	struct buf b = { 0 };
	int i;

	(void)state;
	buf_str(&b, HEAD);
	put_chunks(&b, "1", 1000000);
	buf_str(&b, "0\r\n\r\n");
	check_framing("a million chunks of one byte", &b, E_OK);
	buf_str(&b, HEAD);
	for (i = 0; i < 20000; i++) {
		buf_printf(&b, "%x\r\n", i % 50 + 1);
		put_times(&b, "y", (size_t)(i % 50 + 1));
		buf_str(&b, "\r\n");
	}
	buf_str(&b, "0\r\n");
	put_times(&b, "A: b\r\n", 200);
	buf_str(&b, "\r\n");
	check_framing("20,000 chunks of 1 to 50 bytes, and trailers", &b, E_OK);
	buf_fini(&b);
}

static void
test_what_is_longer_is_limited_to_64_kib(void **state)
{
	static const struct {
		const char *line;
		size_t extra; /* bytes that "1" would not have */
	} table[] = {
		{ "001", 2 },
		{ "1;a=b", 4 },
		{ "1 ", 1 },
		{ "01\t;x", 4 },
	};
	struct buf b = { 0 };
	size_t i, n;

	(void)state;
	buf_str(&b, HEAD "5");
	put_times(&b, ";a=b", 20000);
	check_framing("one extension", &b, E_HTTP_HEADER_TOO_LARGE);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		n = HTTP_MAX_CHUNK_EXTRA / table[i].extra;
		buf_str(&b, HEAD);
		put_chunks(&b, table[i].line, n);
		check_framing(table[i].line, &b, E_OK);
		buf_str(&b, HEAD);
		/* Each 32 bytes of body allow one more. */
		put_chunks(&b, table[i].line, n + n / 16 + 2);
		check_framing(table[i].line, &b, E_HTTP_HEADER_TOO_LARGE);
	}
	buf_fini(&b);
}

static void
test_long_bodies_in_common_chunks_are_within_the_limit(void **state)
{
	struct buf b = { 0 }, chunk = { 0 };

	(void)state;
	buf_str(&chunk, "100\r\n");
	put_times(&chunk, "0123456789abcdef", 16);
	buf_str(&chunk, "\r\n");
	buf_char(&chunk, '\0');
	buf_str(&b, HEAD);
	put_times(&b, chunk.p, 40000);
	buf_str(&b, "0\r\n\r\n");
	check_framing("10 MB in 256", &b, E_OK);
	buf_fini(&chunk);
	buf_fini(&b);
}

static void
test_trailers_are_within_the_header_budget(void **state)
{
	static const char in[] = HEAD "0\r\nA: b\r\n\r\n";
	struct http *h = http_new();
	size_t need = sizeof(HEAD) - 1 + 8, max;
	struct span body;

	(void)state;
	for (max = sizeof(HEAD) - 1; max <= need; max++) {
		http_start(h, 0, max, 0);
		assert_int_equal(
		    http_feed(h, span_of(in, sizeof(in) - 1), &body),
		    max < need ? HTTP_BAD : HTTP_DONE);
		assert_int_equal(
		    http_error(h), max < need ? E_HTTP_HEADER_TOO_LARGE : E_OK);
	}
	http_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks_are_put_together),
		cmocka_unit_test(
		    test_blanks_and_bare_lf_are_let_pass_and_end_the_connection),
		cmocka_unit_test(
		    test_a_malformed_chunk_is_refused_and_what_came_before_kept),
		cmocka_unit_test(
		    test_a_trailer_is_held_to_the_rules_of_a_header),
		cmocka_unit_test(test_trailers_stand_apart_from_the_header),
		cmocka_unit_test(
		    test_one_run_of_body_is_given_out_where_it_stands),
		cmocka_unit_test(test_the_shortest_chunk_lines_cost_nothing),
		cmocka_unit_test(test_what_is_longer_is_limited_to_64_kib),
		cmocka_unit_test(
		    test_long_bodies_in_common_chunks_are_within_the_limit),
		cmocka_unit_test(test_trailers_are_within_the_header_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
