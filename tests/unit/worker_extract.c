/* SPDX-License-Identifier: ISC */
/* Extraction from documents to JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "codec/json/json.h"
#include "worker/extract.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define HTML "text/html"

#define JOB(k, n, e) \
	{ \
		FRAME_JOB_##k, { n, sizeof(n) - 1 }, \
		{ \
			e, sizeof(e) - 1 \
		} \
	}

static const struct frame_job all[] = {
	JOB(TITLE, "title", ""),
	JOB(LINKS, "links", ""),
	JOB(TEXT, "text", ""),
	JOB(META, "meta", ""),
	JOB(JSONLD, "jsonld", ""),
};

static struct extract *
make(const struct frame_job *job, size_t n)
{
	struct buf config = { 0 }, why = { 0 };
	struct extract *e;
	size_t i;

	for (i = 0; i < n; i++)
		frame_put_job(&config, &job[i]);
	e = extract_new(buf_view(&config), &why);
	assert_non_null(e);
	assert_int_equal(why.n, 0);
	buf_fini(&config);
	buf_fini(&why);
	return e;
}

static enum parse_error
run(struct extract *e, const char *type, struct span body, struct buf *out)
{
	struct frame_doc d = { SPAN("http://example.com/dir/page"),
		span_str(type), body };

	out->n = 0;
	return extract_document(e, &d, out);
}

static void
check(struct extract *e, const char *type, const char *body, const char *want)
{
	struct buf out = { 0 };

	assert_int_equal(run(e, type, span_str(body), &out), PARSE_OK);
	if (!span_eq(buf_view(&out), span_str(want)))
		fail_msg("%.*s", (int)out.n, out.p);
	buf_fini(&out);
}

static void
jobs_are_answered_in_their_order(void **state)
{
	static const struct frame_job jobs[] = {
		JOB(REGEX, "a\"b", "p>(x)"),
		JOB(TEXT, "text", ""),
		JOB(CSS, "c", "p"),
		JOB(REGEX_TEXT, "d", "x y"),
		JOB(XPATH, "e", "//p/text()"),
		JOB(TITLE, "title", ""),
	};
	struct extract *e = make(jobs, COUNT(jobs));

	(void)state;
	check(e, HTML, "<p>x  y",
	    "{\"a\\\"b\":[\"x\"],\"text\":\"x y\",\"c\":[\"<p>x  y</p>\"],"
	    "\"d\":[\"x y\"],\"e\":[\"x  y\"],\"title\":null}");
	extract_free(e);
	e = make(jobs, 0);
	check(e, HTML, "x", "{}");
	extract_free(e);
}

static void
every_kind_of_document_has_every_key(void **state)
{
	struct extract *e = make(all, COUNT(all));
	struct buf out = { 0 };

	(void)state;
	check(e, HTML,
	    "<title>t</title><meta name=a content=b>"
	    "<script type=application/ld+json>{}</script><a href=x>l</a>",
	    "{\"title\":\"t\",\"links\":[{\"url\":\"http://example.com/dir/x\","
	    "\"text\":\"l\",\"rel\":null}],\"text\":\"l\","
	    "\"meta\":{\"a\":\"b\"},\"jsonld\":[{}]}");
	check(e, HTML, "",
	    "{\"title\":null,\"links\":[],\"text\":\"\",\"meta\":{},"
	    "\"jsonld\":[]}");
	check(e, "text/plain", "a \xff",
	    "{\"title\":null,\"links\":[],\"text\":\"a \xc3\xbf\",\"meta\":{},"
	    "\"jsonld\":[]}");
	check(e, "text/xml", "<rss><channel><title>t</title></channel></rss>",
	    "{\"title\":\"t\",\"links\":[],\"text\":\"t\",\"meta\":{},"
	    "\"jsonld\":[]}");
	assert_int_equal(run(e, "text/xml", SPAN("no"), &out), PARSE_FAILED);
	assert_int_equal(out.n, 0);
	extract_free(e);
	buf_fini(&out);
}

/* An expression that fails where there is a <p>, a pattern that takes too long,
 * and the body for both. */
#define FAILS "//p[count('x')]"
#define LONG "(a+)+$"
#define BODY "<p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"

static void
a_job_that_fails_leaves_the_others(void **state)
{
	static const struct frame_job jobs[] = {
		JOB(TITLE, "title", ""),
		JOB(XPATH, "a", FAILS),
		JOB(REGEX, "b", LONG),
		JOB(CSS, "c", "i"),
	};
	struct extract *e = make(jobs, COUNT(jobs));
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(run(e, HTML, SPAN(BODY), &out), PARSE_FAILED);
	assert_true(span_eq(buf_view(&out),
	    SPAN("{\"title\":null,\"a\":null,\"b\":null,\"c\":[]}")));
	extract_free(e);
	buf_fini(&out);
}

static void
too_large_a_result_is_none(void **state)
{
	static const struct frame_job large[][3] = {
		{ JOB(TITLE, "title", ""), JOB(XPATH, "a", "//p/text()"),
		    JOB(TITLE, "b", "") },
		{ JOB(CSS, "a", "p"), JOB(XPATH, "b", FAILS),
		    JOB(TITLE, "title", "") },
		{ JOB(TITLE, "title", ""), JOB(REGEX, "a", "x+"),
		    JOB(XPATH, "b", FAILS) },
		{ JOB(XPATH, "a", FAILS), JOB(REGEX_TEXT, "b", "x+"),
		    JOB(TITLE, "title", "") },
	};
	struct extract *e;
	struct buf body = { 0 }, out = { 0 };
	size_t i;

	(void)state;
	buf_str(&body, "<p>");
	memset(buf_reserve(&body, FRAME_RESULT_MAX), 'x', FRAME_RESULT_MAX);
	body.n += FRAME_RESULT_MAX;
	for (i = 0; i < COUNT(large); i++) {
		e = make(large[i], 3);
		assert_int_equal(
		    run(e, HTML, buf_view(&body), &out), PARSE_TOO_LARGE);
		assert_int_equal(out.n, 0);
		extract_free(e);
	}
	buf_fini(&body);
	buf_fini(&out);
}

