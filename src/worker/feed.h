/* SPDX-License-Identifier: ISC */
/*
 * Feeds: RSS 2.0 and 1.0, Atom (RFC 4287), sitemaps and sitemap indexes,
 * recognised by the names of their elements in any namespace.
 */
#ifndef WORKER_FEED_H
#define WORKER_FEED_H

#include "base/buf.h"
#include "base/span.h"
#include "worker/answer.h"
#include "worker/doc.h"
#include "worker/link_writer.h"

int feed_is(const struct doc *d);
/* The title of the feed itself, in `out`; p NULL if it has none. */
struct span feed_title(const struct doc *d, struct buf *out);
/*
 * Writes the links of the feed and its entries with the title of the element
 * that contains them: <link> by its href or its text; <guid> if an item has no
 * link and the guid is a permalink; <enclosure> with rel "enclosure"; <loc>.
 * Relative URLs are resolved against xml:base.
 */
void feed_links(struct link_writer *w, const struct doc *d, struct answer *a);

#endif
