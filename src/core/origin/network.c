/* SPDX-License-Identifier: ISC */
/*
 * What one origin cannot reach is its own affair as long as others reach
 * theirs. Name servers that are silent are asked for a name they knew; an
 * address that was reached before and cannot be any more speaks for a network
 * that is down, once, until it is reached again.
 */
#include "core/origin/network.h"

#include <string.h>

#include "core/core.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "io/dns/route.h"
#include "io/timer.h"

#define PROBE_US 1000000
#define PROBE_MAX_US 15000000

static int
is_dns(enum err e)
{
	return e == E_DNS_TIMEOUT || e == E_DNS_NO_SERVER;
}

/* A connect that found no way. */
static int
is_no_way(enum err e, const char *detail)
{
	return e == E_CONNECT_UNREACHABLE && detail != NULL &&
	       (strcmp(detail, "ENETUNREACH") == 0 ||
		   strcmp(detail, "EHOSTUNREACH") == 0 ||
		   strcmp(detail, "ENETDOWN") == 0);
}

static int
has_route(const struct network *n)
{
	return n->good.sa.sa_family == AF_UNSPEC || route_exists(&n->good);
}

void
network_init(struct network *n, void (*settled)(struct core *c, int is_there))
{
	n->settled = settled;
}

void
network_fini(struct core *c)
{
	if (c->network.job != NULL)
		resolve_cancel(c->network.job);
	c->network.job = NULL;
	buf_fini(&c->network.name[0]);
	buf_fini(&c->network.name[1]);
}

/* ---- it works ---- */

static void
come_back(struct core *c)
{
	struct network *n = &c->network;

	n->is_down = n->is_dns = n->is_probing = 0;
	c->sched.pauses &= ~(unsigned)PAUSE_NET;
	n->back_at_us = c->clock.now_us;
	c->turn.is_work_left = 1;
}

void
network_works(struct core *c)
{
	c->network.has_worked = 1;
	c->network.peer_at_us = c->clock.now_us;
	if (c->network.is_down && !c->network.is_dns)
		come_back(c);
}

void
network_connected(struct core *c, const union resolve_addr *peer)
{
	c->network.good = *peer;
	network_works(c);
}

/* The last two labels: what is likely to share its name servers. */
static struct span
zone_of(struct span name)
{
	size_t i = name.n;
	int dots = 0;

	if (i > 0 && name.p[i - 1] == '.')
		i--;
	while (i > 0 && (name.p[i - 1] != '.' || ++dots < 2))
		i--;
	return span_of(name.p + i, name.n - i);
}

static int
is_same_zone(const struct buf *known, struct span name)
{
	return span_eq(zone_of(buf_view(known)), zone_of(name));
}

/* The latest one of each of two zones. */
static void
remember(struct network *n, struct span name)
{
	struct buf b = n->name[1];

	if (!is_same_zone(&n->name[0], name)) {
		n->name[1] = n->name[0];
		n->name[0] = b;
	}
	n->name[0].n = 0;
	buf_span(&n->name[0], name);
}

void
network_resolved(struct core *c, struct span name)
{
	struct network *n = &c->network;

	n->has_worked = 1;
	n->dns_at_us = c->clock.now_us;
	if (n->is_down)
		come_back(c);
	if (name.n > 0)
		remember(n, name);
}

/* One that says something of the others, if h's look-up failed. */
static struct span
known_name(const struct network *n, const struct host *h)
{
	if (n->name[1].n > 0 && is_same_zone(&n->name[0], h->name))
		return buf_view(&n->name[1]);
	if (span_eq(buf_view(&n->name[0]), h->name))
		return SPAN_NONE;
	return buf_view(&n->name[0]);
}

/* ---- it does not ---- */

static void
wait_more(struct core *c)
{
	struct network *n = &c->network;

	if (n->wait_us != 0 && !n->is_probing)
		return; /* one that was under way before */
	n->is_probing = 0;
	n->wait_us = n->wait_us == 0 ? PROBE_US : 2 * n->wait_us;
	if (n->wait_us > PROBE_MAX_US)
		n->wait_us = PROBE_MAX_US;
	n->probe_at_us = c->clock.now_us + n->wait_us;
}

