/* SPDX-License-Identifier: ISC */
/*
 * Copies facts of a fetch and its exchange to a struct record. Knows no key and
 * no JSON.
 */
#include "core/output/facts.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/explain.h"
#include "core/fetch.h"
#include "core/history.h"
#include "core/item.h"
#include "core/output/parse.h"
#include "io/timer.h"

#define WALL_SET_US 5000 /* a larger change: the wall clock was set */
#define INPUT_KEPT 65535

/*
 * The wall clock at a moment of ours. The two clocks are read one after the
 * other, so no two readings agree: their offset is kept until the wall clock
 * was set, so that all records of an item have the same timestamp.
 */
static int64_t
wall_us(struct emit *e, int64_t at_us)
{
	int64_t offset = timer_wall_us() - timer_now_us();
	int64_t change = offset - e->wall_offset_us;

	if (change > WALL_SET_US || change < -WALL_SET_US)
		e->wall_offset_us = offset;
	return e->wall_offset_us + at_us;
}

static void
fill_times(struct record *r, const struct fetch *f)
{
	const struct xchg *x = f->x;
	int64_t now = x->end_at_us != 0 ? x->end_at_us : f->entered_at_us;
	struct xchg_times t;

	r->time_queue =
	    (f->begun_at_us != 0 ? f->begun_at_us : now) - f->read_at_us;
	r->timestamp_us = r->time_item = r->time_namelookup = r->time_connect =
	    r->time_appconnect = r->time_starttransfer = r->time_total =
		r->time_redirect = RECORD_NO_TIME;
	if (f->attempts == 0)
		return;
	r->timestamp_us = wall_us(&f->job->emit, f->begun_at_us);
	/* Saving and parsing count for the item, not for its request. */
	r->time_item = now - f->begun_at_us;
	if ((x->parse != NULL && x->parse->was_parsed) || f->job->files != NULL)
		r->time_item = f->entered_at_us - f->begun_at_us;
	r->time_redirect = f->history != NULL ? f->history->redirect_us : 0;
	xchg_times(x, now, &t);
	r->time_total = t.total;
	r->time_namelookup = t.namelookup;
	r->time_connect = t.connect;
	r->time_appconnect = t.appconnect;
	r->time_starttransfer = t.starttransfer;
}

static void
fill_error(struct record *r, const struct fetch *f, struct facts *t)
{
	r->error = f->err;
	r->error_phase = f->phase;
	if (f->err == E_OK)
		return;
	r->error_detail = span_str(f->detail);
	if (f->note != NULL) {
		r->errormsg = span_str(f->note);
		return;
	}
	explain_error(&t->errormsg, f);
	r->errormsg = buf_view(&t->errormsg);
}

static void
fill_peer(struct record *r, const struct xchg *x, struct facts *t)
{
	const union resolve_addr *a = &x->peer;

	r->remote_port = -1;
	r->tls_verified = x->tls_verified;
	r->tls_version = span_str(x->tls_version);
	r->conn_id = (int64_t)x->conn_id;
	r->conn_reused = x->is_reused;
	r->remote_ip = span_str(xchg_peer_text(x, t->ip));
	if (x->has_peer)
		r->remote_port =
		    ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port
						      : a->in.sin_port);
}

/* The Location as an absolute URL; none if it is not valid. */
static void
fill_location(struct record *r, const struct xchg *x, struct facts *t)
{
	struct span value =
	    http_find(http_header(x->http), SPAN("location"), 0);

	if (value.n == 0 || url_resolve(&t->target, &x->url, value) != E_OK)
		return;
	buf_span(&t->location, url_text(&t->target));
	if (t->target.fragment.n > 0) {
		buf_char(&t->location, '#');
		buf_span(&t->location, buf_view(&t->target.fragment));
	}
	r->location = buf_view(&t->location);
}

static void
fill_file(struct record *r, const struct fetch *f)
{
	const struct save *s = &f->x->save;

	r->has_file = f->job->files != NULL;
	if (s->name.n > 0)
		r->body_file = buf_view(&s->name);
	if (s->name.n > 0 && s->has_sha256)
		r->sha256 = span_of(s->sha256, DIGEST_HEX);
}

