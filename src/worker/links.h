/* SPDX-License-Identifier: ISC */
/* The links of a document, of pages as of feeds (feed.h). Knows no job. */
#ifndef WORKER_LINKS_H
#define WORKER_LINKS_H

#include "worker/answer.h"
#include "worker/doc.h"
#include "worker/link_writer.h"

/*
 * A list of {"url", "text", "rel"} in document order: of a[href] and
 * area[href], or of a feed. URLs are absolute, in normal form and without
 * fragment; what is not http or https is left out. The text of a link within a
 * link is the inner one's alone.
 */
void links_write(struct link_writer *w, const struct doc *d, struct answer *a);
#endif
