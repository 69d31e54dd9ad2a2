/* SPDX-License-Identifier: ISC */
/*
 * Decides when to read more of a job's input. Knows nothing of what a line says
 * or which item starts next.
 */
#include "core/intake.h"

#include "core/core.h"
#include "core/fetch.h"
#include "core/input.h"
#include "core/output/order.h"

#define KNOWN_MAX 65536 /* items that wait for a slot */
#define KNOWN_BYTES_MAX (16u << 20)
#define LINES_A_PASS 512

/* Enough items wait if they could fill all transfer slots four times. */
static uint64_t
enough(const struct job *j)
{
	int64_t most = j->core->limits.concurrency, own = j->opts->concurrency;

	return 4 * (uint64_t)(own < most ? own : most);
}

/*
 * Queues are ready and wait for slots, and enough others wait for look-ups:
 * reading more lines would start no transfer sooner.
 */
static int
is_far_ahead(const struct job *j)
{
	return j->ready.n > 0 && j->startable + j->needs_lookup.n >= enough(j);
}

/* The share of one job in what may wait; a long list leaves room for others. */
static size_t
share(const struct job *j, size_t of)
{
	return of / j->core->jobs.n;
}

/* --keep-order: is the input read as far ahead of the next item in order as it
 * may be? */
static int
is_out_of_order(const struct job *j)
{
	const struct order *o = j->emit.order;

	return o != NULL && (account_is_full_of_order(j->core, o) ||
				j->given + LINES_A_PASS - order_next_place(o) >=
				    ORDER_AHEAD_MAX);
}

static int
is_wanted(const struct job *j)
{
	const struct core *c = j->core;

	return !j->intake.ended && c->sched.pauses == 0 && j->pauses == 0 &&
	       !is_out_of_order(j) && j->startable < enough(j) &&
	       !is_far_ahead(j) && j->known < share(j, KNOWN_MAX) &&
	       j->known_bytes < share(j, KNOWN_BYTES_MAX) &&
	       !account_is_full_of_items(c, j->known) &&
	       j->emit.waiting.n < KNOWN_MAX;
}

/* Returns 0 if it waits for input or there is no more. */
static int
read_items(struct job *j)
{
	struct intake *in = &j->intake;
	struct source_line line;
	struct input_item item;
	int n;

	for (n = 0; n < LINES_A_PASS && is_wanted(j); n++) {
		if (j->seq >= (uint64_t)j->opts->limit) {
			in->ended = 1;
			break;
		}
		switch (in->input->ops->next(in->input, &line, &item)) {
		case SOURCE_LINE:
			fetch_begin(j, &line, &item);
			break;
		case SOURCE_WAIT:
			return 0;
		case SOURCE_MORE:
			return 1;
		case SOURCE_END:
			in->ended = 1;
			break;
		case SOURCE_FAILED:
			in->ended = in->failed = 1;
			break;
		}
	}
	return !in->ended;
}

int
intake_is_wanted(const struct core *c)
{
	const struct link *k;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k))
		if (is_wanted(CONTAINER(k, const struct job, of_core)))
			return 1;
	return 0;
}

int
intake_read(struct core *c)
{
	struct link *k;
	int more = 0;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k))
		more |= read_items(CONTAINER(k, struct job, of_core));
	return more;
}

/* ---- the run has ended early ---- */

/* Items whose record is written, but which are not freed yet. */
static size_t
count_done(const struct job *j)
{
	const struct list *run = &j->core->run;
	const struct fetch *f;
	const struct link *k;
	size_t n = 0;

	for (k = list_first(run); k != NULL; k = list_next(run, k)) {
		f = CONTAINER(k, const struct fetch, run);
		n += f->job == j && f->state == FETCH_DONE;
	}
	return n;
}

static void
check_for_more(struct job *j)
{
	struct intake *in = &j->intake;
	struct source_line line;
	struct input_item item;

	if (in->ended || j->seq >= (uint64_t)j->opts->limit) {
		in->ended = 1;
		return;
	}
	in->input->ops->finish(in->input);
	switch (in->input->ops->next(in->input, &line, &item)) {
	case SOURCE_LINE:
	case SOURCE_MORE:
		j->was_left = 1;
		break;
	case SOURCE_END:
		in->ended = 1;
		break;
	case SOURCE_WAIT:
	case SOURCE_FAILED:
		break;
	}
}

void
intake_check_left(struct core *c)
{
	struct link *k;
	struct job *j;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, struct job, of_core);
		j->was_left |= j->alive > count_done(j);
		check_for_more(j);
	}
}
