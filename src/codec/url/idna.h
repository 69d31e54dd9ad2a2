/* SPDX-License-Identifier: ISC */
/*
 * Labels of internationalised host names: U-labels mapped to A-labels (UTS 46,
 * non-transitional), A-labels looked at. A part of codec/url/host. Owner of
 * libidn2.
 */
#ifndef CODEC_URL_IDNA_H
#define CODEC_URL_IDNA_H

#include <stddef.h>

#include "base/span.h"

#define URL_IDNA_LABEL_MAX 63
/* Bytes of a label before its mapping, which may shorten it. */
#define URL_IDNA_GIVEN_MAX 1024

/* Does the label begin with "xn--", in whatever case? */
int url_idna_has_prefix(struct span label);

/*
 * Is an ASCII label that begins with "xn--" the Punycode (RFC 3492) of any text
 * with a character beyond ASCII and without control characters? UTS 46 need
 * not produce it: a name with an emoji is registered and resolved all the same.
 */
int url_idna_is_alabel(struct span label);

/*
 * Maps a UTF-8 label of at most URL_IDNA_GIVEN_MAX bytes to
 * to[URL_IDNA_LABEL_MAX] and returns the length; SIZE_MAX if it cannot be one.
 * As browsers do, it takes hyphens anywhere, and what UTS 46 allows but
 * IDNA2008 does not (emoji). The result may have any ASCII byte.
 */
size_t url_idna_map(char *to, struct span label);

#endif
