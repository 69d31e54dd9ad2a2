/* SPDX-License-Identifier: ISC */
/* Parses Retry-After (RFC 9110 section 10.2.3): how long to wait before the
 * next request. */
#ifndef CODEC_HTTP_RETRY_AFTER_H
#define CODEC_HTTP_RETRY_AFTER_H

#include <stdint.h>

#include "base/span.h"
#include "codec/http/http.h"

/*
 * Microseconds from now, at most HTTP_DURATION_MAX; -1 if the value is
 * malformed. Accepts a number of seconds, with a fraction as several APIs send
 * it; a duration with units ("1m30s"); or a point in time relative to wall_us
 * (microseconds since 1970), which gives 0 if it is past: an HTTP-date, RFC
 * 3339, or a Unix time (above 10^9; above 10^12 in milliseconds). In a list the
 * longest counts.
 */
int64_t http_retry_after_us(struct span value, int64_t wall_us);

/* The longest Retry-After among these fields, or -1. */
int64_t http_retry_after_of(const struct http_fields *f, int64_t wall_us);

#endif
