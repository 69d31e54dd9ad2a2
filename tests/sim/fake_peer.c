/* SPDX-License-Identifier: ISC */
/*
 * The peer of every connection. Parses as much of a request as it needs to
 * answer in HTTP/1.1, or to fail as its origin says, and logs each request.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fake_conn.h"

static const unsigned char brotli[] = { 0x5b, 0x5f, 0xae, 0x8a, 0x5f, 0x42,
	0x2f, 0x1e, 0x0b, 0x04, 0x32, 0x4c, 0x15, 0x00 };

void
fake_peer_later(struct conn *c, int64_t us)
{
	struct event_base *w = c->set->world;

	ev_set(w, &c->peer, w->now_us + world_about(w, us));
}

/* ---- answers ---- */

/* Does the origin allow this request, by its limit in any second? */
static int
is_allowed(struct conn *c)
{
	struct event_base *w = c->set->world;
	unsigned allows = c->origin->allows;
	size_t at = c->kind * WORLD_LIMITED + c->host;
	int64_t *ring;

	if (c->host >= WORLD_LIMITED)
		world_fail(w, "a limit for host %u", c->host);
	if (w->api == NULL)
		w->api = mem_zalloc(WORLD_APIS, sizeof(*w->api));
	if (w->api[at] == NULL) /* the first one is the next place */
		w->api[at] = mem_zalloc(allows + 1, sizeof(**w->api));
	ring = w->api[at];
	if (ring[1 + ring[0]] > w->now_us - SECOND)
		return 0;
	ring[1 + ring[0]] = w->now_us;
	ring[0] = (ring[0] + 1) % allows;
	return 1;
}

static int
choose_status(struct conn *c)
{
	static const int redirects[] = { 301, 302, 303, 307, 308 };
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;

	if (o->allows > 0 && !is_allowed(c))
		return 429;
	if (world_chance(w, o->busy))
		return 429;
	if (world_chance(w, o->unavailable))
		return 503;
	if (world_chance(w, o->errs))
		return 500;
	if (world_chance(w, o->redirects))
		return o->redirect_status != 0 ? o->redirect_status
					       : redirects[world_draw(w, 5)];
	return o->status != 0 ? o->status : 200;
}

static void
choose_answer(struct conn *c, struct answer *a)
{
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;
	const struct seen *e = &w->seen[c->seen];

	memset(a, 0, sizeof(*a));
	a->status = choose_status(c);
	a->to_kind = o->to_kind;
	a->to_host =
	    o->to_hosts > 0 ? (unsigned)world_draw(w, o->to_hosts) : e->host;
	a->to_hop = e->hop + 1;
	a->to_plain = e->is_plain;
	a->has_location = a->status >= 300 && a->status < 400;
	if ((a->status == 429 || a->status == 503) &&
	    (o->retry_after_of == 0 || world_chance(w, o->retry_after_of)))
		a->retry_after_s = o->retry_after_s;
	if (w->answer != NULL)
		w->answer(w, e, a);
}

/* Logs the request for the checks. */
static void
note_answer(struct conn *c, const struct answer *a)
{
	struct event_base *w = c->set->world;
	struct outcome *out = &w->outcomes[c->seq];
	struct seen *e = &w->seen[c->seen];

	e->status = (short)a->status;
	if (a->status != 429 && (a->status != 503 || a->retry_after_s == 0))
		return;
	out->asked++;
	out->unsafe_hops &= ~(1u << e->hop);
}

static void
write_head(struct conn *c, struct buf *to)
{
	struct event_base *w = c->set->world;
	struct answer a;

	choose_answer(c, &a);
	note_answer(c, &a);
	buf_printf(to, "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n", a.status,
	    c->body_left);
	if (c->origin->is_page)
		buf_str(to, "Content-Type: text/html\r\n");
	if (c->origin->is_brotli)
		buf_str(to, "Content-Encoding: br\r\n");
	if (world_chance(w, c->origin->says_close))
		buf_str(to, "Connection: close\r\n");
	if (a.retry_after_s > 0)
		buf_printf(to, "Retry-After: %d\r\n", a.retry_after_s);
	if (a.has_location)
		buf_printf(to, "Location: %s://h%u.c%u.test/i/%llu/%u\r\n",
		    a.to_plain ? "http" : "https", a.to_host, a.to_kind,
		    (unsigned long long)c->seq, a.to_hop);
	buf_str(to, "\r\n");
}

