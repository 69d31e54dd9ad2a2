/* SPDX-License-Identifier: ISC */
/* Two batches: one is filled, the other is being saved. */
#include "engine_rows.h"

#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/message.h"
#include "io/sink.h"
#include "io/timer.h"
#include "store/results.h"

#define KEEP_BYTES (2u * SINK_HIGH_WATER) /* memory kept between batches */

static struct engine_rows *
of(struct output *o)
{
	return (struct engine_rows *)(void *)o;
}

static const struct engine_rows *
of_const(const struct output *o)
{
	return (const struct engine_rows *)(const void *)o;
}

/* ---- a batch ---- */

static size_t
complete_bytes(const struct engine_rows_batch *b)
{
	return b->n > 0 ? b->end[b->n - 1] : 0;
}

static void
add(struct engine_rows_batch *b, const struct output_token *token)
{
	b->token = mem_grow(b->token, b->n, &b->cap, sizeof(b->token[0]));
	b->end = mem_grow(b->end, b->n, &b->end_cap, sizeof(b->end[0]));
	b->token[b->n] = *token;
	b->end[b->n++] = b->lines.n;
}

static void
free_batch(struct engine_rows_batch *b)
{
	buf_fini(&b->lines);
	free(b->token);
	free(b->end);
}

/* What must be on the disk before the state says so. 0 or an errno. */
static int
sync_others(struct engine_rows *e)
{
	int errnum = e->sync != NULL ? sink_sync_run(e->sync) : 0;

	if (errnum == 0 && e->is_synced && e->source.spool_fd != -1 &&
	    fdatasync(e->source.spool_fd) == -1)
		errnum = errno;
	return errnum;
}

/* On the thread. */
static enum err
save(struct engine_rows *e)
{
	const struct engine_rows_batch *b = &e->saving;
	struct results *r = e->results;
	enum err err = E_OK;
	size_t i, from = 0;

	if (e->st != NULL && (e->errnum = sync_others(e)) != 0)
		return e->errnum == ENOSPC || e->errnum == EDQUOT
			   ? E_OUTPUT_NO_SPACE
			   : E_OUTPUT_IO;
	for (i = 0; i < b->n && err == E_OK; i++) {
		if (b->end[i] == from)
			err = results_skip(r, b->token[i].token);
		else
			err = results_put(
			    r, span_of(b->lines.p + from, b->end[i] - from));
		from = b->end[i];
	}
	return err == E_OK ? results_commit(r, e->st) : err;
}

static void
on_run(struct disk_job *job)
{
	struct engine_rows *e = CONTAINER(job, struct engine_rows, job);

	e->job_err = e->is_commit ? save(e) : results_idle(e->results);
}

static void
submit(struct engine_rows *e, int is_commit)
{
	e->is_commit = is_commit;
	e->is_running = 1;
	disk_submit(e->disk, &e->job);
}

/* Sets e->st, the state of the run once `saving` is done. */
static void
take_state(struct engine_rows *e)
{
	struct sink_place failed = { 0 };

	if (e->source.state == NULL)
		return;
	if (e->failed != NULL) {
		e->failed_saving = e->failed_end;
		(void)sink_locate(e->failed, e->failed_saving, &failed);
		if (e->is_synced)
			e->sync = sink_sync_begin(e->failed);
	}
	e->st = &e->state;
	e->source.state(
	    e->source.arg, e->saving.token, e->saving.n, failed, e->st);
}

/* Hands the complete records of `fill` to the thread. A record that is half
 * written stays. */
static void
start(struct engine_rows *e)
{
	struct engine_rows_batch b = e->saving;
	size_t n = complete_bytes(&e->fill);

	e->saving = e->fill;
	e->fill = b;
	buf_clear(&e->fill.lines, KEEP_BYTES);
	e->fill.n = 0;
	buf_add(&e->fill.lines, e->saving.lines.p + n, e->saving.lines.n - n);
	e->saving.lines.n = n;
	timer_clear(e->due);
	e->wants_commit = 0;
	e->commits_begun++;
	e->first_at_us = 0;
	take_state(e);
	submit(e, 1);
}

