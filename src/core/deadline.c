/* SPDX-License-Identifier: ISC */
/*
 * Detects that a fetch takes too long. Time lost because of us (paused reading,
 * our handshake queue, a process that did not run) does not count. Knows
 * nothing of what follows.
 */
#include "core/deadline.h"

#include "core/fetch.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/conn/conn.h"
#include "io/timer.h"

#define STREAM_IDLE_US (300 * 1000000LL)
/* For a stream that is the only fetch that may read over --max-buffer. */
#define EXEMPT_STREAM_US (60 * 1000000LL)
#define PAUSED_RECHECK_US 100000 /* between checks of a paused fetch */
#define POSTPONE_US 10000        /* until a postponed deadline is checked */
#define POSTPONEMENTS_MAX 64

enum kind { NONE, SINCE, MOVED };

static enum kind
kind_of(enum fetch_state s)
{
	switch (s) {
#define STATE(id, number, name, phase, deadline, option, err, hook) \
	case FETCH_##id: \
		return deadline;
#include "core/states.h"
#undef STATE
	}
	return NONE;
}

static int64_t
limit_of(const struct fetch *f)
{
	switch ((enum fetch_state)f->state) {
#define STATE(id, number, name, phase, deadline, option, err, hook) \
	case FETCH_##id: \
		return f->job->opts->option;
#include "core/states.h"
#undef STATE
	}
	return 0;
}

static enum err
error_of(enum fetch_state s)
{
	switch (s) {
#define STATE(id, number, name, phase, deadline, option, err, hook) \
	case FETCH_##id: \
		return err;
#include "core/states.h"
#undef STATE
	}
	return E_OK;
}

static int64_t
handshake_wait_us(const struct fetch *f)
{
	return f->x->conn != NULL ? conn_handshake_queue_us(f->x->conn) : 0;
}

int64_t
deadline_paused_us(const struct fetch *f, int64_t limit_us)
{
	const struct xchg *x = f->x;
	int64_t paused = x->paused_total_us, memory = x->memory_us;

	if (x->paused_at_us != 0 && x->paused_for == WAIT_MEMORY)
		memory += f->core->clock.now_us - x->paused_at_us;
	else if (x->paused_at_us != 0)
		paused += f->core->clock.now_us - x->paused_at_us;
	return paused + (memory < limit_us ? memory : limit_us);
}

/* Streams have wider limits, but not an answer to a stream's request that turns
 * out not to be one. */
static int
is_stream(const struct fetch *f)
{
	return f->is_streamed && f->x->refused_at_us == 0;
}

/* The item's own timeout, or --max-time; for a stream only if it was given. */
static int64_t
max_time_us(const struct fetch *f)
{
	if (f->x->req.timeout_us >= 0)
		return f->x->req.timeout_us;
	if (is_stream(f) && !opts_given(f->job->opts, OPT_max_time))
		return 0;
	return f->job->opts->max_time_us;
}

/* Without an overall timeout the OPT_UNTIMED_* limits apply. */
static int
is_untimed(const struct fetch *f)
{
	return f->x->req.timeout_us == 0 ||
	       (is_stream(f) && max_time_us(f) == 0);
}

/* --idle-timeout; a stream may be silent for longer. */
static int64_t
idle_us(const struct fetch *f)
{
	if (is_stream(f) && !opts_given(f->job->opts, OPT_idle_timeout))
		return STREAM_IDLE_US;
	return f->job->opts->idle_timeout_us;
}

static int64_t
state_deadline(const struct fetch *f)
{
	int64_t limit = limit_of(f), from = f->entered_at_us;
	enum kind k = kind_of(f->state);

	if (f->state == FETCH_AWAITING && limit == 0 && is_untimed(f))
		limit = OPT_UNTIMED_TTFB_US;
	if (k == MOVED)
		limit = idle_us(f);
	if (k == NONE || limit == 0)
		return TIMER_NEVER;
	if (k == MOVED) {
		if (conn_moved_at_us(f->x->conn) > from)
			from = conn_moved_at_us(f->x->conn);
		return from + limit + standstill_since_us(f->core, from);
	}
	from += f->state == FETCH_TLS ? handshake_wait_us(f)
				      : deadline_paused_us(f, limit);
	limit += standstill_since_us(f->core, f->entered_at_us);
	return from + limit;
}

static uint64_t
moved_bytes(const struct fetch *f)
{
	return f->x->wire_bytes + conn_sent(f->x->conn);
}

static int64_t
speed_limit(const struct fetch *f)
{
	if (is_stream(f) && !opts_given(f->job->opts, OPT_speed_limit))
		return 0;
	if (f->job->opts->speed_limit_bytes == 0 && is_untimed(f))
		return OPT_UNTIMED_SPEED_BYTES;
	return (int64_t)f->job->opts->speed_limit_bytes;
}

static int64_t
speed_time(const struct fetch *f)
{
	if (f->job->opts->speed_time_us == 0 && is_untimed(f))
		return OPT_UNTIMED_SPEED_US;
	return f->job->opts->speed_time_us;
}

static int64_t
all_pauses_us(const struct fetch *f)
{
	return deadline_paused_us(f, INT64_MAX);
}

