/* SPDX-License-Identifier: ISC */
/*
 * Admission. Queues that may start a fetch rotate; each start, freed slot and
 * answer updates one host, so a decision costs the same with any number of
 * hosts. Knows nothing of what a fetch does after its start.
 */
#include "core/sched.h"

#include <string.h>

#include "base/check.h"
#include "core/output/failed_input.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "core/item.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/output/parse.h"
#include "core/output/save.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/conn/conn.h"
#include "io/timer.h"

#define AHEAD_MIN 16 /* hosts looked up before they are needed */
#define LOOKUPS_MAX 500
#define FD_RETRY_US 50000
#define SILENT_US 1000000 /* a peer silent for longer is not exempt */
#define FD_IDLE_CLOSED 8  /* idle connections closed if no fd is free */

void
sched_init(struct sched *s)
{
	heap_init(&s->later);
}

void
sched_fini(struct sched *s)
{
	heap_fini(&s->later);
	timer_free(s->fd_timer);
	timer_free(s->due_timer);
}

/* ---- budgets ---- */

static double
cost_of(const struct fetch *f, size_t budget)
{
	return f->cost != NULL ? f->cost[budget] : 0;
}

/* When every budget has room for f; not before now. */
static int64_t
ask_budgets(const struct fetch *f)
{
	struct job *j = f->job;
	int64_t at, now = f->core->clock.now_us, last = now;
	size_t i;

	for (i = 0; i < j->opts->nbudgets; i++) {
		at = pace_budget_ask(
		    &j->pace.budgets[i], f->seq, cost_of(f, i), now);
		if (at > last)
			last = at;
	}
	return last;
}

/* ---- queue and slots ---- */

#define HEAD_SCAN_MAX 64
#define BUDGET_SCAN_MAX 4096

static int
has_started_before(const struct fetch *f)
{
	return f->attempts > 0 || f->fd_since_at_us != 0;
}

/* New ones at the tail; those started before at the head, in input order. */
static void
join(struct queue *q, struct fetch *f)
{
	struct link *k = list_first(&q->waiting);
	struct fetch *g;
	int n;

	if (q->budget_at_us > f->core->clock.now_us &&
	    ask_budgets(f) == f->core->clock.now_us) {
		q->budget_at_us = 0; /* the budget holds others, not f */
		list_unshift(&q->waiting, &f->link);
		return;
	}
	if (!has_started_before(f)) {
		list_push(&q->waiting, &f->link);
		return;
	}
	for (n = 0; n < HEAD_SCAN_MAX && k != NULL; n++) {
		g = CONTAINER(k, struct fetch, link);
		if (!has_started_before(g) || g->seq > f->seq)
			break;
		k = list_next(&q->waiting, k);
	}
	if (n == HEAD_SCAN_MAX)
		list_unshift(&q->waiting, &f->link);
	else if (k == NULL)
		list_push(&q->waiting, &f->link);
	else
		list_insert(&q->waiting, &f->link, k);
}

void
sched_queue(struct fetch *f)
{
	struct core *c = f->core;
	struct history *t = f->history;
	struct queue *q = queue_of(f->host, f->job);

	if (t != NULL && t->due_at_us > c->clock.now_us) {
		list_push(&q->delayed, &f->link);
		heap_push(&c->sched.later, &t->later, t->due_at_us);
	} else
		join(q, f);
	f->job->known++;
	f->job->known_bytes += f->line.n;
	c->sched.known++;
	host_update(f->host);
}

int
sched_is_delayed(const struct fetch *f)
{
	return f->history != NULL && heap_on(&f->history->later);
}

void
sched_unqueue(struct fetch *f)
{
	struct core *c = f->core;
	struct queue *q = queue_find(f->host, f->job);

	if (sched_is_delayed(f)) {
		heap_remove(&c->sched.later, &f->history->later);
		list_remove(&q->delayed, &f->link);
	} else
		list_remove(&q->waiting, &f->link);
	f->job->known--;
	f->job->known_bytes -= f->line.n;
	c->sched.known--;
	host_update(f->host);
}

