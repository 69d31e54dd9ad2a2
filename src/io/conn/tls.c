/* SPDX-License-Identifier: ISC */
/*
 * A connection's bytes under TLS: a bufferevent over a session whose handshake
 * is complete; tells the kinds of ends and errors apart. Knows nothing of
 * dialling.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <limits.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "io/conn/conn_int.h"
#include "io/timer.h"
#include "io/tls/tls_int.h"

#define INPUT_MAX 65536  /* decrypted bytes at which reading stops */
#define OUTPUT_MAX 65536 /* bytes given to TLS at a time */
#define DIRECT_MAX 2048  /* of a request that bypasses the bufferevent */

static void on_tls_readable(struct bufferevent *bev, void *arg);
static void on_tls_drained(struct bufferevent *bev, void *arg);
static void on_tls_event(struct bufferevent *bev, short what, void *arg);

static void
trace_tls(const struct conn *c, const SSL *ssl)
{
	const struct trace_event e = {
		.at_us = c->secure_at_us,
		.kind = TRACE_CONN_TLS,
		.id = c->id,
		.count = (unsigned)c->tls_verified,
		.value = c->handshake_queue_us,
		.why = c->tls_version,
	};

	trace_put(c->set->trace, &e, span_str(SSL_get_cipher_name(ssl)));
}

void
conn_tls_open(struct conn *c, struct ssl_st *ssl)
{
	c->stage = STAGE_OPEN;
	c->secure_at_us = timer_now_us();
	c->tls_version = SSL_get_version(ssl);
	c->tls_verified = tls_is_verifying(c->set->tls) &&
			  SSL_get_verify_result(ssl) == X509_V_OK;
	trace_tls(c, ssl);
	c->bev = bufferevent_openssl_socket_new(c->set->base, c->fd, ssl,
	    BUFFEREVENT_SSL_OPEN, BEV_OPT_DEFER_CALLBACKS);
	CHECK(c->bev != NULL);
	bufferevent_setcb(
	    c->bev, on_tls_readable, on_tls_drained, on_tls_event, c);
	CHECK(bufferevent_enable(c->bev, EV_READ | EV_WRITE) == 0);
}

/*
 * Writes a small request to OpenSSL directly, which saves two epoll_ctl calls
 * of the bufferevent. What OpenSSL does not take now goes into the empty
 * bufferevent, because a repeated SSL_write must begin with the same bytes.
 */
static void
write_at_once(struct conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	char joined[DIRECT_MAX];
	size_t n = c->out[0].n + c->out[1].n;
	int r;

	if (n > sizeof(joined))
		return;
	if (c->out[0].n > 0)
		memcpy(joined, c->out[0].p, c->out[0].n);
	if (c->out[1].n > 0)
		memcpy(joined + c->out[0].n, c->out[1].p, c->out[1].n);
	ERR_clear_error();
	errno = 0;
	r = SSL_write(ssl, joined, (int)n);
	if (r > 0) {
		conn_advance(c, (size_t)r);
		c->moved_at_us = timer_now_us();
	} else if (SSL_get_error(ssl, r) == SSL_ERROR_SYSCALL) {
		c->send_errno = errno != 0 ? errno : EPIPE;
		conn_send_stop(c);
	}
	ERR_clear_error();
}

void
conn_tls_write(struct conn *c)
{
	struct evbuffer *to = bufferevent_get_output(c->bev);
	size_t n, room, i;

	if (evbuffer_get_length(to) == 0) {
		write_at_once(c);
		/* Contiguous, as the repeated SSL_write needs it. */
		n = c->out[0].n + c->out[1].n;
		if (n > 0 && n <= DIRECT_MAX)
			CHECK(evbuffer_expand(to, n) == 0);
	}
	for (i = 0; i < 2; i++) {
		room = OUTPUT_MAX - evbuffer_get_length(to);
		n = c->out[i].n < room ? c->out[i].n : room;
		if (n == 0)
			continue;
		CHECK(evbuffer_add(to, c->out[i].p, n) == 0);
		conn_advance(c, n);
	}
}

static void
on_tls_moved(
    struct evbuffer *buf, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;

	(void)buf;
	if (info->n_deleted > 0)
		c->moved_at_us = timer_now_us();
}

static void
on_tls_drained(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	if (!c->is_draining)
		return;
	if (c->out[0].n + c->out[1].n > 0) {
		conn_tls_write(c);
		/* A small rest may have gone out at once: no event follows. */
		if (c->send_errno != 0 || c->out[0].n + c->out[1].n > 0 ||
		    evbuffer_get_length(bufferevent_get_output(bev)) > 0)
			return;
	}
	c->is_draining = 0;
	evbuffer_remove_cb(bufferevent_get_output(c->bev), on_tls_moved, c);
	conn_report(c, CONN_DRAINED);
}

static void
count_unread(struct conn *c, size_t n)
{
	c->set->unread += n - c->unread;
	c->unread = n;
}

static void
on_tls_readable(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	count_unread(c, conn_tls_unread(c));
	c->moved_at_us = timer_now_us();
	if (evbuffer_get_length(bufferevent_get_input(bev)) >= INPUT_MAX)
		bufferevent_disable(bev, EV_READ);
	conn_report(c, CONN_READABLE);
}

