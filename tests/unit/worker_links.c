/* SPDX-License-Identifier: ISC */
/* Links of pages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker/links.h"
#include "worker_page.h"

static struct link_writer links;

static void
check(const char *type, const char *body, const char *want)
{
	struct answer a;

	page_start(&a, type, body);
	links_write(&links, &page.doc, &a);
	assert_false(a.full);
	page_check(body, want);
}

#define LINK(url, text, rel) \
	"{\"url\":\"" url "\",\"text\":\"" text "\",\"rel\":" rel "}"
#define DIR "http://example.com/dir/"

static void
links_are_absolute_with_text_and_rel(void **state)
{
	static const char *const t[][2] = {
		{ "<a href=x>t</a>", "[" LINK(DIR "x", "t", "null") "]" },
		{ "<a href='/x?a=1&amp;b=2#f' rel='nofollow ugc'> t\n u </a>",
		    "[" LINK("http://example.com/x?a=1&b=2", "t u",
			"\"nofollow ugc\"") "]" },
		{ "<a href='//H.example:80/%7ea/../b c'>t</a>",
		    "[" LINK("http://h.example/b%20c", "t", "null") "]" },
		{ "<a href=''>t</a><a href>u</a>",
		    "[" LINK(DIR "page?q", "t", "null") "," LINK(
			DIR "page?q", "u", "null") "]" },
		{ "<a href='#f'>t</a>",
		    "[" LINK(DIR "page?q", "t", "null") "]" },
		{ "<base href=https://h/b/><a href=x>t</a>",
		    "[" LINK("https://h/b/x", "t", "null") "]" },
		{ "<map><area href=x alt=t rel=next></map>",
		    "[" LINK(DIR "x", "", "\"next\"") "]" },
		{ "<a href=' \n h\nt\ttp://x/a\r\n '>t</a>",
		    "[" LINK("http://x/a", "t", "null") "]" },
		{ "<a href='\xc3\xa9'>\"\xc3\xa9</a>",
		    "[" LINK(DIR "%C3%A9", "\\\"\xc3\xa9", "null") "]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		check("text/html", t[i][0], t[i][1]);
}

static void
what_is_no_http_link_is_left_out(void **state)
{
	static const char *const t[] = { "<a>t</a>", "<a name=x>t</a>",
		"<a href=mailto:a@b>t</a>",
		"<a href='javascript:void(0)'>t</a>", "<a href=tel:1>t</a>",
		"<a href=data:x>t</a>", "<a href='http://'>t</a>",
		"<a href='http://a b/'>t</a>", "<link href=x>", "<p href=x>",
		"<svg><path href=x></svg>" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		check("text/html", t[i], "[]");
	check("text/plain", "<a href=x>t</a>", "[]");
}

static void
text_is_what_is_seen_of_it(void **state)
{
	static const char *const t[][2] = {
		{ "<a href=x> a <b>b</b>c<i> </i>d </a>", "a bc d" },
		{ "<a href=x><h3>a</h3>b<div>c<br>d</div></a>", "a b c d" },
		{ "<a href=x>a<script>s</script><style>s</style>b</a>", "ab" },
		{ "<a href=x><img src=y alt=z></a>", "" },
		{ "<a href=x>a<!-- c -->b</a>", "ab" },
	};
	char want[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		snprintf(want, sizeof(want),
		    "[" LINK(DIR "x", "%s", "null") "]", t[i][1]);
		check("text/html", t[i][0], want);
	}
}

/* Otherwise the text of nested links would be read a million times. */
static void
text_of_a_link_in_a_link_is_its_own(void **state)
{
	struct buf b = { 0 };
	struct answer a;
	size_t i;

	(void)state;
	check("text/html", "<a href=x>a<b>b<a href=y>c</a></b>d</a>",
	    "[" LINK(DIR "x", "abd", "null") "," LINK(
		DIR "y", "c", "null") "]");
	for (i = 0; i < 20000; i++)
		buf_str(&b, "<a href=x><b>t");
	buf_char(&b, '\0');
	page_start(&a, "text/html", b.p);
	answer_start(&a, &page.out, 8 << 20);
	links_write(&links, &page.doc, &a);
	assert_false(a.full);
	assert_true(page.out.n < 20000 * 64);
	buf_fini(&b);
}

static void
it_stops_where_there_is_no_room(void **state)
{
	struct answer a;

	(void)state;
	page_start(&a, "text/html", "<a href=x>t</a><a href=y>t</a>");
	answer_start(&a, &page.out, 80);
	links_write(&links, &page.doc, &a);
	assert_true(a.full);
	assert_true(page.out.n <= 80);
	link_writer_fini(&links);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_absolute_with_text_and_rel),
		cmocka_unit_test(what_is_no_http_link_is_left_out),
		cmocka_unit_test(text_is_what_is_seen_of_it),
		cmocka_unit_test(text_of_a_link_in_a_link_is_its_own),
		cmocka_unit_test(it_stops_where_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
