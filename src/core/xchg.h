/* SPDX-License-Identifier: ISC */
/*
 * One HTTP exchange: the request's bytes, the answer's bytes through the
 * codecs with every limit counted, and a verdict. Knows nothing of queues,
 * slots or who is told.
 *
 * Also the memory of a fetch in flight: taken with its slot, kept until its
 * record is written, reused by the next one.
 */
#ifndef CORE_XCHG_H
#define CORE_XCHG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/span.h"
#include "codec/decode.h"
#include "codec/http/http.h"
#include "codec/media_type.h"
#include "codec/record/record.h"
#include "codec/record/line.h"
#include "codec/request.h"
#include "codec/stream.h"
#include "codec/url/url.h"
#include "core/core.h"
#include "core/output/stream.h"
#include "core/retry.h"
#include "io/dns/resolve.h"

struct conn;
struct fetch;
struct parse;
struct timer;

#define XCHG_BODY_MAX (1u << 30) /* bytes of a body_file */

enum xchg_verdict {
	XCHG_MORE,  /* all taken, the answer goes on */
	XCHG_HEAD,  /* the header section is complete: call xchg_take_verdict */
	XCHG_AGAIN, /* decoded enough for now: call xchg_continue */
	XCHG_DONE,  /* the answer is whole */
	XCHG_CUT,   /* what is left of it is not wanted; see verdict */
	XCHG_BAD,   /* see err, phase, detail */
};

struct xchg {
	struct core *core;
	struct fetch *fetch;
	struct link spare;
	struct timer
	    *timer; /* of all its deadlines; made with its first slot */

	/* The request. */
	struct request req;
	struct url url;  /* of this request */
	struct url home; /* the item's own, if this is a hop */
	int has_url, is_hop;
	struct span method;
	struct buf head;   /* its header section */
	struct buf upload; /* what body_file held */
	struct span body_out;

	/* The connection it runs on. */
	struct conn *conn;
	int is_reused; /* it had served another exchange before */
	int is_resent;
	int is_counted; /* it began an attempt */
	int is_unsent;  /* --delay has not begun */
	int asks_close; /* the user wants it to end after the answer */
	unsigned epoch; /* of its origin's back-off, when it began */
	int is_probe;   /* its origin was unreachable when it began */

	/* The answer. */
	struct http *http;
	struct decode *decode;        /* while is_coded */
	enum retry_verdict verdict;   /* what its header section led to */
	enum http_verdict after_head; /* of the bytes that completed it, */
	struct span body_in;          /* and the body's bytes among them */
	struct span content_type;     /* its lines as one list; p NULL: none */
	struct buf type_lines;        /* where they are put together */
	struct media_type media;      /* and read */
	int is_coded, is_whole_on_wire;
	int is_behind;         /* output is due before more input */
	struct buf pending;    /* body bytes that wait to be decoded */
	struct buf body;       /* decoded */
	enum live live;        /* it is reported as it comes, not kept */
	struct stream *stream; /* taken with the first stream */
	enum stream_kind stream_kind;
	uint64_t lines;          /* of it, the one under way with them */
	size_t live_at;          /* of x->body, bytes that were taken */
	struct record_line line; /* the one under way, if there is one, */
	struct record_line_at line_at;
	int has_line, is_live_over;
	size_t charged; /* for all that it holds */
	uint64_t wire_bytes, decoded_bytes;
	unsigned flags; /* RECORD_* */
	enum err err;
	enum phase phase;
	const char *detail;
	char *note; /* more for people, heap or NULL */

	/* Facts for the record, from the connection or before it. */
	uint64_t conn_id;
	union resolve_addr peer;
	int has_peer, tls_verified;
	const char *tls_version;

