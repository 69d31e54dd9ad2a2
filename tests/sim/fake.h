/* SPDX-License-Identifier: ISC */
/* Functions of the fakes for the checks, besides the headers of io. */
#ifndef SIM_FAKE_H
#define SIM_FAKE_H

#include "world.h"

struct conn;
struct files;
struct input;
struct output;
struct sink;

/* ---- fake_conn.c ---- */
int fake_conn_is_paused(const struct conn *c);

/* ---- fake_sink.c ---- */
/* The end of a line must be the end of the run. */
void fake_sink_at_end(const struct sink *s);

/* ---- fake_output.c ---- */
struct output *
fake_output_new(struct event_base *w, void (*cb)(void *arg), void *arg);
void fake_output_free(struct output *o);
/* --failed-input goes there. */
void fake_output_failed(struct output *o, struct sink *failed);
/* Nothing is left of it, and every token came back. */
void fake_output_at_end(const struct output *o);

/* ---- fake_files.c ---- */
struct files *
fake_files_new(struct event_base *w, void (*tick)(void *arg), void *arg);
void fake_files_free(struct files *fs);
/* Files that are not finished. */
size_t fake_files_live(const struct files *fs);

/* ---- fake_input.c ---- */
struct input *
fake_input_new(struct event_base *w, void (*cb)(void *arg), void *arg);
void fake_input_free(struct input *in);
/* Can a line be read, for which no callback will come? */
int fake_input_has_line(const struct input *in);

#endif
