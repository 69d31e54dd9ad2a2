/* SPDX-License-Identifier: ISC */
/*
 * One item, from its line to its record: the spine. Everything that happens to
 * it passes fetch_enter().
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
	char inlined[FETCH_INLINE];
};

/* ---- it begins (core/fetch_begin) ---- */
/* A line of input: QUEUED, or EMITTING with an error of phase input. */
void fetch_begin(struct job *j, const struct source_line *line, uint64_t token);
/* Its line cannot be used after all: EMITTING, FILE:LINE:COLUMN: in front. */
void fetch_reject(struct fetch *f, enum err e, size_t column, const char *text);
/* A fetch in no state yet, its line copied. */
struct fetch *fetch_new(struct job *j, struct span line);

/* ---- the one door ---- */
/*
 * The only assignment to f->state. Checks the move, traces it, counts, stamps
 * the time, sets list membership, and puts the fetch on the run queue if the
 * new state has a hook. `why` is for the trace: a word, static.
 */
void fetch_enter(struct fetch *f, enum fetch_state next, const char *why);
const char *fetch_state_name(enum fetch_state s);
/* Where a fault that names no phase of its own has struck. */
enum phase fetch_state_phase(enum fetch_state s);

/* ---- what befalls it ---- */
/*
 * Its attempt failed: it is tried again, or is EMITTING with that error.
 * PHASE_STRUCK: where it was. detail is static.
 */
void fetch_fail(struct fetch *f, enum err e, enum phase p, const char *detail);
/* The answer is whole, and `left_over` came with it that is not its own: the
 * connection may serve another, if that is nothing. */
void fetch_succeed(struct fetch *f, struct span left_over);
/* Enough of an answer that leads elsewhere: the rest is not read. */
void fetch_cut(struct fetch *f);
/*
 * RESEND, a move back: a kept-alive connection died of e before the first byte
 * of an answer, and the request goes out once more on a fresh one, keeping
 * slot and place. Returns 0 if the rule does not allow it: a method that is
 * not idempotent is sent again only if none of its bytes had been sent.
 */
int fetch_resend(struct fetch *f, enum err e);
/*
 * Likewise, because something came on a kept-alive connection that does not
 * begin like an answer: the rest of the one before. With --delay the request
 * goes back to the head of its queue instead, as the origin has seen it.
 */
int fetch_resend_stray(struct fetch *f);
/*
 * No descriptor or port was to be had: back to the head of its queue,
 * unharmed, unless it has waited for --retry-max-time.
 */
void fetch_postpone_no_fd(struct fetch *f);
/* What waits at origins whose look-up failed, or that were given up, fails. */
void fetch_fail_waiting(struct core *c);
/*
 * It has got its slot. `conn` is a kept-alive connection, or NULL: dial.
 */
void fetch_start(struct fetch *f, struct conn *conn);
/* Dropped without a record (an early stop). */
void fetch_drop(struct fetch *f);

/* ---- the turn ---- */
/* Puts it on the run queue if it is not there. */
void fetch_run(struct fetch *f);
/* Runs what is due until the queue is empty or the budget is used up. */
void fetch_run_queue(struct core *c);
/* May bytes arrive for f in its present state? */
int fetch_is_reading(const struct fetch *f);
/*
 * Reads what is there, within the pass's budget; the rest is left for the run
 * queue. May end the fetch.
 */
void fetch_read(struct fetch *f);
/* Lets paused fetches read again as far as there is room. */
void fetch_resume_paused(struct core *c);
/* Writes records that waited for room, oldest first. */
void fetch_emit_waiting(struct job *j);
/*
 * The run ends here: what was begun and is not finished ends as
 * E_INTERRUPTED, with how far its last attempt was and that one's code; what
 * was not begun is dropped.
 */
void fetch_interrupt_all(struct core *c);
/* The pools call it: an answer has been parsed, or will not be. */
void fetch_on_parsed(struct pool_doc *d, const struct pool_result *r);

#endif
