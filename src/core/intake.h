/* SPDX-License-Identifier: ISC */
/* The reading of the input: as many lines as are needed just now. */
#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

struct core;

/* Does it take more lines to keep the slots busy, and is there room? */
int intake_is_wanted(const struct core *c);
/*
 * Reads lines and begins their fetches while they are wanted. Nonzero: there is
 * more to read that no event will tell of; 0: it waits for input, or there is
 * no more.
 */
int intake_read(struct core *c);
/*
 * The run has ended early: was_left says afterwards whether there are items
 * without a record, as far as the input is known, and input_ended whether all
 * of it is.
 */
void intake_judge_left(struct core *c);

#endif
