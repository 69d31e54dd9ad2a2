/* SPDX-License-Identifier: ISC */
/*
 * The rules of the back-off of an origin, one function each. Transfers that
 * were in flight together report the same event: it counts once.
 */
#include "core/origin/backoff.h"

#include "base/trace.h"
#include "codec/http/ratelimit.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/timer.h"

#define BACKOFF_MAX_US 60000000
#define WINDOW_MIN 2
#define ALONE_MIN 2 /* of one item, while others are answered */

static int64_t
now_of(const struct host *h)
{
	return h->core->clock.now_us;
}

/* Did f begin before the hold was set? Then its outcome led to the hold. */
static int
began_before_hold(const struct fetch *f)
{
	return f->x != NULL && f->x->epoch != f->host->backoff.epoch;
}

static int64_t
doubled(int64_t last_us, int64_t first_us)
{
	int64_t us = last_us > 0 ? 2 * last_us : first_us;

	return us < BACKOFF_MAX_US ? us : BACKOFF_MAX_US;
}

static int
may_hold(const struct fetch *f)
{
	return f->job->opts->retry > 0;
}

static void
trace_backoff(
    const struct host *h, enum trace_kind kind, size_t count, const char *why)
{
	const struct trace_event e = {
		.at_us = now_of(h),
		.kind = (unsigned char)kind,
		.count = (uint32_t)count,
		.value = h->backoff.held_until_at_us,
		.why = why,
	};

	trace_put(h->core->trace, &e, h->origin);
}

/* Afterwards one may go at once. */
static void
hold(struct host *h, int64_t us, enum wait_reason why)
{
	struct backoff *g = &h->backoff;
	int64_t until = now_of(h) + us;

	g->is_unreported |= g->held_until_at_us <= now_of(h) && us > 0;
	if (g->held_until_at_us < until) {
		g->held_until_at_us = until;
		g->why = why;
	}
	g->epoch++;
	g->active_before = h->active;
	g->recovery_limit = 1;
	trace_backoff(h, TRACE_ORIGIN_BACKOFF, h->active, stats_wait_name(why));
	host_update(h);
}

/* After give_up() has decided what kind of hold it is. */
static void
report_hold(struct host *h)
{
	if (h->backoff.is_unreported && h->core->hosts.hold_begun != NULL)
		h->core->hosts.hold_begun(h->core->hosts.hold_begun_arg, h);
	h->backoff.is_unreported = 0;
}

/* Until the hold ends; --retry-delay 0 sets none, so one is made here. */
static void
give_up(struct host *h, enum wait_reason why)
{
	struct backoff *g = &h->backoff;

	if (backoff_is_given_up(g, now_of(h)))
		return;
	g->is_given_up = g->is_unreported = 1;
	if (why == WAIT_BACKOFF || g->held_until_at_us <= now_of(h))
		hold(h, BACKOFF_MAX_US, why);
	trace_backoff(h, TRACE_ORIGIN_GIVEN_UP, host_waiting(h),
	    h->backoff.last_failure != NULL ? h->backoff.last_failure
					    : stats_wait_name(why));
	host_update(h);
}

void
backoff_end(struct fetch *f)
{
	f->host->backoff.active_before -=
	    began_before_hold(f) && f->host->backoff.active_before > 0;
}

/* ---- answered ---- */

static void
clear_failures(struct backoff *g)
{
	g->is_unreachable = 0;
	g->nfailed = 0;
	g->down_since_at_us = g->backoff_us = 0;
}

/* Widens the window by one, until the options are the only limit. */
static void
widen(struct host *h)
{
	const struct limits *l = &h->core->limits;
	uint64_t most = (uint64_t)l->concurrency;

	if (l->max_per_host > 0 && (uint64_t)l->max_per_host < most)
		most = (uint64_t)l->max_per_host;
	if (h->backoff.window != 0 && ++h->backoff.window >= most)
		h->backoff.window = 0;
}

