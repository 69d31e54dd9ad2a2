/* SPDX-License-Identifier: ISC */
/*
 * c-ares: a channel sends each query to one server, once. The socket calls are
 * ours, so that a shortage of descriptors or buffers on this machine can be
 * distinguished from a server that cannot be reached. Knows nothing of other
 * servers, the cache and look-ups.
 */
#define CARES_NO_DEPRECATED
#include "io/dns/resolve_int.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"

#define EDNS_SIZE 1232    /* unfragmented on every path */
#define SOCKBUF (1 << 20) /* for a burst of replies; the kernel limits it */
#define SOCKS_READ 16     /* of a channel; c-ares has one or two */
#define EMPTY_MAX 64      /* empty datagrams that one read skips */

enum { TYPE_A = 1, TYPE_AAAA = 28, CLASS_IN = 1 };

struct resolve_chan {
	struct resolve *r;
	union resolve_addr server;
	int tcp;
	ares_channel ares;
	struct list socks;
	struct timer *timer; /* set while c-ares has open queries */
	int sys_errno;       /* of the last call on a socket that failed */
};

/* A socket whose events c-ares wants. */
struct sock {
	struct link on_chan;
	struct resolve_chan *chan;
	evutil_socket_t fd;
	struct event *ev;
};

/* ---- called by c-ares --------------------------------------------------- */

static ares_socket_t
on_socket(int domain, int type, int protocol, void *arg)
{
	struct resolve_chan *c = arg;
	int fd, one = 1, size = SOCKBUF;

	fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd == -1) {
		c->sys_errno = errno;
		return ARES_SOCKET_BAD;
	}
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static int
on_close(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

/* Connects to our copy of the address, as that of c-ares has no zone. */
static int
on_connect(
    ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t len, void *arg)
{
	struct resolve_chan *c = arg;

	(void)sa;
	(void)len;
	if (connect(fd, &c->server.sa,
		c->server.sa.sa_family == AF_INET6 ? sizeof(c->server.in6)
						   : sizeof(c->server.in)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		c->sys_errno = errno;
	return -1;
}

static ares_ssize_t
on_recv(ares_socket_t fd, void *p, size_t n, int flags, struct sockaddr *from,
    ares_socklen_t *from_len, void *arg)
{
	struct resolve_chan *c = arg;
	ares_ssize_t got;
	int i = 0;

	/* c-ares would take an empty datagram for the end of the socket. */
	do
		got = recvfrom(fd, p, n, flags, from, from_len);
	while (got == 0 && !c->tcp && ++i < EMPTY_MAX);
	if (got == 0 && !c->tcp) {
		errno = EAGAIN;
		return -1;
	}
	if (got == -1 && errno != EAGAIN)
		c->sys_errno = errno;
	return got;
}

static ares_ssize_t
on_send(ares_socket_t fd, const struct iovec *iov, int n, void *arg)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)n };
	struct resolve_chan *c = arg;
	ares_ssize_t put = sendmsg(fd, &msg, MSG_NOSIGNAL);

	/* Over UDP this is the ICMP error of an earlier datagram, which this
	 * call has taken off the socket. c-ares would fail the wrong query. */
	if (put == -1 && errno == ECONNREFUSED && !c->tcp)
		put = sendmsg(fd, &msg, MSG_NOSIGNAL);
	if (put == -1 && !(c->tcp && errno == EAGAIN))
		c->sys_errno = errno;
	return put;
}

static const struct ares_socket_functions socket_calls = {
	.asocket = on_socket,
	.aclose = on_close,
	.aconnect = on_connect,
	.arecvfrom = on_recv,
	.asendv = on_send,
};

/* ---- events ------------------------------------------------------------- */

static void
arm(struct resolve_chan *c)
{
	struct timeval tv, *next = ares_timeout(c->ares, NULL, &tv);

	if (next == NULL)
		timer_clear(c->timer);
	else /* 1 ms late, or c-ares would see nothing due */
		timer_set(c->timer, timer_now_us() + next->tv_sec * 1000000LL +
					next->tv_usec + 1000);
}

