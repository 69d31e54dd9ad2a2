/* SPDX-License-Identifier: ISC */
/*
 * Reads responses: http_head validates and normalises the header section,
 * llhttp parses the result and frames bodies by length or by the end of the
 * connection, http_chunk decodes chunked bodies (see there why).
 */
#include "codec/http/http.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/http/chunk.h"
#include "codec/http/framing.h"
#include "codec/http/head.h"

/* Memory that a reader keeps between responses. */
#define KEPT_SECTION_BYTES 8192
#define KEPT_FIELDS 128
#define KEPT_TRAILER_BYTES 1024
#define KEPT_BODY_BYTES 16384

enum state {
	IN_HEAD,
	IN_BODY,
	IN_CHUNKS,
	IN_TRAILER,
	IS_DONE,
	IS_BAD,
};

struct http {
	enum state state;
	int is_head, keep_interim;
	int any;      /* a byte arrived, even of a blank line */
	int has_head; /* the final header section is complete and valid */
	size_t used;
	size_t header_max; /* as given to http_start */
	enum err error;
	const char *detail;

	struct http_head head;
	struct http_framing framing;
	struct http_chunk chunk;
	struct http_fields header, trailer;
	struct http_interim *interim; /* HTTP_MAX_INTERIM of them, or NULL */
	size_t interim_seen, interim_kept;

	struct span body;  /* the body bytes of this call */
	struct buf gather; /* body bytes joined from several runs */

	llhttp_t parser;
	int headers_complete, message_complete; /* recorded by callbacks */
};

static void add_body(struct http *h, struct span s);

/* ---- llhttp: its callbacks only record ---- */

static int
on_headers_complete(llhttp_t *p)
{
	struct http *h = p->data;

	h->headers_complete = 1;
	/* 1 tells llhttp that there is no body. */
	return h->framing.body == HTTP_BODY_NONE ||
	       h->framing.body == HTTP_BODY_CHUNKED;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
	add_body(p->data, span_of(at, n));
	return 0;
}

