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
struct host;
struct source_line;

/* Ends in QUEUED, or in EMITTING with an error of phase input. */
void item_begin(struct core *c, const struct source_line *line);
/* Its line cannot be used after all: EMITTING, FILE:LINE:COLUMN: in front. */
void item_reject(struct fetch *f, enum err e, size_t column, const char *text);
/* The URL of an understood line, resolved against --base-url if it is a
 * reference; as url_parse. */
enum err item_url(const struct core *c, struct url *u, struct span given,
    const char **why, size_t *at);
/* Is its answer reported while it arrives? */
int item_is_streamed(const struct request *r, const struct opts *o);
/* Its own URL, read again: valid until the next line is looked at. NULL if that
 * cannot be done. */
const struct url *item_own_url(const struct fetch *f);
/* The origin of that. */
struct host *item_host(struct fetch *f);

#endif
