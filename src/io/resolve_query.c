/* SPDX-License-Identifier: ISC */
/*
 * One question on its way over the servers: what a try's outcome means, who
 * is asked next, and which servers are asked last because they do not
 * answer. Knows nothing of c-ares, the cache's rules and jobs.
 */
#include "io/resolve_int.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define BAD_LIMIT 2
#define BAD_US (30 * 1000000LL)
#define STALL_US (50 * 1000LL)
#define ROUNDS 2

/*
 * A server's socket buffer of the usual 208 KB has room for 90 to 280
 * questions; what comes while it is full is lost. What was asked longer ago
 * has been taken out of it, or will be answered late in any case.
 */
#define MOST_YOUNG 96
#define YOUNG_US (32 * 1000LL)
#define PACE_US (4 * 1000LL)

int
resolve_query_more_telling(enum err a, enum err b)
{
	static const enum err order[] = { E_DNS_NXDOMAIN, E_DNS_SERVFAIL,
		E_DNS_REFUSED, E_DNS_BAD_RESPONSE, E_DNS_TRUNCATED, E_DNS_ERROR,
		E_DNS_TIMEOUT, E_DNS_NO_SERVER, E_DNS_NODATA };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (b == order[i])
			return 0;
		if (a == order[i])
			return 1;
	}
	return 0;
}

/* ---- servers ------------------------------------------------------------ */

static int
is_healthy(const struct resolve_server *s, int64_t now_us)
{
	return s->bad < BAD_LIMIT || now_us >= s->bad_until_us;
}

/* Whether some other server would be asked before this one. */
static int
has_better(
    const struct resolve *r, const struct resolve_server *s, int64_t now_us)
{
	unsigned i;

	for (i = 0; i < r->nserver; i++)
		if (&r->server[i] != s && is_healthy(&r->server[i], now_us))
			return 1;
	return 0;
}

/*
 * A server that did not answer twice in a row is asked last; what is still
 * under way there need not wait its time out as well.
 */
static void
note_bad(struct resolve *r, struct resolve_server *s, int timed_out)
{
	int64_t now = timer_now_us();
	int was_healthy = is_healthy(s, now);

	if (++s->bad < BAD_LIMIT)
		return;
	s->bad_until_us = now + BAD_US;
	if (timed_out && was_healthy && has_better(r, s, now))
		resolve_chan_cancel(s->udp);
}

static void
note_health(struct resolve_query *q)
{
	struct resolve_server *s = &q->r->server[q->server];
	enum err err = q->reply.err;

	if (q->reply.cancelled)
		return;
	if (err == E_DNS_TIMEOUT || err == E_DNS_NO_SERVER ||
	    err == E_DNS_REFUSED)
		note_bad(q->r, s, err == E_DNS_TIMEOUT);
	else
		s->bad = 0;
}

/* The next server of this round, or -1. */
static int
pick(const struct resolve_query *q, int64_t now_us)
{
	const struct resolve *r = q->r;
	unsigned i;
	int last = -1;

	for (i = 0; i < r->nserver; i++) {
		if (q->asked & 1u << i)
			continue;
		if (is_healthy(&r->server[i], now_us))
			return (int)i;
		if (last == -1)
			last = (int)i;
	}
	return last;
}

static void
put(struct resolve_query *q, unsigned i, int64_t now_us)
{
	struct resolve_server *s = &q->r->server[i];

	q->server = i;
	q->asked |= 1u << i;
	q->tcp = 0;
	/* Its time is over: one question finds out; others keep away. */
	if (s->bad >= BAD_LIMIT && now_us >= s->bad_until_us)
		s->bad_until_us = now_us + BAD_US;
	resolve_chan_ask(s->udp, q->name->text, q->family, q);
}

/* ---- pace --------------------------------------------------------------- */

/* Old ones have been read by now, be they answered or not. */
static int
is_too_much(struct resolve *r, int64_t now_us)
{
	struct resolve_query *q;
	struct link *k;

	while ((k = list_first(&r->young)) != NULL) {
		q = CONTAINER(k, struct resolve_query, on_young);
		if (q->asked_us + YOUNG_US > now_us)
			break;
		list_remove(&r->young, k);
	}
	return r->young.n >= MOST_YOUNG;
}

/* Of this round some server must be left. */
static void
ask(struct resolve_query *q, int64_t now_us)
{
	struct resolve *r = q->r;

	if (is_too_much(r, now_us)) {
		list_push(&r->paced, &q->on_list);
		if (timer_at(r->pace) == TIMER_NEVER)
			timer_set(r->pace, now_us + PACE_US);
		return;
	}
	q->asked_us = now_us;
	list_push(&r->young, &q->on_young);
	put(q, (unsigned)pick(q, now_us), now_us);
}

/* ---- a question --------------------------------------------------------- */

