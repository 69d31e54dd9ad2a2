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

struct input_ops {
	/* As source_next; *token (never 0) is set with SOURCE_LINE. */
	enum source_verdict (*next)(
	    struct input *in, struct source_line *line, uint64_t *token);
	/*
	 * The record of that item is durable. Once for each item that got a
	 * record, in the order of the output; never for an item that was left.
	 */
	void (*done)(struct input *in, uint64_t token);
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
