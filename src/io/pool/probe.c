/* SPDX-License-Identifier: ISC */
/*
 * Has an --exec program written everything about the last line? Lines carry no
 * number, so a program that writes one line too many would shift all answers
 * that follow. Therefore the prefix of the next line is sent before the rest:
 * once the program has read it, it is done with the line before, and all that
 * it wrote about that can be read. The kernel tells us that it has been read.
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
		CHECK(event_del(&w->ev_probe) == 0);
	w->probe = PROBE_NONE;
}

/*
 * The kernel reports room in the socket (sock_wfree, sk_write_space) before it
 * subtracts the last byte from its count, and no further event would follow. So
 * a count of 1 means 0: bytes in the queue count as their buffers, which are
 * larger. If the ioctl fails, there is nothing to wait for.
 */
static int
is_unread(const struct worker *w)
{
	int n;

	return w->sent < w->out.n || (ioctl(w->fd, SIOCOUTQ, &n) == 0 && n > 1);
}

int
probe_note_read(struct worker *w)
{
	if (is_unread(w))
		return 0;
	forget(w);
	w->probe = PROBE_READ;
	return 1;
}

void
probe_open(struct worker *w, event_callback_fn on_read)
{
	w->probe = PROBE_NONE;
	w->probe_fd = -1;
	if (w->pool->conf.prefix.n == 0)
		return;
	/* A descriptor of its own, as this event is edge-triggered and the
	 * socket's others are not: each read by the program is an edge. */
	w->probe_fd = fcntl(w->fd, F_DUPFD_CLOEXEC, 3);
	if (w->probe_fd == -1)
		return;
	CHECK(event_assign(&w->ev_probe, w->pool->base, w->probe_fd,
		  EV_WRITE | EV_ET | EV_PERSIST, on_read, w) == 0);
	probe_send(w);
}

void
probe_send(struct worker *w)
{
	CHECK(w->probe == PROBE_NONE && w->probe_fd != -1);
	buf_span(&w->out, w->pool->conf.prefix);
	w->probe = PROBE_SENT;
	CHECK(event_add(&w->ev_probe, NULL) == 0);
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
