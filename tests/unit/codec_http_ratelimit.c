/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/http/ratelimit.c: header sections and the expected limits,
 * written "name: remaining/limit reset_us;".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http/duration.h"
#include "codec/http/ratelimit.h"

#define WALL_S 1700000000 /* 2023-11-14T22:13:20Z */
#define WALL (WALL_S * INT64_C(1000000))

struct section {
	const char *what, *fields, *limits;
};

static size_t
read_section(struct http *h, const char *fields, struct http_ratelimit *v)
{
	struct buf b = { 0 };
	struct span body;

	buf_str(&b, "HTTP/1.1 429 Too Many Requests\r\n");
	buf_str(&b, fields);
	buf_str(&b, "Content-Length: 0\r\n\r\n");
	http_start(h, 0, 65536, 0);
	assert_int_equal(http_feed(h, buf_view(&b), &body), HTTP_DONE);
	buf_fini(&b);
	return http_ratelimit_read(http_header(h), WALL, v);
}

static void
put_limit(struct buf *out, const struct http_ratelimit *v)
{
	buf_span(out, v->name);
	buf_str(out, ": ");
	buf_i64(out, v->remaining);
	buf_char(out, '/');
	buf_i64(out, v->limit);
	buf_char(out, ' ');
	buf_i64(out, v->reset_us);
	buf_char(out, ';');
}

static void
check_sections(const struct section *table, size_t n)
{
	struct http_ratelimit v[HTTP_RATELIMIT_MAX];
	struct http *h = http_new();
	struct buf out = { 0 };
	size_t i, k, limits;

	for (i = 0; i < n; i++) {
		out.n = 0;
		limits = read_section(h, table[i].fields, v);
		for (k = 0; k < limits; k++)
			put_limit(&out, &v[k]);
		if (!span_eq(buf_view(&out), span_str(table[i].limits)))
			fail_msg("%s: %.*s", table[i].what, (int)out.n, out.p);
	}
	buf_fini(&out);
	http_free(h);
}

#define CHECK_SECTIONS(table) \
	check_sections(table, sizeof(table) / sizeof((table)[0]))

static void
test_the_usual_headers_are_read(void **state)
{
	static const struct section table[] = {
		{ "none", "Server: x\r\nRetry-After: 5\r\n", "" },
		{ "GitHub",
		    "X-RateLimit-Limit: 5000\r\n"
		    "X-RateLimit-Remaining: 4987\r\n"
		    "X-RateLimit-Reset: 1700000060\r\n"
		    "X-RateLimit-Used: 13\r\n"
		    "X-RateLimit-Resource: core\r\n",
		    ": 4987/5000 60000000;" },
		{ "Twitter",
		    "x-rate-limit-limit: 75\r\nx-rate-limit-remaining: 0\r\n"
		    "x-rate-limit-reset: 1700000900\r\n",
		    ": 0/75 900000000;" },
		{ "OpenAI",
		    "x-ratelimit-limit-requests: 60\r\n"
		    "x-ratelimit-limit-tokens: 150000\r\n"
		    "x-ratelimit-remaining-requests: 59\r\n"
		    "x-ratelimit-remaining-tokens: 149984\r\n"
		    "x-ratelimit-reset-requests: 17ms\r\n"
		    "x-ratelimit-reset-tokens: 6m0s\r\n",
		    "requests: 59/60 17000;tokens: 149984/150000 360000000;" },
		{ "Anthropic",
		    "anthropic-ratelimit-requests-limit: 50\r\n"
		    "anthropic-ratelimit-requests-remaining: 49\r\n"
		    "anthropic-ratelimit-requests-reset: "
		    "2023-11-14T22:13:21Z\r\n"
		    "anthropic-ratelimit-input-tokens-remaining: 9000\r\n"
		    "anthropic-ratelimit-input-tokens-reset: "
		    "2023-11-14T22:13:20Z\r\n",
		    "requests: 49/50 1000000;input-tokens: 9000/-1 0;" },
		{ "Reddit",
		    "x-ratelimit-used: 1\r\nx-ratelimit-remaining: 99.0\r\n"
		    "x-ratelimit-reset: 245\r\n",
		    ": 99/-1 245000000;" },
		{ "Discord",
		    "X-RateLimit-Limit: 5\r\nX-RateLimit-Remaining: 0\r\n"
		    "X-RateLimit-Reset: 1700000001.250\r\n"
		    "X-RateLimit-Reset-After: 1.250\r\n"
		    "X-RateLimit-Bucket: abcd1234\r\n",
		    ": 0/5 1250000;" },
		{ "GitLab",
		    "RateLimit-Limit: 600\r\nRateLimit-Name: throttle\r\n"
		    "RateLimit-Observed: 1\r\nRateLimit-Remaining: 599\r\n"
		    "RateLimit-Reset: 1700000060\r\n"
		    "RateLimit-ResetTime: Tue, 14 Nov 2023 22:14:20 GMT\r\n",
		    ": 599/600 60000000;" },
		{ "Kong",
		    "X-RateLimit-Remaining-Minute: 4\r\n"
		    "X-RateLimit-Limit-Minute: 5\r\n"
		    "RateLimit-Remaining: 4\r\nRateLimit-Reset: 47\r\n"
		    "RateLimit-Limit: 5\r\n",
		    "minute: 4/5 -1;: 4/5 47000000;" },
		{ "two families",
		    "X-RateLimit-Remaining: 4\r\nRateLimit-Remaining: 7\r\n"
		    "RateLimit-Reset: 47\r\nX-RateLimit-Reset: 1\r\n",
		    ": 4/-1 1000000;: 7/-1 47000000;" },
		{ "Docker Hub",
		    "ratelimit-limit: 100;w=21600\r\n"
		    "ratelimit-remaining: 76;w=21600\r\n"
		    "docker-ratelimit-source: 192.0.2.1\r\n",
		    ": 76/100 -1;" },
	};

	(void)state;
	CHECK_SECTIONS(table);
}

