/* SPDX-License-Identifier: ISC */
/*
 * core/input.h and io/file.h over the items of the world: all at once, or one
 * after another with a gap. What is done is held against what the reader of the
 * output has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/input.h"
#include "fake.h"
#include "io/file.h"

/* No token looks like a number of an item. */
#define TOKEN_OF(number) (7 * (number) + 3)
#define NUMBER_OF(token) (((token)-3) / 7)

struct fake_input {
	struct input input;
	struct event_base *world;
	struct world_list *list;
	struct ev ev, recorded;
	void (*cb)(void *arg);
	void *arg;
	struct buf line;
	int is_waiting;
	int64_t next_us;
};

static void
on_line(void *arg)
{
	struct fake_input *s = arg;

	s->is_waiting = 0;
	s->cb(s->arg);
}

static void
on_recorded(void *arg)
{
	const struct fake_input *s = arg;

	s->cb(s->arg);
}

static struct fake_input *
of(const struct input *in)
{
	return (struct fake_input *)(uintptr_t)in;
}

static void
write_body(struct buf *to, const struct item *item)
{
	if (item->file_bytes > 0)
		buf_printf(to, ",\"body_file\":\"%zu\"", item->file_bytes);
	if (item->body_bytes == 0)
		return;
	buf_str(to, ",\"body\":\"");
	memset(buf_reserve(to, item->body_bytes), 'b', item->body_bytes);
	to->n += item->body_bytes;
	buf_char(to, '"');
}

static void
write_line(struct buf *to, const struct item *item, uint64_t seq)
{
	to->n = 0;
	if (item->method != NULL || item->more != NULL)
		buf_str(to, "{\"url\":\"");
	buf_str(to, item->is_plain ? "http://h" : "https://h");
	buf_u64(to, item->host);
	buf_str(to, ".c");
	buf_u64(to, item->kind);
	buf_str(to, ".test/i/");
	buf_u64(to, seq);
	if (item->method == NULL && item->more == NULL)
		return;
	buf_char(to, '"');
	if (item->method != NULL)
		buf_printf(to, ",\"method\":\"%s\"", item->method);
	write_body(to, item);
	if (item->more != NULL)
		buf_str(to, item->more);
	buf_char(to, '}');
}

int
fake_input_has_line(const struct input *in)
{
	const struct fake_input *s = of(in);

	return !s->is_waiting && s->list->given < s->list->items;
}

static int
own_retry(const struct item *item)
{
	static const char key[] = "\"retry\":";
	const char *p = item->more != NULL ? strstr(item->more, key) : NULL;

	return p != NULL ? (int)strtol(p + sizeof(key) - 1, NULL, 10) : -1;
}

static enum source_verdict
next(struct input *in, struct source_line *line, struct input_item *given)
{
	struct fake_input *s = of(in);
	struct event_base *w = s->world;
	struct world_list *l = s->list;
	uint64_t number;
	struct item item = { 0 };

	*given = (struct input_item){ 0 };
	while (w->resume != NULL && l->given < l->items &&
	       w->resume(w, l->first + l->given + 1, given)) {
		l->given++;
		w->given++;
	}
	if (l->given == l->items)
		return SOURCE_END;
	if (s->is_waiting)
		return SOURCE_WAIT;
	if (w->now_us < s->next_us) {
		s->is_waiting = 1;
		ev_set(w, &s->ev, s->next_us);
		return SOURCE_WAIT;
	}
	if (w->is_chaotic && world_chance(w, 5))
		return SOURCE_MORE;
	s->next_us =
	    w->now_us +
	    (w->input_gap_us > 0 ? world_about(w, w->input_gap_us) : 0);
	number = l->first + ++l->given;
	w->given++;
	w->item(w, number, &item);
	w->outcomes[number].is_post =
	    item.method != NULL && strcmp(item.method, "POST") == 0;
	w->outcomes[number].retry = own_retry(&item);
	write_line(&s->line, &item, number);
	memset(line, 0, sizeof(*line));
	line->text = buf_view(&s->line);
	line->name = "-";
	line->number = l->given;
	given->token = TOKEN_OF(number);
	given->seq = l->given;
	return SOURCE_LINE;
}

/* ---- io/file.h: a file's path is its size ---- */

#define FILE_FD 1000

static size_t
size_of(struct span path)
{
	size_t n = 0, i;

	for (i = 0; i < path.n; i++)
		n = n * 10 + (size_t)(path.p[i] - '0');
	return n;
}

int
file_read(struct buf *to, struct span path, size_t max, struct buf *why)
{
	size_t n = size_of(path);

	(void)max;
	(void)why;
	memset(buf_reserve(to, n), 'f', n);
	to->n += n;
	return 0;
}