/* f's back-off is over. */
static void
end_delay(struct fetch *f)
{
	struct queue *q = queue_find(f->host, f->job);

	heap_remove(&f->core->sched.later, &f->history->later);
	list_remove(&q->delayed, &f->link);
	join(q, f);
	host_update(f->host);
}

/* The main reason of f's wait since it was queued. */
static enum wait_reason
why_waited(const struct fetch *f)
{
	const struct core *c = f->core;
	const struct queue *q = queue_find(f->host, f->job);

	if (c->network.back_at_us > f->entered_at_us)
		return WAIT_NET_DOWN;
	if (q->held_until_at_us > f->entered_at_us)
		return q->why_held;
	if (f->history != NULL && f->history->due_at_us > f->entered_at_us)
		return WAIT_BACKOFF;
	if (f->job->pace.held_at_us > f->entered_at_us)
		return WAIT_RATE;
	if (c->sched.pool_held_at_us > f->entered_at_us)
		return WAIT_WORKER_BUSY;
	return q->was_full ? WAIT_HOST_LIMIT : WAIT_SLOT;
}

void
sched_count_wait(struct fetch *f)
{
	stats_wait(&f->job->stats, why_waited(f),
	    f->core->clock.now_us - f->entered_at_us);
}

void
sched_take_slot(struct fetch *f, int64_t lookup_us)
{
	struct core *c = f->core;
	int64_t waited = c->clock.now_us - f->entered_at_us - lookup_us;
	enum wait_reason why = why_waited(f);

	c->sched.slots++;
	f->job->slots++;
	f->host->active++;
	f->x->epoch = f->host->backoff.epoch;
	f->x->is_probe = backoff_is_probing(f->host);
	f->x->is_unsent = c->hosts.delays != 0;
	f->host->unsent += f->x->is_unsent != 0;
	if (lookup_us > 0)
		stats_wait(&f->job->stats, WAIT_DNS, lookup_us);
	if (f->history != NULL) {
		f->history->wait_us = waited > 0 ? waited : 0;
		f->history->wait_reason =
		    waited > 0 ? stats_wait_name(why) : NULL;
	}
	if (f->fd_since_at_us != 0)
		waited = 0; /* sched_end_fd_wait counts it */
	if (waited > 0)
		stats_wait(&f->job->stats, why, waited);
}

void
sched_free_slot(struct fetch *f)
{
	struct core *c = f->core;

	CHECK(c->sched.slots > 0 && f->host->active > 0);
	if (f->x != NULL)
		sched_sent(f);
	if (c->sched.exempt == f)
		c->sched.exempt = NULL;
	backoff_end(f);
	c->sched.slots--;
	f->job->slots--;
	f->host->active--;
	host_update(f->host);
}

/* ---- look-ups ---- */

/* Starts a look-up for each job that is not far enough ahead. Returns how many.
 */
static int
look_up_some(struct core *c, size_t ahead, size_t most)
{
	struct link *k;
	struct job *j;
	int n = 0;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, struct job, of_core);
		if (j->needs_lookup.n == 0 || j->ready.n >= ahead ||
		    c->hosts.lookups >= most || c->network.is_down)
			continue;
		host_look_up(
		    CONTAINER(list_first(&j->needs_lookup), struct queue, link)
			->host);
		n++;
	}
	return n;
}

void
sched_look_up_ahead(struct core *c)
{
	size_t ahead = (size_t)c->limits.concurrency;
	size_t most = 2 * (size_t)c->limits.concurrency;

	if (ahead < AHEAD_MIN)
		ahead = AHEAD_MIN;
	if (most < AHEAD_MIN)
		most = AHEAD_MIN;
	if (most > LOOKUPS_MAX)
		most = LOOKUPS_MAX;
	while (!(c->sched.pauses & PAUSE_STOP) && look_up_some(c, ahead, most))
		;
}

