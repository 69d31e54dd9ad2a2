/* SPDX-License-Identifier: ISC */
/* Reads the hosts' back-off; changes nothing. */
#include "watch_origins.h"

#include <stdio.h>

#include "core/core.h"
#include "core/origin/host.h"

#define SHOWN_MAX 100
#define HELD_SCAN_MAX 1000 /* of the held hosts, for the progress line */

static size_t
waiting(const struct host *h)
{
	return host_waiting(h);
}

/* Is it held by a back-off, not by a rate? */
static int
is_held(const struct host *h)
{
	const struct backoff *g = &h->backoff;

	return waiting(h) > 0 && g->held_until_at_us > h->core->clock.now_us;
}

void
watch_origins_hold(struct buf *b, const struct host *h)
{
	const struct backoff *g = &h->backoff;
	int64_t left = g->held_until_at_us - h->core->clock.now_us;
	size_t n = waiting(h);

	buf_span(b, h->origin);
	buf_printf(b, ": %s, %zu item%s wait%s, ",
	    g->last_failure != NULL ? g->last_failure : "asked to wait", n,
	    n == 1 ? "" : "s", n == 1 ? "s" : "");
	if (g->is_given_up)
		buf_str(b, "given up");
	else if (left < 9500000)
		buf_printf(b, "next try in %.1f s", (double)left / 1e6);
	else
		buf_printf(b, "next try in %.0f s", (double)left / 1e6);
}

void
watch_origins_progress(struct buf *b, const struct core *c)
{
	const struct host *h, *most = NULL;
	size_t i;

	for (i = 0; i < c->hosts.held.n && i < HELD_SCAN_MAX; i++) {
		h = CONTAINER(c->hosts.held.v[i], const struct queue, held)
			->host;
		if (is_held(h) && (most == NULL || waiting(h) > waiting(most)))
			most = h;
	}
	if (most == NULL)
		return;
	buf_str(b, ", held: ");
	watch_origins_hold(b, most);
}

/* Calls `each` for up to SHOWN_MAX origins that are held or have a rate. */
static void
walk(const struct core *c, int (*has)(const struct host *h),
    void (*each)(struct buf *b, const struct host *h), struct buf *b)
{
	const struct hash_link *k;
	const struct host *h;
	size_t i;
	int n = 0;

	for (i = 0; i < c->hosts.table.nslot; i++)
		for (k = c->hosts.table.slot[i]; k != NULL; k = k->next) {
			h = CONTAINER(k, const struct host, hashed);
			if (!has(h))
				continue;
			if (n++ == SHOWN_MAX)
				return;
			each(b, h);
		}
}

static int
has_rate(const struct host *h)
{
	return h->backoff.learned.rate > 0;
}

static int
has_news(const struct host *h)
{
	return is_held(h) || has_rate(h);
}

static void
dump(struct buf *b, const struct host *h)
{
	buf_str(b, "origin ");
	if (is_held(h))
		watch_origins_hold(b, h);
	else
		buf_span(b, h->origin);
	if (has_rate(h))
		buf_printf(b, "%s rate %.3g/s (learnt)", is_held(h) ? "," : ":",
		    h->backoff.learned.rate);
	buf_char(b, '\n');
}

void
watch_origins_dump(struct buf *b, const struct core *c)
{
	walk(c, has_news, dump, b);
}

static void
put_rate(struct buf *b, const struct host *h)
{
	if (b->p[b->n - 1] != '{')
		buf_char(b, ',');
	buf_char(b, '"'); /* an origin needs no escapes */
	buf_span(b, h->origin);
	buf_printf(
	    b, "\":{\"rate\":%.3f,\"learnt\":true}", h->backoff.learned.rate);
}

void
watch_origins_stats(struct buf *b, const struct core *c)
{
	buf_str(b, ",\"rates\":{");
	walk(c, has_rate, put_rate, b);
	buf_char(b, '}');
}
