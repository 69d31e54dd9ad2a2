/* SPDX-License-Identifier: ISC */
/*
 * io/pool/pool.h over the virtual clock: workers that need some time for each
 * document, have at most two at once, and fail at some. Checks that each
 * document has the announced length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "io/pool/pool.h"
#include "world.h"

#define WORKERS_MAX 64
#define WITH_A_WORKER 2

struct worker {
	struct pool *pool;
	unsigned number; /* from 1 */
	struct list docs;
	struct ev ev;
};

struct pool {
	struct event_base *world;
	struct pool_conf conf;
	struct list waiting;
	struct worker worker[WORKERS_MAX];
	size_t queue_max;
};

static void on_parsed(void *arg);

struct pool *
pool_new(struct event_base *base, const struct pool_conf *conf)
{
	struct pool *p = mem_zalloc(1, sizeof(*p));
	unsigned i;

	p->world = base;
	p->conf = *conf;
	list_init(&p->waiting);
	for (i = 0; i < conf->workers; i++) {
		p->worker[i].pool = p;
		p->worker[i].number = i + 1;
		list_init(&p->worker[i].docs);
		ev_init(&p->worker[i].ev, on_parsed, &p->worker[i]);
	}
	return p;
}

void
pool_free(struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		ev_clear(p->world, &p->worker[i].ev);
	free(p);
}

/* ---- documents ---- */

static void
swallow(struct pool *p, struct pool_doc *d)
{
	struct buf b = { 0 };
	int begin = 1, n = 0;

	while (p->conf.fill(d, &b, begin)) {
		begin = 0;
		if (++n > 100000)
			world_fail(p->world, "a document without an end");
	}
	if (p->conf.protocol == POOL_FRAMES && b.n != d->bytes)
		world_fail(p->world, "a document of %zu bytes, not %llu", b.n,
		    (unsigned long long)d->bytes);
	if (p->conf.protocol == POOL_LINES &&
	    (b.n == 0 || b.p[b.n - 1] != '\n'))
		world_fail(p->world, "a line without its end");
	buf_fini(&b);
}

static void
set_timer(struct worker *w)
{
	struct event_base *world = w->pool->world;

	if (w->docs.n > 0 && w->ev.place == 0)
		ev_set(world, &w->ev,
		    world->now_us + world_about(world, world->parse_us));
}

static void
give(struct worker *w, struct pool_doc *d)
{
	d->worker = w;
	list_push(&w->docs, &d->link);
	swallow(w->pool, d);
	set_timer(w);
}

static void
feed(struct pool *p)
{
	struct worker *w, *least;
	unsigned i;

	while (p->waiting.n > 0) {
		least = &p->worker[0];
		for (i = 1; i < p->conf.workers; i++) {
			w = &p->worker[i];
			if (w->docs.n < least->docs.n)
				least = w;
		}
		if (least->docs.n >= WITH_A_WORKER)
			break;
		give(least,
		    CONTAINER(list_shift(&p->waiting), struct pool_doc, link));
	}
	if (p->waiting.n > p->queue_max)
		p->queue_max = p->waiting.n;
}

void
pool_put(struct pool *p, struct pool_doc *d)
{
	d->worker = NULL;
	list_push(&p->waiting, &d->link);
	feed(p);
}

void
pool_cancel(struct pool *p, struct pool_doc *d)
{
	struct worker *w = d->worker;

	list_remove(w != NULL ? &w->docs : &p->waiting, &d->link);
	if (w != NULL && w->docs.n == 0)
		ev_clear(p->world, &w->ev);
	feed(p);
}

/* ---- results ---- */

static void
answer(struct pool *p, struct pool_doc *d, struct pool_result *r)
{
	const struct fetch *f = d->arg;
	char text[80];

	snprintf(text, sizeof(text),
	    p->conf.protocol == POOL_FRAMES ? "{\"title\":\"%llu\"}"
					    : "\"%llu\"",
	    (unsigned long long)f->seq);
	r->value = span_str(text);
	if (p->conf.check(d, r->value) == -1 ||
	    p->conf.check(d, span_of(text, 2)) == 0)
		world_fail(p->world, "%s is not judged rightly", text);
	if (world_chance(p->world, p->world->parse_fails)) {
		r->error = PARSE_CRASHED;
		r->value = SPAN_NONE;
	}
	p->conf.done(d, r);
}

static void
on_parsed(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	struct link *k = list_shift(&w->docs);
	struct pool_result r = { .worker = w->number };

	p->conf.tick(p->conf.arg);
	r.time_us = p->world->parse_us;
	set_timer(w);
	answer(p, CONTAINER(k, struct pool_doc, link), &r);
	feed(p);
}

size_t
pool_waiting(const struct pool *p)
{
	return p->waiting.n;
}

int
pool_is_with_worker(const struct pool_doc *d)
{
	return d->worker != NULL;
}

void
pool_resume(struct pool *p)
{
	(void)p;
}

int
pool_is_busy(const struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf.workers; i++)
		if (p->worker[i].docs.n > 0)
			return 1;
	return p->waiting.n > 0;
}

size_t
pool_held_bytes(const struct pool *p)
{
	(void)p;
	return 0;
}

void
pool_stats(const struct pool *p, struct pool_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->workers = p->conf.workers;
	st->queue_max = p->queue_max;
}
