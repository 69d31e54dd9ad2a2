/* SPDX-License-Identifier: ISC */
/* Parses --fields: the keys of a record, or parts of them, in order. */
#include "base/check.h"
#include "codec/record/record_int.h"

static const char *const key_names[] = {
#define KEY(id, name, when, value, type, text) name,
#define WIDE(id, name, type, text) name,
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

const char *
record_key_name(int i)
{
	return i < RECORD_NKEY ? key_names[i] : NULL;
}

static int
has_name(const struct record_format *f, struct span name)
{
	int i;

	for (i = 0; i < f->nfield; i++)
		if (span_eq(f->field[i].name, name))
			return 1;
	return 0;
}

static int
has_key(const struct record_format *f, enum record_key k)
{
	return has_name(f, span_str(key_names[k]));
}

/* May its value be an object or a list? */
static int
has_parts(enum record_key k)
{
	return k == RECORD_KEY_META || k == RECORD_KEY_FLAGS ||
	       k == RECORD_KEY_HEADER || k == RECORD_KEY_TRAILER ||
	       k == RECORD_KEY_INTERIM || k == RECORD_KEY_BODY_JSON ||
	       k == RECORD_KEY_ATTEMPTS || k == RECORD_KEY_EXTRACT ||
	       k == RECORD_KEY_PARSE;
}

static enum record_fields_fault
take_field(struct record_format *f, struct span name)
{
	struct record_field *field = &f->field[f->nfield];
	const char *dot = name.n > 0 ? memchr(name.p, '.', name.n) : NULL;
	struct span key = name;
	int k;

	if (dot != NULL)
		key.n = (size_t)(dot - name.p);
	for (k = 0; k < RECORD_NKEY; k++)
		if (span_eq(key, span_str(key_names[k])))
			break;
	if (k == RECORD_NKEY || name.n == key.n + 1)
		return RECORD_FIELDS_UNKNOWN;
	if (dot != NULL && !has_parts((enum record_key)k))
		return RECORD_FIELDS_NO_OBJECT;
	if (has_name(f, name))
		return RECORD_FIELDS_REPEATED;
	if (f->nfield == RECORD_FIELDS_MAX)
		return RECORD_FIELDS_TOO_MANY;
	*field = (struct record_field){ (unsigned char)k, name, SPAN_NONE };
	if (dot != NULL)
		field->path = span_of(dot + 1, name.n - key.n - 1);
	f->nfield++;
	return RECORD_FIELDS_OK;
}

enum record_fields_fault
record_fields(struct record_format *f, struct span list, struct span *bad)
{
	enum record_fields_fault fault;
	const char *comma;
	size_t n;

	f->nfield = 0;
	for (;;) {
		comma = list.n > 0 ? memchr(list.p, ',', list.n) : NULL;
		n = comma != NULL ? (size_t)(comma - list.p) : list.n;
		*bad = span_trim(span_of(list.p, n));
		fault = take_field(f, *bad);
		if (fault != RECORD_FIELDS_OK)
			return fault;
		if (comma == NULL)
			break;
		list = span_of(comma + 1, list.n - n - 1);
	}
	f->id_either = !has_key(f, RECORD_KEY_CUSTOM_ID);
	f->body_either = !has_key(f, RECORD_KEY_BODY_BASE64);
	f->json_either = !has_key(f, RECORD_KEY_BODY_JSON);
	return RECORD_FIELDS_OK;
}

void
record_fields_need(struct record_format *f, struct span name)
{
	if (f->nfield > 0 && !has_name(f, name))
		CHECK(take_field(f, name) == RECORD_FIELDS_OK);
}
