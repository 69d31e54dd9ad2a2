/* SPDX-License-Identifier: ISC */
/*
 * A worker's socket: documents out, piece by piece as there is room, answers
 * in, and the time they may take. What the bytes say, pool_frames and
 * pool_lines know.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "codec/frame.h"
#include "io/pool/pool_int.h"
#include "io/timer.h"

#define OUT_LOW 65536u       /* unsent bytes below which more is asked for */
#define OUT_KEEP 131072u     /* memory kept between documents */
#define HELD_MIN (64u << 10) /* of a value that is handed over */
#define IN_KEEP 131072u
#define READ_BUDGET 262144u /* bytes of one event */
#define LARGE_BYTES 65536u  /* of an answer: room is asked for */
#define WRITE_BUDGET 524288u
#define DRAINS 16         /* READ_BUDGETs: more than a socket holds */
#define LATE_US 50000     /* a timer so late says that we stood still */
#define SETTLE_US 1000000 /* an answer waits for that to be known as whole */
#define GRACE_US 20000    /* where only its answer was not read yet */

/* ---- time ---- */

/* Moved lazily: each deadline of a worker's is later than the one before. */
static void
set_due(struct worker *w, int64_t due_us)
{
	w->due_at_us = due_us;
	w->is_put_off = 0;
	if (due_us != TIMER_NEVER && timer_at(w->timer) > due_us)
		timer_set(w->timer, due_us);
}

/* tasks[0] is the one being parsed from now on. */
static void
begin_first(struct worker *w)
{
	int64_t now = timer_now_us(), time_us = w->pool->conf.time_us;

	w->tasks[0].first_at_us = now;
	set_due(w, time_us > 0 ? now + time_us : TIMER_NEVER);
}

static int
is_readable(const struct worker *w)
{
	struct pollfd f = { .fd = w->fd, .events = POLLIN };

	return w->state != WORKER_ENDING && poll(&f, 1, 0) == 1;
}

static void
give_reason(struct worker *w, const char *why)
{
	struct pool *p = w->pool;

	if (w->is_proven)
		return;
	p->reason.n = 0;
	buf_str(&p->reason, why);
}

static void take(struct worker *w, struct span s);

static void
give_up(struct worker *w)
{
	if (w->answer_at_us != 0) {
		w->is_settled = 1;
		take(w, SPAN_NONE);
	} else if (w->state == WORKER_UP) {
		slot_doom(w, END_LATE, PARSE_TIMEOUT);
	} else if (w->state == WORKER_STARTING) {
		give_reason(w, "the last one did not get ready in time");
		slot_doom(w, END_LATE, PARSE_OK);
	} else {
		give_reason(w, "the last one closed its output");
		slot_doom(w, END_FAULT, PARSE_PROTOCOL);
	}
}

/* If we stood still, so may the worker have done (a frozen container), or it
 * has waited for us: as much again, but no more than it has in all. */
static int64_t
grace_us(const struct worker *w, int64_t late_us)
{
	const struct pool *p = w->pool;
	int64_t max_us =
	    w->state == WORKER_UP ? p->conf.time_us : p->pace.ready_us;

	if (late_us <= LATE_US)
		return GRACE_US;
	return late_us < max_us ? late_us : max_us;
}

/*
 * What it has answered, and we have not read yet, or not in time as nobody let
 * us run, is not its fault: once a document.
 */
static void
put_off(struct worker *w, int64_t late_us)
{
	int64_t due_us = w->due_at_us + late_us + grace_us(w, late_us);

	w->due_at_us = due_us;
	w->is_put_off = 1;
	timer_set(w->timer, due_us);
	(void)talk_read(w);
}

static void
on_timer(void *arg)
{
	struct worker *w = arg;
	int64_t late_us;

	if (w->due_at_us == TIMER_NEVER || w->paused_at_us != 0 ||
	    w->state == WORKER_DOOMED)
		return;
	pool_tick(w->pool);
	late_us = timer_now_us() - w->due_at_us;
	if (late_us < 0)
		timer_set(w->timer, w->due_at_us);
	else if (!w->is_put_off && (late_us > LATE_US || is_readable(w)))
		put_off(w, late_us);
	else
		give_up(w);
	pool_pump(w->pool);
}

