/* SPDX-License-Identifier: ISC */
/*
 * The pool as its owner sees it, and its decisions: which worker gets which
 * document, and what follows when a worker answers, fails or exits. Knows
 * neither processes nor bytes.
 */
#include "io/pool/pool.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/frame.h"
#include "io/pool/pool_int.h"

#define CHARGES_MAX 2        /* tries of a document that fails its worker */
#define EXITS_MAX 16         /* workers that may exit before a document */
#define CHECK_SLICE_US 20000 /* for each worker in turn to get ready */
#define FINISH_AT_ONCE 1024  /* documents a wake-up, once the pool gave up */

/* ---- the queue ---- */

static void
finish(struct pool *p, struct pool_doc *d, const struct pool_result *r)
{
	d->state = DOC_NONE;
	d->worker = NULL;
	p->conf.done(d, r);
}

static void
requeue(struct pool *p, struct pool_doc *d)
{
	d->state = DOC_WAITING;
	d->worker = NULL;
	d->is_requeued = 1;
	list_unshift(&p->queue, &d->link);
}

/*
 * An idle worker, or else one that has room in its socket. Not the latter for a
 * requeued document: it could share the fate of the document before it again
 * and again.
 */
static struct worker *
worker_for(struct pool *p, const struct pool_doc *d)
{
	struct link *k = list_first(&p->idle);

	if (k == NULL && !d->is_requeued)
		k = list_first(&p->half);
	return k != NULL ? CONTAINER(k, struct worker, link) : NULL;
}

/* Gives waiting documents to workers with room. */
static void
assign(struct pool *p)
{
	struct pool_doc *d;
	struct worker *w;

	while (p->queue.n > 0) {
		d = CONTAINER(list_first(&p->queue), struct pool_doc, link);
		w = worker_for(p, d);
		if (w == NULL)
			break;
		if (!worker_check_idle(w))
			continue; /* it has left its list */
		list_remove(&p->queue, &d->link);
		worker_send(w, d);
	}
	if (p->queue.n > p->queue_max)
		p->queue_max = p->queue.n;
}

/* ---- events ---- */

static void
on_ready(struct worker *w, uint32_t missing)
{
	w->pool->missing |= missing;
	worker_io_ready(w);
	worker_prove(w);
	pool_wake(w->pool);
}

/* Every worker has the same configuration: if one refuses it, all do, unless
 * others have accepted it. */
static void
on_refused(struct worker *w, struct span why)
{
	struct pool *p = w->pool;
	struct buf *to = p->proven > 0 ? &p->reason : &p->refusal;

	to->n = 0;
	buf_span(to, why.n > 0 ? why : SPAN("no reason given"));
	if (p->proven > 0)
		worker_kill_later(w, END_EXITED, PARSE_OK);
	else
		worker_give_up(p);
}

static int
on_answered(struct worker *w, struct pool_result *r)
{
	struct pool *p = w->pool;
	struct pool_doc *d = w->tasks[0].doc;

	if (d != NULL && r->value.n > 0 && p->conf.check(d, r->value) == -1)
		return -1;
	r->time_us = worker_end_task(w);
	pool_trace(w, TRACE_WORKER_ANSWERED, d, r->time_us,
	    r->error != PARSE_OK ? parse_error_code(r->error) : NULL);
	worker_count_answer(w);
	worker_state_relist(w);
	if (d != NULL)
		finish(p, d, r);
	return 0;
}

static void
on_failed(struct worker *w, enum worker_end end, enum parse_error charge,
    const char *reason)
{
	struct pool *p = w->pool;

	if (reason != NULL && w->answered == 0) {
		p->reason.n = 0;
		buf_str(&p->reason, reason);
	}
	worker_kill_later(w, end, charge);
}

/* If c has ended, takes in what its worker wrote before. */
static void
on_proc(struct proc *c)
{
	struct worker *w = c->worker;
	int status;

	if (!proc_has_ended(c))
		return;
	if (w != NULL)
		worker_drain(w);
	status = proc_reap(c);
	if (w != NULL)
		w->proc = NULL;
	if (w != NULL && w->state != WORKER_KILL_PENDING) {
		if (w->answered == 0) {
			w->pool->reason.n = 0;
			proc_describe(c, status, &w->pool->reason);
		}
		w->is_not_executed = status != PROC_STATUS_UNKNOWN &&
				     WIFEXITED(status) &&
				     WEXITSTATUS(status) == FRAME_EXIT_EXEC;
		worker_kill_later(w, END_EXITED, proc_judge(c, status));
	}
	proc_free(c);
}

static const struct pool_events events = { .ready = on_ready,
	.refused = on_refused,
	.answered = on_answered,
	.failed = on_failed,
	.proc = on_proc,
	.over = assign };

/* ---- the wake-up ---- */

