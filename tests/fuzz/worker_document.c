/* SPDX-License-Identifier: ISC */
/*
 * Documents: for any bytes, every job returns valid JSON of bounded size, and a
 * document does not affect the next one. The first byte selects the content
 * type, the second the jobs; the rest is the body.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/json/json.h"
#include "worker/extract.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define JOB(k, n, e) \
	{ \
		FRAME_JOB_##k, { n, sizeof(n) - 1 }, \
		{ \
			e, sizeof(e) - 1 \
		} \
	}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const types[] = { "text/html", "", "text/xml", "text/plain",
	"application/xhtml+xml", "application/rss+xml",
	"text/html; charset=utf-16", "text/html; charset=gb18030",
	"text/html; charset=big5", "text/html; charset=euc-jp",
	"text/html; charset=iso-2022-jp", "text/html; charset=shift_jis",
	"text/html; charset=euc-kr", "text/html; charset=windows-1258",
	"text/html; charset=utf-8", "text/xml; charset=latin1" };

static const struct frame_job jobs[] = {
	JOB(TITLE, "title", ""),
	JOB(LINKS, "links", ""),
	JOB(TEXT, "text", ""),
	JOB(META, "meta", ""),
	JOB(JSONLD, "jsonld", ""),
	JOB(CSS, "css", "a::attr(href), p, title::text"),
	JOB(XPATH, "xpath", "//*[@id] | //text() | //@*"),
	JOB(REGEX_TEXT, "regex", "(\\w+)@\\w+"),
};

static struct extract *
make(unsigned mask)
{
	struct buf config = { 0 }, why = { 0 };
	struct extract *e;
	size_t i;

	for (i = 0; i < COUNT(jobs); i++)
		if ((mask >> i & 1) != 0)
			frame_put_job(&config, &jobs[i]);
	e = extract_new(buf_view(&config), &why);
	CHECK(e != NULL && why.n == 0);
	buf_fini(&config);
	buf_fini(&why);
	return e;
}

/* Kept: to open the converters takes longer than a document. */
static struct extract *
extract_for(uint8_t mask)
{
	static struct extract *made[256];

	if (made[mask] == NULL)
		made[mask] = make(mask);
	return made[mask];
}

static enum parse_error
run(struct extract *e, const struct frame_doc *d, struct buf *out)
{
	enum parse_error error = extract_document(e, d, out);

	CHECK(error == PARSE_OK || error == PARSE_FAILED ||
	      error == PARSE_TOO_LARGE);
	CHECK(error != PARSE_OK || out->n > 0);
	CHECK(out->n < FRAME_RESULT_MAX);
	CHECK(out->n == 0 || json_read_answer(buf_view(out), NULL));
	CHECK(out->n == 0 || memchr(out->p, '\n', out->n) == NULL);
	return error;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_doc d = { .url = SPAN("http://example.com/a/b?c") };
	struct buf first = { 0 }, again = { 0 };
	struct extract *e;
	char *body;

	if (size < 2)
		return 0;
	/*
	 * A copy of the exact size, so that AddressSanitizer detects a read
	 * past its end.
	 */
	body = mem_alloc(size - 2);
	memcpy(body, data + 2, size - 2);
	d.content_type = span_str(types[data[0] % COUNT(types)]);
	d.body = span_of(body, size - 2);
	e = extract_for(data[1]);
	CHECK(run(e, &d, &first) == run(e, &d, &again));
	CHECK(span_eq(buf_view(&first), buf_view(&again)));
	free(body);
	buf_fini(&first);
	buf_fini(&again);
	return 0;
}
