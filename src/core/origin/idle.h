/* SPDX-License-Identifier: ISC */
/*
 * Connections kept alive between two exchanges. Each is parked with its origin
 * and closed when the peer closes it, sends unrequested bytes, or its
 * keep-alive time ends.
 */
#ifndef CORE_ORIGIN_IDLE_H
#define CORE_ORIGIN_IDLE_H

#include <stdint.h>

#include "base/list.h"
#include "base/span.h"

struct conn;
struct core;
struct host;
struct timer;

struct idle_pool {
	struct list list;    /* all of them, idle longest first */
	struct list watched; /* those of them on watch */
	struct list spare;
	struct timer *timer, *watch_timer;
	void (*changed)(struct host *h);
};

/* `changed` is called when an origin's usable connections change: one was
 * parked, taken or closed, or its watch ended. */
void idle_init(struct idle_pool *p, void (*changed)(struct host *h));
/* Closes them all. */
void idle_fini(struct core *c);
/*
 * Keeps a connection alive for `keep_us` at most; closes it if --max-idle
 * leaves no room or the origin sends unrequested bytes. Takes *conn and nulls
 * it.
 *
 * `is_bodiless`: its last answer had no body only because HTTP says so (HEAD,
 * 204, 304). If a faulty server sends a body anyway, it would be read as the
 * answer to the next request. So such a connection is on watch for a quarter
 * of a second before it is reused, until three watches at this origin have
 * ended without a byte.
 */
void
idle_park(struct host *h, struct conn **conn, int64_t keep_us, int is_bodiless);
/* h has sent unrequested bytes: closes its idle connections, and no connection
 * to it is reused from now on. */
void idle_stop_reuse(struct host *h);
/* Are these only line ends, which are ignored between two answers? */
int idle_is_blank(struct span s);
/*
 * Until when fetches to h should wait for a connection on watch instead of
 * dialling another one; 0: they need not.
 */
int64_t idle_watched_until(const struct host *h);
/*
 * Takes the kept-alive connection used last, or NULL. It has just been checked:
 * nothing was there to read. `careful`: only one that was parked less than 2 s
 * ago.
 */
struct conn *idle_unpark(struct host *h, int careful);
/* Is there one, as far as is known without checking its socket? */
int idle_has(const struct host *h, int careful);
/* Closes up to n of the connections that have been idle longest; `why` is for
 * the trace. */
void idle_close(struct core *c, size_t n, const char *why);
/* Closes all of one origin. */
void idle_close_host(struct host *h);

#endif
