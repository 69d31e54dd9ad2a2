/* SPDX-License-Identifier: ISC */
/*
 * CSS selectors: an accepted selector becomes XPath that libxml2 compiles and
 * runs (except for some output of cssselect's :has() and parsel's ::attr()); a
 * rejected one has a message.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libxml/HTMLparser.h>

#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "worker/select/css.h"
#include "worker/select/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char page[] =
    "<html lang=en><body class='a b'><div id=x><p class=b>one<p>two<a "
    "href=/x>y</a><input type=text disabled></div><ul><li>1<li>2</ul></html>";

/* Words whose XPath need not be valid. */
static int
is_odd(struct span s)
{
	static const char *words[] = { "has", "attr", "|", "\\" };
	size_t i, k;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (k = 0; k + strlen(words[i]) <= s.n; k++)
			if (span_ieq(span_of(s.p + k, strlen(words[i])),
				span_str(words[i])))
				return 1;
	/* Characters that XML does not allow. */
	for (k = 0; k < s.n; k++)
		if ((unsigned char)s.p[k] < ' ' || s.p[k] == '\xef')
			return 1;
	return 0;
}

static void
run(struct select *s)
{
	struct doc d = { .kind = DOC_HTML };
	struct buf out = { 0 };
	struct answer a;

	d.tree = htmlReadMemory(page, sizeof(page) - 1, NULL, "UTF-8",
	    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING);
	answer_start(&a, &out, 1 << 20);
	if (select_run(s, &d, &a) == 0) {
		CHECK(!a.full);
		CHECK(json_read_answer(buf_view(&out), NULL));
		CHECK(utf8_valid(buf_view(&out)) == out.n);
	} else
		CHECK(out.n == 0);
	xmlFreeDoc(d.tree);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct buf html = { 0 }, xml = { 0 }, why = { 0 };
	struct select *s;
	int rc = css_to_xpath(in, CSS_HTML, &html, &why);

	doc_setup();
	CHECK((rc == 0) == (html.n > 0) && (rc < 0) == (why.n > 0));
	if (css_to_xpath(in, CSS_XML, &xml, &why) == 0)
		CHECK(utf8_valid(buf_view(&xml)) == xml.n);
	why.n = 0;
	s = select_css(in, &why);
	CHECK((s == NULL) == (why.n > 0));
	if (s != NULL) {
		CHECK(rc == 0);
		run(s);
	} else
		CHECK(rc < 0 || is_odd(in));
	select_free(s);
	buf_fini(&html);
	buf_fini(&xml);
	buf_fini(&why);
	return 0;
}
