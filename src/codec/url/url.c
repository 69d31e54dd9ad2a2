/* SPDX-License-Identifier: ISC */
/*
 * Parses, normalises and resolves URLs of http and https. A URL is scanned once
 * for forbidden bytes, split, and written in normal form while it is checked.
 * codec/url/host handles the host.
 */
#include "codec/url/url.h"

#include "codec/url/escape.h"
#include "codec/url/host.h"

#define KEEP_BYTES 8192 /* memory that a struct url keeps between URLs */

/* BYTE_ENCODE: bytes of any set of codec/url/escape. */
enum { BYTE_CONTROL = 1, BYTE_ENCODE = 2, BYTE_WORD = 4, BYTE_ALPHA = 8 };

static const unsigned char byte_class[256] = {
	[0 ... 0x1f] = BYTE_CONTROL,
	[0x7f] = BYTE_CONTROL,
	[' '] = BYTE_ENCODE,
	['"'] = BYTE_ENCODE,
	['\''] = BYTE_ENCODE,
	['<'] = BYTE_ENCODE,
	['>'] = BYTE_ENCODE,
	['^'] = BYTE_ENCODE,
	['`'] = BYTE_ENCODE,
	['{'] = BYTE_ENCODE,
	['}'] = BYTE_ENCODE,
	[0x80 ... 0xff] = BYTE_ENCODE,
	['a' ... 'z'] = BYTE_WORD | BYTE_ALPHA,
	['A' ... 'Z'] = BYTE_WORD | BYTE_ALPHA,
	['0' ... '9'] = BYTE_WORD,
	['+'] = BYTE_WORD,
	['-'] = BYTE_WORD,
	['.'] = BYTE_WORD,
};

/* A fault and its position. */
struct fault {
	const char *why, *at;
};

/* The parts of a URL or a reference, as spans of the given text. */
struct parts {
	struct span authority;
	struct span target; /* path and query */
	struct span fragment;
	int has_fragment;
	int encode; /* some byte may need percent-encoding */
	int drop_user;
};

static int
class_of(char c)
{
	return byte_class[(unsigned char)c];
}

static enum err
fail(struct fault *f, enum err e, const char *at, const char *why)
{
	f->at = at;
	f->why = why;
	return e;
}

/* Without white space and U+00A0 at both ends. */
static struct span
trim(struct span s)
{
	for (;;) {
		if (s.n >= 1 && span_is_space(s.p[0]))
			s = span_skip(s, 1);
		else if (s.n >= 2 && memcmp(s.p, "\xc2\xa0", 2) == 0)
			s = span_skip(s, 2);
		else if (s.n >= 1 && span_is_space(s.p[s.n - 1]))
			s.n--;
		else if (s.n >= 2 && memcmp(s.p + s.n - 2, "\xc2\xa0", 2) == 0)
			s.n -= 2;
		else
			return s;
	}
}

/* Checks the length and the bytes of a URL. */
static enum err
check_bytes(struct span s, int *encode, struct fault *f)
{
	int seen = 0;
	size_t i;

	if (s.n > URL_MAX)
		return fail(f, E_URL_TOO_LONG, s.p + URL_MAX,
		    "it is longer than 65535 bytes");
	for (i = 0; i < s.n; i++)
		seen |= class_of(s.p[i]);
	*encode = (seen & BYTE_ENCODE) != 0;
	if ((seen & BYTE_CONTROL) == 0)
		return E_OK;
	for (i = 0; !(class_of(s.p[i]) & BYTE_CONTROL); i++)
		;
	return fail(
	    f, E_URL_INVALID, s.p + i, "the URL contains a control character");
}

/* The length of a scheme (RFC 3986 section 3.1) at the start of s; or 0. */
static size_t
word_len(struct span s)
{
	size_t i;

	if (s.n == 0 || !(class_of(s.p[0]) & BYTE_ALPHA))
		return 0;
	for (i = 1; i < s.n && class_of(s.p[i]) & BYTE_WORD; i++)
		;
	return i < s.n && s.p[i] == ':' ? i : 0;
}

/* The same in a line that a user gave. Any bytes count, so that a stray
 * character before "http:" does not turn it into a host. */
static size_t
given_word_len(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (memchr(":/?#[", s.p[i], 5) != NULL)
			break;
	return i < s.n && s.p[i] == ':' ? i : 0;
}

/* Does s start with a host and a port ("word:80", "word:80/x")? */
static int
is_host_and_port(struct span s, size_t word)
{
	size_t i = word + 1;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == word + 1)
		return 0;
	return i == s.n || s.p[i] == '/' || s.p[i] == '?' || s.p[i] == '#';
}

