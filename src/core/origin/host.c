/* SPDX-License-Identifier: ISC */
/*
 * Origins: found by key, kept while they have work or state to remember, looked
 * up. Knows nothing of what a fetch does once it has its transfer slot.
 */
#include "core/origin/host.h"

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

#define UNUSED_MAX 10000     /* origins remembered without work; */
#define UNUSED_MIN 100       /* so many whatever memory they take, */
#define UNUSED_CEILING 65536 /* and never more */
#define EVICT_CHECKS 4       /* unused origins examined per new one */

static void
count_held(struct host *h)
{
	account_set(&h->core->account, ACCOUNT_ORIGINS, &h->charged,
	    sizeof(*h) + h->nqueues * sizeof(h->own) + h->origin.n +
		h->naddr * sizeof(h->addr[0]));
}

void
hosts_init(struct hosts *all)
{
	hash_init(&all->table);
	list_init(&all->unused);
	list_init(&all->pending_dns);
	list_init(&all->given_up);
	list_init(&all->unresolved);
	heap_init(&all->held);
	heap_init(&all->woken);
}

static void
destroy(struct host *h)
{
	CHECK(h->active == 0 && h->idle.n == 0);
	queue_fini_host(h);
	if (h->lookup != NULL) {
		resolve_cancel(h->lookup);
		h->core->hosts.lookups--;
	}
	if (link_on(&h->link))
		list_remove(&h->core->hosts.unused, &h->link);
	if (link_on(&h->pending_dns_link))
		list_remove(&h->core->hosts.pending_dns, &h->pending_dns_link);
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

void
hosts_each(struct core *c, int (*each)(void *arg, struct host *h), void *arg)
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
	struct queue *q;
	struct link *k, *w;

	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		q = CONTAINER(k, struct queue, of_host);
		while ((w = list_first(&q->waiting)) != NULL ||
		       (w = list_first(&q->delayed)) != NULL)
			end(CONTAINER(w, struct fetch, link));
	}
	return 1;
}

void
hosts_end_waiting(struct core *c, void (*end)(struct fetch *f))
{
	hosts_each(c, end_waiting, &end);
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
	const struct queue *q;
	struct link *k;

	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		q = CONTAINER(k, struct queue, of_host);
		if (!visit_list(&q->waiting, arg) ||
		    !visit_list(&q->delayed, arg))
			return 0;
	}
	return 1;
}

void
hosts_each_waiting(
    struct core *c, int (*each)(void *arg, const struct fetch *f), void *arg)
{
	struct visit v = { each, arg };

	hosts_each(c, visit_waiting, &v);
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

int
host_has_limits(const struct host *h)
{
	int64_t now = h->core->clock.now_us;

	return h->pace_at_us > now ||
	       h->started_at_us + h->core->hosts.longest_gap_us > now ||
	       h->sent_at_us + h->core->hosts.longest_gap_us > now ||
	       backoff_is_needed(&h->backoff, now);
}

static int
has_too_many(const struct core *c)
{
	return c->hosts.unused.n > UNUSED_MAX ||
	       (c->hosts.unused.n > UNUSED_MIN &&
		   account_is_full_of_origins(c));
}

static int
has_state_to_keep(const struct host *h)
{
	return host_has_limits(h) || h->sends_unrequested;
}

/*
 * Forgets the origins unused longest, unless they have state to keep; above
 * UNUSED_CEILING it does not matter. A bounded number is examined each time.
 */
static void
evict_some(struct core *c)
{
	struct host *h;
	int n;

	for (n = 0; n < EVICT_CHECKS && has_too_many(c); n++) {
		h = CONTAINER(list_first(&c->hosts.unused), struct host, link);
		if (c->hosts.unused.n < UNUSED_CEILING &&
		    has_state_to_keep(h)) {
			list_remove(&c->hosts.unused, &h->link);
			list_push(&c->hosts.unused, &h->link);
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
	evict_some(c);
	h = mem_zalloc(1, sizeof(*h));
	h->core = c;
	h->key = mem_strndup(origin.p, origin.n);
	h->origin = span_of(h->key, origin.n);
	h->name = span_of(h->key + (name.p - origin.p), name.n);
	h->scheme = u->scheme;
	h->port = u->port;
	queue_init_host(h);
	list_init(&h->idle);
	list_push(&c->hosts.unused, &h->link);
	hash_add(&c->hosts.table, &h->hashed, hash);
	count_held(h);
	c->hosts.created++;
	return h;
}

/* ---- queues ---- */

size_t
host_waiting(const struct host *h)
{
	const struct queue *q;
	const struct link *k;
	size_t n = 0;

	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		q = CONTAINER(k, const struct queue, of_host);
		n += q->waiting.n + q->delayed.n;
	}
	return n;
}

/* Is a fetch waiting that is not in a back-off of its own? */
static int
has_waiting(const struct host *h)
{
	const struct link *k;

	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k))
		if (CONTAINER(k, const struct queue, of_host)->waiting.n > 0)
			return 1;
	return 0;
}

