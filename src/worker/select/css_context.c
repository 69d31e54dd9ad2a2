/* SPDX-License-Identifier: ISC */
/* The memory and the error message of one translation from CSS to XPath. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "worker/select/css_int.h"

struct css_block {
	struct css_block *next;
	max_align_t bytes[];
};

void *
css_alloc(struct css *c, size_t n, size_t size)
{
	struct css_block *b;

	b = mem_zalloc(1, sizeof(*b) + n * size);
	b->next = c->blocks;
	c->blocks = b;
	return b->bytes;
}

void
css_free_all(struct css *c)
{
	struct css_block *b;

	while ((b = c->blocks) != NULL) {
		c->blocks = b->next;
		free(b);
	}
}

int
css_fail(struct css *c, const char *fmt, ...)
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
