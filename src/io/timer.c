/* SPDX-License-Identifier: ISC */
/* A libevent timer each. Knows nothing of what is due. */
#include "io/timer.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"

struct timer {
	struct event *ev;
	timer_cb *cb;
	void *arg;
	int64_t at_us;
};

static int64_t
clock_us(clockid_t id)
{
	struct timespec ts;

	CHECK(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
timer_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
timer_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	t->at_us = TIMER_NEVER;
	t->cb(t->arg);
}

struct timer *
timer_new(struct event_base *base, timer_cb *cb, void *arg)
{
	struct timer *t = mem_zalloc(1, sizeof(*t));

	t->cb = cb;
	t->arg = arg;
	t->at_us = TIMER_NEVER;
	t->ev = evtimer_new(base, on_timeout, t);
	if (t->ev == NULL)
		fatalx("evtimer_new failed");
	return t;
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	event_free(t->ev);
	free(t);
}

void
timer_set(struct timer *t, int64_t at_us)
{
	int64_t in_us;
	struct timeval tv;

	if (at_us == TIMER_NEVER) {
		timer_clear(t);
		return;
	}
	if (t->at_us == at_us)
		return;
	in_us = at_us - timer_now_us();
	if (in_us < 0)
		in_us = 0;
	tv.tv_sec = (time_t)(in_us / 1000000);
	tv.tv_usec = (suseconds_t)(in_us % 1000000);
	t->at_us = at_us;
	CHECK(evtimer_add(t->ev, &tv) == 0);
}

void
timer_clear(struct timer *t)
{
	if (t->at_us == TIMER_NEVER)
		return;
	t->at_us = TIMER_NEVER;
	evtimer_del(t->ev);
}

int64_t
timer_at(const struct timer *t)
{
	return t->at_us;
}
