/* SPDX-License-Identifier: ISC */
/* URLs: what is accepted and rejected, and that passwords are never shown. */
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
test_a_bare_host_means_https(void **state)
{
	static const struct good t[] = {
		{ "example.com/x", "https://example.com/x" },
		{ "example.com", "https://example.com/" },
		{ "example.com:8080", "https://example.com:8080/" },
		{ "localhost:8080/x:y", "https://localhost:8080/x:y" },
		{ "h:1?q", "https://h:1/?q" },
		{ "h:1#f", "https://h:1/" },
		{ "http:80", "https://http:80/" },
		{ "//h/x", "https://h/x" },
		{ "10.0.0.1:81/", "https://10.0.0.1:81/" },
		{ "[::1]:81/", "https://[::1]:81/" },
		{ "_dmarc.h.test:81", "https://_dmarc.h.test:81/" },
		{ "m\xc3\xbcnchen.test:81", "https://xn--mnchen-3ya.test:81/" },
		{ "u@h.test/x", "https://h.test/x" },
	};

	(void)state;
	check_good(t, COUNT(t));
}

static void
test_only_http_and_https_are_schemes(void **state)
{
	static const struct good good[] = {
		{ "HTTP://H.TEST", "http://h.test/" },
		{ "hTTps://h.test", "https://h.test/" },
	};
	static const struct wrong wrong[] = {
		{ "ftp://h.test/", E_URL_SCHEME_DENIED },
		{ "file:///etc/passwd", E_URL_SCHEME_DENIED },
		{ "file:/etc/passwd", E_URL_SCHEME_DENIED },
		{ "mailto:a@h.test", E_URL_SCHEME_DENIED },
		{ "javascript:alert(1)", E_URL_SCHEME_DENIED },
		{ "h.test:", E_URL_SCHEME_DENIED },
		{ "h.test:/x", E_URL_SCHEME_DENIED },
		{ "h.test:80x", E_URL_SCHEME_DENIED },
		{ "user:pass@h.test/", E_URL_SCHEME_DENIED },
		{ "user:1234@h.test/", E_URL_SCHEME_DENIED },
		{ "_user:pass@h.test/", E_URL_SCHEME_DENIED },
		{ "u@h.test:x/", E_URL_SCHEME_DENIED },
		{ "10.0.0.1:/", E_URL_SCHEME_DENIED },
		/* a BOM or a soft hyphen must not make "http" a host */
		{ "\xef\xbb\xbfhttp://u:p@h.test/", E_URL_SCHEME_DENIED },
		{ "\xc2\xadhttp://h.test/", E_URL_SCHEME_DENIED },
		{ "httpx://h.test", E_URL_SCHEME_DENIED },
	};

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
}

static void
test_a_url_without_a_host_is_invalid(void **state)
{
	static const struct wrong t[] = {
		{ "", E_URL_INVALID },
		{ "  ", E_URL_INVALID },
		{ "http:///x", E_URL_INVALID },
		{ "http:/x", E_URL_INVALID },
		{ "http:x", E_URL_INVALID },
		{ "http:", E_URL_INVALID },
		{ "http:/", E_URL_INVALID },
		{ "http://", E_URL_INVALID },
		{ "http:////h/x", E_URL_INVALID },
		{ "http:\\\\h/x", E_URL_INVALID },
		{ "/x", E_URL_INVALID },
		{ "///x", E_URL_INVALID },
		{ "?q", E_URL_INVALID },
		{ "http://?q", E_URL_INVALID },
		{ "http://:80/", E_URL_INVALID },
		{ "http://u:p@/", E_URL_INVALID },
		{ "http://u:p@:80/", E_URL_INVALID },
		{ "http://@", E_URL_INVALID },
	};

	(void)state;
	check_wrong(t, COUNT(t));
}

