/* SPDX-License-Identifier: ISC */
/*
 * struct opts: sets its fields from texts and owns their memory. Knows neither
 * argv nor how values depend on each other.
 */
#include "options/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "options/options_int.h"

/* The field of a row, whatever its type. */
static void *
field(struct opts *o, const struct opt_row *row)
{
	return (char *)o + row->field;
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
	size_t cap = l->cap;

	l->at = mem_grow(l->at, l->n, &cap, sizeof(l->at[0]));
	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(l->v[0]));
	l->v[l->n] = value;
	l->at[l->n++] = at;
}

static void
set_text(struct opts *o, const struct opt_row *row, const char *text)
{
	char *copy = opts_keep(o, text, strlen(text));

	if (row->type == OPT_LIST)
		list_add(field(o, row), copy, o->ngiven + 1);
	else
		*(const char **)field(o, row) = copy;
}

static void
set_number(struct opts *o, const struct opt_row *row, int64_t value)
{
	switch (row->type) {
	case OPT_BOOL:
	case OPT_ENUM:
		*(int *)field(o, row) = (int)value;
		break;
	case OPT_SIZE:
		*(uint64_t *)field(o, row) = (uint64_t)value;
		break;
	case OPT_INT:
	case OPT_DUR:
		*(int64_t *)field(o, row) = value;
		break;
	case OPT_STR:
	case OPT_LIST:
	case OPT_PATH:
	case OPT_RATE:
		CHECK(!"the type has no single number");
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
		buf_str(err, "the file name is empty");
		return -1;
	}
	if (row->type == OPT_RATE) {
		if (opts_rate(text, &rate, err) != 0)
			return -1;
		*(struct opt_rate *)field(o, row) = rate;
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
	const char *def;
	int id;

	*o = (struct opts){ .limit = INT64_MAX };
	for (id = 0; id < OPT_COUNT; id++) {
		def = opts_row((enum opt)id)->def;
		if (*def != '\0')
			CHECK(opts_set(o, (enum opt)id, def, &err) == 0);
	}
	memset(o->given, 0, sizeof(o->given));
	o->ngiven = 0;
	buf_fini(&err);
}

static const struct opt_list *
list_of(const struct opts *o, enum opt id)
{
	const struct opt_row *row = opts_row(id);

	CHECK(row->type == OPT_LIST);
	return (const void *)((const char *)o + row->field);
}

int
opts_visit(struct opt_visit *v, enum opt *id, const char **text)
{
	const struct opt_list *l, *first = NULL;
	size_t i, at = 0;

	for (i = 0; i < v->n; i++) {
		l = list_of(v->o, v->ids[i]);
		if (v->next[i] == l->n ||
		    (first != NULL &&
			l->at[v->next[i]] > first->at[v->next[at]]))
			continue;
		first = l;
		at = i;
	}
	if (first == NULL)
		return 0;
	*id = v->ids[at];
	*text = first->v[v->next[at]++];
	return 1;
}

void
opts_fini(struct opts *o)
{
	const struct opt_row *row;
	struct opt_list *l;
	size_t i;

	for (i = 0; i < OPT_COUNT; i++) {
		row = opts_row((enum opt)i);
		if (row->type != OPT_LIST)
			continue;
		l = field(o, row);
		free(l->v);
		free(l->at);
	}
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
	buf_wipe(&o->payload);
	*o = (struct opts){ 0 };
}
