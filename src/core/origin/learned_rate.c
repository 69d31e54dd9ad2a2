/* SPDX-License-Identifier: ISC */
/*
 * The first rate is often far too low (an origin that allows a small burst has
 * served little when it refuses), so it doubles each second until the next
 * refusal. Later ones are close: they grow slowly, and faster only after a long
 * time without a refusal.
 */
#include "core/origin/learned_rate.h"

#include <string.h>

#define SECOND_US 1000000
#define QUARTER_US 250000
#define SHARE 0.9
#define LEAST_SERVED 3     /* in two seconds; fewer are no measurement */
#define FIRST_GROWTH 0.7   /* of the rate a second: doubles it */
#define LATER_GROWTH 0.005 /* doubles every 30 s without a refusal */
#define GROWTH_STEP_US (30 * SECOND_US)
#define RATE_MAX 1e6

static void
advance(struct learned_rate *l, int64_t now_us)
{
	int64_t quarter = now_us / QUARTER_US;

	if (quarter - l->quarter >= LEARN_QUARTERS)
		memset(l->served, 0, sizeof(l->served));
	else
		while (l->quarter < quarter)
			l->served[++l->quarter % LEARN_QUARTERS] = 0;
	l->quarter = quarter;
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
	l->served[l->quarter % LEARN_QUARTERS]++;
}

/* Answers of the last `quarters` quarters, including the present one. */
static double
count(const struct learned_rate *l, int quarters)
{
	unsigned n = 0;
	int i;

	for (i = 0; i < quarters; i++)
		n += l->served[(l->quarter - i + LEARN_QUARTERS) %
			       LEARN_QUARTERS];
	return n;
}

/* A second at least: a limit holds for a window, not for a moment. */
static void
measure(struct learned_rate *l, int64_t now_us, int quarters)
{
	double n = count(l, quarters), us = (double)(now_us - l->since_at_us);
	double most = (double)((quarters - 1) * (int64_t)QUARTER_US +
			       now_us % QUARTER_US);

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
	if (count(l, LEARN_QUARTERS) >= LEAST_SERVED) {
		l->counted_us = 0;
		measure(l, now_us, LEARN_QUARTERS / 2 + 1);
		measure(l, now_us, LEARN_QUARTERS);
		set_rate(l);
		/* The rate before was too high, whatever was counted. */
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
