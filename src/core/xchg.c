/* SPDX-License-Identifier: ISC */
/*
 * The answer: passes its bytes through codec/http and codec/decode and checks
 * every limit. Each step returns a verdict; core/fetch acts on it. The request
 * is in xchg_request.c.
 */
#include "core/xchg.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/http/list.h"
#include "core/fetch.h"
#include "io/conn/conn.h"
#include "core/output/parse.h"
#include "io/timer.h"

#define STEP_BYTES (256u << 10) /* decoded per call */
#define KEEP_BYTES 16384        /* of a buffer, kept for the next fetch */
#define KEEP_DECODER_BYTES (1u << 20)
#define SPARE_MAX 64 /* exchanges kept for the next items */
#define KEEP_ALIVE_US 60000000
#define RATIO_FROM (1u << 20) /* --max-ratio counts from here */
#define DRAIN_MAX 65536  /* bytes of a body that are read only so that the */
#define DRAIN_US 1000000 /* connection can be reused, in this time */

/* ---- its life ---- */

struct xchg *
xchg_take(struct core *c, struct fetch *f)
{
	struct link *k = list_shift(&c->spare.xchgs);
	struct xchg *x;

	if (k != NULL) {
		x = CONTAINER(k, struct xchg, spare);
	} else {
		x = mem_zalloc(1, sizeof(*x));
		x->core = c;
		x->http = http_new();
	}
	x->fetch = f;
	x->tls_verified = -1;
	return x;
}

/* Bodies count by length, not capacity: unused pages take no memory. */
static size_t
held_bytes(const struct xchg *x)
{
	size_t n = x->body.n + x->pending.cap + x->content.n + x->head.cap +
		   upload_held_bytes(&x->upload) + x->req.store.cap +
		   x->url.text.cap + x->home.text.cap +
		   http_held_bytes(x->http);

	if (x->decode != NULL)
		n += decode_held_bytes(x->decode);
	if (x->stream != NULL)
		n += stream_held_bytes(x->stream);
	if (x->parse != NULL)
		n += x->parse->object.n + x->parse->exec.n;
	return n;
}

void
xchg_count_held(struct xchg *x)
{
	account_set(
	    &x->core->account, ACCOUNT_EXCHANGES, &x->charged, held_bytes(x));
}

/* A decoder is large: one is kept for all exchanges, not one for each. */
static void
give_decoder(struct xchg *x)
{
	if (x->core->spare.decode == NULL &&
	    (x->decode == NULL ||
		decode_held_bytes(x->decode) <= KEEP_DECODER_BYTES))
		x->core->spare.decode = x->decode;
	else
		decode_close(x->decode);
	x->decode = NULL;
}

/* Prepares it for another answer. */
static void
clear_parse(struct parse *p)
{
	if (p == NULL)
		return;
	CHECK(p->pool == NULL);
	buf_clear(&p->object, KEEP_BYTES);
	buf_clear(&p->exec, KEEP_BYTES);
	p->was_parsed = p->has_object = p->has_exec = 0;
	p->error = PARSE_OK;
	p->worker = 0;
}

void
xchg_clear_parse(struct xchg *x)
{
	clear_parse(x->parse);
	xchg_count_held(x);
}

static void
clear_answer(struct xchg *x)
{
	give_decoder(x);
	save_clear(x);
	clear_parse(x->parse);
	buf_clear(&x->body, KEEP_BYTES);
	buf_clear(&x->pending, 0);
	buf_clear(&x->type_lines, 0);
	x->content_type = SPAN_NONE;
	media_type_clear(&x->media, KEEP_BYTES);
	x->is_coded = x->is_whole_on_wire = x->has_backlog = 0;
	x->wire_bytes = x->decoded_bytes = 0;
	x->flags = 0;
	x->verdict = VERDICT_FINAL;
	output_stream_clear(x);
	x->err = E_OK;
	x->detail = NULL;
	free(x->note);
	x->note = NULL;
	x->first_at_us = x->end_at_us = 0;
	x->window_at_us = x->drain_at_us = x->refused_at_us = 0;
	x->postponements = 0;
}

