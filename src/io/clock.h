/* SPDX-License-Identifier: ISC */
/*
 * The moment of the present callback, and the CPU budget of a pass of the
 * loop. The clock is read once for each event callback and each entry of the
 * run queue; everything decided there uses that one moment, `now_us`
 * (microseconds of CLOCK_MONOTONIC). Calls back only from clock_tick, and only
 * with what it was told to report.
 */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <stdint.h>

struct stall;

#define CLOCK_PASS_US 2500 /* budget of a pass: lag stays below 5 ms */

/* The process has just stood still for so long (io/stall). */
typedef void clock_stall_cb(void *arg, int64_t length_us);

/* All-zero: not read yet. */
struct clock {
	int64_t now_us;     /* as of the last clock_tick */
	int64_t pass_at_us; /* the first clock_tick of this pass; 0: none yet */
	struct stall *stall; /* asked at each clock_tick; NULL: not watched */
	clock_stall_cb *on_stall;
	void *arg;
};

/* From now on standstills are looked for, and reported to cb. */
void clock_watch(
    struct clock *k, struct stall *stall, clock_stall_cb *cb, void *arg);
/*
 * Reads the clock: the first thing in every event callback and run-queue entry.
 * Returns it.
 */
int64_t clock_tick(struct clock *k);
/* Has this pass used up its budget, as of the last clock_tick? Then the rest
 * is left to the next one. */
int clock_is_over_budget(const struct clock *k);
/* The pass is over; the next clock_tick begins another. */
void clock_end_pass(struct clock *k);

#endif
