/* SPDX-License-Identifier: ISC */
/*
 * Per-origin back-off: turns 429 and 503, failed connections and failed
 * requests of one origin into limits for everything that is queued to it. The
 * host and the scheduler obey: nothing starts before a moment, and no more
 * than so many at once afterwards.
 *
 *   state        begins with                    ends with
 *   held         429, or 503/529 with a wait    its end: one goes, then more
 *   unreachable  3 items that could not connect a connection, or given up
 *   given up     too long a wait, dead too long the end of its hold
 *   narrowed     requests that break            each answer widens it by one
 *
 * With --retry 0 nothing is ever held, narrowed or learnt.
 */
#ifndef CORE_ORIGIN_BACKOFF_H
#define CORE_ORIGIN_BACKOFF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/origin/learned_rate.h"
#include "core/stats.h"

struct fetch;
struct host;
struct job;

#define GOVERN_FAILED 3 /* different items, then it is unreachable */

/* Which item failed; the job is only compared. */
struct failed_item {
	const struct job *job;
	uint64_t seq;
};

/* All-zero: nothing is known, nothing is held. */
struct backoff {
	/* The hold. */
	int64_t held_until_at_us; /* nothing starts before; 0: no hold */
	enum wait_reason why;     /* of it */
	unsigned epoch;           /* counts the holds: what began before one
				   * says nothing new */
	unsigned before;          /* transfers in flight that did */
	unsigned allow;           /* others at once while it recovers; 0: any */

	/* It asks to wait. */
	int64_t asked_wait_us;     /* its own back-off, doubling */
	unsigned char probes_new;  /* after a refusal an item goes that was not
				    * refused, as that was answered last time;
				    * 0: the one that was asked most */
	int64_t asked_since_at_us; /* it has only asked to wait since; 0 */
	unsigned answers;          /* that did not */

	/* No connection comes up. */
	unsigned char has_answered;   /* in this run */
	unsigned char is_unreachable; /* GOVERN_FAILED items failed in a row */
	unsigned char is_given_up;    /* until the hold ends */
	unsigned char is_news;        /* nobody was told of the hold yet */
	unsigned nfailed;             /* different items that failed so, */
	struct failed_item failed[GOVERN_FAILED - 1]; /* the first of them */
	int64_t
	    down_since_at_us; /* when the first one had begun; 0: it is up */
	int64_t backoff_us;   /* the last hold for it */
	const char *last;     /* the last failure's code, or status */

	/* Requests break after they went out. */
	unsigned window;        /* in flight at most; 0: no limit */
	int64_t narrowed_at_us; /* what began before says nothing new */

	unsigned lost; /* items in a row that failed for good */

	struct learned_rate learned; /* its pace, from its 429s */

	/* --rate-headers: starts left until then; counts if has_quota. */
	int has_quota;
	int64_t quota, quota_at_us;
};

/* ---- what happened ---- */

/* An answer came that does not ask to wait. */
void backoff_answered(struct fetch *f);
/*
 * It asked to wait: wait_us, or -1 if it did not say how long; status is what
 * it answered. Holds the origin, or gives it up.
 */
void backoff_asked(struct fetch *f, int status, int64_t wait_us);
/* The connection is ready for f's request: the origin is there. */
void backoff_connected(struct fetch *f);
/* f got no connection; has_used_up: and has no try left. */
void backoff_unreachable(struct fetch *f, enum err e, int has_used_up);
/* f's request went out, and there was no answer. */
void backoff_broken(struct fetch *f, enum err e);
/* f failed with e for good, in whatever phase, or succeeded (E_OK). */
void backoff_ended(struct fetch *f, enum err e);
/* What the answer says of limits (--rate-headers). */
void backoff_headers(struct fetch *f);
/* f starts: counts against what is left. */
void backoff_start(struct host *h);
/* f leaves its slot. */
void backoff_end(struct fetch *f);
/* The moment of backoff_dead_at_us() is past: gives the origin up. */
void backoff_check_dead(struct host *h);
/* Did f only find out whether its origin is back, which costs it no try? */
int backoff_is_free_probe(const struct fetch *f);

/* ---- what follows (backoff_limits.c) ---- */

/* How many more may be in flight. */
size_t backoff_room(const struct host *h);
/* Is it unreachable, so that one item at a time finds out? */
int backoff_is_probing(const struct host *h);
/* When it is given up if it is not back before; TIMER_NEVER: not. */
int64_t backoff_dead_at_us(const struct host *h);
/* Are its waiting items to end? */
int backoff_is_given_up(const struct backoff *g, int64_t now_us);
/* Is anything worth keeping of an origin that has nothing to do? */
int backoff_is_needed(const struct backoff *g, int64_t now_us);

#endif
