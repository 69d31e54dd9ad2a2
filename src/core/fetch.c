/* SPDX-License-Identifier: ISC */
/*
 * The spine: the whole life of an item. A state is entered by fetch_enter(),
 * its hook runs from the run queue, events of its connection and its timer
 * come in below, and every verdict leads to another state. Knows what comes
 * next; how it is done, the leaves know.
 */
#include "core/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "core/deadline.h"
#include "core/emit.h"
#include "core/govern.h"
#include "core/host.h"
#include "core/idle.h"
#include "core/item.h"
#include "core/net.h"
#include "core/reader.h"
#include "core/retry.h"
#include "core/sched.h"
#include "core/trail.h"
#include "core/xchg.h"
#include "io/sink.h"
#include "io/timer.h"

typedef void state_hook(struct fetch *f);

static void enter_connecting(struct fetch *f);
static void enter_tls(struct fetch *f);
static void enter_sending(struct fetch *f);
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

/* The moves there are: bit n of row m, from m to n. */
static const unsigned moves[CORE_STATES] = {
	[FETCH_QUEUED] =
	    TO(CONNECTING) | TO(SENDING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_CONNECTING] = TO(TLS) | TO(SENDING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_TLS] = TO(SENDING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_SENDING] = TO(AWAITING) | TO(RECEIVING) | TO(CONNECTING) |
			  TO(QUEUED) | TO(EMITTING),
	[FETCH_AWAITING] =
	    TO(RECEIVING) | TO(CONNECTING) | TO(QUEUED) | TO(EMITTING),
	[FETCH_RECEIVING] = TO(QUEUED) | TO(EMITTING),
	[FETCH_EMITTING] = TO(DONE),
};

const char *
fetch_state_name(enum fetch_state s)
{
	return states[s].name;
}

/* ---- birth and death ---- */

struct fetch *
fetch_new(struct core *c, struct span line)
{
	struct link *k = list_shift(&c->spare_fetches);
	struct fetch *f;
	char *copy;

	f = k != NULL ? CONTAINER(k, struct fetch, link)
		      : mem_alloc(sizeof(*f));
	memset(f, 0, offsetof(struct fetch, inlined));
	copy = line.n <= sizeof(f->inlined) ? f->inlined : mem_alloc(line.n);
	memcpy(copy, line.p, line.n);
	f->line = span_of(copy, line.n);
	f->core = c;
	f->opts = c->opts;
	f->read_us = c->now_us;
	f->is_new = 1;
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
	trail_give(f);
	c->alive--;
	list_push(&c->spare_fetches, &f->link);
}

/* ---- the one door ---- */

static int
has_slot(enum fetch_state s)
{
	return s >= FETCH_CONNECTING && s <= FETCH_RECEIVING;
}

static void
leave_lists(struct fetch *f)
{
	if (!link_on(&f->link))
		return;
	if (f->state == FETCH_QUEUED)
		sched_unqueue(f);
	else if (f->x != NULL && f->x->paused_us != 0) {
		list_remove(&f->core->paused, &f->link);
		f->x->stood_us += f->core->now_us - f->x->paused_us;
		f->x->paused_us = 0;
		if (f->x->conn != NULL)
			conn_resume(f->x->conn);
		fetch_run(f); /* of what is unread no event may tell */
	} else
		list_remove(&f->core->state[f->state], &f->link);
}

static void
join_list(struct fetch *f)
{
	if (f->state == FETCH_QUEUED)
		sched_queue(f);
	else if (f->state != FETCH_DONE)
		list_push(&f->core->state[f->state], &f->link);
}

/* A hop may lead to another origin, a new attempt back to its own. */
static void
take_host(struct fetch *f)
{
	if (f->trail == NULL || f->trail->to == NULL)
		return;
	f->host = f->trail->to;
	f->trail->to = NULL;
}

void
fetch_enter(struct fetch *f, enum fetch_state next)
{
	enum fetch_state from = f->state;

	CHECK(f->is_new || moves[from] & 1u << next);
	leave_lists(f);
	if (!f->is_new && has_slot(from) && !has_slot(next))
		sched_free_slot(f);
	f->is_new = 0;
	f->state = (unsigned char)next;
	if (next == FETCH_QUEUED)
		take_host(f);
	f->entered_us = f->core->now_us;
	join_list(f);
	if (has_slot(next))
		deadline_set(f);
	f->is_hook_due = states[next].hook != NULL;
	if (f->is_hook_due)
		fetch_run(f);
}

/* ---- the three moves back ---- */

