/* SPDX-License-Identifier: ISC */
/*
 * The text of the journal's identity says where it is: empty, RETRYING while
 * failed items are fetched again, REMOVING while their old records are removed.
 */
#include "engine_retry.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/message.h"
#include "core/job.h"
#include "io/sink.h"
#include "store/retry.h"

#define RETRYING "retry-failed"
#define REMOVING "retry-failed: removing old records"

static int
is_at(const struct engine_journal *j, const char *text)
{
	return span_eq(buf_view(&j->state.identity.text), span_str(text));
}

static void
set_at(struct engine_journal *j, const char *text)
{
	j->state.identity.text.n = 0;
	buf_str(&j->state.identity.text, text);
}

/* ---- the files of the output ---- */

struct paths {
	char **v;
	size_t n, cap;
};

static void
find_paths(
    const struct engine_journal *j, const struct opts *o, struct paths *p)
{
	uint32_t last = j->state.out.file, i;
	struct buf name = { 0 };

	for (i = last > 0 ? 1 : 0; i <= last; i++) {
		name.n = 0;
		sink_file_name(&name, o->output, i);
		p->v = mem_grow(p->v, p->n, &p->cap, sizeof(p->v[0]));
		p->v[p->n++] = mem_strndup(name.p, name.n);
	}
	buf_fini(&name);
}

static void
free_paths(struct paths *p)
{
	while (p->n > 0)
		free(p->v[--p->n]);
	free(p->v);
}

static int
say(struct buf *err, struct buf *why)
{
	message_begin(err);
	message_show_span(err, buf_view(why));
	buf_char(err, '\n');
	return 3;
}

/* ---- the old records ---- */

/* Can be repeated. The journal's place is set to the end of the files. */
static int
remove_records(struct engine_journal *j, const struct opts *o, struct buf *err)
{
	struct paths p = { 0 };
	struct buf why = { 0 };
	struct stat st;
	int status = 0;

	find_paths(j, o, &p);
	if (retry_remove_superseded((const char *const *)p.v, p.n, &why) == -1)
		status = say(err, &why);
	else if (stat(p.v[p.n - 1], &st) == 0)
		j->state.out.bytes = (uint64_t)st.st_size;
	if (status == 0)
		set_at(j, "");
	free_paths(&p);
	buf_fini(&why);
	return status;
}

static int
write_state(struct engine_journal *j, const struct opts *o, struct buf *err)
{
	int e = journal_rewrite(j->file, &j->state);

	if (e != 0)
		message_about(err, o->journal, strerror(e));
	return e != 0 ? 3 : 0;
}

int
engine_retry_finish(
    struct engine_journal *j, const struct opts *o, struct buf *err)
{
	int status;

	if (!is_at(j, RETRYING))
		return 0;
	set_at(j, REMOVING);
	status = write_state(j, o, err);
	if (status == 0)
		status = remove_records(j, o, err);
	return status == 0 ? write_state(j, o, err) : status;
}

/* ---- the failed items ---- */

/* Makes a progress of the items that are open and those that failed. */
static void
reopen(struct engine_journal *j, const struct seqs *failed)
{
	struct progress *old = j->state.progress, *p = progress_new();
	uint64_t last = progress_last(old), seq = 1, next;
	const struct progress_item *i;

	for (;;) {
		i = progress_from(old, seq);
		next = seqs_next(failed, seq);
		if (next > last)
			next = 0;
		if (i == NULL && next == 0)
			break;
		seq =
		    i != NULL && (next == 0 || i->seq <= next) ? i->seq : next;
		progress_give(p, seq);
		if (i != NULL && i->seq == seq)
			*progress_find(p, seq) = *i;
		seq++;
	}
	if (progress_last(p) < last) {
		progress_give(p, last);
		(void)progress_done(p, last);
	}
	progress_free(old);
	j->state.progress = p;
}

/* The failed items are not counted any more. */
static void
forget_failures(struct stats *s)
{
	enum err e;

	s->items -= s->failed;
	s->failed = 0;
	s->exit_classes = 0;
	for (e = 0; e < E_COUNT; e++)
		if (e != E_OK)
			s->by_error[e] = 0;
}

void
engine_retry_reopen(struct engine_journal *j, const struct seqs *failed)
{
	reopen(j, failed);
	forget_failures(&j->saved);
	forget_failures(&j->job->stats);
	j->state.counts.n = 0;
	stats_save(&j->saved, &j->state.counts);
	j->state.failed = (struct journal_place){ 0 };
}

static int
open_failed(struct engine_journal *j, const struct opts *o, struct buf *err)
{
	struct seqs *failed = seqs_new();
	struct paths p = { 0 };
	struct buf why = { 0 };
	int status = 0;

	find_paths(j, o, &p);
	if (retry_read_failed((const char *const *)p.v, p.n, failed, &why) ==
	    -1)
		status = say(err, &why);
	else if (seqs_count(failed) > 0) {
		engine_retry_reopen(j, failed);
		set_at(j, RETRYING);
	}
	free_paths(&p);
	seqs_free(failed);
	buf_fini(&why);
	return status;
}

int
engine_retry_begin(
    struct engine_journal *j, const struct opts *o, struct buf *err)
{
	int status = is_at(j, REMOVING) ? remove_records(j, o, err) : 0;

	if (status != 0 || !o->retry_failed || is_at(j, RETRYING))
		return status;
	if (strcmp(o->output, "-") == 0) {
		message_line(err, "--retry-failed: needs -o FILE");
		return 2;
	}
	return open_failed(j, o, err);
}
