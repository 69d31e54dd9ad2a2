/* SPDX-License-Identifier: ISC */
/*
 * What is known of each name: a table with a limit of names and of bytes, from
 * which the least recently used idle name is evicted first. Knows nothing of
 * look-ups and queries.
 */
#include "io/dns/resolve_int.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define MAX_NAMES 100000
#define MAX_BYTES ((size_t)32 << 20)

static size_t
name_bytes(const struct resolve_name *nm)
{
	size_t bytes = sizeof(*nm) + nm->n + 1;
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++)
		bytes += nm->known[f].set.n * resolve_addr_len(f);
	return bytes;
}

static void
free_name(struct resolve_name *nm)
{
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		CHECK(nm->known[f].q == NULL);
		free(nm->known[f].set.addr);
	}
	free(nm);
}

static void
drop(struct resolve_cache *c, struct resolve_name *nm)
{
	CHECK(nm->jobs.n == 0 && !link_on(&nm->on_delay));
	resolve_cache_set_busy(c, nm);
	hash_del(&c->table, &nm->in_table);
	c->bytes -= name_bytes(nm);
	free_name(nm);
}

void
resolve_cache_init(struct resolve_cache *c)
{
	hash_init(&c->table);
	list_init(&c->lru);
	c->bytes = 0;
}

void
resolve_cache_fini(struct resolve_cache *c)
{
	struct hash_link *k, *next;
	size_t i;

	for (i = 0; i < c->table.nslot; i++)
		for (k = c->table.slot[i]; k != NULL; k = next) {
			next = k->next;
			free_name(CONTAINER(k, struct resolve_name, in_table));
		}
	hash_fini(&c->table);
}

struct resolve_name *
resolve_cache_find(
    const struct resolve_cache *c, struct span name, uint64_t hash)
{
	struct resolve_name *nm;
	struct hash_link *k;

	for (k = hash_first(&c->table, hash); k != NULL; k = hash_next(k)) {
		nm = CONTAINER(k, struct resolve_name, in_table);
		if (span_eq(span_of(nm->text, nm->n), name))
			return nm;
	}
	return NULL;
}

struct resolve_name *
resolve_cache_add(struct resolve_cache *c, struct span name, uint64_t hash)
{
	struct resolve_name *nm = mem_zalloc(1, sizeof(*nm) + name.n + 1);
	struct link *k;

	while ((c->table.n >= MAX_NAMES || c->bytes >= MAX_BYTES) &&
	       (k = list_last(&c->lru)) != NULL)
		drop(c, CONTAINER(k, struct resolve_name, on_lru));
	nm->n = name.n;
	memcpy(nm->text, name.p, name.n);
	list_init(&nm->jobs);
	hash_add(&c->table, &nm->in_table, hash);
	c->bytes += name_bytes(nm);
	return nm;
}

void
resolve_cache_set_busy(struct resolve_cache *c, struct resolve_name *nm)
{
	if (link_on(&nm->on_lru))
		list_remove(&c->lru, &nm->on_lru);
}

void
resolve_cache_set_idle(struct resolve_cache *c, struct resolve_name *nm)
{
	if (list_first(&c->lru) == &nm->on_lru)
		return;
	resolve_cache_set_busy(c, nm);
	if (nm->known[RESOLVE_V6].learned_at_us == 0 &&
	    nm->known[RESOLVE_V4].learned_at_us == 0)
		drop(c, nm);
	else
		list_unshift(&c->lru, &nm->on_lru);
}

void
resolve_cache_learn(struct resolve_cache *c, struct resolve_name *nm,
    enum resolve_family f, const struct resolve_reply *rp, int64_t now_us)
{
	struct resolve_known *kn = &nm->known[f];
	size_t len = resolve_addr_len(f);

	c->bytes -= name_bytes(nm);
	kn->learned_at_us = now_us;
	kn->until_at_us = now_us + (int64_t)rp->ttl_s * 1000000;
	kn->batch = nm->batch;
	kn->err = rp->err;
	kn->detail = rp->detail;
	free(kn->set.addr);
	kn->set.addr = NULL;
	kn->set.n = rp->n;
	if (rp->n > 0) {
		kn->set.addr = mem_alloc(rp->n * len);
		memcpy(kn->set.addr, rp->addr, rp->n * len);
	}
	c->bytes += name_bytes(nm);
}
