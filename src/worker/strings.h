/* SPDX-License-Identifier: ISC */
/*
 * A JSON list of strings in the making: what a selector or a pattern found.
 * Never more than FRAME_RESULT_MAX bytes, and valid UTF-8 whatever goes in.
 */
#ifndef WORKER_STRINGS_H
#define WORKER_STRINGS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

struct strings {
	struct buf *out;
	size_t start;  /* where the list begins in it */
	int too_large; /* nothing is added any more */
};

void strings_open(struct strings *l, struct buf *out);
/* 0; -1 if there would be more in out than a result may hold. */
int strings_put(struct strings *l, struct span s);
/* How much may still be added. */
size_t strings_room(const struct strings *l);
void strings_close(struct strings *l);
/* Takes back what was added since strings_open. */
void strings_drop(struct strings *l);

#endif
