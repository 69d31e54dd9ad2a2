/* SPDX-License-Identifier: ISC */
/*
 * How a rate is learnt. The first one is often far too low (an origin that
 * allows a small burst has served little when it refuses), so it doubles each
 * second until the next refusal; later ones are close, and grow slowly, faster
 * only when there has been no refusal for long.
 */
#include "core/origin/learned_rate.h"

#include <string.h>

#define SECOND_US 1000000
#define SLOT_US 250000
#define SHARE 0.9
#define LEAST_SERVED 3     /* of a period; fewer tell nothing */
#define FIRST_GROWTH 0.7   /* of the rate a second: doubles it */
#define LATER_GROWTH 0.005 /* doubles every 30 s without a refusal */
#define GROWTH_STEP_US (30 * SECOND_US)
#define RATE_MAX 1e6

static void
advance(struct learned_rate *l, int64_t now_us)
{
	int64_t slot = now_us / SLOT_US;

	if (slot - l->slot >= LEARN_SLOTS)
		memset(l->served, 0, sizeof(l->served));
	else
		while (l->slot < slot)
			l->served[++l->slot % LEARN_SLOTS] = 0;
	l->slot = slot;
}

void
learned_rate_start(struct learned_rate *l, int64_t now_us)
{
	if (l->since_at_us == 0)
		l->since_at_us = now_us;
}

void
learned_rate_served(struct learned_rate *l, int64_t now_us)
{
	advance(l, now_us);
	l->served[l->slot % LEARN_SLOTS]++;
}

/* Answers of the last `slots` quarters, the present one among them. */
static double
count(const struct learned_rate *l, int slots)
{
	unsigned n = 0;
	int i;

	for (i = 0; i < slots; i++)
		n += l->served[(l->slot - i + LEARN_SLOTS) % LEARN_SLOTS];
	return n;
}

/* A second at least: a limit holds for a window, not for a moment. */
static void
measure(struct learned_rate *l, int64_t now_us, int slots)
{
	double n = count(l, slots), us = (double)(now_us - l->since_at_us);
	double most =
	    (double)((slots - 1) * (int64_t)SLOT_US + now_us % SLOT_US);

	if (us > most)
		us = most;
	if (us < SECOND_US)
		us = SECOND_US;
	if (l->counted_us > 0 && n / us <= l->counted / l->counted_us)
		return;
	l->counted = n;
	l->counted_us = us;
}

static void
set_rate(struct learned_rate *l)
{
	l->rate = SHARE * l->counted / (l->counted_us / SECOND_US);
}

void
learned_rate_refused(struct learned_rate *l, int64_t now_us, struct learnt *by)
{
	double before = l->rate;

	if (l->since_at_us == 0)
		return;
	advance(l, now_us);
	if (count(l, LEARN_SLOTS) >= LEAST_SERVED) {
		l->counted_us = 0;
		measure(l, now_us, LEARN_SLOTS / 2 + 1);
		measure(l, now_us, LEARN_SLOTS);
		set_rate(l);
		/* It was too much, whatever was counted. */
		if (before > 0 && l->rate > before * SHARE)
			l->rate = before * SHARE;
		l->refusals++;
		by->refusals++;
		if (before > 0)
			by->share =
			    (by->share > 0 ? by->share : 1) * l->rate / before;
	}
	memset(l->served, 0, sizeof(l->served));
	l->since_at_us = 0;
	l->refused_at_us = l->grown_at_us = now_us;
}

void
learned_rate_take_back(struct learned_rate *l, struct learnt *by)
{
	if (by->refusals > 0 && l->rate > 0) {
		l->counted_us = 0;
		l->refusals -=
		    by->refusals < l->refusals ? by->refusals : l->refusals;
		if (by->share > 0)
			l->rate /= by->share;
		if (l->rate > RATE_MAX)
			l->rate = 0;
	}
	*by = (struct learnt){ 0 };
}

void
learned_rate_served_late(struct learned_rate *l)
{
	if (l->refusals != 1 || l->counted_us <= 0)
		return;
	l->counted++;
	set_rate(l);
}

void
learned_rate_grow(struct learned_rate *l, int64_t now_us)
{
	double s = (double)(now_us - l->grown_at_us) / SECOND_US, growth;
	int64_t quiet_us = now_us - l->refused_at_us;

	l->grown_at_us = now_us;
	if (l->rate <= 0)
		return;
	growth = l->refusals <= 1 ? FIRST_GROWTH : LATER_GROWTH;
	for (; l->refusals > 1 && quiet_us > GROWTH_STEP_US &&
	       growth < FIRST_GROWTH;
	     quiet_us -= GROWTH_STEP_US)
		growth *= 2;
	l->rate *= 1 + growth * (s < 1 ? s : 1);
	if (l->rate > RATE_MAX)
		l->rate = 0;
}
