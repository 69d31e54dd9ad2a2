/* SPDX-License-Identifier: ISC */
/*
 * Kept-alive connections: of each origin the one used last goes first, of all
 * the one idle longest is closed first. Knows nothing of what they carry.
 */
#include "core/idle.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/host.h"
#include "io/conn.h"
#include "io/timer.h"

#define CAREFUL_US 2000000
#define SWEEP_US 100000 /* between looks at the idle connections */

/* A connection that is kept alive. */
struct idle {
	struct link of_host, of_core;
	struct host *host;
	struct conn *conn;
	int64_t parked_us, until_us;
};

void
idle_init(struct core *c)
{
	list_init(&c->idle);
	list_init(&c->spare_idle);
}

void
idle_fini(struct core *c)
{
	struct link *k;

	idle_close(c, c->idle.n);
	timer_free(c->idle_timer);
	while ((k = list_shift(&c->spare_idle)) != NULL)
		free(CONTAINER(k, struct idle, of_host));
}

static struct conn *
release(struct idle *i)
{
	struct host *h = i->host;
	struct core *c = h->core;
	struct conn *conn = i->conn;

	list_remove(&h->idle, &i->of_host);
	list_remove(&c->idle, &i->of_core);
	list_push(&c->spare_idle, &i->of_host);
	return conn;
}

static void
discard(struct idle *i)
{
	struct conn *conn = release(i);

	conn_close(&conn);
}

static void
drop(struct idle *i)
{
	struct host *h = i->host;

	discard(i);
	host_update(h);
}

/* A peer that closes, or talks out of turn (RFC 9112 section 9.2). */
static void
on_idle_event(void *arg, enum conn_event ev)
{
	struct idle *i = arg;

	(void)ev;
	core_tick(i->host->core);
	drop(i);
}

static void
on_sweep(void *arg)
{
	struct core *c = arg;
	int64_t now = core_tick(c);
	int64_t soonest = TIMER_NEVER;
	struct link *k, *next;
	struct idle *i;

	for (k = list_first(&c->idle); k != NULL; k = next) {
		next = list_next(&c->idle, k);
		i = CONTAINER(k, struct idle, of_core);
		if (now >= i->until_us)
			drop(i);
		else if (i->until_us < soonest)
			soonest = i->until_us;
	}
	if (soonest < now + SWEEP_US)
		soonest = now + SWEEP_US;
	timer_set(c->idle_timer, soonest);
}

static struct idle *
take_idle(struct core *c)
{
	struct link *k = list_shift(&c->spare_idle);

	if (k == NULL)
		return mem_zalloc(1, sizeof(struct idle));
	return CONTAINER(k, struct idle, of_host);
}

void
idle_park(struct host *h, struct conn **conn, int64_t keep_us)
{
	struct core *c = h->core;
	struct idle *i;

	if (keep_us <= 0 || c->opts->max_idle == 0 || c->pauses & PAUSE_STOP) {
		conn_close(conn);
		return;
	}
	i = take_idle(c);
	i->host = h;
	i->conn = *conn;
	i->parked_us = c->now_us;
	i->until_us = c->now_us + keep_us;
	list_unshift(&h->idle, &i->of_host);
	list_push(&c->idle, &i->of_core);
	conn_own(i->conn, on_idle_event, i);
	*conn = NULL;
	if (c->idle.n > (uint64_t)c->opts->max_idle)
		idle_close(c, 1);
	if (c->idle_timer == NULL)
		c->idle_timer = timer_new(c->base, on_sweep, c);
	if (i->until_us < timer_at(c->idle_timer))
		timer_set(c->idle_timer, i->until_us);
	host_update(h);
}

int
idle_has(const struct host *h, int careful)
{
	const struct link *k = list_first(&h->idle);
	const struct idle *i;

	if (k == NULL)
		return 0;
	i = CONTAINER(k, const struct idle, of_host);
	return !careful || h->core->now_us < i->parked_us + CAREFUL_US;
}

struct conn *
idle_unpark(struct host *h, int careful)
{
	struct core *c = h->core;
	struct link *k;
	struct idle *i;

	while ((k = list_first(&h->idle)) != NULL) {
		i = CONTAINER(k, struct idle, of_host);
		if (careful && c->now_us >= i->parked_us + CAREFUL_US)
			return NULL;
		/* What came since the last look at the sockets would pass
		 * for our answer. Parked in this very turn, it was read dry
		 * just now. */
		if (c->now_us < i->until_us &&
		    ((i->parked_us >= c->turn_us && !careful) ||
			!conn_is_readable(i->conn)))
			return release(i);
		discard(i);
	}
	return NULL;
}

void
idle_close(struct core *c, size_t n)
{
	struct link *k;

	while (n-- > 0 && (k = list_first(&c->idle)) != NULL)
		drop(CONTAINER(k, struct idle, of_core));
}
