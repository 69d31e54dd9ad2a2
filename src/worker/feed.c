/* SPDX-License-Identifier: ISC */
/*
 * Feeds: a root, perhaps a channel, its entries, and what they hold: four
 * levels, each gone over once for links and once for a title. Knows no job.
 */
#include "worker/feed.h"

#include <libxml/tree.h>

#include "worker/href.h"
#include "worker/tree.h"

/* One level's base: its own if it has an xml:base, else that above. */
struct level {
	const struct url *base;
	struct url own;
};

static int
is_one_of(const xmlNode *n, const char *const *names)
{
	for (; *names != NULL; names++)
		if (tree_is_local(n, *names))
			return 1;
	return 0;
}

int
feed_is(const struct doc *d)
{
	static const char *const roots[] = { "rss", "RDF", "feed", "urlset",
		"sitemapindex", NULL };

	return d->kind == DOC_XML && d->tree != NULL &&
	       is_one_of(xmlDocGetRootElement(d->tree), roots);
}

static xmlNode *
child(const xmlNode *n, const char *name)
{
	xmlNode *k;

	for (k = n->children; k != NULL; k = k->next)
		if (tree_is_local(k, name))
			return k;
	return NULL;
}

/* Nonzero if k is of n's own vocabulary, not an extension's. */
static int
is_plain(const xmlNode *n, const xmlNode *k)
{
	const xmlChar *in = n->ns != NULL ? n->ns->href : NULL;
	const xmlChar *own = k->ns != NULL ? k->ns->href : NULL;

	if (own == NULL && strchr((const char *)k->name, ':') != NULL)
		return strchr((const char *)n->name, ':') != NULL;
	return xmlStrEqual(in, own);
}

/* The title next to a link; a podcast has two: the plain one counts. */
static struct span
title_of(const xmlNode *n, struct buf *out)
{
	xmlNode *k, *found = NULL;

	for (k = n->children; k != NULL; k = k->next)
		if (tree_is_local(k, "title") &&
		    (found == NULL || (!is_plain(n, found) && is_plain(n, k))))
			found = k;
	out->n = 0;
	return found != NULL ? tree_collapse(found, NULL, out) : SPAN_NONE;
}

struct span
feed_title(const struct doc *d, struct buf *out)
{
	xmlNode *root = xmlDocGetRootElement(d->tree);
	xmlNode *channel = child(root, "channel");

	return title_of(channel != NULL ? channel : root, out);
}

static void
open_level(
    struct level *v, const struct url *above, const xmlNode *n, struct links *l)
{
	struct span at = tree_xml_base(n, &l->href);

	*v = (struct level){ .base = above };
	if (at.p != NULL &&
	    href_resolve(&v->own, above, at, &l->scratch) == E_OK)
		v->base = &v->own;
}

static void
put_link(struct links *l, struct answer *a, const struct url *above, xmlNode *n,
    struct span title)
{
	struct level v;
	struct span href, rel = SPAN_NONE;

	open_level(&v, above, n, l);
	if (tree_is_local(n, "enclosure")) {
		href = tree_attr(n, "url", &l->href);
		rel = SPAN("enclosure");
	} else {
		href = tree_attr(n, "href", &l->href);
		rel = tree_attr(n, "rel", &l->rel);
	}
	if (href.p == NULL)
		href = tree_collapse(n, NULL, &l->href);
	if (href.n > 0)
		links_put(l, a, v.base, href, title, rel);
	url_fini(&v.own);
}

static int
check_permalink(const xmlNode *guid, struct links *l)
{
	struct span s = tree_attr(guid, "isPermaLink", &l->scratch);

	return s.p == NULL || span_ieq(span_trim(s), SPAN("true"));
}

/* An empty <link/> is none. */
static int
find_link(const xmlNode *in, struct links *l)
{
	xmlNode *k;

	for (k = in->children; k != NULL; k = k->next)
		if (tree_is_local(k, "link") &&
		    (tree_attr(k, "href", &l->href).p != NULL ||
			tree_collapse(k, NULL, &l->href).n > 0))
			return 1;
	return 0;
}

/* The links right in a channel or an entry. */
static void
put_links(struct links *l, struct answer *a, const struct url *base,
    const xmlNode *in)
{
	static const char *const names[] = { "link", "loc", "enclosure", NULL };
	struct span title = title_of(in, &l->text);
	int no_link = !find_link(in, l);
	xmlNode *n;

	if (title.p == NULL)
		title = SPAN("");
	for (n = in->children; n != NULL && !a->full; n = n->next)
		if (is_one_of(n, names) ||
		    (no_link && tree_is_local(n, "guid") &&
			check_permalink(n, l)))
			put_link(l, a, base, n, title);
}

/* A channel or a root: its own links, and those of the entries in it. */
static void
put_all(struct links *l, struct answer *a, const struct url *above,
    const xmlNode *in)
{
	static const char *const names[] = { "item", "entry", "url", "sitemap",
		NULL };
	struct level v, entry;
	xmlNode *n;

	open_level(&v, above, in, l);
	put_links(l, a, v.base, in);
	for (n = in->children; n != NULL && !a->full; n = n->next) {
		if (!is_one_of(n, names))
			continue;
		open_level(&entry, v.base, n, l);
		put_links(l, a, entry.base, n);
		url_fini(&entry.own);
	}
	url_fini(&v.own);
}

void
feed_links(struct links *l, const struct doc *d, struct answer *a)
{
	xmlNode *root = xmlDocGetRootElement(d->tree), *n;
	struct level v;

	open_level(&v, &d->base, root, l);
	for (n = root->children; n != NULL && !a->full; n = n->next)
		if (tree_is_local(n, "channel"))
			put_all(l, a, v.base, n);
	put_all(l, a, &d->base, root);
	url_fini(&v.own);
}
