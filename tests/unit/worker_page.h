/* SPDX-License-Identifier: ISC */
/* A document from a string, for the tests of what is taken from it. */
#ifndef WORKER_PAGE_H
#define WORKER_PAGE_H

#include "worker/answer.h"
#include "worker/charset.h"
#include "worker/doc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_URL "http://example.com/dir/page?q#f"

struct page {
	struct charset *cs;
	struct doc doc;
	struct buf out;
};

static inline void
page_setup(struct page *p)
{
	*p = (struct page){ 0 };
	doc_setup();
	p->cs = charset_new();
}

static inline void
page_teardown(struct page *p)
{
	doc_fini(&p->doc);
	charset_free(p->cs);
	buf_fini(&p->out);
}

static inline enum parse_error
page_load(struct page *p, const char *type, struct span body)
{
	struct frame_doc in = { SPAN(PAGE_URL), span_str(type), body };

	return doc_load(&p->doc, &in, p->cs);
}

static inline void
page_start(struct page *p, struct answer *a, const char *type, const char *body)
{
	assert_int_equal(page_load(p, type, span_str(body)), PARSE_OK);
	p->out.n = 0;
	answer_start(a, &p->out, 1 << 20);
}

static inline void
page_check(const struct page *p, const char *body, const char *want)
{
	if (!span_eq(buf_view(&p->out), span_str(want)))
		fail_msg("%s\ngave %.*s\nnot  %s", body, (int)p->out.n,
		    p->out.p, want);
}

#endif
