/* SPDX-License-Identifier: ISC */
/* Parses decimal numbers and durations with integer arithmetic. A sign is not
 * accepted. */
#include "codec/http/duration.h"

/* A name that begins with another name precedes it. */
static const struct {
	struct span name;
	int64_t us;
} units[] = {
	{ { "us", 2 }, 1 },
	{ { "\xc2\xb5s", 3 }, 1 }, /* U+00B5, as Go writes it */
	{ { "ms", 2 }, 1000 },
	{ { "s", 1 }, 1000000 },
	{ { "m", 1 }, INT64_C(60) * 1000000 },
	{ { "h", 1 }, INT64_C(3600) * 1000000 },
	{ { "d", 1 }, INT64_C(86400) * 1000000 },
};

/* The digit at the front of *s, or -1. */
static int
take_digit(struct span *s)
{
	if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
		return -1;
	s->n--;
	return *s->p++ - '0';
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The digits after a decimal point, times unit; -1: no digit. */
static int64_t
take_fraction(struct span *s, int64_t unit)
{
	int64_t part = 0;
	int digit = take_digit(s);

	if (digit == -1)
		return -1;
	for (; digit != -1; digit = take_digit(s)) {
		unit /= 10;
		part += digit * unit;
	}
	return part;
}

int64_t
http_duration_number(struct span *s, int64_t unit)
{
	const int64_t most = HTTP_DURATION_MAX;
	int64_t whole, part = 0;
	int digit = take_digit(s);

	if (digit == -1)
		return -1;
	for (whole = 0; digit != -1; digit = take_digit(s))
		whole = whole > (most - 9) / 10 ? most : whole * 10 + digit;
	if (s->n > 0 && s->p[0] == '.') {
		s->p++;
		s->n--;
		part = take_fraction(s, unit);
		if (part == -1)
			return -1;
	}
	return whole > most / unit ? most : smaller(whole * unit + part, most);
}

/* Removes the unit at the front of *s; its microseconds, or 0 if there is none.
 */
static int64_t
take_unit(struct span *s)
{
	struct span name;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		name = units[i].name;
		if (span_starts(*s, name)) {
			span_drop(s, name.n);
			return units[i].us;
		}
	}
	return 0;
}

int64_t
http_duration_us(struct span s)
{
	struct span number;
	int64_t sum = 0, v, unit;

	if (s.n == 0)
		return -1;
	while (s.n > 0) {
		number = s;
		if (http_duration_number(&s, 1) == -1)
			return -1;
		unit = take_unit(&s);
		if (unit == 0)
			return -1;
		v = http_duration_number(&number, unit);
		sum = smaller(sum + v, HTTP_DURATION_MAX);
	}
	return sum;
}

int64_t
http_duration_until(int64_t unix_us, int64_t wall_us)
{
	int64_t left;

	if (unix_us <= wall_us)
		return 0;
	if (__builtin_sub_overflow(unix_us, wall_us, &left))
		return HTTP_DURATION_MAX;
	return smaller(left, HTTP_DURATION_MAX);
}
