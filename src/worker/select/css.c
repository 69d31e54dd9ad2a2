/* SPDX-License-Identifier: ISC */
/*
 * A selector from its text to XPath: read (css_lex, css_parse), then written
 * (css_write, css_pseudo). Knows nothing of documents.
 */
#include "worker/select/css.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "worker/select/css_int.h"

struct css_block {
	struct css_block *next;
	max_align_t bytes[];
};

void *
css_memory(struct css *c, size_t n, size_t size)
{
	struct css_block *b;

	b = mem_zalloc(1, sizeof(*b) + n * size);
	b->next = c->blocks;
	c->blocks = b;
	return b->bytes;
}

int
css_wrong(struct css *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		buf_str(c->why, text);
	return -1;
}

int
css_to_xpath(struct span selector, enum css_language language,
    struct buf *xpath, struct buf *why)
{
	struct css c = { .why = why };
	struct css_selector *list = NULL;
	struct css_block *b;
	size_t before = xpath->n;
	int rc;

	if (selector.n > CSS_SELECTOR_MAX)
		return css_wrong(
		    &c, "it is longer than %d bytes", CSS_SELECTOR_MAX);
	if (utf8_valid(selector) != selector.n)
		return css_wrong(&c, "it is not UTF-8");
	rc = css_parse(&c, selector, &list);
	if (rc == 0)
		rc = css_write(&c, list, language, xpath);
	if (rc < 0)
		xpath->n = before;
	while ((b = c.blocks) != NULL) {
		c.blocks = b->next;
		free(b);
	}
	return rc;
}
