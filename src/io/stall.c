/* SPDX-License-Identifier: ISC */
/* A periodic timer, and gaps in it. Knows nothing of deadlines. */
#include "io/stall.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/timer.h"

#define BEAT_US 100000
#define STALL_MIN_US 100000 /* shorter gaps are normal scheduling */

struct stall {
	struct timer *beat;
	int is_busy;
	int64_t last_at_us; /* the previous reading */
	int64_t cpu_us;     /* our CPU use when the pass began */
};

static int64_t
cpu_us(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct stall *
stall_new(struct event_base *base, stall_cb *cb, void *arg)
{
	struct stall *s = mem_zalloc(1, sizeof(*s));

	s->beat = timer_new(base, cb, arg);
	return s;
}

void
stall_free(struct stall *s)
{
	if (s == NULL)
		return;
	timer_free(s->beat);
	free(s);
}

void
stall_begin_pass(struct stall *s, int is_busy)
{
	int64_t now_us;

	if (!is_busy) {
		s->is_busy = 0;
		timer_clear(s->beat);
		return;
	}
	s->cpu_us = cpu_us();
	if (s->is_busy && timer_at(s->beat) != TIMER_NEVER)
		return;
	now_us = timer_now_us();
	if (!s->is_busy)
		s->last_at_us = now_us;
	s->is_busy = 1;
	timer_set(s->beat, now_us + BEAT_US);
}

int64_t
stall_look(struct stall *s, int64_t now_us)
{
	int64_t gap_us = now_us - s->last_at_us, used_us;

	s->last_at_us = now_us;
	if (!s->is_busy || gap_us < BEAT_US + STALL_MIN_US)
		return 0;
	used_us = cpu_us() - s->cpu_us;
	return gap_us - used_us >= BEAT_US + STALL_MIN_US ? gap_us - used_us
							  : 0;
}
