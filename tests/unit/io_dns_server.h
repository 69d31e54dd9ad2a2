/* SPDX-License-Identifier: ISC */
/*
 * A small scripted name server on loopback, UDP and TCP, on the test's own
 * event base. server_open, server_close; counters say what it was asked.
 */
#ifndef TESTS_UNIT_IO_RESOLVE_SERVER_H
#define TESTS_UNIT_IO_RESOLVE_SERVER_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"

enum { A = 1, CNAME = 5, SOA = 6, AAAA = 28, BOTH = 0 };
enum { NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED };
enum { DROP = 1, TC = 2, NO_SOA = 4, NO_EDNS = 8 };

/* The first rule that fits answers; a name without one is NXDOMAIN. */
struct rule {
	const char *name; /* "*": any */
	int type;
	int rcode;
	const char *addr; /* or NULL */
	uint32_t ttl;
	int delay_ms;
	int flags;
	const char *alias; /* CNAME to it; its rules follow */
};

struct server {
	struct event_base *base;
	const struct rule *rules;
	int fd, tcp_fd;
	struct event *ev, *tcp_ev;
	struct list conns;
	uint16_t port;
	int queries, a_queries, tcp_queries;
};

struct server_conn {
	struct link on_server;
	struct server *sv;
	struct event *ev;
	int fd;
};

/* An answer on its way. */
struct sending {
	struct server *sv;
	struct event *ev;
	struct sockaddr_in peer;
	int fd; /* TCP, or -1 */
	struct buf msg;
};

static void
put16(struct buf *b, unsigned v)
{
	buf_char(b, (char)(v >> 8));
	buf_char(b, (char)v);
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v & 0xffff);
}

static void
put_name(struct buf *b, const char *name)
{
	const char *end;

	for (; *name != '\0'; name = *end == '.' ? end + 1 : end) {
		end = strchrnul(name, '.');
		buf_char(b, (char)(end - name));
		buf_add(b, name, (size_t)(end - name));
	}
	buf_char(b, 0);
}

static void
put_rr_head(struct buf *b, const char *owner, int type, uint32_t ttl)
{
	put_name(b, owner);
	put16(b, (unsigned)type);
	put16(b, 1);
	put32(b, ttl);
}

static void
put_addr(struct buf *b, const char *owner, int type, const struct rule *ru)
{
	unsigned char raw[16];

	assert_int_equal(
	    inet_pton(type == AAAA ? AF_INET6 : AF_INET, ru->addr, raw), 1);
	put_rr_head(b, owner, type, ru->ttl);
	put16(b, type == AAAA ? 16 : 4);
	buf_add(b, raw, type == AAAA ? 16 : 4);
}

static void
put_alias(struct buf *b, const char *owner, const struct rule *ru)
{
	put_rr_head(b, owner, CNAME, ru->ttl);
	put16(b, (unsigned)strlen(ru->alias) + 2);
	put_name(b, ru->alias);
}

static void
put_soa(struct buf *b, uint32_t ttl)
{
	put_rr_head(b, "test", SOA, ttl);
	put16(b, 22);
	buf_add(b, "\0", 1);
	buf_add(b, "\0", 1);
	put32(b, 1);
	put32(b, 2);
	put32(b, 3);
	put32(b, 4);
	put32(b, ttl);
}

static const struct rule *
find_rule(const struct rule *ru, const char *name, int type)
{
	static const struct rule none = {
		.name = "", .rcode = NXDOMAIN, .ttl = 60
	};

	for (; ru->name != NULL; ru++)
		if ((strcmp(ru->name, "*") == 0 ||
			strcasecmp(ru->name, name) == 0) &&
		    (ru->type == BOTH || ru->type == type))
			return ru;
	return &none;
}

/* The records; how many answers there are. */
static unsigned
put_answers(struct server *sv, struct buf *b, const struct rule *ru,
    const char *name, int type)
{
	unsigned n = 0;

	for (; ru->alias != NULL && n < 40; n++) {
		put_alias(b, name, ru);
		name = ru->alias;
		ru = find_rule(sv->rules, name, type);
	}
	if (ru->addr != NULL &&
	    (strchr(ru->addr, ':') != NULL) == (type == AAAA))
		put_addr(b, name, type, ru), n++;
	return n;
}

static void
put_message(struct server *sv, struct buf *b, const struct rule *ru,
    const unsigned char *q, size_t qn, const char *name, int type, int tcp)
{
	int tc = (ru->flags & TC) != 0 && !tcp, rcode = ru->rcode;
	unsigned n = 0;
	size_t at;

	/* A server that does not understand EDNS says so without OPT. */
	if (ru->flags & NO_EDNS)
		rcode = q[11] > 0 ? FORMERR : NOERROR;
	buf_add(b, q, 2);
	put16(b, 0x8180u | (unsigned)rcode | (tc ? 0x0200u : 0));
	put32(b, 1 << 16);
	put32(b, 0);
	buf_add(b, q + 12, qn - 12);
	at = b->n;
	if (!tc && rcode == NOERROR)
		n = put_answers(sv, b, ru, name, type);
	b->p[7] = (char)n;
	if (b->n == at && !tc && !(ru->flags & NO_SOA)) {
		put_soa(b, ru->ttl);
		b->p[9] = 1;
	}
}

