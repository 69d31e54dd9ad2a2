/* SPDX-License-Identifier: ISC */
/* A connection as both its ends see it: fake_conn.c, which is io/conn/conn.h,
 * and fake_peer.c, the origin. */
#ifndef SIM_FAKE_CONN_H
#define SIM_FAKE_CONN_H

#include "base/buf.h"
#include "io/conn/conn.h"
#include "io/dns/resolve.h"
#include "world.h"

#define SOCKET_BYTES 131072 /* arrived and not read: the peer waits */
#define PIECE_BYTES 65536

enum stage { DIAL, UP, HANDSHAKE, OPEN, CLOSED };

enum fate {
	ANSWERS,
	RESETS_BEFORE,
	CLOSES_BEFORE,
	STALLS_BEFORE,
	RESETS_HEAD,
	RESETS_AFTER,
	TRUNCATES,
	STALLS_AFTER,
};

/* Where the peer is with the present request. */
enum peer { IDLE, HEAD, BODY, OVER };

struct conns {
	struct event_base *world;
	struct list live, dead;
	size_t sockets, max_sockets;
	uint64_t opened;
};

struct conn {
	struct conns *set;
	struct link link;
	const struct origin *origin;
	conn_cb *cb;
	void *arg;
	enum stage stage;
	int is_tls, is_paused;
	struct ev step, ready, drain, peer, reset;

	/* Out. */
	struct span out[2];
	uint64_t sent;
	int send_errno;
	uint64_t seq;         /* the item whose request it is */
	size_t seen;          /* place of that in the world's log */
	uint64_t upload_left; /* of the request, before it is complete */
	int is_told_handed;

	/* In. */
	struct buf in;
	size_t told;           /* of it, that the client knows of (TLS) */
	enum conn_end arrived; /* behind these bytes */
	enum conn_end end;     /* that the client knows of */

	/* The peer. */
	enum peer at;
	enum fate fate;
	size_t body_left, cut_at;
	unsigned requests;
	int is_head_only, is_blocked;
	unsigned kind, host; /* its origin */
	const char *no_way;  /* the errno its dial will fail with, or NULL */

	enum err err;
	const char *detail;
	uint64_t id;
	union resolve_addr address;
	int64_t dialled_us, up_at_us, secure_at_us, moved_us, shake_us;
};

/* ---- fake_conn.c, for the peer ---- */
void fake_arrive(struct conn *c, const char *p, size_t n);
void fake_arrive_end(struct conn *c, enum conn_end end);

/* ---- fake_peer.c ---- */
void fake_peer_init(struct conn *c);
/* It is up: from now on it may be reset. */
void fake_peer_up(struct conn *c);
/* A request's header section comes. */
void fake_peer_hear(struct conn *c, struct span head);
/* The peer has the request, or as much of it as it waits for. */
void fake_peer_begin(struct conn *c);
void fake_peer_later(struct conn *c, int64_t us);

#endif
