/* SPDX-License-Identifier: ISC */
/*
 * Parses durations as they occur in headers: decimal numbers, and Go's form
 * ("1h2m3.5s"). Values that are too large saturate.
 */
#ifndef CODEC_HTTP_DURATION_H
#define CODEC_HTTP_DURATION_H

#include <stdint.h>

#include "base/span.h"

/* The largest result; a few of them can be added without overflow. */
#define HTTP_DURATION_MAX (INT64_MAX / 4)

/*
 * Removes a decimal number ("12", "1.5") from the front of *s and returns it
 * times `unit` (1 to 10^12), rounded down. -1 if there is no digit, or none
 * after the point.
 */
int64_t http_duration_number(struct span *s, int64_t unit);

/*
 * Microseconds of a duration: the sum of numbers, each followed by a unit (d h
 * m s ms us). -1 if s is anything else.
 */
int64_t http_duration_us(struct span s);

/* Microseconds from wall_us to unix_us (both since 1970); 0 if unix_us is past.
 */
int64_t http_duration_until(int64_t unix_us, int64_t wall_us);

#endif
