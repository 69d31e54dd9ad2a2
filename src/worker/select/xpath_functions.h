/* SPDX-License-Identifier: ISC */
/*
 * Extension functions available in XPath expressions, with the results of
 * parsel and lxml:
 *
 *   has-class("a", ...)      the element has all these classes
 *   re:test(text, pattern, flags?)     flags: i, g
 *   re:match(text, pattern, flags?)    <match> elements
 *   re:replace(text, pattern, flags, replacement)
 *   set:difference, set:intersection, set:distinct, set:has-same-node,
 *   set:leading, set:trailing
 */
#ifndef WORKER_SELECT_XPATH_FUNCTIONS_H
#define WORKER_SELECT_XPATH_FUNCTIONS_H

#include <libxml/xpath.h>

struct xpath_functions;

struct xpath_functions *xpath_functions_new(void);
void xpath_functions_free(struct xpath_functions *f);

/* Registers the functions and the prefixes re and set with x, whose userData
 * must be the struct xpath_functions when it evaluates. 0 or -1. */
int xpath_functions_register(xmlXPathContext *x);

/* Frees the nodes that functions created during an evaluation. Call it when the
 * result is no longer used. */
void xpath_functions_done(struct xpath_functions *f);

#endif
