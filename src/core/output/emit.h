/* SPDX-License-Identifier: ISC */
/* The record of a finished fetch is written as far as there is room. */
#ifndef CORE_OUTPUT_EMIT_H
#define CORE_OUTPUT_EMIT_H

struct core;
struct fetch;

/*
 * Writes f's record. Returns nonzero when it is wholly in the sink's buffer; 0
 * if there is no room just now, or another record is half written: call again
 * (fetch_emit_waiting does). `all`: room or not.
 */
int emit_record(struct fetch *f, int all);

/* Has any record that waits room to be written? */
int emit_has_any(const struct core *c);
/* With --keep-order: what is due goes to the sink. Nonzero: there is more. */
int emit_ordered(struct core *c);

#endif