void
xchg_release(struct xchg **xp)
{
	struct xchg *x = *xp;

	*xp = NULL;
	CHECK(x->conn == NULL);
	clear_answer(x);
	buf_clear(&x->head, KEEP_BYTES);
	buf_clear(&x->content, 0);
	upload_clear(&x->upload);
	x->is_send_due = x->is_upload_stopped = 0;
	if (x->req.store.cap > KEEP_BYTES)
		request_fini(&x->req);
	x->fetch = NULL;
	x->is_reused = x->is_resent = x->is_counted = x->is_redirected = 0;
	x->conn_id = 0;
	x->has_peer = x->has_url = 0;
	x->tls_version = NULL;
	x->body_out = SPAN_NONE;
	x->start_at_us = x->looked_up_at_us = x->up_at_us = x->secure_at_us = 0;
	x->paused_at_us = x->paused_total_us = x->memory_us =
	    x->handshake_queue_us = 0;
	x->slot_at_us = 0;
	x->at = (struct record_at){ 0 };
	http_start(x->http, 0, 0, 0);
	account_set(&x->core->account, ACCOUNT_EXCHANGES, &x->charged, 0);
	if (x->core->spare.xchgs.n < SPARE_MAX)
		list_unshift(&x->core->spare.xchgs, &x->spare);
	else
		xchg_free(x);
}

void
xchg_free(struct xchg *x)
{
	timer_free(x->timer);
	http_free(x->http);
	request_fini(&x->req);
	url_fini(&x->url);
	url_fini(&x->home);
	buf_fini(&x->head);
	buf_fini(&x->content);
	upload_fini(&x->upload);
	buf_fini(&x->pending);
	buf_fini(&x->type_lines);
	media_type_fini(&x->media);
	buf_fini(&x->body);
	buf_fini(&x->save.name);
	stream_free(x->stream);
	if (x->parse != NULL) {
		buf_fini(&x->parse->object);
		buf_fini(&x->parse->exec);
		free(x->parse);
	}
	free(x->note);
	free(x);
}

/* ---- the answer ---- */

void
xchg_reset(struct xchg *x)
{
	clear_answer(x);
	x->conn_id = 0;
	x->is_reused = 0;
	x->up_at_us = x->secure_at_us = 0;
	x->tls_version = NULL;
	x->tls_verified = -1;
}

void
xchg_count_pause(struct xchg *x)
{
	int64_t now = x->core->clock.now_us, lasted = now - x->paused_at_us;

	if (x->paused_for == WAIT_MEMORY)
		x->memory_us += lasted;
	else
		x->paused_total_us += lasted;
	stats_wait(
	    &x->fetch->job->stats, (enum wait_reason)x->paused_for, lasted);
	x->paused_at_us = now;
}

void
xchg_copy_conn_facts(struct xchg *x)
{
	if (x->conn == NULL)
		return;
	x->conn_id = conn_id(x->conn);
	x->handshake_queue_us =
	    x->is_reused ? 0 : conn_handshake_queue_us(x->conn);
	x->peer = *conn_peer(x->conn);
	x->has_peer = x->peer.sa.sa_family != AF_UNSPEC;
	x->tls_version = conn_tls_version(x->conn);
	x->tls_verified = conn_tls_verified(x->conn);
}

static enum xchg_verdict
bad(struct xchg *x, enum err e, enum phase p, const char *detail)
{
	x->err = e;
	x->phase = p;
	x->detail = detail;
	return XCHG_BAD;
}

static enum xchg_verdict
bad_http(struct xchg *x)
{
	enum err e = http_error(x->http);

	if (e == E_EMPTY_REPLY)
		return bad(x, e, PHASE_TTFB, NULL);
	return bad(x, e, http_has_head(x->http) ? PHASE_BODY : PHASE_HEADERS,
	    http_detail(x->http));
}

uint64_t
xchg_max_bytes(const struct xchg *x)
{
	const struct opts *o = x->fetch->job->opts;

	if (x->stream_mode != OUTPUT_STREAM_NONE &&
	    !opts_given(o, OPT_max_filesize))
		return 0;
	return o->max_filesize_bytes;
}

