/* SPDX-License-Identifier: ISC */
/*
 * What Scrapy's users may call in an XPath expression beside XPath 1.0 itself,
 * with the results of parsel and lxml:
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

/* Makes the functions and the prefixes re and set known to x, whose userData
 * must be f by the time it evaluates. 0 or -1. */
int xpath_functions_register(xmlXPathContext *x);

/* Frees the nodes that an evaluation's functions made: its result is done
 * with. */
void xpath_functions_done(struct xpath_functions *f);

#endif
