/* SPDX-License-Identifier: ISC */
/*
 * Hides the password in a text that may be a URL, valid or not. In an invalid
 * URL it hides too much rather than too little.
 */
#include "codec/url/url.h"

#include <string.h>

/* Forms of the two marks: plain, escaped, and the full-width and small forms
 * that UTS 46 maps to them. Escapes in lower case. */
static const char *const at_signs[] = { "@", "%40", "\xef\xbc\xa0",
	"\xef\xb9\xab", NULL };
static const char *const colons[] = { ":", "%3a", "\xef\xbc\x9a",
	"\xef\xb9\x95", NULL };

static int
is_word_byte(char c)
{
	return span_is_letter(c) || span_is_digit(c) || c == '+' || c == '-' ||
	       c == '.';
}

static int
is_slash(char c)
{
	return c == '/' || c == '\\';
}

static size_t
slashes_len(struct span s)
{
	size_t i = 0;

	while (i < s.n && is_slash(s.p[i]))
		i++;
	return i;
}

/* Length of the mark at the start of s, in one of its forms; or 0. */
static size_t
mark_len(struct span s, const char *const *forms)
{
	struct span form;

	for (; *forms != NULL; forms++) {
		form = span_str(*forms);
		if (span_istarts(s, form))
			return form.n;
	}
	return 0;
}

static int
may_be_mark(char c)
{
	return c == '@' || c == ':' || c == '%' || c == '\xef';
}

static const char *
first_mark(struct span s, const char *const *forms)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (may_be_mark(s.p[i]) && mark_len(span_skip(s, i), forms) > 0)
			return s.p + i;
	return NULL;
}

static const char *
last_mark(struct span s, const char *const *forms)
{
	size_t i;

	for (i = s.n; i-- > 0;)
		if (may_be_mark(s.p[i]) && mark_len(span_skip(s, i), forms) > 0)
			return s.p + i;
	return NULL;
}

static struct span
authority_of(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '?' || s.p[i] == '#')
			break;
	return span_of(s.p, i);
}

static int
is_scheme_word(struct span s)
{
	return span_ieq(s, SPAN("http")) || span_ieq(s, SPAN("https"));
}

/* A fast check: nearly all URLs have no at sign in any form. */
static int
may_have_at_sign(struct span s)
{
	return s.n > 0 && (memchr(s.p, '@', s.n) != NULL ||
			      memchr(s.p, '%', s.n) != NULL ||
			      memchr(s.p, '\xef', s.n) != NULL);
}

/* The last colon in s that an at sign follows; NULL if there is no "x:y@". */
static const char *
last_password(struct span s)
{
	const char *at = may_have_at_sign(s) ? last_mark(s, at_signs) : NULL;

	return at != NULL ? last_mark(span_of(s.p, (size_t)(at - s.p)), colons)
			  : NULL;
}

/*
 * The length of a stray scheme with its slashes at the start of s, where a host
 * should be. is_bare: no scheme precedes it. `password` is last_password() of
 * the whole text.
 */
static size_t
stray_scheme_len(struct span s, int is_bare, const char *password)
{
	struct span word = s, rest;
	size_t n, slashes;

	if (!is_bare && password == NULL)
		return 0;
	for (n = 0; n < s.n && !is_slash(s.p[n]); n++)
		if (s.p[n] == '?' || s.p[n] == '#')
			return 0;
	slashes = slashes_len(span_skip(s, n));
	if (slashes == 0 || n == 0)
		return 0;
	word.n = n;
	while (word.n > 0 &&
	       (word.p[word.n - 1] == ':' || word.p[word.n - 1] == '.'))
		word.n--;
	rest = span_skip(s, n + slashes);
	if (is_scheme_word(word)) {
		if ((is_bare && slashes > 1) ||
		    ((is_bare || slashes > 1) && password != NULL &&
			password >= rest.p))
			return n + slashes;
	} else if (is_bare && slashes > 1 &&
		   last_password(authority_of(rest)) != NULL)
		return n + slashes;
	return 0;
}

/*
 * The offset of the authority: after spaces, "word://" and further slashes. For
 * http and https one slash is enough. *bare: there was neither a scheme nor
 * "//".
 */
static size_t
authority_at(struct span s, int *bare)
{
	size_t i = 0, word, colon;
	struct span name;

	while (i < s.n &&
	       ((unsigned char)s.p[i] <= ' ' ||
		   (s.n - i >= 2 && memcmp(s.p + i, "\xc2\xa0", 2) == 0)))
		i += (unsigned char)s.p[i] <= ' ' ? 1 : 2;
	for (word = i; i < s.n && is_word_byte(s.p[i]); i++)
		;
	colon = i;
	name = span_of(s.p + word, colon - word);
	*bare = 1;
	if (i < s.n && s.p[i] == ':' && name.n > 0) {
		i += 1 + slashes_len(span_skip(s, i + 1));
		if (i - colon > 2)
			*bare = 0;
		else if (i - colon == 2)
			*bare = !is_scheme_word(name);
	}
	if (!*bare)
		return i;
	i = word + slashes_len(span_skip(s, word));
	*bare = i - word < 2;
	return i;
}

