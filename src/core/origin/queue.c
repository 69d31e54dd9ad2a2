/* SPDX-License-Identifier: ISC */
/*
 * Computes the state of a queue and chooses its next fetch. Knows nothing of
 * what a fetch does once it has its transfer slot.
 */
#include "core/origin/queue.h"

#include <limits.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/trace.h"
#include "core/core.h"
#include "core/fetch.h"
#include "core/history.h"
#include "core/item.h"
#include "io/timer.h"

#define PROBE_SCAN_MAX 4096 /* waiting fetches examined for a probe */

/* ---- the queues of a host ---- */

static void
init(struct queue *q, struct host *h)
{
	q->host = h;
	list_init(&q->waiting);
	list_init(&q->delayed);
}

void
queue_init_host(struct host *h)
{
	list_init(&h->queues);
	init(&h->own, h);
}

struct queue *
queue_find(const struct host *h, const struct job *j)
{
	const struct link *k;
	struct queue *q;

	if (h->own.job == j)
		return (struct queue *)(uintptr_t)&h->own;
	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		q = (struct queue *)(uintptr_t)CONTAINER(
		    k, const struct queue, of_host);
		if (q->job == j)
			return q;
	}
	return NULL;
}

struct queue *
queue_of(struct host *h, struct job *j)
{
	struct queue *q = queue_find(h, j);

	if (q != NULL)
		return q;
	q = &h->own;
	if (q->job != NULL) {
		q = mem_zalloc(1, sizeof(*q));
		init(q, h);
		h->nqueues++;
	}
	q->job = j;
	q->budget_at_us = 0;
	q->was_full = 0;
	/* Starts of other jobs count. */
	q->pace_at_us = 0;
	if (j->pace.per_host.gap_us > 0 && h->started_at_us != 0)
		q->pace_at_us = h->started_at_us + j->pace.per_host.gap_us;
	list_push(&h->queues, &q->of_host);
	return q;
}

static void
release(struct queue *q)
{
	struct host *h = q->host;

	CHECK(q->waiting.n == 0 && q->delayed.n == 0 && !link_on(&q->link) &&
	      !heap_on(&q->held));
	list_remove(&h->queues, &q->of_host);
	q->job = NULL;
	if (q == &h->own)
		return;
	h->nqueues--;
	free(q);
}

void
queue_fini_host(struct host *h)
{
	struct link *k;

	while ((k = list_first(&h->queues)) != NULL)
		release(CONTAINER(k, struct queue, of_host));
}

void
queue_forget(struct host *h, const struct job *j)
{
	struct queue *q = queue_find(h, j);

	if (q != NULL)
		release(q);
}

/* ---- limits ---- */

int
queue_job_may_start(const struct job *j)
{
	return j->pauses == 0 && j->slots < (uint64_t)j->opts->concurrency &&
	       j->pace.next_at_us <= j->core->clock.now_us;
}

static size_t
less(size_t room, int64_t max, size_t active)
{
	size_t left;

	if (max <= 0)
		return room;
	left = active < (uint64_t)max ? (size_t)max - active : 0;
	return left < room ? left : room;
}

/* How many more transfers of any job the host allows. */
static size_t
host_room(const struct host *h)
{
	return less(backoff_room(h), h->core->limits.max_per_host, h->active);
}

/* How many more transfers of this queue's job. */
static size_t
room(const struct queue *q)
{
	const struct opts *o = q->job->opts;

	if (o->delay_us > 0 && q->host->unsent > 0)
		return 0;
	return less(host_room(q->host), o->max_per_host, q->host->active);
}

/* The moment its holds allow its fetches to start, and the reason of the
 * longest one; 0: now. */
static int64_t
held_until(const struct queue *q, enum wait_reason *why)
{
	const struct host *h = q->host;
	const struct backoff *g = &h->backoff;
	int64_t until = g->held_until_at_us, delay_us = q->job->opts->delay_us;

	*why = g->why;
	if (g->has_quota && g->quota == 0 && g->quota_at_us > until) {
		until = g->quota_at_us;
		*why = WAIT_RATE;
	}
	if (h->pace_at_us > until || q->pace_at_us > until) {
		until = h->pace_at_us > q->pace_at_us ? h->pace_at_us
						      : q->pace_at_us;
		*why = WAIT_RATE;
	}
	if (delay_us > 0 && h->sent_at_us != 0 &&
	    h->sent_at_us + delay_us > until) {
		until = h->sent_at_us + delay_us;
		*why = WAIT_DELAY;
	}
	if (q->budget_at_us > until) {
		until = q->budget_at_us;
		*why = WAIT_BUDGET;
	}
	if (idle_watched_until(h) > until) {
		until = idle_watched_until(h);
		*why = WAIT_HOST_LIMIT;
	}
	return until > h->core->clock.now_us ? until : 0;
}

