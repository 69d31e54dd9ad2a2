/* SPDX-License-Identifier: ISC */
/*
 * The history of an item: the redirects of its present attempt, its tries, the
 * reason of its last wait, and, with --include-attempts, each request. An item
 * that needs one request only has none.
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

#define ATTEMPTS_MAX 1000 /* in the list; num_attempts counts all of them */

struct history {
	struct link spare;
	struct fetch *fetch;
	struct heap_link later; /* of sched.later while it is in back-off */

	/* The redirected request under way, or the next one. */
	unsigned redirects;     /* followed in this attempt */
	struct buf url;         /* target of the last one, with its fragment */
	struct span method;     /* static; n 0: the item's own */
	int drops_body;         /* a redirect has changed the method to GET */
	int continues_attempt;  /* the next start counts as the same attempt */
	struct host *next_host; /* of the next request, until it is queued */

	/* The present attempt. */
	struct buf seen;     /* hashes of its requests, uint64_t each */
	int was_unsafe;      /* one of them was not idempotent */
	size_t header_bytes; /* of the answers before */
	int64_t used_us;     /* of --max-time, by the requests before */
	int64_t redirect_us; /* time_redirect */

	/* The attempts before. */
	unsigned tries;           /* counted against --retry */
	unsigned throttled;       /* answers 429, or 503 with a wait, */
	unsigned throttled_alone; /* and these while others were answered */
	unsigned answers;         /* of its origin, when last throttled */
	unsigned postponements;   /* for lack of memory; see fetch_verdict.c */
	struct learnt learnt;     /* from its refusals */
	int64_t due_at_us;        /* end of its own back-off; 0: none */
	int64_t lookup_at_us;     /* when a look-up that failed began, or 0 */
	int64_t wait_us;          /* how long the present request waited, */
	const char *wait_reason;  /* and why; static, or NULL */

	/* How its last request ended; set when it comes back. */
	enum err last_err;
	enum phase last_phase;
	int last_status;
	int64_t last_took_us;

	struct record_attempt *v; /* for `attempts`. Owns its strings; equal
				   * URLs in a row share one */
	size_t n, cap;
	size_t noted_bytes; /* of these strings */
	size_t charged;     /* to the account, for all of it */
};

/* The item's history; created if it has none. */
struct history *history_of(struct fetch *f);
/* Takes the item's history from it, for the next item; none is fine. */
void history_release(struct fetch *f);
void history_free(struct history *t);

/* Sets last_*: f's request or look-up ended, and another one follows. */
void history_set_last(struct fetch *f);
/* Charges its present size to the account. */
void history_count_held(struct history *t);
/* Parses the URL it was redirected to. 0, or -1 if that is not a URL. */
int history_parse_redirect(const struct history *t, struct url *to);
/* Forgets the redirects: the next attempt begins at the item's own URL. */
void history_start_over(struct history *t);
/*
 * Adds a request to those of this attempt. Nonzero: the same one (URL and
 * method) was made before.
 */
int history_add_request(struct history *t, struct span url, struct span method);
/*
 * With --include-attempts: adds the request or look-up of f that has just ended
 * to the list, as far as there is memory for it.
 */
void history_add_attempt(struct fetch *f);
/* Its last request turned out to have failed with e. */
void history_set_error(struct fetch *f, enum err e);

#endif
