/* SPDX-License-Identifier: ISC */
/*
 * Origins: found by key, kept while they have work or are remembered, moved
 * between the scheduler's places by one function. Knows nothing of what a
 * fetch does once it has its slot.
 */
#include "core/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "core/fetch.h"
#include "io/conn.h"
#include "io/timer.h"

#define QUIET_MAX 10000 /* origins remembered without work */
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
hosts_init(struct core *c)
{
	hash_init(&c->hosts);
	list_init(&c->ready);
	list_init(&c->want);
	list_init(&c->quiet);
	list_init(&c->idle);
	list_init(&c->spare_idle);
}

static void
destroy(struct host *h)
{
	CHECK(h->waiting.n == 0 && h->active == 0 && h->idle.n == 0);
	if (h->job != NULL) {
		resolve_cancel(h->job);
		h->core->lookups--;
	}
	if (link_on(&h->link))
		list_remove(&h->core->quiet, &h->link);
	hash_del(&h->core->hosts, &h->hashed);
	free(h->addr);
	free(h->key);
	free(h);
}

void
hosts_fini(struct core *c)
{
	struct link *k;
	size_t i;

	hosts_close_idle(c, c->idle.n);
	timer_free(c->idle_timer);
	for (i = 0; i < c->hosts.nslot; i++)
		while (c->hosts.slot[i] != NULL)
			destroy(
			    CONTAINER(c->hosts.slot[i], struct host, hashed));
	while ((k = list_shift(&c->spare_idle)) != NULL)
		free(CONTAINER(k, struct idle, of_host));
	hash_fini(&c->hosts);
}

void
hosts_drop_waiting(struct core *c)
{
	struct hash_link *k;
	struct link *w;
	size_t i;

	for (i = 0; i < c->hosts.nslot; i++)
		for (k = c->hosts.slot[i]; k != NULL; k = k->next)
			while (
			    (w = list_first(&CONTAINER(k, struct host, hashed)
						 ->waiting)) != NULL)
				fetch_drop(CONTAINER(w, struct fetch, link));
}

static int
each_of(const struct host *h, int (*each)(void *arg, const struct fetch *f),
    void *arg)
{
	struct link *w;

	for (w = list_first(&h->waiting); w != NULL;
	     w = list_next(&h->waiting, w))
		if (!each(arg, CONTAINER(w, struct fetch, link)))
			return 0;
	return 1;
}

void
hosts_each_waiting(
    struct core *c, int (*each)(void *arg, const struct fetch *f), void *arg)
{
	struct hash_link *k;
	size_t i;

	for (i = 0; i < c->hosts.nslot; i++)
		for (k = c->hosts.slot[i]; k != NULL; k = k->next)
			if (!each_of(
				CONTAINER(k, struct host, hashed), each, arg))
				return;
}

static struct host *
find(struct core *c, struct span origin, uint64_t hash)
{
	struct hash_link *k = hash_first(&c->hosts, hash);
	struct host *h;

	for (; k != NULL; k = hash_next(k)) {
		h = CONTAINER(k, struct host, hashed);
		if (span_eq(h->origin, origin))
			return h;
	}
	return NULL;
}

static void
forget_some(struct core *c)
{
	while (c->quiet.n > QUIET_MAX)
		destroy(CONTAINER(list_first(&c->quiet), struct host, link));
}

struct host *
host_of(struct core *c, const struct url *u)
{
	struct span origin = url_origin(u), name = url_hostname(u);
	uint64_t hash = hash_of(&c->hosts, origin);
	struct host *h = find(c, origin, hash);

	if (h != NULL)
		return h;
	forget_some(c);
	h = mem_zalloc(1, sizeof(*h));
	h->core = c;
	h->key = mem_strndup(origin.p, origin.n);
	h->origin = span_of(h->key, origin.n);
	h->name = span_of(h->key + (name.p - origin.p), name.n);
	h->scheme = u->scheme;
	h->port = u->port;
	list_init(&h->waiting);
	list_init(&h->idle);
	list_push(&c->quiet, &h->link);
	hash_add(&c->hosts, &h->hashed, hash);
	c->stats.hosts++;
	return h;
}

/* ---- its place ---- */

static size_t
room(const struct host *h)
{
	int64_t max = h->core->opts->max_per_host;

	if (max == 0)
		return SIZE_MAX;
	return h->active < (uint64_t)max ? (size_t)max - h->active : 0;
}

