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
#include "core/host.h"
#include "core/xchg.h"
#include "io/timer.h"

static void
set_request_defaults(struct core *c)
{
	const struct opts *o = c->opts;
	struct http_header *v;
	size_t i;

	if (o->user != NULL)
		xchg_basic(&c->authorization, span_str(o->user),
		    span_str(o->password));
	v = mem_zalloc(o->nheaders, sizeof(*v));
	for (i = 0; i < o->nheaders; i++) {
		v[i].name = span_str(o->headers[i].name);
		v[i].value = span_str(o->headers[i].value);
		v[i].remove = o->headers[i].remove;
	}
	c->option_headers = (struct http_headers){ v, o->nheaders };
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
	hosts_init(c);
	c->read_buf = mem_alloc(CORE_READ_BYTES);
	c->input_left = 1; /* the first turn must not wait */
	set_request_defaults(c);
}

static void
drop_all(struct core *c)
{
	struct link *k;
	size_t i;

	while ((k = list_first(&c->paused)) != NULL)
		fetch_drop(CONTAINER(k, struct fetch, link));
	for (i = 0; i < CORE_STATES; i++)
		while ((k = list_first(&c->state[i])) != NULL)
			fetch_drop(CONTAINER(k, struct fetch, link));
	while ((k = list_first(&c->run)) != NULL)
		fetch_drop(CONTAINER(k, struct fetch, run));
	hosts_drop_waiting(c);
}

void
core_fini(struct core *c)
{
	struct link *k;

	drop_all(c);
	hosts_fini(c);
	timer_free(c->fd_timer);
	while ((k = list_shift(&c->spare_fetches)) != NULL)
		free(CONTAINER(k, struct fetch, link));
	while ((k = list_shift(&c->spare_xchgs)) != NULL)
		xchg_free(CONTAINER(k, struct xchg, spare));
	decode_close(c->spare_decode);
	request_fini(&c->request);
	url_fini(&c->url);
	free(c->read_buf);
	free(c->option_headers.v);
	buf_fini(&c->authorization);
}