int
file_stat(struct span path, struct file_info *info, struct buf *why)
{
	(void)why;
	*info = (struct file_info){ .size_bytes = size_of(path), .inode = 7 };
	return 0;
}

int
file_open(
    struct span path, struct file_info *info, int *is_shortage, struct buf *why)
{
	struct event_base *w = world_now();

	*is_shortage = w->files_max > 0 && w->files == w->files_max;
	if (*is_shortage) {
		buf_str(why, "no descriptor");
		return -1;
	}
	w->files++;
	return file_stat(path, info, why) == 0 ? FILE_FD : -1;
}

int
file_read_at(
    int fd, char *to, size_t n, uint64_t at, struct span path, struct buf *why)
{
	struct event_base *w = world_now();

	if (fd != FILE_FD || at + n > size_of(path))
		world_fail(w, "a read beyond its file");
	if (w->files_end > 0 && at + n > w->files_end) {
		buf_str(why, "it became shorter");
		return -1;
	}
	memset(to, 'f', n);
	return 0;
}

void
file_close(int *fd)
{
	struct event_base *w = world_now();

	if (*fd != -1)
		w->files--;
	*fd = -1;
}

static size_t
held_bytes(const struct input *in)
{
	return of(in)->line.n;
}

/* Once for each item, and only when its record is with the reader. */
static void
done(struct input *in, uint64_t token)
{
	struct fake_input *s = of(in);
	struct event_base *w = s->world;
	uint64_t number = NUMBER_OF(token);
	struct outcome *o = &w->outcomes[number];

	if (token != TOKEN_OF(number) || number <= s->list->first ||
	    number > s->list->first + s->list->given)
		world_fail(w, "a token that was never given");
	if (o->done++ > 0)
		world_fail(
		    w, "item %llu is done twice", (unsigned long long)number);
	if (o->records != 1 && !w->may_lack_records)
		world_fail(w, "item %llu is done before its record is written",
		    (unsigned long long)number);
	if (o->err != E_OK && w->now_us < w->failed_blocks_until)
		world_fail(w, "item %llu is done before its line is written",
		    (unsigned long long)number);
	s->list->done++;
}

static struct outcome *
outcome_of(const struct fake_input *s, uint64_t token)
{
	uint64_t number = NUMBER_OF(token);

	if (token != TOKEN_OF(number) || number <= s->list->first ||
	    number > s->list->first + s->list->given ||
	    s->world->outcomes[number].done > 0)
		world_fail(s->world, "a token that is not of an open item");
	return &s->world->outcomes[number];
}

static void
tried(struct input *in, uint64_t token, unsigned attempts, unsigned tries,
    int64_t not_before_at_us)
{
	const struct fake_input *s = of(in);
	struct outcome *o = outcome_of(s, token);

	if (attempts < o->tried_attempts || tries < o->tries ||
	    tries > attempts)
		world_fail(s->world, "attempt %u, try %u, after %u and %u",
		    attempts, tries, o->tried_attempts, o->tries);
	o->tried++;
	o->tried_attempts = attempts;
	o->tries = tries;
	o->not_before_at_us = not_before_at_us;
	o->begun = 0;
	o->begin_at_us = 0;
}

static int
begin(struct input *in, uint64_t token)
{
	struct fake_input *s = of(in);
	struct event_base *w = s->world;
	struct outcome *o = outcome_of(s, token);

	if (o->begin_at_us == 0)
		o->begin_at_us = w->now_us + w->begin_us;
	if (w->now_us >= o->begin_at_us) {
		if (o->begun++ > 0)
			world_fail(w, "it is asked again though it said yes");
		return 1;
	}
	if (s->recorded.place == 0)
		ev_set(w, &s->recorded, o->begin_at_us);
	return 0;
}

static void
finish(struct input *in)
{
	(void)in;
}

struct input *
fake_input_new(struct event_base *w, void (*cb)(void *arg), void *arg)
{
	static const struct input_ops ops = { .next = next,
		.done = done,
		.tried = tried,
		.begin = begin,
		.finish = finish,
		.held_bytes = held_bytes };
	struct fake_input *s = mem_zalloc(1, sizeof(*s));

	s->input.ops = &ops;
	s->world = w;
	s->list = &w->list[w->sources++];
	s->cb = cb;
	s->arg = arg;
	ev_init(&s->ev, on_line, s);
	ev_init(&s->recorded, on_recorded, s);
	return &s->input;
}

void
fake_input_free(struct input *in)
{
	struct fake_input *s = of(in);

	ev_clear(s->world, &s->ev);
	ev_clear(s->world, &s->recorded);
	buf_fini(&s->line);
	free(s);
}
