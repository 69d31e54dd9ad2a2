/* SPDX-License-Identifier: ISC */
/* Looking up fields in a section that was read. Knows no field by name. */
#include "codec/http.h"

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
