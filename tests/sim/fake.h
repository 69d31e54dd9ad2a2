/* SPDX-License-Identifier: ISC */
/* What the fakes show to the checks beyond the headers of io. */
#ifndef SIM_FAKE_H
#define SIM_FAKE_H

#include "world.h"

struct conn;
struct sink;
struct source;

/* ---- fake_conn.c ---- */
int fake_conn_is_paused(const struct conn *c);

/* ---- fake_sink.c ---- */
/* The end of a line must be the end of the run. */
void fake_sink_at_end(const struct sink *s);

/* ---- fake_source.c ---- */
/* Is a line there for the asking, that no callback will tell of? */
int fake_source_has_line(const struct source *s);

#endif
