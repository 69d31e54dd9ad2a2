/* SPDX-License-Identifier: ISC */
/*
 * Writes the keys `header`, `trailer` and `interim`. Fields of one name become
 * one list. Linear in the number of fields.
 */
#include "base/check.h"
#include "codec/record/record_int.h"

/* Links fields of the same name: next[i] is the next such field, or 0.
 * first[i]: field i is the first of its name. */
struct groups {
	uint16_t next[HTTP_MAX_FIELDS];
	uint16_t last[HTTP_MAX_FIELDS]; /* of a first: the last of its name */
	uint16_t
	    chain[HTTP_MAX_FIELDS]; /* of a first: the next in its bucket */
	uint16_t bucket[256];       /* hash table: a first plus one, or 0 */
	unsigned char first[HTTP_MAX_FIELDS];
};

static void
group_field(struct groups *g, const struct http_fields *f, size_t i)
{
	struct span name = http_field_name(f, i);
	uint16_t *bucket, at;
	unsigned h = (unsigned)name.n;
	size_t k;

	for (k = 0; k < name.n; k++)
		h = h * 31 + (unsigned char)name.p[k];
	bucket = &g->bucket[(h ^ h >> 8) & 255];
	for (at = *bucket; at != 0; at = g->chain[at - 1])
		if (span_eq(http_field_name(f, at - 1u), name))
			break;
	g->next[i] = 0;
	g->first[i] = at == 0;
	if (at == 0) {
		g->last[i] = (uint16_t)i;
		g->chain[i] = *bucket;
		*bucket = (uint16_t)(i + 1);
	} else {
		g->next[g->last[at - 1]] = (uint16_t)i;
		g->last[at - 1] = (uint16_t)i;
	}
}

/* {"name":["value",...],...}, names in order of their first field. */
static void
add_fields(struct buf *out, const struct http_fields *f)
{
	struct groups g;
	size_t i, k;

	CHECK(f->n <= HTTP_MAX_FIELDS);
	memset(g.bucket, 0, sizeof(g.bucket));
	for (i = 0; i < f->n; i++)
		group_field(&g, f, i);
	buf_char(out, '{');
	for (i = 0; i < f->n; i++) {
		if (!g.first[i])
			continue;
		if (i > 0)
			buf_char(out, ',');
		record_add_string(out, http_field_name(f, i));
		buf_str(out, ":[");
		for (k = i;; k = g.next[k]) {
			record_add_string(out, http_field_value(f, k));
			if (g.next[k] == 0)
				break;
			buf_char(out, ',');
		}
		buf_char(out, ']');
	}
	buf_char(out, '}');
}

static void
add_interim(struct buf *out, const struct http *h)
{
	const struct http_interim *interim;
	size_t i, n = http_interim_count(h);

	for (i = 0; i < n; i++) {
		interim = http_interim(h, i);
		buf_str(out, i == 0 ? "[{" : ",{");
		buf_str(out, "\"status_code\":");
		buf_i64(out, interim->status);
		buf_str(out, ",\"header\":");
		add_fields(out, &interim->fields);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

void
record_header(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum record_key k)
{
	const struct http *h = r->http;
	const struct http_fields *fields = NULL;

	if (!f->include_headers)
		return;
	if (k == RECORD_KEY_INTERIM) {
		if (h != NULL && http_interim_count(h) > 0) {
			record_add_name(out, at, SPAN("interim"));
			add_interim(out, h);
		}
		return;
	}
	if (h != NULL && http_has_head(h))
		fields =
		    k == RECORD_KEY_HEADER ? http_header(h) : http_trailer(h);
	record_add_name(
	    out, at, k == RECORD_KEY_HEADER ? SPAN("header") : SPAN("trailer"));
	if (fields == NULL || (k == RECORD_KEY_TRAILER && fields->n == 0))
		buf_str(out, "null");
	else
		add_fields(out, fields);
}