/* ---- state ---- */

static void
trace_hold(
    const struct queue *q, enum trace_kind kind, int64_t until, const char *why)
{
	const struct core *c = q->host->core;
	const struct trace_event e = {
		.at_us = c->clock.now_us,
		.kind = (unsigned char)kind,
		.count = (uint32_t)q->waiting.n,
		.value = until,
		.why = why,
	};

	trace_put(c->trace, &e, q->host->origin);
}

static void
trace_release(const struct queue *q)
{
	trace_hold(q, TRACE_ORIGIN_RELEASED, 0,
	    q->held_until_at_us <= q->host->core->clock.now_us ? "time_is_over"
							       : "changed");
}

/* Its hold begins or changes: records until when, and why. */
static void
note_hold(struct queue *q)
{
	enum wait_reason why;
	int64_t until = held_until(q, &why);

	if (q->state != QUEUE_HELD || until != q->held_until_at_us)
		trace_hold(q, TRACE_ORIGIN_HELD, until, stats_wait_name(why));
	if (q->state != QUEUE_HELD)
		q->held_from_at_us = q->host->core->clock.now_us;
	q->held_until_at_us = until;
	q->why_held = why;
}

/* Is there a connection that f may use, or an address to dial? */
static int
has_connection_or_address(const struct host *h, const struct fetch *f)
{
	return idle_has(h, !item_is_idempotent(f)) ||
	       host_is_fresh(h, f, h->core->clock.now_us);
}

static enum queue_state
state_for(const struct queue *q)
{
	const struct host *h = q->host;
	enum wait_reason why;

	if (q->waiting.n == 0 && q->delayed.n == 0)
		return QUEUE_EMPTY;
	if (backoff_is_given_up(&h->backoff, h->core->clock.now_us))
		return QUEUE_GIVEN_UP;
	if (q->waiting.n == 0)
		return QUEUE_EMPTY;
	if (h->lookup_err != E_OK)
		return QUEUE_UNRESOLVED;
	if (h->lookup != NULL || h->pending_dns_error != E_OK)
		return QUEUE_LOOKING_UP;
	if (held_until(q, &why) != 0)
		return QUEUE_HELD;
	if (room(q) == 0)
		return QUEUE_FULL;
	return has_connection_or_address(h, queue_next(q)) ? QUEUE_READY
							   : QUEUE_NEEDS_LOOKUP;
}

static struct list *
list_for(struct queue *q, enum queue_state next)
{
	struct hosts *all = &q->host->core->hosts;

	switch (next) {
	case QUEUE_READY:
		return &q->job->ready;
	case QUEUE_NEEDS_LOOKUP:
		return &q->job->needs_lookup;
	case QUEUE_GIVEN_UP:
		return &all->given_up;
	case QUEUE_UNRESOLVED:
		return &all->unresolved;
	case QUEUE_EMPTY:
	case QUEUE_FULL:
	case QUEUE_LOOKING_UP:
	case QUEUE_HELD:
		return NULL;
	}
	return NULL;
}

static void
count_startable(struct queue *q)
{
	size_t n = 0;

	if (q->state == QUEUE_READY)
		n = q->waiting.n < room(q) ? q->waiting.n : room(q);
	q->job->startable += n - q->contribution;
	q->contribution = n;
}

/* The moment time alone changes its state; TIMER_NEVER: it does not. */
static int64_t
due_at_us(const struct queue *q)
{
	int64_t at = TIMER_NEVER, dead_at = backoff_dead_at_us(q->host);

	if (q->state == QUEUE_HELD)
		at = q->held_until_at_us;
	if (q->waiting.n + q->delayed.n > 0 && q->state != QUEUE_GIVEN_UP &&
	    dead_at > q->host->core->clock.now_us && dead_at < at)
		at = dead_at;
	return at;
}

