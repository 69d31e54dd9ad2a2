/* SPDX-License-Identifier: ISC */
/*
 * Happy eyeballs (RFC 8305 section 5): tries one address after another, the
 * next one when an attempt fails or after 250 ms; the first that connects is
 * used. Knows nothing of names and of what the connection will carry.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "io/conn/conn_int.h"
#include "io/timer.h"

#define ATTEMPT_DELAY_US 250000

struct attempt {
	struct dial *dial;
	union resolve_addr addr;
	int fd; /* -1: closed */
	struct event ev;
};

struct dial {
	struct conn *conn;
	struct timer *stagger; /* NULL with a single address */
	enum err err;          /* of the last attempt that failed */
	const char *detail;
	unsigned n, next, open;
	struct attempt attempt[];
};

static void try_next(struct dial *d);

/* --interface: 0, or an errno. */
static int
bind_source(const struct conns *s, const union resolve_addr *to, int fd)
{
	sa_family_t family = s->source.sa.sa_family;
	int one = 1;

	if (s->device[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, s->device,
		(socklen_t)strlen(s->device)) == -1)
		return errno;
	if (family == AF_UNSPEC)
		return 0;
	if (family != to->sa.sa_family)
		return EADDRNOTAVAIL;
	/* Let connect() choose the port: as it knows the peer, it can use one
	 * port for many peers. */
	(void)setsockopt(
	    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, &s->source.sa, sizeof(s->source)) == -1 ? errno : 0;
}

/* Is this machine short of ports, descriptors or memory? */
static int
is_shortage(const struct conns *s, const union resolve_addr *a, int errnum)
{
	int fd, lacks_source;

	if (error_is_shortage(errnum))
		return 1;
	if (errnum != EADDRNOTAVAIL)
		return 0;
	/* Either no port is left, or there is no source address of that
	 * family. A datagram socket fails only for the latter. */
	fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return 1;
	lacks_source =
	    bind_source(s, a, fd) != 0 || connect(fd, &a->sa, sizeof(*a)) == -1;
	close(fd);
	return !lacks_source;
}

static enum err
code_of_errno(int errnum)
{
	switch (errnum) {
	case ECONNREFUSED:
		return E_CONNECT_REFUSED;
	case ETIMEDOUT:
		return E_CONNECT_TIMEOUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
		return E_CONNECT_UNREACHABLE;
	case ECONNRESET:
	case ECONNABORTED:
		return E_CONNECT_RESET;
	case EPERM:
	case EACCES:
		return E_CONNECT_DENIED;
	default:
		return E_CONNECT_FAILED;
	}
}

static void
close_attempt(struct attempt *a)
{
	if (a->fd == -1)
		return;
	event_del(&a->ev);
	close(a->fd);
	a->fd = -1;
	a->dial->open--;
	a->dial->conn->set->sockets--;
}

static void
note_failure(struct attempt *a, int errnum)
{
	struct dial *d = a->dial;

	d->conn->peer = a->addr;
	conn_trace(
	    d->conn, TRACE_CONN_TRY_FAILED, error_errno_name(errnum), &a->addr);
	if (d->err == E_RESOURCE_LIMIT)
		return; /* the dial is repeated, so the rest is unimportant */
	d->detail = error_errno_name(errnum);
	d->err = is_shortage(d->conn->set, &a->addr, errnum)
		     ? E_RESOURCE_LIMIT
		     : code_of_errno(errnum);
}

static void
on_connected(struct attempt *a, int errnum)
{
	struct conn *c = a->dial->conn;
	union resolve_addr peer = a->addr;
	int fd = a->fd;

	event_del(&a->ev);
	a->fd = -1; /* the connection owns it now */
	a->dial->open--;
	dial_stop(c);
	conn_report_up(c, fd, &peer, errnum);
}

/*
 * Was the connection established before it was reset? Then the peer has
 * acknowledged our SYN. (Otherwise the error is ECONNREFUSED, unless SYNs of
 * both sides have crossed.)
 */
static int
was_established(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	memset(&info, 0, n);
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
	       info.tcpi_bytes_acked > 0;
}