/* Pausing here makes llhttp report where the message ended. */
static int
on_message_complete(llhttp_t *p)
{
	struct http *h = p->data;

	h->message_complete = 1;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- verdicts ---- */

static enum http_verdict
fail(struct http *h, enum err error, const char *detail)
{
	h->state = IS_BAD;
	h->error = error;
	h->detail = detail;
	return HTTP_BAD;
}

static enum http_verdict
done(struct http *h)
{
	h->state = IS_DONE;
	return HTTP_DONE;
}

/* llhttp rejects a section that http_head accepted. */
static enum http_verdict
fail_llhttp(struct http *h, llhttp_errno_t e)
{
	enum err error = E_HTTP_BAD_HEADER;

	if (e == HPE_INVALID_VERSION || e == HPE_INVALID_STATUS ||
	    e == HPE_INVALID_CONSTANT)
		error = E_HTTP_BAD_STATUS_LINE;
	else if (e == HPE_INVALID_CONTENT_LENGTH ||
		 e == HPE_UNEXPECTED_CONTENT_LENGTH)
		error = E_HTTP_BAD_CONTENT_LENGTH;
	else if (e == HPE_INVALID_TRANSFER_ENCODING)
		error = E_HTTP_BAD_TRANSFER_ENCODING;
	return fail(h, error, llhttp_errno_name(e));
}

/* ---- bodies ---- */

/* A single run of body bytes is returned in place, several are joined. */
static void
add_body(struct http *h, struct span s)
{
	if (s.n == 0)
		return;
	if (h->body.n == 0) {
		h->body = s;
		return;
	}
	if (h->gather.n == 0)
		buf_span(&h->gather, h->body);
	buf_span(&h->gather, s);
	h->body = buf_view(&h->gather);
}

static enum http_verdict
feed_body(struct http *h, struct span *in)
{
	llhttp_errno_t e = llhttp_execute(&h->parser, in->p, in->n);
	const char *end = in->p + in->n;

	if (h->message_complete) {
		in->n = (size_t)(end - llhttp_get_error_pos(&h->parser));
		in->p = end - in->n;
		return done(h);
	}
	*in = span_of(end, 0);
	return e == HPE_OK ? HTTP_MORE : fail_llhttp(h, e);
}

static enum http_verdict
feed_chunks(struct http *h, struct span *in)
{
	enum http_verdict v;
	struct span data;

	v = http_chunk_feed(&h->chunk, in, &data);
	add_body(h, data);
	if (v == HTTP_BAD)
		return fail(h, h->chunk.error, h->chunk.detail);
	if (v == HTTP_MORE)
		return HTTP_MORE;
	http_head_section(&h->head, &h->trailer, 1);
	h->state = IN_TRAILER;
	return HTTP_MORE;
}

static enum http_verdict
feed_trailer(struct http *h, struct span *in)
{
	enum http_verdict v = http_head_feed(&h->head, in);

	if (v == HTTP_BAD)
		return fail(h, h->head.error, h->head.detail);
	return v == HTTP_DONE ? done(h) : HTTP_MORE;
}

/* ---- header sections ---- */

static llhttp_errno_t
execute(struct http *h, const char *from, const char *to)
{
	if (from == to)
		return HPE_OK;
	return llhttp_execute(&h->parser, from, (size_t)(to - from));
}

/* One line in place of all Content-Length and Transfer-Encoding lines. */
static llhttp_errno_t
execute_frame_line(struct http *h)
{
	static const char chunked[] = "transfer-encoding: chunked\r\n";
	char line[48];
	int n;

	if (h->framing.body == HTTP_BODY_CHUNKED)
		return execute(h, chunked, chunked + sizeof(chunked) - 1);
	if (h->framing.body != HTTP_BODY_LENGTH)
		return HPE_OK;
	n = snprintf(line, sizeof(line), "content-length: %lld\r\n",
	    (long long)h->framing.length);
	return execute(h, line, line + n);
}

/* Feeds the section, with its framing lines replaced by one. */
static llhttp_errno_t
execute_rewritten(struct http *h)
{
	const struct http_fields *f = &h->header;
	const char *at = f->bytes.p;
	llhttp_errno_t e = HPE_OK;
	size_t i, dropped = 0;

	for (i = 0; i < f->n && e == HPE_OK; i++) {
		if (!http_framing_is_frame(f, i))
			continue;
		e = execute(h, at, f->bytes.p + f->v[i].name_at);
		at = f->bytes.p + f->v[i].value_at + f->v[i].value_n + 2;
		if (e == HPE_OK && dropped++ == 0)
			e = execute_frame_line(h);
	}
	if (e == HPE_OK)
		e = execute(h, at, f->bytes.p + f->bytes.n);
	return e;
}

static enum http_verdict
enter_body(struct http *h)
{
	struct span section = buf_view(&h->header.bytes);
	llhttp_errno_t e;

	llhttp_init(&h->parser, HTTP_RESPONSE, &settings);
	h->parser.data = h;
	if (h->framing.rewrite)
		e = execute_rewritten(h);
	else
		e = execute(h, section.p, section.p + section.n);
	if (e != HPE_OK && e != HPE_PAUSED)
		return fail_llhttp(h, e);
	if (!h->headers_complete)
		return fail(h, E_HTTP_BAD_HEADER, "HPE_INTERNAL");
	h->has_head = 1;
	if (h->framing.body == HTTP_BODY_CHUNKED) {
		http_chunk_start(&h->chunk);
		h->state = IN_CHUNKS;
		return HTTP_MORE;
	}
	h->state = IN_BODY;
	return h->message_complete ? done(h) : HTTP_MORE;
}

static void
keep_interim(struct http *h)
{
	struct http_fields spare;
	struct http_interim *i;

	if (h->interim == NULL)
		h->interim = mem_zalloc(HTTP_MAX_INTERIM, sizeof(*h->interim));
	i = &h->interim[h->interim_kept++];
	i->status = h->head.status;
	spare = i->fields;
	i->fields = h->header;
	h->header = spare;
}

static enum http_verdict
take_interim(struct http *h)
{
	if (h->head.status == 101)
		return fail(h, E_HTTP_UNEXPECTED_UPGRADE, "HPE_PAUSED_UPGRADE");
	if (h->interim_seen++ == HTTP_MAX_INTERIM)
		return fail(h, E_HTTP_TOO_MANY_INTERIM, "TOO_MANY_INTERIM");
	if (h->keep_interim)
		keep_interim(h);
	http_head_section(&h->head, &h->header, 0);
	return HTTP_MORE;
}

static enum http_verdict
feed_head(struct http *h, struct span *in)
{
	enum http_verdict v = http_head_feed(&h->head, in);

	if (v == HTTP_BAD)
		return fail(h, h->head.error, h->head.detail);
	if (v == HTTP_MORE)
		return v;
	if (h->head.status < 200)
		return take_interim(h);
	http_framing_judge(
	    &h->framing, &h->header, h->head.status, h->head.minor, h->is_head);
	if (h->framing.error != E_OK)
		return fail(h, h->framing.error, h->framing.detail);
	return enter_body(h);
}

/* ---- the reader ---- */

struct http *
http_new(void)
{
	struct http *h = mem_zalloc(1, sizeof(*h));

	http_start(h, 0, 0, 0);
	return h;
}

static void
fields_fini(struct http_fields *f)
{
	buf_fini(&f->bytes);
	free(f->v);
	*f = (struct http_fields){ 0 };
}

static void
fields_clear(struct http_fields *f, size_t keep)
{
	if (f->cap > KEPT_FIELDS)
		fields_fini(f);
	buf_clear(&f->bytes, keep);
	f->n = 0;
}

void
http_free(struct http *h)
{
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; h->interim != NULL && i < HTTP_MAX_INTERIM; i++)
		fields_fini(&h->interim[i].fields);
	free(h->interim);
	fields_fini(&h->header);
	fields_fini(&h->trailer);
	http_head_fini(&h->head);
	buf_fini(&h->gather);
	free(h);
}

