/* SPDX-License-Identifier: ISC */
/*
 * The results database of a filter as the output of its job. Records are
 * collected as lines and handed in batches to a helper thread, which alone
 * calls store/results; a batch is one transaction. One batch at a time.
 */
#ifndef ENGINE_ROWS_H
#define ENGINE_ROWS_H

#include "base/buf.h"
#include "core/output/output.h"
#include "core/output/tokens.h"
#include "io/disk.h"
#include "io/sink.h"
#include "options/options.h"
#include "store/results.h"

struct event_base;
struct timer;

/* A batch is due when it has as many records or bytes, or is as old. */
#define ENGINE_ROWS_MIN 64
#define ENGINE_ROWS_BYTES (256u << 10)
#define ENGINE_ROWS_US 1000000

struct engine_rows_conf {
	struct event_base *base;
	const struct opts *opts;
	/* Called from the loop when there is room again, when records have
	 * become durable, and after a failure. */
	void (*cb)(void *arg);
	void *cb_arg;
};

/* The state of a run that can be resumed, which each commit contains. */
struct engine_rows_source {
	/* Called in the loop for each batch, with the tokens of its records:
	 * sets *st to the state of the run once these are done. `failed`: the
	 * end of their lines in --failed-input. What *st points to must stay
	 * unchanged until the next call. */
	void (*state)(void *arg, const struct output_token *v, size_t n,
	    struct sink_place failed, struct results_state *st);
	/* Has the state changed but for items that are done? */
	int (*has_news)(const void *arg);
	void *arg;
	int spool_fd; /* of standard input, forced to the disk first; or -1 */
};

struct engine_rows_batch {
	struct buf lines;
	struct output_token *token;
	size_t *end; /* of its line; equal to that before: no record */
	size_t n, cap, end_cap;
};

struct engine_rows {
	struct output output;
	struct engine_rows_conf conf;
	struct engine_rows_source source; /* state NULL: not resumable */
	struct sink *failed;              /* of --failed-input, or NULL */
	struct results *results; /* the thread's after engine_rows_begin */
	struct disk *disk;
	struct timer *due;
	struct engine_rows_batch fill, saving;
	struct tokens tokens;
	uint64_t put_count, saved_count; /* records */
	int64_t first_at_us; /* since when there is something to commit; 0 */
	/* Ends in --failed-input: of the records in `fill`, and in `saving`. */
	uint64_t failed_end, failed_saving;
	struct sink_sync *sync; /* of --failed-input, or NULL */
	int is_full, is_ending, wants_commit;
	uint64_t commits_begun, commits_done;
	struct disk_job job;
	int is_running;
	int is_commit; /* the job saves a batch; else it is results_idle */
	struct results_state state, *st; /* of the batch; st: or NULL */
	int is_synced;                   /* by --fsync */
	enum err job_err, err;
	int errnum; /* of a file other than the database; 0: none */
};

/* Opens and checks the database of -o, and changes nothing. NULL after a
 * message in err. */
struct engine_rows *
engine_rows_open(const struct engine_rows_conf *conf, struct buf *err);
/* For a run that can be resumed, before engine_rows_begin. */
void engine_rows_use_source(
    struct engine_rows *e, const struct engine_rows_source *source);
/* Makes its tables, or removes the old rows, and commits the state. Before any
 * record. `failed`: of --failed-input, or NULL. 0, or -1 after a message in
 * err. */
int
engine_rows_begin(struct engine_rows *e, struct sink *failed, struct buf *err);
/* Waits for the thread, and closes the database. NULL is allowed. */
void engine_rows_close(struct engine_rows *e);
/* A commit is wanted now, even one without records: something that `state`
 * reports has changed. It is durable when commits_done is larger than
 * commits_begun was before the call. */
void engine_rows_commit(struct engine_rows *e);
/* No records follow: saves what there is without waiting for more. */
void engine_rows_end(struct engine_rows *e);
/* The same, and waits up to timeout_us until all is saved. */
void engine_rows_finish(struct engine_rows *e, int64_t timeout_us);
/* Are there records that are not saved? */
int engine_rows_has_lost(const struct engine_rows *e);
/* Appends the message of an error of store/results, and frees `why`. */
void engine_rows_refuse(const struct opts *o, struct buf *why, struct buf *err);
/* What error() is about, for people. */
const char *engine_rows_why(const struct engine_rows *e);

#endif
