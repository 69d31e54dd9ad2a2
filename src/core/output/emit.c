/* SPDX-License-Identifier: ISC */
/*
 * Facts of a fetch and its exchange into a struct record. Decides nothing but
 * what a record says; knows no key and no JSON.
 */
#include "core/output/emit.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "core/explain.h"
#include "core/output/failed_input.h"
#include "core/fetch.h"
#include "core/item.h"
#include "core/output/stream.h"
#include "core/output/order.h"
#include "core/output/parse.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/sink.h"
#include "io/timer.h"

#define WALL_SET_US 5000 /* no two readings differ so much by chance */

#define PIECE_BYTES (1u << 20) /* of a large body put at a time */
#define INPUT_KEPT 65535

/* Strings made for one record. */
struct texts {
	struct buf input, errormsg, location;
	struct url target;
	char ip[XCHG_IP_TEXT];
};

/*
 * The wall clock at a moment of ours. The two clocks are read one after the
 * other, so no two readings agree: their offset is kept until the wall clock
 * was set, so that all records of an item have the same timestamp.
 */
static int64_t
wall_us(struct core *c, int64_t at_us)
{
	int64_t offset = timer_wall_us() - timer_now_us();
	int64_t change = offset - c->wall_offset_us;

	if (change > WALL_SET_US || change < -WALL_SET_US)
		c->wall_offset_us = offset;
	return c->wall_offset_us + at_us;
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
	r->timestamp_us = wall_us(f->core, f->begun_at_us);
	/* Parsing is no part of a request, but it is of the item. */
	r->time_item = now - f->begun_at_us;
	if (x->parse != NULL && x->parse->was_parsed)
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
fill_error(struct record *r, const struct fetch *f, struct texts *t)
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
fill_peer(struct record *r, const struct xchg *x, struct texts *t)
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

/* The Location made absolute; none if that cannot be. */
static void
fill_location(struct record *r, const struct xchg *x, struct texts *t)
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

/* Was the body received and decoded to its end? */
static int
is_whole(const struct fetch *f)
{
	return f->err == E_OK || f->err == E_HTTP_STATUS || f->is_whole;
}

static void
fill_answer(struct record *r, const struct fetch *f, struct texts *t)
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
	r->body_streamed = x->live == OUTPUT_STREAM_LINES;
	r->http = x->http;
	fill_location(r, x, t);
}

