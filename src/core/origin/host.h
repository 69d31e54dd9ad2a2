/* SPDX-License-Identifier: ISC */
/*
 * An origin (scheme, host, port): the fetches that wait for it, its addresses,
 * its limits and holds, and whether it may start a fetch. Knows nothing of
 * HTTP.
 */
#ifndef CORE_ORIGIN_HOST_H
#define CORE_ORIGIN_HOST_H

#include <stdint.h>

#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/span.h"
#include "codec/url/url.h"
#include "core/origin/backoff.h"
#include "core/origin/queue.h"
#include "io/dns/resolve.h"

struct core;
struct fetch;

struct host {
	struct hash_link hashed;
	struct link link; /* of hosts.unused, while it has no work */
	struct core *core;
	char *key; /* "https://name:443"; `origin` and `name` point into it */
	struct span origin, name;
	enum url_scheme scheme;
	uint16_t port;
	struct list queues; /* one for each job, ordered by their last start,
			     * the latest at the end */
	struct queue own;   /* memory of one of them; */
	size_t nqueues;     /* the number of others, on the heap */
	struct list idle;   /* kept-alive connections, last used first; then
			     * those on watch, the oldest first */
	unsigned watched;   /* connections on watch */
	unsigned silent_watches; /* watches that ended without a byte */
	int sends_unrequested;   /* bytes came that belong to no request: its
				  * connections are not reused */
	unsigned active;         /* transfer slots in use */

	struct backoff backoff;
	int64_t pace_at_us;    /* of the learnt rate: no start before */
	int64_t started_at_us; /* last start, of any job */
	int64_t sent_at_us;    /* last request sent, of any job */
	int has_worked;        /* a connection succeeded in this run */
	unsigned unsent; /* started, not yet sent; if any job has --delay */

	struct resolve_job *lookup; /* under way; or NULL */
	enum err pending_dns_error; /* of a look-up that failed, while that may
				     * be due to the network; or E_OK */
	struct link pending_dns_link;   /* of hosts.pending_dns, while set */
	const char *pending_dns_detail; /* static; or NULL */
	enum err lookup_err;            /* of its last look-up; or E_OK */
	const char *lookup_detail;      /* static; or NULL */
	union resolve_addr *addr;
	unsigned naddr;
	size_t charged;      /* for itself, its name and addresses */
	int64_t until_at_us; /* the addresses are fresh until then */
	int64_t lookup_at_us, answer_at_us; /* the look-up they came from */
};

/* All origins. */
struct hosts {
	struct hash table;
	struct list unused;      /* without transfers, connections or waiting
				  * fetches: may be forgotten */
	struct list pending_dns; /* see pending_dns_error */
	size_t lookups;          /* under way */
	/* Their queues, by state. */
	struct list given_up, unresolved;
	size_t nready, nneed_lookup; /* over all jobs */
	struct heap held;            /* by the moment they may start a fetch */
	struct heap woken;           /* used while held ones are woken */
	uint64_t created;            /* origins, in all */
	int delays;                  /* some job has --delay */
	int64_t longest_gap_us;      /* of any job between two starts at one */
	/* Called when an origin's hold begins (core/origin/backoff); or
	 * NULL. */
	void (*hold_begun)(void *arg, const struct host *h);
	void *hold_begun_arg;
};

void hosts_init(struct hosts *all);
/* Every fetch must be gone. */
void hosts_fini(struct core *c);

/*
 * Calls `each` for every origin until it returns 0. `each` must not create or
 * forget an origin: it may fail or drop fetches, but not requeue them.
 */
void
hosts_each(struct core *c, int (*each)(void *arg, struct host *h), void *arg);
/* Has it limits that later fetches must obey, if it has no work now? */
int host_has_limits(const struct host *h);
/* Calls `end` for every waiting fetch; `end` must take it off its list. */
void hosts_end_waiting(struct core *c, void (*end)(struct fetch *f));
/* Calls `each` for every waiting fetch, until it returns 0. */
void hosts_each_waiting(
    struct core *c, int (*each)(void *arg, const struct fetch *f), void *arg);

/* The origin of a URL, created if it is new. May forget others that are
 * unused. */
struct host *host_of(struct core *c, const struct url *u);
/* Computes the states of its queues again, after a change. */
void host_update(struct host *h);
/*
 * Ends the doubt about look-ups with a pending error: if the network is there,
 * they failed by themselves and the waiting fetches fail; otherwise they are
 * repeated.
 */
void hosts_end_pending_lookups(struct core *c, int is_there);
/* The number of its waiting fetches, of all jobs. */
size_t host_waiting(const struct host *h);
/* A job ends: removes its queues from all origins. */
void hosts_forget_job(struct core *c, const struct job *j);
/* May f dial the addresses that are known? */
int host_is_fresh(const struct host *h, const struct fetch *f, int64_t now_us);
/* Starts its look-up. If that fails, at once or later, lookup_err is set. */
void host_look_up(struct host *h);
/* Its waiting fetches have failed: it may be looked up again. */
void host_clear_lookup_err(struct host *h);

#endif