void
backoff_answered(struct fetch *f)
{
	struct host *h = f->host;
	struct backoff *g = &h->backoff;
	int was_throttled = g->throttle_wait_us != 0;

	g->has_answered = 1;
	g->answers++;
	g->throttled_since_at_us = 0;
	clear_failures(g);
	widen(h);
	if (began_before_hold(f) && was_throttled) {
		learned_rate_served_late(&g->learned);
		return; /* requests sent with it were throttled */
	}
	learned_rate_served(&g->learned, now_of(h));
	g->throttle_wait_us = 0;
	g->is_given_up = 0;
	if (g->recovery_limit > 0) {
		g->held_until_at_us = 0;
		/* Doubles each round trip: no burst follows the hold. */
		if (++g->recovery_limit > (uint64_t)h->core->limits.concurrency)
			g->recovery_limit = 0;
	}
	host_update(h);
}

/* ---- throttled ---- */

static int
is_throttled_too_long(const struct fetch *f)
{
	const struct backoff *g = &f->host->backoff;
	int64_t max = f->job->opts->retry_max_time_us;

	return max > 0 && g->throttled_since_at_us != 0 &&
	       now_of(f->host) - g->throttled_since_at_us > max;
}

/* The origin refuses this URL again and again, but answers others. */
static int
is_throttled_alone(const struct fetch *f)
{
	const struct history *t = f->history;

	return t != NULL && t->throttled_alone >= ALONE_MIN &&
	       t->answers != f->host->backoff.answers;
}

static void
learn_rate(struct fetch *f)
{
	if (f->job->opts->learn_rate && may_hold(f))
		learned_rate_refused(&f->host->backoff.learned, now_of(f->host),
		    &history_of(f)->learnt);
}

/*
 * A URL that is throttled alone holds its origin only if the answer names a
 * wait, and no rate is learnt from it.
 */
void
backoff_throttled(struct fetch *f, int status, int64_t wait_us)
{
	struct host *h = f->host;
	struct backoff *g = &h->backoff;
	int64_t max = f->job->opts->retry_after_max_us;
	int is_alone = is_throttled_alone(f);

	g->last_failure = status == 429 ? "429" : status == 529 ? "529" : "503";
	g->has_answered = 1;
	clear_failures(g);
	if (is_alone)
		learned_rate_take_back(&g->learned, &history_of(f)->learnt);
	if (is_alone && wait_us < 0) {
		host_update(h);
		return;
	}
	if (g->held_until_at_us <= now_of(h))
		g->is_given_up = 0; /* for a hold that has ended */
	if (g->throttled_since_at_us == 0)
		g->throttled_since_at_us = now_of(h);
	if (!began_before_hold(f) || g->throttle_wait_us == 0) {
		g->probes_new ^= g->recovery_limit == 1;
		g->throttle_wait_us =
		    doubled(g->throttle_wait_us, f->job->opts->retry_delay_us);
		if (status == 429 && !is_alone)
			learn_rate(f);
	}
	hold(h, wait_us > g->throttle_wait_us ? wait_us : g->throttle_wait_us,
	    WAIT_RETRY_AFTER);
	if ((max > 0 && wait_us > max) || is_throttled_too_long(f))
		give_up(h, WAIT_RETRY_AFTER);
	report_hold(h);
}

/* ---- no connection succeeds ---- */

int
backoff_is_free_probe(const struct fetch *f)
{
	return f->x != NULL && f->x->is_probe && f->host->backoff.has_answered;
}

void
backoff_check_dead(struct host *h)
{
	if (now_of(h) >= backoff_dead_at_us(h) &&
	    !backoff_is_given_up(&h->backoff, now_of(h))) {
		give_up(h, WAIT_BACKOFF);
		report_hold(h);
	}
}

/* An item counts once, however often it fails. */
static void
add_failed_item(struct backoff *g, const struct fetch *f)
{
	unsigned i;

	for (i = 0; i < g->nfailed && i < BACKOFF_FAILED_ITEMS - 1; i++)
		if (g->failed[i].seq == f->seq && g->failed[i].job == f->job)
			return;
	if (g->nfailed < BACKOFF_FAILED_ITEMS - 1)
		g->failed[g->nfailed] = (struct failed_item){ f->job, f->seq };
	if (g->nfailed < BACKOFF_FAILED_ITEMS)
		g->nfailed++;
}

/*
 * Failures of transfers that were in flight when the hold began do not extend
 * it. The hold doubles with each probe that fails. An origin that has never
 * answered is given up once an item has used up its tries.
 */
