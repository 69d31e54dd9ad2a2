/* SPDX-License-Identifier: ISC */
/*
 * --keep-order: the lines of many items come as they are finished and leave in
 * the order of seq. What has to wait is kept in memory up to a window, beyond
 * it in a spill file. Knows nothing of what a line says, nor of a fetch.
 *
 * One item at a time has its turn. Every seq is ended once, also one without
 * any line. For the one whose turn it is, order_is_turn becomes true when what
 * was held of it is in the sink; from then on it may write to the sink itself,
 * and may go on in the middle of a line.
 */
#ifndef CORE_OUTPUT_ORDER_H
#define CORE_OUTPUT_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct order;
struct output;

/* Items from the turn on that may be known at once (40 bytes each): the caller
 * reads no further. */
#define ORDER_AHEAD_MAX (1u << 20)

/*
 * `window`: bytes in memory at most, but for one call of order_add, and for
 * what the disk does not take. `max_spill`: bytes in the file, likewise; 0: no
 * limit.
 */
struct order *order_new(size_t window, uint64_t max_spill);
/* Where the tokens of items go whose turn has passed. */
void order_on_passed(
    struct order *o, void (*cb)(void *arg, uint64_t token), void *arg);
void order_free(struct order *o);

uint64_t order_turn(const struct order *o); /* seq whose turn it is; from 1 */
/* seq has its turn, and nothing is held of it. */
int order_is_turn(const struct order *o, uint64_t seq);

/*
 * An empty buffer for lines of that item, or pieces of lines that are whole
 * when the item ends; valid until the next call here. order_add takes what was
 * appended; what the disk does not take stays in memory.
 */
struct buf *order_begin(struct order *o, uint64_t seq);
void order_add(struct order *o, uint64_t seq);
/* May more be added, but for the item whose turn it is? No: the file is at its
 * limit, or the disk took nothing when it was asked last. */
int order_has_room(const struct order *o);
/* The disk is asked again. Nonzero: there is room now. */
int order_ask_disk(struct order *o);
/* The item is finished: the turn passes on when its lines are out, and then the
 * token is put after them; 0: it has none. */
void order_end(struct order *o, uint64_t seq, uint64_t token);

/* Is there anything that order_flush could move? */
int order_is_due(const struct order *o);
/* Moves what is due into `out` while that is not full. E_OK, or an error of the
 * spill file. */
enum err order_flush(struct order *o, struct output *out);
int order_errno(const struct order *o);

/* Items begun or ended whose turn has not come. */
size_t order_pending(const struct order *o);
/* Nothing waits for its turn, and nothing of the turn is to be written. */
int order_is_over(const struct order *o);
/* Held in memory: what is in the spill file does not count. */
size_t order_held_bytes(const struct order *o);
/* What the list of items from the turn on takes, whatever is held of them. */
size_t order_list_bytes(const struct order *o);
uint64_t order_spilled_bytes(const struct order *o);

#endif
