/* SPDX-License-Identifier: ISC */
/*
 * io/conn/conn.h without sockets: the client's end of every connection. Like
 * the real ones, plain connections report unread bytes again and again, TLS
 * ones once. fake_peer.c is the other end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"
#include "fake_conn.h"

/* ---- events to the client ---- */

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

void
fake_arrive_end(struct conn *c, enum conn_end end)
{
	c->arrived = end;
	c->at = OVER;
	ev_clear(c->set->world, &c->peer);
	announce(c);
}

void
fake_arrive(struct conn *c, const char *p, size_t n)
{
	buf_add(&c->in, p, n);
	announce(c);
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

uint64_t
conns_dials(const struct conns *s)
{
	return s->opened;
}

size_t
conns_open(const struct conns *s)
{
	return s->sockets;
}

size_t
conns_unread_bytes(const struct conns *s)
{
	(void)s;
	return 0;
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

/* Is the packet lost, and sent again later? */
static int
is_lost(struct conn *c)
{
	struct event_base *w = c->set->world;
	int64_t until, again;

	if (world_is_offline(w))
		until = w->offline_until_us == 0
			    ? INT64_MAX
			    : w->start_at_us + w->offline_until_us;
	else if (world_has(w, c->origin, DOWN_SILENT))
		until = world_trouble_ends(w, c->origin);
	else
		return 0;
	again = world_retransmit(w, until);
	if (again != INT64_MAX)
		ev_set(w, &c->step, again);
	return 1;
}

static void
end_handshake(struct conn *c)
{
	struct event_base *w = c->set->world;

	if (c->arrived == CONN_END_ERROR ||
	    world_chance(w, c->origin->tls_fails)) {
		fail(c, E_TLS_RESET, "ECONNRESET");
		return;
	}
	if (c->origin->has_bad_cert) {
		fail(c, E_TLS_CERT_EXPIRED, "certificate has expired");
		return;
	}
	c->stage = OPEN;
	c->secure_at_us = c->moved_us = w->now_us;
	c->cb(c->arg, CONN_SECURE);
	announce(c);
}

static void
end_dial(struct conn *c)
{
	struct event_base *w = c->set->world;

	if (world_chance(w, c->origin->lacks_port)) {
		fail(c, E_RESOURCE_LIMIT, "EADDRNOTAVAIL");
	} else if (world_chance(w, c->origin->refuses) ||
		   world_has(w, c->origin, DOWN_REFUSES)) {
		fail(c, E_CONNECT_REFUSED, "ECONNREFUSED");
	} else {
		c->stage = UP;
		c->id = ++c->set->opened;
		c->up_at_us = c->moved_us = w->now_us;
		fake_peer_up(c);
		c->cb(c->arg, CONN_UP);
	}
}

static void
on_step(void *arg)
{
	struct conn *c = arg;

	if (c->no_way != NULL)
		fail(c, E_CONNECT_UNREACHABLE, c->no_way);
	else if (is_lost(c))
		return;
	else if (c->stage == HANDSHAKE)
		end_handshake(c);
	else
		end_dial(c);
}

static void on_drain(void *arg);

static struct conn *
make(struct conns *s, const union resolve_addr *addr)
{
	struct conn *c = mem_zalloc(1, sizeof(*c));
	uint32_t ip = ntohl(addr->in.sin_addr.s_addr);

	c->set = s;
	c->kind = ip >> 20 & 15;
	c->host = ip & 0xfffff;
	c->origin = &s->world->origins[c->kind];
	c->address = *addr;
	ev_init(&c->step, on_step, c);
	ev_init(&c->ready, on_ready, c);
	ev_init(&c->drain, on_drain, c);
	fake_peer_init(c);
	list_push(&s->live, &c->link);
	if (++s->sockets > s->world->most_sockets)
		s->world->most_sockets = s->sockets;
	return c;
}

static void
write_down(struct conn *c)
{
	struct event_base *w = c->set->world;
	struct seen e = { .what = SEEN_DIAL,
		.kind = c->kind,
		.host = c->host,
		.begun_at_us = w->now_us,
		.is_plain = ntohs(c->address.in.sin_port) == 80 };

	(void)world_see(w, &e);
}

static void
start_dial(struct conn *c)
{
	struct event_base *w = c->set->world;
	int64_t takes = world_about(w, c->origin->connect_us);

	if (world_is_offline(w) && !w->is_offline_afar) {
		c->no_way = "ENETUNREACH";
		takes = 0;
	} else if (world_has(w, c->origin, DOWN_NO_ROUTE)) {
		c->no_way = "EHOSTUNREACH";
		takes = 3 * SECOND;
	} else if (world_chance(w, c->origin->connect_stalls))
		return;
	ev_set(w, &c->step, w->now_us + takes);
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
	write_down(c);
	start_dial(c);
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
conn_handshake_queue_us(const struct conn *c)
{
	int64_t held = c->set->world->now_us - c->shake_us;

	if (c->shake_us == 0)
		return 0;
	return held < c->origin->handshake_us ? held : c->origin->handshake_us;
}

int
conn_is_in_handshake_queue(const struct conn *c)
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
		if (i == 1 && n > c->upload_left)
			world_fail(w, "a request with too large a body");
		c->upload_left -= i == 1 ? n : 0;
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
	if (!c->origin->is_early && c->upload_left == 0)
		fake_peer_begin(c);
	c->cb(c->arg, CONN_DRAINED);
}

static uint64_t
content_length(struct span head)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *p = memmem(head.p, head.n, name, sizeof(name) - 1);

	return p != NULL ? strtoull(p + sizeof(name) - 1, NULL, 10) : 0;
}

static enum conn_start
begin_write(struct conn *c, struct span head, struct span body)
{
	c->out[0] = head;
	c->out[1] = body;
	hand_over(c);
	if (c->out[0].n + c->out[1].n > 0) {
		drain_later(c);
		return CONN_PENDING;
	}
	if (!c->origin->is_early && c->upload_left == 0)
		fake_peer_begin(c);
	return CONN_DONE;
}

enum conn_start
conn_send_more(struct conn *c, struct span piece)
{
	if (c->stage != OPEN || c->out[0].n + c->out[1].n > 0)
		world_fail(c->set->world, "sending out of turn");
	if (c->arrived == CONN_END_ERROR && c->send_errno == 0)
		c->send_errno = 32;
	if (c->send_errno != 0 || c->end != CONN_END_NONE)
		return CONN_PENDING;
	return begin_write(c, SPAN_NONE, piece);
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
	fake_peer_hear(c, head);
	c->upload_left = content_length(head);
	return begin_write(c, head, body);
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
			fake_peer_later(c, 1);
	} else if (!c->is_tls && c->stage == OPEN)
		note_end(c);
	*end = n > 0 ? CONN_END_NONE : c->end;
	return n;
}

int
conn_has_more(const struct conn *c)
{
	return c->end != CONN_END_NONE || (c->is_tls && c->told > 0);
}

void
conn_pause(struct conn *c)
{
	if (c->stage == OPEN || c->stage == UP)
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
conn_is_ready(const struct conn *c)
{
	if (c->stage != OPEN)
		return 0;
	return conn_has_more(c) || c->in.n > 0 || c->arrived != CONN_END_NONE;
}

int
conn_check_idle(struct conn *c)
{
	return conn_is_ready(c);
}

/* ---- owner and end ---- */

void
conn_set_owner(struct conn *c, conn_cb *cb, void *arg)
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
conn_close(struct conn **cp, const char *why)
{
	struct conn *c = *cp;
	struct event_base *w;

	(void)why;
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
	ev_clear(w, &c->reset);
	list_remove(&c->set->live, &c->link);
	list_push(&c->set->dead, &c->link);
}

/* ---- facts ---- */

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
conn_moved_at_us(const struct conn *c)
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
