/* SPDX-License-Identifier: ISC */
/*
 * Parses points in time as they occur in headers: the three forms of RFC 9110
 * section 5.6.7, and RFC 3339 as some APIs send it. Independent of clock, time
 * zone and locale.
 */
#ifndef CODEC_HTTP_DATE_H
#define CODEC_HTTP_DATE_H

#include <stdint.h>

#include "base/span.h"

/*
 * An HTTP-date: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37
 * GMT" or "Sun Nov  6 08:49:37 1994"; names in any case, spaces around it
 * ignored. 0 with *unix_s set (below 0 before 1970), or -1. A year of two
 * digits is the latest one no more than 50 years after now_s. The name of the
 * day is not compared with the date. Second 60 is the first of the next minute.
 */
int http_date_parse(struct span s, int64_t now_s, int64_t *unix_s);

/*
 * RFC 3339: "1994-11-06T08:49:37Z", optionally with a fraction, or with an
 * offset instead of the Z. 0 with *unix_us set, or -1.
 */
int http_date_rfc3339(struct span s, int64_t *unix_us);

#endif
