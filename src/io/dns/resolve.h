/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses, by c-ares, with a cache that honours TTLs and at most one
 * open query for each name and family, however many callers wait for it. Knows
 * nothing of origins or fetches. docs/resolver.md explains the whole.
 *
 * Leaf contract: a start call returns RESOLVE_DONE or RESOLVE_PENDING; the
 * callback comes only after RESOLVE_PENDING, only from the event loop, exactly
 * once, and never after resolve_cancel has returned.
 */
#ifndef IO_DNS_RESOLVE_H
#define IO_DNS_RESOLVE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

struct event_base;
struct resolve;
struct resolve_job;

#define RESOLVE_MAX_ADDRS 16
/* How long the callers that waited for an answer may use it, whatever its TTL.
 */
#define RESOLVE_WAITER_US (60 * 1000000LL)

union resolve_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct resolve_answer {
	enum err err;       /* E_OK with at least one address, or E_DNS_* */
	const char *detail; /* "SERVFAIL", "NXDOMAIN", ...: static, or NULL */
	unsigned n;
	/* Without ports, in the order to try: families interleaved, v6 first
	 * (RFC 8305 section 4). */
	union resolve_addr addr[RESOLVE_MAX_ADDRS];
	int64_t until_at_us; /* fresh until then, by timer_now_us() */
	int from_cache; /* no query was sent for it: cache, hosts, number */
	int is_absent;  /* no address, and NXDOMAIN for at least one family */
};

typedef void resolve_cb(void *arg, const struct resolve_answer *answer);

enum resolve_start { RESOLVE_DONE, RESOLVE_PENDING };

struct resolve_conf {
	int64_t timeout_us;  /* --dns-timeout, a whole look-up; 0: no limit */
	int use_v4, use_v6;  /* -4, -6; both by default */
	const char *servers; /* --dns-servers, or NULL: /etc/resolv.conf */
	const char *const *overrides; /* --resolve HOST:PORT:ADDR; HOST may be
				       * "*", ADDR a list by ',' and [v6] */
	size_t noverride;
	const char *hosts_path;       /* normally /etc/hosts */
	const char *resolv_conf_path; /* normally /etc/resolv.conf; its search
				       * list holds for other servers too */
};

struct resolve_stats {
	uint64_t lookups; /* look-ups for which queries were sent */
	uint64_t cached;  /* all others: cached, or already being queried */
	unsigned open;    /* look-ups that have no answer yet */
};

/*
 * NULL with *why filled in (a message for people) if a server or an override is
 * not valid.
 */
struct resolve *resolve_new(struct event_base *base,
    const struct resolve_conf *conf, char *why, size_t why_size);
/* Drops the jobs that are still open. Not to be called from a callback. */
void resolve_free(struct resolve *r);

/*
 * Looks a host up: a name (A-labels, lower case, with or without a trailing
 * dot), or a numeric address without brackets. The port only selects
 * overrides.
 *
 * If the name does not exist, has fewer dots than ndots and none at its end, it
 * is tried in each domain of the search list until one of these names exists. A
 * name does not exist if one family says NXDOMAIN and the other has no address;
 * the error is E_DNS_NXDOMAIN only if the other family did not fail.
 *
 * RESOLVE_DONE: *answer is filled in. RESOLVE_PENDING: *job is set, and cb gets
 * the answer when both families have answered, or 50 ms after the first that
 * has an address (RFC 8305 section 3).
 */
enum resolve_start resolve_start(struct resolve *r, struct span host,
    uint16_t port, resolve_cb *cb, void *arg, struct resolve_answer *answer,
    struct resolve_job **job);
void resolve_cancel(struct resolve_job *job);
/* The process did not run for `us`: open look-ups get that much more time. */
void resolve_extend_deadlines(struct resolve *r, int64_t us);
/* Expires what is cached of a name, so that the next look-up sends a query. */
void resolve_forget(struct resolve *r, struct span host);

void resolve_stats(const struct resolve *r, struct resolve_stats *st);
/* The version of c-ares at run time, "1.18.1". */
const char *resolve_library(void);

#endif
