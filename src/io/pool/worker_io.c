/* SPDX-License-Identifier: ISC */
/*
 * A worker's socket and its deadline: sends documents piece by piece as there
 * is room, reads answers, limits the time that both may take. What it notices
 * it reports through pool->events; it decides nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "codec/frame.h"
#include "io/pool/pool_int.h"

#define OUT_LOW 65536u       /* unsent bytes below which more is asked for */
#define OUT_KEEP 131072u     /* memory kept between documents */
#define IN_KEEP 131072u      /* the same */
#define READ_BUDGET 262144u  /* bytes of one event */
#define WRITE_BUDGET 524288u /* the same */
#define LARGE_BYTES 65536u   /* of an answer: the owner is asked for room */
#define SWAP_BYTES 65536u    /* of a value: its buffer may be swapped */
#define DRAINS 16            /* READ_BUDGETs: more than a socket holds */
#define STALL_US 50000       /* a timer this late: our process did not run */
#define HOLD_US 1000000      /* at most, until an answer counts as final */
#define UNREAD_US 20000      /* extension if an answer was only not read yet */

/* ---- the deadline ---- */

/* The timer is moved lazily: each deadline of a worker is later than the one
 * before, and on_timer sets it again. */
static void
set_deadline(struct worker *w, int64_t at_us)
{
	w->deadline_at_us = at_us;
	w->is_extended = 0;
	if (at_us != TIMER_NEVER && timer_at(w->timer) > at_us)
		timer_set(w->timer, at_us);
}

/* tasks[0] is the one that is parsed from now on. */
static void
begin_first(struct worker *w)
{
	int64_t now_us = timer_now_us(), time_us = w->pool->conf.time_us;

	w->tasks[0].first_at_us = now_us;
	set_deadline(w, time_us > 0 ? now_us + time_us : TIMER_NEVER);
}

static int
is_readable(const struct worker *w)
{
	struct pollfd f = { .fd = w->fd, .events = POLLIN };

	return w->state != WORKER_EXITING && poll(&f, 1, 0) == 1;
}

static void
fail(struct worker *w, enum worker_end end, enum parse_error charge,
    const char *reason)
{
	w->pool->events->failed(w, end, charge, reason);
}

static void take(struct worker *w, struct span s);

static void
on_deadline(struct worker *w)
{
	struct pool *p = w->pool;
	char reason[64];

	if (w->held_at_us != 0) {
		w->is_final = 1;
		take(w, SPAN_NONE);
	} else if (w->state == WORKER_UP) {
		fail(w, END_TIMEOUT, PARSE_TIMEOUT, NULL);
	} else if (w->state == WORKER_STARTING) {
		snprintf(reason, sizeof(reason), "not ready within %g s",
		    (double)p->pace.ready_us / 1e6);
		fail(w, END_TIMEOUT, PARSE_OK, reason);
	} else {
		fail(w, END_PROTOCOL, PARSE_PROTOCOL,
		    "closed its output without exiting");
	}
}

/*
 * Moves the deadline, once a document: the worker may have answered in time,
 * and we have not read it. If our process did not run (a frozen container), the
 * worker may not have run either, or it waited for us: it gets as much time
 * again, but not more than it has in all.
 */
static void
extend_deadline(struct worker *w, int64_t late_us)
{
	const struct pool *p = w->pool;
	int64_t limit_us =
	    w->state == WORKER_UP ? p->conf.time_us : p->pace.ready_us;
	int64_t more_us = UNREAD_US;

	if (late_us > STALL_US)
		more_us = late_us < limit_us ? late_us : limit_us;
	w->deadline_at_us += late_us + more_us;
	w->is_extended = 1;
	timer_set(w->timer, w->deadline_at_us);
	(void)worker_read(w);
}

static void
on_timer(void *arg)
{
	struct worker *w = arg;
	int64_t late_us;

	if (w->deadline_at_us == TIMER_NEVER || w->paused_at_us != 0 ||
	    w->state == WORKER_KILL_PENDING)
		return;
	pool_tick(w->pool);
	late_us = timer_now_us() - w->deadline_at_us;
	if (late_us < 0)
		timer_set(w->timer, w->deadline_at_us);
	else if (!w->is_extended && (late_us > STALL_US || is_readable(w)))
		extend_deadline(w, late_us);
	else
		on_deadline(w);
	w->pool->events->over(w->pool);
}

/* ---- reading ---- */

static int
is_open(const struct worker *w)
{
	return w->state == WORKER_STARTING || w->state == WORKER_UP;
}

/* It will write nothing more. What follows depends on its exit status. */
static void
enter_exiting(struct worker *w)
{
	worker_state_set(w, WORKER_EXITING);
	worker_io_stop(w);
	set_deadline(w, timer_now_us() + w->pool->pace.exit_us);
}

