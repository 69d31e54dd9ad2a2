/* SPDX-License-Identifier: ISC */
/* The title of a document. Knows no job. */
#ifndef WORKER_TITLE_H
#define WORKER_TITLE_H

#include "base/buf.h"
#include "worker/answer.h"
#include "worker/doc.h"

/*
 * A string: the text of the first <title> that is not a drawing's, of a feed
 * its own one, white space collapsed; null if there is none.
 */
void title_write(const struct doc *d, struct buf *scratch, struct answer *a);

#endif
