/* SPDX-License-Identifier: ISC */
/*
 * The client side of HTTP/1.1 (RFC 9110, 9112): writes the header section of a
 * request and reads a response. The only user of llhttp. A header section is
 * read up to a limit, validated and normalised by http_head, then passed to
 * llhttp, which frames the body. http_chunk decodes chunked bodies.
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
 * A header line that the user gave. `remove`: send no line of that name. This
 * removes the default, earlier lines of the same list, and, in an item's list,
 * those of the options.
 */
struct http_header {
	struct span name, value;
	int remove;
};

struct http_headers {
	struct http_header *v;
	size_t n;
};

/* What a redirected request leaves out: bits of http_request.omit. */
enum {
	/* Authorization, Proxy-Authorization, Cookie and headers commonly used
	 * for API keys, from all sources. */
	HTTP_OMIT_SECRETS = 1 << 0,
	HTTP_OMIT_HOST = 1 << 1,    /* a Host that the user gave */
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
 * `option` and `item` in their order, then Content-Type, Content-Length. A
 * header of the item replaces that of the options; both replace or remove the
 * default. Host is always first, sent once (the last one given counts), and
 * cannot be removed. Content-Length is sent with a body, and as 0 for POST, PUT
 * and PATCH without one. Method, target and authority are written unchecked;
 * names and values must have passed http_header_ok.
 */
void http_write_request(struct buf *out, const struct http_request *r);

/* Will a line of that (lower-case) name that the user gave be sent? */
int http_sends(const struct http_request *r, struct span name);
/* Does the request contain Connection: close? */
int http_asks_close(const struct http_request *r);

/* RFC 9110 section 5.6.2. */
int http_is_token(struct span s);
/* Is it a field value without CR, LF, NUL and other controls except HTAB? */
int http_is_value(struct span s);
/*
 * May a user set this header? Returns NULL, or static text that says why not:
 * the name is not a token, the value has a control byte, or fetchd itself sets
 * it to frame the message (Content-Length, Transfer-Encoding, Connection with
 * an option other than close and keep-alive, Upgrade, TE, Trailer,
 * Proxy-Connection, Keep-Alive, Expect).
 */
const char *http_header_ok(struct span name, struct span value);
/* GET HEAD OPTIONS TRACE PUT DELETE (RFC 9110 section 9.2.2). */
int http_is_idempotent(struct span method);
/* The registered method that differs from `method` only in case ("GET" for
 * "get"): methods are case-sensitive. NULL if there is none. */
const char *http_method_meant(struct span method);

/* ---- responses ---- */

#define HTTP_MAX_FIELDS 1000
/* Bytes of chunk lines that the shortest lines would not have (extensions,
 * spaces, leading zeros) that a response may have, in addition to one for every
 * 32 bytes of body. */
#define HTTP_MAX_CHUNK_EXTRA 65536
#define HTTP_MAX_INTERIM 32

/* Violations that were tolerated: http_flags(), and `flags` of a record. */
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
	HTTP_MORE, /* all input consumed, the response is not complete */
	HTTP_DONE, /* the response is complete; see http_used() */
	HTTP_BAD,  /* see http_error, http_detail */
};

struct http; /* a reader of one response after another */

struct http *http_new(void);
void http_free(struct http *h);
/*
 * Prepares for a response. `head`: the request was HEAD. `header_max`: limit of
 * the header section in bytes, including interim responses, leading blank lines
 * and trailers. `keep_interim`: keep the fields of interim responses. Reuses
 * its memory.
 */
void http_start(struct http *h, int head, size_t header_max, int keep_interim);
/*
 * Feeds received bytes. *body is set to the body bytes among them, with the
 * transfer coding removed; it may point into `in` and is valid until the next
 * call. With HTTP_BAD it holds the body bytes before the fault.
 */
enum http_verdict http_feed(struct http *h, struct span in, struct span *body);
/*
 * The peer closed the connection. `clean`: by FIN and, with TLS, after
 * close_notify. HTTP_DONE if that completes the response, otherwise HTTP_BAD
 * with E_HTTP_TRUNCATED, or E_EMPTY_REPLY if no byte arrived.
 */
enum http_verdict http_eof(struct http *h, int clean);

/* Bytes of memory in use. */
size_t http_held_bytes(const struct http *h);
/* How many bytes of the last http_feed() belong to this response. */
size_t http_used(const struct http *h);
/* Has a byte of a response arrived, other than blank lines? */
int http_begun(const struct http *h);
/* Is the header section of the final response complete? */
int http_has_head(const struct http *h);
int http_is_done(const struct http *h);
enum err http_error(const struct http *h);
const char *
http_detail(const struct http *h); /* "HPE_..." or our own; static */

/* Bytes of header_max used so far. */
size_t http_header_bytes(const struct http *h);

/* After http_has_head: */
int http_status(const struct http *h);
int http_minor(const struct http *h);              /* 0 or 1 for HTTP/1.x */
int64_t http_content_length(const struct http *h); /* as declared, or -1 */
unsigned http_flags(const struct http *h);
/* Can the connection be reused after HTTP_DONE? */
int http_keep_alive(const struct http *h);
/*
 * Does the request or the status forbid a body (HEAD, 204, 304)? Some servers
 * send one nevertheless.
 */
int http_is_bodiless(const struct http *h);
/* Seconds of `Keep-Alive: timeout=N`, or -1. */
int64_t http_keep_alive_timeout(const struct http *h);
const struct http_fields *http_header(const struct http *h);
const struct http_fields *http_trailer(const struct http *h);
size_t http_interim_count(const struct http *h);
const struct http_interim *http_interim(const struct http *h, size_t i);

/* Appends "llhttp 8.1.0": the version it was built with. */
void http_library(struct buf *out);

/* The value of the i-th field of that (lower-case) name, or p NULL. */
struct span http_find(const struct http_fields *f, struct span name, size_t i);
/* All values of that name as one list (RFC 9110 section 5.3), or p NULL.
 * Several values are joined in `joined`. */
struct span http_find_all(
    const struct http_fields *f, struct span name, struct buf *joined);
struct span http_field_name(const struct http_fields *f, size_t i);
struct span http_field_value(const struct http_fields *f, size_t i);

#endif
