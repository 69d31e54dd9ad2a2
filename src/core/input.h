/* SPDX-License-Identifier: ISC */
/*
 * The interface of a job's input: a list, standard input, later a queue. Each
 * item has a token, with which done() reports it. Implemented by the owner of
 * the job: `struct input` is the first member of its own struct.
 */
#ifndef CORE_INPUT_H
#define CORE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "io/source.h"

struct input;

/* What is known of an item besides its line. */
struct input_item {
	uint64_t token; /* never 0 */
	uint64_t seq;   /* its ordinal in the input, from 1; rising */
	/* Of an item of a run that is resumed; see tried and begin: */
	unsigned attempts;        /* that have failed, */
	unsigned tries;           /* of these, counted against --retry */
	int64_t not_before_at_us; /* monotonic clock; 0: at once */
	int was_begun;            /* its request may have been sent. If it must
				   * not be sent twice, it is not sent: the
				   * item ends as `interrupted` */
};

struct input_ops {
	/* As source_next; *item is set with SOURCE_LINE. */
	enum source_verdict (*next)(struct input *in, struct source_line *line,
	    struct input_item *item);
	/*
	 * The record of that item is durable. Once for each item that got a
	 * record, in the order of the output; never for an item that was left.
	 */
	void (*done)(struct input *in, uint64_t token);
	/*
	 * An attempt of the item failed and another one follows, not before
	 * not_before_at_us (monotonic clock; 0: when its origin allows). What
	 * begin() recorded is void: it is called again before the next attempt
	 * is sent. NULL: not needed.
	 */
	void (*tried)(struct input *in, uint64_t token, unsigned attempts,
	    unsigned tries, int64_t not_before_at_us);
	/*
	 * The first byte of a request that must not be sent twice (its method
	 * is not idempotent, and --retry-post is not given) is about to be
	 * sent. Nonzero: it may be sent now. 0: that is not recorded durably
	 * yet: asked again in each pass of the loop until it may; whoever
	 * implements it wakes the loop. Nonzero once for an item, until tried()
	 * is called for it. NULL: not needed.
	 */
	int (*begin)(struct input *in, uint64_t token);
	/* That item does not start before at_us: give it again then. NULL: not
	 * supported. Not called yet. */
	void (*later)(struct input *in, uint64_t token, int64_t at_us);
	/* Do not wait for more input: the rest can be read to its end. */
	void (*finish)(struct input *in);
	/* Bytes read ahead. */
	size_t (*held_bytes)(const struct input *in);
};

struct input {
	const struct input_ops *ops;
};

#endif
