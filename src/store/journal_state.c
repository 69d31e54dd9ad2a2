/* SPDX-License-Identifier: ISC */
/* The state that a journal keeps, and the lists of its begun and published
 * items. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/journal_int.h"

void
journal_state_init(struct journal_state *s)
{
	memset(s, 0, sizeof(*s));
	s->progress = progress_new();
}

void
journal_state_fini(struct journal_state *s)
{
	size_t i;

	for (i = 0; i < s->identity.ninputs; i++)
		free(s->identity.inputs[i].name);
	free(s->identity.inputs);
	buf_fini(&s->identity.text);
	progress_free(s->progress);
	buf_fini(&s->counts);
	buf_fini(&s->governor);
	for (i = 0; i < s->npublished; i++)
		free(s->published[i].name);
	free(s->published);
	free(s->begun);
	memset(s, 0, sizeof(*s));
}

/* Room for one more element in an array without a capacity of its own: it
 * doubles at each power of two. */
static void *
grow(void *v, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return v;
	CHECK(n < SIZE_MAX / 2 / size);
	return mem_realloc(v, (n == 0 ? 1 : 2 * n) * size);
}

void
journal_state_add_input(struct journal_state *s, struct span name,
    uint64_t size_bytes, int64_t mtime_ns)
{
	struct journal_identity *i = &s->identity;

	i->inputs = grow(i->inputs, i->ninputs, sizeof(i->inputs[0]));
	i->inputs[i->ninputs++] = (struct journal_input){
		.name = mem_strndup(name.p, name.n),
		.size_bytes = size_bytes,
		.mtime_ns = mtime_ns,
	};
}

int
journal_compare_seqs(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
journal_state_was_begun(const struct journal_state *s, uint64_t seq)
{
	return s->nbegun > 0 &&
	       bsearch(&seq, s->begun, s->nbegun, sizeof(s->begun[0]),
		   journal_compare_seqs) != NULL;
}

void
journal_add_begun(uint64_t **v, size_t *n, uint64_t seq)
{
	*v = grow(*v, *n, sizeof((*v)[0]));
	(*v)[(*n)++] = seq;
}

void
journal_add_published(
    struct journal_published **v, size_t *n, uint64_t seq, struct span name)
{
	*v = grow(*v, *n, sizeof((*v)[0]));
	(*v)[(*n)++] = (struct journal_published){
		.seq = seq,
		.name = mem_strndup(name.p, name.n),
	};
}

void
journal_prune(const struct progress *p, struct journal_published *v, size_t *n,
    uint64_t *begun, size_t *nbegun)
{
	uint64_t last = progress_last(p);
	const struct progress_item *item;
	size_t i, kept = 0;

	for (i = 0; i < *n; i++) {
		item = progress_from(p, v[i].seq);
		if (v[i].seq > last || (item != NULL && item->seq == v[i].seq))
			v[kept++] = v[i];
		else
			free(v[i].name);
	}
	*n = kept;
	for (i = kept = 0; i < *nbegun; i++)
		if (begun[i] > last)
			begun[kept++] = begun[i];
	*nbegun = kept;
}
