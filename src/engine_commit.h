/* SPDX-License-Identifier: ISC */
/*
 * Makes records durable, in batches: waits until the outputs are written,
 * forces them to the disk on a helper thread, then appends what is done to the
 * journal. One batch at a time. Knows nothing of what records or a journal's
 * frames contain.
 */
#ifndef ENGINE_COMMIT_H
#define ENGINE_COMMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/output/tokens.h"
#include "io/disk.h"
#include "io/sink.h"
#include "options/options.h"

struct engine_journal;
struct event_base;
struct timer;

struct engine_commit_conf {
	struct event_base *base;
	struct disk *syncer;
	struct sink *out, *failed; /* records; --failed-input, or NULL */
	int spool_fd;              /* of standard input; -1: none */
	/* On the syncer thread: forces names of body files to the disk. 0 or an
	 * errno. NULL: there are none. */
	int (*sync_names)(void *arg);
	void *sync_names_arg;
	struct engine_journal *journal; /* or NULL */
	const struct opts *opts;
};

struct engine_commit {
	struct engine_commit_conf conf;
	struct tokens tokens; /* of records in no batch */
	int64_t first_at_us;  /* since when there are any, or other news */
	enum commit_step {
		COMMIT_IDLE,
		COMMIT_CUT, /* waits until the batch is written */
		COMMIT_RUNNING,
		COMMIT_FAILED,
	} step;
	int is_ending; /* no batch waits to be filled */

	/* The batch, and how many of its tokens have been returned. */
	struct output_token *batch;
	size_t nbatch, cap, ntaken;
	struct tokens_end end;

	struct disk_job job;
	struct sink_sync *sync[2];
	struct buf frame;      /* for the journal */
	int errnum;            /* of the job */
	const char *failed_at; /* what has failed, for people */
	struct timer *due;
};

void engine_commit_init(
    struct engine_commit *c, const struct engine_commit_conf *conf);
/* The syncer must be idle. */
void engine_commit_fini(struct engine_commit *c);

/* Is there anything to do before a written record is durable? */
int engine_commit_is_needed(const struct opts *o);

/* A record is complete: all that was appended so far belongs to it or to those
 * before it. */
void
engine_commit_put(struct engine_commit *c, const struct output_token *token);
/* Nonzero: the record of that item is durable. In the order of put. */
int engine_commit_take(struct engine_commit *c, uint64_t *token);
/* Once in each pass of the loop. */
void engine_commit_step(struct engine_commit *c);

/* For the end of a run: from now on no batch waits to be filled. */
void engine_commit_end(struct engine_commit *c);
/*
 * The disk is full: the last batch is what is wholly written. The outputs are
 * cut back to its end. Then as engine_commit_end.
 */
void engine_commit_salvage(struct engine_commit *c);
/* Is nothing left that is not durable? */
int engine_commit_is_idle(const struct engine_commit *c);
/* E_OK, or the E_OUTPUT_* that has ended it; then errnum and failed_at are
 * set. */
enum err engine_commit_error(const struct engine_commit *c);

#endif
