/* SPDX-License-Identifier: ISC */
/* Reads the clock and keeps the moment. Knows nothing of what is due. */
#include "io/clock.h"

#include <stddef.h>

#include "io/stall.h"
#include "io/timer.h"

void
clock_watch(struct clock *k, struct stall *stall, clock_stall_cb *cb, void *arg)
{
	k->stall = stall;
	k->on_stall = cb;
	k->arg = arg;
}

int64_t
clock_tick(struct clock *k)
{
	int64_t stood_us;

	k->now_us = timer_now_us();
	stood_us = k->stall != NULL ? stall_look(k->stall, k->now_us) : 0;
	if (stood_us > 0)
		k->on_stall(k->arg, stood_us);
	if (k->pass_at_us == 0)
		k->pass_at_us = k->now_us;
	return k->now_us;
}

int
clock_is_over_budget(const struct clock *k)
{
	return k->now_us > k->pass_at_us + CLOCK_PASS_US;
}

void
clock_end_pass(struct clock *k)
{
	k->pass_at_us = 0;
}
