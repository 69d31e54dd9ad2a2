/* SPDX-License-Identifier: ISC */
/*
 * The options as data: rows, fields, defaults, and who owns the strings.
 * Knows neither argv nor what the values mean to each other.
 */
#include "options/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "options/row.h"

#define OPT_AT_BOOL(id) offsetof(struct opts, id)
#define OPT_AT_INT(id) offsetof(struct opts, id)
#define OPT_AT_SIZE(id) offsetof(struct opts, id##_bytes)
#define OPT_AT_DUR(id) offsetof(struct opts, id##_us)
#define OPT_AT_RATE(id) offsetof(struct opts, id)
#define OPT_AT_STR(id) offsetof(struct opts, id)
#define OPT_AT_PATH(id) offsetof(struct opts, id)
#define OPT_AT_LIST(id) offsetof(struct opts, id)
#define OPT_AT_ENUM(id) offsetof(struct opts, id)

static const struct opt_row rows[OPT_COUNT] = {
#define OPT(id, name, letter, type, def, min, max, group, meta, help, more) \
	[OPT_##id] = { name, letter, OPT_##type, def, min, max, \
		OPT_IN_##group, meta, help, more, OPT_AT_##type(id) },
#include "options/table.h"
#undef OPT
};

static const char *const titles[OPT_GROUP_COUNT] = {
#define GROUP(id, title) [OPT_IN_##id] = title,
	OPT_GROUPS(GROUP)
#undef GROUP
};

const struct opt_row *
opts_row(enum opt id)
{
	CHECK(id < OPT_COUNT);
	return &rows[id];
}

const char *
opts_group_title(enum opt_group g)
{
	CHECK(g < OPT_GROUP_COUNT);
	return titles[g];
}

char *
opts_keep(struct opts *o, const char *p, size_t n)
{
	o->kept = mem_grow(o->kept, o->nkept, &o->kept_cap, sizeof(o->kept[0]));
	return o->kept[o->nkept++] = mem_strndup(p, n);
}

static void
list_add(struct opt_list *l, char *value, unsigned at)
{
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 8;
		l->v = mem_realloc(l->v, l->cap * sizeof(l->v[0]));
		l->at = mem_realloc(l->at, l->cap * sizeof(l->at[0]));
	}
	l->v[l->n] = value;
	l->at[l->n++] = at;
}

static void
set_text(struct opts *o, const struct opt_row *row, const char *text)
{
	void *field = (char *)o + row->field;
	char *copy = opts_keep(o, text, strlen(text));

	if (row->type == OPT_LIST)
		list_add(field, copy, o->ngiven + 1);
	else
		*(const char **)field = copy;
}

static void
set_number(struct opts *o, const struct opt_row *row, int64_t value)
{
	void *field = (char *)o + row->field;

	switch (row->type) {
	case OPT_BOOL:
	case OPT_ENUM:
		*(int *)field = (int)value;
		break;
	case OPT_SIZE:
		*(uint64_t *)field = (uint64_t)value;
		break;
	case OPT_INT:
	case OPT_DUR:
		*(int64_t *)field = value;
		break;
	case OPT_STR:
	case OPT_LIST:
	case OPT_PATH:
	case OPT_RATE:
		CHECK(!"a number for another option");
	}
}

static int
is_text(const struct opt_row *row)
{
	return row->type == OPT_STR || row->type == OPT_LIST ||
	       row->type == OPT_PATH;
}

int
opts_set(struct opts *o, enum opt id, const char *text, struct buf *err)
{
	const struct opt_row *row = opts_row(id);
	struct opt_rate rate;
	int64_t value;

	if (row->type == OPT_PATH && *text == '\0') {
		buf_str(err, "a file name is missing");
		return -1;
	}
	if (row->type == OPT_RATE) {
		if (opts_rate(text, &rate, err) != 0)
			return -1;
		*(struct opt_rate *)(void *)((char *)o + row->field) = rate;
	} else if (is_text(row))
		set_text(o, row, text);
	else if (opts_value(row, text, &value, err) == 0)
		set_number(o, row, value);
	else
		return -1;
	o->given[id] = ++o->ngiven;
	return 0;
}

void
opts_defaults(struct opts *o)
{
	struct buf err = { 0 };
	int id;

	*o = (struct opts){ .limit = INT64_MAX };
	for (id = 0; id < OPT_COUNT; id++)
		if (*rows[id].def != '\0')
			CHECK(
			    opts_set(o, (enum opt)id, rows[id].def, &err) == 0);
	memset(o->given, 0, sizeof(o->given));
	o->ngiven = 0;
	buf_fini(&err);
}

void
opts_init(struct opts *o)
{
	struct buf err = { 0 };

	opts_defaults(o);
	CHECK(opts_derive(o, &err) == 0);
	buf_fini(&err);
}

static void
fini_list(struct opt_list *l)
{
	free(l->v);
	free(l->at);
}

void
opts_fini(struct opts *o)
{
	size_t i;

	for (i = 0; i < OPT_COUNT; i++)
		if (rows[i].type == OPT_LIST)
			fini_list((void *)((char *)o + rows[i].field));
	for (i = 0; i < o->nkept; i++) {
		explicit_bzero(o->kept[i], strlen(o->kept[i]));
		free(o->kept[i]);
	}
	free(o->kept);
	free(o->operands);
	free(o->headers);
	free(o->budgets);
	free(o->jobs);
	free(o->exec_argv);
	for (i = 0; i < o->npieces; i++) {
		explicit_bzero(o->pieces[i].text, o->pieces[i].n);
		free(o->pieces[i].text);
	}
	free(o->pieces);
	if (o->payload.n > 0)
		explicit_bzero(o->payload.p, o->payload.n);
	buf_fini(&o->payload);
	*o = (struct opts){ 0 };
}
