/* SPDX-License-Identifier: ISC */
/*
 * One HTTP exchange: writes the request, passes the answer's bytes through the
 * codecs, checks every limit, and returns a verdict. Knows nothing of queues
 * and transfer slots.
 *
 * It is also the memory of a fetch in flight: taken with its slot, kept until
 * its record is written, reused by another fetch.
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
#include "core/output/save.h"
#include "core/output/stream.h"
#include "core/retry.h"
#include "core/upload.h"
#include "io/dns/resolve.h"

struct conn;
struct fetch;
struct parse;
struct timer;

/* Files of so many bytes together are read at once, larger ones while they are
 * sent. */
#define XCHG_CONTENT_MAX UPLOAD_PIECE_BYTES
#define XCHG_UNSIZED_MAX \
	(256u << 20) /* of files that do not tell their size \
		      */

enum xchg_verdict {
	XCHG_MORE,  /* all input is used, the answer is not complete */
	XCHG_HEAD,  /* the header section is complete: call xchg_take_verdict */
	XCHG_AGAIN, /* decoded enough for this pass: call xchg_continue */
	XCHG_DONE,  /* the answer is complete */
	XCHG_CUT,   /* the rest is not needed; see verdict */
	XCHG_BAD,   /* failed: see err, phase, detail */
};

struct xchg {
	struct core *core;
	struct fetch *fetch;
	struct link spare;
	struct timer *timer; /* of all its deadlines; made when first used */

	/* The request. */
	struct request req;
	struct url url;  /* of this request */
	struct url home; /* the item's own, if is_redirected */
	int has_url, is_redirected;
	struct span method;
	struct buf head;       /* its header section */
	struct buf content;    /* of a small body_file or --form with files */
	struct upload upload;  /* of a larger one */
	struct span body_out;  /* the body that is in memory */
	int is_send_due;       /* the next piece of the upload is to be sent */
	int is_upload_stopped; /* the rest of it cannot be read, and an answer
				* is coming */

	/* The connection it runs on. */
	struct conn *conn;
	int is_reused; /* the connection has served another exchange */
	int is_resent;
	int is_counted; /* it began an attempt */
	int is_unsent;  /* not sent yet, so that --delay has not begun */
	int asks_close; /* the request has "Connection: close" */
	unsigned epoch; /* of its origin's back-off, when it began */
	int is_probe;   /* its origin was unreachable when it began */

	/* The answer. */
	struct http *http;
	struct decode *decode;        /* while is_coded */
	enum retry_verdict verdict;   /* on its header section */
	enum http_verdict after_head; /* of the bytes that completed it, */
	struct span body_in;          /* and the body's bytes among them */
	struct span
	    content_type;        /* its field lines as one list; p NULL: none */
	struct buf type_lines;   /* where they are joined */
	struct media_type media; /* content_type, parsed */
	int is_coded, is_whole_on_wire;
	int has_backlog;    /* decoded or pending bytes go before more input */
	struct buf pending; /* body bytes that wait to be decoded */
	struct buf body;    /* decoded, if it is kept: see save_keep_body */
	enum output_stream_mode stream_mode;
	struct stream *stream; /* made for the first stream, then kept */
	enum stream_kind stream_kind;
	uint64_t lines;                /* of the stream, with the present one */
	size_t stream_taken;           /* bytes of x->body that were taken */
	struct record_line line;       /* the present one, if has_line, */
	struct record_line_at line_at; /* and how far it is written */
	int has_line, is_stream_ended;
	size_t charged; /* to the account, for all that it holds */
	uint64_t wire_bytes, decoded_bytes;
	unsigned flags; /* RECORD_* */
	enum err err;
	enum phase phase;
	const char *detail;
	char *note; /* an explanation for people; heap or NULL */

	/* Facts of the connection, for the record. */
	uint64_t conn_id;
	union resolve_addr peer;
	int has_peer, tls_verified;
	const char *tls_version;

	/* Moments, 0 if not reached; start_at_us is that of the look-up. */
	int64_t start_at_us, looked_up_at_us, up_at_us, secure_at_us,
	    first_at_us, end_at_us;
	/* Deadlines. */
	int64_t slot_at_us;         /* --max-time counts from here */
	int64_t paused_at_us;       /* since when we do not read; 0: we read */
	int paused_for;             /* the reason: see sched_must_pause */
	int64_t paused_total_us;    /* length of all pauses for the output, */
	int64_t memory_us;          /* and for memory */
	int64_t handshake_queue_us; /* how long its handshake waited for us; set
				     * when it has ended */
	int64_t window_at_us;       /* when the --speed-time window began */
	uint64_t window_bytes;
	int64_t refused_at_us;  /* when the answer to a request for a stream
				 * turned out to be none; or 0 */
	int64_t drain_at_us;    /* a body that is not needed must be complete by
				 * then, or it is cut; 0: none */
	unsigned postponements; /* of deadlines; see core/deadline */

