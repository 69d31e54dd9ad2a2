/* SPDX-License-Identifier: ISC */
/*
 * Spans of time as headers state them: decimal numbers, and Go's form
 * ("1h2m3.5s"). Huge ones saturate. Knows no header.
 */
#ifndef CODEC_HTTP_DURATION_H
#define CODEC_HTTP_DURATION_H

#include <stdint.h>

#include "base/span.h"

/* The most that comes out of these; some may be added up without overflow. */
#define HTTP_DURATION_MAX (INT64_MAX / 4)

/*
 * Takes a decimal number ("12", "1.5") from the front of *s; gives it times
 * `unit` (1 to 10^12), what is below 1 cut off. -1 if there is none: no digit,
 * or none behind the point.
 */
int64_t http_duration_number(struct span *s, int64_t unit);

/*
 * Microseconds of the whole of s: numbers with a unit (d h m s ms us) behind
 * each, added up. -1 if it is not that.
 */
int64_t http_duration_us(struct span s);

/* From wall_us to unix_us (microseconds since 1970, both); 0 if that is over.
 */
int64_t http_duration_until(int64_t unix_us, int64_t wall_us);

#endif
