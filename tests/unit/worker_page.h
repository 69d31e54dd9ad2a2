/* SPDX-License-Identifier: ISC */
/* A document from a string, for the tests of extractors. */
#ifndef WORKER_PAGE_H
#define WORKER_PAGE_H

#include "worker/answer.h"
#include "worker/charset/charset.h"
#include "worker/doc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_URL "http://example.com/dir/page?q#f"

static struct {
	struct charset *cs;
	struct doc doc;
	struct buf out;
} page;

/* For a group of tests. */
static inline int
page_setup(void **state)
{
	(void)state;
	doc_setup();
	page.cs = charset_new();
	return 0;
}

static inline int
page_teardown(void **state)
{
	(void)state;
	doc_fini(&page.doc);
	charset_free(page.cs);
	buf_fini(&page.out);
	return 0;
}

static inline enum parse_error
page_load(const char *type, struct span body)
{
	struct frame_doc in = { SPAN(PAGE_URL), span_str(type), body };

	return doc_load(&page.doc, &in, page.cs);
}

static inline void
page_start(struct answer *a, const char *type, const char *body)
{
	assert_int_equal(page_load(type, span_str(body)), PARSE_OK);
	page.out.n = 0;
	answer_start(a, &page.out, 1 << 20);
}

static inline void
page_check(const char *body, const char *want)
{
	if (!span_eq(buf_view(&page.out), span_str(want)))
		fail_msg("%s\ngave %.*s\nnot  %s", body, (int)page.out.n,
		    page.out.p, want);
}

#endif
