/* SPDX-License-Identifier: ISC */
/*
 * The request: made from the line, the options and a redirect. Decides what may
 * be sent to which origin; codec/http writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/base64.h"
#include "core/fetch.h"
#include "core/item.h"
#include "core/history.h"
#include "core/output/parse.h"
#include "core/xchg.h"
#include "core/upload.h"
#include "io/file.h"

#define HEADER_CEILING (64u << 20) /* if --max-header-size is off */
/* Header sections of an answer and its redirects together: so many times the
 * limit of one, but at least CHAIN_MIN. */
#define CHAIN_SECTIONS 4
#define CHAIN_MIN (1u << 20)

/* Sets x->note to what is wrong with a file. */
static void
set_note(struct xchg *x, struct buf *why)
{
	buf_char(why, '\0');
	free(x->note);
	x->note = mem_strdup(why->p);
	buf_fini(why);
}

/* body_file, or a --form with files in it. */
static int
add_parts(struct xchg *x, const struct opts *o, struct buf *why)
{
	struct span piece;
	size_t i;

	if (x->req.body_file.n > 0)
		return upload_add_file(&x->upload, x->req.body_file, why);
	for (i = 0; i < o->npieces; i++) {
		piece = span_of(o->pieces[i].text, o->pieces[i].n);
		if (!o->pieces[i].is_path)
			upload_add_text(&x->upload, piece);
		else if (upload_add_file(&x->upload, piece, why) == -1)
			return -1;
	}
	return 0;
}

/* Reads all parts to x->content. Some files have a size of 0 and bytes
 * nevertheless, as those in /proc. */
static int
read_parts(struct xchg *x, struct buf *why)
{
	size_t i, left;

	for (i = 0; i < x->upload.n; i++) {
		const struct upload_part *p = &x->upload.v[i];

		left = XCHG_UNSIZED_MAX - x->content.n;
		if (!p->is_file)
			buf_span(&x->content, p->text);
		else if (file_read(&x->content, p->text, left, why) == -1)
			return -1;
	}
	return 0;
}

/* A body that is in files: small ones are read now. */
static enum err
find_upload(struct xchg *x, const struct opts *o, struct http_request *h)
{
	struct buf why = { 0 };
	int r;

	upload_clear(&x->upload);
	r = add_parts(x, o, &why);
	if (r == 0 && x->upload.size_bytes > XCHG_CONTENT_MAX) {
		h->body_bytes = x->upload.size_bytes;
		xchg_count_held(x);
		return E_OK;
	}
	if (r == 0)
		r = read_parts(x, &why);
	upload_clear(&x->upload);
	xchg_count_held(x);
	if (r == -1) {
		set_note(x, &why);
		return E_INPUT_INVALID;
	}
	x->body_out = buf_view(&x->content);
	h->body_bytes = x->body_out.n;
	return E_OK;
}

enum err
xchg_open_upload(struct xchg *x)
{
	struct buf why = { 0 };
	enum err e;

	if (x->upload.n == 0)
		return E_OK;
	x->is_send_due = x->is_upload_stopped = 0;
	e = upload_open(&x->upload, &why);
	if (e == E_INPUT_INVALID)
		set_note(x, &why);
	buf_fini(&why);
	return e;
}

int
xchg_read_upload(struct xchg *x, struct span *piece)
{
	struct buf why = { 0 };

	if (upload_read(&x->upload, piece, &why) == 0) {
		xchg_count_held(x);
		return 0;
	}
	set_note(x, &why);
	return -1;
}

void
xchg_end_upload(struct xchg *x)
{
	if (x->upload.n == 0)
		return;
	upload_clear(&x->upload);
	x->body_out = SPAN_NONE;
	xchg_count_held(x);
}

int
xchg_has_upload_left(const struct xchg *x)
{
	return upload_is_left(&x->upload);
}

static enum err
find_body(struct xchg *x, const struct opts *o, struct http_request *h)
{
	x->body_out = SPAN_NONE;
	h->has_body = 1;
	if (x->req.body_file.n > 0)
		return find_upload(x, o, h);
	if (x->req.has_body) {
		x->body_out = x->req.body;
		if (x->req.body_is_json)
			h->content_type = SPAN("application/json");
	} else if (o->npieces > 0) {
		h->content_type = span_str(o->content_type);
		return find_upload(x, o, h);
	} else if (o->has_body) {
		x->body_out = buf_view(&o->payload);
		h->content_type = span_str(o->content_type);
	} else
		h->has_body = 0;
	h->body_bytes = x->body_out.n;
	return E_OK;
}