/* ---- pace ---- */

/*
 * The first waiting fetch for which the budgets have room; NULL: none, and the
 * queue is held until they have.
 */
static struct fetch *
next_in_budget(struct queue *q)
{
	struct fetch *f = queue_next(q);
	struct link *k = list_first(&q->waiting);
	int64_t now = f->core->clock.now_us, at, first = ask_budgets(f);
	int n;

	if (first == now || backoff_is_probing(q->host))
		k = NULL;
	for (n = 0; n < BUDGET_SCAN_MAX && k != NULL && first > now; n++) {
		f = CONTAINER(k, struct fetch, link);
		at = ask_budgets(f);
		if (at < first)
			first = at;
		k = list_next(&q->waiting, k);
	}
	if (first == now)
		return f;
	q->budget_at_us = first;
	queue_update(q);
	return NULL;
}

/* A request starts: sets when the learnt rate allows the next one. */
static void
pace_origin(struct host *h)
{
	struct learned_rate *l = &h->backoff.learned;
	int64_t now = h->core->clock.now_us;
	struct pace learnt;

	if (l->rate <= 0)
		return;
	pace_set(&learnt, (struct opt_rate){ l->rate, 1000000 });
	if (h->pace_at_us > now - learnt.gap_us)
		learned_rate_grow(l, now);
	h->pace_at_us = pace_next(&learnt, h->pace_at_us, now);
}

/* A request of f starts: counts it against every rate; at its origin against
 * the rates of all jobs. */
static void
charge(struct queue *q, const struct fetch *f)
{
	struct host *h = q->host;
	int64_t now = h->core->clock.now_us;
	struct job *j = f->job;
	struct queue *other;
	struct link *k;
	size_t i;

	for (i = 0; i < j->opts->nbudgets; i++)
		pace_budget_spend(
		    &j->pace.budgets[i], f->seq, cost_of(f, i), now);
	if (j->pace.all.gap_us > 0)
		j->pace.next_at_us =
		    pace_next(&j->pace.all, j->pace.next_at_us, now);
	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		other = CONTAINER(k, struct queue, of_host);
		if (other->job->pace.per_host.gap_us > 0)
			other->pace_at_us = pace_next(
			    &other->job->pace.per_host, other->pace_at_us, now);
	}
	h->started_at_us = now;
	pace_origin(h);
	backoff_start(h);
	queue_started(q);
}

void
sched_sent(struct fetch *f)
{
	struct host *h = f->host;

	if (!f->x->is_unsent)
		return;
	f->x->is_unsent = 0;
	h->unsent--;
	h->sent_at_us = f->core->clock.now_us;
	host_update(h);
}

/* ---- starting ---- */

/*
 * Is --max-buffer exceeded, with work under way that will free memory? If none
 * is, one fetch at a time runs anyway.
 */
static int
lacks_memory(const struct core *c)
{
	return account_is_over(c) &&
	       (c->sched.slots > 0 || c->state[FETCH_SAVING].n > 0 ||
		   c->state[FETCH_PARSING].n > 0 || c->emitting > 0 ||
		   emit_unwritten_bytes(c) > 0);
}

static int
has_free_slot(const struct core *c)
{
	return c->sched.slots < (uint64_t)c->limits.concurrency;
}

/* Do the limits of the engine allow a start? */
static int
engine_may_start(const struct core *c)
{
	return c->sched.pauses == 0 && c->hosts.nready > 0 &&
	       !lacks_memory(c) && has_free_slot(c);
}

/* The next job in the rotation that may start a fetch. */
static const struct job *
next_job(const struct core *c)
{
	const struct link *k;
	const struct job *j;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, const struct job, of_core);
		if (j->ready.n > 0 && queue_job_may_start(j))
			return j;
	}
	return NULL;
}

