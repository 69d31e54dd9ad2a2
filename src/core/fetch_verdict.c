/* SPDX-License-Identifier: ISC */
/*
 * Acts on verdicts: the three moves back (RESEND, REDIRECT, RETRY), each in one
 * function, and the ends of a fetch. core/retry and core/origin/backoff decide.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "core/deadline.h"
#include "core/fetch.h"
#include "core/input.h"
#include "core/origin/backoff.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "core/item.h"
#include "core/output/stream.h"
#include "core/origin/network.h"
#include "core/output/parse.h"
#include "core/output/save.h"
#include "core/redirect.h"
#include "core/retry.h"
#include "core/sched.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/files/files.h"

static int
may_resend(const struct fetch *f)
{
	const struct xchg *x = f->x;

	return x->is_reused && !x->is_resent &&
	       (item_is_idempotent(f) || conn_sent(x->conn) == 0);
}

/* Gives up the slot and the exchange. */
static void
enter_queue(struct fetch *f, const char *why)
{
	fetch_enter(f, FETCH_QUEUED, why);
	if (f->x != NULL)
		xchg_release(&f->x);
}

/* Puts f back at the head of its queue, as if it had not started. */
static void
requeue_unstarted(struct fetch *f, const char *why)
{
	conn_close(&f->x->conn, why);
	if (!f->x->is_counted)
		f->history->continues_attempt = 1;
	else if (--f->attempts == 0)
		f->begun_at_us = 0;
	enter_queue(f, why);
}

/* RESEND. */
static void
resend(struct fetch *f)
{
	struct xchg *x = f->x;

	conn_close(&x->conn, "resend");
	xchg_reset(x);
	xchg_expect(x);
	xchg_count_held(x);
	x->is_resent = 1;
	x->start_at_us = f->core->clock.now_us;
	x->looked_up_at_us = x->start_at_us;
	fetch_enter(f, FETCH_CONNECTING, "resend");
}

/* Lists in `attempts` the request that failed with e and is sent again. */
static void
add_resent_attempt(struct fetch *f, enum err e)
{
	xchg_copy_conn_facts(f->x);
	f->err = (unsigned char)e;
	history_add_attempt(f);
	f->err = E_OK;
}

int
fetch_resend(struct fetch *f, enum err e)
{
	if (!may_resend(f) || xchg_has_begun(f->x))
		return 0;
	add_resent_attempt(f, e);
	resend(f);
	return 1;
}

int
fetch_resend_stray(struct fetch *f)
{
	idle_stop_reuse(f->host);
	if (!may_resend(f))
		return 0;
	add_resent_attempt(f, f->x->err);
	/* The origin has received this request: --delay applies. */
	if (f->job->opts->delay_us > 0)
		requeue_unstarted(f, "resend");
	else
		resend(f);
	return 1;
}

#define POSTPONE_US 1000000LL
#define POSTPONE_DOUBLINGS 6

static void finish(struct fetch *f);

/* The origin of its own line. */
static struct host *
own_host(const struct fetch *f)
{
	const struct url *u = item_own_url(f);

	return u != NULL ? host_of(f->core, u) : f->host;
}

/* REDIRECT: the attempt continues with the next request. */
static void
redirect(struct fetch *f)
{
	struct xchg *x = f->x;
	struct history *t = f->history;
	int64_t now = f->core->clock.now_us;
	struct host *to = redirect_host(f);

	if (to == NULL) {
		f->err = E_REDIRECT_INVALID;
		f->phase = PHASE_REDIRECT;
		finish(f);
		return;
	}
	history_add_attempt(f);
	history_set_last(f);
	t->last_phase = PHASE_REDIRECT;
	t->last_took_us = 0; /* counted in redirect_us */
	t->redirects++;
	t->continues_attempt = 1;
	t->due_at_us = 0;
	t->header_bytes += http_header_bytes(x->http);
	t->used_us += now - x->slot_at_us - x->handshake_queue_us -
		      deadline_paused_us(f, now - x->slot_at_us) -
		      standstill_since_us(f->core, x->slot_at_us);
	t->redirect_us += now - x->start_at_us;
	t->next_host = to;
	enter_queue(f, "redirect");
}

/*
 * RETRY: another attempt, after a back-off of its own or (is_retry_after) when
 * the hold of its origin ends. It begins at the item's own URL, or where it
 * failed if a request before must not be repeated.
 */