static int
is_worth_another_try(enum parse_error e)
{
	return e == PARSE_CRASHED || e == PARSE_OOM || e == PARSE_PROTOCOL;
}

/* Ends w and settles its documents: charges the failure to the first, unless
 * nobody is charged, and requeues the others in their order. */
static void
end_worker(struct pool *p, struct worker *w)
{
	struct pool_result r = { .error = w->charge, .worker = w->number };
	int has_exited = w->end == END_EXITED && w->charge == PARSE_OK;
	struct task tasks[POOL_DEPTH];
	unsigned n = w->ntasks;
	struct pool_doc *d;

	memcpy(tasks, w->tasks, sizeof(tasks));
	if (n > 0) {
		r.time_us = timer_now_us() - tasks[0].first_at_us;
		p->busy_us += r.time_us;
	}
	worker_end(w);
	worker_start_missing(p);
	while (n > 1)
		if (tasks[--n].doc != NULL)
			requeue(p, tasks[n].doc);
	d = n > 0 ? tasks[0].doc : NULL;
	if (d == NULL)
		return;
	/* If worker after worker exits before it, that is a crash too. */
	if (has_exited && ++d->exits >= EXITS_MAX)
		r.error = PARSE_CRASHED;
	if (r.error == PARSE_OK ||
	    (++d->charges < CHARGES_MAX && is_worth_another_try(r.error)))
		requeue(p, d);
	else
		finish(p, d, &r);
}

/* For people: that no worker starts, and why. */
static void
put_no_worker(const struct pool *p, struct buf *to)
{
	if (p->conf.protocol == POOL_LINES)
		buf_printf(to, "--exec %s: ", p->conf.argv[0]);
	buf_str(to, "cannot start a worker: ");
	buf_span(to, buf_view(p->refusal.n > 0 ? &p->refusal : &p->reason));
}

/* Ends what waits, as there will be no worker any more. */
static void
finish_all(struct pool *p)
{
	const struct pool_result r = { .error = PARSE_UNAVAILABLE };
	struct buf b = { 0 };
	struct link *k;
	unsigned n;

	if (!p->is_reported) {
		p->is_reported = 1;
		put_no_worker(p, &b);
		p->conf.log(p->conf.arg, 0, buf_view(&b));
		buf_fini(&b);
	}
	for (n = 0; n < FINISH_AT_ONCE; n++) {
		k = list_shift(&p->queue);
		if (k == NULL)
			return;
		finish(p, CONTAINER(k, struct pool_doc, link), &r);
	}
	pool_wake(p);
}

static void
on_wakeup(void *arg)
{
	struct pool *p = arg;

	pool_tick(p);
	while (p->kill_pending.n > 0)
		end_worker(p, CONTAINER(list_first(&p->kill_pending),
				  struct worker, link));
	worker_start_missing(p);
	assign(p);
	if (p->is_broken)
		finish_all(p);
}

/* ---- the owner's calls ---- */

struct pool *
pool_new(struct event_base *base, const struct pool_conf *conf)
{
	struct pool *p = mem_zalloc(1, sizeof(*p));
	unsigned i;

	CHECK(conf->workers > 0);
	proc_setup();
	p->base = base;
	p->conf = *conf;
	p->events = &events;
	p->pace = (struct pool_pace){ .first_us = 50000,
		.max_us = 2000000,
		.limit_frames = 6,
		.limit_lines = 10,
		.ready_us = 10000000,
		.exit_us = 2000000 };
	list_init(&p->queue);
	list_init(&p->idle);
	list_init(&p->half);
	list_init(&p->empty);
	list_init(&p->kill_pending);
	list_init(&p->procs);
	p->wakeup = timer_new(base, on_wakeup, p);
	p->restart = timer_new(base, on_wakeup, p);
	p->poll = timer_new(base, proc_poll, p);
	p->scratch = mem_alloc(POOL_READ_BYTES);
	p->workers = mem_zalloc(conf->workers, sizeof(*p->workers));
	for (i = 0; i < conf->workers; i++)
		worker_init(p, &p->workers[i], i + 1);
	worker_start_missing(p);
	return p;
}

static void
forget(struct pool *p)
{
	struct worker *w;
	struct link *k;
	unsigned i, j;

	while ((k = list_shift(&p->queue)) != NULL)
		CONTAINER(k, struct pool_doc, link)->state = DOC_NONE;
	for (i = 0; i < p->conf.workers; i++) {
		w = &p->workers[i];
		for (j = 0; j < w->ntasks; j++)
			if (w->tasks[j].doc != NULL)
				w->tasks[j].doc->state = DOC_NONE;
	}
}

void
pool_free(struct pool *p)
{
	unsigned i;

	if (p == NULL)
		return;
	forget(p);
	for (i = 0; i < p->conf.workers; i++)
		worker_fini(&p->workers[i]);
	proc_reap_all(p);
	timer_free(p->wakeup);
	timer_free(p->restart);
	timer_free(p->poll);
	buf_fini(&p->reason);
	buf_fini(&p->refusal);
	free(p->workers);
	free(p->scratch);
	free(p);
}

