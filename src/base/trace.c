/* SPDX-License-Identifier: ISC */
/*
 * A ring of fixed-size events, and the text of one. Formatting neither
 * allocates nor fails, so that a failed CHECK can do it.
 */
#include "base/trace.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#define PRINT_MS 1000    /* without progress, then printing ends */
#define PRINT_BYTES 4096 /* at most PIPE_BUF: never blocks after poll */
#define VALUE_MAX 48     /* bytes of `why` in a line */

/* The keys of an event's fields, in the order of the table. */
static const struct {
	const char *name, *id, *other, *count, *value, *why, *text;
} kinds[TRACE_KINDS] = {
#define TRACE(id, name, k1, k2, k3, k4, k5, k6, meaning) \
	[TRACE_##id] = { name, k1, k2, k3, k4, k5, k6 },
#include "base/trace_table.h"
#undef TRACE
};

static void
on_check_failed(void *arg)
{
	trace_print(arg, STDERR_FILENO);
}

static void
put_date(char *to, size_t size, int64_t wall_us)
{
	time_t s = (time_t)(wall_us / 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to + n, size - n, ".%06dZ", (int)(wall_us % 1000000));
}

struct trace *
trace_new(int64_t start_at_us, int64_t wall_us,
    const char *(*state_name)(unsigned state))
{
	struct trace *t = mem_zalloc(1, sizeof(*t));

	t->next = t->ring;
	t->stop = t->ring + TRACE_EVENTS;
	t->start_at_us = start_at_us;
	t->state_name = state_name;
	put_date(t->started, sizeof(t->started), wall_us);
	t->report.print = on_check_failed;
	t->report.arg = t;
	check_add_report(&t->report);
	return t;
}

void
trace_free(struct trace *t)
{
	if (t == NULL)
		return;
	check_remove_report(&t->report);
	free(t);
}

/* Events so far. */
static uint64_t
count(const struct trace *t)
{
	return t->laps * TRACE_EVENTS + (uint64_t)(t->next - t->ring);
}

/* How far events can be put before somebody must look. */
static void
set_stop(struct trace *t)
{
	size_t at = (size_t)(t->next - t->ring);
	size_t taken = t->taken % TRACE_EVENTS;

	t->stop = t->ring + TRACE_EVENTS;
	if (t->full != NULL &&
	    (taken > at || count(t) - t->taken >= TRACE_EVENTS))
		t->stop = &t->ring[taken];
}

/* Events that were overwritten before they were read are counted and reported.
 */
void
trace_go_on(struct trace *t)
{
	if (t->next == t->ring + TRACE_EVENTS) {
		t->next = t->ring;
		t->laps++;
	}
	if (t->full != NULL && count(t) - t->taken >= TRACE_EVENTS)
		t->full(t->full_arg);
	if (t->full != NULL && count(t) - t->taken >= TRACE_EVENTS) {
		t->taken++;
		t->lost++;
	}
	set_stop(t);
}

void
trace_set_text(struct trace_event *e, struct span text)
{
	size_t n = text.n < TRACE_TEXT ? text.n : TRACE_TEXT;

	e->text_n = (unsigned char)n;
	if (n > 0)
		memcpy(e->text, text.p, n);
}

void
trace_put(struct trace *t, const struct trace_event *e, struct span text)
{
	struct trace_event *slot;

	if (t == NULL)
		return;
	slot = trace_add(t);
	*slot = *e;
	trace_set_text(slot, text);
}

/* ---- text ---- */

static char *
put_str(char *to, const char *s)
{
	size_t n = strlen(s);

	memcpy(to, s, n);
	return to + n;
}

static char *
put_u64(char *to, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

static char *
put_i64(char *to, int64_t v)
{
	if (v < 0)
		*to++ = '-';
	return put_u64(to, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Of what a terminal might obey nothing is left, and quotes stay pairs. */
static char *
put_text(char *to, const char *s, size_t n)
{
	int is_quoted = memchr(s, ' ', n) != NULL;
	size_t i;

	if (is_quoted)
		*to++ = '"';
	for (i = 0; i < n; i++)
		*to++ = s[i] < ' ' || s[i] > '~' || s[i] == '"' ? '?' : s[i];
	if (is_quoted)
		*to++ = '"';
	return to;
}

static char *
put_key(char *to, const char *key)
{
	*to++ = ' ';
	to = put_str(to, key);
	*to++ = '=';
	return to;
}

static char *
put_number(char *to, const char *key, uint64_t v)
{
	return *key != '\0' && v != 0 ? put_u64(put_key(to, key), v) : to;
}

static char *
put_value(char *to, const struct trace *t, const char *key, int64_t v)
{
	if (*key == '\0' || v == 0)
		return to;
	if (*key == '@')
		return put_i64(put_key(to, key + 1), v - t->start_at_us);
	return put_i64(put_key(to, key), v);
}

static char *
put_states(char *to, const struct trace *t, const struct trace_event *e)
{
	to = put_key(to, "from");
	to = put_str(to, e->from & TRACE_NEW ? "new" : t->state_name(e->from));
	to = put_key(to, "to");
	return put_str(to, t->state_name(e->to));
}

/* Of a path, what is no query and can be no password: those may follow a '?'
 * and a ':', the latter in any of its forms. */
static size_t
open_length(const struct trace_event *e)
{
	const char *p = e->text;
	size_t i;

	if (e->kind != TRACE_FETCH_MOVE || e->text_n == 0 || *p != '/')
		return e->text_n;
	for (i = 0; i < e->text_n; i++)
		if (p[i] == '?' || p[i] == ':' ||
		    (p[i] == '%' && (i + 3 > e->text_n ||
					strncasecmp(p + i, "%3a", 3) == 0 ||
					strncasecmp(p + i, "%ef", 3) == 0)))
			break;
	return i;
}

static size_t
format(const struct trace *t, const struct trace_event *e, char to[TRACE_LINE])
{
	int64_t us = e->at_us - t->start_at_us, width;
	char *p = to;
	size_t n;

	for (width = 100000000; width > us && width > 1; width /= 10)
		*p++ = ' ';
	p = put_i64(p, us);
	*p++ = ' ';
	p = put_str(p, kinds[e->kind].name);
	p = put_number(p, kinds[e->kind].id, e->id);
	p = put_number(p, kinds[e->kind].other, e->other);
	if (e->kind == TRACE_FETCH_MOVE)
		p = put_states(p, t, e);
	p = put_number(p, kinds[e->kind].count, e->count);
	p = put_value(p, t, kinds[e->kind].value, e->value);
	if (e->why != NULL) {
		n = strlen(e->why);
		p = put_text(put_key(p, kinds[e->kind].why), e->why,
		    n < VALUE_MAX ? n : VALUE_MAX);
	}
	n = open_length(e);
	if (n > 0)
		p = put_text(put_key(p, kinds[e->kind].text), e->text, n);
	*p++ = '\n';
	return (size_t)(p - to);
}

size_t
trace_head(const struct trace *t, char to[TRACE_LINE])
{
	char *p = put_str(to, "fetchd " FETCHD_VERSION ": microseconds since ");

	p = put_str(p, t->started);
	*p++ = '\n';
	return (size_t)(p - to);
}

/* ---- all events ---- */

void
trace_follow(struct trace *t, void (*full)(void *arg), void *arg)
{
	t->full = full;
	t->full_arg = arg;
	t->taken = count(t) - trace_kept(t);
	set_stop(t);
}

size_t
trace_next(struct trace *t, char to[TRACE_LINE])
{
	struct trace_event lost = { .kind = TRACE_LOST };
	const struct trace_event *e;

	if (t->taken == count(t))
		return 0;
	e = &t->ring[t->taken % TRACE_EVENTS];
	if (t->lost > 0) {
		lost.at_us = e->at_us;
		lost.value = (int64_t)t->lost;
		t->lost = 0;
		return format(t, &lost, to);
	}
	t->taken++;
	set_stop(t);
	return format(t, e, to);
}

/* ---- the last ones ---- */

size_t
trace_kept(const struct trace *t)
{
	return t->laps == 0 ? (size_t)(t->next - t->ring) : TRACE_EVENTS;
}

size_t
trace_kept_line(const struct trace *t, size_t nth, char to[TRACE_LINE])
{
	uint64_t at = count(t) - trace_kept(t) + nth;

	return format(t, &t->ring[at % TRACE_EVENTS], to);
}

/* Nonzero: all of it was written. */
static int
print(int fd, const char *p, size_t n)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	ssize_t put;

	for (; n > 0; p += put, n -= (size_t)put) {
		if (poll(&ready, 1, PRINT_MS) != 1)
			return 0;
		put = write(fd, p, n);
		if (put < 0)
			return 0;
	}
	return 1;
}

void
trace_print(const struct trace *t, int fd)
{
	char part[PRINT_BYTES];
	size_t kept = trace_kept(t), used, i;

	if (kept == 0)
		return;
	used = trace_head(t, part);
	for (i = 0; i < kept; i++) {
		if (used + TRACE_LINE > sizeof(part)) {
			if (!print(fd, part, used))
				return;
			used = 0;
		}
		used += trace_kept_line(t, i, part + used);
	}
	(void)print(fd, part, used);
}
