/* SPDX-License-Identifier: ISC */
/*
 * Detects that the process did not run: it was stopped (SIGSTOP, Ctrl-Z, a
 * frozen container), got no CPU, or hung in a system call. While transfers are
 * open, the loop wakes up at a steady beat (100 ms). If much more time passes
 * between two readings of the clock than the beat and our own CPU use explain,
 * the process was stalled.
 *
 * Leaf contract: the callback comes from the loop at each beat, never after
 * stall_free has returned.
 */
#ifndef IO_STALL_H
#define IO_STALL_H

#include <stdint.h>

struct event_base;
struct stall;

typedef void stall_cb(void *arg);

/* `cb` is called at each beat and must call stall_look, so that a stall is
 * noticed before the timers that are due after the beat. */
struct stall *stall_new(struct event_base *base, stall_cb *cb, void *arg);
void stall_free(struct stall *s); /* NULL is allowed */
/* Before each pass of the loop. `is_busy`: transfers or look-ups are open;
 * otherwise a long wait is no stall. */
void stall_begin_pass(struct stall *s, int is_busy);
/*
 * At each reading of the clock, now_us: how long the process was stalled since
 * the previous reading, or 0.
 */
int64_t stall_look(struct stall *s, int64_t now_us);

#endif
