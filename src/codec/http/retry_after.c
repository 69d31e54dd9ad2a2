/* SPDX-License-Identifier: ISC */
/* Parses Retry-After. */
#include "codec/http/retry_after.h"

#include "codec/http/date.h"
#include "codec/http/duration.h"
#include "codec/http/list.h"

#define US_PER_S 1000000
/* Numbers above these are Unix times, in seconds or milliseconds. */
#define UNIX_S_FROM_US (INT64_C(1000000000) * US_PER_S)
#define UNIX_MS_FROM_US (INT64_C(1000000000000) * US_PER_S)

/* A number of seconds from now, or a Unix time; -1 if s is not a number. */
static int64_t
read_number(struct span s, int64_t wall_us)
{
	int64_t us = http_duration_number(&s, US_PER_S);

	if (s.n > 0)
		return -1;
	if (us == HTTP_DURATION_MAX)
		return us;
	if (us > UNIX_MS_FROM_US)
		return http_duration_until(us / 1000, wall_us);
	if (us > UNIX_S_FROM_US)
		return http_duration_until(us, wall_us);
	return us;
}

static int64_t
read_one(struct span s, int64_t wall_us)
{
	int64_t us = read_number(s, wall_us), unix_s, unix_us;

	if (us >= 0)
		return us;
	if (http_date_parse(s, wall_us / US_PER_S, &unix_s) == 0)
		return http_duration_until(unix_s * US_PER_S, wall_us);
	if (http_date_rfc3339(s, &unix_us) == 0)
		return http_duration_until(unix_us, wall_us);
	return http_duration_us(s);
}

int64_t
http_retry_after_us(struct span value, int64_t wall_us)
{
	int64_t us, most = -1;
	struct span one, with_next, rest;

	while (http_list_next(&value, &one)) {
		us = read_one(one, wall_us);
		rest = value;
		if (us < 0 && http_list_next(&rest, &with_next)) {
			/* A date has a comma after its day name. */
			with_next = span_of(
			    one.p, (size_t)(with_next.p + with_next.n - one.p));
			us = read_one(with_next, wall_us);
			if (us >= 0)
				value = rest;
		}
		most = us > most ? us : most;
	}
	return most;
}

int64_t
http_retry_after_of(const struct http_fields *f, int64_t wall_us)
{
	struct span value;
	int64_t us, most = -1;
	size_t i;

	for (i = 0; (value = http_find(f, SPAN("retry-after"), i)).p != NULL;
	     i++) {
		us = http_retry_after_us(value, wall_us);
		most = us > most ? us : most;
	}
	return most;
}
