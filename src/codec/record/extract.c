/* SPDX-License-Identifier: ISC */
/*
 * Writes the keys `extract` (the parsers' raw JSON, merged into one object) and
 * `parse` (error, time and worker).
 */
#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/json/write.h"
#include "codec/record/record_int.h"

#define ROOM 160 /* the largest `parse` */

/* ---- extract ---- */

/*
 * The value in up to four parts, so that the parser's bytes are copied only
 * once: its object without the last brace, the key "exec", the value of exec,
 * and the closing brace.
 */
struct parts {
	struct span v[4];
	int n;
};

static void
split(struct parts *t, const struct record *r)
{
	struct span object = json_trim(r->extract);

	t->n = 0;
	if (!r->has_exec || (r->extract.p == NULL && r->exec.p == NULL)) {
		t->v[t->n++] = r->extract.p != NULL ? object : SPAN("null");
		return;
	}
	if (r->extract.p == NULL)
		t->v[t->n++] = SPAN("{\"exec\":");
	else {
		CHECK(object.n >= 2);
		object = json_trim(span_of(object.p, object.n - 1));
		t->v[t->n++] = object;
		t->v[t->n++] =
		    object.n > 1 ? SPAN(",\"exec\":") : SPAN("\"exec\":");
	}
	t->v[t->n++] = r->exec.p != NULL ? json_trim(r->exec) : SPAN("null");
	t->v[t->n++] = SPAN("}");
}

int
record_extract(
    struct buf *out, const struct record *r, struct record_at *at, size_t end)
{
	struct span piece;
	struct parts t;
	size_t done, n;
	int i;

	if (!r->has_parse)
		return 0;
	if (at->extract_done == 0)
		record_add_name(out, at, SPAN("extract"));
	split(&t, r);
	done = at->extract_done;
	for (i = 0; i < t.n; i++) {
		for (; done < t.v[i].n; done += n) {
			if (out->n >= end && at->extract_done > 0)
				return 1;
			piece =
			    utf8_cut(span_of(t.v[i].p + done, t.v[i].n - done),
				RECORD_PIECE);
			n = piece.n;
			record_add_json(out, piece);
			at->extract_done += n;
		}
		done -= t.v[i].n;
	}
	return 0;
}

/* ---- parse ---- */

static char *
put_parse(char *p, const struct record *r)
{
	const char *code = parse_error_code(r->parse_error);

	if (!r->was_parsed)
		return json_write_null(p);
	p = json_write_raw(p, SPAN("{\"error\":"));
	p = json_write_string(p, span_str(code));
	p = json_write_raw(p, SPAN(",\"time\":"));
	p = json_write_time(p, r->parse_time);
	p = json_write_raw(p, SPAN(",\"worker\":"));
	p = json_write_int(
	    p, r->parse_worker > 0 ? (int64_t)r->parse_worker : -1);
	*p++ = '}';
	return p;
}

void
record_parse(struct buf *out, const struct record *r, struct record_at *at)
{
	char *p;

	if (!r->has_parse)
		return;
	record_add_name(out, at, SPAN("parse"));
	p = buf_reserve(out, ROOM);
	out->n += (size_t)(put_parse(p, r) - p);
}
