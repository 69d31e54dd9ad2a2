/* SPDX-License-Identifier: ISC */
/*
 * io/sink.h over a reader that reads at a given rate, with pauses, and parses
 * each line as a record. Fills and drains like the real sink on a pipe.
 */
#include <stdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "fake.h"
#include "io/sink.h"

#define PIPE_BYTES 65536
#define TICK_US (5 * MS)
#define HEAD_BYTES 4096 /* of a record: all the keys before its body */

struct sink {
	struct event_base *world;
	struct world_list *list; /* NULL: of --failed-input */
	struct ev writable;
	int is_waiting, is_full;
	struct buf buf;
	size_t off;
	uint64_t written, room;
	int64_t filled_us;
	struct buf line; /* the beginning of the one that is being read */
	sink_cb *cb;
	void *arg;
};

/* ---- the reader ---- */

static const char *
value_of(const char *line, const char *key)
{
	const char *p = strstr(line, key);

	return p != NULL ? p + strlen(key) : NULL;
}

static long
number_of(const struct event_base *w, const char *line, const char *key)
{
	const char *p = value_of(line, key);

	if (p == NULL)
		world_fail(w, "no %s in a record: %.200s", key, line);
	return strtol(p, NULL, 10);
}

static enum err
error_of(const struct event_base *w, const char *line)
{
	const char *p = value_of(line, "\"error\":");
	const char *code;
	size_t n;
	int e;

	if (p == NULL)
		world_fail(w, "no error in a record: %.200s", line);
	if (strncmp(p, "null", 4) == 0)
		return E_OK;
	n = strcspn(p + 1, "\"");
	for (e = 1; e < E_COUNT; e++) {
		code = error_info((enum err)e)->code;
		if (strlen(code) == n && memcmp(code, p + 1, n) == 0)
			return (enum err)e;
	}
	world_fail(w, "an unknown error: %.200s", p);
}

static void
note_detail(struct outcome *o, const char *line)
{
	const char *p = value_of(line, "\"error_detail\":\"");
	size_t n = p != NULL ? strcspn(p, "\"") : 0;

	if (n >= sizeof(o->detail))
		n = sizeof(o->detail) - 1;
	memcpy(o->detail, p != NULL ? p : "", n);
}

/* What a parser said of it, or that it crashed. */
static int
was_parsed(struct event_base *w, const char *line, long seq)
{
	const char *p = value_of(line, "\"parse\":{\"error\":");
	char own[40];

	if (p == NULL || strncmp(p, "\"parse_skipped\"", 15) == 0)
		return 0;
	if (strncmp(p, "\"worker_crashed\"", 16) == 0)
		return 1;
	snprintf(own, sizeof(own), "\"title\":\"%ld\"", seq);
	if (value_of(line, "\"title\":") != NULL && strstr(line, own) == NULL)
		world_fail(w, "item %ld has the result of another", seq);
	snprintf(own, sizeof(own), "\"exec\":\"%ld\"", seq);
	if (value_of(line, "\"exec\":") != NULL && strstr(line, own) == NULL)
		world_fail(w, "item %ld has the value of another", seq);
	if (strncmp(p, "null", 4) != 0)
		world_fail(w, "item %ld: %s", seq, p);
	return 1;
}

/* A line of a stream: its item is not done before its record. */
static void
take_stream_line(
    const struct event_base *w, const struct world_list *l, const char *line)
{
	long seq = number_of(w, line, "\"seq\":");

	if (seq < 1 || (uint64_t)seq > l->given)
		world_fail(w, "a line of item %ld", seq);
	if (w->outcomes[l->first + (uint64_t)seq].done > 0)
		world_fail(w, "item %ld is done before its last line", seq);
}

static void
take_record(struct event_base *w, struct world_list *l, struct buf *b)
{
	struct outcome *o;
	const char *line;
	long seq;

	*buf_reserve(b, 1) = '\0';
	line = b->p;
	if (strncmp(line, "{\"type\":\"result\"", 16) != 0) {
		take_stream_line(w, l, line);
		return;
	}
	seq = number_of(w, line, "{\"type\":\"result\",\"seq\":");
	if (seq < 1 || (uint64_t)seq > l->given)
		world_fail(w, "a record of item %ld", seq);
	if (w->is_ordered && (uint64_t)seq <= l->last_seq)
		world_fail(w, "item %ld comes out of order", seq);
	l->last_seq = (uint64_t)seq;
	o = &w->outcomes[l->first + (uint64_t)seq];
	if (o->records++ > 0)
		world_fail(w, "a second record of item %ld", seq);
	o->err = error_of(w, line);
	o->status = (int)number_of(w, line, "\"status_code\":");
	o->attempts = (int)number_of(w, line, "\"num_attempts\":");
	o->redirects = (int)number_of(w, line, "\"num_redirects\":");
	note_detail(o, line);
	o->was_parsed = was_parsed(w, line, seq);
	o->at_us = w->now_us;
	w->records++;
}

