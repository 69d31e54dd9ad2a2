/* SPDX-License-Identifier: ISC */
/*
 * Each checkpoint takes the state as it is in the loop at that moment: what is
 * done is what the batch says, everything else was given and is open.
 */
#include "engine_journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/core.h"
#include "core/governor.h"
#include "core/job.h"
#include "io/sink.h"
#include "io/timer.h"

#define GOVERNOR_US 1000000 /* between two saves */

void
engine_journal_init(struct engine_journal *j, struct core *c, struct job *job)
{
	*j = (struct engine_journal){ .core = c, .job = job };
	journal_state_init(&j->state);
	j->hash = identity_hash_new();
}

void
engine_journal_fini(struct engine_journal *j)
{
	journal_state_fini(&j->state);
	journal_close(j->file);
	identity_hash_free(j->hash);
	free(j->changed);
	free(j->done);
	free(j->begun);
	buf_fini(&j->governor);
}

/* ---- the input ---- */

static int64_t
wall_offset_us(void)
{
	return timer_wall_us() - timer_now_us();
}

/* What the journal says of an item that was given in an earlier run. */
static void
recall(const struct progress_item *p, struct input_item *item)
{
	item->attempts = p->attempts;
	item->tries = p->tries;
	item->was_begun = p->was_begun;
	if (p->not_before_us != 0)
		item->not_before_at_us = p->not_before_us - wall_offset_us();
	if (item->not_before_at_us < 0)
		item->not_before_at_us = 0;
}

int
engine_journal_give(
    struct engine_journal *j, uint64_t seq, struct input_item *item)
{
	const struct progress_item *p;

	*item = (struct input_item){ .token = seq, .seq = seq };
	if (seq <= j->resumed_last) {
		p = progress_find(j->state.progress, seq);
		if (p != NULL)
			recall(p, item);
		return p != NULL;
	}
	progress_give(j->state.progress, seq);
	j->has_news = 1;
	if (journal_state_was_begun(&j->state, seq))
		item->was_begun = 1;
	return 1;
}

/* The mark moves to another input: the one before is consumed whole. */
static void
move_mark(struct engine_journal *j, uint32_t index)
{
	struct journal_mark *m = &j->read;
	struct journal_input *in;

	while (m->index < index) {
		in = &j->state.identity.inputs[m->index];
		in->bytes = m->bytes;
		in->lines = m->lines;
		identity_hash_digest(j->hash, in->hash);
		identity_hash_reset(j->hash);
		*m = (struct journal_mark){ .index = m->index + 1 };
	}
}

void
engine_journal_consume(
    struct engine_journal *j, uint32_t index, struct span bytes)
{
	struct journal_mark *m = &j->read;

	if (index != m->index)
		move_mark(j, index);
	identity_hash_update(j->hash, bytes);
	m->bytes += bytes.n;
	m->lines++;
}

void
engine_journal_note_change(struct engine_journal *j, uint64_t seq)
{
	j->changed = mem_grow(
	    j->changed, j->nchanged, &j->changed_cap, sizeof(j->changed[0]));
	j->changed[j->nchanged++] = seq;
	j->has_news = 1;
}

void
engine_journal_tried(struct engine_journal *j, uint64_t seq, unsigned attempts,
    unsigned tries, int64_t not_before_at_us)
{
	struct progress_item *p = progress_find(j->state.progress, seq);

	if (p == NULL)
		return;
	p->attempts = attempts;
	p->tries = tries;
	j->nvoided += p->was_begun;
	p->was_begun = 0;
	p->not_before_us =
	    not_before_at_us > 0 ? not_before_at_us + wall_offset_us() : 0;
	engine_journal_note_change(j, seq);
}

/* ---- requests that must not be sent twice ---- */

static void
run_sync(struct disk_job *job)
{
	struct engine_journal *j = CONTAINER(job, struct engine_journal, sync);

	j->errnum = journal_sync(j->file);
}

static void
on_synced(struct disk_job *job)
{
	struct engine_journal *j = CONTAINER(job, struct engine_journal, sync);

	j->is_syncing = 0;
	j->syncs_done = j->syncs_begun;
}

/* The sync that begins now, or after the one that is under way. */
static uint64_t
next_sync(const struct engine_journal *j)
{
	return j->syncer != NULL ? j->syncs_begun + 1 : 0;
}

static int
poll_sync(struct engine_journal *j, uint64_t sync)
{
	if (sync <= j->syncs_done)
		return 1;
	if (j->is_syncing)
		return 0;
	j->is_syncing = 1;
	j->syncs_begun++;
	j->sync = (struct disk_job){ .run = run_sync, .done = on_synced };
	disk_submit(j->syncer, &j->sync);
	return 0;
}

static int
note_begun(struct engine_journal *j, uint64_t seq)
{
	return journal_begun(j->file, seq);
}

static int
start(struct engine_journal *j, int is_synced, struct buf *why)
{
	return journal_start(j->file, &j->state, is_synced, why);
}

static void
finish(struct engine_journal *j)
{
	(void)journal_finish(j->file);
}

