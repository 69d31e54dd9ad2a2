/* SPDX-License-Identifier: ISC */
/*
 * Steps over a libxml2 tree, never by recursion: it may be a million elements
 * deep. Knows nothing of what the elements mean but which are blocks.
 */
#ifndef WORKER_TREE_H
#define WORKER_TREE_H

#include <string.h>

#include <libxml/tree.h>

#include "base/buf.h"
#include "base/span.h"

/* How an element of HTML is shown. */
enum tree_show {
	TREE_INLINE,
	TREE_BLOCK, /* on lines of its own */
	TREE_BREAK, /* <br> */
	TREE_CELL,  /* of a table */
	TREE_PRE,   /* a block whose white space stands */
	TREE_HIDDEN,
};

enum tree_show tree_show(const xmlNode *n);

/* The node behind n and all that is in it, inside `top`; NULL at the end. */
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

/* The next node in document order. Entities are not stepped into. */
static inline xmlNode *
tree_next(xmlNode *n, const xmlNode *top)
{
	if (n->type == XML_ELEMENT_NODE && n->children != NULL)
		return n->children;
	return tree_skip(n, top);
}

/* Nonzero for an element of that name, whatever its namespace. */
static inline int
tree_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE &&
	       strcmp((const char *)n->name, name) == 0;
}

/* The same, where a prefix may have been left undeclared ("rdf:RDF"). */
int tree_is_local(const xmlNode *n, const char *name);

/* The characters of a text, CDATA or entity node; "" of any other. */
struct span tree_chars(const xmlNode *n);
/* An attribute outside of namespaces, in the tree or in scratch; p NULL: there
 * is none. */
struct span tree_attr(const xmlNode *n, const char *name, struct buf *scratch);
/* xml:base. */
struct span tree_xml_base(const xmlNode *n, struct buf *scratch);
/* The characters in n as they stand, in the tree or in scratch. */
struct span tree_content(xmlNode *n, struct buf *scratch);
/*
 * Sets out to the characters in n, white space collapsed and trimmed, and
 * blocks apart. `leave_out` (NULL: nothing): elements that are not looked into.
 */
struct span
tree_collapse(xmlNode *n, int (*leave_out)(const xmlNode *), struct buf *out);

#endif
