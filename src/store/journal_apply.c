/* SPDX-License-Identifier: ISC */
/* From frames to the state. What journal_encode.c has written, in the same
 * order; but the file may say anything, so nothing here is a CHECK(). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/journal_int.h"

static void
fail(struct journal_cursor *c, const char *wrong)
{
	if (c->wrong == NULL)
		c->wrong = wrong;
	c->rest.n = 0;
}

/* The seq that comes `gap` after the one after `before`. 0: too large. */
static uint64_t
get_seq(struct journal_cursor *c, uint64_t before)
{
	uint64_t gap = journal_get_u64(c);

	if (c->wrong == NULL && gap < UINT64_MAX - before)
		return before + 1 + gap;
	fail(c, "the number of an item is too large");
	return 0;
}

static void
get_place(struct journal_cursor *c, struct journal_place *p)
{
	p->file = (uint32_t)journal_get_max(c, UINT32_MAX);
	p->bytes = journal_get_max(c, INT64_MAX);
}

static void
get_consumed(struct journal_cursor *c, struct journal_input *i)
{
	i->bytes = journal_get_max(c, INT64_MAX);
	i->lines = journal_get_u64(c);
	journal_get_hash(c, i->hash);
}

static void
get_position(struct journal_cursor *c, struct journal_state *s)
{
	uint32_t before = s->mark.index;

	get_place(c, &s->out);
	get_place(c, &s->failed);
	s->mark.index = (uint32_t)journal_get_max(c, s->identity.ninputs);
	s->mark.bytes = journal_get_max(c, INT64_MAX);
	s->mark.lines = journal_get_u64(c);
	journal_get_hash(c, s->mark.hash);
	buf_clear(&s->counts, JOURNAL_COUNTS_MAX);
	buf_span(&s->counts, journal_get_bytes(c, JOURNAL_COUNTS_MAX));
	if (c->wrong == NULL && s->mark.index < before)
		fail(c, "the input goes back");
}

static void
get_governor(struct journal_cursor *c, struct journal_state *s)
{
	buf_clear(&s->governor, JOURNAL_GOVERNOR_MAX);
	buf_span(&s->governor, journal_get_bytes(c, JOURNAL_GOVERNOR_MAX));
}

static void
get_item(struct journal_cursor *c, struct progress_item *i)
{
	uint64_t v = journal_get_max(c, (uint64_t)UINT32_MAX << 2 | 3);

	i->attempts = (unsigned)(v >> 2);
	i->was_begun = v & 1;
	i->tries =
	    i->attempts > 0 ? (unsigned)journal_get_max(c, i->attempts) : 0;
	i->not_before_us = v & 2 ? journal_get_i64(c) : 0;
}

static struct span
get_name(struct journal_cursor *c)
{
	struct span s = journal_get_bytes(c, JOURNAL_TEXT_MAX);

	if (c->wrong == NULL && memchr(s.p, '\0', s.n) != NULL)
		fail(c, "a name has a zero byte");
	return s;
}

static void
get_identity(struct journal_cursor *c, struct journal_state *s)
{
	struct journal_identity *i = &s->identity;
	struct span name;
	uint64_t n, size_bytes;
	int64_t mtime_ns;

	journal_get_raw(c, i->run, sizeof(i->run));
	journal_get_hash(c, i->options);
	buf_span(&i->text, journal_get_bytes(c, JOURNAL_TEXT_MAX));
	n = journal_get_max(c, JOURNAL_INPUTS_MAX);
	for (; n > 0 && c->wrong == NULL; n--) {
		name = get_name(c);
		size_bytes = journal_get_u64(c);
		mtime_ns = journal_get_i64(c);
		journal_state_add_input(s, name, size_bytes, mtime_ns);
		get_consumed(c, &i->inputs[i->ninputs - 1]);
	}
}

static void
get_open_items(struct journal_cursor *c, struct journal_state *s)
{
	uint64_t last = journal_get_u64(c), seq = 0;
	uint64_t n = journal_get_max(c, JOURNAL_OPEN_MAX);

	for (; n > 0 && c->wrong == NULL; n--) {
		seq = get_seq(c, seq);
		if (c->wrong != NULL || seq > last) {
			fail(c, "an open item was never given");
			return;
		}
		progress_give(s->progress, seq);
		get_item(c, progress_find(s->progress, seq));
	}
	if (c->wrong == NULL && seq < last) {
		progress_give(s->progress, last);
		progress_done(s->progress, last);
	}
}

static void
apply_snapshot(struct journal_cursor *c, struct journal_state *s)
{
	struct span name;
	uint64_t n, seq;
	unsigned char flags = 0;

	get_identity(c, s);
	journal_get_raw(c, &flags, 1);
	if (flags > 1)
		fail(c, "an unknown flag is set");
	s->is_finished = flags & 1;
	get_position(c, s);
	get_governor(c, s);
	get_open_items(c, s);
	for (n = journal_get_u64(c); n > 0 && c->wrong == NULL; n--)
		journal_add_begun(&s->begun, &s->nbegun, journal_get_u64(c));
	for (n = journal_get_u64(c); n > 0 && c->wrong == NULL; n--) {
		seq = journal_get_u64(c);
		name = get_name(c);
		journal_add_published(&s->published, &s->npublished, seq, name);
	}
	s->encoded_last = progress_last(s->progress);
	s->encoded_input = s->mark.index;
}

