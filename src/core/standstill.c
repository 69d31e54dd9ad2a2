/* SPDX-License-Identifier: ISC */
/* A short history of standstills. Knows nothing of how they are detected. */
#include "core/standstill.h"

#include "core/core.h"
#include "io/dns/resolve.h"

void
standstill_note(struct core *c, int64_t length_us)
{
	struct standstills *s = &c->standstills;
	unsigned i = s->n++ % STANDSTILLS_KEPT;

	s->kept[i].end_at_us = c->clock.now_us;
	s->kept[i].length_us = length_us;
	resolve_extend_deadlines(c->resolve, length_us);
}

/* The part of a standstill after from_at_us. */
static int64_t
after(int64_t end_at_us, int64_t length_us, int64_t from_at_us)
{
	int64_t rest = end_at_us - from_at_us;

	return rest < length_us ? rest : length_us;
}

int64_t
standstill_since_us(const struct core *c, int64_t from_at_us)
{
	const struct standstills *s = &c->standstills;
	int64_t sum = 0;
	unsigned n, i;

	for (n = 0; n < STANDSTILLS_KEPT && n < s->n; n++) {
		i = (s->n - 1 - n) % STANDSTILLS_KEPT;
		if (s->kept[i].end_at_us <= from_at_us)
			break;
		sum += after(
		    s->kept[i].end_at_us, s->kept[i].length_us, from_at_us);
	}
	return sum;
}
