/* SPDX-License-Identifier: ISC */
/*
 * Does an answer send us elsewhere (RFC 9110 section 15.4), and with what
 * request? Decides; the spine makes the move.
 */
#ifndef CORE_REDIRECT_H
#define CORE_REDIRECT_H

#include "base/error.h"

struct fetch;
struct host;

enum redirect {
	REDIRECT_NONE, /* this answer is the last one */
	REDIRECT_GO,   /* f->history holds the next hop */
	REDIRECT_BAD,  /* the item ends with *e */
};

/*
 * For the header section f->x has just completed. *detail is static or NULL.
 */
enum redirect redirect_judge(struct fetch *f, enum err *e, const char **detail);
/* The origin of the hop in f->history; forgotten unless f is queued there now.
 * NULL if the hop is no URL. */
struct host *redirect_host(struct fetch *f);

#endif
