/* SPDX-License-Identifier: ISC */
/* What a line says by itself and with the options. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/fetch.h"
#include "core/history.h"
#include "core/item.h"
#include "core/job.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A line as JSON, or a URL alone. */
static void
read_line(struct request *r, const char *line)
{
	struct request_fault fault;

	assert_int_equal(request_parse(r, span_str(line), &fault), E_OK);
}

static void
test_the_method_is_the_items_then_the_options_then_post_with_a_body(
    void **state)
{
	static const struct {
		const char *line;
		int is_given; /* -X PUT */
		const char *method;
	} t[] = {
		{ "http://a/", 0, "GET" },
		{ "http://a/", 1, "PUT" },
		{ "{\"url\":\"http://a/\",\"method\":\"DELETE\"}", 1,
		    "DELETE" },
		{ "{\"url\":\"http://a/\",\"body\":\"x\"}", 0, "POST" },
		{ "{\"url\":\"http://a/\",\"body_file\":\"/x\"}", 0, "POST" },
		{ "{\"url\":\"http://a/\",\"body\":\"x\"}", 1, "PUT" },
	};
	char put[] = "PUT", get[] = "GET";
	struct request r = { 0 };
	struct opts o;
	struct span m;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		memset(&o, 0, sizeof(o));
		o.method = t[i].is_given ? put : get;
		o.method_given = t[i].is_given;
		read_line(&r, t[i].line);
		m = item_method(&r, &o);
		if (!span_eq(m, span_str(t[i].method)))
			fail_msg("%s: %.*s", t[i].line, (int)m.n, m.p);
	}
	request_fini(&r);
}

static void
test_a_key_makes_an_item_idempotent_until_it_is_removed(void **state)
{
	static const struct {
		const char *line;
		int has_key;
	} t[] = {
		{ "http://a/", 0 },
		{ "{\"url\":\"http://a/"
		  "\",\"headers\":{\"Idempotency-Key\":\"1\"}}",
		    1 },
		{ "{\"url\":\"http://a/"
		  "\",\"headers\":{\"idempotency-key\":null}}",
		    0 },
	};
	struct request r = { 0 };
	struct opts o;
	size_t i;

	(void)state;
	memset(&o, 0, sizeof(o));
	for (i = 0; i < COUNT(t); i++) {
		read_line(&r, t[i].line);
		if (item_has_idempotency_key(&r, &o) != t[i].has_key)
			fail_msg("%s", t[i].line);
	}
	request_fini(&r);
}

/* A POST that was redirected becomes a GET, which may be sent twice. */
static void
test_the_method_of_a_redirect_decides_what_may_be_sent_twice(void **state)
{
	struct history h = { 0 };
	struct fetch f = { 0 };

	(void)state;
	assert_false(item_is_idempotent(&f));
	f.is_idempotent = 1;
	assert_true(item_is_idempotent(&f));
	f.history = &h;
	assert_true(item_is_idempotent(&f));
	h.method = SPAN("POST");
	assert_false(item_is_idempotent(&f));
	f.is_idempotent = 0;
	h.method = SPAN("GET");
	assert_true(item_is_idempotent(&f));
}

static void
test_a_reference_needs_a_base_and_a_scheme_two_slashes(void **state)
{
	static const struct {
		const char *base, *given, *url; /* url NULL: it is none */
	} t[] = {
		{ NULL, "http://a/x", "http://a/x" },
		{ NULL, "/x", NULL },
		{ "http://a/b/", "x", "http://a/b/x" },
		{ "http://a/b/", " ../x ", "http://a/x" },
		{ "http://a/b/", "http://c/", "http://c/" },
		{ "http://a/b/", "http:c", NULL },
	};
	const char *why = NULL;
	struct url u = { 0 };
	struct job *j;
	size_t i, at;
	enum err e;

	(void)state;
	j = calloc(1, sizeof(*j));
	assert_non_null(j);
	for (i = 0; i < COUNT(t); i++) {
		j->base_url.text.n = 0;
		if (t[i].base != NULL)
			assert_int_equal(url_parse(&j->base_url,
					     span_str(t[i].base), &why, &at),
			    E_OK);
		e = item_url(j, &u, span_str(t[i].given), &why, &at);
		if ((e == E_OK) != (t[i].url != NULL) ||
		    (e == E_OK && !span_eq(url_text(&u), span_str(t[i].url))))
			fail_msg("%s: %d", t[i].given, (int)e);
		if (e != E_OK)
			assert_non_null(why);
	}
	url_fini(&u);
	url_fini(&j->base_url);
	free(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_the_method_is_the_items_then_the_options_then_post_with_a_body),
		cmocka_unit_test(
		    test_a_key_makes_an_item_idempotent_until_it_is_removed),
		cmocka_unit_test(
		    test_the_method_of_a_redirect_decides_what_may_be_sent_twice),
		cmocka_unit_test(
		    test_a_reference_needs_a_base_and_a_scheme_two_slashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
