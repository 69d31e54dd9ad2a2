/* SPDX-License-Identifier: ISC */
/*
 * Copies what the back-off, the rates and the budgets have learnt to and from
 * its byte format (core/saved). Decides nothing about them.
 */
#include "core/governor.h"

#include "base/buf.h"
#include "core/core.h"
#include "core/job.h"
#include "core/origin/host.h"
#include "core/saved.h"

#define VERSION 1
#define HOLD_MIN_US 60000000 /* back-offs of our own end within a minute */
#define RATE_MIN (1.0 / 600) /* of a learnt rate: one in ten minutes */

/* ---- to bytes ---- */

struct save {
	struct saved s;
	const struct job *job;
	size_t begin, norigins;
	int is_held; /* those that are held, or the others */
};

static int64_t
left_us(const struct host *h, int64_t at_us)
{
	int64_t now = h->core->clock.now_us;

	return at_us > now ? at_us - now : 0;
}

/* Sets the flag and returns the age of a moment; 0: it was not reached. */
static int64_t
age_us(struct saved_origin *o, const struct host *h, int64_t at_us,
    enum saved_flag flag)
{
	if (at_us == 0)
		return 0;
	o->flags |= flag;
	return h->core->clock.now_us - at_us;
}

static void
take_backoff(struct saved_origin *o, const struct host *h, const struct job *j)
{
	const struct backoff *g = &h->backoff;
	unsigned i;

	o->flags |= (g->why == WAIT_RETRY_AFTER ? SAVED_RETRY_AFTER : 0u) |
		    (g->probes_new ? SAVED_PROBES_NEW : 0u) |
		    (g->has_answered ? SAVED_HAS_ANSWERED : 0u) |
		    (g->is_unreachable ? SAVED_UNREACHABLE : 0u) |
		    (g->is_given_up ? SAVED_GIVEN_UP : 0u) |
		    (g->has_quota ? SAVED_QUOTA : 0u);
	o->held_left_us = left_us(h, g->held_until_at_us);
	o->throttle_wait_us = g->throttle_wait_us;
	o->throttled_age_us =
	    age_us(o, h, g->throttled_since_at_us, SAVED_THROTTLED);
	o->recovery_limit = g->recovery_limit;
	o->nfailed = g->nfailed;
	for (i = 0; i < BACKOFF_FAILED_ITEMS - 1; i++)
		o->failed_seq[i] = g->failed[i].job == j ? g->failed[i].seq : 0;
	o->down_age_us = age_us(o, h, g->down_since_at_us, SAVED_DOWN);
	o->backoff_us = g->backoff_us;
	o->last_failure = span_str(g->last_failure);
	o->window = g->window;
	o->failed_in_a_row = g->failed_in_a_row;
	o->quota = (uint64_t)g->quota;
	o->quota_left_us = left_us(h, g->quota_at_us);
	o->rate = g->learned.rate;
	o->counted = g->learned.counted;
	o->counted_us = g->learned.counted_us;
	o->refused_age_us = h->core->clock.now_us - g->learned.refused_at_us;
	o->refusals = g->learned.refusals;
}

static int
is_held(const struct host *h)
{
	const struct backoff *g = &h->backoff;
	int64_t now = h->core->clock.now_us;

	return g->held_until_at_us > now ||
	       (g->has_quota && g->quota == 0 && g->quota_at_us > now);
}

static int
save_host(void *arg, struct host *h)
{
	struct save *to = arg;
	struct saved_origin o = { .origin = h->origin };
	size_t before = to->s.to->n;

	if (!host_has_limits(h) || is_held(h) != to->is_held ||
	    h->origin.n > SAVED_TEXT_MAX)
		return 1;
	if (to->norigins == GOVERNOR_ORIGINS_MAX)
		return 0;
	take_backoff(&o, h, to->job);
	o.pace_left_us = left_us(h, h->pace_at_us);
	o.started_age_us = age_us(&o, h, h->started_at_us, SAVED_STARTED);
	o.sent_age_us = age_us(&o, h, h->sent_at_us, SAVED_SENT);
	buf_char(to->s.to, 1);
	saved_origin(&to->s, &o);
	if (to->s.to->n - to->begin >= GOVERNOR_BYTES_MAX) {
		to->s.to->n = before; /* no room for the end */
		return 0;
	}
	to->norigins++;
	return 1;
}

