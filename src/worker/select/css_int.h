/* SPDX-License-Identifier: ISC */
/*
 * Shared by the css files only: tokens, the tree of a selector, and the memory
 * that holds both until css_to_xpath returns.
 */
#ifndef WORKER_SELECT_CSS_INT_H
#define WORKER_SELECT_CSS_INT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "worker/select/css.h"

enum css_token_kind {
	CSS_END,
	CSS_SPACE,
	CSS_IDENT,
	CSS_HASH, /* value without its # */
	CSS_STRING,
	CSS_NUMBER,
	CSS_DELIM, /* any other character */
};

struct css_token {
	enum css_token_kind kind;
	struct span value; /* escapes resolved */
	size_t at;         /* offset in bytes */
};

enum css_kind {
	CSS_ELEMENT, /* ns|name; empty: no namespace, any name */
	CSS_CLASS,
	CSS_ID,
	CSS_ATTRIB,   /* op 0: it exists; otherwise = ~ | ^ $ * ! */
	CSS_PSEUDO,   /* :name */
	CSS_FUNCTION, /* :name(arguments) */
	CSS_NOT,
	CSS_HAS,      /* op: + - > ~ or a space */
	CSS_IS,       /* and :where(); right: a list */
	CSS_COMBINED, /* op: + > ~ or a space */
};

struct css_node {
	enum css_kind kind;
	char op;
	unsigned depth;
	struct css_node *left;  /* what it restricts; NULL for an element */
	struct css_node *right; /* its argument, or what follows op */
	struct css_node *next;  /* in a list */
	struct span ns, name, value;
	const struct css_token *args;
	size_t n_args;
};

enum css_pseudo { CSS_PLAIN, CSS_PSEUDO_NAME, CSS_PSEUDO_CALL };

/* A selector of a comma-separated group. */
struct css_selector {
	struct css_node *tree;
	struct css_selector *next;
	enum css_pseudo pseudo; /* the pseudo-element at its end */
	struct span name;
	const struct css_token *args;
	size_t n_args;
};

struct css {
	struct css_block *blocks;
	struct buf *why;
	unsigned nested;
};

/* css_context.c */
/* Zeroed memory that lives until css_free_all. */
void *css_alloc(struct css *c, size_t n, size_t size);
void css_free_all(struct css *c);
/* Appends a message to c->why; returns -1. */
int css_fail(struct css *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* css_lex.c: all tokens of the text, then CSS_END. NULL on an error. */
const struct css_token *css_lex(struct css *c, struct span text);
/* Equal except for case, with _ equal to -. */
int css_is(struct span name, const char *word);

/* css_parse.c: 0 or -1. */
int css_parse(struct css *c, struct span text, struct css_selector **list);

/* css_expr.c: an XPath expression under construction,
 * path element[condition]. */
struct css_expr {
	struct buf path, element, condition;
};

void css_expr_fini(struct css_expr *x);
/* Joins b to the condition by "and" or "or". Takes b, and leaves it empty. */
void css_condition(struct css_expr *x, const char *conjunction, struct buf *b);
/* Frees *b and moves *with there. */
void css_replace(struct buf *b, struct buf *with);
/* Appends an XPath string literal. */
void css_literal(struct buf *out, struct span s);

/* css_write.c: appends XPath. 0 or -1. */
int css_write(struct css *c, const struct css_selector *s,
    enum css_language language, struct buf *xpath);

/* css_pseudo.c: adds a condition to x. 0 or -1. */
int css_pseudo(struct css *c, const struct css_node *n,
    enum css_language language, struct css_expr *x);
int css_function(struct css *c, const struct css_node *n,
    enum css_language language, struct css_expr *x);

#endif
