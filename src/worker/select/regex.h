/* SPDX-License-Identifier: ISC */
/*
 * Regular expressions with bounded work. The syntax is Perl's (PCRE2), except
 * where Python differs in constructs that scrapers use: \Z, \uXXXX, \v, {,n}.
 * Character classes follow Unicode. Owner of PCRE2.
 */
#ifndef WORKER_SELECT_REGEX_H
#define WORKER_SELECT_REGEX_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "worker/answer.h"

struct regex;

/* NULL with a message appended to why. */
struct regex *regex_new(struct span pattern, struct buf *why);
/* The same, case-insensitive. */
struct regex *regex_new_caseless(struct span pattern, struct buf *why);
void regex_free(struct regex *r);

/*
 * Writes a list of strings: the matches or, if the pattern has groups, the
 * groups of each match ("" for a group that did not take part). With a group
 * named "extract": only that group of the first match. This equals parsel's
 * .re(), except that entities are not replaced. `text` is valid UTF-8. 0; or -1
 * at a limit of time or memory, with nothing appended.
 */
int regex_run(struct regex *r, struct span text, struct answer *a);

/*
 * Iterates over matches: regex_start, then regex_next while it returns 1; 0
 * means no more matches, -1 a limit. As in Python, an empty match may directly
 * follow a non-empty one. `text` is valid UTF-8 and must outlive the last call.
 */
void regex_start(struct regex *r, struct span text);
int regex_next(struct regex *r);
/* Group i of the current match; 0 is the whole match. p NULL for a group that
 * did not take part. */
struct span regex_group(const struct regex *r, unsigned i);
/* The number of groups of the pattern. */
unsigned regex_groups(const struct regex *r);
/* The number of the group of that name; 0 if there is none. */
unsigned regex_group_number(const struct regex *r, struct span name);

#endif
