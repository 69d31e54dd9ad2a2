/* SPDX-License-Identifier: ISC */
/*
 * The fetches that wait at an origin: a queue for each job. The scheduler
 * starts fetches from queues: the limits of the engine, of the origin and of
 * the job decide whether the next one may start, and transfers and starts of
 * all jobs count against each of them.
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

/* What the scheduler can do with it; see queue_update. */
enum queue_state {
	QUEUE_EMPTY,        /* no fetch waits, except those in back-off */
	QUEUE_READY,        /* may start one: on job->ready */
	QUEUE_FULL,         /* at a limit of transfers */
	QUEUE_NEEDS_LOOKUP, /* its host has no address: job->needs_lookup */
	QUEUE_LOOKING_UP,   /* the look-up of its host is under way */
	QUEUE_HELD,         /* nothing may start before a moment: hosts.held */
	QUEUE_GIVEN_UP,     /* the host was given up: its fetches are to fail */
	QUEUE_UNRESOLVED,   /* the look-up failed: likewise */
};

struct queue {
	struct link link;    /* of the list of its state, if that has one */
	struct link of_host; /* of host->queues */
	struct host *host;
	struct job *job; /* NULL: unused */
	enum queue_state state;
	struct list waiting;  /* fetches in QUEUED, the next one first */
	struct list delayed;  /* those in back-off, on sched.later as well */
	int64_t pace_at_us;   /* the job's --rate-per-host: no start before */
	int64_t budget_at_us; /* its next item's --budget: no start before */
	struct heap_link held, woken; /* of hosts.held, hosts.woken */
	int64_t held_from_at_us, held_until_at_us; /* its last time in HELD, */
	enum wait_reason why_held;                 /* and the reason */
	int was_full;        /* a limit of transfers has delayed a fetch */
	size_t contribution; /* to job->startable */
};

/* The queue of a job at h, created if it is new. */
struct queue *queue_of(struct host *h, struct job *j);
/* The same, or NULL. */
struct queue *queue_find(const struct host *h, const struct job *j);
/* For a new host, and for one that ends, whose queues must be empty. */
void queue_init_host(struct host *h);
void queue_fini_host(struct host *h);
/* A job ends: removes its queue, which must be empty, from h. */
void queue_forget(struct host *h, const struct job *j);

/* Computes the state again after a change and moves the queue to its list. */
void queue_update(struct queue *q);
/* The waiting fetch that starts next; there must be one. */
struct fetch *queue_next(const struct queue *q);
/*
 * The queue to start a fetch from when q's job is next in the rotation: q or,
 * if its host has no room for one fetch of each ready queue, the ready queue
 * whose last start is longest ago.
 */
struct queue *queue_choose(struct queue *q);
/* A fetch of q starts: moves the queue and its job to the end of their
 * rotations. */
void queue_started(struct queue *q);
/* The first queue in NEEDS_LOOKUP, in the rotation of jobs; or NULL. */
struct queue *queue_first_needing_lookup(const struct core *c);

/* May the job start a fetch, by its own limits? */
int queue_job_may_start(const struct job *j);

#endif
