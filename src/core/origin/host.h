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
#include "io/dns/resolve.h"

struct core;
struct fetch;

/* Where the scheduler keeps it. */
enum host_place {
	HOST_QUIET,  /* nothing waits, but perhaps in back-off */
	HOST_READY,  /* may start one: in the round */
	HOST_FULL,   /* at its limit of transfers */
	HOST_WANT,   /* needs a look-up, and waits for its turn to have one */
	HOST_LOOKUP, /* is being looked up */
	HOST_HELD,   /* nothing may start before a time: on hosts.held */
	HOST_LOST,   /* given up: what waits there is to end */
	HOST_UNRESOLVED, /* its look-up failed: what waits there is to fail */
};

struct host {
	struct hash_link hashed;
	struct link link; /* of its place; on no list in FULL and LOOKUP */
	struct core *core;
	char *key; /* "https://name:443"; the name stands in it */
	struct span origin, name;
	enum url_scheme scheme;
	uint16_t port;
	enum host_place place;
	struct list waiting; /* fetches in QUEUED, the next one first */
	struct list delayed; /* those in back-off, on sched.later as well */
	struct list idle;    /* kept-alive connections, used last first; then
			      * those on watch, the oldest first */
	unsigned watched;    /* of these, how many are on watch */
	unsigned silent_watches; /* how many have ended without a byte */
	int talks;               /* bytes came that belong to no request: its
				  * connections are not used again */
	unsigned active;         /* slots in use */
	int was_full;            /* its limit has held something back */

	struct backoff backoff;
	int64_t pace_at_us;   /* --rate-per-host, --delay: nothing before */
	int is_delayed;       /* and that was --delay */
	int64_t budget_at_us; /* its next item's --budget: likewise */
	int has_worked;       /* a connection came up in this run */
	unsigned unsent;      /* with --delay: started, not yet sent */
	struct heap_link held;
	int64_t held_from_at_us,
	    held_until_at_us;      /* the last time it was held, */
	enum wait_reason why_held; /* and by what */
	size_t contribution;       /* to hosts.startable */

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
	struct list ready, want, lost, unresolved, quiet; /* by their place */
	struct list doubted; /* see `doubt` above */
	struct heap held;    /* by when they may start something */
	struct heap woken; /* those of one moment, only while they are woken */
	size_t startable;  /* items that wait: how many could start now */
	size_t lookups;    /* open */
	uint64_t met;      /* origins there were */
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
/* Something changed: puts the host where it belongs now. */
void host_update(struct host *h);
/*
 * When its waiting items may start as far as its own holds go, and the reason
 * of the longest of them; 0: now.
 */
int64_t host_held_until(const struct host *h, enum wait_reason *why);
/*
 * It is known now whether the network is there. If so, look-ups that failed
 * meanwhile failed by themselves: these hosts are UNRESOLVED.
 */
void hosts_settle(struct core *c, int is_there);
/* The one of its waiting fetches that goes next. */
struct fetch *host_next(const struct host *h);
/* READY hosts take turns: this one has had its own. */
void host_rotate(struct host *h);
/* May f dial with the addresses at hand? */
int host_is_fresh(const struct host *h, const struct fetch *f, int64_t now_us);
/* Looks it up. If that fails, at once or later, it is UNRESOLVED. */
void host_look_up(struct host *h);
/* What waits there has been told: it may be looked up again. */
void host_clear_lookup_err(struct host *h);

#endif