static void
retry(struct fetch *f, int is_retry_after)
{
	struct history *t = history_of(f);
	struct input *in = f->job->intake.input;
	int64_t delay_us = 0; /* beyond the hold of its origin */
	const char *why = f->err != E_OK   ? error_code((enum err)f->err)
			  : is_retry_after ? "asked_to_wait"
					   : "status";

	t->tries += !is_retry_after;
	if (is_retry_after)
		delay_us = retry_after_delay_us(f);
	else if (!backoff_is_probing(f->host))
		delay_us = retry_delay_us(f);

	history_add_attempt(f);
	history_set_last(f);
	f->err = E_OK;
	f->detail = NULL;
	t->due_at_us = delay_us > 0 ? f->core->clock.now_us + delay_us : 0;
	t->continues_attempt = 0;
	t->used_us = 0;
	f->is_begun = 0;
	if (in->ops->tried != NULL)
		in->ops->tried(
		    in, f->token, f->attempts, t->tries, t->due_at_us);
	if (t->redirects > 0 && !is_retry_after && !t->was_unsafe) {
		history_start_over(t);
		t->next_host = own_host(f);
	}
	enter_queue(f, why);
}

/* Out of descriptors or ports. */
void
fetch_postpone_no_fd(struct fetch *f)
{
	struct core *c = f->core;
	int64_t max = f->job->opts->retry_max_time_us;

	conn_close(&f->x->conn, "fd_limit");
	if (f->fd_since_at_us == 0)
		f->fd_since_at_us = c->clock.now_us;
	if (max > 0 && c->clock.now_us - f->fd_since_at_us > max) {
		fetch_fail(f, E_RESOURCE_LIMIT, PHASE_CONNECT, NULL);
		return;
	}
	sched_begin_fd_wait(c);
	network_postpone_probe(c);
	requeue_unstarted(f, "fd_limit");
}

/* ---- endings ---- */

static enum phase
phase_struck(const struct fetch *f)
{
	if (f->state == FETCH_RECEIVING && xchg_has_head(f->x))
		return PHASE_BODY;
	return fetch_state_phase(f->state);
}

/* Does its end belong into the list of attempts? */
static int
counts_as_attempt(const struct fetch *f)
{
	return f->err == E_OK ||
	       (f->phase != PHASE_INPUT && f->phase != PHASE_POLICY);
}

static void
finish(struct fetch *f)
{
	struct xchg *x = f->x;

	if (x != NULL) {
		x->end_at_us = f->core->clock.now_us;
		f->has_begun = xchg_has_begun(x) != 0;
		xchg_end_upload(x);
	}
	if (counts_as_attempt(f))
		history_add_attempt(f);
	fetch_enter(f,
	    save_prepare(f)    ? FETCH_SAVING
	    : parse_prepare(f) ? FETCH_PARSING
			       : FETCH_EMITTING,
	    f->err != E_OK ? error_code((enum err)f->err) : "complete");
}

/* Acts on the verdict on the header section. */
static void
redirect_or_retry(struct fetch *f)
{
	if (f->x->verdict == VERDICT_REDIRECT)
		redirect(f);
	else
		retry(f, f->x->verdict == VERDICT_RETRY_AFTER);
}

/* Does the error mean that the origin is unreachable? */
static int
is_unreachable(
    const struct fetch *f, enum err e, enum phase p, const char *detail)
{
	if (p != PHASE_CONNECT && p != PHASE_TLS)
		return 0;
	return error_info(e)->retry == 'Y' || retry_is_transient(f, e, detail);
}

/* Reports a failure to the back-off of its origin. */
static void
report_to_backoff(
    struct fetch *f, enum err e, enum phase p, const char *detail, int is_last)
{
	int is_answer =
	    p == PHASE_HEADERS || p == PHASE_BODY || p == PHASE_DECODE;

	if (is_unreachable(f, e, p, detail))
		backoff_unreachable(
		    f, e, is_last && (retry_is_enabled(f) || f->x->is_probe));
	else if (p == PHASE_SEND || p == PHASE_TTFB)
		backoff_broken(f, e);
	else if (is_answer && !xchg_has_head(f->x))
		backoff_answered(f);
}

/* f has no try left. */
static void
fail_for_good(struct fetch *f, enum err e, enum phase p)
{
	if (p != PHASE_INPUT && p != PHASE_POLICY)
		backoff_ended(f, e);
}

/* Reports a failure to core/origin/network. Nonzero: the network is down, and f
 * does not fail. */
static int
report_to_network(struct fetch *f, enum err e, enum phase p, const char *detail)
{
	struct core *c = f->core;

	if (f->x == NULL || e == E_RESOURCE_LIMIT)
		return 0;
	if (p == PHASE_CONNECT && e != E_CONNECT_DENIED &&
	    e != E_CONNECT_REFUSED && e != E_CONNECT_RESET)
		return network_failed(
		    c, f->host, e, detail, f->x->looked_up_at_us);
	if (e == E_CONNECT_REFUSED || e == E_CONNECT_RESET)
		network_works(c);
	else if (c->network.is_probing) /* f may have been the probe */
		network_postpone_probe(c);
	return 0;
}

