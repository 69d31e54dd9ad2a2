/* SPDX-License-Identifier: ISC */
/*
 * Where the lines of an item go: to the sink or, with --keep-order, to what
 * waits for its turn; and whether there is room. Knows no record.
 */
#include "core/output/output.h"

#include "core/fetch.h"
#include "core/output/order.h"
#include "io/sink.h"

int
output_is_stored(const struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	return e->order != NULL && e->unfinished != f &&
	       !order_is_turn(e->order, f->seq);
}

struct buf *
output_open(struct fetch *f)
{
	struct emit *e = &f->job->emit;
	struct buf *b = output_is_stored(f) ? order_begin(e->order, f->seq)
					    : sink_buf(e->out);

	e->to = b;
	e->from = b->n;
	return b;
}

/* JSON lines for a terminal: what its strings may hold, it may not get. */
static void
spare_terminal(struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	if (e->is_terminal && f->job->opts->format == FORMAT_JSONL)
		record_spare_terminal(e->to, e->from);
}

void
output_close(struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	spare_terminal(f);
	if (output_is_stored(f))
		order_add(e->order, f->seq);
	account_update(f->core);
}

int
output_has_room(const struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	return output_is_stored(f) ? order_has_room(e->order)
				   : !sink_is_full(e->out);
}

int
output_is_blocked(const struct fetch *f)
{
	const struct emit *e = &f->job->emit;

	return e->unfinished != NULL && e->unfinished != f;
}
