/* SPDX-License-Identifier: ISC */
/*
 * Rates: how long after one start the next may follow, and budgets, of which
 * no window of their unit holds more than they allow. Plain arithmetic; knows
 * no origin, no timer.
 */
#ifndef CORE_ORIGIN_PACE_H
#define CORE_ORIGIN_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "options/options.h"

/*
 * Starts spread evenly. Where they are closer than the loop can be punctual a
 * start that came late may be made up for; the gap is then wider by as much,
 * so that no window has more than the rate allows.
 */
struct pace {
	int64_t gap_us; /* 0: no limit */
	int64_t late_us;
};

void pace_set(struct pace *p, struct opt_rate rate);
/* After a start at now_us: when the next one may be, `next` being when this
 * one might have been. */
int64_t pace_next(const struct pace *p, int64_t next_us, int64_t now_us);

#define PACE_SLOTS 128 /* a window in so many parts */

struct pace_slot {
	int64_t last_at_us; /* of its last start */
	double amount;
};

/*
 * What was started in a sliding window, to a 128th of its length. Small
 * amounts go first while a large one waits, but not for ever: after half a
 * window the one that has waited longest has a claim, and others may have
 * only what does not put it off.
 */
struct pace_budget {
	double limit, used;
	int64_t window_us, part_us;
	struct pace_slot slot[PACE_SLOTS + 2];
	unsigned first, n;
	struct {
		uint64_t who; /* 0: nobody */
		double amount;
		int64_t since_at_us, at_us;
		int is_fixed; /* at_us holds against others */
	} claim;
};

/* The rates of a job. */
struct job_pace {
	struct pace all, per_host;   /* --rate; --rate-per-host */
	int64_t next_at_us;          /* --rate: nothing starts before */
	int64_t held_at_us;          /* when that last held something */
	struct pace_budget *budgets; /* one for each --budget */
};

void pace_budget_init(struct pace_budget *b, struct opt_rate rate);
/*
 * When `who` (not 0) may start `amount`: now_us if at once, otherwise when to
 * ask again. More than the whole budget goes when it is alone.
 */
int64_t pace_budget_ask(
    struct pace_budget *b, uint64_t who, double amount, int64_t now_us);
void pace_budget_spend(
    struct pace_budget *b, uint64_t who, double amount, int64_t now_us);

#endif
