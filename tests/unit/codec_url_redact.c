/* SPDX-License-Identifier: ISC */
/* Passwords are never shown, in any text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/mem.h"
#include "codec/url/url.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct good {
	const char *in, *text;
};

static void
assert_span(struct span s, const char *want)
{
	if (!span_eq(s, span_str(want)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)s.n, s.p, want);
}

static void
test_redacting_never_shows_a_part_of_a_password(void **state)
{
	static const struct good t[] = {
		{ "http://u:p@h/", "http://u:***@h/" },
		{ "http://u:@h/", "http://u:***@h/" },
		{ "http://:p@h/", "http://:***@h/" },
		{ "HTTP://u:p:q@h:80/x?y#z", "HTTP://u:***@h:80/x?y#z" },
		{ "https://u:p@[::1]:8/x", "https://u:***@[::1]:8/x" },
		{ "ftp://u:p@h/", "ftp://u:***@h/" },
		{ "http://u:p@ss@h.test/a@b", "http://u:***@h.test/a@b" },
		{ "http://u:p@h/x:y@z", "http://u:***@h/x:y@z" },
		{ "u:p@h/x", "u:***@h/x" },
		{ "u:1234@h/x", "u:***@h/x" },
		{ "//u:p@h/x", "//u:***@h/x" },
		{ "/u:p@h/x", "/u:***@h/x" },
		{ " \t\xc2\xa0http://u:p@h/ ", " \t\xc2\xa0http://u:***@h/ " },
		/* wrong in their spelling */
		{ "http:u:p@h", "http:***@h" },
		{ "https//u:p@h/", "https//u:***@h/" },
		{ "HTTPS//U:P@H/", "HTTPS//U:***@H/" },
		{ " https//u:p/w@h/", " https//u:***@h/" },
		{ "https///u:p@h/x:y@z", "https///u:***@h/x:y@z" },
		{ "https/u:p@h/", "https/u:***@h/" },
		{ "https\\\\u:p@h/", "https\\\\u:***@h/" },
		{ "https\\u:p@h/", "https\\u:***@h/" },
		{ "https.//u:p@h/", "https.//u:***@h/" },
		{ "https;//u:p@h/", "https;//u:***@h/" },
		{ "https ://u:p@h/", "https ://u:***@h/" },
		{ "hhtps//u:p@h/", "hhtps//u:***@h/" },
		{ "h.test:80//u:p@h/", "h.test:80//u:***@h/" },
		{ "http:80//u:p@h/", "http:80//u:***@h/" },
		{ "http://https://u:p@h/", "http://https://u:***@h/" },
		{ "http://http//u:p/w@h/", "http://http//u:***@h/" },
		{ "http://http://https://u:p@h/",
		    "http://http://https://u:***@h/" },
		{ "://u:p@h/", "://u:***@h/" },
		{ "url=http://u:p@h/", "url=http://u:***@h/" },
		/* pieces of JSON that was not one object a line */
		{ "  \"Authorization\": \"Bearer x\",",
		    "  \"Authorization\":***" },
		{ "\"a\" : 1", "\"a\" :***" },
		{ "[{\"url\":\"http://h/\",\"body\":\"x\"}]", "[{\"url\":***" },
		{ "[ [\"x\"]", "[ [\"x\"]" },
		{ "\"http://h/\"", "\"http://h/\"" },
		{ "[::1]/\"\":x", "[::1]/\"\":x" },
		/* in other spellings of the marks */
		{ "http://u%3ap@h/", "http://u%3a***@h/" },
		{ "http://u%3Ap:q@h/", "http://u%3A***@h/" },
		{ "http://u%3Ap%40h/", "http://u%3A***%40h/" },
		{ "http://u:p%40h/x", "http://u:***%40h/x" },
		{ "http://u:p\xef\xbc\xa0h/", "http://u:***\xef\xbc\xa0h/" },
		{ "http://u\xef\xbc\x9ap@h/", "http://u\xef\xbc\x9a***@h/" },
		{ "u%3ap%40h/x", "u%3a***%40h/x" },
		{ "http:/u:p@h/x@y", "http:/u:***@h/x@y" },
		{ "http:///u:p@h", "http:///u:***@h" },
		{ "https:\\\\u:p@h", "https:\\\\u:***@h" },
		{ "https:\\u:p@h", "https:\\u:***@h" },
		{ "ht\ttp://u:p@h", "ht\ttp://u:***@h" },
		{ "h ttp://u:p@h", "h ttp://u:***@h" },
		{ "\xef\xbb\xbfhttp://u:p@h", "\xef\xbb\xbfhttp://u:***@h" },
		{ "\"http://u:p@h\"", "\"http://u:***@h\"" },
		{ "u:/p:q@h", "u:***@h" },
		{ "mailto:p@h", "mailto:***@h" },
		/* a '/', '?' or '#' in the password that was not escaped */
		{ "http://u:p/w@h/", "http://u:***@h/" },
		{ "http://u:p?w@h/", "http://u:***@h/" },
		{ "http://u:p#w@h/", "http://u:***@h/" },
		{ "http://u:p@/w@h/", "http://u:***@h/" },
		{ "http://u:p@q:r/w@h/", "http://u:***@h/" },
		{ "http://u:p@q$/w@h/", "http://u:***@h/" },
		{ "http://u:1\\/w@h/", "http://u:***@h/" },
		{ "u:p/w@h/", "u:***@h/" },
		{ "u:/w@h/", "u:***@h/" },
		{ "http://[u:p/w@h/", "http://[u:***@h/" },
		{ "[u]:/w@h/", "[u]:***@h/" },
		{ "http://u:p\nw@h/", "http://u:***@h/" },
		{ "http://u:p\n/w@h/", "http://u:***@h/" },
		/* no password in these */
		{ "http://h/", "http://h/" },
		{ "", "" },
		{ "@", "@" },
		{ "http://@h/", "http://@h/" },
		{ "http://u@h/", "http://u@h/" },
		{ "http://h/a@b", "http://h/a@b" },
		{ "http://h/a:b@c", "http://h/a:b@c" },
		{ "http://h:80/a:b@c", "http://h:80/a:b@c" },
		{ "http://h:/a:b@c", "http://h:/a:b@c" },
		{ "http://[::1]/a:b@c", "http://[::1]/a:b@c" },
		{ "[::1]:/a@b", "[::1]:/a@b" },
		{ "http://[::1]:80?a:b@c", "http://[::1]:80?a:b@c" },
		{ "http://m\xc3\xbc_n.h%41/a:b@c",
		    "http://m\xc3\xbc_n.h%41/a:b@c" },
		{ "h/a:b@c", "h/a:b@c" },
		{ "http://http/a:b@c", "http://http/a:b@c" },
		{ "http://h/a%3ab%40c", "http://h/a%3ab%40c" },
		{ "http://h/%40a:b", "http://h/%40a:b" },
		{ "h:80/a:b@c", "h:80/a:b@c" },
		{ "not a url", "not a url" },
	};
	struct buf out = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		out.n = 0;
		url_redact(&out, span_str(t[i].in));
		assert_span(buf_view(&out), t[i].text);
	}
	out.n = 0;
	url_redact(&out, SPAN("http://u:p\0q@h/\0"));
	assert_true(span_eq(buf_view(&out), SPAN("http://u:***@h/\0")));
	buf_fini(&out);
}