static int
is_undecided(const struct worker *w)
{
	return w->state == WORKER_STARTING || w->state == WORKER_EXITING;
}

/* Until w is ready or has ended. It has no document, so that nothing calls
 * back. */
static void
wait_ready(struct worker *w, int64_t end_at_us)
{
	struct pollfd f[2];
	int64_t left_us;

	while (is_undecided(w) && (left_us = end_at_us - timer_now_us()) > 0) {
		f[0].fd = w->state == WORKER_STARTING ? w->fd : -1;
		f[0].events = w->sent < w->out.n ? POLLIN | POLLOUT : POLLIN;
		f[1].fd = w->proc != NULL ? w->proc->pidfd : -1;
		f[1].events = POLLIN;
		(void)poll(f, 2, (int)(left_us / 1000) + 1);
		if (f[0].revents & POLLOUT)
			worker_flush(w);
		if (f[0].revents & ~POLLOUT)
			(void)worker_read(w);
		if (w->proc != NULL)
			on_proc(w->proc);
	}
}

/* Gives each worker a little time in turn. Returns how many are undecided. */
static unsigned
wait_round(struct pool *p, int *is_up)
{
	unsigned i, n = 0;
	struct worker *w;

	for (i = 0; i < p->conf.workers && !*is_up && p->refusal.n == 0; i++) {
		w = &p->workers[i];
		wait_ready(w, timer_now_us() + CHECK_SLICE_US);
		*is_up = w->is_proven; /* whatever it did after READY */
		n += is_undecided(w) != 0;
	}
	return n;
}

int
pool_check(struct pool *p, int64_t timeout_us, struct buf *why)
{
	int64_t end_at_us = timer_now_us() + timeout_us;
	int is_up = 0;
	unsigned i;

	while (wait_round(p, &is_up) > 0 && !is_up && p->refusal.n == 0 &&
	       timer_now_us() < end_at_us)
		;
	if (is_up)
		return 0;
	for (i = 0; i < p->conf.workers; i++)
		stderr_close(&p->workers[i], 1);
	if (p->refusal.n > 0) {
		buf_span(why, buf_view(&p->refusal));
		return -1;
	}
	if (p->reason.n == 0)
		buf_printf(&p->reason, "not ready within %g s",
		    (double)timeout_us / 1e6);
	put_no_worker(p, why);
	return -1;
}

void
pool_put(struct pool *p, struct pool_doc *d)
{
	CHECK(d->state == DOC_NONE);
	CHECK(p->conf.protocol == POOL_LINES || d->bytes <= FRAME_DOC_MAX);
	d->state = DOC_WAITING;
	d->worker = NULL;
	d->charges = d->exits = d->is_requeued = 0;
	list_push(&p->queue, &d->link);
	pool_wake(p);
}

void
pool_cancel(struct pool *p, struct pool_doc *d)
{
	struct worker *w = d->worker;
	unsigned i;

	if (d->state == DOC_WAITING)
		list_remove(&p->queue, &d->link);
	for (i = 0; d->state == DOC_WITH_WORKER && i < w->ntasks; i++) {
		if (w->tasks[i].doc != d)
			continue;
		w->tasks[i].doc = NULL;
		/* The owner cannot give the rest of it any more. */
		if (w->state == WORKER_UP && w->is_filling &&
		    i == w->ntasks - 1)
			worker_kill_later(w, END_NOT_ITS_FAULT, PARSE_OK);
	}
	d->state = DOC_NONE;
	d->worker = NULL;
}

size_t
pool_waiting(const struct pool *p)
{
	return p->queue.n;
}

int
pool_is_with_worker(const struct pool_doc *d)
{
	return d->state == DOC_WITH_WORKER;
}

void
pool_stats(const struct pool *p, struct pool_stats *st)
{
	int64_t now_us = timer_now_us();
	const struct worker *w;
	unsigned i;

	*st = (struct pool_stats){ .workers = p->conf.workers,
		.busy_us = p->busy_us,
		.restarts = p->restarts,
		.queue_max = p->queue_max,
		.missing = p->missing,
		.is_broken = p->is_broken };
	for (i = 0; i < p->conf.workers; i++) {
		w = &p->workers[i];
		st->running += w->state != WORKER_NONE;
		if (w->ntasks > 0)
			st->busy_us += now_us - w->tasks[0].first_at_us;
	}
}

void
pool_resume(struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		worker_resume(&p->workers[i]);
}

int
pool_is_busy(const struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		if (p->workers[i].ntasks > 0)
			return 1;
	return p->queue.n > 0;
}

size_t
pool_held_bytes(const struct pool *p)
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		n += p->workers[i].in.n + p->workers[i].out.n;
	return n;
}
