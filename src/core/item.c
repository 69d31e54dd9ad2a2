/* SPDX-License-Identifier: ISC */
/*
 * Lines into fetches. What is learned here is thrown away but for the origin:
 * a waiting fetch is its line and little more, and is read again with its
 * slot. Knows nothing of what happens then.
 */
#include "core/item.h"

#include <stdio.h>

#include "base/mem.h"
#include "codec/input_kind.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/xchg.h"
#include "io/source.h"

#define BAD_LINE_KEPT 65535 /* of a line that cannot be used: its record's */

void
item_reject(struct fetch *f, enum err e, size_t column, const char *text)
{
	struct buf note = { 0 };

	buf_printf(&note, "%s", f->source);
	if (f->is_argument)
		buf_printf(&note, " %llu:1:%zu: %s",
		    (unsigned long long)f->source_line, column, text);
	else
		buf_printf(&note, ":%llu:%zu: %s",
		    (unsigned long long)f->source_line, column, text);
	buf_char(&note, '\0');
	f->note = note.p;
	fetch_fail(f, e, PHASE_INPUT, NULL);
}

static struct fetch *
make(struct core *c, const struct source_line *line, struct span text)
{
	struct fetch *f = fetch_new(c, text);

	f->seq = ++c->seq;
	f->source = line->name;
	f->source_line = line->number;
	f->is_argument = line->is_argument != 0;
	f->had_bom = line->had_bom != 0;
	f->had_cr = line->had_cr != 0;
	c->stats.items++;
	return f;
}

/* Where in the line its URL begins, from 1, as far as that is known. */
static size_t
url_column(const struct core *c, struct span line)
{
	const char *p = c->request.url.p;

	return p >= line.p && p <= line.p + line.n ? (size_t)(p - line.p) + 1
						   : 1;
}

/* A reference is what does not begin with a scheme of its own. */
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
item_url(const struct core *c, struct url *u, struct span given,
    const char **why, size_t *at)
{
	enum err e;

	*at = 0;
	if (url_has_stray_scheme(given)) {
		*why = "the scheme is not written as http:// or https://";
		return E_URL_INVALID;
	}
	if (c->base_url.text.n == 0 || !is_reference(given))
		return url_parse(u, given, why, at);
	e = url_resolve(u, &c->base_url, given);
	*why = error_info(e)->text;
	return e;
}

int
item_is_streamed(const struct request *r, const struct opts *o)
{
	return r->stream >= 0 ? r->stream : o->stream;
}

/* What its output cannot show, and what leaves nothing to parse. */
static int
is_streamable(const struct opts *o)
{
	return o->format != FORMAT_TEXT && o->format != FORMAT_BODY &&
	       !o->only_failed && !o->only_ok && !opts_extracts(o);
}

static int
is_sendable(const struct core *c, struct request_fault *fault)
{
	struct span m = xchg_method(&c->request, c->opts);
	const char *why = NULL;

	if (span_eq(m, SPAN("CONNECT")))
		why = "the method CONNECT cannot be asked for";
	else if (item_is_streamed(&c->request, c->opts) &&
		 !is_streamable(c->opts))
		why = "\"stream\" does not go with --format text or body, "
		      "--only-failed, --only-ok or extraction";
	if (why == NULL)
		return 1;
	fault->column = 1;
	snprintf(fault->text, sizeof(fault->text), "%s", why);
	return 0;
}

/* What it takes from each --budget: as it says, otherwise nothing. */
static void
note_cost(struct fetch *f)
{
	const struct request *r = &f->core->request;
	const struct opts *o = f->opts;
	size_t i, k;

	if (o->nbudgets == 0 || r->ncost == 0)
		return;
	f->cost = mem_alloc(o->nbudgets * sizeof(f->cost[0]));
	for (i = 0; i < o->nbudgets; i++) {
		f->cost[i] = 0;
		for (k = 0; k < r->ncost; k++)
			if (span_eq(
				r->cost[k].name, span_str(o->budgets[i].name)))
				f->cost[i] = r->cost[k].amount;
	}
}

static void
note_request(struct fetch *f)
{
	const struct request *r = &f->core->request;

	f->is_idempotent = http_is_idempotent(xchg_method(r, f->opts)) ||
			   xchg_has_idempotency_key(r, f->opts);
	f->is_streamed = item_is_streamed(r, f->opts) != 0;
	f->retry = (short)r->retry;
	note_cost(f);
}

static void
note_oddity(struct core_oddity *o, const struct fetch *f)
{
	*o = (struct core_oddity){ f->source, f->source_line };
}

/* For a warning, one a run of each kind. */
static void
note_oddities(struct fetch *f)
{
	struct core *c = f->core;
	const struct request *r = &c->request;

	if (c->two_urls.source == NULL && !r->is_json &&
	    input_kind_has_two(r->url))
		note_oddity(&c->two_urls, f);
	if (c->method_case.source == NULL && r->method.n > 0 &&
	    http_method_meant(r->method) != NULL)
		note_oddity(&c->method_case, f);
}

void
item_begin(struct core *c, const struct source_line *line)
{
	struct span text = line->text;
	struct request_fault fault;
	const char *why;
	struct fetch *f;
	size_t at;
	enum err e;

	if (line->too_long) {
		if (text.n > BAD_LINE_KEPT)
			text.n = BAD_LINE_KEPT;
		f = make(c, line, text);
		item_reject(f, E_INPUT_TOO_LONG, 1, "the line is too long");
		return;
	}
	f = make(c, line, text);
	if (request_parse(&c->request, f->line, &fault) != E_OK ||
	    !is_sendable(c, &fault)) {
		item_reject(f, E_INPUT_INVALID, fault.column, fault.text);
		return;
	}
	e = item_url(c, &c->url, c->request.url, &why, &at);
	if (e != E_OK) {
		item_reject(f, e, url_column(c, f->line) + at, why);
		return;
	}
	note_request(f);
	note_oddities(f);
	f->host = host_of(c, &c->url);
	fetch_enter(f, FETCH_QUEUED);
}

const struct url *
item_own_url(const struct fetch *f)
{
	struct core *c = f->core;
	struct request_fault fault;
	const char *why;
	size_t at;

	if (request_parse(&c->request, f->line, &fault) != E_OK ||
	    item_url(c, &c->url, c->request.url, &why, &at) != E_OK)
		return NULL;
	return &c->url;
}

struct host *
item_host(struct fetch *f)
{
	const struct url *u = item_own_url(f);

	return u != NULL ? host_of(f->core, u) : f->host;
}
