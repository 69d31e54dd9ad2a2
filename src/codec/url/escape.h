/* SPDX-License-Identifier: ISC */
/* Percent-escapes (RFC 3986 section 2.1). A part of codec/url. */
#ifndef CODEC_URL_ESCAPE_H
#define CODEC_URL_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* The byte that the escape at s.p[i] stands for; -1 if there is no good one. */
int url_escape_at(struct span s, size_t i);

/*
 * Which bytes a part of a URL may not have as they are: the percent-encode sets
 * of the URL standard, blanks and bytes outside ASCII among them.
 */
enum url_escape_set {
	URL_ESCAPE_PATH = 1,
	URL_ESCAPE_QUERY = 2, /* of http and https: the "special-query" set */
	URL_ESCAPE_FRAGMENT = 4,
};

/* Appends s with the bytes of that set escaped, all else as it is. */
void url_escape_put(struct buf *out, struct span s, enum url_escape_set set);

#endif
