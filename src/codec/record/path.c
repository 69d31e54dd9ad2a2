/* SPDX-License-Identifier: ISC */
/*
 * Finds a part of a JSON value by a path ("exec.price", "etag.0"): names lead
 * into objects, numbers into lists. Recursion is as deep as the path has dots.
 */
#include <string.h>

#include "codec/json/json.h"
#include "codec/record/record_int.h"

int
record_path_skip(struct span *path, struct span name, int any_case)
{
	struct span start, rest;

	if (path->n < name.n)
		return 0;
	start = span_of(path->p, name.n);
	if (!(any_case ? span_ieq(start, name) : span_eq(start, name)))
		return 0;
	rest = span_skip(*path, name.n);
	if (rest.n > 0) {
		if (rest.n < 2 || rest.p[0] != '.')
			return 0;
		rest = span_skip(rest, 1);
	}
	*path = rest;
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

/* Among several names that match, the longest counts; among equal ones, the
 * last. */
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
		rest = path;
		if (name.n < longest ||
		    !record_path_skip(&rest, name, any_case))
			continue;
		part = record_path_find(v.raw, rest, any_case);
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
	if (!record_path_skip(&path, digits, 0))
		return SPAN_NONE;
	json_start_answer(&j, text);
	(void)json_enter(&j);
	while (json_element(&j) == 1 && json_value(&j, &v) == 0)
		if (i-- == 0)
			return record_path_find(v.raw, path, any_case);
	return SPAN_NONE;
}

struct span
record_path_find(struct span text, struct span path, int any_case)
{
	text = json_trim(text);
	if (path.n == 0)
		return text;
	if (text.n > 0 && *text.p == '{')
		return find_member(text, path, any_case);
	if (text.n > 0 && *text.p == '[')
		return find_element(text, path, any_case);
	return SPAN_NONE;
}
