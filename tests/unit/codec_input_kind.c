/* SPDX-License-Identifier: ISC */
/* Lists are told from other files, and no list is taken for one of these. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "codec/input_kind.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct other {
	struct span head;
	const char *says;
};

#define OTHER(head, says) \
	{ \
		{ head, sizeof(head) - 1 }, says \
	}

static void
test_other_files_are_known_by_their_beginning(void **state)
{
	static const struct other t[] = {
		OTHER("BZh91AY", "bzcat F | fetchd"),
		OTHER("\xfd"
		      "7zXZ\0",
		    "xzcat F"),
		OTHER("PK\x03\x04\x14", "zip archive"),
		OTHER("\xff\xfeh\0t\0t\0p\0",
		    "UTF-16: iconv -f UTF-16 -t UTF-8 F | fetchd"),
		OTHER("\xfe\xff\0h\0t\0t\0p", "UTF-16"),
		OTHER("h\0t\0t\0p\0s\0:\0", "iconv -f UTF-16LE"),
		OTHER("\0h\0t\0t\0p\0s\0:", "iconv -f UTF-16BE"),
		OTHER("\xff\xfe\0\0h\0\0\0", "UTF-32"),
		OTHER("\0\0\xfe\xff\0\0\0h", "UTF-32"),
		OTHER("%PDF-1.7\n", "PDF"),
		OTHER("\x7f"
		      "ELF\2\1",
		    "program"),
		OTHER("{\\rtf1\\ansi", "RTF"),
		OTHER("SQLite format 3\0\x10", "database"),
		OTHER("\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7\0", "not text"),
		OTHER("http://a.test/\rhttp://b.test/\r", "tr '\\r' '\\n' <F"),
		OTHER("[{\"url\":\"http://a.test/\"}]", "jq -c '.[]' F"),
		OTHER("\xef\xbb\xbf[\n  {\n", "jq -c '.[]' F"),
		OTHER(" \r\n[\"http://a.test/\",", "jq -c '.[]' F"),
		OTHER("[ \"http://a.test/\"]", "jq -c '.[]' F"),
		OTHER("[", ""),
		OTHER("[\n1", "JSON array"),
		OTHER("[]", "JSON array"),
		OTHER("[[1]]", "JSON array"),
		OTHER("[1, 2]", "JSON array"),
		OTHER("[null]", "JSON array"),
		OTHER("[true,false]", "JSON array"),
		OTHER("[false]", "JSON array"),
		OTHER("{\n  \"url\": \"http://a.test/\"\n}\n", "jq -c . F"),
		OTHER("\n{\r\n\"urls\"", "jq -c . F"),
		OTHER("\"http://a.test/\"\n\"http://b.test/\"\n",
		    "tr -d '\"' <F"),
		OTHER("<http://a.test/>\n<http://b.test/>\n",
		    "tr -d '<>' <F | fetchd"),
		OTHER("<?xml version=\"1.0\"?>\n<urlset>", "sitemap: grep -o"),
		OTHER("\xef\xbb\xbf<urlset xmlns=\"x\">", "sitemap"),
		OTHER("<?xml?><sitemapindex>", "sitemap"),
		OTHER("<?xml?>\n<rss>", "an XML file"),
		OTHER("<!DOCTYPE html>\n", "HTML"),
		OTHER("  <html>", "HTML"),
		OTHER("id,url\n1,http://a.test/\n",
		    "a header line: cut -d',' -f2 F | tail -n +2 | fetchd"),
		OTHER("URL;Title\r\nhttp://a.test/;x\r\n",
		    "cut -d';' -f1 F | tail -n +2"),
		OTHER("id\tWebsite\n1\ta.test\n", "cut -f2 F | tail -n +2"),
		OTHER("name,where to\nx,https://a.test/\n", "cut -d',' -f2 F"),
		OTHER("\xef\xbb\xbf\"id\",\"url\"\n\"1\",\"http://a.test/\"\n",
		    "csvcut -c 2 F | tail -n +2"),
		OTHER("url\nhttp://a.test/\n", "tail -n +2 F | fetchd"),
		OTHER("1,https://a.test/\n2,https://b.test/\n",
		    "(CSV): cut -d',' -f2 F | fetchd"),
		OTHER("1,google.com\n2,youtube.com\n",
		    "cut -d',' -f2 F | fetchd"),
	};
	struct buf out = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		out.n = 0;
		assert_int_equal(input_kind_refuse(&out, t[i].head, "F"),
		    t[i].says[0] != '\0');
		buf_char(&out, '\0');
		if (strstr(out.p, t[i].says) == NULL)
			fail_msg(
			    "%zu: \"%s\" has no \"%s\"", i, out.p, t[i].says);
	}
	buf_fini(&out);
}

static void
test_a_list_is_never_taken_for_something_else(void **state)
{
	static const struct other t[] = {
		OTHER("", ""),
		OTHER("\n", ""),
		OTHER("\xef\xbb\xbf", ""),
		OTHER("# url,x\n#y\n", ""),
		OTHER("http://a.test/\n", ""),
		OTHER("http://a.test/\r\nhttp://b.test/\r\n", ""),
		OTHER("http://a.test/\r", ""),
		OTHER("a.test\n", ""),
		OTHER("[2001:db8::1]/x\n", ""),
		OTHER("[::1]\n", ""),
		OTHER("[fe80::1]/\n", ""),
		OTHER("[1::2]:80/\n", ""),
		OTHER("[12ab::]/\n", ""),
		OTHER("[fa:15::e]\n", ""),
		OTHER("[v1.x]/\n", ""),
		OTHER("{\"url\":\"http://a.test/\"}\n{}\n", ""),
		OTHER("{ \"url\":\"http://a.test/\",\n", ""),
		OTHER("{\n", ""),
		OTHER("{", ""),
		OTHER("http://a.test/a,b\nhttp://b.test/\n", ""),
		OTHER("http://a.test/,A title\nhttp://b.test/,Another\n", ""),
		OTHER("http://a.test/ b\tc;d\n", ""),
		OTHER("a.test/x,y\nhttp://b.test/,z\n", ""),
		OTHER("a.test/x,http://b.test/\na.test/y,http://b.test/\n", ""),
		OTHER("//a.test/x,y\n", ""),
		OTHER("/v1/x,y?z\nhttp://b.test/a,b\n", ""),
		OTHER("x?y=1,2\n", ""),
		OTHER("1,2,3\n4,5,6\n", ""),
		OTHER("1,a.test\nhttp://b.test/\n", ""),
		OTHER("url\n", ""),
		OTHER("url\nb.test\n", ""),
		OTHER("\"http://a.test/\n", ""),
		OTHER("http://a\0.test/\nhttp://b.test/\n", ""),
		OTHER("http://a\xff\xfe.test/\n", ""),
		OTHER("garbage\nhttp://b.test/\n", ""),
	};
	struct buf out = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		if (input_kind_refuse(&out, t[i].head, "F"))
			fail_msg("%zu: %.*s: %.*s", i, (int)t[i].head.n,
			    t[i].head.p, (int)out.n, out.p);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
}

/* Every prefix of each file is examined safely. */
static void
test_any_part_of_a_file_is_looked_at_within_its_bounds(void **state)
{
	static const char text[] =
	    "\xef\xbb\xbf \n[1,\"a\",b.test;c\t{\"\"}\n<\n1,a.test\n\r\0x";
	char part[sizeof(text)];
	struct buf out = { 0 };
	size_t from, n;

	(void)state;
	for (from = 0; from < sizeof(text); from++)
		for (n = 0; from + n <= sizeof(text); n++) {
			memcpy(part + sizeof(part) - n, text + from, n);
			(void)input_kind_refuse(
			    &out, span_of(part + sizeof(part) - n, n), "F");
		}
	buf_fini(&out);
}

