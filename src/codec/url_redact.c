/* SPDX-License-Identifier: ISC */
/*
 * Hides the password in a text that may be a URL, a wrong one too: where the
 * text is no URL that codec/url would take, it hides rather too much. Knows
 * nothing of schemes beyond their look.
 */
#include "codec/url.h"

static int
is_word_byte(char c)
{
	c = span_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
	       c == '-' || c == '.';
}

static int
is_slash(char c)
{
	return c == '/' || c == '\\';
}

/*
 * Where the authority begins: behind blanks, "word://" and any more slashes.
 * One slash will do for http and https. *bare: neither scheme
 * nor "//" was there.
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
		for (i++; i < s.n && is_slash(s.p[i]); i++)
			;
		if (i - colon > 2)
			*bare = 0;
		else if (i - colon == 2)
			*bare = !span_ieq(name, SPAN("http")) &&
				!span_ieq(name, SPAN("https"));
	}
	if (!*bare)
		return i;
	for (i = word; i < s.n && is_slash(s.p[i]); i++)
		;
	*bare = i - word < 2;
	return i;
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
	return (c >= '0' && c <= ':') || c == '.' ||
	       (span_lower(c) >= 'a' && span_lower(c) <= 'f');
}

/* Is it "host" or "host:port", with nothing in it that those cannot have? A
 * bare "host:" is not: it may as well be a user. */
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
		while (i < s.n && is_host_byte(s.p[i]))
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

static size_t
authority_len(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '?' || s.p[i] == '#')
			break;
	return i;
}

void
url_redact(struct buf *out, struct span in)
{
	const char *at = in.n > 0 ? memrchr(in.p, '@', in.n) : NULL;
	const char *last, *colon = NULL;
	struct span s, host;
	int bare;

	if (at == NULL) {
		buf_span(out, in);
		return;
	}
	s.p = in.p + authority_at(in, &bare);
	s.n = (size_t)(in.p + in.n - s.p);
	host = span_of(s.p, authority_len(s));
	last = host.n > 0 ? memrchr(host.p, '@', host.n) : NULL;
	if (last != NULL)
		host = span_of(last + 1, host.n - (size_t)(last + 1 - host.p));
	/* If that is no host, the password may have a '/', '?' or '#'. */
	if (is_host_and_port(host, bare && last == NULL))
		at = last;
	if (at != NULL && at > s.p)
		colon = memchr(s.p, ':', (size_t)(at - s.p));
	if (colon != NULL) {
		buf_add(out, in.p, (size_t)(colon + 1 - in.p));
		buf_str(out, "***");
		in = span_of(at, in.n - (size_t)(at - in.p));
	}
	buf_span(out, in);
}
