/* SPDX-License-Identifier: ISC */
/*
 * The tokens of unwritten records: each comes back when the bytes up to the end
 * of its record are written. For implementations of struct output.
 */
#ifndef CORE_OUTPUT_TOKENS_H
#define CORE_OUTPUT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "core/output/output.h"

/* The ends of a record in two streams: the records, --failed-input. */
struct tokens_end {
	uint64_t out, failed;
};

/* All-zero: none. */
struct tokens {
	struct tokens_entry {
		struct output_token token;
		struct tokens_end end;
	} * v;                /* a ring */
	size_t first, n, cap; /* cap: a power of two, or 0 */
};

void tokens_fini(struct tokens *t);
/* Neither end may lie before that of the token put before. */
void tokens_put(
    struct tokens *t, const struct output_token *token, struct tokens_end end);
/* Nonzero: *token is the oldest one, and both streams are written that far; it
 * is removed. */
int tokens_take(
    struct tokens *t, struct tokens_end written, struct output_token *token);
/* Nonzero: *end is that of the newest record that is written in both streams.
 */
int tokens_last_written(
    const struct tokens *t, struct tokens_end written, struct tokens_end *end);

#endif
