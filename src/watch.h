/* SPDX-License-Identifier: ISC */
/*
 * What a person sees of a run, all of it on stderr: the progress line, the
 * USR1 dump, the summary, --stats. Looks, decides nothing.
 */
#ifndef WATCH_H
#define WATCH_H

struct engine;
struct event_base;
struct sink;
struct watch;

struct watch *
watch_new(struct engine *e, struct event_base *base, struct sink *notes);
void watch_free(struct watch *w);

/* The inputs are known, the run begins. */
void watch_begin(struct watch *w);
/* Records are about to be written: the progress line makes room for them. */
void watch_make_room(struct watch *w);
/* Each turn: says it, once, when the network is found down and when back. */
void watch_look(struct watch *w);
/* One line a waiting or running item, at most 1,000 (USR1). */
void watch_dump(struct watch *w);
/* The first signal that stops has come: what happens now. */
void watch_stopping(struct watch *w, int sig);
/* After the run: the progress line goes, summary and stats come. */
void watch_end(struct watch *w);

#endif
