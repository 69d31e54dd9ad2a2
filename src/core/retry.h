/* SPDX-License-Identifier: ISC */
/*
 * Is it worth another try, of which kind, and when?
 * Decides and tells the origin's back-off; the spine makes the moves.
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdint.h>

#include "base/error.h"

struct fetch;

/* What an answer's header section, or a failure, leads to. */
enum retry_verdict {
	VERDICT_FINAL,       /* this answer or failure is the item's last */
	VERDICT_REDIRECT,    /* the hop in its history is next */
	VERDICT_RETRY,       /* once more, after a back-off of its own */
	VERDICT_RETRY_AFTER, /* once more, when its origin may */
	VERDICT_ERROR,       /* it ends: see x->err, phase and detail */
};

/* For the header section that f->x has just completed. */
enum retry_verdict retry_judge_head(struct fetch *f);
/*
 * For an attempt that failed so, before its connection is closed: FINAL, RETRY,
 * or RETRY_AFTER if it only found out that its origin is not back yet.
 */
enum retry_verdict
retry_judge_error(struct fetch *f, enum err e, const char *detail);
/* Does it have tries at all (--retry, or its own)? */
int retry_is_wanted(const struct fetch *f);
/* Of a code that is worth another try by its cause: is it, here? */
int retry_is_cause_good(const struct fetch *f, enum err e, const char *detail);
/* How long it waits before its next counted try: doubling, with jitter. */
int64_t retry_delay_us(struct fetch *f);
/*
 * f was asked to wait. How long it waits beyond the hold of its origin: 0,
 * unless its origin refuses it again and again while it answers others; then
 * its own back-off doubles, so that the others go on meanwhile.
 */
int64_t retry_asked_delay_us(struct fetch *f);
/* Is there time for another attempt that is not counted? */
int retry_has_time(const struct fetch *f);

#endif
