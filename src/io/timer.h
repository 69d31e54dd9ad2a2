/* SPDX-License-Identifier: ISC */
/*
 * Deadlines and the clock. All times are microseconds of CLOCK_MONOTONIC,
 * read afresh at each call, never libevent's cached time.
 *
 * Leaf contract: timer_set never calls back; the callback comes only from the
 * loop, never after timer_clear or timer_free has returned. It may come a
 * little early or late by our clock: the owner decides what is due.
 */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include <stdint.h>

struct event_base;
struct timer;

typedef void timer_cb(void *arg);

#define TIMER_NEVER INT64_MAX

int64_t timer_now_us(void);
/* The wall clock, microseconds since 1970; for records only. */
int64_t timer_wall_us(void);

struct timer *timer_new(struct event_base *base, timer_cb *cb, void *arg);
void timer_free(struct timer *t); /* NULL is allowed */
/* Fires once at `at_us`; replaces a time that was set before. */
void timer_set(struct timer *t, int64_t at_us);
void timer_clear(struct timer *t);
/* When it will fire, or TIMER_NEVER. */
int64_t timer_at(const struct timer *t);

#endif
