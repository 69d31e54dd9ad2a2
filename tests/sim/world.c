/* SPDX-License-Identifier: ISC */
/*
 * The clock, the heap of events and the dice. Knows nothing of what the events
 * do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "world.h"

#define EPOCH_US (1000 * SECOND)

/* io/timer.h asks for the time without saying whose. */
static struct event_base *present;

struct event_base *
world_now(void)
{
	return present;
}

void
world_init(struct event_base *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	w->now_us = w->start_at_us = EPOCH_US;
	w->offline_from_us = INT64_MAX;
	w->budget = 100000;
	w->horizon_us = INT64_MAX;
	present = w;
}

void
world_fini(struct event_base *w)
{
	size_t i;

	for (i = 0; w->api != NULL && i < WORLD_APIS; i++)
		free(w->api[i]);
	free(w->api);
	free(w->seen);
	free(w->heap);
	free(w->outcomes);
	present = NULL;
}

void
world_fail(const struct event_base *w, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail_msg("seed %llu, %.6f s, pass %llu: %s",
	    (unsigned long long)w->seed, (double)(w->now_us - EPOCH_US) / 1e6,
	    (unsigned long long)w->passes, text);
	abort();
}

/* ---- failures and the log ---- */

int64_t
world_time(const struct event_base *w)
{
	return w->now_us - w->start_at_us;
}

int64_t
world_trouble_ends(const struct event_base *w, const struct origin *o)
{
	return o->trouble_until_us == 0 ? INT64_MAX
					: w->start_at_us + o->trouble_until_us;
}

int
world_has(const struct event_base *w, const struct origin *o, enum trouble t)
{
	return o->trouble == t && world_time(w) >= o->trouble_from_us &&
	       w->now_us < world_trouble_ends(w, o);
}

int
world_is_offline(const struct event_base *w)
{
	return world_time(w) >= w->offline_from_us &&
	       (w->offline_until_us == 0 ||
		   world_time(w) < w->offline_until_us);
}

int64_t
world_retransmit(const struct event_base *w, int64_t until_us)
{
	int64_t wait;

	for (wait = SECOND; w->now_us + wait < until_us; wait = 2 * wait)
		if (wait > 64 * SECOND)
			return INT64_MAX;
	return w->now_us + wait;
}

struct seen *
world_see(struct event_base *w, const struct seen *e)
{
	if (w->nseen == w->seen_cap) {
		w->seen_cap = w->seen_cap * 2 + 1024;
		w->seen = mem_realloc(w->seen, w->seen_cap * sizeof(*w->seen));
	}
	w->seen[w->nseen] = *e;
	w->seen[w->nseen].at_us = w->now_us;
	return &w->seen[w->nseen++];
}

/* ---- dice: splitmix64 ---- */

static uint64_t
next_random(struct event_base *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t
world_draw(struct event_base *w, uint64_t n)
{
	return n > 0 ? next_random(w) % n : 0;
}

int
world_chance(struct event_base *w, int of_1000)
{
	return of_1000 > 0 && world_draw(w, 1000) < (uint64_t)of_1000;
}

int64_t
world_about(struct event_base *w, int64_t us)
{
	if (!w->is_chaotic || us <= 1)
		return us;
	return us / 2 + (int64_t)world_draw(w, (uint64_t)us);
}

/* ---- the heap ---- */

static int
is_before(const struct ev *a, const struct ev *b)
{
	if (a->at_us != b->at_us)
		return a->at_us < b->at_us;
	return a->key < b->key;
}

static void
put(struct event_base *w, struct ev *e, size_t place)
{
	w->heap[place - 1] = e;
	e->place = place;
}

static void
sift_up(struct event_base *w, struct ev *e, size_t place)
{
	while (place > 1 && is_before(e, w->heap[place / 2 - 1])) {
		put(w, w->heap[place / 2 - 1], place);
		place /= 2;
	}
	put(w, e, place);
}

static void
sift_down(struct event_base *w, struct ev *e, size_t place)
{
	size_t k;

	while ((k = 2 * place) <= w->nheap) {
		if (k < w->nheap && is_before(w->heap[k], w->heap[k - 1]))
			k++;
		if (!is_before(w->heap[k - 1], e))
			break;
		put(w, w->heap[k - 1], place);
		place = k;
	}
	put(w, e, place);
}

void
ev_init(struct ev *e, ev_cb *cb, void *arg)
{
	memset(e, 0, sizeof(*e));
	e->cb = cb;
	e->arg = arg;
}

void
ev_clear(struct event_base *w, struct ev *e)
{
	size_t place = e->place;
	struct ev *last;

	if (place == 0)
		return;
	e->place = 0;
	last = w->heap[--w->nheap];
	if (last == e)
		return;
	if (place > 1 && is_before(last, w->heap[place / 2 - 1]))
		sift_up(w, last, place);
	else
		sift_down(w, last, place);
}

void
ev_set(struct event_base *w, struct ev *e, int64_t at_us)
{
	ev_clear(w, e);
	e->at_us = at_us > w->now_us ? at_us : w->now_us + 1;
	e->key = w->is_chaotic ? next_random(w) : ++w->keys;
	if (w->nheap == w->heap_cap) {
		w->heap_cap = w->heap_cap * 2 + 64;
		w->heap = mem_realloc(w->heap, w->heap_cap * sizeof(*w->heap));
	}
	w->nheap++;
	sift_up(w, e, w->nheap);
}

int
world_pass(struct event_base *w, int wait)
{
	struct ev *e;
	int64_t until;

	w->passes++;
	w->now_us += w->is_chaotic ? 1 + (int64_t)world_draw(w, 20) : 1;
	if (wait && w->nheap == 0)
		return -1;
	if (wait && w->heap[0]->at_us > w->now_us)
		w->now_us = w->heap[0]->at_us < w->horizon_us
				? w->heap[0]->at_us
				: w->horizon_us;
	until = w->now_us;
	while (w->nheap > 0 && w->heap[0]->at_us <= until) {
		e = w->heap[0];
		ev_clear(w, e);
		e->cb(e->arg);
	}
	return 0;
}
