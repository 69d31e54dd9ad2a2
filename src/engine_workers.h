/* SPDX-License-Identifier: ISC */
/* The engine's pools of parser processes: creates them and prints their
 * messages. */
#ifndef ENGINE_WORKERS_H
#define ENGINE_WORKERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct core;
struct event_base;
struct opts;
struct sink;

/* Zero it first. */
struct engine_workers {
	struct core *core;
	const struct opts *opts;
	struct sink *notes; /* of fetchd's own stderr */
	struct buf program; /* path of fetchd-worker, with its NUL */
	struct buf config;  /* the jobs, as a message's payload */
};

/*
 * Starts core->workers and core->coprocs, if the options ask for them. Returns
 * 0, or -1 with the message in err if the workers reject the options.
 */
int engine_workers_open(struct engine_workers *w, struct core *c,
    const struct opts *o, struct event_base *base, struct sink *notes,
    struct buf *err);
/* After core_fini. */
void engine_workers_close(struct engine_workers *w);

/* Sums over all pools; all zero if there is none. */
struct engine_workers_stats {
	unsigned workers;
	double busy; /* share of their time, from the run's start */
	size_t queue_max;
	uint64_t restarts;
};

void engine_workers_stats(
    const struct core *c, int64_t took_us, struct engine_workers_stats *st);

#endif
