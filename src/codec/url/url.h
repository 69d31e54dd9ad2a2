/* SPDX-License-Identifier: ISC */
/*
 * Parses, normalises (RFC 3986 sections 6.2.2 and 6.2.3) and resolves URLs of
 * http and https. Owner of libidn2.
 */
#ifndef CODEC_URL_URL_H
#define CODEC_URL_URL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* The limit in bytes, both for a URL as given and for its normal form with the
 * fragment, so that a normal form can be parsed again. */
#define URL_MAX 65535

#define URL_HOST_MAX 253 /* bytes of a name without its trailing dot */

enum url_scheme { URL_HTTP, URL_HTTPS };
enum url_host { URL_NAME, URL_IPV4, URL_IPV6 };

/*
 * A parsed URL. All-zero is an empty one. It can be reused and keeps its
 * memory. `text` is the normalised URL: scheme and host in lower case, the host
 * as A-labels or a canonical address (IPv6 in brackets), no default port, no
 * empty path, no dot segments, no userinfo, no fragment. Spaces, non-ASCII
 * bytes and those that the URL standard encodes in a path or a query (`"`, `<`
 * etc.) are percent-encoded; existing escapes are unchanged.
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
 * Parses a URL that a user gave. White space and U+00A0 around it are trimmed.
 * A bare host and "//host" mean https://. A word followed by ':' and digits up
 * to the end or one of "/?#" is host and port; any other "word:" is a scheme.
 * `user` and `password` contain no control characters. has_user is 0 for an
 * empty user
 * ("http://@h/"). Returns E_OK; or E_URL_INVALID, E_URL_TOO_LONG,
 * E_URL_HOST_INVALID or E_URL_SCHEME_DENIED with *why (a static message) and
 * *at (byte offset in `in`) set and `u` empty.
 */
enum err url_parse(struct url *u, struct span in, const char **why, size_t *at);

/*
 * Resolves a reference against an absolute URL (RFC 3986 section 5.2). Spaces
 * and non-ASCII bytes in `ref` are encoded, white space around it is trimmed,
 * and control bytes are E_URL_INVALID. Returns the errors of url_parse.
 * Userinfo of the reference is dropped. The fragment is that of the reference
 * or else that of the base, if URL_MAX permits. u and base must be different.
 */
enum err url_resolve(struct url *u, const struct url *base, struct span ref);

void url_fini(struct url *u);

/* Views into u->text. */
struct span url_text(const struct url *u);
struct span url_hostname(const struct url *u);
struct span url_authority(const struct url *u);
struct span url_target(const struct url *u);
/* "scheme://host[:port]": the origin. */
struct span url_origin(const struct url *u);

/*
 * Appends `in`, a text that may be a URL, with its password replaced by "***"
 * ("http://u:p@h/" becomes "http://u:***@h/"). In an invalid URL it hides
 * everything from the first ':' that may begin a password to the last '@' that
 * may end it, and in JSON everything after the first key.
 */
void url_redact(struct buf *out, struct span in);
/* The same for a text that was truncated. */
void url_redact_cut(struct buf *out, struct span in);

/*
 * Is there a misspelt scheme in place of the host? Such are "https//h/" and, if
 * a password follows, "https/", "word//" and "http://http://". url_parse would
 * take them for a host, and the password for a part of the path.
 */
int url_has_stray_scheme(struct span in);

#endif