static void
fill_request(struct record *r, const struct fetch *f, struct texts *t)
{
	const struct xchg *x = f->x;
	struct span given = x->req.url;

	r->seq = f->seq;
	r->id = x->req.id;
	r->id_is_custom = x->req.id_is_custom;
	r->meta = x->req.meta;
	/* What was asked for cannot be known of a line that is no request. */
	if (x->req.is_json && (x->req.method.n == 0 || x->req.url.p == NULL) &&
	    (f->err == E_INPUT_INVALID || f->err == E_INPUT_TOO_LONG))
		r->method = SPAN_NONE;
	else
		r->method =
		    x->is_hop ? item_method(&x->req, f->opts) : x->method;
	if (f->err == E_INPUT_TOO_LONG && !x->req.is_json)
		given = f->line;
	if (given.p != NULL) {
		/* Before it is cut: a password may be longer than that. */
		if (f->err == E_INPUT_TOO_LONG)
			url_redact_cut(&t->input, given);
		else
			url_redact(&t->input, given);
		if (t->input.n > INPUT_KEPT)
			t->input.n = INPUT_KEPT;
		r->input = t->input.n > 0 ? buf_view(&t->input) : SPAN("");
	}
	if (f->opts->include_attempts) {
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
	r->num_redirects = f->history != NULL ? f->history->hops : 0;
}

static void
fill(struct record *r, const struct fetch *f, struct texts *t, int is_line)
{
	memset(r, 0, sizeof(*r));
	r->num_events = f->is_streamed ? (int64_t)f->x->lines : -1;
	fill_request(r, f, t);
	fill_error(r, f, t);
	fill_peer(r, f->x, t);
	fill_answer(r, f, t);
	fill_times(r, f);
	parse_fill_record(r, f, is_line);
}

static void
fini(struct texts *t)
{
	buf_fini(&t->input);
	buf_fini(&t->errormsg);
	buf_fini(&t->location);
	url_fini(&t->target);
}

/* The body alone, and only of what succeeded. Returns nonzero if more. */
static int
write_body(struct buf *out, const struct fetch *f, const struct record *r,
    struct record_at *at)
{
	size_t n = r->body.n - at->body_done;

	if (f->err != E_OK || n == 0)
		return 0;
	if (n > PIECE_BYTES)
		n = PIECE_BYTES;
	buf_add(out, r->body.p + at->body_done, n);
	at->body_done += n;
	return at->body_done < r->body.n;
}

static int
write_piece(struct buf *out, const struct fetch *f, const struct record *r)
{
	struct core *c = f->core;

	switch ((enum opt_format)c->opts->format) {
	case FORMAT_BODY:
		return write_body(out, f, r, &f->x->at);
	case FORMAT_TEXT:
		record_write_text(out, r, &c->text);
		return 0;
	case FORMAT_JSONL:
	case FORMAT_AUTO:
		return record_write(out, r, &c->format, &f->x->at, PIECE_BYTES);
	}
	return 0;
}

static int
exit_class(const struct fetch *f)
{
	int class = error_info(f->err)->exit;

	return class != 47 ? class : f->has_begun ? 7 : 4;
}

static void
count(const struct fetch *f, const struct record *r)
{
	struct stats *s = &f->core->stats;
	int class = r->status_code / 100;

	s->by_error[f->err]++;
	if (r->was_parsed)
		s->by_parse[r->parse_error]++;
	if (f->err != E_INTERRUPTED) /* that says by_error */
		s->exit_classes |= 1u << exit_class(f);
	if (f->err == E_OK)
		s->ok++;
	else
		s->failed++;
	if (f->err == E_OK)
		s->by_status[class >= 1 && class <= 5 ? class : 0]++;
}

/* What a fetch that never had a slot lacks. */
static void
complete(struct fetch *f)
{
	if (f->x != NULL)
		return;
	f->x = xchg_take(f->core, f);
	f->x->start_at_us = f->begun_at_us;
	if (f->history != NULL && f->history->lookup_at_us != 0)
		f->x->start_at_us = f->history->lookup_at_us;
	if (f->err == E_INTERRUPTED)
		f->x->start_at_us = f->entered_at_us - f->history->last_took_us;
	(void)xchg_look(f->x, f);
	xchg_count_held(f->x);
}

/* ---- where it goes ---- */

int
emit_is_stored(const struct fetch *f)
{
	const struct core *c = f->core;

	return c->order != NULL && c->emitting != f &&
	       !order_is_turn(c->order, f->seq);
}

struct buf *
emit_open(struct fetch *f)
{
	struct core *c = f->core;
	struct buf *b = emit_is_stored(f) ? order_begin(c->order, f->seq)
					  : sink_buf(c->out);

	c->emit_to = b;
	c->emit_from = b->n;
	return b;
}

/* JSON lines for a terminal: what its strings may hold, it may not get. */
static void
spare_terminal(struct fetch *f)
{
	struct core *c = f->core;

	if (c->is_terminal && c->opts->format == FORMAT_JSONL)
		record_spare_terminal(c->emit_to, c->emit_from);
}

void
emit_close(struct fetch *f)
{
	struct core *c = f->core;

	spare_terminal(f);
	if (emit_is_stored(f))
		order_add(c->order, f->seq);
	account_ask(c);
}

int
emit_has_any(const struct core *c)
{
	const struct list *l = &c->state[FETCH_EMITTING];
	struct link *k;

	if (sink_is_full(c->out))
		return 0;
	if (c->emitting != NULL)
		return c->emitting->state == FETCH_EMITTING;
	if (c->order == NULL || order_has_room(c->order))
		return l->n > 0;
	for (k = list_first(l); k != NULL; k = list_next(l, k))
		if (!emit_is_stored(CONTAINER(k, struct fetch, link)))
			return 1;
	return 0;
}

int
emit_has_room(const struct fetch *f)
{
	const struct core *c = f->core;

	return emit_is_stored(f) ? order_has_room(c->order)
				 : !sink_is_full(c->out);
}

int
emit_ordered(struct core *c)
{
	enum err e;

	if (c->order == NULL || c->emitting != NULL)
		return 0;
	e = order_flush(c->order, c->out);
	if (e != E_OK)
		c->spill_error = e;
	return order_is_due(c->order) && !sink_is_full(c->out) && e == E_OK;
}

/* ---- the record ---- */

/* --only-failed and --only-ok leave records out. */
static int
is_wanted(const struct fetch *f)
{
	if (f->opts->only_failed)
		return f->err != E_OK;
	return !f->opts->only_ok || f->err == E_OK;
}

/* One step of it. Returns nonzero if there is more. */
static int
write_step(struct fetch *f, const struct record *r)
{
	int more = write_piece(emit_open(f), f, r);

	emit_close(f);
	return more;
}

int
emit_line(struct fetch *f, struct buf *out, struct record_at *at, size_t max)
{
	struct record r;
	struct texts t = { 0 };
	int more;

	fill(&r, f, &t, 1);
	more = record_write(out, &r, &f->core->line_format, at, max);
	fini(&t);
	return more;
}

int
emit_record(struct fetch *f, int all)
{
	struct core *c = f->core;
	struct record r;
	struct texts t = { 0 };
	int more, is_stored = emit_is_stored(f);

	if (!all && !emit_has_room(f))
		return 0;
	if (!is_stored && output_stream_is_blocked(f))
		return 0;
	complete(f);
	if (!output_stream_finish(f->x, all))
		return 0;
	fill(&r, f, &t, 0);
	more = is_wanted(f);
	while (more && (all || emit_has_room(f)))
		more = write_step(f, &r);
	if (!more) {
		count(f, &r);
		failed_input_put(f);
	}
	if (!is_stored)
		c->emitting = more ? f : NULL;
	if (!more && c->order != NULL)
		order_end(c->order, f->seq);
	fini(&t);
	return !more;
}
