/* SPDX-License-Identifier: ISC */
/*
 * Retry-After (RFC 9110 section 10.2.3): how long an origin asks to be left
 * alone. Which answers it counts for, and how long is too long, is core's.
 */
#ifndef CODEC_HTTP_RETRY_AFTER_H
#define CODEC_HTTP_RETRY_AFTER_H

#include <stdint.h>

#include "base/span.h"

/*
 * Microseconds from now, at most HTTP_DURATION_MAX: seconds, also with a
 * fraction, as several APIs send them; or an HTTP-date, held against wall_us
 * (the clock's microseconds since 1970), 0 if that is over. -1 for anything
 * else: it says nothing.
 */
int64_t http_retry_after_us(struct span value, int64_t wall_us);

#endif