int
fetch_is_idempotent(const struct fetch *f)
{
	const struct trail *t = f->trail;

	if (t != NULL && t->method.n > 0)
		return http_is_idempotent(t->method);
	return f->is_idempotent;
}

/* RESEND. */
int
fetch_resend(struct fetch *f, enum err e)
{
	struct xchg *x = f->x;

	if (!x->is_reused || x->is_resent || xchg_has_begun(x) ||
	    (!fetch_is_idempotent(f) && conn_sent(x->conn) > 0))
		return 0;
	xchg_note_conn(x);
	f->err = (unsigned char)e;
	trail_note(f);
	f->err = E_OK;
	conn_close(&x->conn);
	xchg_reset(x);
	x->is_resent = 1;
	x->start_us = f->core->now_us;
	x->looked_up_us = x->start_us;
	fetch_enter(f, FETCH_CONNECTING);
	return 1;
}

/* The slot is left, and what went with it. */
static void
enter_queue(struct fetch *f)
{
	fetch_enter(f, FETCH_QUEUED);
	if (f->x != NULL)
		xchg_give(&f->x);
}

/* REDIRECT: the same attempt goes on at its next hop. */
static void
redirect(struct fetch *f)
{
	struct xchg *x = f->x;
	struct trail *t = f->trail;
	int64_t now = f->core->now_us;

	trail_note(f);
	t->hops++;
	t->goes_on = 1;
	t->due_us = 0;
	t->header_bytes += http_header_bytes(x->http);
	t->used_us += now - x->slot_us - x->stood_us;
	t->redirect_us += now - x->start_us;
	enter_queue(f);
}

/*
 * RETRY: another attempt, after its own back-off or (asked to wait) when its
 * origin may. It begins at the item's own URL, unless that would repeat a
 * request that must not be: then where it failed.
 */
static void
retry(struct fetch *f, int is_asked)
{
	struct trail *t = trail_of(f);

	trail_note(f);
	f->err = E_OK;
	f->detail = NULL;
	t->tries += !is_asked;
	t->due_us = is_asked ? 0 : f->core->now_us + retry_delay_us(f);
	t->goes_on = 0;
	t->used_us = 0;
	if (t->hops > 0 && !is_asked && !t->was_unsafe) {
		trail_start_over(t);
		t->to = item_host(f);
	}
	enter_queue(f);
}

/* Back to the head of its queue, as if it had not started. */
static void
put_back(struct fetch *f)
{
	conn_close(&f->x->conn);
	if (!f->x->is_counted)
		f->trail->goes_on = 1;
	else if (--f->attempts == 0)
		f->begun_us = 0;
	enter_queue(f);
}

/* Out of descriptors or ports. */
static void
requeue(struct fetch *f)
{
	struct core *c = f->core;
	int64_t max = f->opts->retry_max_time_us;

	conn_close(&f->x->conn);
	if (f->fd_since_us == 0)
		f->fd_since_us = c->now_us;
	if (max > 0 && c->now_us - f->fd_since_us > max) {
		fetch_fail(f, E_RESOURCE_LIMIT, PHASE_CONNECT, NULL);
		return;
	}
	sched_lacks_fd(c);
	net_has_not_tried(c);
	put_back(f);
}

/* ---- endings ---- */

static enum phase
phase_struck(const struct fetch *f)
{
	if (f->state == FETCH_RECEIVING && xchg_has_head(f->x))
		return PHASE_BODY;
	return states[f->state].phase;
}

static void
finish(struct fetch *f)
{
	struct xchg *x = f->x;

	if (x != NULL) {
		x->end_us = f->core->now_us;
		f->has_begun = xchg_has_begun(x) != 0;
	}
	trail_note(f);
	fetch_enter(f, FETCH_EMITTING);
}

/* Where the header section that has come leads. */
static void
go_on(struct fetch *f)
{
	if (f->x->plan == RETRY_REDIRECT)
		redirect(f);
	else
		retry(f, f->x->plan == RETRY_ASKED);
}

static int
is_silence(enum err e, enum phase p)
{
	if (p == PHASE_TLS)
		return error_info(e)->exit != 5; /* tls_cert_* */
	return (p == PHASE_CONNECT && e != E_RESOURCE_LIMIT) || p == PHASE_TTFB;
}

static int
is_answer(enum phase p)
{
	return p == PHASE_HEADERS || p == PHASE_BODY || p == PHASE_DECODE;
}

