/* SPDX-License-Identifier: ISC */
/*
 * The life of a worker: started, ended, and started again after a growing wait
 * if starts fail. Knows nothing of messages.
 */
#include <errno.h>

#include "base/check.h"
#include "base/error.h"
#include "io/pool/pool_int.h"

/* ---- failed starts ---- */

/* No wait after the first failure. */
static int64_t
restart_wait_us(const struct pool *p)
{
	int64_t us = p->pace.first_us;
	unsigned i;

	if (p->backoff <= 1)
		return 0;
	for (i = 2; i < p->backoff && us < p->pace.max_us; i++)
		us *= 2;
	return us < p->pace.max_us ? us : p->pace.max_us;
}

static void
raise_backoff(struct pool *p)
{
	p->backoff++;
	p->backoff_at_us = timer_now_us();
	p->restart_at_us = p->backoff_at_us + restart_wait_us(p);
}

/*
 * A start came to nothing, but does not count as failed. Here and below: of
 * workers that were started together only one counts, so that a large pool does
 * not give up sooner than a small one.
 */
static void
back_off(struct pool *p, int64_t started_at_us)
{
	if (started_at_us >= p->backoff_at_us)
		raise_backoff(p);
}

static void
count_failed_start(struct pool *p, int64_t started_at_us, unsigned limit)
{
	if (started_at_us < p->failed_start_at_us)
		return;
	raise_backoff(p);
	p->failed_start_at_us = p->backoff_at_us;
	p->failed_starts++;
	if (p->failed_starts >= limit && p->proven == 0)
		worker_give_up(p);
}

static int
is_any_up(const struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		if (p->workers[i].state == WORKER_UP)
			return 1;
	return 0;
}

/* No process. If the machine is short of something while other workers are up,
 * the pool goes on with fewer, however often this happens. */
static void
on_no_process(struct worker *w, int e)
{
	struct pool *p = w->pool;
	int is_short = error_is_shortage(e);

	p->reason.n = 0;
	buf_printf(&p->reason, "%s: %s", p->conf.program, strerror(e));
	if (is_short && is_any_up(p))
		back_off(p, w->started_at_us);
	else
		count_failed_start(p, w->started_at_us,
		    is_short ? p->pace.limit_lines : p->pace.limit_frames);
}

/* ---- starts ---- */

static void
start(struct worker *w)
{
	struct pool *p = w->pool;
	int fd[2];

	w->started_at_us = timer_now_us();
	w->proc = proc_start(w, fd);
	if (w->proc == NULL) {
		on_no_process(w, errno);
		return;
	}
	p->restarts += w->starts++ > 0;
	w->fd = fd[0];
	w->answered = w->filled = 0;
	w->ntasks = 0;
	w->is_filling = w->has_begun = w->is_early = w->is_extended = 0;
	w->is_proven = w->is_not_executed = w->is_final = 0;
	w->held_at_us = 0;
	worker_state_set(
	    w, p->conf.protocol == POOL_FRAMES ? WORKER_STARTING : WORKER_UP);
	pool_trace(w, TRACE_WORKER_STARTED, NULL, w->proc->pid, NULL);
	stderr_open(w, fd[1]);
	worker_io_open(w);
}

void
worker_start_missing(struct pool *p)
{
	int64_t now_us = timer_now_us();

	while (!p->is_broken && p->empty.n > 0 && now_us >= p->restart_at_us) {
		start(CONTAINER(list_first(&p->empty), struct worker, link));
		now_us = timer_now_us();
		if (p->backoff > 1 && p->restart_at_us <= now_us)
			p->restart_at_us = now_us + restart_wait_us(p);
	}
	if (!p->is_broken && p->empty.n > 0)
		timer_set(p->restart, p->restart_at_us);
}

void
worker_prove(struct worker *w)
{
	struct pool *p = w->pool;

	if (w->is_proven)
		return;
	w->is_proven = 1;
	p->proven++;
}

void
worker_count_answer(struct worker *w)
{
	struct pool *p = w->pool;

	worker_prove(w);
	w->answered++;
	p->failed_starts = 0;
	/* A worker that was started before the last failure works, but that
	 * does not show that another could start now. */
	if (p->backoff == 0 || w->started_at_us < p->backoff_at_us)
		return;
	p->backoff = 0;
	p->restart_at_us = 0;
	pool_wake(p);
}

