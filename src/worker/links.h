/* SPDX-License-Identifier: ISC */
/* The links of a document, of pages as of feeds (feed.h). Knows no job. */
#ifndef WORKER_LINKS_H
#define WORKER_LINKS_H

#include "base/buf.h"
#include "codec/url/url.h"
#include "worker/answer.h"
#include "worker/doc.h"

/* Memory that is used again. All-zero is an empty one. */
struct links {
	struct buf href, rel, text, scratch;
	struct url url;
};

void links_fini(struct links *l);

/*
 * A list of {"url", "text", "rel"} in document order: of a[href] and
 * area[href], or of a feed. URLs are absolute, in normal form and without
 * fragment; what is not http or https is left out. The text of a link within a
 * link is the inner one's alone.
 */
void links_write(struct links *l, const struct doc *d, struct answer *a);
/* One of them: rel.p NULL is null. Nothing if href cannot be followed. `href`
 * does not lie in scratch. */
void links_put(struct links *l, struct answer *a, const struct url *base,
    struct span href, struct span text, struct span rel);

#endif
