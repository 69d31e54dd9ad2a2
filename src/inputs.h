/* SPDX-License-Identifier: ISC */
/* Turns operands into inputs, before the run. */
#ifndef INPUTS_H
#define INPUTS_H

#include "base/buf.h"
#include "options/options.h"

struct source;

/*
 * Adds the operands, or standard input if there are none, to `s`. Returns 0, or
 * an exit status after appending a message to err: 3 if a file cannot be read,
 * 2 if it is not a list or if there is no input.
 */
int inputs_add(
    struct source *s, const struct opts *o, int stdin_closed, struct buf *err);
/* Is there at most one item: a single URL operand, or --limit 1? */
int inputs_is_single(const struct opts *o);

#endif
