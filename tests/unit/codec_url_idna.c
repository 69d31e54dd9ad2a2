/* SPDX-License-Identifier: ISC */
/* Internationalised hosts: accepted like in browsers, written as A-labels. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/mem.h"
#include "codec/url/url.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct good {
	const char *in, *text;
};

struct wrong {
	const char *in;
	enum err e;
};

static enum err
parse(struct url *u, const char *s)
{
	const char *why = NULL;
	size_t at = SIZE_MAX;
	enum err e = url_parse(u, span_str(s), &why, &at);

	if (e != E_OK) {
		assert_non_null(why);
		assert_true(at <= strlen(s));
		assert_int_equal(u->text.n, 0);
	}
	return e;
}

static void
assert_span(struct span s, const char *want)
{
	if (!span_eq(s, span_str(want)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)s.n, s.p, want);
}

static void
check_good(const struct good *t, size_t n)
{
	struct url u = { 0 };
	struct span s;
	size_t i;

	for (i = 0; i < n; i++) {
		if (parse(&u, t[i].in) != E_OK)
			fail_msg("refused: %s", t[i].in);
		assert_span(url_text(&u), t[i].text);
		s = url_hostname(&u);
		assert_null(memchr(s.p, '@', s.n));
	}
	url_fini(&u);
}

static void
check_wrong(const struct wrong *t, size_t n)
{
	struct url u = { 0 };
	enum err e;
	size_t i;

	for (i = 0; i < n; i++) {
		e = parse(&u, t[i].in);
		if (e != t[i].e)
			fail_msg("%s: %s, not %s", t[i].in, error_code(e),
			    error_code(t[i].e));
	}
	url_fini(&u);
}

static void
test_hyphens_may_be_anywhere_in_an_international_label(void **state)
{
	static const struct good t[] = {
		{ "http://-\xc3\xbc.test/", "http://xn----eha.test/" },
		{ "http://\xc3\xbc-.test/", "http://xn----dha.test/" },
		{ "http://ab--\xc3\xbc.test/", "http://xn--ab---3ra.test/" },
		{ "http://a_\xc3\xbc.test/", "http://xn--a_-yka.test/" },
		{ "http://_-\xc3\xbc-_.test/", "http://xn--_--_-1ra.test/" },
		{ "http://-\xef\xbd\x81-b_/", "http://-a-b_/" },
	};

	(void)state;
	check_good(t, COUNT(t));
}

/* The names of RFC 3492 section 7.1 are A-labels, too. */
static void
test_an_a_label_goes_out_as_it_was_given(void **state)
{
	static const struct good good[] = {
		{ "http://xn--ls8h.test/", "http://xn--ls8h.test/" },
		{ "http://XN--LS8H.Test/", "http://xn--ls8h.test/" },
		{ "http://xn%2d%2dls8h.test/", "http://xn--ls8h.test/" },
		{ "http://xn--i-7iq.ws/", "http://xn--i-7iq.ws/" },
		{ "http://xn--a-ecp.ru/", "http://xn--a-ecp.ru/" },
		{ "http://xn--a_-yka.test/", "http://xn--a_-yka.test/" },
		{ "http://xn----eha.test/", "http://xn----eha.test/" },
		{ "http://xn--fa-hia.\xc3\xbc/", "http://xn--fa-hia.xn--tda/" },
		{ "http://xn--egbpdaj6bu4bxfgehfvwxn.a/",
		    "http://xn--egbpdaj6bu4bxfgehfvwxn.a/" },
		{ "http://xn--ihqwcrb4cv8a8dqg056pqjye.a/",
		    "http://xn--ihqwcrb4cv8a8dqg056pqjye.a/" },
		{ "http://xn--porqunopuedensimplementehablarenespaol-fmd56a/",
		    "http://xn--porqunopuedensimplementehablarenespaol-fmd56a"
		    "/" },
		{ "http://xn--3b-ww4c5e180e575a65lsy2b/",
		    "http://xn--3b-ww4c5e180e575a65lsy2b/" },
	};
	static const struct wrong wrong[] = {
		{ "http://xn--.test/", E_URL_HOST_INVALID },
		{ "http://xn---.test/", E_URL_HOST_INVALID },
		{ "http://xn--abc-.test/", E_URL_HOST_INVALID },
		{ "http://xn--zzzz-----.test/", E_URL_HOST_INVALID },
		{ "http://xn--a.test/", E_URL_HOST_INVALID }, /* U+0080 */
		{ "http://xn--zzzzzzzzz/", E_URL_HOST_INVALID },
		{ "http://xn--99999999999999999999/", E_URL_HOST_INVALID },
		{ "http://xn--a_b.test/", E_URL_HOST_INVALID },
	};

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
}

