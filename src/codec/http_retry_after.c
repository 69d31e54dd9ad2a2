/* SPDX-License-Identifier: ISC */
/* Retry-After's two forms. Knows no clock but the one it is told. */
#include "codec/http_retry_after.h"

#include "codec/http_date.h"
#include "codec/http_duration.h"

#define US_PER_S 1000000

int64_t
http_retry_after_us(struct span value, int64_t wall_us)
{
	int64_t us, unix_s;

	value = span_trim(value);
	if (http_date_parse(value, wall_us / US_PER_S, &unix_s) == 0)
		return http_duration_until(unix_s * US_PER_S, wall_us);
	us = http_duration_number(&value, US_PER_S);
	return value.n == 0 ? us : -1;
}