static void
on_attempt(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	int errnum = 0;
	socklen_t n = sizeof(errnum);

	(void)what;
	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &n) == 0);
	/* Established and reset before we looked: if no other address is left,
	 * report it as up, as if we had looked a moment earlier. */
	if (errnum == 0 || (errnum == ECONNRESET && d->next == d->n &&
			       d->open == 1 && was_established(fd))) {
		on_connected(a, errnum);
		return;
	}
	note_failure(a, errnum);
	close_attempt(a);
	try_next(d);
	if (d->open == 0)
		conn_report_failure(d->conn, d->err, d->detail);
}

/* 0, or the errno that says why this address cannot be tried. */
static int
open_attempt(struct attempt *a)
{
	struct conn *c = a->dial->conn;
	int fd, errnum, one = 1;

	if (c->set->sockets >= c->set->max_sockets)
		return EMFILE;
	fd = socket(a->addr.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	errnum = bind_source(c->set, &a->addr, fd);
	/* A policy check of addresses belongs here: every dial passes. */
	if (errnum == 0 && connect(fd, &a->addr.sa, sizeof(a->addr)) == -1 &&
	    errno != EINPROGRESS && errno != EINTR)
		errnum = errno;
	if (errnum != 0) {
		close(fd);
		return errnum;
	}
	a->fd = fd;
	a->dial->open++;
	c->set->sockets++;
	c->peer = a->addr;
	conn_trace(c, TRACE_CONN_TRY, NULL, &a->addr);
	CHECK(event_assign(&a->ev, c->set->base, fd, EV_WRITE, on_attempt, a) ==
	      0);
	CHECK(event_add(&a->ev, NULL) == 0);
	return 0;
}

/* Starts the next attempt that can be started. */
static void
try_next(struct dial *d)
{
	struct attempt *a;
	int errnum;

	while (d->next < d->n) {
		a = &d->attempt[d->next++];
		errnum = open_attempt(a);
		if (errnum == 0)
			break;
		note_failure(a, errnum);
	}
	if (d->next < d->n && d->stagger != NULL)
		timer_set(d->stagger, timer_now_us() + ATTEMPT_DELAY_US);
}

static void
on_stagger(void *arg)
{
	struct dial *d = arg;

	try_next(d);
	if (d->open == 0)
		conn_report_failure(d->conn, d->err, d->detail);
}

static void
set_port(union resolve_addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

enum conn_start
dial_start(
    struct conn *c, const union resolve_addr *addr, unsigned n, uint16_t port)
{
	struct dial *d;
	unsigned i;

	CHECK(n > 0 && n <= RESOLVE_MAX_ADDRS);
	d = mem_zalloc(1, sizeof(*d) + n * sizeof(d->attempt[0]));
	d->conn = c;
	d->n = n;
	for (i = 0; i < n; i++) {
		d->attempt[i].dial = d;
		d->attempt[i].addr = addr[i];
		d->attempt[i].fd = -1;
		set_port(&d->attempt[i].addr, port);
	}
	if (n > 1)
		d->stagger = timer_new(c->set->base, on_stagger, d);
	c->dial = d;
	try_next(d);
	if (d->open == 0 && d->err == E_RESOURCE_LIMIT) {
		dial_stop(c);
		return CONN_BUSY;
	}
	if (d->open == 0) {
		/* All have failed at once, which is reported from the loop. */
		if (d->stagger == NULL)
			d->stagger = timer_new(c->set->base, on_stagger, d);
		timer_set(d->stagger, 0);
	}
	return CONN_PENDING;
}

int
dial_is_ready(const struct conn *c)
{
	struct pollfd p[RESOLVE_MAX_ADDRS];
	const struct dial *d = c->dial;
	unsigned i;

	if (d == NULL)
		return 0;
	for (i = 0; i < d->n; i++) /* poll ignores -1 */
		p[i] = (struct pollfd){ .fd = d->attempt[i].fd,
			.events = POLLOUT };
	return poll(p, d->n, 0) > 0;
}

void
dial_stop(struct conn *c)
{
	struct dial *d = c->dial;
	unsigned i;

	if (d == NULL)
		return;
	for (i = 0; i < d->n; i++)
		close_attempt(&d->attempt[i]);
	timer_free(d->stagger);
	free(d);
	c->dial = NULL;
}
