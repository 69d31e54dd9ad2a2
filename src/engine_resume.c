/* SPDX-License-Identifier: ISC */
/*
 * Each check that fails ends the program with a message that says what to do,
 * before anything is written.
 */
#include "engine_resume.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/message.h"
#include "core/governor.h"
#include "core/job.h"
#include "engine_retry.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/spool.h"
#include "io/timer.h"

static int
refuse(struct buf *err, const char *path, const char *why)
{
	message_about(err, path, why);
	return 3;
}

/* ---- the journal ---- */

/* Is there an output that a first run would add to or replace? */
static int
has_output(const struct opts *o)
{
	struct buf name = { 0 };
	struct stat st;
	int found;

	sink_file_name(&name, o->output, o->rotate_bytes > 0 ? 1 : 0);
	buf_char(&name, '\0');
	found = strcmp(o->output, "-") != 0 && stat(name.p, &st) == 0 &&
		S_ISREG(st.st_mode) && st.st_size > 0;
	buf_fini(&name);
	return found;
}

static int
begin_first_run(struct engine_resume *r, struct buf *err)
{
	const struct opts *o = r->opts;
	struct buf content = { 0 };

	if (o->retry_failed)
		return refuse(err, r->path,
		    "there is no run whose failed items "
		    "could be fetched again");
	if (o->journal != NULL && o->resume && has_output(o) && !o->append &&
	    !o->overwrite)
		return refuse(err, o->output,
		    "it is not empty and has no journal to resume from; "
		    "--append adds to it, --overwrite replaces it");
	opts_content(o, &content);
	identity_digest(buf_view(&content), r->journal.state.identity.options);
	buf_fini(&content);
	identity_new_run(r->journal.state.identity.run);
	return 0;
}

static int
is_same_options(const struct engine_resume *r)
{
	struct buf content = { 0 };
	uint64_t digest[2];

	opts_content(r->opts, &content);
	identity_digest(buf_view(&content), digest);
	buf_fini(&content);
	return memcmp(digest, r->journal.state.identity.options,
		   sizeof(digest)) == 0;
}

/* 0: damaged. A run that was killed before its first checkpoint has none. */
static int
restore(struct engine_journal *j)
{
	struct span counts = buf_view(&j->state.counts);
	struct span governor = buf_view(&j->state.governor);

	if (counts.n > 0 && (stats_restore(&j->saved, counts) == -1 ||
				stats_restore(&j->job->stats, counts) == -1))
		return 0;
	return governor.n == 0 || core_restore_governor(j->core, j->job,
				      governor, timer_wall_us()) == 0;
}

static int
resume_run(struct engine_resume *r, struct buf *err)
{
	struct engine_journal *j = &r->journal;
	const struct opts *o = r->opts;
	int status;

	if (!o->resume)
		return refuse(err, r->path,
		    "there is a run already; --resume goes on with it, or "
		    "remove the file to begin again");
	if (!is_same_options(r) && !o->resume_force)
		return refuse(err, r->path,
		    "the options that decide what records contain differ from "
		    "those of the run before; use the same, or --resume-force");
	r->is_resumed = 1;
	r->was_finished = j->state.is_finished;
	j->resumed_last = progress_last(j->state.progress);
	if (!restore(j))
		return refuse(err, r->path,
		    o->journal != NULL
			? "its counts are damaged; --journal-salvage makes a "
			  "new one of what can be read"
			: "the state of its run is damaged: --overwrite "
			  "without --resume replaces the results");
	status = o->journal != NULL
		     ? engine_retry_begin(j, o, err)
		     : engine_rows_state_retry(&r->in_rows, o, err);
	r->items_before = j->resumed_last - progress_open(j->state.progress);
	return status;
}

/* Replaces a damaged journal by what it still says, and keeps it as
 * PATH.damaged. */