/* --fsync record: a record is durable as soon as the disk can do it. */
static int
is_eager(const struct engine_rows *e)
{
	const struct opts *o = e->conf.opts;

	return e->is_ending ||
	       (o->fsync == FSYNC_RECORD && opts_given(o, OPT_fsync));
}

static int
has_news(const struct engine_rows *e)
{
	return e->fill.n > 0 || (e->source.has_news != NULL &&
				    e->source.has_news(e->source.arg));
}

static int
is_due(const struct engine_rows *e)
{
	if (e->wants_commit)
		return 1;
	return (e->fill.n > 0 && is_eager(e)) || e->is_ending ||
	       e->fill.n >= ENGINE_ROWS_MIN ||
	       complete_bytes(&e->fill) >= ENGINE_ROWS_BYTES ||
	       timer_now_us() >= e->first_at_us + ENGINE_ROWS_US;
}

/* The state says how long --failed-input is: that must be written first. 0: it
 * is not yet. */
static int
write_failed(struct engine_rows *e)
{
	if (e->source.state == NULL || e->failed == NULL)
		return 1;
	sink_flush(e->failed);
	return sink_written(e->failed) >= e->failed_end;
}

static void
step(struct engine_rows *e)
{
	if (e->is_running || e->err != E_OK)
		return;
	if (!e->wants_commit && !has_news(e))
		return;
	if (e->first_at_us == 0)
		e->first_at_us = timer_now_us();
	if (!is_due(e))
		timer_set(e->due, e->first_at_us + ENGINE_ROWS_US);
	else if (write_failed(e))
		start(e);
}

/* Bytes of complete records. Those of a record that is half written do not
 * count: it could not be completed if they made the output full. */
static size_t
queued_bytes(const struct engine_rows *e)
{
	return complete_bytes(&e->fill) + e->saving.lines.n;
}

static void
on_done(struct disk_job *job)
{
	struct engine_rows *e = CONTAINER(job, struct engine_rows, job);

	e->conf.cb(e->conf.cb_arg);
	e->is_running = 0;
	e->err = e->job_err;
	sink_sync_free(e->sync);
	e->sync = NULL;
	if (e->err != E_OK)
		return;
	if (e->is_commit) {
		e->commits_done++;
		e->saved_count += e->saving.n;
		e->saving.n = 0;
		buf_clear(&e->saving.lines, KEEP_BYTES);
		if (e->failed != NULL && e->st != NULL)
			sink_forget(e->failed, e->failed_saving);
	}
	if (queued_bytes(e) <= SINK_LOW_WATER)
		e->is_full = 0;
	if (e->is_commit && e->fill.n == 0 && !e->is_ending && !e->wants_commit)
		submit(e, 0);
	else
		step(e);
}

static void
on_due(void *arg)
{
	struct engine_rows *e = arg;

	e->conf.cb(e->conf.cb_arg);
	step(e);
}

/* ---- the output ---- */

static struct buf *
buffer(struct output *o)
{
	return &of(o)->fill.lines;
}

static uint64_t
end(const struct sink *failed)
{
	return failed != NULL ? sink_end(failed) : 0;
}

static void
put(struct output *o, const struct output_token *token)
{
	struct engine_rows *e = of(o);

	if (e->first_at_us == 0)
		e->first_at_us = timer_now_us();
	add(&e->fill, token);
	e->failed_end = end(e->failed);
	tokens_put(&e->tokens, token,
	    (struct tokens_end){ ++e->put_count, e->failed_end });
	e->is_full = e->is_full || queued_bytes(e) >= SINK_HIGH_WATER;
}

static int
take_durable(struct output *o, uint64_t *token)
{
	struct engine_rows *e = of(o);
	const struct sink *failed = e->failed;
	struct output_token t;

	if (e->err != E_OK || (failed != NULL && sink_error(failed) != E_OK))
		return 0;
	if (!tokens_take(&e->tokens,
		(struct tokens_end){
		    e->saved_count, failed != NULL ? sink_written(failed) : 0 },
		&t))
		return 0;
	*token = t.token;
	return 1;
}

static void
flush(struct output *o)
{
	step(of(o));
}

