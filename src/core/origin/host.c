/* SPDX-License-Identifier: ISC */
/*
 * Origins: found by key, kept while they have work or are remembered, moved
 * between the scheduler's places by one function. Knows nothing of what a
 * fetch does once it has its slot.
 */
#include "core/origin/host.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/trace.h"
#include "core/fetch.h"
#include "core/item.h"
#include "core/origin/idle.h"
#include "core/history.h"
#include "io/timer.h"

#define QUIET_MAX 10000 /* origins remembered without work; */
#define QUIET_MIN 100   /* this many whatever memory they take */
#define QUIET_CEILING 65536
#define FORGET_LOOKS 4
#define PROBE_LOOKS 4096

static void
count_held(struct host *h)
{
	account_set(&h->core->account, ACCOUNT_ORIGINS, &h->charged,
	    sizeof(*h) + h->origin.n + h->naddr * sizeof(h->addr[0]));
}

void
hosts_init(struct hosts *all)
{
	hash_init(&all->table);
	list_init(&all->ready);
	list_init(&all->want);
	list_init(&all->quiet);
	list_init(&all->doubted);
	list_init(&all->lost);
	list_init(&all->unresolved);
	heap_init(&all->held);
	heap_init(&all->woken);
}

static void
destroy(struct host *h)
{
	CHECK(h->waiting.n == 0 && h->delayed.n == 0 && h->active == 0 &&
	      h->idle.n == 0 && !heap_on(&h->held));
	if (h->job != NULL) {
		resolve_cancel(h->job);
		h->core->hosts.lookups--;
	}
	if (link_on(&h->link))
		list_remove(&h->core->hosts.quiet, &h->link);
	if (link_on(&h->doubted))
		list_remove(&h->core->hosts.doubted, &h->doubted);
	hash_del(&h->core->hosts.table, &h->hashed);
	account_set(&h->core->account, ACCOUNT_ORIGINS, &h->charged, 0);
	free(h->addr);
	free(h->key);
	free(h);
}

void
hosts_fini(struct core *c)
{
	size_t i;

	for (i = 0; i < c->hosts.table.nslot; i++)
		while (c->hosts.table.slot[i] != NULL)
			destroy(CONTAINER(
			    c->hosts.table.slot[i], struct host, hashed));
	hash_fini(&c->hosts.table);
	heap_fini(&c->hosts.held);
	heap_fini(&c->hosts.woken);
}

/*
 * Calls `each` for every origin there is, until it returns 0. It must make no
 * origin and forget none: a fetch may fail or be dropped without a retry only.
 */
static void
walk(struct core *c, int (*each)(void *arg, struct host *h), void *arg)
{
	struct hash_link *k;
	size_t i;

	for (i = 0; i < c->hosts.table.nslot; i++)
		for (k = c->hosts.table.slot[i]; k != NULL; k = k->next)
			if (!each(arg, CONTAINER(k, struct host, hashed)))
				return;
}

static int
end_waiting(void *arg, struct host *h)
{
	void (*end)(struct fetch * f) = *(void (**)(struct fetch *))arg;
	struct link *w;

	while ((w = list_first(&h->waiting)) != NULL ||
	       (w = list_first(&h->delayed)) != NULL)
		end(CONTAINER(w, struct fetch, link));
	return 1;
}

void
hosts_end_waiting(struct core *c, void (*end)(struct fetch *f))
{
	walk(c, end_waiting, &end);
}

struct visit {
	int (*each)(void *arg, const struct fetch *f);
	void *arg;
};

static int
visit_list(const struct list *l, const struct visit *v)
{
	struct link *w;

	for (w = list_first(l); w != NULL; w = list_next(l, w))
		if (!v->each(v->arg, CONTAINER(w, struct fetch, link)))
			return 0;
	return 1;
}

static int
visit_waiting(void *arg, struct host *h)
{
	return visit_list(&h->waiting, arg) && visit_list(&h->delayed, arg);
}

void
hosts_each_waiting(
    struct core *c, int (*each)(void *arg, const struct fetch *f), void *arg)
{
	struct visit v = { each, arg };

	walk(c, visit_waiting, &v);
}

static struct host *
find(struct core *c, struct span origin, uint64_t hash)
{
	struct hash_link *k = hash_first(&c->hosts.table, hash);
	struct host *h;

	for (; k != NULL; k = hash_next(k)) {
		h = CONTAINER(k, struct host, hashed);
		if (span_eq(h->origin, origin))
			return h;
	}
	return NULL;
}

