/* SPDX-License-Identifier: ISC */
/*
 * One origin that cannot be reached is its own affair. An origin that had been
 * reached before speaks for a network that is down; so do several in a row
 * with nothing that works between them, if there is no way any more to where
 * there was one.
 */
#include "core/net.h"

#include <string.h>

#include "core/core.h"
#include "core/host.h"
#include "core/idle.h"
#include "io/route.h"
#include "io/timer.h"

#define ORIGINS_MIN 3
#define PROBE_US 1000000
#define PROBE_MAX_US 15000000
#define TRUST_US 60000000

static int
is_dns(enum err e)
{
	return e == E_DNS_TIMEOUT || e == E_DNS_NO_SERVER;
}

static int
has_route(const struct net *n)
{
	return n->good.sa.sa_family == AF_UNSPEC || route_exists(&n->good);
}

/* Does such a failure say that nothing can be reached? */
static int
is_suspect(const struct core *c, enum err e, const char *detail)
{
	if (c->now_us < c->net.trusted_us && has_route(&c->net))
		return 0;
	if (is_dns(e))
		return 1;
	return e == E_CONNECT_UNREACHABLE && detail != NULL &&
	       (strcmp(detail, "ENETUNREACH") == 0 ||
		   strcmp(detail, "EHOSTUNREACH") == 0 ||
		   strcmp(detail, "ENETDOWN") == 0);
}

void
net_fini(struct core *c)
{
	if (c->net.job != NULL)
		resolve_cancel(c->net.job);
	c->net.job = NULL;
	buf_fini(&c->net.name);
}

void
net_works(struct core *c)
{
	struct net *n = &c->net;

	n->has_worked = 1;
	n->failures = 0;
	n->last_failed = NULL;
	if (!n->is_down)
		return;
	n->is_down = n->is_probing = n->is_dns = 0;
	n->wait_us = 0;
	c->pauses &= ~(unsigned)PAUSE_NET;
	n->back_us = c->now_us;
	n->trusted_us = c->now_us + TRUST_US;
	c->input_left = 1;
}

void
net_connected(struct core *c, const union resolve_addr *peer)
{
	c->net.good = *peer;
	net_works(c);
}

void
net_resolved(struct core *c, struct span name)
{
	c->net.name.n = 0;
	buf_span(&c->net.name, name);
	net_works(c);
}

/* Of those that never worked it may be the list's own fault. */
static int
is_gone(struct net *n, const struct host *h, enum err e, int had_worked)
{
	n->failures += h != n->last_failed;
	n->last_failed = h;
	if (!had_worked && n->failures < ORIGINS_MIN)
		return 0;
	if (!has_route(n))
		return 1;
	n->is_dns = is_dns(e) && n->name.n > 0;
	return n->is_dns || (had_worked && !is_dns(e));
}

static void
wait_more(struct core *c)
{
	struct net *n = &c->net;

	if (n->wait_us != 0 && !n->is_probing)
		return; /* one that was under way before */
	n->is_probing = 0;
	n->wait_us = n->wait_us == 0 ? PROBE_US : 2 * n->wait_us;
	if (n->wait_us > PROBE_MAX_US)
		n->wait_us = PROBE_MAX_US;
	n->probe_us = c->now_us + n->wait_us;
	c->pauses |= PAUSE_NET;
}

/* ---- name servers ---- */

static void
take_answer(struct core *c, const struct resolve_answer *a)
{
	c->net.job = NULL;
	if (is_dns(a->err)) {
		hosts_settle(c, 0);
		wait_more(c);
		return;
	}
	net_works(c);
	hosts_settle(c, 1);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	core_tick(arg);
	take_answer(arg, a);
}

/* Is any of them there? Asks for a name they had an answer for. */
static void
ask(struct core *c)
{
	struct net *n = &c->net;
	struct resolve_answer a;

	n->is_probing = 1;
	c->pauses |= PAUSE_NET;
	resolve_forget(c->resolve, buf_view(&n->name));
	if (resolve_start(c->resolve, buf_view(&n->name), 0, on_answer, c, &a,
		&n->job) == RESOLVE_DONE)
		take_answer(c, &a);
}

/* ---- down, and back ---- */

static void
go_down(struct core *c)
{
	struct net *n = &c->net;

	n->is_down = 1;
	n->down_us = c->now_us;
	if (n->is_dns) {
		ask(c);
		return;
	}
	idle_close(c, c->idle.n); /* they would only find out later */
	wait_more(c);
}

int
net_failed(struct core *c, const struct host *h, enum err e, const char *detail,
    int had_worked)
{
	struct net *n = &c->net;

	if (c->opts->net_down != NET_DOWN_WAIT || !n->has_worked)
		return 0;
	if (n->is_down) {
		if (!n->is_dns)
			wait_more(c);
		return 1;
	}
	if (!is_suspect(c, e, detail) || !is_gone(n, h, e, had_worked))
		return 0;
	go_down(c);
	return n->is_down;
}

int
net_may_probe(struct core *c)
{
	struct net *n = &c->net;

	if (!n->is_down || n->is_probing || c->now_us < n->probe_us)
		return 0;
	if (n->is_dns) {
		ask(c);
		return 0;
	}
	n->is_probing = 1;
	return 1;
}

void
net_has_not_tried(struct core *c)
{
	if (c->net.is_dns)
		return; /* it was not an item that was to find out */
	c->net.is_probing = 0;
	c->net.probe_us = c->now_us + PROBE_US;
}

int64_t
net_due_us(const struct core *c)
{
	const struct net *n = &c->net;

	return n->is_down && !n->is_probing ? n->probe_us : TIMER_NEVER;
}
