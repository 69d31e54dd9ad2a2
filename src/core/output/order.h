/* SPDX-License-Identifier: ISC */
/*
 * --keep-order: takes the lines of items as they finish and writes them in the
 * order of their places. Lines that wait are kept in memory up to a window, and
 * beyond it in a spill file. Knows nothing of lines' content or of fetches.
 *
 * One item at a time is next in order. Every place must be ended once, even one
 * without any line. When all stored lines of the next item are in the sink,
 * order_is_next is true for it: from then on it may write to the sink itself,
 * and may continue in the middle of a line.
 */
#ifndef CORE_OUTPUT_ORDER_H
#define CORE_OUTPUT_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct order;
struct output;
struct output_token;

/* How far a place may be ahead of the next item in order (40 bytes each): the
 * caller reads no more input beyond. */
#define ORDER_AHEAD_MAX (1u << 20)

/*
 * `window`: maximum of bytes in memory; one order_add may exceed it, and so do
 * bytes that cannot be written to the file. `max_spill`: the maximum of bytes
 * in the file; 0: no limit.
 */
struct order *order_new(size_t window, uint64_t max_spill);
/* `cb` gets the token of each item when its last line is moved. */
void order_on_passed(struct order *o,
    void (*cb)(void *arg, const struct output_token *token), void *arg);
void order_free(struct order *o);

/* The place that is next in order; from 1. */
uint64_t order_next_place(const struct order *o);
/* Is place next in order, with no stored lines left? */
int order_is_next(const struct order *o, uint64_t place);

/*
 * An empty buffer for lines of that item (or pieces of them: its last line must
 * be complete when the item ends); valid until the next call of this module.
 * order_add stores what was appended.
 */
struct buf *order_begin(struct order *o, uint64_t place);
void order_add(struct order *o, uint64_t place);
/* May more be added for items that are not next? 0: the file is at its limit,
 * or the last write to it failed. */
int order_has_room(const struct order *o);
/* Tries to write to the file again. Nonzero: there is room now. */
int order_retry_disk(struct order *o);
/* The item is finished: when its lines are moved, its token follows them (NULL:
 * it has none) and the item after it is next. */
void
order_end(struct order *o, uint64_t place, const struct output_token *token);

/* Are there stored lines of the next item, which order_flush can move? */
int order_is_due(const struct order *o);
/* Moves such lines to `out` while it has room. E_OK, or an error of the spill
 * file; then order_errno is set. */
enum err order_flush(struct order *o, struct output *out);
int order_errno(const struct order *o);

/* The number of items begun or ended that are not next yet. */
size_t order_pending(const struct order *o);
/* Is nothing stored and no item waiting? */
int order_is_over(const struct order *o);
/* Bytes of lines in memory, without the spill file. */
size_t order_held_bytes(const struct order *o);
/* Bytes of the list of items. */
size_t order_list_bytes(const struct order *o);
uint64_t order_spilled_bytes(const struct order *o);

#endif
