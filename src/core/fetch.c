/* SPDX-License-Identifier: ISC */
/*
 * The life of an item. fetch_enter() enters a state, whose hook then runs from
 * the run queue; events of the connection and the timer arrive here, and each
 * verdict leads to another state. The modules it calls do the work.
 */
#include "core/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/trace.h"
#include "core/deadline.h"
#include "core/output/emit.h"
#include "core/origin/backoff.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "core/output/stream.h"
#include "core/origin/network.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/output/parse.h"
#include "core/output/save.h"
#include "core/retry.h"
#include "core/sched.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/files/files.h"
#include "io/timer.h"

#define SPARE_MAX 1024 /* fetches kept for the next items */

typedef void state_hook(struct fetch *f);

static void enter_connecting(struct fetch *f);
static void enter_tls(struct fetch *f);
static void enter_sending(struct fetch *f);
static void enter_saving(struct fetch *f);
static void enter_parsing(struct fetch *f);
static void enter_emitting(struct fetch *f);
static void enter_done(struct fetch *f);

static const struct {
	const char *name;
	enum phase phase;
	state_hook *hook;
} states[CORE_STATES] = {
#define STATE(id, number, name, phase, deadline, option, err, hook) \
	[FETCH_##id] = { name, phase, hook },
#include "core/states.h"
#undef STATE
};

#define TO(s) (1u << FETCH_##s)

/* The allowed moves: bit n of row m, from m to n. */
static const unsigned moves[CORE_STATES] = {
	[FETCH_QUEUED] =
	    TO(CONNECTING) | TO(SENDING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_CONNECTING] = TO(TLS) | TO(SENDING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_TLS] = TO(SENDING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_SENDING] = TO(AWAITING) | TO(RECEIVING) | TO(CONNECTING) |
			  TO(QUEUED) | TO(SAVING) | TO(PARSING) | TO(EMITTING),
	[FETCH_AWAITING] = TO(RECEIVING) | TO(CONNECTING) | TO(QUEUED) |
			   TO(SAVING) | TO(PARSING) | TO(EMITTING),
	[FETCH_RECEIVING] = TO(CONNECTING) | TO(QUEUED) | TO(SAVING) |
			    TO(PARSING) | TO(EMITTING),
	[FETCH_SAVING] = TO(PARSING) | TO(EMITTING),
	[FETCH_PARSING] = TO(EMITTING),
	[FETCH_EMITTING] = TO(DONE),
};

const char *
fetch_state_name(enum fetch_state s)
{
	return states[s].name;
}

enum phase
fetch_state_phase(enum fetch_state s)
{
	return states[s].phase;
}

/* ---- memory ---- */

struct fetch *
fetch_new(struct job *j, struct span line)
{
	struct core *c = j->core;
	struct link *k = list_shift(&c->spare.fetches);
	size_t heap = line.n > FETCH_INLINE ? line.n : 0;
	struct fetch *f;
	char *copy;

	f = k != NULL ? CONTAINER(k, struct fetch, link)
		      : mem_alloc(sizeof(*f));
	memset(f, 0, offsetof(struct fetch, inlined));
	account_set(&c->account, ACCOUNT_ITEMS, &f->charged, sizeof(*f) + heap);
	copy = heap == 0 ? f->inlined : mem_alloc(heap);
	memcpy(copy, line.p, line.n);
	f->line = span_of(copy, line.n);
	f->job = j;
	f->core = c;
	f->read_at_us = c->clock.now_us;
	f->is_new = 1;
	j->alive++;
	c->alive++;
	return f;
}

static void
destroy(struct fetch *f)
{
	struct core *c = f->core;

	CHECK(!link_on(&f->link) && !link_on(&f->run) && f->x == NULL);
	if (f->line.p != f->inlined)
		free((void *)(uintptr_t)f->line.p);
	free(f->note);
	free(f->cost);
	history_release(f);
	f->job->alive--;
	c->alive--;
	account_set(&c->account, ACCOUNT_ITEMS, &f->charged, 0);
	if (c->spare.fetches.n < SPARE_MAX)
		list_unshift(&c->spare.fetches, &f->link);
	else
		free(f);
}

/* ---- state ---- */

static int
has_slot(enum fetch_state s)
{
	return s >= FETCH_CONNECTING && s <= FETCH_RECEIVING;
}

static struct list *
list_of(struct fetch *f, enum fetch_state s)
{
	return s == FETCH_EMITTING ? &f->job->emit.waiting : &f->core->state[s];
}

static void
leave_lists(struct fetch *f)
{
	if (!link_on(&f->link))
		return;
	if (f->state == FETCH_QUEUED)
		sched_unqueue(f);
	else if (f->x != NULL && f->x->paused_at_us != 0) {
		list_remove(&f->core->paused, &f->link);
		xchg_count_pause(f->x);
		f->x->paused_at_us = 0;
		if (f->x->conn != NULL)
			conn_resume(f->x->conn);
		fetch_run(f); /* no event may come for unread bytes */
	} else
		list_remove(list_of(f, f->state), &f->link);
	f->core->emitting -= f->state == FETCH_EMITTING;
}

static void
join_list(struct fetch *f)
{
	if (f->state == FETCH_QUEUED)
		sched_queue(f);
	else if (f->state != FETCH_DONE)
		list_push(list_of(f, f->state), &f->link);
	f->core->emitting += f->state == FETCH_EMITTING;
}

/* A redirect may lead to another origin, a new attempt back to its own. */
static void
take_host(struct fetch *f)
{
	if (f->history == NULL || f->history->next_host == NULL)
		return;
	f->host = f->history->next_host;
	f->history->next_host = NULL;
}

static void
trace_move(const struct fetch *f, enum fetch_state from, enum fetch_state to,
    const char *why)
{
	const struct xchg *x = f->x;
	struct trace_event *e;

	e = trace_add(f->core->trace);
	e->at_us = f->core->clock.now_us;
	e->kind = TRACE_FETCH_MOVE;
	e->from = (unsigned char)(from | (unsigned)f->is_new * TRACE_NEW);
	e->to = (unsigned char)to;
	e->count = f->attempts;
	e->id = f->seq;
	e->why = why;
	e->other = 0;
	e->value = 0;
	e->text_n = 0;
	if (to == FETCH_QUEUED) {
		trace_set_text(e, f->host->origin);
	} else if (to == FETCH_SENDING) {
		trace_set_text(e, url_target(&x->url));
		e->other = conn_id(x->conn);
	}
	if (x != NULL && x->first_at_us != 0 && xchg_has_head(x))
		e->value = http_status(x->http);
}

static void
trace_dial(const struct fetch *f)
{
	const struct trace_event e = {
		.at_us = f->core->clock.now_us,
		.kind = TRACE_CONN_DIAL,
		.id = f->seq,
		.other = conns_dials(f->core->conns) + 1,
		.count = f->host->naddr,
	};

	trace_put(f->core->trace, &e, f->host->origin);
}

void
fetch_enter(struct fetch *f, enum fetch_state next, const char *why)
{
	enum fetch_state from = f->state;

	CHECK(f->is_new || moves[from] & 1u << next);
	leave_lists(f);
	if (!f->is_new && has_slot(from) && !has_slot(next))
		sched_free_slot(f);
	f->state = (unsigned char)next;
	if (next == FETCH_QUEUED)
		take_host(f);
	trace_move(f, from, next, why);
	f->is_new = 0;
	f->entered_at_us = f->core->clock.now_us;
	join_list(f);
	if (has_slot(next))
		deadline_set(f);
	f->is_hook_due = states[next].hook != NULL;
	if (f->is_hook_due)
		fetch_run(f);
}

/* ---- events ---- */

/* A file of its upload cannot be read: the message names it. */
static void
reject_upload(struct fetch *f)
{
	char *note = f->x->note;

	f->x->note = NULL;
	fetch_reject(f, E_INPUT_INVALID, 1, note);
	free(note);
}

static void
on_failed(struct fetch *f)
{
	struct xchg *x = f->x;
	enum err e = conn_error(x->conn);

	if (e == E_RESOURCE_LIMIT)
		fetch_postpone_no_fd(f);
	else
		fetch_fail(
		    f, e, error_info(e)->phase, conn_error_detail(x->conn));
}

/* Before f connects or sends. 0: its files cannot be opened, and f has moved.
 */
static int
open_upload(struct fetch *f)
{
	enum err e = xchg_open_upload(f->x);

	if (e == E_RESOURCE_LIMIT)
		fetch_postpone_no_fd(f);
	else if (e != E_OK)
		reject_upload(f);
	return e == E_OK;
}

/* The rest of an upload cannot be read. An answer that is coming is better than
 * this error. */
static void
fail_upload(struct fetch *f)
{
	struct xchg *x = f->x;

	if (f->state == FETCH_SENDING) {
		reject_upload(f);
		return;
	}
	x->is_upload_stopped = 1;
	conn_send_stop(x->conn);
}

static void
send_later(struct fetch *f)
{
	f->x->is_send_due = 1;
	fetch_run(f);
}

/*
 * The bytes given to the connection so far are sent: sends the rest of an
 * upload, as far as the connection and the pass's budget allow. It goes on
 * while an answer arrives that came early.
 */
static void
send_rest(struct fetch *f)
{
	struct xchg *x = f->x;
	struct span piece;

	x->is_send_due = 0;
	while (xchg_has_upload_left(x)) {
		if (x->is_upload_stopped)
			return;
		if (xchg_read_upload(x, &piece) == -1) {
			fail_upload(f);
			return;
		}
		f->job->stats.bytes_out += piece.n;
		if (conn_send_more(x->conn, piece) != CONN_DONE)
			return;
		clock_tick(&f->core->clock);
		if (xchg_has_upload_left(x) &&
		    clock_is_over_budget(&f->core->clock)) {
			send_later(f);
			return;
		}
	}
	if (f->state == FETCH_SENDING)
		fetch_enter(f, FETCH_AWAITING, "sent");
}

static void
on_conn(void *arg, enum conn_event ev)
{
	struct fetch *f = arg;
	struct xchg *x = f->x;
	int64_t now = clock_tick(&f->core->clock);

	switch (ev) {
	case CONN_UP:
		x->up_at_us = now;
		f->host->has_worked = 1;
		network_connected(f->core, conn_peer(x->conn));
		sched_end_fd_wait(f);
		if (f->host->scheme == URL_HTTPS) {
			fetch_enter(f, FETCH_TLS, "connected");
			return;
		}
		backoff_connected(f);
		fetch_enter(f, FETCH_SENDING, "connected");
		return;
	case CONN_SECURE:
		x->secure_at_us = now;
		stats_wait(&f->job->stats, WAIT_HANDSHAKE,
		    conn_handshake_queue_us(x->conn));
		backoff_connected(f);
		fetch_enter(f, FETCH_SENDING, "handshake_done");
		return;
	case CONN_DRAINED:
		if (xchg_has_upload_left(x) &&
		    clock_is_over_budget(&f->core->clock))
			send_later(f);
		else
			send_rest(f);
		return;
	case CONN_READABLE:
		if (clock_is_over_budget(&f->core->clock))
			fetch_run(f);
		else
			fetch_read(f);
		return;
	case CONN_FAILED:
		on_failed(f);
		return;
	}
}

static void
on_timer(void *arg)
{
	struct xchg *x = arg;
	struct fetch *f = x->fetch;
	int must_read = 0;
	enum err e;

	clock_tick(&x->core->clock);
	if (f == NULL || !has_slot(f->state))
		return; /* the next fetch with x sets the timer again */
	e = deadline_check(f, &must_read);
	if (e != E_OK)
		fetch_fail(f, e, PHASE_STRUCK, NULL);
	else if (must_read)
		fetch_run(f);
}

void
fetch_on_parsed(struct pool_doc *d, const struct pool_result *r)
{
	struct fetch *f = d->arg;

	CHECK(f->state == FETCH_PARSING);
	if (parse_take(f, r))
		fetch_enter(f, FETCH_EMITTING,
		    r->error != PARSE_OK ? parse_error_code(r->error)
					 : "parsed");
}

/* ---- entry hooks ---- */

/* The part of its wait that was for the look-up it now uses. */
static int64_t
lookup_wait_us(const struct fetch *f)
{
	const struct host *h = f->host;
	int64_t from = h->lookup_at_us > f->entered_at_us ? h->lookup_at_us
							  : f->entered_at_us;

	return h->answer_at_us > from ? h->answer_at_us - from : 0;
}

static void
begin_attempt(struct fetch *f)
{
	struct xchg *x = f->x;

	if (f->job->opts->include_attempts)
		(void)history_of(f);
	x->is_counted = f->history == NULL || !f->history->continues_attempt;
	if (f->history != NULL)
		f->history->continues_attempt = 0;
	f->attempts += x->is_counted != 0;
	if (f->begun_at_us == 0)
		f->begun_at_us = x->start_at_us;
}

void
fetch_start(struct fetch *f, struct conn *conn)
{
	struct core *c = f->core;
	struct xchg *x = xchg_take(c, f);
	int64_t lookup_us = conn == NULL ? lookup_wait_us(f) : 0;
	enum err e;

	if (x->timer == NULL)
		x->timer = timer_new(c->base, on_timer, x);
	f->x = x;
	x->conn = conn;
	x->start_at_us = c->clock.now_us;
	/* First, as the line may have a timeout of its own. */
	e = xchg_prepare(x, f);
	if (e != E_OK) {
		conn_close(&x->conn, error_code(e));
		if (e == E_REDIRECT_INVALID)
			fetch_fail(f, e, PHASE_REDIRECT, NULL);
		else
			fetch_reject(f, e, 1, x->note);
		return;
	}
	x->slot_at_us = c->clock.now_us;
	x->start_at_us -= lookup_us;
	x->looked_up_at_us = c->clock.now_us;
	x->is_reused = conn != NULL;
	begin_attempt(f);
	sched_take_slot(f, lookup_us);
	if (conn != NULL)
		fetch_enter(f, FETCH_SENDING, "reused");
	else
		fetch_enter(f, FETCH_CONNECTING, "slot");
	if (conn != NULL)
		conn_set_owner(conn, on_conn, f);
}

static void
enter_connecting(struct fetch *f)
{
	struct xchg *x = f->x;
	struct host *h = f->host;

	/* Before the dial, in case there is no descriptor. */
	if (!open_upload(f))
		return;
	trace_dial(f);
	if (conn_dial(f->core->conns, h->addr, h->naddr, h->port, on_conn, f,
		&x->conn) == CONN_BUSY)
		fetch_postpone_no_fd(f);
}

static void
enter_tls(struct fetch *f)
{
	conn_secure(f->x->conn, f->host->name);
}

static void
enter_sending(struct fetch *f)
{
	struct xchg *x = f->x;
	struct core *c = f->core;

	if (!open_upload(f))
		return;
	if (xchg_has_upload_left(x) &&
	    xchg_read_upload(x, &x->body_out) == -1) {
		reject_upload(f);
		return;
	}
	if (!fetch_ask_to_send(f)) {
		f->is_hook_due = 1; /* when it is resumed */
		fetch_pause(f, WAIT_JOURNAL);
		return;
	}
	x->window_at_us = c->clock.now_us;
	f->job->stats.requests++;
	f->job->stats.conns_reused += (unsigned)x->is_reused;
	f->job->stats.bytes_out += x->head.n + x->body_out.n;
	sched_sent(f);
	if (conn_send(x->conn, buf_view(&x->head), x->body_out) == CONN_DONE)
		send_rest(f);
	if (fetch_is_reading(f) && conn_has_more(x->conn))
		fetch_run(f);
}

/* Its file is finished, or could not be. */
static void
on_saved(void *arg, const struct body_file_result *r)
{
	struct fetch *f = arg;
	enum err e;

	clock_tick(&f->core->clock);
	CHECK(f->state == FETCH_SAVING);
	e = save_take(f, r);
	if (e != E_OK) {
		f->err = (unsigned char)e;
		f->phase = (unsigned char)error_info(e)->phase;
	}
	if (e == E_DIGEST_MISMATCH)
		history_set_error(f, e);
	fetch_enter(f, parse_prepare(f) ? FETCH_PARSING : FETCH_EMITTING,
	    e != E_OK ? error_code(e) : "saved");
}

static void
enter_saving(struct fetch *f)
{
	/* Now, as the next starts are decided in this pass. */
	if (save_is_full(f->core))
		f->core->sched.pauses |= PAUSE_FILES;
	save_start(f, on_saved);
}

static void
enter_parsing(struct fetch *f)
{
	parse_start(f);
}

static void
enter_emitting(struct fetch *f)
{
	if (!emit_record(f, 0))
		return;
	xchg_release(&f->x);
	fetch_enter(f, FETCH_DONE, "written");
}

/* Tries each waiting record once: one that waits for --keep-order's file does
 * not hold up the others. */
void
fetch_emit_waiting(struct job *j)
{
	const struct emit *e = &j->emit;
	const struct list *l = &e->waiting;
	struct link *k = list_first(l), *next;
	struct fetch *f;

	for (; k != NULL && !e->out->ops->is_full(e->out); k = next) {
		next = list_next(l, k);
		f = CONTAINER(k, struct fetch, link);
		if (e->unfinished != NULL && e->unfinished != f)
			continue;
		if (link_on(&f->run))
			return; /* its own hook comes first */
		if (output_has_room(f))
			enter_emitting(f);
	}
}

static void
enter_done(struct fetch *f)
{
	if (f->x != NULL)
		xchg_release(&f->x);
	destroy(f);
}

void
fetch_drop(struct fetch *f)
{
	const struct trace_event e = {
		.at_us = f->core->clock.now_us,
		.kind = TRACE_FETCH_DROP,
		.id = f->seq,
		.count = f->attempts,
		.why = "run_ended",
	};

	trace_put(f->core->trace, &e, SPAN_NONE);
	if (f->state == FETCH_QUEUED && !f->is_new)
		sched_count_wait(f);
	leave_lists(f);
	if (link_on(&f->run))
		list_remove(&f->core->run, &f->run);
	if (has_slot(f->state))
		sched_free_slot(f);
	if (f->job->emit.unfinished == f)
		f->job->emit.unfinished = NULL;
	/* The items after it in order must not wait for it; unless it will be
	 * requested again: then they come after it in the next run. */
	if (f->job->emit.order != NULL && f->state != FETCH_DONE &&
	    !f->job->is_resumable)
		order_end(f->job->emit.order, f->place, NULL);
	parse_cancel(f);
	if (f->x != NULL) {
		conn_close(&f->x->conn, "run_ended");
		xchg_release(&f->x);
	}
	destroy(f);
}

/* ---- the run queue ---- */

void
fetch_run(struct fetch *f)
{
	if (!link_on(&f->run))
		list_push(&f->core->run, &f->run);
}

void
fetch_run_queue(struct core *c)
{
	struct link *k;
	struct fetch *f;

	while ((k = list_shift(&c->run)) != NULL) {
		f = CONTAINER(k, struct fetch, run);
		clock_tick(&c->clock);
		if (f->is_hook_due) {
			f->is_hook_due = 0;
			states[f->state].hook(f);
		} else if (fetch_is_reading(f)) {
			if (f->x->is_send_due)
				send_rest(f);
			if (fetch_is_reading(f))
				fetch_read(f);
		}
		if (clock_is_over_budget(&c->clock))
			return;
	}
}
