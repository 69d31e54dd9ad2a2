/* SPDX-License-Identifier: ISC */
/*
 * Determines the encoding of a document and converts it to UTF-8. The order is
 * that of the HTML standard: BOM, HTTP header, <meta> or XML declaration within
 * the first 1024 bytes, else UTF-8 if valid, else windows-1252. Labels and
 * tables are those of the Encoding standard. Owner of iconv.
 */
#ifndef WORKER_CHARSET_CHARSET_H
#define WORKER_CHARSET_CHARSET_H

#include "base/buf.h"
#include "base/span.h"

struct charset;

/* Where to look besides BOM and header. */
enum charset_look {
	CHARSET_LOOK_HTML, /* <meta>, XML declaration */
	CHARSET_LOOK_XML,  /* XML declaration; else it is UTF-8 */
	CHARSET_LOOK_NOT,
};

/*
 * Opens all converters, so that no file is opened later. An encoding that iconv
 * does not support is treated as not declared.
 */
struct charset *charset_new(void);
void charset_free(struct charset *cs);

/*
 * The text of `body` as valid UTF-8 without BOM and NULs: a part of `body` if
 * no conversion is needed, otherwise written to `out`, at most three times as
 * long. Undecodable bytes become U+FFFD. `charset` is the parameter of its
 * media type.
 */
struct span charset_utf8(struct charset *cs, struct span body,
    struct span charset, enum charset_look look, struct buf *out);

#endif
