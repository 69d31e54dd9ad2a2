/* SPDX-License-Identifier: ISC */
/*
 * A line of input becomes a fetch: understood far enough to know its origin,
 * or to say what is wrong with it.
 */
#ifndef CORE_ITEM_H
#define CORE_ITEM_H

#include <stddef.h>

#include "core/core.h"

struct fetch;
struct source_line;

/* Ends in QUEUED, or in EMITTING with an error of phase input. */
void item_begin(struct core *c, const struct source_line *line);
/* Its line cannot be used after all: EMITTING, FILE:LINE:COLUMN: in front. */
void item_reject(struct fetch *f, enum err e, size_t column, const char *text);
/* May its request be sent twice (RFC 9110 section 9.2.2)? */
int item_is_idempotent(const struct fetch *f);

#endif