static void
test_a_port_is_from_1_to_65535_or_left_out(void **state)
{
	static const struct good good[] = {
		{ "http://h.test:/", "http://h.test/" },
		{ "http://h.test:", "http://h.test/" },
		{ "http://h.test:00080/", "http://h.test/" },
		{ "http://h.test:443/", "http://h.test:443/" },
		{ "https://h.test:443/", "https://h.test/" },
		{ "https://h.test:80/", "https://h.test:80/" },
		{ "http://h.test:000000000000000001/", "http://h.test:1/" },
		{ "http://h.test:65535/", "http://h.test:65535/" },
		{ "http://[::1]:/", "http://[::1]/" },
	};
	static const struct wrong wrong[] = {
		{ "http://h.test:0/", E_URL_INVALID },
		{ "http://h.test:65536/", E_URL_INVALID },
		{ "http://h.test:4294967376/", E_URL_INVALID },
		{ "http://h.test:18446744073709551696/", E_URL_INVALID },
		{ "http://h.test:80x/", E_URL_INVALID },
		{ "http://h.test:-1/", E_URL_INVALID },
		{ "http://h.test:+80/", E_URL_INVALID },
		{ "http://h.test:80 /", E_URL_INVALID },
		{ "http://h.test:80:80/", E_URL_INVALID },
		{ "http://h.test:%38/", E_URL_INVALID },
		{ "http://[::1]80/", E_URL_INVALID },
		{ "h.test:0", E_URL_INVALID },
	};

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
}

static void
test_a_password_is_never_part_of_the_host(void **state)
{
	static const struct wrong wrong[] = {
		{ "http://u:p@ss@h.test/", E_URL_INVALID },
		{ "http://u@v:p@h.test/", E_URL_INVALID },
		{ "http://u:p@@h.test/", E_URL_INVALID },
		{ "http://u:p\\@h.test/", E_URL_INVALID },
		{ "http://u:p@x\\@h.test/", E_URL_INVALID },
		{ "http://h.test\\@evil.test/", E_URL_INVALID },
		{ "http://u:pa/ss@h.test/", E_URL_INVALID },
		{ "http://u:%00@h.test/", E_URL_INVALID },
		{ "http://u%0d%0a:p@h.test/", E_URL_INVALID },
		{ "http://u%3ap@h.test/", E_URL_INVALID },
		{ "http://u%3A:p@h.test/", E_URL_INVALID },
		{ "http://%3A@h.test/", E_URL_INVALID },
		{ "http://u%40h.test/", E_URL_HOST_INVALID },
		{ "http://u%3ap%40h.test/", E_URL_HOST_INVALID },
		{ "http://u\xef\xbc\xa0h.test/", E_URL_HOST_INVALID },
	};
	struct url u = { 0 };

	(void)state;
	check_wrong(wrong, COUNT(wrong));
	assert_int_equal(parse(&u, "http://u:p%40ss@h.test/"), E_OK);
	assert_true(u.has_user);
	assert_span(buf_view(&u.user), "u");
	assert_span(buf_view(&u.password), "p@ss");
	assert_span(url_hostname(&u), "h.test");
	assert_span(url_text(&u), "http://h.test/");
	assert_int_equal(parse(&u, "http://h.test/a@b"), E_OK);
	assert_false(u.has_user);
	assert_int_equal(u.user.n + u.password.n, 0);
	assert_span(url_text(&u), "http://h.test/a@b");
	assert_int_equal(parse(&u, "http://a b:c:d%zz%:@h.test:81"), E_OK);
	assert_span(buf_view(&u.user), "a b");
	assert_span(buf_view(&u.password), "c:d%zz%:");
	assert_int_equal(parse(&u, "http://u:p%3Aq@h.test"), E_OK);
	assert_span(buf_view(&u.password), "p:q");
	assert_int_equal(parse(&u, "http://@h.test"), E_OK);
	assert_false(u.has_user);
	assert_int_equal(parse(&u, "http://:p@h.test"), E_OK);
	assert_true(u.has_user);
	assert_span(buf_view(&u.password), "p");
	url_fini(&u);
}

