/* SPDX-License-Identifier: ISC */
/* A set of items by their seq: a bit for each, in pages of 8 KiB. */
#ifndef STORE_SEQS_H
#define STORE_SEQS_H

#include <stdint.h>

struct seqs;

/* Of pages, 1 GiB: a list of 8 billion items, or a damaged file in which
 * numbers have no order. */
#define SEQS_PAGES_MAX 131072

struct seqs *seqs_new(void);
void seqs_free(struct seqs *s); /* NULL is allowed */
/* 1: added; 0: it was there; -1: too many pages. */
int seqs_add(struct seqs *s, uint64_t seq);
void seqs_remove(struct seqs *s, uint64_t seq);
int seqs_has(const struct seqs *s, uint64_t seq);
uint64_t seqs_count(const struct seqs *s);
/* The smallest one that is at least `from`; 0: there is none. */
uint64_t seqs_next(const struct seqs *s, uint64_t from);

#endif
