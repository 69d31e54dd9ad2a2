/* SPDX-License-Identifier: ISC */
/* Encodes and decodes the messages between fetchd and its workers. */
#include "codec/frame.h"

#include <string.h>

#include "base/check.h"

#define MAGIC 0x46
#define VERSION 1

static const struct {
	enum frame_reader reader;
	uint32_t max;
	int has_id;
} types[] = {
	[FRAME_CONFIG] = { FRAME_READER_WORKER, FRAME_CONFIG_MAX, 0 },
	[FRAME_DOC] = { FRAME_READER_WORKER, FRAME_DOC_MAX, 1 },
	[FRAME_READY] = { FRAME_READER_FETCHD, 4, 0 },
	[FRAME_BAD] = { FRAME_READER_FETCHD, FRAME_TEXT_MAX, 0 },
	[FRAME_RESULT] = { FRAME_READER_FETCHD, FRAME_RESULT_MAX, 1 },
};

/* ---- numbers and strings ---- */

static void
put_u32(char *p, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * i);
}

static uint32_t
get_u32(const char *p)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v |= (uint32_t)(unsigned char)p[i] << 8 * i;
	return v;
}

static void
add_u32(struct buf *out, uint32_t v)
{
	put_u32(buf_reserve(out, 4), v);
	out->n += 4;
}

static void
add_string(struct buf *out, struct span s)
{
	add_u32(out, (uint32_t)s.n);
	buf_span(out, s);
}

static int
take_string(struct span *from, struct span *s)
{
	uint32_t n;

	if (from->n < 4)
		return -1;
	n = get_u32(from->p);
	span_drop(from, 4);
	if (n > from->n)
		return -1;
	*s = span_of(from->p, n);
	span_drop(from, n);
	return 0;
}

/* ---- heads ---- */

void
frame_put_head(char p[FRAME_HEAD], const struct frame *f)
{
	p[0] = MAGIC;
	p[1] = VERSION;
	p[2] = (char)f->type;
	p[3] = 0;
	put_u32(p + 4, f->length);
	put_u32(p + 8, (uint32_t)f->id);
	put_u32(p + 12, (uint32_t)(f->id >> 32));
}

int
frame_get_head(const char p[FRAME_HEAD], enum frame_reader who, struct frame *f)
{
	unsigned type = (unsigned char)p[2];

	if (p[0] != MAGIC || p[1] != VERSION || p[3] != 0)
		return -1;
	if (type < FRAME_CONFIG || type > FRAME_RESULT ||
	    types[type].reader != who)
		return -1;
	f->type = (enum frame_type)type;
	f->length = get_u32(p + 4);
	f->id = get_u32(p + 8) | (uint64_t)get_u32(p + 12) << 32;
	if (f->length > types[type].max || (f->id != 0) != types[type].has_id)
		return -1;
	return 0;
}

/* ---- to the worker ---- */

void
frame_put_job(struct buf *out, const struct frame_job *j)
{
	buf_char(out, (char)j->kind);
	add_string(out, j->name);
	add_string(out, j->expr);
}

int
frame_get_job(struct span *payload, struct frame_job *j)
{
	unsigned kind;

	if (payload->n == 0)
		return 0;
	kind = (unsigned char)payload->p[0];
	span_drop(payload, 1);
	if (kind < FRAME_JOB_TITLE || kind > FRAME_JOB_REGEX_TEXT ||
	    take_string(payload, &j->name) == -1 ||
	    take_string(payload, &j->expr) == -1 || j->name.n == 0)
		return -1;
	j->kind = (enum frame_job_kind)kind;
	return 1;
}

void
frame_put_doc(struct buf *out, struct span url, struct span content_type)
{
	add_string(out, url);
	add_string(out, content_type);
}

uint64_t
frame_doc_length(struct span url, struct span content_type, uint64_t body_bytes)
{
	return 8 + (uint64_t)url.n + content_type.n + body_bytes;
}

int
frame_get_doc(struct span payload, struct frame_doc *d)
{
	if (take_string(&payload, &d->url) == -1 ||
	    take_string(&payload, &d->content_type) == -1 || d->url.n == 0)
		return -1;
	d->body = payload;
	return 0;
}

/* ---- from the worker ---- */

void
frame_put_ready(struct buf *out, uint32_t missing)
{
	const struct frame f = { FRAME_READY, 4, 0 };

	frame_put_head(buf_reserve(out, FRAME_HEAD), &f);
	out->n += FRAME_HEAD;
	add_u32(out, missing);
}

int
frame_get_ready(struct span payload, uint32_t *missing)
{
	if (payload.n != 4)
		return -1;
	*missing = get_u32(payload.p);
	return (*missing & ~(uint32_t)FRAME_NO_ALL) == 0 ? 0 : -1;
}

static int
may_report(enum parse_error e)
{
	return e == PARSE_OK || e == PARSE_FAILED || e == PARSE_TOO_LARGE;
}

void
frame_put_result(struct buf *out, enum parse_error e)
{
	CHECK(may_report(e));
	buf_char(out, (char)e);
}

int
frame_get_result(struct span payload, struct frame_result *r)
{
	unsigned e;

	if (payload.n == 0)
		return -1;
	e = (unsigned char)payload.p[0];
	if (e >= PARSE_COUNT || !may_report((enum parse_error)e))
		return -1;
	r->error = (enum parse_error)e;
	r->json = span_skip(payload, 1);
	return r->error == PARSE_OK && r->json.n == 0 ? -1 : 0;
}
