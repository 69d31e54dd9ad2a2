/* SPDX-License-Identifier: ISC */
/*
 * Durations, sizes and rates as people write them: "1m30s", "500 ms", "10MB",
 * "50/sec". Knows no option and no bounds.
 */
#ifndef CODEC_QUANTITY_H
#define CODEC_QUANTITY_H

#include <stdint.h>

#include "base/span.h"

/* What a number becomes that does not fit into 64 bits. */
#define QUANTITY_TOO_MUCH UINT64_MAX

/*
 * Each reads the whole of s; blanks around it and between a number and its
 * unit are skipped. 0, or -1 if s is no such thing.
 */

/* Decimal digits only. */
int quantity_count(struct span s, uint64_t *v);
/*
 * Microseconds. A number with a unit (ms, s, m, h, d, also spelt out: sec,
 * minutes), several of these from the largest to the smallest unit, or a bare
 * number of seconds. Rounded up, so that nothing but zero becomes 0.
 */
int quantity_duration(struct span s, uint64_t *us);
/* Bytes. Units are k M G T (1024), in any case, with B or iB after them. */
int quantity_size(struct span s, uint64_t *bytes);
/* NUMBER, NUMBER/s, NUMBER/min, NUMBER/hour: so much in any per_us. */
int quantity_rate(struct span s, double *amount, int64_t *per_us);

#endif