/* The network is gone, and this is not the item's fault. */
static int
is_net_down(struct fetch *f, enum err e, enum phase p, const char *detail)
{
	if (p != PHASE_CONNECT || f->x == NULL || e == E_RESOURCE_LIMIT ||
	    e == E_CONNECT_DENIED)
		return 0;
	if (e == E_CONNECT_REFUSED || e == E_CONNECT_RESET) {
		net_works(f->core);
		return 0;
	}
	return net_failed(f->core, f->host, e, detail, f->host->has_worked);
}

/* What the connection knows of the fault; then it is gone. */
static void
close_failed(struct xchg *x)
{
	if (x == NULL)
		return;
	xchg_note_conn(x);
	if (x->conn != NULL && x->note == NULL &&
	    conn_error_note(x->conn) != NULL)
		x->note = mem_strdup(conn_error_note(x->conn));
	conn_close(&x->conn);
}

void
fetch_fail(struct fetch *f, enum err e, enum phase p, const char *detail)
{
	int is_again;

	if (f->x != NULL && f->x->plan != RETRY_KEEP &&
	    f->x->plan != RETRY_BAD) {
		fetch_cut(f); /* what mattered had come */
		return;
	}
	if (p == PHASE_STRUCK)
		p = phase_struck(f);
	if (is_net_down(f, e, p, detail)) {
		put_back(f);
		return;
	}
	f->err = (unsigned char)e;
	f->phase = (unsigned char)p;
	f->detail = detail;
	if (is_silence(e, p))
		govern_failed(f, e);
	else if (is_answer(p) && !xchg_has_head(f->x))
		govern_answered(f);
	is_again = retry_judge_error(f, e, detail) == RETRY_COUNTED;
	close_failed(f->x);
	if (is_again) {
		retry(f, 0);
		return;
	}
	if (is_silence(e, p))
		govern_lost(f);
	finish(f);
}

void
fetch_lookup_failed(struct fetch *f, enum err e, const char *detail)
{
	int64_t since = f->host->lookup_us;
	struct trail *t = f->trail;

	/* No exchange: thousands may end here at once. */
	if (since < f->entered_us)
		since = f->entered_us;
	if (f->begun_us == 0)
		f->begun_us = since;
	if (t == NULL || !t->goes_on)
		f->attempts++;
	if (t != NULL) {
		t->goes_on = 0;
		t->lookup_us = since;
		t->wait_us = since - f->entered_us;
		t->wait_reason = NULL;
	}
	fetch_fail(f, e, PHASE_DNS, detail);
}

void
fetch_cut(struct fetch *f)
{
	xchg_note_conn(f->x);
	conn_close(&f->x->conn);
	go_on(f);
}

void
fetch_succeed(struct fetch *f, size_t left_over)
{
	struct xchg *x = f->x;
	int64_t keep = xchg_keep_us(x);

	xchg_note_conn(x);
	if (f->state == FETCH_SENDING || conn_is_sending(x->conn) ||
	    left_over > 0 || conn_more(x->conn))
		keep = 0;
	if (keep > 0)
		idle_park(f->host, &x->conn, keep);
	else
		conn_close(&x->conn);
	if (x->plan != RETRY_KEEP) {
		go_on(f);
		return;
	}
	if (f->opts->fail && http_status(x->http) >= 400) {
		f->err = E_HTTP_STATUS;
		f->phase = PHASE_HEADERS;
	}
	finish(f);
}

/* ---- events ---- */

static void
on_failed(struct fetch *f)
{
	struct xchg *x = f->x;
	enum err e = conn_error(x->conn);

	if (e == E_RESOURCE_LIMIT)
		requeue(f);
	else
		fetch_fail(
		    f, e, error_info(e)->phase, conn_error_detail(x->conn));
}

static void
on_conn(void *arg, enum conn_event ev)
{
	struct fetch *f = arg;
	struct xchg *x = f->x;
	int64_t now = core_tick(f->core);

	switch (ev) {
	case CONN_UP:
		x->up_us = now;
		f->host->has_worked = 1;
		net_connected(f->core, conn_peer(x->conn));
		sched_has_fd(f);
		fetch_enter(f,
		    f->host->scheme == URL_HTTPS ? FETCH_TLS : FETCH_SENDING);
		return;
	case CONN_SECURE:
		x->secure_us = now;
		stats_wait(
		    &f->core->stats, WAIT_HANDSHAKE, conn_held_us(x->conn));
		fetch_enter(f, FETCH_SENDING);
		return;
	case CONN_DRAINED:
		if (f->state == FETCH_SENDING)
			fetch_enter(f, FETCH_AWAITING);
		return;
	case CONN_READABLE:
		if (core_is_over_budget(f->core))
			fetch_run(f);
		else
			reader_read(f);
		return;
	case CONN_FAILED:
		on_failed(f);
		return;
	}
}

