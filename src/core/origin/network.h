/* SPDX-License-Identifier: ISC */
/*
 * Detects that the machine has no network (--net-down), from the outcome of
 * all look-ups and connects of a run. While it is down, one item at a time
 * probes it, and no item fails.
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
	int has_worked; /* a look-up or a connect succeeded in this run */
	union resolve_addr last_peer; /* reached last; AF_UNSPEC: none */
	struct buf name[2]; /* names resolved last, of two zones; n 0: none */
	int name_index;     /* of the one looked up by the next probe */
	int64_t dns_at_us,
	    peer_at_us;             /* last answer of a name server, a peer */
	struct resolve_job *lookup; /* of a known name, to find out whether any
				     * name server answers; or NULL */
	int is_down;
	int is_dns_only; /* name servers only: dials go on, look-ups wait */
	const struct host *origin; /* that failed first; compared only */
	int is_confirmed;          /* another origin failed as well */
	int64_t down_at_us;        /* since when it is down */
	int64_t back_at_us;        /* when it last came back; 0: never */
	int64_t probe_at_us;       /* when the next probe may start */
	int64_t wait_us;           /* between two probes */
	int is_probing;            /* one is under way */
	void (*server_checked)(struct core *c, int is_there);
};

/* `server_checked` is called when a look-up of a known name has shown whether
 * any name server answers (see network_failed). */
void network_init(
    struct network *n, void (*server_checked)(struct core *c, int is_there));
void network_fini(struct core *c);
/* A peer answered, even if by refusing a connection. */
void network_works(struct core *c);
/* A name server answered; `name` is one that exists, or none. */
void network_resolved(struct core *c, struct span name);
/* A connection to `peer` succeeded. */
void network_connected(struct core *c, const union resolve_addr *peer);
/*
 * A look-up or connect for h, begun at since_us, failed with e and without any
 * answer. Nonzero: that may be due to the network. The item must then wait, at
 * no cost to it, until server_checked is called (if network.lookup is set) or
 * the network is back (is_down).
 */
int network_failed(struct core *c, struct host *h, enum err e,
    const char *detail, int64_t since_us);
/* Begins a probe if one is due. Nonzero: one item or look-up is to start as
 * the probe. */
int network_begin_probe(struct core *c);
/* The probe did not take place: the next one is due in a second. */
void network_postpone_probe(struct core *c);
/* When the next probe is due, or TIMER_NEVER. */
int64_t network_due_us(const struct core *c);

#endif
