/* SPDX-License-Identifier: ISC */
/*
 * The engine's trace: written to the file of --trace in each pass of the loop,
 * and to stderr on USR2.
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
	int has_failed;     /* writing to `out` failed, and was reported */
};

/* Makes the trace and gives it to the core; `now` is the core's. */
void
engine_trace_init(struct engine_trace *t, struct core *c, struct sink *notes);
/* Opens --trace's file without truncating it. 0, or -1 with errno. */
int engine_trace_open(
    struct engine_trace *t, struct event_base *base, const char *path);
/* Truncates the file; from now on all events are written to it. 0, or -1 with
 * errno. */
int engine_trace_begin(struct engine_trace *t);
/* Writes new events, as far as that does not block. */
void engine_trace_flush(struct engine_trace *t);
/* The same at the end of a run: waits a moment for a slow reader. */
void engine_trace_finish(struct engine_trace *t);
/* Writes the events in memory to stderr. */
void engine_trace_dump(struct engine_trace *t);
/* Call after core_fini and after the movers are freed. */
void engine_trace_close(struct engine_trace *t);

#endif