void
fetch_on_timer(void *arg)
{
	struct xchg *x = arg;
	struct fetch *f = x->fetch;
	enum err e;

	core_tick(x->core);
	if (f == NULL || !has_slot(f->state))
		return; /* the next one that takes x sets it anew */
	e = deadline_check(f);
	if (e != E_OK)
		fetch_fail(f, e, PHASE_STRUCK, NULL);
}

/* ---- entry hooks ---- */

/* How much of its waiting was for the look-up it now uses. */
static int64_t
looked_us(const struct fetch *f)
{
	const struct host *h = f->host;
	int64_t from =
	    h->lookup_us > f->entered_us ? h->lookup_us : f->entered_us;

	return h->answer_us > from ? h->answer_us - from : 0;
}

static void
begin_attempt(struct fetch *f)
{
	struct xchg *x = f->x;

	if (f->opts->include_attempts)
		(void)trail_of(f);
	x->is_counted = f->trail == NULL || !f->trail->goes_on;
	if (f->trail != NULL)
		f->trail->goes_on = 0;
	f->attempts += x->is_counted != 0;
	if (f->begun_us == 0)
		f->begun_us = x->start_us;
}

void
fetch_start(struct fetch *f, struct conn *conn)
{
	struct core *c = f->core;
	struct xchg *x = xchg_take(c, f);
	int64_t looked = conn == NULL ? looked_us(f) : 0;
	enum err e;

	f->x = x;
	x->conn = conn;
	/* First, as its deadlines may be its own. */
	e = xchg_prepare(x, f);
	if (e != E_OK) {
		conn_close(&x->conn);
		item_reject(f, e, 1, x->note);
		return;
	}
	x->slot_us = c->now_us;
	x->start_us = c->now_us - looked;
	x->looked_up_us = c->now_us;
	x->is_reused = conn != NULL;
	begin_attempt(f);
	sched_take_slot(f, looked);
	fetch_enter(f, conn != NULL ? FETCH_SENDING : FETCH_CONNECTING);
	if (conn != NULL)
		conn_own(conn, on_conn, f);
}

static void
enter_connecting(struct fetch *f)
{
	struct xchg *x = f->x;
	struct host *h = f->host;

	if (conn_dial(f->core->conns, h->addr, h->naddr, h->port, on_conn, f,
		&x->conn) == CONN_BUSY)
		requeue(f);
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

	x->window_us = c->now_us;
	c->stats.requests++;
	c->stats.conns_reused += (unsigned)x->is_reused;
	c->stats.bytes_out += x->head.n + x->body_out.n;
	if (conn_send(x->conn, buf_view(&x->head), x->body_out) == CONN_DONE)
		fetch_enter(f, FETCH_AWAITING);
	sched_sent(f);
	if (conn_more(x->conn))
		fetch_run(f);
}

static void
enter_emitting(struct fetch *f)
{
	if (!emit_record(f, 0))
		return;
	xchg_give(&f->x);
	fetch_enter(f, FETCH_DONE);
}

void
fetch_emit_waiting(struct core *c)
{
	struct link *k;
	struct fetch *f;

	while (!sink_is_full(c->out) &&
	       (k = list_first(&c->state[FETCH_EMITTING])) != NULL) {
		f = c->emitting != NULL ? c->emitting
					: CONTAINER(k, struct fetch, link);
		if (link_on(&f->run))
			return; /* its own hook comes first */
		enter_emitting(f);
	}
}

void
fetch_emit_rest(struct core *c)
{
	struct fetch *f = c->emitting;

	if (f == NULL)
		return;
	CHECK(emit_record(f, 1));
	fetch_enter(f, FETCH_DONE);
	fetch_run_queue(c);
}

static void
enter_done(struct fetch *f)
{
	if (f->x != NULL)
		xchg_give(&f->x);
	destroy(f);
}

void
fetch_drop(struct fetch *f)
{
	leave_lists(f);
	if (link_on(&f->run))
		list_remove(&f->core->run, &f->run);
	if (has_slot(f->state))
		sched_free_slot(f);
	if (f->x != NULL) {
		conn_close(&f->x->conn);
		xchg_give(&f->x);
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
		core_tick(c);
		if (f->is_hook_due) {
			f->is_hook_due = 0;
			states[f->state].hook(f);
		} else if (reader_is_due(f))
			reader_read(f);
		if (core_is_over_budget(c))
			return;
	}
}
