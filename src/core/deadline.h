/* SPDX-License-Identifier: ISC */
/*
 * The deadlines of a fetch with a slot: its state's, the
 * speed window's, the attempt's. One timer serves them all and is moved
 * lazily: it never stands later than the nearest of them, but may be early.
 */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include <stdint.h>

#include "base/error.h"

struct fetch;

/* A state was entered, or reading goes on: sees to the timer. */
void deadline_set(struct fetch *f);
/*
 * The timer fired. E_OK: nothing is due, or it is put off (we pause the fetch,
 * or something is there that has not been read); the timer is set again.
 * *must_read: that is to be read before the next check.
 * Otherwise the E_*_TIMEOUT that ends the fetch.
 */
enum err deadline_check(struct fetch *f, int *must_read);
/*
 * How long the clocks of its exchange stood still against a limit: while the
 * output was blocked as long as that took, for memory as long again as the
 * limit at most.
 */
int64_t deadline_stood_us(const struct fetch *f, int64_t limit_us);

#endif
