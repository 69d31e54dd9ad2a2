/* SPDX-License-Identifier: ISC */
/*
 * One socket from connect to close. Without TLS it uses recv and sendmsg on
 * bare events; under TLS, tls.c moves the bytes. Knows nothing of HTTP.
 */
#include "io/conn/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/conn/conn_int.h"
#include "io/timer.h"
#include "io/tls/tls_int.h"

struct conns *
conns_new(struct event_base *base, struct tls *tls, size_t max_sockets)
{
	struct conns *s = mem_zalloc(1, sizeof(*s));

	s->max_sockets = max_sockets;
	s->base = base;
	s->tls = tls;
	list_init(&s->open);
	list_init(&s->closed);
	return s;
}

void
conns_free(struct conns *s)
{
	struct link *k;
	struct conn *c;

	while ((k = list_first(&s->open)) != NULL) {
		c = CONTAINER(k, struct conn, link);
		conn_close(&c, "run_ended");
	}
	conns_reap(s);
	free(s);
}

int
conns_interface(struct conns *s, const char *from)
{
	union resolve_addr *a = &s->source;

	memset(a, 0, sizeof(*a));
	s->device[0] = '\0';
	if (inet_pton(AF_INET, from, &a->in.sin_addr) == 1) {
		a->sa.sa_family = AF_INET;
	} else if (inet_pton(AF_INET6, from, &a->in6.sin6_addr) == 1) {
		a->sa.sa_family = AF_INET6;
	} else if (if_nametoindex(from) != 0) {
		memcpy(s->device, from, strlen(from) + 1);
	} else {
		return -1;
	}
	return 0;
}

void
conns_trace(struct conns *s, struct trace *t)
{
	s->trace = t;
}

uint64_t
conns_dials(const struct conns *s)
{
	return s->dials;
}

size_t
conns_open(const struct conns *s)
{
	return s->sockets;
}

size_t
conns_unread_bytes(const struct conns *s)
{
	return s->unread;
}

uint64_t
conns_opened(const struct conns *s)
{
	return s->opened;
}

/* ---- dial and handshake ---- */

enum conn_start
conn_dial(struct conns *s, const union resolve_addr *addr, unsigned n,
    uint16_t port, conn_cb *cb, void *arg, struct conn **out)
{
	struct conn *c = mem_zalloc(1, sizeof(*c));
	enum conn_start r;

	c->set = s;
	c->cb = cb;
	c->arg = arg;
	c->fd = -1;
	c->tls_verified = -1;
	c->dial_number = ++s->dials;
	r = dial_start(c, addr, n, port);
	if (r == CONN_BUSY) {
		free(c);
		*out = NULL;
		return r;
	}
	list_push(&s->open, &c->link);
	*out = c;
	return CONN_PENDING;
}

void
conn_trace(const struct conn *c, enum trace_kind kind, const char *why,
    const union resolve_addr *addr)
{
	const struct trace_event e = {
		.at_us = timer_now_us(),
		.kind = (unsigned char)kind,
		.id = c->id,
		.other = c->dial_number,
		.why = why,
	};
	char text[INET6_ADDRSTRLEN + sizeof("[]:65535")];
	char ip[INET6_ADDRSTRLEN] = "";
	int n = 0;

	if (c->set->trace == NULL)
		return;
	if (addr != NULL && addr->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &addr->in6.sin6_addr, ip, sizeof(ip));
		n = snprintf(text, sizeof(text), "[%s]:%u", ip,
		    ntohs(addr->in6.sin6_port));
	} else if (addr != NULL) {
		inet_ntop(AF_INET, &addr->in.sin_addr, ip, sizeof(ip));
		n = snprintf(
		    text, sizeof(text), "%s:%u", ip, ntohs(addr->in.sin_port));
	}
	trace_put(c->set->trace, &e, span_of(text, (size_t)n));
}

/* A failure of c: no address could be reached, or no handshake. */
static void
trace_failure(const struct conn *c)
{
	const struct trace_event e = {
		.at_us = timer_now_us(),
		.kind = TRACE_CONN_FAILED,
		.id = c->id,
		.other = c->dial_number,
		.why = error_code(c->err),
	};

	trace_put(c->set->trace, &e, span_str(c->detail));
}

void
conn_report(struct conn *c, enum conn_event ev)
{
	if (c->cb != NULL)
		c->cb(c->arg, ev);
}

void
conn_report_failure(struct conn *c, enum err err, const char *detail)
{
	c->err = err;
	c->detail = detail;
	trace_failure(c);
	conn_report(c, CONN_FAILED);
}

static void write_out(struct conn *c);

static void
on_plain_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_report(arg, CONN_READABLE);
}

static void
on_plain_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	write_out(c);
	if (c->out[0].n + c->out[1].n > 0)
		CHECK(event_add(&c->ev_write, NULL) == 0);
	else if (c->send_errno == 0) {
		c->is_draining = 0;
		conn_report(c, CONN_DRAINED);
	}
}

