/* SPDX-License-Identifier: ISC */
/*
 * Prints origins that are held or have a learnt rate: in the progress line,
 * with -v, in the USR1 list and in --stats.
 */
#ifndef WATCH_ORIGINS_H
#define WATCH_ORIGINS_H

#include "base/buf.h"

struct core;
struct host;

/* "https://x: connect_refused, 12 items wait, next try in 4 s". */
void watch_origins_hold(struct buf *b, const struct host *h);
/*
 * For the progress line: appends ", held: ..." for the held origin with most
 * waiting items; nothing if none is held.
 */
void watch_origins_progress(struct buf *b, const struct core *c);
/* A line for each origin that is held or has a learnt rate, 100 at most. */
void watch_origins_dump(struct buf *b, const struct core *c);
/* ,"rates":{"https://x":{"rate":36.0,"learnt":true}}, 100 at most. */
void watch_origins_stats(struct buf *b, const struct core *c);

#endif