static int64_t
speed_deadline(const struct fetch *f)
{
	if (f->state != FETCH_SENDING && f->state != FETCH_RECEIVING)
		return TIMER_NEVER;
	if (speed_limit(f) == 0 || f->x->window_at_us == 0)
		return TIMER_NEVER;
	return f->x->window_at_us + all_pauses_us(f) + speed_time(f) +
	       standstill_since_us(f->core, f->x->window_at_us);
}

static int64_t
total_deadline(const struct fetch *f)
{
	int64_t limit = max_time_us(f), paused;

	if (limit == 0 && f == f->core->sched.exempt &&
	    f->x->stream_mode != OUTPUT_STREAM_NONE)
		return f->core->sched.exempt_at_us + EXEMPT_STREAM_US;
	if (limit == 0)
		return TIMER_NEVER;
	paused = deadline_paused_us(f, limit);
	/* It was expected to be a stream: --max-time counts from here. */
	if (f->x->refused_at_us != 0 && f->x->req.timeout_us < 0 &&
	    !opts_given(f->job->opts, OPT_max_time))
		return f->x->refused_at_us + limit + paused;
	if (f->history != NULL)
		limit -= f->history->used_us;
	limit += standstill_since_us(f->core, f->x->slot_at_us);
	return f->x->slot_at_us + limit + paused + handshake_wait_us(f);
}

/* The header section decided the answer; the rest is only read so that the
 * connection can be reused. */
static int64_t
drain_deadline(const struct fetch *f)
{
	return f->x->drain_at_us != 0 ? f->x->drain_at_us : TIMER_NEVER;
}

static int64_t
nearest(const struct fetch *f)
{
	int64_t t = state_deadline(f), u = speed_deadline(f);

	if (u < t)
		t = u;
	u = total_deadline(f);
	if (u < t)
		t = u;
	u = drain_deadline(f);
	return u < t ? u : t;
}

void
deadline_set(struct fetch *f)
{
	int64_t t;

	/* Sending and receiving each begin a new window. */
	if (f->state == FETCH_SENDING || f->state == FETCH_RECEIVING) {
		f->x->window_at_us = f->core->clock.now_us - all_pauses_us(f);
		f->x->window_bytes = f->x->conn != NULL ? moved_bytes(f) : 0;
	}
	t = nearest(f);
	if (t < timer_at(f->x->timer))
		timer_set(f->x->timer, t);
}

/* Nonzero: too slow over a whole window. Otherwise begins the next one. */
static int
judge_speed(struct fetch *f)
{
	struct xchg *x = f->x;
	uint64_t moved = moved_bytes(f) - x->window_bytes;
	uint64_t ms = (uint64_t)(speed_time(f) / 1000), expected = UINT64_MAX;

	if (f->core->clock.now_us < speed_deadline(f))
		return 0;
	if (ms == 0 || (uint64_t)speed_limit(f) <= UINT64_MAX / ms)
		expected = (uint64_t)speed_limit(f) * ms / 1000;
	if (moved < expected)
		return 1;
	x->window_at_us = f->core->clock.now_us - all_pauses_us(f);
	x->window_bytes = moved_bytes(f);
	return 0;
}

static enum err
find_due(struct fetch *f)
{
	int64_t now = f->core->clock.now_us;

	if (now >= state_deadline(f) || now >= drain_deadline(f))
		return error_of(f->state);
	if (judge_speed(f))
		return E_TIMEOUT_SPEED;
	return now >= total_deadline(f) ? E_TIMEOUT_TOTAL : E_OK;
}

/*
 * Postpones a deadline while bytes are unread or the handshake waits for us.
 * With thousands of fetches it may take many passes of the loop until f is run,
 * so only its own runs are counted: a fetch that is due after so many of them
 * is never going to be in time.
 */
static int
postpone(struct fetch *f, int *must_read)
{
	struct xchg *x = f->x;

	if (x->conn != NULL && conn_is_in_handshake_queue(x->conn))
		return 1;
	if (x->conn == NULL || x->postponements == POSTPONEMENTS_MAX ||
	    !conn_is_ready(x->conn))
		return 0;
	x->postponements += !link_on(&f->run);
	*must_read = 1;
	return 1;
}

/* A pause for memory extends --max-time by at most its own length. */
static enum err
check_paused(struct fetch *f)
{
	int64_t now = f->core->clock.now_us, at = total_deadline(f);

	if (f->x->paused_for == WAIT_MEMORY && now >= at)
		return E_TIMEOUT_TOTAL;
	timer_set(f->x->timer, now + PAUSED_RECHECK_US);
	return E_OK;
}

enum err
deadline_check(struct fetch *f, int *must_read)
{
	enum err e = E_OK;

	if (f->x->paused_at_us != 0)
		return check_paused(f);
	if (f->x->conn != NULL)
		e = find_due(f);
	if (e != E_OK && !postpone(f, must_read))
		return e;
	if (e == E_OK)
		f->x->postponements = 0;
	if (e == E_OK)
		timer_set(f->x->timer, nearest(f));
	else
		timer_set(f->x->timer, f->core->clock.now_us + POSTPONE_US);
	return E_OK;
}