/* ---- ends ---- */

static const char *const ends[] = {
	[END_EXITED] = "exited",
	[END_TIMEOUT] = "timeout",
	[END_PROTOCOL] = "protocol",
	[END_NOT_ITS_FAULT] = "pool_given_up",
};

void
worker_kill_later(
    struct worker *w, enum worker_end end, enum parse_error charge)
{
	if (w->state == WORKER_NONE || w->state == WORKER_KILL_PENDING)
		return;
	w->end = end;
	w->charge = charge;
	pool_trace(w, TRACE_WORKER_KILLED, NULL, 0, ends[end]);
	worker_state_set(w, WORKER_KILL_PENDING);
	worker_io_stop(w);
	pool_wake(w->pool);
}

void
worker_give_up(struct pool *p)
{
	unsigned i;

	p->is_broken = 1;
	timer_clear(p->restart);
	pool_wake(p);
	for (i = 0; i < p->conf.workers; i++)
		worker_kill_later(&p->workers[i], END_NOT_ITS_FAULT, PARSE_OK);
}

/* Once: what is wrong with the user's program is best known before the pool
 * gives up. */
static void
warn_no_answer(struct pool *p)
{
	struct buf b = { 0 };

	if (p->is_warned || p->proven > 0)
		return;
	p->is_warned = 1;
	buf_printf(&b, "--exec %s: no answer: ", p->conf.argv[0]);
	buf_span(&b, buf_view(&p->reason));
	p->conf.log(p->conf.arg, 0, buf_view(&b));
	buf_fini(&b);
}

/* It was READY and ended before it was given a document. While documents wait,
 * that counts, or they could wait for ever. */
static void
count_useless_start(struct worker *w)
{
	struct pool *p = w->pool;

	if (p->queue.n > 0)
		count_failed_start(p, w->started_at_us, p->pace.limit_lines);
	else
		back_off(p, w->started_at_us);
}

static void
count_end(struct worker *w)
{
	struct pool *p = w->pool;
	int is_lines = p->conf.protocol == POOL_LINES;

	if (w->is_proven) {
		CHECK(p->proven > 0);
		p->proven--;
		if (w->end != END_NOT_ITS_FAULT && w->answered == 0 &&
		    w->ntasks == 0)
			count_useless_start(w);
	} else if (is_lines && w->end == END_TIMEOUT) {
		/* A slow program is no failed start. */
		p->reason.n = 0;
		buf_str(&p->reason, "--worker-time is over (the program must "
				    "flush its output after each line)");
		warn_no_answer(p);
	} else if (w->end != END_NOT_ITS_FAULT) {
		if (is_lines && w->end == END_EXITED && !w->is_not_executed)
			warn_no_answer(p);
		count_failed_start(p, w->started_at_us,
		    !is_lines || w->is_not_executed ? p->pace.limit_frames
						    : p->pace.limit_lines);
	}
	w->is_proven = 0;
}

void
worker_end(struct worker *w)
{
	/* Killed first: a program that saw half a line and then the end of its
	 * input would complain. */
	if (w->proc != NULL)
		proc_abandon(w->proc);
	pool_trace(w, TRACE_WORKER_ENDED, NULL, 0,
	    w->charge != PARSE_OK ? parse_error_code(w->charge) : NULL);
	worker_io_close(w);
	stderr_close(w, 1);
	count_end(w);
	w->ntasks = 0;
	worker_state_set(w, WORKER_NONE);
}

void
worker_init(struct pool *p, struct worker *w, unsigned number)
{
	w->pool = p;
	w->number = number;
	w->fd = w->err.fd = w->probe_fd = -1;
	worker_io_init(w);
	worker_state_set(w, WORKER_NONE);
}

void
worker_fini(struct worker *w)
{
	if (w->state != WORKER_NONE) {
		if (w->proc != NULL)
			proc_abandon(w->proc);
		worker_io_close(w);
		stderr_close(w, 0);
	}
	worker_io_fini(w);
}