static void
process(struct resolve_chan *c, ares_socket_t readable, ares_socket_t writable)
{
	c->sys_errno = 0;
	c->r->is_in_cares = 1;
	ares_process_fd(c->ares, readable, writable);
	c->r->is_in_cares = 0;
}

static void
on_socket_event(evutil_socket_t fd, short what, void *arg)
{
	struct resolve_chan *c = ((struct sock *)arg)->chan;
	struct resolve *r = c->r;

	process(c, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	r->chan_events->over(r);
}

static void
on_timer(void *arg)
{
	struct resolve_chan *c = arg;

	process(c, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(c);
	c->r->chan_events->over(c->r);
}

/* Sockets may be opened and closed meanwhile, so the present ones are copied.
 */
void
resolve_chan_read(struct resolve_chan *c)
{
	struct pollfd p[SOCKS_READ];
	struct link *k;
	nfds_t n = 0, i;

	for (k = list_first(&c->socks); k != NULL && n < SOCKS_READ;
	     k = list_next(&c->socks, k))
		p[n++] =
		    (struct pollfd){ .fd =
					 CONTAINER(k, struct sock, on_chan)->fd,
			    .events = POLLIN };
	if (poll(p, n, 0) <= 0)
		return;
	for (i = 0; i < n; i++)
		if (p[i].revents != 0)
			process(c, p[i].fd, ARES_SOCKET_BAD);
}

static struct sock *
find_sock(struct resolve_chan *c, ares_socket_t fd)
{
	struct link *k;

	for (k = list_first(&c->socks); k != NULL; k = list_next(&c->socks, k))
		if (CONTAINER(k, struct sock, on_chan)->fd == fd)
			return CONTAINER(k, struct sock, on_chan);
	return NULL;
}

static struct sock *
add_sock(struct resolve_chan *c, ares_socket_t fd)
{
	struct sock *s = mem_zalloc(1, sizeof(*s));

	s->chan = c;
	s->fd = fd;
	list_push(&c->socks, &s->on_chan);
	return s;
}

/* Both 0: it is about to be closed. */
static void
on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolve_chan *c = arg;
	struct sock *s = find_sock(c, fd);
	short what = EV_PERSIST;

	what |= readable ? EV_READ : 0;
	what |= writable ? EV_WRITE : 0;
	if (s == NULL && what != EV_PERSIST)
		s = add_sock(c, fd);
	if (s == NULL || (s->ev != NULL && event_get_events(s->ev) == what))
		return;
	if (s->ev != NULL)
		event_free(s->ev);
	s->ev = NULL;
	if (what == EV_PERSIST) {
		list_remove(&c->socks, &s->on_chan);
		free(s);
		return;
	}
	s->ev = event_new(c->r->base, fd, what, on_socket_event, s);
	if (s->ev == NULL || event_add(s->ev, NULL) == -1)
		fatalx("event_add failed for a name server's socket");
}

/* ---- queries ------------------------------------------------------------ */

static void
fail(struct resolve_chan *c, struct resolve_reply *rp, int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
	case ARES_EDESTRUCTION:
		resolve_reply_fail(rp, E_DNS_TIMEOUT, "TIMEOUT");
		break;
	case ARES_ECONNREFUSED:
		resolve_reply_fail(rp,
		    error_is_shortage(c->sys_errno) ? E_RESOURCE_LIMIT
						    : E_DNS_NO_SERVER,
		    error_errno_name(
			c->sys_errno != 0 ? c->sys_errno : ECONNREFUSED));
		break;
	case ARES_ENOTFOUND: /* .onion (RFC 7686): no query was sent */
		resolve_reply_fail(rp, E_DNS_NXDOMAIN, "NXDOMAIN");
		break;
	case ARES_EBADNAME:
		resolve_reply_fail(rp, E_DNS_ERROR, "EBADNAME");
		break;
	default:
		resolve_reply_fail(rp, E_DNS_ERROR, "EINTERNAL");
		break;
	}
}

