/* SPDX-License-Identifier: ISC */
/*
 * Which encoding a document is in, by the HTML standard's order (BOM, HTTP
 * header, <meta> or XML declaration within the first 1024 bytes, else UTF-8 if
 * it is valid, else windows-1252), and its bytes as UTF-8. Labels and tables as
 * in the Encoding standard. Owner of iconv.
 */
#ifndef WORKER_CHARSET_CHARSET_H
#define WORKER_CHARSET_CHARSET_H

#include "base/buf.h"
#include "base/span.h"

struct charset;

/* Where else to look than at BOM and header. */
enum charset_look {
	CHARSET_LOOK_HTML, /* <meta>, XML declaration */
	CHARSET_LOOK_XML,  /* XML declaration; else it is UTF-8 */
	CHARSET_LOOK_NOT,
};

/*
 * Opens every converter there may be need of: afterwards no file is opened. An
 * encoding that iconv lacks here counts as one nobody named.
 */
struct charset *charset_new(void);
void charset_free(struct charset *cs);

/*
 * The text of `body` as valid UTF-8 without BOM and without NULs: a part of
 * `body` if that is what it is, otherwise written to `out`, at most three times
 * as long. What cannot be decoded is U+FFFD. `charset` is the parameter of
 * its media type.
 */
struct span charset_utf8(struct charset *cs, struct span body,
    struct span charset, enum charset_look look, struct buf *out);

#endif