/* Its limits hold for what comes later, too. */
static int
is_needed(const struct host *h)
{
	int64_t now = h->core->clock.now_us;

	return h->pace_at_us > now || h->talks ||
	       backoff_is_needed(&h->backoff, now);
}

static int
has_too_many(const struct core *c)
{
	return c->hosts.quiet.n > QUIET_MAX ||
	       (c->hosts.quiet.n > QUIET_MIN && account_is_full_of_origins(c));
}

/* Those remembered longest go, in so many looks; beyond a bound, any. */
static void
forget_some(struct core *c)
{
	struct host *h;
	int n;

	for (n = 0; n < FORGET_LOOKS && has_too_many(c); n++) {
		h = CONTAINER(list_first(&c->hosts.quiet), struct host, link);
		if (c->hosts.quiet.n < QUIET_CEILING && is_needed(h)) {
			list_remove(&c->hosts.quiet, &h->link);
			list_push(&c->hosts.quiet, &h->link);
		} else
			destroy(h);
	}
}

struct host *
host_of(struct core *c, const struct url *u)
{
	struct span origin = url_origin(u), name = url_hostname(u);
	uint64_t hash = hash_of(&c->hosts.table, origin);
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
	list_init(&h->delayed);
	list_init(&h->idle);
	list_push(&c->hosts.quiet, &h->link);
	hash_add(&c->hosts.table, &h->hashed, hash);
	count_held(h);
	c->hosts.met++;
	return h;
}

/* ---- its place ---- */

static size_t
room(const struct host *h)
{
	uint64_t max = (uint64_t)h->core->limits.max_per_host;
	size_t room = backoff_room(h);

	if (h->unsent > 0 || (max > 0 && h->active >= max))
		return 0;
	return max > 0 && max - h->active < room ? max - h->active : room;
}

int64_t
host_held_until(const struct host *h, enum wait_reason *why)
{
	int64_t until = h->backoff.held_until_at_us;

	*why = h->backoff.why;
	if (h->backoff.has_quota && h->backoff.quota == 0 &&
	    h->backoff.quota_at_us > until) {
		until = h->backoff.quota_at_us;
		*why = WAIT_RATE;
	}
	if (h->pace_at_us > until) {
		until = h->pace_at_us;
		*why = h->is_delayed ? WAIT_DELAY : WAIT_RATE;
	}
	if (h->budget_at_us > until) {
		until = h->budget_at_us;
		*why = WAIT_BUDGET;
	}
	if (idle_watched_until(h) > until) {
		until = idle_watched_until(h);
		*why = WAIT_HOST_LIMIT;
	}
	return until > h->core->clock.now_us ? until : 0;
}

static void
trace_hold(
    const struct host *h, enum trace_kind kind, int64_t until, const char *why)
{
	const struct trace_event e = {
		.at_us = h->core->clock.now_us,
		.kind = (unsigned char)kind,
		.count = (uint32_t)h->waiting.n,
		.value = until,
		.why = why,
	};

	trace_put(h->core->trace, &e, h->origin);
}

static void
trace_release(const struct host *h)
{
	trace_hold(h, TRACE_ORIGIN_RELEASED, 0,
	    h->held_until_at_us <= h->core->clock.now_us ? "time_is_over"
							 : "changed");
}

/* It is held from now on, or goes on to be: until when, and why. */
static void
note_hold(struct host *h)
{
	enum wait_reason why;
	int64_t until = host_held_until(h, &why);

	if (h->place != HOST_HELD || until != h->held_until_at_us)
		trace_hold(h, TRACE_ORIGIN_HELD, until, stats_wait_name(why));
	if (h->place != HOST_HELD)
		h->held_from_at_us = h->core->clock.now_us;
	h->held_until_at_us = until;
	h->why_held = why;
}

/* A connection that f may use, or addresses. */
static int
has_way(const struct host *h, const struct fetch *f)
{
	return idle_has(h, !item_is_idempotent(f)) ||
	       host_is_fresh(h, f, h->core->clock.now_us);
}

static enum host_place
place_for(const struct host *h)
{
	enum wait_reason why;

	if (h->waiting.n == 0 && h->delayed.n == 0)
		return HOST_QUIET;
	if (backoff_is_given_up(&h->backoff, h->core->clock.now_us))
		return HOST_LOST;
	if (h->waiting.n == 0)
		return HOST_QUIET;
	if (h->lookup_err != E_OK)
		return HOST_UNRESOLVED;
	if (h->job != NULL || h->doubt != E_OK)
		return HOST_LOOKUP;
	if (host_held_until(h, &why) != 0)
		return HOST_HELD;
	if (room(h) == 0)
		return HOST_FULL;
	return has_way(h, host_next(h)) ? HOST_READY : HOST_WANT;
}

