/* SPDX-License-Identifier: ISC */
/*
 * --verify: compares results with the input they were made from. Fetches and
 * changes nothing.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "base/buf.h"
#include "options/options.h"

/*
 * Reads the results that o->verify names (a file, or the files of a rotated
 * series), then the inputs, and writes a report to standard output. Returns 0
 * if each item has exactly one whole record; 75 if there are items without one
 * and no other fault; otherwise 3, also if a file cannot be read, and 2 as of
 * inputs_add, both with a message appended to err. Memory: a byte an item.
 */
int verify(const struct opts *o, int stdin_closed, struct buf *err);

#endif