static enum host_place
place_for(struct host *h)
{
	const struct fetch *next;

	if (h->waiting.n == 0)
		return HOST_QUIET;
	if (h->job != NULL)
		return HOST_LOOKUP;
	if (room(h) == 0)
		return HOST_FULL;
	next = CONTAINER(list_first(&h->waiting), struct fetch, link);
	if (h->idle.n > 0 || host_is_fresh(h, next, h->core->now_us))
		return HOST_READY;
	return HOST_WANT;
}

static struct list *
list_for(struct host *h, enum host_place p)
{
	switch (p) {
	case HOST_QUIET:
		/* With transfers or connections it cannot be forgotten. */
		return h->active == 0 && h->idle.n == 0 ? &h->core->quiet
							: NULL;
	case HOST_READY:
		return &h->core->ready;
	case HOST_WANT:
		return &h->core->want;
	case HOST_FULL:
	case HOST_LOOKUP:
		return NULL;
	}
	return NULL;
}

static void
count_startable(struct host *h)
{
	size_t n = 0;

	if (h->place == HOST_READY)
		n = h->waiting.n < room(h) ? h->waiting.n : room(h);
	h->core->startable += n - h->contribution;
	h->contribution = n;
}

static void
take_off(struct host *h)
{
	struct core *c = h->core;

	if (!link_on(&h->link))
		return;
	switch (h->place) {
	case HOST_QUIET:
		list_remove(&c->quiet, &h->link);
		break;
	case HOST_READY:
		list_remove(&c->ready, &h->link);
		break;
	case HOST_WANT:
		list_remove(&c->want, &h->link);
		break;
	case HOST_FULL:
	case HOST_LOOKUP:
		CHECK(!"a host on a list that is none");
	}
}

void
host_update(struct host *h)
{
	enum host_place p = place_for(h);
	struct list *l = list_for(h, p);

	if (p != h->place || (l != NULL) != link_on(&h->link)) {
		take_off(h);
		h->place = p;
		h->was_full |= p == HOST_FULL;
		if (l != NULL)
			list_push(l, &h->link);
	}
	count_startable(h);
}

void
host_rotate(struct host *h)
{
	if (h->place != HOST_READY)
		return;
	list_remove(&h->core->ready, &h->link);
	list_push(&h->core->ready, &h->link);
}

/* ---- its addresses ---- */

int
host_is_fresh(const struct host *h, const struct fetch *f, int64_t now_us)
{
	if (h->naddr == 0)
		return 0;
	if (now_us < h->until_us)
		return 1;
	return f->seq <= h->waiter_seq &&
	       now_us < h->answer_us + RESOLVE_WAITER_US;
}

static void
fail_waiting(struct host *h, const struct resolve_answer *a)
{
	struct link *k;

	/* Only those there now: a new one may ask again. */
	while ((k = list_first(&h->waiting)) != NULL)
		fetch_lookup_failed(
		    CONTAINER(k, struct fetch, link), a->err, a->detail);
}

static void
take_answer(struct host *h, const struct resolve_answer *a)
{
	struct core *c = h->core;

	h->answer_us = c->now_us;
	if (a->from_cache)
		h->lookup_us = h->answer_us;
	if (a->err != E_OK) {
		fail_waiting(h, a);
		host_update(h);
		return;
	}
	h->addr = mem_realloc(h->addr, a->n * sizeof(a->addr[0]));
	memcpy(h->addr, a->addr, a->n * sizeof(a->addr[0]));
	h->naddr = a->n;
	h->until_us = a->until_us;
	h->waiter_seq = c->seq;
	host_update(h);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct host *h = arg;

	core_tick(h->core);
	h->job = NULL;
	h->core->lookups--;
	take_answer(h, a);
}

void
host_look_up(struct host *h)
{
	struct core *c = h->core;
	struct resolve_answer a;

	CHECK(h->job == NULL);
	h->lookup_us = c->now_us;
	if (resolve_start(c->resolve, h->name, h->port, on_answer, h, &a,
		&h->job) == RESOLVE_DONE) {
		h->job = NULL;
		take_answer(h, &a);
		return;
	}
	c->lookups++;
	host_update(h);
}

/* ---- its kept-alive connections ---- */

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
host_park(struct host *h, struct conn **conn, int64_t keep_us)
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
		hosts_close_idle(c, 1);
	if (c->idle_timer == NULL)
		c->idle_timer = timer_new(c->base, on_sweep, c);
	if (i->until_us < timer_at(c->idle_timer))
		timer_set(c->idle_timer, i->until_us);
	host_update(h);
}

struct conn *
host_unpark(struct host *h, int careful)
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
hosts_close_idle(struct core *c, size_t n)
{
	struct link *k;

	while (n-- > 0 && (k = list_first(&c->idle)) != NULL)
		drop(CONTAINER(k, struct idle, of_core));
}
