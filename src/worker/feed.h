/* SPDX-License-Identifier: ISC */
/*
 * Feeds: RSS 2.0 and 1.0, Atom (RFC 4287), sitemaps and their indexes. By the
 * names of their elements, whatever the namespace.
 */
#ifndef WORKER_FEED_H
#define WORKER_FEED_H

#include "base/buf.h"
#include "base/span.h"
#include "worker/answer.h"
#include "worker/doc.h"
#include "worker/link_writer.h"

int feed_is(const struct doc *d);
/* The feed's own title, in `out`; p NULL if it has none. */
struct span feed_title(const struct doc *d, struct buf *out);
/*
 * Its links and those of its entries (link_writer_put), with the title of what
 * they are in: <link> by its href, or by its text; <guid> where an item has no
 * link and it may be one; <enclosure>, rel "enclosure"; <loc>. xml:base counts.
 */
void feed_links(struct link_writer *w, const struct doc *d, struct answer *a);

#endif