	struct save save;    /* its file; see core/output/save */
	struct parse *parse; /* made for the first answer to be parsed */
	struct record_at at; /* how far its record is written */
};

#define XCHG_IP_TEXT 46 /* bytes of an address as text */

/* Cumulative from the request's start; RECORD_NO_TIME if not reached. */
struct xchg_times {
	int64_t namelookup, connect, appconnect, starttransfer, total;
};

/* An exchange for f, a spare one if there is one. */
struct xchg *xchg_take(struct core *c, struct fetch *f);
/* Keeps *x for another fetch and nulls it; its connection must be closed. */
void xchg_release(struct xchg **x);
void xchg_free(struct xchg *x);

/*
 * Parses the line and the URL it was redirected to, as the record needs them.
 * Nonzero: both are valid.
 */
int xchg_parse_line(struct xchg *x, const struct fetch *f);
/*
 * Parses the line and writes the request to `head`. Returns E_OK, or an error
 * of phase input with `note` set (for example a body_file that cannot be read).
 */
enum err xchg_prepare(struct xchg *x, const struct fetch *f);
/*
 * Before the request is sent: opens the files of its upload and goes back to
 * the beginning. E_OK; E_INPUT_INVALID with `note` set; or E_RESOURCE_LIMIT if
 * no descriptor is free.
 */
enum err xchg_open_upload(struct xchg *x);
/* Reads the next piece of its upload, which there must be. 0, or -1 with `note`
 * set. */
int xchg_read_upload(struct xchg *x, struct span *piece);
/* Closes the files: nothing more will be sent. */
void xchg_end_upload(struct xchg *x);
/* Is a part of its upload left to be sent? */
int xchg_has_upload_left(const struct xchg *x);
/* Prepares the parser for the answer. */
void xchg_expect(struct xchg *x);
/* Charges its present size to the account. */
void xchg_count_held(struct xchg *x);
/* Adds the time since paused_at_us to the pauses and sets paused_at_us to now.
 */
void xchg_count_pause(struct xchg *x);
/* The item's own URL, even after a redirect. */
const struct url *xchg_item_url(const struct xchg *x);
/* Forgets the answer and the facts of the connection, to send the request
 * again; call xchg_expect next. */
void xchg_reset(struct xchg *x);
/* Forgets the results of parsers; none of them may be at work on it. */
void xchg_clear_parse(struct xchg *x);
/* Copies the facts of x->conn that the record needs; NULL is fine. */
void xchg_copy_conn_facts(struct xchg *x);

/* Feeds bytes as they arrived. After XCHG_HEAD they must stay until
 * xchg_take_verdict returns. */
enum xchg_verdict xchg_input(struct xchg *x, struct span in);
/*
 * After XCHG_HEAD: sets the verdict of core/retry and takes the bytes after the
 * header section. For VERDICT_ERROR, err, phase and detail must be set.
 */
enum xchg_verdict xchg_take_verdict(struct xchg *x, enum retry_verdict next);
/* Goes on where XCHG_AGAIN left off. */
enum xchg_verdict xchg_continue(struct xchg *x);
/* The peer has closed the connection; `clean` as in http_eof. */
enum xchg_verdict xchg_end(struct xchg *x, int clean);

void xchg_times(const struct xchg *x, int64_t end_us, struct xchg_times *t);
/* The peer's address, in `text`; NULL if there was none. */
const char *xchg_peer_text(const struct xchg *x, char text[XCHG_IP_TEXT]);

/* Is the header section of an answer complete? */
int xchg_has_head(const struct xchg *x);
/* --max-filesize, for a stream only if it was given; 0: no limit. */
uint64_t xchg_max_bytes(const struct xchg *x);
/* Has the first byte of an answer arrived? */
int xchg_has_begun(const struct xchg *x);
/* How long the connection may be kept for another request; 0: not at all. */
int64_t xchg_keep_us(const struct xchg *x);
/* Appends "Basic ..." (RFC 7617). */
void xchg_basic(struct buf *to, struct span user, struct span password);

#endif
