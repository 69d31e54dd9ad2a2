/* SPDX-License-Identifier: ISC */
/*
 * Rates (the gap between two starts) and budgets (the amount that may start in
 * any window of time). Plain arithmetic; knows no origin and no timer.
 */
#ifndef CORE_ORIGIN_PACE_H
#define CORE_ORIGIN_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "options/options.h"

/*
 * Starts are spread evenly. If the gap is shorter than the loop is precise, a
 * start may catch up up to late_us; the gap is wider in turn, so that no window
 * has more starts than the rate allows.
 */
struct pace {
	int64_t gap_us;  /* 0: no limit */
	int64_t late_us; /* a late start may be made up for by so much */
};

void pace_set(struct pace *p, struct opt_rate rate);
/* After a start at now_us that was allowed from next_us on: when the next one
 * is allowed. */
int64_t pace_next(const struct pace *p, int64_t next_us, int64_t now_us);

#define PACE_PARTS 128 /* of a window; its start times are kept by part */

struct pace_part {
	int64_t last_at_us; /* of its last start */
	double amount;
};

/*
 * The amounts that started in a sliding window, to a 128th of its length.
 * Small amounts overtake a large one that waits, but not for ever: after half
 * a window the item that has waited longest has a claim, and others may start
 * only if that does not delay it.
 */
struct pace_budget {
	double limit, used;
	int64_t window_us, part_us;
	struct pace_part part[PACE_PARTS + 2]; /* a ring: */
	unsigned first, n;                     /* its oldest, its length */
	struct {
		uint64_t who; /* an item's seq; 0: no claim */
		double amount;
		int64_t since_at_us, at_us;
		int is_fixed; /* at_us is set: others may not delay it */
	} claim;
};

/* The rates of a job. */
struct job_pace {
	struct pace all, per_host;   /* --rate; --rate-per-host */
	int64_t next_at_us;          /* --rate: no start before */
	int64_t held_at_us;          /* when that last delayed an item */
	struct pace_budget *budgets; /* one for each --budget */
};

void pace_budget_init(struct pace_budget *b, struct opt_rate rate);
/*
 * When item `who` (not 0) may start an amount: now_us means at once; a later
 * moment, when to ask again. An amount above the whole budget may start when
 * nothing else did within the window.
 */
int64_t pace_budget_ask(
    struct pace_budget *b, uint64_t who, double amount, int64_t now_us);
/* Item `who` starts at now_us: counts its amount. */
void pace_budget_spend(
    struct pace_budget *b, uint64_t who, double amount, int64_t now_us);

#endif
