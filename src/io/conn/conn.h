/* SPDX-License-Identifier: ISC */
/*
 * Connections: dials a list of addresses (happy eyeballs, RFC 8305), adds TLS,
 * reads, writes, closes. Knows nothing of HTTP.
 *
 * Leaf contract: a start call returns CONN_DONE, CONN_PENDING or CONN_BUSY; the
 * callback comes only after CONN_PENDING or for arriving bytes, only from the
 * loop, never after conn_close has returned.
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
struct trace;

enum conn_event {
	CONN_UP,       /* TCP is up: conn_secure or conn_send may follow */
	CONN_SECURE,   /* TLS is up and verified */
	CONN_READABLE, /* bytes or an end: conn_read until it returns 0 */
	CONN_DRAINED,  /* all bytes of conn_send are written */
	CONN_FAILED,   /* dial or handshake failed: conn_error */
};

typedef void conn_cb(void *arg, enum conn_event ev);

enum conn_start {
	CONN_DONE,
	CONN_PENDING,
	CONN_BUSY, /* out of descriptors or ports: try again later */
};

/* More than max_sockets are refused as if there were no descriptor. */
struct conns *
conns_new(struct event_base *base, struct tls *tls, size_t max_sockets);
/* Closes the connections that are open. */
void conns_free(struct conns *s);
/*
 * --interface: binds later dials to `from`, a numeric address of this machine
 * or the name of a device. Dials to the other family, or from an address that
 * is not ours, fail as connect_unreachable (EADDRNOTAVAIL). 0, or -1 if it is
 * neither an address nor a device.
 */
int conns_interface(struct conns *s, const char *from);
/* Frees what was closed. Called by engine_turn, never from a callback. */
void conns_reap(struct conns *s);
/* From now on what happens to connections is traced. */
void conns_trace(struct conns *s, struct trace *t);
/* Dials begun so far; the number of the newest one, for the trace. */
uint64_t conns_dials(const struct conns *s);
/* Sockets open now, including those that are being dialled. */
size_t conns_open(const struct conns *s);
/* Bytes that TLS has decrypted and conn_read has not taken yet. */
size_t conns_unread_bytes(const struct conns *s);
/* Connections established so far; the id of the newest one. */
uint64_t conns_opened(const struct conns *s);

/*
 * Dials the addresses (copied) in their order, all on `port`. CONN_PENDING:
 * *out is set, and CONN_UP or CONN_FAILED follows. CONN_BUSY: *out is NULL.
 */
enum conn_start conn_dial(struct conns *s, const union resolve_addr *addr,
    unsigned n, uint16_t port, conn_cb *cb, void *arg, struct conn **out);
/* After CONN_UP: TLS with `host`. CONN_SECURE or CONN_FAILED follows. */
void conn_secure(struct conn *c, struct span host);
/* How long the handshake has waited in our own queue (io/tls), which does not
 * count against its deadline. */
int64_t conn_handshake_queue_us(const struct conn *c);
/* Does it wait there now? */
int conn_is_in_handshake_queue(const struct conn *c);

/*
 * Sends up to two spans. CONN_DONE: all bytes are with the kernel (or TLS).
 * CONN_PENDING: the spans must stay until CONN_DRAINED, conn_send_stop or
 * conn_close. Write errors are not reported as events; conn_read returns them.
 */
enum conn_start conn_send(struct conn *c, struct span head, struct span body);
/* After CONN_DONE or CONN_DRAINED: sends more of the same, likewise. */
enum conn_start conn_send_more(struct conn *c, struct span piece);
/* Drops the bytes that are not written yet; nothing can be sent after it. */
void conn_send_stop(struct conn *c);
/* Are bytes of conn_send not written yet? */
int conn_is_sending(const struct conn *c);
/* Bytes of the latest conn_send, and of conn_send_more after it, that are with
 * the kernel (or TLS). */
uint64_t conn_sent(const struct conn *c);
/* The errno a write failed with, or 0. */
int conn_send_errno(const struct conn *c);

enum conn_end {
	CONN_END_NONE,    /* no end: nothing to read at present */
	CONN_END_CLEAN,   /* FIN, under TLS after close_notify */
	CONN_END_UNCLEAN, /* under TLS: FIN without close_notify */
	CONN_END_ERROR,   /* conn_error() says what */
};

/*
 * Reads up to `cap` bytes. 0: none, and *end says why. An end is returned again
 * by each later call.
 */
size_t conn_read(struct conn *c, char *to, size_t cap, enum conn_end *end);
/*
 * Nonzero: bytes or an end may be left for which no CONN_READABLE will come, so
 * conn_read must be called again.
 */
int conn_has_more(const struct conn *c);
/* Stop and resume CONN_READABLE. Events from before the pause are not repeated:
 * see conn_has_more. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/*
 * Would an event come if the loop ran: bytes or an end, room to write, a dial
 * that was answered? One pass of the loop reports only some of the descriptors
 * that are ready.
 */
int conn_is_ready(const struct conn *c);

/*
 * For a connection with no request on it: nonzero if bytes or an end have come,
 * which belong to no request. Under TLS it processes records without bytes
 * (session tickets).
 */
int conn_check_idle(struct conn *c);

/* Sets who gets the events of a connection that is up. */
void conn_set_owner(struct conn *c, conn_cb *cb, void *arg);
/*
 * Closes (under TLS with close_notify, unless TLS failed); no event follows.
 * conns_reap frees it. Sets *c to NULL.
 `why` is for the trace:
 * a word, static.
 */
void conn_close(struct conn **c, const char *why);

/* ---- properties, until conn_close ---- */
uint64_t conn_id(const struct conn *c); /* from 1; 0 while dialling */
/* The address it is connected to, or tried last. */
const union resolve_addr *conn_peer(const struct conn *c);
int64_t conn_up_at_us(const struct conn *c);        /* TCP was up, or 0 */
int64_t conn_secure_at_us(const struct conn *c);    /* TLS was up, or 0 */
int64_t conn_moved_at_us(const struct conn *c);     /* last byte in or out */
const char *conn_tls_version(const struct conn *c); /* static, or NULL */
int conn_tls_verified(const struct conn *c);        /* -1 without TLS */
enum err conn_error(const struct conn *c);
const char *conn_error_detail(const struct conn *c); /* static, or NULL */
const char *conn_error_note(const struct conn *c);   /* for people, or NULL */

#endif
