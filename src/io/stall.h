/* SPDX-License-Identifier: ISC */
/*
 * Notices that the process did not run: it was stopped (SIGSTOP, Ctrl-Z, a
 * frozen container), got no CPU, or hung in a call to the system. While
 * something is under way the loop wakes up at a steady beat; if far more time
 * passes between two looks at the clock than that and our own CPU use can
 * explain, it stood still.
 *
 * Leaf contract: it calls back from the loop, at each beat, never after
 * stall_free has returned.
 */
#ifndef IO_STALL_H
#define IO_STALL_H

#include <stdint.h>

struct event_base;
struct stall;

typedef void stall_cb(void *arg);

/* At each beat `cb` is called, which is to look. So it does before those whose
 * deadlines come later than the beat. */
struct stall *stall_new(struct event_base *base, stall_cb *cb, void *arg);
void stall_free(struct stall *s); /* NULL is allowed */
/* Before each pass of the loop. `is_busy`: transfers or look-ups are under way;
 * otherwise a long wait is none of our business. */
void stall_begin_pass(struct stall *s, int is_busy);
/*
 * At each look at the clock, which says now_us: how long the process has stood
 * still since the look before, or 0.
 */
int64_t stall_look(struct stall *s, int64_t now_us);

#endif
