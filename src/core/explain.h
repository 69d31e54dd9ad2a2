/* SPDX-License-Identifier: ISC */
/* Why a fetch failed, in words: the errormsg of its record. */
#ifndef CORE_EXPLAIN_H
#define CORE_EXPLAIN_H

struct buf;
struct fetch;

/* Appends it; the fetch has failed and has its exchange. */
void explain_error(struct buf *out, const struct fetch *f);

#endif