static void
test_blanks_around_are_trimmed_and_inside_encoded(void **state)
{
	static const struct good good[] = {
		{ " \t\r\nhttp://h.test/x\r\n\t ", "http://h.test/x" },
		{ "\xc2\xa0 http://h.test/x \xc2\xa0\xc2\xa0",
		    "http://h.test/x" },
		{ "http://h.test/a b?c d", "http://h.test/a%20b?c%20d" },
		{ "http://h.test/a\xc2\xa0"
		  "b",
		    "http://h.test/a%C2%A0b" },
	};
	static const struct wrong wrong[] = {
		{ "http://h.test/a\nb", E_URL_INVALID },
		{ "http://h.test/a\rb", E_URL_INVALID },
		{ "http://h.test/a\tb", E_URL_INVALID },
		{ "http://h.test/a\x01"
		  "b",
		    E_URL_INVALID },
		{ "http://h.test/a\x7f", E_URL_INVALID },
		{ "http://h.te\nst/", E_URL_INVALID },
		{ "ht\ttp://h.test/", E_URL_INVALID },
		{ "http://h.test/#a\nb", E_URL_INVALID },
		{ "http://h .test/", E_URL_HOST_INVALID },
	};
	struct url u = { 0 };
	const char *why;
	size_t at;

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
	assert_int_equal(url_parse(&u, SPAN(" http://h.test/\0x"), &why, &at),
	    E_URL_INVALID);
	assert_int_equal(at, 15);
	url_fini(&u);
}

static void
test_a_path_is_passed_as_it_was_given(void **state)
{
	static const struct good t[] = {
		{ "http://h.test", "http://h.test/" },
		{ "http://h.test?q", "http://h.test/?q" },
		{ "http://h.test#f", "http://h.test/" },
		{ "http://h.test/%00%zz%", "http://h.test/%00%zz%" },
		{ "http://h.test/a/%2e%2e/b", "http://h.test/a/%2e%2e/b" },
		{ "http://h.test/%7ea%41", "http://h.test/%7ea%41" },
		{ "http://h.test/\xc3\xbc\xff?\x80",
		    "http://h.test/%C3%BC%FF?%80" },
		{ "http://h.test/\xed\xa0\x80", "http://h.test/%ED%A0%80" },
		{ "http://h.test//a//b/", "http://h.test//a//b/" },
		{ "http://h.test/b?", "http://h.test/b?" },
		{ "http://h.test/a?b?c/../d", "http://h.test/a?b?c/../d" },
		{ "http://h.test/a#b?c#d", "http://h.test/a" },
		{ "http://h.test/;x=1,2&y", "http://h.test/;x=1,2&y" },
	};

	(void)state;
	check_good(t, COUNT(t));
}

static void
test_what_no_uri_may_have_is_encoded(void **state)
{
	static const struct good t[] = {
		{ "http://h.test/\"<>^`{}'\\|[]",
		    "http://h.test/%22%3C%3E%5E%60%7B%7D'\\|[]" },
		{ "http://h.test/?\"<>^`{}'\\|[]",
		    "http://h.test/?%22%3C%3E^`{}%27\\|[]" },
		{ "http://h.test?'", "http://h.test/?%27" },
		{ "http://h.test/'?'#'", "http://h.test/'?%27" },
		{ "http://h.test/a?b?{'", "http://h.test/a?b?{%27" },
		{ "http://h.test/%22%3c?%27", "http://h.test/%22%3c?%27" },
		{ "http://h.test/{/../}", "http://h.test/%7D" },
		{ "http://u{:p`@h.test/", "http://h.test/" },
	};
	struct url u = { 0 }, v = { 0 };

	(void)state;
	check_good(t, COUNT(t));
	assert_int_equal(
	    parse(&u, "http://h.test/<#\"<>`{}^' \xc3\xbc%"), E_OK);
	assert_span(buf_view(&u.fragment), "%22%3C%3E%60{}^'%20%C3%BC%");
	assert_int_equal(url_resolve(&v, &u, SPAN("?'`")), E_OK);
	assert_span(url_text(&v), "http://h.test/%3C?%27`");
	assert_int_equal(url_resolve(&v, &u, SPAN("'`?'`#'`")), E_OK);
	assert_span(url_text(&v), "http://h.test/'%60?%27`");
	assert_span(buf_view(&v.fragment), "'%60");
	/* userinfo of a reference is dropped, whatever is in it */
	assert_int_equal(url_resolve(&v, &u, SPAN("//u%3Ap@x/^?^")), E_OK);
	assert_false(v.has_user);
	assert_span(url_text(&v), "http://x/%5E?^");
	url_fini(&u);
	url_fini(&v);
}