	/* Moments, 0 if not reached; start_us includes the look-up. */
	int64_t start_at_us, looked_up_at_us, up_at_us, secure_at_us,
	    first_at_us, end_at_us;
	/* Deadlines. */
	int64_t slot_at_us;      /* --max-time counts from here */
	int64_t paused_at_us;    /* since when we do not read, or 0, */
	int paused_for;          /* and why: see sched_must_pause */
	int64_t paused_total_us; /* how long that was in all for the output, */
	int64_t memory_us;       /* and for memory */
	int64_t handshake_queue_us; /* its handshake waited for us, once it is
				       over */
	int64_t window_at_us;       /* --speed-time window began */
	uint64_t window_bytes;
	/* A stream was asked for, and is not coming, since then; or 0. */
	int64_t refused_at_us;
	int64_t
	    drain_at_us;   /* a body nobody wants is whole by then, or cut; 0 */
	unsigned put_offs; /* see core/deadline */

	struct parse *parse; /* taken with the first answer to be parsed */
	struct record_at at; /* how far its record is written */
};

#define XCHG_IP_TEXT 46 /* bytes of an address as text */

/* Cumulative from the request's start; RECORD_NO_TIME if not reached. */
struct xchg_times {
	int64_t namelookup, connect, appconnect, starttransfer, total;
};

struct xchg *xchg_take(struct core *c, struct fetch *f);
/* Takes *x and nulls it; the connection must be gone. */
void xchg_give(struct xchg **x);
void xchg_free(struct xchg *x);

/*
 * Reads the line again, for what a record says of it, and the hop it is on.
 * Nonzero: it is good.
 */
int xchg_look(struct xchg *x, const struct fetch *f);
/*
 * Understands the line again and writes the request. E_OK, or an error of
 * class input with note set (a body_file that cannot be read).
 */
enum err xchg_prepare(struct xchg *x, const struct fetch *f);
/* Makes ready for an answer to it. */
void xchg_expect(struct xchg *x);
/* Charges what it holds now, with its request, to the run's account. */
void xchg_count_held(struct xchg *x);
/* What its pause has lasted is added to those before; it begins anew. */
void xchg_count_pause(struct xchg *x);
/* The URL of the item, whatever hop this is. */
const struct url *xchg_item_url(const struct xchg *x);
/* Forgets the answer and the connection: the request goes out anew, once
 * xchg_expect was called. */
void xchg_reset(struct xchg *x);
/* Forgets what parsers made of the answer; none of them may have it. */
void xchg_clear_parse(struct xchg *x);
/* Copies what the record needs to know of x->conn. */
void xchg_note_conn(struct xchg *x);

/* Feeds bytes as they came. They must stay until the next call after HEAD. */
enum xchg_verdict xchg_input(struct xchg *x, struct span in);
/*
 * After XCHG_HEAD: what the header section leads to (core/retry); goes on with
 * what came after it. VERDICT_ERROR: err, phase and detail are set.
 */
enum xchg_verdict xchg_take_verdict(struct xchg *x, enum retry_verdict next);
/* Goes on where XCHG_AGAIN left off. */
enum xchg_verdict xchg_continue(struct xchg *x);
/* The peer closed; clean as in http_eof. */
enum xchg_verdict xchg_end(struct xchg *x, int clean);

void xchg_times(const struct xchg *x, int64_t end_us, struct xchg_times *t);
/* The peer's address, in `text`; NULL if there was none. */
const char *xchg_peer_text(const struct xchg *x, char text[XCHG_IP_TEXT]);

/* An answer's header section is there. */
int xchg_has_head(const struct xchg *x);
/* --max-filesize, which a live stream has only if it was given; 0: none. */
uint64_t xchg_max_bytes(const struct xchg *x);
/* The first byte of an answer has come. */
int xchg_has_begun(const struct xchg *x);
/* Seconds the connection may be kept for another request, in us; 0: not. */
int64_t xchg_keep_us(const struct xchg *x);
/* Appends "Basic ..." (RFC 7617). */
void xchg_basic(struct buf *to, struct span user, struct span password);

#endif
