/* SPDX-License-Identifier: ISC */
/* Writes the JSON line of --stats. */
#ifndef WATCH_STATS_H
#define WATCH_STATS_H

#include "base/buf.h"

struct engine;

/* Appends the line, with its LF. `took`: seconds the run has lasted. */
void watch_stats(struct buf *b, const struct engine *e, double took);

#endif
