/* SPDX-License-Identifier: ISC */
/*
 * io/conn.h without sockets: both ends of every connection. The peer's end
 * understands as much of a request as it needs to answer in HTTP/1.1, or to
 * misbehave as its origin says. Plain connections tell of bytes for as long
 * as they are there, those under TLS once, as the real ones do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "fake.h"
#include "io/conn.h"

#define SOCKET_BYTES 131072 /* arrived and not read: the peer waits */
#define PIECE_BYTES 65536

enum stage { DIAL, UP, HANDSHAKE, OPEN, CLOSED };

enum fate {
	ANSWERS,
	RESETS_BEFORE,
	CLOSES_BEFORE,
	STALLS_BEFORE,
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
	struct ev step, ready, drain, peer;

	/* Out. */
	struct span out[2];
	uint64_t sent;
	int send_errno;
	uint64_t seq; /* the item whose request it is */
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

	enum err err;
	const char *detail;
	uint64_t id;
	union resolve_addr address;
	int64_t dialled_us, up_us, secure_us, moved_us, shake_us;
};

static const unsigned char brotli[] = { 0x5b, 0x5f, 0xae, 0x8a, 0x5f, 0x42,
	0x2f, 0x1e, 0x0b, 0x04, 0x32, 0x4c, 0x15, 0x00 };

/* ---- what the client is told ---- */

static int
is_readable(const struct conn *c)
{
	if (c->stage != OPEN || c->is_paused || c->end != CONN_END_NONE)
		return 0;
	if (c->is_tls)
		return c->in.n > c->told || c->arrived != CONN_END_NONE;
	return c->in.n > 0 || c->arrived != CONN_END_NONE;
}

static void
announce(struct conn *c)
{
	struct event_base *w = c->set->world;

	if (is_readable(c) && c->ready.place == 0)
		ev_set(w, &c->ready, w->now_us);
}

static void
note_end(struct conn *c)
{
	c->end = c->arrived;
	if (c->end != CONN_END_ERROR)
		return;
	c->err = E_RECV_RESET;
	c->detail = "ECONNRESET";
}

static void
on_ready(void *arg)
{
	struct conn *c = arg;

	if (!is_readable(c))
		return;
	if (c->is_tls) {
		c->told = c->in.n;
		c->moved_us = c->set->world->now_us;
		note_end(c);
	}
	c->cb(c->arg, CONN_READABLE);
	announce(c);
}

static void
arrive_end(struct conn *c, enum conn_end end)
{
	c->arrived = end;
	c->at = OVER;
	ev_clear(c->set->world, &c->peer);
	announce(c);
}

static void
arrive(struct conn *c, const char *p, size_t n)
{
	buf_add(&c->in, p, n);
	announce(c);
}

/* ---- the peer ---- */

static void
peer_later(struct conn *c, int64_t us)
{
	struct event_base *w = c->set->world;

	ev_set(w, &c->peer, w->now_us + world_about(w, us));
}

static enum fate
choose_fate(struct conn *c)
{
	const struct origin *o = c->origin;
	struct event_base *w = c->set->world;

	if (world_chance(w, o->resets_before))
		return RESETS_BEFORE;
	if (world_chance(w, o->closes_before))
		return CLOSES_BEFORE;
	if (world_chance(w, o->stalls_before))
		return STALLS_BEFORE;
	if (c->requests > 1 &&
	    (o->is_mute_reused || world_chance(w, o->closes_reused)))
		return world_chance(w, 500) ? RESETS_BEFORE : CLOSES_BEFORE;
	if (world_chance(w, o->resets_after))
		return RESETS_AFTER;
	if (world_chance(w, o->truncates))
		return TRUNCATES;
	return world_chance(w, o->stalls_after) ? STALLS_AFTER : ANSWERS;
}

static void
send_head(struct conn *c)
{
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;
	struct buf head = { 0 };
	int last = world_chance(w, o->says_close);
	size_t cut;

	c->body_left = o->is_brotli ? sizeof(brotli) : o->body_bytes;
	c->cut_at = c->fate != ANSWERS ? c->body_left / 2 : 0;
	buf_printf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s%s\r\n",
	    c->body_left, o->is_brotli ? "Content-Encoding: br\r\n" : "",
	    last ? "Connection: close\r\n" : "");
	if (c->is_head_only)
		c->body_left = c->cut_at = 0;
	cut = w->is_chaotic ? (size_t)world_draw(w, head.n) : 0;
	if (cut > 0)
		arrive(c, head.p, cut);
	arrive(c, head.p + cut, head.n - cut);
	buf_fini(&head);
	c->at = BODY;
}