static struct resolve_chan *
chan_of(const struct resolve_try *t)
{
	const struct resolve_server *s = &t->r->server[t->server];

	return t->tcp ? s->tcp : s->udp;
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct resolve_try *t = arg;

	(void)timeouts;
	if (p != NULL && n > 0)
		resolve_reply_parse(&t->reply, t->family, p, (size_t)n);
	else
		fail(chan_of(t), &t->reply, status);
	t->r->chan_events->done(t);
}

void
resolve_chan_send(
    struct resolve_chan *c, const char *name, struct resolve_try *t)
{
	c->sys_errno = 0;
	ares_query(c->ares, name, CLASS_IN,
	    t->family == RESOLVE_V6 ? TYPE_AAAA : TYPE_A, on_answer, t);
	/* All tries may take equally long: the timer of an earlier one is due
	 * first. */
	if (timer_at(c->timer) == TIMER_NEVER)
		arm(c);
}

/* ---- life --------------------------------------------------------------- */

static void
set_server(struct resolve_chan *c)
{
	const union resolve_addr *sv = &c->server;
	struct ares_addr_port_node node;

	memset(&node, 0, sizeof(node));
	node.family = sv->sa.sa_family;
	if (node.family == AF_INET6) {
		memcpy(&node.addr.addr6, &sv->in6.sin6_addr, 16);
		node.udp_port = node.tcp_port = ntohs(sv->in6.sin6_port);
	} else {
		node.addr.addr4 = sv->in.sin_addr;
		node.udp_port = node.tcp_port = ntohs(sv->in.sin_port);
	}
	if (ares_set_servers_ports(c->ares, &node) != ARES_SUCCESS)
		fatalx("c-ares does not take the name server's address");
}

/* As long as a look-up may take, and not shorter than a try. */
static int
listen_ms(const struct resolve *r)
{
	int64_t ms = r->timeout_us / 1000;

	if (ms == 0 || ms > RESOLVE_LISTEN_MS)
		ms = RESOLVE_LISTEN_MS;
	return ms < RESOLVE_TRY_MS ? RESOLVE_TRY_MS : (int)ms;
}

/* Every option is set, so that c-ares reads no file. */
static void
init_channel(struct resolve_chan *c)
{
	struct in_addr none = { htonl(INADDR_LOOPBACK) };
	char lookups[] = "b";
	struct ares_options o;
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
		   ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB |
		   ARES_OPT_SORTLIST | ARES_OPT_EDNSPSZ | ARES_OPT_NOROTATE;

	memset(&o, 0, sizeof(o));
	o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP |
		  (c->tcp ? ARES_FLAG_USEVC : ARES_FLAG_IGNTC);
	o.timeout = listen_ms(c->r);
	o.tries = 1;
	o.ndots = 1;
	o.servers = &none;
	o.nservers = 1;
	o.lookups = lookups;
	o.sock_state_cb = on_sock_state;
	o.sock_state_cb_data = c;
	o.ednspsz = EDNS_SIZE;
#ifdef ARES_OPT_QUERY_CACHE
	mask |= ARES_OPT_QUERY_CACHE; /* of 0 s: the cache is ours */
#endif
	if (ares_init_options(&c->ares, &o, mask) != ARES_SUCCESS)
		fatalx("ares_init_options failed");
	ares_set_socket_functions(c->ares, &socket_calls, c);
	set_server(c);
}

struct resolve_chan *
resolve_chan_new(struct resolve *r, const union resolve_addr *server, int tcp)
{
	struct resolve_chan *c = mem_zalloc(1, sizeof(*c));

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		fatalx("ares_library_init failed");
	c->r = r;
	c->server = *server;
	c->tcp = tcp;
	list_init(&c->socks);
	c->timer = timer_new(r->base, on_timer, c);
	init_channel(c);
	return c;
}

void
resolve_chan_free(struct resolve_chan *c)
{
	if (c == NULL)
		return;
	ares_destroy(c->ares);
	ares_library_cleanup();
	CHECK(c->socks.n == 0);
	timer_free(c->timer);
	free(c);
}

const char *
resolve_library(void)
{
	return ares_version(NULL);
}
