/* SPDX-License-Identifier: ISC */
/* Extracts the <meta> elements of a page. */
#ifndef WORKER_META_H
#define WORKER_META_H

#include "base/buf.h"
#include "base/hash.h"
#include "worker/answer.h"
#include "worker/doc.h"

/* The names already written, and memory that is reused. */
struct meta {
	struct hash names;
	struct buf rows, text, content;
};

/* Initialises the hash table with a random key. */
void meta_init(struct meta *m);
void meta_fini(struct meta *m);

/*
 * Writes an object in document order: each name or property of a <meta> with a
 * content, in lower case, with its first content.
 */
void meta_write(struct meta *m, const struct doc *d, struct answer *a);

#endif
