/* SPDX-License-Identifier: ISC */
/*
 * Is there a network at all (SPEC section 4, --net-down)? Judged by what all
 * look-ups and connects of a run come to. While it is down, one item at a time
 * finds out whether it is back, and none fails.
 */
#ifndef CORE_NET_H
#define CORE_NET_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "io/resolve.h"

struct core;
struct fetch;
struct host;

struct net {
	int has_worked;          /* something had, in this run */
	union resolve_addr good; /* a peer that was reached; AF_UNSPEC: none */
	struct buf name;         /* one that was looked up; n 0: none */
	int is_dns;              /* down: no name server answers */
	struct resolve_job *job; /* a look-up of `name` that finds out */
	int64_t trusted_us;      /* until then a failure is an origin's own, as
				  * long as there is a route */
	int is_down;
	unsigned failures;              /* in a row, of origins that differ */
	const struct host *last_failed; /* compared only, never looked into */
	int64_t down_us;                /* since when */
	int64_t back_us;  /* when it was last found to be back, or 0 */
	int64_t probe_us; /* when the next item is let through */
	int64_t wait_us;  /* between two of them */
	int is_probing;   /* one is under way */
};

void net_fini(struct core *c);
/* Something answered, be it a refusal. */
void net_works(struct core *c);
/* That name was looked up. */
void net_resolved(struct core *c, struct span name);
/* A connection came up to `peer`. */
void net_connected(struct core *c, const union resolve_addr *peer);
/*
 * A look-up or connect for h failed so, without any answer. Nonzero: the
 * network is down, and the item is to wait for it, unharmed. `had_worked`: this
 * origin had been reached in this run.
 */
int net_failed(struct core *c, const struct host *h, enum err e,
    const char *detail, int had_worked);
/*
 * May one item go and see? If so that is what it does. Where it is the name
 * servers that are gone, none need go: a name that was known is asked for.
 */
int net_may_probe(struct core *c);
/* There was nothing it could have started. */
void net_has_not_tried(struct core *c);
/* When to look again, or TIMER_NEVER. */
int64_t net_due_us(const struct core *c);

#endif
