/* SPDX-License-Identifier: ISC */
/*
 * The engine: owns and connects the modules, runs the loop. A process may hold
 * several.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "options/options.h"

struct engine;
struct engine_resume;
struct sink;
struct source;

/* Why a run ended. */
enum engine_end {
	ENGINE_DONE,    /* every item has its record */
	ENGINE_STOPPED, /* a signal came, or the output was closed */
	ENGINE_KILLED,  /* a second signal came */
};

/*
 * Returns NULL if the options cannot be satisfied; then *err has the message
 * (ending in LF) and *status the exit status. The options must outlive the
 * engine. At most max_sockets sockets are open at once.
 */
struct engine *engine_new(
    const struct opts *o, size_t max_sockets, struct buf *err, int *status);
/*
 * With --journal or --resume: opens the journal, and the spool if standard
 * input is an input, which is then read from engine_spool. Before the inputs
 * are added. Returns as engine_open_output does.
 */
int engine_open_journal(struct engine *e, int stdin_closed, struct buf *err);
/* The state of that; NULL without a journal. */
const struct engine_resume *engine_resume(const struct engine *e);
/* Compares the inputs with those of the run before. `fresh`: a source of the
 * same inputs, which is used up. */
int
engine_check_inputs(struct engine *e, struct source *fresh, struct buf *err);
/* Appends what ended the commits, for people, if anything did. */
void engine_put_commit_fault(const struct engine *e, struct buf *b);
/* A source like the engine's, without inputs. The caller frees it. */
struct source *engine_new_source(const struct engine *e);
/*
 * Call last before engine_run: creates or truncates the output and the file of
 * --failed-input (so that an earlier error leaves them unchanged) and installs
 * the signal handlers. Returns 0, or an exit status with the message in err.
 */
int engine_open_output(struct engine *e, struct buf *err);
void engine_free(struct engine *e);

/* The source; add the inputs to it before engine_run. */
struct source *engine_source(struct engine *e);
/* E_OK, or what ended the writing of records, with a text for people. After
 * engine_open_output. */
enum err engine_output_error(const struct engine *e, const char **why);
struct core *engine_core(const struct engine *e);
struct job *engine_job(const struct engine *e);
/* The sink for stderr; it drops what it has no room for. */
struct sink *engine_notes(struct engine *e);

/* Callbacks while the engine runs; they must change nothing. Each is called
 * from the loop. */
struct engine_observer {
	void (*on_pass)(void *arg); /* at the end of each pass of the loop */
	/* The first signal that stops the run has come. */
	void (*on_stopping)(void *arg, int sig);
	void (*on_dump)(void *arg); /* USR1 */
	void *arg;
};

/* Sets the callbacks; once, before engine_run. */
void engine_observe(struct engine *e, const struct engine_observer *o);

/* Counts of the movers. */
struct engine_counts {
	uint64_t lookups, lookups_cached, handshakes, conns_opened;
};

void engine_counts(const struct engine *e, struct engine_counts *n);
/* Appends the names and versions of the libraries in use, for -V. */
void engine_libraries(struct buf *out);

/* Runs until all items are done or a signal ends the run. */
enum engine_end engine_run(struct engine *e);
/* The exit status, by the rules of EXIT STATUS in docs/fetchd.1.in. */
int engine_exit_status(struct engine *e, enum engine_end end);

#endif
