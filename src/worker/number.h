/* SPDX-License-Identifier: ISC */
/* A floating-point number as Python writes it: 3.0, 1e+16, nan, -inf. */
#ifndef WORKER_NUMBER_H
#define WORKER_NUMBER_H

#include "base/buf.h"

/* The fewest digits that are this number and no other. */
void number_put(struct buf *out, double v);

#endif
