/* SPDX-License-Identifier: ISC */
/* Which header lines are sent, in which order and precedence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "codec/http/http.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define LIST(a) \
	{ \
		(a), N(a) \
	}
#define SET(n, v) \
	{ \
		SPAN(n), SPAN(v), 0 \
	}
#define REMOVE(n) \
	{ \
		SPAN(n), SPAN(""), 1 \
	}

static const struct http_request plain = {
	.method = SPAN("GET"),
	.target = SPAN("/a?b"),
	.authority = SPAN("example.com:8080"),
	.user_agent = SPAN("fetchd/1"),
	.accept_encoding = SPAN("gzip"),
};

static void
assert_written(const struct http_request *r, const char *expected)
{
	struct buf b = { 0 };

	http_write_request(&b, r);
	buf_char(&b, '\0');
	assert_string_equal(b.p, expected);
	buf_fini(&b);
}

static void
test_a_plain_get_has_host_first(void **state)
{
	(void)state;
	assert_written(&plain, "GET /a?b HTTP/1.1\r\n"
			       "Host: example.com:8080\r\n"
			       "User-Agent: fetchd/1\r\n"
			       "Accept: */*\r\n"
			       "Accept-Encoding: gzip\r\n\r\n");
}

static void
test_what_is_empty_is_not_sent(void **state)
{
	struct http_request r = plain;

	(void)state;
	r.accept_encoding = r.user_agent = SPAN_NONE;
	r.content_type = SPAN("text/plain");
	assert_written(&r, "GET /a?b HTTP/1.1\r\nHost: example.com:8080\r\n"
			   "Accept: */*\r\n\r\n");
}

static void
test_the_order_of_all_lines(void **state)
{
	struct http_header option[] = { SET("X-Option", "1"),
		SET("X-Again", "2") };
	struct http_header item[] = { SET("X-Item", "3"), SET("X-Item", "4"),
		SET("Empty", "") };
	struct http_request r = plain;

	(void)state;
	r.method = SPAN("POST");
	r.authorization = SPAN("Basic eA==");
	r.cookie = SPAN("a=b");
	r.content_type = SPAN("application/json");
	r.has_body = 1;
	r.body_bytes = 12345678901;
	r.option = (struct http_headers)LIST(option);
	r.item = (struct http_headers)LIST(item);
	assert_written(&r, "POST /a?b HTTP/1.1\r\n"
			   "Host: example.com:8080\r\n"
			   "User-Agent: fetchd/1\r\n"
			   "Accept: */*\r\n"
			   "Accept-Encoding: gzip\r\n"
			   "Authorization: Basic eA==\r\n"
			   "Cookie: a=b\r\n"
			   "X-Option: 1\r\n"
			   "X-Again: 2\r\n"
			   "X-Item: 3\r\n"
			   "X-Item: 4\r\n"
			   "Empty: \r\n"
			   "Content-Type: application/json\r\n"
			   "Content-Length: 12345678901\r\n\r\n");
}

static void
test_the_item_replaces_the_option_and_both_the_default(void **state)
{
	struct http_header option[] = { SET("ACCEPT", "text/html"),
		SET("x-both", "option"), SET("x-both", "option too"),
		SET("cookie", "c=d"), SET("host", "option.test") };
	struct http_header item[] = { SET("X-Both", "item"),
		SET("user-agent", "me"), SET("Content-type", "x/y"),
		SET("HOST", "item.test") };
	struct http_request r = plain;

	(void)state;
	r.method = SPAN("POST");
	r.has_body = 1;
	r.cookie = SPAN("a=b");
	r.content_type = SPAN("application/json");
	r.option = (struct http_headers)LIST(option);
	r.item = (struct http_headers)LIST(item);
	assert_written(&r, "POST /a?b HTTP/1.1\r\n"
			   "Host: item.test\r\n"
			   "Accept-Encoding: gzip\r\n"
			   "ACCEPT: text/html\r\n"
			   "cookie: c=d\r\n"
			   "X-Both: item\r\n"
			   "user-agent: me\r\n"
			   "Content-type: x/y\r\n"
			   "Content-Length: 0\r\n\r\n");
}

static void
test_a_removed_header_is_not_sent(void **state)
{
	struct http_header option[] = { SET("X-A", "1"), REMOVE("accept"),
		SET("X-B", "2"), REMOVE("x-b"), REMOVE("x-c"),
		SET("X-C", "3") };
	struct http_header item[] = { REMOVE("x-a"), REMOVE("User-Agent"),
		REMOVE("Host"), SET("Accept", "image/png") };
	struct http_request r = plain;

	(void)state;
	r.option = (struct http_headers)LIST(option);
	assert_written(&r, "GET /a?b HTTP/1.1\r\n"
			   "Host: example.com:8080\r\n"
			   "User-Agent: fetchd/1\r\n"
			   "Accept-Encoding: gzip\r\n"
			   "X-A: 1\r\n"
			   "X-C: 3\r\n\r\n");
	r.item = (struct http_headers)LIST(item);
	assert_written(&r, "GET /a?b HTTP/1.1\r\n"
			   "Host: example.com:8080\r\n"
			   "Accept-Encoding: gzip\r\n"
			   "X-C: 3\r\n"
			   "Accept: image/png\r\n\r\n");
}

