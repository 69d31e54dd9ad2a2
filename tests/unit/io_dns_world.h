/* SPDX-License-Identifier: ISC */
/*
 * A resolver and its two scripted name servers on one libevent base, and
 * look-ups whose answers are kept.
 */
#ifndef TESTS_UNIT_IO_RESOLVE_WORLD_H
#define TESTS_UNIT_IO_RESOLVE_WORLD_H

#include "io_dns_server.h"

#include <stdio.h>

#include "io/dns/resolve_int.h"
#include "io/timer.h"

#define MS 1000LL

struct world {
	struct event_base *base;
	struct server sv[2];
	struct resolve *r;
	char servers[80];
	int in_start;
};

struct wait {
	struct world *w;
	struct resolve_answer a;
	struct resolve_job *job;
	enum resolve_start how;
	int calls;
	int64_t took_us, began_us;
};

static void
world_open(struct world *w, int nserver, const struct rule *r0,
    const struct rule *r1, struct resolve_conf conf)
{
	struct event_config *cfg = event_config_new();
	char why[200] = "";

	memset(w, 0, sizeof(*w));
	event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
	w->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	server_open(&w->sv[0], w->base, r0);
	server_open(&w->sv[1], w->base, r1 != NULL ? r1 : r0);
	snprintf(w->servers, sizeof(w->servers),
	    nserver == 2 ? "127.0.0.1#%u,127.0.0.1#%u" : "127.0.0.1#%u",
	    w->sv[0].port, w->sv[1].port);
	conf.servers = w->servers;
	if (conf.timeout_us == 0)
		conf.timeout_us = 5000 * MS;
	if (!conf.use_v4 && !conf.use_v6)
		conf.use_v4 = conf.use_v6 = 1;
	w->r = resolve_new(w->base, &conf, why, sizeof(why));
	assert_string_equal(why, "");
	assert_non_null(w->r);
}

static const struct resolve_conf plain;

static void
stay(struct world *w, int64_t us)
{
	struct timeval tv = { us / 1000000, us % 1000000 };

	event_base_loopexit(w->base, &tv);
	event_base_loop(w->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void
world_close(struct world *w)
{
	resolve_free(w->r);
	server_close(&w->sv[0]);
	server_close(&w->sv[1]);
	event_base_free(w->base);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct wait *wt = arg;

	assert_false(wt->w->in_start);
	wt->a = *a;
	wt->calls++;
	wt->took_us = timer_now_us() - wt->began_us;
}

static void
start(struct world *w, struct wait *wt, const char *host)
{
	memset(wt, 0, sizeof(*wt));
	wt->w = w;
	wt->began_us = timer_now_us();
	w->in_start = 1;
	wt->how = resolve_start(
	    w->r, span_str(host), 443, on_answer, wt, &wt->a, &wt->job);
	w->in_start = 0;
	assert_int_equal(wt->job != NULL, wt->how == RESOLVE_PENDING);
}

static void
finish(struct wait *wt)
{
	int64_t limit = timer_now_us() + 8000 * MS;

	while (wt->how == RESOLVE_PENDING && wt->calls == 0 &&
	       timer_now_us() < limit)
		event_base_loop(wt->w->base, EVLOOP_ONCE);
	assert_int_equal(wt->calls, wt->how == RESOLVE_PENDING);
	assert_int_equal(wt->a.from_cache, wt->how == RESOLVE_DONE);
	assert_int_equal(wt->a.n > 0, wt->a.err == E_OK);
}

/* Addresses with blanks between them, or the error's code. */
static const char *
text_of(const struct resolve_answer *a, char *out, size_t size)
{
	char one[INET6_ADDRSTRLEN];
	const union resolve_addr *at;
	size_t n = 0;
	unsigned i;

	if (a->err != E_OK)
		return error_code(a->err);
	for (i = 0; i < a->n; i++) {
		at = &a->addr[i];
		inet_ntop(at->sa.sa_family,
		    at->sa.sa_family == AF_INET
			? (const void *)&at->in.sin_addr
			: (const void *)&at->in6.sin6_addr,
		    one, sizeof(one));
		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", i > 0 ? " " : "", one);
	}
	return out;
}

static void
expect(struct world *w, const char *host, const char *what)
{
	struct wait wt;
	char out[1024];

	start(w, &wt, host);
	finish(&wt);
	assert_string_equal(text_of(&wt.a, out, sizeof(out)), what);
}

#endif