static void
count_state(struct queue *q, int by)
{
	struct hosts *all = &q->host->core->hosts;

	all->nready += (size_t)(q->state == QUEUE_READY ? by : 0);
	all->nneed_lookup += (size_t)(q->state == QUEUE_NEEDS_LOOKUP ? by : 0);
}

void
queue_update(struct queue *q)
{
	struct hosts *all = &q->host->core->hosts;
	enum queue_state next = state_for(q);
	struct list *l;
	int64_t at;

	if (next == QUEUE_HELD)
		note_hold(q);
	if (next != q->state) {
		if (link_on(&q->link))
			list_remove(list_for(q, q->state), &q->link);
		count_state(q, -1);
		if (q->state == QUEUE_HELD)
			trace_release(q);
		q->state = next;
		count_state(q, 1);
		q->was_full |= next == QUEUE_FULL;
		if ((l = list_for(q, next)) != NULL)
			list_push(l, &q->link);
	}
	at = due_at_us(q);
	if (at != TIMER_NEVER)
		heap_move(&all->held, &q->held, at);
	else if (heap_on(&q->held))
		heap_remove(&all->held, &q->held);
	count_startable(q);
}

/* ---- the next fetch ---- */

static unsigned
rank_by_attempts(const struct fetch *f)
{
	return f->attempts;
}

/* UINT_MAX: never throttled. */
static unsigned
rank_by_fewest_throttles(const struct fetch *f)
{
	return f->history != NULL && f->history->throttled > 0
		   ? UINT_MAX - f->history->throttled
		   : UINT_MAX;
}

/* The first waiting fetch with the highest rank. */
static struct fetch *
find_most(const struct queue *q, unsigned (*rank)(const struct fetch *f))
{
	struct link *k = list_first(&q->waiting);
	struct fetch *f, *most = CONTAINER(k, struct fetch, link);
	int n;

	for (n = 0; n < PROBE_SCAN_MAX && k != NULL && rank(most) != UINT_MAX;
	     n++) {
		f = CONTAINER(k, struct fetch, link);
		if (rank(f) > rank(most))
			most = f;
		k = list_next(&q->waiting, k);
	}
	return most;
}

/*
 * While an origin that has never answered is unreachable, its item with most
 * attempts probes it: once that one has no try left, the origin is given up.
 * After throttling, either one item is refused for ever or each is refused a
 * few times: the probe is of the kind (new, or tried most) that was answered
 * last time, otherwise of the other.
 */
struct fetch *
queue_next(const struct queue *q)
{
	const struct backoff *g = &q->host->backoff;

	if (backoff_is_probing(q->host) && !g->has_answered)
		return find_most(q, rank_by_attempts);
	if (g->recovery_limit == 1 && g->throttled_since_at_us != 0)
		return find_most(q, g->probes_new ? rank_by_fewest_throttles
						  : rank_by_attempts);
	return CONTAINER(list_first(&q->waiting), struct fetch, link);
}

struct queue *
queue_choose(struct queue *q)
{
	struct host *h = q->host;
	struct queue *first = NULL, *other;
	struct link *k;
	size_t n = 0;

	if (h->queues.n == 1)
		return q;
	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		other = CONTAINER(k, struct queue, of_host);
		if (other->state != QUEUE_READY ||
		    !queue_job_may_start(other->job))
			continue;
		n++;
		if (first == NULL)
			first = other;
	}
	return n > host_room(h) ? first : q;
}

void
queue_started(struct queue *q)
{
	struct core *c = q->host->core;

	if (q->state == QUEUE_READY) {
		list_remove(&q->job->ready, &q->link);
		list_push(&q->job->ready, &q->link);
	}
	list_remove(&q->host->queues, &q->of_host);
	list_push(&q->host->queues, &q->of_host);
	list_remove(&c->jobs, &q->job->of_core);
	list_push(&c->jobs, &q->job->of_core);
}

struct queue *
queue_first_needing_lookup(const struct core *c)
{
	const struct link *k;
	const struct job *j;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, const struct job, of_core);
		if (j->needs_lookup.n > 0)
			return CONTAINER(
			    list_first(&j->needs_lookup), struct queue, link);
	}
	return NULL;
}
