/* SPDX-License-Identifier: ISC */
/*
 * Kept-alive connections: each origin reuses the one used last; the one idle
 * longest of all is closed first. Knows nothing of what they carry.
 */
#include "core/origin/idle.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/core.h"
#include "core/origin/host.h"
#include "io/conn/conn.h"
#include "io/timer.h"

#define CAREFUL_US 2000000
#define SWEEP_US 100000 /* between two searches for expired connections */
#define WATCH_US 250000 /* how long the bytes of an answer may be late */
#define WATCHED_MAX 6   /* of an origin, before its requests wait for them */
#define SILENT_WATCHES_MIN 3
#define LATE_US 1000 /* how late the timer may be that ends a watch */

/* A connection that is kept alive. */
struct idle {
	struct link of_host, of_core, of_watch;
	struct host *host;
	struct conn *conn;
	int64_t parked_at_us, until_at_us;
};

void
idle_init(struct idle_pool *p, void (*changed)(struct host *h))
{
	p->changed = changed;
	list_init(&p->list);
	list_init(&p->watched);
	list_init(&p->spare);
}

void
idle_fini(struct core *c)
{
	struct link *k;

	idle_close(c, c->idle_pool.list.n, "run_ended");
	timer_free(c->idle_pool.timer);
	timer_free(c->idle_pool.watch_timer);
	while ((k = list_shift(&c->idle_pool.spare)) != NULL)
		free(CONTAINER(k, struct idle, of_host));
}

static void
changed(struct host *h)
{
	h->core->idle_pool.changed(h);
}

static void
end_watch(struct idle *i)
{
	if (!link_on(&i->of_watch))
		return;
	list_remove(&i->host->core->idle_pool.watched, &i->of_watch);
	i->host->watched--;
}

static struct conn *
release(struct idle *i)
{
	struct host *h = i->host;
	struct core *c = h->core;
	struct conn *conn = i->conn;

	end_watch(i);
	list_remove(&h->idle, &i->of_host);
	list_remove(&c->idle_pool.list, &i->of_core);
	list_push(&c->idle_pool.spare, &i->of_host);
	return conn;
}

static void
discard(struct idle *i, const char *why)
{
	struct conn *conn = release(i);

	conn_close(&conn, why);
}

static void
drop(struct idle *i, const char *why)
{
	struct host *h = i->host;

	discard(i, why);
	changed(h);
}

int
idle_is_blank(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			return 0;
	return 1;
}

void
idle_stop_reuse(struct host *h)
{
	struct link *k;

	h->sends_unrequested = 1;
	while ((k = list_first(&h->idle)) != NULL)
		discard(CONTAINER(k, struct idle, of_host), "distrusted");
	changed(h);
}

/*
 * Something is readable. The end of the connection is no fault, nor are bytes
 * that come late: a server may announce that it closes (408).
 */
static void
drop_readable(struct idle *i)
{
	struct host *h = i->host;
	struct core *c = h->core;
	int is_soon = c->clock.now_us < i->parked_at_us + WATCH_US;
	enum conn_end end;
	size_t n = conn_read(i->conn, c->spare.read_buf, CORE_READ_BYTES, &end);

	discard(i, n > 0 ? "stray_bytes" : "peer_closed");
	if (is_soon && !idle_is_blank(span_of(c->spare.read_buf, n)))
		idle_stop_reuse(h);
}

/* The peer closes, or sends unrequested bytes (RFC 9112 section 9.2). */
static void
on_idle_event(void *arg, enum conn_event ev)
{
	struct idle *i = arg;
	struct host *h = i->host;

	(void)ev;
	clock_tick(&h->core->clock);
	drop_readable(i);
	changed(h);
}

/* ---- on watch ---- */

static void
on_watch_end(void *arg)
{
	struct core *c = arg;
	int64_t now = clock_tick(&c->clock);
	struct link *k;
	struct idle *i;
	struct host *h;

	while ((k = list_first(&c->idle_pool.watched)) != NULL) {
		i = CONTAINER(k, struct idle, of_watch);
		if (now < i->parked_at_us + WATCH_US) {
			timer_set(c->idle_pool.watch_timer,
			    i->parked_at_us + WATCH_US);
			return;
		}
		h = i->host;
		if (conn_check_idle(i->conn)) {
			drop_readable(i);
		} else {
			end_watch(i);
			h->silent_watches++;
			list_remove(&h->idle, &i->of_host);
			list_unshift(&h->idle, &i->of_host);
		}
		changed(h);
	}
}

