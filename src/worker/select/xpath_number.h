/* SPDX-License-Identifier: ISC */
/* Writes numeric results of expressions as Python does: 3.0, 1e+16, nan, -inf.
 */
#ifndef WORKER_SELECT_XPATH_NUMBER_H
#define WORKER_SELECT_XPATH_NUMBER_H

#include "base/buf.h"

/* The shortest digits that identify the number. */
void xpath_number_put(struct buf *out, double v);

#endif
