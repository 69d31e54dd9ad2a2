/* SPDX-License-Identifier: ISC */
/*
 * The engine: owns and wires the modules, turns the loop. A process may hold
 * several.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "options/options.h"

struct engine;
struct sink;
struct source;

/* Why a run ended. */
enum engine_end {
	ENGINE_DONE,    /* every item has its record */
	ENGINE_STOPPED, /* a signal, or the output's reader went away */
	ENGINE_KILLED,  /* the second signal */
};

/*
 * NULL with the message in *err (ending in LF) and *status the exit status if
 * the options cannot be served. The options must outlive the engine. More than
 * max_sockets are never open.
 */
struct engine *engine_new(
    const struct opts *o, size_t max_sockets, struct buf *err, int *status);
/*
 * The last thing before engine_run: creates or truncates the output and the
 * file of --failed-input, which a mistake found until then leaves as they were,
 * and takes over the signals. 0, or an exit status with the message.
 */
int engine_open_output(struct engine *e, struct buf *err);
void engine_free(struct engine *e);

/* Where the inputs are added, before engine_run. */
struct source *engine_source(struct engine *e);
/* The sink of its records, after engine_open_output. */
const struct sink *engine_output(const struct engine *e);
struct core *engine_core(const struct engine *e);
struct job *engine_job(const struct engine *e);
/* The small sink for stderr. */
struct sink *engine_notes(struct engine *e);

/* Who looks on while the engine runs, and changes nothing. Each is called from
 * the loop. */
struct engine_observer {
	void (*on_pass)(void *arg); /* at the end of each pass of the loop */
	/* The first signal that stops has come. */
	void (*on_stopping)(void *arg, int sig);
	void (*on_dump)(void *arg); /* USR1 */
	void *arg;
};

/* Before engine_run, once. Without it nobody is told. */
void engine_observe(struct engine *e, const struct engine_observer *o);

/* What the movers count. */
struct engine_counts {
	uint64_t lookups, lookups_cached, handshakes, conns_opened;
};

void engine_counts(const struct engine *e, struct engine_counts *n);
/* Appends the names and versions of the libraries in use, for -V. */
void engine_libraries(struct buf *out);

/* Runs until all is done or a signal ends it. */
enum engine_end engine_run(struct engine *e);
/* The exit status, by the rules of EXIT STATUS in docs/fetchd.1.in. */
int engine_exit_status(struct engine *e, enum engine_end end);

#endif
