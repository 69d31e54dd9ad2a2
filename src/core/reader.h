/* SPDX-License-Identifier: ISC */
/*
 * The part of the spine that arriving bytes drive (SENDING to RECEIVING).
 */
#ifndef CORE_READER_H
#define CORE_READER_H

struct core;
struct fetch;

/* May bytes arrive for f in its present state? */
int reader_is_due(const struct fetch *f);
/*
 * Reads what is there, within the turn's budget; the rest is left for the run
 * queue. May end the fetch.
 */
void reader_read(struct fetch *f);
/* Lets paused fetches read again as far as there is room. */
void reader_resume_paused(struct core *c);

#endif
