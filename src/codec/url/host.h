/* SPDX-License-Identifier: ISC */
/*
 * The host of a URL: a name, an internationalised name, or an IP address in
 * any of its spellings, brought to the one form it is known by. A part of
 * codec/url; nobody else calls it.
 */
#ifndef CODEC_URL_HOST_H
#define CODEC_URL_HOST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "codec/url/url.h"

/*
 * Appends the normal form of `in`, which holds no '@', '/', '?' or '#', to
 * `out`: a name in lower case with its A-labels, an IPv4 address dotted, an
 * IPv6 address in brackets. E_OK and *kind, or E_URL_HOST_INVALID (for what
 * stands in brackets: E_URL_INVALID) and *why; `out` is then as it was.
 */
enum err url_host_put(
    struct buf *out, struct span in, enum url_host *kind, const char **why);

#endif