/* ---- reading ---- */

static int
is_talking(const struct worker *w)
{
	return w->state == WORKER_STARTING || w->state == WORKER_UP;
}

/* It says nothing more; how it ends its process will say. */
static void
enter_ending(struct worker *w)
{
	w->state = WORKER_ENDING;
	talk_stop(w);
	slot_place(w);
	set_due(w, timer_now_us() + w->pool->pace.ending_us);
}

/* A few bytes behind an answer do not keep its memory. */
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

/* What is not whole yet, or not its turn, waits in w->in. */
static void
take(struct worker *w, struct span s)
{
	struct span all = s;
	ssize_t used;

	if (w->in.n > 0) {
		buf_span(&w->in, s);
		all = buf_view(&w->in);
	}
	used = w->pool->conf.talk == POOL_FRAMES ? frames_take(w, all)
						 : lines_take(w, all);
	if (used == -1) {
		give_reason(
		    w, w->pool->conf.talk == POOL_FRAMES
			   ? "the last one said what made no sense"
			   : "it does not write one line of JSON for each line "
			     "it reads, and nothing else");
		slot_doom(w, END_FAULT, PARSE_PROTOCOL);
	} else if (w->in.n == 0) {
		buf_add(&w->in, all.p + used, all.n - (size_t)used);
	} else if (used > 0) {
		buf_drop(&w->in, (size_t)used);
		shrink(&w->in);
	}
	if (w->answer_at_us != 0 && w->probe == PROBE_NONE && is_talking(w))
		probe_send(w);
}

/* The answer that came before its document had been sent. */
static void
take_held(struct worker *w)
{
	if (!w->is_held || w->is_filling)
		return;
	w->is_held = 0;
	take(w, SPAN_NONE);
}

static void
on_end(struct worker *w)
{
	if (w->is_held)
		w->is_filling = 0;
	w->is_settled = 1; /* there will be nothing more */
	take_held(w);
	if (w->answer_at_us != 0)
		take(w, SPAN_NONE);
	if (is_talking(w))
		enter_ending(w);
}

/* May more of its answer be read? One that is whole does not grow. */
static int
has_room(struct worker *w)
{
	struct pool *p = w->pool;

	if (w->in.n < LARGE_BYTES || w->answer_at_us != 0 || w->is_held ||
	    p->conf.room == NULL)
		return 1;
	switch (p->conf.room(p->conf.arg, p)) {
	case POOL_ROOM_NONE:
		return 0;
	case POOL_ROOM_ONE:
		if (p->favoured == NULL)
			p->favoured = w;
		return p->favoured == w;
	case POOL_ROOM_ALL:
		p->favoured = NULL;
		return 1;
	}
	return 1;
}

static void
pause_reading(struct worker *w)
{
	w->paused_at_us = timer_now_us();
	CHECK(event_del(&w->ev_read) == 0);
}

/* Its time stood still. */
void
talk_resume(struct worker *w)
{
	int64_t us;

	if (w->paused_at_us == 0 || !has_room(w))
		return;
	us = timer_now_us() - w->paused_at_us;
	w->paused_at_us = 0;
	w->tasks[0].first_at_us += us;
	if (w->due_at_us != TIMER_NEVER) {
		w->due_at_us += us;
		timer_set(w->timer, w->due_at_us);
	}
	CHECK(event_add(&w->ev_read, NULL) == 0);
}

