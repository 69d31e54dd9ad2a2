/* SPDX-License-Identifier: ISC */
/*
 * Rates and budgets. A budget's window is a ring of parts; a part expires when
 * its last start is older than the window, so the sum is never too small.
 */
#include "core/origin/pace.h"

#include <string.h>

#define EVEN_US 10000 /* the loop is precise enough for gaps above */
#define LATE_US 5000
/*
 * A server counts requests when they arrive, and their latency varies: our
 * window is a little longer, so that the server's count is right as well.
 */
#define GUARD_US 20000

void
pace_set(struct pace *p, struct opt_rate rate)
{
	double gap;

	*p = (struct pace){ 0 };
	if (rate.amount <= 0)
		return;
	gap = ((double)rate.per_us + GUARD_US) / rate.amount;
	if (gap < EVEN_US) {
		p->late_us = LATE_US;
		gap = ((double)rate.per_us + GUARD_US + LATE_US) / rate.amount;
	}
	if (gap > OPT_DUR_MAX)
		gap = OPT_DUR_MAX; /* moment + gap must not overflow */
	p->gap_us = gap > 1 ? (int64_t)(gap + 0.999) : 1;
}

int64_t
pace_next(const struct pace *p, int64_t next_us, int64_t now_us)
{
	if (next_us < now_us - p->late_us)
		next_us = now_us - p->late_us;
	return next_us + p->gap_us;
}

/* ---- budgets ---- */

void
pace_budget_init(struct pace_budget *b, struct opt_rate rate)
{
	memset(b, 0, sizeof(*b));
	b->limit = rate.amount;
	b->window_us = rate.per_us + GUARD_US;
	b->part_us = b->window_us / PACE_PARTS;
}

static void
expire(struct pace_budget *b, int64_t now_us)
{
	while (
	    b->n > 0 && b->part[b->first].last_at_us + b->window_us <= now_us) {
		b->used -= b->part[b->first].amount;
		b->first = (b->first + 1) % (PACE_PARTS + 2);
		b->n--;
	}
	if (b->n == 0)
		b->used = 0; /* discards rounding errors */
}

static double
cap(const struct pace_budget *b, double amount)
{
	return amount < b->limit ? amount : b->limit;
}

static struct pace_part *
part_at(struct pace_budget *b, unsigned i)
{
	return &b->part[(b->first + i) % (PACE_PARTS + 2)];
}

/* The first moment at which the amount fits, if nothing else starts. */
static int64_t
earliest_at_us(struct pace_budget *b, double amount, int64_t now_us)
{
	double used, room = b->limit * (1 + 1e-9); /* for rounding */
	int64_t at = now_us;
	unsigned i;

	expire(b, now_us);
	used = b->used + cap(b, amount);
	for (i = 0; i < b->n && used > room; i++) {
		used -= part_at(b, i)->amount;
		at = part_at(b, i)->last_at_us + b->window_us;
	}
	return at;
}

/* A claim that was not used when it could have been is dropped: its item waits
 * for something else. */
static void
expire_claim(struct pace_budget *b, int64_t now_us)
{
	int64_t expires_at_us = b->claim.is_fixed
				    ? b->claim.at_us + b->window_us / 16
				    : b->claim.since_at_us + 3 * b->window_us;

	if (now_us > expires_at_us)
		b->claim.who = 0;
}

static int
is_claimed_by_other(const struct pace_budget *b, uint64_t who, int64_t now_us)
{
	return b->claim.who != 0 && b->claim.who != who &&
	       now_us >= b->claim.since_at_us + b->window_us / 2;
}

/* When an amount that fits at `at` may start without delaying the claim. */
static int64_t
after_claim(struct pace_budget *b, double amount, int64_t at, int64_t now_us)
{
	double both = cap(b, b->claim.amount) + cap(b, amount);
	int64_t until;

	if (!b->claim.is_fixed)
		b->claim.at_us = earliest_at_us(b, b->claim.amount, now_us) +
				 b->window_us / 16;
	b->claim.is_fixed = 1;
	until = b->claim.at_us > now_us ? b->claim.at_us : now_us + 1;
	if (both <= b->limit && earliest_at_us(b, both, now_us) < until)
		return at;
	return at > until ? at : until;
}

/* The amount does not fit before `at`. Of items with equal amounts the earlier
 * one in the input gets the claim, unless others already wait for the claim of
 * the later one. */
static void
claim(struct pace_budget *b, uint64_t who, double amount, int64_t at,
    int64_t now_us)
{
	if (b->claim.who == 0) {
		b->claim.since_at_us = now_us;
		b->claim.is_fixed = 0;
	} else if (b->claim.is_fixed || who >= b->claim.who ||
		   amount < b->claim.amount) {
		if (b->claim.who == who && at > b->claim.at_us)
			b->claim.at_us = at;
		return;
	}
	b->claim.who = who;
	b->claim.amount = amount;
}

int64_t
pace_budget_ask(
    struct pace_budget *b, uint64_t who, double amount, int64_t now_us)
{
	int64_t at;

	if (amount <= 0)
		return now_us;
	at = earliest_at_us(b, amount, now_us);
	expire_claim(b, now_us);
	if (is_claimed_by_other(b, who, now_us))
		at = after_claim(b, amount, at, now_us);
	else if (at > now_us)
		claim(b, who, amount, at, now_us);
	if (at > now_us && at < now_us + b->part_us)
		at = now_us + b->part_us;
	return at;
}

void
pace_budget_spend(
    struct pace_budget *b, uint64_t who, double amount, int64_t now_us)
{
	struct pace_part *p;

	if (b->claim.who == who)
		b->claim.who = 0;
	if (amount <= 0)
		return;
	expire(b, now_us);
	amount = cap(b, amount);
	p = b->n > 0 ? part_at(b, b->n - 1) : NULL;
	if (p == NULL || now_us / b->part_us != p->last_at_us / b->part_us) {
		p = part_at(b, b->n++);
		p->amount = 0;
	}
	p->last_at_us = now_us;
	p->amount += amount;
	b->used += amount;
}
