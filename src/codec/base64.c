/* SPDX-License-Identifier: ISC */
/* Base64, for bodies that are not text. */
#include "codec/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(char *out, struct span in)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n = in.n;
	unsigned v;

	for (; n >= 3; n -= 3, p += 3) {
		v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = digits[v >> 6 & 63];
		*out++ = digits[v & 63];
	}
	if (n == 0)
		return out;
	v = (unsigned)p[0] << 16 | (n == 2 ? (unsigned)p[1] << 8 : 0);
	*out++ = digits[v >> 18];
	*out++ = digits[v >> 12 & 63];
	*out++ = n == 2 ? digits[v >> 6 & 63] : '=';
	*out++ = '=';
	return out;
}

/* 0-63, or -1. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four digits; in the last group one or two of them may be '='. Returns
 * the number of bytes, or -1. */
static int
decode_group(char *out, const char *in, int is_last)
{
	int pad = 0, v = 0, d, i;

	if (is_last && in[3] == '=')
		pad = in[2] == '=' ? 2 : 1;
	for (i = 0; i < 4; i++) {
		d = i < 4 - pad ? digit_value(in[i]) : 0;
		if (d < 0)
			return -1;
		v = v << 6 | d;
	}
	for (i = 0; i < 3 - pad; i++)
		out[i] = (char)(v >> (16 - 8 * i));
	return 3 - pad;
}

int
base64_decode(char *out, size_t *n, struct span in)
{
	size_t i;
	int k;

	*n = 0;
	if (in.n % 4 != 0)
		return -1;
	for (i = 0; i < in.n; i += 4) {
		k = decode_group(out + *n, in.p + i, i + 4 == in.n);
		if (k < 0)
			return -1;
		*n += (size_t)k;
	}
	return 0;
}
