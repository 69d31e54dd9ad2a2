/* SPDX-License-Identifier: ISC */
/*
 * What users see of a run on stderr: the progress line, the USR1 list, the
 * summary, --stats. Changes nothing in the run.
 */
#ifndef WATCH_H
#define WATCH_H

struct engine;
struct watch;

/*
 * Observes the engine: reports when the network goes down and comes back, lists
 * the items on USR1, draws the progress line. Free it before the engine.
 */
struct watch *watch_new(struct engine *e);
void watch_free(struct watch *w);

/* Call when the inputs are added, before engine_run. */
void watch_begin(struct watch *w);
/* After the run: removes the progress line, prints summary and --stats. */
void watch_end(struct watch *w);

#endif
