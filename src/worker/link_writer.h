/* SPDX-License-Identifier: ISC */
/* Writes one link of a document as JSON, with its URL made absolute. */
#ifndef WORKER_LINK_WRITER_H
#define WORKER_LINK_WRITER_H

#include "base/buf.h"
#include "codec/url/url.h"
#include "worker/answer.h"

/* Memory that is reused for the next link. All-zero is an empty one. */
struct link_writer {
	struct buf href, rel, text, scratch;
	struct url url;
};

void link_writer_fini(struct link_writer *w);
/* Gives back memory that a large document took. */
void link_writer_clear(struct link_writer *w);
/*
 * Appends {"url", "text", "rel"}; a rel whose p is NULL is null. Writes nothing
 * if href is not a valid http or https URL. `href` must not point into
 * w->scratch.
 */
void
link_writer_put(struct link_writer *w, struct answer *a, const struct url *base,
    struct span href, struct span text, struct span rel);

#endif