/* For each byte the two tables of sets agree. */
static void
test_every_byte_is_encoded_or_left_as_its_set_says(void **state)
{
	static const char path[] = " \"<>^`{}", query[] = " \"'<>";
	char in[] = "http://h/_?_", want[32];
	struct url u = { 0 };
	int c;

	(void)state;
	for (c = 0x21; c < 0x100; c++) {
		if (c == '#' || c == '?' || c == '.' || c == 0x7f)
			continue;
		in[9] = in[11] = (char)c;
		assert_int_equal(parse(&u, in), E_OK);
		snprintf(want, sizeof(want),
		    strchr(path, c) != NULL || c > 0x7f ? "http://h/%%%02X?"
							: "http://h/%c?",
		    c);
		snprintf(want + strlen(want), 8,
		    strchr(query, c) != NULL || c > 0x7f ? "%%%02X" : "%c", c);
		assert_span(url_text(&u), want);
	}
	url_fini(&u);
}

static void
test_dot_segments_are_removed(void **state)
{
	static const struct good t[] = {
		{ "http://h.test/a/b/c/./../../g", "http://h.test/a/g" },
		{ "http://h.test/../../x", "http://h.test/x" },
		{ "http://h.test/..", "http://h.test/" },
		{ "http://h.test/.", "http://h.test/" },
		{ "http://h.test/a/..", "http://h.test/" },
		{ "http://h.test/a/b/..?q", "http://h.test/a/?q" },
		{ "http://h.test/a/.", "http://h.test/a/" },
		{ "http://h.test/a/./b", "http://h.test/a/b" },
		{ "http://h.test/a//../b", "http://h.test/a/b" },
		{ "http://h.test/.a/..b/c../...",
		    "http://h.test/.a/..b/c../..." },
		{ "http://H.test:80/%7Ea/../b?", "http://h.test/b?" },
		{ "http://h.test/..//x", "http://h.test//x" },
	};

	(void)state;
	check_good(t, COUNT(t));
}

static void
test_host_names_follow_the_rules_of_dns(void **state)
{
	static const struct good good[] = {
		{ "http://EXAMPLE.Com/", "http://example.com/" },
		{ "http://_dmarc.h.test/", "http://_dmarc.h.test/" },
		{ "http://r1---sn-x.h.test/", "http://r1---sn-x.h.test/" },
		{ "http://-a.test/", "http://-a.test/" },
		{ "http://a-.test/", "http://a-.test/" },
		{ "http://a.test-/", "http://a.test-/" },
		{ "http://a.-/", "http://a.-/" },
		{ "http://--/", "http://--/" },
		{ "http://_/", "http://_/" },
		{ "http://a_.-_b.test/", "http://a_.-_b.test/" },
		{ "http://ab--c.test/", "http://ab--c.test/" },
		{ "http://1-.2-.3-.4-/", "http://1-.2-.3-.4-/" },
		{ "http://h.test./", "http://h.test./" },
		{ "http://h/", "http://h/" },
		{ "http://1a.2b/", "http://1a.2b/" },
		{ "http://1.2.x/", "http://1.2.x/" },
		{ "http://ex%61mple.com/", "http://example.com/" },
		{ "http://h%2Etest/", "http://h.test/" },
	};
	static const struct wrong wrong[] = {
		{ "http://a..b/", E_URL_HOST_INVALID },
		{ "http://.a/", E_URL_HOST_INVALID },
		{ "http://a../", E_URL_HOST_INVALID },
		{ "http://./", E_URL_HOST_INVALID },
		{ "http://a\"b/", E_URL_HOST_INVALID },
		{ "http://a<b>/", E_URL_HOST_INVALID },
		{ "http://a`b/", E_URL_HOST_INVALID },
		{ "http://{a}/", E_URL_HOST_INVALID },
		{ "http://a^b/", E_URL_HOST_INVALID },
		{ "http://a'b/", E_URL_HOST_INVALID },
		{ "http://a b/", E_URL_HOST_INVALID },
		{ "http://a|b/", E_URL_HOST_INVALID },
		{ "http://%00.test/", E_URL_HOST_INVALID },
		{ "http://h.test%00.x/", E_URL_HOST_INVALID },
		{ "http://a%2fb/", E_URL_HOST_INVALID },
		{ "http://a%40b/", E_URL_HOST_INVALID },
		{ "http://a%zz/", E_URL_HOST_INVALID },
		{ "http://a%4/", E_URL_HOST_INVALID },
		{ "http://a%/", E_URL_HOST_INVALID },
		{ "http://a%25/", E_URL_HOST_INVALID },
		{ "http://%20/", E_URL_HOST_INVALID },
		{ "http://a,b/", E_URL_HOST_INVALID },
		{ "http://a\xff.test/", E_URL_HOST_INVALID },
		{ "http://a%ff.test/", E_URL_HOST_INVALID },
		{ "http://a\xc3/", E_URL_HOST_INVALID },
	};

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
}

