/* SPDX-License-Identifier: ISC */
/*
 * io/clock.h over the virtual clock: the budget of a pass counts calls of
 * clock_tick, as virtual time does not pass by itself.
 */
#include "io/clock.h"
#include "io/timer.h"
#include "world.h"

int64_t
clock_tick(struct clock *k)
{
	world_now()->work++;
	k->now_us = timer_now_us();
	if (k->pass_at_us == 0)
		k->pass_at_us = k->now_us;
	return k->now_us;
}

int
clock_is_over_budget(const struct clock *k)
{
	const struct event_base *w = world_now();

	(void)k;
	return w->work > w->budget;
}

void
clock_end_pass(struct clock *k)
{
	k->pass_at_us = 0;
}
