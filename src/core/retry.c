/* SPDX-License-Identifier: ISC */
/*
 * The rules of retries. Knows statuses, codes and methods; core/origin/backoff
 * decides what holds an origin as a whole.
 */
#include "core/retry.h"

#include <string.h>

#include "codec/http/retry_after.h"
#include "core/fetch.h"
#include "core/item.h"
#include "core/origin/backoff.h"
#include "core/origin/host.h"
#include "core/origin/network.h"
#include "core/redirect.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/timer.h"

#define DELAY_MAX_US 60000000

static int64_t
tries_max(const struct fetch *f)
{
	return f->retry >= 0 ? f->retry : f->job->opts->retry;
}

int
retry_is_enabled(const struct fetch *f)
{
	return tries_max(f) > 0;
}

static unsigned
tries_of(const struct fetch *f)
{
	return f->history != NULL ? f->history->tries : 0;
}

static int
is_over_time(const struct fetch *f)
{
	int64_t max = f->job->opts->retry_max_time_us;

	return max > 0 && f->begun_at_us != 0 &&
	       f->core->clock.now_us - f->begun_at_us >= max;
}

/* Evenly distributed in [0, below); xorshift is good enough for jitter. */
static int64_t
random_below(struct core *c, int64_t below)
{
	uint64_t r = c->random;

	r ^= r << 13;
	r ^= r >> 7;
	r ^= r << 17;
	c->random = r;
	return below > 0 ? (int64_t)(r % (uint64_t)below) : 0;
}

/* The wait before the n-th counted try, without jitter. */
static int64_t
nominal_us(const struct fetch *f, unsigned n)
{
	int64_t us = f->job->opts->retry_delay_us;

	while (n-- > 1 && us < DELAY_MAX_US)
		us *= 2;
	return us < DELAY_MAX_US ? us : DELAY_MAX_US;
}

int64_t
retry_delay_us(struct fetch *f)
{
	int64_t us = nominal_us(f, tries_of(f));
	int64_t max = f->job->opts->retry_max_time_us;
	int64_t left = f->begun_at_us + max - f->core->clock.now_us;

	us = us / 2 + random_below(f->core, us);
	if (us > DELAY_MAX_US)
		us = DELAY_MAX_US;
	if (max > 0 && us > left)
		us = left; /* the last try begins in time */
	/* Never 0: a failed look-up would take all tries at once. */
	return us > 0 ? us : 1;
}

int64_t
retry_after_delay_us(struct fetch *f)
{
	struct history *t = history_of(f);
	int is_alone = t->answers != f->host->backoff.answers;

	t->throttled++;
	t->answers = f->host->backoff.answers;
	if (!is_alone)
		return 0;
	/* The first time it may be chance. */
	return t->throttled_alone++ > 0 ? nominal_us(f, t->throttled_alone - 1)
					: 0;
}

/* Has the request, sent again, the same effect (or is that accepted)? */
static int
may_repeat(const struct fetch *f)
{
	return item_is_idempotent(f) || f->job->opts->retry_post;
}

static int
has_tries(const struct fetch *f)
{
	return tries_of(f) < tries_max(f) && !f->has_written &&
	       !is_over_time(f);
}

/* ---- by status ---- */

static int64_t
retry_after_us(const struct fetch *f)
{
	return http_retry_after_of(http_header(f->x->http), timer_wall_us());
}

static int
is_status_listed(const struct fetch *f, int status)
{
	return status < OPT_STATUSES && f->job->opts->retry_status[status];
}

/* Its origin is held, even if this item is not to be asked again itself. */
static enum retry_verdict
judge_throttled(struct fetch *f, int status, int64_t wait_us)
{
	int64_t max = f->job->opts->retry_after_max_us;

	backoff_throttled(f, status, wait_us);
	if (tries_max(f) == 0 || f->has_written || (max > 0 && wait_us > max))
		return VERDICT_FINAL;
	if (is_over_time(f) ||
	    backoff_is_given_up(&f->host->backoff, f->core->clock.now_us))
		return VERDICT_FINAL;
	return VERDICT_RETRY_AFTER;
}

static enum retry_verdict
judge_status(struct fetch *f)
{
	int status = http_status(f->x->http);
	int is_listed = is_status_listed(f, status);
	int64_t wait_us = -1;

	if (is_listed && (tries_max(f) > 0 || f->job->opts->retry > 0)) {
		if (status == 429 || status == 503 || status == 529)
			wait_us = retry_after_us(f);
		if (status == 429 || wait_us >= 0)
			return judge_throttled(f, status, wait_us);
	}
	backoff_answered(f);
	return is_listed && has_tries(f) && may_repeat(f) ? VERDICT_RETRY
							  : VERDICT_FINAL;
}

enum retry_verdict
retry_judge_head(struct fetch *f)
{
	struct xchg *x = f->x;
	const char *detail;
	enum redirect r;
	enum err e;

	network_works(f->core);
	backoff_headers(f);
	r = redirect_judge(f, &e, &detail);
	if (r == REDIRECT_NONE)
		return judge_status(f);
	backoff_answered(f);
	if (r == REDIRECT_GO)
		return VERDICT_REDIRECT;
	x->err = e;
	x->phase = PHASE_REDIRECT;
	x->detail = detail;
	return VERDICT_ERROR;
}

/* ---- by error ---- */

int
retry_is_transient(const struct fetch *f, enum err e, const char *detail)
{
	if (e == E_TIMEOUT_TOTAL)
		return f->x == NULL || !xchg_has_begun(f->x);
	return e == E_TLS_HANDSHAKE_ALERT && detail != NULL &&
	       strstr(detail, "internal error") != NULL;
}

static int
is_listed(const struct fetch *f, enum err e, const char *detail)
{
	const struct opts *o = f->job->opts;

	if (o->retry_error[e])
		return 1;
	return o->retry_errors && error_info(e)->retry == 'C' &&
	       retry_is_transient(f, e, detail);
}

/* Has no byte of the request been sent? */
static int
is_unsent(const struct fetch *f)
{
	return f->state < FETCH_SENDING || f->x == NULL || f->x->conn == NULL ||
	       conn_sent(f->x->conn) == 0;
}

enum retry_verdict
retry_judge_error(struct fetch *f, enum err e, const char *detail)
{
	if (!is_listed(f, e, detail))
		return VERDICT_FINAL;
	if (backoff_is_free_probe(f) && retry_is_enabled(f) && is_unsent(f) &&
	    !is_over_time(f))
		return VERDICT_RETRY_AFTER;
	if (!has_tries(f))
		return VERDICT_FINAL;
	return is_unsent(f) || may_repeat(f) ? VERDICT_RETRY : VERDICT_FINAL;
}

int
retry_has_time(const struct fetch *f)
{
	return tries_max(f) > 0 && !is_over_time(f);
}
