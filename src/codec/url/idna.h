/* SPDX-License-Identifier: ISC */
/*
 * Labels of internationalised host names: maps U-labels to A-labels (UTS 46,
 * non-transitional) and validates A-labels. For codec/url/host only. Owner of
 * libidn2.
 */
#ifndef CODEC_URL_IDNA_H
#define CODEC_URL_IDNA_H

#include <stddef.h>

#include "base/span.h"

#define URL_IDNA_LABEL_MAX 63
/* Bytes of a label before its mapping, which may shorten it. */
#define URL_IDNA_GIVEN_MAX 1024

/* Does the label begin with "xn--", in any case? */
int url_idna_has_prefix(struct span label);

/*
 * Is an ASCII label that begins with "xn--" valid Punycode (RFC 3492) of a text
 * with non-ASCII and without control characters? UTS 46 need not allow the
 * text: names with emoji exist and resolve.
 */
int url_idna_is_alabel(struct span label);

/*
 * Maps a UTF-8 label of at most URL_IDNA_GIVEN_MAX bytes to
 * to[URL_IDNA_LABEL_MAX] and returns the length; SIZE_MAX if it is invalid.
 * Like browsers, accepts hyphens anywhere and characters that UTS 46 allows but
 * IDNA2008 does not (emoji). The result may contain any ASCII byte.
 */
size_t url_idna_map(char *to, struct span label);

#endif
