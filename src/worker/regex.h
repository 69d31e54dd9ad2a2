/* SPDX-License-Identifier: ISC */
/*
 * Regular expressions (Perl's, by PCRE2) with bounded work. Owner of PCRE2.
 */
#ifndef WORKER_REGEX_H
#define WORKER_REGEX_H

#include "base/buf.h"
#include "base/span.h"

struct regex;

/* NULL with a text for people appended to why. */
struct regex *regex_new(struct span pattern, struct buf *why);
void regex_free(struct regex *r);

/*
 * Appends a JSON list of strings: the matches, or where the pattern has groups
 * what each of them caught, match by match ("" for one that took no part).
 * `text` is valid UTF-8. 0; -1 (and nothing appended) at a match limit.
 */
int regex_run(struct regex *r, struct span text, struct buf *out);

#endif
