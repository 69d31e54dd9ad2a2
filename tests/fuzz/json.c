/* SPDX-License-Identifier: ISC */
/*
 * Feeds texts to the JSON reader. Raw spans lie inside the text, a value's raw
 * bytes are the same value again, walking and skipping agree, and unescaped
 * strings are UTF-8 and no longer than they were.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_value(struct span text, const struct json_value *v, struct buf *b)
{
	struct json_value again;
	struct json j;

	CHECK(v->raw.n > 0 && v->raw.p >= text.p);
	CHECK(v->raw.p + v->raw.n <= text.p + text.n);
	json_start(&j, v->raw);
	CHECK(json_value(&j, &again) == 0 && json_end(&j) == 0);
	CHECK(again.kind == v->kind && span_eq(again.raw, v->raw));
	if (v->kind != JSON_STRING)
		return;
	b->n = 0;
	json_unescape(b, v);
	CHECK(b->n <= v->raw.n - 2);
	CHECK(v->escaped || span_eq(buf_view(b), json_inside(v)));
	CHECK(b->n == 0 || utf8_valid(buf_view(b)) == b->n);
}

/* Steps into everything; 0 if the text is good. */
static int
walk(struct span text, struct buf *b)
{
	struct json_value key, v;
	struct json j;
	char open[JSON_DEPTH_MAX + 1];
	size_t at;
	unsigned depth = 0;
	int more = 1;

	json_start(&j, text);
	for (;;) {
		at = j.at;
		while (at < text.n && strchr(" \t\r\n", text.p[at]) != NULL &&
		       text.p[at] != '\0')
			at++;
		if (more == 1 && at < text.n &&
		    (text.p[at] == '{' || text.p[at] == '[')) {
			if (json_enter(&j) == -1)
				return -1;
			open[++depth] = text.p[at];
		} else if (more == 1) {
			if (json_value(&j, &v) == -1)
				return -1;
			check_value(text, &v, b);
		}
		if (depth == 0)
			return json_end(&j);
		if (open[depth] == '{') {
			more = json_member(&j, &key);
			if (more == 1)
				check_value(text, &key, b);
		} else
			more = json_element(&j);
		if (more == -1)
			return -1;
		depth -= more == 0;
	}
}

/* Valid input is a valid answer; the raw bytes of an answer are one, too. */
static void
check_answer(struct span text, int is_input)
{
	struct span raw, again;
	struct buf b = { 0 };
	struct json_value v;
	struct json j;

	if (!json_read_answer(text, &raw)) {
		CHECK(!is_input);
		return;
	}
	CHECK(raw.n > 0 && utf8_valid(raw) == raw.n);
	CHECK(json_read_answer(raw, &again) && span_eq(raw, again));
	json_start_answer(&j, raw);
	CHECK(json_value(&j, &v) == 0);
	if (v.kind == JSON_STRING) {
		json_unescape(&b, &v);
		CHECK(b.n <= raw.n - 2);
		CHECK(b.n == 0 || utf8_valid(buf_view(&b)) == b.n);
	}
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct buf b = { 0 };
	struct json_value v;
	struct json j;
	int good;

	if (size == 0)
		return 0;
	json_start(&j, text);
	good = json_value(&j, &v) == 0 && json_end(&j) == 0;
	CHECK(good == (j.why == NULL) && j.at <= size);
	if (good)
		check_value(text, &v, &b);
	CHECK((walk(text, &b) == 0) == good);
	check_answer(text, good);
	buf_fini(&b);
	return 0;
}
