/* SPDX-License-Identifier: ISC */
/*
 * Writes requests from user input: if the validators accept all parts, the
 * header section has exactly the lines that a second, naive implementation of
 * the rules expects, and no byte that could begin another line. The input is a
 * sequence of strings, each preceded by its length.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/http/http.h"

#define MAX_LINES 24
#define FLAG_BODY 1
#define FLAG_COOKIE 2
#define FLAG_TYPE 4

static struct span
next_run(struct span *in)
{
	struct span run;
	size_t n;

	if (in->n == 0)
		return SPAN_NONE;
	n = (unsigned char)in->p[0];
	in->p++, in->n--;
	if (n > in->n)
		n = in->n;
	run = span_of(in->p, n);
	in->p += n;
	in->n -= n;
	return run;
}

/* A simple implementation of http_is_value. */
static int
is_clean(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return 0;
	return 1;
}

static void
take_header(
    struct http_headers *list, struct span name, struct span value, int remove)
{
	int ok = http_header_ok(name, value) == NULL;

	CHECK(http_is_value(value) == is_clean(value));
	CHECK(!ok || (http_is_token(name) && is_clean(value)));
	if ((remove ? !http_is_token(name) : !ok) || list->n == MAX_LINES)
		return;
	list->v[list->n++] = (struct http_header){ name, value, remove };
}

static int
says(const struct http_headers *list, struct span name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (span_ieq(list->v[i].name, name))
			return 1;
	return 0;
}

static size_t
lines_of(const struct http_headers *list, const struct http_headers *over)
{
	size_t i, k, n = 0;
	int back;

	for (i = 0; i < list->n; i++) {
		if (list->v[i].remove ||
		    span_ieq(list->v[i].name, SPAN("Host")) ||
		    (over != NULL && says(over, list->v[i].name)))
			continue;
		for (back = 0, k = i; k < list->n; k++)
			back |= list->v[k].remove &&
				span_ieq(list->v[k].name, list->v[i].name);
		n += !back;
	}
	return n;
}

static size_t
default_of(const struct http_request *r, const char *name, struct span value)
{
	return value.n > 0 && !says(&r->option, span_str(name)) &&
	       !says(&r->item, span_str(name));
}

static size_t
expected_lines(const struct http_request *r)
{
	size_t n = 2; /* request line, Host */

	n += default_of(r, "user-agent", r->user_agent);
	n += default_of(r, "accept", SPAN("x"));
	n += default_of(r, "accept-encoding", r->accept_encoding);
	n += default_of(r, "authorization", r->authorization);
	n += default_of(r, "cookie", r->cookie);
	n += lines_of(&r->option, &r->item) + lines_of(&r->item, NULL);
	if (r->has_body)
		n += default_of(r, "content-type", r->content_type);
	return n + (r->has_body || span_eq(r->method, SPAN("POST")) ||
		       span_eq(r->method, SPAN("PUT")) ||
		       span_eq(r->method, SPAN("PATCH")));
}

/* Removes a line; checks that it ends with CRLF and has no control bytes. */
static struct span
next_line(struct span *out)
{
	const char *lf = memchr(out->p, '\n', out->n);
	struct span line;

	CHECK(lf != NULL && lf > out->p && lf[-1] == '\r');
	line = span_of(out->p, (size_t)(lf - out->p) - 1);
	CHECK(is_clean(line));
	out->n -= line.n + 2;
	out->p = lf + 1;
	return line;
}

static void
check_section(struct span out, const struct http_request *r)
{
	struct span line = next_line(&out);
	size_t lines = 1;
	const char *colon;

	CHECK(line.n == r->method.n + r->target.n + 10);
	for (line = next_line(&out); line.n > 0; line = next_line(&out)) {
		colon = memchr(line.p, ':', line.n);
		CHECK(colon != NULL && colon[1] == ' ');
		CHECK(http_is_token(span_of(line.p, (size_t)(colon - line.p))));
		CHECK((++lines == 2) ==
		      span_eq(span_of(line.p, (size_t)(colon - line.p)),
			  SPAN("Host")));
	}
	CHECK(out.n == 0);
	CHECK(lines == expected_lines(r));
}

/* codec/url/url.h returns no other. */
static int
is_target(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			return 0;
	return s.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_header option[MAX_LINES], item[MAX_LINES];
	struct http_request r = { .authority = SPAN("a.test") };
	struct span in, kind, name, value;
	struct buf out = { 0 };

	if (size == 0)
		return 0;
	in = span_of((const char *)data + 1, size - 1);
	r.option.v = option;
	r.item.v = item;
	r.has_body = data[0] & FLAG_BODY;
	r.cookie = data[0] & FLAG_COOKIE ? SPAN("c=d") : SPAN_NONE;
	r.content_type = data[0] & FLAG_TYPE ? SPAN("x/y") : SPAN_NONE;
	r.method = next_run(&in);
	r.target = next_run(&in);
	r.user_agent = next_run(&in);
	while (in.n > 0) {
		kind = next_run(&in);
		name = next_run(&in);
		value = next_run(&in);
		take_header(
		    kind.n & 1 ? &r.option : &r.item, name, value, kind.n & 2);
	}
	CHECK(http_method_meant(r.method) == NULL ||
	      !http_is_idempotent(r.method));
	if (!http_is_token(r.method) || !is_target(r.target) ||
	    !http_is_value(r.user_agent))
		return 0;
	http_write_request(&out, &r);
	check_section(buf_view(&out), &r);
	buf_fini(&out);
	return 0;
}
