/* SPDX-License-Identifier: ISC */
/*
 * Opens the outputs of a run and, with --journal or --resume, its journal; says
 * why one cannot be opened. Nothing that exists is changed before everything
 * could be opened.
 */
#include <errno.h>
#include <string.h>

#include "base/message.h"
#include "engine_int.h"
#include "io/disk.h"
#include "io/files/files.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/spool.h"

#define FILES_QUEUE_BYTES (32u << 20) /* of bodies not written yet */

/* ---- the journal, or a database that has the state ---- */

/* NULL after a message. */
static struct engine_rows *
open_database(struct engine *e, struct buf *err)
{
	const struct engine_rows_conf conf = { .base = e->base,
		.opts = e->job.opts,
		.cb = engine_wake,
		.cb_arg = &e->core };

	return engine_rows_open(&conf, err);
}

static void
on_spool(void *arg)
{
	struct engine *e = arg;

	clock_tick(&e->core.clock);
	if (spool_is_complete(e->resume.spool) ||
	    spool_error(e->resume.spool) != NULL)
		source_end_spool(e->source);
}

int
engine_open_journal(struct engine *e, int stdin_closed, struct buf *err)
{
	const struct opts *o = e->job.opts;
	int status;

	if (o->journal == NULL && !o->resume)
		return 0;
	if (o->output_kind == OUTPUT_DATABASE &&
	    (e->rows = open_database(e, err)) == NULL)
		return 3;
	status = engine_resume_open(
	    &e->resume, o, &e->core, &e->job, e->rows, e->syncer, err);
	if (status == 0)
		status = engine_resume_spool(
		    &e->resume, e->base, stdin_closed, on_spool, e, err);
	if (status == 0 && e->resume.spool != NULL &&
	    spool_is_complete(e->resume.spool))
		source_end_spool(e->source);
	return status;
}

const struct engine_resume *
engine_resume(const struct engine *e)
{
	return e->resume.is_open ? &e->resume : NULL;
}

int
engine_check_inputs(struct engine *e, struct source *fresh, struct buf *err)
{
	int status = engine_resume_check_inputs(&e->resume, fresh, err);

	if (status == 0)
		engine_input_use_journal(&e->input, &e->resume.journal);
	return status;
}

/* ---- the outputs ---- */

static const char *
why_not(int errnum)
{
	switch (errnum) {
	case ELOOP:
		return "it is a symbolic link";
	case EBUSY:
		return "another fetchd is writing this file";
	case ENODATA:
		return "it is shorter than the journal says; restore it, or "
		       "remove both to begin again";
	case ESPIPE:
		return "it is not a regular file";
	}
	return strerror(errnum);
}

static int
refuse_output(struct buf *err, const char *option, const char *path)
{
	int why = errno;

	message_begin(err);
	buf_printf(err, "--%s: ", option);
	message_show(err, path);
	buf_printf(err, ": %s\n", why_not(why));
	return why == ESPIPE ? 2 : 3;
}

static struct sink_conf
sink_conf_of(struct engine *e)
{
	const struct opts *o = e->job.opts;

	return (struct sink_conf){ .may_append = o->append,
		.is_resumed = e->resume.is_resumed,
		.has_commits = engine_commit_is_needed(o) || o->resume };
}

/* NULL with errno set if that fails. */
static struct sink *
open_records(struct engine *e)
{
	const struct opts *o = e->job.opts;
	const struct journal_place *at = &e->resume.journal.state.out;
	struct sink_conf conf = sink_conf_of(e);

	if (opts_is_table(o))
		record_csv_head(&e->head, &e->job.emit.format);
	conf.head = buf_view(&e->head);
	conf.coding = sink_coding_of(o->output);
	conf.rotate_bytes = (uint64_t)o->rotate_bytes;
	conf.is_lines = !opts_is_table(o) && o->format != FORMAT_BODY;
	conf.resume_at = (struct sink_place){ at->file, at->bytes };
	if (strcmp(o->output, "-") != 0)
		return sink_open_output(e->base, e->writer, o->output, &conf,
		    engine_wake, &e->core);
	e->out = sink_new(e->base, 1, engine_wake, &e->core);
	buf_span(sink_buf(e->out), conf.head);
	return e->out;
}

/* The same. */
static struct sink *
open_failed_input(struct engine *e)
{
	const char *path = e->job.opts->failed_input;
	const struct journal_place *at = &e->resume.journal.state.failed;
	struct sink_conf conf = sink_conf_of(e);

	if (strcmp(path, "-") == 0)
		return sink_new(e->base, 1, engine_wake, &e->core);
	conf.is_private = conf.is_lines = 1;
	conf.resume_at = (struct sink_place){ at->file, at->bytes };
	return sink_open_output(
	    e->base, NULL, path, &conf, engine_wake, &e->core);
}

/* ---- body files ---- */

/* On the syncer's thread: a body is about to get its name. With --fsync record
 * a power failure cannot leave the name without the note. */
