/* SPDX-License-Identifier: ISC */
/*
 * Hands lines on as items, numbered from 1. In a run that is resumed it reads
 * the list again from its beginning and leaves out what is done.
 */
#include "engine_input.h"

#include "engine_journal.h"

#define SKIPPED_MAX 16384 /* items left out in one call */

static struct engine_input *
of(struct input *in)
{
	return (struct engine_input *)(void *)in;
}

static enum source_verdict
next(struct input *in, struct source_line *line, struct input_item *item)
{
	struct engine_input *i = of(in);
	enum source_verdict v;
	int n;

	for (n = 0; n < SKIPPED_MAX; n++) {
		if (i->read >= i->limit)
			return SOURCE_END;
		v = source_next(i->source, line);
		if (v != SOURCE_LINE)
			return v;
		i->read++;
		*item = (struct input_item){ .token = i->read, .seq = i->read };
		if (i->journal == NULL ||
		    engine_journal_give(i->journal, i->read, item))
			return SOURCE_LINE;
	}
	return SOURCE_MORE;
}

static void
done(struct input *in, uint64_t token)
{
	(void)in;
	(void)token;
}

static void
tried(struct input *in, uint64_t token, unsigned attempts, unsigned tries,
    int64_t not_before_at_us)
{
	struct engine_input *i = of(in);

	if (i->journal != NULL)
		engine_journal_tried(
		    i->journal, token, attempts, tries, not_before_at_us);
}

static int
begin(struct input *in, uint64_t token)
{
	struct engine_input *i = of(in);

	return i->journal == NULL || engine_journal_begin(i->journal, token);
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
engine_input_init(struct engine_input *i, struct source *s, uint64_t limit)
{
	static const struct input_ops ops = { .next = next,
		.done = done,
		.tried = tried,
		.begin = begin,
		.finish = finish,
		.held_bytes = held_bytes };

	*i = (struct engine_input){
		.input = { &ops }, .source = s, .limit = limit
	};
}

static void
on_consumed(void *arg, size_t input, struct span bytes)
{
	engine_journal_consume(arg, (uint32_t)input, bytes);
}

void
engine_input_use_journal(struct engine_input *i, struct engine_journal *journal)
{
	i->journal = journal;
	source_watch(i->source, on_consumed, journal);
}
