/* SPDX-License-Identifier: ISC */
/*
 * Which items of a run are done. Memory grows with the items that are open
 * (given and not done), not with the list. Knows no file.
 */
#ifndef STORE_PROGRESS_H
#define STORE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress;

struct progress_item {
	uint64_t seq;
	unsigned attempts;      /* that have failed, */
	unsigned tries;         /* of these, counted against --retry */
	int64_t not_before_us;  /* wall clock; 0: at once */
	unsigned was_begun : 1; /* a request that must not be sent twice was
				 * about to be sent */
	unsigned is_done : 1;   /* private */
};

struct progress *progress_new(void);
void progress_free(struct progress *p); /* NULL is allowed */

/* Opens an item; seq must be larger than any before. The seqs in between, if
 * there are any, count as done. */
void progress_give(struct progress *p, uint64_t seq);
/* Closes an open item. 0, or -1 if it is not open. */
int progress_done(struct progress *p, uint64_t seq);
/* The largest seq given; 0: none. */
uint64_t progress_last(const struct progress *p);
size_t progress_open(const struct progress *p);
/* An open item, or NULL. Valid until the next give or done. */
struct progress_item *progress_find(struct progress *p, uint64_t seq);
/* The open item with the smallest seq that is at least `seq`, or NULL. */
const struct progress_item *
progress_from(const struct progress *p, uint64_t seq);

#endif
