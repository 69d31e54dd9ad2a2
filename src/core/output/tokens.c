/* SPDX-License-Identifier: ISC */
/* A ring that grows. Knows nothing of what is written. */
#include "core/output/tokens.h"

#include <stdlib.h>

#include "base/mem.h"

#define MIN_TOKENS 64

void
tokens_fini(struct tokens *t)
{
	free(t->v);
	*t = (struct tokens){ 0 };
}

static void
grow(struct tokens *t)
{
	size_t i, cap = t->cap > 0 ? 2 * t->cap : MIN_TOKENS;
	struct tokens_entry *v = mem_zalloc(cap, sizeof(*v));

	for (i = 0; i < t->n; i++)
		v[i] = t->v[(t->first + i) & (t->cap - 1)];
	free(t->v);
	t->v = v;
	t->cap = cap;
	t->first = 0;
}

void
tokens_put(
    struct tokens *t, const struct output_token *token, struct tokens_end end)
{
	if (t->n == t->cap)
		grow(t);
	t->v[(t->first + t->n++) & (t->cap - 1)] =
	    (struct tokens_entry){ *token, end };
}

int
tokens_take(
    struct tokens *t, struct tokens_end written, struct output_token *token)
{
	const struct tokens_entry *e;

	if (t->n == 0)
		return 0;
	e = &t->v[t->first];
	if (e->end.out > written.out || e->end.failed > written.failed)
		return 0;
	*token = e->token;
	t->first = (t->first + 1) & (t->cap - 1);
	t->n--;
	return 1;
}

int
tokens_last_written(
    const struct tokens *t, struct tokens_end written, struct tokens_end *end)
{
	const struct tokens_entry *e;
	size_t i;

	for (i = 0; i < t->n; i++) {
		e = &t->v[(t->first + i) & (t->cap - 1)];
		if (e->end.out > written.out || e->end.failed > written.failed)
			break;
		*end = e->end;
	}
	return i > 0;
}
