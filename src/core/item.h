/* SPDX-License-Identifier: ISC */
/*
 * Reads a line of input: its URL, its method, whether its request may be sent
 * twice. A leaf: decides nothing.
 */
#ifndef CORE_ITEM_H
#define CORE_ITEM_H

#include <stddef.h>

#include "base/error.h"
#include "base/span.h"
#include "codec/request.h"
#include "codec/url/url.h"

struct fetch;
struct job;
struct opts;

/* Memory that a line is parsed into. */
struct scratch {
	struct request request;
	struct url url, target;
};

/* Parses the URL of a valid line, resolved against --base-url if it is a
 * reference. Returns and sets *why, *at as url_parse does. */
enum err item_url(const struct job *j, struct url *u, struct span given,
    const char **why, size_t *at);
/* The URL of f's line, parsed again: valid until the next line is parsed. NULL
 * if the line is not valid. */
const struct url *item_own_url(const struct fetch *f);
/* The method of an item: its own, the option's, POST with a body, or GET. */
struct span item_method(const struct request *r, const struct opts *o);
/* Is an Idempotency-Key sent? It makes any method safe to send again. */
int item_has_idempotency_key(const struct request *r, const struct opts *o);
/* May f's next request be sent twice (RFC 9110 section 9.2.2)? */
int item_is_idempotent(const struct fetch *f);
/* Is its answer to be written while it arrives? */
int item_is_streamed(const struct request *r, const struct opts *o);

#endif
