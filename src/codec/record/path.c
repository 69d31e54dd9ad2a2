/* SPDX-License-Identifier: ISC */
/*
 * A part of a key's value, by a path ("extract.exec.price", "header.etag.0"):
 * names into objects, numbers into lists. What is not there is null. Knows
 * JSON and where a record has it raw, not what it means.
 */
#include <string.h>

#include "codec/json/json.h"
#include "codec/record/record_int.h"

/* ---- the way to it ---- */

/* A name may have dots of its own: what is left of the path behind it. */
static int
match_name(struct span path, struct span name, int any_case, struct span *rest)
{
	struct span start = span_of(path.p, name.n < path.n ? name.n : path.n);

	if (!(any_case ? span_ieq(start, name) : span_eq(start, name)))
		return 0;
	*rest = span_of(path.p + name.n, path.n - name.n);
	if (rest->n == 0)
		return 1;
	if (rest->n < 2 || *rest->p != '.')
		return 0;
	*rest = span_of(rest->p + 1, rest->n - 1);
	return 1;
}

static struct span
key_text(const struct json_value *key, struct buf *scratch)
{
	if (!key->escaped)
		return json_inside(key);
	scratch->n = 0;
	json_unescape(scratch, key);
	return buf_view(scratch);
}

static struct span find(struct span text, struct span path, int any_case);

/* Of several names that fit the longest, of equal ones the last. */
static struct span
find_member(struct span text, struct span path, int any_case)
{
	struct span found = SPAN_NONE, name, rest, part;
	struct buf scratch = { 0 };
	struct json_value key, v;
	size_t longest = 0;
	struct json j;

	json_start_answer(&j, text);
	(void)json_enter(&j);
	while (json_member(&j, &key) == 1 && json_value(&j, &v) == 0) {
		name = key_text(&key, &scratch);
		if (name.n < longest ||
		    !match_name(path, name, any_case, &rest))
			continue;
		part = find(v.raw, rest, any_case);
		if (part.p == NULL)
			continue;
		found = part;
		longest = name.n;
	}
	buf_fini(&scratch);
	return found;
}

static struct span
find_element(struct span text, struct span path, int any_case)
{
	struct span digits = path;
	struct json_value v;
	uint64_t i = 0;
	struct json j;
	size_t k;

	for (k = 0; k < path.n && path.p[k] != '.'; k++) {
		if (path.p[k] < '0' || path.p[k] > '9' || k > 9)
			return SPAN_NONE;
		i = i * 10 + (uint64_t)(path.p[k] - '0');
	}
	digits.n = k;
	if (!match_name(path, digits, 0, &path))
		return SPAN_NONE;
	json_start_answer(&j, text);
	(void)json_enter(&j);
	while (json_element(&j) == 1 && json_value(&j, &v) == 0)
		if (i-- == 0)
			return find(v.raw, path, any_case);
	return SPAN_NONE;
}

/* p NULL: it leads nowhere. As deep as the path has dots. */
static struct span
find(struct span text, struct span path, int any_case)
{
	text = record_json_value(text);
	if (path.n == 0)
		return text;
	if (text.n > 0 && *text.p == '{')
		return find_member(text, path, any_case);
	if (text.n > 0 && *text.p == '[')
		return find_element(text, path, any_case);
	return SPAN_NONE;
}

/* ---- where it begins ---- */

/* The value of a whole key, written out for that: {"key":value} */
static struct span
write_key(const struct record *r, const struct record_format *f,
    enum record_key k, struct buf *scratch)
{
	struct record_format one = { .body = f->body,
		.include_headers = f->include_headers,
		.nfield = 1,
		.field = { { .key = (unsigned char)k } } };
	struct record_at at = { 0 };
	struct span name = span_str(record_key_name((int)k));

	(void)record_write(scratch, r, &one, &at, SIZE_MAX);
	return find(buf_view(scratch), name, 0);
}

/* What the parser gave, but for exec's. */
static struct span
extract_of(const struct record *r, struct span *path)
{
	struct span rest;

	if (!r->has_exec || !match_name(*path, SPAN("exec"), 0, &rest))
		return r->extract;
	*path = rest;
	return r->exec;
}

/* What may be large is not copied for it. */
static struct span
value_of(const struct record *r, const struct record_format *f,
    const struct record_field *field, struct buf *scratch)
{
	enum record_key k = (enum record_key)field->key;
	int any_case = k == RECORD_KEY_HEADER || k == RECORD_KEY_TRAILER;
	struct span path = field->path, text;

	if (k == RECORD_KEY_META)
		text = r->meta;
	else if (k == RECORD_KEY_BODY_JSON)
		text = record_body_json(r, f);
	else if (k == RECORD_KEY_EXTRACT)
		text = extract_of(r, &path);
	else
		text = write_key(r, f, k, scratch);
	return text.p != NULL ? find(text, path, any_case) : SPAN_NONE;
}

int
record_path(struct buf *out, const struct record *r,
    const struct record_format *f, const struct record_field *field,
    struct record_at *at, size_t end)
{
	struct buf scratch = { 0 };
	struct span piece, v = value_of(r, f, field, &scratch);
	size_t n;
	char *p;

	if (v.p == NULL)
		v = SPAN("null");
	if (at->path_done == 0)
		record_add_name(out, at, field->name);
	while (at->path_done < v.n && (at->path_done == 0 || out->n < end)) {
		piece = record_cut(
		    span_of(v.p + at->path_done, v.n - at->path_done),
		    RECORD_PIECE);
		n = piece.n;
		p = buf_reserve(out, n);
		(void)record_put_json(p, piece);
		out->n += n;
		at->path_done += n;
	}
	n = v.n;
	buf_fini(&scratch);
	if (at->path_done < n)
		return 1;
	at->path_done = 0;
	return 0;
}
