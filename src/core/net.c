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
#include "core/idle.h"
#include "io/route.h"
#include "io/timer.h"

#define ORIGINS_MIN 3
#define PROBE_US 1000000
#define PROBE_MAX_US 15000000

/* Does such a failure say that nothing can be reached? */
static int
is_suspect(enum err e, const char *detail)
{
	if (e == E_DNS_TIMEOUT || e == E_DNS_NO_SERVER)
		return 1;
	return e == E_CONNECT_UNREACHABLE && detail != NULL &&
	       (strcmp(detail, "ENETUNREACH") == 0 ||
		   strcmp(detail, "EHOSTUNREACH") == 0 ||
		   strcmp(detail, "ENETDOWN") == 0);
}

/* Any answer, be it a refusal. */
void
net_works(struct core *c)
{
	struct net *n = &c->net;

	n->has_worked = 1;
	n->failures = 0;
	n->last_failed = NULL;
	if (!n->is_down)
		return;
	n->is_down = n->is_probing = 0;
	n->wait_us = 0;
	c->pauses &= ~(unsigned)PAUSE_NET;
	n->back_us = c->now_us;
	c->input_left = 1;
}

void
net_connected(struct core *c, const union resolve_addr *peer)
{
	c->net.good = *peer;
	net_works(c);
}

/* Of those that never worked it may be the list's own fault. */
static int
is_gone(struct net *n, const struct host *h, int had_worked)
{
	n->failures += h != n->last_failed;
	n->last_failed = h;
	if (n->good.sa.sa_family != AF_UNSPEC && !route_exists(&n->good))
		return had_worked || n->failures >= ORIGINS_MIN;
	return had_worked;
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

int
net_failed(struct core *c, const struct host *h, enum err e, const char *detail,
    int had_worked)
{
	struct net *n = &c->net;

	if (c->opts->net_down != NET_DOWN_WAIT || !n->has_worked)
		return 0;
	if (n->is_down) {
		wait_more(c);
		return 1;
	}
	if (!is_suspect(e, detail))
		return 0;
	if (!is_gone(n, h, had_worked))
		return 0;
	n->is_down = 1;
	n->down_us = c->now_us;
	idle_close(c, c->idle.n); /* they would only find out later */
	wait_more(c);
	return 1;
}

int
net_may_probe(struct core *c)
{
	struct net *n = &c->net;

	if (!n->is_down || n->is_probing || c->now_us < n->probe_us)
		return 0;
	n->is_probing = 1;
	return 1;
}

void
net_has_not_tried(struct core *c)
{
	c->net.is_probing = 0;
	c->net.probe_us = c->now_us + PROBE_US;
}

int64_t
net_due_us(const struct core *c)
{
	const struct net *n = &c->net;

	return n->is_down && !n->is_probing ? n->probe_us : TIMER_NEVER;
}
