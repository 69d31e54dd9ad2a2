/* SPDX-License-Identifier: ISC */
/*
 * Writes the record of a finished fetch, piece by piece as far as the output
 * has room, and counts it.
 */
#include "core/output/emit.h"

#include <string.h>

#include "base/check.h"
#include "core/output/facts.h"
#include "core/output/failed_input.h"
#include "core/fetch.h"
#include "core/output/stream.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/history.h"
#include "core/xchg.h"

#define PIECE_BYTES (1u << 20) /* of a large body, written at a time */

/* Writes the body only, if f succeeded. Returns nonzero if there is more. */
static int
write_body(struct buf *out, const struct fetch *f, const struct record *r,
    struct record_at *at)
{
	size_t n = r->body.n - at->body_done;

	if (f->err != E_OK || n == 0)
		return 0;
	if (n > PIECE_BYTES)
		n = PIECE_BYTES;
	buf_add(out, r->body.p + at->body_done, n);
	at->body_done += n;
	return at->body_done < r->body.n;
}

static int
write_piece(struct buf *out, const struct fetch *f, const struct record *r)
{
	const struct emit *e = &f->job->emit;

	switch ((enum opt_format)f->job->opts->format) {
	case FORMAT_BODY:
		return write_body(out, f, r, &f->x->at);
	case FORMAT_TEXT:
		record_write_text(out, r, &e->text);
		return 0;
	case FORMAT_CSV:
	case FORMAT_TSV:
		return record_csv_write(
		    out, r, &e->format, &f->x->at, PIECE_BYTES);
	case FORMAT_JSONL:
	case FORMAT_AUTO:
		return record_write(out, r, &e->format, &f->x->at, PIECE_BYTES);
	}
	return 0;
}

static int
exit_class(const struct fetch *f)
{
	int class = error_info(f->err)->exit;

	return class != 47 ? class : f->has_begun ? 7 : 4;
}

static struct item_outcome
outcome_of(const struct fetch *f, const struct record *r)
{
	int class = r->status_code / 100;

	return (struct item_outcome){ .err = f->err,
		.exit_class = (unsigned char)exit_class(f),
		.status_class =
		    class >= 1 && class <= 5 ? (unsigned char)class : 0,
		.parse = r->was_parsed ? (unsigned char)r->parse_error
				       : PARSE_COUNT };
}

/* Gives a fetch that never had a slot the exchange its record needs. */
static void
complete(struct fetch *f)
{
	if (f->x != NULL)
		return;
	f->x = xchg_take(f->core, f);
	f->x->start_at_us = f->begun_at_us;
	if (f->history != NULL && f->history->lookup_at_us != 0)
		f->x->start_at_us = f->history->lookup_at_us;
	if (f->err == E_INTERRUPTED)
		f->x->start_at_us = f->entered_at_us - f->history->last_took_us;
	(void)xchg_parse_line(f->x, f);
	xchg_count_held(f->x);
}

/* ---- waiting records ---- */

int
emit_has_any(const struct job *j)
{
	const struct emit *e = &j->emit;
	const struct list *l = &e->waiting;
	struct link *k;

	if (e->out->ops->is_full(e->out))
		return 0;
	if (e->unfinished != NULL)
		return e->unfinished->state == FETCH_EMITTING;
	if (e->order == NULL || order_has_room(e->order))
		return l->n > 0;
	for (k = list_first(l); k != NULL; k = list_next(l, k))
		if (!output_is_stored(CONTAINER(k, struct fetch, link)))
			return 1;
	return 0;
}

size_t
emit_unwritten_bytes(const struct core *c)
{
	const struct output *o;
	const struct link *k;
	size_t n = 0;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		o = CONTAINER(k, const struct job, of_core)->emit.out;
		n += o->ops->pending(o);
	}
	return n;
}

int
emit_ordered(struct job *j)
{
	struct emit *e = &j->emit;
	enum err err;

	if (e->order == NULL || e->unfinished != NULL)
		return 0;
	err = order_flush(e->order, e->out);
	if (err != E_OK)
		e->spill_error = err;
	return order_is_due(e->order) && !e->out->ops->is_full(e->out) &&
	       err == E_OK;
}

/* ---- the record ---- */

/* --only-failed and --only-ok leave records out. */
static int
is_wanted(const struct fetch *f)
{
	if (f->job->opts->only_failed)
		return f->err != E_OK;
	return !f->job->opts->only_ok || f->err == E_OK;
}

/* Writes one piece of the record. Returns nonzero if there is more. */
static int
write_step(struct fetch *f, const struct record *r)
{
	int more = write_piece(output_open(f), f, r);

	output_close(f);
	return more;
}

int
emit_record(struct fetch *f, int all)
{
	struct emit *e = &f->job->emit;
	struct record r;
	struct facts t = { 0 };
	struct item_outcome outcome;
	int more, is_stored = output_is_stored(f);

	if (!all && !output_has_room(f))
		return 0;
	if (!is_stored && output_is_blocked(f))
		return 0;
	complete(f);
	if (!output_stream_finish(f->x, all))
		return 0;
	facts_fill(&r, f, &t, 0);
	more = is_wanted(f);
	while (more && (all || output_has_room(f)))
		more = write_step(f, &r);
	if (!more) {
		outcome = outcome_of(f, &r);
		stats_count(&f->job->stats, &outcome);
		failed_input_put(f);
	}
	if (!is_stored)
		e->unfinished = more ? f : NULL;
	if (!more)
		output_put(f, &outcome);
	facts_fini(&t);
	return !more;
}