/* labels[i] times 'a', joined by dots. */
static enum err
parse_labels(struct url *u, const int *labels, const char *end)
{
	char s[600] = "http://";

	for (; *labels > 0; labels++) {
		size_t n = strlen(s);

		memset(s + n, 'a', (size_t)*labels);
		strcpy(s + n + *labels, labels[1] > 0 ? "." : end);
	}
	return parse(u, s);
}

static void
test_a_label_has_63_bytes_and_a_name_253_at_most(void **state)
{
	struct url u = { 0 };

	(void)state;
	assert_int_equal(parse_labels(&u, (int[]){ 63, 4, 0 }, "/"), E_OK);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 64, 4, 0 }, "/"), E_URL_HOST_INVALID);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 4, 64, 0 }, "."), E_URL_HOST_INVALID);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 63, 63, 63, 61, 0 }, "/"), E_OK);
	assert_int_equal(u.host_n, 253);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 63, 63, 63, 61, 0 }, "./"), E_OK);
	assert_int_equal(u.host_n, 254);
	assert_int_equal(parse_labels(&u, (int[]){ 63, 63, 63, 62, 0 }, "/"),
	    E_URL_HOST_INVALID);
	assert_int_equal(parse_labels(&u, (int[]){ 63, 63, 63, 62, 0 }, "./"),
	    E_URL_HOST_INVALID);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 63, 63, 63, 50, 0 }, ".\xc3\xbc"), E_OK);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 63, 63, 63, 61, 0 }, ".\xc3\xbc"),
	    E_URL_HOST_INVALID);
	assert_int_equal(
	    parse_labels(&u, (int[]){ 500, 0 }, "%61"), E_URL_HOST_INVALID);
	url_fini(&u);
}

static void
test_an_address_is_one_host_however_it_is_spelt(void **state)
{
	static const struct good good[] = {
		{ "http://127.0.0.1/", "http://127.0.0.1/" },
		{ "http://0x7f.1/", "http://127.0.0.1/" },
		{ "http://0X7F.1/", "http://127.0.0.1/" },
		{ "http://0177.0.0.1/", "http://127.0.0.1/" },
		{ "http://127.1/", "http://127.0.0.1/" },
		{ "http://127.0.1/", "http://127.0.0.1/" },
		{ "http://2130706433/", "http://127.0.0.1/" },
		{ "http://0x7f000001/", "http://127.0.0.1/" },
		{ "http://127.0.0.1./", "http://127.0.0.1/" },
		{ "http://%31%32%37.1/", "http://127.0.0.1/" },
		{ "http://0/", "http://0.0.0.0/" },
		{ "http://0x/", "http://0.0.0.0/" },
		{ "http://4294967295/", "http://255.255.255.255/" },
		{ "http://1.0xffffff/", "http://1.255.255.255/" },
		{ "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
		    "http://127.0.0.1/" },
		{ "http://127\xe3\x80\x82"
		  "0\xe3\x80\x82"
		  "0\xe3\x80\x82"
		  "1/",
		    "http://127.0.0.1/" },
		{ "http://[::127.0.0.1]/", "http://[::127.0.0.1]/" },
		{ "http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/" },
		{ "http://[2001:DB8:0:0:0::1]:81/",
		    "http://[2001:db8::1]:81/" },
		{ "http://[0:0:0:0:0:0:0:0]/", "http://[::]/" },
		{ "http://u:p@[::1]:80/", "http://[::1]/" },
	};
	static const struct wrong wrong[] = {
		{ "http://256.1.1.1/", E_URL_HOST_INVALID },
		{ "http://1.2.3.4.5/", E_URL_HOST_INVALID },
		{ "http://1.2.3.256/", E_URL_HOST_INVALID },
		{ "http://1.2.65536/", E_URL_HOST_INVALID },
		{ "http://1.16777216/", E_URL_HOST_INVALID },
		{ "http://4294967296/", E_URL_HOST_INVALID },
		{ "http://99999999999999999999999/", E_URL_HOST_INVALID },
		{ "http://0x100000000/", E_URL_HOST_INVALID },
		{ "http://09/", E_URL_HOST_INVALID },
		{ "http://1.2.3.08/", E_URL_HOST_INVALID },
		{ "http://a.1/", E_URL_HOST_INVALID },
		{ "http://a.0x1/", E_URL_HOST_INVALID },
		{ "http://1..1/", E_URL_HOST_INVALID },
		{ "http://127.0.0.1../", E_URL_HOST_INVALID },
		{ "http://[fe80::1%25lo]/", E_URL_INVALID },
		{ "http://[fe80::1%lo]/", E_URL_INVALID },
		{ "http://[::1/", E_URL_INVALID },
		{ "http://[::1", E_URL_INVALID },
		{ "http://[v1.x]/", E_URL_INVALID },
		{ "http://[]/", E_URL_INVALID },
		{ "http://[/", E_URL_INVALID },
		{ "http://[127.0.0.1]/", E_URL_INVALID },
		{ "http://[::1]x/", E_URL_INVALID },
		{ "http://[[::1]]/", E_URL_INVALID },
		{ "http://[%3a%3a1]/", E_URL_INVALID },
		{ "http://::1/", E_URL_INVALID },
	};

	(void)state;
	check_good(good, COUNT(good));
	check_wrong(wrong, COUNT(wrong));
}

