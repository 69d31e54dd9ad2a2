/* SPDX-License-Identifier: ISC */
/*
 * What has happened, event by event: the last TRACE_EVENTS are kept in memory,
 * as they were put, and become text only when somebody reads them. A failed
 * CHECK prints them on standard error. Knows nothing of what the events say.
 *
 * No line holds a secret: who puts an event gives no header values and no user
 * info. The text of a move that begins with '/' is a path, perhaps with a
 * query; its line ends before the query, and before a colon, as a password may
 * follow.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/span.h"

#define TRACE_EVENTS 4096 /* a power of 2 */
#define TRACE_TEXT 80     /* bytes kept of an event's text */
#define TRACE_LINE 384    /* bytes of a line at most, its LF with it */
#define TRACE_NEW 0x80    /* in `from`: the first move of a fetch */

enum trace_kind {
#define TRACE(id, name, k1, k2, k3, k4, k5, k6, meaning) TRACE_##id,
#include "base/trace_table.h"
#undef TRACE
	TRACE_KINDS
};

/* What the fields mean depends on the kind: see base/trace_table.h. */
struct trace_event {
	int64_t at_us;
	unsigned char kind;     /* enum trace_kind */
	unsigned char from, to; /* states, of TRACE_FETCH_MOVE */
	unsigned char text_n;   /* see trace_set_text */
	uint32_t count;
	uint64_t id, other;
	int64_t value;
	const char *why; /* static, or NULL */
	char text[TRACE_TEXT];
};

/* Its fields are for trace.c and trace_add. */
struct trace {
	struct trace_event *next; /* where the next event goes, */
	struct trace_event *stop; /* unless it is here: see trace_go_on */
	uint64_t laps;            /* times that the ring was filled */
	uint64_t taken;           /* events that trace_next gave */
	uint64_t lost;            /* not given, and overwritten */
	void (*full)(void *arg);
	void *full_arg;
	const char *(*state_name)(unsigned state);
	int64_t start_at_us;
	char started[40]; /* the wall clock at that moment */
	struct check_report report;
	struct trace_event ring[TRACE_EVENTS];
};

/*
 * Times in lines count from start_at_us, of the monotonic clock; wall_us is the
 * wall clock at that moment, microseconds since 1970. state_name names the
 * states of moves.
 */
struct trace *trace_new(int64_t start_at_us, int64_t wall_us,
    const char *(*state_name)(unsigned state));
void trace_free(struct trace *t); /* NULL is allowed */

/* At the end of the ring, or at the first event that is not read yet. */
void trace_go_on(struct trace *t);

/* The next event, for what happens often; the caller sets every field. */
static inline struct trace_event *
trace_add(struct trace *t)
{
	if (__builtin_expect(t->next == t->stop, 0))
		trace_go_on(t);
	return t->next++;
}

/* Copies the beginning of the text. */
void trace_set_text(struct trace_event *e, struct span text);

/* Copies *e and the beginning of the text. t may be NULL: no trace. */
void trace_put(struct trace *t, const struct trace_event *e, struct span text);

/* ---- all events, in their order ---- */
/*
 * From now on trace_next gives every event. `full` is called by trace_put when
 * TRACE_EVENTS of them wait, and has to take some; what it leaves is lost.
 */
void trace_follow(struct trace *t, void (*full)(void *arg), void *arg);
/* The next event as a line into `to`; 0: there is none. */
size_t trace_next(struct trace *t, char to[TRACE_LINE]);
/* The line with the date that times count from; its length. */
size_t trace_head(const struct trace *t, char to[TRACE_LINE]);

/* ---- the last events ---- */
/* How many of them are kept; the nth oldest as a line, its length. */
size_t trace_kept(const struct trace *t);
size_t trace_kept_line(const struct trace *t, size_t nth, char to[TRACE_LINE]);
/*
 * Writes them to a descriptor and allocates nothing. A reader that takes
 * nothing for a second ends it.
 */
void trace_print(const struct trace *t, int fd);

#endif