void
engine_journal_use_file(
    struct engine_journal *j, struct journal *file, struct disk *syncer)
{
	static const struct engine_journal_ops ops = { note_begun, next_sync,
		poll_sync, start, finish };

	j->ops = &ops;
	j->file = file;
	j->syncer = syncer;
}

static void
wait_for_sync(struct engine_journal *j, uint64_t seq, uint64_t sync)
{
	j->begun =
	    mem_grow(j->begun, j->nbegun, &j->begun_cap, sizeof(j->begun[0]));
	j->begun[j->nbegun++] = (struct engine_begun){ seq, sync };
}

/* Nonzero: what was recorded of seq is durable. */
static int
take_synced(struct engine_journal *j, uint64_t seq)
{
	size_t i;

	for (i = 0; i < j->nbegun; i++)
		if (j->begun[i].seq == seq)
			break;
	if (i == j->nbegun)
		return 1;
	if (!j->ops->poll_sync(j, j->begun[i].sync))
		return 0;
	j->begun[i] = j->begun[--j->nbegun];
	return 1;
}

int
engine_journal_begin(struct engine_journal *j, uint64_t seq)
{
	struct progress_item *p = progress_find(j->state.progress, seq);
	uint64_t sync;
	int errnum;

	if (j->errnum != 0 || p == NULL)
		return 0; /* the run is about to end */
	if (!p->was_begun) {
		/* The checkpoint that is being written may say that it was not
		 * begun, and would come after this. */
		if (j->nvoided_begun > 0)
			return 0;
		errnum =
		    j->ops->note_begun != NULL ? j->ops->note_begun(j, seq) : 0;
		if (errnum != 0) {
			j->errnum = errnum;
			return 0;
		}
		p->was_begun = 1;
		engine_journal_note_change(j, seq);
		sync = j->ops->next_sync(j);
		if (sync > 0)
			wait_for_sync(j, seq, sync);
	}
	return take_synced(j, seq);
}

/* ---- the commit ---- */

int
engine_journal_has_news(const struct engine_journal *j)
{
	return j->has_news;
}

/* Nonzero: the governor's state has changed. */
static int
save_governor(struct engine_journal *j)
{
	int64_t now_us = timer_now_us();

	if (j->governor_at_us != 0 && now_us < j->governor_at_us + GOVERNOR_US)
		return 0;
	j->governor_at_us = now_us;
	j->governor.n = 0;
	core_save_governor(j->core, j->job, &j->governor, timer_wall_us());
	if (span_eq(buf_view(&j->governor), buf_view(&j->state.governor)))
		return 0;
	j->state.governor.n = 0;
	buf_span(&j->state.governor, buf_view(&j->governor));
	return 1;
}

static void
take_done(
    struct engine_journal *j, const struct output_token *done, size_t ndone)
{
	size_t i;

	j->ndone = 0;
	for (i = 0; i < ndone; i++) {
		j->done = mem_grow(
		    j->done, j->ndone, &j->done_cap, sizeof(j->done[0]));
		j->done[j->ndone++] = done[i].token;
		j->saved.items++;
		stats_count(&j->saved, &done[i].outcome);
	}
	j->state.counts.n = 0;
	stats_save(&j->saved, &j->state.counts);
}

/* A resumed run reads its inputs again: until it is where the run before was,
 * the mark stays there. */
static void
save_mark(struct engine_journal *j)
{
	struct journal_mark *m = &j->state.mark;

	if (j->read.index < m->index ||
	    (j->read.index == m->index && j->read.bytes < m->bytes))
		return;
	*m = j->read;
	identity_hash_digest(j->hash, m->hash);
}

int
engine_journal_take(
    struct engine_journal *j, const struct output_token *done, size_t ndone)
{
	take_done(j, done, ndone);
	save_mark(j);
	return save_governor(j);
}

void
engine_journal_encode(struct engine_journal *j, const struct output_token *done,
    size_t ndone, const struct sink_place *out, const struct sink_place *failed,
    struct buf *frame)
{
	struct journal_batch b = { 0 };

	b.has_governor = engine_journal_take(j, done, ndone) != 0;
	j->state.out = (struct journal_place){ out->file, out->bytes };
	j->state.failed = (struct journal_place){ failed->file, failed->bytes };
	b.done = j->done;
	b.ndone = j->ndone;
	b.changed = j->changed;
	b.nchanged = j->nchanged;
	journal_encode_checkpoint(frame, &j->state, &b);
	j->nchanged = 0;
	j->has_news = 0;
	j->nvoided_begun = j->nvoided;
	j->nvoided = 0;
	if (journal_needs_compaction(j->file))
		journal_start_compaction(j->file, &j->state);
}

int
engine_journal_write(struct engine_journal *j, struct span frame)
{
	return journal_commit(j->file, frame);
}

void
engine_journal_written(struct engine_journal *j)
{
	j->nvoided_begun = 0;
}

int
engine_journal_errno(const struct engine_journal *j)
{
	return j->errnum;
}
