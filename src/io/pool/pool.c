/* SPDX-License-Identifier: ISC */
/*
 * The pool as its owner sees it: documents that wait, their way to a worker
 * and back, what a fault costs them. Knows neither processes nor bytes.
 */
#include "io/pool/pool.h"

#include <poll.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/frame.h"
#include "io/pool/pool_int.h"
#include "io/timer.h"

#define CHARGES_MAX 2        /* tries that a document may cost a worker */
#define CHECK_SLICE_US 20000 /* for a worker to get ready, in turn */
#define FINISH_AT_ONCE 1024  /* documents a turn, once all is lost */

void
pool_tick(struct pool *p)
{
	p->conf.tick(p->conf.arg);
}

void
pool_defer(struct pool *p)
{
	if (timer_at(p->turn) == TIMER_NEVER)
		timer_set(p->turn, timer_now_us());
}

/* ---- what becomes of a document ---- */

void
pool_finish(struct pool *p, struct pool_doc *d, const struct pool_result *r)
{
	d->state = DOC_NONE;
	d->worker = NULL;
	p->conf.done(d, r);
}

void
pool_give_back(struct pool *p, struct pool_doc *d)
{
	d->state = DOC_WAITING;
	d->worker = NULL;
	d->is_back = 1;
	list_unshift(&p->queue, &d->link);
}

static int
is_worth_another(enum parse_error e)
{
	return e == PARSE_CRASHED || e == PARSE_OOM || e == PARSE_PROTOCOL;
}

void
pool_charge(struct pool *p, struct pool_doc *d, const struct pool_result *r)
{
	d->charges++;
	if (is_worth_another(r->error) && d->charges < CHARGES_MAX)
		pool_give_back(p, d);
	else
		pool_finish(p, d, r);
}

/* ---- the queue ---- */

/*
 * A worker with nothing to do, or else one with room behind what it does: but
 * not for what was with another before, or it could share the fate of who is in
 * front of it again and again.
 */
static struct worker *
worker_for(struct pool *p, const struct pool_doc *d)
{
	struct link *k = list_first(&p->idle);

	if (k == NULL && !d->is_back)
		k = list_first(&p->half);
	return k != NULL ? CONTAINER(k, struct worker, link) : NULL;
}

void
pool_pump(struct pool *p)
{
	struct pool_doc *d;
	struct worker *w;

	while (p->queue.n > 0) {
		d = CONTAINER(list_first(&p->queue), struct pool_doc, link);
		w = worker_for(p, d);
		if (w == NULL)
			break;
		if (!talk_judge_idle(w))
			continue; /* it has left its list */
		list_remove(&p->queue, &d->link);
		talk_give(w, d);
	}
	if (p->queue.n > p->queue_max)
		p->queue_max = p->queue.n;
}

/* There will be no worker any more. */
static void
give_up(struct pool *p)
{
	const struct pool_result r = { .error = PARSE_UNAVAILABLE };
	struct buf b = { 0 };
	struct link *k;
	unsigned n;

	if (!p->is_told) {
		p->is_told = 1;
		buf_str(&b, "no worker could be started: ");
		buf_span(&b, buf_view(p->bad.n > 0 ? &p->bad : &p->reason));
		p->conf.say(p->conf.arg, 0, buf_view(&b));
		buf_fini(&b);
	}
	for (n = 0; n < FINISH_AT_ONCE; n++) {
		k = list_shift(&p->queue);
		if (k == NULL)
			return;
		pool_finish(p, CONTAINER(k, struct pool_doc, link), &r);
	}
	pool_defer(p);
}

static void
on_turn(void *arg)
{
	struct pool *p = arg;

	pool_tick(p);
	while (p->doomed.n > 0)
		slot_end(
		    CONTAINER(list_first(&p->doomed), struct worker, link));
	slots_start(p);
	pool_pump(p);
	if (p->is_broken)
		give_up(p);
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
	p->pace = (struct pool_pace){ .first_us = 50000,
		.max_us = 2000000,
		.frames = 6,
		.lines = 10,
		.ready_us = 10000000,
		.ending_us = 2000000 };
	list_init(&p->queue);
	list_init(&p->idle);
	list_init(&p->half);
	list_init(&p->empty);
	list_init(&p->doomed);
	list_init(&p->procs);
	p->turn = timer_new(base, on_turn, p);
	p->restart = timer_new(base, on_turn, p);
	p->poll = timer_new(base, proc_poll, p);
	p->scratch = mem_alloc(POOL_READ_BYTES);
	p->workers = mem_zalloc(conf->workers, sizeof(*p->workers));
	for (i = 0; i < conf->workers; i++)
		slot_init(p, &p->workers[i], i + 1);
	slots_start(p);
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
		slot_fini(&p->workers[i]);
	proc_reap_all(p);
	timer_free(p->turn);
	timer_free(p->restart);
	timer_free(p->poll);
	buf_fini(&p->reason);
	buf_fini(&p->bad);
	free(p->workers);
	free(p->scratch);
	free(p);
}