static void
test_the_ietf_drafts_are_read(void **state)
{
	static const struct section table[] = {
		{ "draft 0",
		    "RateLimit-Limit: 100, 100;w=60;burst=1000\r\n"
		    "RateLimit-Remaining: 50\r\nRateLimit-Reset: 5\r\n",
		    ": 50/100 5000000;" },
		{ "draft 3", "RateLimit: limit=100, remaining=50, reset=5\r\n",
		    ": 50/100 5000000;" },
		{ "draft 3, tight",
		    "RateLimit: limit=100,remaining=50,reset=5\r\n"
		    "RateLimit-Policy: 100;w=60\r\n",
		    ": 50/100 5000000;" },
		{ "draft 3 over two lines",
		    "RateLimit: limit=100, remaining=50\r\n"
		    "RateLimit: reset=5\r\n",
		    ": 50/100 5000000;" },
		{ "draft 8", "RateLimit: \"default\";r=50;t=30\r\n",
		    "default: 50/-1 30000000;" },
		{ "draft 8, two",
		    "RateLimit: \"burst\"; r=0; t=1, \"day\" ;t=9;r=100\r\n",
		    "burst: 0/-1 1000000;day: 100/-1 9000000;" },
		{ "draft 8, a token", "RateLimit: default;r=50\r\n",
		    "default: 50/-1 -1;" },
		{ "a partition key",
		    "RateLimit: \"a\";r=5;t=1;pk=:cHsdsRa894==:\r\n",
		    "a: 5/-1 1000000;" },
		{ "a name with everything",
		    "RateLimit: \"a,b;r=1=\\\"c\";r=5;t=1\r\n",
		    "a,b;r=1=\\\"c: 5/-1 1000000;" },
		{ "no number of what is left", "RateLimit: \"a\";t=1\r\n", "" },
		{ "empty members", "RateLimit: , ,;r=5,a;r=1;;,\r\n",
		    "a: 1/-1 -1;" },
		{ "a string without an end", "RateLimit: \"a;r=1, b;r=2\r\n",
		    "" },
	};

	(void)state;
	CHECK_SECTIONS(table);
}

#define RESET(v) "x-ratelimit-remaining: 1\r\nx-ratelimit-reset: " v "\r\n"

