/* SPDX-License-Identifier: ISC */
/*
 * Connections: dialled over a list of addresses (happy eyeballs, RFC 8305),
 * secured by TLS, read, written, closed. Knows nothing of HTTP.
 *
 * Leaf contract: a start call returns CONN_DONE, CONN_PENDING or what went
 * wrong; the callback comes only after CONN_PENDING or for arriving bytes,
 * only from the loop, never after conn_close has returned.
 */
#ifndef IO_CONN_CONN_H
#define IO_CONN_CONN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/span.h"
#include "io/dns/resolve.h"

struct event_base;
struct tls;
struct conns; /* all connections of a run */
struct conn;  /* one of them */

enum conn_event {
	CONN_UP,       /* TCP is up: conn_secure or conn_send may follow */
	CONN_SECURE,   /* TLS is up and verified */
	CONN_READABLE, /* bytes or an end: conn_read until it says 0 */
	CONN_DRAINED,  /* all that conn_send was given has left */
	CONN_FAILED,   /* dial or handshake failed: conn_error */
};

typedef void conn_cb(void *arg, enum conn_event ev);

enum conn_start {
	CONN_DONE,
	CONN_PENDING,
	CONN_BUSY, /* no descriptor or port is to be had just now */
};

/* `max_sockets`: one more is as if there were no descriptor for it. */
struct conns *
conns_new(struct event_base *base, struct tls *tls, size_t max_sockets);
/* Closes what is still open. */
void conns_free(struct conns *s);
/*
 * From now on dials leave by `from`: a numeric address of this machine, or the
 * name of one of its devices. What an address of the other family, or one
 * that is not ours, cannot reach fails as connect_unreachable (EADDRNOTAVAIL).
 * 0, or -1 if it is neither.
 */
int conns_interface(struct conns *s, const char *from);
/* Frees what was closed; called by engine_turn, never from a callback. */
void conns_reap(struct conns *s);
/* Sockets open now, those being dialled included. */
size_t conns_open(const struct conns *s);
/* Bytes that were read from TLS, and that nobody has taken yet. */
size_t conns_unread_bytes(const struct conns *s);
/* Connections established so far; the id of the newest one. */
uint64_t conns_opened(const struct conns *s);

/*
 * Dials the addresses in their order, copied, each `port`. CONN_PENDING:
 * *out is set, CONN_UP or CONN_FAILED follows. CONN_BUSY: *out is NULL.
 */
enum conn_start conn_dial(struct conns *s, const union resolve_addr *addr,
    unsigned n, uint16_t port, conn_cb *cb, void *arg, struct conn **out);
/* After CONN_UP: TLS with `host`. CONN_SECURE or CONN_FAILED follows. */
void conn_secure(struct conn *c, struct span host);
/*
 * Microseconds the handshake has waited in our own queue; they do not count
 * against its deadline.
 */
int64_t conn_held_us(const struct conn *c);
/* Does its handshake wait there just now? */
int conn_is_held(const struct conn *c);

/*
 * Sends up to two spans. CONN_DONE: all handed to the system (or to TLS).
 * CONN_PENDING: the spans must stay until CONN_DRAINED, conn_send_stop or
 * conn_close. A write that fails is no event: the reading side tells.
 */
enum conn_start conn_send(struct conn *c, struct span head, struct span body);
/* Forgets what has not left yet; the connection cannot send any more. */
void conn_send_stop(struct conn *c);
/* Is part of what conn_send was given still to leave? */
int conn_is_sending(const struct conn *c);
/* Bytes of the present conn_send handed to the connection. */
uint64_t conn_sent(const struct conn *c);
/* The errno a write failed with, or 0. */
int conn_send_errno(const struct conn *c);

enum conn_end {
	CONN_END_NONE,    /* nothing there just now */
	CONN_END_CLEAN,   /* FIN, under TLS after close_notify */
	CONN_END_UNCLEAN, /* under TLS: FIN without close_notify */
	CONN_END_ERROR,   /* conn_error() says what */
};

/*
 * Reads up to `cap` bytes. 0: none, and *end says why; an end stays an end.
 */
size_t conn_read(struct conn *c, char *to, size_t cap, enum conn_end *end);
/*
 * Nonzero: the last conn_read may have left bytes that no event will tell of;
 * call it again. Otherwise CONN_READABLE comes when there is more.
 */
int conn_more(const struct conn *c);
/* Stops and resumes CONN_READABLE. After conn_resume no event tells of what
 * was announced before: see conn_more. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/*
 * Is there something that we have not been told of: bytes or an end, room for
 * what conn_send was given, an address that was reached or that refused? One
 * pass of the loop tells of the first ready descriptors only.
 */
int conn_is_ready(const struct conn *c);

/*
 * Looks at a connection on which nothing may come, as no request is out:
 * nonzero if bytes or an end have. Under TLS that takes in records that carry
 * none (session tickets).
 */
int conn_look(struct conn *c);

/* Another owner for the events of a connection that is up. */
void conn_own(struct conn *c, conn_cb *cb, void *arg);
/*
 * Closes: close_notify unless TLS failed; no event follows. It is freed by
 * conns_reap. Takes *c and nulls it.
 */
void conn_close(struct conn **c);

/* What is known of it; stays so until conn_close. */
uint64_t conn_id(const struct conn *c); /* from 1; 0 while dialling */
/* The address it is connected to, or tried last. */
const union resolve_addr *conn_peer(const struct conn *c);
int64_t conn_up_us(const struct conn *c);           /* when TCP was up, or 0 */
int64_t conn_secure_us(const struct conn *c);       /* when TLS was up, or 0 */
int64_t conn_moved_us(const struct conn *c);        /* last byte in or out */
const char *conn_tls_version(const struct conn *c); /* static, or NULL */
int conn_tls_verified(const struct conn *c);        /* -1 without TLS */
enum err conn_error(const struct conn *c);
const char *conn_error_detail(const struct conn *c); /* static, or NULL */
const char *conn_error_note(const struct conn *c);   /* for people, or NULL */

#endif
