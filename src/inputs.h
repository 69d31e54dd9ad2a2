/* SPDX-License-Identifier: ISC */
/* Turns operands into inputs, before the run. */
#ifndef INPUTS_H
#define INPUTS_H

#include "base/buf.h"
#include "options/options.h"

struct source;

struct inputs_stdin {
	int is_closed; /* it was closed at the start */
	/* It is read from this file instead, to which it is copied; or NULL. */
	const char *spool;
	int is_spool_new; /* the file holds nothing of an earlier run */
};

/*
 * Adds the operands, or standard input if there are none, to `s`. Returns 0, or
 * an exit status after appending a message to err: 3 if a file cannot be read,
 * 2 if it is not a list or if there is no input. The strings must outlive `s`.
 */
int inputs_add(struct source *s, const struct opts *o,
    const struct inputs_stdin *in, struct buf *err);
/* Is there at most one item: a single URL operand, or --limit 1? */
int inputs_is_single(const struct opts *o);

#endif
