/* SPDX-License-Identifier: ISC */
/* Reads text and attributes of a libxml2 tree as spans. */
#include "worker/tree.h"

#include <stdlib.h>

static const struct {
	const char *name;
	enum tree_show show;
} shows[] = {
	{ "address", TREE_BLOCK },
	{ "article", TREE_BLOCK },
	{ "aside", TREE_BLOCK },
	{ "blockquote", TREE_BLOCK },
	{ "body", TREE_BLOCK },
	{ "br", TREE_BREAK },
	{ "caption", TREE_BLOCK },
	{ "center", TREE_BLOCK },
	{ "datalist", TREE_HIDDEN },
	{ "dd", TREE_BLOCK },
	{ "details", TREE_BLOCK },
	{ "dialog", TREE_BLOCK },
	{ "dir", TREE_BLOCK },
	{ "div", TREE_BLOCK },
	{ "dl", TREE_BLOCK },
	{ "dt", TREE_BLOCK },
	{ "fieldset", TREE_BLOCK },
	{ "figcaption", TREE_BLOCK },
	{ "figure", TREE_BLOCK },
	{ "footer", TREE_BLOCK },
	{ "form", TREE_BLOCK },
	{ "h1", TREE_BLOCK },
	{ "h2", TREE_BLOCK },
	{ "h3", TREE_BLOCK },
	{ "h4", TREE_BLOCK },
	{ "h5", TREE_BLOCK },
	{ "h6", TREE_BLOCK },
	/* libxml2 puts <main> here if the page has no <body> tag. */
	{ "head", TREE_BLOCK },
	{ "header", TREE_BLOCK },
	{ "hgroup", TREE_BLOCK },
	{ "hr", TREE_BREAK },
	{ "html", TREE_BLOCK },
	{ "iframe", TREE_HIDDEN },
	{ "legend", TREE_BLOCK },
	{ "li", TREE_BLOCK },
	{ "listing", TREE_PRE },
	{ "main", TREE_BLOCK },
	{ "menu", TREE_BLOCK },
	{ "nav", TREE_BLOCK },
	{ "noembed", TREE_HIDDEN },
	{ "noframes", TREE_HIDDEN },
	{ "noscript", TREE_HIDDEN },
	{ "ol", TREE_BLOCK },
	{ "optgroup", TREE_BLOCK },
	{ "option", TREE_BLOCK },
	{ "p", TREE_BLOCK },
	{ "plaintext", TREE_PRE },
	{ "pre", TREE_PRE },
	{ "script", TREE_HIDDEN },
	{ "search", TREE_BLOCK },
	{ "section", TREE_BLOCK },
	{ "style", TREE_HIDDEN },
	{ "summary", TREE_BLOCK },
	{ "table", TREE_BLOCK },
	{ "tbody", TREE_BLOCK },
	{ "td", TREE_CELL },
	{ "template", TREE_HIDDEN },
	{ "textarea", TREE_PRE },
	{ "tfoot", TREE_BLOCK },
	{ "th", TREE_CELL },
	{ "thead", TREE_BLOCK },
	{ "title", TREE_HIDDEN },
	{ "tr", TREE_BLOCK },
	{ "ul", TREE_BLOCK },
	{ "xmp", TREE_PRE },
};

