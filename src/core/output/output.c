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
	const struct core *c = f->core;

	return c->order != NULL && c->emitting != f &&
	       !order_is_turn(c->order, f->seq);
}

struct buf *
output_open(struct fetch *f)
{
	struct core *c = f->core;
	struct buf *b = output_is_stored(f) ? order_begin(c->order, f->seq)
					    : sink_buf(c->out);

	c->emit_to = b;
	c->emit_from = b->n;
	return b;
}

/* JSON lines for a terminal: what its strings may hold, it may not get. */
static void
spare_terminal(struct fetch *f)
{
	struct core *c = f->core;

	if (c->is_terminal && c->opts->format == FORMAT_JSONL)
		record_spare_terminal(c->emit_to, c->emit_from);
}

void
output_close(struct fetch *f)
{
	struct core *c = f->core;

	spare_terminal(f);
	if (output_is_stored(f))
		order_add(c->order, f->seq);
	account_ask(c);
}

int
output_has_room(const struct fetch *f)
{
	const struct core *c = f->core;

	return output_is_stored(f) ? order_has_room(c->order)
				   : !sink_is_full(c->out);
}

int
output_is_blocked(const struct fetch *f)
{
	const struct core *c = f->core;

	return c->emitting != NULL && c->emitting != f;
}
