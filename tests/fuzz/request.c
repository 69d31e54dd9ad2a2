/* SPDX-License-Identifier: ISC */
/*
 * Feeds lines of input. Spans lie inside the line or the store; nothing that
 * could split a request is accepted; and the record of the line, accepted or
 * not, is one line of JSON with id and meta verbatim.
 */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/record/record.h"
#include "codec/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
lies_in(struct span s, struct span room)
{
	return s.n == 0 || (s.p >= room.p && s.p + s.n <= room.p + room.n);
}

static void
check_span(const struct request *r, struct span line, struct span s)
{
	CHECK(lies_in(s, line) || lies_in(s, buf_view(&r->store)));
}

static void
check_request(const struct request *r, struct span line)
{
	size_t i;

	CHECK(lies_in(r->id, line) && lies_in(r->meta, line));
	check_span(r, line, r->url);
	check_span(r, line, r->method);
	check_span(r, line, r->body);
	check_span(r, line, r->body_file);
	CHECK(r->store.n <= line.n);
	CHECK(r->method.n == 0 || http_is_token(r->method));
	CHECK(r->timeout_us >= -1 && r->retry >= -1 && r->retry <= 1000);
	CHECK(r->stream >= -1 && r->stream <= 1);
	CHECK(r->ncost <= REQUEST_COST_MAX);
	for (i = 0; i < r->ncost; i++) {
		check_span(r, line, r->cost[i].name);
		CHECK(r->cost[i].amount >= 0 && isfinite(r->cost[i].amount));
	}
	CHECK(r->nheader <= HTTP_MAX_FIELDS);
	for (i = 0; i < r->nheader; i++) {
		check_span(r, line, r->header[i].name);
		check_span(r, line, r->header[i].value);
		CHECK(http_is_token(r->header[i].name));
		CHECK(http_is_value(r->header[i].value));
	}
}

/* The value of that key, once, in the record; want.n 0: no such key. */
static void
check_echo(struct span record, const char *name, struct span want)
{
	struct json_value key, v;
	struct json j;
	int found = 0;

	json_start(&j, record);
	CHECK(json_enter(&j) == 0);
	while (json_member(&j, &key) == 1 && json_value(&j, &v) == 0)
		if (span_eq(json_inside(&key), span_str(name))) {
			CHECK(span_eq(v.raw, want));
			found++;
		}
	CHECK(json_end(&j) == 0 && found == (want.n > 0));
}

static void
check_record(
    const struct request *r, const struct request_fault *fault, enum err e)
{
	const struct record_format all = { 0 };
	struct record rec = {
		.id = r->id,
		.id_is_custom = r->id_is_custom,
		.meta = r->meta,
		.input = r->url,
		.method = r->method,
		.error = e,
		.errormsg = e != E_OK ? span_str(fault->text) : SPAN_NONE,
		.has_body = r->has_body,
		.body = r->body,
	};
	struct record_at at = { 0 };
	struct buf b = { 0 };

	while (record_write(&b, &rec, &all, &at, 4096) == 1)
		;
	CHECK(memchr(b.p, '\n', b.n) == b.p + b.n - 1);
	CHECK(utf8_valid(buf_view(&b)) == b.n);
	check_echo(buf_view(&b), "id", r->id_is_custom ? SPAN_NONE : r->id);
	check_echo(
	    buf_view(&b), "custom_id", r->id_is_custom ? r->id : SPAN_NONE);
	check_echo(buf_view(&b), "meta", r->meta);
	b.n = 0;
	record_write_text(&b, &rec, &(struct record_text){ 0, 80 });
	CHECK(memchr(b.p, '\n', b.n) == b.p + b.n - 1);
	CHECK(memchr(b.p, '\x1b', b.n) == NULL);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = span_of((const char *)data, size);
	struct request r = { 0 };
	struct request_fault fault;
	const char *lf = size > 0 ? memchr(line.p, '\n', size) : NULL;
	enum err e;
	int turn;

	/* Lines come without their line feed, and never with one inside. */
	if (lf != NULL)
		line.n = (size_t)(lf - line.p);
	for (turn = 0; turn < 2; turn++) {
		memset(&fault, 0, sizeof(fault));
		e = request_parse(&r, line, &fault);
		CHECK(e == E_OK || e == E_INPUT_INVALID);
		CHECK((e == E_OK) == (fault.column == 0));
		CHECK(e == E_OK || fault.column <= line.n + 1);
		CHECK(utf8_valid(span_str(fault.text)) == strlen(fault.text));
		check_request(&r, line);
	}
	check_record(&r, &fault, e);
	request_fini(&r);
	return 0;
}
