/* SPDX-License-Identifier: ISC */
/*
 * What conn.c, dial.c and tls.c share: the connection itself.
 */
#ifndef IO_CONN_CONN_INT_H
#define IO_CONN_CONN_INT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <net/if.h>

#include "base/list.h"
#include "base/trace.h"
#include "io/conn/conn.h"

struct bufferevent;
struct dial;
struct ssl_st; /* SSL */
struct tls_handshake;

enum conn_stage {
	STAGE_DIAL,
	STAGE_UP, /* TCP is up; TLS has not begun */
	STAGE_HANDSHAKE,
	STAGE_OPEN,   /* bytes flow */
	STAGE_CLOSED, /* to be freed by conns_reap */
};

struct conns {
	struct event_base *base;
	struct tls *tls;
	struct list open, closed;
	size_t sockets, max_sockets;
	uint64_t opened, dials;
	struct trace *trace;       /* or NULL */
	size_t unread;             /* bytes, of all TLS connections */
	union resolve_addr source; /* AF_UNSPEC: any; its port is 0 */
	char device[IF_NAMESIZE];  /* "": any */
};

struct conn {
	struct conns *set;
	struct link link;
	conn_cb *cb;
	void *arg;
	enum conn_stage stage;
	int fd;
	struct dial *dial;
	struct tls_handshake *handshake;
	struct bufferevent *bev;        /* under TLS */
	size_t unread;                  /* part of set->unread */
	struct event ev_read, ev_write; /* without TLS */
	struct span out[2];             /* not written yet */
	uint64_t sent;
	int send_errno;
	enum conn_end end;
	enum err err;
	const char *detail;
	char *note;
	uint64_t id, dial_number;
	union resolve_addr peer;
	int64_t up_at_us, secure_at_us, moved_at_us;
	int64_t handshake_queue_us; /* set when the handshake is over */
	const char *tls_version;
	int tls_verified;
	unsigned is_paused : 1, is_draining : 1, is_tls_broken : 1;
};

/* ---- conn.c ---- */
/* Puts an event of c into the trace; addr, or NULL, is its text. */
void conn_trace(const struct conn *c, enum trace_kind kind, const char *why,
    const union resolve_addr *addr);

/* ---- dial.c ---- */
/* CONN_PENDING, or CONN_BUSY with nothing begun. */
enum conn_start dial_start(
    struct conn *c, const union resolve_addr *addr, unsigned n, uint16_t port);
void dial_stop(struct conn *c); /* closes all attempts */
/* Has an attempt been answered? */
int dial_is_ready(const struct conn *c);

/* ---- tls.c: the bytes of a connection under TLS ---- */
void conn_tls_open(struct conn *c, struct ssl_st *ssl);
/* Gives TLS as much of c->out as it takes now. */
void conn_tls_write(struct conn *c);
/* Updates moved_at_us when bytes leave for the socket. */
void conn_tls_watch(struct conn *c);
size_t conn_tls_read(struct conn *c, char *to, size_t cap);
size_t conn_tls_unread(const struct conn *c);
/* See conn_check_idle. */
int conn_tls_check_idle(struct conn *c);
void conn_tls_set_reading(struct conn *c, int on);
/* No events any more. */
void conn_tls_stop(struct conn *c);
/* Sends close_notify and frees the session; the descriptor stays open. */
void conn_tls_close(struct conn *c);

/* ---- conn.c, called by the others ---- */
void conn_report(struct conn *c, enum conn_event ev);
/* n bytes of c->out are written. */
void conn_advance(struct conn *c, size_t n);
/* errnum: ECONNRESET if it was reset meanwhile, otherwise 0. */
void conn_report_up(
    struct conn *c, int fd, const union resolve_addr *peer, int errnum);
void conn_report_failure(struct conn *c, enum err err, const char *detail);

#endif
