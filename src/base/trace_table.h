/* SPDX-License-Identifier: ISC */
/*
 * The events of a trace, once: the enum, the lines, docs/debugging.md and the
 * tests come from here.
 *
 * TRACE(id, "name", "id", "other", "count", "value", "why", "text",
 *     "meaning")
 *   id, other, count, value, why, text
 *            the key under which that field of struct trace_event is written;
 *            "" if the event does not use it. A field that is 0 or empty is
 *            left out. A value whose key begins with '@' is a moment, and is
 *            written as microseconds since the start, like the first column.
 *   meaning  for docs/debugging.md
 */
#ifndef TRACE
#error "define TRACE before including base/trace_table.h"
#endif

TRACE(FETCH_MOVE, "fetch.move", "seq", "conn", "attempt", "status", "why",
    "url",
    "an item enters another state; url: the origin it waits for, or the path "
    "that is requested")

TRACE(FETCH_DROP, "fetch.drop", "seq", "", "attempt", "", "why", "",
    "an item ends without a record, as the run ends")

TRACE(CONN_DIAL, "conn.dial", "seq", "dial", "addresses", "", "", "origin",
    "a connection is begun for an item; its attempts have the same dial")
TRACE(CONN_TRY, "conn.try", "", "dial", "", "", "", "to", "an address is tried")
TRACE(CONN_TRY_FAILED, "conn.try_failed", "", "dial", "", "", "why", "to",
    "it cannot be reached; the next address is tried")
TRACE(CONN_UP, "conn.up", "conn", "dial", "", "", "", "to",
    "TCP is up; from now on the connection has a number")
TRACE(CONN_TLS, "conn.tls", "conn", "", "verified", "queued", "version",
    "cipher", "TLS is up; the handshake had waited so long in our queue")
TRACE(CONN_FAILED, "conn.failed", "conn", "dial", "", "", "why", "detail",
    "no address could be reached, or the handshake failed")
TRACE(CONN_CLOSED, "conn.closed", "conn", "dial", "", "", "why", "",
    "the socket was closed, for this reason")

TRACE(LOOKUP_BEGIN, "lookup.begin", "", "", "", "", "", "name",
    "name servers are asked for the addresses of an origin's host")
TRACE(LOOKUP_ANSWERED, "lookup.answered", "", "", "addresses", "took", "from",
    "name", "they are known")
TRACE(LOOKUP_FAILED, "lookup.failed", "", "", "", "took", "why", "name",
    "there are none: every item that waits for them fails, or is tried again")

TRACE(ORIGIN_HELD, "origin.held", "", "", "waiting", "@until", "why", "origin",
    "the items that wait for an origin may not start before then")
TRACE(ORIGIN_RELEASED, "origin.released", "", "", "waiting", "", "why",
    "origin", "they may start, as far as other limits allow")
TRACE(ORIGIN_BACKOFF, "origin.backoff", "", "", "active", "@until", "why",
    "origin",
    "the back-off of an origin begins anew, after what it answered "
    "or failed with; later one request may find out")
TRACE(ORIGIN_GIVEN_UP, "origin.given_up", "", "", "waiting", "@until", "why",
    "origin", "the items that wait for an origin end as host_unavailable")
TRACE(RUN_PAUSED, "run.paused", "", "", "", "", "", "by",
    "nothing starts; without by: it starts again")

TRACE(WORKER_STARTED, "worker.started", "worker", "", "", "pid", "", "program",
    "a process that parses is started")
TRACE(WORKER_READY, "worker.ready", "worker", "", "", "", "", "program",
    "it is in its sandbox and takes documents")
TRACE(WORKER_GIVEN, "worker.given", "worker", "seq", "", "bytes", "", "program",
    "it is sent the answer of an item")
TRACE(WORKER_ANSWERED, "worker.answered", "worker", "seq", "", "took", "why",
    "program", "it has answered; why: the code of parse.error")
TRACE(WORKER_KILLED, "worker.killed", "worker", "", "", "", "why", "program",
    "it is killed, or has ended by itself")
TRACE(WORKER_ENDED, "worker.ended", "worker", "", "", "", "why", "program",
    "its process is gone; why: what its first document is charged with")

TRACE(LOST, "trace.lost", "", "", "", "events", "", "",
    "so many events are missing here: the reader of the trace was too slow")