void
conn_report_up(
    struct conn *c, int fd, const union resolve_addr *peer, int errnum)
{
	c->fd = fd;
	c->peer = *peer;
	c->id = ++c->set->opened;
	c->stage = STAGE_UP;
	c->up_at_us = c->moved_at_us = timer_now_us();
	if (errnum != 0) {
		c->end = CONN_END_ERROR;
		c->err = E_RECV_RESET;
		c->detail = error_errno_name(errnum);
	}
	conn_trace(c, TRACE_CONN_UP, NULL, peer);
	conn_report(c, CONN_UP);
}

/* Without TLS: called by the first conn_send. */
static void
open_plain(struct conn *c)
{
	c->stage = STAGE_OPEN;
	CHECK(event_assign(&c->ev_read, c->set->base, c->fd,
		  EV_READ | EV_PERSIST, on_plain_readable, c) == 0);
	CHECK(event_assign(&c->ev_write, c->set->base, c->fd, EV_WRITE,
		  on_plain_writable, c) == 0);
	CHECK(event_add(&c->ev_read, NULL) == 0);
}

static void
on_handshake(void *arg, const struct tls_fault *fault)
{
	struct conn *c = arg;

	c->handshake_queue_us = tls_handshake_queue_us(c->handshake);
	if (fault->err != E_OK) {
		c->err = fault->err;
		c->detail = fault->detail;
		c->note = fault->note;
		trace_failure(c);
		conn_report(c, CONN_FAILED);
		return;
	}
	conn_tls_open(c, tls_handshake_take(c->handshake));
	tls_handshake_free(c->handshake);
	c->handshake = NULL;
	conn_report(c, CONN_SECURE);
}

void
conn_secure(struct conn *c, struct span host)
{
	CHECK(c->stage == STAGE_UP);
	c->stage = STAGE_HANDSHAKE;
	c->handshake =
	    tls_handshake_new(c->set->tls, c->fd, host, on_handshake, c);
}

int64_t
conn_handshake_queue_us(const struct conn *c)
{
	return c->handshake != NULL ? tls_handshake_queue_us(c->handshake)
				    : c->handshake_queue_us;
}

int
conn_is_in_handshake_queue(const struct conn *c)
{
	return c->handshake != NULL && tls_handshake_is_queued(c->handshake);
}

/* ---- sending ---- */

void
conn_advance(struct conn *c, size_t n)
{
	size_t k = n < c->out[0].n ? n : c->out[0].n;

	c->sent += n;
	c->out[0].p += k;
	c->out[0].n -= k;
	CHECK(n - k <= c->out[1].n);
	c->out[1].p += n - k;
	c->out[1].n -= n - k;
}

static void
write_plain(struct conn *c)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)c->out[0].p, c->out[0].n },
		{ (void *)(uintptr_t)c->out[1].p, c->out[1].n },
	};
	struct msghdr msg = { .msg_iov = c->out[0].n > 0 ? iov : iov + 1,
		.msg_iovlen = (c->out[0].n > 0) + (c->out[1].n > 0) };
	ssize_t n;

	if (c->out[1].n == 0) /* most requests; send is cheaper */
		n = send(c->fd, c->out[0].p, c->out[0].n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	else
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0) {
		conn_advance(c, (size_t)n);
		c->moved_at_us = timer_now_us();
		return;
	}
	if (errno == EAGAIN || errno == EINTR)
		return;
	c->send_errno = errno;
	conn_send_stop(c);
}

static void
write_out(struct conn *c)
{
	if (c->out[0].n + c->out[1].n == 0)
		return;
	if (c->bev != NULL)
		conn_tls_write(c);
	else
		write_plain(c);
}

static enum conn_start
begin_write(struct conn *c, struct span head, struct span body)
{
	CHECK(c->stage == STAGE_OPEN && c->out[0].n + c->out[1].n == 0);
	c->out[0] = head;
	c->out[1] = body;
	if (c->send_errno != 0 || c->end != CONN_END_NONE) {
		conn_send_stop(c);
		return CONN_PENDING; /* conn_read returns the error */
	}
	write_out(c);
	if (c->send_errno != 0)
		return CONN_PENDING;
	if (c->out[0].n + c->out[1].n == 0)
		return CONN_DONE;
	c->is_draining = 1;
	if (c->bev != NULL)
		conn_tls_watch(c);
	else
		CHECK(event_add(&c->ev_write, NULL) == 0);
	return CONN_PENDING;
}

enum conn_start
conn_send(struct conn *c, struct span head, struct span body)
{
	if (c->stage == STAGE_UP)
		open_plain(c);
	c->sent = 0;
	return begin_write(c, head, body);
}

enum conn_start
conn_send_more(struct conn *c, struct span piece)
{
	return begin_write(c, SPAN_NONE, piece);
}

void
conn_send_stop(struct conn *c)
{
	c->out[0] = c->out[1] = SPAN_NONE;
	if (c->bev == NULL && c->stage == STAGE_OPEN)
		event_del(&c->ev_write);
	c->is_draining = 0;
}

int
conn_is_sending(const struct conn *c)
{
	return c->is_draining;
}

