/* SPDX-License-Identifier: ISC */
/*
 * JSON appended to a buffer up to a length, and not beyond: once it does not
 * fit, nothing more is written and `full` is set. Strings are valid UTF-8
 * whatever goes in. Knows nothing of what is said.
 */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include "base/buf.h"
#include "base/span.h"

struct answer {
	struct buf *to;
	size_t end; /* where `to` may not grow beyond */
	int full;
};

/* From to->n on, at most max bytes. */
void answer_start(struct answer *a, struct buf *to, size_t max);
void answer_raw(struct answer *a, struct span json);
/* A string, whatever its bytes; null if s.p is NULL. However long it is, no
 * more memory is taken than it needs. */
void answer_string(struct answer *a, struct span s);
/* Before each member of a list or an object: a comma, but not behind the
 * opening bracket. */
void answer_next(struct answer *a);
/* The next member of a list, a string; "" if s.p is NULL. */
void answer_item(struct answer *a, struct span s);
/* How many bytes may still come; 0 once it is full. */
size_t answer_room(const struct answer *a);

#endif
