/* SPDX-License-Identifier: ISC */
/*
 * One governor an origin: what its answers and its silence mean for all that
 * waits there (SPEC section 4). Knows when nothing may start and how much at
 * once afterwards; the host and the scheduler obey.
 */
#ifndef CORE_GOVERN_H
#define CORE_GOVERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/stats.h"

struct fetch;
struct host;

/* All-zero: nothing is known, nothing is held. */
struct governor {
	int64_t until_us;     /* nothing starts before; 0: no hold */
	enum wait_reason why; /* of it */
	unsigned epoch;       /* counts the holds: what began in an earlier
			       * one says nothing new */
	unsigned before;      /* transfers in flight that did */
	unsigned allow;       /* others at once while it recovers; 0: any */

	int64_t asked_us;       /* its own back-off when it asks to wait */
	int64_t asked_since_us; /* it has only asked to wait since; 0 */

	int64_t backoff_us; /* the last hold of one that does not answer */
	unsigned fails;     /* in a row, in connect, tls or ttfb */
	unsigned failed;    /* of those that may find out it is not dead */
	unsigned lost;      /* items in a row that failed for good */
	int64_t silent_us;  /* it has given no answer since; 0: it has */
	const char *last;   /* the code of its last failure, or status */
	int is_given_up;    /* until the hold ends: nothing is tried */

	/* --rate-headers: starts left until then; counts if has_quota. */
	int has_quota;
	int64_t quota, quota_us;
};

/* An answer came that does not ask to wait. */
void govern_answered(struct fetch *f);
/*
 * It asked to wait: wait_us, or -1 if it did not say how long; status is what
 * it answered. Holds the origin, or gives it up.
 */
void govern_asked(struct fetch *f, int status, int64_t wait_us);
/* f failed in connect, tls or ttfb. */
void govern_failed(struct fetch *f, enum err e);
/* f failed so for good. */
void govern_lost(struct fetch *f);
/* What the answer says of limits (--rate-headers). */
void govern_headers(struct fetch *f);
/* f starts: counts against what is left. */
void govern_start(struct host *h);
/* f leaves its slot. */
void govern_end(struct fetch *f);
/* How many more may be in flight, as far as the governor goes. */
size_t govern_room(const struct host *h);

/* Is anything worth keeping of an origin that has nothing to do? */
int govern_is_needed(const struct governor *g, int64_t now_us);
/* Is it silent just now, so that the item tried least should go? */
int govern_is_probing(const struct host *h);
/* Its waiting items are to end. */
int govern_is_given_up(const struct governor *g, int64_t now_us);

#endif
