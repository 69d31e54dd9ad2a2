/* SPDX-License-Identifier: ISC */
/* Looks up fields in a header section. */
#include "codec/http/http.h"

struct span
http_field_name(const struct http_fields *f, size_t i)
{
	return span_of(f->bytes.p + f->v[i].name_at, f->v[i].name_n);
}

struct span
http_field_value(const struct http_fields *f, size_t i)
{
	return span_of(f->bytes.p + f->v[i].value_at, f->v[i].value_n);
}

struct span
http_find(const struct http_fields *f, struct span name, size_t i)
{
	size_t k;

	for (k = 0; k < f->n; k++)
		if (f->v[k].name_n == name.n &&
		    span_eq(http_field_name(f, k), name) && i-- == 0)
			return http_field_value(f, k);
	return SPAN_NONE;
}

struct span
http_find_all(const struct http_fields *f, struct span name, struct buf *joined)
{
	struct span first = http_find(f, name, 0);
	struct span more = http_find(f, name, 1);
	size_t i;

	if (more.p == NULL)
		return first;
	joined->n = 0;
	buf_span(joined, first);
	for (i = 0; i < f->n; i++) {
		if (!span_eq(http_field_name(f, i), name) ||
		    http_field_value(f, i).p == first.p)
			continue;
		buf_str(joined, ", ");
		buf_span(joined, http_field_value(f, i));
	}
	return buf_view(joined);
}
