/* SPDX-License-Identifier: ISC */
/*
 * Retry-After (RFC 9110 section 10.2.3): how long an origin asks to be left
 * alone. Which answers it counts for, and how long is too long, is core's.
 */
#ifndef CODEC_HTTP_RETRY_AFTER_H
#define CODEC_HTTP_RETRY_AFTER_H

#include <stdint.h>

#include "base/span.h"
#include "codec/http/http.h"

/*
 * Microseconds from now, at most HTTP_DURATION_MAX; -1 if it says nothing. It
 * may be seconds, also with a fraction, as several APIs send them, a duration
 * with units ("1m30s"), or a moment, held against wall_us (the clock's
 * microseconds since 1970), 0 if that is over: an HTTP-date, RFC 3339's form,
 * or a Unix time (above 10^9; above 10^12 in milliseconds). Of several the
 * longest counts.
 */
int64_t http_retry_after_us(struct span value, int64_t wall_us);

/* The longest that any Retry-After among these fields asks for, or -1. */
int64_t http_retry_after_of(const struct http_fields *f, int64_t wall_us);

#endif
