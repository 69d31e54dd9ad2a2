/* SPDX-License-Identifier: ISC */
/* Sums and gaps over the log. Knows nothing of what they should be. */
#include "seen.h"

#include <stdlib.h>

#include "base/mem.h"

double
seen_request(const struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->what == SEEN_REQUEST;
}

double
seen_kind0(const struct event_base *w, const struct seen *e)
{
	return e->kind == 0 ? seen_request(w, e) : 0;
}

double
seen_kind1(const struct event_base *w, const struct seen *e)
{
	return e->kind == 1 ? seen_request(w, e) : 0;
}

double
seen_dial(const struct event_base *w, const struct seen *e)
{
	(void)w;
	return e->what == SEEN_DIAL;
}

double
seen_dial0(const struct event_base *w, const struct seen *e)
{
	return e->kind == 0 ? seen_dial(w, e) : 0;
}

double
seen_sum(const struct event_base *w, seen_weight *weight, int64_t from_us,
    int64_t until_us)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < w->nseen; i++)
		if (w->seen[i].at_us >= w->start_at_us + from_us &&
		    w->seen[i].at_us < w->start_at_us + until_us)
			sum += weight(w, &w->seen[i]);
	return sum;
}

int64_t
seen_first(const struct event_base *w, seen_weight *weight)
{
	size_t i;

	for (i = 0; i < w->nseen; i++)
		if (weight(w, &w->seen[i]) > 0)
			return w->seen[i].at_us - w->start_at_us;
	return -1;
}

int64_t
seen_last(const struct event_base *w, seen_weight *weight)
{
	size_t i;

	for (i = w->nseen; i > 0; i--)
		if (weight(w, &w->seen[i - 1]) > 0)
			return w->seen[i - 1].at_us - w->start_at_us;
	return -1;
}

/* ---- in the order in which they were begun ---- */

struct moment {
	int64_t us;
	double weight;
};

static int
by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return x->us < y->us ? -1 : x->us > y->us;
}

static struct moment *
moments(const struct event_base *w, seen_weight *weight, size_t *n)
{
	struct moment *m = mem_zalloc(w->nseen + 1, sizeof(*m));
	size_t i;

	for (i = *n = 0; i < w->nseen; i++) {
		m[*n].us = w->seen[i].begun_at_us;
		m[*n].weight = weight(w, &w->seen[i]);
		*n += m[*n].weight > 0;
	}
	qsort(m, *n, sizeof(*m), by_time);
	return m;
}

double
seen_most(const struct event_base *w, int64_t window_us, seen_weight *weight)
{
	size_t n, i, first = 0;
	struct moment *m = moments(w, weight, &n);
	double sum = 0, most = 0;

	for (i = 0; i < n; i++) {
		sum += m[i].weight;
		while (m[first].us <= m[i].us - window_us)
			sum -= m[first++].weight;
		if (sum > most)
			most = sum;
	}
	free(m);
	return most;
}

int64_t
seen_least_gap(const struct event_base *w, seen_weight *weight)
{
	size_t n, i;
	struct moment *m = moments(w, weight, &n);
	int64_t least = INT64_MAX;

	for (i = 1; i < n; i++)
		if (m[i].us - m[i - 1].us < least)
			least = m[i].us - m[i - 1].us;
	free(m);
	return least;
}
