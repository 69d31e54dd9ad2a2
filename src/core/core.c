/* SPDX-License-Identifier: ISC */
/*
 * Initialises and frees what all deciders share. Decides nothing, and calls no
 * mover but timers.
 */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/decode.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/timer.h"

#define NEVER_UP_US 30000000 /* for an origin that never answered */

void
core_set_limits(struct core *c, const struct opts *o)
{
	int64_t dead_us = o->host_dead_after_us;

	c->limits = (struct limits){ .concurrency = o->concurrency,
		.max_per_host = o->max_per_host,
		.max_buffer_bytes = (uint64_t)o->max_buffer_bytes,
		.max_idle = o->max_idle,
		.workers = o->workers,
		.host_dead_after_us = dead_us,
		.never_up_after_us = dead_us,
		.waits_for_network = o->net_down == NET_DOWN_WAIT };
	if (dead_us > NEVER_UP_US && !opts_given(o, OPT_host_dead_after))
		c->limits.never_up_after_us = NEVER_UP_US;
}

void
core_init(struct core *c, struct event_base *base)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->base = base;
	list_init(&c->jobs);
	for (i = 0; i < CORE_STATES; i++)
		list_init(&c->state[i]);
	list_init(&c->run);
	list_init(&c->paused);
	hosts_init(&c->hosts);
	idle_init(&c->idle_pool, host_update);
	network_init(&c->network, hosts_end_pending_lookups);
	sched_init(&c->sched);
	list_init(&c->spare.fetches);
	list_init(&c->spare.xchgs);
	list_init(&c->spare.histories);
	c->spare.read_buf = mem_alloc(CORE_READ_BYTES);
	c->turn.is_work_left = 1; /* the first pass must not wait */
	c->random = (uint64_t)c->hosts.table.key[0] | 1;
}

void
core_drop(struct core *c)
{
	struct link *k, *w;
	struct job *j;
	size_t i;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, struct job, of_core);
		j->was_left |= j->alive > 0;
		while ((w = list_first(&j->emit.waiting)) != NULL)
			fetch_drop(CONTAINER(w, struct fetch, link));
	}
	while ((k = list_first(&c->paused)) != NULL)
		fetch_drop(CONTAINER(k, struct fetch, link));
	for (i = 0; i < CORE_STATES; i++)
		while ((k = list_first(&c->state[i])) != NULL)
			fetch_drop(CONTAINER(k, struct fetch, link));
	while ((k = list_first(&c->run)) != NULL)
		fetch_drop(CONTAINER(k, struct fetch, run));
	hosts_end_waiting(c, fetch_drop);
}

void
core_fini(struct core *c)
{
	struct link *k;

	CHECK(c->jobs.n == 0 && c->alive == 0);
	network_fini(c);
	idle_fini(c);
	hosts_fini(c);
	sched_fini(&c->sched);
	account_release(c);
	while ((k = list_shift(&c->spare.histories)) != NULL)
		history_free(CONTAINER(k, struct history, spare));
	while ((k = list_shift(&c->spare.fetches)) != NULL)
		free(CONTAINER(k, struct fetch, link));
	while ((k = list_shift(&c->spare.xchgs)) != NULL)
		xchg_free(CONTAINER(k, struct xchg, spare));
	decode_close(c->spare.decode);
	request_fini(&c->scratch.request);
	url_fini(&c->scratch.url);
	url_fini(&c->scratch.target);
	free(c->spare.read_buf);
}
