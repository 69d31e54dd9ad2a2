/* SPDX-License-Identifier: ISC */
/*
 * Comma-separated lists in field values (RFC 9110 section 5.6.1), and any
 * other value whose parts one byte separates. Quoted strings hold separators.
 * Knows no field.
 */
#ifndef CODEC_HTTP_LIST_H
#define CODEC_HTTP_LIST_H

#include "base/span.h"

/*
 * Takes the next member off *list, trimmed. Empty members are passed over: a
 * member has at least one byte. 0 at the end of the list.
 */
int http_list_next(struct span *list, struct span *member);

/*
 * Takes the bytes before the next `separator` outside quoted strings, and the
 * separator, off *s: all of it if there is none. The part may be empty and is
 * trimmed. A quoted string without its end reaches to the end of *s.
 */
struct span http_list_part(struct span *s, char separator);

#endif