int
sched_may_start(const struct core *c)
{
	return engine_may_start(c) && next_job(c) != NULL;
}

/* Gets a connection for f: *conn, or NULL if an address can be dialled. Returns
 * 0 if neither is there: the host is updated or looked up. */
static int
get_connection(struct queue *q, const struct fetch *f, struct conn **conn)
{
	struct host *h = q->host;

	*conn = idle_unpark(h, !item_is_idempotent(f));
	if (*conn != NULL || host_is_fresh(h, f, h->core->clock.now_us))
		return 1;
	if (f == queue_next(q))
		host_update(h); /* fresh when it became ready */
	else
		host_look_up(h);
	return 0;
}

struct fetch *
sched_next(struct core *c, struct conn **conn)
{
	struct queue *q = queue_choose(
	    CONTAINER(list_first(&next_job(c)->ready), struct queue, link));
	struct fetch *f = queue_next(q);

	if (f->job->opts->nbudgets > 0)
		f = next_in_budget(q);
	if (f == NULL || !get_connection(q, f, conn))
		return NULL;
	charge(q, f);
	return f;
}

/* ---- --keep-order ---- */

struct in_order {
	const struct job *job;
	uint64_t place;
	struct fetch *f;
};

static int
find_place(void *arg, const struct fetch *f)
{
	struct in_order *o = arg;

	if (f->job == o->job && f->place == o->place)
		o->f = (struct fetch *)(uintptr_t)f;
	return o->f == NULL;
}

/*
 * Records that wait for their place in order have no room left: only the item
 * that is next in order makes room, so it starts before all others.
 */
static struct fetch *
next_in_order(struct job *j, struct conn **conn)
{
	struct core *c = j->core;
	struct in_order o = { .job = j };
	struct queue *q;

	if (j->emit.order == NULL ||
	    !(j->pauses & PAUSE_SPILL || c->sched.pauses & PAUSE_MEMORY) ||
	    c->sched.pauses & ~(unsigned)PAUSE_MEMORY ||
	    j->pauses & ~(unsigned)PAUSE_SPILL || !has_free_slot(c) ||
	    j->slots >= (uint64_t)j->opts->concurrency ||
	    j->pace.next_at_us > c->clock.now_us)
		return NULL;
	o.place = order_next_place(j->emit.order);
	hosts_each_waiting(c, find_place, &o);
	if (o.f == NULL || sched_is_delayed(o.f))
		return NULL;
	q = queue_find(o.f->host, j);
	if (q->state != QUEUE_READY || !get_connection(q, o.f, conn))
		return NULL;
	charge(q, o.f);
	return o.f;
}

struct fetch *
sched_next_in_order(struct core *c, struct conn **conn)
{
	struct fetch *f = NULL;
	struct link *k;

	for (k = list_first(&c->jobs); k != NULL && f == NULL;
	     k = list_next(&c->jobs, k))
		f = next_in_order(CONTAINER(k, struct job, of_core), conn);
	return f;
}

/* ---- what is due ---- */

/* Many queues wait for the same moment of a budget: wakes them in input order,
 * or some would be overtaken again and again. */
static void
wake_queues(struct core *c)
{
	struct heap_link *k;
	struct host *h;
	struct link *w;

	while ((k = heap_first(&c->hosts.held)) != NULL &&
	       k->key <= c->clock.now_us) {
		heap_remove(&c->hosts.held, k);
		w = list_first(&CONTAINER(k, struct queue, held)->waiting);
		heap_push(&c->hosts.woken,
		    &CONTAINER(k, struct queue, held)->woken,
		    w != NULL ? (int64_t)CONTAINER(w, struct fetch, link)->seq
			      : INT64_MAX);
	}
	while ((k = heap_first(&c->hosts.woken)) != NULL) {
		heap_remove(&c->hosts.woken, k);
		h = CONTAINER(k, struct queue, woken)->host;
		backoff_check_dead(h);
		host_update(h);
	}
}