static void
test_an_emoji_is_a_label_as_browsers_have_it(void **state)
{
	static const struct good t[] = {
		{ "http://\xf0\x9f\x92\xa9.test/", "http://xn--ls8h.test/" },
		{ "http://\xf0\x9f\x92\xa9-.test/", "http://xn----wb3s.test/" },
		{ "http://i\xe2\x9d\xa4.ws/", "http://xn--i-7iq.ws/" },
		{ "http://x\xe2\x98\x95Y.test/", "http://xn--xy-ytx.test/" },
	};

	(void)state;
	check_good(t, COUNT(t));
}

static void
test_international_names_become_a_labels(void **state)
{
	static const struct good good[] = {
		{ "http://m\xc3\xbcnchen.test/",
		    "http://xn--mnchen-3ya.test/" },
		{ "http://M\xc3\x9cNCHEN.test/",
		    "http://xn--mnchen-3ya.test/" },
		{ "http://m%C3%BCnchen.test/", "http://xn--mnchen-3ya.test/" },
		{ "http://mu\xcc\x88nchen.test/",
		    "http://xn--mnchen-3ya.test/" },
		{ "http://\xc3\x9f.test/", "http://xn--zca.test/" },
		{ "http://fa\xc3\x9f.de/", "http://xn--fa-hia.de/" },
		{ "http://xn--mnchen-3ya.test/",
		    "http://xn--mnchen-3ya.test/" },
		{ "http://XN--MNCHEN-3YA.test/",
		    "http://xn--mnchen-3ya.test/" },
		{ "http://a\xe3\x80\x82"
		  "b\xef\xbc\x8e"
		  "c\xef\xbd\xa1"
		  "d/",
		    "http://a.b.c.d/" },
		{ "http://h.test\xe3\x80\x82/", "http://h.test./" },
		{ "http://_x.r1---sn.\xc3\xbc.test/",
		    "http://_x.r1---sn.xn--tda.test/" },
		/* a soft hyphen is mapped to nothing */
		{ "http://a\xc2\xad"
		  "b.\xc2\xad/",
		    "http://ab./" },
		/* ZWJ where the script allows it */
		{ "http://\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7/",
		    "http://xn--11b2ezcw70k/" },
	};
	static const struct wrong wrong[] = {
		{ "http://\xef\xbd\x98n--zzzzzzzzz/", E_URL_HOST_INVALID },
		/* Latin behind a Hebrew label's digit: the bidi rule */
		{ "http://1\xd7\x90\xd7\x91.test/", E_URL_HOST_INVALID },
		{ "http://a\xe2\x80\x8d"
		  "b.test/",
		    E_URL_HOST_INVALID },
		{ "http://\xc2\xad.test/", E_URL_HOST_INVALID },
		/* that map to "a/c", "a@b", "a:b" */
		{ "http://\xe2\x84\x80.test/", E_URL_HOST_INVALID },
		{ "http://a\xef\xbc\xa0"
		  "b/",
		    E_URL_HOST_INVALID },
		{ "http://a\xef\xbc\x9a"
		  "8/",
		    E_URL_HOST_INVALID },
		{ "http://a\xe3\x80\x82\xe3\x80\x82"
		  "b/",
		    E_URL_HOST_INVALID },
		/* "xn--" before invalid Punycode */
		{ "http://xn--\xc3\xbc.test/", E_URL_HOST_INVALID },
		/* a full-width underscore among hyphens: in which order? */
		{ "http://\xef\xbc\xbf-\xc3\xbc/", E_URL_HOST_INVALID },
		{ "http://a\xef\xbf\xbd"
		  "b/",
		    E_URL_HOST_INVALID },
		{ "http://\xed\xa0\x80.test/", E_URL_HOST_INVALID },
	};

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_international_names_become_a_labels),
		cmocka_unit_test(
		    test_hyphens_may_be_anywhere_in_an_international_label),
		cmocka_unit_test(test_an_a_label_goes_out_as_it_was_given),
		cmocka_unit_test(test_an_emoji_is_a_label_as_browsers_have_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
