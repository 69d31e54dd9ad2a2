/* SPDX-License-Identifier: ISC */
/*
 * The deciders' part of one turn of the loop, for whoever owns the loop:
 * events, the run queue, handshakes, then turn_decide and turn_finish.
 */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include <stdint.h>

#include "core/stats.h"

struct core;
struct job;

struct turn {
	int is_work_left; /* the pump has more to do that no event tells of */
	void (*before_output)(void *arg); /* NULL: nobody asks */
	void *before_output_arg;
	struct lag lag;
};

/* Something is left to do that no event will tell of: do not wait. */
int turn_has_work(const struct core *c);
/* Starts what may start, and lets it go out in this turn. */
void turn_decide(struct core *c);
/* Output, pauses, what was closed is freed; the turn is over. */
void turn_finish(struct core *c);

/*
 * After fetch_interrupt_all: records go to the output as far as it takes them.
 * Nonzero: there are more.
 */
int turn_emit_rest(struct core *c);

#endif
