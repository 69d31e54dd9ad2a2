/* SPDX-License-Identifier: ISC */
/* Extracts the first title in document order. */
#include "worker/title.h"

#include "worker/feed.h"
#include "worker/tree.h"

static struct span
first_title(const struct doc *d, struct buf *scratch)
{
	xmlNode *top = xmlDocGetRootElement(d->tree), *n = top;

	while (n != NULL) {
		if (tree_is(n, "title"))
			return tree_collapse(n, NULL, scratch);
		n = n != top && tree_is(n, "svg") ? tree_skip(n, top)
						  : tree_next(n, top);
	}
	return SPAN_NONE;
}

void
title_write(const struct doc *d, struct buf *scratch, struct answer *a)
{
	struct span s = SPAN_NONE;

	if (feed_is(d))
		s = feed_title(d, scratch);
	else if (d->tree != NULL)
		s = first_title(d, scratch);
	answer_string(a, s);
}
