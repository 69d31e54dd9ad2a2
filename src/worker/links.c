/* SPDX-License-Identifier: ISC */
/* Extracts the links of a page or a feed, in one pass. */
#include "worker/links.h"

#include "worker/feed.h"
#include "worker/href.h"
#include "worker/tree.h"

static int
is_link(const xmlNode *n)
{
	const xmlAttr *p;

	if (!tree_is(n, "a") && !tree_is(n, "area"))
		return 0;
	for (p = n->properties; p != NULL; p = p->next)
		if (p->ns == NULL && xmlStrEqual(p->name, BAD_CAST "href"))
			return 1;
	return 0;
}

/* The text of a nested link belongs to the inner link only, so no text is read
 * twice. */
static int
is_not_text(const xmlNode *n)
{
	return tree_show(n) == TREE_HIDDEN || is_link(n);
}

static void
put_anchor(
    struct link_writer *w, struct answer *a, const struct url *base, xmlNode *n)
{
	struct span href = tree_attr(n, "href", &w->href);

	link_writer_put(w, a, base, href,
	    tree_collapse(n, is_not_text, &w->text),
	    tree_attr(n, "rel", &w->rel));
}

void
links_write(struct link_writer *w, const struct doc *d, struct answer *a)
{
	xmlNode *top, *n;

	answer_raw(a, SPAN("["));
	top = d->tree != NULL ? xmlDocGetRootElement(d->tree) : NULL;
	if (feed_is(d))
		feed_links(w, d, a);
	else
		for (n = top; n != NULL && !a->full; n = tree_next(n, top))
			if (is_link(n))
				put_anchor(w, a, &d->base, n);
	answer_raw(a, SPAN("]"));
	link_writer_clear(w);
}