/* Copies the facts of the connection for the record, then closes it. */
static void
close_failed(struct xchg *x, enum err e)
{
	if (x == NULL)
		return;
	xchg_copy_conn_facts(x);
	if (x->conn != NULL && x->note == NULL &&
	    conn_error_note(x->conn) != NULL)
		x->note = mem_strdup(conn_error_note(x->conn));
	conn_close(&x->conn, error_code(e));
}

/*
 * If there is no memory to keep a redirect's target while f waits: begins f
 * again later from its own URL, unless one of its requests must not be
 * repeated. Nonzero: that was done.
 */
static int
postpone_no_memory(struct fetch *f, enum err e, enum phase p)
{
	struct history *t = f->history;
	unsigned n;

	if (e != E_RESOURCE_LIMIT || p != PHASE_REDIRECT || t == NULL ||
	    t->was_unsafe || !item_is_idempotent(f) || !retry_has_time(f))
		return 0;
	close_failed(f->x, e);
	n = t->postponements < POSTPONE_DOUBLINGS ? t->postponements++
						  : POSTPONE_DOUBLINGS;
	t->due_at_us = f->core->clock.now_us + (POSTPONE_US << n);
	history_start_over(t);
	t->next_host = own_host(f);
	enter_queue(f, "memory");
	return 1;
}

void
fetch_fail(struct fetch *f, enum err e, enum phase p, const char *detail)
{
	enum retry_verdict next;

	if (f->x != NULL && f->x->verdict != VERDICT_FINAL &&
	    f->x->verdict != VERDICT_ERROR) {
		fetch_cut(f); /* the header section was complete */
		return;
	}
	if (p == PHASE_STRUCK)
		p = phase_struck(f);
	if (report_to_network(f, e, p, detail)) {
		requeue_unstarted(f, "net_down");
		return;
	}
	if (postpone_no_memory(f, e, p))
		return;
	f->err = (unsigned char)e;
	f->phase = (unsigned char)p;
	f->detail = detail;
	next = retry_judge_error(f, e, detail);
	report_to_backoff(f, e, p, detail, next == VERDICT_FINAL);
	close_failed(f->x, e);
	if (next != VERDICT_FINAL) {
		retry(f, next == VERDICT_RETRY_AFTER);
		return;
	}
	fail_for_good(f, e, p);
	finish(f);
}

/* The look-up that f waited for failed. */
static void
fail_lookup(struct fetch *f, enum err e, const char *detail)
{
	int64_t since = f->host->lookup_at_us;
	struct history *t =
	    f->job->opts->include_attempts ? history_of(f) : f->history;

	/* Without an exchange, as thousands may fail here at once. */
	if (since < f->entered_at_us)
		since = f->entered_at_us;
	if (f->begun_at_us == 0)
		f->begun_at_us = since;
	if (t == NULL || !t->continues_attempt)
		f->attempts++;
	if (t != NULL) {
		t->continues_attempt = 0;
		t->lookup_at_us = since;
		t->wait_us = since - f->entered_at_us;
		t->wait_reason = t->due_at_us > f->entered_at_us
				     ? stats_wait_name(WAIT_BACKOFF)
				     : NULL;
	}
	fetch_fail(f, e, PHASE_DNS, detail);
}

/* Of all jobs; those that come meanwhile may have it looked up again. */
static void
fail_unresolved(struct host *h)
{
	const char *detail = h->lookup_detail;
	enum err e = h->lookup_err;
	struct link *k, *w;
	struct queue *q;

	host_clear_lookup_err(h);
	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		q = CONTAINER(k, struct queue, of_host);
		while ((w = list_first(&q->waiting)) != NULL)
			fail_lookup(
			    CONTAINER(w, struct fetch, link), e, detail);
	}
	host_update(h);
}

void
fetch_fail_waiting(struct core *c)
{
	struct link *k, *w;
	struct queue *q;

	while ((k = list_first(&c->hosts.unresolved)) != NULL)
		fail_unresolved(CONTAINER(k, struct queue, link)->host);
	while ((k = list_first(&c->hosts.given_up)) != NULL) {
		q = CONTAINER(k, struct queue, link);
		while ((w = list_first(&q->waiting)) != NULL ||
		       (w = list_first(&q->delayed)) != NULL)
			fetch_fail(CONTAINER(w, struct fetch, link),
			    E_HOST_UNAVAILABLE, PHASE_POLICY,
			    q->host->backoff.last_failure);
		host_update(q->host);
	}
}

void
fetch_cut(struct fetch *f)
{
	xchg_copy_conn_facts(f->x);
	conn_close(&f->x->conn, "rest_not_wanted");
	redirect_or_retry(f);
}

