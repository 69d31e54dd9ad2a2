/* SPDX-License-Identifier: ISC */
/*
 * Writes <meta> elements as an object without repeated keys. The rows are
 * collected first, because they contain the links of the hash table and must
 * not move afterwards.
 */
#include "worker/meta.h"

#include "worker/tree.h"

#define KEEP_BYTES (1u << 20)

struct row {
	struct hash_link link;
	size_t at, n; /* the name, in m->text */
	const xmlNode *node;
	int is_written; /* it is in the hash table */
};

void
meta_init(struct meta *m)
{
	*m = (struct meta){ 0 };
	hash_init(&m->names);
}

void
meta_fini(struct meta *m)
{
	hash_fini(&m->names);
	buf_fini(&m->rows);
	buf_fini(&m->text);
	buf_fini(&m->content);
}

static void
add_row(struct meta *m, const xmlNode *n, const char *attr)
{
	struct span s = tree_attr(n, attr, &m->content);
	struct row r = { .at = m->text.n, .n = s.n, .node = n };

	if (s.n == 0)
		return;
	buf_lower(&m->text, s);
	buf_add(&m->rows, &r, sizeof(r));
}

static void
collect(struct meta *m, xmlNode *top)
{
	xmlNode *n;

	for (n = top; n != NULL; n = tree_next(n, top)) {
		if (!tree_is(n, "meta"))
			continue;
		add_row(m, n, "name");
		add_row(m, n, "property");
	}
}

static struct span
name_of(const struct meta *m, const struct row *r)
{
	return span_of(m->text.p + r->at, r->n);
}

static int
has_name(const struct meta *m, struct span name, uint64_t h)
{
	const struct hash_link *k;

	for (k = hash_first(&m->names, h); k != NULL; k = hash_next(k))
		if (span_eq(name_of(m, (const struct row *)k), name))
			return 1;
	return 0;
}

static void
put_row(struct meta *m, struct row *r, struct answer *a)
{
	struct span name = name_of(m, r);
	struct span content = tree_attr(r->node, "content", &m->content);
	uint64_t h = hash_of(&m->names, name);

	if (content.p == NULL || has_name(m, name, h))
		return;
	answer_next(a);
	hash_add(&m->names, &r->link, h);
	r->is_written = 1;
	answer_string(a, name);
	answer_raw(a, SPAN(":"));
	answer_string(a, content);
}

static void
forget(struct meta *m)
{
	struct row *row = (struct row *)m->rows.p;
	size_t i, n = m->rows.n / sizeof(*row);

	for (i = 0; i < n; i++)
		if (row[i].is_written)
			hash_del(&m->names, &row[i].link);
	buf_clear(&m->rows, KEEP_BYTES);
	buf_clear(&m->text, KEEP_BYTES);
	buf_clear(&m->content, KEEP_BYTES);
}

void
meta_write(struct meta *m, const struct doc *d, struct answer *a)
{
	struct row *row;
	size_t i, n;

	answer_raw(a, SPAN("{"));
	if (d->tree != NULL)
		collect(m, xmlDocGetRootElement(d->tree));
	row = (struct row *)m->rows.p;
	n = m->rows.n / sizeof(*row);
	for (i = 0; i < n && !a->full; i++)
		put_row(m, &row[i], a);
	forget(m);
	answer_raw(a, SPAN("}"));
}
