/* SPDX-License-Identifier: ISC */
/*
 * Writes the header section of a request: which header lines are sent, in which
 * order and precedence, and which ones a user may set.
 */
#include "codec/http/http.h"

#include "codec/http/chars.h"
#include "codec/http/list.h"

int
http_is_token(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (http_token_lower[(unsigned char)s.p[i]] == 0)
			return 0;
	return s.n > 0;
}

int
http_is_value(struct span s)
{
	return s.n == 0 || http_find_control(s.p, s.p + s.n) == s.p + s.n;
}

int
http_is_idempotent(struct span method)
{
	static const char *const known[] = { "GET", "HEAD", "OPTIONS", "TRACE",
		"PUT", "DELETE" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_eq(method, span_str(known[i])))
			return 1;
	return 0;
}

/* A non-empty list of the options close and keep-alive only. */
static int
is_connection(struct span value)
{
	struct span option;
	int n;

	for (n = 0; http_list_next(&value, &option); n++)
		if (!span_ieq(option, SPAN("close")) &&
		    !span_ieq(option, SPAN("keep-alive")))
			return 0;
	return n > 0;
}

const char *
http_method_meant(struct span method)
{
	static const char *const known[] = { "GET", "HEAD", "POST", "PUT",
		"DELETE", "PATCH", "OPTIONS", "TRACE" };
	struct span name;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		name = span_str(known[i]);
		if (span_ieq(method, name) && !span_eq(method, name))
			return known[i];
	}
	return NULL;
}

const char *
http_header_ok(struct span name, struct span value)
{
	static const char *const ours[] = { "content-length",
		"transfer-encoding", "upgrade", "te", "trailer",
		"proxy-connection", "keep-alive", "expect" };
	size_t i;

	if (!http_is_token(name))
		return "the header name is not an HTTP token";
	if (!http_is_value(value))
		return "the header value contains a control character";
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (span_ieq(name, span_str(ours[i])))
			return "this header is set by fetchd and cannot be "
			       "changed";
	if (span_ieq(name, SPAN("connection")) && !is_connection(value))
		return "the only accepted values are close and keep-alive";
	return NULL;
}

static int
is_named(const struct http_headers *list, struct span name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (span_ieq(list->v[i].name, name))
			return 1;
	return 0;
}

/* A default is sent only if the user gave no line of that name. */
static int
is_default(const struct http_request *r, struct span name)
{
	return !is_named(&r->option, name) && !is_named(&r->item, name);
}

static int
is_secret(struct span name)
{
	static const char *const secret[] = { "authorization",
		"proxy-authorization", "cookie", "x-api-key", "api-key",
		"x-auth-token", "x-goog-api-key" };
	size_t i;

	for (i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (span_ieq(name, span_str(secret[i])))
			return 1;
	return 0;
}

static int
is_omitted(unsigned omit, struct span name)
{
	if (omit & HTTP_OMIT_SECRETS && is_secret(name))
		return 1;
	return omit & HTTP_OMIT_CONTENT && name.n > 8 &&
	       span_ieq(span_of(name.p, 8), SPAN("content-"));
}

static void
add_line(struct buf *out, struct span name, struct span value)
{
	char *p = buf_reserve(out, name.n + value.n + 4);

	memcpy(p, name.p, name.n);
	p += name.n;
	*p++ = ':';
	*p++ = ' ';
	if (value.n > 0)
		memcpy(p, value.p, value.n);
	p += value.n;
	*p++ = '\r';
	*p = '\n';
	out->n += name.n + value.n + 4;
}

static void
add_default(struct buf *out, const struct http_request *r, struct span name,
    struct span value)
{
	if (value.n > 0 && is_default(r, name) && !is_omitted(r->omit, name))
		add_line(out, name, value);
}

/* A removal cancels earlier lines of the same name in its list. */
static int
is_cancelled(const struct http_headers *list, size_t i)
{
	size_t k;

	for (k = i + 1; k < list->n; k++)
		if (list->v[k].remove &&
		    span_ieq(list->v[k].name, list->v[i].name))
			return 1;
	return 0;
}

static int
has_removal(const struct http_headers *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->v[i].remove)
			return 1;
	return 0;
}

