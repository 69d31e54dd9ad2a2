/* SPDX-License-Identifier: ISC */
/*
 * Reads links and titles from feeds: a root, perhaps a channel, its entries and
 * their elements. Each level is read once for links and once for a title.
 */
#include "worker/feed.h"

#include <libxml/tree.h>

#include "worker/href.h"
#include "worker/tree.h"

/* The base URL at one level: its own xml:base, or that of the level above. */
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

/* Is k in the same namespace as n, so not an extension? */
static int
is_plain(const xmlNode *n, const xmlNode *k)
{
	const xmlChar *in = n->ns != NULL ? n->ns->href : NULL;
	const xmlChar *own = k->ns != NULL ? k->ns->href : NULL;

	if (own == NULL && strchr((const char *)k->name, ':') != NULL)
		return strchr((const char *)n->name, ':') != NULL;
	return xmlStrEqual(in, own);
}

/* The title beside a link. A podcast has two, of which the one in the feed's
 * own namespace counts. */
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
open_level(struct level *v, const struct url *above, const xmlNode *n,
    struct link_writer *w)
{
	struct span at = tree_xml_base(n, &w->href);

	*v = (struct level){ .base = above };
	if (at.p != NULL &&
	    href_resolve(&v->own, above, at, &w->scratch) == E_OK)
		v->base = &v->own;
}

static void
put_link(struct link_writer *w, struct answer *a, const struct url *above,
    xmlNode *n, struct span title)
{
	struct level v;
	struct span href, rel = SPAN_NONE;

	open_level(&v, above, n, w);
	if (tree_is_local(n, "enclosure")) {
		href = tree_attr(n, "url", &w->href);
		rel = SPAN("enclosure");
	} else {
		href = tree_attr(n, "href", &w->href);
		rel = tree_attr(n, "rel", &w->rel);
	}
	if (href.p == NULL)
		href = tree_collapse(n, NULL, &w->href);
	if (href.n > 0)
		link_writer_put(w, a, v.base, href, title, rel);
	url_fini(&v.own);
}

/* A guid is a URL unless it says that it is not one. */
static int
check_permalink(const xmlNode *guid, struct buf *scratch)
{
	struct span s = tree_attr(guid, "isPermaLink", scratch);

	return s.p == NULL || span_ieq(span_trim(s), SPAN("true"));
}

/* An empty <link/> does not count. */
static const xmlNode *
find_link(const xmlNode *in, struct buf *scratch)
{
	xmlNode *k;

	for (k = in->children; k != NULL; k = k->next)
		if (tree_is_local(k, "link") &&
		    (tree_attr(k, "href", scratch).p != NULL ||
			tree_collapse(k, NULL, scratch).n > 0))
			return k;
	return NULL;
}

/* The links that are children of a channel or an entry. */
static void
put_links(struct link_writer *w, struct answer *a, const struct url *base,
    const xmlNode *in)
{
	static const char *const names[] = { "link", "loc", "enclosure", NULL };
	struct span title = title_of(in, &w->text);
	int no_link = find_link(in, &w->href) == NULL;
	xmlNode *n;

	if (title.p == NULL)
		title = SPAN("");
	for (n = in->children; n != NULL && !a->full; n = n->next)
		if (is_one_of(n, names) ||
		    (no_link && tree_is_local(n, "guid") &&
			check_permalink(n, &w->scratch)))
			put_link(w, a, base, n, title);
}

/* The links of a channel or a root, then those of its entries. */
static void
put_all(struct link_writer *w, struct answer *a, const struct url *above,
    const xmlNode *in)
{
	static const char *const names[] = { "item", "entry", "url", "sitemap",
		NULL };
	struct level v, entry;
	xmlNode *n;

	open_level(&v, above, in, w);
	put_links(w, a, v.base, in);
	for (n = in->children; n != NULL && !a->full; n = n->next) {
		if (!is_one_of(n, names))
			continue;
		open_level(&entry, v.base, n, w);
		put_links(w, a, entry.base, n);
		url_fini(&entry.own);
	}
	url_fini(&v.own);
}

void
feed_links(struct link_writer *w, const struct doc *d, struct answer *a)
{
	xmlNode *root = xmlDocGetRootElement(d->tree), *n;
	struct level v;

	open_level(&v, &d->base, root, w);
	for (n = root->children; n != NULL && !a->full; n = n->next)
		if (tree_is_local(n, "channel"))
			put_all(w, a, v.base, n);
	put_all(w, a, &d->base, root);
	url_fini(&v.own);
}
