/* SPDX-License-Identifier: ISC */
/*
 * The end of a response (lengths, end of the connection, responses without a
 * body, interim responses) and reuse of its connection.
 */
#include "codec_http_run.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define BAD_LENGTH .error = E_HTTP_BAD_CONTENT_LENGTH

static void
test_a_length_ends_the_body_and_what_follows_is_not_ours(void **state)
{
	static const struct response table[] = {
		{ "five", IN(OK "Content-Length: 5\r\n\r\nhello"), 200,
		    .body = "hello", .keep_alive = 1 },
		{ "none", IN(OK "Content-Length: 0\r\n\r\n"), 200,
		    .keep_alive = 1 },
		{ "zeros in front", IN(OK "Content-Length: 0005\r\n\r\nhello"),
		    200, .body = "hello", .keep_alive = 1 },
		{ "a second response behind it",
		    IN(OK "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK"), 200,
		    .body = "hello", .keep_alive = 1, .left_over = 15 },
		{ "a byte behind an empty one",
		    IN(OK "Content-Length: 0\r\n\r\nx"), 200, .keep_alive = 1,
		    .left_over = 1 },
		{ "not all has come", IN(OK "Content-Length: 5\r\n\r\nhel"),
		    200, .body = "hel", .more = 1 },
		{ "tabs around it", IN(OK "Content-Length:\t2\t\r\n\r\nhi"),
		    200, .body = "hi", .keep_alive = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_equal_lengths_are_one(void **state)
{
	static const struct response table[] = {
		{ "two lines",
		    IN(OK "Content-Length: 6\r\nA: b\r\nContent-Length: 6\r\n"
			  "\r\nabcdef"),
		    200, .body = "abcdef", .keep_alive = 1 },
		{ "one list", IN(OK "Content-Length: 6, 6\r\n\r\nabcdef"), 200,
		    .body = "abcdef", .keep_alive = 1 },
		{ "empty members",
		    IN(OK "Content-Length: ,6,, 6,\r\n\r\nabcdef"), 200,
		    .body = "abcdef", .keep_alive = 1 },
		{ "an empty line beside it",
		    IN(OK "Content-Length:\r\nContent-Length: 6\r\n\r\n"
			  "abcdef"),
		    200, .body = "abcdef", .keep_alive = 1 },
		{ "list and line, none",
		    IN(OK "Content-Length: 0,0\r\nContent-Length: 0\r\n\r\n"),
		    200, .keep_alive = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_a_malformed_length_is_refused(void **state)
{
	static const struct response table[] = {
		{ "negative", IN(OK "Content-Length: -6\r\n\r\n"), BAD_LENGTH,
		    .detail = "HPE_INVALID_CONTENT_LENGTH" },
		{ "plus", IN(OK "Content-Length: +6\r\n\r\n"), BAD_LENGTH },
		{ "trailing letters", IN(OK "Content-Length: 6badness\r\n\r\n"),
		    BAD_LENGTH },
		{ "no number", IN(OK "Content-Length: crap\r\n\r\n"),
		    BAD_LENGTH },
		{ "hex", IN(OK "Content-Length: 0x6\r\n\r\n"), BAD_LENGTH },
		{ "empty", IN(OK "Content-Length:\r\n\r\n"), BAD_LENGTH },
		{ "different", IN(OK "Content-Length: 6,7\r\n\r\n"),
		    BAD_LENGTH },
		{ "different lines",
		    IN(OK "Content-Length: 6\r\nContent-Length: 7\r\n\r\n"),
		    BAD_LENGTH },
		{ "only empty members", IN(OK "Content-Length: , ,\r\n\r\n"),
		    BAD_LENGTH },
		{ "two empty lines",
		    IN(OK "Content-Length:\r\nContent-Length: \r\n\r\n"),
		    BAD_LENGTH },
		{ "different, with an empty member",
		    IN(OK "Content-Length: 6,,7\r\n\r\n"), BAD_LENGTH },
		{ "quoted", IN(OK "Content-Length: \"6\"\r\n\r\n"),
		    BAD_LENGTH },
		{ "two numbers", IN(OK "Content-Length: 6 6\r\n\r\n"),
		    BAD_LENGTH },
		{ "bare CR", IN(OK "Content-Length: \r-6\r\n\r\n"),
		    .error = E_HTTP_BAD_HEADER },
		{ "20 digits",
		    IN(OK "Content-Length: 36893488147419103232\r\n\r\n"),
		    BAD_LENGTH },
		{ "over 2^63 - 1",
		    IN(OK "Content-Length: 9223372036854775808\r\n\r\n"),
		    BAD_LENGTH },
		{ "beside chunked",
		    IN(OK "Content-Length: x\r\n" CHUNKED "\r\n0\r\n\r\n"),
		    BAD_LENGTH },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_the_largest_length_is_known(void **state)
{
	struct http *h = http_new();
	struct span body;

	(void)state;
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_feed(h,
			     SPAN(OK "Content-Length: 9223372036854775807\r\n"
				     "\r\nx"),
			     &body),
	    HTTP_MORE);
	assert_true(http_content_length(h) == INT64_MAX);
	assert_int_equal(body.n, 1);
	http_start(h, 0, HEADER_MAX, 0);
	assert_true(http_content_length(h) == -1);
	http_free(h);
}

static void
test_without_a_length_the_body_ends_with_a_clean_close(void **state)
{
	static const struct response table[] = {
		{ "1.1", IN(OK "\r\nbody"), 200, .body = "body",
		    .eof = CLEAN_EOF },
		{ "1.0", IN("HTTP/1.0 200 OK\r\n\r\nbody"), 200, .body = "body",
		    .eof = CLEAN_EOF },
		{ "empty", IN(OK "\r\n"), 200, .body = "", .eof = CLEAN_EOF },
		{ "keep-alive counts for nothing",
		    IN("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx"),
		    200, .body = "x", .eof = CLEAN_EOF },
		{ "unclean", IN(OK "\r\nbody"), 200, .body = "body",
		    .error = E_HTTP_TRUNCATED, .eof = UNCLEAN_EOF },
		{ "still open", IN(OK "\r\nbody"), 200, .body = "body",
		    .more = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

#define TRUNCATED .error = E_HTTP_TRUNCATED, .detail = "HPE_INVALID_EOF_STATE"

static void
test_a_close_before_the_end_is_truncation(void **state)
{
	static const struct response table[] = {
		{ "in the status line", IN("HTTP/1.1 20"), TRUNCATED,
		    .eof = CLEAN_EOF },
		{ "in a header line", IN(OK "Content-Length: 0"), TRUNCATED,
		    .eof = CLEAN_EOF },
		{ "before the empty line", IN(OK "Content-Length: 0\r\n"),
		    TRUNCATED, .eof = CLEAN_EOF },
		{ "only blank lines", IN("\r\n"), TRUNCATED, .eof = CLEAN_EOF },
		{ "behind an interim response",
		    IN("HTTP/1.1 100 Continue\r\n\r\n"), TRUNCATED,
		    .eof = CLEAN_EOF },
		{ "in a body", IN(OK "Content-Length: 5\r\n\r\nhell"), 200,
		    .body = "hell", TRUNCATED, .eof = CLEAN_EOF },
		{ "in a body, unclean", IN(OK "Content-Length: 5\r\n\r\nhell"),
		    200, .body = "hell", TRUNCATED, .eof = UNCLEAN_EOF },
		{ "before the last chunk", IN(OK CHUNKED "\r\n2\r\nhi\r\n"),
		    200, .body = "hi", TRUNCATED, .eof = CLEAN_EOF },
		{ "before the last CRLF", IN(OK CHUNKED "\r\n2\r\nhi\r\n0\r\n"),
		    200, .body = "hi", TRUNCATED, .eof = CLEAN_EOF },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_a_close_behind_the_end_changes_nothing(void **state)
{
	struct http *h = http_new();
	struct span body;

	(void)state;
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(
	    http_feed(h, SPAN(OK "Content-Length: 1\r\n\r\nx"), &body),
	    HTTP_DONE);
	assert_int_equal(http_eof(h, 0), HTTP_DONE);
	assert_int_equal(http_feed(h, SPAN("x"), &body), HTTP_DONE);
	assert_int_equal(http_used(h), 0);
	http_free(h);
}

static void
test_a_close_before_any_byte_is_an_empty_reply(void **state)
{
	struct http *h = http_new();

	(void)state;
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_eof(h, 1), HTTP_BAD);
	assert_int_equal(http_error(h), E_EMPTY_REPLY);
	assert_int_equal(http_eof(h, 1), HTTP_BAD);
	http_free(h);
}

static void
test_head_204_and_304_have_no_body(void **state)
{
	static const struct response table[] = {
		{ "HEAD with a length", IN(OK "Content-Length: 5\r\n\r\n"), 200,
		    .keep_alive = 1, .head = 1 },
		{ "HEAD without", IN(OK "\r\n"), 200, .keep_alive = 1,
		    .head = 1 },
		{ "HEAD chunked", IN(OK CHUNKED "\r\n"), 200, .keep_alive = 1,
		    .head = 1 },
		{ "HEAD with equal lengths",
		    IN(OK "Content-Length: 5, 5\r\n\r\n"), 200, .keep_alive = 1,
		    .head = 1 },
		{ "HEAD with a bad length", IN(OK "Content-Length: x\r\n\r\n"),
		    200, .head = 1 },
		{ "HEAD with a coding we do not have",
		    IN(OK "Transfer-Encoding: gzip\r\n\r\n"), 200, .head = 1 },
		{ "204", IN("HTTP/1.1 204 No Content\r\n\r\n"), 204,
		    .keep_alive = 1 },
		{ "204 chunked", IN("HTTP/1.1 204 No\r\n" CHUNKED "\r\n"), 204,
		    .keep_alive = 0 },
		{ "204 with a length",
		    IN("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello"),
		    204, .left_over = 5 },
		{ "204 with length 0",
		    IN("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n"), 204,
		    .keep_alive = 1 },
		{ "304 with a length",
		    IN("HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n"), 304,
		    .keep_alive = 1 },
		{ "304 with both",
		    IN("HTTP/1.1 304 Not\r\nContent-Length: 5\r\n" CHUNKED
		       "\r\n"),
		    304, .flags = HTTP_FRAMING_CONFLICT },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_chunked_is_the_only_transfer_coding(void **state)
{
#define BAD_CODING \
	.error = E_HTTP_BAD_TRANSFER_ENCODING, \
	.detail = "HPE_INVALID_TRANSFER_ENCODING"
#define TE(v) IN(OK "Transfer-Encoding: " v "\r\n\r\n0\r\n\r\n")
#define G "gzip, gzip, gzip, gzip, gzip, "
	static const struct response table[] = {
		{ "any case", TE("CHUNKED"), 200, .keep_alive = 1 },
		{ "blanks", TE(" chunked\t "), 200, .keep_alive = 1 },
		{ "an empty member behind it", TE("chunked,"), 200,
		    .keep_alive = 1 },
		{ "an empty member before it", TE(", chunked"), 200,
		    .keep_alive = 1 },
		{ "empty members all around", TE(",, ,\tChunked , ,"), 200,
		    .keep_alive = 1 },
		{ "an empty line beside it",
		    TE("\r\nTransfer-Encoding: chunked,"), 200,
		    .keep_alive = 1 },
		{ "HTTP/1.0",
		    IN("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked,\r\n\r\n"
		       "2\r\nhi\r\n0\r\n\r\n"),
		    200, .body = "hi", .flags = HTTP_LENIENT_FRAMING },
		{ "gzip, chunked", TE("gzip, chunked"), BAD_CODING },
		{ "chunked, gzip", TE("chunked, gzip"), BAD_CODING },
		{ "identityx", TE("identityx"), BAD_CODING },
		{ "identity", TE("identity"), BAD_CODING },
		{ "20 times gzip", TE(G G G G "chunked"), BAD_CODING },
		{ "chunkedchunked", TE("chunkedchunked"), BAD_CODING },
		{ "chunked twice", TE("chunked, chunked"), BAD_CODING },
		{ "two lines",
		    TE("chunked\r\n"
		       "Transfer-Encoding: chunked"),
		    BAD_CODING },
		{ "a parameter", TE("chunked;a=b"), BAD_CODING },
		{ "quoted", TE("\"chunked\""), BAD_CODING },
		{ "empty", TE(""), BAD_CODING },
		{ "only empty members", TE(", ,"), BAD_CODING },
		{ "gzip and an empty member", TE("gzip,"), BAD_CODING },
		{ "twice, with an empty member between", TE("chunked,,chunked"),
		    BAD_CODING },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_chunked_wins_over_a_length_and_ends_the_connection(void **state)
{
	static const struct response table[] = {
		{ "length first",
		    IN(OK "Content-Length: 123456\r\n" CHUNKED
			  "\r\n10\r\nchunked data fun\r\n0\r\n\r\n"),
		    200, .body = "chunked data fun",
		    .flags = HTTP_FRAMING_CONFLICT },
		{ "length last",
		    IN(OK CHUNKED "Content-Length: 1\r\n\r\n2\r\nhi\r\n0\r\n"
				  "\r\n"),
		    200, .body = "hi", .flags = HTTP_FRAMING_CONFLICT },
		{ "HTTP/1.0",
		    IN("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CHUNKED
		       "\r\n2\r\nhi\r\n0\r\n\r\n"),
		    200, .body = "hi", .flags = HTTP_LENIENT_FRAMING },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

#define C0(v) IN(OK "Content-Length: 0\r\n" v "\r\n\r\n")
#define C10(v) IN("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n" v "\r\n\r\n")

static void
test_connection_tokens_decide_on_reuse(void **state)
{
	static const struct response table[] = {
		{ "close", C0("Connection: close"), 200, .keep_alive = 0 },
		{ "any case", C0("CONNECTION: Close"), 200, .keep_alive = 0 },
		{ "tab before", C0("Connection:\tclose"), 200,
		    .keep_alive = 0 },
		{ "tab behind", C0("Connection: close\t"), 200,
		    .keep_alive = 0 },
		{ "in a list", C0("Connection: x, close"), 200,
		    .keep_alive = 0 },
		{ "first of a list", C0("Connection: close ,x"), 200,
		    .keep_alive = 0 },
		{ "close wins", C0("Connection: keep-alive, close"), 200,
		    .keep_alive = 0 },
		{ "second line", C0("Connection: x\r\nConnection: close"), 200,
		    .keep_alive = 0 },
		{ "folded", C0("Connection:\r\n   close"), 200,
		    .flags = HTTP_UNFOLDED_HEADER },
		{ "empty members", C0("Connection: ,, close,"), 200,
		    .keep_alive = 0 },
		{ "in a quoted string", C0("Connection: \"x, close, y\""), 200,
		    .keep_alive = 1 },
		{ "another word", C0("Connection: closed"), 200,
		    .keep_alive = 1 },
		{ "empty", C0("Connection:"), 200, .keep_alive = 1 },
		{ "another field", C0("Proxy-Connection: close"), 200,
		    .keep_alive = 1 },
		{ "1.0 alone", C10("A: b"), 200, .keep_alive = 0 },
		{ "1.0 keep-alive", C10("Connection: Keep-Alive"), 200,
		    .keep_alive = 1 },
		{ "1.0 both", C10("Connection: close, keep-alive"), 200,
		    .keep_alive = 0 },
		{ "1.0 tab", C10("Connection:\tx,\tkeep-alive\t"), 200,
		    .keep_alive = 1 },
		{ "upgrade offered",
		    C0("Connection: Upgrade\r\nUpgrade: h2,h2c"), 200,
		    .keep_alive = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_the_keep_alive_timeout_is_read(void **state)
{
	static const struct {
		const char *value;
		int seconds;
	} table[] = {
		{ "timeout=5", 5 },
		{ "max=100, Timeout=75", 75 },
		{ "timeout=0", 0 },
		{ ",, timeout=5,", 5 },
		{ "timeout=\"5\", max=3", 5 },
		{ "x=\", timeout=7\", timeout = 6", 6 },
		{ "timeout=99999999999", 1000000000 },
		{ "timeout=", -1 },
		{ "timeout=x", -1 },
		{ "timeout=-1", -1 },
		{ "max=100", -1 },
		{ "", -1 },
	};
	struct http *h = http_new();
	struct buf b = { 0 };
	struct span body;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		b.n = 0;
		buf_printf(&b, OK "Content-Length: 0\r\nKeep-Alive: %s\r\n\r\n",
		    table[i].value);
		http_start(h, 0, HEADER_MAX, 0);
		assert_int_equal(http_feed(h, buf_view(&b), &body), HTTP_DONE);
		assert_int_equal(http_keep_alive_timeout(h), table[i].seconds);
	}
	buf_fini(&b);
	http_free(h);
}

static void
test_interim_responses_are_passed_and_never_merged(void **state)
{
	struct http *h = http_new();
	const struct http_interim *i;
	struct span body;
	int round;

	(void)state;
	for (round = 0; round < 3; round++) {
		http_start(h, 0, HEADER_MAX, round != 1);
		assert_int_equal(http_feed(h,
				     SPAN("HTTP/1.1 100 Continue\r\n\r\n"
					  "HTTP/1.1 103 Early Hints\r\n"
					  "Link: </a>\r\n\r\n"
					  "HTTP/1.1 102 Processing\r\n\r\n" OK
					  "Content-Length: 2\r\n\r\nhi"),
				     &body),
		    HTTP_DONE);
		assert_int_equal(http_status(h), 200);
		assert_int_equal(body.n, 2);
		assert_int_equal(http_header(h)->n, 1);
		assert_true(http_keep_alive(h));
		assert_int_equal(http_interim_count(h), round != 1 ? 3 : 0);
	}
	i = http_interim(h, 1);
	assert_int_equal(i->status, 103);
	assert_int_equal(i->fields.n, 1);
	assert_true(
	    span_eq(http_find(&i->fields, SPAN("link"), 0), SPAN("</a>")));
	assert_int_equal(http_interim(h, 2)->fields.n, 0);
	http_free(h);
}

static void
put_interims(struct buf *b, int n)
{
	b->n = 0;
	while (n-- > 0)
		buf_str(b, "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
	buf_str(b, OK "Content-Length: 0\r\n\r\n");
}

static void
test_32_interim_responses_are_the_most(void **state)
{
	struct buf b = { 0 };
	struct response r;

	(void)state;
	put_interims(&b, HTTP_MAX_INTERIM);
	r = (struct response){ "32", b.p, b.n, 200, .keep_alive = 1 };
	check_response(&r);
	put_interims(&b, HTTP_MAX_INTERIM + 1);
	r = (struct response){ "33", b.p, b.n,
		.error = E_HTTP_TOO_MANY_INTERIM };
	check_response(&r);
	buf_fini(&b);
}

static void
test_an_upgrade_nobody_asked_for_is_refused(void **state)
{
#define UPGRADED \
	.error = E_HTTP_UNEXPECTED_UPGRADE, .detail = "HPE_PAUSED_UPGRADE"
	static const struct response table[] = {
		{ "bare", IN("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
		    UPGRADED },
		{ "with its fields",
		    IN("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n"
		       "Connection: Upgrade\r\n\r\n"),
		    UPGRADED },
		{ "behind a 100",
		    IN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 S\r\n\r\n"),
		    UPGRADED },
		{ "a 200 that offers one",
		    IN(OK "Upgrade: h2,h2c\r\nConnection: Upgrade\r\n"
			  "Content-Length: 2\r\n\r\nhi"),
		    200, .body = "hi", .keep_alive = 1 },
	};

	(void)state;
	CHECK_RESPONSES(table);
}

static void
test_a_reader_forgets_the_response_before(void **state)
{
	struct http *h = http_new();
	struct span body;

	(void)state;
	http_start(h, 1, 10, 1);
	assert_int_equal(
	    http_feed(h, SPAN("HTTP/1.1 200 OK\n\n"), &body), HTTP_BAD);
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(http_flags(h), 0);
	assert_int_equal(http_error(h), E_OK);
	assert_null(http_detail(h));
	assert_int_equal(http_status(h), 0);
	assert_int_equal(
	    http_feed(
		h, SPAN("HTTP/1.0 200 OK\n" CHUNKED "\n0\nA: b\n\n"), &body),
	    HTTP_DONE);
	assert_int_equal(http_trailer(h)->n, 1);
	http_start(h, 0, HEADER_MAX, 0);
	assert_int_equal(
	    http_feed(h, SPAN(OK "Content-Length: 0\r\n\r\n"), &body),
	    HTTP_DONE);
	assert_int_equal(http_flags(h), 0);
	assert_int_equal(http_trailer(h)->n, 0);
	assert_int_equal(http_minor(h), 1);
	assert_true(http_keep_alive(h));
	http_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_length_ends_the_body_and_what_follows_is_not_ours),
		cmocka_unit_test(test_equal_lengths_are_one),
		cmocka_unit_test(test_a_malformed_length_is_refused),
		cmocka_unit_test(test_the_largest_length_is_known),
		cmocka_unit_test(
		    test_without_a_length_the_body_ends_with_a_clean_close),
		cmocka_unit_test(test_a_close_before_the_end_is_truncation),
		cmocka_unit_test(test_a_close_behind_the_end_changes_nothing),
		cmocka_unit_test(
		    test_a_close_before_any_byte_is_an_empty_reply),
		cmocka_unit_test(test_head_204_and_304_have_no_body),
		cmocka_unit_test(test_chunked_is_the_only_transfer_coding),
		cmocka_unit_test(
		    test_chunked_wins_over_a_length_and_ends_the_connection),
		cmocka_unit_test(test_connection_tokens_decide_on_reuse),
		cmocka_unit_test(test_the_keep_alive_timeout_is_read),
		cmocka_unit_test(
		    test_interim_responses_are_passed_and_never_merged),
		cmocka_unit_test(test_32_interim_responses_are_the_most),
		cmocka_unit_test(test_an_upgrade_nobody_asked_for_is_refused),
		cmocka_unit_test(test_a_reader_forgets_the_response_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
