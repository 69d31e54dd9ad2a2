/* SPDX-License-Identifier: ISC */
/*
 * HTTP/1.1 (RFC 9110, 9112) as a client speaks it: writes a request's header
 * section, reads one response. The only user of llhttp. The header section is
 * taken under a cap, checked and normalised by our own pre-validator, then fed
 * to llhttp, which frames the body; a chunked one is decoded by http_chunk.
 */
#ifndef CODEC_HTTP_HTTP_H
#define CODEC_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* ---- requests ---- */

/*
 * One header line a user asked for. `remove`: send none of that name, neither
 * the default, nor what the list says of it before this, nor, if this is an
 * item's, what the options say.
 */
struct http_header {
	struct span name, value;
	int remove;
};

struct http_headers {
	struct http_header *v;
	size_t n;
};

/* What a redirect leaves behind; bits of http_request's omit. */
enum {
	/* Authorization, Proxy-Authorization, Cookie, and the names under
	 * which API keys are sent: from wherever they come. */
	HTTP_OMIT_SECRETS = 1 << 0,
	HTTP_OMIT_HOST = 1 << 1,    /* a Host of the user's */
	HTTP_OMIT_CONTENT = 1 << 2, /* Content-* and the body */
};

struct http_request {
	struct span method;    /* a token */
	struct span target;    /* origin-form */
	struct span authority; /* for Host */
	struct span user_agent;
	struct span accept_encoding; /* empty: not sent */
	struct span authorization;   /* whole value; empty: not sent */
	struct span cookie;          /* empty: not sent */
	struct span referer;         /* empty: not sent */
	struct span content_type;    /* default for a body; empty: none */
	int has_body;
	uint64_t body_bytes;
	struct http_headers option, item; /* -H; the input line's own */
	unsigned omit;                    /* HTTP_OMIT_* */
};

/*
 * Appends the header section, its empty line included, in this order: Host,
 * User-Agent, Accept, Accept-Encoding, Authorization, Cookie, Referer, then
 * `option` and `item` in their order, then Content-Type, Content-Length. An
 * item's header replaces the option's of that name, either replaces or removes
 * the default. Host stands
 * first, also when replaced, once (the last one counts), and cannot be removed.
 * Content-Length is sent if there is a body, and as 0 for POST, PUT and PATCH
 * without one. Method, target and authority are taken as they are; every name
 * and value has passed http_header_ok.
 */
void http_write_request(struct buf *out, const struct http_request *r);

/* Does a line of the user's go out under that name, in lower case? */
int http_sends(const struct http_request *r, struct span name);
/* Does the request say that its connection is to end after the answer? */
int http_asks_close(const struct http_request *r);

/* RFC 9110 section 5.6.2. */
int http_is_token(struct span s);
/* A field value we may send: no CR, LF, NUL or other control but HTAB. */
int http_is_value(struct span s);
/*
 * May a user send this header? NULL, or static text that says why not: the
 * name is no token, the value has a control byte, or it is one of those that
 * frame the message and are ours (Content-Length, Transfer-Encoding,
 * Connection with another option than close and keep-alive, Upgrade, TE,
 * Trailer, Proxy-Connection, Keep-Alive, Expect).
 */
const char *http_header_ok(struct span name, struct span value);
/* GET HEAD OPTIONS TRACE PUT DELETE (RFC 9110 section 9.2.2). */
int http_is_idempotent(struct span method);
/* "GET" for "get" and "Get": a registered method that was written in another
 * case, and so is none. NULL: it is another, or as it should be. */
const char *http_method_meant(struct span method);

/* ---- responses ---- */

#define HTTP_MAX_FIELDS 1000
/* Bytes of a response's chunk lines that the shortest ones would not have
 * (extensions, blanks, leading zeros), over and above a byte for every 32 of
 * its body. */
#define HTTP_MAX_CHUNK_EXTRA 65536
#define HTTP_MAX_INTERIM 32

