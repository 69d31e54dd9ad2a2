/* SPDX-License-Identifier: ISC */
/*
 * Splits field values: comma-separated lists (RFC 9110 section 5.6.1), and
 * values with another separator. Separators inside quoted strings do not count.
 */
#ifndef CODEC_HTTP_LIST_H
#define CODEC_HTTP_LIST_H

#include "base/span.h"

/*
 * Removes the next non-empty member from *list and trims it. 0 at the end of
 * the list.
 */
int http_list_next(struct span *list, struct span *member);

/*
 * Removes the bytes up to and including the next `separator` outside quoted
 * strings from *s (all of it if there is none), and returns them without the
 * separator, trimmed. The result may be empty. An unterminated quoted string
 * extends to the end of *s.
 */
struct span http_list_part(struct span *s, char separator);

#endif
