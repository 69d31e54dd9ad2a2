/* SPDX-License-Identifier: ISC */
/* Extracts the title of a document. */
#ifndef WORKER_TITLE_H
#define WORKER_TITLE_H

#include "base/buf.h"
#include "worker/answer.h"
#include "worker/doc.h"

/*
 * Writes a string: the text of the first <title> outside <svg>, or the title of
 * a feed, white space collapsed; null if there is none.
 */
void title_write(const struct doc *d, struct buf *scratch, struct answer *a);

#endif