static void
test_of_a_text_that_was_cut_the_rest_of_a_password_is_hidden(void **state)
{
	static const struct good t[] = {
		{ "http://u:p", "http://u:***" },
		{ "http://u:1234", "http://u:***" },
		{ "http://u:p/w", "http://u:***" },
		{ "http://u:p@", "http://u:***" },
		{ "https//u:p", "https//u:***" },
		{ "u:p", "u:***" },
		{ "http://h/a:b@c", "http://h/a:b@c" },
		{ "http://h:80/a:b", "http://h:80/a:b" },
		{ "http://u:p@h/a:b@c", "http://u:***@h/a:b@c" },
		{ "h.test/a:b", "h.test/a:b" },
		{ "http://h", "http://h" },
		{ "", "" },
	};
	struct buf out = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		out.n = 0;
		url_redact_cut(&out, span_str(t[i].in));
		assert_span(buf_view(&out), t[i].text);
	}
	buf_fini(&out);
}

static void
test_a_scheme_in_the_place_of_the_host_is_found(void **state)
{
	static const char *const stray[] = { "https//u:p@h.test/",
		" https//h.test/", "HTTP///u:p@h.test/", "http/u:p@h.test/",
		"htps//u:p@h.test/", "h.test//u:p@h.test/",
		"http:80//u:p@h.test/", "http.//u:p@h.test/",
		"http://https://u:p@h.test/", "http://https//u:p@h.test/",
		"http://http://u:p/w@h.test/", "//https//u:p@h.test/",
		"https//u%3ap@h.test/" };
	static const char *const good[] = { "", "http", "http/x", "http:81/x",
		"http://http/a:b@c", "http://http//x", "h.test//x",
		"http://h.test//a:b@c", "http?//a:b@c", "http:/x",
		"http://u:p@h/", "u:p@h", "http/a@b" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(stray); i++)
		if (!url_has_stray_scheme(span_str(stray[i])))
			fail_msg("not found in %s", stray[i]);
	for (i = 0; i < COUNT(good); i++)
		if (url_has_stray_scheme(span_str(good[i])))
			fail_msg("found in %s", good[i]);
}

/* Linear in the length of the line. */
static void
test_a_line_of_many_schemes_is_redacted_at_once(void **state)
{
	static const char *const words[] = { "http://", "http//", "https:/\\",
		"\"\"", "\" \":", ":", "%3a", "@", "%40", "/", "a," };
	struct buf in = { 0 }, out = { 0 };
	clock_t begun = clock();
	size_t i, n, k;

	(void)state;
	for (i = 0; i < COUNT(words); i++)
		for (k = 0; k < 3; k++) {
			in.n = out.n = 0;
			for (n = 0; n < 50000; n++)
				buf_str(&in, words[i]);
			buf_str(&in, k == 0 ? "u:p@" : k == 1 ? "@" : ":");
			for (n = 0; n < 250000; n++)
				buf_str(&in, "xy");
			url_redact(&out, buf_view(&in));
			(void)url_has_stray_scheme(buf_view(&in));
		}
	assert_true(clock() - begun < 20 * CLOCKS_PER_SEC);
	buf_fini(&in);
	buf_fini(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_scheme_in_the_place_of_the_host_is_found),
		cmocka_unit_test(
		    test_redacting_never_shows_a_part_of_a_password),
		cmocka_unit_test(
		    test_of_a_text_that_was_cut_the_rest_of_a_password_is_hidden),
		cmocka_unit_test(
		    test_a_line_of_many_schemes_is_redacted_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