/* ---- sending them ---- */

static enum fate
choose_fate(struct conn *c)
{
	const struct origin *o = c->origin;
	struct event_base *w = c->set->world;

	switch (w->breaks != NULL ? w->breaks(w, &w->seen[c->seen]) : 0) {
	case 0:
		break;
	case 1:
		return RESETS_BEFORE;
	default:
		return RESETS_HEAD;
	}
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
	struct buf head = { 0 };
	size_t cut;

	c->body_left =
	    c->origin->is_brotli ? sizeof(brotli) : c->origin->body_bytes;
	c->cut_at = c->fate != ANSWERS ? c->body_left / 2 : 0;
	write_head(c, &head);
	if (c->is_head_only)
		c->body_left = c->cut_at = 0;
	if (c->fate == RESETS_HEAD) {
		fake_arrive(c, head.p, head.n / 2);
		fake_arrive_end(c, CONN_END_ERROR);
		buf_fini(&head);
		return;
	}
	cut = w->is_chaotic ? (size_t)world_draw(w, head.n) : 0;
	if (cut > 0)
		fake_arrive(c, head.p, cut);
	fake_arrive(c, head.p + cut, head.n - cut);
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
		fake_arrive(
		    c, (const char *)brotli + sizeof(brotli) - c->body_left, n);
	else
		fake_arrive(c, filler, n);
	c->body_left -= n;
}

static void
on_answered(struct conn *c)
{
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;

	c->at = IDLE;
	if (world_chance(w, o->closes_idle) || world_chance(w, o->talks_idle))
		fake_peer_later(c, (int64_t)world_draw(w, 2 * SECOND));
}