/* Did some layer of decoding expand far more than --max-ratio allows? */
static int
is_bomb(const struct xchg *x)
{
	const struct opts *o = x->fetch->job->opts;
	uint64_t widest = decode_widest(x->decode);
	uint64_t max = xchg_max_bytes(x);

	if (max > 0 && widest > max)
		return 1;
	return o->max_ratio > 0 && widest > RATIO_FROM &&
	       widest / (uint64_t)o->max_ratio > x->wire_bytes;
}

/* Writes a stream to the output. AGAIN: the output has no room. */
static enum xchg_verdict
report(struct xchg *x)
{
	if (x->stream_mode == OUTPUT_STREAM_NONE)
		return XCHG_MORE;
	switch (output_stream_run(x)) {
	case OUTPUT_STREAM_TAKEN:
		return XCHG_MORE;
	case OUTPUT_STREAM_BLOCKED:
		return XCHG_AGAIN;
	case OUTPUT_STREAM_TOO_BIG:
		break;
	}
	return bad(x, E_BODY_TOO_LARGE, PHASE_BODY, NULL);
}

/* Counts decoded bytes, saves them, keeps them if they are needed, and writes a
 * stream. They may be in the free space after x->body. AGAIN: the output has no
 * room. */
static enum xchg_verdict
take_decoded(struct xchg *x, struct span in)
{
	uint64_t max = xchg_max_bytes(x), over = 0;
	enum xchg_verdict v;

	x->decoded_bytes += in.n;
	if (max > 0 && x->decoded_bytes > max)
		over = x->decoded_bytes - max;
	x->decoded_bytes -= over;
	in.n -= (size_t)over;
	save_put(x, in);
	if (save_keep_body(x, in.n)) {
		if (in.p != x->body.p + x->body.n)
			memcpy(buf_reserve(&x->body, in.n), in.p, in.n);
		x->body.n += in.n;
	}
	v = report(x);
	if (over > 0)
		return bad(x, E_BODY_TOO_LARGE, PHASE_BODY, NULL);
	if (v != XCHG_BAD && x->is_coded && is_bomb(x))
		return bad(x, E_DECODE_BOMB, PHASE_DECODE, NULL);
	return v;
}

/*
 * Decodes up to STEP_BYTES. MORE: all of `in` is used; AGAIN: `in` is the rest,
 * which the caller keeps in x->pending.
 */
static enum xchg_verdict
run_decoder(struct xchg *x, struct span *in)
{
	uint64_t widest = decode_widest(x->decode);
	size_t done = 0, wrote;
	enum decode_verdict d;
	enum xchg_verdict v;

	do {
		d = decode_step(
		    x->decode, in, buf_reserve(&x->body, 16384), 16384, &wrote);
		done += wrote;
		if (decode_widest(x->decode) - widest > done)
			done = (size_t)(decode_widest(x->decode) - widest);
		v = take_decoded(x, span_of(x->body.p + x->body.n, wrote));
		if (v == XCHG_BAD)
			return v;
		if (d == DECODE_BAD)
			return bad(x, E_DECODE_FAILED, PHASE_DECODE,
			    decode_detail(x->decode));
		if (v == XCHG_AGAIN)
			return v;
		if (d != DECODE_FULL)
			return XCHG_MORE;
	} while (done < STEP_BYTES);
	return XCHG_AGAIN;
}

static enum xchg_verdict
decode_some(struct xchg *x, struct span in)
{
	enum xchg_verdict v;
	struct span left;

	if (x->has_backlog) {
		left = buf_view(&x->pending);
		v = run_decoder(x, &left);
		buf_drop(&x->pending, x->pending.n - left.n);
		CHECK(in.n == 0);
	} else {
		v = run_decoder(x, &in);
		if (v == XCHG_AGAIN)
			buf_span(&x->pending, in);
	}
	x->has_backlog = v == XCHG_AGAIN;
	return v;
}

/* Body bytes without a content coding. */
static enum xchg_verdict
take_plain(struct xchg *x, struct span in)
{
	enum xchg_verdict v;

	if (in.n == 0)
		return XCHG_MORE;
	v = take_decoded(x, in);
	x->has_backlog = v == XCHG_AGAIN;
	return v;
}

