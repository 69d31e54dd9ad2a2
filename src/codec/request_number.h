/* SPDX-License-Identifier: ISC */
/*
 * The numbers of a request line: JSON numbers, known to be well-formed, as
 * times, counts and costs. For codec/request only.
 */
#ifndef CODEC_REQUEST_NUMBER_H
#define CODEC_REQUEST_NUMBER_H

#include <stdint.h>

#include "base/span.h"

/*
 * Seconds in microseconds, rounded up, and at most as much as is as good as no
 * limit. -1 if it is less than 0.
 */
int64_t request_number_us(struct span number);
/* The same of a number of microseconds. */
int64_t request_number_bound_us(uint64_t us);
/* A whole number without sign, point or exponent, 0 to max; else -1. */
int64_t request_number_count(struct span number, int64_t max);
/*
 * The nearest double; -1 if it is less than 0, no double is that large, or its
 * text has more than 400 bytes.
 */
double request_number_amount(struct span number);

#endif
