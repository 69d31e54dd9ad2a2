/* SPDX-License-Identifier: ISC */
/* Visible text, with blocks on separate lines. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker_page.h"

static void
text_is_what_a_reader_sees(void **state)
{
	static const char *const t[][3] = {
		{ "text/html", "", "" },
		{ "text/html", "a  b\n\tc", "a b c" },
		{ "text/html", " <p> a <b> b</b>c </p> ", "a bc" },
		{ "text/html", "a<p>b</p>c<div>d<div>e</div></div>f",
		    "a\nb\nc\nd\ne\nf" },
		{ "text/html", "a<br>b<br><br>c<hr>d", "a\nb\nc\nd" },
		{ "text/html", "<ul><li>a<li>b</ul>", "a\nb" },
		{ "text/html", "<table><tr><td>a<td>b<tr><th>c<td>d</table>",
		    "a\tb\nc\td" },
		{ "text/html", "a<i>b</i> <i>c</i>", "ab c" },
		{ "text/html", "a\xc2\xa0 b", "a\xc2\xa0 b" },
		{ "text/html", "&lt;&amp;&eacute;", "<&\xc3\xa9" },
		{ "text/html",
		    "<head><title>t</title></head>a<script>s</script>"
		    "<style>s</style><noscript>n</noscript>"
		    "<template>t</template><!-- c -->b",
		    "ab" },
		{ "text/html",
		    "<input list=l><datalist id=l><option>o</datalist>a"
		    "<noembed>n</noembed>b",
		    "ab" },
		/* To libxml2 the <rt> is in the <rp> that is not closed. */
		{ "text/html", "<ruby>b<rp>(<rt>c<rp>)</ruby>", "b(c)" },
		{ "text/html",
		    "<!doctype html><meta charset=utf-8><title>t</title>"
		    "<link rel=x><style>s</style><header>a</header>"
		    "<main>b<script>s</script></main><p>c",
		    "a\nb\nc" },
		{ "text/html", "<head><title>t</title><section>a", "a" },
		{ "text/html",
		    "<html><head>\n<title>t</title>\n"
		    "<noscript><img>n</noscript>\n</head>\n<body>a",
		    "a" },
		{ "text/html", "a<pre>\n  b\n\n  c  d\n</pre>e",
		    "a\n  b\n\n  c  d\ne" },
		{ "text/html", "<pre>a<b>\n b</b></pre>", "a\n b" },
		{ "text/html", "<pre>\n\n  a</pre>", "  a" },
		{ "text/html", "<pre>a</pre><pre>\nb</pre>", "a\nb" },
		{ "text/html", "<pre>x<p>y</p>\n\nz</pre>", "x\ny\n\n\nz" },
		{ "text/html", "<pre>a\r\nb\rc</pre>", "a\nb\nc" },
		{ "text/html", "<pre>\rab</pre><pre>\r\ncd</pre>", "ab\ncd" },
		{ "text/html", "<pre>\r\rab</pre><pre>\r</pre>x", "ab\nx" },
		{ "text/html", "<p>a</p>\n\n<p>b</p>\n", "a\nb" },
		{ "text/html", "<p></p><div> </div>", "" },
		{ "text/xml", "<a><b>x </b><c>y<d/>z</c></a>", "x\ny\nz" },
		{ "text/xml", "<a><![CDATA[x < y]]></a>", "x < y" },
		{ "text/plain", " a \n <b>", " a \n <b>" },
	};
	struct span s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(
		    page_load(t[i][0], span_str(t[i][1])), PARSE_OK);
		s = doc_text(&page.doc);
		if (!span_eq(s, span_str(t[i][2])))
			fail_msg("%s\ngave %.*s\nnot  %s", t[i][1], (int)s.n,
			    s.p, t[i][2]);
		assert_ptr_equal(doc_text(&page.doc).p, s.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_what_a_reader_sees),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