static void
test_a_request_has_one_host_always(void **state)
{
	struct http_header option[] = { SET("Host", "a"), SET("host", "b") };
	struct http_header item[] = { REMOVE("HOST") };
	struct http_request r = plain;

	(void)state;
	r.user_agent = r.accept_encoding = SPAN_NONE;
	r.option = (struct http_headers)LIST(option);
	assert_written(
	    &r, "GET /a?b HTTP/1.1\r\nHost: b\r\nAccept: */*\r\n\r\n");
	r.item = (struct http_headers)LIST(item);
	assert_written(&r, "GET /a?b HTTP/1.1\r\nHost: example.com:8080\r\n"
			   "Accept: */*\r\n\r\n");
}

static void
test_methods_that_expect_a_body_say_when_there_is_none(void **state)
{
	static const struct {
		const char *method;
		int length;
	} table[] = { { "GET", 0 }, { "HEAD", 0 }, { "DELETE", 0 },
		{ "POST", 1 }, { "PUT", 1 }, { "PATCH", 1 }, { "post", 0 } };
	struct http_request r = plain;
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < N(table); i++) {
		b.n = 0;
		r.method = span_str(table[i].method);
		http_write_request(&b, &r);
		buf_char(&b, '\0');
		assert_int_equal(
		    strstr(b.p, "\r\nContent-Length: 0\r\n") != NULL,
		    table[i].length);
	}
	buf_fini(&b);
}