static void
the_largest_result_is_one(void **state)
{
	struct extract *e = make(&all[2], 1);
	struct buf body = { 0 }, out = { 0 };
	size_t edge = FRAME_RESULT_MAX - 1 - strlen("{\"text\":\"\"}"), n;

	(void)state;
	memset(buf_reserve(&body, edge + 1), 'x', edge + 1);
	for (n = edge; n <= edge + 1; n++) {
		assert_int_equal(run(e, "text/plain", span_of(body.p, n), &out),
		    n == edge ? PARSE_OK : PARSE_TOO_LARGE);
		assert_int_equal(out.n, n == edge ? FRAME_RESULT_MAX - 1 : 0);
	}
	extract_free(e);
	buf_fini(&body);
	buf_fini(&out);
}

static void
what_is_wrong_with_a_job_is_said(void **state)
{
	static const struct {
		struct frame_job job;
		const char *why;
	} t[] = {
		{ JOB(CSS, "price", "p["), "--css price: " },
		{ JOB(XPATH, "x", "//p["), "--xpath x: " },
		{ JOB(REGEX, "r", "("), "--regex r: " },
		{ JOB(REGEX_TEXT, "r", "("), "--regex r: " },
	};
	struct buf config = { 0 }, why = { 0 };
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		config.n = why.n = 0;
		frame_put_job(&config, &all[0]);
		frame_put_job(&config, &t[i].job);
		assert_null(extract_new(buf_view(&config), &why));
		n = strlen(t[i].why);
		assert_true(why.n > n);
		assert_memory_equal(why.p, t[i].why, n);
	}
	why.n = 0;
	assert_null(extract_new(span_of(config.p, config.n - 1), &why));
	assert_true(why.n > 0);
	buf_fini(&config);
	buf_fini(&why);
}

/* ---- pages that were made to hurt ---- */

static void
add(struct buf *b, const char *s, size_t times)
{
	size_t i;

	for (i = 0; i < times; i++)
		buf_str(b, s);
}

/* Valid JSON of bounded size, whatever comes in. */
static void
survive(const char *type, const char *head, const char *middle, size_t times,
    const char *tail)
{
	struct extract *e = make(all, COUNT(all));
	struct buf body = { 0 }, out = { 0 };
	enum parse_error error;

	buf_str(&body, head);
	add(&body, middle, times);
	buf_str(&body, tail);
	error = run(e, type, buf_view(&body), &out);
	assert_int_equal(error, PARSE_OK);
	assert_true(json_read_answer(buf_view(&out), NULL));
	extract_free(e);
	buf_fini(&body);
	buf_fini(&out);
}

static void
deep_trees_need_no_stack(void **state)
{
	(void)state;
	survive(HTML, "", "<div>", 200000, "x<a href=y>z");
	survive(HTML, "<title>", "<b>", 200000, "x");
	survive(HTML, "<a href=x>", "<i>", 200000, "y");
	survive("text/xml", "<rss><channel><title>", "<a>", 200000, "x");
	survive("text/xml", "<x>", "<a>", 200000, "x");
}

static void
wide_trees_take_linear_time(void **state)
{
	(void)state;
	survive(HTML, "", "<br>", 200000, "");
	survive(HTML, "<p>", "&amp", 200000, "");
	survive(HTML, "<p ", "a=1 ", 100000, ">");
	survive(HTML, "<svg>", "<title>x", 50000, "");
	survive(HTML, "", "<base>", 50000, "");
	survive(HTML, "", "<pre>\n\n", 20000, "");
	survive(HTML, "<a href='", "xxxxxxxxxx", 200000, "'>y");
	survive(HTML, "x<!-- ", "y -", 200000, "");
	survive(HTML, "<script type=application/ld+json>", "[", 200000, "");
	survive("text/xml", "<rss><channel>", "<item/>", 50000, "");
	survive("text/xml", "<urlset><url>", "<loc/>", 50000, "");
}

static void
bytes_that_are_no_text_do_no_harm(void **state)
{
	struct extract *e = make(all, COUNT(all));
	struct buf out = { 0 };
	static const char want[] = "{\"title\":\"\xe2\x82\xac\",";
	char bytes[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 256);
	assert_int_equal(
	    run(e, HTML, span_of(bytes, sizeof(bytes)), &out), PARSE_OK);
	assert_true(json_read_answer(buf_view(&out), NULL));
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(
	    run(e, HTML, span_of(bytes, sizeof(bytes)), &out), PARSE_OK);
	assert_int_equal(
	    run(e, HTML, SPAN("\xff\xfe<\0t\0i\0t\0l\0e\0>\0\xac\x20"), &out),
	    PARSE_OK);
	assert_memory_equal(out.p, want, strlen(want));
	extract_free(e);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_answered_in_their_order),
		cmocka_unit_test(every_kind_of_document_has_every_key),
		cmocka_unit_test(a_job_that_fails_leaves_the_others),
		cmocka_unit_test(too_large_a_result_is_none),
		cmocka_unit_test(the_largest_result_is_one),
		cmocka_unit_test(what_is_wrong_with_a_job_is_said),
		cmocka_unit_test(deep_trees_need_no_stack),
		cmocka_unit_test(wide_trees_take_linear_time),
		cmocka_unit_test(bytes_that_are_no_text_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