static void
go_down(struct core *c, const struct host *h, int dns)
{
	struct network *n = &c->network;

	n->first = h;
	n->is_wide = 0;
	if (!n->is_down)
		n->down_at_us = c->clock.now_us;
	n->is_down = 1;
	n->is_dns = dns;
	n->wait_us = n->is_probing = 0;
	wait_more(c);
	if (dns)
		return;
	c->sched.pauses |= PAUSE_NET;
	if (has_route(n)) /* perhaps it is only that one */
		n->probe_at_us = c->clock.now_us;
	else
		idle_close(c, c->idle_pool.list.n,
		    "net_down"); /* they would only find out later */
}

/*
 * With nobody else to ask, one origin may stand for the network, but not for
 * longer than one that is silent is waited for. Nonzero: that is over, and the
 * network counts as up again.
 */
static int
end_for_one(struct core *c, const struct host *h)
{
	struct network *n = &c->network;
	int64_t max = c->limits.host_dead_after_us;

	n->is_wide |= n->first != NULL && h != n->first && !n->is_dns;
	if (n->is_wide || !has_route(n) || max == 0 ||
	    c->clock.now_us - n->down_at_us < max)
		return 0;
	come_back(c);
	return 1;
}

/* ---- name servers ---- */

static void
take_answer(struct core *c, const struct resolve_answer *a)
{
	int is_there = !is_dns(a->err);

	c->network.job = NULL;
	if (is_there)
		network_resolved(c, SPAN_NONE);
	else if (c->network.is_down)
		wait_more(c);
	else
		go_down(c, NULL, 1);
	c->network.is_wide |= !is_there && c->network.name[1].n > 0;
	c->network.settled(c, is_there);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct core *c = arg;

	clock_tick(&c->clock);
	take_answer(c, a);
}

/* Is any of them there? */
static void
ask(struct core *c, struct span name)
{
	struct network *n = &c->network;
	struct resolve_answer a;

	resolve_forget(c->resolve, name);
	if (resolve_start(c->resolve, name, 0, on_answer, c, &a, &n->job) ==
	    RESOLVE_DONE)
		take_answer(c, &a);
}

static int
judge_dns(struct core *c, const struct host *h, int64_t since_us)
{
	struct network *n = &c->network;
	struct span name = known_name(n, h);

	if (n->is_down && end_for_one(c, h))
		return 0;
	if (n->is_down)
		wait_more(c);
	if (n->is_down || n->job != NULL)
		return 1;
	if (n->dns_at_us > since_us || n->name[0].n == 0)
		return 0;
	if (!has_route(n) || name.n == 0)
		go_down(c, h, has_route(n));
	else
		ask(c, name);
	return n->is_down || n->job != NULL;
}

/* ---- peers ---- */

/* Peers that are silent are only silent, unless the name servers are, too. */
static int
judge_connect(struct core *c, struct host *h, enum err e, const char *detail,
    int64_t since_us)
{
	struct network *n = &c->network;

	if (n->peer_at_us > since_us)
		return 0;
	if (!(n->is_dns && e == E_CONNECT_TIMEOUT) &&
	    (!is_no_way(e, detail) || (has_route(n) && !h->has_worked)))
		return 0;
	h->has_worked = 0;
	go_down(c, h, 0);
	return 1;
}

int
network_failed(struct core *c, struct host *h, enum err e, const char *detail,
    int64_t since_us)
{
	struct network *n = &c->network;

	if (!c->limits.waits_for_network || !n->has_worked)
		return 0;
	if (n->is_down && !n->is_dns) {
		if (end_for_one(c, h))
			return 0;
		wait_more(c);
		return 1;
	}
	if (is_dns(e))
		return judge_dns(c, h, since_us);
	return judge_connect(c, h, e, detail, since_us);
}

/* ---- is it back? ---- */

int
network_begin_probe(struct core *c)
{
	struct network *n = &c->network;

	if (!n->is_down || n->is_probing || c->clock.now_us < n->probe_at_us)
		return 0;
	n->is_probing = 1;
	n->which = n->name[1].n > 0 && !n->which;
	if (n->is_dns && n->job == NULL)
		ask(c, buf_view(&n->name[n->which]));
	return n->is_down;
}

void
network_put_off_probe(struct core *c)
{
	c->network.is_probing = 0;
	c->network.probe_at_us = c->clock.now_us + PROBE_US;
}

int64_t
network_due_us(const struct core *c)
{
	const struct network *n = &c->network;

	/* With nothing that could start there is no hurry. */
	if (!n->is_down || n->is_probing ||
	    c->hosts.nready + c->hosts.nwant == 0)
		return TIMER_NEVER;
	return n->probe_at_us;
}