static void
test_the_parts_are_where_the_header_says(void **state)
{
	struct url u = { 0 };

	(void)state;
	assert_int_equal(
	    parse(&u, "HTTP://u:p@H.test:8080/a/../b?c=d#e%20 f"), E_OK);
	assert_span(url_origin(&u), "http://h.test:8080");
	assert_span(url_authority(&u), "h.test:8080");
	assert_span(url_hostname(&u), "h.test");
	assert_span(url_target(&u), "/b?c=d");
	assert_span(buf_view(&u.fragment), "e%20%20f");
	assert_int_equal(u.scheme, URL_HTTP);
	assert_int_equal(u.host_kind, URL_NAME);
	assert_int_equal(u.port, 8080);
	assert_int_equal(parse(&u, "https://[::1]:443/"), E_OK);
	assert_span(url_origin(&u), "https://[::1]");
	assert_span(url_authority(&u), "[::1]");
	assert_span(url_hostname(&u), "::1");
	assert_int_equal(u.host_kind, URL_IPV6);
	assert_int_equal(u.port, 443);
	assert_int_equal(u.scheme, URL_HTTPS);
	assert_int_equal(u.user.n + u.password.n + u.fragment.n, 0);
	assert_int_equal(parse(&u, "0x7f.1:81"), E_OK);
	assert_span(url_authority(&u), "127.0.0.1:81");
	assert_int_equal(u.host_kind, URL_IPV4);
	url_fini(&u);
}

static void
test_a_fault_is_placed_in_the_text_given(void **state)
{
	static const struct {
		const char *in;
		size_t at;
	} t[] = {
		{ "  ftp://h/", 2 },
		{ " http:/x", 6 },
		{ "http://u:p@x@h/", 10 },
		{ "http://u:p@h:x/", 13 },
		{ "http://u:p@a..b/", 11 },
		{ "http://u:a%0a@h/", 10 },
		{ "http://h\\x/", 8 },
	};
	struct url u = { 0 };
	const char *why;
	size_t i, at;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_not_equal(
		    url_parse(&u, span_str(t[i].in), &why, &at), E_OK);
		assert_int_equal(at, t[i].at);
	}
	url_fini(&u);
}

