/* SPDX-License-Identifier: ISC */
/*
 * Translates CSS selectors to XPath 1.0: Selectors level 3 and the extensions
 * that Scrapy supports (::text, ::attr(x), :has(), :is(), :contains()). Accepts
 * what cssselect 1.2 and parsel 1.7 accept, with the same meaning.
 */
#ifndef WORKER_SELECT_CSS_H
#define WORKER_SELECT_CSS_H

#include "base/buf.h"
#include "base/span.h"

#define CSS_SELECTOR_MAX 16384 /* bytes of a selector */
#define CSS_DEPTH_MAX 200      /* parts in sequence, and nested selectors */

/* The language of the document. In HTML names are case-insensitive, and links
 * and form fields are known. */
enum css_language { CSS_HTML, CSS_XML };

/* 0; or -1 with a message appended to why and nothing to xpath. */
int css_to_xpath(struct span selector, enum css_language language,
    struct buf *xpath, struct buf *why);

#endif
