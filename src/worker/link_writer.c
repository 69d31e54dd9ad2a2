/* SPDX-License-Identifier: ISC */
/* Writes one link of a document as JSON. */
#include "worker/link_writer.h"

#include "worker/href.h"

#define KEEP_BYTES (1u << 20)

void
link_writer_fini(struct link_writer *w)
{
	buf_fini(&w->href);
	buf_fini(&w->rel);
	buf_fini(&w->text);
	buf_fini(&w->scratch);
	url_fini(&w->url);
}

void
link_writer_clear(struct link_writer *w)
{
	buf_clear(&w->href, KEEP_BYTES);
	buf_clear(&w->rel, KEEP_BYTES);
	buf_clear(&w->text, KEEP_BYTES);
	buf_clear(&w->scratch, KEEP_BYTES);
}

void
link_writer_put(struct link_writer *w, struct answer *a, const struct url *base,
    struct span href, struct span text, struct span rel)
{
	if (href_resolve(&w->url, base, href, &w->scratch) != E_OK)
		return;
	answer_next(a);
	answer_raw(a, SPAN("{\"url\":"));
	answer_string(a, url_text(&w->url));
	answer_raw(a, SPAN(",\"text\":"));
	answer_string(a, text);
	answer_raw(a, SPAN(",\"rel\":"));
	answer_string(a, rel);
	answer_raw(a, SPAN("}"));
}