static void
take(struct sink *s, const char *p, size_t n)
{
	const char *end;
	size_t k, keep;

	if (s->list == NULL)
		return; /* lines of input */
	while (n > 0) {
		end = memchr(p, '\n', n);
		k = end != NULL ? (size_t)(end - p) : n;
		keep = HEAD_BYTES - s->line.n;
		buf_add(&s->line, p, k < keep ? k : keep);
		if (end == NULL)
			return;
		take_record(s->world, s->list, &s->line);
		s->line.n = 0;
		p += k + 1;
		n -= k + 1;
	}
}

/* How much it takes now. */
static uint64_t
room(struct sink *s)
{
	struct event_base *w = s->world;
	int64_t now = w->now_us;

	if (s->list == NULL)
		return now < w->failed_blocks_until ? 0 : UINT64_MAX;
	if (now >= w->sink_blocks_from && now < w->sink_blocks_until) {
		s->filled_us = now;
		return s->room;
	}
	if (w->sink_rate == 0)
		return UINT64_MAX;
	s->room += w->sink_rate * (uint64_t)(now - s->filled_us) / SECOND;
	s->filled_us = now;
	if (s->room > PIPE_BYTES)
		s->room = PIPE_BYTES;
	return s->room;
}

static void
wait_for_room(struct sink *s)
{
	struct event_base *w = s->world;
	int64_t at = w->now_us + TICK_US;

	if (w->now_us < w->sink_blocks_until &&
	    w->now_us >= w->sink_blocks_from)
		at = w->sink_blocks_until;
	if (s->list == NULL)
		at = w->failed_blocks_until;
	s->is_waiting = 1;
	ev_set(w, &s->writable, at);
}

/* ---- io/sink.h ---- */

static void
push(struct sink *s)
{
	uint64_t r = room(s), n = sink_pending(s);

	if (n > r)
		n = r;
	take(s, s->buf.p + s->off, n);
	s->off += n;
	s->written += n;
	if (r != UINT64_MAX)
		s->room -= n;
	if (s->off == s->buf.n) {
		s->off = 0;
		buf_clear(&s->buf, 2 * SINK_HIGH_WATER);
	} else
		wait_for_room(s);
}

void
sink_flush(struct sink *s)
{
	if (s->off == s->buf.n)
		return;
	if (!s->is_waiting)
		push(s);
	if (s->off > SINK_HIGH_WATER) {
		buf_drop(&s->buf, s->off);
		s->off = 0;
	}
	s->is_full = s->is_full || sink_pending(s) >= SINK_HIGH_WATER;
	if (sink_pending(s) <= SINK_LOW_WATER && !s->is_waiting)
		s->is_full = 0;
}

static void
on_writable(void *arg)
{
	struct sink *s = arg;

	s->is_waiting = 0;
	sink_flush(s);
	if (!s->is_full || sink_pending(s) > SINK_LOW_WATER)
		return;
	s->is_full = 0;
	if (s->cb != NULL)
		s->cb(s->arg);
}

struct sink *
sink_new(struct event_base *base, int fd, sink_cb *cb, void *arg)
{
	struct sink *s = mem_zalloc(1, sizeof(*s));

	s->world = base;
	if (fd == 1)
		s->list = &base->list[base->sinks++];
	s->cb = cb;
	s->arg = arg;
	s->filled_us = base->now_us;
	ev_init(&s->writable, on_writable, s);
	return s;
}

void
sink_free(struct sink *s)
{
	ev_clear(s->world, &s->writable);
	buf_fini(&s->buf);
	buf_fini(&s->line);
	free(s);
}

void
fake_sink_at_end(const struct sink *s)
{
	if (s->line.n > 0 || sink_pending(s) > 0)
		world_fail(s->world, "half a record is left");
}

struct buf *
sink_buf(struct sink *s)
{
	return &s->buf;
}

size_t
sink_pending(const struct sink *s)
{
	return s->buf.n - s->off;
}

int
sink_is_full(const struct sink *s)
{
	return s->is_full || sink_pending(s) >= SINK_HIGH_WATER;
}

uint64_t
sink_written(const struct sink *s)
{
	return s->written;
}

enum err
sink_error(const struct sink *s)
{
	(void)s;
	return E_OK;
}
