/* SPDX-License-Identifier: ISC */
/*
 * Why an item waits, by the names of stats_wait_name(). Reads the decisions of
 * sched and the origin; changes nothing.
 */
#include <string.h>

#include "base/heap.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/output/output.h"
#include "core/output/parse.h"
#include "core/sched.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/conn/conn.h"

/* Why the engine, or the job as a whole, starts nothing. */
static enum wait_reason
why_paused(const struct job *j)
{
	const struct core *c = j->core;

	if (c->sched.pauses & PAUSE_FD)
		return WAIT_FD_LIMIT;
	if (j->pauses & PAUSE_SINK)
		return WAIT_OUTPUT_BLOCKED;
	if (c->sched.pauses & PAUSE_MEMORY)
		return WAIT_MEMORY;
	if (j->pauses & PAUSE_SPILL)
		return WAIT_ORDER;
	if (c->sched.pauses & PAUSE_FILES)
		return WAIT_OUTPUT_BLOCKED;
	if (c->sched.pauses & PAUSE_POOL)
		return WAIT_WORKER_BUSY;
	return j->pace.next_at_us > c->clock.now_us ? WAIT_RATE : WAIT_SLOT;
}

/* Why the next item of a host does not start. */
static enum wait_reason
why_host(const struct fetch *f)
{
	const struct queue *q = queue_find(f->host, f->job);
	const struct host *h = f->host;

	switch (q->state) {
	case QUEUE_NEEDS_LOOKUP:
	case QUEUE_LOOKING_UP:
		return h->core->network.is_down ? WAIT_NET_DOWN : WAIT_DNS;
	case QUEUE_HELD:
		return q->why_held;
	case QUEUE_FULL:
		if (h->unsent > 0 && f->job->opts->delay_us > 0)
			return WAIT_DELAY;
		if (h->backoff.recovery_limit > 0)
			return h->backoff.why;
		return WAIT_HOST_LIMIT;
	case QUEUE_EMPTY:
	case QUEUE_READY:
	case QUEUE_GIVEN_UP:
	case QUEUE_UNRESOLVED:
		break;
	}
	return why_paused(f->job);
}

static enum wait_reason
why_queued(const struct fetch *f)
{
	if (sched_is_delayed(f))
		return WAIT_BACKOFF;
	if (f->core->sched.pauses & PAUSE_NET)
		return WAIT_NET_DOWN;
	return why_host(f);
}

static int
count_why(void *arg, const struct fetch *f)
{
	size_t *by_reason = arg;

	by_reason[why_queued(f)]++;
	return 1;
}

void
sched_count_waiting(struct core *c, size_t by_reason[WAIT_COUNT])
{
	memset(by_reason, 0, WAIT_COUNT * sizeof(by_reason[0]));
	hosts_each_waiting(c, count_why, by_reason);
}

const char *
sched_why(const struct fetch *f)
{
	if (f->state == FETCH_QUEUED)
		return stats_wait_name(why_queued(f));
	if (f->state == FETCH_EMITTING &&
	    f->job->emit.out->ops->is_full(f->job->emit.out))
		return stats_wait_name(WAIT_OUTPUT_BLOCKED);
	if (f->state == FETCH_EMITTING && f->job->pauses & PAUSE_SPILL)
		return stats_wait_name(WAIT_ORDER);
	if (f->state == FETCH_SAVING)
		return stats_wait_name(WAIT_OUTPUT_BLOCKED);
	if (f->state == FETCH_PARSING && !parse_is_running(f))
		return stats_wait_name(WAIT_WORKER_BUSY);
	if (f->x != NULL && f->x->paused_at_us != 0)
		return stats_wait_name((enum wait_reason)f->x->paused_for);
	if (f->x != NULL && f->x->conn != NULL &&
	    conn_is_in_handshake_queue(f->x->conn))
		return stats_wait_name(WAIT_HANDSHAKE);
	return NULL;
}
