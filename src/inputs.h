/* SPDX-License-Identifier: ISC */
/* From operands to inputs; part of the start. */
#ifndef INPUTS_H
#define INPUTS_H

#include "base/buf.h"
#include "options/options.h"

struct source;

/*
 * Adds the operands, or standard input if there are none, to `s`. 0, or an exit
 * status with the message: 3 for what cannot be read, 2 for a file that is
 * something else than a list, or if there is nothing to read.
 */
int inputs_add(
    struct source *s, const struct opts *o, int stdin_closed, struct buf *err);
/* One URL on the command line, and that is all. */
int inputs_is_single(const struct opts *o);

#endif
