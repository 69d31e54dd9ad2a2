/* SPDX-License-Identifier: ISC */
/*
 * Reads the input of each job, no further than needed to keep its transfers
 * going.
 */
#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

#include <stddef.h>
#include <stdint.h>

struct core;
struct input;

/* The first line with a likely mistake, which is fetched nevertheless. */
struct oddity {
	const char *source; /* file, "-", "argument"; NULL: there is none */
	uint64_t line;
};

struct intake {
	struct input *input;
	int ended;                 /* no more items will come */
	int failed;                /* because reading failed */
	struct oddity two_urls;    /* two URLs in one line */
	struct oddity method_case; /* a method in lower case, as "get" */
};

/*
 * Reads up to a batch of items for each job that needs some. Nonzero: more may
 * be read without waiting.
 */
int intake_read(struct core *c);
/* Does any job need more items? */
int intake_is_wanted(const struct core *c);
/*
 * After a run that was stopped: sets was_left of each job if it has items
 * without a record, as far as its input is known, and intake.ended if all of
 * the input is known.
 */
void intake_check_left(struct core *c);

#endif
