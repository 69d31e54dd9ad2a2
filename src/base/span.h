/* SPDX-License-Identifier: ISC */
/*
 * A span: n bytes at p, owned by somebody else, not NUL-terminated. p may be
 * NULL only when n is 0. Letters and white space mean those of ASCII.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(lit) ((struct span){ (lit), sizeof(lit) - 1 })
#define SPAN_NONE ((struct span){ NULL, 0 })

static inline struct span
span_of(const char *p, size_t n)
{
	return (struct span){ p, n };
}

static inline struct span
span_str(const char *s)
{
	return (struct span){ s, s != NULL ? strlen(s) : 0 };
}

static inline int
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char
span_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Equal except for the case of letters. */
static inline int
span_ieq(struct span a, struct span b)
{
	size_t i;

	if (a.n != b.n)
		return 0;
	for (i = 0; i < a.n; i++)
		if (span_lower(a.p[i]) != span_lower(b.p[i]))
			return 0;
	return 1;
}

/* s without its first n bytes. */
static inline struct span
span_skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.n - n };
}

static inline int
span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	       span_eq((struct span){ s.p, prefix.n }, prefix);
}

static inline int
span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n && span_eq(span_skip(s, s.n - suffix.n), suffix);
}

/* Space, tab, CR or LF: the white space of JSON and of HTTP. */
static inline int
span_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* s without white space at both ends. */
static inline struct span
span_trim_space(struct span s)
{
	while (s.n > 0 && span_is_space(s.p[0]))
		s.p++, s.n--;
	while (s.n > 0 && span_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* s without spaces and tabs at both ends. */
static inline struct span
span_trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

#endif
