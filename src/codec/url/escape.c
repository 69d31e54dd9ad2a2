/* SPDX-License-Identifier: ISC */
/* Decodes and writes percent-escapes. */
#include "codec/url/escape.h"

int
url_escape_at(struct span s, size_t i)
{
	int high, low;

	if (s.n - i < 3 || s.p[i] != '%')
		return -1;
	high = span_hex_value(s.p[i + 1]);
	low = span_hex_value(s.p[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

#define ANY (URL_ESCAPE_PATH | URL_ESCAPE_QUERY | URL_ESCAPE_FRAGMENT)

/* The sets of each byte. */
static const unsigned char escape_sets[256] = {
	[0 ... 0x20] = ANY,
	['"'] = ANY,
	['<'] = ANY,
	['>'] = ANY,
	['`'] = URL_ESCAPE_PATH | URL_ESCAPE_FRAGMENT,
	['^'] = URL_ESCAPE_PATH,
	['{'] = URL_ESCAPE_PATH,
	['}'] = URL_ESCAPE_PATH,
	['\''] = URL_ESCAPE_QUERY,
	[0x7f ... 0xff] = ANY,
};

void
url_escape_put(struct buf *out, struct span s, enum url_escape_set set)
{
	static const char digits[] = "0123456789ABCDEF";
	char *to = buf_reserve(out, 3 * s.n);
	unsigned char c;
	size_t i;

	for (i = 0; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if (!(escape_sets[c] & set)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	out->n = (size_t)(to - out->p);
}
