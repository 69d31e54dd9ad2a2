/* SPDX-License-Identifier: ISC */
/* Names of body files: templates, what a URL becomes, what no name may be. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "codec/file_name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DEFAULT "{host}/{path}{ext}"

static struct file_name_facts
facts(const char *target, const char *type)
{
	return (struct file_name_facts){ .host = SPAN("example.com"),
		.target = span_str(target),
		.type = span_str(type),
		.sha256 = SPAN(DIGEST),
		.seq = 1234567 };
}

static void
check(const char *template, const struct file_name_facts *f, const char *want)
{
	struct buf out = { 0 };

	file_name_make(&out, span_str(template), f);
	if (!span_eq(buf_view(&out), span_str(want)))
		fail_msg("%s of %.*s: %.*s, not %s", template, (int)f->target.n,
		    f->target.p, (int)out.n, out.p, want);
	buf_fini(&out);
}

static void
test_a_url_becomes_host_path_and_extension(void **state)
{
	static const struct {
		const char *target, *type, *want;
	} t[] = {
		{ "/", "text/html", "example.com/index.html" },
		{ "", "text/html", "example.com/index.html" },
		{ "/", "", "example.com/index" },
		{ "/a/b/", "application/json", "example.com/a/b/index.json" },
		{ "/a/b.PNG", "text/html", "example.com/a/b.png" },
		{ "/a", "image/jpeg", "example.com/a.jpg" },
		{ "/a.tar.gz", "", "example.com/a.tar.gz" },
		{ "/a.b/c", "application/pdf", "example.com/a.b/c.pdf" },
		{ "/a.thisisnoextension", "text/plain",
		    "example.com/a.thisisnoextension.txt" },
		{ "/l?page=1", "text/html", "example.com/l_page=1.html" },
		{ "/l.php?page=2", "text/html", "example.com/l_page=2.php" },
		{ "/l?", "text/html", "example.com/l.html" },
		{ "/?q=a/b", "", "example.com/index_q=a_b" },
		{ "//a///b", "", "example.com/a/b" },
		{ "/caf%C3%A9", "", "example.com/caf\xc3\xa9" },
		{ "/x.wasm", "application/octet-stream", "example.com/x.wasm" },
	};
	struct file_name_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		f = facts(t[i].target, t[i].type);
		check(DEFAULT, &f, t[i].want);
	}
}

static void
test_no_url_leads_out_of_the_directory(void **state)
{
	static const struct {
		const char *target, *want;
	} t[] = {
		{ "/../../etc/passwd", "example.com/__/__/etc/passwd" },
		{ "/%2e%2e/%2E%2E/x", "example.com/__/__/x" },
		{ "/%2e%2e%2f%2e%2e%2fx", "example.com/_._.._x" },
		{ "/a%00b", "example.com/a_b" },
		{ "/a%0A%1b[31m", "example.com/a__[31m" },
		{ "/.ssh/.bashrc", "example.com/_ssh/_bashrc" },
		{ "/-rf", "example.com/_rf" },
		{ "/a%5c..%5Cb", "example.com/a_.._b" },
		{ "/c:%2fx", "example.com/c__x" },
		{ "/a.%20/b%20", "example.com/a__/b_" },
		{ "/%20a", "example.com/_a" },
		{ "/con", "example.com/_con" },
		{ "/CON.txt", "example.com/_con.txt" },
		{ "/lpt1.a.b", "example.com/_lpt1.a.b" },
		{ "/com0", "example.com/com0" },
		{ "/console", "example.com/console" },
		{ "/%ff%fe", "example.com/__" },
		{ "/%c2%80x", "example.com/_x" },
		{ "/a%e2%80%aeb", "example.com/a_b" },
		{ "/%zz%", "example.com/%zz%" },
		{ "/a%3f%2A%22%3C%3e%7c", "example.com/a______" },
	};
	struct file_name_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		f = facts(t[i].target, "");
		check(DEFAULT, &f, t[i].want);
	}
}

static void
test_every_word_of_a_template(void **state)
{
	struct file_name_facts f = facts("/a/b.html", "text/html");

	(void)state;
	check("{seq}", &f, "1234567");
	check("{seq/1000}/{seq}{ext}", &f, "1234/1234567.html");
	check("{sha256:2}/{sha256}", &f, "01/" DIGEST);
	check("x-{path}", &f, "x-a/b.html");
	check("{path}", &f, "a/b.html");
	check("X{ext}Y", &f, "x.htmly");
	check("{id}", &f, "1234567"); /* it has none */
	f.id = SPAN("\"A/B \\u00e9 ..\"");
	check("{id}{ext}", &f, "a_b \xc3\xa9 ...html");
	check("{id}/x", &f, "a_b \xc3\xa9___/x");
	f.id = SPAN("-12.50");
	check("{id}", &f, "_12.50");
	f.id = SPAN("\"\"");
	check("{id}", &f, "1234567");
	f.host = SPAN("2001:db8::1");
	check("{host}", &f, "2001_db8__1");
	f.target = SPAN("/a/b");
	f.type = SPAN_NONE;
	check("x/{ext}", &f, "x");
	check("{ext}", &f, "_");
}

