/* SPDX-License-Identifier: ISC */
/*
 * Admission. Hosts that may start something take turns; each start, each freed
 * slot and each answer moves one host, so the cost of a decision does not grow
 * with their number. Knows nothing of how a fetch goes on.
 */
#include "core/sched.h"

#include "base/check.h"
#include "core/fetch.h"
#include "core/host.h"
#include "core/item.h"
#include "core/xchg.h"
#include "io/conn.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/timer.h"

#define KNOWN_MAX 65536 /* items that wait for a slot */
#define KNOWN_BYTES_MAX (16u << 20)
#define LINES_A_TURN 512
#define AHEAD_MIN 16 /* hosts looked up ahead of their turn */
#define LOOKUPS_MAX 500
#define FD_RETRY_US 50000
#define FD_IDLE_CLOSED 8 /* idle connections closed for want of one */

/* ---- queue and slots ---- */

void
sched_queue(struct fetch *f)
{
	struct core *c = f->core;

	if (f->attempts > 0 || f->fd_since_us != 0)
		list_unshift(&f->host->waiting, &f->link);
	else
		list_push(&f->host->waiting, &f->link);
	c->known++;
	c->known_bytes += f->line.n;
	host_update(f->host);
}

void
sched_unqueue(struct fetch *f)
{
	struct core *c = f->core;

	list_remove(&f->host->waiting, &f->link);
	c->known--;
	c->known_bytes -= f->line.n;
	host_update(f->host);
}

void
sched_take_slot(struct fetch *f, int64_t looked_us)
{
	struct core *c = f->core;
	int64_t waited = c->now_us - f->read_us - looked_us;

	c->slots++;
	f->host->active++;
	if (looked_us > 0)
		stats_wait(&c->stats, WAIT_DNS, looked_us);
	if (f->fd_since_us != 0)
		waited = 0; /* sched_has_fd counts it */
	if (waited > 0)
		stats_wait(&c->stats,
		    f->host->was_full ? WAIT_HOST_LIMIT : WAIT_SLOT, waited);
}

void
sched_free_slot(struct fetch *f)
{
	struct core *c = f->core;

	CHECK(c->slots > 0 && f->host->active > 0);
	c->slots--;
	f->host->active--;
	host_update(f->host);
}

/* ---- input ---- */

/*
 * Hosts are ready and wait for slots, and more than enough wait behind them
 * for their look-ups: more lines would start nothing sooner.
 */
static int
is_far_ahead(const struct core *c)
{
	return c->ready.n > 0 &&
	       c->startable + c->want.n >= 4 * (uint64_t)c->opts->concurrency;
}

static int
wants_input(const struct core *c)
{
	return !c->input_ended && c->pauses == 0 &&
	       c->startable < 4 * (uint64_t)c->opts->concurrency &&
	       !is_far_ahead(c) && c->known < KNOWN_MAX &&
	       c->known_bytes < KNOWN_BYTES_MAX &&
	       c->state[FETCH_EMITTING].n < KNOWN_MAX;
}

/* Returns 0 if it waits for input or there is no more. */
static int
read_input(struct core *c)
{
	struct source_line line;
	int n;

	for (n = 0; n < LINES_A_TURN && wants_input(c); n++) {
		if (c->seq >= (uint64_t)c->opts->limit) {
			c->input_ended = 1;
			break;
		}
		switch (source_next(c->source, &line)) {
		case SOURCE_LINE:
			item_begin(c, &line);
			break;
		case SOURCE_WAIT:
			return 0;
		case SOURCE_MORE:
			return 1;
		case SOURCE_END:
			c->input_ended = 1;
			break;
		case SOURCE_FAILED:
			c->input_ended = c->input_failed = 1;
			break;
		}
	}
	return !c->input_ended;
}

/* ---- look-ups ---- */

static void
look_up_ahead(struct core *c)
{
	size_t ahead = (size_t)c->opts->concurrency;
	size_t most = 2 * (size_t)c->opts->concurrency;
	struct host *h;

	if (ahead < AHEAD_MIN)
		ahead = AHEAD_MIN;
	if (most < AHEAD_MIN)
		most = AHEAD_MIN;
	if (most > LOOKUPS_MAX)
		most = LOOKUPS_MAX;
	while (c->want.n > 0 && c->lookups < most && c->ready.n < ahead &&
	       !(c->pauses & PAUSE_STOP)) {
		h = CONTAINER(list_first(&c->want), struct host, link);
		host_look_up(h);
	}
}

static int
is_over_memory(const struct core *c, uint64_t limit)
{
	return c->opts->max_buffer_bytes > 0 &&
	       c->held_bytes + sink_pending(c->out) > limit;
}

/* ---- starting ---- */

static int
may_start(const struct core *c)
{
	return c->pauses == 0 && c->ready.n > 0 &&
	       !is_over_memory(c, c->opts->max_buffer_bytes) &&
	       c->slots < (uint64_t)c->opts->concurrency;
}

