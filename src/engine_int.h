/* SPDX-License-Identifier: ISC */
/* The engine's parts, for the files that make up the engine only. */
#ifndef ENGINE_INT_H
#define ENGINE_INT_H

#include "engine.h"
#include "engine_commit.h"
#include "engine_input.h"
#include "engine_output.h"
#include "engine_resume.h"
#include "engine_rows.h"
#include "engine_trace.h"
#include "engine_workers.h"
#include "core/core.h"
#include "core/job.h"

#define ENGINE_SIGNALS 5

struct engine {
	struct core core;
	struct job job; /* the only one */
	struct source *source;
	struct sink *out, *failed; /* records; --failed-input, or NULL */
	struct engine_rows *rows;  /* the database of records, instead of out */
	struct buf head;           /* of each file of records */
	struct engine_input input;
	struct engine_output output;
	struct disk *writer, *syncer; /* writes and compresses; fsync */
	struct files *files;          /* --output-dir, or NULL */
	struct engine_resume resume;
	struct engine_commit commit;
	int has_commit; /* `commit` is initialised */
	int has_failed_retry;
	struct event_base *base;
	struct tls *tls;
	struct stall *stall;
	struct sink *notes;
	struct engine_observer observer; /* all-zero: none */
	struct event *signals[ENGINE_SIGNALS];
	struct timer *grace, *run_time;
	struct engine_workers workers;
	struct engine_trace trace;
	size_t max_sockets;
	int signal;    /* the last one that stops */
	int is_killed; /* it was the second */
	int is_cut;    /* --grace is over, or --max-run-time: */
	int is_timed_out;
	int handshakes_left;
};

/* Wakes the loop, which looks for work itself; arg is the core. */
void engine_wake(void *arg);
/* Signals that stop the run, or print something. */
void engine_catch_signals(struct engine *e);

#endif