static void
test_a_reset_is_told_by_its_form(void **state)
{
	static const struct section table[] = {
		{ "seconds", RESET("5"), ": 1/-1 5000000;" },
		{ "none", RESET("0"), ": 1/-1 0;" },
		{ "a fraction", RESET("0.25"), ": 1/-1 250000;" },
		{ "10^9 seconds", RESET("1000000000"),
		    ": 1/-1 1000000000000000;" },
		{ "a Unix time that is over", RESET("1000000001"),
		    ": 1/-1 0;" },
		{ "a Unix time", RESET("1700000001.5"), ": 1/-1 1500000;" },
		{ "10^12", RESET("1000000000000"),
		    ": 1/-1 998300000000000000;" },
		{ "in milliseconds, over", RESET("1000000000001"),
		    ": 1/-1 0;" },
		{ "in milliseconds", RESET("1700000000250"), ": 1/-1 250000;" },
		{ "huge", RESET("99999999999999999999999"),
		    ": 1/-1 2304143009213693951;" },
		{ "a duration", RESET("1h2m3s"), ": 1/-1 3723000000;" },
		{ "RFC 3339", RESET("2023-11-14T22:13:30.5Z"),
		    ": 1/-1 10500000;" },
		{ "HTTP-date", RESET("Tue, 14 Nov 2023 22:13:30 GMT"),
		    ": 1/-1 10000000;" },
	};

	(void)state;
	CHECK_SECTIONS(table);
}

static void
test_rubbish_is_left_out_with_all_of_its_limit(void **state)
{
	static const struct section table[] = {
		{ "remaining", "x-ratelimit-remaining: many\r\n", "" },
		{ "negative", "x-ratelimit-remaining: -1\r\n", "" },
		{ "empty", "x-ratelimit-remaining:\r\n", "" },
		{ "a list", "x-ratelimit-remaining: 5, 6\r\n", "" },
		{ "reset", RESET("soon"), "" },
		{ "a negative reset", RESET("-5"), "" },
		{ "an empty reset", RESET(""), "" },
		{ "a signed duration", RESET("-5s"), "" },
		{ "two that differ",
		    "x-ratelimit-remaining: 5\r\n"
		    "x-ratelimit-remaining: 6\r\n",
		    "" },
		{ "two resets that differ", RESET("5") RESET("6"), "" },
		{ "two that agree", RESET("5") RESET("5.0"),
		    ": 1/-1 5000000;" },
		{ "the limit alone is no matter",
		    "x-ratelimit-limit: x\r\n" RESET("5"), ": 1/-1 5000000;" },
		{ "no remaining", "x-ratelimit-reset: 5\r\n", "" },
		{ "of others nothing is lost",
		    "x-ratelimit-remaining-a: x\r\n"
		    "x-ratelimit-remaining-b: 7\r\n"
		    "x-ratelimit-reset-a: 5\r\n",
		    "b: 7/-1 -1;" },
		{ "in a list", "RateLimit: a;r=x;t=1, b;r=1;t=-1, c;r=2\r\n",
		    "c: 2/-1 -1;" },
		{ "in a dictionary", "RateLimit: remaining=x, reset=5\r\n",
		    "" },
		{ "names that are none of them",
		    "x-ratelimit: 5\r\nx-ratelimit-remainings: 5\r\n"
		    "x-ratelimit-: 5\r\nx-ratelimit-remaining-: 5\r\n"
		    "my-x-ratelimit-remaining: 5\r\n"
		    "ratelimit-policy: 5\r\n",
		    "" },
	};

	(void)state;
	CHECK_SECTIONS(table);
}

static void
test_what_is_left_saturates(void **state)
{
	struct http_ratelimit v[HTTP_RATELIMIT_MAX];
	struct http *h = http_new();

	(void)state;
	assert_int_equal(read_section(h,
			     "x-ratelimit-remaining: "
			     "99999999999999999999999999\r\n",
			     v),
	    1);
	assert_int_equal(v[0].remaining, HTTP_DURATION_MAX);
	http_free(h);
}

static void
test_eight_limits_are_the_most(void **state)
{
	struct http_ratelimit v[HTTP_RATELIMIT_MAX];
	struct http *h = http_new();
	struct buf b = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 12; i++)
		buf_printf(&b, "x-ratelimit-remaining-%c: %d\r\n", 'a' + i, i);
	buf_printf(&b, "x-ratelimit-reset-a: 5\r\nRateLimit: z;r=1\r\n");
	buf_char(&b, '\0');
	assert_int_equal(read_section(h, b.p, v), HTTP_RATELIMIT_MAX);
	assert_int_equal(v[0].reset_us, 5000000);
	assert_int_equal(v[7].remaining, 7);
	buf_fini(&b);
	http_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_usual_headers_are_read),
		cmocka_unit_test(test_the_ietf_drafts_are_read),
		cmocka_unit_test(test_a_reset_is_told_by_its_form),
		cmocka_unit_test(
		    test_rubbish_is_left_out_with_all_of_its_limit),
		cmocka_unit_test(test_what_is_left_saturates),
		cmocka_unit_test(test_eight_limits_are_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