static void
start_next(struct core *c)
{
	struct host *h = CONTAINER(list_first(&c->ready), struct host, link);
	struct fetch *f =
	    CONTAINER(list_first(&h->waiting), struct fetch, link);
	struct conn *conn = host_unpark(h, !item_is_idempotent(f));

	if (conn == NULL && !host_is_fresh(h, f, c->now_us)) {
		host_look_up(h);
		return;
	}
	fetch_start(f, conn);
	host_update(h);
	host_rotate(h);
}

int
sched_pump(struct core *c)
{
	int more;

	core_tick(c);
	more = read_input(c);
	look_up_ahead(c);
	while (may_start(c))
		start_next(c);
	look_up_ahead(c);
	return (more && wants_input(c)) || may_start(c);
}

/* ---- pauses ---- */

static void
set_pause(struct core *c, enum core_pause p, int on)
{
	if (on)
		c->pauses |= p;
	else
		c->pauses &= ~(unsigned)p;
}

void
sched_judge_pauses(struct core *c)
{
	uint64_t limit = c->opts->max_buffer_bytes;

	set_pause(c, PAUSE_SINK, sink_is_full(c->out));
	set_pause(c, PAUSE_MEMORY, is_over_memory(c, limit));
	if (c->pauses & PAUSE_FD &&
	    (c->now_us >= c->fd_retry_us || conns_open(c->conns) < c->fd_open))
		set_pause(c, PAUSE_FD, 0);
	if (c->pauses & PAUSE_FD) /* it may have fired a little early */
		timer_set(c->fd_timer, c->fd_retry_us);
}

/* Over --max-buffer one goes on reading: the one that has read longest. */
static const struct fetch *
exempt(const struct core *c)
{
	struct link *k = list_first(&c->state[FETCH_RECEIVING]);

	if (k == NULL)
		k = list_first(&c->paused);
	return k != NULL ? CONTAINER(k, struct fetch, link) : NULL;
}

int
sched_must_pause(const struct fetch *f)
{
	const struct core *c = f->core;
	const struct fetch *e;

	if (sink_is_full(c->out))
		return 1;
	if (!is_over_memory(c, c->opts->max_buffer_bytes))
		return 0;
	e = exempt(c);
	return e != NULL && f != e;
}

static void
on_fd_retry(void *arg)
{
	core_tick(arg); /* the turn goes on to judge and pump */
}

void
sched_lacks_fd(struct core *c)
{
	hosts_close_idle(c, FD_IDLE_CLOSED);
	c->pauses |= PAUSE_FD;
	c->fd_open = conns_open(c->conns);
	c->fd_retry_us = c->now_us + FD_RETRY_US;
	if (c->fd_timer == NULL)
		c->fd_timer = timer_new(c->base, on_fd_retry, c);
	timer_set(c->fd_timer, c->fd_retry_us);
}

void
sched_has_fd(struct fetch *f)
{
	if (f->fd_since_us == 0)
		return;
	stats_wait(
	    &f->core->stats, WAIT_FD_LIMIT, f->core->now_us - f->fd_since_us);
	f->fd_since_us = 0;
}

void
sched_stop(struct core *c)
{
	c->pauses |= PAUSE_STOP;
	hosts_close_idle(c, c->idle.n);
}

/* ---- the end, and why ---- */

int
sched_is_done(const struct core *c)
{
	if (c->pauses & PAUSE_STOP)
		return c->slots == 0 && c->state[FETCH_EMITTING].n == 0 &&
		       c->run.n == 0;
	return c->input_ended && c->alive == 0;
}

int
sched_has_left(struct core *c)
{
	struct source_line line;
	enum source_verdict v;

	if (c->alive > 0)
		return 1;
	return !c->input_ended && c->seq < (uint64_t)c->opts->limit &&
	       ((v = source_next(c->source, &line)) == SOURCE_LINE ||
		   v == SOURCE_MORE);
}

static const char *
why_queued(const struct fetch *f)
{
	const struct core *c = f->core;

	if (f->host->place == HOST_WANT || f->host->place == HOST_LOOKUP)
		return stats_wait_name(WAIT_DNS);
	if (f->host->place == HOST_FULL)
		return stats_wait_name(WAIT_HOST_LIMIT);
	if (c->pauses & PAUSE_FD)
		return stats_wait_name(WAIT_FD_LIMIT);
	if (c->pauses & PAUSE_SINK)
		return stats_wait_name(WAIT_OUTPUT_BLOCKED);
	if (c->pauses & PAUSE_MEMORY)
		return stats_wait_name(WAIT_MEMORY);
	return stats_wait_name(WAIT_SLOT);
}

const char *
sched_why(const struct fetch *f)
{
	const struct core *c = f->core;

	if (f->state == FETCH_QUEUED)
		return why_queued(f);
	if (f->state == FETCH_EMITTING && sink_is_full(c->out))
		return stats_wait_name(WAIT_OUTPUT_BLOCKED);
	if (f->x != NULL && f->x->paused_us != 0)
		return stats_wait_name(
		    sink_is_full(c->out) ? WAIT_OUTPUT_BLOCKED : WAIT_MEMORY);
	if (f->x != NULL && f->x->conn != NULL && conn_is_held(f->x->conn))
		return stats_wait_name(WAIT_HANDSHAKE);
	return NULL;
}