static void
send_piece(struct conn *c)
{
	static char filler[PIECE_BYTES];
	const struct origin *o = c->origin;
	size_t n = o->piece_bytes > 0 ? o->piece_bytes : PIECE_BYTES;

	if (n > PIECE_BYTES)
		n = PIECE_BYTES;
	if (n > c->body_left - c->cut_at)
		n = c->body_left - c->cut_at;
	if (filler[0] == '\0')
		memset(filler, 'z', sizeof(filler));
	if (o->is_brotli)
		arrive(
		    c, (const char *)brotli + sizeof(brotli) - c->body_left, n);
	else
		arrive(c, filler, n);
	c->body_left -= n;
}

static void
on_answered(struct conn *c)
{
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;

	c->at = IDLE;
	if (world_chance(w, o->closes_idle) || world_chance(w, o->talks_idle))
		peer_later(c, (int64_t)world_draw(w, 2 * SECOND));
}

static void
end_body(struct conn *c)
{
	switch (c->fate) {
	case RESETS_AFTER:
		arrive_end(c, CONN_END_ERROR);
		return;
	case TRUNCATES:
		arrive_end(c, c->is_tls && world_chance(c->set->world, 500)
				  ? CONN_END_UNCLEAN
				  : CONN_END_CLEAN);
		return;
	case STALLS_AFTER:
		c->at = OVER;
		return;
	case ANSWERS:
	case RESETS_BEFORE:
	case CLOSES_BEFORE:
	case STALLS_BEFORE:
		break;
	}
	on_answered(c);
}

static void
go_on(struct conn *c)
{
	c->is_blocked = c->in.n >= SOCKET_BYTES;
	if (c->is_blocked)
		return; /* conn_read lets it go on */
	if (c->body_left > c->cut_at)
		send_piece(c);
	if (c->body_left > c->cut_at)
		peer_later(c, c->origin->piece_us);
	else
		end_body(c);
}

/* A peer that closes while nothing is asked, or says what was not asked. */
static void
misbehave_idle(struct conn *c)
{
	if (world_chance(c->set->world, c->origin->talks_idle))
		arrive(c, "HTTP/1.1 408 Too Late\r\n\r\n", 25);
	arrive_end(c,
	    world_chance(c->set->world, 300) ? CONN_END_ERROR : CONN_END_CLEAN);
}

static void
on_peer(void *arg)
{
	struct conn *c = arg;

	switch (c->at) {
	case IDLE:
		misbehave_idle(c);
		return;
	case HEAD:
		if (c->fate == RESETS_BEFORE || c->fate == CLOSES_BEFORE) {
			arrive_end(c, c->fate == RESETS_BEFORE
					  ? CONN_END_ERROR
					  : CONN_END_CLEAN);
			return;
		}
		send_head(c);
		if (c->origin->piece_us > 0 && c->body_left > c->cut_at)
			peer_later(c, c->origin->piece_us);
		else
			go_on(c);
		return;
	case BODY:
		go_on(c);
		return;
	case OVER:
		return;
	}
}

/* The peer has the request, or as much of it as it waits for. */
static void
peer_begin(struct conn *c)
{
	if (c->at == OVER || c->arrived != CONN_END_NONE)
		return;
	c->at = HEAD;
	c->fate = choose_fate(c);
	if (c->fate == STALLS_BEFORE)
		c->at = OVER;
	else
		peer_later(c, c->origin->first_us);
}

static void
hear(struct conn *c, struct span head)
{
	struct event_base *w = c->set->world;
	char line[256] = "";
	unsigned long long seq;
	char method[16];

	memcpy(line, head.p, head.n < 255 ? head.n : 255);
	if (sscanf(line, "%15s /i/%llu HTTP/1.1\r\n", method, &seq) != 2)
		world_fail(w, "not a request: %s", line);
	if (seq < 1 || seq > w->given)
		world_fail(w, "a request for item %llu", seq);
	if (c->at == HEAD || c->at == BODY)
		world_fail(w, "item %llu: one answer at a time", seq);
	c->seq = seq;
	c->is_head_only = strcmp(method, "HEAD") == 0;
	c->is_told_handed = 0;
	c->requests++;
	if (c->at == IDLE)
		ev_clear(w, &c->peer);
	if (c->origin->is_early)
		peer_begin(c);
}

/* ---- a set of them ---- */

struct conns *
conns_new(struct event_base *base, struct tls *tls, size_t max_sockets)
{
	struct conns *s = mem_zalloc(1, sizeof(*s));

	(void)tls;
	s->world = base;
	s->max_sockets = max_sockets;
	list_init(&s->live);
	list_init(&s->dead);
	return s;
}

void
conns_free(struct conns *s)
{
	if (s->live.n > 0)
		world_fail(
		    s->world, "%zu connections were left open", s->live.n);
	conns_reap(s);
	free(s);
}