/* A fast check: nearly all URLs are written this way. */
static int
is_plainly_http(struct span in)
{
	return (in.n > 7 && memcmp(in.p, "http://", 7) == 0) ||
	       (in.n > 8 && memcmp(in.p, "https://", 8) == 0);
}

int
url_has_stray_scheme(struct span in)
{
	struct span s;
	int bare;

	if (in.n == 0 || (is_plainly_http(in) && !may_have_at_sign(in)))
		return 0;
	s = span_skip(in, authority_at(in, &bare));
	return stray_scheme_len(s, bare, last_password(s)) > 0;
}

/* The text from the authority on, without stray schemes before the host. */
static struct span
skip_to_authority(struct span in, int *bare)
{
	struct span s = span_skip(in, authority_at(in, bare));
	const char *password = last_password(s);
	size_t n;

	while ((n = stray_scheme_len(s, *bare, password)) > 0) {
		s = span_skip(s, n);
		*bare = 0;
	}
	return s;
}

static int
is_host_byte(char c)
{
	return (is_word_byte(c) && c != '+') || c == '_' || c == '~' ||
	       c == '%' || (unsigned char)c >= 0x80;
}

static int
is_v6_byte(char c)
{
	return span_hex_value(c) >= 0 || c == ':' || c == '.';
}

/* Is it a plausible "host" or "host:port"? A bare "host:" is not, because it
 * may be a user name. */
static int
is_host_and_port(struct span s, int bare)
{
	size_t i = 0;

	if (s.n > 0 && s.p[0] == '[') {
		for (i++; i < s.n && is_v6_byte(s.p[i]); i++)
			;
		if (i == s.n || s.p[i++] != ']')
			return 0;
		bare = 0;
	} else
		while (i < s.n && is_host_byte(s.p[i]) &&
		       mark_len(span_skip(s, i), colons) == 0)
			i++;
	if (i == 0)
		return 0;
	if (i == s.n)
		return 1;
	if (s.p[i] != ':' || (bare && i + 1 == s.n))
		return 0;
	for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		;
	return i == s.n;
}

/*
 * Finds what may be a password, from *from to *to. Returns 0 if there is none.
 * In a truncated text the '@' may be missing.
 */
static int
find_password(struct span in, int is_cut, const char **from, const char **to)
{
	int bare;
	struct span s = skip_to_authority(in, &bare);
	struct span host = authority_of(s);
	const char *last = last_mark(host, at_signs), *colon = NULL;
	int is_whole = !is_cut || host.n < s.n;

	*to = is_cut ? s.p + s.n : last_mark(s, at_signs);
	if (last != NULL)
		host = span_skip(
		    host, (size_t)(last - host.p) +
			      mark_len(span_skip(host, (size_t)(last - host.p)),
				  at_signs));
	/* If that is not a host, the password may contain '/', '?' or '#'. */
	if (is_whole && is_host_and_port(host, bare && last == NULL))
		*to = last;
	if (*to != NULL)
		colon = first_mark(span_of(s.p, (size_t)(*to - s.p)), colons);
	if (colon == NULL)
		return 0;
	*from = colon + mark_len(span_of(colon, (size_t)(*to - colon)), colons);
	return 1;
}

static struct span
skip_blanks(struct span s)
{
	while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
		s = span_skip(s, 1);
	return s;
}

/*
 * The start of the first value in a fragment of JSON, such as one line of an
 * object that was written over several lines. The value may be secret. NULL if
 * the text is not JSON; JSON is never a URL.
 */
static const char *
json_value_at(struct span in)
{
	struct span s = skip_blanks(in), at;
	size_t i;

	if (s.n > 0 && s.p[0] == '[')
		s = skip_blanks(span_skip(s, 1));
	if (s.n == 0 || (s.p[0] != '"' && s.p[0] != '{'))
		return NULL;
	for (i = 1; i < s.n; i++) {
		if (s.p[i] != '"')
			continue;
		at = skip_blanks(span_skip(s, i + 1));
		if (at.n > 0 && at.p[0] == ':')
			return at.p + 1;
	}
	return NULL;
}

static void
redact(struct buf *out, struct span in, int is_cut)
{
	const char *from = json_value_at(in), *to = in.p + in.n;

	if (from != NULL || ((is_cut || may_have_at_sign(in)) && in.n > 0 &&
				find_password(in, is_cut, &from, &to))) {
		buf_add(out, in.p, (size_t)(from - in.p));
		buf_str(out, "***");
		in = span_skip(in, (size_t)(to - in.p));
	}
	buf_span(out, in);
}

void
url_redact(struct buf *out, struct span in)
{
	redact(out, in, 0);
}

void
url_redact_cut(struct buf *out, struct span in)
{
	redact(out, in, 1);
}
