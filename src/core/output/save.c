/* SPDX-License-Identifier: ISC */
/* Decides what is saved; the name is made when the digest is known. */
#include "core/output/save.h"

#include <stdlib.h>

#include "base/mem.h"
#include "codec/file_name.h"
#include "codec/frame.h"
#include "core/fetch.h"
#include "core/xchg.h"
#include "io/files/files.h"

#define SAVING_MAX 64 /* files that may wait to be finished */
#define KEEP_BYTES 1024

size_t
save_parse_max(const struct fetch *f)
{
	uint64_t max = f->job->opts->worker_mem_bytes / 8;

	return max > 0 && max < FRAME_DOC_MAX ? (size_t)max : FRAME_DOC_MAX;
}

/* Does any parser take answers of that type? Coprocesses take all. */
static int
may_be_parsed(const struct xchg *x)
{
	const struct core *c = x->core;

	return c->coprocs != NULL ||
	       (c->workers != NULL &&
		   media_type_kind(&x->media, SPAN_NONE) != MEDIA_OTHER);
}

/* Has the answer no body by its nature, so that there is nothing to compare? */
static int
is_without_body(const struct xchg *x)
{
	return span_eq(x->method, SPAN("HEAD")) || http_status(x->http) == 304;
}

void
save_begin(struct xchg *x)
{
	const struct fetch *f = x->fetch;
	const struct opts *o = f->job->opts;
	struct save *s = &x->save;

	s->keeps_body = x->stream_mode != OUTPUT_STREAM_NONE ||
			o->format == FORMAT_BODY ||
			(o->format != FORMAT_TEXT && o->body != BODY_NONE);
	s->parses_body = !s->keeps_body && may_be_parsed(x);
	if (f->job->files != NULL && !http_is_bodiless(x->http))
		s->file = body_file_open(f->job->files, f->seq);
	else if (x->req.sha256.n > 0 && !is_without_body(x))
		s->digest = digest_new();
}

void
save_put(struct xchg *x, struct span bytes)
{
	if (x->save.file != NULL)
		body_file_put(x->save.file, bytes);
	if (x->save.digest != NULL)
		digest_add(x->save.digest, bytes);
}

int
save_has_room(const struct fetch *f)
{
	const struct body_file *file = f->x->save.file;

	return file == NULL || body_file_has_room(file);
}

int
save_keep_body(struct xchg *x, size_t bytes)
{
	struct save *s = &x->save;

	/* With a file the body may be of any size. */
	if (s->parses_body && s->file != NULL &&
	    x->body.n + bytes > save_parse_max(x->fetch)) {
		s->parses_body = 0;
		s->is_over_parse_max = 1;
		buf_clear(&x->body, KEEP_BYTES);
	}
	return s->keeps_body || s->parses_body;
}

static void
note_mismatch(struct xchg *x, const char *got)
{
	struct buf b = { 0 };

	buf_str(&b, "it is ");
	buf_add(&b, got, DIGEST_HEX);
	buf_char(&b, '\0');
	free(x->note);
	x->note = b.p;
}

enum err
save_check_digest(struct xchg *x)
{
	struct save *s = &x->save;

	/* With --fail the status is the error. */
	if (s->digest == NULL ||
	    (x->fetch->job->opts->fail && http_status(x->http) >= 400))
		return E_OK;
	digest_end(s->digest, s->sha256);
	digest_free(s->digest);
	s->digest = NULL;
	if (span_ieq(x->req.sha256, span_of(s->sha256, DIGEST_HEX)))
		return E_OK;
	note_mismatch(x, s->sha256);
	return E_DIGEST_MISMATCH;
}

/* ---- the file ---- */

int
save_prepare(struct fetch *f)
{
	int is_whole = f->err == E_OK || f->err == E_HTTP_STATUS;
	struct xchg *x = f->x;

	if (x == NULL || x->save.file == NULL)
		return 0;
	x->save.is_partial = !is_whole;
	if (is_whole || (f->job->opts->keep_partial && x->decoded_bytes > 0))
		return 1;
	body_file_abandon(&x->save.file);
	return 0;
}

/* The item's own name, or one by the template. */
static void
put_name(void *arg, struct span sha256, struct buf *out)
{
	const struct fetch *f = arg;
	const struct xchg *x = f->x;
	const struct url *u = xchg_item_url(x);
	struct file_name_facts facts = { .host = url_hostname(u),
		.target = url_target(u),
		.type = x->media.type,
		.id = x->req.id,
		.sha256 = sha256,
		.seq = f->seq };

	if (x->req.output.n > 0)
		buf_span(out, x->req.output);
	else
		file_name_make(
		    out, span_str(f->job->opts->output_name), &facts);
}

void
save_start(
    struct fetch *f, void (*done)(void *arg, const struct body_file_result *r))
{
	const struct xchg *x = f->x;
	const struct body_file_how how = { .name = put_name,
		.done = done,
		.arg = f,
		.is_own = x->req.output.n > 0,
		.is_partial = x->save.is_partial,
		.expected = x->req.sha256 };

	body_file_finish(x->save.file, &how);
}

enum err
save_take(struct fetch *f, const struct body_file_result *r)
{
	struct xchg *x = f->x;
	struct save *s = &x->save;

	s->file = NULL;
	switch (r->end) {
	case BODY_FILE_SAVED:
		buf_span(&s->name, r->name);
		s->has_sha256 = !s->is_partial;
		memcpy(s->sha256, r->sha256.p, DIGEST_HEX);
		return E_OK;
	case BODY_FILE_CONFLICT:
		if (f->err != E_OK)
			return E_OK;
		free(x->note);
		x->note = mem_strdup(r->why);
		return E_OUTPUT_CONFLICT;
	case BODY_FILE_MISMATCH:
		if (f->err != E_OK)
			return E_OK;
		note_mismatch(x, r->sha256.p);
		return E_DIGEST_MISMATCH;
	}
	return E_OK;
}

void
save_clear(struct xchg *x)
{
	struct save *s = &x->save;

	body_file_abandon(&s->file);
	digest_free(s->digest);
	buf_clear(&s->name, KEEP_BYTES);
	*s = (struct save){ .name = s->name };
}

int
save_is_full(const struct core *c)
{
	return c->state[FETCH_SAVING].n >= SAVING_MAX;
}