/* Gives the memory of a large answer back, if little is left in it. */
static void
shrink(struct buf *in)
{
	struct buf rest = { 0 };

	if (in->cap <= IN_KEEP || in->n > IN_KEEP / 2)
		return;
	buf_span(&rest, buf_view(in));
	buf_fini(in);
	*in = rest;
}

/* w->in, if the value is large and nothing but the end of its line comes after
 * it there; else NULL. */
static struct buf *
buffer_of(struct worker *w, struct span value)
{
	size_t at;

	if (value.n < SWAP_BYTES || value.p < w->in.p ||
	    value.p >= w->in.p + w->in.n)
		return NULL;
	at = (size_t)(value.p - w->in.p);
	if (w->pool->conf.protocol == POOL_FRAMES && at + value.n < w->in.n)
		return NULL;
	if (w->pool->conf.protocol == POOL_LINES &&
	    w->in.p[w->in.n - 1] != '\n')
		return NULL;
	return &w->in;
}

/* LINES: the answer is complete, but the program may write more than that. It
 * counts once the program has read the next probe, or after a while. */
static void
hold_answer(struct worker *w)
{
	if (w->held_at_us != 0)
		return;
	w->held_at_us = timer_now_us();
	w->is_extended = 0;
	w->deadline_at_us = w->held_at_us + HOLD_US;
	timer_set(w->timer, w->deadline_at_us);
}

/* 0, or -1: the owner does not accept it. */
static int
report(struct worker *w, const struct message *m)
{
	const struct pool_events *events = w->pool->events;
	struct pool_result r = {
		.error = m->error, .value = m->text, .worker = w->number
	};

	switch (m->type) {
	case MESSAGE_READY:
		events->ready(w, m->missing);
		return 0;
	case MESSAGE_REFUSED:
		events->refused(w, m->text);
		return 0;
	case MESSAGE_ANSWER:
		r.held = buffer_of(w, m->text);
		return events->answered(w, &r);
	}
	return 0;
}

static void
on_bad_message(struct worker *w)
{
	fail(w, END_PROTOCOL, PARSE_PROTOCOL,
	    w->pool->conf.protocol == POOL_FRAMES
		? "sent an invalid message"
		: "its output is not one line of JSON for each input line");
}

/* Parses and reports the messages in `in`. Returns how many of its bytes are
 * done with. */
static size_t
take_messages(struct worker *w, struct span in)
{
	int is_frames = w->pool->conf.protocol == POOL_FRAMES;
	size_t used = 0;
	struct message m;
	struct span rest;

	while (w->state != WORKER_KILL_PENDING) {
		rest = span_of(in.p + used, in.n - used);
		switch (is_frames ? frames_parse(w, rest, &m)
				  : lines_parse(w, rest, &m)) {
		case STEP_MORE:
			w->scanned = m.scanned;
			return used;
		case STEP_EARLY:
			w->is_early = 1;
			w->scanned = 0;
			return used;
		case STEP_HOLD:
			hold_answer(w);
			w->scanned = 0;
			return used;
		case STEP_MESSAGE:
			w->scanned = 0;
			if (report(w, &m) == 0)
				used += m.bytes;
			else
				on_bad_message(w);
			break;
		case STEP_BAD:
			on_bad_message(w);
			break;
		}
	}
	return used;
}

/* Takes in what has been read; with SPAN_NONE, looks again at what is there.
 * The rest stays in w->in. */
static void
take(struct worker *w, struct span s)
{
	struct span all = s;
	size_t used;

	if (w->in.n > 0) {
		buf_span(&w->in, s);
		all = buf_view(&w->in);
	}
	used = take_messages(w, all);
	if (w->in.n == 0) {
		buf_add(&w->in, all.p + used, all.n - used);
	} else if (used > 0) {
		buf_drop(&w->in, used);
		shrink(&w->in);
	}
	if (w->held_at_us != 0 && w->probe == PROBE_NONE && is_open(w)) {
		probe_send(w);
		worker_flush(w);
	}
}

/* The answer that came before its document had been sent. */
static void
take_early(struct worker *w)
{
	if (!w->is_early || w->is_filling)
		return;
	w->is_early = 0;
	take(w, SPAN_NONE);
}

/* The end of its output. What has arrived is taken as it is. */
static void
on_end(struct worker *w)
{
	if (w->is_early)
		w->is_filling = 0;
	w->is_final = 1;
	take_early(w);
	if (w->held_at_us != 0)
		take(w, SPAN_NONE);
	if (is_open(w))
		enter_exiting(w);
}

/* Nonzero if more of its answer may be read. One that is complete does not grow
 * any more. If there is room for one worker only, the first to ask gets it. */
