/* SPDX-License-Identifier: ISC */
/*
 * Admission: chooses the fetch that starts next by transfer slots, limits and
 * pauses, and says why others wait. core/fetch starts it.
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

/* Reasons why no fetch may start; a bit each. */
enum core_pause {
	PAUSE_SINK = 1 << 0,   /* of a job: its output is full */
	PAUSE_FD = 1 << 1,     /* no descriptor or port is free */
	PAUSE_MEMORY = 1 << 2, /* --max-buffer */
	PAUSE_STOP = 1 << 3,   /* the run ends */
	PAUSE_NET = 1 << 4,    /* the network is down */
	PAUSE_POOL = 1 << 5,   /* too many answers wait for a parser */
	PAUSE_FILES = 1 << 7,  /* too many bodies wait for their file */
	PAUSE_SPILL = 1 << 6,  /* of a job: --max-spill, or the disk is full */
};

struct sched {
	unsigned pauses;         /* enum core_pause */
	unsigned traced_pauses;  /* those last written to the trace */
	size_t slots;            /* transfer slots in use */
	size_t known;            /* items that wait for a slot */
	struct heap later;       /* fetches in back-off, by their end of it */
	struct timer *due_timer; /* for the nearest of these, of the queues
				  * that are held, and of --rate */
	int64_t pool_held_at_us; /* when PAUSE_POOL last delayed a start */
	int64_t fd_retry_at_us;  /* PAUSE_FD ends at this moment, */
	size_t fd_open;          /* or when fewer sockets are open than this */
	struct timer *fd_timer;
	struct fetch *exempt; /* may read over --max-buffer; or NULL */
	int64_t exempt_at_us; /* since when */
};

void sched_init(struct sched *s);
/* Every fetch must be gone. */
void sched_fini(struct sched *s);

/* ---- called by core/fetch ---- */
/* f enters QUEUED: a new one joins the tail of its queue, one that has started
 * before its head, after its back-off. */
void sched_queue(struct fetch *f);
void sched_unqueue(struct fetch *f);
/* f gets its slot; lookup_us of its wait was for a look-up. */
void sched_take_slot(struct fetch *f, int64_t lookup_us);
void sched_free_slot(struct fetch *f);
/* Counts the wait of a queued fetch that will not start: the run is over. */
void sched_count_wait(struct fetch *f);
/* f's request was sent: --delay counts from here. */
void sched_sent(struct fetch *f);

/* ---- in each pass of the loop ---- */
/* Ends the back-offs and holds that are due. */
void sched_wake(struct core *c);
/* Starts look-ups of origins before they are needed. */
void sched_look_up_ahead(struct core *c);
/* May a fetch start now? */
int sched_may_start(const struct core *c);
/*
 * Call while sched_may_start: returns the fetch to start next, already counted
 * against every rate. *conn is a kept-alive connection, or NULL: dial. Returns
 * NULL if its origin cannot start it now; call again.
 */
struct fetch *sched_next(struct core *c, struct conn **conn);
/*
 * With --keep-order, when only the next item in order can make room for others:
 * that item, as sched_next. NULL: it cannot start, or need not.
 */
struct fetch *sched_next_in_order(struct core *c, struct conn **conn);
/* Sets the timer for the next moment at which a fetch may start. */
void sched_set_timer(struct core *c);
/* Sets or clears each pause by the present fill levels. */
void sched_update_pauses(struct core *c);

/* ---- pauses ---- */
/*
 * Must f stop reading now? 0, or the reason: WAIT_OUTPUT_BLOCKED, WAIT_ORDER or
 * WAIT_MEMORY. Over --max-buffer one fetch is chosen here to read to its end.
 */
int sched_must_pause(struct fetch *f);
/* No descriptor or port is free: closes idle connections and pauses starts. */
void sched_begin_fd_wait(struct core *c);
/* f has a connection: ends its wait for a descriptor, if there was one. */
void sched_end_fd_wait(struct fetch *f);
/* From now on no fetch starts. */
void sched_stop(struct core *c);

/* Has every item its record, and can no more come? */
int sched_is_done(const struct core *c);
/* Is f in a back-off of its own? */
int sched_is_delayed(const struct fetch *f);
/* Counts the items that wait for a slot, by reason. */
void sched_count_waiting(struct core *c, size_t by_reason[WAIT_COUNT]);
/* Why f waits, or NULL if it does not. */
const char *sched_why(const struct fetch *f);

#endif