/* A run of items after `before`: its first and last item. */
static void
get_run(struct journal_cursor *c, uint64_t before, uint64_t run[2])
{
	uint64_t more;

	run[0] = get_seq(c, before);
	more = journal_get_u64(c);
	run[1] = run[0] + more;
	if (run[1] < run[0])
		fail(c, "the number of an item is too large");
}

static void
get_given(
    struct journal_cursor *c, struct journal_state *s, struct journal_budget *b)
{
	uint64_t n = journal_get_u64(c), run[2], seq;

	for (; n > 0; n--) {
		get_run(c, progress_last(s->progress), run);
		if (c->wrong != NULL)
			return;
		if (run[1] - run[0] >= b->steps ||
		    run[1] - run[0] >=
			JOURNAL_OPEN_MAX - progress_open(s->progress)) {
			fail(c, "too many items are open");
			return;
		}
		b->steps -= run[1] - run[0] + 1;
		for (seq = run[0];; seq++) {
			progress_give(s->progress, seq);
			if (seq == run[1])
				break;
		}
	}
}

static void
get_changed(struct journal_cursor *c, struct journal_state *s)
{
	uint64_t n = journal_get_u64(c), seq = 0;
	struct progress_item *item;

	for (; n > 0; n--) {
		seq = get_seq(c, seq);
		item = progress_find(s->progress, seq);
		if (c->wrong != NULL || item == NULL) {
			fail(c, "an item that is not open has changed");
			return;
		}
		get_item(c, item);
	}
}

static void
get_done(struct journal_cursor *c, struct journal_state *s)
{
	uint64_t n = journal_get_u64(c), run[2] = { 0, 0 }, seq;

	for (; n > 0; n--) {
		get_run(c, run[1], run);
		for (seq = run[0]; c->wrong == NULL; seq++) {
			if (progress_done(s->progress, seq) != 0)
				fail(c, "an item is done that is not open");
			if (seq == run[1])
				break;
		}
		if (c->wrong != NULL)
			return;
	}
}

/* The items of `begun` that are given now. */
static void
mark_begun(
    struct journal_cursor *c, struct journal_state *s, struct journal_budget *b)
{
	uint64_t last = progress_last(s->progress);
	struct progress_item *item;
	size_t i, n = 0;

	if (b->least_begun > last || c->wrong != NULL)
		return;
	if (s->nbegun > b->steps) {
		fail(c, "too many items are begun that were not given");
		return;
	}
	b->steps -= s->nbegun;
	b->least_begun = UINT64_MAX;
	for (i = 0; i < s->nbegun; i++) {
		if (s->begun[i] > last) {
			if (s->begun[i] < b->least_begun)
				b->least_begun = s->begun[i];
			s->begun[n++] = s->begun[i];
			continue;
		}
		item = progress_find(s->progress, s->begun[i]);
		if (item != NULL)
			item->was_begun = 1;
	}
	s->nbegun = n;
}

static void
apply_checkpoint(
    struct journal_cursor *c, struct journal_state *s, struct journal_budget *b)
{
	uint32_t input = s->mark.index;
	unsigned char flags = 0;

	journal_get_raw(c, &flags, 1);
	if (flags > 1)
		fail(c, "an unknown flag is set");
	get_position(c, s);
	for (; input < s->mark.index && c->wrong == NULL; input++)
		get_consumed(c, &s->identity.inputs[input]);
	if (flags & 1)
		get_governor(c, s);
	get_given(c, s, b);
	mark_begun(c, s, b);
	get_changed(c, s);
	get_done(c, s);
	s->is_finished = 0;
	s->encoded_last = progress_last(s->progress);
	s->encoded_input = s->mark.index;
}

static void
apply_begun(
    struct journal_cursor *c, struct journal_state *s, struct journal_budget *b)
{
	uint64_t seq = journal_get_u64(c);
	struct progress_item *item = progress_find(s->progress, seq);

	if (c->wrong != NULL)
		return;
	if (item != NULL)
		item->was_begun = 1;
	else if (seq > progress_last(s->progress)) {
		journal_add_begun(&s->begun, &s->nbegun, seq);
		if (seq < b->least_begun)
			b->least_begun = seq;
	}
}

static void
apply_published(struct journal_cursor *c, struct journal_state *s)
{
	uint64_t seq = journal_get_u64(c);
	struct span name = get_name(c);

	if (c->wrong == NULL)
		journal_add_published(&s->published, &s->npublished, seq, name);
}

const char *
journal_apply_frame(struct journal_state *s, const struct journal_frame *f,
    struct journal_budget *b)
{
	struct journal_cursor c = { .rest = f->payload };
	size_t i;

	switch ((enum journal_frame_type)f->type) {
	case JOURNAL_FRAME_SNAPSHOT:
		apply_snapshot(&c, s);
		for (i = 0; i < s->nbegun; i++)
			if (s->begun[i] < b->least_begun)
				b->least_begun = s->begun[i];
		break;
	case JOURNAL_FRAME_CHECKPOINT:
		apply_checkpoint(&c, s, b);
		break;
	case JOURNAL_FRAME_BEGUN:
		apply_begun(&c, s, b);
		break;
	case JOURNAL_FRAME_PUBLISHED:
		apply_published(&c, s);
		break;
	case JOURNAL_FRAME_FINISHED:
		s->is_finished = 1;
		break;
	}
	if (c.wrong == NULL && c.rest.n > 0)
		return "a frame is too long";
	return c.wrong;
}