static int
by_name(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

enum tree_show
tree_show(const xmlNode *n)
{
	const char *row;
	size_t at;

	row = bsearch(n->name, shows, sizeof(shows) / sizeof(shows[0]),
	    sizeof(shows[0]), by_name);
	if (row == NULL)
		return TREE_INLINE;
	at = (size_t)(row - (const char *)shows) / sizeof(shows[0]);
	return shows[at].show;
}

int
tree_is_local(const xmlNode *n, const char *name)
{
	const char *colon;

	if (n->type != XML_ELEMENT_NODE)
		return 0;
	colon = strchr((const char *)n->name, ':');
	return strcmp(colon != NULL ? colon + 1 : (const char *)n->name,
		   name) == 0;
}

struct span
tree_chars(const xmlNode *n)
{
	const xmlEntity *e;

	if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
		return span_str((const char *)n->content);
	if (n->type == XML_ENTITY_REF_NODE) {
		e = xmlGetDocEntity(n->doc, n->name);
		if (e != NULL)
			return span_str((const char *)e->content);
	}
	return SPAN_NONE;
}

static struct span
value(const xmlAttr *a, struct buf *scratch)
{
	const xmlNode *n = a->children;

	if (n == NULL)
		return SPAN("");
	if (n->next == NULL && n->type == XML_TEXT_NODE)
		return n->content != NULL ? tree_chars(n) : SPAN("");
	scratch->n = 0;
	for (; n != NULL; n = n->next)
		buf_span(scratch, tree_chars(n));
	return scratch->n > 0 ? buf_view(scratch) : SPAN("");
}

struct span
tree_attr(const xmlNode *n, const char *name, struct buf *scratch)
{
	const xmlAttr *a;

	for (a = n->properties; a != NULL; a = a->next)
		if (a->ns == NULL && strcmp((const char *)a->name, name) == 0)
			return value(a, scratch);
	return SPAN_NONE;
}

struct span
tree_xml_base(const xmlNode *n, struct buf *scratch)
{
	const xmlAttr *a;

	for (a = n->properties; a != NULL; a = a->next)
		if (a->ns != NULL && xmlStrEqual(a->name, BAD_CAST "base") &&
		    xmlStrEqual(a->ns->href, XML_XML_NAMESPACE))
			return value(a, scratch);
	return SPAN_NONE;
}

struct span
tree_content(xmlNode *n, struct buf *scratch)
{
	xmlNode *k = n->children;

	if (k != NULL && k->next == NULL && k->type != XML_ELEMENT_NODE)
		return tree_chars(k);
	scratch->n = 0;
	for (k = n; k != NULL; k = tree_next(k, n))
		buf_span(scratch, tree_chars(k));
	return buf_view(scratch);
}

/* Appends s with white space collapsed. *apart: a space is due before it. */
static void
collapse(struct buf *out, struct span s, int *apart)
{
	size_t i, from;

	for (i = 0; i < s.n;) {
		if (span_is_html_space(s.p[i])) {
			*apart = 1;
			i++;
			continue;
		}
		for (from = i; i < s.n && !span_is_html_space(s.p[i]);)
			i++;
		if (*apart && out->n > 0)
			buf_char(out, ' ');
		*apart = 0;
		buf_add(out, s.p + from, i - from);
	}
}

static int
is_apart(const xmlNode *n)
{
	switch (tree_show(n)) {
	case TREE_BLOCK:
	case TREE_BREAK:
	case TREE_CELL:
	case TREE_PRE:
		return 1;
	case TREE_INLINE:
	case TREE_HIDDEN:
		break;
	}
	return 0;
}

/* Like tree_next or, with `over`, tree_skip. Sets *apart on leaving a block. */
static xmlNode *
step(xmlNode *n, const xmlNode *top, int over, int *apart)
{
	if (!over && n->type == XML_ELEMENT_NODE && n->children != NULL)
		return n->children;
	for (; n != top; n = n->parent) {
		if (n->type == XML_ELEMENT_NODE && is_apart(n))
			*apart = 1;
		if (n->next != NULL)
			return n->next;
	}
	return NULL;
}

struct span
tree_collapse(xmlNode *n, int (*leave_out)(const xmlNode *), struct buf *out)
{
	xmlNode *k = n;
	int apart = 0, over = 0;

	out->n = 0;
	while ((k = step(k, n, over, &apart)) != NULL) {
		over = 0;
		if (k->type != XML_ELEMENT_NODE)
			collapse(out, tree_chars(k), &apart);
		else {
			over = leave_out != NULL && leave_out(k);
			apart |= is_apart(k);
		}
	}
	return out->n > 0 ? buf_view(out) : SPAN("");
}