static int
is_final(enum err err)
{
	return err == E_OK || err == E_DNS_NXDOMAIN || err == E_DNS_NODATA;
}

static void
stall(struct resolve_query *q)
{
	list_push(&q->r->stalled, &q->on_list);
	if (timer_at(q->r->unstall) == TIMER_NEVER)
		timer_set(q->r->unstall, timer_now_us() + STALL_US);
}

/*
 * A failure is told to those who wait and then forgotten: who comes later
 * asks again. But not in every turn, for each line of a name that is dead.
 */
static int
has_just_failed(const struct resolve_known *kn, int64_t now_us)
{
	return kn->at_us != 0 && !is_final(kn->err) &&
	       now_us < kn->at_us + STALL_US;
}

void
resolve_query_start(struct resolve *r, struct resolve_name *nm,
    enum resolve_family f, int64_t now_us)
{
	struct resolve_query *q = mem_zalloc(1, sizeof(*q));

	CHECK(nm->known[f].q == NULL);
	q->r = r;
	q->name = nm;
	q->family = f;
	q->err = E_DNS_NODATA;
	nm->known[f].q = q;
	nm->known[f].asked_us = now_us;
	if (has_just_failed(&nm->known[f], now_us))
		stall(q);
	else
		ask(q, now_us);
}

static void
finish(struct resolve_query *q, const struct resolve_reply *rp)
{
	struct resolve *r = q->r;
	struct resolve_name *nm = q->name;
	enum resolve_family f = q->family;

	nm->known[f].q = NULL;
	resolve_learn(r, nm, f, rp);
	free(q);
}

/* All servers have failed, in the last round once more. What nobody but time
 * has answered goes on as long as somebody waits. */
static void
give_up(struct resolve_query *q)
{
	resolve_reply_fail(&q->reply, q->err, q->detail);
	finish(q, &q->reply);
}

static void
try_next(struct resolve_query *q)
{
	int64_t now = timer_now_us();

	if (!q->name->waiting) {
		finish(q, NULL);
		return;
	}
	if (pick(q, now) == -1) {
		if (++q->round >= ROUNDS && q->err != E_DNS_TIMEOUT) {
			give_up(q);
			return;
		}
		q->asked = 0;
	}
	ask(q, now);
}

static void
ask_tcp(struct resolve_query *q)
{
	struct resolve_server *s = &q->r->server[q->server];

	if (s->tcp == NULL)
		s->tcp = resolve_chan_new(q->r, &s->addr, 1);
	q->tcp = 1;
	resolve_chan_ask(s->tcp, q->name->text, q->family, q);
}

static void
step(struct resolve_query *q)
{
	struct resolve_reply *rp = &q->reply;

	if (link_on(&q->on_young))
		list_remove(&q->r->young, &q->on_young);
	if (rp->err == E_RESOURCE_LIMIT) {
		q->asked &= ~(1u << q->server);
		stall(q);
		return;
	}
	if (q->tcp && (rp->err == E_DNS_TIMEOUT || rp->err == E_DNS_NO_SERVER))
		resolve_reply_fail(rp, E_DNS_TRUNCATED, "TRUNCATED");
	else if (rp->cut && !q->tcp) {
		ask_tcp(q);
		return;
	}
	note_health(q);
	if (is_final(rp->err)) {
		finish(q, rp);
		return;
	}
	if (resolve_query_more_telling(rp->err, q->err)) {
		q->err = rp->err;
		q->detail = rp->detail;
	}
	try_next(q);
}

void
resolve_query_done(struct resolve_query *q)
{
	struct resolve *r = q->r;

	if (r->closing) {
		q->name->known[q->family].q = NULL;
		free(q);
		return;
	}
	list_push(&r->done, &q->on_list);
	if (!r->polling)
		timer_set(r->later, 0);
}

/* Those that waited meanwhile, in their order. */
static void
go_on(struct list *l, size_t n)
{
	struct resolve_query *q;
	int64_t now = timer_now_us();

	for (; n > 0; n--) {
		q = CONTAINER(list_shift(l), struct resolve_query, on_list);
		if (q->name->waiting)
			ask(q, now);
		else
			finish(q, NULL);
	}
}

void
resolve_query_drain(struct resolve *r)
{
	size_t n;

	/* What ends meanwhile waits for the next pass. */
	for (n = r->done.n; n > 0; n--)
		step(CONTAINER(
		    list_shift(&r->done), struct resolve_query, on_list));
	resolve_query_pace(r);
}

void
resolve_query_unstall(struct resolve *r)
{
	go_on(&r->stalled, r->stalled.n);
}

void
resolve_query_pace(struct resolve *r)
{
	int64_t now = timer_now_us();

	while (r->paced.n > 0 && !is_too_much(r, now))
		go_on(&r->paced, 1);
	if (r->paced.n > 0 && timer_at(r->pace) == TIMER_NEVER)
		timer_set(r->pace, now + PACE_US);
}
