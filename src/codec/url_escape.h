/* SPDX-License-Identifier: ISC */
/* Percent-escapes (RFC 3986 section 2.1). A part of codec/url. */
#ifndef CODEC_URL_ESCAPE_H
#define CODEC_URL_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* The byte that the escape at s.p[i] stands for; -1 if there is no good one. */
int url_escape_at(struct span s, size_t i);
/* Appends s with blanks and bytes outside ASCII escaped, all else as it is. */
void url_escape_put(struct buf *out, struct span s);

#endif
