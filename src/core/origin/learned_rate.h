/* SPDX-License-Identifier: ISC */
/*
 * The request rate of an origin, learnt from its 429s ("refusals"): nine tenths
 * of what it served in the two seconds before a refusal, growing until the next
 * one. Plain arithmetic: knows no origin and no timer.
 */
#ifndef CORE_ORIGIN_LEARNED_RATE_H
#define CORE_ORIGIN_LEARNED_RATE_H

#include <stdint.h>

#define LEARN_QUARTERS 8 /* quarters of a second that are counted */

/* All-zero: nothing was refused yet, there is no rate. */
struct learned_rate {
	/* Answers of the last two seconds, by quarter of a second. */
	int64_t quarter; /* number of the newest one */
	unsigned served[LEARN_QUARTERS];
	int64_t since_at_us; /* first start since the last refusal; 0: none */

	double rate;                /* starts a second; 0: none was learnt */
	double counted, counted_us; /* answers in a span: its source */
	int64_t refused_at_us;      /* the last refusal it was learnt from */
	int64_t grown_at_us;
	unsigned refusals; /* it was learnt from */
};

/* How the refusals of one item have changed a rate. All-zero: not at all. */
struct learnt {
	unsigned refusals;
	double share; /* rate after them / rate before; 0: unchanged */
};

/* A request starts. */
void learned_rate_start(struct learned_rate *l, int64_t now_us);
/* An answer came that is not a refusal. */
void learned_rate_served(struct learned_rate *l, int64_t now_us);
/* Likewise, to a request that started before the last refusal. */
void learned_rate_served_late(struct learned_rate *l);
/*
 * The origin refused a request: learns a new rate. Refusals of requests in
 * flight together count once. The change is added to `by`.
 */
void
learned_rate_refused(struct learned_rate *l, int64_t now_us, struct learnt *by);
/* These refusals were not about the rate: undoes `by` and clears it. */
void learned_rate_take_back(struct learned_rate *l, struct learnt *by);
/*
 * A request starts as soon as the rate allows: the rate grows. A rate too high
 * to matter is forgotten.
 */
void learned_rate_grow(struct learned_rate *l, int64_t now_us);

#endif