static void
test_two_urls_in_a_line_are_noticed(void **state)
{
	static const char *const two[] = { "http://a.test/,b.test",
		"http://a.test/, b.test/x", "http://a.test/ b.test",
		"http://a.test/x,http://b.test/", "a.test/x\t\"https://b",
		"http://a.test/?a,b=c,d-e.example.com:80/",
		"http://a.test/,b.html/x", "http://a.test/a,b,c.d.test?x" };
	static const char *const one[] = { "http://a.test/", "", ",",
		"http://a.test/a,b", "http://a.test/1,2.html",
		"http://a.test/@48.1,11.5,3z", "http://a.test/?x=1.5,2.5",
		"http://a.test/a b c", "http://a.test/a, ",
		"http://a.test/a,.b", "http://a.test/a,b.c",
		"http://a.test/a,b.c1", "http://a.test/http://b.test/",
		"http://a.test/a,b..cd" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(two); i++)
		if (!input_kind_has_two(span_str(two[i])))
			fail_msg("%s", two[i]);
	for (i = 0; i < COUNT(one); i++)
		if (input_kind_has_two(span_str(one[i])))
			fail_msg("%s", one[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_files_are_known_by_their_beginning),
		cmocka_unit_test(test_a_list_is_never_taken_for_something_else),
		cmocka_unit_test(
		    test_any_part_of_a_file_is_looked_at_within_its_bounds),
		cmocka_unit_test(test_two_urls_in_a_line_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
