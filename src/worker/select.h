/* SPDX-License-Identifier: ISC */
/*
 * CSS selectors and XPath over a document's tree, with the results of Scrapy's
 * selectors (parsel 1.7's .getall() from the root): a list of strings, elements
 * as their HTML or XML. Compiled once, run on every document. Owner of
 * libxml2's XPath.
 *
 * Relative expressions start from the root element. There are the functions of
 * xpath_functions.h, the prefixes re and set, and no variables.
 */
#ifndef WORKER_SELECT_H
#define WORKER_SELECT_H

#include "base/buf.h"
#include "base/span.h"
#include "worker/doc.h"

struct select;

/*
 * NULL with a text for people appended to why if it cannot be understood, or if
 * it would fail on every document: a variable, an unknown prefix or function.
 */
struct select *select_css(struct span selector, struct buf *why);
struct select *select_xpath(struct span expression, struct buf *why);
void select_free(struct select *s);

enum select_verdict {
	SELECT_OK = 0,
	SELECT_FAILED = -1,    /* the evaluation failed */
	SELECT_TOO_LARGE = -2, /* out would hold more than FRAME_RESULT_MAX */
};

/* Appends a JSON list of strings: [] where there is nothing, or no tree.
 * Nothing is appended unless SELECT_OK. */
enum select_verdict
select_run(const struct select *s, const struct doc *d, struct buf *out);

#endif