static int
salvage(struct engine_resume *r, struct buf *err)
{
	const char *path = r->opts->journal;
	struct buf new = { 0 }, old = { 0 }, why = { 0 };
	int status = 0;

	buf_printf(&new, "%s.new", path);
	buf_char(&new, '\0');
	buf_printf(&old, "%s.damaged", path);
	buf_char(&old, '\0');
	(void)unlink(new.p);
	if (journal_salvage(path, new.p, &why) != JOURNAL_OK) {
		buf_char(&why, '\0');
		status = refuse(err, path, why.p);
	} else if (link(path, old.p) == -1 || rename(new.p, path) == -1)
		status = refuse(err, old.p, strerror(errno));
	buf_fini(&new);
	buf_fini(&old);
	buf_fini(&why);
	return status;
}

static int
refuse_verdict(struct buf *err, const char *path, enum journal_verdict v,
    const struct buf *why)
{
	message_begin(err);
	message_show(err, path);
	if (v == JOURNAL_LOCKED)
		buf_str(err, ": locked: another fetchd is using this journal");
	else if (why->n > 0) {
		buf_str(err, ": ");
		message_show_span(err, buf_view(why));
	}
	if (v == JOURNAL_DAMAGED)
		buf_str(err, "; --journal-salvage makes a new journal of what "
			     "can be read");
	buf_char(err, '\n');
	return 3;
}

static int
read_journal(struct engine_resume *r, struct buf *err)
{
	struct engine_journal *j = &r->journal;
	const struct opts *o = r->opts;
	struct buf why = { 0 };
	enum journal_verdict v = journal_read(o->journal, &j->state, &why);
	int status;

	if (v == JOURNAL_DAMAGED && o->journal_salvage) {
		status = salvage(r, err);
		if (status != 0) {
			buf_fini(&why);
			return status;
		}
		journal_state_fini(&j->state);
		journal_state_init(&j->state);
		why.n = 0;
		v = journal_read(o->journal, &j->state, &why);
	}
	if (v == JOURNAL_OK)
		status = resume_run(r, err);
	else if (v == JOURNAL_NONE)
		status = begin_first_run(r, err);
	else
		status = refuse_verdict(err, o->journal, v, &why);
	buf_fini(&why);
	return status;
}

static int
read_rows(struct engine_resume *r, struct engine_rows *rows, struct buf *err)
{
	struct buf why = { 0 };
	int found =
	    engine_rows_state_open(&r->in_rows, &r->journal, rows, &why);

	if (found == -1) {
		engine_rows_refuse(r->opts, &why, err);
		return 3;
	}
	return found ? resume_run(r, err) : begin_first_run(r, err);
}

int
engine_resume_open(struct engine_resume *r, const struct opts *o,
    struct core *c, struct job *j, struct engine_rows *rows,
    struct disk *syncer, struct buf *err)
{
	enum journal_verdict v = JOURNAL_OK;
	struct buf why = { 0 };
	struct journal *file;
	int status;

	r->opts = o;
	r->path = rows != NULL ? o->output : o->journal;
	engine_journal_init(&r->journal, c, j);
	r->is_open = 1;
	j->is_resumable = 1;
	if (rows != NULL)
		return read_rows(r, rows, err);
	file = journal_open(o->journal, &v, &why);
	if (file == NULL) {
		status = refuse_verdict(err, o->journal, v, &why);
		buf_fini(&why);
		return status;
	}
	buf_fini(&why);
	engine_journal_use_file(
	    &r->journal, file, o->fsync == FSYNC_RECORD ? syncer : NULL);
	return read_journal(r, err);
}

void
engine_resume_close(struct engine_resume *r)
{
	if (r->is_open) {
		engine_journal_fini(&r->journal);
		engine_rows_state_fini(&r->in_rows);
	}
	if (r->spool != NULL && r->opts->spool && r->is_spool_new &&
	    !r->has_begun)
		(void)unlink(r->spool_path);
	spool_free(r->spool);
	free(r->spool_path);
}

/* ---- the inputs ---- */

static int
is_stdin(const struct opt_operand *op)
{
	return strcmp(op->text, "-") == 0 && !op->is_url;
}

/* A URL may contain a password; its text is compared as content. */
static const char *
name_of(const struct opt_operand *op)
{
	return opts_is_url_operand(op) ? "argument" : op->text;
}

static int
reads_stdin(const struct opts *o)
{
	size_t i;

	for (i = 0; i < o->noperands; i++)
		if (is_stdin(&o->operands[i]))
			return 1;
	return o->noperands == 0;
}

