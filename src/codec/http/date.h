/* SPDX-License-Identifier: ISC */
/*
 * Points in time as HTTP writes them: the three forms of RFC 9110 section 5.6.7
 * and RFC 3339's, which some APIs put into headers. Knows no clock, no zone but
 * UTC, no locale.
 */
#ifndef CODEC_HTTP_DATE_H
#define CODEC_HTTP_DATE_H

#include <stdint.h>

#include "base/span.h"

/*
 * An HTTP-date: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37
 * GMT" or "Sun Nov  6 08:49:37 1994"; names in any case, blanks around it
 * ignored. 0 with *unix_s set (below 0 before 1970), or -1. A year of two
 * digits is the latest that is no more than 50 years after now_s. The name of
 * the day need not fit the date; second 60 is the next minute's first.
 */
int http_date_parse(struct span s, int64_t now_s, int64_t *unix_s);

/*
 * RFC 3339: "1994-11-06T08:49:37Z", also with a fraction, or an offset in place
 * of the Z. 0 with *unix_us set, or -1.
 */
int http_date_rfc3339(struct span s, int64_t *unix_us);

#endif
