/* SPDX-License-Identifier: ISC */
/*
 * One question on its way over the servers: what a try's outcome means, who
 * is asked next, and which servers are asked last because they do not
 * answer. Knows nothing of c-ares, the cache's rules and jobs.
 */
#include "io/dns/resolve_int.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define BAD_LIMIT 2
#define BAD_US (30 * 1000000LL)
#define STALL_US (50 * 1000LL)
#define ROUNDS 2
#define TRY_US (RESOLVE_TRY_MS * 1000LL)
#define MOST_ASKS 8 /* of a question, listened for at one time */

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
	/* While one family has failed, nobody knows that there is no such
	 * name: some servers say so of the family that they do not serve. */
	static const enum err order[] = { E_DNS_SERVFAIL, E_DNS_REFUSED,
		E_DNS_BAD_RESPONSE, E_DNS_TRUNCATED, E_DNS_ERROR, E_DNS_TIMEOUT,
		E_DNS_NO_SERVER, E_DNS_NXDOMAIN, E_DNS_NODATA };
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
	return s->bad < BAD_LIMIT || now_us >= s->bad_until_at_us;
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

static void try_next(struct resolve_query *q);

static void
put_on(struct list *l, struct resolve_query *q)
{
	list_push(l, &q->on_list);
	q->list = l;
}

static void
take_off(struct resolve_query *q)
{
	if (q->list == NULL)
		return;
	list_remove(q->list, &q->on_list);
	q->list = NULL;
}

/* What is under way there asks the next server now. */
static void
leave_server(struct resolve *r, const struct resolve_server *s)
{
	struct resolve_query *q;
	struct link *k = list_first(&r->open), *next;
	size_t n;

	for (n = r->open.n; n > 0; n--, k = next) {
		next = list_next(&r->open, k);
		q = CONTAINER(k, struct resolve_query, on_list);
		if (&r->server[q->last->server] != s || q->last->tcp)
			continue;
		take_off(q);
		try_next(q);
	}
}

/*
 * A server that did not answer in time twice in a row is asked last; what is
 * still under way there need not wait its time out before it asks another.
 */
static void
note_bad(struct resolve *r, struct resolve_server *s, int timed_out)
{
	int64_t now = timer_now_us();
	int was_healthy = is_healthy(s, now);

	if (++s->bad < BAD_LIMIT)
		return;
	s->bad_until_at_us = now + BAD_US;
	if (timed_out && was_healthy && has_better(r, s, now))
		leave_server(r, s);
}

/* A late answer says that it lives, not that it is to be asked first. */
static void
note_health(const struct resolve_ask *a, int is_late)
{
	struct resolve_server *s = &a->r->server[a->server];
	enum err err = a->reply.err;

	if (err == E_DNS_TIMEOUT) {
		if (!is_late) /* else noted when its time was over */
			note_bad(a->r, s, 1);
		return;
	}
	if (err == E_DNS_NO_SERVER || err == E_DNS_REFUSED) {
		note_bad(a->r, s, 0);
		return;
	}
	s->answered_at_us = timer_now_us();
	if (!is_late)
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
forget_ask(struct resolve_ask *a)
{
	if (a->q->last == a)
		a->q->last = NULL;
	list_remove(&a->q->asks, &a->on_query);
	a->q = NULL;
}

static void
put(struct resolve_query *q, unsigned server, int tcp, int64_t now_us)
{
	struct resolve *r = q->r;
	struct resolve_server *s = &r->server[server];
	struct resolve_ask *a = mem_zalloc(1, sizeof(*a));

	a->r = r;
	a->q = q;
	a->family = q->family;
	a->server = server;
	a->tcp = tcp;
	if (q->asks.n >= MOST_ASKS) /* what is this late will not come */
		forget_ask(CONTAINER(
		    list_first(&q->asks), struct resolve_ask, on_query));
	list_push(&q->asks, &a->on_query);
	q->last = a;
	q->asked_at_us = now_us;
	put_on(&r->open, q);
	if (timer_at(r->again) == TIMER_NEVER)
		timer_set(r->again, now_us + TRY_US);
	resolve_chan_ask(tcp ? s->tcp : s->udp, q->name->text, a);
}

static void
put_udp(struct resolve_query *q, unsigned i, int64_t now_us)
{
	struct resolve_server *s = &q->r->server[i];

	q->asked |= 1u << i;
	/* Its time is over: one question finds out; others keep away. */
	if (s->bad >= BAD_LIMIT && now_us >= s->bad_until_at_us)
		s->bad_until_at_us = now_us + BAD_US;
	put(q, i, 0, now_us);
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
		if (q->asked_at_us + YOUNG_US > now_us)
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
		put_on(&r->paced, q);
		if (timer_at(r->pace) == TIMER_NEVER)
			timer_set(r->pace, now_us + PACE_US);
		return;
	}
	if (link_on(&q->on_young))
		list_remove(&r->young, &q->on_young);
	q->asked_at_us = now_us;
	list_push(&r->young, &q->on_young);
	put_udp(q, (unsigned)pick(q, now_us), now_us);
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
	put_on(&q->r->stalled, q);
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
	list_init(&q->asks);
	q->err = E_DNS_NODATA;
	nm->known[f].q = q;
	nm->known[f].asked_at_us = now_us;
	if (has_just_failed(&nm->known[f], now_us))
		stall(q);
	else
		ask(q, now_us);
}

