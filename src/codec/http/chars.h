/* SPDX-License-Identifier: ISC */
/* Character classes of HTTP's grammar (RFC 9110 section 5.6.2), for codec/http
 * only. */
#ifndef CODEC_HTTP_CHARS_H
#define CODEC_HTTP_CHARS_H

#include <stdint.h>
#include <string.h>

/* For bytes allowed in a token, the byte in lower case; 0 for all others. */
static const char http_token_lower[256] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
					  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
					  "\0!\0#$%&'\0\0*+\0-.\0"
					  "0123456789\0\0\0\0\0\0"
					  "\0abcdefghijklmno"
					  "pqrstuvwxyz\0\0\0^_"
					  "`abcdefghijklmno"
					  "pqrstuvwxyz\0|\0~";

static inline int
http_is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static inline int
http_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Eight bytes as a little-endian word. */
static inline uint64_t
http_load_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/*
 * The first control byte other than HTAB in p..end, or end. Scans eight bytes
 * at a time. A borrow can mark bytes above a marked one wrongly, but never the
 * lowest marked byte, and only that one is used.
 */
static inline const char *
http_find_control(const char *p, const char *end)
{
	const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
	uint64_t w, del, marks;

	while (end - p >= 8) {
		w = http_load_word(p);
		del = w ^ ones * 0x7f;
		marks =
		    (((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & tops;
		if (marks == 0) {
			p += 8;
			continue;
		}
		p += __builtin_ctzll(marks) / 8;
		if (*p != '\t')
			return p;
		p++;
	}
	while (p < end && !http_is_control(*p))
		p++;
	return p;
}

#endif
