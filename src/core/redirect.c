/* SPDX-License-Identifier: ISC */
/*
 * Redirects: which answers are one, their target, and the request sent there.
 * Knows nothing of queues or connections; core/xchg_request decides what may be
 * sent to another origin.
 */
#include "core/redirect.h"

#include "core/fetch.h"
#include "core/item.h"
#include "core/origin/host.h"
#include "core/history.h"
#include "core/xchg.h"

#define KEPT_MIN 1024 /* bytes of a target's URL that are always allowed */

static int
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	       status == 307 || status == 308;
}

static int
may_follow(const struct fetch *f)
{
	struct span m = f->x->method;

	switch ((enum opt_follow)f->job->opts->follow_redirects) {
	case FOLLOW_NEVER:
		return 0;
	case FOLLOW_ALL:
		return 1;
	case FOLLOW_SAFE:
		return span_eq(m, SPAN("GET")) || span_eq(m, SPAN("HEAD"));
	}
	return 0;
}

/* Returns 0 if there are two different ones. None: value->n is 0. */
static int
find_location(const struct http_fields *f, struct span *value)
{
	struct span v;
	size_t i;

	*value = http_find(f, SPAN("location"), 0);
	for (i = 1; (v = http_find(f, SPAN("location"), i)).p != NULL; i++)
		if (!span_eq(v, *value))
			return 0;
	return 1;
}

/* RFC 9110 section 15.4: a redirected POST becomes a GET. n 0: unchanged. */
static struct span
next_method(int status, struct span m)
{
	if ((status == 301 || status == 302) && span_eq(m, SPAN("POST")))
		return SPAN("GET");
	if (status == 303 && !span_eq(m, SPAN("GET")) &&
	    !span_eq(m, SPAN("HEAD")))
		return SPAN("GET");
	return SPAN_NONE;
}

static enum redirect
bad(enum err as, const char *why, enum err *e, const char **detail)
{
	*e = as;
	*detail = why;
	return REDIRECT_BAD;
}

static int
is_denied(const struct fetch *f, const struct url *to)
{
	return to->scheme == URL_HTTP ? !f->job->opts->redir_http
				      : !f->job->opts->redir_https;
}

static void
set_redirect(struct fetch *f, const struct url *to, struct span method)
{
	struct history *t = f->history;

	t->was_unsafe |= !item_is_idempotent(f);
	if (method.n > 0) {
		t->method = method;
		t->drops_body = 1;
	}
	buf_clear(&t->url, 0);
	buf_reserve(&t->url, to->text.n + to->fragment.n + 1);
	buf_span(&t->url, url_text(to));
	if (to->fragment.n > 0) {
		buf_char(&t->url, '#');
		buf_span(&t->url, buf_view(&to->fragment));
	}
	history_count_held(t);
}

struct host *
redirect_host(struct fetch *f)
{
	struct url *to = &f->core->scratch.target;

	if (history_parse_redirect(f->history, to) == -1)
		return NULL;
	return host_of(f->core, to);
}

/* Adds the present and the next request to its history. Nonzero: a loop. */
static int
remember_redirect(struct fetch *f, const struct url *to, struct span method)
{
	struct history *t = history_of(f);

	if (t->redirects == 0)
		(void)history_add_request(
		    t, url_text(&f->x->url), f->x->method);
	return history_add_request(
	    t, url_text(to), method.n > 0 ? method : f->x->method);
}

/* The target's URL is kept while the item waits in its queue. */
static int
has_memory_for(const struct fetch *f, const struct url *to)
{
	size_t n = to->text.n + to->fragment.n + 1;

	return n <= KEPT_MIN || account_may_remember(f->core, n);
}

enum redirect
redirect_judge(struct fetch *f, enum err *e, const char **detail)
{
	const struct xchg *x = f->x;
	struct url *to = &f->core->scratch.target;
	struct span value, method;
	enum err fault;

	if (!is_redirect(http_status(x->http)) || !may_follow(f))
		return REDIRECT_NONE;
	if (!find_location(http_header(x->http), &value))
		return bad(E_REDIRECT_INVALID, "two that differ", e, detail);
	if (value.n == 0)
		return REDIRECT_NONE;
	fault = url_resolve(to, &x->url, value);
	if (fault == E_URL_SCHEME_DENIED || (fault == E_OK && is_denied(f, to)))
		return bad(E_REDIRECT_DENIED, NULL, e, detail);
	if (fault != E_OK)
		return bad(E_REDIRECT_INVALID, error_code(fault), e, detail);
	if ((f->history != NULL ? f->history->redirects : 0) >=
	    f->job->opts->max_redirs)
		return bad(E_REDIRECT_LIMIT, NULL, e, detail);
	method = next_method(http_status(x->http), x->method);
	if (remember_redirect(f, to, method))
		return bad(E_REDIRECT_LOOP, NULL, e, detail);
	if (!has_memory_for(f, to))
		return bad(E_RESOURCE_LIMIT, "long URLs wait", e, detail);
	set_redirect(f, to, method);
	return REDIRECT_GO;
}
