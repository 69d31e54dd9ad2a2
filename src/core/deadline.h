/* SPDX-License-Identifier: ISC */
/*
 * The deadlines of a fetch with a transfer slot: of its state, of the speed
 * window, of the attempt. One timer serves them all and is moved lazily: it is
 * never later than the nearest deadline, but may be earlier.
 */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include <stdint.h>

#include "base/error.h"

struct fetch;

/* Sets the timer, after a state was entered or reading resumes. */
void deadline_set(struct fetch *f);
/*
 * Call when the timer has fired. Returns the E_*_TIMEOUT that ends the fetch,
 * or E_OK with the timer set again: nothing is due, or the deadline is
 * postponed because we pause the fetch or bytes are unread. *must_read is then
 * set if the fetch must read before the next check.
 */
enum err deadline_check(struct fetch *f, int *must_read);
/*
 * How long its exchange was paused, as counted against a limit: pauses for the
 * output in full, pauses for memory up to the limit.
 */
int64_t deadline_paused_us(const struct fetch *f, int64_t limit_us);

#endif
