/* SPDX-License-Identifier: ISC */
/*
 * Hands lines on as items. A list is not told what is done: a run that was
 * stopped begins again at its head.
 */
#include "engine_input.h"

static struct engine_input *
of(struct input *in)
{
	return (struct engine_input *)(void *)in;
}

static enum source_verdict
next(struct input *in, struct source_line *line, struct input_item *item)
{
	struct engine_input *i = of(in);
	enum source_verdict v = source_next(i->source, line);

	if (v == SOURCE_LINE) {
		*item = (struct input_item){ 0 };
		item->token = item->seq = ++i->given;
	}
	return v;
}

static void
done(struct input *in, uint64_t token)
{
	(void)in;
	(void)token;
}

static void
finish(struct input *in)
{
	source_follow(of(in)->source, 0);
}

static size_t
held_bytes(const struct input *in)
{
	return source_held_bytes(
	    ((const struct engine_input *)(const void *)in)->source);
}

void
engine_input_init(struct engine_input *i, struct source *s)
{
	static const struct input_ops ops = { .next = next,
		.done = done,
		.finish = finish,
		.held_bytes = held_bytes };

	*i = (struct engine_input){ .input = { &ops }, .source = s };
}