void
sched_wake(struct core *c)
{
	struct heap_link *k;

	while ((k = heap_first(&c->sched.later)) != NULL &&
	       k->key <= c->clock.now_us)
		end_delay(CONTAINER(k, struct history, later)->fetch);
	wake_queues(c);
}

/* Only wakes the loop, which calls turn_decide next. */
static void
on_due(void *arg)
{
	struct core *c = arg;

	clock_tick(&c->clock);
}

void
sched_set_timer(struct core *c)
{
	struct heap_link *k;
	int64_t now = c->clock.now_us, at = network_due_us(c);
	struct link *l;
	struct job *j;

	if ((k = heap_first(&c->sched.later)) != NULL && k->key < at)
		at = k->key;
	if ((k = heap_first(&c->hosts.held)) != NULL && k->key < at)
		at = k->key;
	for (l = list_first(&c->jobs); l != NULL; l = list_next(&c->jobs, l)) {
		j = CONTAINER(l, struct job, of_core);
		if (j->pace.next_at_us > now && j->pace.next_at_us < at &&
		    j->ready.n > 0)
			at = j->pace.next_at_us;
	}
	if (at == TIMER_NEVER)
		return;
	if (c->sched.due_timer == NULL)
		c->sched.due_timer = timer_new(c->base, on_due, c);
	if (at < timer_at(c->sched.due_timer))
		timer_set(c->sched.due_timer, at);
}

/* ---- pauses ---- */

static void
set_pause(unsigned *pauses, enum core_pause p, int on)
{
	if (on)
		*pauses |= p;
	else
		*pauses &= ~(unsigned)p;
}

static void
set_output_pauses(struct job *j)
{
	struct emit *e = &j->emit;

	set_pause(&j->pauses, PAUSE_SINK,
	    e->out->ops->is_full(e->out) || failed_input_is_full(j));
	set_pause(&j->pauses, PAUSE_SPILL,
	    e->order != NULL && !order_retry_disk(e->order));
}

void
sched_update_pauses(struct core *c)
{
	struct sched *s = &c->sched;
	struct link *k;
	struct job *j;

	account_update(c);
	parse_resume_pools(c);
	if (!account_is_over(c))
		s->exempt = NULL;
	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, struct job, of_core);
		set_output_pauses(j);
		if (j->ready.n > 0 && engine_may_start(c) &&
		    j->pace.next_at_us > c->clock.now_us)
			j->pace.held_at_us = c->clock.now_us;
	}
	set_pause(&s->pauses, PAUSE_MEMORY, lacks_memory(c));
	set_pause(&s->pauses, PAUSE_POOL, parse_is_full(c));
	set_pause(&s->pauses, PAUSE_FILES, save_is_full(c));
	if (s->pauses & PAUSE_POOL)
		s->pool_held_at_us = c->clock.now_us;
	if (s->pauses & PAUSE_FD && (c->clock.now_us >= s->fd_retry_at_us ||
					conns_open(c->conns) < s->fd_open))
		set_pause(&s->pauses, PAUSE_FD, 0);
	if (s->pauses & PAUSE_FD) /* the timer may fire a little early */
		timer_set(s->fd_timer, s->fd_retry_at_us);
}

/*
 * May f read over --max-buffer before `than`? The one begun first may, as it is
 * likely to end first and free its memory. A stream may last for ever and holds
 * only part of a line: after all others, the one that holds most first.
 */
static int
has_precedence(const struct fetch *f, const struct fetch *than)
{
	int is_stream = f->x->stream_mode != OUTPUT_STREAM_NONE;

	if (is_stream != (than->x->stream_mode != OUTPUT_STREAM_NONE))
		return !is_stream;
	if (is_stream)
		return f->x->charged > than->x->charged;
	if (f->x->slot_at_us != than->x->slot_at_us)
		return f->x->slot_at_us < than->x->slot_at_us;
	return f->seq < than->seq;
}