static int
note_published(void *arg, uint64_t seq, const char *name)
{
	struct engine *e = arg;
	struct journal *file = e->resume.journal.file;
	int errnum = journal_published(file, seq, span_str(name));

	if (errnum != 0 || e->job.opts->fsync != FSYNC_RECORD)
		return errnum;
	return journal_sync(file);
}

/* The same: before a commit, the names given so far become durable. */
static int
sync_names(void *arg)
{
	return files_sync_dirs(arg);
}

/* Removes the bodies of items that were not done: they are fetched again. */
static int
remove_unfinished(struct engine *e, struct buf *err)
{
	const struct journal_state *s = &e->resume.journal.state;
	size_t i;
	int why;

	for (i = 0; i < s->npublished; i++) {
		why = files_remove(e->files, s->published[i].name);
		if (why == 0)
			continue;
		message_begin(err);
		buf_str(err, "--output-dir: ");
		message_show(err, s->published[i].name);
		buf_printf(err, ": %s\n", strerror(why));
		return 3;
	}
	return 0;
}

static int
open_files(struct engine *e, struct buf *err)
{
	const struct opts *o = e->job.opts;
	int has_journal = e->resume.is_open;
	struct files_conf conf = { .dir = o->output_dir,
		.writer = e->writer,
		.syncer = e->syncer,
		.is_synced = o->fsync != FSYNC_NONE,
		.is_overwriting = o->overwrite,
		.queue_bytes = FILES_QUEUE_BYTES,
		.before_publish = has_journal ? note_published : NULL,
		.arg = e };

	if (o->max_buffer_bytes > 0 &&
	    (uint64_t)o->max_buffer_bytes / 4 < conf.queue_bytes)
		conf.queue_bytes = (uint64_t)o->max_buffer_bytes / 4;
	e->files = files_open(&conf, err);
	e->job.files = e->files;
	return e->files != NULL ? 0 : 3;
}

/* ---- all of it ---- */

static void
open_commit(struct engine *e)
{
	const struct opts *o = e->job.opts;
	struct engine_commit_conf conf = { .base = e->base,
		.syncer = e->syncer,
		.out = e->out,
		.failed = e->failed,
		.journal = e->resume.is_open ? &e->resume.journal : NULL,
		.opts = o,
		.spool_fd = e->resume.spool != NULL && o->spool
				? spool_fd(e->resume.spool)
				: -1 };

	if (!engine_commit_is_needed(o))
		return;
	if (e->files != NULL) {
		conf.sync_names = sync_names;
		conf.sync_names_arg = e->files;
	}
	engine_commit_init(&e->commit, &conf);
	e->has_commit = 1;
}

/* Opens the file or database of records. Returns as engine_open_output. */
static int
open_results(struct engine *e, struct buf *err)
{
	const struct opts *o = e->job.opts;

	if (o->output_kind == OUTPUT_DATABASE) {
		if (e->rows == NULL)
			e->rows = open_database(e, err);
		return e->rows != NULL ? 0 : 3;
	}
	e->out = open_records(e);
	return e->out != NULL ? 0 : refuse_output(err, "output", o->output);
}

static int
begin_results(struct engine *e, struct buf *err)
{
	if (e->rows != NULL) {
		e->job.emit.out = &e->rows->output;
		if (e->resume.is_open && e->resume.spool != NULL &&
		    e->job.opts->spool)
			e->rows->source.spool_fd = spool_fd(e->resume.spool);
		return engine_rows_begin(e->rows, e->failed, err) == 0 ? 0 : 3;
	}
	if (sink_begin(e->out) == -1)
		return refuse_output(err, "output", e->job.opts->output);
	open_commit(e);
	engine_output_init(
	    &e->output, e->out, e->failed, e->has_commit ? &e->commit : NULL);
	e->job.emit.out = &e->output.output;
	return 0;
}

int
engine_open_output(struct engine *e, struct buf *err)
{
	const struct opts *o = e->job.opts;
	int status = o->output_dir != NULL ? open_files(e, err) : 0;

	if (status != 0)
		return status;
	if (o->failed_input != NULL &&
	    (e->failed = open_failed_input(e)) == NULL)
		return refuse_output(err, "failed-input", o->failed_input);
	status = open_results(e, err);
	if (status != 0)
		return status;
	if (o->trace != NULL &&
	    engine_trace_open(&e->trace, e->base, o->trace) == -1)
		return refuse_output(err, "trace", o->trace);
	/* Nothing is changed before all files could be opened. */
	if (e->files != NULL && e->resume.is_resumed &&
	    remove_unfinished(e, err) != 0)
		return 3;
	if (e->resume.is_open &&
	    engine_resume_begin(&e->resume, e->out, e->failed, err) != 0)
		return 3;
	if (o->failed_input != NULL && sink_begin(e->failed) == -1)
		return refuse_output(err, "failed-input", o->failed_input);
	status = begin_results(e, err);
	if (status != 0)
		return status;
	if (engine_trace_begin(&e->trace) == -1)
		return refuse_output(err, "trace", o->trace);
	e->job.emit.failed = e->failed;
	/* Before the open: a signal must end the wait for a FIFO's reader. */
	engine_catch_signals(e);
	return 0;
}
