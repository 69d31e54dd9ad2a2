/* SPDX-License-Identifier: ISC */
/*
 * What the back-off of an origin allows now. Changes nothing; backoff.c does.
 */
#include "core/core.h"
#include "core/origin/backoff.h"
#include "core/origin/host.h"
#include "io/timer.h"

/* Long transfers from before the hold do not take the place of a probe. */
size_t
backoff_room(const struct host *h)
{
	const struct backoff *g = &h->backoff;
	unsigned since = h->active - g->active_before;
	size_t room = SIZE_MAX, window = g->window;

	if (g->recovery_limit > 0)
		room =
		    since < g->recovery_limit ? g->recovery_limit - since : 0;
	if (window == 0)
		return room;
	window = h->active < window ? window - h->active : 0;
	return window < room ? window : room;
}

int
backoff_is_probing(const struct host *h)
{
	return h->backoff.is_unreachable;
}

int64_t
backoff_dead_at_us(const struct host *h)
{
	const struct limits *l = &h->core->limits;
	const struct backoff *g = &h->backoff;
	int64_t span =
	    g->has_answered ? l->host_dead_after_us : l->never_up_after_us;

	if (!g->is_unreachable || span == 0)
		return TIMER_NEVER;
	return g->down_since_at_us + span;
}

int
backoff_is_given_up(const struct backoff *g, int64_t now_us)
{
	return g->is_given_up && now_us < g->held_until_at_us;
}

int
backoff_is_needed(const struct backoff *g, int64_t now_us)
{
	return g->held_until_at_us > now_us || g->recovery_limit != 0 ||
	       g->nfailed != 0 || g->window != 0 || g->failed_in_a_row != 0 ||
	       g->learned.rate > 0 || (g->has_quota && g->quota_at_us > now_us);
}
