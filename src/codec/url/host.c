/* SPDX-License-Identifier: ISC */
/*
 * Validates and normalises hosts of URLs. A plain ASCII name takes one pass;
 * only labels with other characters are mapped by IDNA.
 */
#include "codec/url/host.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/url/escape.h"
#include "codec/url/idna.h"

#define LABEL_MAX URL_IDNA_LABEL_MAX
/* Bytes of a host before its mapping, which may shorten it. */
#define GIVEN_MAX URL_IDNA_GIVEN_MAX
#define TOO_LONG "the host is longer than 253 bytes"

#define NOT_IDN "the host is not a valid internationalised domain name"

enum name { NAME_OK, NAME_BAD, NAME_IDN };

/* The bits to set in a byte to get it in lower case (all allowed bytes but
 * capital letters have them already); 0: not allowed in a plain name. */
static const unsigned char name_bits[256] = {
	['-' ... '.'] = 0x20,
	['0' ... '9'] = 0x20,
	['A' ... 'Z'] = 0x20,
	['_'] = 0x40,
	['a' ... 'z'] = 0x20,
};

static enum name
bad(const char **why, const char *text)
{
	*why = text;
	return NAME_BAD;
}

/* Underscores and hyphens are allowed anywhere, as in DNS. */
static enum name
check_label(struct span label, const char **why)
{
	if (label.n == 0)
		return bad(why, "the host has an empty label");
	if (label.n > LABEL_MAX)
		return bad(why, "a label of the host is longer than 63 bytes");
	if (url_idna_has_prefix(label) && !url_idna_is_alabel(label))
		return bad(why, NOT_IDN);
	return NAME_OK;
}

/*
 * Copies a plain ASCII name to `to` in lower case and checks its labels.
 * NAME_IDN if it is not plain.
 */
static enum name
copy_name(char *to, struct span in, const char **why)
{
	enum name r;
	unsigned char bits;
	size_t i, label = 0;

	for (i = 0; i < in.n; i++) {
		bits = name_bits[(unsigned char)in.p[i]];
		if (bits == 0)
			return NAME_IDN;
		to[i] = (char)(in.p[i] | bits);
		if (to[i] != '.')
			continue;
		r = check_label(span_of(to + label, i - label), why);
		if (r == NAME_BAD)
			return r;
		label = i + 1;
	}
	if (label == in.n && label > 0) /* a final dot */
		return NAME_OK;
	return check_label(span_of(to + label, in.n - label), why);
}

/* Decodes percent-escapes into to[GIVEN_MAX]; returns the length, or 0 on an
 * error. */
static size_t
unescape(char *to, struct span in, const char **why)
{
	size_t i, n = 0;
	int c;

	for (i = 0; i < in.n; i++, n++) {
		if (n == GIVEN_MAX) {
			*why = TOO_LONG;
			return 0;
		}
		to[n] = in.p[i];
		if (in.p[i] != '%')
			continue;
		c = url_escape_at(in, i);
		if (c < 0) {
			*why = "the host contains an invalid percent-encoding";
			return 0;
		}
		to[n] = (char)c;
		i += 2;
	}
	return n;
}

/* Length of the dot at the start of s: '.', U+3002, U+FF0E, U+FF61; or 0. */
static size_t
dot_len(struct span s)
{
	if (s.n > 0 && s.p[0] == '.')
		return 1;
	if (s.n >= 3 && (memcmp(s.p, "\xe3\x80\x82", 3) == 0 ||
			    memcmp(s.p, "\xef\xbc\x8e", 3) == 0 ||
			    memcmp(s.p, "\xef\xbd\xa1", 3) == 0))
		return 3;
	return 0;
}

static int
is_plain(struct span label)
{
	size_t i;

	for (i = 0; i < label.n; i++)
		if (name_bits[(unsigned char)label.p[i]] == 0)
			return 0;
	return 1;
}

/* Writes a label of an internationalised name to to[room]; SIZE_MAX if it is
 * invalid. */
static size_t
put_label(char *to, size_t room, struct span label, const char **why)
{
	char mapped[LABEL_MAX];
	size_t n = label.n;

	if (!is_plain(label)) {
		n = url_idna_map(mapped, label);
		label = span_of(mapped, n);
	}
	*why = NOT_IDN;
	if (n == SIZE_MAX)
		return SIZE_MAX;
	*why = TOO_LONG;
	if (n > room)
		return SIZE_MAX;
	if (n > 0)
		memcpy(to, label.p, n);
	return n;
}

/*
 * Maps a name by UTS 46, non-transitional, label by label, so that plain labels
 * (`_dmarc`, `r1---sn-x`) follow the plain rules. Writes to
 * to[URL_HOST_MAX + 1] and returns the length, or 0 on an error.
 */
static size_t
map_name(char *to, struct span in, const char **why)
{
	size_t i, dot, n = 0, got, label = 0;

	for (i = 0; i <= in.n; i += dot) {
		dot = dot_len(span_of(in.p + i, in.n - i));
		if (dot == 0 && i < in.n) {
			dot = 1;
			continue;
		}
		got = put_label(to + n, URL_HOST_MAX + 1 - n,
		    span_of(in.p + label, i - label), why);
		if (got == SIZE_MAX)
			return 0;
		n += got;
		if (dot == 0)
			break;
		if (n > URL_HOST_MAX) {
			*why = TOO_LONG;
			return 0;
		}
		to[n++] = '.';
		label = i + dot;
	}
	return n;
}

