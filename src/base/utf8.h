/* SPDX-License-Identifier: ISC */
/* UTF-8 (RFC 3629): no overlong forms, no surrogates, at most U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Length 1-4 of the valid sequence at the start of s, 0 if there is none. */
size_t utf8_len(struct span s);
/* s without the byte order mark (EF BB BF) at its start, if it has one. */
struct span utf8_skip_bom(struct span s);
/* How many bytes from the start of s are valid UTF-8. */
size_t utf8_valid(struct span s);
/* How many bytes of invalid UTF-8 at the start of s one U+FFFD replaces: the
 * longest prefix of a valid character, at least one. */
size_t utf8_invalid_len(struct span s);
/* At most `max` bytes from the front of s, cut between characters. */
struct span utf8_cut(struct span s, size_t max);
/* Writes code point c (a valid scalar value) to out; returns its length. */
size_t utf8_put(char out[4], uint32_t c);

#endif
