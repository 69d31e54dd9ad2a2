/* SPDX-License-Identifier: ISC */
/*
 * A batch begins with a cut: the ends of the outputs at that moment. It is
 * committed when all bytes before the cut are written. Records that are put
 * meanwhile belong to the next batch.
 */
#include "engine_commit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "engine_journal.h"
#include "io/timer.h"

#define BATCH_RECORDS 256
#define BATCH_US 1000000

int
engine_commit_is_needed(const struct opts *o)
{
	return o->journal != NULL || o->fsync != FSYNC_NONE;
}

/* Only wakes the loop, which calls engine_commit_step. */
static void
on_due(void *arg)
{
	(void)arg;
}

void
engine_commit_init(
    struct engine_commit *c, const struct engine_commit_conf *conf)
{
	*c = (struct engine_commit){ .conf = *conf };
	c->due = timer_new(conf->base, on_due, c);
}

void
engine_commit_fini(struct engine_commit *c)
{
	size_t i;

	tokens_fini(&c->tokens);
	free(c->batch);
	buf_fini(&c->frame);
	timer_free(c->due);
	for (i = 0; i < 2; i++)
		sink_sync_free(c->sync[i]);
}

/* ---- the syncer thread ---- */

static int
sync_outputs(struct engine_commit *c)
{
	const struct opts *o = c->conf.opts;
	size_t i;
	int e;

	for (i = 0; i < 2; i++) {
		c->failed_at = i == 1              ? o->failed_input
			       : o->output != NULL ? o->output
						   : "standard output";
		if (c->sync[i] != NULL && (e = sink_sync_run(c->sync[i])) != 0)
			return e;
	}
	c->failed_at = "spool file";
	if (c->conf.spool_fd != -1 && fdatasync(c->conf.spool_fd) == -1)
		return errno;
	if (c->conf.sync_names == NULL)
		return 0;
	c->failed_at = o->output_dir;
	return c->conf.sync_names(c->conf.sync_names_arg);
}

static void
run(struct disk_job *job)
{
	struct engine_commit *c = CONTAINER(job, struct engine_commit, job);
	int is_synced = c->conf.opts->fsync != FSYNC_NONE;

	c->errnum = is_synced ? sync_outputs(c) : 0;
	if (c->errnum != 0 || c->conf.journal == NULL)
		return;
	c->failed_at = c->conf.opts->journal;
	c->errnum = engine_journal_write(c->conf.journal, buf_view(&c->frame));
}

/* ---- the loop ---- */

static void
done(struct disk_job *job)
{
	struct engine_commit *c = CONTAINER(job, struct engine_commit, job);
	size_t i;

	for (i = 0; i < 2; i++) {
		sink_sync_free(c->sync[i]);
		c->sync[i] = NULL;
	}
	c->step = c->errnum == 0 ? COMMIT_IDLE : COMMIT_FAILED;
	if (c->step == COMMIT_FAILED)
		return;
	if (c->conf.journal != NULL)
		engine_journal_written(c->conf.journal);
	sink_forget(c->conf.out, c->end.out);
	if (c->conf.failed != NULL)
		sink_forget(c->conf.failed, c->end.failed);
}

static struct tokens_end
ends(const struct engine_commit *c)
{
	return (struct tokens_end){ sink_end(c->conf.out),
		c->conf.failed != NULL ? sink_end(c->conf.failed) : 0 };
}

static int
has_news(const struct engine_commit *c)
{
	return c->tokens.n > 0 || (c->conf.journal != NULL &&
				      engine_journal_has_news(c->conf.journal));
}

void
engine_commit_put(struct engine_commit *c, const struct output_token *token)
{
	tokens_put(&c->tokens, token, ends(c));
}

int
engine_commit_take(struct engine_commit *c, uint64_t *token)
{
	if (c->step == COMMIT_RUNNING || c->step == COMMIT_FAILED ||
	    c->ntaken == c->nbatch)
		return 0;
	*token = c->batch[c->ntaken++].token;
	return 1;
}

/* Notes since when there is anything to commit. */
static void
note_news(struct engine_commit *c)
{
	if (!has_news(c)) {
		c->first_at_us = 0;
	} else if (c->first_at_us == 0) {
		c->first_at_us = timer_now_us();
		timer_set(c->due, c->first_at_us + BATCH_US);
	}
}

