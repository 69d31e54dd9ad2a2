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

/* Removes the first n bytes of *s. */
static inline void
span_drop(struct span *s, size_t n)
{
	*s = span_skip(*s, n);
}

static inline int
span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	       span_eq((struct span){ s.p, prefix.n }, prefix);
}

/* The same in any case. */
static inline int
span_istarts(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	       span_ieq((struct span){ s.p, prefix.n }, prefix);
}

static inline int
span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n && span_eq(span_skip(s, s.n - suffix.n), suffix);
}

static inline int
span_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline int
span_is_letter(char c)
{
	c = span_lower(c);
	return c >= 'a' && c <= 'z';
}

/* The value of a hexadecimal digit, or -1. */
static inline int
span_hex_value(char c)
{
	if (span_is_digit(c))
		return c - '0';
	c = span_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Space, tab, CR or LF: the white space of JSON and of HTTP. */
static inline int
span_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The white space of HTML, XML and CSS: a form feed too. */
static inline int
span_is_html_space(char c)
{
	return span_is_space(c) || c == '\f';
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
