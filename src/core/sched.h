/* SPDX-License-Identifier: ISC */
/*
 * Who goes next: slots, the limit of each origin, pauses. Says why something
 * waits. What it chooses the spine starts.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "core/stats.h"

struct conn;
struct core;
struct fetch;
struct timer;

/* Why nothing may start just now; a bit each. */
enum core_pause {
	PAUSE_SINK = 1 << 0,   /* of a job: its output is not read */
	PAUSE_FD = 1 << 1,     /* no descriptor or port is to be had */
	PAUSE_MEMORY = 1 << 2, /* --max-buffer */
	PAUSE_STOP = 1 << 3,   /* the run is being ended */
	PAUSE_NET = 1 << 4,    /* the network is down */
	PAUSE_POOL = 1 << 5,   /* enough wait for a parser */
	PAUSE_SPILL = 1 << 6,  /* of a job: --max-spill, or the disk is full */
};

struct sched {
	unsigned pauses;         /* enum core_pause */
	unsigned traced_pauses;  /* as the trace has them */
	size_t slots;            /* in use */
	size_t known;            /* items that wait for a slot */
	struct heap later;       /* fetches in back-off, by when they are due */
	struct timer *due_timer; /* the first of these, of the hosts that are
				  * held, and of --rate */
	int64_t pool_held_at_us; /* when PAUSE_POOL last held something */
	int64_t fd_retry_at_us;  /* when PAUSE_FD is tried again, */
	size_t fd_open;          /* or once fewer sockets are open than this */
	struct timer *fd_timer;
	struct fetch *exempt; /* goes on reading over --max-buffer; or NULL */
	int64_t exempt_at_us; /* since then */
};

void sched_init(struct sched *s);
/* Every fetch must be gone. */
void sched_fini(struct sched *s);

/* ---- for the spine: a fetch comes to QUEUED and leaves it ---- */
/* A new one joins the tail of its origin's queue, one come back its head, once
 * its back-off is over. */
void sched_queue(struct fetch *f);
void sched_unqueue(struct fetch *f);
/* It has its slot; looked_us of its waiting was for a look-up. */
void sched_take_slot(struct fetch *f, int64_t looked_us);
void sched_free_slot(struct fetch *f);
/* It waits for its slot in vain: the run is over. */
void sched_count_wait(struct fetch *f);
/* Its request has gone out: --delay counts from here. */
void sched_sent(struct fetch *f);

/* ---- the turn ---- */
/* Back-offs and holds that are over end. */
void sched_wake(struct core *c);
/* Looks up origins ahead of their turn. */
void sched_look_up_ahead(struct core *c);
/* Is there something that could start now? */
int sched_may_start(const struct core *c);
/*
 * While sched_may_start: the next one that is to start, already counted against
 * every rate. *conn: a kept-alive connection, or NULL: dial. NULL: its origin
 * cannot start it now; ask again.
 */
struct fetch *sched_next(struct core *c, struct conn **conn);
/*
 * With --keep-order, when nothing but the item whose turn it is makes room for
 * others: that item; as sched_next. NULL: it cannot start, or need not.
 */
struct fetch *sched_next_in_order(struct core *c, struct conn **conn);
/* Before the loop waits: wakes it when time alone lets something go on. */
void sched_set_timer(struct core *c);
/* Sets or clears the pauses that follow from water marks. */
void sched_judge_pauses(struct core *c);

/* ---- pauses ---- */
/*
 * Must f stop reading just now? 0, or why: WAIT_OUTPUT_BLOCKED, WAIT_MEMORY.
 * Over --max-buffer one that has something to read goes on to its end: it is
 * chosen here.
 */
int sched_must_pause(struct fetch *f);
/* No descriptor or port was to be had: closes idle ones, tries again soon. */
void sched_begin_fd_wait(struct core *c);
/* f has a connection: if it had waited for a descriptor, that is over. */
void sched_end_fd_wait(struct fetch *f);
/* Nothing new starts any more. */
void sched_stop(struct core *c);

/* Every item has its record and no more can come. */
int sched_is_done(const struct core *c);
/* Is it in a back-off of its own? */
int sched_is_delayed(const struct fetch *f);
/* How many items wait for their slot, by reason. */
void sched_waits(struct core *c, size_t by_reason[WAIT_COUNT]);
/* Why f waits, or NULL if it does not. */
const char *sched_why(const struct fetch *f);

#endif
