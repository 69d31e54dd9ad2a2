/* SPDX-License-Identifier: ISC */
/*
 * The byte format of what a run passes on to the run that resumes it: counts,
 * and what is known of origins and budgets. One function for each thing writes
 * it or reads it, so that both agree. What is read may be damaged: every value
 * is checked, and the first that is not valid makes the rest zero.
 *
 * Numbers are LEB128, fractions IEEE 754 in little-endian order, texts a length
 * and bytes.
 */
#ifndef CORE_SAVED_H
#define CORE_SAVED_H

#include <stdint.h>

#include "base/span.h"
#include "options/options.h"

struct buf;

/* Where it is written or read. */
struct saved {
	struct buf *to;   /* NULL: it is read */
	struct span from; /* what is left to be read */
	int is_bad;
};

#define SAVED_TEXT_MAX 512

void saved_u64(struct saved *s, uint64_t *v, uint64_t max);
void saved_unsigned(struct saved *s, unsigned *v, unsigned max);
/* A span of time, from 0 to OPT_DUR_MAX: written no larger than that. */
void saved_us(struct saved *s, int64_t *v);
/* From 0 to max; written no larger than that. */
void saved_fraction(struct saved *s, double *v, double max);
/* Points into `from` when it is read. Longer than SAVED_TEXT_MAX is bad. */
void saved_text(struct saved *s, struct span *v);

/*
 * An origin. Moments are spans: `left` until one to come, `age` since one that
 * has passed, at the time they were saved.
 */
struct saved_origin {
	struct span origin; /* "https://name:443" */
	unsigned flags;     /* SAVED_* */
	/* core/origin/backoff */
	int64_t held_left_us, throttle_wait_us, throttled_age_us;
	unsigned recovery_limit, nfailed;
	uint64_t failed_seq[2];
	int64_t down_age_us, backoff_us;
	struct span last_failure;
	unsigned window, failed_in_a_row;
	uint64_t quota;
	int64_t quota_left_us;
	/* core/origin/learned_rate */
	double rate, counted, counted_us;
	int64_t refused_age_us;
	unsigned refusals;
	/* core/origin/host */
	int64_t pace_left_us, started_age_us, sent_age_us;
};

enum saved_flag {
	SAVED_RETRY_AFTER = 1 << 0, /* the reason of the hold; else back-off */
	SAVED_PROBES_NEW = 1 << 1,
	SAVED_HAS_ANSWERED = 1 << 2,
	SAVED_UNREACHABLE = 1 << 3,
	SAVED_GIVEN_UP = 1 << 4,
	SAVED_QUOTA = 1 << 5,
	SAVED_THROTTLED = 1 << 6, /* throttled_age_us is set, */
	SAVED_DOWN = 1 << 7,      /* down_age_us, */
	SAVED_STARTED = 1 << 8,   /* started_age_us, */
	SAVED_SENT = 1 << 9,      /* sent_age_us */
	SAVED_FLAGS = (1 << 10) - 1
};

void saved_origin(struct saved *s, struct saved_origin *o);

/* A --budget; `nparts` parts of its window follow it. */
struct saved_budget {
	struct span name;
	double limit;
	int64_t window_us;
	unsigned nparts;
};

struct saved_part {
	int64_t age_us;
	double amount;
};

void saved_budget(struct saved *s, struct saved_budget *b);
void saved_part(struct saved *s, struct saved_part *p);

#endif
