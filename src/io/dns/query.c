/* SPDX-License-Identifier: ISC */
/*
 * One query over several servers: what the outcome of a try means, which server
 * is asked next, and which ones are asked last because they do not answer.
 * Knows nothing of c-ares, the cache and look-ups.
 */
#include "io/dns/resolve_int.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define AVOID_AFTER 2             /* failures of a server in a row */
#define AVOID_US (30 * 1000000LL) /* then it is asked last */
#define STALL_US (50 * 1000LL)
#define ROUNDS 2 /* over all servers, until a failure is final */
#define TRY_US (RESOLVE_TRY_MS * 1000LL)
#define TRIES_MAX 8 /* of a query, open at one time */

/*
 * The usual socket buffer of a server (208 KB) has room for 90 to 280 queries;
 * those that arrive while it is full are lost. So at most BURST_MAX are sent
 * within BURST_US; older ones have left the buffer by then.
 */
#define BURST_MAX 96
#define BURST_US (32 * 1000LL)
#define PACE_US (4 * 1000LL)

/* ---- servers ------------------------------------------------------------ */

static int
is_healthy(const struct resolve_server *s, int64_t now_us)
{
	return s->failures < AVOID_AFTER || now_us >= s->avoid_until_at_us;
}

/* Would another server be asked before this one? */
static int
has_healthy_other(
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
enlist(struct list *l, struct resolve_query *q)
{
	list_push(l, &q->on_list);
	q->list = l;
}

static void
unlist(struct resolve_query *q)
{
	if (q->list == NULL)
		return;
	list_remove(q->list, &q->on_list);
	q->list = NULL;
}

/* The queries that wait for s ask the next server now. */
static void
abandon_server(struct resolve *r, const struct resolve_server *s)
{
	struct resolve_query *q;
	struct link *k = list_first(&r->open), *next;
	size_t n;

	for (n = r->open.n; n > 0; n--, k = next) {
		next = list_next(&r->open, k);
		q = CONTAINER(k, struct resolve_query, on_list);
		if (&r->server[q->last->server] != s || q->last->tcp)
			continue;
		unlist(q);
		try_next(q);
	}
}

/*
 * A server that failed twice in a row is asked last for a while. If it timed
 * out, the queries that wait for it ask another one at once.
 */
static void
count_failure(struct resolve *r, struct resolve_server *s, int timed_out)
{
	int64_t now_us = timer_now_us();
	int was_healthy = is_healthy(s, now_us);

	if (++s->failures < AVOID_AFTER)
		return;
	s->avoid_until_at_us = now_us + AVOID_US;
	if (timed_out && was_healthy && has_healthy_other(r, s, now_us))
		abandon_server(r, s);
}

/* A late reply shows that the server works, but not that it should be asked
 * first. */
static void
count_outcome(const struct resolve_try *t, int is_late)
{
	struct resolve_server *s = &t->r->server[t->server];
	enum err err = t->reply.err;

	if (err == E_DNS_TIMEOUT) {
		if (!is_late) /* else counted at the timeout */
			count_failure(t->r, s, 1);
		return;
	}
	if (err == E_DNS_NO_SERVER || err == E_DNS_REFUSED) {
		count_failure(t->r, s, 0);
		return;
	}
	s->answered_at_us = timer_now_us();
	if (!is_late)
		s->failures = 0;
}

/* The next server of this round, or -1. */
static int
next_server(const struct resolve_query *q, int64_t now_us)
{
	const struct resolve *r = q->r;
	unsigned i;
	int last = -1;

	for (i = 0; i < r->nserver; i++) {
		if (q->tried & 1u << i)
			continue;
		if (is_healthy(&r->server[i], now_us))
			return (int)i;
		if (last == -1)
			last = (int)i;
	}
	return last;
}

static void
detach_try(struct resolve_try *t)
{
	if (t->q->last == t)
		t->q->last = NULL;
	list_remove(&t->q->tries, &t->on_query);
	t->q = NULL;
}

static void
start_try(struct resolve_query *q, unsigned server, int tcp, int64_t now_us)
{
	struct resolve *r = q->r;
	struct resolve_server *s = &r->server[server];
	struct resolve_try *t = mem_zalloc(1, sizeof(*t));

	t->r = r;
	t->q = q;
	t->family = q->family;
	t->server = server;
	t->tcp = tcp;
	if (q->tries.n >= TRIES_MAX) /* the oldest will hardly be answered */
		detach_try(CONTAINER(
		    list_first(&q->tries), struct resolve_try, on_query));
	list_push(&q->tries, &t->on_query);
	q->last = t;
	q->asked_at_us = now_us;
	enlist(&r->open, q);
	if (timer_at(r->again) == TIMER_NEVER)
		timer_set(r->again, now_us + TRY_US);
	resolve_chan_send(tcp ? s->tcp : s->udp, q->name->text, t);
}

static void
start_udp_try(struct resolve_query *q, unsigned i, int64_t now_us)
{
	struct resolve_server *s = &q->r->server[i];

	q->tried |= 1u << i;
	/* This query probes a server that was avoided; until it is answered,
	 * the others go on avoiding it. */
	if (s->failures >= AVOID_AFTER && now_us >= s->avoid_until_at_us)
		s->avoid_until_at_us = now_us + AVOID_US;
	start_try(q, i, 0, now_us);
}

/* ---- the burst limit ---------------------------------------------------- */

/* How many queries were sent within BURST_US. */
static size_t
count_recent(struct resolve *r, int64_t now_us)
{
	struct resolve_query *q;
	struct link *k;

	while ((k = list_first(&r->recent)) != NULL) {
		q = CONTAINER(k, struct resolve_query, on_recent);
		if (q->asked_at_us + BURST_US > now_us)
			break;
		list_remove(&r->recent, k);
	}
	return r->recent.n;
}

/* Asks the next server; one must be left in this round. */
static void
send_query(struct resolve_query *q, int64_t now_us)
{
	struct resolve *r = q->r;

	if (count_recent(r, now_us) >= BURST_MAX) {
		enlist(&r->paced, q);
		if (timer_at(r->pace) == TIMER_NEVER)
			timer_set(r->pace, now_us + PACE_US);
		return;
	}
	if (link_on(&q->on_recent))
		list_remove(&r->recent, &q->on_recent);
	q->asked_at_us = now_us;
	list_push(&r->recent, &q->on_recent);
	start_udp_try(q, (unsigned)next_server(q, now_us), now_us);
}

/* ---- a query ------------------------------------------------------------ */

static int
is_final(enum err err)
{
	return err == E_OK || err == E_DNS_NXDOMAIN || err == E_DNS_NODATA;
}

static void
stall(struct resolve_query *q)
{
	enlist(&q->r->stalled, q);
	if (timer_at(q->r->unstall) == TIMER_NEVER)
		timer_set(q->r->unstall, timer_now_us() + STALL_US);
}

/*
 * A failure goes to the jobs that wait and is not cached: a later look-up sends
 * a new query. But not at once, or a list with many lines of one dead name
 * would send a query in each pass of the loop.
 */
static int
has_just_failed(const struct resolve_known *kn, int64_t now_us)
{
	return kn->learned_at_us != 0 && !is_final(kn->err) &&
	       now_us < kn->learned_at_us + STALL_US;
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
	list_init(&q->tries);
	q->err = E_DNS_NODATA;
	nm->known[f].q = q;
	nm->known[f].asked_at_us = now_us;
	if (has_just_failed(&nm->known[f], now_us))
		stall(q);
	else
		send_query(q, now_us);
}

void
resolve_query_drop(struct resolve_query *q)
{
	struct link *k;

	while ((k = list_first(&q->tries)) != NULL)
		detach_try(CONTAINER(k, struct resolve_try, on_query));
	unlist(q);
	if (link_on(&q->on_recent))
		list_remove(&q->r->recent, &q->on_recent);
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
	r->on_reply(r, nm, f, rp);
}

/* May a try be answered that is open? Not if its server seems dead. */
static int
may_be_answered(const struct resolve_query *q, int64_t now_us)
{
	const struct resolve_server *s;
	struct link *k;

	for (k = list_first(&q->tries); k != NULL;
	     k = list_next(&q->tries, k)) {
		s = &q->r->server[CONTAINER(k, struct resolve_try, on_query)
				      ->server];
		if (s->failures < AVOID_AFTER ||
		    (s->answered_at_us != 0 &&
			s->answered_at_us + AVOID_US > now_us))
			return 1;
	}
	return 0;
}

/*
 * Asks the next server. When all servers have failed in each round, the query
 * has failed, unless an open try may still be answered. If all that happened
 * was timeouts, it goes on as long as a job waits.
 */
static void
try_next(struct resolve_query *q)
{
	int64_t now_us = timer_now_us();
	struct resolve_reply rp;

	if (!q->name->waiting) {
		finish(q, NULL);
		return;
	}
	if (next_server(q, now_us) == -1) {
		if (++q->round >= ROUNDS && q->err != E_DNS_TIMEOUT) {
			if (may_be_answered(q, now_us))
				return;
			resolve_reply_fail(&rp, q->err, q->detail);
			finish(q, &rp);
			return;
		}
		q->tried = 0;
	}
	send_query(q, now_us);
}

static void
note_failure(struct resolve_query *q, enum err err, const char *detail)
{
	if (!resolve_reply_says_more(err, q->err))
		return;
	q->err = err;
	q->detail = detail;
}

static void
start_tcp_try(struct resolve_query *q, unsigned server)
{
	struct resolve_server *s = &q->r->server[server];

	if (s->tcp == NULL)
		s->tcp = resolve_chan_new(q->r, &s->addr, 1);
	unlist(q);
	start_try(q, server, 1, timer_now_us());
}

/* Acts on a try that has ended, in the loop. */
static void
on_try_done(struct resolve_try *t)
{
	struct resolve_query *q = t->q;
	struct resolve_reply *rp = &t->reply;
	int was_last = q != NULL && q->last == t;
	int is_late = !was_last || q->list != &t->r->open;

	if (q == NULL) {
		count_outcome(t, 1);
		return;
	}
	if (was_last && link_on(&q->on_recent))
		list_remove(&q->r->recent, &q->on_recent);
	if (was_last)
		unlist(q);
	detach_try(t);
	if (rp->err == E_RESOURCE_LIMIT) {
		q->tried &= ~(1u << t->server);
		unlist(q);
		stall(q);
		return;
	}
	count_outcome(t, is_late);
	if (t->tcp && (rp->err == E_DNS_TIMEOUT || rp->err == E_DNS_NO_SERVER))
		resolve_reply_fail(rp, E_DNS_TRUNCATED, "TRUNCATED");
	if (rp->truncated && !t->tcp) {
		start_tcp_try(q, t->server);
	} else if (is_final(rp->err)) {
		finish(q, rp);
	} else {
		note_failure(q, rp->err, rp->detail);
		/* Else another try is open, or about to be sent. */
		if (q->list == NULL)
			try_next(q);
	}
}

/* Called by c-ares, which must not be called from here: acts later. */
static void
on_chan_done(struct resolve_try *t)
{
	struct resolve *r = t->r;

	if (r->is_closing) {
		if (t->q != NULL)
			detach_try(t);
		free(t);
		return;
	}
	list_push(&r->done, &t->on_done);
	if (!r->is_in_cares)
		timer_set(r->later, 0);
}

/* The last try took too long. It stays open, and the next server is asked. */
static void
on_try_timeout(struct resolve_query *q)
{
	struct resolve_try *t = q->last;

	unlist(q);
	if (t->tcp) {
		note_failure(q, E_DNS_TRUNCATED, "TRUNCATED");
	} else {
		note_failure(q, E_DNS_TIMEOUT, "TIMEOUT");
		count_failure(q->r, &q->r->server[t->server], 1);
	}
	try_next(q);
}

void
resolve_query_ask_again(struct resolve *r)
{
	int64_t now_us = timer_now_us();
	struct resolve_query *q;
	struct link *k;

	while ((k = list_first(&r->open)) != NULL) {
		q = CONTAINER(k, struct resolve_query, on_list);
		if (q->asked_at_us + TRY_US > now_us) {
			timer_set(r->again, q->asked_at_us + TRY_US);
			return;
		}
		on_try_timeout(q);
	}
}

/* Sends the first n of the queries in l. */
static void
resend(struct list *l, size_t n)
{
	struct resolve_query *q;
	int64_t now_us = timer_now_us();

	for (; n > 0; n--) {
		q = CONTAINER(list_first(l), struct resolve_query, on_list);
		unlist(q);
		if (q->name->waiting)
			send_query(q, now_us);
		else
			finish(q, NULL);
	}
}

void
resolve_query_handle_done(struct resolve *r)
{
	struct resolve_try *t;
	size_t n;

	/* Tries that end meanwhile wait for the next pass. */
	for (n = r->done.n; n > 0; n--) {
		t = CONTAINER(
		    list_shift(&r->done), struct resolve_try, on_done);
		on_try_done(t);
		free(t);
	}
	resolve_query_pace(r);
}

void
resolve_query_unstall(struct resolve *r)
{
	resend(&r->stalled, r->stalled.n);
}

void
resolve_query_pace(struct resolve *r)
{
	int64_t now_us = timer_now_us();

	while (r->paced.n > 0 && count_recent(r, now_us) < BURST_MAX)
		resend(&r->paced, 1);
	if (r->paced.n > 0 && timer_at(r->pace) == TIMER_NEVER)
		timer_set(r->pace, now_us + PACE_US);
}

void
resolve_query_init(struct resolve *r)
{
	static const struct resolve_chan_events events = { .done = on_chan_done,
		.over = resolve_query_handle_done };

	r->chan_events = &events;
}

void
resolve_query_fini(struct resolve *r)
{
	struct link *k;

	while ((k = list_shift(&r->done)) != NULL)
		on_chan_done(CONTAINER(k, struct resolve_try, on_done));
}
