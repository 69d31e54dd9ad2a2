/* SPDX-License-Identifier: ISC */
/*
 * Reads the input no further than needed to keep the slots busy. Knows nothing
 * of what a line says.
 */
#include "core/intake.h"

#include "core/fetch.h"
#include "core/output/order.h"
#include "io/source.h"

#define KNOWN_MAX 65536 /* items that wait for a slot */
#define KNOWN_BYTES_MAX (16u << 20)
#define LINES_A_TURN 512

/*
 * Hosts are ready and wait for slots, and more than enough wait behind them
 * for their look-ups: more lines would start nothing sooner.
 */
static int
is_far_ahead(const struct core *c)
{
	return c->hosts.ready.n > 0 && c->hosts.startable + c->hosts.want.n >=
					   4 * (uint64_t)c->opts->concurrency;
}

/* --keep-order: so far behind the turn that no more may be known. */
static int
is_out_of_order(const struct core *c)
{
	return c->order != NULL &&
	       (account_is_full_of_order(c) ||
		   c->seq + LINES_A_TURN - order_turn(c->order) >=
		       ORDER_AHEAD_MAX);
}

int
intake_is_wanted(const struct core *c)
{
	return !c->input_ended && c->sched.pauses == 0 && !is_out_of_order(c) &&
	       c->hosts.startable < 4 * (uint64_t)c->opts->concurrency &&
	       !is_far_ahead(c) && c->sched.known < KNOWN_MAX &&
	       c->sched.known_bytes < KNOWN_BYTES_MAX &&
	       !account_is_full_of_items(c) &&
	       c->state[FETCH_EMITTING].n < KNOWN_MAX;
}

int
intake_read(struct core *c)
{
	struct source_line line;
	int n;

	for (n = 0; n < LINES_A_TURN && intake_is_wanted(c); n++) {
		if (c->seq >= (uint64_t)c->opts->limit) {
			c->input_ended = 1;
			break;
		}
		switch (source_next(c->source, &line)) {
		case SOURCE_LINE:
			fetch_begin(c, &line);
			break;
		case SOURCE_WAIT:
			return 0;
		case SOURCE_MORE:
			return 1;
		case SOURCE_END:
			c->input_ended = 1;
			break;
		case SOURCE_FAILED:
			c->input_ended = c->input_failed = 1;
			break;
		}
	}
	return !c->input_ended;
}

/* ---- the end ---- */

/* Written, and not freed yet. */
static size_t
count_done(const struct core *c)
{
	const struct link *k;
	size_t n = 0;

	for (k = list_first(&c->run); k != NULL; k = list_next(&c->run, k))
		n += CONTAINER(k, struct fetch, run)->state == FETCH_DONE;
	return n;
}

void
intake_judge_left(struct core *c)
{
	struct source_line line;

	c->was_left |= c->alive > count_done(c);
	if (c->input_ended || c->seq >= (uint64_t)c->opts->limit) {
		c->input_ended = 1;
		return;
	}
	source_follow(c->source, 0);
	switch (source_next(c->source, &line)) {
	case SOURCE_LINE:
	case SOURCE_MORE:
		c->was_left = 1;
		break;
	case SOURCE_END:
		c->input_ended = 1;
		break;
	case SOURCE_WAIT:
	case SOURCE_FAILED:
		break;
	}
}