/* Standard input, if there may be something to read. */
static int
readable_stdin(int is_closed, int has_spool)
{
	struct stat st;

	if (is_closed || fstat(STDIN_FILENO, &st) == -1)
		return -1;
	if (has_spool && isatty(STDIN_FILENO))
		return -1;
	return S_ISDIR(st.st_mode) ? -1 : STDIN_FILENO;
}

int
engine_resume_spool(struct engine_resume *r, struct event_base *base,
    int is_closed, void (*cb)(void *arg), void *arg, struct buf *err)
{
	struct buf name = { 0 };
	struct stat st;
	int has_spool;

	if (!reads_stdin(r->opts))
		return 0;
	buf_printf(&name, "%s.spool", r->path);
	buf_char(&name, '\0');
	has_spool = stat(name.p, &st) == 0;
	if (has_spool && !r->is_resumed && unlink(name.p) == 0)
		has_spool = 0; /* of a run whose journal was removed */
	r->is_spool_new = !has_spool;
	r->spool = spool_new(base, readable_stdin(is_closed, has_spool), name.p,
	    r->opts->spool, cb, arg);
	if (r->spool == NULL) {
		refuse(err, name.p, strerror(errno));
		buf_fini(&name);
		return 3;
	}
	if (!r->opts->spool) {
		name.n = 0;
		buf_printf(&name, "/proc/self/fd/%d", spool_fd(r->spool));
		buf_char(&name, '\0');
	}
	r->spool_path = name.p;
	return 0;
}

/* What the inputs are compared with. */
struct check {
	const struct journal_state *was;
	struct identity_hash *hash;
	uint32_t index;
	uint64_t bytes;
	char last; /* byte */
	int is_over;
	const char *fault;
};

/* All of the mark is read: is it the same? */
static void
compare(struct check *c, uint64_t bytes, const uint64_t hash[2])
{
	uint64_t now[2];

	identity_hash_digest(c->hash, now);
	if (c->bytes != bytes || memcmp(now, hash, sizeof(now)) != 0)
		c->fault = "it differs from what the run before has read";
}

/* The input before `index` is read to its end. */
static void
compare_whole(struct check *c, uint32_t index)
{
	const struct journal_input *in;

	while (c->index < index && c->fault == NULL) {
		in = &c->was->identity.inputs[c->index];
		compare(c, in->bytes, in->hash);
		identity_hash_reset(c->hash);
		c->bytes = 0;
		c->index++;
	}
}

static void
on_bytes(void *arg, size_t input, struct span s)
{
	struct check *c = arg;
	const struct journal_mark *mark = &c->was->mark;
	size_t n = s.n;

	if (c->is_over || c->fault != NULL)
		return;
	if (input > mark->index) {
		c->fault = "it is shorter than what the run before has read";
		return;
	}
	compare_whole(c, (uint32_t)input);
	if (c->index == mark->index && c->bytes + n > mark->bytes)
		n = (size_t)(mark->bytes - c->bytes);
	identity_hash_update(c->hash, span_of(s.p, n));
	c->bytes += n;
	if (n > 0)
		c->last = s.p[n - 1];
	if (c->index != mark->index || c->bytes < mark->bytes)
		return;
	if (n == s.n)
		return; /* what follows is not known yet */
	c->is_over = 1;
	compare(c, mark->bytes, mark->hash);
	if (c->last != '\n' && s.p[n] != '\n' && s.p[n] != '\r')
		c->fault = "its last line has become longer";
}

static int
refuse_input(
    struct engine_resume *r, struct buf *err, uint32_t index, const char *fault)
{
	const struct journal_state *s = &r->journal.state;

	message_begin(err);
	message_show(err, index < s->identity.ninputs
			      ? s->identity.inputs[index].name
			      : "the input");
	buf_printf(err,
	    ": %s; nothing was changed (--resume-force goes on "
	    "nevertheless, by the numbers of the lines)\n",
	    fault);
	return 3;
}