static void
test_a_wrong_word_of_a_template_is_named(void **state)
{
	static const struct {
		const char *template, *bad;
	} t[] = {
		{ "{host}/{pth}", "{pth}" },
		{ "{}", "{}" },
		{ "a{host", "{host" },
		{ "a}b", "}" },
		{ "{seq/0}", "{seq/0}" },
		{ "{seq/}", "{seq/}" },
		{ "{seq/-1}", "{seq/-1}" },
		{ "{seq/99999999999999999999}", "{seq/99999999999999999999}" },
		{ "{sha256:0}", "{sha256:0}" },
		{ "{sha256:65}", "{sha256:65}" },
		{ "{Host}", "{Host}" },
		{ "", "" },
		{ "/{host}", "/{host}" },
		{ "a//b", "a//b" },
		{ "{host}/", "{host}/" },
		{ "../{host}", "../{host}" },
		{ "a/./b", "a/./b" },
	};
	struct span bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (file_name_check(span_str(t[i].template), &bad) == NULL)
			fail_msg("%s is accepted", t[i].template);
		if (!span_eq(bad, span_str(t[i].bad)))
			fail_msg("%s: %.*s", t[i].template, (int)bad.n, bad.p);
	}
	assert_null(file_name_check(SPAN(DEFAULT), &bad));
	assert_null(file_name_check(SPAN("{seq/1000}/{sha256:64}-x"), &bad));
}

/* Room for "-1234567" twice, "-1000" and ".part". */
#define ROOM (FILE_NAME_MAX - 5 - 5 - 2 * 8)

static void
test_a_long_path_is_cut_and_the_extension_kept(void **state)
{
	struct file_name_facts f = facts("", "");
	char target[1024], wide[1024];
	struct buf out = { 0 };
	size_t i;

	(void)state;
	memset(target, 'a', sizeof(target));
	memcpy(target, "/", 1);
	memcpy(target + sizeof(target) - 5, ".html", 5);
	f.target = span_of(target, sizeof(target));
	file_name_make(&out, SPAN(DEFAULT), &f);
	assert_int_equal(out.n, ROOM);
	assert_true(span_ends(buf_view(&out), SPAN("aaa.html")));
	/* Not within a character. */
	for (i = 0; i + 2 < sizeof(wide); i += 2)
		memcpy(wide + i, "\xc3\xa9", 2);
	wide[0] = wide[1] = '/';
	f.target = span_of(wide, i);
	out.n = 0;
	file_name_make(&out, SPAN("x{host}/{path}{ext}"), &f);
	assert_in_range(out.n, ROOM - 1, ROOM);
	assert_int_equal(utf8_valid(buf_view(&out)), out.n);
	buf_fini(&out);
}

static void
test_a_long_host_and_a_long_id_are_cut(void **state)
{
	struct file_name_facts f = facts("/a/b/c.html", "");
	char host[253], id[500], text[600];
	struct buf out = { 0 };

	(void)state;
	memset(host, 'h', sizeof(host));
	memset(id, 'i', sizeof(id));
	id[0] = id[sizeof(id) - 1] = '"';
	f.host = span_of(host, sizeof(host));
	f.id = span_of(id, sizeof(id));
	file_name_make(&out, SPAN("{host}/{id}/{path}{ext}"), &f);
	assert_in_range(out.n, 70, ROOM);
	assert_true(span_ends(buf_view(&out), SPAN("/a/b/c.html")));
	/* Even the text of the template may be too long. */
	memset(text, 't', sizeof(text));
	out.n = 0;
	file_name_make(&out, span_of(text, sizeof(text)), &f);
	assert_in_range(out.n, ROOM - 1, ROOM);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_url_becomes_host_path_and_extension),
		cmocka_unit_test(test_no_url_leads_out_of_the_directory),
		cmocka_unit_test(test_every_word_of_a_template),
		cmocka_unit_test(test_a_wrong_word_of_a_template_is_named),
		cmocka_unit_test(
		    test_a_long_path_is_cut_and_the_extension_kept),
		cmocka_unit_test(test_a_long_host_and_a_long_id_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
