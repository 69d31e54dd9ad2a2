/* SPDX-License-Identifier: ISC */
/* An array sorted by seq, as items are given in order. Closed items stay in it
 * until they are half of it. */
#include "store/progress.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define MIN_CLOSED 64 /* kept in the array */

struct progress {
	struct progress_item *v;
	size_t n, cap;
	size_t nclosed;
	uint64_t last;
};

struct progress *
progress_new(void)
{
	return mem_zalloc(1, sizeof(struct progress));
}

void
progress_free(struct progress *p)
{
	if (p == NULL)
		return;
	free(p->v);
	free(p);
}

void
progress_give(struct progress *p, uint64_t seq)
{
	CHECK(seq > p->last);
	p->v = mem_grow(p->v, p->n, &p->cap, sizeof(p->v[0]));
	p->v[p->n++] = (struct progress_item){ .seq = seq };
	p->last = seq;
}

/* The index of the first item, open or closed, whose seq is at least `seq`. */
static size_t
lower_bound(const struct progress *p, uint64_t seq)
{
	size_t from = 0, to = p->n, mid;

	while (from < to) {
		mid = from + (to - from) / 2;
		if (p->v[mid].seq < seq)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void
remove_closed(struct progress *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->n; i++)
		if (!p->v[i].is_done)
			p->v[n++] = p->v[i];
	p->n = n;
	p->nclosed = 0;
}

int
progress_done(struct progress *p, uint64_t seq)
{
	struct progress_item *i = progress_find(p, seq);

	if (i == NULL)
		return -1;
	i->is_done = 1;
	p->nclosed++;
	if (p->nclosed > MIN_CLOSED && p->nclosed > p->n / 2)
		remove_closed(p);
	return 0;
}

uint64_t
progress_last(const struct progress *p)
{
	return p->last;
}

size_t
progress_open(const struct progress *p)
{
	return p->n - p->nclosed;
}

struct progress_item *
progress_find(struct progress *p, uint64_t seq)
{
	size_t i = lower_bound(p, seq);

	if (i == p->n || p->v[i].seq != seq || p->v[i].is_done)
		return NULL;
	return &p->v[i];
}

const struct progress_item *
progress_from(const struct progress *p, uint64_t seq)
{
	size_t i = lower_bound(p, seq);

	while (i < p->n && p->v[i].is_done)
		i++;
	return i < p->n ? &p->v[i] : NULL;
}
