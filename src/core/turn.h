/* SPDX-License-Identifier: ISC */
/*
 * The deciders' part of one pass of the loop. The engine's pass is: events, the
 * run queue, handshakes, then turn_decide and turn_finish.
 */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include <stdint.h>

#include "core/stats.h"

struct core;
struct job;

struct turn {
	int is_work_left; /* more can be done now: poll, do not wait */
	void (*before_output)(void *arg); /* before each write; or NULL */
	void *before_output_arg;
	struct lag lag;
};

/* Is there work for which no event will wake us? Then poll, do not wait. */
int turn_has_work(const struct core *c);
/* Fails, reads, looks up and starts what is due, and runs the run queue. */
void turn_decide(struct core *c);
/* Writes output, updates pauses, frees closed connections: the pass is over. */
void turn_finish(struct core *c);

/*
 * After fetch_interrupt_all: writes records as far as the output has room.
 * Nonzero: there are more.
 */
int turn_emit_rest(struct core *c);

#endif
