/* SPDX-License-Identifier: ISC */
/* Resolves URL references as they occur in documents. */
#ifndef WORKER_HREF_H
#define WORKER_HREF_H

#include "base/buf.h"
#include "base/span.h"
#include "codec/url/url.h"

/*
 * Like url_resolve, but first removes spaces and control bytes at both ends,
 * and tabs and line ends anywhere, as the URL standard requires. May use
 * scratch; ref must not point into it.
 */
enum err href_resolve(struct url *u, const struct url *base, struct span ref,
    struct buf *scratch);

#endif
