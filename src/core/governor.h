/* SPDX-License-Identifier: ISC */
/*
 * What a run has learnt of its origins and rates, as bytes: a run that is
 * resumed goes on with it. An origin that said Retry-After: 600 is not asked at
 * once, and a --budget is not spent twice.
 */
#ifndef CORE_GOVERNOR_H
#define CORE_GOVERNOR_H

#include <stdint.h>

#include "base/span.h"

struct buf;
struct core;
struct job;

#define GOVERNOR_BYTES_MAX (256u << 10)
#define GOVERNOR_ORIGINS_MAX 4096 /* those that are held go first */

/*
 * Appends the holds, rates, quotas and back-off of all origins that still
 * apply, and the windows of the job's rates and budgets; nothing if there are
 * none. At most GOVERNOR_BYTES_MAX.
 */
void core_save_governor(
    struct core *c, const struct job *j, struct buf *to, int64_t wall_us);
/*
 * After job_init and before the first pass. 0; or -1 if the bytes are damaged
 * or of an unknown version: then nothing is restored. No bytes are fine.
 * Moments that have passed are dropped. If the wall clock was set back
 * meanwhile, no time has passed: a hold never lasts longer than it did when it
 * was saved, nor longer than --retry-after-max unless its origin was given up.
 */
int core_restore_governor(
    struct core *c, struct job *j, struct span from, int64_t wall_us);

#endif