/* Is the i-th line of the list sent? Lines of `over` replace those of list. */
static int
is_sent(const struct http_headers *list, size_t i,
    const struct http_headers *over, unsigned omit)
{
	const struct http_header *h = &list->v[i];

	return !h->remove && !span_ieq(h->name, SPAN("host")) &&
	       (omit == 0 || !is_omitted(omit, h->name)) &&
	       (over == NULL || !is_named(over, h->name));
}

static void
add_list(struct buf *out, const struct http_headers *list,
    const struct http_headers *over, unsigned omit)
{
	int removal = has_removal(list);
	size_t i;

	for (i = 0; i < list->n; i++)
		if (is_sent(list, i, over, omit) &&
		    (!removal || !is_cancelled(list, i)))
			add_line(out, list->v[i].name, list->v[i].value);
}

/* The n-th line of that name that is sent, or NULL. */
static const struct http_header *
find_sent(const struct http_request *r, struct span name, size_t n)
{
	const struct http_headers *list[2] = { &r->option, &r->item };
	const struct http_headers *over[2] = { &r->item, NULL };
	size_t i, k;

	for (k = 0; k < 2; k++)
		for (i = 0; i < list[k]->n; i++)
			if (span_ieq(list[k]->v[i].name, name) &&
			    is_sent(list[k], i, over[k], r->omit) &&
			    !is_cancelled(list[k], i) && n-- == 0)
				return &list[k]->v[i];
	return NULL;
}

int
http_sends(const struct http_request *r, struct span name)
{
	return find_sent(r, name, 0) != NULL;
}

int
http_asks_close(const struct http_request *r)
{
	const struct http_header *h;
	struct span value, option;
	size_t n;

	for (n = 0; (h = find_sent(r, SPAN("connection"), n)) != NULL; n++) {
		value = h->value;
		while (http_list_next(&value, &option))
			if (span_ieq(option, SPAN("close")))
				return 1;
	}
	return 0;
}

/*
 * The value of the one Host line (RFC 9112 section 3.2): the last one of the
 * item, else of the options, else the authority. A removal selects the
 * authority.
 */
static struct span
host_of(const struct http_request *r)
{
	const struct http_headers *list[2] = { &r->item, &r->option };
	size_t i, k;

	for (k = 0; k < 2 && !(r->omit & HTTP_OMIT_HOST); k++)
		for (i = list[k]->n; i-- > 0;) {
			if (!span_ieq(list[k]->v[i].name, SPAN("host")))
				continue;
			if (list[k]->v[i].remove)
				return r->authority;
			return list[k]->v[i].value;
		}
	return r->authority;
}

/* RFC 9110 section 8.6: these send Content-Length: 0 without a body. */
static int
is_body_expected(struct span method)
{
	return span_eq(method, SPAN("POST")) || span_eq(method, SPAN("PUT")) ||
	       span_eq(method, SPAN("PATCH"));
}

void
http_write_request(struct buf *out, const struct http_request *r)
{
	buf_reserve(out, 512);
	buf_span(out, r->method);
	buf_char(out, ' ');
	buf_span(out, r->target);
	buf_span(out, SPAN(" HTTP/1.1\r\n"));
	add_line(out, SPAN("Host"), host_of(r));
	add_default(out, r, SPAN("User-Agent"), r->user_agent);
	add_default(out, r, SPAN("Accept"), SPAN("*/*"));
	add_default(out, r, SPAN("Accept-Encoding"), r->accept_encoding);
	add_default(out, r, SPAN("Authorization"), r->authorization);
	add_default(out, r, SPAN("Cookie"), r->cookie);
	add_default(out, r, SPAN("Referer"), r->referer);
	add_list(out, &r->option, &r->item, r->omit);
	add_list(out, &r->item, NULL, r->omit);
	if (r->has_body)
		add_default(out, r, SPAN("Content-Type"), r->content_type);
	if (r->has_body || is_body_expected(r->method)) {
		buf_span(out, SPAN("Content-Length: "));
		buf_u64(out, r->has_body ? r->body_bytes : 0);
		buf_span(out, SPAN("\r\n"));
	}
	buf_span(out, SPAN("\r\n"));
}
