/* SPDX-License-Identifier: ISC */
/*
 * Traverses a libxml2 tree without recursion, as it may be a million elements
 * deep, and classifies elements by how they are displayed.
 */
#ifndef WORKER_TREE_H
#define WORKER_TREE_H

#include <string.h>

#include <libxml/tree.h>

#include "base/buf.h"
#include "base/span.h"

/* How an HTML element is displayed. */
enum tree_show {
	TREE_INLINE,
	TREE_BLOCK, /* on separate lines */
	TREE_BREAK, /* <br> */
	TREE_CELL,  /* of a table */
	TREE_PRE,   /* a block that preserves white space */
	TREE_HIDDEN,
};

enum tree_show tree_show(const xmlNode *n);

/* The next node inside `top` that is not inside n; NULL at the end. */
static inline xmlNode *
tree_skip(xmlNode *n, const xmlNode *top)
{
	while (n != top) {
		if (n->next != NULL)
			return n->next;
		n = n->parent;
	}
	return NULL;
}

/* The next node in document order. Entities are not entered. */
static inline xmlNode *
tree_next(xmlNode *n, const xmlNode *top)
{
	if (n->type == XML_ELEMENT_NODE && n->children != NULL)
		return n->children;
	return tree_skip(n, top);
}

/* Is n an element of that name, in any namespace? */
static inline int
tree_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE &&
	       strcmp((const char *)n->name, name) == 0;
}

/* The same, ignoring an undeclared prefix ("rdf:RDF"). */
int tree_is_local(const xmlNode *n, const char *name);

/* The characters of a text, CDATA or entity node; empty for others. */
struct span tree_chars(const xmlNode *n);
/* The value of an attribute without a namespace, in the tree or in scratch; or
 * p NULL. */
struct span tree_attr(const xmlNode *n, const char *name, struct buf *scratch);
/* The value of xml:base, in the same way. */
struct span tree_xml_base(const xmlNode *n, struct buf *scratch);
/* All characters inside n, verbatim, in the tree or in scratch. */
struct span tree_content(xmlNode *n, struct buf *scratch);
/*
 * Sets `out` to the characters inside n, with white space collapsed and trimmed
 * and blocks separated by spaces. Elements for which leave_out (may be NULL)
 * returns nonzero are skipped.
 */
struct span
tree_collapse(xmlNode *n, int (*leave_out)(const xmlNode *), struct buf *out);

#endif
