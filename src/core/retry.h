/* SPDX-License-Identifier: ISC */
/*
 * Decides whether an item is retried, of which kind the retry is, and when.
 * Reports answers to the origin's back-off. core/fetch makes the moves.
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdint.h>

#include "base/error.h"

struct fetch;

/* What an answer's header section, or a failure, leads to. */
enum retry_verdict {
	VERDICT_FINAL,       /* this answer or failure is the item's last */
	VERDICT_REDIRECT,    /* the item's history has the next request */
	VERDICT_RETRY,       /* a counted try, after a back-off of its own */
	VERDICT_RETRY_AFTER, /* a try that is not counted, when the hold of its
			      * origin ends */
	VERDICT_ERROR,       /* the item fails: see x->err, phase and detail */
};

/* For the header section that f->x has just completed. May hold its origin. */
enum retry_verdict retry_judge_head(struct fetch *f);
/*
 * For an attempt that failed with e; call it before the connection is closed.
 * FINAL, RETRY, or RETRY_AFTER for a free probe of its origin.
 */
enum retry_verdict
retry_judge_error(struct fetch *f, enum err e, const char *detail);
/* May it be retried at all (--retry, or its own "retry")? */
int retry_is_enabled(const struct fetch *f);
/* For a code that is retried only for some causes: is this such a cause? */
int retry_is_transient(const struct fetch *f, enum err e, const char *detail);
/* The wait before its next counted try: doubling, with jitter; above 0. */
int64_t retry_delay_us(struct fetch *f);
/*
 * f was throttled: counts that, and returns its wait beyond the hold of its
 * origin. It is 0, unless the origin refuses f again and again while it answers
 * others: then it doubles, so that the others go on meanwhile.
 */
int64_t retry_after_delay_us(struct fetch *f);
/* Is there time (--retry-max-time) for an attempt that is not counted? */
int retry_has_time(const struct fetch *f);

#endif
