/* SPDX-License-Identifier: ISC */
/* A binary min-heap of pointers to links. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define MIN_CAP 16

static void
resize(struct heap *h, size_t cap)
{
	CHECK(cap < SIZE_MAX / sizeof(h->v[0]));
	h->v = mem_realloc(h->v, cap * sizeof(h->v[0]));
	h->cap = cap;
}

static void
put(struct heap *h, size_t i, struct heap_link *k)
{
	h->v[i] = k;
	k->at = i + 1;
}

/* Moves the hole at i up to where k belongs, and puts k there. */
static void
rise(struct heap *h, size_t i, struct heap_link *k)
{
	size_t up;

	for (; i > 0; i = up) {
		up = (i - 1) / 2;
		if (h->v[up]->key <= k->key)
			break;
		put(h, i, h->v[up]);
	}
	put(h, i, k);
}

/* The same, down. */
static void
sink(struct heap *h, size_t i, struct heap_link *k)
{
	size_t down;

	while ((down = 2 * i + 1) < h->n) {
		if (down + 1 < h->n && h->v[down + 1]->key < h->v[down]->key)
			down++;
		if (k->key <= h->v[down]->key)
			break;
		put(h, i, h->v[down]);
		i = down;
	}
	put(h, i, k);
}

static void
place(struct heap *h, size_t i, struct heap_link *k)
{
	if (i > 0 && k->key < h->v[(i - 1) / 2]->key)
		rise(h, i, k);
	else
		sink(h, i, k);
}

void
heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void
heap_fini(struct heap *h)
{
	CHECK(h->n == 0);
	free(h->v);
	heap_init(h);
}

void
heap_push(struct heap *h, struct heap_link *k, int64_t key)
{
	CHECK(!heap_on(k));
	if (h->n == h->cap)
		resize(h, h->cap > 0 ? h->cap * 2 : MIN_CAP);
	k->key = key;
	rise(h, h->n++, k);
}

void
heap_remove(struct heap *h, struct heap_link *k)
{
	size_t i = k->at - 1;
	struct heap_link *last;

	CHECK(heap_on(k) && i < h->n && h->v[i] == k);
	k->at = 0;
	last = h->v[--h->n];
	if (last != k)
		place(h, i, last);
	if (h->cap > MIN_CAP && h->n < h->cap / 8)
		resize(h, h->cap / 2);
}

void
heap_move(struct heap *h, struct heap_link *k, int64_t key)
{
	if (!heap_on(k)) {
		heap_push(h, k, key);
		return;
	}
	CHECK(k->at <= h->n && h->v[k->at - 1] == k);
	k->key = key;
	place(h, k->at - 1, k);
}