static void
test_a_url_has_65535_bytes_at_most(void **state)
{
	char *s = mem_alloc(URL_MAX + 4);
	struct url u = { 0 };
	const char *why;
	size_t at;

	(void)state;
	memset(s, 'a', URL_MAX + 4);
	memcpy(s, "http://h/", 9);
	assert_int_equal(url_parse(&u, span_of(s, URL_MAX), &why, &at), E_OK);
	assert_int_equal(u.text.n, URL_MAX);
	assert_int_equal(
	    url_parse(&u, span_of(s, URL_MAX + 1), &why, &at), E_URL_TOO_LONG);
	s[URL_MAX] = ' '; /* trimmed */
	assert_int_equal(
	    url_parse(&u, span_of(s, URL_MAX + 1), &why, &at), E_OK);
	/* short enough as given, too long once normalised */
	s[100] = ' ';
	assert_int_equal(
	    url_parse(&u, span_of(s, URL_MAX), &why, &at), E_URL_TOO_LONG);
	assert_int_equal(
	    url_parse(&u, span_of(s, URL_MAX - 2), &why, &at), E_OK);
	assert_int_equal(url_parse(&u, span_of(s + 5, URL_MAX - 5), &why, &at),
	    E_URL_TOO_LONG);
	assert_int_equal(parse(&u, "http://h/"), E_OK);
	assert_true(u.text.cap <= 8192);
	url_fini(&u);
	free(s);
}

/* The limit applies to the normal form with its fragment. */
static void
test_the_limit_is_of_what_is_kept_not_of_what_was_given(void **state)
{
	size_t n = 61000;
	char *s = mem_alloc(n);
	struct url base = { 0 }, u = { 0 };
	struct buf kept = { 0 };
	const char *why;
	size_t at;

	(void)state;
	assert_int_equal(parse(&base, "http://h/"), E_OK);
	memset(s, '\xff', n);
	memcpy(s, "http://h/", 9);
	s[20009] = '#';
	memset(s + 20010, 'f', n - 20010);
	/* 60,009 bytes of normal form leave room for 5,525 of fragment */
	assert_int_equal(
	    url_parse(&u, span_of(s, 60010), &why, &at), E_URL_TOO_LONG);
	assert_int_equal(
	    url_resolve(&u, &base, span_of(s, 60010)), E_URL_TOO_LONG);
	assert_int_equal(
	    url_resolve(&u, &base, span_of(s + 8, 60002)), E_URL_TOO_LONG);
	assert_int_equal(
	    url_resolve(&u, &base, span_of(s, 20010 + 5526)), E_URL_TOO_LONG);
	assert_int_equal(
	    url_resolve(&u, &base, span_of(s, 20010 + 5525)), E_OK);
	buf_span(&kept, url_text(&u));
	buf_char(&kept, '#');
	buf_span(&kept, buf_view(&u.fragment));
	assert_int_equal(kept.n, URL_MAX);
	assert_int_equal(url_parse(&u, buf_view(&kept), &why, &at), E_OK);
	/* an inherited fragment does not invalidate a reference */
	assert_int_equal(url_parse(&base, buf_view(&kept), &why, &at), E_OK);
	assert_int_equal(url_resolve(&u, &base, span_of(s + 8, 20001)), E_OK);
	assert_int_equal(u.fragment.n, 5525);
	memset(s, 'a', 60100);
	assert_int_equal(url_resolve(&u, &base, span_of(s, 60100)), E_OK);
	assert_int_equal(u.fragment.n, 0);
	buf_fini(&kept);
	url_fini(&base);
	url_fini(&u);
	free(s);
}

static void
test_references_resolve_as_rfc_3986_says(void **state)
{
	static const struct good t[] = {
		/* RFC 3986 section 5.4, and our own */
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g/" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q" },
		{ "g#s", "http://a/b/c/g" },
		{ "g?y#s", "http://a/b/c/g?y" },
		{ ";x", "http://a/b/c/;x" },
		{ "g;x?y#s", "http://a/b/c/g;x?y" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../../x", "http://a/x" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "?", "http://a/b/c/d;p?" },
		{ "a b?c d", "http://a/b/c/a%20b?c%20d" },
		{ " x ", "http://a/b/c/x" },
		{ "HTTP://H:80/X", "http://h/X" },
		{ "https://h", "https://h/" },
		{ "/a%0d%0aX:1", "http://a/a%0d%0aX:1" },
		{ "/\xc3\xbc", "http://a/%C3%BC" },
		{ "//m\xc3\xbcnchen.test", "http://xn--mnchen-3ya.test/" },
		{ "//u:p@h:81/x", "http://h:81/x" },
		{ "1:2", "http://a/b/c/1:2" },
	};
	struct url base = { 0 }, u = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(parse(&base, "http://u:p@a/b/c/d;p?q#f"), E_OK);
	for (i = 0; i < COUNT(t); i++) {
		if (url_resolve(&u, &base, span_str(t[i].in)) != E_OK)
			fail_msg("refused: %s", t[i].in);
		assert_span(url_text(&u), t[i].text);
		assert_false(u.has_user);
		assert_int_equal(u.user.n + u.password.n, 0);
		if (strchr(t[i].in, '#') != NULL)
			assert_span(buf_view(&u.fragment), "s");
		else
			assert_span(buf_view(&u.fragment), "f");
	}
	assert_int_equal(url_resolve(&u, &base, SPAN("x#")), E_OK);
	assert_int_equal(u.fragment.n, 0);
	assert_int_equal(parse(&base, "https://[::1]:81"), E_OK);
	assert_int_equal(url_resolve(&u, &base, SPAN("x?y")), E_OK);
	assert_span(url_text(&u), "https://[::1]:81/x?y");
	assert_span(url_authority(&u), "[::1]:81");
	assert_span(url_hostname(&u), "::1");
	assert_int_equal(u.port, 81);
	assert_int_equal(u.host_kind, URL_IPV6);
	url_fini(&base);
	url_fini(&u);
}

