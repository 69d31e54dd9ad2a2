/* SPDX-License-Identifier: ISC */
/*
 * The record of a finished fetch: facts gathered from where they stand, handed
 * to codec/record, put into the sink as far as there is room.
 */
#ifndef CORE_OUTPUT_EMIT_H
#define CORE_OUTPUT_EMIT_H

#include <stddef.h>

struct buf;
struct core;
struct fetch;
struct record_at;

/*
 * Writes f's record. Returns nonzero when it is wholly in the sink's buffer; 0
 * if there is no room just now, or another record is half written: call again
 * (fetch_emit_waiting does). `all`: room or not.
 */
int emit_record(struct fetch *f, int all);

/*
 * The record as --exec reads it: a piece of about `max` bytes. Nonzero while
 * there is more; `at` as in record_write.
 */
int
emit_line(struct fetch *f, struct buf *out, struct record_at *at, size_t max);

/*
 * The buffer f's lines go to: the sink's, or with --keep-order what waits for
 * its turn. emit_close when they are appended; nothing in between.
 */
struct buf *emit_open(struct fetch *f);
/* Has any record that waits room to be written? */
int emit_has_any(const struct core *c);
/* Is there room for more of f's lines? */
int emit_has_room(const struct fetch *f);
/* They go to what waits for its turn. */
int emit_is_stored(const struct fetch *f);
void emit_close(struct fetch *f);
/* With --keep-order: what is due goes to the sink. Nonzero: there is more. */
int emit_ordered(struct core *c);

#endif
