/* SPDX-License-Identifier: ISC */
/* "Did you mean": which of some names was probably meant by a mistyped one. */
#ifndef BASE_GUESS_H
#define BASE_GUESS_H

#include <limits.h>

#include "base/span.h"

/* A guess in progress. */
struct guess {
	struct span typed;
	int best;  /* the smallest distance so far */
	int found; /* whose it is; -1: nobody's, or more than one's */
};

#define GUESS_OF(typed) ((struct guess){ (typed), INT_MAX, -1 })

/*
 * Takes name number i into account. It may be meant if it differs from what
 * was typed in one insertion, deletion, change or swap of neighbours (two if 8
 * characters or more were typed) or, less likely, if it begins with that.
 */
void guess_look(struct guess *g, struct span name, int i);

#endif
