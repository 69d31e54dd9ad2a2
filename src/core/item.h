/* SPDX-License-Identifier: ISC */
/*
 * What a line of input says: its URL, its method, whether it may be sent twice.
 * A leaf: reads the line, and decides nothing.
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

/* What a line is read into, before it waits and when it is read again. */
struct scratch {
	struct request request;
	struct url url, target;
};

/* The URL of an understood line, resolved against --base-url if it is a
 * reference; as url_parse. */
enum err item_url(const struct job *j, struct url *u, struct span given,
    const char **why, size_t *at);
/* The URL of f's line, read again: valid until the next line is looked at. NULL
 * if that cannot be done. */
const struct url *item_own_url(const struct fetch *f);
/* The method of an item: its own, the option's, POST with a body, GET. */
struct span item_method(const struct request *r, const struct opts *o);
/* Is an Idempotency-Key sent? It makes any method safe to send again. */
int item_has_idempotency_key(const struct request *r, const struct opts *o);
/* May f's next request be sent twice (RFC 9110 section 9.2.2)? */
int item_is_idempotent(const struct fetch *f);
/* Is its answer reported while it arrives? */
int item_is_streamed(const struct request *r, const struct opts *o);

#endif
