/* SPDX-License-Identifier: ISC */
/*
 * CSS selectors and XPath over a document's tree, with the results of Scrapy's
 * selectors: a list of strings, elements as their HTML. Compiled once, run on
 * every document. Owner of libxml2's XPath.
 */
#ifndef WORKER_SELECT_H
#define WORKER_SELECT_H

#include "base/buf.h"
#include "base/span.h"
#include "worker/doc.h"

struct select;

/* NULL with a text for people appended to why if it cannot be understood. */
struct select *select_css(struct span selector, struct buf *why);
struct select *select_xpath(struct span expression, struct buf *why);
void select_free(struct select *s);

/* Appends a JSON list of strings: [] where there is nothing, or no tree.
 * 0; -1 (and nothing appended) if the evaluation failed. */
int select_run(const struct select *s, const struct doc *d, struct buf *out);

#endif