void
conns_reap(struct conns *s)
{
	struct link *k;
	struct conn *c;

	while ((k = list_shift(&s->dead)) != NULL) {
		c = CONTAINER(k, struct conn, link);
		s->sockets--;
		buf_fini(&c->in);
		free(c);
	}
}

size_t
conns_open(const struct conns *s)
{
	return s->sockets;
}

uint64_t
conns_opened(const struct conns *s)
{
	return s->opened;
}

/* ---- dial and handshake ---- */

static void
fail(struct conn *c, enum err e, const char *detail)
{
	c->err = e;
	c->detail = detail;
	c->cb(c->arg, CONN_FAILED);
}

static void
on_step(void *arg)
{
	struct conn *c = arg;
	struct event_base *w = c->set->world;

	if (c->stage == HANDSHAKE) {
		if (world_chance(w, c->origin->tls_fails)) {
			fail(c, E_TLS_RESET, "ECONNRESET");
			return;
		}
		c->stage = OPEN;
		c->secure_us = c->moved_us = w->now_us;
		c->cb(c->arg, CONN_SECURE);
		announce(c);
	} else if (world_chance(w, c->origin->lacks_port)) {
		fail(c, E_RESOURCE_LIMIT, "EADDRNOTAVAIL");
	} else if (world_chance(w, c->origin->refuses)) {
		fail(c, E_CONNECT_REFUSED, "ECONNREFUSED");
	} else {
		c->stage = UP;
		c->id = ++c->set->opened;
		c->up_us = c->moved_us = w->now_us;
		c->cb(c->arg, CONN_UP);
	}
}

static void on_drain(void *arg);

static struct conn *
make(struct conns *s, const union resolve_addr *addr)
{
	struct conn *c = mem_zalloc(1, sizeof(*c));
	uint32_t ip = ntohl(addr->in.sin_addr.s_addr);

	c->set = s;
	c->origin = &s->world->origins[ip >> 20 & 15];
	c->address = *addr;
	ev_init(&c->step, on_step, c);
	ev_init(&c->ready, on_ready, c);
	ev_init(&c->drain, on_drain, c);
	ev_init(&c->peer, on_peer, c);
	list_push(&s->live, &c->link);
	if (++s->sockets > s->world->most_sockets)
		s->world->most_sockets = s->sockets;
	return c;
}

enum conn_start
conn_dial(struct conns *s, const union resolve_addr *addr, unsigned n,
    uint16_t port, conn_cb *cb, void *arg, struct conn **out)
{
	struct event_base *w = s->world;
	struct conn *c;

	if (n == 0)
		world_fail(w, "dialling no address");
	*out = NULL;
	if (s->sockets >= s->max_sockets || w->now_us < w->fd_lacks_until)
		return CONN_BUSY;
	c = make(s, addr);
	c->address.in.sin_port = htons(port);
	c->cb = cb;
	c->arg = arg;
	c->dialled_us = w->now_us;
	if (!world_chance(w, c->origin->connect_stalls))
		ev_set(w, &c->step,
		    w->now_us + world_about(w, c->origin->connect_us));
	*out = c;
	return CONN_PENDING;
}

void
conn_secure(struct conn *c, struct span host)
{
	struct event_base *w = c->set->world;

	(void)host;
	if (c->stage != UP)
		world_fail(w, "a handshake on a connection that is not up");
	c->stage = HANDSHAKE;
	c->is_tls = 1;
	c->shake_us = w->now_us;
	if (!world_chance(w, c->origin->tls_stalls))
		ev_set(
		    w, &c->step, w->now_us + world_about(w, c->origin->tls_us));
}

int64_t
conn_held_us(const struct conn *c)
{
	int64_t held = c->set->world->now_us - c->shake_us;

	if (c->shake_us == 0)
		return 0;
	return held < c->origin->handshake_us ? held : c->origin->handshake_us;
}

int
conn_is_held(const struct conn *c)
{
	return c->stage == HANDSHAKE &&
	       c->set->world->now_us < c->shake_us + c->origin->handshake_us;
}

/* ---- sending ---- */

static void
hand_over(struct conn *c)
{
	struct event_base *w = c->set->world;
	size_t most = c->origin->upload_bytes, n, i;

	for (i = 0; i < 2; i++) {
		n = c->out[i].n;
		if (c->origin->upload_bytes > 0 && n > most)
			n = most;
		most -= n;
		c->out[i].p += n;
		c->out[i].n -= n;
		c->sent += n;
	}
	c->moved_us = w->now_us;
	if (!c->is_told_handed && c->sent > 0)
		w->outcomes[c->seq].handed++;
	c->is_told_handed = c->sent > 0;
}