static struct list *
list_for(struct host *h, enum host_place p)
{
	switch (p) {
	case HOST_QUIET:
		/* With anything of its own it cannot be forgotten. */
		return h->active == 0 && h->idle.n == 0 && h->delayed.n == 0
			   ? &h->core->hosts.quiet
			   : NULL;
	case HOST_READY:
		return &h->core->hosts.ready;
	case HOST_WANT:
		return &h->core->hosts.want;
	case HOST_LOST:
		return &h->core->hosts.lost;
	case HOST_UNRESOLVED:
		return &h->core->hosts.unresolved;
	case HOST_FULL:
	case HOST_LOOKUP:
	case HOST_HELD:
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
	h->core->hosts.startable += n - h->contribution;
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
		list_remove(&c->hosts.quiet, &h->link);
		break;
	case HOST_READY:
		list_remove(&c->hosts.ready, &h->link);
		break;
	case HOST_WANT:
		list_remove(&c->hosts.want, &h->link);
		break;
	case HOST_LOST:
		list_remove(&c->hosts.lost, &h->link);
		break;
	case HOST_UNRESOLVED:
		list_remove(&c->hosts.unresolved, &h->link);
		break;
	case HOST_FULL:
	case HOST_LOOKUP:
	case HOST_HELD:
		CHECK(!"a host on a list that is none");
	}
}

/* When time alone changes its place; TIMER_NEVER: it does not. */
static int64_t
due_at_us(const struct host *h)
{
	int64_t at = TIMER_NEVER, dead_at = backoff_dead_at_us(h);

	if (h->place == HOST_HELD)
		at = h->held_until_at_us;
	if (h->waiting.n + h->delayed.n > 0 && h->place != HOST_LOST &&
	    dead_at > h->core->clock.now_us && dead_at < at)
		at = dead_at;
	return at;
}

static void
wake_at(struct host *h)
{
	int64_t at = due_at_us(h);

	if (at != TIMER_NEVER)
		heap_move(&h->core->hosts.held, &h->held, at);
	else if (heap_on(&h->held))
		heap_remove(&h->core->hosts.held, &h->held);
}

void
host_update(struct host *h)
{
	enum host_place p;
	struct list *l;

	if (h->waiting.n == 0)
		h->lookup_err = E_OK;
	p = place_for(h);
	l = list_for(h, p);
	if (p == HOST_HELD)
		note_hold(h);
	if (p != h->place || (l != NULL) != link_on(&h->link)) {
		take_off(h);
		if (h->place == HOST_HELD && p != HOST_HELD)
			trace_release(h);
		h->place = p;
		h->was_full |= p == HOST_FULL;
		if (l != NULL)
			list_push(l, &h->link);
	}
	wake_at(h);
	count_startable(h);
}

static unsigned
attempts_of(const struct fetch *f)
{
	return f->attempts;
}

/* Fewer is better, as is not to have been asked to wait. */
static unsigned
not_asked(const struct fetch *f)
{
	return f->history != NULL && f->history->asked > 0
		   ? UINT_MAX - f->history->asked
		   : UINT_MAX;
}

/* The first of those for which `rank` gives most. */
static struct fetch *
find_most(const struct host *h, unsigned (*rank)(const struct fetch *f))
{
	struct link *k = list_first(&h->waiting);
	struct fetch *f, *most = CONTAINER(k, struct fetch, link);
	int n;

	for (n = 0; n < PROBE_LOOKS && k != NULL && rank(most) != UINT_MAX;
	     n++) {
		f = CONTAINER(k, struct fetch, link);
		if (rank(f) > rank(most))
			most = f;
		k = list_next(&h->waiting, k);
	}
	return most;
}

/*
 * While an origin that has never answered is unreachable, the item that was
 * tried most goes: once its tries are used up the origin is given up. After a
 * refusal, it may be that only one item is refused for ever, or that each is so
 * many times: the kind goes that was answered last time, else the other.
 */
struct fetch *
host_next(const struct host *h)
{
	const struct backoff *g = &h->backoff;

	if (backoff_is_probing(h) && !g->has_answered)
		return find_most(h, attempts_of);
	if (g->allow == 1 && g->asked_since_at_us != 0)
		return find_most(h, g->probes_new ? not_asked : attempts_of);
	return CONTAINER(list_first(&h->waiting), struct fetch, link);
}

