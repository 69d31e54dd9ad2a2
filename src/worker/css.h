/* SPDX-License-Identifier: ISC */
/*
 * CSS selectors (Selectors level 3 and what Scrapy's users write beyond it:
 * ::text, ::attr(x)) to XPath 1.0. Pure.
 */
#ifndef WORKER_CSS_H
#define WORKER_CSS_H

#include "base/buf.h"
#include "base/span.h"

/* 0; -1 with a text for people appended to why. */
int css_to_xpath(struct span selector, struct buf *xpath, struct buf *why);

#endif