/* `is_last`: it has ended, and can say no more than its socket holds. */
static int
read_some(struct worker *w, int is_last)
{
	struct pool *p = w->pool;
	size_t got = 0;
	ssize_t n;

	while (got < READ_BUDGET && is_talking(w)) {
		if (!is_last && w->paused_at_us == 0 && !has_room(w))
			pause_reading(w);
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
	return is_talking(w);
}

int
talk_read(struct worker *w)
{
	return read_some(w, 0);
}

void
talk_drain(struct worker *w)
{
	int i;

	for (i = 0; i < DRAINS && is_talking(w); i++)
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
	(void)talk_read(w);
	pool_pump(w->pool);
}

/* ---- answers ---- */

void
talk_ready(struct worker *w)
{
	w->state = WORKER_UP;
	set_due(w, TIMER_NEVER);
	slot_prove(w);
	slot_place(w);
	pool_defer(w->pool);
}

/* Its bytes are large enough to be worth it, and the last that came. */
static struct buf *
holder(struct worker *w, struct span value)
{
	size_t at;

	if (value.n < HELD_MIN || value.p < w->in.p ||
	    value.p >= w->in.p + w->in.n)
		return NULL;
	at = (size_t)(value.p - w->in.p);
	if (w->pool->conf.talk == POOL_FRAMES && at + value.n < w->in.n)
		return NULL;
	if (w->pool->conf.talk == POOL_LINES && w->in.p[w->in.n - 1] != '\n')
		return NULL;
	return &w->in;
}

int
talk_answer(struct worker *w, enum parse_error e, struct span value)
{
	struct pool *p = w->pool;
	struct task t = w->tasks[0];
	struct pool_result r = {
		.error = e, .value = value, .worker = w->number
	};
	unsigned i;

	if (t.doc != NULL && value.n > 0 && p->conf.check(t.doc, value) == -1)
		return -1;
	r.held = holder(w, value);
	r.time_us = (w->answer_at_us != 0 ? w->answer_at_us : timer_now_us()) -
		    t.first_at_us;
	w->answer_at_us = 0;
	w->is_settled = 0;
	if (p->favoured == w)
		p->favoured = NULL;
	p->busy_us += r.time_us;
	w->ntasks--;
	for (i = 0; i < w->ntasks; i++)
		w->tasks[i] = w->tasks[i + 1];
	if (w->ntasks > 0)
		begin_first(w);
	else
		set_due(w, TIMER_NEVER);
	slot_answered(w);
	slot_place(w);
	if (t.doc != NULL)
		pool_finish(p, t.doc, &r);
	return 0;
}

void
talk_hold(struct worker *w)
{
	if (w->answer_at_us == 0) {
		w->answer_at_us = timer_now_us();
		w->is_put_off = 0;
		w->due_at_us = w->answer_at_us + SETTLE_US;
		timer_set(w->timer, w->due_at_us);
	}
}

void
talk_go_on(struct worker *w)
{
	(void)talk_read(w); /* what it said before it read */
	if (!is_talking(w))
		return;
	if (w->answer_at_us != 0)
		take(w, SPAN_NONE);
	else if (w->is_filling)
		talk_pour(w);
}

int
talk_judge_idle(struct worker *w)
{
	if (w->pool->conf.prefix.n > 0 && is_readable(w))
		(void)talk_read(w);
	return w->state == WORKER_UP;
}

/* ---- writing ---- */

/* The next bytes of the last task. */
static void
fill(struct worker *w)
{
	struct pool *p = w->pool;
	struct pool_doc *d = w->tasks[w->ntasks - 1].doc;
	size_t before;

	buf_drop(&w->out, w->sent);
	w->sent = 0;
	before = w->out.n;
	w->is_filling = p->conf.fill(d, &w->out, !w->is_begun) != 0;
	if (!w->is_begun && p->conf.talk == POOL_LINES)
		w->filled += probe_skip(w, before) ? p->conf.prefix.n : 0;
	w->is_begun = 1;
	w->filled += w->out.n - before;
	CHECK(!w->is_filling || w->out.n > before);
	if (w->is_filling)
		return;
	w->probe = PROBE_NONE;
	CHECK(p->conf.talk == POOL_LINES || w->filled == d->bytes);
	slot_place(w);
}

static void
wait_writable(struct worker *w, int on)
{
	if (w->is_writing == (on != 0))
		return;
	w->is_writing = on != 0;
	if (on)
		CHECK(event_add(&w->ev_write, NULL) == 0);
	else
		CHECK(event_del(&w->ev_write) == 0);
}

/* It does not read any more: it has ended, or acts as if. */
static void
on_mute(struct worker *w)
{
	wait_writable(w, 0);
	talk_drain(w);
	if (is_talking(w))
		on_end(w);
}

void
talk_pour(struct worker *w)
{
	size_t put = 0;
	ssize_t n;

	while (is_talking(w)) {
		if (w->is_filling && w->probe != PROBE_SENT &&
		    w->out.n - w->sent < OUT_LOW)
			fill(w);
		if (w->sent == w->out.n) {
			w->sent = 0;
			buf_clear(&w->out, OUT_KEEP);
			wait_writable(w, 0);
			return;
		}
		if (put >= WRITE_BUDGET) {
			wait_writable(w, 1);
			return;
		}
		n = send(w->fd, w->out.p + w->sent, w->out.n - w->sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			w->sent += (size_t)n;
			put += (size_t)n;
		} else if (errno == EAGAIN) {
			wait_writable(w, 1);
			return;
		} else if (errno != EINTR) {
			on_mute(w);
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
	talk_pour(w);
	take_held(w);
	pool_pump(w->pool);
}

static void
put_head(struct worker *w, enum frame_type type, uint64_t length, uint64_t id)
{
	const struct frame f = { type, (uint32_t)length, id };

	frame_put_head(buf_reserve(&w->out, FRAME_HEAD), &f);
	w->out.n += FRAME_HEAD;
}

void
talk_give(struct worker *w, struct pool_doc *d)
{
	struct pool *p = w->pool;
	struct task *t = &w->tasks[w->ntasks++];

	CHECK(w->ntasks <= POOL_DEPTH && !w->is_filling);
	*t = (struct task){ .doc = d, .id = ++p->last_id };
	d->worker = w;
	d->state = DOC_WITH;
	w->is_filling = 1;
	w->is_begun = 0;
	w->filled = 0;
	if (p->conf.talk == POOL_FRAMES)
		put_head(w, FRAME_DOC, d->bytes, t->id);
	if (w->ntasks == 1)
		begin_first(w);
	slot_place(w);
	talk_pour(w);
}

/* ---- the socket ---- */

void
talk_init(struct worker *w)
{
	w->timer = timer_new(w->pool->base, on_timer, w);
	w->due_at_us = TIMER_NEVER;
}

void
talk_fini(struct worker *w)
{
	timer_free(w->timer);
	buf_fini(&w->in);
	buf_fini(&w->out);
}

void
talk_open(struct worker *w)
{
	struct pool *p = w->pool;

	CHECK(event_assign(&w->ev_read, p->base, w->fd, EV_READ | EV_PERSIST,
		  on_readable, w) == 0);
	CHECK(event_assign(&w->ev_write, p->base, w->fd, EV_WRITE | EV_PERSIST,
		  on_writable, w) == 0);
	CHECK(event_add(&w->ev_read, NULL) == 0);
	set_due(w, TIMER_NEVER);
	if (p->conf.talk == POOL_LINES) {
		probe_open(w);
		return;
	}
	set_due(w, w->start_at_us + p->pace.ready_us);
	CHECK(p->conf.config.n <= FRAME_CONFIG_MAX);
	put_head(w, FRAME_CONFIG, p->conf.config.n, 0);
	buf_span(&w->out, p->conf.config);
	talk_pour(w);
}

void
talk_stop(struct worker *w)
{
	CHECK(event_del(&w->ev_read) == 0);
	w->paused_at_us = 0;
	if (w->pool->favoured == w)
		w->pool->favoured = NULL;
	probe_stop(w);
	wait_writable(w, 0);
	timer_clear(w->timer);
}

void
talk_close(struct worker *w)
{
	talk_stop(w);
	probe_close(w);
	close(w->fd);
	w->fd = -1;
	w->due_at_us = TIMER_NEVER;
	w->sent = w->scanned = 0;
	buf_clear(&w->in, IN_KEEP);
	buf_clear(&w->out, OUT_KEEP);
}
