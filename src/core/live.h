/* SPDX-License-Identifier: ISC */
/*
 * Answers reported while they arrive (SPEC section 3.3): decoded bytes become
 * lines of the output at once, or with --format body of a single item the
 * bytes themselves. Nothing of such a body is kept.
 */
#ifndef CORE_LIVE_H
#define CORE_LIVE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct fetch;
struct xchg;

enum live {
	LIVE_NONE,
	LIVE_LINES, /* events, lines or chunks by the content type */
	LIVE_BYTES, /* the body as it is */
};

/* The header section of an answer that is the item's last has come. */
void live_begin(struct xchg *x);
/* Decoded bytes. E_OK, or E_BODY_TOO_LARGE for an event or line too long. */
enum err live_take(struct xchg *x, struct span in);
/* No more will come: what is left of it goes out. May be called again. */
void live_end(struct xchg *x);
/* Is the output in the midst of another item's record? */
int live_is_blocked(const struct fetch *f);
/* Lines that had to wait for that go out, in front of f's record. */
void live_flush(struct fetch *f);

#endif
