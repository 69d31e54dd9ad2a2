/* SPDX-License-Identifier: ISC */
/* What the <meta> elements of a page say. Knows no job. */
#ifndef WORKER_META_H
#define WORKER_META_H

#include "base/buf.h"
#include "base/hash.h"
#include "worker/answer.h"
#include "worker/doc.h"

/* Which names have been said, and memory that is used again. */
struct meta {
	struct hash names;
	struct buf rows, text, content;
};

/* Draws the key of the table. */
void meta_init(struct meta *m);
void meta_fini(struct meta *m);

/*
 * An object: each name or property of a <meta> that has a content, ASCII
 * letters in lower case, and the first content it is given, in document order.
 */
void meta_write(struct meta *m, const struct doc *d, struct answer *a);

#endif