static void
on_send(evutil_socket_t fd, short what, void *arg)
{
	struct sending *s = arg;
	unsigned char len[2] = { (unsigned char)(s->msg.n >> 8),
		(unsigned char)s->msg.n };

	(void)fd;
	(void)what;
	if (s->fd == -1) {
		sendto(s->sv->fd, s->msg.p, s->msg.n, 0,
		    (struct sockaddr *)&s->peer, sizeof(s->peer));
	} else {
		assert_int_equal(write(s->fd, len, 2), 2);
		assert_int_equal(write(s->fd, s->msg.p, s->msg.n), s->msg.n);
	}
	event_free(s->ev);
	buf_fini(&s->msg);
	free(s);
}

/* A question: its name, its type, where it ends. */
static size_t
read_question(const unsigned char *q, size_t n, char name[256], int *type)
{
	size_t at = 12, out = 0;

	while (at < n && q[at] != 0) {
		memcpy(name + out, q + at + 1, q[at]);
		out += q[at];
		name[out++] = '.';
		at += q[at] + 1u;
	}
	name[out > 0 ? out - 1 : 0] = '\0';
	*type = q[at + 2];
	return at + 5;
}

static void
serve(struct server *sv, const unsigned char *q, size_t n,
    const struct sockaddr_in *peer, int fd)
{
	struct timeval tv = { 0, 0 };
	const struct rule *ru;
	struct sending *s;
	char name[256];
	int type;
	size_t qn = read_question(q, n, name, &type);

	sv->queries++;
	sv->a_queries += type == A;
	sv->tcp_queries += fd != -1;
	ru = find_rule(sv->rules, name, type);
	if (ru->flags & DROP)
		return;
	s = mem_zalloc(1, sizeof(*s));
	s->sv = sv;
	s->fd = fd;
	if (peer != NULL)
		s->peer = *peer;
	put_message(sv, &s->msg, ru, q, qn, name, type, fd != -1);
	s->ev = evtimer_new(sv->base, on_send, s);
	tv.tv_sec = ru->delay_ms / 1000;
	tv.tv_usec = ru->delay_ms % 1000 * 1000;
	evtimer_add(s->ev, &tv);
}

static void
on_query(evutil_socket_t fd, short what, void *arg)
{
	unsigned char q[512];
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	ssize_t n;

	(void)what;
	while ((n = recvfrom(fd, q, sizeof(q), MSG_DONTWAIT,
		    (struct sockaddr *)&peer, &len)) > 0)
		serve(arg, q, (size_t)n, &peer, -1);
}

static void
close_conn(struct server_conn *c)
{
	list_remove(&c->sv->conns, &c->on_server);
	event_free(c->ev);
	close(c->fd);
	free(c);
}

/* Questions come whole here. */
static void
on_conn(evutil_socket_t fd, short what, void *arg)
{
	struct server_conn *c = arg;
	unsigned char q[2048];
	ssize_t at = 0, len, n = read(fd, q, sizeof(q));

	(void)what;
	if (n <= 0) {
		close_conn(c);
		return;
	}
	for (; at + 2 <= n; at += 2 + len) {
		len = q[at] << 8 | q[at + 1];
		assert_true(at + 2 + len <= n);
		serve(c->sv, q + at + 2, (size_t)len, NULL, fd);
	}
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct server_conn *c = mem_zalloc(1, sizeof(*c));

	(void)what;
	c->sv = arg;
	c->fd = accept(fd, NULL, NULL);
	assert_int_not_equal(c->fd, -1);
	list_push(&c->sv->conns, &c->on_server);
	c->ev = event_new(c->sv->base, c->fd, EV_READ | EV_PERSIST, on_conn, c);
	event_add(c->ev, NULL);
}

static int
listen_at(int type, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type, 0), size = 1 << 20;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(*port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (type == SOCK_STREAM && listen(fd, 16) == -1)) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
server_open(
    struct server *sv, struct event_base *base, const struct rule *rules)
{
	memset(sv, 0, sizeof(*sv));
	sv->base = base;
	sv->rules = rules;
	list_init(&sv->conns);
	do {
		sv->port = 0;
		sv->fd = listen_at(SOCK_DGRAM, &sv->port);
		sv->tcp_fd = listen_at(SOCK_STREAM, &sv->port);
	} while (sv->tcp_fd == -1 && close(sv->fd) == 0);
	sv->ev = event_new(base, sv->fd, EV_READ | EV_PERSIST, on_query, sv);
	sv->tcp_ev =
	    event_new(base, sv->tcp_fd, EV_READ | EV_PERSIST, on_accept, sv);
	event_add(sv->ev, NULL);
	event_add(sv->tcp_ev, NULL);
}

static void
server_close_tcp(struct server *sv)
{
	if (sv->tcp_ev != NULL) {
		event_free(sv->tcp_ev);
		close(sv->tcp_fd);
	}
	sv->tcp_ev = NULL;
}

/* Closes the socket, so that queries get an ICMP error. */
static void
server_close(struct server *sv)
{
	struct link *k;

	server_close_tcp(sv);
	while ((k = list_first(&sv->conns)) != NULL)
		close_conn(CONTAINER(k, struct server_conn, on_server));
	if (sv->ev != NULL) {
		event_free(sv->ev);
		close(sv->fd);
	}
	sv->ev = NULL;
}

#endif
