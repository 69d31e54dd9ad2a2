/* SPDX-License-Identifier: ISC */
/*
 * A slot of the pool: a worker's place, filled again whenever it falls empty.
 * Decides when, and when it is given up. Knows nothing of messages.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/frame.h"
#include "io/pool/pool_int.h"
#include "io/timer.h"

#define RETURNS_MAX 16 /* workers that may leave before a document */

/* ---- which list ---- */

/*
 * Lines do not say which document they answer. A program that writes one too
 * few or too many would shift all that follow, and nobody would notice; where
 * it has one document at a time, it is late or says what it was not asked.
 */
static unsigned
depth(const struct pool *p)
{
	return p->conf.talk == POOL_LINES ? 1 : POOL_DEPTH;
}

static struct list *
list_for(struct worker *w)
{
	struct pool *p = w->pool;

	switch (w->state) {
	case WORKER_NONE:
		return &p->empty;
	case WORKER_DOOMED:
		return &p->doomed;
	case WORKER_STARTING:
	case WORKER_ENDING:
		return NULL;
	case WORKER_UP:
		break;
	}
	if (w->ntasks == 0)
		return &p->idle;
	return w->ntasks < depth(p) && !w->is_filling ? &p->half : NULL;
}

void
slot_place(struct worker *w)
{
	struct list *to = list_for(w);

	if (to == w->on)
		return;
	if (w->on != NULL)
		list_remove(w->on, &w->link);
	w->on = to;
	if (to != NULL)
		list_push(to, &w->link);
}

/* ---- starts, and those that fail ---- */

/* The first time at once. */
static int64_t
wait_us(const struct pool *p)
{
	int64_t us = p->pace.first_us;
	unsigned i;

	if (p->stumbles <= 1)
		return 0;
	for (i = 2; i < p->stumbles && us < p->pace.max_us; i++)
		us *= 2;
	return us < p->pace.max_us ? us : p->pace.max_us;
}

/*
 * Something was started in vain. Of those that were started together one
 * counts: many workers are no reason to give up sooner.
 */
static void
stumble(struct pool *p, int64_t start_us, int is_fail, unsigned limit)
{
	if (start_us < (is_fail ? p->counted_at_us : p->failed_at_us))
		return;
	p->failed_at_us = timer_now_us();
	p->stumbles++;
	p->restart_at_us = p->failed_at_us + wait_us(p);
	if (!is_fail)
		return;
	p->counted_at_us = p->failed_at_us;
	p->fails++;
	if (p->fails >= limit && p->proven == 0)
		slots_break(p);
}

/* The machine may have more of it in a while. */
static int
is_shortage(int e)
{
	return e == EMFILE || e == ENFILE || e == EAGAIN || e == ENOMEM ||
	       e == ENOBUFS;
}

static int
is_one_up(const struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		if (p->workers[i].state == WORKER_UP)
			return 1;
	return 0;
}

/* Fewer than were asked for are no reason to give up those there are. */
static void
not_started(struct worker *w, int e)
{
	struct pool *p = w->pool;
	int is_short = is_shortage(e);

	p->reason.n = 0;
	buf_printf(&p->reason, "%s: %s", p->conf.program, strerror(e));
	stumble(p, w->start_at_us, !is_short || !is_one_up(p),
	    is_short ? p->pace.lines : p->pace.frames);
}

static void
start(struct worker *w)
{
	struct pool *p = w->pool;
	int fd[2];

	w->start_at_us = timer_now_us();
	w->proc = proc_start(w, fd);
	if (w->proc == NULL) {
		not_started(w, errno);
		return;
	}
	p->restarts += w->starts++ > 0;
	w->fd = fd[0];
	w->state = p->conf.talk == POOL_FRAMES ? WORKER_STARTING : WORKER_UP;
	w->answered = w->filled = 0;
	w->ntasks = 0;
	w->is_filling = w->is_begun = w->is_held = w->is_put_off = 0;
	w->is_proven = w->is_not_executed = w->is_settled = 0;
	w->answer_at_us = 0;
	stderr_open(w, fd[1]);
	talk_open(w);
	slot_place(w);
}

void
slots_start(struct pool *p)
{
	int64_t now = timer_now_us();

	while (!p->is_broken && p->empty.n > 0 && now >= p->restart_at_us) {
		start(CONTAINER(list_first(&p->empty), struct worker, link));
		now = timer_now_us();
		if (p->stumbles > 1 && p->restart_at_us <= now)
			p->restart_at_us = now + wait_us(p);
	}
	if (!p->is_broken && p->empty.n > 0)
		timer_set(p->restart, p->restart_at_us);
}

void
slot_prove(struct worker *w)
{
	struct pool *p = w->pool;

	if (w->is_proven)
		return;
	w->is_proven = 1;
	p->proven++;
	p->fails = 0;
}

