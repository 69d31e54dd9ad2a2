/* SPDX-License-Identifier: ISC */
/*
 * core/output/output.h over a fake sink: a token comes back when the reader has
 * the whole record and, with --failed-input, the other reader its line.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "core/output/output.h"
#include "fake.h"
#include "io/sink.h"

struct token {
	uint64_t token, end, failed_end;
};

struct fake_output {
	struct output output;
	struct sink *sink, *failed;
	struct token *v; /* of records that were put, the oldest first */
	size_t n, cap, taken;
};

static struct fake_output *
of(const struct output *o)
{
	return (struct fake_output *)(uintptr_t)o;
}

static struct buf *
buffer(struct output *o)
{
	return sink_buf(of(o)->sink);
}

static void
put(struct output *o, const struct output_token *token)
{
	struct fake_output *f = of(o);
	struct token *t;

	f->v = mem_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	t = &f->v[f->n++];
	t->token = token->token;
	t->end = sink_written(f->sink) + sink_pending(f->sink);
	t->failed_end = f->failed == NULL
			    ? 0
			    : sink_written(f->failed) + sink_pending(f->failed);
}

static int
take_durable(struct output *o, uint64_t *token)
{
	struct fake_output *f = of(o);
	const struct token *t = &f->v[f->taken];

	if (f->taken == f->n || t->end > sink_written(f->sink) ||
	    (f->failed != NULL && t->failed_end > sink_written(f->failed)))
		return 0;
	*token = t->token;
	f->taken++;
	return 1;
}

static void
flush(struct output *o)
{
	sink_flush(of(o)->sink);
}

static size_t
pending(const struct output *o)
{
	return sink_pending(of(o)->sink);
}

static int
is_full(const struct output *o)
{
	return sink_is_full(of(o)->sink);
}

static enum err
error(const struct output *o)
{
	return sink_error(of(o)->sink);
}

struct output *
fake_output_new(struct event_base *w, void (*cb)(void *arg), void *arg)
{
	static const struct output_ops ops = { buffer, put, take_durable, flush,
		pending, is_full, error };
	struct fake_output *f = mem_zalloc(1, sizeof(*f));

	f->output.ops = &ops;
	f->sink = sink_new(w, 1, cb, arg);
	return &f->output;
}

void
fake_output_failed(struct output *o, struct sink *failed)
{
	of(o)->failed = failed;
}

void
fake_output_at_end(const struct output *o)
{
	fake_sink_at_end(of(o)->sink);
	CHECK(of(o)->taken == of(o)->n);
}

void
fake_output_free(struct output *o)
{
	struct fake_output *f = of(o);

	sink_free(f->sink);
	free(f->v);
	free(f);
}