static int
claim_room(struct worker *w)
{
	struct pool *p = w->pool;

	if (w->in.n < LARGE_BYTES || w->held_at_us != 0 || w->is_early ||
	    p->conf.room == NULL)
		return 1;
	switch (p->conf.room(p->conf.arg, p)) {
	case POOL_ROOM_NONE:
		return 0;
	case POOL_ROOM_ONE:
		if (p->sole_reader == NULL)
			p->sole_reader = w;
		return p->sole_reader == w;
	case POOL_ROOM_ALL:
		p->sole_reader = NULL;
		return 1;
	}
	return 1;
}

void
worker_resume(struct worker *w)
{
	int64_t us;

	if (w->paused_at_us == 0 || !claim_room(w))
		return;
	us = timer_now_us() - w->paused_at_us;
	w->paused_at_us = 0;
	w->tasks[0].first_at_us += us;
	if (w->deadline_at_us != TIMER_NEVER) {
		w->deadline_at_us += us;
		timer_set(w->timer, w->deadline_at_us);
	}
	CHECK(event_add(&w->ev_read, NULL) == 0);
}

/* `is_last`: it has ended, and there is no more than its socket holds. */
static int
read_some(struct worker *w, int is_last)
{
	struct pool *p = w->pool;
	size_t got = 0;
	ssize_t n;

	while (got < READ_BUDGET && is_open(w)) {
		if (!is_last && w->paused_at_us == 0 && !claim_room(w)) {
			w->paused_at_us = timer_now_us();
			CHECK(event_del(&w->ev_read) == 0);
		}
		if (!is_last && w->paused_at_us != 0)
			return 0;
		n = recv(w->fd, p->scratch, POOL_READ_BYTES, MSG_DONTWAIT);
		if (n > 0) {
			got += (size_t)n;
			take(w, span_of(p->scratch, (size_t)n));
			if ((size_t)n < POOL_READ_BYTES)
				break;
		} else if (n == -1 && errno == EAGAIN) {
			return 0;
		} else if (n == 0 || errno != EINTR)
			on_end(w);
	}
	return is_open(w);
}

int
worker_read(struct worker *w)
{
	return read_some(w, 0);
}

void
worker_drain(struct worker *w)
{
	int i;

	for (i = 0; i < DRAINS && is_open(w); i++)
		if (!read_some(w, 1))
			break;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	pool_tick(w->pool);
	(void)worker_read(w);
	w->pool->events->over(w->pool);
}

int
worker_check_idle(struct worker *w)
{
	if (w->pool->conf.prefix.n > 0 && is_readable(w))
		(void)worker_read(w);
	return w->state == WORKER_UP;
}

void
worker_io_ready(struct worker *w)
{
	set_deadline(w, TIMER_NEVER);
	worker_state_set(w, WORKER_UP);
	pool_trace(w, TRACE_WORKER_READY, NULL, 0, NULL);
}

int64_t
worker_end_task(struct worker *w)
{
	struct pool *p = w->pool;
	int64_t end_at_us = w->held_at_us != 0 ? w->held_at_us : timer_now_us();
	int64_t took_us = end_at_us - w->tasks[0].first_at_us;
	unsigned i;

	w->held_at_us = 0;
	w->is_final = 0;
	if (p->sole_reader == w)
		p->sole_reader = NULL;
	p->busy_us += took_us;
	w->ntasks--;
	for (i = 0; i < w->ntasks; i++)
		w->tasks[i] = w->tasks[i + 1];
	if (w->ntasks > 0)
		begin_first(w);
	else
		set_deadline(w, TIMER_NEVER);
	return took_us;
}

/* ---- writing ---- */

/* Puts the next bytes of the last task into w->out. */
static void
fill(struct worker *w)
{
	struct pool *p = w->pool;
	struct pool_doc *d = w->tasks[w->ntasks - 1].doc;
	size_t before;

	buf_drop(&w->out, w->sent);
	w->sent = 0;
	before = w->out.n;
	w->is_filling = p->conf.fill(d, &w->out, !w->has_begun) != 0;
	if (!w->has_begun && p->conf.protocol == POOL_LINES)
		w->filled += probe_skip(w, before) ? p->conf.prefix.n : 0;
	w->has_begun = 1;
	w->filled += w->out.n - before;
	CHECK(!w->is_filling || w->out.n > before);
	if (w->is_filling)
		return;
	w->probe = PROBE_NONE;
	CHECK(p->conf.protocol == POOL_LINES || w->filled == d->bytes);
	worker_state_relist(w);
}

static void
await_write(struct worker *w, int on)
{
	if (w->awaits_write == (on != 0))
		return;
	w->awaits_write = on != 0;
	if (on)
		CHECK(event_add(&w->ev_write, NULL) == 0);
	else
		CHECK(event_del(&w->ev_write) == 0);
}

