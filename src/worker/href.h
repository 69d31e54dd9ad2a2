/* SPDX-License-Identifier: ISC */
/* References as they stand in documents. Knows no tree. */
#ifndef WORKER_HREF_H
#define WORKER_HREF_H

#include "base/buf.h"
#include "base/span.h"
#include "codec/url/url.h"

/*
 * url_resolve, after what the URL standard does first: blanks and control bytes
 * at both ends, and tabs and line ends anywhere, do not count. May use scratch,
 * in which ref must not lie.
 */
enum err href_resolve(struct url *u, const struct url *base, struct span ref,
    struct buf *scratch);

#endif