void
host_rotate(struct host *h)
{
	if (h->place != HOST_READY)
		return;
	list_remove(&h->core->hosts.ready, &h->link);
	list_push(&h->core->hosts.ready, &h->link);
}

/* ---- its addresses ---- */

int
host_is_fresh(const struct host *h, const struct fetch *f, int64_t now_us)
{
	if (h->naddr == 0)
		return 0;
	if (now_us < h->until_at_us)
		return 1;
	return f->read_at_us <= h->answer_at_us &&
	       now_us < h->answer_at_us + RESOLVE_WAITER_US;
}

static void
set_unresolved(struct host *h, enum err e, const char *detail)
{
	h->lookup_err = e;
	h->lookup_detail = detail;
}

void
host_clear_lookup_err(struct host *h)
{
	h->lookup_err = E_OK;
	host_update(h);
}

/* Does it say that a name server was reached? -1: it says nothing. */
static int
has_reached(const struct resolve_answer *a)
{
	if (a->from_cache)
		return -1;
	return a->err != E_DNS_TIMEOUT && a->err != E_DNS_NO_SERVER;
}

/*
 * Tells what an answer says of the network. Nonzero: the network may be at
 * fault, and those who wait go on waiting.
 */
static int
tell_network(struct host *h, const struct resolve_answer *a)
{
	int reached = has_reached(a);

	if (reached == 1)
		network_resolved(h->core, a->err == E_OK ? h->name : SPAN_NONE);
	return reached == 0 &&
	       network_failed(h->core, h, a->err, a->detail, h->lookup_at_us);
}

static void
set_doubt(struct host *h, const struct resolve_answer *a)
{
	h->doubt = a->err;
	h->doubt_detail = a->detail;
	list_push(&h->core->hosts.doubted, &h->doubted);
}

static void
trace_answer(const struct host *h, const struct resolve_answer *a)
{
	struct trace_event e = {
		.at_us = h->answer_at_us,
		.kind = TRACE_LOOKUP_ANSWERED,
		.count = a->n,
		.value = h->answer_at_us - h->lookup_at_us,
		.why = a->from_cache ? "cache" : NULL,
	};

	if (a->err != E_OK) {
		e.kind = TRACE_LOOKUP_FAILED;
		e.count = 0;
		e.why = error_code(a->err);
	}
	trace_put(h->core->trace, &e, h->name);
}

static void
take_answer(struct host *h, const struct resolve_answer *a)
{
	struct core *c = h->core;

	h->answer_at_us = c->clock.now_us;
	if (a->from_cache)
		h->lookup_at_us = h->answer_at_us;
	trace_answer(h, a);
	if (tell_network(h, a)) {
		if (c->network.job != NULL)
			set_doubt(h, a);
		host_update(h);
		return;
	}
	if (a->err != E_OK) {
		set_unresolved(h, a->err, a->detail);
		host_update(h);
		return;
	}
	h->addr = mem_realloc(h->addr, a->n * sizeof(a->addr[0]));
	memcpy(h->addr, a->addr, a->n * sizeof(a->addr[0]));
	h->naddr = a->n;
	count_held(h);
	h->until_at_us = a->until_at_us;
	host_update(h);
}

void
hosts_settle(struct core *c, int is_there)
{
	struct link *k;
	struct host *h;

	while ((k = list_shift(&c->hosts.doubted)) != NULL) {
		h = CONTAINER(k, struct host, doubted);
		if (is_there)
			set_unresolved(h, h->doubt, h->doubt_detail);
		h->doubt = E_OK;
		host_update(h);
	}
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct host *h = arg;

	clock_tick(&h->core->clock);
	h->job = NULL;
	h->core->hosts.lookups--;
	take_answer(h, a);
}

void
host_look_up(struct host *h)
{
	struct core *c = h->core;
	struct resolve_answer a;

	CHECK(h->job == NULL);
	h->lookup_at_us = c->clock.now_us;
	if (resolve_start(c->resolve, h->name, h->port, on_answer, h, &a,
		&h->job) == RESOLVE_DONE) {
		h->job = NULL;
		take_answer(h, &a);
		return;
	}
	trace_put(c->trace,
	    &(struct trace_event){
		.at_us = h->lookup_at_us, .kind = TRACE_LOOKUP_BEGIN },
	    h->name);
	c->hosts.lookups++;
	host_update(h);
}