/* Empties both error queues; returns the first error of lib SSL. */
static unsigned long
first_fault(struct bufferevent *bev)
{
	unsigned long e, first = 0;

	while ((e = bufferevent_get_openssl_error(bev)) != 0)
		if (first == 0 && ERR_GET_LIB(e) == ERR_LIB_SSL)
			first = e;
	while ((e = ERR_get_error()) != 0)
		if (first == 0 && ERR_GET_LIB(e) == ERR_LIB_SSL)
			first = e;
	return first;
}

static void
end_reading(struct conn *c, enum err err, const char *detail)
{
	c->detail = detail;
	c->is_tls_broken = 1;
	if (err == E_TLS_EOF) {
		c->end = CONN_END_UNCLEAN;
		return;
	}
	c->end = CONN_END_ERROR;
	c->err = err == E_TLS_RESET ? E_RECV_RESET : err;
}

/*
 * A write has failed, but the peer may have answered before it closed. The
 * bufferevent has stopped reading, so the rest is read here.
 */
static void
read_after_failed_write(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	char chunk[16384];
	struct tls_fault f;
	int n = 0, i, errnum;

	evbuffer_unfreeze(in, 0);
	for (i = 0; i < 512; i++) {
		ERR_clear_error();
		errno = 0;
		n = SSL_read(ssl, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		evbuffer_add(in, chunk, (size_t)n);
	}
	count_unread(c, conn_tls_unread(c));
	errnum = errno;
	f = tls_fault_open(n > 0 ? SSL_ERROR_SYSCALL : SSL_get_error(ssl, n),
	    ERR_get_error(), errnum == EAGAIN ? ECONNRESET : errnum);
	if (f.err == E_OK)
		c->end = CONN_END_CLEAN;
	else
		end_reading(c, f.err, f.detail);
}

static void
on_tls_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;
	int errnum = EVUTIL_SOCKET_ERROR();
	unsigned long e = first_fault(bev);
	struct tls_fault f;

	if (what & BEV_EVENT_EOF) {
		c->end = CONN_END_CLEAN;
	} else if (what & BEV_EVENT_WRITING && e == 0) {
		c->send_errno = errnum != 0 ? errnum : EPIPE;
		conn_send_stop(c);
		read_after_failed_write(c);
	} else if (what & BEV_EVENT_ERROR) {
		f = tls_fault_open(SSL_ERROR_SYSCALL, e, errnum);
		end_reading(c, f.err, f.detail);
	} else
		return;
	conn_report(c, CONN_READABLE);
}

size_t
conn_tls_read(struct conn *c, char *to, size_t cap)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	size_t had = evbuffer_get_length(in);
	int n = had > 0 ? evbuffer_remove(in, to, cap) : 0;

	CHECK(n >= 0);
	/* Bytes that OpenSSL has decrypted already cause no event. */
	if (had == 0 && c->end == CONN_END_NONE && SSL_pending(ssl) > 0)
		n = SSL_read(ssl, to, cap > INT_MAX ? INT_MAX : (int)cap);
	if (n < 0)
		n = 0;
	count_unread(c, had - (size_t)n);
	if (had >= INPUT_MAX && had - (size_t)n < INPUT_MAX && !c->is_paused &&
	    c->end == CONN_END_NONE)
		CHECK(bufferevent_enable(c->bev, EV_READ) == 0);
	return (size_t)n;
}

/* The only safe order: close_notify, bufferevent, SSL, descriptor. */
void
conn_tls_close(struct conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	char rest[4096];
	int i;

	ERR_clear_error();
	count_unread(c, 0);
	if (!c->is_tls_broken)
		(void)SSL_shutdown(ssl);
	ERR_clear_error();
	bufferevent_free(c->bev);
	SSL_free(ssl);
	/* With unread bytes close() would send RST instead of FIN, and the peer
	 * might not get our close_notify. */
	for (i = 0; i < 16; i++)
		if (recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			break;
}

void
conn_tls_watch(struct conn *c)
{
	evbuffer_add_cb(bufferevent_get_output(c->bev), on_tls_moved, c);
}

size_t
conn_tls_unread(const struct conn *c)
{
	size_t n = evbuffer_get_length(bufferevent_get_input(c->bev));

	return n > 0 || c->is_tls_broken
		   ? n
		   : (size_t)SSL_pending(bufferevent_openssl_get_ssl(c->bev));
}

/*
 * Asks OpenSSL, not the socket: OpenSSL may have read a record already, and a
 * readable socket may hold only a session ticket.
 */
int
conn_tls_check_idle(struct conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	char byte;
	int r;

	ERR_clear_error();
	r = SSL_peek(ssl, &byte, 1);
	if (r <= 0)
		r = SSL_get_error(ssl, r) != SSL_ERROR_WANT_READ;
	ERR_clear_error();
	return r;
}

void
conn_tls_set_reading(struct conn *c, int on)
{
	if (on)
		CHECK(bufferevent_enable(c->bev, EV_READ) == 0);
	else
		bufferevent_disable(c->bev, EV_READ);
}

void
conn_tls_stop(struct conn *c)
{
	bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
}
