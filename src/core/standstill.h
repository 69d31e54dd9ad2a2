/* SPDX-License-Identifier: ISC */
/*
 * Times in which the process itself did not run (io/stall). A deadline that
 * counts from an earlier moment is extended by their length, as nothing that
 * arrived meanwhile could be read.
 */
#ifndef CORE_STANDSTILL_H
#define CORE_STANDSTILL_H

#include <stdint.h>

struct core;

#define STANDSTILLS_KEPT 32 /* older ones are forgotten */

struct standstills {
	struct {
		int64_t end_at_us, length_us;
	} kept[STANDSTILLS_KEPT]; /* in a ring */
	unsigned n;               /* in all, with those forgotten */
};

/* A standstill of this length has just ended. Extends look-ups, too. */
void standstill_note(struct core *c, int64_t length_us);
/* How long the process did not run since that moment, in all. */
int64_t standstill_since_us(const struct core *c, int64_t from_at_us);

#endif