/* Removes "http://" or "https://" from *s. */
static enum err
take_scheme(struct url *u, struct span *s, size_t word, struct fault *f)
{
	if (span_ieq(span_of(s->p, word), SPAN("https")))
		u->scheme = URL_HTTPS;
	else if (span_ieq(span_of(s->p, word), SPAN("http")))
		u->scheme = URL_HTTP;
	else
		return fail(f, E_URL_SCHEME_DENIED, s->p,
		    "only http and https are supported");
	span_drop(s, word + 1);
	if (s->n < 2 || s->p[0] != '/' || s->p[1] != '/')
		return fail(f, E_URL_INVALID, s->p,
		    "the scheme is not followed by ://");
	span_drop(s, 2);
	return E_OK;
}

static void
split_fragment(struct parts *parts, struct span s)
{
	const char *hash = s.n > 0 ? memchr(s.p, '#', s.n) : NULL;

	parts->target = s;
	if (hash == NULL)
		return;
	parts->target.n = (size_t)(hash - s.p);
	parts->fragment = span_skip(s, parts->target.n + 1);
	parts->has_fragment = 1;
}

/* Splits the part after "//". */
static void
split(struct parts *parts, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '?' || s.p[i] == '#')
			break;
	parts->authority = span_of(s.p, i);
	split_fragment(parts, span_skip(s, i));
}

/* Percent-decodes to `out`. RFC 7617 allows no control characters in user and
 * password. */
static enum err
put_decoded(struct buf *out, struct span s, struct fault *f)
{
	size_t i;
	int c;

	for (i = 0; i < s.n; i++) {
		c = url_escape_at(s, i);
		if (c >= 0 && class_of((char)c) & BYTE_CONTROL)
			return fail(f, E_URL_INVALID, s.p + i,
			    "the user name or password contains a control "
			    "character");
		buf_char(out, c >= 0 ? (char)c : s.p[i]);
		i += c >= 0 ? 2 : 0;
	}
	return E_OK;
}

static enum err
take_user(struct url *u, struct span s, struct fault *f)
{
	const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
	const char *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;
	struct span user = s;
	enum err e;

	if (at != NULL)
		return fail(f, E_URL_INVALID, at,
		    "an @ in the user name or password must be written as %40");
	u->has_user = s.n > 0;
	if (colon != NULL)
		user.n = (size_t)(colon - s.p);
	e = put_decoded(&u->user, user, f);
	if (e == E_OK && colon != NULL)
		e = put_decoded(&u->password, span_skip(s, user.n + 1), f);
	return e;
}

static uint16_t
default_port(enum url_scheme scheme)
{
	return scheme == URL_HTTPS ? 443 : 80;
}

/* `s` is the part after the host: empty, or ':' and the port. */
static enum err
put_port(struct url *u, struct span s, struct fault *f)
{
	unsigned int port = 0;
	size_t i;

	u->port = default_port(u->scheme);
	if (s.n <= 1)
		return E_OK;
	for (i = 1; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || port > 65535)
			break;
		port = port * 10 + (unsigned int)(s.p[i] - '0');
	}
	if (i < s.n || port == 0 || port > 65535)
		return fail(f, E_URL_INVALID, s.p + 1,
		    "the port is not a number from 1 to 65535");
	if (port == u->port)
		return E_OK;
	u->port = (uint16_t)port;
	buf_char(&u->text, ':');
	buf_u64(&u->text, port);
	return E_OK;
}

/* The length of the host in "host", "host:port" or "[v6]:port". */
static size_t
host_len(struct span s)
{
	int bracket = s.n > 0 && s.p[0] == '[';
	const char *end =
	    s.n > 0 ? memchr(s.p, bracket ? ']' : ':', s.n) : NULL;

	if (end == NULL)
		return s.n;
	return (size_t)(end - s.p) + (bracket ? 1 : 0);
}

static enum err
put_host(struct url *u, struct span s, struct fault *f)
{
	size_t n = host_len(s);
	enum err e;

	if (n == 0)
		return fail(f, E_URL_INVALID, s.p, "the URL has no host");
	u->host_at = (uint32_t)u->text.n;
	f->at = s.p;
	e = url_host_put(&u->text, span_of(s.p, n), &u->host_kind, &f->why);
	if (e != E_OK)
		return e;
	u->host_n = (uint32_t)u->text.n - u->host_at;
	if (u->host_kind == URL_IPV6)
		u->host_at++, u->host_n -= 2;
	if (n < s.n && s.p[n] != ':')
		return fail(f, E_URL_INVALID, s.p + n,
		    "after ] only a port or a path may follow");
	return put_port(u, span_skip(s, n), f);
}

