/* SPDX-License-Identifier: ISC */
/* Percent-escapes (RFC 3986 section 2.1); for codec/url only. */
#ifndef CODEC_URL_ESCAPE_H
#define CODEC_URL_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* The byte that the escape at s.p[i] denotes; -1 if there is no valid escape.
 */
int url_escape_at(struct span s, size_t i);

/*
 * The percent-encode sets of the URL standard: bytes that must be escaped in a
 * part of a URL, including spaces and bytes outside ASCII.
 */
enum url_escape_set {
	URL_ESCAPE_PATH = 1,
	URL_ESCAPE_QUERY = 2, /* the "special-query" set of http and https */
	URL_ESCAPE_FRAGMENT = 4,
};

/* Appends s with the bytes of that set escaped. */
void url_escape_put(struct buf *out, struct span s, enum url_escape_set set);

#endif
