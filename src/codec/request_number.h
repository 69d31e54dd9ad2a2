/* SPDX-License-Identifier: ISC */
/*
 * Converts the numbers of a request line (well-formed JSON numbers) to times,
 * counts and costs. For codec/request only.
 */
#ifndef CODEC_REQUEST_NUMBER_H
#define CODEC_REQUEST_NUMBER_H

#include <stdint.h>

#include "base/span.h"

/*
 * Microseconds of a number of seconds, rounded up and clamped to about 30
 * years. -1 if it is negative.
 */
int64_t request_number_us(struct span number);
/* The same clamp for a number of microseconds. */
int64_t request_number_bound_us(uint64_t us);
/* A whole number without sign, point or exponent, 0 to max; else -1. */
int64_t request_number_count(struct span number, int64_t max);
/*
 * The nearest double; -1 if it is negative, too large, or longer than 400
 * bytes.
 */
double request_number_amount(struct span number);

#endif
