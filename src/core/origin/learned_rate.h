/* SPDX-License-Identifier: ISC */
/*
 * The pace of an origin, learnt from its 429s: nine tenths of what it had
 * served in the last seconds before it refused, growing while it does not
 * refuse again. Plain arithmetic: knows no origin, no timer.
 */
#ifndef CORE_ORIGIN_LEARNED_RATE_H
#define CORE_ORIGIN_LEARNED_RATE_H

#include <stdint.h>

#define LEARN_SLOTS 8 /* of a quarter of a second each */

/* All-zero: nothing was refused yet, there is no rate. */
struct learned_rate {
	/* Answers of the last two seconds, by the quarter they came in. */
	int64_t slot; /* number of the newest quarter */
	unsigned served[LEARN_SLOTS];
	int64_t since_at_us; /* first start since the last refusal; 0: none */

	double rate;                /* starts a second; 0: none was learnt */
	double counted, counted_us; /* what the rate was made of */
	int64_t refused_at_us;      /* the last refusal it was made of */
	int64_t grown_at_us;
	unsigned refusals; /* that it was made of */
};

/* What the refusals of one item have made of a rate. All-zero: nothing. */
struct learnt {
	unsigned refusals;
	double share; /* the rate after them, of that before; 0: as it was */
};

/* A request starts. */
void learned_rate_start(struct learned_rate *l, int64_t now_us);
/* An answer that is no refusal came. */
void learned_rate_served(struct learned_rate *l, int64_t now_us);
/* An answer to what had started before the last refusal came after it. */
void learned_rate_served_late(struct learned_rate *l);
/*
 * The origin refused; what is in flight of the same moment counts once. What
 * was made of it is added to `by`.
 */
void
learned_rate_refused(struct learned_rate *l, int64_t now_us, struct learnt *by);
/* These refusals said nothing of the pace: `by` is undone and cleared. */
void learned_rate_take_back(struct learned_rate *l, struct learnt *by);
/*
 * A request starts as soon as the pace allows: the rate may grow. Once it is
 * out of all reach it is forgotten.
 */
void learned_rate_grow(struct learned_rate *l, int64_t now_us);

#endif
