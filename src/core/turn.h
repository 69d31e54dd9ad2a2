/* SPDX-License-Identifier: ISC */
/*
 * The deciders' part of one turn of the loop, for whoever owns the loop:
 * events, the run queue, handshakes, then turn_decide and turn_finish.
 */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include "core/core.h"

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
