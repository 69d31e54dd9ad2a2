/* SPDX-License-Identifier: ISC */
/*
 * CSS selectors (Selectors level 3 and what Scrapy's users write beyond it:
 * ::text, ::attr(x), :has(), :is(), :contains()) to XPath 1.0, in the words of
 * cssselect 1.2 and parsel 1.7: what they take is taken, and means the same.
 * Pure.
 */
#ifndef WORKER_SELECT_CSS_H
#define WORKER_SELECT_CSS_H

#include "base/buf.h"
#include "base/span.h"

#define CSS_SELECTOR_MAX 16384 /* bytes of a selector */
#define CSS_DEPTH_MAX 200      /* parts in a row, and selectors in selectors */

/* What it is for: of HTML names are taken in lower case, and it is known what
 * a link is, or a form's field. */
enum css_language { CSS_HTML, CSS_XML };

/* 0; -1 with a text for people appended to why and nothing to xpath. */
int css_to_xpath(struct span selector, enum css_language language,
    struct buf *xpath, struct buf *why);

#endif
