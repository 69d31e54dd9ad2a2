/* SPDX-License-Identifier: ISC */
/* Collects the facts of a fetch for its record. */
#ifndef CORE_OUTPUT_FACTS_H
#define CORE_OUTPUT_FACTS_H

#include "base/buf.h"
#include "codec/record/record.h"
#include "codec/url/url.h"
#include "core/xchg.h"

struct fetch;

/* Strings made for one record. */
struct facts {
	struct buf input, errormsg, location;
	struct url target;
	char ip[XCHG_IP_TEXT];
};

/*
 * Fills r; its spans point into f, its exchange and t. Zero t before; free it
 * with facts_fini when r is not used any more. is_line: for the line that
 * --exec reads, which has no result of --exec yet.
 */
void facts_fill(
    struct record *r, const struct fetch *f, struct facts *t, int is_line);
void facts_fini(struct facts *t);

#endif
