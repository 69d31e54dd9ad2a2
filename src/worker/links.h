/* SPDX-License-Identifier: ISC */
/* Extracts the links of a page or a feed (feed.h). */
#ifndef WORKER_LINKS_H
#define WORKER_LINKS_H

#include "worker/answer.h"
#include "worker/doc.h"
#include "worker/link_writer.h"

/*
 * Writes a list of {"url", "text", "rel"} in document order: of a[href] and
 * area[href], or of a feed. URLs are absolute, normalised and without fragment.
 * Other schemes than http and https are left out. The text of a link within a
 * link belongs to the inner one only.
 */
void links_write(struct link_writer *w, const struct doc *d, struct answer *a);
#endif