static enum err
put_authority(struct url *u, const struct parts *parts, struct fault *f)
{
	struct span s = parts->authority;
	const char *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;
	const char *slash = s.n > 0 ? memchr(s.p, '\\', s.n) : NULL;
	enum err e;

	/* Other parsers read it as '/', which makes the user the host. */
	if (slash != NULL)
		return fail(f, E_URL_INVALID, slash,
		    "unexpected backslash before the path");
	if (u->scheme == URL_HTTPS)
		buf_add(&u->text, "https://", 8);
	else
		buf_add(&u->text, "http://", 7);
	u->authority_at = (uint32_t)u->text.n;
	if (at != NULL) {
		e = take_user(u, span_of(s.p, (size_t)(at - s.p)), f);
		if (e != E_OK)
			return e;
		/* RFC 7617 section 2: the server splits at the first colon. */
		if (!parts->drop_user && u->user.n > 0 &&
		    memchr(u->user.p, ':', u->user.n) != NULL)
			return fail(f, E_URL_INVALID, s.p,
			    "the user name must not contain a colon (%3A)");
		s = span_skip(s, (size_t)(at - s.p) + 1);
	}
	e = put_host(u, s, f);
	u->authority_n = (uint32_t)u->text.n - u->authority_at;
	if (parts->drop_user) {
		u->has_user = 0;
		u->user.n = u->password.n = 0;
	}
	return e;
}

/* A path and its query, or one of them. */
static void
put_target(struct url *u, struct span s, int encode)
{
	const char *query = s.n > 0 ? memchr(s.p, '?', s.n) : NULL;
	size_t n = query != NULL ? (size_t)(query - s.p) : s.n;

	if (encode) {
		url_escape_put(&u->text, span_of(s.p, n), URL_ESCAPE_PATH);
		url_escape_put(&u->text, span_skip(s, n), URL_ESCAPE_QUERY);
	} else
		buf_span(&u->text, s);
}

/* RFC 3986 5.2.4, in place, on a path that starts with '/'. */
static size_t
remove_dots(char *p, size_t n)
{
	size_t in = 0, out = 0, len;
	const char *end;
	int last;

	while (in < n) {
		end = memchr(p + in + 1, '/', n - in - 1);
		last = end == NULL;
		len = last ? n - in : (size_t)(end - p) - in;
		if (len == 2 && p[in + 1] == '.') {
			if (last)
				p[out++] = '/';
		} else if (len == 3 && p[in + 1] == '.' && p[in + 2] == '.') {
			while (out > 0 && p[--out] != '/')
				;
			if (last)
				p[out++] = '/';
		} else {
			memmove(p + out, p + in, len);
			out += len;
		}
		in += len;
	}
	return out;
}

/* Removes dot segments from the target at the end of the text and checks the
 * length. */
static enum err
finish_target(struct url *u, const char *at, struct fault *f)
{
	char *p = u->text.p + u->target_at;
	size_t n = u->text.n - u->target_at;
	const char *query = memchr(p, '?', n);
	size_t path_n = query != NULL ? (size_t)(query - p) : n, out;

	if (memmem(p, path_n, "/.", 2) != NULL) {
		out = remove_dots(p, path_n);
		memmove(p + out, p + path_n, n - path_n);
		u->text.n -= path_n - out;
	}
	if (u->text.n > URL_MAX)
		return fail(f, E_URL_TOO_LONG, at,
		    "its normal form is longer than 65535 bytes");
	return E_OK;
}

/*
 * The fragment counts towards URL_MAX. An inherited fragment is dropped if
 * there is no room for it.
 */
static enum err
put_fragment(struct url *u, struct span s, int is_inherited, const char *at,
    struct fault *f)
{
	if (s.n == 0)
		return E_OK;
	url_escape_put(&u->fragment, s, URL_ESCAPE_FRAGMENT);
	if (u->fragment.n < URL_MAX - u->text.n)
		return E_OK;
	u->fragment.n = 0;
	if (is_inherited)
		return E_OK;
	return fail(f, E_URL_TOO_LONG, at,
	    "its normal form is longer than 65535 bytes");
}

/* Authority, path, query and fragment of an absolute URL. */
static enum err
put_parts(struct url *u, const struct parts *parts, struct fault *f)
{
	struct span t = parts->target;
	enum err e = put_authority(u, parts, f);

	if (e != E_OK)
		return e;
	u->target_at = (uint32_t)u->text.n;
	if (t.n == 0 || t.p[0] != '/')
		buf_char(&u->text, '/');
	put_target(u, t, parts->encode);
	e = finish_target(u, t.p, f);
	if (e != E_OK)
		return e;
	return put_fragment(u, parts->fragment, !parts->has_fragment, t.p, f);
}

