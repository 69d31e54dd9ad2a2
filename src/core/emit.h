/* SPDX-License-Identifier: ISC */
/*
 * The record of a finished fetch: facts gathered from where they stand, handed
 * to codec/record, put into the sink as far as there is room.
 */
#ifndef CORE_EMIT_H
#define CORE_EMIT_H

struct fetch;

/*
 * Writes f's record. Returns nonzero when it is wholly in the sink's buffer; 0
 * if there is no room just now, or another record is half written: call again
 * (fetch_emit_waiting does). `all`: room or not.
 */
int emit_record(struct fetch *f, int all);

#endif