/* Continues where a full output or STEP_BYTES stopped it. */
static enum xchg_verdict
take_backlog(struct xchg *x)
{
	enum xchg_verdict v = report(x);

	if (v == XCHG_MORE && x->is_coded)
		return decode_some(x, SPAN_NONE);
	x->has_backlog = v == XCHG_AGAIN;
	return v;
}

static enum xchg_verdict
take_body(struct xchg *x, struct span in)
{
	uint64_t max = xchg_max_bytes(x);

	x->wire_bytes += in.n;
	if (x->verdict != VERDICT_FINAL)
		return x->wire_bytes > DRAIN_MAX ? XCHG_CUT : XCHG_MORE;
	if (max > 0 && x->wire_bytes > max && x->is_coded)
		return bad(x, E_BODY_TOO_LARGE, PHASE_BODY, NULL);
	if (x->is_coded)
		return in.n > 0 ? decode_some(x, in) : XCHG_MORE;
	return take_plain(x, in);
}

static int
is_any_coded(struct span codings)
{
	struct span name;

	while (http_list_next(&codings, &name))
		if (!span_ieq(name, SPAN("identity")))
			return 1;
	return 0;
}

/* Opens a decoder for the answer's content codings; BAD: too many. */
static enum xchg_verdict
open_decoder(struct xchg *x)
{
	struct buf lines = { 0 };
	struct span codings = http_find_all(
	    http_header(x->http), SPAN("content-encoding"), &lines);
	int unknown = 0;
	enum err e = E_OK;

	/* A part of coded content cannot be decoded: it is kept as it is. */
	if (http_status(x->http) == 206)
		unknown = is_any_coded(codings);
	else if (codings.n > 0 && x->fetch->job->opts->compressed) {
		x->decode = x->core->spare.decode;
		x->core->spare.decode = NULL;
		e = decode_open(&x->decode, &codings, 1, &unknown);
		x->is_coded = x->decode != NULL;
	}
	buf_fini(&lines);
	if (e != E_OK)
		return bad(x, e, PHASE_DECODE, NULL);
	if (unknown)
		x->flags |= RECORD_UNKNOWN_CODING;
	return XCHG_MORE;
}

/* Prepares for the body. */
static enum xchg_verdict
take_head(struct xchg *x)
{
	uint64_t max;
	int64_t length =
	    x->after_head == HTTP_DONE ? 0 : http_content_length(x->http);

	if (x->verdict == VERDICT_ERROR)
		return XCHG_BAD;
	if (x->verdict != VERDICT_FINAL) {
		x->drain_at_us = x->core->clock.now_us + DRAIN_US;
		return length > DRAIN_MAX ? XCHG_CUT : XCHG_MORE;
	}
	output_stream_begin(x);
	save_begin(x);
	max = xchg_max_bytes(x);
	if (open_decoder(x) == XCHG_BAD)
		return XCHG_BAD;
	if (max > 0 && length >= 0 && (uint64_t)length > max)
		return bad(x, E_BODY_TOO_LARGE, PHASE_BODY, NULL);
	return XCHG_MORE;
}

/* All bytes have arrived: is the decoded content complete, too? */
static enum xchg_verdict
conclude(struct xchg *x)
{
	if (x->has_backlog)
		return XCHG_AGAIN;
	if (x->is_coded && !decode_finish(x->decode))
		return bad(x, E_DECODE_FAILED, PHASE_DECODE,
		    "unexpected end of the stream");
	if (x->is_coded && decode_trailing(x->decode))
		x->flags |= RECORD_TRAILING_DATA;
	if (x->verdict == VERDICT_FINAL && save_check_digest(x) != E_OK)
		return bad(x, E_DIGEST_MISMATCH, PHASE_BODY, NULL);
	return XCHG_DONE;
}