static void
reset(struct url *u)
{
	struct url kept;

	buf_clear(&u->text, KEEP_BYTES);
	buf_clear(&u->user, KEEP_BYTES);
	buf_clear(&u->password, KEEP_BYTES);
	buf_clear(&u->fragment, KEEP_BYTES);
	kept = (struct url){ .text = u->text,
		.user = u->user,
		.password = u->password,
		.fragment = u->fragment };
	*u = kept;
}

static enum err
parse_given(struct url *u, struct span s, struct fault *f)
{
	struct parts parts = { 0 };
	enum err e = check_bytes(s, &parts.encode, f);
	size_t word;

	if (e != E_OK)
		return e;
	if (s.n == 0)
		return fail(f, E_URL_INVALID, s.p, "the URL is empty");
	word = given_word_len(s);
	u->scheme = URL_HTTPS;
	if (word > 0 && !is_host_and_port(s, word))
		e = take_scheme(u, &s, word, f);
	else if (s.n >= 2 && s.p[0] == '/' && s.p[1] == '/')
		s = span_skip(s, 2);
	if (e != E_OK)
		return e;
	split(&parts, s);
	return put_parts(u, &parts, f);
}

enum err
url_parse(struct url *u, struct span in, const char **why, size_t *at)
{
	struct fault f = { NULL, in.p };
	enum err e;

	reset(u);
	e = parse_given(u, trim(in), &f);
	if (e != E_OK) {
		reset(u);
		*why = f.why;
		*at = in.n > 0 ? (size_t)(f.at - in.p) : 0;
	}
	return e;
}

/* Copies scheme, host and port of the base. */
static void
copy_origin(struct url *u, const struct url *base)
{
	buf_add(&u->text, base->text.p, base->target_at);
	u->scheme = base->scheme;
	u->host_kind = base->host_kind;
	u->port = base->port;
	u->host_at = base->host_at;
	u->host_n = base->host_n;
	u->authority_at = base->authority_at;
	u->authority_n = base->authority_n;
	u->target_at = base->target_at;
}

/* A reference without authority: RFC 3986 5.2.2 from "R.path" on. */
static enum err
put_relative(struct url *u, const struct url *base, const struct parts *parts,
    struct fault *f)
{
	struct span path = url_target(base), t = parts->target;
	const char *query = memchr(path.p, '?', path.n), *slash;
	enum err e;

	copy_origin(u, base);
	if (t.n > 0 && query != NULL)
		path.n = (size_t)(query - path.p);
	if (t.n > 0 && t.p[0] == '/')
		path.n = 0;
	else if (t.n > 0 && t.p[0] != '?') {
		slash = memrchr(path.p, '/', path.n);
		path.n = (size_t)(slash - path.p) + 1;
	}
	buf_span(&u->text, path);
	put_target(u, t, parts->encode);
	e = finish_target(u, t.p, f);
	if (e != E_OK)
		return e;
	if (parts->has_fragment)
		return put_fragment(u, parts->fragment, 0, t.p, f);
	return put_fragment(u, buf_view(&base->fragment), 1, t.p, f);
}

static enum err
resolve_given(
    struct url *u, const struct url *base, struct span ref, struct fault *f)
{
	struct parts parts = { .drop_user = 1 };
	enum err e = check_bytes(ref, &parts.encode, f);
	size_t word = word_len(ref);

	if (e != E_OK)
		return e;
	u->scheme = base->scheme;
	if (word > 0)
		e = take_scheme(u, &ref, word, f);
	else if (ref.n >= 2 && ref.p[0] == '/' && ref.p[1] == '/')
		ref = span_skip(ref, 2);
	else {
		split_fragment(&parts, ref);
		return put_relative(u, base, &parts, f);
	}
	if (e != E_OK)
		return e;
	split(&parts, ref);
	if (!parts.has_fragment)
		parts.fragment = buf_view(&base->fragment);
	return put_parts(u, &parts, f);
}

enum err
url_resolve(struct url *u, const struct url *base, struct span ref)
{
	struct fault f;
	enum err e;

	reset(u);
	e = resolve_given(u, base, trim(ref), &f);
	if (e != E_OK)
		reset(u);
	return e;
}

void
url_fini(struct url *u)
{
	buf_fini(&u->text);
	buf_fini(&u->user);
	buf_fini(&u->password);
	buf_fini(&u->fragment);
	*u = (struct url){ 0 };
}

struct span
url_text(const struct url *u)
{
	return buf_view(&u->text);
}

struct span
url_hostname(const struct url *u)
{
	return span_of(u->text.p + u->host_at, u->host_n);
}

struct span
url_authority(const struct url *u)
{
	return span_of(u->text.p + u->authority_at, u->authority_n);
}

struct span
url_target(const struct url *u)
{
	return span_of(u->text.p + u->target_at, u->text.n - u->target_at);
}

struct span
url_origin(const struct url *u)
{
	return span_of(u->text.p, u->authority_at + u->authority_n);
}
