/* SPDX-License-Identifier: ISC */
/*
 * The governor's rules. Each rule is a function; what several transfers in
 * flight say of one event counts once.
 */
#include "core/govern.h"

#include "codec/http_ratelimit.h"
#include "core/fetch.h"
#include "core/host.h"
#include "core/xchg.h"
#include "io/timer.h"

#define BACKOFF_MAX_US 60000000
#define FAILS_MAX 3 /* in a row, then it is held */

static int64_t
now_of(const struct host *h)
{
	return h->core->now_us;
}

/* Did f begin before the hold was set? Then it is part of what led to it. */
static int
is_old_news(const struct fetch *f)
{
	return f->x != NULL && f->x->epoch != f->host->gov.epoch;
}

static int64_t
doubled(int64_t last_us, int64_t first_us)
{
	int64_t us = last_us > 0 ? 2 * last_us : first_us;

	return us < BACKOFF_MAX_US ? us : BACKOFF_MAX_US;
}

/* Afterwards `allow` may go at once. */
static void
hold(struct host *h, int64_t us, enum wait_reason why, unsigned allow)
{
	struct governor *g = &h->gov;
	int64_t until = now_of(h) + us;

	if (g->until_us < until) {
		g->until_us = until;
		g->why = why;
	}
	g->epoch++;
	g->before = h->active;
	g->failed = 0;
	g->allow = allow;
	host_update(h);
}

/* Until its hold is over; without --retry-delay it has none. */
static void
give_up(struct host *h, enum wait_reason why)
{
	h->gov.is_given_up = 1;
	if (h->gov.until_us <= now_of(h))
		hold(h, BACKOFF_MAX_US, why, 1);
	host_update(h);
}

void
govern_end(struct fetch *f)
{
	f->host->gov.before -= is_old_news(f) && f->host->gov.before > 0;
}

/* A transfer that takes long does not stand in for one that finds out. */
size_t
govern_room(const struct host *h)
{
	const struct governor *g = &h->gov;
	unsigned since = h->active - g->before;

	if (g->allow == 0)
		return SIZE_MAX;
	return since < g->allow ? g->allow - since : 0;
}

/* ---- it answers ---- */

void
govern_answered(struct fetch *f)
{
	struct host *h = f->host;
	struct governor *g = &h->gov;
	int was_asked = g->asked_us != 0;

	g->fails = g->lost = 0;
	g->silent_us = 0;
	g->asked_since_us = 0;
	if (is_old_news(f) && was_asked)
		return; /* others of the same moment were asked to wait */
	g->backoff_us = g->asked_us = 0;
	g->is_given_up = 0;
	if (g->allow == 0)
		return;
	g->until_us = 0;
	/* Twice as many a round trip, so that no burst follows the hold. */
	if (++g->allow > (uint64_t)f->opts->concurrency)
		g->allow = 0;
	host_update(h);
}

/* ---- it asks to wait ---- */

static int
is_patience_over(const struct fetch *f)
{
	const struct governor *g = &f->host->gov;
	int64_t max = f->opts->retry_max_time_us;

	return max > 0 && g->asked_since_us != 0 &&
	       now_of(f->host) - g->asked_since_us > max;
}

void
govern_asked(struct fetch *f, int status, int64_t wait_us)
{
	struct host *h = f->host;
	struct governor *g = &h->gov;
	int64_t max = f->opts->retry_after_max_us;

	g->last = status == 429 ? "429" : "503";
	g->fails = g->lost = 0;
	g->silent_us = g->backoff_us = 0;
	if (g->until_us <= now_of(h))
		g->is_given_up = 0; /* that was another time */
	if (g->asked_since_us == 0)
		g->asked_since_us = now_of(h);
	if (!is_old_news(f) || g->asked_us == 0)
		g->asked_us = doubled(g->asked_us, f->opts->retry_delay_us);
	hold(h, wait_us > g->asked_us ? wait_us : g->asked_us, WAIT_RETRY_AFTER,
	    1);
	if ((max > 0 && wait_us > max) || is_patience_over(f))
		give_up(h, WAIT_RETRY_AFTER);
}