static int
is_undecided(const struct worker *w)
{
	return w->state == WORKER_STARTING || w->state == WORKER_ENDING;
}

/* Until w is ready or has ended. Nothing calls back: no document is with it. */
static void
wait_ready(struct worker *w, int64_t end_us)
{
	struct pollfd f[2];
	int64_t left;

	while (is_undecided(w) && (left = end_us - timer_now_us()) > 0) {
		f[0].fd = w->state == WORKER_STARTING ? w->fd : -1;
		f[0].events = w->sent < w->out.n ? POLLIN | POLLOUT : POLLIN;
		f[1].fd = w->proc != NULL ? w->proc->pidfd : -1;
		f[1].events = POLLIN;
		(void)poll(f, 2, (int)(left / 1000) + 1);
		if (f[0].revents & POLLOUT)
			talk_pour(w);
		if (f[0].revents & ~POLLOUT)
			(void)talk_read(w);
		if (w->proc != NULL)
			proc_look(w->proc);
	}
}

/* One after the other gets a little time. Returns how many are undecided. */
static unsigned
wait_round(struct pool *p, int *is_up)
{
	unsigned i, n = 0;
	struct worker *w;

	for (i = 0; i < p->conf.workers && !*is_up && p->bad.n == 0; i++) {
		w = &p->workers[i];
		wait_ready(w, timer_now_us() + CHECK_SLICE_US);
		*is_up = w->state == WORKER_UP;
		n += is_undecided(w) != 0;
	}
	return n;
}

int
pool_check(struct pool *p, int64_t us, struct buf *why)
{
	int64_t end = timer_now_us() + us;
	int is_up = 0;
	unsigned i;

	while (wait_round(p, &is_up) > 0 && !is_up && p->bad.n == 0 &&
	       timer_now_us() < end)
		;
	if (is_up)
		return 0;
	for (i = 0; i < p->conf.workers; i++)
		stderr_close(&p->workers[i], 1);
	if (p->bad.n == 0)
		buf_str(why, "no worker could be started: ");
	if (p->bad.n == 0 && p->reason.n == 0)
		buf_str(&p->reason, "none was ready in time");
	buf_span(why, buf_view(p->bad.n > 0 ? &p->bad : &p->reason));
	return -1;
}

void
pool_put(struct pool *p, struct pool_doc *d)
{
	CHECK(d->state == DOC_NONE);
	CHECK(p->conf.talk == POOL_LINES || d->bytes <= FRAME_DOC_MAX);
	d->state = DOC_WAITING;
	d->worker = NULL;
	d->charges = d->returns = d->is_back = 0;
	list_push(&p->queue, &d->link);
	pool_defer(p);
}

void
pool_cancel(struct pool *p, struct pool_doc *d)
{
	struct worker *w = d->worker;
	unsigned i;

	if (d->state == DOC_WAITING)
		list_remove(&p->queue, &d->link);
	for (i = 0; d->state == DOC_WITH && i < w->ntasks; i++) {
		if (w->tasks[i].doc != d)
			continue;
		w->tasks[i].doc = NULL;
		/* The rest of it is not to be had any more. */
		if (w->state == WORKER_UP && w->is_filling &&
		    i == w->ntasks - 1)
			slot_doom(w, END_WANTED, PARSE_OK);
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
	return d->state == DOC_WITH;
}

void
pool_stats(const struct pool *p, struct pool_stats *st)
{
	int64_t now = timer_now_us();
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
			st->busy_us += now - w->tasks[0].first_at_us;
	}
}

void
pool_go_on(struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		talk_resume(&p->workers[i]);
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
