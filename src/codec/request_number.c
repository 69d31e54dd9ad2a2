/* SPDX-License-Identifier: ISC */
/* Converts JSON numbers to times, counts and costs. The locale is always C. */
#include "codec/request_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_US (1000000000LL * 1000000) /* in effect no limit */
#define AMOUNT_TEXT_MAX 400 /* the largest double has 309 digits */

/* The exponent of a JSON number, clamped. */
static int64_t
exponent(struct span s)
{
	int64_t v = 0;
	size_t i = s.p[0] == '-' || s.p[0] == '+' ? 1 : 0;

	for (; i < s.n && v < 1000000000; i++)
		v = v * 10 + (s.p[i] - '0');
	return s.p[0] == '-' ? -v : v;
}

/* v * 10^e, rounded up, at most TIMEOUT_MAX_US. `up`: the value is a little
 * more than v. */
static int64_t
scale(int64_t v, int64_t e, int up)
{
	if (v == 0)
		return up;
	for (; e > 0; e--) {
		if (v > TIMEOUT_MAX_US / 10)
			return TIMEOUT_MAX_US;
		v *= 10;
	}
	for (; e < 0 && v > 0; e++) {
		up |= v % 10 != 0;
		v /= 10;
	}
	v += up;
	return v < TIMEOUT_MAX_US ? v : TIMEOUT_MAX_US;
}

/* A JSON number of seconds, without its sign, in microseconds. */
static int64_t
microseconds(struct span s)
{
	int64_t v = 0, e = 6;
	int up = 0, fraction = 0;
	size_t i;

	for (i = 0; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		if (s.p[i] == '.') {
			fraction = 1;
			continue;
		}
		if (v < INT64_MAX / 10 - 1) {
			v = v * 10 + (s.p[i] - '0');
			e -= fraction;
		} else {
			up |= s.p[i] != '0';
			e += !fraction;
		}
	}
	if (i < s.n)
		e += exponent(span_of(s.p + i + 1, s.n - i - 1));
	return scale(v, e, up);
}

int64_t
request_number_us(struct span number)
{
	int is_negative = number.p[0] == '-';
	int64_t us = microseconds(
	    span_of(number.p + is_negative, number.n - (size_t)is_negative));

	return is_negative && us != 0 ? -1 : us;
}

int64_t
request_number_bound_us(uint64_t us)
{
	return us < TIMEOUT_MAX_US ? (int64_t)us : TIMEOUT_MAX_US;
}

int64_t
request_number_count(struct span number, int64_t max)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < number.n && n <= max; i++) {
		if (number.p[i] < '0' || number.p[i] > '9')
			return -1;
		n = n * 10 + (number.p[i] - '0');
	}
	return n <= max ? n : -1;
}

double
request_number_amount(struct span number)
{
	char text[AMOUNT_TEXT_MAX + 1];
	double v;

	if (number.n > AMOUNT_TEXT_MAX)
		return -1;
	memcpy(text, number.p, number.n);
	text[number.n] = '\0';
	v = strtod(text, NULL);
	if (v < 0 || !isfinite(v))
		return -1;
	return v > 0 ? v : 0;
}
