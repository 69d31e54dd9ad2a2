/* SPDX-License-Identifier: ISC */
/*
 * A failure of one origin does not mean that the network is down while others
 * are reached. When look-ups time out, a name that was resolved before is
 * looked up again. A peer that was reached before and has no route now means
 * that the network is down; it counts once, until it is reached again.
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

/* Did a connect fail because there is no route? */
static int
is_no_route(enum err e, const char *detail)
{
	return e == E_CONNECT_UNREACHABLE && detail != NULL &&
	       (strcmp(detail, "ENETUNREACH") == 0 ||
		   strcmp(detail, "EHOSTUNREACH") == 0 ||
		   strcmp(detail, "ENETDOWN") == 0);
}

static int
has_route(const struct network *n)
{
	return n->last_peer.sa.sa_family == AF_UNSPEC ||
	       route_exists(&n->last_peer);
}

void
network_init(
    struct network *n, void (*server_checked)(struct core *c, int is_there))
{
	n->server_checked = server_checked;
}

void
network_fini(struct core *c)
{
	if (c->network.lookup != NULL)
		resolve_cancel(c->network.lookup);
	c->network.lookup = NULL;
	buf_fini(&c->network.name[0]);
	buf_fini(&c->network.name[1]);
}

/* ---- up ---- */

static void
set_up(struct core *c)
{
	struct network *n = &c->network;

	n->is_down = n->is_dns_only = n->is_probing = 0;
	c->sched.pauses &= ~(unsigned)PAUSE_NET;
	n->back_at_us = c->clock.now_us;
	c->turn.is_work_left = 1;
}

void
network_works(struct core *c)
{
	c->network.has_worked = 1;
	c->network.peer_at_us = c->clock.now_us;
	if (c->network.is_down && !c->network.is_dns_only)
		set_up(c);
}

void
network_connected(struct core *c, const union resolve_addr *peer)
{
	c->network.last_peer = *peer;
	network_works(c);
}

/* The last two labels: such names are likely to share name servers. */
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

/* Keeps the latest name of each of two zones. */
static void
remember_name(struct network *n, struct span name)
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
		set_up(c);
	if (name.n > 0)
		remember_name(n, name);
}

/* After h's look-up failed: a known name that other name servers serve, if
 * possible. */
static struct span
known_name(const struct network *n, const struct host *h)
{
	if (n->name[1].n > 0 && is_same_zone(&n->name[0], h->name))
		return buf_view(&n->name[1]);
	if (span_eq(buf_view(&n->name[0]), h->name))
		return SPAN_NONE;
	return buf_view(&n->name[0]);
}

/* ---- down ---- */

static void
postpone_probe(struct core *c)
{
	struct network *n = &c->network;

	if (n->wait_us != 0 && !n->is_probing)
		return; /* this one began before the network went down */
	n->is_probing = 0;
	n->wait_us = n->wait_us == 0 ? PROBE_US : 2 * n->wait_us;
	if (n->wait_us > PROBE_MAX_US)
		n->wait_us = PROBE_MAX_US;
	n->probe_at_us = c->clock.now_us + n->wait_us;
}

static void
set_down(struct core *c, const struct host *h, int dns)
{
	struct network *n = &c->network;

	n->origin = h;
	n->is_confirmed = 0;
	if (!n->is_down)
		n->down_at_us = c->clock.now_us;
	n->is_down = 1;
	n->is_dns_only = dns;
	n->wait_us = n->is_probing = 0;
	postpone_probe(c);
	if (dns)
		return;
	c->sched.pauses |= PAUSE_NET;
	if (has_route(n)) /* perhaps only h is unreachable: probe at once */
		n->probe_at_us = c->clock.now_us;
	else
		idle_close(c, c->idle_pool.list.n,
		    "net_down"); /* they would only find out later */
}

/*
 * If only one origin is in use, its failure counts as a failure of the
 * network, but not for longer than --host-dead-after. Nonzero: that time is
 * over, and the network counts as up again.
 */
