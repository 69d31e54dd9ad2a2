/* SPDX-License-Identifier: ISC */
/* From what engine_journal knows to what store/results commits. */
#include "engine_rows_state.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine_retry.h"
#include "store/seqs.h"

#define FINISH_US 2000000

/* ---- a commit ---- */

/* Copies, as the thread reads them while the loop changes the items. */
static size_t
copy_changed(struct engine_rows_state *s)
{
	struct engine_journal *j = s->journal;
	const struct progress_item *p;
	size_t i, n = 0;

	for (i = 0; i < j->nchanged; i++) {
		p = progress_find(j->state.progress, j->changed[i]);
		if (p == NULL)
			continue; /* done */
		s->changed = mem_grow(
		    s->changed, n, &s->changed_cap, sizeof(s->changed[0]));
		s->changed[n++] = *p;
	}
	return n;
}

static void
encode(void *arg, const struct output_token *done, size_t ndone,
    struct sink_place failed, struct results_state *st)
{
	struct engine_rows_state *s = arg;
	struct engine_journal *j = s->journal;
	size_t i;

	if (engine_journal_take(j, done, ndone))
		s->is_governor_new = 1;
	j->state.failed = (struct journal_place){ failed.file, failed.bytes };
	for (i = 0; i < j->ndone; i++)
		(void)progress_done(j->state.progress, j->done[i]);
	s->run.n = 0;
	results_encode_run(&s->run, &j->state);
	*st = (struct results_state){
		.last = progress_last(j->state.progress),
		.is_finished = j->state.is_finished,
	};
	st->nchanged = copy_changed(s);
	st->changed = s->changed;
	st->piece[RESULTS_RUN] = buf_view(&s->run);
	if (s->is_governor_new)
		st->piece[RESULTS_GOVERNOR] = buf_view(&j->state.governor);
	s->is_governor_new = 0;
	j->nchanged = 0;
	j->has_news = 0;
}

static int
has_news(const void *arg)
{
	const struct engine_rows_state *s = arg;

	return engine_journal_has_news(s->journal);
}

/* ---- requests that must not be sent twice ---- */

static uint64_t
next_sync(const struct engine_journal *j)
{
	const struct engine_rows_state *s = j->arg;

	return s->rows->commits_begun + 1;
}

static int
poll_sync(struct engine_journal *j, uint64_t sync)
{
	struct engine_rows_state *s = j->arg;

	if (s->rows->commits_done >= sync)
		return 1;
	if (s->rows->commits_begun < sync)
		engine_rows_commit(s->rows);
	return 0;
}

static void
finish(struct engine_journal *j)
{
	struct engine_rows_state *s = j->arg;

	j->state.is_finished = 1;
	engine_rows_commit(s->rows);
	engine_rows_finish(s->rows, FINISH_US);
}

/* ---- the start ---- */

int
engine_rows_state_open(struct engine_rows_state *s, struct engine_journal *j,
    struct engine_rows *rows, struct buf *why)
{
	static const struct engine_journal_ops ops = { NULL, next_sync,
		poll_sync, NULL, finish };
	const struct engine_rows_source source = { encode, has_news, s, -1 };

	s->journal = j;
	s->rows = rows;
	j->ops = &ops;
	j->arg = s;
	engine_rows_use_source(rows, &source);
	return results_read_run(rows->results, &j->state, why);
}

void
engine_rows_state_fini(struct engine_rows_state *s)
{
	buf_fini(&s->run);
	free(s->changed);
}

int
engine_rows_state_retry(
    struct engine_rows_state *s, const struct opts *o, struct buf *err)
{
	struct progress *rows;
	const struct progress_item *p;
	struct buf why = { 0 };
	struct seqs *failed;

	if (!o->retry_failed)
		return 0;
	rows = progress_new();
	if (results_read_failed(s->rows->results, rows, &why) == -1) {
		progress_free(rows);
		engine_rows_refuse(o, &why, err);
		return 3;
	}
	failed = seqs_new();
	for (p = progress_from(rows, 1);
	     p != NULL && p->seq <= s->journal->resumed_last;
	     p = progress_from(rows, p->seq + 1)) {
		(void)seqs_add(failed, p->seq);
		engine_journal_note_change(s->journal, p->seq);
	}
	if (seqs_count(failed) > 0)
		engine_retry_reopen(s->journal, failed);
	progress_free(rows);
	seqs_free(failed);
	return 0;
}