static void
end_body(struct conn *c)
{
	switch (c->fate) {
	case RESETS_AFTER:
		fake_arrive_end(c, CONN_END_ERROR);
		return;
	case TRUNCATES:
		fake_arrive_end(c, c->is_tls && world_chance(c->set->world, 500)
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
	case RESETS_HEAD:
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
		fake_peer_later(c, c->origin->piece_us);
	else
		end_body(c);
}

/* A peer that closes an idle connection, or sends unrequested bytes. */
static void
misbehave_idle(struct conn *c)
{
	if (world_chance(c->set->world, c->origin->talks_idle))
		fake_arrive(c, "HTTP/1.1 408 Too Late\r\n\r\n", 25);
	fake_arrive_end(c,
	    world_chance(c->set->world, 300) ? CONN_END_ERROR : CONN_END_CLEAN);
}

static void
act(struct conn *c)
{
	switch (c->at) {
	case IDLE:
		misbehave_idle(c);
		return;
	case HEAD:
		if (c->fate == RESETS_BEFORE || c->fate == CLOSES_BEFORE) {
			fake_arrive_end(c, c->fate == RESETS_BEFORE
					       ? CONN_END_ERROR
					       : CONN_END_CLEAN);
			return;
		}
		send_head(c);
		if (c->at == OVER)
			return;
		if (c->origin->piece_us > 0 && c->body_left > c->cut_at)
			fake_peer_later(c, c->origin->piece_us);
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

/* Are packets lost now? Then sets when the peer continues. */
static int
is_cut_off(struct conn *c, int64_t *again_us)
{
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;

	if (world_is_offline(w)) {
		*again_us = w->offline_until_us == 0
				? INT64_MAX
				: world_retransmit(
				      w, w->start_at_us + w->offline_until_us);
		return 1;
	}
	if (!world_has(w, o, DOWN_SILENT) && !world_has(w, o, DOWN_NO_ROUTE))
		return 0;
	*again_us = world_retransmit(w, world_trouble_ends(w, o));
	return 1;
}

static void
on_reset(void *arg)
{
	struct conn *c = arg;

	if (c->arrived == CONN_END_NONE)
		fake_arrive_end(c, CONN_END_ERROR);
}

static void
on_peer(void *arg)
{
	struct conn *c = arg;
	int64_t again;

	if (!is_cut_off(c, &again))
		act(c);
	else if (again != INT64_MAX)
		ev_set(c->set->world, &c->peer, again);
}

void
fake_peer_init(struct conn *c)
{
	ev_init(&c->peer, on_peer, c);
	ev_init(&c->reset, on_reset, c);
}

void
fake_peer_up(struct conn *c)
{
	struct event_base *w = c->set->world;
	const struct origin *o = c->origin;

	if (o->trouble == DOWN_REFUSES && world_time(w) < o->trouble_from_us)
		ev_set(w, &c->reset, w->start_at_us + o->trouble_from_us);
}

void
fake_peer_begin(struct conn *c)
{
	if (c->at == OVER || c->arrived != CONN_END_NONE)
		return;
	c->at = HEAD;
	c->fate = choose_fate(c);
	if (c->fate == STALLS_BEFORE ||
	    world_has(c->set->world, c->origin, DOWN_MUTE))
		c->at = OVER;
	else
		fake_peer_later(c, c->origin->first_at_us);
}

/* ---- requests ---- */

static int
is_unsafe(const char *method, struct span head)
{
	static const char key[] = "\r\nIdempotency-Key:";

	return (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0) &&
	       memmem(head.p, head.n, key, sizeof(key) - 1) == NULL;
}

/* The request must be meant for this origin. */
static void
check_host(struct conn *c, struct span head)
{
	struct event_base *w = c->set->world;
	char want[48];
	int n = snprintf(
	    want, sizeof(want), "\r\nHost: h%u.c%u.test\r\n", c->host, c->kind);

	if (memmem(head.p, head.n, want, (size_t)n) == NULL)
		world_fail(w, "host %u of kind %u is asked: %.*s", c->host,
		    c->kind, (int)head.n, head.p);
}

static void
write_down(struct conn *c, unsigned hop, const char *method, int unsafe)
{
	struct event_base *w = c->set->world;
	struct outcome *o = &w->outcomes[c->seq];
	struct seen e = { .seq = c->seq,
		.begun_at_us = c->requests > 1 ? w->now_us : c->dialled_us,
		.kind = c->kind,
		.host = c->host,
		.what = SEEN_REQUEST,
		.method = strcmp(method, "PUT") == 0 ? 'U' : method[0],
		.hop = (unsigned char)hop,
		.is_plain = !c->is_tls,
		.is_unsafe = unsafe != 0 };

	(void)world_see(w, &e);
	c->seen = w->nseen - 1;
	if (hop > o->hops)
		o->hops = hop;
	if (hop > 31)
		world_fail(w, "item %llu is at its hop %u",
		    (unsigned long long)c->seq, hop);
	if (unsafe && o->unsafe_hops & 1u << hop && !w->may_repeat)
		world_fail(w, "item %llu: what must not be is sent again",
		    (unsigned long long)c->seq);
	if (unsafe && o->begun == 0 && !w->may_repeat)
		world_fail(w, "item %llu is sent, and its input was not asked",
		    (unsigned long long)c->seq);
	if (unsafe)
		o->unsafe_hops |= 1u << hop;
}

void
fake_peer_hear(struct conn *c, struct span head)
{
	struct event_base *w = c->set->world;
	char line[256] = "";
	unsigned long long seq;
	unsigned hop = 0;
	char method[16];

	memcpy(line, head.p, head.n < 255 ? head.n : 255);
	if (sscanf(line, "%15s /i/%llu/%u", method, &seq, &hop) < 2)
		world_fail(w, "not a request: %s", line);
	if (seq < 1 || seq > w->items)
		world_fail(w, "a request for item %llu", seq);
	if (c->at == HEAD || c->at == BODY)
		world_fail(w, "item %llu: one answer at a time", seq);
	check_host(c, head);
	c->seq = seq;
	c->is_head_only = strcmp(method, "HEAD") == 0;
	c->is_told_handed = 0;
	c->requests++;
	if (c->at == IDLE)
		ev_clear(w, &c->peer);
	write_down(c, hop, method, is_unsafe(method, head));
	if (c->origin->is_early)
		fake_peer_begin(c);
}