/* Leniencies used, in struct http's flags: the record's key `flags`. */
enum {
	HTTP_LENIENT_FRAMING = 1 << 0,
	HTTP_FRAMING_CONFLICT = 1 << 1,
	HTTP_UNFOLDED_HEADER = 1 << 2,
};

struct http_field {
	uint32_t name_at, name_n; /* in struct http_fields' bytes, lower case */
	uint32_t value_at, value_n;
};

struct http_fields {
	struct buf bytes;
	struct http_field *v;
	size_t n, cap;
};

struct http_interim {
	int status;
	struct http_fields fields;
};

enum http_verdict {
	HTTP_MORE, /* all input taken, the response goes on */
	HTTP_DONE, /* it is complete; http_used() bytes were its own */
	HTTP_BAD,  /* see http_error, http_detail */
};

struct http; /* the reader of one response after another */

struct http *http_new(void);
void http_free(struct http *h);
/*
 * Makes ready for one response. `head`: the request was HEAD. `header_max`:
 * bytes of the header section, which one field may fill; interim responses,
 * leading blank lines and trailers are counted in. `keep_interim`: keep their
 * fields. Keeps its memory.
 */
void http_start(struct http *h, int head, size_t header_max, int keep_interim);
/*
 * Feeds bytes as they came. *body becomes the body bytes among them, after
 * transfer coding, valid until the next call (it may point into `in`); also
 * with HTTP_BAD, for what stood before the fault.
 */
enum http_verdict http_feed(struct http *h, struct span in, struct span *body);
/*
 * The peer closed. `clean`: by FIN, under TLS after close_notify. HTTP_DONE if
 * that completes the response, otherwise HTTP_BAD with E_HTTP_TRUNCATED
 * (phase headers or body by http_has_head). No byte at all: E_EMPTY_REPLY.
 */
enum http_verdict http_eof(struct http *h, int clean);

/* Bytes of memory that it holds just now. */
size_t http_held_bytes(const struct http *h);
/* How many bytes of the last http_feed belonged to this response. */
size_t http_used(const struct http *h);
/* Any byte of an answer has come, blank lines not counted. */
int http_begun(const struct http *h);
/* The final response's header section is complete. */
int http_has_head(const struct http *h);
int http_is_done(const struct http *h);
enum err http_error(const struct http *h);
const char *
http_detail(const struct http *h); /* "HPE_..." or our own; static */

/* What the header sections so far took of header_max. */
size_t http_header_bytes(const struct http *h);

/* After http_has_head: */
int http_status(const struct http *h);
int http_minor(const struct http *h);              /* 0 or 1 for HTTP/1.x */
int64_t http_content_length(const struct http *h); /* as declared, or -1 */
unsigned http_flags(const struct http *h);
/* May the connection serve another request once this one is HTTP_DONE? */
int http_keep_alive(const struct http *h);
/*
 * Was there no body because the request or the status forbids one (HEAD, 204,
 * 304), whatever the fields say? Some servers send one all the same.
 */
int http_is_bodiless(const struct http *h);
/* Seconds of `Keep-Alive: timeout=N`, or -1. */
int64_t http_keep_alive_timeout(const struct http *h);
const struct http_fields *http_header(const struct http *h);
const struct http_fields *http_trailer(const struct http *h);
size_t http_interim_count(const struct http *h);
const struct http_interim *http_interim(const struct http *h, size_t i);

/* Appends "llhttp 8.1.0": the one it was built with. */
void http_library(struct buf *out);

/* The value of the i-th field of that (lower-case) name; p NULL if none. */
struct span http_find(const struct http_fields *f, struct span name, size_t i);
/* All values of that name as one list (RFC 9110 section 5.3), put together in
 * `joined` if they are several; p NULL if none. */
struct span http_find_all(
    const struct http_fields *f, struct span name, struct buf *joined);
struct span http_field_name(const struct http_fields *f, size_t i);
struct span http_field_value(const struct http_fields *f, size_t i);

#endif