void
host_update(struct host *h)
{
	struct list *unused = &h->core->hosts.unused;
	struct link *k;
	int is_unused;

	if (h->lookup_err != E_OK && !has_waiting(h))
		h->lookup_err = E_OK;
	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k))
		queue_update(CONTAINER(k, struct queue, of_host));
	/* Otherwise others point to it, and it cannot be forgotten. */
	is_unused = h->active == 0 && h->idle.n == 0 && host_waiting(h) == 0;
	if (is_unused == link_on(&h->link))
		return;
	if (is_unused)
		list_push(unused, &h->link);
	else
		list_remove(unused, &h->link);
}

static int
forget_job(void *arg, struct host *h)
{
	queue_forget(h, arg);
	return 1;
}

void
hosts_forget_job(struct core *c, const struct job *j)
{
	hosts_each(c, forget_job, (void *)(uintptr_t)j);
}

/* ---- addresses ---- */

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

/* 1 if a name server answered, 0 if none did, -1 if none was asked. */
static int
server_reached(const struct resolve_answer *a)
{
	if (a->from_cache)
		return -1;
	return a->err != E_DNS_TIMEOUT && a->err != E_DNS_NO_SERVER;
}

/*
 * Reports a look-up's outcome to core/origin/network. Nonzero: its failure may
 * be due to the network, and the waiting fetches go on waiting.
 */
static int
report_to_network(struct host *h, const struct resolve_answer *a)
{
	int reached = server_reached(a);

	if (reached == 1)
		network_resolved(h->core, a->err == E_OK ? h->name : SPAN_NONE);
	return reached == 0 &&
	       network_failed(h->core, h, a->err, a->detail, h->lookup_at_us);
}

static void
defer_lookup_error(struct host *h, const struct resolve_answer *a)
{
	h->pending_dns_error = a->err;
	h->pending_dns_detail = a->detail;
	list_push(&h->core->hosts.pending_dns, &h->pending_dns_link);
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
	if (report_to_network(h, a)) {
		if (c->network.lookup != NULL)
			defer_lookup_error(h, a);
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
hosts_end_pending_lookups(struct core *c, int is_there)
{
	struct link *k;
	struct host *h;

	while ((k = list_shift(&c->hosts.pending_dns)) != NULL) {
		h = CONTAINER(k, struct host, pending_dns_link);
		if (is_there)
			set_unresolved(
			    h, h->pending_dns_error, h->pending_dns_detail);
		h->pending_dns_error = E_OK;
		host_update(h);
	}
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct host *h = arg;

	clock_tick(&h->core->clock);
	h->lookup = NULL;
	h->core->hosts.lookups--;
	take_answer(h, a);
}

void
host_look_up(struct host *h)
{
	struct core *c = h->core;
	struct resolve_answer a;

	CHECK(h->lookup == NULL);
	h->lookup_at_us = c->clock.now_us;
	if (resolve_start(c->resolve, h->name, h->port, on_answer, h, &a,
		&h->lookup) == RESOLVE_DONE) {
		h->lookup = NULL;
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
