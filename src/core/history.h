/* SPDX-License-Identifier: ISC */
/*
 * What an item has behind it: the hops of its present attempt, how often it
 * was sent, what it last waited for, and, with --include-attempts, each
 * request. An item that is answered at once never has one.
 */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/span.h"
#include "codec/record/record.h"
#include "core/core.h"
#include "core/origin/learned_rate.h"

struct fetch;
struct host;

#define TRAIL_KEPT 1000 /* requests listed; num_attempts counts them all */

struct history {
	struct link spare;
	struct fetch *fetch;
	struct heap_link later; /* on core->later while it is in back-off */

	/* The hop under way or next. */
	unsigned hops;      /* redirects followed in this attempt */
	struct buf url;     /* of a hop, its fragment with it */
	struct span method; /* static; n 0: the item's own */
	int is_bodyless;
	int goes_on;     /* the next start belongs to the same attempt */
	struct host *to; /* where the next request goes, once it is queued */

	/* The present attempt. */
	struct buf seen; /* hashes of its requests, uint64_t each */
	int was_unsafe;  /* one of them was not idempotent */
	size_t header_bytes;
	int64_t used_us;     /* of --max-time, by the hops before */
	int64_t redirect_us; /* time_redirect */

	/* The attempts before. */
	unsigned tries;          /* counted against --retry */
	unsigned asked;          /* how often it was asked to wait, */
	unsigned asked_alone;    /* and so while others were answered */
	unsigned answers;        /* of its origin, at its last refusal */
	unsigned put_offs;       /* for lack of memory; see fetch_verdict.c */
	struct learnt learnt;    /* from its refusals */
	int64_t due_at_us;       /* its back-off ends then; 0: it has none */
	int64_t lookup_at_us;    /* when a look-up that failed began, or 0 */
	int64_t wait_us;         /* how long the present request had waited, */
	const char *wait_reason; /* and why; static, or NULL */

	/* How the request before the one it waits to make has ended. */
	enum err last_err;
	enum phase last_phase;
	int last_status;
	int64_t last_took_us;

	struct record_attempt *v; /* for `attempts`; its strings are owned, but
				   * for a URL that is that of the one before */
	size_t n, cap;
	size_t noted_bytes; /* of these strings */
	size_t charged;     /* for itself and all it remembers */
};

/* The item's history; made if it has none. */
struct history *history_of(struct fetch *f);
/* Forgets it. */
void history_give(struct fetch *f);
void history_free(struct history *t);

/* Remembers how f's request, or look-up, has ended: it comes back. */
void history_note_end(struct fetch *f);
/* Charges what it remembers now to the run's account. */
void history_count_held(struct history *t);
/* Parses the URL of the hop. 0, or -1 if it is none. */
int history_parse_hop(const struct history *t, struct url *to);
/* The next attempt begins at the item's own URL. */
void history_start_over(struct history *t);
/*
 * Remembers a request of this attempt. Returns nonzero if the same one (URL
 * and method) had been made before.
 */
int history_remember(struct history *t, struct span url, struct span method);
/*
 * With --include-attempts: the request f has just finished, or the look-up
 * that failed, goes to the list, as far as there is memory for it.
 */
void history_note(struct fetch *f);

#endif
