/* SPDX-License-Identifier: ISC */
/*
 * A binary min-heap with int64_t keys whose links are embedded in the elements.
 * Insertion and removal of any element are O(log n). Which of two equal keys
 * comes first is not specified, but deterministic.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_link {
	size_t at; /* index plus one; 0: on no heap */
	int64_t key;
};

/* All-zero is an empty heap. */
struct heap {
	struct heap_link **v;
	size_t n, cap;
};

void heap_init(struct heap *h);
/* Frees the heap's own memory; no link may be on it any more. */
void heap_fini(struct heap *h);
/* The link is on no heap. */
void heap_push(struct heap *h, struct heap_link *k, int64_t key);
/* The link is on this heap. */
void heap_remove(struct heap *h, struct heap_link *k);
/* Gives k another key; puts it there if it is on no heap. */
void heap_move(struct heap *h, struct heap_link *k, int64_t key);

static inline int
heap_on(const struct heap_link *k)
{
	return k->at != 0;
}

/* The link with the least key, still on the heap, or NULL. */
static inline struct heap_link *
heap_first(const struct heap *h)
{
	return h->n > 0 ? h->v[0] : NULL;
}

#endif