static void
test_a_token_is_what_the_grammar_says(void **state)
{
	int c, token;
	char s[3] = "a?b";

	(void)state;
	assert_false(http_is_token(SPAN_NONE));
	for (c = 0; c < 256; c++) {
		s[1] = (char)c;
		token = c != 0 && c < 128 &&
			strchr("!#$%&'*+-.^_`|~0123456789"
			       "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			    c) != NULL;
		assert_int_equal(http_is_token(span_of(s, 3)), token);
		assert_int_equal(http_is_token(span_of(s + 1, 1)), token);
	}
}

static void
test_a_value_holds_no_control_but_the_tab(void **state)
{
	char s[24];
	size_t at;
	int c, ok;

	(void)state;
	assert_true(http_is_value(SPAN_NONE));
	for (c = 0; c < 256; c++)
		for (at = 0; at < sizeof(s); at++) {
			memset(s, 'a', sizeof(s));
			s[at / 2] = '\t';
			s[at] = (char)c;
			ok = c == '\t' || (c >= 0x20 && c != 0x7f);
			assert_int_equal(
			    http_is_value(span_of(s, sizeof(s))), ok);
		}
}

static void
test_a_header_cannot_smuggle_or_frame(void **state)
{
	static const struct {
		struct span name, value;
		int ok;
	} table[] = {
		{ SPAN("X-Fine"), SPAN("a b\tc \xc3\xa4"), 1 },
		{ SPAN("X-Empty"), SPAN(""), 1 },
		{ SPAN("Host"), SPAN("other.test"), 1 },
		{ SPAN("Accept"), SPAN("*/*"), 1 },
		{ SPAN("X"), SPAN("1\r\nX-Evil: 1"), 0 },
		{ SPAN("Host"), SPAN("a\r\nX-Evil: 1"), 0 },
		{ SPAN("X"), SPAN("1\nX-Evil: 1"), 0 },
		{ SPAN("X"), SPAN("1\r"), 0 },
		{ SPAN("X"), SPAN("a\0b"), 0 },
		{ SPAN("X"), SPAN("a\177"), 0 },
		{ SPAN(""), SPAN("a"), 0 },
		{ SPAN("X Y"), SPAN("a"), 0 },
		{ SPAN("X:"), SPAN("a"), 0 },
		{ SPAN("X\r\nY"), SPAN("a"), 0 },
		{ SPAN(":path"), SPAN("/"), 0 },
		{ SPAN("Content-Length"), SPAN("5"), 0 },
		{ SPAN("content-length"), SPAN(""), 0 },
		{ SPAN("Transfer-Encoding"), SPAN("chunked"), 0 },
		{ SPAN("Upgrade"), SPAN("h2c"), 0 },
		{ SPAN("TE"), SPAN("trailers"), 0 },
		{ SPAN("Trailer"), SPAN("X"), 0 },
		{ SPAN("Proxy-Connection"), SPAN("close"), 0 },
		{ SPAN("Keep-Alive"), SPAN("300"), 0 },
		{ SPAN("Expect"), SPAN("100-continue"), 0 },
		{ SPAN("Connection"), SPAN("close"), 1 },
		{ SPAN("connection"), SPAN(" Keep-Alive "), 1 },
		{ SPAN("Connection"), SPAN("close, X"), 0 },
		{ SPAN("Connection"), SPAN(" ,keep-alive,, CLOSE ,"), 1 },
		{ SPAN("Connection"), SPAN(" , "), 0 },
		{ SPAN("Connection"), SPAN("Upgrade"), 0 },
		{ SPAN("Connection"), SPAN(""), 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(table); i++)
		if ((http_header_ok(table[i].name, table[i].value) == NULL) !=
		    table[i].ok)
			fail_msg("%.*s: %.*s", (int)table[i].name.n,
			    table[i].name.p, (int)table[i].value.n,
			    table[i].value.p);
}

static void
test_idempotent_methods_are_the_six_of_the_rfc(void **state)
{
	static const char *const yes[] = { "GET", "HEAD", "OPTIONS", "TRACE",
		"PUT", "DELETE" };
	static const char *const no[] = { "POST", "PATCH", "get", "GETX", "GE",
		"", "CONNECT", "PROPFIND" };
	size_t i;

	(void)state;
	for (i = 0; i < N(yes); i++)
		assert_true(http_is_idempotent(span_str(yes[i])));
	for (i = 0; i < N(no); i++)
		assert_false(http_is_idempotent(span_str(no[i])));
}

static void
test_close_counts_if_it_goes_out(void **state)
{
	struct http_header close[] = { SET("X", "1"), SET("Connection", "a"),
		SET("connection", ", CLOSE") };
	struct http_header keep[] = { SET("Connection", "keep-alive") };
	struct http_header taken[] = { SET("Connection", "close"),
		REMOVE("CONNECTION") };
	struct http_request r = plain;

	(void)state;
	assert_false(http_asks_close(&r));
	r.option = (struct http_headers)LIST(close);
	assert_true(http_asks_close(&r));
	r.item = (struct http_headers)LIST(keep);
	assert_false(http_asks_close(&r));
	r.item = (struct http_headers)LIST(taken);
	assert_false(http_asks_close(&r));
	r.option = (struct http_headers){ NULL, 0 };
	r.item = (struct http_headers)LIST(close);
	assert_true(http_asks_close(&r));
}

static void
test_a_header_is_sent_unless_it_is_replaced_removed_or_left_behind(void **state)
{
	struct http_header some[] = { SET("Range", "bytes=0-"),
		SET("Content-Language", "en") };
	struct http_header none[] = { REMOVE("range") };
	struct http_request r = plain;

	(void)state;
	assert_false(http_sends(&r, SPAN("range")));
	r.option = (struct http_headers)LIST(some);
	assert_true(http_sends(&r, SPAN("range")));
	assert_false(http_sends(&r, SPAN("ranges")));
	r.item = (struct http_headers)LIST(none);
	assert_false(http_sends(&r, SPAN("range")));
	assert_true(http_sends(&r, SPAN("content-language")));
	r.omit = HTTP_OMIT_CONTENT;
	assert_false(http_sends(&r, SPAN("content-language")));
}

static void
test_a_method_in_another_case_has_one_that_was_meant(void **state)
{
	(void)state;
	assert_string_equal(http_method_meant(SPAN("get")), "GET");
	assert_string_equal(http_method_meant(SPAN("Post")), "POST");
	assert_string_equal(http_method_meant(SPAN("patcH")), "PATCH");
	assert_null(http_method_meant(SPAN("GET")));
	assert_null(http_method_meant(SPAN("purge")));
	assert_null(http_method_meant(SPAN("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_get_has_host_first),
		cmocka_unit_test(test_what_is_empty_is_not_sent),
		cmocka_unit_test(test_the_order_of_all_lines),
		cmocka_unit_test(
		    test_the_item_replaces_the_option_and_both_the_default),
		cmocka_unit_test(test_a_removed_header_is_not_sent),
		cmocka_unit_test(test_a_request_has_one_host_always),
		cmocka_unit_test(
		    test_methods_that_expect_a_body_say_when_there_is_none),
		cmocka_unit_test(test_a_token_is_what_the_grammar_says),
		cmocka_unit_test(test_a_value_holds_no_control_but_the_tab),
		cmocka_unit_test(test_a_header_cannot_smuggle_or_frame),
		cmocka_unit_test(test_close_counts_if_it_goes_out),
		cmocka_unit_test(
		    test_a_header_is_sent_unless_it_is_replaced_removed_or_left_behind),
		cmocka_unit_test(
		    test_idempotent_methods_are_the_six_of_the_rfc),
		cmocka_unit_test(
		    test_a_method_in_another_case_has_one_that_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