static int
check_names(struct engine_resume *r, struct buf *err)
{
	const struct journal_identity *id = &r->journal.state.identity;
	const struct opts *o = r->opts;
	const char *name;
	size_t i;

	for (i = 0; i < id->ninputs; i++) {
		name = o->noperands == 0 && i == 0 ? "-"
		       : i < o->noperands          ? name_of(&o->operands[i])
						   : NULL;
		if (name == NULL || strcmp(name, id->inputs[i].name) != 0)
			return refuse_input(r, err, (uint32_t)i,
			    "the run before has read this input, and it is not "
			    "given in the same place");
	}
	return 0;
}

static int
check_content(struct engine_resume *r, struct source *fresh, struct buf *err)
{
	struct check c = { .was = &r->journal.state };
	struct source_line line;
	enum source_verdict v;
	int status = 0;

	if (c.was->mark.index == 0 && c.was->mark.bytes == 0)
		return 0;
	if (r->spool != NULL && r->is_spool_new)
		spool_wait(r->spool, c.was->mark.bytes);
	c.hash = identity_hash_new();
	source_watch(fresh, on_bytes, &c);
	do
		v = source_next(fresh, &line);
	while ((v == SOURCE_LINE || v == SOURCE_MORE) && !c.is_over &&
	       c.fault == NULL);
	if (v == SOURCE_FAILED) {
		message_begin(err);
		message_show(err, source_error(fresh));
		buf_char(err, '\n');
		status = 3;
	} else if (!c.is_over && c.fault == NULL) {
		compare_whole(&c, c.was->mark.index);
		if (c.fault == NULL && c.bytes < c.was->mark.bytes)
			c.fault = "it is shorter than what the run before has "
				  "read";
		else if (c.fault == NULL)
			compare(&c, c.was->mark.bytes, c.was->mark.hash);
	}
	if (c.fault != NULL)
		status = refuse_input(r, err, c.index, c.fault);
	identity_hash_free(c.hash);
	return status;
}

static int
add_input(struct engine_resume *r, const char *name, const char *path,
    struct buf *err)
{
	struct stat st = { 0 };

	if (path != NULL && stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		message_about(err, name,
		    "a run with a journal reads regular files, and standard "
		    "input (< FILE)");
		return 2;
	}
	journal_state_add_input(&r->journal.state, span_str(name),
	    (uint64_t)st.st_size,
	    st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
	return 0;
}

/* The inputs that the run before did not have. */
static int
add_inputs(struct engine_resume *r, struct buf *err)
{
	const struct opts *o = r->opts;
	const struct opt_operand *op;
	size_t i = r->journal.state.identity.ninputs;
	int status = 0;

	if (o->noperands == 0 && i == 0)
		return add_input(r, "-", NULL, err);
	for (; i < o->noperands && status == 0; i++) {
		op = &o->operands[i];
		status = add_input(r, name_of(op),
		    opts_is_url_operand(op) || is_stdin(op) ? NULL : op->text,
		    err);
	}
	return status;
}

int
engine_resume_check_inputs(
    struct engine_resume *r, struct source *fresh, struct buf *err)
{
	int status = 0;

	if (r->is_resumed && !r->opts->resume_force)
		status = check_names(r, err);
	if (status == 0 && r->is_resumed && !r->opts->resume_force)
		status = check_content(r, fresh, err);
	if (r->opts->resume_force)
		r->journal.state.mark = (struct journal_mark){ 0 };
	return status == 0 ? add_inputs(r, err) : status;
}

static struct journal_place
begin_of(const struct sink *s)
{
	struct sink_place at = { 0 };

	if (s != NULL)
		at = sink_begins_at(s);
	return (struct journal_place){ at.file, at.bytes };
}

int
engine_resume_begin(struct engine_resume *r, const struct sink *out,
    const struct sink *failed, struct buf *err)
{
	struct engine_journal *j = &r->journal;
	struct buf why = { 0 };
	int e = 0;

	j->state.is_finished = 0;
	j->state.out = begin_of(out);
	j->state.failed = begin_of(failed);
	if (j->ops->start != NULL)
		e = j->ops->start(j, r->opts->fsync != FSYNC_NONE, &why);
	if (e != 0) {
		if (why.n == 0)
			buf_str(&why, strerror(e));
		buf_char(&why, '\0');
		refuse(err, r->path, why.p);
	}
	buf_fini(&why);
	r->has_begun = e == 0;
	return e != 0 ? 3 : 0;
}
