/* SPDX-License-Identifier: ISC */
/* The versions of the worker and its libraries. */
#ifndef WORKER_VERSION_H
#define WORKER_VERSION_H

#include "base/buf.h"

/* Two lines: the program, its libraries. */
void version_text(struct buf *out);

#endif
