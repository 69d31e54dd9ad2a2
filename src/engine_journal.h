/* SPDX-License-Identifier: ISC */
/*
 * Keeps a run's state: which items are open, what is counted of those that are
 * done, how far the input is consumed, what the origins hold. It is kept in a
 * journal (store/journal writes, engine_commit says when), or in the database
 * of the results (engine_rows_state).
 */
#ifndef ENGINE_JOURNAL_H
#define ENGINE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/input.h"
#include "core/output/output.h"
#include "core/stats.h"
#include "io/disk.h"
#include "store/identity.h"
#include "store/journal.h"

struct core;
struct job;
struct sink_place;

struct engine_journal;

/* What differs by where the state is kept. */
struct engine_journal_ops {
	/* The request of seq, which must not be sent twice, is about to be
	 * sent: writes that. 0 or an errno. NULL: the next sync does. */
	int (*note_begun)(struct engine_journal *j, uint64_t seq);
	/* The number of the sync that makes durable what has changed so far; 0:
	 * no request waits for that. */
	uint64_t (*next_sync)(const struct engine_journal *j);
	/* Nonzero: that sync is done. 0: it comes as soon as it can, and wakes
	 * the loop. */
	int (*poll_sync)(struct engine_journal *j, uint64_t sync);
	/* All is ready: writes the state. 0, or an errno with `why` set. NULL:
	 * it is written with the output. */
	int (*start)(struct engine_journal *j, int is_synced, struct buf *why);
	/* Nothing is left to do; only for people. */
	void (*finish)(struct engine_journal *j);
};

struct engine_journal {
	const struct engine_journal_ops *ops;
	void *arg; /* of the ops, if it is no journal file */
	struct core *core;
	struct job *job;
	struct journal *file; /* or NULL */
	struct journal_state state;
	struct journal_mark read;   /* what this run has read of the inputs, */
	struct identity_hash *hash; /* and of the present one's bytes */
	uint64_t resumed_last;      /* seqs up to it were given before */
	struct stats saved;         /* of items that are done */

	uint64_t *changed, *done; /* for the next checkpoint */
	size_t nchanged, changed_cap, ndone, done_cap;
	int has_news;           /* besides items that are done */
	int64_t governor_at_us; /* when it was last saved */
	struct buf governor;

	/* Requests that must not be sent twice. */
	struct engine_begun {
		uint64_t seq;
		uint64_t
		    sync; /* the number of the sync that makes it durable */
	} * begun;
	size_t nbegun, begun_cap;
	size_t nvoided;       /* items that the next checkpoint resets, */
	size_t nvoided_begun; /* and the checkpoint that is being written */
	struct disk *syncer;  /* with --fsync record, otherwise NULL */
	struct disk_job sync;
	uint64_t syncs_begun, syncs_done;
	int is_syncing, errnum;
};

/* The state is empty; engine_resume fills it in, and sets ops. */
void
engine_journal_init(struct engine_journal *j, struct core *c, struct job *job);
/* Takes the journal. syncer: NULL unless requests wait until they are recorded
 * durably (--fsync record). */
void engine_journal_use_file(
    struct engine_journal *j, struct journal *file, struct disk *syncer);
void engine_journal_fini(struct engine_journal *j);

/* ---- the input ---- */

/* The next item of the input. Nonzero: it is to be fetched, and *item is
 * filled in; 0: it was done before. */
int engine_journal_give(
    struct engine_journal *j, uint64_t seq, struct input_item *item);
/* Bytes of input `index` were consumed, up to the end of a line. */
void engine_journal_consume(
    struct engine_journal *j, uint32_t index, struct span bytes);
/* As tried and begin of struct input_ops. */
void engine_journal_tried(struct engine_journal *j, uint64_t seq,
    unsigned attempts, unsigned tries, int64_t not_before_at_us);
int engine_journal_begin(struct engine_journal *j, uint64_t seq);

/* ---- the commit ---- */

/* What is known of an open item has changed. */
void engine_journal_note_change(struct engine_journal *j, uint64_t seq);
/* Has anything changed but for items that are done? */
int engine_journal_has_news(const struct engine_journal *j);
/* The first part of a commit, for either place: j->state is as of now, j->done
 * has the items, whose outcomes are counted. Nonzero: state.governor has
 * changed. */
int engine_journal_take(
    struct engine_journal *j, const struct output_token *done, size_t ndone);
/* Appends a checkpoint: these items are done, and their records are before
 * `out` and `failed`. */
void engine_journal_encode(struct engine_journal *j,
    const struct output_token *done, size_t ndone, const struct sink_place *out,
    const struct sink_place *failed, struct buf *frame);
/* On the syncer thread: writes it. 0 or an errno. */
int engine_journal_write(struct engine_journal *j, struct span frame);
/* In the loop: it is written. */
void engine_journal_written(struct engine_journal *j);
/* 0, or the errno of a write outside of the commits. */
int engine_journal_errno(const struct engine_journal *j);

#endif
