/* SPDX-License-Identifier: ISC */
/*
 * Connections kept alive between two exchanges: parked with their origin, and
 * closed when the peer closes, talks out of turn, or their time is over.
 */
#ifndef CORE_IDLE_H
#define CORE_IDLE_H

#include <stdint.h>

#include "core/core.h"

struct conn;
struct host;

void idle_init(struct core *c);
/* Closes them all. */
void idle_fini(struct core *c);
/*
 * Keeps a connection alive for `keep_us` at most; closes it if there is no
 * room. Takes *conn and nulls it.
 */
void idle_park(struct host *h, struct conn **conn, int64_t keep_us);
/*
 * A kept-alive connection, the one used last, or NULL. `careful`: only one
 * that was parked less than 2 s ago and has nothing to read.
 */
struct conn *idle_unpark(struct host *h, int careful);
/* Is there one, as far as is known without a look at it? */
int idle_has(const struct host *h, int careful);
/* Closes up to n of the connections that have been idle longest. */
void idle_close(struct core *c, size_t n);

#endif
