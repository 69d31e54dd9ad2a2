/* SPDX-License-Identifier: ISC */
/* The message of an error, for people: `errormsg` of a record. */
#ifndef CORE_EXPLAIN_H
#define CORE_EXPLAIN_H

struct buf;
struct fetch;

/* Appends it. f has failed and still has its exchange. */
void explain_error(struct buf *out, const struct fetch *f);

#endif
