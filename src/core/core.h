/* SPDX-License-Identifier: ISC */
/*
 * What all jobs share: the engine's limits, the movers, the clock, the run
 * queue, and one named part for each decider. Owned by struct engine; there may
 * be any number of them in a process.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/account.h"
#include "core/item.h"
#include "core/job.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "core/origin/network.h"
#include "core/sched.h"
#include "core/standstill.h"
#include "core/turn.h"
#include "io/clock.h"
#include "options/options.h"

struct conns;
struct decode;
struct event_base;
struct pool;
struct resolve;
struct trace;

#define CORE_READ_BYTES 65536
#define CORE_STATES 10

/*
 * The limits of the engine, over all jobs. Each job has its own as well, in
 * its options.
 */
struct limits {
	int64_t concurrency;        /* transfers at once */
	int64_t max_per_host;       /* of one origin; 0: no limit */
	uint64_t max_buffer_bytes;  /* 0: no limit */
	int64_t max_idle;           /* kept-alive connections */
	int64_t workers;            /* processes of a pool */
	int64_t host_dead_after_us; /* of an origin that had answered, */
	int64_t never_up_after_us;  /* and of one that never had; 0: for ever */
	int waits_for_network;      /* --net-down=wait */
};

/* Memory kept for the next item. */
struct spares {
	struct list fetches, xchgs, histories;
	struct decode *decode;
	char *read_buf; /* CORE_READ_BYTES */
};

struct core {
	struct limits limits;
	struct clock clock; /* the moment of the present callback */
	struct list jobs;   /* struct job */

	/* The movers. */
	struct event_base *base; /* opaque here: for timers */
	struct conns *conns;
	struct resolve *resolve;
	struct pool *workers; /* --extract and the like; or NULL */
	struct pool *coprocs; /* --exec; or NULL */
	struct trace *trace;  /* what happens goes there; never NULL */

	/* Every fetch is on one of these lists. */
	struct list state[CORE_STATES]; /* not QUEUED: see struct queue;
					 * not EMITTING: see struct emit */
	struct list run;                /* entry hooks and reads that are due */
	struct list paused;             /* those we do not read from */
	size_t alive;                   /* all fetches, of all jobs */
	size_t emitting;                /* those in EMITTING */

	struct sched sched;         /* admission */
	struct hosts hosts;         /* all origins */
	struct idle_pool idle_pool; /* kept-alive connections */
	struct network network;     /* is it up */
	struct account account;     /* of memory, for --max-buffer */
	struct turn turn;
	struct standstills standstills;
	struct scratch scratch; /* for parsing a line without an exchange */
	struct spares spare;
	uint64_t random; /* of jitter; never 0 */
};

/* The limits of the one job of a filter. */
void core_set_limits(struct core *c, const struct opts *o);
/* `base` is for timers. The limits, the movers and the jobs follow. */
void core_init(struct core *c, struct event_base *base);
/* Frees all fetches that are left, without a record. */
void core_drop(struct core *c);
/* After core_drop and job_fini of every job: frees what core_init and the
 * modules allocated. */
void core_fini(struct core *c);

#endif
