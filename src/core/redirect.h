/* SPDX-License-Identifier: ISC */
/*
 * Decides whether an answer is a redirect to follow (RFC 9110 section 15.4) and
 * what the next request is. core/fetch makes the move.
 */
#ifndef CORE_REDIRECT_H
#define CORE_REDIRECT_H

#include "base/error.h"

struct fetch;
struct host;

enum redirect {
	REDIRECT_NONE, /* not a redirect, or not one to follow */
	REDIRECT_GO,   /* f->history has the next request */
	REDIRECT_BAD,  /* the item fails with *e */
};

/*
 * For the header section that f->x has just completed. *detail is static or
 * NULL.
 */
enum redirect redirect_judge(struct fetch *f, enum err *e, const char **detail);
/* The origin of the next request in f->history. Queue f there at once: an
 * unused origin may be forgotten. NULL if the target is not a URL. */
struct host *redirect_host(struct fetch *f);

#endif
