/* SPDX-License-Identifier: ISC */
/* Sums over the log of requests that the peers received. */
#ifndef SIM_SEEN_H
#define SIM_SEEN_H

#include "world.h"

/* What an entry counts; 0: it is not meant. */
typedef double seen_weight(const struct event_base *w, const struct seen *e);

/* Every request, and those of kind 0 and 1. */
double seen_request(const struct event_base *w, const struct seen *e);
double seen_kind0(const struct event_base *w, const struct seen *e);
double seen_kind1(const struct event_base *w, const struct seen *e);
double seen_dial(const struct event_base *w, const struct seen *e);
double seen_dial0(const struct event_base *w, const struct seen *e);

/* All of it, from a moment since the start until another. */
double seen_sum(const struct event_base *w, seen_weight *weight,
    int64_t from_us, int64_t until_us);
/* The most there was in any window, by when it was begun; a window holds its
 * beginning and not its end. */
double
seen_most(const struct event_base *w, int64_t window_us, seen_weight *weight);
/* The least time between two of them. */
int64_t seen_least_gap(const struct event_base *w, seen_weight *weight);
/* Since the start, or -1. */
int64_t seen_first(const struct event_base *w, seen_weight *weight);
int64_t seen_last(const struct event_base *w, seen_weight *weight);

#endif