static void
drain_later(struct conn *c)
{
	struct event_base *w = c->set->world;

	if (!world_chance(w, c->origin->upload_stalls))
		ev_set(w, &c->drain,
		    w->now_us + world_about(w, c->origin->upload_us));
}

static void
on_drain(void *arg)
{
	struct conn *c = arg;

	if (c->arrived == CONN_END_ERROR) {
		c->send_errno = 32;
		conn_send_stop(c);
		return;
	}
	hand_over(c);
	if (c->out[0].n + c->out[1].n > 0) {
		drain_later(c);
		return;
	}
	if (!c->origin->is_early)
		peer_begin(c);
	c->cb(c->arg, CONN_DRAINED);
}

enum conn_start
conn_send(struct conn *c, struct span head, struct span body)
{
	if (c->stage == UP)
		c->stage = OPEN;
	if (c->stage != OPEN || c->out[0].n + c->out[1].n > 0)
		world_fail(c->set->world, "sending out of turn");
	c->sent = 0;
	announce(c);
	if (c->arrived == CONN_END_ERROR && c->send_errno == 0)
		c->send_errno = 32;
	if (c->send_errno != 0 || c->end != CONN_END_NONE)
		return CONN_PENDING;
	hear(c, head);
	c->out[0] = head;
	c->out[1] = body;
	hand_over(c);
	if (c->out[0].n + c->out[1].n > 0) {
		drain_later(c);
		return CONN_PENDING;
	}
	if (!c->origin->is_early)
		peer_begin(c);
	return CONN_DONE;
}

void
conn_send_stop(struct conn *c)
{
	c->out[0] = c->out[1] = SPAN_NONE;
	ev_clear(c->set->world, &c->drain);
}

int
conn_is_sending(const struct conn *c)
{
	return c->out[0].n + c->out[1].n > 0;
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

size_t
conn_read(struct conn *c, char *to, size_t cap, enum conn_end *end)
{
	size_t n = c->is_tls ? c->told : c->in.n;

	if (c->stage == CLOSED)
		world_fail(c->set->world, "reading a closed connection");
	if (c->stage != OPEN)
		n = 0;
	if (n > cap)
		n = cap;
	if (n > 0) {
		memcpy(to, c->in.p, n);
		buf_drop(&c->in, n);
		c->told -= c->is_tls ? n : 0;
		c->moved_us = c->set->world->now_us;
		if (c->is_blocked)
			peer_later(c, 1);
	} else if (!c->is_tls && c->stage == OPEN)
		note_end(c);
	*end = n > 0 ? CONN_END_NONE : c->end;
	return n;
}

int
conn_more(const struct conn *c)
{
	return c->end != CONN_END_NONE || (c->is_tls && c->told > 0);
}

void
conn_pause(struct conn *c)
{
	if (c->stage == OPEN)
		c->is_paused = 1;
}

void
conn_resume(struct conn *c)
{
	if (!c->is_paused)
		return;
	c->is_paused = 0;
	c->moved_us = c->set->world->now_us;
	announce(c);
}

int
fake_conn_is_paused(const struct conn *c)
{
	return c->is_paused;
}

int
conn_is_readable(const struct conn *c)
{
	if (c->stage != OPEN)
		return 0;
	return conn_more(c) || c->in.n > 0 || c->arrived != CONN_END_NONE;
}

/* ---- owner and end ---- */

void
conn_own(struct conn *c, conn_cb *cb, void *arg)
{
	if (c->out[0].n + c->out[1].n > 0)
		world_fail(c->set->world,
		    "item %llu: the connection goes on to another owner with "
		    "%zu bytes of its request still to be sent",
		    (unsigned long long)c->seq, c->out[0].n + c->out[1].n);
	if (c->is_paused)
		world_fail(c->set->world, "a paused connection is kept");
	c->cb = cb;
	c->arg = arg;
	c->sent = 0;
}

void
conn_close(struct conn **cp)
{
	struct conn *c = *cp;
	struct event_base *w;

	*cp = NULL;
	if (c == NULL)
		return;
	w = c->set->world;
	if (c->stage == CLOSED)
		world_fail(w, "a connection is closed twice");
	c->stage = CLOSED;
	ev_clear(w, &c->step);
	ev_clear(w, &c->ready);
	ev_clear(w, &c->drain);
	ev_clear(w, &c->peer);
	list_remove(&c->set->live, &c->link);
	list_push(&c->set->dead, &c->link);
}

/* ---- what is known of it ---- */

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}

const union resolve_addr *
conn_peer(const struct conn *c)
{
	return &c->address;
}

int64_t
conn_moved_us(const struct conn *c)
{
	return c->moved_us;
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->is_tls ? "TLSv1.3" : NULL;
}

int
conn_tls_verified(const struct conn *c)
{
	return c->is_tls ? 1 : -1;
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
	(void)c;
	return NULL;
}
