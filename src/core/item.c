/* SPDX-License-Identifier: ISC */
/*
 * Reads a line of input together with the options. Keeps nothing: a waiting
 * fetch is its line and little more, and the line is parsed again when the
 * fetch gets its transfer slot.
 */
#include "core/item.h"

#include "core/fetch.h"
#include "core/history.h"

/* A URL without a scheme is a reference. */
static int
is_reference(struct span url)
{
	size_t i;

	url = span_trim(url);
	for (i = 0; i < url.n; i++)
		if (url.p[i] == ':' || url.p[i] == '/' || url.p[i] == '?' ||
		    url.p[i] == '#')
			break;
	return i == url.n || url.p[i] != ':';
}

enum err
item_url(const struct job *j, struct url *u, struct span given,
    const char **why, size_t *at)
{
	enum err e;

	*at = 0;
	if (url_has_stray_scheme(given)) {
		*why = "the URL must begin with http:// or https:// and "
		       "contain one scheme only";
		return E_URL_INVALID;
	}
	if (j->base_url.text.n == 0 || !is_reference(given))
		return url_parse(u, given, why, at);
	e = url_resolve(u, &j->base_url, given);
	*why = error_info(e)->text;
	return e;
}

const struct url *
item_own_url(const struct fetch *f)
{
	struct core *c = f->core;
	struct request_fault fault;
	const char *why;
	size_t at;

	if (request_parse(&c->scratch.request, f->line, &fault) != E_OK ||
	    item_url(f->job, &c->scratch.url, c->scratch.request.url, &why,
		&at) != E_OK)
		return NULL;
	return &c->scratch.url;
}

struct span
item_method(const struct request *r, const struct opts *o)
{
	if (r->method.n > 0)
		return r->method;
	if (!o->method_given && (r->has_body || r->body_file.n > 0))
		return SPAN("POST");
	return span_str(o->method);
}

int
item_has_idempotency_key(const struct request *r, const struct opts *o)
{
	size_t i;

	/* The last entry of each list decides: a removal undoes those before.
	 */
	for (i = r->nheader; i-- > 0;)
		if (span_ieq(r->header[i].name, SPAN("idempotency-key")))
			return !r->header[i].remove;
	for (i = o->nheaders; i-- > 0;)
		if (span_ieq(
			span_str(o->headers[i].name), SPAN("idempotency-key")))
			return !o->headers[i].remove;
	return 0;
}

int
item_is_idempotent(const struct fetch *f)
{
	const struct history *t = f->history;

	if (t != NULL && t->method.n > 0)
		return http_is_idempotent(t->method);
	return f->is_idempotent;
}

int
item_is_streamed(const struct request *r, const struct opts *o)
{
	return r->stream >= 0 ? r->stream : o->stream;
}
