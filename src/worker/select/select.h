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
#ifndef WORKER_SELECT_SELECT_H
#define WORKER_SELECT_SELECT_H

#include "base/buf.h"
#include "base/span.h"
#include "worker/answer.h"
#include "worker/doc.h"

struct select;

/*
 * NULL with a text for people appended to why if it cannot be understood, if it
 * would fail on every document, or if it has a variable, an unknown prefix or
 * function anywhere: lxml finds that only where it comes to it.
 */
struct select *select_css(struct span selector, struct buf *why);
struct select *select_xpath(struct span expression, struct buf *why);
void select_free(struct select *s);

/*
 * A list of strings: [] where there is nothing, or no tree. 0; -1 if the
 * evaluation failed, with nothing appended. How long that takes is bounded by
 * nobody here: there are expressions and documents for which it is the square
 * of the document's size, and the worker's limit of time ends them.
 */
int select_run(const struct select *s, const struct doc *d, struct answer *a);

#endif
