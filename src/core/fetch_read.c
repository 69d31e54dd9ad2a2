/* SPDX-License-Identifier: ISC */
/*
 * Arriving bytes: reads from the connection, feeds the exchange, acts on its
 * verdict; pauses and resumes. Knows nothing of how a fetch began or where its
 * record goes.
 */
#include "core/deadline.h"
#include "core/fetch.h"
#include "core/origin/idle.h"
#include "core/retry.h"
#include "core/sched.h"
#include "core/xchg.h"
#include "io/sink.h"

#define READS_MAX 8 /* of one fetch, before others run */

/* Are these bytes not an answer, but the rest of the one before? */
static int
is_stray(const struct xchg *x)
{
	return x->is_reused && !xchg_has_head(x) &&
	       (x->err == E_HTTP_NOT_HTTP || x->err == E_HTTP_BAD_STATUS_LINE);
}

/* Acts on the verdict on the bytes read. Returns nonzero to read on. */
static int
act(struct fetch *f, enum xchg_verdict v, struct span left_over)
{
	struct xchg *x = f->x;

	if (v == XCHG_BAD && is_stray(x) && fetch_resend_stray(f))
		return 0;
	if (x->first_at_us == 0 && xchg_has_begun(x)) {
		x->first_at_us = f->core->clock.now_us;
		if (v == XCHG_MORE || v == XCHG_AGAIN)
			fetch_enter(f, FETCH_RECEIVING, "first_byte");
	}
	switch (v) {
	case XCHG_MORE:
		if (x->drain_at_us != 0 ||
		    x->refused_at_us == f->core->clock.now_us)
			deadline_set(f);
		return 1;
	case XCHG_HEAD: /* read_once has asked what it leads to */
		return 0;
	case XCHG_AGAIN:
		fetch_run(f);
		return 0;
	case XCHG_DONE:
		fetch_succeed(f, left_over);
		return 0;
	case XCHG_CUT:
		fetch_cut(f);
		return 0;
	case XCHG_BAD:
		fetch_fail(f, x->err, x->phase, x->detail);
		return 0;
	}
	return 0;
}

static void
on_reset(struct fetch *f)
{
	struct xchg *x = f->x;
	enum err e = conn_error(x->conn);
	const char *detail = conn_error_detail(x->conn);
	enum phase p = PHASE_STRUCK;

	if (e == E_RECV_RESET && fetch_resend(f, e))
		return;
	if (e == E_RECV_RESET && xchg_has_head(x))
		e = E_HTTP_TRUNCATED;
	else if (e == E_RECV_RESET && !xchg_has_begun(x))
		p = PHASE_TTFB;
	else if (e != E_RECV_RESET && e != E_TLS_RECORD_ERROR)
		p = PHASE_TLS;
	fetch_fail(f, e, p, detail);
}

/* The peer has closed or reset the connection. */
static void
on_end(struct fetch *f, enum conn_end end)
{
	struct xchg *x = f->x;
	int errnum = conn_send_errno(x->conn);

	if (errnum != 0 && !xchg_has_begun(x)) {
		if (!fetch_resend(f, E_SEND_FAILED))
			fetch_fail(f, E_SEND_FAILED, PHASE_SEND,
			    error_errno_name(errnum));
		return;
	}
	if (end == CONN_END_ERROR) {
		on_reset(f);
		return;
	}
	if (!xchg_has_begun(x) && fetch_resend(f, E_EMPTY_REPLY))
		return;
	(void)act(f, xchg_end(x, end == CONN_END_CLEAN), SPAN_NONE);
}

void
fetch_pause(struct fetch *f, int why)
{
	struct core *c = f->core;

	conn_pause(f->x->conn);
	list_remove(&c->state[f->state], &f->link);
	f->x->paused_at_us = c->clock.now_us;
	f->x->paused_for = why;
	list_push(&c->paused, &f->link);
}

static void
resume(struct fetch *f)
{
	struct core *c = f->core;

	list_remove(&c->paused, &f->link);
	xchg_count_pause(f->x);
	f->x->paused_at_us = 0;
	list_push(&c->state[f->state], &f->link);
	conn_resume(f->x->conn);
	deadline_set(f);
	if (f->is_hook_due || conn_has_more(f->x->conn) || f->x->has_backlog)
		fetch_run(f);
}

/* Why f must stay paused; 0: it need not. */
static int
why_still_paused(struct fetch *f)
{
	if (f->is_hook_due)
		return fetch_ask_to_send(f) ? 0 : WAIT_JOURNAL;
	return sched_must_pause(f);
}

int
fetch_is_reading(const struct fetch *f)
{
	return f->state >= FETCH_SENDING && f->state <= FETCH_RECEIVING;
}

/* Reads once and acts on the verdict. Returns nonzero to read on. */
static int
read_once(struct fetch *f)
{
	struct core *c = f->core;
	struct xchg *x = f->x;
	enum xchg_verdict v;
	enum conn_end end;
	size_t n, used;

	if (x->has_backlog)
		return act(f, xchg_continue(x), SPAN_NONE);
	n = conn_read(x->conn, c->spare.read_buf, CORE_READ_BYTES, &end);
	if (n == 0) {
		if (end != CONN_END_NONE)
			on_end(f, end);
		return 0;
	}
	f->job->stats.bytes_in += n;
	v = xchg_input(x, span_of(c->spare.read_buf, n));
	if (v == XCHG_HEAD)
		v = xchg_take_verdict(x, retry_judge_head(f));
	used = http_used(x->http);
	return act(f, v, span_of(c->spare.read_buf + used, n - used));
}

/*
 * Readable before the request is sent. On a kept-alive connection these are
 * unrequested bytes or its end: the request is sent on a new connection.
 */
static void
read_too_early(struct fetch *f)
{
	struct core *c = f->core;
	enum conn_end end;
	size_t n;

	if (!f->x->is_reused)
		return;
	n = conn_read(f->x->conn, c->spare.read_buf, CORE_READ_BYTES, &end);
	if (!idle_is_blank(span_of(c->spare.read_buf, n)))
		idle_stop_reuse(f->host);
	(void)fetch_resend(f, E_EMPTY_REPLY);
}

void
fetch_read(struct fetch *f)
{
	int i, why;

	if (f->is_hook_due) {
		read_too_early(f);
		return;
	}
	for (i = 0; i < READS_MAX && fetch_is_reading(f); i++) {
		if (f->x->paused_at_us != 0)
			return;
		why = sched_must_pause(f);
		if (why != 0) {
			fetch_pause(f, why);
			return;
		}
		if (!read_once(f) || !fetch_is_reading(f))
			return;
		if (!f->x->has_backlog && !conn_has_more(f->x->conn))
			return;
		clock_tick(&f->core->clock);
		if (clock_is_over_budget(&f->core->clock))
			break;
	}
	if (fetch_is_reading(f))
		fetch_run(f);
}

void
fetch_resume_paused(struct core *c)
{
	struct link *k = list_first(&c->paused), *next;
	struct fetch *f;
	int why;

	for (; k != NULL; k = next) {
		next = list_next(&c->paused, k);
		f = CONTAINER(k, struct fetch, link);
		why = why_still_paused(f);
		if (why == 0) {
			resume(f);
		} else if (why != f->x->paused_for) {
			xchg_count_pause(f->x);
			f->x->paused_for = why;
		}
	}
}