/* The fetch of a list with precedence over all others and f, of those whose
 * peer sent bytes lately: a silent peer must not keep all others waiting. */
static struct fetch *
first_of(const struct list *l, struct fetch *f)
{
	int64_t since = f->core->clock.now_us - SILENT_US;
	struct fetch *g;
	struct link *k;

	for (k = list_first(l); k != NULL; k = list_next(l, k)) {
		g = CONTAINER(k, struct fetch, link);
		if (g->is_hook_due)
			continue; /* it has nothing to read yet */
		if ((g->x->paused_at_us != 0 ||
			conn_moved_at_us(g->x->conn) > since) &&
		    has_precedence(g, f))
			f = g;
	}
	return f;
}

static struct fetch *
choose_exempt(struct fetch *f)
{
	struct core *c = f->core;

	return first_of(&c->state[FETCH_RECEIVING], first_of(&c->paused, f));
}

int
sched_must_pause(struct fetch *f)
{
	const struct emit *e = &f->job->emit;
	struct core *c = f->core;

	if (e->out->ops->is_full(e->out) ||
	    (f->x->stream_mode != OUTPUT_STREAM_NONE && output_is_blocked(f)))
		return WAIT_OUTPUT_BLOCKED;
	if (!save_has_room(f))
		return WAIT_OUTPUT_BLOCKED;
	if (e->order != NULL && order_next_place(e->order) == f->place)
		return 0; /* in order, all others wait for f */
	if (f->x->stream_mode != OUTPUT_STREAM_NONE && !output_has_room(f))
		return WAIT_ORDER;
	if (!account_is_over(c) || e->unfinished == f)
		return 0; /* f's line must be complete before others */
	if (c->state[FETCH_SAVING].n + c->state[FETCH_PARSING].n > 0)
		return WAIT_MEMORY; /* saved and parsed ones will free some */
	if (c->sched.exempt == NULL) {
		c->sched.exempt = choose_exempt(f);
		c->sched.exempt_at_us = c->clock.now_us;
	}
	return f != c->sched.exempt ? WAIT_MEMORY : 0;
}

static void
on_fd_retry(void *arg)
{
	struct core *c = arg;

	clock_tick(&c->clock); /* only wakes the loop */
}

void
sched_begin_fd_wait(struct core *c)
{
	idle_close(c, FD_IDLE_CLOSED, "fd_limit");
	c->sched.pauses |= PAUSE_FD;
	c->sched.fd_open = conns_open(c->conns);
	c->sched.fd_retry_at_us = c->clock.now_us + FD_RETRY_US;
	if (c->sched.fd_timer == NULL)
		c->sched.fd_timer = timer_new(c->base, on_fd_retry, c);
	timer_set(c->sched.fd_timer, c->sched.fd_retry_at_us);
}

void
sched_end_fd_wait(struct fetch *f)
{
	if (f->fd_since_at_us == 0)
		return;
	stats_wait(&f->job->stats, WAIT_FD_LIMIT,
	    f->core->clock.now_us - f->fd_since_at_us);
	f->fd_since_at_us = 0;
}

void
sched_stop(struct core *c)
{
	c->sched.pauses |= PAUSE_STOP;
	idle_close(c, c->idle_pool.list.n, "run_stops");
}

/* ---- the end ---- */

int
sched_is_done(const struct core *c)
{
	const struct link *k;

	if (c->sched.pauses & PAUSE_STOP)
		return c->sched.slots == 0 && c->state[FETCH_SAVING].n == 0 &&
		       c->state[FETCH_PARSING].n == 0 && c->emitting == 0 &&
		       c->run.n == 0;
	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k))
		if (!job_is_done(CONTAINER(k, const struct job, of_core)))
			return 0;
	return 1;
}
