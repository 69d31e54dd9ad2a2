/* SPDX-License-Identifier: ISC */
/* All scenarios, one program; each group says its own plan. */
#include "scenario.h"

int
main(void)
{
	return run_limits() + run_faults() + run_capacity() > 0;
}