void
fetch_succeed(struct fetch *f, struct span left_over)
{
	struct xchg *x = f->x;
	int64_t keep = xchg_keep_us(x);

	xchg_copy_conn_facts(x);
	if (f->state == FETCH_SENDING || conn_is_sending(x->conn) ||
	    xchg_has_upload_left(x) || left_over.n > 0 ||
	    conn_has_more(x->conn))
		keep = 0;
	if (!idle_is_blank(left_over))
		idle_stop_reuse(f->host);
	if (keep > 0)
		idle_park(f->host, &x->conn, keep, http_is_bodiless(x->http));
	else
		conn_close(
		    &x->conn, left_over.n > 0 ? "stray_bytes" : "not_kept");
	if (x->verdict != VERDICT_FINAL) {
		redirect_or_retry(f);
		return;
	}
	if (f->job->opts->fail && http_status(x->http) >= 400) {
		f->err = E_HTTP_STATUS;
		f->phase = PHASE_HEADERS;
	}
	backoff_ended(f, (enum err)f->err);
	finish(f);
}

/* ---- before sending ---- */

int
fetch_ask_to_send(struct fetch *f)
{
	struct input *in = f->job->intake.input;

	if (f->is_begun || item_is_idempotent(f) || f->job->opts->retry_post)
		return 1;
	if (in->ops->begin != NULL && !in->ops->begin(in, f->token))
		return 0;
	f->is_begun = 1;
	return 1;
}

/* ---- interrupt ---- */

/* f gets no record, and with --keep-order no item after it. */
static void
leave(struct fetch *f)
{
	struct job *j = f->job;

	j->was_left = 1;
	if (j->left_place == 0 || f->place < j->left_place)
		j->left_place = f->place;
	fetch_drop(f);
}

/* Will the next run request it again? */
static int
may_leave(const struct fetch *f)
{
	return f->job->is_resumable && !f->is_begun && !f->has_written;
}

/* f waits: if it has begun (another try, a redirect) it gets a record. */
static void
interrupt_waiting(struct fetch *f)
{
	const struct history *t = f->history;

	if (f->attempts == 0 || t == NULL || may_leave(f)) {
		leave(f);
		return;
	}
	sched_count_wait(f);
	f->err = E_INTERRUPTED;
	f->phase = (unsigned char)t->last_phase;
	f->detail = t->last_err != E_OK ? error_code(t->last_err) : NULL;
	fetch_enter(f, FETCH_EMITTING, error_code(E_INTERRUPTED));
}

/* The file is given up. If only part of the body had come, that is the error
 * already. */
static void
interrupt_saving(struct fetch *f)
{
	body_file_abandon(&f->x->save.file);
	if (!f->x->save.is_partial) {
		f->err = E_INTERRUPTED;
		f->detail = NULL;
		f->phase = PHASE_OUTPUT;
		f->is_whole = 1;
	}
	fetch_enter(f, FETCH_EMITTING, error_code((enum err)f->err));
}

static void
interrupt(struct fetch *f)
{
	if (may_leave(f)) {
		leave(f);
		return;
	}
	if (f->state == FETCH_SAVING) {
		interrupt_saving(f);
		return;
	}
	f->err = E_INTERRUPTED;
	f->detail = NULL;
	if (f->state == FETCH_PARSING) {
		f->phase = PHASE_BODY;
		f->is_whole = 1;
		parse_cancel(f);
		xchg_clear_parse(f->x);
		fetch_enter(f, FETCH_EMITTING, error_code(E_INTERRUPTED));
		return;
	}
	f->phase = (unsigned char)phase_struck(f);
	close_failed(f->x, E_INTERRUPTED);
	finish(f);
}

static void
interrupt_list(struct list *l)
{
	struct link *k;

	while ((k = list_first(l)) != NULL)
		interrupt(CONTAINER(k, struct fetch, link));
}

/* Records that must not be written before that of an item that was left. */
static void
leave_behind(struct job *j)
{
	struct link *k = list_first(&j->emit.waiting), *next;
	struct fetch *f;

	for (; k != NULL; k = next) {
		next = list_next(&j->emit.waiting, k);
		f = CONTAINER(k, struct fetch, link);
		if (f->place > j->left_place)
			fetch_drop(f);
	}
}

void
fetch_interrupt_all(struct core *c)
{
	struct link *k;
	struct job *j;
	int s;

	for (s = FETCH_CONNECTING; s <= FETCH_PARSING; s++)
		interrupt_list(&c->state[s]);
	interrupt_list(&c->paused);
	hosts_end_waiting(c, interrupt_waiting);
	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, struct job, of_core);
		if (j->emit.order != NULL && j->is_resumable &&
		    j->left_place > 0)
			leave_behind(j);
	}
}
