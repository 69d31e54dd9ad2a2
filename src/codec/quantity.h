/* SPDX-License-Identifier: ISC */
/*
 * Parses durations, sizes and rates as users write them: "1m30s", "500 ms",
 * "10MB", "50/sec". Bounds are checked by the caller.
 */
#ifndef CODEC_QUANTITY_H
#define CODEC_QUANTITY_H

#include <stdint.h>

#include "base/span.h"

/* The result for a number that does not fit into 64 bits. */
#define QUANTITY_TOO_MUCH UINT64_MAX

/*
 * Each parses the whole of s; spaces around it and between number and unit are
 * skipped. 0, or -1 if s is malformed.
 */

/* Decimal digits only. */
int quantity_count(struct span s, uint64_t *v);
/*
 * Microseconds, from numbers with units (ms, s, m, h, d or longer names such as
 * sec, minutes) in order from the largest to the smallest unit, or from a plain
 * number of seconds. Rounded up, so that only zero becomes 0.
 */
int quantity_duration(struct span s, uint64_t *us);
/* Bytes. Units are k M G T (1024), in any case, with B or iB after them. */
int quantity_size(struct span s, uint64_t *bytes);
/* NUMBER, NUMBER/s, NUMBER/min, NUMBER/hour: *amount in any *per_us. */
int quantity_rate(struct span s, double *amount, int64_t *per_us);

#endif
