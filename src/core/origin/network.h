/* SPDX-License-Identifier: ISC */
/*
 * Is there a network at all (--net-down)? Judged by what all
 * look-ups and connects of a run come to. While it is down, one item at a time
 * finds out whether it is back, and none fails.
 */
#ifndef CORE_ORIGIN_NETWORK_H
#define CORE_ORIGIN_NETWORK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "io/dns/resolve.h"

struct core;
struct fetch;
struct host;

struct network {
	int has_worked;          /* something had, in this run */
	union resolve_addr good; /* a peer that was reached; AF_UNSPEC: none */
	struct buf name[2];      /* that were known, of two zones; n 0: none */
	int which;               /* of them is asked for */
	int64_t dns_at_us,
	    peer_at_us;          /* when a name server, a peer answered last */
	struct resolve_job *job; /* a look-up of a known name that finds out
				  * whether any name server is there */
	int is_down;
	int is_dns; /* it is only that: starts go on, look-ups wait */
	const struct host *first; /* whose failure said so; compared only */
	int is_wide;              /* it is not that one alone */
	int64_t down_at_us;       /* since when */
	int64_t back_at_us;       /* when it was last found to be back, or 0 */
	int64_t probe_at_us;      /* when the next item is let through */
	int64_t wait_us;          /* between two of them */
	int is_probing;           /* one is under way */
	void (*settled)(struct core *c, int is_there);
};

/* `settled` is called when a look-up of a known name has told whether any name
 * server is there (see network_failed). */
void
network_init(struct network *n, void (*settled)(struct core *c, int is_there));
void network_fini(struct core *c);
/* A peer answered, be it by refusing. */
void network_works(struct core *c);
/* A name server answered; `name` is what it knew, or none. */
void network_resolved(struct core *c, struct span name);
/* A connection came up to `peer`. */
void network_connected(struct core *c, const union resolve_addr *peer);
/*
 * A look-up or connect for h, begun at since_us, failed so, without any answer.
 * Nonzero: that may be the network's fault, and the item is to wait unharmed
 * until that is known (net.job, settled) or it is back (is_down).
 */
int network_failed(struct core *c, struct host *h, enum err e,
    const char *detail, int64_t since_us);
/* Nonzero: one item or look-up is to go and see whether it is back, from now
 * on. */
int network_begin_probe(struct core *c);
/* Nothing went to see after all: the next probe is a second from now. */
void network_put_off_probe(struct core *c);
/* When to look again, or TIMER_NEVER. */
int64_t network_due_us(const struct core *c);

#endif
