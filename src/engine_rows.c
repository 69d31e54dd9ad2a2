/* SPDX-License-Identifier: ISC */
/* Two batches: one is filled, the other is being saved. */
#include "engine_rows.h"

#include <stdlib.h>
#include <string.h>

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

/* On the thread. */
static enum err
save(struct engine_rows *e)
{
	const struct engine_rows_batch *b = &e->saving;
	struct results *r = e->results;
	enum err err = E_OK;
	size_t i, from = 0;

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
	if (e->conf.state != NULL) {
		e->st = &e->state;
		e->conf.state(
		    e->conf.state_arg, e->saving.token, e->saving.n, e->st);
	}
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
is_due(const struct engine_rows *e)
{
	if (e->wants_commit)
		return 1;
	return e->fill.n > 0 &&
	       (is_eager(e) || e->fill.n >= ENGINE_ROWS_MIN ||
		   complete_bytes(&e->fill) >= ENGINE_ROWS_BYTES ||
		   timer_now_us() >= e->first_at_us + ENGINE_ROWS_US);
}

static void
step(struct engine_rows *e)
{
	if (e->is_running || e->err != E_OK)
		return;
	if (is_due(e))
		start(e);
	else if (e->fill.n > 0)
		timer_set(e->due, e->first_at_us + ENGINE_ROWS_US);
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
	if (e->err != E_OK)
		return;
	if (e->is_commit) {
		e->commits_done++;
		e->saved_count += e->saving.n;
		e->saving.n = 0;
		buf_clear(&e->saving.lines, KEEP_BYTES);
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
	return failed != NULL ? sink_written(failed) + sink_pending(failed) : 0;
}

static void
put(struct output *o, const struct output_token *token)
{
	struct engine_rows *e = of(o);

	if (e->fill.n == 0)
		e->first_at_us = timer_now_us();
	add(&e->fill, token);
	tokens_put(&e->tokens, token,
	    (struct tokens_end){ ++e->put_count, end(e->conf.failed) });
	e->is_full = e->is_full || queued_bytes(e) >= SINK_HIGH_WATER;
}

static int
take_durable(struct output *o, uint64_t *token)
{
	struct engine_rows *e = of(o);
	const struct sink *failed = e->conf.failed;
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

	if (o->resume)
		mode = RESULTS_RESUME;
	else if (o->overwrite)
		mode = RESULTS_OVERWRITE;
	else if (o->append)
		mode = RESULTS_APPEND;
	/* Without either option nothing promises more than a whole database,
	 * which needs no sync. */
	if (o->fsync != FSYNC_NONE && (o->resume || opts_given(o, OPT_fsync)))
		flags |= RESULTS_SYNC;
	if (o->retry_failed)
		flags |= RESULTS_REPLACE;
	return results_open(o->output, mode, flags, why);
}

static void
refuse(const struct opts *o, struct buf *why, struct buf *err)
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
		refuse(conf->opts, &why, err);
		return NULL;
	}
	e = mem_zalloc(1, sizeof(*e));
	e->output.ops = &ops;
	e->conf = *conf;
	e->results = r;
	e->job.run = on_run;
	e->job.done = on_done;
	e->disk = disk_new(conf->base);
	e->due = timer_new(conf->base, on_due, e);
	return e;
}

int
engine_rows_begin(struct engine_rows *e, struct buf *err)
{
	struct buf why = { 0 };

	if (results_begin(e->results, &why) == 0)
		return 0;
	refuse(e->conf.opts, &why, err);
	return -1;
}

void
engine_rows_close(struct engine_rows *e)
{
	if (e == NULL)
		return;
	results_cancel(e->results);
	disk_free(e->disk);
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
	return e->err != E_OK ? results_why(e->results) : "";
}
