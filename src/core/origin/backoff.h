/* SPDX-License-Identifier: ISC */
/*
 * Per-origin back-off: turns 429 and 503, failed connections and broken
 * requests of one origin into limits for every request queued to it: nothing
 * starts before a moment (the hold), and a limited number runs at once
 * afterwards. The host and the scheduler apply the limits.
 *
 *   state        begins with                    ends with
 *   held         429, or 503/529 with a wait    its end; starts then ramp up
 *   unreachable  3 items failed to connect      a connection, or given up
 *   given up     wait too long, down too long   the end of its hold
 *   narrowed     requests broke                 each answer widens it by one
 *
 * "Throttled" means: answered 429, or 503/529 with Retry-After. With --retry 0
 * an origin is never held or narrowed, and no rate is learnt.
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

#define BACKOFF_FAILED_ITEMS \
	3 /* different items: the origin is unreachable \
	   */

/* An item that failed to connect; `job` is only compared, never followed. */
struct failed_item {
	const struct job *job;
	uint64_t seq;
};

/* All-zero: nothing is known, nothing is held. */
struct backoff {
	/* The hold. */
	int64_t held_until_at_us; /* nothing starts before; 0: no hold */
	enum wait_reason why;     /* reason of the hold */
	unsigned epoch;           /* number of holds so far; an outcome of a
				   * request that began in an earlier epoch is
				   * not counted again */
	unsigned active_before;   /* transfers in flight from earlier epochs */
	unsigned recovery_limit;  /* of transfers begun in this epoch, while the
				   * origin recovers; 0: no limit */

	/* Throttled (429, 503). */
	int64_t throttle_wait_us;      /* our own wait, doubled each time */
	unsigned char probes_new;      /* the next probe is an item that was
					* not throttled yet, as the last such
					* probe was answered; 0: the item with
					* most attempts */
	int64_t throttled_since_at_us; /* no other answer since; 0: not */
	unsigned answers;              /* other answers */

	/* No connection succeeds. */
	unsigned char has_answered;   /* in this run */
	unsigned char is_unreachable; /* BACKOFF_FAILED_ITEMS failed in a row */
	unsigned char is_given_up;    /* until the hold ends */
	unsigned char is_unreported;  /* hosts.hold_begun is to be called */
	unsigned nfailed; /* different items that failed to connect, */
	struct failed_item
	    failed[BACKOFF_FAILED_ITEMS - 1]; /* the first ones */
	int64_t down_since_at_us; /* when the first of them began; 0: is up */
	int64_t backoff_us;       /* length of the last hold for it */
	const char *last_failure; /* error code or status, static; or NULL */

	/* Requests break after they were sent. */
	unsigned window;        /* transfers in flight at most; 0: no limit */
	int64_t narrowed_at_us; /* failures of requests begun earlier are not
				 * counted again */

	unsigned failed_in_a_row; /* items that failed for good */

	struct learned_rate learned; /* from its 429s */

	/* --rate-headers: starts left until then; valid if has_quota. */
	int has_quota;
	int64_t quota, quota_at_us;
};

/*
 * ---- events ----
 * Each updates the limits and re-files the host. None ends a fetch.
 */

/* An answer other than a throttling one came. */
void backoff_answered(struct fetch *f);
/*
 * f was throttled with `status`; wait_us is the wait it asked for, or -1 if it
 * named none. Holds the origin, or gives it up.
 */
void backoff_throttled(struct fetch *f, int status, int64_t wait_us);
/* The connection is ready for f's request: the origin is reachable. */
void backoff_connected(struct fetch *f);
/* f could not connect; has_used_up: f has no try left. */
void backoff_unreachable(struct fetch *f, enum err e, int has_used_up);
/* f's request was sent, and no answer came. */
void backoff_broken(struct fetch *f, enum err e);
/* f ended: it failed with e for good, in any phase, or succeeded (E_OK). */
void backoff_ended(struct fetch *f, enum err e);
/* Reads the rate limit fields of f's answer (--rate-headers). */
void backoff_headers(struct fetch *f);
/* A request starts: counts it against the quota. */
void backoff_start(struct host *h);
/* f leaves its transfer slot. */
void backoff_end(struct fetch *f);
/* Gives the origin up if backoff_dead_at_us() has passed. */
void backoff_check_dead(struct host *h);
/* Was f only a probe of its origin, which costs it no try? */
int backoff_is_free_probe(const struct fetch *f);

/* ---- limits (backoff_limits.c) ---- */

/* How many more transfers may be in flight. */
size_t backoff_room(const struct host *h);
/* Is it unreachable, so that one item at a time probes it? */
int backoff_is_probing(const struct host *h);
/* The moment it is given up unless it answers; TIMER_NEVER: it is not. */
int64_t backoff_dead_at_us(const struct host *h);
/* Are its waiting items to fail? */
int backoff_is_given_up(const struct backoff *g, int64_t now_us);
/* Must an origin without work be remembered for this state? */
int backoff_is_needed(const struct backoff *g, int64_t now_us);

#endif
