/* SPDX-License-Identifier: ISC */
/* From the state to frames. journal_apply.c reads them, in the same order. */
#include <stdlib.h>

#include "base/check.h"
#include "store/journal_int.h"

static void
put_place(struct buf *to, const struct journal_place *p)
{
	journal_put_u64(to, p->file);
	journal_put_u64(to, p->bytes);
}

static void
put_consumed(struct buf *to, const struct journal_input *i)
{
	journal_put_u64(to, i->bytes);
	journal_put_u64(to, i->lines);
	journal_put_hash(to, i->hash);
}

/* What both a snapshot and a checkpoint say. */
static void
put_position(struct buf *to, const struct journal_state *s)
{
	const struct journal_mark *m = &s->mark;

	CHECK(m->index <= s->identity.ninputs);
	CHECK(s->counts.n <= JOURNAL_COUNTS_MAX);
	put_place(to, &s->out);
	put_place(to, &s->failed);
	journal_put_u64(to, m->index);
	journal_put_u64(to, m->bytes);
	journal_put_u64(to, m->lines);
	journal_put_hash(to, m->hash);
	journal_put_bytes(to, buf_view(&s->counts));
}

static void
put_governor(struct buf *to, const struct journal_state *s)
{
	CHECK(s->governor.n <= JOURNAL_GOVERNOR_MAX);
	journal_put_bytes(to, buf_view(&s->governor));
}

static void
put_item(struct buf *to, const struct progress_item *i)
{
	journal_put_u64(to, (uint64_t)i->attempts << 2 |
				(i->not_before_us != 0) << 1 | i->was_begun);
	if (i->attempts > 0)
		journal_put_u64(to, i->tries);
	if (i->not_before_us != 0)
		journal_put_i64(to, i->not_before_us);
}

static void
put_identity(struct buf *to, const struct journal_identity *i)
{
	size_t n;

	CHECK(i->ninputs <= JOURNAL_INPUTS_MAX);
	CHECK(i->text.n <= JOURNAL_TEXT_MAX);
	buf_add(to, i->run, sizeof(i->run));
	journal_put_hash(to, i->options);
	journal_put_bytes(to, buf_view(&i->text));
	journal_put_u64(to, i->ninputs);
	for (n = 0; n < i->ninputs; n++) {
		journal_put_bytes(to, span_str(i->inputs[n].name));
		journal_put_u64(to, i->inputs[n].size_bytes);
		journal_put_i64(to, i->inputs[n].mtime_ns);
		put_consumed(to, &i->inputs[n]);
	}
}

void
journal_encode_snapshot(struct buf *to, struct journal_state *s,
    const struct journal_published *published, size_t npublished,
    const uint64_t *begun, size_t nbegun)
{
	size_t i, at = journal_begin_frame(to, JOURNAL_FRAME_SNAPSHOT);
	const struct progress_item *item = progress_from(s->progress, 0);
	uint64_t before = 0;

	put_identity(to, &s->identity);
	buf_char(to, s->is_finished ? 1 : 0);
	put_position(to, s);
	put_governor(to, s);
	journal_put_u64(to, progress_last(s->progress));
	journal_put_u64(to, progress_open(s->progress));
	for (; item != NULL; item = progress_from(s->progress, before + 1)) {
		journal_put_u64(to, item->seq - before - 1);
		put_item(to, item);
		before = item->seq;
	}
	journal_put_u64(to, nbegun);
	for (i = 0; i < nbegun; i++)
		journal_put_u64(to, begun[i]);
	journal_put_u64(to, npublished);
	for (i = 0; i < npublished; i++) {
		journal_put_u64(to, published[i].seq);
		journal_put_bytes(to, span_str(published[i].name));
	}
	journal_end_frame(to, at);
	s->encoded_last = progress_last(s->progress);
	s->encoded_input = s->mark.index;
}

/* Runs of consecutive items: the gap before each, and its length less one. */
struct runs {
	struct buf bytes;
	size_t n;
	uint64_t before;      /* the last item of the run before */
	uint64_t first, last; /* the run that may still grow; 0: none */
};

static void
runs_end(struct runs *r)
{
	if (r->first == 0)
		return;
	journal_put_u64(&r->bytes, r->first - r->before - 1);
	journal_put_u64(&r->bytes, r->last - r->first);
	r->before = r->last;
	r->n++;
}

static void
runs_add(struct runs *r, uint64_t seq)
{
	if (r->first == 0 || seq != r->last + 1) {
		runs_end(r);
		r->first = seq;
	}
	r->last = seq;
}

static void
put_runs(struct buf *to, struct runs *r)
{
	runs_end(r);
	journal_put_u64(to, r->n);
	buf_span(to, buf_view(&r->bytes));
	buf_fini(&r->bytes);
}

/* The items given since the last checkpoint. */
static void
put_given(struct buf *to, const struct journal_state *s)
{
	struct runs r = { .before = s->encoded_last };
	const struct progress_item *i;
	uint64_t from = s->encoded_last + 1;
	size_t n = 0;

	for (; (i = progress_from(s->progress, from)) != NULL; n++) {
		runs_add(&r, i->seq);
		from = i->seq + 1;
	}
	CHECK(n <= JOURNAL_GIVEN_MAX);
	put_runs(to, &r);
}

static void
put_changed(
    struct buf *to, const struct journal_state *s, const uint64_t *v, size_t n)
{
	struct buf bytes = { 0 };
	const struct progress_item *item;
	uint64_t before = 0;
	size_t i, written = 0;

	for (i = 0; i < n; i++) {
		item = progress_find(s->progress, v[i]);
		if (item == NULL || v[i] == before)
			continue;
		journal_put_u64(&bytes, v[i] - before - 1);
		put_item(&bytes, item);
		before = v[i];
		written++;
	}
	journal_put_u64(to, written);
	buf_span(to, buf_view(&bytes));
	buf_fini(&bytes);
}

static void
sort(uint64_t *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(v[0]), journal_compare_seqs);
}

void
journal_encode_checkpoint(
    struct buf *to, struct journal_state *s, const struct journal_batch *b)
{
	size_t i, at = journal_begin_frame(to, JOURNAL_FRAME_CHECKPOINT);
	struct runs done = { 0 };
	uint32_t input;

	CHECK(s->mark.index >= s->encoded_input);
	sort(b->done, b->ndone);
	sort(b->changed, b->nchanged);
	buf_char(to, b->has_governor ? 1 : 0);
	put_position(to, s);
	for (input = s->encoded_input; input < s->mark.index; input++)
		put_consumed(to, &s->identity.inputs[input]);
	if (b->has_governor)
		put_governor(to, s);
	put_given(to, s);
	put_changed(to, s, b->changed, b->nchanged);
	for (i = 0; i < b->ndone; i++) {
		CHECK(progress_done(s->progress, b->done[i]) == 0);
		runs_add(&done, b->done[i]);
	}
	put_runs(to, &done);
	journal_end_frame(to, at);
	s->is_finished = 0;
	s->encoded_last = progress_last(s->progress);
	s->encoded_input = s->mark.index;
}
