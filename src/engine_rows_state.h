/* SPDX-License-Identifier: ISC */
/*
 * The state of a run in the database of its results: each commit of rows has
 * that which says their items are done, so there is no journal.
 */
#ifndef ENGINE_ROWS_STATE_H
#define ENGINE_ROWS_STATE_H

#include "engine_journal.h"
#include "engine_rows.h"

struct engine_rows_state {
	struct engine_journal *journal;
	struct engine_rows *rows;
	struct buf run; /* pieces of the state, of one commit */
	int is_governor_new;
	struct progress_item *changed;
	size_t changed_cap;
};

/* Reads the state into j, which is kept in `rows` from now on. 1; 0: there is
 * no run to go on with; -1 with `why`. */
int engine_rows_state_open(struct engine_rows_state *s,
    struct engine_journal *j, struct engine_rows *rows, struct buf *why);
/* Once engine_rows is closed. All-zero is allowed. */
void engine_rows_state_fini(struct engine_rows_state *s);
/* --retry-failed: opens the items again whose rows have an error; new rows
 * replace these. 0, or an exit status after a message in err. */
int engine_rows_state_retry(
    struct engine_rows_state *s, const struct opts *o, struct buf *err);

#endif
