/* SPDX-License-Identifier: ISC */
/*
 * A hash table whose links live inside the elements, and the keyed hash for
 * it: names come from outside, so the key is random and the hash SipHash-1-3.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct hash_link {
	struct hash_link *next;
	uint64_t h;
};

struct hash {
	struct hash_link **slot;
	size_t nslot; /* a power of two */
	size_t n;     /* elements */
	uint64_t key[2];
};

/* Draws the key; fini frees the table, not the elements. */
void hash_init(struct hash *t);
void hash_fini(struct hash *t);
uint64_t hash_of(const struct hash *t, struct span key);
/* The first element with that hash, or NULL; then the next one. The caller
 * compares the keys. */
struct hash_link *hash_first(const struct hash *t, uint64_t h);
struct hash_link *hash_next(const struct hash_link *k);
void hash_add(struct hash *t, struct hash_link *k, uint64_t h);
void hash_del(struct hash *t, struct hash_link *k);

#endif
