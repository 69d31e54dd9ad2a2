/* SPDX-License-Identifier: ISC */
/*
 * --retry-failed: opens the failed items of a run again, and at the end removes
 * their old records. The journal says how far that is, so that it goes on after
 * a kill at any moment.
 */
#ifndef ENGINE_RETRY_H
#define ENGINE_RETRY_H

#include "base/buf.h"
#include "engine_journal.h"
#include "options/options.h"

struct seqs;

/* The functions return 0, or an exit status after appending a message to err.
 */

/* The state was read, no output is open. Finishes a removal that was cut off,
 * and with --retry-failed opens the failed items. */
int engine_retry_begin(
    struct engine_journal *j, const struct opts *o, struct buf *err);
/* These items, which are done and failed, are open and not counted any more. */
void engine_retry_reopen(struct engine_journal *j, const struct seqs *failed);
/* Every item is done and durable: removes the records that newer ones replace,
 * if failed items were opened. */
int engine_retry_finish(
    struct engine_journal *j, const struct opts *o, struct buf *err);

#endif
