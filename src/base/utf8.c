/* SPDX-License-Identifier: ISC */
/* UTF-8 by the table of RFC 3629 section 4. */
#include "base/utf8.h"

#include <string.h>

#define BOM "\xef\xbb\xbf"

struct span
utf8_skip_bom(struct span s)
{
	size_t n = sizeof(BOM) - 1;

	if (s.n < n || memcmp(s.p, BOM, n) != 0)
		return s;
	return span_of(s.p + n, s.n - n);
}

static inline int
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t
utf8_len(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < 2 || !is_tail(p[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	if (s.n < 3 || !is_tail(p[2]))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	return s.n >= 4 && is_tail(p[3]) ? 4 : 0;
}

size_t
utf8_valid(struct span s)
{
	size_t i = 0, n;
	uint64_t w;

	for (;;) {
		while (s.n - i >= 8) {
			memcpy(&w, s.p + i, 8);
			if ((w & 0x8080808080808080ULL) != 0)
				break;
			i += 8;
		}
		if (i == s.n)
			return i;
		n = utf8_len(span_of(s.p + i, s.n - i));
		if (n == 0)
			return i;
		i += n;
	}
}

size_t
utf8_invalid_len(struct span s)
{
	size_t n, i;
	char c[4];

	for (n = s.n < 3 ? s.n : 3; n > 1; n--) {
		memcpy(c, s.p, n);
		memset(c + n, '\x80', 4 - n);
		for (i = n + 1; i <= 4; i++)
			if (utf8_len(span_of(c, i)) == i)
				return n;
	}
	return 1;
}

/*
 * A byte that is not a continuation byte starts a character. Without one among
 * the last four the text is not UTF-8, and any cut is as good.
 */
struct span
utf8_cut(struct span s, size_t max)
{
	size_t i, n = s.n < max ? s.n : max;

	if (n == s.n)
		return s;
	for (i = n; i > 0 && n - i <= 3; i--)
		if (!is_tail((unsigned char)s.p[i]))
			return span_of(s.p, i);
	return span_of(s.p, n);
}

size_t
utf8_put(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | (c >> 6));
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | (c >> 12));
		out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (c >> 18));
	out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
