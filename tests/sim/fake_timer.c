/* SPDX-License-Identifier: ISC */
/*
 * io/timer.h over the virtual clock. Under chaos a timer comes up to a
 * millisecond early or late, as its contract allows.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/timer.h"
#include "world.h"

struct timer {
	struct event_base *world;
	struct ev ev;
	int64_t at_us;
	timer_cb *cb;
	void *arg;
};

int64_t
timer_now_us(void)
{
	return world_now()->now_us;
}

int64_t
timer_wall_us(void)
{
	return timer_now_us() + 1700000000 * SECOND;
}

static void
on_timeout(void *arg)
{
	struct timer *t = arg;

	t->at_us = TIMER_NEVER;
	t->cb(t->arg);
}

struct timer *
timer_new(struct event_base *base, timer_cb *cb, void *arg)
{
	struct timer *t = mem_zalloc(1, sizeof(*t));

	t->world = base;
	t->cb = cb;
	t->arg = arg;
	t->at_us = TIMER_NEVER;
	ev_init(&t->ev, on_timeout, t);
	return t;
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	ev_clear(t->world, &t->ev);
	free(t);
}

void
timer_set(struct timer *t, int64_t at_us)
{
	struct event_base *w = t->world;
	int64_t off = 0;

	if (at_us == TIMER_NEVER) {
		timer_clear(t);
		return;
	}
	t->at_us = at_us;
	if (w->is_chaotic && !w->nojitter_timers)
		off = (int64_t)world_draw(w, 2 * MS) - MS;
	ev_set(w, &t->ev, at_us + off);
}

void
timer_clear(struct timer *t)
{
	t->at_us = TIMER_NEVER;
	ev_clear(t->world, &t->ev);
}

int64_t
timer_at(const struct timer *t)
{
	return t->at_us;
}
