/* SPDX-License-Identifier: ISC */
/* Retry-After in seconds; its dates come next. */
#include "codec/http_retry_after.h"

int64_t
http_retry_after_us(struct span value, int64_t wall_us)
{
	int64_t s = 0;
	size_t i;

	(void)wall_us;
	if (value.n == 0 || value.n > 9)
		return -1;
	for (i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return -1;
		s = s * 10 + (value.p[i] - '0');
	}
	return s * 1000000;
}