uint64_t
conn_sent(const struct conn *c)
{
	return c->sent;
}

int
conn_send_errno(const struct conn *c)
{
	return c->send_errno;
}

/* ---- reading ---- */

static size_t
read_plain(struct conn *c, char *to, size_t cap)
{
	ssize_t n = recv(c->fd, to, cap, MSG_DONTWAIT);

	if (n > 0) {
		c->moved_at_us = timer_now_us();
		return (size_t)n;
	}
	/* A failed write has taken the error off the socket. */
	if (n == 0 && c->send_errno == ECONNRESET) {
		n = -1;
		errno = ECONNRESET;
	}
	if (n == 0) {
		c->end = CONN_END_CLEAN;
	} else if (errno != EAGAIN && errno != EINTR) {
		c->end = CONN_END_ERROR;
		c->err = E_RECV_RESET;
		c->detail = error_errno_name(errno);
	}
	if (c->end != CONN_END_NONE)
		event_del(&c->ev_read);
	return 0;
}

size_t
conn_read(struct conn *c, char *to, size_t cap, enum conn_end *end)
{
	size_t n = 0;

	if (c->bev != NULL)
		n = conn_tls_read(c, to, cap);
	else if (c->stage == STAGE_OPEN && c->end == CONN_END_NONE)
		n = read_plain(c, to, cap);
	*end = n > 0 ? CONN_END_NONE : c->end;
	return n;
}

int
conn_has_more(const struct conn *c)
{
	if (c->end != CONN_END_NONE)
		return 1;
	return c->bev != NULL && conn_tls_unread(c) > 0;
}

void
conn_pause(struct conn *c)
{
	if (c->is_paused || (c->stage != STAGE_OPEN && c->stage != STAGE_UP))
		return;
	c->is_paused = 1;
	if (c->stage == STAGE_UP) /* no events before the first conn_send */
		return;
	if (c->bev != NULL)
		conn_tls_set_reading(c, 0);
	else
		event_del(&c->ev_read);
}

void
conn_resume(struct conn *c)
{
	if (!c->is_paused)
		return;
	c->is_paused = 0;
	c->moved_at_us = timer_now_us();
	if (c->end != CONN_END_NONE || c->stage == STAGE_UP)
		return;
	if (c->bev != NULL)
		conn_tls_set_reading(c, 1);
	else
		CHECK(event_add(&c->ev_read, NULL) == 0);
}

int
conn_is_ready(const struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (c->is_draining)
		p.events |= POLLOUT;
	switch (c->stage) {
	case STAGE_DIAL:
		return dial_is_ready(c);
	case STAGE_HANDSHAKE:
	case STAGE_OPEN:
		return conn_has_more(c) || poll(&p, 1, 0) > 0;
	case STAGE_UP:
	case STAGE_CLOSED:
		break;
	}
	return 0;
}

int
conn_check_idle(struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (conn_has_more(c))
		return 1;
	if (c->bev != NULL)
		return conn_tls_check_idle(c);
	return poll(&p, 1, 0) > 0;
}

/* ---- owner and end ---- */

void
conn_set_owner(struct conn *c, conn_cb *cb, void *arg)
{
	c->cb = cb;
	c->arg = arg;
	c->sent = 0;
}

void
conn_close(struct conn **cp, const char *why)
{
	struct conn *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	CHECK(c->stage != STAGE_CLOSED);
	conn_trace(c, TRACE_CONN_CLOSED, why, NULL);
	c->cb = NULL;
	if (c->bev != NULL) {
		conn_tls_stop(c);
	} else if (c->stage == STAGE_OPEN) {
		event_del(&c->ev_read);
		event_del(&c->ev_write);
	}
	dial_stop(c);
	tls_handshake_free(c->handshake);
	c->handshake = NULL;
	c->stage = STAGE_CLOSED;
	list_remove(&c->set->open, &c->link);
	list_push(&c->set->closed, &c->link);
}

static void
destroy(struct conn *c)
{
	if (c->bev != NULL)
		conn_tls_close(c);
	if (c->fd != -1) {
		close(c->fd);
		c->set->sockets--;
	}
	free(c->note);
	free(c);
}

void
conns_reap(struct conns *s)
{
	struct link *k;

	while ((k = list_shift(&s->closed)) != NULL)
		destroy(CONTAINER(k, struct conn, link));
}

/* ---- properties ---- */

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}

const union resolve_addr *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

int64_t
conn_up_at_us(const struct conn *c)
{
	return c->up_at_us;
}

int64_t
conn_secure_at_us(const struct conn *c)
{
	return c->secure_at_us;
}

int64_t
conn_moved_at_us(const struct conn *c)
{
	return c->moved_at_us;
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->tls_version;
}

int
conn_tls_verified(const struct conn *c)
{
	return c->tls_verified;
}

enum err
conn_error(const struct conn *c)
{
	return c->err;
}

const char *
conn_error_detail(const struct conn *c)
{
	return c->detail;
}

const char *
conn_error_note(const struct conn *c)
{
	return c->note;
}