static size_t
pending(const struct output *o)
{
	const struct engine_rows *e = of_const(o);

	/* Then nothing more is saved. */
	if (!e->is_running && e->source.state != NULL && e->failed != NULL &&
	    sink_error(e->failed) != E_OK)
		return 0;
	return e->fill.lines.n + e->saving.lines.n;
}

static int
is_full(const struct output *o)
{
	return of_const(o)->is_full;
}

static enum err
error(const struct output *o)
{
	return of_const(o)->err;
}

/* ---- the start and the end ---- */

static struct results *
open_results(const struct opts *o, struct buf *why)
{
	enum results_mode mode = RESULTS_NEW;
	unsigned flags = 0;

	if (o->overwrite)
		mode = RESULTS_OVERWRITE;
	else if (o->append)
		mode = RESULTS_APPEND;
	else if (o->resume)
		mode = RESULTS_RESUME;
	/* An item that --retry-failed has opened again has a row. */
	if (o->resume)
		flags |= RESULTS_MAY_RESUME | RESULTS_REPLACE;
	/* Without either option nothing promises more than a whole database,
	 * which needs no sync. */
	if (o->fsync != FSYNC_NONE && (o->resume || opts_given(o, OPT_fsync)))
		flags |= RESULTS_SYNC;
	return results_open(o->output, mode, flags, why);
}

void
engine_rows_refuse(const struct opts *o, struct buf *why, struct buf *err)
{
	message_begin(err);
	message_show(err, o->output);
	buf_str(err, ": ");
	message_show_span(err, buf_view(why));
	buf_char(err, '\n');
	buf_fini(why);
}

struct engine_rows *
engine_rows_open(const struct engine_rows_conf *conf, struct buf *err)
{
	static const struct output_ops ops = { buffer, put, take_durable, flush,
		pending, is_full, error };
	struct buf why = { 0 };
	struct results *r = open_results(conf->opts, &why);
	struct engine_rows *e;

	if (r == NULL) {
		engine_rows_refuse(conf->opts, &why, err);
		return NULL;
	}
	e = mem_zalloc(1, sizeof(*e));
	e->output.ops = &ops;
	e->conf = *conf;
	e->is_synced = conf->opts->fsync != FSYNC_NONE;
	e->source.spool_fd = -1;
	e->results = r;
	e->job.run = on_run;
	e->job.done = on_done;
	e->disk = disk_new(conf->base);
	e->due = timer_new(conf->base, on_due, e);
	return e;
}

void
engine_rows_use_source(
    struct engine_rows *e, const struct engine_rows_source *source)
{
	e->source = *source;
}

int
engine_rows_begin(struct engine_rows *e, struct sink *failed, struct buf *err)
{
	struct buf why = { 0 };

	e->failed = failed;
	if (results_begin(e->results, &why) == -1) {
		engine_rows_refuse(e->conf.opts, &why, err);
		return -1;
	}
	take_state(e);
	if (e->st == NULL)
		return 0;
	e->job_err = save(e);
	sink_sync_free(e->sync);
	e->sync = NULL;
	if (e->job_err == E_OK)
		return 0;
	buf_str(&why,
	    e->errnum != 0 ? strerror(e->errnum) : results_why(e->results));
	engine_rows_refuse(e->conf.opts, &why, err);
	return -1;
}

void
engine_rows_close(struct engine_rows *e)
{
	if (e == NULL)
		return;
	results_cancel(e->results);
	disk_free(e->disk);
	sink_sync_free(e->sync);
	results_close(e->results);
	timer_free(e->due);
	free_batch(&e->fill);
	free_batch(&e->saving);
	tokens_fini(&e->tokens);
	free(e);
}

void
engine_rows_commit(struct engine_rows *e)
{
	e->wants_commit = 1;
	step(e);
}

void
engine_rows_end(struct engine_rows *e)
{
	e->is_ending = 1;
	step(e);
}

void
engine_rows_finish(struct engine_rows *e, int64_t timeout_us)
{
	engine_rows_end(e);
	disk_finish(e->disk, timeout_us);
}

int
engine_rows_has_lost(const struct engine_rows *e)
{
	return e->saved_count < e->put_count;
}

const char *
engine_rows_why(const struct engine_rows *e)
{
	if (e->err == E_OK)
		return "";
	return e->errnum != 0 ? strerror(e->errnum) : results_why(e->results);
}
