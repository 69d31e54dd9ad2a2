/* SPDX-License-Identifier: ISC */
/*
 * The times in which the process itself did not run (io/stall). A deadline
 * that counts from a moment before such a time comes later by as much: nobody
 * could have read what arrived meanwhile.
 */
#ifndef CORE_STANDSTILL_H
#define CORE_STANDSTILL_H

#include <stdint.h>

struct core;

#define STANDSTILLS_KEPT 32 /* what came before is forgotten */

struct standstills {
	struct {
		int64_t end_at_us, length_us;
	} kept[STANDSTILLS_KEPT]; /* in a ring */
	unsigned n;               /* so many in all */
};

/* It has just ended. */
void standstill_note(struct core *c, int64_t length_us);
/* How long the process has stood still since that moment. */
int64_t standstill_since_us(const struct core *c, int64_t from_at_us);

#endif
