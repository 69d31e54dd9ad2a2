/* SPDX-License-Identifier: ISC */
/* The lists of a filter as the input of its job. */
#ifndef ENGINE_INPUT_H
#define ENGINE_INPUT_H

#include "core/input.h"

struct engine_journal;

/* An input over an io/source, which stays its owner's. */
struct engine_input {
	struct input input;
	struct source *source;
	struct engine_journal *journal; /* NULL: everything is fetched */
	uint64_t read;                  /* items; the token of the last one */
	uint64_t limit;                 /* of items */
};

void
engine_input_init(struct engine_input *i, struct source *s, uint64_t limit);
/* Items that the journal says are done are left out, and it is told of all
 * others. Before the first item. */
void engine_input_use_journal(
    struct engine_input *i, struct engine_journal *journal);

#endif