void
slot_answered(struct worker *w)
{
	struct pool *p = w->pool;

	slot_prove(w);
	w->answered++;
	/* That an older one works does not say that another could start. */
	if (p->stumbles == 0 || w->start_at_us < p->failed_at_us)
		return;
	p->stumbles = 0;
	p->restart_at_us = 0;
	pool_defer(p);
}

void
slots_break(struct pool *p)
{
	unsigned i;

	p->is_broken = 1;
	timer_clear(p->restart);
	pool_defer(p);
	for (i = 0; i < p->conf.workers; i++)
		slot_doom(&p->workers[i], END_WANTED, PARSE_OK);
}

/* ---- the end ---- */

void
slot_doom(struct worker *w, enum ending ending, enum parse_error why)
{
	if (w->state == WORKER_NONE || w->state == WORKER_DOOMED)
		return;
	w->state = WORKER_DOOMED;
	w->ending = ending;
	w->why = why;
	talk_stop(w);
	slot_place(w);
	pool_defer(w->pool);
}

static unsigned
limit_for(const struct worker *w)
{
	const struct pool *p = w->pool;

	return p->conf.talk == POOL_FRAMES || w->is_not_executed
		   ? p->pace.frames
		   : p->pace.lines;
}

/* Once: what is wrong with a program of the user's is better known early. */
static void
warn(struct pool *p)
{
	struct buf b = { 0 };

	if (p->is_warned || p->proven > 0)
		return;
	p->is_warned = 1;
	buf_printf(&b, "no answer from %s: ", p->conf.argv[0]);
	buf_span(&b, buf_view(&p->reason));
	p->conf.say(p->conf.arg, 0, buf_view(&b));
	buf_fini(&b);
}

static void
count_end(struct worker *w)
{
	struct pool *p = w->pool;
	int is_lines = p->conf.talk == POOL_LINES;

	if (w->is_proven) {
		CHECK(p->proven > 0);
		p->proven--;
		/* One that is ready and dies without any work. */
		if (w->ending == END_DIED && w->answered == 0 && w->ntasks == 0)
			stumble(p, w->start_at_us, 0, 0);
	} else if (is_lines && w->ending == END_LATE) {
		p->reason.n = 0;
		buf_str(&p->reason, "none within --worker-time (is its output "
				    "flushed after each line?)");
		warn(p);
	} else if (w->ending != END_WANTED) {
		if (is_lines && w->ending == END_DIED && !w->is_not_executed)
			warn(p);
		stumble(p, w->start_at_us, 1, limit_for(w));
	}
	w->is_proven = 0;
}

/* The first pays; the others, and it too if nobody is to pay, are given to
 * the next worker, in their order. */
static void
settle(struct pool *p, struct task *tasks, unsigned n, struct pool_result *r,
    int has_left)
{
	struct pool_doc *d;

	while (n > 1)
		if (tasks[--n].doc != NULL)
			pool_give_back(p, tasks[n].doc);
	d = n > 0 ? tasks[0].doc : NULL;
	if (d == NULL)
		return;
	/* To leave before one and the same document is a way to crash. */
	if (has_left && ++d->returns >= RETURNS_MAX)
		r->error = PARSE_CRASHED;
	if (r->error == PARSE_OK)
		pool_give_back(p, d);
	else
		pool_charge(p, d, r);
}

void
slot_end(struct worker *w)
{
	struct pool *p = w->pool;
	struct pool_result r = { .error = w->why, .worker = w->number };
	int has_left = w->ending == END_DIED && w->why == PARSE_OK;
	struct task tasks[POOL_DEPTH];
	unsigned n = w->ntasks;

	memcpy(tasks, w->tasks, sizeof(tasks));
	if (n > 0) {
		r.time_us = timer_now_us() - tasks[0].first_at_us;
		p->busy_us += r.time_us;
	}
	/* Killed first: a program that saw half a line end would complain. */
	if (w->proc != NULL)
		proc_abandon(w->proc);
	talk_close(w);
	stderr_close(w, 1);
	count_end(w);
	w->ntasks = 0;
	w->state = WORKER_NONE;
	slot_place(w);
	slots_start(p);
	settle(p, tasks, n, &r, has_left);
}

/* ---- the slot itself ---- */

void
slot_init(struct pool *p, struct worker *w, unsigned number)
{
	w->pool = p;
	w->number = number;
	w->fd = w->err.fd = w->probe_fd = -1;
	w->state = WORKER_NONE;
	talk_init(w);
	slot_place(w);
}

void
slot_fini(struct worker *w)
{
	if (w->state != WORKER_NONE) {
		if (w->proc != NULL)
			proc_abandon(w->proc);
		talk_close(w);
		stderr_close(w, 0);
	}
	talk_fini(w);
}
