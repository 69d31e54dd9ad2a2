/* SPDX-License-Identifier: ISC */
/* The lists of a filter as the input of its job. */
#ifndef ENGINE_INPUT_H
#define ENGINE_INPUT_H

#include "core/input.h"

/* An input over an io/source, which stays its owner's. */
struct engine_input {
	struct input input;
	struct source *source;
	uint64_t given; /* items; the token of the last one */
};

void engine_input_init(struct engine_input *i, struct source *s);

#endif
