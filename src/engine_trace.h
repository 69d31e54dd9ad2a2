/* SPDX-License-Identifier: ISC */
/*
 * The engine's trace: made with the engine, written to the file of --trace
 * once a pass of the loop, shown by USR2.
 */
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

struct core;
struct event_base;
struct sink;
struct trace;

struct engine_trace {
	struct trace *trace;
	struct sink *notes; /* of fetchd's own stderr */
	struct sink *out;   /* NULL: there is no --trace; may be `notes` */
	const char *path;   /* of out */
	int has_begun;      /* engine_trace_begin was called */
	int has_failed;     /* out has, and that was said */
};

/* Makes the trace and gives it to the core; `now` is the core's. */
void
engine_trace_init(struct engine_trace *t, struct core *c, struct sink *notes);
/* Opens --trace's file; what it has stays. 0, or -1 with errno. */
int engine_trace_open(
    struct engine_trace *t, struct event_base *base, const char *path);
/* Empties the file, and from now on all events go there. 0, or -1 with errno.
 */
int engine_trace_begin(struct engine_trace *t);
/* Writes what has happened, as far as that does not block. */
void engine_trace_flush(struct engine_trace *t);
/* The same for the end of a run: waits a moment for a slow reader. */
void engine_trace_finish(struct engine_trace *t);
/* The last events to stderr. */
void engine_trace_dump(struct engine_trace *t);
/* After core_fini and the movers' ends. */
void engine_trace_close(struct engine_trace *t);

#endif