static int
is_due(const struct engine_commit *c)
{
	if (c->first_at_us == 0)
		return 0;
	return c->is_ending || c->tokens.n >= BATCH_RECORDS ||
	       (c->conf.opts->fsync == FSYNC_RECORD && c->tokens.n > 0) ||
	       timer_now_us() >= c->first_at_us + BATCH_US;
}

static void
cut(struct engine_commit *c)
{
	sink_cut(c->conf.out);
	sink_flush(c->conf.out);
	if (c->conf.failed != NULL) {
		sink_cut(c->conf.failed);
		sink_flush(c->conf.failed);
	}
	c->end = ends(c);
	c->first_at_us = 0;
	timer_clear(c->due);
	c->step = COMMIT_CUT;
}

static int
is_written(const struct engine_commit *c)
{
	return sink_written(c->conf.out) >= c->end.out &&
	       (c->conf.failed == NULL ||
		   sink_written(c->conf.failed) >= c->end.failed);
}

static void
fill_batch(struct engine_commit *c)
{
	struct output_token t;

	c->nbatch = c->ntaken = 0;
	while (tokens_take(&c->tokens, c->end, &t)) {
		c->batch =
		    mem_grow(c->batch, c->nbatch, &c->cap, sizeof(c->batch[0]));
		c->batch[c->nbatch++] = t;
	}
}

/* The places of the batch's end in the files, for the journal. */
static void
encode(struct engine_commit *c)
{
	struct sink_place out = { 0 }, failed = { 0 };

	(void)sink_locate(c->conf.out, c->end.out, &out);
	if (c->conf.failed != NULL)
		(void)sink_locate(c->conf.failed, c->end.failed, &failed);
	c->frame.n = 0;
	engine_journal_encode(
	    c->conf.journal, c->batch, c->nbatch, &out, &failed, &c->frame);
}

static void
commit(struct engine_commit *c)
{
	fill_batch(c);
	if (c->conf.journal != NULL)
		encode(c);
	if (c->conf.opts->fsync != FSYNC_NONE) {
		c->sync[0] = sink_sync_begin(c->conf.out);
		if (c->conf.failed != NULL)
			c->sync[1] = sink_sync_begin(c->conf.failed);
	}
	c->job = (struct disk_job){ .run = run, .done = done };
	c->step = COMMIT_RUNNING;
	disk_submit(c->conf.syncer, &c->job);
}

/* Then bytes were discarded: an end may be in the middle of a record. */
static int
has_failed_output(const struct engine_commit *c)
{
	return sink_error(c->conf.out) != E_OK ||
	       (c->conf.failed != NULL && sink_error(c->conf.failed) != E_OK);
}

void
engine_commit_step(struct engine_commit *c)
{
	note_news(c);
	if (has_failed_output(c))
		return;
	if (c->step == COMMIT_IDLE && c->ntaken == c->nbatch && is_due(c))
		cut(c);
	if (c->step == COMMIT_CUT && is_written(c) && !has_failed_output(c))
		commit(c);
}

void
engine_commit_end(struct engine_commit *c)
{
	c->is_ending = 1;
}

void
engine_commit_salvage(struct engine_commit *c)
{
	struct tokens_end written = { sink_written(c->conf.out),
		c->conf.failed != NULL ? sink_written(c->conf.failed) : 0 };

	c->is_ending = 1;
	if (c->step == COMMIT_RUNNING || c->step == COMMIT_FAILED)
		return;
	if (!tokens_last_written(&c->tokens, written, &c->end)) {
		tokens_fini(&c->tokens);
		c->step = COMMIT_IDLE;
		return;
	}
	commit(c);
	tokens_fini(&c->tokens);
	(void)sink_cut_back(c->conf.out, c->end.out);
	if (c->conf.failed != NULL)
		(void)sink_cut_back(c->conf.failed, c->end.failed);
}

int
engine_commit_is_idle(const struct engine_commit *c)
{
	return c->step == COMMIT_IDLE && c->ntaken == c->nbatch && !has_news(c);
}

enum err
engine_commit_error(const struct engine_commit *c)
{
	if (c->step != COMMIT_FAILED)
		return E_OK;
	return c->errnum == ENOSPC || c->errnum == EDQUOT ? E_OUTPUT_NO_SPACE
							  : E_OUTPUT_IO;
}