/* ---- it does not answer ---- */

static int
is_dead(const struct host *h)
{
	const struct opts *o = h->core->opts;
	int64_t since = h->gov.silent_us;

	return since != 0 && o->max_host_errors > 0 &&
	       o->host_dead_after_us > 0 &&
	       now_of(h) - since >= o->host_dead_after_us;
}

/*
 * One finds out whether it is back. Once it is silent for --host-dead-after it
 * is only that --max-host-errors items must have failed, and they may at once.
 */
static unsigned
allowed(const struct host *h)
{
	uint64_t max = (uint64_t)h->core->opts->max_host_errors;

	return is_dead(h) && h->gov.lost + 1 < max ? (unsigned)max - h->gov.lost
						   : 1;
}

void
govern_failed(struct fetch *f, enum err e)
{
	struct host *h = f->host;
	struct governor *g = &h->gov;

	g->last = error_code(e);
	g->fails++;
	if (g->silent_us == 0)
		g->silent_us = now_of(h);
	if (g->fails < FAILS_MAX || f->opts->retry_delay_us == 0 ||
	    (is_old_news(f) && g->backoff_us != 0))
		return;
	if (is_dead(h) && ++g->failed < g->allow)
		return;
	g->backoff_us = doubled(g->backoff_us, f->opts->retry_delay_us);
	hold(h, g->backoff_us, WAIT_BACKOFF, allowed(h));
}

void
govern_lost(struct fetch *f)
{
	struct host *h = f->host;

	h->gov.lost++;
	if (is_dead(h) && h->gov.lost >= (uint64_t)f->opts->max_host_errors)
		give_up(h, WAIT_BACKOFF);
}

int
govern_is_probing(const struct host *h)
{
	return h->gov.silent_us != 0 && !is_dead(h);
}

int
govern_is_given_up(const struct governor *g, int64_t now_us)
{
	return g->is_given_up && now_us < g->until_us;
}

int
govern_is_needed(const struct governor *g, int64_t now_us)
{
	return g->until_us > now_us || g->allow != 0 || g->fails != 0 ||
	       (g->has_quota && g->quota_us > now_us);
}

/* ---- what its headers say ---- */

/* Tokens cannot be counted in requests: they hold when there are none left. */
static int
is_tighter(const struct http_ratelimit *a, const struct http_ratelimit *b)
{
	if (a->reset_us < 0 ||
	    (a->remaining > 0 && span_eq(a->name, SPAN("tokens"))))
		return 0;
	if (b == NULL || a->remaining < b->remaining)
		return 1;
	return a->remaining == b->remaining && a->reset_us > b->reset_us;
}

static void
set_quota(struct host *h, const struct http_ratelimit *r)
{
	struct governor *g = &h->gov;
	int64_t max = h->core->opts->retry_after_max_us, wait = r->reset_us;
	int64_t left = r->remaining;

	if (max > 0 && wait > max)
		wait = max; /* and then it is asked again */
	/* Those under way may not be counted in it yet. */
	left -= h->active > 0 ? h->active - 1 : 0;
	g->has_quota = 1;
	g->quota = left > 0 ? left : 0;
	g->quota_us = now_of(h) + wait;
	host_update(h);
}

void
govern_headers(struct fetch *f)
{
	struct http_ratelimit v[HTTP_RATELIMIT_MAX], *tightest = NULL;
	size_t i, n;

	if (!f->opts->rate_headers)
		return;
	n = http_ratelimit_read(http_header(f->x->http), timer_wall_us(), v);
	for (i = 0; i < n; i++)
		if (is_tighter(&v[i], tightest))
			tightest = &v[i];
	if (tightest != NULL)
		set_quota(f->host, tightest);
}

void
govern_start(struct host *h)
{
	struct governor *g = &h->gov;

	if (g->has_quota && g->quota_us <= now_of(h))
		g->has_quota = 0;
	if (g->has_quota && g->quota > 0)
		g->quota--;
}
