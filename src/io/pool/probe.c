/* SPDX-License-Identifier: ISC */
/*
 * Lines do not say which document they answer. So the first byte of the next
 * line goes to a program before the rest: once it has been read, the program is
 * done with whatever came before, and all it had to say about that is there to
 * be read. What it says beyond one line for each document is found so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.h"
#include "io/pool/pool_int.h"

static void
forget(struct worker *w)
{
	if (w->probe == PROBE_SENT)
		CHECK(event_del(&w->ev_read_off) == 0);
	w->probe = PROBE_NONE;
}

/*
 * The kernel tells us that there is room (sock_wfree, sk_write_space) before
 * it gives up its last byte of the count; no further event would follow. So a
 * count of 1 is 0: bytes in the queue count as their buffers, which are larger.
 * Without an answer to that question nothing can be waited for.
 */
static int
is_unread(const struct worker *w)
{
	int n;

	return w->sent < w->out.n || (ioctl(w->fd, SIOCOUTQ, &n) == 0 && n > 1);
}

static void
on_read_off(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	pool_tick(w->pool);
	if (is_unread(w))
		return;
	forget(w);
	w->probe = PROBE_READ;
	talk_go_on(w);
	pool_pump(w->pool);
}

void
probe_open(struct worker *w)
{
	w->probe = PROBE_NONE;
	w->probe_fd = -1;
	if (w->pool->conf.prefix.n == 0)
		return;
	/* Its own, as the other events of the socket are not edge-triggered:
	 * each time something has been read there is an edge. */
	w->probe_fd = fcntl(w->fd, F_DUPFD_CLOEXEC, 3);
	if (w->probe_fd == -1)
		return;
	CHECK(event_assign(&w->ev_read_off, w->pool->base, w->probe_fd,
		  EV_WRITE | EV_ET | EV_PERSIST, on_read_off, w) == 0);
	probe_send(w);
}

void
probe_send(struct worker *w)
{
	CHECK(w->probe == PROBE_NONE && w->probe_fd != -1);
	buf_span(&w->out, w->pool->conf.prefix);
	w->probe = PROBE_SENT;
	CHECK(event_add(&w->ev_read_off, NULL) == 0);
	talk_pour(w);
}

int
probe_skip(struct worker *w, size_t from)
{
	struct span prefix = w->pool->conf.prefix;
	char *p = w->out.p + from;

	if (w->probe_fd == -1)
		return 0;
	CHECK(
	    w->out.n >= from + prefix.n && memcmp(p, prefix.p, prefix.n) == 0);
	w->out.n -= prefix.n;
	memmove(p, p + prefix.n, w->out.n - from);
	return 1;
}

void
probe_stop(struct worker *w)
{
	forget(w);
}

void
probe_close(struct worker *w)
{
	forget(w);
	if (w->probe_fd != -1)
		close(w->probe_fd);
	w->probe_fd = -1;
}
