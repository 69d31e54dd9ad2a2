/* SPDX-License-Identifier: ISC */
/*
 * Which encoding a document is in, by the HTML standard's order (BOM, HTTP
 * header, <meta> or XML declaration within the first 1024 bytes, else UTF-8 if
 * it is valid, else windows-1252), and its bytes as UTF-8. Labels as in the
 * Encoding standard. Owner of iconv.
 */
#ifndef WORKER_CHARSET_H
#define WORKER_CHARSET_H

#include "base/buf.h"
#include "base/span.h"

struct charset;

/* Opens every converter there may be need of: afterwards no file is opened. */
struct charset *charset_new(void);
void charset_free(struct charset *cs);

/*
 * The text of `body` as valid UTF-8 without BOM, NULs as U+FFFD: `body` itself
 * if that is what it is, otherwise written to `out`. `is_xml`: look for an XML
 * declaration. What cannot be decoded is U+FFFD.
 */
struct span charset_utf8(struct charset *cs, struct span body,
    struct span content_type, int is_xml, struct buf *out);

#endif
