/* SPDX-License-Identifier: ISC */
/*
 * The life of one item, from its line to its record. fetch_enter() makes every
 * move between states. Other modules report to it and never end a fetch.
 */
#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/span.h"
#include "core/core.h"
#include "io/conn/conn.h"

struct host;
struct history;
struct input_item;
struct pool_doc;
struct pool_result;
struct source_line;
struct xchg;

enum fetch_state {
#define STATE(id, number, name, phase, deadline, option, err, hook) \
	FETCH_##id = number,
#include "core/states.h"
#undef STATE
};

#define FETCH_INLINE 80 /* bytes of a line kept without an allocation */

struct fetch {
	struct link link; /* of its state, or of its host's waiting list */
	struct link run;  /* of the run queue */
	struct job *job;
	struct core *core; /* the job's */
	struct host *host; /* NULL if the line could not be used */
	struct xchg *x;    /* with a slot, and until its record is written */
	struct history *history; /* once it came back or was redirected */
	double *cost;            /* of each --budget; NULL: none. Heap */
	struct span line;        /* in `inlined`, or heap */
	size_t charged;          /* for itself and its line */
	const char *source;      /* file, "-", "argument" */
	uint64_t source_line;
	uint64_t seq;
	uint64_t place;         /* its ordinal in this run, for --keep-order */
	uint64_t token;         /* of its input */
	int64_t read_at_us;     /* when its line was read */
	int64_t begun_at_us;    /* when its first attempt began; 0: not yet */
	int64_t entered_at_us;  /* its present state */
	int64_t fd_since_at_us; /* it cannot start for lack of descriptors */
	const char *detail;     /* of an error without an exchange; static */
	char *note;             /* likewise; heap */
	unsigned char state;    /* enum fetch_state; see fetch_enter */
	unsigned char err, phase;
	unsigned attempts;
	short retry;             /* its own --retry, or -1 */
	unsigned char has_begun; /* an answer had, when it failed */
	unsigned char is_new, is_hook_due, is_argument;
	unsigned char had_bom, had_cr; /* around its line; see io/source */
	unsigned char
	    is_idempotent; /* its own method; see item_is_idempotent */
	unsigned char is_streamed;
	unsigned char is_whole;    /* interrupted when only parsing was left */
	unsigned char has_written; /* lines of its stream: never sent again */
	unsigned char is_begun;    /* a request of this attempt that must not be
				    * sent twice was begun; see input_ops */
	char inlined[FETCH_INLINE];
};

/* ---- begin (core/fetch_begin) ---- */
/* A line of input: QUEUED, or EMITTING with an error of phase input. */
void fetch_begin(struct job *j, const struct source_line *line,
    const struct input_item *item);
/* Its line is not usable: EMITTING with e; the message is "FILE:LINE:COLUMN: "
 * and text. */
void fetch_reject(struct fetch *f, enum err e, size_t column, const char *text);
/* A fetch in no state yet, with a copy of its line. */
struct fetch *fetch_new(struct job *j, struct span line);

/* ---- state ---- */
/*
 * The only assignment to f->state. Checks the move, traces it, counts, stamps
 * the time, sets list membership, and puts the fetch on the run queue if the
 * new state has a hook. `why` is for the trace: a word, static.
 */
void fetch_enter(struct fetch *f, enum fetch_state next, const char *why);
const char *fetch_state_name(enum fetch_state s);
/* The phase of an error in that state which names none. */
enum phase fetch_state_phase(enum fetch_state s);

/* ---- outcomes; each may free or move f ---- */
/*
 * Its attempt failed: it is tried again, or EMITTING with that error.
 * PHASE_STRUCK means the phase of its state. detail is static, or NULL.
 */
void fetch_fail(struct fetch *f, enum err e, enum phase p, const char *detail);
/* The answer is complete. left_over: bytes received after it; if there are none
 * the connection may be reused. */
void fetch_succeed(struct fetch *f, struct span left_over);
/* Closes the connection before the end of an answer that leads to a redirect or
 * a retry, and makes that move. */
void fetch_cut(struct fetch *f);
/*
 * RESEND: a kept-alive connection failed with e before the first byte of an
 * answer; the request is sent once more on a new connection, in the same slot.
 * Returns 0, having done nothing, if that is not allowed: a request that is not
 * idempotent is sent again only if none of its bytes had been sent.
 */
int fetch_resend(struct fetch *f, enum err e);
/*
 * Likewise, because the bytes on a kept-alive connection are not an answer, but
 * the rest of the one before. With --delay the request goes back to the head of
 * its queue instead, as the origin has received it.
 */
int fetch_resend_stray(struct fetch *f);
/*
 * No descriptor or port is free: f goes back to the head of its queue, at no
 * cost, or fails if it has waited for --retry-max-time.
 */
void fetch_postpone_no_fd(struct fetch *f);
/* Fails the fetches that wait at origins that were given up, or whose look-up
 * failed. */
void fetch_fail_waiting(struct core *c);
/*
 * f gets a transfer slot and starts. `conn` is a kept-alive connection, or
 * NULL: dial. May end f.
 */
void fetch_start(struct fetch *f, struct conn *conn);
/* Frees f without a record (a run that was stopped). */
void fetch_drop(struct fetch *f);

/* ---- in each pass of the loop ---- */
/* Puts it on the run queue if it is not there. */
void fetch_run(struct fetch *f);
/* Runs the queue until it is empty or the pass's budget is used up. */
void fetch_run_queue(struct core *c);
/* Can bytes arrive for f in its present state? */
int fetch_is_reading(const struct fetch *f);
/*
 * Reads what has arrived, within the pass's budget, and queues f for the rest.
 * May end f.
 */
void fetch_read(struct fetch *f);
/* Resumes reading of paused fetches that need not pause any more. */
void fetch_resume_paused(struct core *c);
/* Stops reading; `why` is a WAIT_*. fetch_resume_paused ends it. */
void fetch_pause(struct fetch *f, int why);
/*
 * Call before the first byte of a request is sent. 0: it must not be sent twice
 * and its input has not recorded yet that it is sent: ask again later.
 */
int fetch_ask_to_send(struct fetch *f);
/* Writes records that wait for room, oldest first. */
void fetch_emit_waiting(struct job *j);
/*
 * Ends the run: items that have begun fail with E_INTERRUPTED, with the phase
 * and error code of their last attempt; others are dropped without a record. So
 * are those of a job that can be resumed, unless they must not be requested
 * again.
 */
void fetch_interrupt_all(struct core *c);
/* Callback of the pools: an answer was parsed, or could not be. */
void fetch_on_parsed(struct pool_doc *d, const struct pool_result *r);

#endif
