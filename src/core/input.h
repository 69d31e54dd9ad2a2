/* SPDX-License-Identifier: ISC */
/*
 * Where the items of a job come from, whatever it is: a list, standard input,
 * later a queue. Each item has a token, and the input is told by it when the
 * item is done. Implemented by whoever owns the job: `struct input` is the
 * first member of its own struct.
 */
#ifndef CORE_INPUT_H
#define CORE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "io/source.h"

struct input;

struct input_ops {
	/* As source_next; *token (never 0) is set with SOURCE_LINE. */
	enum source_verdict (*next)(
	    struct input *in, struct source_line *line, uint64_t *token);
	/*
	 * The record of that item is durable. Once for each item that got a
	 * record, in the order of the output; never for an item that was left.
	 */
	void (*done)(struct input *in, uint64_t token);
	/* That item is not begun before at_us: give it again then. NULL: an
	 * input that cannot. Nobody asks yet. */
	void (*later)(struct input *in, uint64_t token, int64_t at_us);
	/* No more is waited for: what is there can be read to its end. */
	void (*finish)(struct input *in);
	/* Bytes read ahead. */
	size_t (*held_bytes)(const struct input *in);
};

struct input {
	const struct input_ops *ops;
};

#endif
