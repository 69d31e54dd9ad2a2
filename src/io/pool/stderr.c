/* SPDX-License-Identifier: ISC */
/*
 * The standard error of workers: lines for people, of limited length and
 * number, passed on to the owner.
 */
#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "io/pool/pool_int.h"
#include "io/timer.h"

#define LINE_MAX_BYTES 4096 /* a longer one is passed on in pieces */
#define SECOND_BYTES 65536u /* passed on a second; the rest is dropped */
#define READS 4             /* of LINE_MAX_BYTES an event */
#define READS_AT_END 64     /* more than a pipe holds */

static void
report_dropped(struct worker *w)
{
	struct worker_stderr *o = &w->err;
	struct buf b = { 0 };

	if (o->dropped == 0)
		return;
	buf_printf(&b, "%llu lines dropped: more than 64 KiB in a second",
	    (unsigned long long)o->dropped);
	o->dropped = 0;
	w->pool->conf.log(w->pool->conf.arg, w->number, buf_view(&b));
	buf_fini(&b);
}

static void
end_line(struct worker *w)
{
	struct worker_stderr *o = &w->err;
	int64_t now_us = timer_now_us();

	if (now_us - o->second_at_us >= 1000000) {
		report_dropped(w);
		o->second_at_us = now_us;
		o->bytes = 0;
	}
	/* The LF counts too, so that empty lines are limited as well. */
	if (o->bytes + o->line.n + 1 > SECOND_BYTES) {
		o->dropped++;
	} else {
		o->bytes += o->line.n + 1;
		w->pool->conf.log(
		    w->pool->conf.arg, w->number, buf_view(&o->line));
	}
	o->line.n = 0;
}

static void
add(struct worker *w, const char *p, size_t n)
{
	struct worker_stderr *o = &w->err;
	const char *lf;
	size_t piece;

	while (n > 0) {
		piece = LINE_MAX_BYTES - o->line.n;
		if (piece > n)
			piece = n;
		lf = memchr(p, '\n', piece);
		if (lf != NULL)
			piece = (size_t)(lf - p);
		buf_add(&o->line, p, piece);
		/* An LF right after a full piece ends that piece's line. */
		if (lf == NULL && piece < n && p[piece] == '\n')
			lf = p + piece;
		if (lf != NULL)
			piece++;
		if (lf != NULL || o->line.n == LINE_MAX_BYTES)
			end_line(w);
		p += piece;
		n -= piece;
	}
}

static void
shut(struct worker_stderr *o)
{
	if (o->fd == -1)
		return;
	event_del(&o->ev);
	close(o->fd);
	o->fd = -1;
}

static void
read_some(struct worker *w, int reads)
{
	char p[LINE_MAX_BYTES];
	ssize_t n;

	while (reads-- > 0 && w->err.fd != -1) {
		n = read(w->err.fd, p, sizeof(p));
		if (n > 0)
			add(w, p, (size_t)n);
		else if (n == -1 && errno == EAGAIN)
			return;
		else if (n == 0 || errno != EINTR)
			shut(&w->err);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	pool_tick(w->pool);
	read_some(w, READS);
}

void
stderr_open(struct worker *w, int fd)
{
	struct worker_stderr *o = &w->err;

	o->fd = fd;
	CHECK(event_assign(&o->ev, w->pool->base, fd, EV_READ | EV_PERSIST,
		  on_readable, w) == 0);
	CHECK(event_add(&o->ev, NULL) == 0);
}

void
stderr_close(struct worker *w, int is_told)
{
	struct worker_stderr *o = &w->err;

	if (is_told) {
		read_some(w, READS_AT_END);
		if (o->line.n > 0)
			end_line(w);
		report_dropped(w);
	}
	shut(o);
	buf_fini(&o->line);
	o->dropped = 0;
}