static void
save_budget(struct save *to, size_t i)
{
	const struct pace_budget *b = &to->job->pace.budgets[i];
	int64_t now = to->job->core->clock.now_us;
	struct saved_budget v = {
		.name = span_str(to->job->opts->budgets[i].name),
		.limit = b->limit,
		.window_us = b->window_us,
		.nparts = b->n,
	};
	struct saved_part p;
	unsigned k;

	saved_budget(&to->s, &v);
	for (k = 0; k < b->n; k++) {
		const struct pace_part *part =
		    &b->part[(b->first + k) % (PACE_PARTS + 2)];

		p = (struct saved_part){ now - part->last_at_us, part->amount };
		saved_part(&to->s, &p);
	}
}

void
core_save_governor(
    struct core *c, const struct job *j, struct buf *to, int64_t wall_us)
{
	struct save v = { .s = { .to = to }, .job = j, .begin = to->n };
	uint64_t wall = wall_us > 0 ? (uint64_t)wall_us : 0;
	int64_t next = j->pace.next_at_us - c->clock.now_us;
	size_t i, used = 0;
	uint64_t n = j->opts->nbudgets;

	for (i = 0; i < n; i++)
		used += j->pace.budgets[i].n;
	buf_char(to, VERSION);
	saved_u64(&v.s, &wall, INT64_MAX);
	saved_us(&v.s, &next);
	saved_u64(&v.s, &n, OPT_BUDGETS_MAX);
	for (i = 0; i < n; i++)
		save_budget(&v, i);
	v.is_held = 1;
	hosts_each(c, save_host, &v);
	v.is_held = 0;
	hosts_each(c, save_host, &v);
	buf_char(to, 0);
	if (used == 0 && next <= 0 && v.norigins == 0)
		to->n = v.begin;
}

/* ---- from bytes ---- */

struct restore {
	struct saved s;
	struct job *job;
	int64_t passed_us; /* since it was saved */
	int applies;       /* 0: only checks */
};

/* Static strings that a back-off may name. */
static const char *
failure_named(struct span name)
{
	static const char *const statuses[] = { "429", "503", "529" };
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (span_eq(name, span_str(statuses[i])))
			return statuses[i];
	for (i = 1; i < E_COUNT; i++)
		if (span_eq(name, span_str(error_code((enum err)i))))
			return error_code((enum err)i);
	return NULL;
}

/* The moment at which a span ends that began when it was saved; 0: it has
 * ended. */
static int64_t
end_at(const struct restore *r, int64_t left_us, int64_t max_us)
{
	int64_t now = r->job->core->clock.now_us;

	left_us -= r->passed_us;
	if (left_us > max_us)
		left_us = max_us;
	return left_us > 0 ? now + left_us : 0;
}

/* A moment so long ago; never 0. */
static int64_t
ago(const struct restore *r, int64_t age_us)
{
	int64_t at = r->job->core->clock.now_us - age_us;

	return at != 0 ? at : -1;
}

/* The time in which no run went on does not count as down or throttled. */
static void
give_backoff(
    const struct restore *r, struct backoff *g, const struct saved_origin *o)
{
	int64_t max = r->job->opts->retry_after_max_us, most = OPT_DUR_MAX;
	unsigned i;

	if (max > 0 && !(o->flags & SAVED_GIVEN_UP))
		most = max > HOLD_MIN_US ? max : HOLD_MIN_US;
	g->held_until_at_us = end_at(r, o->held_left_us, most);
	g->why = o->flags & SAVED_RETRY_AFTER ? WAIT_RETRY_AFTER : WAIT_BACKOFF;
	g->is_given_up = o->flags & SAVED_GIVEN_UP && g->held_until_at_us > 0;
	g->probes_new = (o->flags & SAVED_PROBES_NEW) != 0;
	g->has_answered = (o->flags & SAVED_HAS_ANSWERED) != 0;
	g->is_unreachable = (o->flags & SAVED_UNREACHABLE) != 0;
	g->throttle_wait_us = o->throttle_wait_us < HOLD_MIN_US
				  ? o->throttle_wait_us
				  : HOLD_MIN_US;
	g->backoff_us =
	    o->backoff_us < HOLD_MIN_US ? o->backoff_us : HOLD_MIN_US;
	if (o->flags & SAVED_THROTTLED)
		g->throttled_since_at_us = ago(r, o->throttled_age_us);
	if (o->flags & SAVED_DOWN || g->is_unreachable)
		g->down_since_at_us = ago(r, o->down_age_us);
	g->recovery_limit = o->recovery_limit;
	if (g->held_until_at_us > 0 || g->is_unreachable)
		g->recovery_limit = 1;
	g->nfailed = o->nfailed;
	for (i = 0; i < BACKOFF_FAILED_ITEMS - 1; i++)
		g->failed[i] = (struct failed_item){ r->job, o->failed_seq[i] };
	g->last_failure = failure_named(o->last_failure);
	g->window = o->window;
	g->failed_in_a_row = o->failed_in_a_row;
	g->quota = (int64_t)o->quota;
	g->quota_at_us =
	    end_at(r, o->quota_left_us, max > 0 ? max : OPT_DUR_MAX);
	g->has_quota = o->flags & SAVED_QUOTA && g->quota_at_us > 0;
	g->learned = (struct learned_rate){
		.rate = o->rate > 0 && o->rate < RATE_MIN ? RATE_MIN : o->rate,
		.counted = o->counted,
		.counted_us = o->counted_us,
		.refused_at_us = ago(r, o->refused_age_us + r->passed_us),
		.grown_at_us = r->job->core->clock.now_us,
		.refusals = o->refusals,
	};
}

