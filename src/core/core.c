/* SPDX-License-Identifier: ISC */
/*
 * The deciders' common ground, made and taken down. Decides nothing, and knows
 * no mover but by its name.
 */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/decode.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/output/order.h"
#include "core/history.h"
#include "core/xchg.h"
#include "io/timer.h"

static void
set_request_defaults(struct core *c)
{
	const struct opts *o = c->opts;
	struct http_header *v;
	const char *why;
	size_t i, at;

	if (o->user != NULL)
		xchg_basic(&c->authorization, span_str(o->user),
		    span_str(o->password));
	else if (o->oauth2_bearer != NULL)
		buf_printf(&c->authorization, "Bearer %s", o->oauth2_bearer);
	v = mem_zalloc(o->nheaders, sizeof(*v));
	for (i = 0; i < o->nheaders; i++) {
		v[i].name = span_str(o->headers[i].name);
		v[i].value = span_str(o->headers[i].value);
		v[i].remove = o->headers[i].remove;
	}
	c->option_headers = (struct http_headers){ v, o->nheaders };
	if (o->base_url != NULL) /* known to be good */
		(void)url_parse(&c->base_url, span_str(o->base_url), &why, &at);
}

static void
set_pace(struct core *c)
{
	const struct opts *o = c->opts;
	size_t i;

	pace_set(&c->rate, o->rate);
	pace_set(&c->host_rate, o->rate_per_host);
	c->budgets = mem_zalloc(o->nbudgets, sizeof(c->budgets[0]));
	for (i = 0; i < o->nbudgets; i++)
		pace_budget_init(&c->budgets[i], o->budgets[i].rate);
	c->random = (uint64_t)c->hosts.table.key[0] | 1;
}

void
core_init(struct core *c, const struct opts *o, struct event_base *base)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->opts = o;
	c->base = base;
	for (i = 0; i < CORE_STATES; i++)
		list_init(&c->state[i]);
	list_init(&c->run);
	list_init(&c->paused);
	list_init(&c->spare_fetches);
	list_init(&c->spare_xchgs);
	hosts_init(&c->hosts);
	idle_init(&c->idle_pool, host_update);
	network_init(&c->network, hosts_settle);
	sched_init(&c->sched);
	c->read_buf = mem_alloc(CORE_READ_BYTES);
	c->input_left = 1; /* the first turn must not wait */
	list_init(&c->spare_histories);
	set_request_defaults(c);
	set_pace(c);
	if (o->keep_order)
		c->order =
		    order_new(account_order_window(c), o->max_spill_bytes);
}

void
core_drop(struct core *c)
{
	struct link *k;
	size_t i;

	c->was_left |= c->alive > 0;
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

	core_drop(c);
	network_fini(c);
	order_free(c->order);
	idle_fini(c);
	hosts_fini(c);
	sched_fini(&c->sched);
	account_release(c);
	free(c->budgets);
	while ((k = list_shift(&c->spare_histories)) != NULL)
		history_free(CONTAINER(k, struct history, spare));
	while ((k = list_shift(&c->spare_fetches)) != NULL)
		free(CONTAINER(k, struct fetch, link));
	while ((k = list_shift(&c->spare_xchgs)) != NULL)
		xchg_free(CONTAINER(k, struct xchg, spare));
	decode_close(c->spare_decode);
	request_fini(&c->request);
	url_fini(&c->url);
	url_fini(&c->target);
	url_fini(&c->base_url);
	free(c->read_buf);
	free(c->option_headers.v);
	buf_fini(&c->authorization);
}