static void
test_a_reference_can_be_wrong(void **state)
{
	static const struct wrong t[] = {
		{ "/a\x01"
		  "b",
		    E_URL_INVALID },
		{ "/a\r\nb", E_URL_INVALID },
		{ "//u:p@x@h/", E_URL_INVALID },
		{ "//a..b/", E_URL_HOST_INVALID },
		{ "ftp://h/", E_URL_SCHEME_DENIED },
		{ "h:80/x", E_URL_SCHEME_DENIED },
		{ "javascript:x", E_URL_SCHEME_DENIED },
		{ "http:x", E_URL_INVALID },
		{ "http:///x", E_URL_INVALID },
		{ "///x", E_URL_INVALID },
	};
	size_t i, n = 1 << 20;
	struct url base = { 0 }, u = { 0 };
	char *s = mem_alloc(n);
	enum err e;

	(void)state;
	assert_int_equal(parse(&base, "http://a/b"), E_OK);
	for (i = 0; i < COUNT(t); i++) {
		e = url_resolve(&u, &base, span_str(t[i].in));
		if (e != t[i].e)
			fail_msg("%s: %s", t[i].in, error_code(e));
		assert_int_equal(u.text.n, 0);
	}
	memset(s, 'a', n);
	assert_int_equal(url_resolve(&u, &base, span_of(s, n)), E_URL_TOO_LONG);
	assert_int_equal(
	    url_resolve(&u, &base, span_of(s, URL_MAX)), E_URL_TOO_LONG);
	assert_int_equal(url_resolve(&u, &base, span_of(s, URL_MAX - 9)), E_OK);
	url_fini(&base);
	url_fini(&u);
	free(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bare_host_means_https),
		cmocka_unit_test(test_only_http_and_https_are_schemes),
		cmocka_unit_test(test_a_url_without_a_host_is_invalid),
		cmocka_unit_test(test_a_port_is_from_1_to_65535_or_left_out),
		cmocka_unit_test(test_a_password_is_never_part_of_the_host),
		cmocka_unit_test(
		    test_blanks_around_are_trimmed_and_inside_encoded),
		cmocka_unit_test(test_a_path_is_passed_as_it_was_given),
		cmocka_unit_test(test_what_no_uri_may_have_is_encoded),
		cmocka_unit_test(
		    test_every_byte_is_encoded_or_left_as_its_set_says),
		cmocka_unit_test(test_dot_segments_are_removed),
		cmocka_unit_test(test_host_names_follow_the_rules_of_dns),
		cmocka_unit_test(
		    test_a_label_has_63_bytes_and_a_name_253_at_most),
		cmocka_unit_test(
		    test_an_address_is_one_host_however_it_is_spelt),
		cmocka_unit_test(test_the_parts_are_where_the_header_says),
		cmocka_unit_test(test_a_fault_is_placed_in_the_text_given),
		cmocka_unit_test(test_a_url_has_65535_bytes_at_most),
		cmocka_unit_test(
		    test_the_limit_is_of_what_is_kept_not_of_what_was_given),
		cmocka_unit_test(test_references_resolve_as_rfc_3986_says),
		cmocka_unit_test(test_a_reference_can_be_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
