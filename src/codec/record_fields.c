/* SPDX-License-Identifier: ISC */
/* Reads --fields: which keys of a record, in which order. */
#include "codec/record_int.h"

_Static_assert(RECORD_NKEY <= sizeof(((struct record_format *)0)->key),
    "--fields can name every key");

static const char *const key_names[] = {
#define KEY(id, name, when, value) name,
#define WIDE(id, name) name,
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
};

static int
has_key(const struct record_format *f, enum record_key k)
{
	int i;

	for (i = 0; i < f->nkey; i++)
		if (f->key[i] == k)
			return 1;
	return 0;
}

/* The key of that name that is not in f yet, or RECORD_NKEY. */
static enum record_key
find_key(const struct record_format *f, struct span name)
{
	int k;

	for (k = 0; k < RECORD_NKEY; k++)
		if (span_eq(name, span_str(key_names[k])))
			break;
	return has_key(f, (enum record_key)k) ? RECORD_NKEY
					      : (enum record_key)k;
}

int
record_fields(struct record_format *f, struct span list, struct span *bad)
{
	struct span name;
	const char *comma;
	size_t n;
	enum record_key k;

	f->nkey = 0;
	for (;;) {
		comma = list.n > 0 ? memchr(list.p, ',', list.n) : NULL;
		n = comma != NULL ? (size_t)(comma - list.p) : list.n;
		name = span_trim(span_of(list.p, n));
		k = find_key(f, name);
		if (k == RECORD_NKEY) {
			*bad = name;
			return -1;
		}
		f->key[f->nkey++] = (unsigned char)k;
		if (comma == NULL)
			break;
		list = span_of(comma + 1, list.n - n - 1);
	}
	f->id_either = !has_key(f, RECORD_KEY_CUSTOM_ID);
	f->body_either = !has_key(f, RECORD_KEY_BODY_BASE64);
	f->json_either = !has_key(f, RECORD_KEY_BODY_JSON);
	return 0;
}
