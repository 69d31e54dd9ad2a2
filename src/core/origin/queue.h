/* SPDX-License-Identifier: ISC */
/*
 * What waits at an origin, a queue for each job. A queue is where the scheduler
 * looks: whether its next item may start follows from the limits of the engine,
 * of the origin, and of its own job; transfers and starts of all jobs count.
 */
#ifndef CORE_ORIGIN_QUEUE_H
#define CORE_ORIGIN_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "core/stats.h"

struct core;
struct fetch;
struct host;
struct job;

/* Where the scheduler keeps it. */
enum queue_place {
	QUEUE_QUIET,  /* nothing waits, but perhaps in back-off */
	QUEUE_READY,  /* may start one: on job->ready */
	QUEUE_FULL,   /* at a limit of transfers */
	QUEUE_WANT,   /* needs a look-up: on job->want */
	QUEUE_LOOKUP, /* its host is being looked up */
	QUEUE_HELD,   /* nothing may start before a time: on hosts.held */
	QUEUE_LOST,   /* the host was given up: what waits there is to end */
	QUEUE_UNRESOLVED, /* the look-up failed: what waits there is to fail */
};

struct queue {
	struct link link; /* of its place; on no list in FULL, LOOKUP, HELD */
	struct link of_host; /* of host->queues */
	struct host *host;
	struct job *job; /* NULL: free for the next job */
	enum queue_place place;
	struct list waiting;  /* fetches in QUEUED, the next one first */
	struct list delayed;  /* those in back-off, on sched.later as well */
	int64_t pace_at_us;   /* the job's --rate-per-host: nothing before */
	int64_t budget_at_us; /* its next item's --budget: likewise */
	struct heap_link held, woken; /* of hosts.held, hosts.woken */
	int64_t held_from_at_us,
	    held_until_at_us;      /* the last time it was held, */
	enum wait_reason why_held; /* and by what */
	int was_full;              /* a limit of transfers has held it */
	size_t contribution;       /* to job->startable */
};

/* The queue of a job at h; made if it is new. */
struct queue *queue_of(struct host *h, struct job *j);
/* The same, or NULL. */
struct queue *queue_find(const struct host *h, const struct job *j);
/* For a host that begins, and one that ends; its queues are empty. */
void queue_init_host(struct host *h);
void queue_fini_host(struct host *h);
/* A job ends: h forgets it. */
void queue_forget(struct host *h, const struct job *j);

/* Something changed: puts the queue where it belongs now. */
void queue_update(struct queue *q);
/* The one of its waiting fetches that goes next. */
struct fetch *queue_next(const struct queue *q);
/*
 * The queue whose item starts when q's job has its turn: q or, if the host has
 * no room for all that are ready there, the one that has waited longest.
 */
struct queue *queue_choose(struct queue *q);
/* An item of q starts. */
void queue_started(struct queue *q);
/* The first that needs a look-up, of the jobs in their order; or NULL. */
struct queue *queue_first_wanting(const struct core *c);

/* May the job start something at all, by its own limits? */
int queue_job_may_start(const struct job *j);

#endif
