/* SPDX-License-Identifier: ISC */
/*
 * What a response says of the origin's rate limits: x-ratelimit-* and its kin,
 * RateLimit-* of the early IETF drafts and RateLimit of the later ones. What
 * follows from it is core's.
 */
#ifndef CODEC_HTTP_RATELIMIT_H
#define CODEC_HTTP_RATELIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "codec/http/http.h"

#define HTTP_RATELIMIT_MAX 8 /* of one response; more are passed over */

struct http_ratelimit {
	/*
	 * What is counted ("requests", "tokens": a part of the header's name,
	 * in lower case) or the policy's name; empty if neither is said. Lies
	 * in the fields.
	 */
	struct span name;
	int64_t limit;     /* -1: not said, or rubbish */
	int64_t remaining; /* whole ones that are left, 0 and more */
	/* Until there are more, from now, 0 and more; -1: not said. Both at
	 * most HTTP_DURATION_MAX. */
	int64_t reset_us;
};

/*
 * Fills in v, in the order in which the limits stand, and returns how many. One
 * whose `remaining` is not stated is left out, and so is one that states it or
 * its reset as rubbish, or twice and not the same. A reset is a number of
 * seconds, above 10^9 a Unix time, above 10^12 one in milliseconds; or a
 * duration ("6m0s"), an RFC 3339 or HTTP date. Points in time are held against
 * wall_us.
 */
size_t http_ratelimit_read(const struct http_fields *f, int64_t wall_us,
    struct http_ratelimit v[HTTP_RATELIMIT_MAX]);

#endif