/* Takes the body's bytes and the verdict of codec/http on their input. */
static enum xchg_verdict
take_body_and_end(struct xchg *x, enum http_verdict h, struct span body)
{
	enum xchg_verdict v = XCHG_MORE;

	if (http_has_head(x->http))
		v = take_body(x, body);
	if (v == XCHG_BAD || v == XCHG_CUT)
		return v;
	if (h == HTTP_BAD)
		return bad_http(x);
	if (h == HTTP_DONE) {
		x->is_whole_on_wire = 1;
		return conclude(x);
	}
	return v;
}

enum xchg_verdict
xchg_input(struct xchg *x, struct span in)
{
	int had_head = http_has_head(x->http);
	struct span body;
	enum http_verdict h = http_feed(x->http, in, &body);
	enum xchg_verdict v;

	if (!had_head && http_has_head(x->http)) {
		x->content_type = http_find_all(
		    http_header(x->http), SPAN("content-type"), &x->type_lines);
		media_type_read(&x->media, x->content_type);
		x->after_head = h;
		x->body_in = body;
		return XCHG_HEAD;
	}
	v = take_body_and_end(x, h, body);
	xchg_count_held(x);
	return v;
}

enum xchg_verdict
xchg_take_verdict(struct xchg *x, enum retry_verdict next)
{
	enum xchg_verdict v;

	x->verdict = next;
	v = take_head(x);
	if (v == XCHG_MORE)
		v = take_body_and_end(x, x->after_head, x->body_in);
	x->body_in = SPAN_NONE;
	xchg_count_held(x);
	return v;
}

enum xchg_verdict
xchg_continue(struct xchg *x)
{
	enum xchg_verdict v = XCHG_MORE;

	if (x->has_backlog)
		v = take_backlog(x);
	xchg_count_held(x);
	if (v == XCHG_MORE && x->is_whole_on_wire)
		return conclude(x);
	return v;
}

enum xchg_verdict
xchg_end(struct xchg *x, int clean)
{
	if (http_eof(x->http, clean) == HTTP_DONE) {
		x->is_whole_on_wire = 1;
		return conclude(x);
	}
	return bad_http(x);
}

int
xchg_has_head(const struct xchg *x)
{
	return http_has_head(x->http);
}

int
xchg_has_begun(const struct xchg *x)
{
	return http_begun(x->http);
}

int64_t
xchg_keep_us(const struct xchg *x)
{
	int64_t s;

	if (!x->is_whole_on_wire || x->asks_close || !http_keep_alive(x->http))
		return 0;
	s = http_keep_alive_timeout(x->http);
	if (s < 0 || s > KEEP_ALIVE_US / 1000000)
		return KEEP_ALIVE_US;
	return (s - 1) * 1000000;
}

/* ---- facts ---- */

static int64_t
since(int64_t moment_us, int64_t from_us)
{
	return moment_us != 0 ? moment_us - from_us : RECORD_NO_TIME;
}

void
xchg_times(const struct xchg *x, int64_t end_us, struct xchg_times *t)
{
	int64_t zero = x->start_at_us;

	t->total = end_us - zero;
	t->namelookup = since(x->looked_up_at_us, zero);
	t->connect = x->is_reused ? t->namelookup : since(x->up_at_us, zero);
	t->appconnect = x->is_reused || x->url.scheme == URL_HTTP
			    ? t->connect
			    : since(x->secure_at_us, zero);
	t->starttransfer = since(x->first_at_us, zero);
}

/* inet_ntop prints by sprintf, and this runs for every record. */
static void
put_v4(char *to, uint32_t ip)
{
	int shift, n;

	for (shift = 24; shift >= 0; shift -= 8) {
		n = ip >> shift & 255;
		if (n >= 100)
			*to++ = (char)('0' + n / 100);
		if (n >= 10)
			*to++ = (char)('0' + n / 10 % 10);
		*to++ = (char)('0' + n % 10);
		*to++ = '.';
	}
	to[-1] = '\0';
}

const char *
xchg_peer_text(const struct xchg *x, char text[XCHG_IP_TEXT])
{
	if (!x->has_peer)
		return NULL;
	if (x->peer.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &x->peer.in6.sin6_addr, text, XCHG_IP_TEXT);
	else
		put_v4(text, ntohl(x->peer.in.sin_addr.s_addr));
	return text;
}