static int
end_one_origin_outage(struct core *c, const struct host *h)
{
	struct network *n = &c->network;
	int64_t max = c->limits.host_dead_after_us;

	n->is_confirmed |=
	    n->origin != NULL && h != n->origin && !n->is_dns_only;
	if (n->is_confirmed || !has_route(n) || max == 0 ||
	    c->clock.now_us - n->down_at_us < max)
		return 0;
	set_up(c);
	return 1;
}

/* ---- name servers ---- */

static void
take_answer(struct core *c, const struct resolve_answer *a)
{
	int is_there = !is_dns(a->err);

	c->network.lookup = NULL;
	if (is_there)
		network_resolved(c, SPAN_NONE);
	else if (c->network.is_down)
		postpone_probe(c);
	else
		set_down(c, NULL, 1);
	c->network.is_confirmed |= !is_there && c->network.name[1].n > 0;
	c->network.server_checked(c, is_there);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct core *c = arg;

	clock_tick(&c->clock);
	take_answer(c, a);
}

/* Finds out whether any name server answers. */
static void
check_name_servers(struct core *c, struct span name)
{
	struct network *n = &c->network;
	struct resolve_answer a;

	resolve_forget(c->resolve, name);
	if (resolve_start(c->resolve, name, 0, on_answer, c, &a, &n->lookup) ==
	    RESOLVE_DONE)
		take_answer(c, &a);
}

static int
judge_dns_failure(struct core *c, const struct host *h, int64_t since_us)
{
	struct network *n = &c->network;
	struct span name = known_name(n, h);

	if (n->is_down && end_one_origin_outage(c, h))
		return 0;
	if (n->is_down)
		postpone_probe(c);
	if (n->is_down || n->lookup != NULL)
		return 1;
	if (n->dns_at_us > since_us || n->name[0].n == 0)
		return 0;
	if (!has_route(n) || name.n == 0)
		set_down(c, h, has_route(n));
	else
		check_name_servers(c, name);
	return n->is_down || n->lookup != NULL;
}

/* ---- peers ---- */

/* A connect timeout counts only while no name server answers either. */
static int
judge_connect_failure(struct core *c, struct host *h, enum err e,
    const char *detail, int64_t since_us)
{
	struct network *n = &c->network;

	if (n->peer_at_us > since_us)
		return 0;
	if (!(n->is_dns_only && e == E_CONNECT_TIMEOUT) &&
	    (!is_no_route(e, detail) || (has_route(n) && !h->has_worked)))
		return 0;
	h->has_worked = 0;
	set_down(c, h, 0);
	return 1;
}

int
network_failed(struct core *c, struct host *h, enum err e, const char *detail,
    int64_t since_us)
{
	struct network *n = &c->network;

	if (!c->limits.waits_for_network || !n->has_worked)
		return 0;
	if (n->is_down && !n->is_dns_only) {
		if (end_one_origin_outage(c, h))
			return 0;
		postpone_probe(c);
		return 1;
	}
	if (is_dns(e))
		return judge_dns_failure(c, h, since_us);
	return judge_connect_failure(c, h, e, detail, since_us);
}

/* ---- probes ---- */

int
network_begin_probe(struct core *c)
{
	struct network *n = &c->network;

	if (!n->is_down || n->is_probing || c->clock.now_us < n->probe_at_us)
		return 0;
	n->is_probing = 1;
	n->name_index = n->name[1].n > 0 && !n->name_index;
	if (n->is_dns_only && n->lookup == NULL)
		check_name_servers(c, buf_view(&n->name[n->name_index]));
	return n->is_down;
}

void
network_postpone_probe(struct core *c)
{
	c->network.is_probing = 0;
	c->network.probe_at_us = c->clock.now_us + PROBE_US;
}

int64_t
network_due_us(const struct core *c)
{
	const struct network *n = &c->network;

	/* Without an item that could start there is nothing to probe with. */
	if (!n->is_down || n->is_probing ||
	    c->hosts.nready + c->hosts.nneed_lookup == 0)
		return TIMER_NEVER;
	return n->probe_at_us;
}
