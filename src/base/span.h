/* SPDX-License-Identifier: ISC */
/*
 * A span: n bytes at p, owned by somebody else, not NUL-terminated. p may be
 * NULL only when n is 0.
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

/* Equal but for the case of ASCII letters. */
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

/* Without the spaces and tabs at both ends. */
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
