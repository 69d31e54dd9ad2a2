/* SPDX-License-Identifier: ISC */
/*
 * Runs CSS selectors and XPath on the tree of a document, with the results of
 * Scrapy's selectors (.getall() of parsel 1.7 from the root): a list of
 * strings, elements serialised as HTML or XML. Compiled once, run on every
 * document. Owner of libxml2's XPath.
 *
 * Relative expressions start at the root element. Available are the functions
 * of xpath_functions.h and the prefixes re and set; there are no variables.
 */
#ifndef WORKER_SELECT_SELECT_H
#define WORKER_SELECT_SELECT_H

#include "base/buf.h"
#include "base/span.h"
#include "worker/answer.h"
#include "worker/doc.h"

struct select;

/*
 * NULL with a message appended to why if the expression is malformed, would
 * fail on every document, or contains a variable or an unknown prefix or
 * function (which lxml reports only when it evaluates that part).
 */
struct select *select_css(struct span selector, struct buf *why);
struct select *select_xpath(struct span expression, struct buf *why);
void select_free(struct select *s);

/*
 * Writes a list of strings, empty if nothing matches or there is no tree. 0; or
 * -1 if the evaluation failed, with nothing appended. The time is not bounded
 * here: some expressions are quadratic in the size of the document. The time
 * limit of the worker ends them.
 */
int select_run(const struct select *s, const struct doc *d, struct answer *a);

#endif
