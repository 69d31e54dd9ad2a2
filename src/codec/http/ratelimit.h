/* SPDX-License-Identifier: ISC */
/*
 * Reads an origin's rate limits from a response: x-ratelimit-* and similar,
 * RateLimit-* of the early IETF drafts and RateLimit of the later ones.
 */
#ifndef CODEC_HTTP_RATELIMIT_H
#define CODEC_HTTP_RATELIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "codec/http/http.h"

#define HTTP_RATELIMIT_MAX 8 /* limits of one response; more are ignored */

struct http_ratelimit {
	/*
	 * What is counted ("requests", "tokens": a part of the header's name,
	 * in lower case) or the name of the policy; may be empty. Points into
	 * the fields.
	 */
	struct span name;
	int64_t limit;     /* -1: not given, or malformed */
	int64_t remaining; /* requests, tokens, ... that are left */
	/* Time until the limit is reset; -1: not given. At most
	 * HTTP_DURATION_MAX, like `remaining`. */
	int64_t reset_us;
};

/*
 * Fills in v in the order of the fields and returns the number of limits. A
 * limit is left out if `remaining` is missing, or if `remaining` or the reset
 * is malformed or given twice with different values. A reset is a number of
 * seconds, a Unix time (above 10^9; above 10^12 in milliseconds), a duration
 * ("6m0s"), or an RFC 3339 or HTTP date. Points in time are relative to
 * wall_us.
 */
size_t http_ratelimit_read(const struct http_fields *f, int64_t wall_us,
    struct http_ratelimit v[HTTP_RATELIMIT_MAX]);

#endif
