/* SPDX-License-Identifier: ISC */
/*
 * URLs of http and https: parsed, normalised (RFC 3986 section 6.2.2 and
 * 6.2.3), resolved. Pure; knows nothing of DNS. Owner of libidn2.
 */
#ifndef CODEC_URL_URL_H
#define CODEC_URL_URL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* Bytes of a URL, as given and as kept: its normal form with its fragment, so
 * that what was kept can be parsed again. */
#define URL_MAX 65535

#define URL_HOST_MAX 253 /* bytes of a name without its trailing dot */

enum url_scheme { URL_HTTP, URL_HTTPS };
enum url_host { URL_NAME, URL_IPV4, URL_IPV6 };

/*
 * A parsed URL. All-zero is an empty one; it may be parsed into again and
 * again and keeps its memory. `text` is the normalised URL: scheme and host in
 * lower case, host as A-labels, a numeric host in its canonical form ([v6] in
 * brackets), no default port, never an empty path, no dot segments, no
 * userinfo, no fragment; bytes that are not ASCII, blanks, and what the URL
 * standard encodes in a path or a query (`"`, `<` and their like)
 * percent-encoded; escapes as they were given.
 */
struct url {
	struct buf text;
	enum url_scheme scheme;
	enum url_host host_kind;
	uint16_t port;            /* the one to connect to */
	uint32_t host_at, host_n; /* in text; a v6 without its brackets */
	uint32_t authority_at, authority_n; /* host[:port], as Host: sends it */
	uint32_t target_at;                 /* path?query, to the end of text */
	int has_user;                       /* it had userinfo */
	struct buf user, password;          /* percent-decoded */
	struct buf fragment; /* without '#', percent-encoded as text */
};

/*
 * Parses a URL as a user gives one: blanks around it are trimmed, U+00A0
 * among them; a bare host means https:// (so does "//host"); a
 * word, ':' and digits up to the end or one of "/?#" is host and port; any
 * other "word:", of whatever bytes, is a scheme. `user` and `password` hold no
 * control characters; has_user is 0 for an empty one ("http://@h/").
 * Returns E_OK, or E_URL_INVALID, E_URL_TOO_LONG, E_URL_HOST_INVALID,
 * E_URL_SCHEME_DENIED with *why (static text, for people) and *at (byte offset
 * in `in`) set; `u` is then empty.
 */
enum err url_parse(struct url *u, struct span in, const char **why, size_t *at);

/*
 * Resolves a reference against an absolute URL (RFC 3986 section 5.2). `ref`
 * may carry bytes outside ASCII and blanks (encoded; those around it are
 * trimmed); a control byte makes it E_URL_INVALID. Faults as of url_parse.
 * Userinfo of the reference is dropped. The fragment is the reference's or, if
 * it has none, the base's, as far as URL_MAX has room for that. u and base are
 * different.
 */
enum err url_resolve(struct url *u, const struct url *base, struct span ref);

void url_fini(struct url *u);

/* Views into u->text. */
struct span url_text(const struct url *u);
struct span url_hostname(const struct url *u);
struct span url_authority(const struct url *u);
struct span url_target(const struct url *u);
/* "scheme://host[:port]": the origin, one key for all its URLs. */
struct span url_origin(const struct url *u);

/*
 * Appends `in`, any text that may be a URL, with what stands for a password in
 * it replaced by "***" ("http://u:p@h/" -> "http://u:***@h/"). In a text that
 * is no valid URL it hides rather more: everything from the first ':' that may
 * begin a password to the last '@' that may end it; and of a piece of JSON all
 * after its first key.
 */
void url_redact(struct buf *out, struct span in);
/* The same for the beginning of a text whose end is not known. */
void url_redact_cut(struct buf *out, struct span in);

/*
 * Does a scheme that is not written as one take the place of the host? Such is
 * "https//h/", and, before what has a password, "https/", "word//" and
 * "http://http://": codec/url would take these for a host and a path with the
 * password in it.
 */
int url_has_stray_scheme(struct span in);

#endif
