/* SPDX-License-Identifier: ISC */
/*
 * io/dns/resolve.h over the origins of the world: every name hHOST.cKIND.test
 * has the address 10.KIND.HOST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"
#include "io/dns/resolve.h"

struct resolve {
	struct event_base *world;
	int64_t timeout_us;
	struct resolve_stats stats;
};

struct resolve_job {
	struct resolve *set;
	struct ev ev;
	resolve_cb *cb;
	void *arg;
	const struct origin *origin;
	struct resolve_answer answer;
};

struct resolve *
resolve_new(struct event_base *base, const struct resolve_conf *conf, char *why,
    size_t why_size)
{
	struct resolve *r = mem_zalloc(1, sizeof(*r));

	(void)why;
	(void)why_size;
	r->world = base;
	r->timeout_us = conf->timeout_us;
	return r;
}

void
resolve_free(struct resolve *r)
{
	if (r->stats.open > 0)
		world_fail(r->world, "%u look-ups were left", r->stats.open);
	free(r);
}

static void
set_address(struct resolve_answer *a, unsigned kind, unsigned host)
{
	a->n = 1;
	memset(&a->addr[0], 0, sizeof(a->addr[0]));
	a->addr[0].in.sin_family = AF_INET;
	a->addr[0].in.sin_addr.s_addr =
	    htonl(10u << 24 | kind << 20 | (host & 0xfffff));
}

static void
finish(struct resolve *r, struct resolve_answer *a, const struct origin *o)
{
	int64_t ttl = o->ttl_us != 0 ? o->ttl_us : MINUTE;

	a->until_at_us = r->world->now_us + ttl;
}

static void
on_answer(void *arg)
{
	struct resolve_job *job = arg;
	struct resolve *r = job->set;

	r->stats.open--;
	finish(r, &job->answer, job->origin);
	job->cb(job->arg, &job->answer);
	free(job);
}

/* Fills in what the answer will be; returns how long it takes. */
static int64_t
decide(struct resolve *r, const struct origin *o, struct resolve_answer *a)
{
	struct event_base *w = r->world;

	a->err = E_OK;
	if (world_is_offline(w) || world_has(w, o, DOWN_UNNAMED) ||
	    world_chance(w, o->lookup_stalls)) {
		a->err = E_DNS_TIMEOUT;
		return r->timeout_us;
	}
	if (world_chance(w, o->lookup_fails)) {
		a->err = E_DNS_NXDOMAIN;
		a->detail = "NXDOMAIN";
	} else if (world_chance(w, o->lookup_servfails)) {
		a->err = E_DNS_SERVFAIL;
		a->detail = "SERVFAIL";
	}
	return world_about(w, o->lookup_at_us);
}

static void
write_down(struct event_base *w, unsigned kind, unsigned host)
{
	struct seen e = { .what = SEEN_LOOKUP,
		.kind = kind,
		.host = host,
		.begun_at_us = w->now_us };

	(void)world_see(w, &e);
}

enum resolve_start
resolve_start(struct resolve *r, struct span host, uint16_t port,
    resolve_cb *cb, void *arg, struct resolve_answer *answer,
    struct resolve_job **job)
{
	struct event_base *w = r->world;
	struct resolve_answer a = { 0 };
	struct resolve_job *j;
	unsigned kind, number;
	char name[64] = "";
	int64_t takes;

	(void)port;
	memcpy(name, host.p, host.n < 63 ? host.n : 63);
	if (sscanf(name, "h%u.c%u.test", &number, &kind) != 2)
		world_fail(w, "a look-up of %s", name);
	write_down(w, kind, number);
	takes = decide(r, &w->origins[kind], &a);
	set_address(&a, kind, number);
	r->stats.lookups++;
	if (a.err != E_DNS_TIMEOUT &&
	    world_chance(w, w->origins[kind].lookup_cached)) {
		a.from_cache = 1;
		finish(r, &a, &w->origins[kind]);
		*answer = a;
		return RESOLVE_DONE;
	}
	j = mem_zalloc(1, sizeof(*j));
	j->set = r;
	j->cb = cb;
	j->arg = arg;
	j->answer = a;
	j->origin = &w->origins[kind];
	ev_init(&j->ev, on_answer, j);
	ev_set(w, &j->ev, w->now_us + takes);
	r->stats.open++;
	*job = j;
	return RESOLVE_PENDING;
}

void
resolve_cancel(struct resolve_job *job)
{
	job->set->stats.open--;
	ev_clear(job->set->world, &job->ev);
	free(job);
}

/* No scenario has a standstill during a look-up. */
void
resolve_extend_deadlines(struct resolve *r, int64_t us)
{
	(void)us;
	if (r->stats.open > 0)
		world_fail(r->world, "a look-up is put off");
}

void
resolve_stats(const struct resolve *r, struct resolve_stats *st)
{
	*st = r->stats;
}

void
resolve_forget(struct resolve *r, struct span host)
{
	(void)r;
	(void)host;
}
