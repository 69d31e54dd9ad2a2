/* SPDX-License-Identifier: ISC */
/* Anchors to absolute URLs, in one pass. Knows no job. */
#include "worker/links.h"

#include "worker/feed.h"
#include "worker/href.h"
#include "worker/tree.h"

#define KEEP_BYTES (1u << 20)

void
links_fini(struct links *l)
{
	buf_fini(&l->href);
	buf_fini(&l->rel);
	buf_fini(&l->text);
	buf_fini(&l->scratch);
	url_fini(&l->url);
}

void
links_put(struct links *l, struct answer *a, const struct url *base,
    struct span href, struct span text, struct span rel)
{
	if (href_resolve(&l->url, base, href, &l->scratch) != E_OK)
		return;
	answer_next(a);
	answer_raw(a, SPAN("{\"url\":"));
	answer_string(a, url_text(&l->url));
	answer_raw(a, SPAN(",\"text\":"));
	answer_string(a, text);
	answer_raw(a, SPAN(",\"rel\":"));
	answer_string(a, rel);
	answer_raw(a, SPAN("}"));
}

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

/* So that no text is gone over twice, however deep links are nested. */
static int
is_not_text(const xmlNode *n)
{
	return tree_show(n) == TREE_HIDDEN || is_link(n);
}

static void
put_anchor(
    struct links *l, struct answer *a, const struct url *base, xmlNode *n)
{
	struct span href = tree_attr(n, "href", &l->href);

	links_put(l, a, base, href, tree_collapse(n, is_not_text, &l->text),
	    tree_attr(n, "rel", &l->rel));
}

void
links_write(struct links *l, const struct doc *d, struct answer *a)
{
	xmlNode *top, *n;

	answer_raw(a, SPAN("["));
	top = d->tree != NULL ? xmlDocGetRootElement(d->tree) : NULL;
	if (feed_is(d))
		feed_links(l, d, a);
	else
		for (n = top; n != NULL && !a->full; n = tree_next(n, top))
			if (is_link(n))
				put_anchor(l, a, &d->base, n);
	answer_raw(a, SPAN("]"));
	buf_clear(&l->href, KEEP_BYTES);
	buf_clear(&l->rel, KEEP_BYTES);
	buf_clear(&l->text, KEEP_BYTES);
	buf_clear(&l->scratch, KEEP_BYTES);
}