static enum name
copy_idn(char *to, size_t *n, struct span in, const char **why)
{
	char given[GIVEN_MAX], ascii[URL_HOST_MAX + 1];
	struct span s;

	s = span_of(given, unescape(given, in, why));
	if (s.n == 0)
		return NAME_BAD;
	if (utf8_valid(s) != s.n)
		return bad(why, "the host is not UTF-8");
	s = span_of(ascii, map_name(ascii, s, why));
	if (s.n == 0)
		return NAME_BAD;
	*n = s.n;
	/* The mapping may produce any ASCII byte. */
	if (!is_plain(s))
		return bad(
		    why, "the host has a byte that is not allowed in a name");
	return copy_name(to, s, why);
}

/* A number of an IPv4 address: decimal, octal (0...) or hexadecimal (0x...); -1
 * if s is none of these. */
static int64_t
v4_number(struct span s)
{
	int64_t v = 0;
	int base = 10, digit;
	size_t i = 0;

	if (s.n >= 2 && s.p[0] == '0' && s.p[1] == 'x')
		base = 16, i = 2;
	else if (s.n >= 2 && s.p[0] == '0')
		base = 8, i = 1;
	for (; i < s.n; i++) {
		digit = span_hex_value(s.p[i]);
		if (digit < 0 || digit >= base)
			return -1;
		v = v * base + digit;
		if (v > UINT32_MAX)
			return -1;
	}
	return v;
}

/* Does the name end in a number, so that it must be an IPv4 address? */
static int
is_v4(struct span s)
{
	size_t i = s.n, j;

	while (i > 0 && s.p[i - 1] != '.')
		i--;
	if (i == s.n || s.p[i] < '0' || s.p[i] > '9')
		return 0;
	if (v4_number(span_of(s.p + i, s.n - i)) >= 0)
		return 1;
	for (j = i; j < s.n && s.p[j] >= '0' && s.p[j] <= '9'; j++)
		;
	if (j < s.n && j == i + 1 && s.p[i] == '0' && s.p[j] == 'x')
		for (j++; j < s.n && span_hex_value(s.p[j]) >= 0; j++)
			;
	return j == s.n;
}

/* 1 to 4 numbers, the last one filling the remaining bytes. */
static int
parse_v4(struct span s, uint32_t *addr)
{
	uint64_t max;
	int64_t v;
	size_t dot;
	int part;

	*addr = 0;
	for (part = 0; part < 4; part++) {
		for (dot = 0; dot < s.n && s.p[dot] != '.'; dot++)
			;
		v = v4_number(span_of(s.p, dot));
		max = dot < s.n ? 255 : UINT32_MAX >> (8 * part);
		if (v < 0 || (uint64_t)v > max)
			return 0;
		if (dot == s.n) {
			*addr |= (uint32_t)v;
			return 1;
		}
		*addr |= (uint32_t)v << (24 - 8 * part);
		s = span_of(s.p + dot + 1, s.n - dot - 1);
	}
	return 0;
}

static size_t
write_v4(char *to, uint32_t addr)
{
	unsigned int byte;
	size_t n = 0;
	int shift;

	for (shift = 24; shift >= 0; shift -= 8) {
		byte = addr >> shift & 255;
		if (byte >= 100)
			to[n++] = (char)('0' + byte / 100);
		if (byte >= 10)
			to[n++] = (char)('0' + byte / 10 % 10);
		to[n++] = (char)('0' + byte % 10);
		if (shift > 0)
			to[n++] = '.';
	}
	return n;
}

/* Normalises the checked name of *n bytes in `to` if it is an IPv4 address. */
static enum name
fix_v4(char *to, size_t *n, enum url_host *kind, const char **why)
{
	struct span s = span_of(to, *n);
	uint32_t addr;

	if (s.p[s.n - 1] == '.')
		s.n--;
	*kind = URL_NAME;
	if (!is_v4(s)) {
		if (s.n > URL_HOST_MAX)
			return bad(why, TOO_LONG);
		return NAME_OK;
	}
	*kind = URL_IPV4;
	if (!parse_v4(s, &addr))
		return bad(why, "the host ends in a number but is not an IPv4 "
				"address");
	*n = write_v4(to, addr);
	return NAME_OK;
}

static enum err
put_v6(struct buf *out, struct span in, const char **why)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	*why = "not an IPv6 address in the brackets";
	if (in.n < 4 || in.p[in.n - 1] != ']' || in.n - 2 >= sizeof(text) ||
	    memchr(in.p, '\0', in.n) != NULL)
		return E_URL_INVALID;
	memcpy(text, in.p + 1, in.n - 2);
	text[in.n - 2] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1)
		return E_URL_INVALID;
	inet_ntop(AF_INET6, &addr, text, sizeof(text));
	buf_char(out, '[');
	buf_str(out, text);
	buf_char(out, ']');
	return E_OK;
}

enum err
url_host_put(
    struct buf *out, struct span in, enum url_host *kind, const char **why)
{
	/* Room for any name or address; the rest is done in place. */
	char *to = buf_reserve(out, URL_HOST_MAX + 1 + INET_ADDRSTRLEN);
	enum name r = NAME_IDN;
	size_t n = in.n;

	*kind = URL_IPV6;
	if (in.n > 0 && in.p[0] == '[')
		return put_v6(out, in, why);
	if (n <= URL_HOST_MAX + 1)
		r = copy_name(to, in, why);
	if (r == NAME_IDN)
		r = copy_idn(to, &n, in, why);
	if (r == NAME_OK)
		r = fix_v4(to, &n, kind, why);
	if (r != NAME_OK)
		return E_URL_HOST_INVALID;
	out->n += n;
	return E_OK;
}