/* Was the body received and decoded to its end? */
static int
is_whole(const struct fetch *f)
{
	return f->err == E_OK || f->err == E_HTTP_STATUS ||
	       f->err == E_DIGEST_MISMATCH || f->err == E_OUTPUT_CONFLICT ||
	       f->is_whole;
}

static void
fill_answer(struct record *r, const struct fetch *f, struct facts *t)
{
	const struct xchg *x = f->x;

	r->content_length = r->http_minor = -1;
	r->size_download = x->wire_bytes;
	r->size_decoded = x->decoded_bytes;
	r->flags = x->flags;
	if (x->slot_at_us == 0 && f->err == E_INTERRUPTED)
		r->status_code = f->history->last_status;
	if (x->slot_at_us == 0 || !f->has_begun || !xchg_has_head(x))
		return;
	r->flags |= http_flags(x->http);
	r->status_code = http_status(x->http);
	r->http_minor = http_minor(x->http);
	r->content_length = http_content_length(x->http);
	r->content_type = x->media.type;
	r->charset = x->media.charset;
	r->complete = is_whole(f);
	r->has_body = 1;
	r->body = buf_view(&x->body);
	r->body_streamed = x->stream_mode == OUTPUT_STREAM_LINES;
	r->http = x->http;
	fill_location(r, x, t);
}

static void
fill_request(struct record *r, const struct fetch *f, struct facts *t)
{
	const struct xchg *x = f->x;
	struct span given = x->req.url;

	r->seq = f->seq;
	r->id = x->req.id;
	r->id_is_custom = x->req.id_is_custom;
	r->meta = x->req.meta;
	/* The method of a line that is not a valid request is not known. */
	if (x->req.is_json && (x->req.method.n == 0 || x->req.url.p == NULL) &&
	    (f->err == E_INPUT_INVALID || f->err == E_INPUT_TOO_LONG))
		r->method = SPAN_NONE;
	else
		r->method = x->is_redirected
				? item_method(&x->req, f->job->opts)
				: x->method;
	if (f->err == E_INPUT_TOO_LONG && !x->req.is_json)
		given = f->line;
	if (given.p != NULL) {
		/* Redact before cutting: a password may be longer. */
		if (f->err == E_INPUT_TOO_LONG)
			url_redact_cut(&t->input, given);
		else
			url_redact(&t->input, given);
		if (t->input.n > INPUT_KEPT)
			t->input.n = INPUT_KEPT;
		r->input = t->input.n > 0 ? buf_view(&t->input) : SPAN("");
	}
	if (f->job->opts->include_attempts) {
		r->has_attempts = 1;
		r->attempt = f->history != NULL ? f->history->v : NULL;
		r->nattempt = f->history != NULL ? f->history->n : 0;
	}
	if (!x->has_url)
		return;
	r->url = url_text(xchg_item_url(x));
	if (f->attempts > 0)
		r->final_url = url_text(&x->url);
	r->num_attempts = f->attempts;
	r->num_redirects = f->history != NULL ? f->history->redirects : 0;
}

static void
fill_parse(struct record *r, const struct fetch *f, int is_line)
{
	const struct core *c = f->core;
	const struct parse *p = f->x->parse;

	r->has_parse = c->workers != NULL || (c->coprocs != NULL && !is_line);
	r->has_exec = c->coprocs != NULL && !is_line;
	r->parse_time = RECORD_NO_TIME;
	if (p == NULL || !p->was_parsed)
		return;
	r->was_parsed = 1;
	r->parse_error = p->error;
	r->parse_time = p->time_us;
	r->parse_worker = p->worker;
	if (p->has_object)
		r->extract = buf_view(&p->object);
	if (p->has_exec)
		r->exec = buf_view(&p->exec);
}

void
facts_fill(
    struct record *r, const struct fetch *f, struct facts *t, int is_line)
{
	memset(r, 0, sizeof(*r));
	r->num_events = f->is_streamed ? (int64_t)f->x->lines : -1;
	fill_request(r, f, t);
	fill_error(r, f, t);
	fill_peer(r, f->x, t);
	fill_answer(r, f, t);
	fill_file(r, f);
	fill_times(r, f);
	fill_parse(r, f, is_line);
}

void
facts_fini(struct facts *t)
{
	buf_fini(&t->input);
	buf_fini(&t->errormsg);
	buf_fini(&t->location);
	url_fini(&t->target);
}
