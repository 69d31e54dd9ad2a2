/* SPDX-License-Identifier: ISC */
/*
 * Chooses where the lines of an item go: to the sink or, with --keep-order, to
 * core/output/order; says whether there is room. Knows no record.
 */
#include "core/output/output.h"

#include "core/fetch.h"
#include "core/input.h"
#include "core/output/order.h"

int
output_is_stored(const struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	return e->order != NULL && e->unfinished != f &&
	       !order_is_next(e->order, f->place);
}

struct buf *
output_open(struct fetch *f)
{
	struct emit *e = &f->job->emit;
	struct buf *b = output_is_stored(f) ? order_begin(e->order, f->place)
					    : e->out->ops->buffer(e->out);

	e->to = b;
	e->from = b->n;
	return b;
}

/* JSON strings and cells may contain control characters that a terminal must
 * not get. */
static void
escape_for_terminal(struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	if (!e->is_terminal)
		return;
	if (f->job->opts->format == FORMAT_JSONL)
		record_spare_terminal(e->to, e->from);
	else if (opts_is_table(f->job->opts))
		record_hide_controls(e->to, e->from);
}

void
output_close(struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	escape_for_terminal(f);
	if (output_is_stored(f))
		order_add(e->order, f->place);
	account_update(f->core);
}

int
output_has_room(const struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	return output_is_stored(f) ? order_has_room(e->order)
				   : !e->out->ops->is_full(e->out);
}

int
output_is_blocked(const struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	return e->unfinished != NULL && e->unfinished != f;
}

/* ---- the next item in order ---- */

struct next_in_order {
	const struct job *job;
	uint64_t place, seq; /* seq 0: not found yet */
};

static int
note_next(void *arg, const struct fetch *f)
{
	struct next_in_order *n = arg;

	if (f->job == n->job && f->place == n->place)
		n->seq = f->seq;
	return n->seq == 0;
}

static void
look_through(const struct list *l, struct next_in_order *n)
{
	const struct link *k;

	for (k = list_first(l); k != NULL; k = list_next(l, k))
		(void)note_next(n, CONTAINER(k, const struct fetch, link));
}

uint64_t
output_next_seq(const struct job *j)
{
	struct next_in_order n = { j, order_next_place(j->emit.order), 0 };
	int s;

	hosts_each_waiting(j->core, note_next, &n);
	for (s = FETCH_CONNECTING; s <= FETCH_PARSING; s++)
		look_through(&j->core->state[s], &n);
	look_through(&j->core->paused, &n);
	look_through(&j->emit.waiting, &n);
	return n.seq > 0 ? n.seq : j->seq + 1;
}

/* ---- tokens ---- */

void
output_put_in_order(void *arg, const struct output_token *token)
{
	struct output *o = ((struct job *)arg)->emit.out;

	o->ops->put(o, token);
}

void
output_put(const struct fetch *f, const struct item_outcome *outcome)
{
	const struct emit *e = &f->job->emit;
	const struct output_token token = { f->token, *outcome };

	if (e->order != NULL)
		order_end(e->order, f->place, &token);
	else
		e->out->ops->put(e->out, &token);
}

void
output_settle(struct job *j)
{
	struct output *o = j->emit.out;
	struct input *in = j->intake.input;
	uint64_t token;

	while (o->ops->take_durable(o, &token))
		in->ops->done(in, token);
}
