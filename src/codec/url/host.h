/* SPDX-License-Identifier: ISC */
/*
 * Normalises the host of a URL: a name, an internationalised name, or an IP
 * address in any spelling. For codec/url only.
 */
#ifndef CODEC_URL_HOST_H
#define CODEC_URL_HOST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "codec/url/url.h"

/*
 * Appends the normal form of `in` (without '@', '/', '?' and '#') to `out`: a
 * name in lower case with A-labels, a dotted IPv4 address, or an IPv6 address
 * in brackets. Returns E_OK with *kind set; or E_URL_HOST_INVALID
 * (E_URL_INVALID for brackets) with *why set and `out` unchanged.
 */
enum err url_host_put(
    struct buf *out, struct span in, enum url_host *kind, const char **why);

#endif