/* The asks go on without it, until their answers come to nobody. */
void
resolve_query_drop(struct resolve_query *q)
{
	struct link *k;

	while ((k = list_first(&q->asks)) != NULL)
		forget_ask(CONTAINER(k, struct resolve_ask, on_query));
	take_off(q);
	if (link_on(&q->on_young))
		list_remove(&q->r->young, &q->on_young);
	q->name->known[q->family].q = NULL;
	free(q);
}

static void
finish(struct resolve_query *q, const struct resolve_reply *rp)
{
	struct resolve *r = q->r;
	struct resolve_name *nm = q->name;
	enum resolve_family f = q->family;

	resolve_query_drop(q);
	resolve_learn(r, nm, f, rp);
}

static void
give_up(struct resolve_query *q)
{
	struct resolve_reply rp;

	resolve_reply_fail(&rp, q->err, q->detail);
	finish(q, &rp);
}

/* May a server still answer that is slow, not dead? */
static int
may_be_answered(const struct resolve_query *q, int64_t now_us)
{
	const struct resolve_server *s;
	struct link *k;

	for (k = list_first(&q->asks); k != NULL; k = list_next(&q->asks, k)) {
		s = &q->r->server[CONTAINER(k, struct resolve_ask, on_query)
				      ->server];
		if (s->bad < BAD_LIMIT ||
		    (s->answered_at_us != 0 &&
			s->answered_at_us + BAD_US > now_us))
			return 1;
	}
	return 0;
}

/*
 * All servers have failed, in the last round once more: then what was asked
 * and has not been answered may still be. What nobody but time has answered
 * goes on as long as somebody waits.
 */
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
			if (!may_be_answered(q, now))
				give_up(q);
			return;
		}
		q->asked = 0;
	}
	ask(q, now);
}

static void
note_failure(struct resolve_query *q, enum err err, const char *detail)
{
	if (!resolve_query_more_telling(err, q->err))
		return;
	q->err = err;
	q->detail = detail;
}

static void
ask_tcp(struct resolve_query *q, unsigned server)
{
	struct resolve_server *s = &q->r->server[server];

	if (s->tcp == NULL)
		s->tcp = resolve_chan_new(q->r, &s->addr, 1);
	take_off(q);
	put(q, server, 1, timer_now_us());
}

static void
step_failed(struct resolve_query *q, const struct resolve_reply *rp)
{
	note_failure(q, rp->err, rp->detail);
	/* Another try is under way, or is about to be, and has its time. */
	if (q->list == NULL)
		try_next(q);
}

/* One try has ended; of those that were given up nothing is left to do. */
static void
step(struct resolve_ask *a)
{
	struct resolve_query *q = a->q;
	struct resolve_reply *rp = &a->reply;
	int was_last = q != NULL && q->last == a;
	int is_late = !was_last || q->list != &a->r->open;

	if (q == NULL) {
		note_health(a, 1);
		return;
	}
	if (was_last && link_on(&q->on_young))
		list_remove(&q->r->young, &q->on_young);
	if (was_last)
		take_off(q);
	forget_ask(a);
	if (rp->err == E_RESOURCE_LIMIT) {
		q->asked &= ~(1u << a->server);
		take_off(q);
		stall(q);
		return;
	}
	note_health(a, is_late);
	if (a->tcp && (rp->err == E_DNS_TIMEOUT || rp->err == E_DNS_NO_SERVER))
		resolve_reply_fail(rp, E_DNS_TRUNCATED, "TRUNCATED");
	if (rp->cut && !a->tcp)
		ask_tcp(q, a->server);
	else if (is_final(rp->err))
		finish(q, rp);
	else
		step_failed(q, rp);
}

void
resolve_ask_done(struct resolve_ask *a)
{
	struct resolve *r = a->r;

	if (r->closing) {
		if (a->q != NULL)
			forget_ask(a);
		free(a);
		return;
	}
	list_push(&r->done, &a->on_done);
	if (!r->polling)
		timer_set(r->later, 0);
}

/* The last try has had its time; it is listened for all the same. */
static void
pass_over(struct resolve_query *q)
{
	struct resolve_ask *a = q->last;

	take_off(q);
	if (a->tcp) {
		note_failure(q, E_DNS_TRUNCATED, "TRUNCATED");
	} else {
		note_failure(q, E_DNS_TIMEOUT, "TIMEOUT");
		note_bad(q->r, &q->r->server[a->server], 1);
	}
	try_next(q);
}

void
resolve_query_ask_again(struct resolve *r)
{
	int64_t now = timer_now_us();
	struct resolve_query *q;
	struct link *k;

	while ((k = list_first(&r->open)) != NULL) {
		q = CONTAINER(k, struct resolve_query, on_list);
		if (q->asked_at_us + TRY_US > now) {
			timer_set(r->again, q->asked_at_us + TRY_US);
			return;
		}
		pass_over(q);
	}
}

/* Those that waited meanwhile, in their order. */
static void
go_on(struct list *l, size_t n)
{
	struct resolve_query *q;
	int64_t now = timer_now_us();

	for (; n > 0; n--) {
		q = CONTAINER(list_first(l), struct resolve_query, on_list);
		take_off(q);
		if (q->name->waiting)
			ask(q, now);
		else
			finish(q, NULL);
	}
}

void
resolve_query_drain(struct resolve *r)
{
	struct resolve_ask *a;
	size_t n;

	/* What ends meanwhile waits for the next pass. */
	for (n = r->done.n; n > 0; n--) {
		a = CONTAINER(
		    list_shift(&r->done), struct resolve_ask, on_done);
		step(a);
		free(a);
	}
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
