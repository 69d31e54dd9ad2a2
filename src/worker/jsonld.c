/* SPDX-License-Identifier: ISC */
/* Extracts JSON-LD, verbatim except for line ends. */
#include "worker/jsonld.h"

#include "codec/media_type.h"
#include "worker/tree.h"

static int
check_jsonld(const xmlNode *n, struct buf *scratch)
{
	struct media_type m = { 0 };
	int is;

	if (!tree_is(n, "script"))
		return 0;
	media_type_read(&m, tree_attr(n, "type", scratch));
	is = span_eq(m.type, SPAN("application/ld+json"));
	media_type_fini(&m);
	return is;
}

void
jsonld_write(const struct doc *d, struct buf *scratch, struct answer *a)
{
	xmlNode *top, *n;
	struct span raw;

	answer_raw(a, SPAN("["));
	top = d->tree != NULL ? xmlDocGetRootElement(d->tree) : NULL;
	for (n = top; n != NULL && !a->full; n = tree_next(n, top)) {
		if (!check_jsonld(n, scratch) ||
		    !json_read_answer(tree_content(n, scratch), &raw))
			continue;
		answer_next(a);
		answer_line(a, raw);
	}
	answer_raw(a, SPAN("]"));
}
