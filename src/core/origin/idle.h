/* SPDX-License-Identifier: ISC */
/*
 * Connections kept alive between two exchanges: parked with their origin, and
 * closed when the peer closes, talks out of turn, or their time is over.
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
	struct list list;    /* all of them, oldest first */
	struct list watched; /* of these, those on watch */
	struct list spare;
	struct timer *timer, *watch_timer;
	void (*changed)(struct host *h);
};

/* `changed` is called when the connections kept for an origin have become more
 * or fewer, or one of them is not on watch any more. */
void idle_init(struct idle_pool *p, void (*changed)(struct host *h));
/* Closes them all. */
void idle_fini(struct core *c);
/*
 * Keeps a connection alive for `keep_us` at most; closes it if there is no
 * room, or the origin `talks`. Takes *conn and nulls it.
 *
 * `is_bodiless`: its last answer had no body only because the rules say so
 * (HEAD, 204, 304). A server that sends one all the same would be heard to
 * answer the next request with it. So until the origin has been seen to send
 * none, three times, such a connection is on watch for a quarter of a second
 * before it is used again.
 */
void
idle_park(struct host *h, struct conn **conn, int64_t keep_us, int is_bodiless);
/*
 * Bytes came of h that belong to no request: no connection of it is used
 * again.
 */
void idle_distrust(struct host *h);
/* Bytes that mean nothing between two answers: blank lines. */
int idle_is_blank(struct span s);
/*
 * Until when what waits at h should rather wait for a connection on watch than
 * have another one opened; 0: it need not.
 */
int64_t idle_watched_until(const struct host *h);
/*
 * A kept-alive connection, the one used last, or NULL. It has been looked at
 * just now: nothing was there to read. `careful`: only one that was parked less
 * than 2 s ago.
 */
struct conn *idle_unpark(struct host *h, int careful);
/* Is there one, as far as is known without a look at it? */
int idle_has(const struct host *h, int careful);
/* Closes up to n of the connections that have been idle longest; `why` is for
 * the trace. */
void idle_close(struct core *c, size_t n, const char *why);
/* Closes all of one origin. */
void idle_close_host(struct host *h);

#endif
