/* SPDX-License-Identifier: ISC */
/*
 * Dates, durations, Retry-After and rate limits. The first byte of the input
 * selects a clock; each following line is a field whose value is fed to all
 * parsers. Results are within their bounds and survive being written and parsed
 * again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "codec/http/date.h"
#include "codec/http/duration.h"
#include "codec/http/ratelimit.h"
#include "codec/http/retry_after.h"

#define US 1000000
#define S_MIN INT64_C(-62167219200) /* the year 0 */
#define S_MAX INT64_C(253402300800) /* the year 10000: a leap second */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t clocks[] = { 1700000000 * INT64_C(1000000),
	784111777 * INT64_C(1000000), 0, INT64_MAX, INT64_MIN, -1,
	4102444799 * INT64_C(1000000) };

static void
check_again(const char *text, int64_t t)
{
	int64_t again;

	if (http_date_rfc3339(span_str(text), &again) == 0)
		again /= US;
	else
		CHECK(http_date_parse(span_str(text), t, &again) == 0);
	CHECK(again == t);
}

static void
check_date(struct span s, int64_t wall_us)
{
	char text[64];
	struct tm tm;
	int64_t t;
	time_t at;
	size_t n;

	if (http_date_parse(s, wall_us / US, &t) == -1)
		return;
	CHECK(t >= S_MIN && t <= S_MAX);
	at = (time_t)t;
	CHECK(gmtime_r(&at, &tm) != NULL);
	if (tm.tm_year + 1900 < 1000 || tm.tm_year + 1900 > 9999)
		return; /* strftime pads no year */
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	check_again(text, t);
	n = strftime(text, sizeof(text), "%A, %d-%b-", &tm);
	snprintf(text + n, sizeof(text) - n, "%02d %02d:%02d:%02d GMT",
	    tm.tm_year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (t >= 0 && tm.tm_year + 1900 < 9950)
		check_again(text, t);
	strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	check_again(text, t);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	check_again(text, t);
}

static void
check_duration(struct span s, int64_t wall_us)
{
	int64_t us = http_retry_after_us(s, wall_us), t;
	struct span left = s;

	CHECK(us >= -1 && us <= HTTP_DURATION_MAX);
	us = http_duration_us(s);
	CHECK(us >= -1 && us <= HTTP_DURATION_MAX);
	us = http_duration_number(&left, US);
	CHECK(us >= -1 && us <= HTTP_DURATION_MAX);
	CHECK(left.p >= s.p && left.p + left.n == s.p + s.n);
	if (us >= 0 && left.n == 0 && us / US <= 1000000000)
		CHECK(http_retry_after_us(s, wall_us) == us);
	if (http_date_rfc3339(s, &t) == 0)
		CHECK(t / US >= S_MIN - 86400 && t / US <= S_MAX + 86400);
}

static void
add_field(struct http_fields *f, struct span name, struct span value)
{
	struct http_field *v = &f->v[f->n++];
	size_t i;

	v->name_at = (uint32_t)f->bytes.n;
	v->name_n = (uint32_t)name.n;
	for (i = 0; i < name.n; i++)
		buf_char(&f->bytes, span_lower(name.p[i]));
	v->value_at = (uint32_t)f->bytes.n;
	v->value_n = (uint32_t)value.n;
	buf_span(&f->bytes, value);
}

/* The fields are in memory of the exact size. */
static void
check_limits(const struct http_fields *f, int64_t wall_us)
{
	struct http_ratelimit v[HTTP_RATELIMIT_MAX];
	struct http_fields exact = *f;
	size_t i, n;

	exact.bytes.p = mem_alloc(f->bytes.n);
	if (f->bytes.n > 0)
		memcpy(exact.bytes.p, f->bytes.p, f->bytes.n);
	n = http_ratelimit_read(&exact, wall_us, v);
	CHECK(n <= HTTP_RATELIMIT_MAX && n <= f->bytes.n);
	for (i = 0; i < n; i++) {
		CHECK(v[i].remaining >= 0 && v[i].limit >= -1);
		CHECK(v[i].remaining <= HTTP_DURATION_MAX);
		CHECK(v[i].limit <= HTTP_DURATION_MAX);
		CHECK(v[i].reset_us >= -1);
		CHECK(v[i].reset_us <= HTTP_DURATION_MAX);
		CHECK(
		    v[i].name.n == 0 || (v[i].name.p >= exact.bytes.p &&
					    v[i].name.p + v[i].name.n <=
						exact.bytes.p + exact.bytes.n));
	}
	free(exact.bytes.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_fields f = { 0 };
	struct span in, line, value;
	const char *end, *colon;
	int64_t wall_us;

	if (size == 0)
		return 0;
	wall_us = clocks[data[0] % (sizeof(clocks) / sizeof(clocks[0]))];
	in = span_of((const char *)data + 1, size - 1);
	f.v = mem_zalloc(size, sizeof(*f.v));
	while (in.n > 0) {
		end = memchr(in.p, '\n', in.n);
		line = span_of(in.p, end != NULL ? (size_t)(end - in.p) : in.n);
		in = span_of(in.p + line.n, in.n - line.n);
		in = end != NULL ? span_of(in.p + 1, in.n - 1) : in;
		colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
		value = line;
		if (colon != NULL) {
			value.n -= (size_t)(colon + 1 - line.p);
			value.p = colon + 1;
			line.n = (size_t)(colon - line.p);
			value = span_trim(value);
			add_field(&f, line, value);
		}
		check_date(value, wall_us);
		check_duration(value, wall_us);
	}
	check_limits(&f, wall_us);
	buf_fini(&f.bytes);
	free(f.v);
	return 0;
}
