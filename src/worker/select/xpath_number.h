/* SPDX-License-Identifier: ISC */
/* A number that an expression has for a result, as Python writes it: 3.0,
 * 1e+16, nan, -inf. */
#ifndef WORKER_SELECT_XPATH_NUMBER_H
#define WORKER_SELECT_XPATH_NUMBER_H

#include "base/buf.h"

/* The fewest digits that are this number and no other. */
void xpath_number_put(struct buf *out, double v);

#endif
