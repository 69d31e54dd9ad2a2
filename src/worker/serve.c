/* SPDX-License-Identifier: ISC */
/* Reads CONFIG, enters the sandbox, then handles one document after another. */
#include "worker/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "worker/extract.h"
#include "worker/mem_setup.h"

/* Buffers up to this size are kept between documents. */
#define KEPT_BYTES (1u << 20)

enum got {
	GOT_FRAME,
	GOT_END,      /* end of input between messages */
	GOT_NONSENSE, /* a malformed or truncated message */
};

struct serve {
	const struct sandbox *sandbox;
	const struct serve_hooks *hooks;
	struct extract *extract;
	struct buf in, head, json;
};

/* ---- bytes ---- */

/* Reads n bytes; fewer at the end of the input. Returns how many. */
static size_t
read_all(char *p, size_t n)
{
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		got = read(0, p + have, n - have);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break; /* a lost peer is an end of input, too */
		have += (size_t)got;
	}
	return have;
}

/* Removes up to n bytes from the front of s; returns how many. */
static size_t
take(struct span *s, size_t n)
{
	if (n > s->n)
		n = s->n;
	if (n > 0)
		*s = span_of(s->p + n, s->n - n);
	return n;
}

/* Writes both runs of bytes completely. 0; -1 if the peer is gone. */
static int
write_all(struct span a, struct span b)
{
	struct iovec iov[2];
	ssize_t put;

	while (a.n + b.n > 0) {
		iov[0] = (struct iovec){ (char *)a.p, a.n };
		iov[1] = (struct iovec){ (char *)b.p, b.n };
		put = writev(1, iov, 2);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		take(&b, (size_t)put - take(&a, (size_t)put));
	}
	return 0;
}

/* ---- messages in ---- */

/*
 * Reserves exactly the announced length (at most FRAME_DOC_MAX). The memory
 * limit still applies, and untouched pages cost nothing.
 */
static void
make_room(struct buf *b, size_t n)
{
	b->n = 0;
	if (b->cap >= n)
		return;
	buf_fini(b);
	b->p = mem_alloc(n);
	b->cap = n;
}

/* Reads the next message, its payload into sv->in. */
static enum got
get_frame(struct serve *sv, struct frame *f)
{
	char head[FRAME_HEAD];
	size_t n = read_all(head, sizeof(head));

	if (n == 0)
		return GOT_END;
	if (n < sizeof(head) ||
	    frame_get_head(head, FRAME_READER_WORKER, f) == -1)
		return GOT_NONSENSE;
	make_room(&sv->in, f->length);
	sv->in.n = read_all(sv->in.p, f->length);
	return sv->in.n == f->length ? GOT_FRAME : GOT_NONSENSE;
}

static int
is_config(struct span payload)
{
	struct frame_job j;
	int got;

	while ((got = frame_get_job(&payload, &j)) == 1)
		;
	return got == 0;
}

/* ---- messages out ---- */

/* `length`: of the payload that follows. */
static void
put_head(struct buf *b, enum frame_type type, uint64_t id, size_t length)
{
	const struct frame f = { type, (uint32_t)length, id };

	b->n = 0;
	frame_put_head(buf_reserve(b, FRAME_HEAD), &f);
	b->n = FRAME_HEAD;
}

static int
put_result(struct serve *sv, uint64_t id, enum parse_error e)
{
	CHECK(sv->json.n < FRAME_RESULT_MAX);
	put_head(&sv->head, FRAME_RESULT, id, 1 + sv->json.n);
	frame_put_result(&sv->head, e);
	return write_all(buf_view(&sv->head), buf_view(&sv->json));
}

static int
put_ready(struct serve *sv, uint32_t missing)
{
	sv->head.n = 0;
	frame_put_ready(&sv->head, missing);
	return write_all(buf_view(&sv->head), SPAN_NONE);
}

/* Sends the message, truncated between characters if it is too long. */
static int
put_bad(struct serve *sv, struct span why)
{
	why = utf8_cut(why, FRAME_TEXT_MAX);
	put_head(&sv->head, FRAME_BAD, 0, why.n);
	return write_all(buf_view(&sv->head), why);
}

/* ---- documents ---- */

/* 0, or -1 if the result could not be written. */
static int
answer(struct serve *sv, uint64_t id, const struct frame_doc *d)
{
	enum parse_error e;
	int failed;

	if (sv->hooks != NULL && sv->hooks->on_document(id, d) != 0)
		return 0;
	e = extract_document(sv->extract, d, &sv->json);
	failed = put_result(sv, id, e);
	buf_clear(&sv->json, KEPT_BYTES);
	return failed;
}

static int
serve_documents(struct serve *sv)
{
	struct frame_doc d;
	struct frame f;
	enum got got;

	while ((got = get_frame(sv, &f)) == GOT_FRAME) {
		if (f.type != FRAME_DOC ||
		    frame_get_doc(buf_view(&sv->in), &d) == -1)
			return FRAME_EXIT_PROTOCOL;
		if (answer(sv, f.id, &d) == -1)
			return FRAME_EXIT_OK;
		buf_clear(&sv->in, KEPT_BYTES);
		mem_settle(f.length);
		if (sandbox_is_worn(sv->sandbox))
			return FRAME_EXIT_OK;
	}
	return got == GOT_END ? FRAME_EXIT_OK : FRAME_EXIT_PROTOCOL;
}

/*
 * Handles the only message that is read outside the sandbox. It comes from
 * fetchd's command line, so it is trusted, and handling it opens files
 * (converters of character sets). Documents are read inside the sandbox only.
 */
static int
configure(struct serve *sv, int *status)
{
	struct buf why = { 0 };
	struct frame f;
	enum got got = get_frame(sv, &f);

	*status = FRAME_EXIT_OK;
	if (got == GOT_END)
		return -1;
	*status = FRAME_EXIT_PROTOCOL;
	if (got == GOT_NONSENSE || f.type != FRAME_CONFIG ||
	    !is_config(buf_view(&sv->in)))
		return -1;
	sv->extract = extract_new(buf_view(&sv->in), &why);
	if (sv->extract == NULL)
		put_bad(sv, buf_view(&why));
	*status = FRAME_EXIT_OK;
	buf_fini(&why);
	return sv->extract != NULL ? 0 : -1;
}

int
serve_run(struct sandbox *sb, const struct serve_hooks *hooks)
{
	struct serve sv = { .sandbox = sb, .hooks = hooks };
	uint32_t missing;
	int status;

	missing = sandbox_begin(sb);
	mem_setup();
	if (configure(&sv, &status) == 0) {
		missing |= sandbox_enter(sb);
		if (put_ready(&sv, missing) == 0)
			status = serve_documents(&sv);
		extract_free(sv.extract);
	}
	buf_fini(&sv.in);
	buf_fini(&sv.head);
	buf_fini(&sv.json);
	return status;
}
