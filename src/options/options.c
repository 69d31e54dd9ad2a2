/* SPDX-License-Identifier: ISC */
/*
 * The life of struct opts: its defaults, one field set from text, its end.
 * Knows neither argv nor what the values mean to each other.
 */
#include "options/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "options/row.h"

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
		buf_str(err, "the file name is empty");
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
	const char *value;
	int id;

	*o = (struct opts){ .limit = INT64_MAX };
	for (id = 0; id < OPT_COUNT; id++) {
		value = opts_row((enum opt)id)->def;
		if (*value != '\0')
			CHECK(opts_set(o, (enum opt)id, value, &err) == 0);
	}
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
	const struct opt_row *row;
	size_t i;

	for (i = 0; i < OPT_COUNT; i++) {
		row = opts_row((enum opt)i);
		if (row->type == OPT_LIST)
			fini_list((void *)((char *)o + row->field));
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
	if (o->payload.n > 0)
		explicit_bzero(o->payload.p, o->payload.n);
	buf_fini(&o->payload);
	*o = (struct opts){ 0 };
}