void
xchg_basic(struct buf *to, struct span user, struct span password)
{
	struct buf pair = { 0 };
	char *end;

	buf_span(&pair, user);
	buf_char(&pair, ':');
	buf_span(&pair, password);
	buf_str(to, "Basic ");
	end = base64_encode(
	    buf_reserve(to, BASE64_BYTES(pair.n)), buf_view(&pair));
	to->n = (size_t)(end - to->p);
	buf_fini(&pair);
}

/* Credentials in the item's URL override -u. */
static struct span
authorization(struct xchg *x, struct buf *own)
{
	const struct url *u = xchg_item_url(x);

	if (!u->has_user)
		return buf_view(&x->fetch->job->authorization);
	xchg_basic(own, buf_view(&u->user), buf_view(&u->password));
	return buf_view(own);
}

/* Moves the item's URL to x->home and sets x->url to the redirect's target. 0,
 * or -1 if that is not a URL. */
static int
use_redirect_url(struct xchg *x, const struct history *t)
{
	struct url own = x->url;

	x->url = x->home;
	x->home = own;
	x->is_redirected = 1;
	if (t->method.n > 0)
		x->method = t->method;
	return history_parse_redirect(t, &x->url);
}

int
xchg_parse_line(struct xchg *x, const struct fetch *f)
{
	struct request_fault fault;
	const char *why;
	size_t at;
	int is_good = request_parse(&x->req, f->line, &fault) == E_OK;

	x->has_url = item_url(f->job, &x->url, x->req.url, &why, &at) == E_OK;
	x->method = item_method(&x->req, f->job->opts);
	x->is_redirected = 0;
	if (!is_good || !x->has_url)
		return 0;
	if (f->history != NULL && f->history->redirects > 0)
		return use_redirect_url(x, f->history) == 0;
	return 1;
}

const struct url *
xchg_item_url(const struct xchg *x)
{
	return x->is_redirected ? &x->home : &x->url;
}

void
xchg_expect(struct xchg *x)
{
	const struct fetch *f = x->fetch;
	size_t max = f->job->opts->max_header_size_bytes > 0
			 ? (size_t)f->job->opts->max_header_size_bytes
			 : HEADER_CEILING;
	size_t used = f->history != NULL ? f->history->header_bytes : 0;
	size_t chain = max * CHAIN_SECTIONS, left;

	if (chain < CHAIN_MIN)
		chain = CHAIN_MIN;
	left = used < chain ? chain - used : 1;
	if (max > left)
		max = left;
	http_start(x->http, span_eq(x->method, SPAN("HEAD")), max,
	    f->job->opts->include_headers);
}

/* The parts of the item's request that are not sent after a redirect. */
static unsigned
omit(const struct xchg *x, const struct fetch *f)
{
	unsigned omit = 0;

	if (!x->is_redirected)
		return 0;
	if (f->history->drops_body)
		omit |= HTTP_OMIT_CONTENT;
	if (span_eq(url_origin(&x->url), url_origin(&x->home)))
		return omit;
	if (!f->job->opts->location_trusted)
		omit |= HTTP_OMIT_SECRETS;
	return omit | HTTP_OMIT_HOST;
}

enum err
xchg_prepare(struct xchg *x, const struct fetch *f)
{
	const struct opts *o = f->job->opts;
	struct http_request h = { 0 };
	struct buf own = { 0 };
	enum err e = E_OK;

	if (!xchg_parse_line(x, f)) {
		x->note = mem_strdup("the input line cannot be parsed again");
		return x->is_redirected ? E_REDIRECT_INVALID : E_INPUT_INVALID;
	}
	xchg_expect(x);
	h.omit = omit(x, f);
	if (h.omit & HTTP_OMIT_CONTENT)
		x->body_out = SPAN_NONE;
	else
		e = find_body(x, o, &h);
	if (e != E_OK)
		return e;
	h.method = x->method;
	h.target = url_target(&x->url);
	h.authority = url_authority(&x->url);
	h.user_agent = span_str(o->user_agent);
	h.cookie = span_str(o->cookie);
	h.referer = span_str(o->referer);
	h.authorization = authorization(x, &own);
	h.option = f->job->headers;
	h.item = (struct http_headers){ x->req.header, x->req.nheader };
	/* A part of coded content cannot be decoded. */
	if (o->compressed)
		h.accept_encoding = http_sends(&h, SPAN("range"))
					? SPAN("identity")
					: SPAN("gzip, deflate, br, zstd");
	x->asks_close = http_asks_close(&h);
	http_write_request(&x->head, &h);
	buf_fini(&own);
	xchg_count_held(x);
	return E_OK;
}
