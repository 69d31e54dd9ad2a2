/* SPDX-License-Identifier: ISC */
/*
 * The interface of a job's output, and the buffer to which the lines of an item
 * are appended.
 */
#ifndef CORE_OUTPUT_OUTPUT_H
#define CORE_OUTPUT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/stats.h"

struct buf;
struct fetch;
struct job;
struct output;

/* ---- the output ---- */

/* Belongs to a record: which item it is of, and what is counted of that. */
struct output_token {
	uint64_t token; /* of the item; never 0 */
	struct item_outcome outcome;
};

/*
 * One record at a time is appended, whole or in pieces, and put with the token
 * of its item. The token comes back once the record is durable, by what the job
 * promises: written, or forced to the disk. Implemented by whoever owns the
 * job: `struct output` is the first member of its own struct. None of these
 * calls back.
 */
struct output_ops {
	/* The buffer to append to; flush writes it. */
	struct buf *(*buffer)(struct output *o);
	/* The record appended last, which may be empty, is complete. */
	void (*put)(struct output *o, const struct output_token *token);
	/* Nonzero: *token is that of the next record, in the order they were
	 * put, and it is durable now. */
	int (*take_durable)(struct output *o, uint64_t *token);
	void (*flush)(struct output *o);
	size_t (*pending)(const struct output *o);
	/* True from the high-water mark until below the low-water mark. */
	int (*is_full)(const struct output *o);
	/* E_OK, or the E_OUTPUT_* that has ended writing. */
	enum err (*error)(const struct output *o);
};

struct output {
	const struct output_ops *ops;
};

/* f's record is complete: its token follows it. */
void output_put(const struct fetch *f, const struct item_outcome *outcome);
/* The same, for an item that waited for its place in order (--keep-order); arg
 * is the job. */
void output_put_in_order(void *arg, const struct output_token *token);
/* Reports the items whose records are durable to the input. */
void output_settle(struct job *j);

/* With --keep-order: the seq of the item that is next in order, or of the next
 * one to be read. Looks through all fetches. */
uint64_t output_next_seq(const struct job *j);

/* ---- where lines are appended ---- */

/*
 * The buffer for f's lines: of the sink, or with --keep-order of core/output/
 * order. Append to it and call output_close, with no other call of these
 * modules in between.
 */
struct buf *output_open(struct fetch *f);
void output_close(struct fetch *f);
/* Is there room for more of f's lines? */
int output_has_room(const struct fetch *f);
/* Are they stored by --keep-order, rather than written to the sink? */
int output_is_stored(const struct fetch *f);
/* Is another item's record partly written? */
int output_is_blocked(const struct fetch *f);

#endif
