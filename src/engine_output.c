/* SPDX-License-Identifier: ISC */
/* Records to a sink; a token comes back when its bytes are written, or when a
 * commit has made them durable. */
#include "engine_output.h"

#include "engine_commit.h"
#include "io/sink.h"

static struct engine_output *
of(struct output *o)
{
	return (struct engine_output *)(void *)o;
}

static const struct sink *
sink_of(const struct output *o)
{
	return ((const struct engine_output *)(const void *)o)->sink;
}

static struct buf *
buffer(struct output *o)
{
	return sink_buf(of(o)->sink);
}

static uint64_t
written(const struct sink *s)
{
	return s != NULL ? sink_written(s) : 0;
}

static uint64_t
end(const struct sink *s)
{
	return s != NULL ? sink_end(s) : 0;
}

static void
put(struct output *o, const struct output_token *token)
{
	struct engine_output *e = of(o);

	sink_mark(e->sink);
	if (e->commit != NULL) {
		engine_commit_put(e->commit, token);
		return;
	}
	tokens_put(&e->tokens, token,
	    (struct tokens_end){ end(e->sink), end(e->failed) });
}

static int
take_durable(struct output *o, uint64_t *token)
{
	struct engine_output *e = of(o);
	struct output_token t;

	if (e->commit != NULL)
		return engine_commit_take(e->commit, token);
	if (sink_error(e->sink) != E_OK ||
	    (e->failed != NULL && sink_error(e->failed) != E_OK))
		return 0;
	if (!tokens_take(&e->tokens,
		(struct tokens_end){ written(e->sink), written(e->failed) },
		&t))
		return 0;
	*token = t.token;
	return 1;
}

static void
flush(struct output *o)
{
	struct engine_output *e = of(o);

	sink_flush(e->sink);
	if (e->commit != NULL)
		engine_commit_step(e->commit);
}

static size_t
pending(const struct output *o)
{
	return sink_pending(sink_of(o));
}

static int
is_full(const struct output *o)
{
	return sink_is_full(sink_of(o));
}

static enum err
error(const struct output *o)
{
	const struct engine_output *e =
	    (const struct engine_output *)(const void *)o;
	enum err err = sink_error(e->sink);

	return err == E_OK && e->commit != NULL ? engine_commit_error(e->commit)
						: err;
}

void
engine_output_init(struct engine_output *o, struct sink *sink,
    struct sink *failed, struct engine_commit *commit)
{
	static const struct output_ops ops = { buffer, put, take_durable, flush,
		pending, is_full, error };

	*o = (struct engine_output){ .output = { &ops },
		.sink = sink,
		.failed = failed,
		.commit = commit };
}

void
engine_output_fini(struct engine_output *o)
{
	tokens_fini(&o->tokens);
}