/* The worker does not read any more: it has exited, or closed its input. */
static void
on_write_failed(struct worker *w)
{
	await_write(w, 0);
	worker_drain(w);
	if (is_open(w))
		on_end(w);
}

void
worker_flush(struct worker *w)
{
	size_t put = 0;
	ssize_t n;

	while (is_open(w)) {
		if (w->is_filling && w->probe != PROBE_SENT &&
		    w->out.n - w->sent < OUT_LOW)
			fill(w);
		if (w->sent == w->out.n) {
			w->sent = 0;
			buf_clear(&w->out, OUT_KEEP);
			await_write(w, 0);
			return;
		}
		if (put >= WRITE_BUDGET) {
			await_write(w, 1);
			return;
		}
		n = send(w->fd, w->out.p + w->sent, w->out.n - w->sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			w->sent += (size_t)n;
			put += (size_t)n;
		} else if (errno == EAGAIN) {
			await_write(w, 1);
			return;
		} else if (errno != EINTR) {
			on_write_failed(w);
			return;
		}
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	pool_tick(w->pool);
	worker_flush(w);
	take_early(w);
	w->pool->events->over(w->pool);
}

static void
put_head(struct worker *w, enum frame_type type, uint64_t length, uint64_t id)
{
	const struct frame f = { type, (uint32_t)length, id };

	frame_put_head(buf_reserve(&w->out, FRAME_HEAD), &f);
	w->out.n += FRAME_HEAD;
}

void
worker_send(struct worker *w, struct pool_doc *d)
{
	struct pool *p = w->pool;
	struct task *t = &w->tasks[w->ntasks++];

	CHECK(w->ntasks <= POOL_DEPTH && !w->is_filling);
	*t = (struct task){ .doc = d, .id = ++p->last_id };
	d->worker = w;
	d->state = DOC_WITH_WORKER;
	pool_trace(w, TRACE_WORKER_GIVEN, d, (int64_t)d->bytes, NULL);
	w->is_filling = 1;
	w->has_begun = 0;
	w->filled = 0;
	if (p->conf.protocol == POOL_FRAMES)
		put_head(w, FRAME_DOC, d->bytes, t->id);
	if (w->ntasks == 1)
		begin_first(w);
	worker_state_relist(w);
	worker_flush(w);
}

/* ---- the socket ---- */

void
worker_io_init(struct worker *w)
{
	w->timer = timer_new(w->pool->base, on_timer, w);
	w->deadline_at_us = TIMER_NEVER;
}

void
worker_io_fini(struct worker *w)
{
	timer_free(w->timer);
	buf_fini(&w->in);
	buf_fini(&w->out);
}

static void
on_probe_read(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	pool_tick(w->pool);
	if (!probe_note_read(w))
		return;
	(void)worker_read(w); /* what it wrote before it read */
	if (is_open(w) && w->held_at_us != 0)
		take(w, SPAN_NONE);
	else if (is_open(w) && w->is_filling)
		worker_flush(w);
	w->pool->events->over(w->pool);
}

void
worker_io_open(struct worker *w)
{
	struct pool *p = w->pool;

	CHECK(event_assign(&w->ev_read, p->base, w->fd, EV_READ | EV_PERSIST,
		  on_readable, w) == 0);
	CHECK(event_assign(&w->ev_write, p->base, w->fd, EV_WRITE | EV_PERSIST,
		  on_writable, w) == 0);
	CHECK(event_add(&w->ev_read, NULL) == 0);
	set_deadline(w, TIMER_NEVER);
	if (p->conf.protocol == POOL_LINES) {
		probe_open(w, on_probe_read);
		worker_flush(w);
		return;
	}
	set_deadline(w, w->started_at_us + p->pace.ready_us);
	CHECK(p->conf.config.n <= FRAME_CONFIG_MAX);
	put_head(w, FRAME_CONFIG, p->conf.config.n, 0);
	buf_span(&w->out, p->conf.config);
	worker_flush(w);
}

void
worker_io_stop(struct worker *w)
{
	CHECK(event_del(&w->ev_read) == 0);
	w->paused_at_us = 0;
	if (w->pool->sole_reader == w)
		w->pool->sole_reader = NULL;
	probe_stop(w);
	await_write(w, 0);
	timer_clear(w->timer);
}

void
worker_io_close(struct worker *w)
{
	worker_io_stop(w);
	probe_close(w);
	close(w->fd);
	w->fd = -1;
	w->deadline_at_us = TIMER_NEVER;
	w->sent = w->scanned = 0;
	buf_clear(&w->in, IN_KEEP);
	buf_clear(&w->out, OUT_KEEP);
}