void
http_start(struct http *h, int head, size_t header_max, int keep)
{
	size_t i;

	for (i = 0; i < h->interim_kept; i++)
		fields_fini(&h->interim[i].fields);
	fields_clear(&h->header, KEPT_SECTION_BYTES);
	fields_clear(&h->trailer, KEPT_TRAILER_BYTES);
	buf_clear(&h->gather, KEPT_BODY_BYTES);
	http_head_start(&h->head, header_max);
	h->header_max = header_max;
	http_head_section(&h->head, &h->header, 0);
	h->framing =
	    (struct http_framing){ .length = -1, .keep_alive_timeout = -1 };
	h->chunk.flags = 0;
	h->state = IN_HEAD;
	h->is_head = head;
	h->keep_interim = keep;
	h->any = h->has_head = 0;
	h->used = 0;
	h->error = E_OK;
	h->detail = NULL;
	h->interim_seen = h->interim_kept = 0;
	h->body = SPAN_NONE;
	h->headers_complete = h->message_complete = 0;
}

static enum http_verdict
feed_state(struct http *h, struct span *in)
{
	switch (h->state) {
	case IN_HEAD:
		return feed_head(h, in);
	case IN_BODY:
		return feed_body(h, in);
	case IN_CHUNKS:
		return feed_chunks(h, in);
	case IN_TRAILER:
		return feed_trailer(h, in);
	case IS_DONE:
		return HTTP_DONE;
	case IS_BAD:
		break;
	}
	return HTTP_BAD;
}

enum http_verdict
http_feed(struct http *h, struct span in, struct span *body)
{
	size_t all = in.n;
	enum http_verdict v;

	h->body = SPAN_NONE;
	h->gather.n = 0;
	if (in.n > 0)
		h->any = 1;
	do
		v = feed_state(h, &in);
	while (v == HTTP_MORE && in.n > 0);
	h->used = all - in.n;
	*body = h->body;
	return v;
}

enum http_verdict
http_eof(struct http *h, int clean)
{
	h->used = 0;
	if (h->state == IS_DONE)
		return HTTP_DONE;
	if (h->state == IS_BAD)
		return HTTP_BAD;
	if (!h->any)
		return fail(h, E_EMPTY_REPLY, "EMPTY_REPLY");
	if (h->state != IN_BODY || h->framing.body != HTTP_BODY_EOF)
		return fail(h, E_HTTP_TRUNCATED, "HPE_INVALID_EOF_STATE");
	if (!clean)
		return fail(h, E_HTTP_TRUNCATED, "UNCLEAN_EOF");
	llhttp_finish(&h->parser);
	if (!h->message_complete)
		return fail(h, E_HTTP_TRUNCATED, "HPE_INVALID_EOF_STATE");
	return done(h);
}

/* ---- properties of the response ---- */

static size_t
fields_bytes(const struct http_fields *f)
{
	return f->bytes.cap + f->cap * sizeof(f->v[0]);
}

size_t
http_held_bytes(const struct http *h)
{
	size_t n = fields_bytes(&h->header) + fields_bytes(&h->trailer) +
		   h->head.line.cap + h->gather.cap,
	       i;

	for (i = 0; i < h->interim_kept; i++)
		n += fields_bytes(&h->interim[i].fields);
	return n;
}

size_t
http_header_bytes(const struct http *h)
{
	return h->header_max - h->head.left;
}

size_t
http_used(const struct http *h)
{
	return h->used;
}

int
http_begun(const struct http *h)
{
	return h->head.begun;
}

int
http_has_head(const struct http *h)
{
	return h->has_head;
}

int
http_is_done(const struct http *h)
{
	return h->state == IS_DONE;
}

enum err
http_error(const struct http *h)
{
	return h->error;
}

const char *
http_detail(const struct http *h)
{
	return h->detail;
}

int
http_status(const struct http *h)
{
	return h->has_head ? h->head.status : 0;
}

int
http_minor(const struct http *h)
{
	return h->head.minor;
}

int64_t
http_content_length(const struct http *h)
{
	return h->framing.length;
}

unsigned
http_flags(const struct http *h)
{
	return h->head.flags | h->framing.flags | h->chunk.flags;
}

int
http_keep_alive(const struct http *h)
{
	return h->state == IS_DONE && h->framing.keep_alive &&
	       http_flags(h) == 0;
}

int
http_is_bodiless(const struct http *h)
{
	return h->framing.body == HTTP_BODY_NONE;
}

int64_t
http_keep_alive_timeout(const struct http *h)
{
	return h->framing.keep_alive_timeout;
}

const struct http_fields *
http_header(const struct http *h)
{
	return &h->header;
}

const struct http_fields *
http_trailer(const struct http *h)
{
	return &h->trailer;
}

size_t
http_interim_count(const struct http *h)
{
	return h->interim_kept;
}

const struct http_interim *
http_interim(const struct http *h, size_t i)
{
	return &h->interim[i];
}

void
http_library(struct buf *out)
{
	buf_printf(out, "llhttp %d.%d.%d", LLHTTP_VERSION_MAJOR,
	    LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}
