/* SPDX-License-Identifier: ISC */
/*
 * An origin (scheme, host, port): the fetches that wait for it, its addresses,
 * what holds it, and whether it may start something. Knows nothing of HTTP.
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
	struct link link; /* of hosts.quiet: it has nothing to do */
	struct core *core;
	char *key; /* "https://name:443"; the name stands in it */
	struct span origin, name;
	enum url_scheme scheme;
	uint16_t port;
	struct list queues; /* one for each job; the one that has started
			     * something last is last */
	struct queue own;   /* of these, the first job's */
	size_t nqueues;     /* others, on the heap */
	struct list idle;   /* kept-alive connections, used last first; then
			     * those on watch, the oldest first */
	unsigned watched;   /* of these, how many are on watch */
	unsigned silent_watches; /* how many have ended without a byte */
	int talks;               /* bytes came that belong to no request: its
				  * connections are not used again */
	unsigned active;         /* slots in use */

	struct backoff backoff;
	int64_t pace_at_us;    /* a rate learnt from it: nothing before */
	int64_t started_at_us; /* the last start there, of any job */
	int64_t sent_at_us;    /* the last request that left, likewise */
	int has_worked;        /* a connection came up in this run */
	unsigned unsent; /* started, not yet sent; if any job has --delay */

	struct resolve_job *job;
	enum err doubt;      /* how its look-up failed, while that may be the
			      * network's fault; E_OK: no doubt */
	struct link doubted; /* of hosts.doubted, while there is one */
	const char *doubt_detail;
	enum err lookup_err; /* UNRESOLVED: how its look-up failed; or E_OK */
	const char *lookup_detail; /* static; or NULL */
	union resolve_addr *addr;
	unsigned naddr;
	size_t charged;      /* for itself, its name and addresses */
	int64_t until_at_us; /* addresses fresh until then */
	int64_t lookup_at_us, answer_at_us; /* the look-up they came from */
};

/* All origins. */
struct hosts {
	struct hash table;
	struct list quiet;   /* with nothing to do, forgotten one day */
	struct list doubted; /* see `doubt` above */
	size_t lookups;      /* open */
	/* Their queues, by place. */
	struct list lost, unresolved;
	size_t nready, nwant; /* over all jobs */
	struct heap held;     /* by when they may start something */
	struct heap woken; /* those of one moment, only while they are woken */
	uint64_t met;      /* origins there were */
	int delays;        /* some job has --delay */
	int64_t longest_gap_us; /* of any job between two starts at one */
	/* An origin is held from now on (core/origin/backoff); NULL: nobody
	 * asks. */
	void (*hold_begun)(void *arg, const struct host *h);
	void *hold_begun_arg;
};

void hosts_init(struct hosts *all);
/* Every fetch must be gone. */
void hosts_fini(struct core *c);

/* Calls `end` for every item that waits; it does not wait afterwards. */
void hosts_end_waiting(struct core *c, void (*end)(struct fetch *f));
/* Calls back for every item that waits, until `each` returns 0. */
void hosts_each_waiting(
    struct core *c, int (*each)(void *arg, const struct fetch *f), void *arg);

/* The origin of a URL; made if it is new. */
struct host *host_of(struct core *c, const struct url *u);
/* Something changed: puts its queues where they belong now. */
void host_update(struct host *h);
/*
 * It is known now whether the network is there. If so, look-ups that failed
 * meanwhile failed by themselves: these hosts are UNRESOLVED.
 */
void hosts_settle(struct core *c, int is_there);
/* Items that wait there, of all jobs. */
size_t host_waiting(const struct host *h);
/* A job ends: no origin has a queue of it any more. */
void hosts_forget_job(struct core *c, const struct job *j);
/* May f dial with the addresses at hand? */
int host_is_fresh(const struct host *h, const struct fetch *f, int64_t now_us);
/* Looks it up. If that fails, at once or later, it is UNRESOLVED. */
void host_look_up(struct host *h);
/* What waits there has been told: it may be looked up again. */
void host_clear_lookup_err(struct host *h);

#endif
