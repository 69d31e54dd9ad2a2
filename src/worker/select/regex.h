/* SPDX-License-Identifier: ISC */
/*
 * Regular expressions (Perl's, by PCRE2) with bounded work, and where the two
 * differ in what scrapers write, Python's: \Z, \uXXXX, \v, {,n}. Letters,
 * digits and blanks are Unicode's. Owner of PCRE2.
 */
#ifndef WORKER_SELECT_REGEX_H
#define WORKER_SELECT_REGEX_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "worker/answer.h"

struct regex;

/* NULL with a text for people appended to why. */
struct regex *regex_new(struct span pattern, struct buf *why);
/* The same for both cases of letters. */
struct regex *regex_new_caseless(struct span pattern, struct buf *why);
void regex_free(struct regex *r);

/*
 * A list of strings: the matches, or where the pattern has groups what each of
 * them caught, match by match ("" for one that took no part). With a group
 * named "extract": what that caught at the first match, or nothing. So parsel's
 * .re() has it, but for its replacing of entities: what is matched is a source,
 * whose entities stay, or a text, in which there are none any more. `text` is
 * valid UTF-8. 0; -1 if it would have taken too much time or memory, with
 * nothing appended.
 */
int regex_run(struct regex *r, struct span text, struct answer *a);

/*
 * Match by match: regex_start, then regex_next until it is not 1: 0 at the end,
 * -1 at a limit. An empty match may follow a match that is not, as in Python.
 * `text` is valid UTF-8 and outlives the last call.
 */
void regex_start(struct regex *r, struct span text);
int regex_next(struct regex *r);
/* Of the match that regex_next found: 0 is all of it; p NULL for a group that
 * took no part. */
struct span regex_group(const struct regex *r, unsigned i);
/* How many groups the pattern has. */
unsigned regex_groups(const struct regex *r);
/* The number of the group called so; 0 if there is none. */
unsigned regex_group_number(const struct regex *r, struct span name);

#endif