void
backoff_unreachable(struct fetch *f, enum err e, int has_used_up)
{
	struct host *h = f->host;
	struct backoff *g = &h->backoff;

	g->last_failure = error_code(e);
	if (g->down_since_at_us == 0)
		g->down_since_at_us =
		    f->x != NULL ? f->x->slot_at_us : now_of(h);
	add_failed_item(g, f);
	if (!may_hold(f) || g->nfailed < BACKOFF_FAILED_ITEMS)
		return;
	if (!g->is_unreachable || !began_before_hold(f)) {
		g->is_unreachable = 1;
		idle_close_host(h); /* they would fail one by one */
		g->backoff_us =
		    doubled(g->backoff_us, f->job->opts->retry_delay_us);
		hold(h, g->backoff_us, WAIT_BACKOFF);
	}
	if (has_used_up && !g->has_answered)
		give_up(h, WAIT_BACKOFF);
	backoff_check_dead(h);
	report_hold(h);
}

/* The origin is reachable; a later failure concerns the request only. */
void
backoff_connected(struct fetch *f)
{
	struct host *h = f->host;
	struct backoff *g = &h->backoff;
	int was_unreachable = g->is_unreachable;

	clear_failures(g);
	if (!was_unreachable)
		return;
	g->is_given_up = 0;
	if (g->why == WAIT_BACKOFF)
		g->held_until_at_us = 0;
	host_update(h);
}

/* ---- requests break ---- */

/*
 * Halves the window, in case the origin is overloaded. Requests that were in
 * flight at that moment do not halve it again.
 */
void
backoff_broken(struct fetch *f, enum err e)
{
	struct host *h = f->host;
	struct backoff *g = &h->backoff;
	unsigned n = g->window != 0 ? g->window : h->active;

	g->last_failure = error_code(e);
	if (!may_hold(f) || f->x == NULL ||
	    f->x->slot_at_us < g->narrowed_at_us)
		return;
	g->narrowed_at_us = now_of(h);
	g->window = n / 2 > WINDOW_MIN ? n / 2 : WINDOW_MIN;
	host_update(h);
}

/* ---- items end ---- */

void
backoff_ended(struct fetch *f, enum err e)
{
	struct host *h = f->host;
	uint64_t max = (uint64_t)f->job->opts->max_host_errors;

	if (e == E_OK) {
		h->backoff.failed_in_a_row = 0;
		return;
	}
	if (e == E_HOST_UNAVAILABLE)
		return;
	h->backoff.last_failure = error_code(e);
	if (++h->backoff.failed_in_a_row >= max && max > 0) {
		give_up(h, WAIT_BACKOFF);
		report_hold(h);
	}
}

/* ---- rate limit fields ---- */

/* Tokens cannot be counted in requests: they only limit when none are left. */
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
set_quota(struct fetch *f, const struct http_ratelimit *r)
{
	struct host *h = f->host;
	struct backoff *g = &h->backoff;
	int64_t max = f->job->opts->retry_after_max_us, wait = r->reset_us;
	int64_t left = r->remaining;

	if (max > 0 && wait > max)
		wait = max; /* then a request finds out the new quota */
	/* The origin may not have counted the requests in flight yet. */
	left -= h->active > 0 ? h->active - 1 : 0;
	g->has_quota = 1;
	g->quota = left > 0 ? left : 0;
	g->quota_at_us = now_of(h) + wait;
	host_update(h);
}

void
backoff_headers(struct fetch *f)
{
	struct http_ratelimit v[HTTP_RATELIMIT_MAX], *tightest = NULL;
	size_t i, n;

	if (!f->job->opts->rate_headers)
		return;
	n = http_ratelimit_read(http_header(f->x->http), timer_wall_us(), v);
	for (i = 0; i < n; i++)
		if (is_tighter(&v[i], tightest))
			tightest = &v[i];
	if (tightest != NULL)
		set_quota(f, tightest);
}

void
backoff_start(struct host *h)
{
	struct backoff *g = &h->backoff;

	if (g->has_quota && g->quota_at_us <= now_of(h))
		g->has_quota = 0;
	if (g->has_quota && g->quota > 0)
		g->quota--;
	learned_rate_start(&g->learned, now_of(h));
}
