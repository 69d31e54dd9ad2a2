/* SPDX-License-Identifier: ISC */
/*
 * The input of each job, read no further than is needed to keep its transfers
 * going.
 */
#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

#include <stddef.h>
#include <stdint.h>

struct core;
struct input;

/* The first line with something odd in it that is fetched all the same. */
struct oddity {
	const char *source; /* file, "-", "argument"; NULL: there was none */
	uint64_t line;
};

struct intake {
	struct input *input;
	int ended;                 /* no more will come, */
	int failed;                /* because it could not be read */
	struct oddity two_urls;    /* after a comma or blank another one */
	struct oddity method_case; /* "get" */
};

/*
 * Reads items of every job, up to a batch, as far as it needs some. Nonzero:
 * there may be more to read just now.
 */
int intake_read(struct core *c);
/* Does any job need more items? */
int intake_is_wanted(const struct core *c);
/*
 * The run has ended early: was_left of each job says afterwards whether there
 * are items without a record, as far as its input is known, and intake.ended
 * whether all of that is.
 */
void intake_judge_left(struct core *c);

#endif
