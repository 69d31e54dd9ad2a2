/* SPDX-License-Identifier: ISC */
/*
 * Appends JSON to a buffer up to a limit. Once something does not fit, nothing
 * more is written and `full` is set. Strings are always written as valid UTF-8.
 */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include "base/buf.h"
#include "base/span.h"

struct answer {
	struct buf *to;
	size_t end; /* limit of to->n */
	int full;
};

/* Appends at most max bytes to `to`. */
void answer_start(struct answer *a, struct buf *to, size_t max);
void answer_raw(struct answer *a, struct span json);
/* JSON, its line ends replaced by spaces. */
void answer_line(struct answer *a, struct span json);
/* A string of any bytes; null if s.p is NULL. Takes only as much memory as the
 * result needs. */
void answer_string(struct answer *a, struct span s);
/* Call before each member of a list or an object: writes a comma, except after
 * the opening bracket. */
void answer_next(struct answer *a);
/* The next member of a list, a string; "" if s.p is NULL. */
void answer_item(struct answer *a, struct span s);
/* Bytes left; 0 once it is full. */
size_t answer_room(const struct answer *a);

#endif
