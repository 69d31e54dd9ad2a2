/* SPDX-License-Identifier: ISC */
/* What the worker is made of, by name and number. */
#ifndef WORKER_VERSION_H
#define WORKER_VERSION_H

#include "base/buf.h"

/* Two lines: the program, its libraries. */
void version_text(struct buf *out);

#endif
