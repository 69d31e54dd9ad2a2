/* SPDX-License-Identifier: ISC */
/* What is known of a fetch, gathered for its record. */
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
 * Fills r; its spans stand in f, its exchange and t, which is zeroed at first.
 * is_line: for --exec, before its turn: without its value.
 */
void facts_fill(
    struct record *r, const struct fetch *f, struct facts *t, int is_line);
void facts_fini(struct facts *t);

#endif
