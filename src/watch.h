/* SPDX-License-Identifier: ISC */
/*
 * What a person sees of a run, all of it on stderr: the progress line, the
 * USR1 dump, the summary, --stats. Looks, decides nothing.
 */
#ifndef WATCH_H
#define WATCH_H

struct engine;
struct watch;

/*
 * Looks on while the engine runs: says it, once, when the network is found down
 * and when back, lists the items on USR1, and draws the progress line. Free it
 * before the engine.
 */
struct watch *watch_new(struct engine *e);
void watch_free(struct watch *w);

/* The inputs are known, the run begins. */
void watch_begin(struct watch *w);
/* After the run: the progress line goes, summary and stats come. */
void watch_end(struct watch *w);

#endif