static void
begin_watch(struct idle *i)
{
	struct core *c = i->host->core;

	i->host->watched++;
	list_push(&c->idle_pool.watched, &i->of_watch);
	if (c->idle_pool.watch_timer == NULL)
		c->idle_pool.watch_timer = timer_new(c->base, on_watch_end, c);
	if (timer_at(c->idle_pool.watch_timer) == TIMER_NEVER)
		timer_set(c->idle_pool.watch_timer, i->parked_at_us + WATCH_US);
}

int64_t
idle_watched_until(const struct host *h)
{
	const struct limits *l = &h->core->limits;
	uint64_t max = WATCHED_MAX;
	const struct link *k = list_first(&h->idle);
	const struct idle *i;

	if (h->watched == 0 || h->watched < h->idle.n)
		return 0;
	if ((uint64_t)l->max_idle < max)
		max = (uint64_t)l->max_idle;
	if (l->max_per_host > 0 && (uint64_t)l->max_per_host < max)
		max = (uint64_t)l->max_per_host;
	i = CONTAINER(k, const struct idle, of_host);
	return h->watched >= max ? i->parked_at_us + WATCH_US + LATE_US : 0;
}

/* ---- park and unpark ---- */

static void
on_sweep(void *arg)
{
	struct core *c = arg;
	int64_t now = clock_tick(&c->clock);
	int64_t soonest = TIMER_NEVER;
	struct link *k, *next;
	struct idle *i;

	for (k = list_first(&c->idle_pool.list); k != NULL; k = next) {
		next = list_next(&c->idle_pool.list, k);
		i = CONTAINER(k, struct idle, of_core);
		if (now >= i->until_at_us)
			drop(i, "idle_timeout");
		else if (i->until_at_us < soonest)
			soonest = i->until_at_us;
	}
	if (soonest < now + SWEEP_US)
		soonest = now + SWEEP_US;
	timer_set(c->idle_pool.timer, soonest);
}

static struct idle *
new_idle(struct core *c)
{
	struct link *k = list_shift(&c->idle_pool.spare);

	if (k == NULL)
		return mem_zalloc(1, sizeof(struct idle));
	return CONTAINER(k, struct idle, of_host);
}

void
idle_park(struct host *h, struct conn **conn, int64_t keep_us, int is_bodiless)
{
	struct core *c = h->core;
	struct idle *i;

	if (keep_us <= 0 || h->sends_unrequested || c->limits.max_idle == 0 ||
	    c->sched.pauses & PAUSE_STOP) {
		conn_close(conn, "not_kept");
		return;
	}
	i = new_idle(c);
	i->host = h;
	i->conn = *conn;
	i->parked_at_us = c->clock.now_us;
	i->until_at_us = c->clock.now_us + keep_us;
	list_push(&c->idle_pool.list, &i->of_core);
	if (is_bodiless && h->silent_watches < SILENT_WATCHES_MIN) {
		list_push(&h->idle, &i->of_host);
		begin_watch(i);
	} else {
		list_unshift(&h->idle, &i->of_host);
	}
	conn_set_owner(i->conn, on_idle_event, i);
	*conn = NULL;
	if (c->idle_pool.list.n > (uint64_t)c->limits.max_idle)
		idle_close(c, 1, "max_idle");
	if (c->idle_pool.timer == NULL)
		c->idle_pool.timer = timer_new(c->base, on_sweep, c);
	if (i->until_at_us < timer_at(c->idle_pool.timer))
		timer_set(c->idle_pool.timer, i->until_at_us);
	changed(h);
}

/* The first connection of h that may be reused, or NULL. */
static struct idle *
first_usable(const struct host *h, int careful)
{
	struct link *k = list_first(&h->idle);
	struct idle *i;

	if (k == NULL)
		return NULL;
	i = CONTAINER(k, struct idle, of_host);
	if (link_on(&i->of_watch) ||
	    (careful && h->core->clock.now_us >= i->parked_at_us + CAREFUL_US))
		return NULL;
	return i;
}

int
idle_has(const struct host *h, int careful)
{
	return first_usable(h, careful) != NULL;
}

struct conn *
idle_unpark(struct host *h, int careful)
{
	struct idle *i;

	while ((i = first_usable(h, careful)) != NULL) {
		if (h->core->clock.now_us >= i->until_at_us)
			discard(i, "idle_timeout");
		else if (conn_check_idle(i->conn))
			drop_readable(i);
		else
			return release(i);
	}
	return NULL;
}

void
idle_close(struct core *c, size_t n, const char *why)
{
	struct link *k;

	while (n-- > 0 && (k = list_first(&c->idle_pool.list)) != NULL)
		drop(CONTAINER(k, struct idle, of_core), why);
}

void
idle_close_host(struct host *h)
{
	struct link *k;

	while ((k = list_first(&h->idle)) != NULL)
		drop(CONTAINER(k, struct idle, of_host), "unreachable");
}