static void
give_host(struct restore *r, const struct saved_origin *o)
{
	struct core *c = r->job->core;
	struct url *u = &c->scratch.url;
	const char *why;
	struct host *h;
	size_t at;

	/* It was written as url_origin() does, or it is damaged. */
	if (url_parse(u, o->origin, &why, &at) != E_OK ||
	    !span_eq(url_origin(u), o->origin)) {
		r->s.is_bad = 1;
		return;
	}
	if (!r->applies)
		return;
	h = host_of(c, u);
	give_backoff(r, &h->backoff, o);
	h->pace_at_us = end_at(r, o->pace_left_us, HOLD_MIN_US);
	if (o->flags & SAVED_STARTED)
		h->started_at_us = ago(r, o->started_age_us + r->passed_us);
	if (o->flags & SAVED_SENT)
		h->sent_at_us = ago(r, o->sent_age_us + r->passed_us);
	host_update(h);
}

/* The budget of the same name and rate; or NULL. */
static struct pace_budget *
budget_like(const struct job *j, const struct saved_budget *v)
{
	size_t i;

	for (i = 0; i < j->opts->nbudgets; i++)
		if (span_eq(span_str(j->opts->budgets[i].name), v->name) &&
		    j->pace.budgets[i].window_us == v->window_us)
			return &j->pace.budgets[i];
	return NULL;
}

/* Spends again what had been spent within the window. */
static void
read_budget(struct restore *r)
{
	int64_t now = r->job->core->clock.now_us, age, last = OPT_DUR_MAX;
	struct saved_budget v = { 0 };
	struct pace_budget *b;
	struct saved_part p;
	unsigned i;

	saved_budget(&r->s, &v);
	b = r->applies ? budget_like(r->job, &v) : NULL;
	for (i = 0; i < v.nparts && !r->s.is_bad; i++) {
		p = (struct saved_part){ 0 };
		saved_part(&r->s, &p);
		age = p.age_us + r->passed_us;
		age = last = age < last ? age : last; /* the oldest first */
		if (b != NULL && age < b->window_us)
			pace_budget_spend(b, 0, p.amount, now - age);
	}
}

static int
read_all(struct restore *r, int64_t wall_us)
{
	struct pace *rate = &r->job->pace.all;
	struct saved_origin o;
	unsigned version = 0, more = 1;
	uint64_t wall = 0, n = 0, i;
	int64_t next = 0;

	saved_unsigned(&r->s, &version, VERSION);
	saved_u64(&r->s, &wall, INT64_MAX);
	saved_us(&r->s, &next);
	saved_u64(&r->s, &n, OPT_BUDGETS_MAX);
	r->passed_us = wall_us > (int64_t)wall ? wall_us - (int64_t)wall : 0;
	if (r->passed_us > OPT_DUR_MAX)
		r->passed_us = OPT_DUR_MAX;
	if (r->applies && rate->gap_us > 0)
		r->job->pace.next_at_us = end_at(r, next, rate->gap_us);
	for (i = 0; i < n && !r->s.is_bad; i++)
		read_budget(r);
	for (i = 0; i <= GOVERNOR_ORIGINS_MAX && !r->s.is_bad; i++) {
		saved_unsigned(&r->s, &more, 1);
		if (more == 0)
			break;
		o = (struct saved_origin){ 0 };
		saved_origin(&r->s, &o);
		if (!r->s.is_bad)
			give_host(r, &o);
	}
	return version == VERSION && !r->s.is_bad && more == 0 &&
	       r->s.from.n == 0;
}

int
core_restore_governor(
    struct core *c, struct job *j, struct span from, int64_t wall_us)
{
	struct restore r = { .s = { .from = from }, .job = j };

	if (from.n == 0)
		return 0;
	clock_tick(&c->clock);
	if (!read_all(&r, wall_us))
		return -1;
	r = (struct restore){ .s = { .from = from }, .job = j, .applies = 1 };
	return read_all(&r, wall_us) ? 0 : -1;
}
