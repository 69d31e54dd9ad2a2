/* SPDX-License-Identifier: ISC */
/*
 * io/source.h and io/file.h over the items of the world: all at once, or one
 * after another with a gap.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"
#include "io/file.h"
#include "io/source.h"

struct source {
	struct event_base *world;
	struct world_list *list;
	struct ev ev;
	source_cb *cb;
	void *arg;
	struct buf line;
	int is_waiting;
	int64_t next_us;
};

static void
on_line(void *arg)
{
	struct source *s = arg;

	s->is_waiting = 0;
	s->cb(s->arg);
}

struct source *
source_new(struct event_base *base, source_cb *cb, void *arg)
{
	struct source *s = mem_zalloc(1, sizeof(*s));

	s->world = base;
	s->list = &base->list[base->sources++];
	s->cb = cb;
	s->arg = arg;
	ev_init(&s->ev, on_line, s);
	return s;
}

void
source_free(struct source *s)
{
	ev_clear(s->world, &s->ev);
	buf_fini(&s->line);
	free(s);
}

void
source_follow(struct source *s, int on)
{
	(void)s;
	(void)on;
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
fake_source_has_line(const struct source *s)
{
	return !s->is_waiting && s->list->given < s->list->items;
}

static int
own_retry(const struct item *item)
{
	static const char key[] = "\"retry\":";
	const char *p = item->more != NULL ? strstr(item->more, key) : NULL;

	return p != NULL ? (int)strtol(p + sizeof(key) - 1, NULL, 10) : -1;
}

enum source_verdict
source_next(struct source *s, struct source_line *line)
{
	struct event_base *w = s->world;
	struct world_list *l = s->list;
	uint64_t number;
	struct item item = { 0 };

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
	return SOURCE_LINE;
}

/* Its path is its size. */
int
file_read(struct buf *to, struct span path, size_t max, struct buf *why)
{
	size_t n = 0, i;

	(void)max;
	(void)why;
	for (i = 0; i < path.n; i++)
		n = n * 10 + (size_t)(path.p[i] - '0');
	memset(buf_reserve(to, n), 'f', n);
	to->n += n;
	return 0;
}

size_t
source_held_bytes(const struct source *s)
{
	return s->line.n;
}
