/* SPDX-License-Identifier: ISC */
/*
 * The start of a run that can be resumed: whether there is a run to go on with,
 * whether it is the same one, and from where. Changes no output (but for the
 * end of --retry-failed that was cut off), and the journal only in
 * engine_resume_begin.
 */
#ifndef ENGINE_RESUME_H
#define ENGINE_RESUME_H

#include "base/buf.h"
#include "engine_journal.h"
#include "engine_rows_state.h"
#include "options/options.h"

struct engine_rows;
struct event_base;
struct sink;
struct source;
struct spool;

struct engine_resume {
	struct engine_journal journal;
	struct engine_rows_state in_rows; /* if it is kept in a database */
	const struct opts *opts;
	const char *path; /* of the journal or the database */
	int is_open;      /* `journal` is initialised */
	int is_resumed;   /* there was a run, which goes on */
	int was_finished;
	uint64_t items_before; /* that were done */
	char *spool_path;      /* of standard input; NULL: it is no input */
	struct spool *spool;
	int is_spool_new; /* it holds nothing of an earlier run */
	int has_begun;
	int is_finished; /* nothing is left */
};

/* The functions return 0, or an exit status after appending a message to err.
 */

/* Reads the state: from `rows`, the open database of the results, or if that is
 * NULL from the journal, which it opens. */
int engine_resume_open(struct engine_resume *r, const struct opts *o,
    struct core *c, struct job *j, struct engine_rows *rows,
    struct disk *syncer, struct buf *err);
void engine_resume_close(struct engine_resume *r);
/*
 * If standard input is among the inputs, begins to copy it to the spool file.
 * is_closed: it was closed at the start. cb: see io/spool.
 */
int engine_resume_spool(struct engine_resume *r, struct event_base *base,
    int is_closed, void (*cb)(void *arg), void *arg, struct buf *err);
/* Are the inputs those of the run before, up to where it read them? `fresh` has
 * them, and is used up. */
int engine_resume_check_inputs(
    struct engine_resume *r, struct source *fresh, struct buf *err);
/* All else is ready: writes the journal, if it is one. The outputs are open,
 * and NULL where there is none. */
int engine_resume_begin(struct engine_resume *r, const struct sink *out,
    const struct sink *failed, struct buf *err);

#endif
