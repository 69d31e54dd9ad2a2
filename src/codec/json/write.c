/* SPDX-License-Identifier: ISC */
/* Writes numbers, times and strings as JSON through a bare pointer. */
#include "codec/json/write.h"

#include <endian.h>

#include "base/utf8.h"
#include "codec/json/json.h"

#define LAST_US 253402300799999999LL /* the end of the year 9999 */

static const char two_digits[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";

static inline char *
put_2(char *p, unsigned v)
{
	memcpy(p, two_digits + 2 * v, 2);
	return p + 2;
}

char *
json_write_line(char *p, struct span s)
{
	char *end = json_write_raw(p, s);

	for (; p < end; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return end;
}

char *
json_write_u64(char *p, uint64_t v)
{
	char digit[20];
	size_t i = sizeof(digit);

	if (v < 10) {
		*p = (char)('0' + v);
		return p + 1;
	}
	for (; v >= 100; v /= 100)
		memcpy(digit + (i -= 2), two_digits + 2 * (v % 100), 2);
	if (v >= 10)
		memcpy(digit + (i -= 2), two_digits + 2 * v, 2);
	else
		digit[--i] = (char)('0' + v);
	return json_write_raw(p, span_of(digit + i, sizeof(digit) - i));
}

char *
json_write_int(char *p, int64_t v)
{
	return v < 0 ? json_write_null(p) : json_write_u64(p, (uint64_t)v);
}

char *
json_write_bool(char *p, int v)
{
	if (v < 0)
		return json_write_null(p);
	return json_write_raw(p, v ? SPAN("true") : SPAN("false"));
}

/* Microseconds as seconds with six decimals. */
char *
json_write_time(char *p, int64_t us)
{
	unsigned rest;

	if (us < 0)
		return json_write_null(p);
	p = json_write_u64(p, (uint64_t)us / 1000000);
	rest = (unsigned)((uint64_t)us % 1000000);
	*p++ = '.';
	p = put_2(p, rest / 10000);
	p = put_2(p, rest / 100 % 100);
	return put_2(p, rest % 100);
}

/* "YYYY-MM-DD" of a day since 1970. Years begin in March, so leap days are
 * last. */
static char *
put_date(char *p, unsigned day)
{
	unsigned z = day + 719468, era = z / 146097, doe = z % 146097;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
	unsigned year = yoe + era * 400 + (month <= 2);

	p = put_2(p, year / 100);
	p = put_2(p, year % 100);
	*p++ = '-';
	p = put_2(p, month);
	*p++ = '-';
	return put_2(p, doy - (153 * mp + 2) / 5 + 1);
}

/* RFC 3339, UTC, milliseconds. */
char *
json_write_timestamp(char *p, int64_t us)
{
	int64_t ms = (us < LAST_US ? us : LAST_US) / 1000;
	unsigned rest = (unsigned)(ms % 86400000);

	if (us < 0)
		return json_write_null(p);
	*p++ = '"';
	p = put_date(p, (unsigned)(ms / 86400000));
	*p++ = 'T';
	p = put_2(p, rest / 3600000);
	*p++ = ':';
	p = put_2(p, rest / 60000 % 60);
	*p++ = ':';
	p = put_2(p, rest / 1000 % 60);
	*p++ = '.';
	*p++ = (char)('0' + rest / 100 % 10);
	p = put_2(p, rest % 100);
	return json_write_raw(p, SPAN("Z\""));
}

/* Writes a byte that must be escaped, or a character that is not ASCII. */
static char *
put_special(char *p, struct span s, size_t *used)
{
	static const char hex[] = "0123456789abcdef";
	static const char letter[256] = { ['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't',
		['"'] = '"',
		['\\'] = '\\' };
	unsigned char c = (unsigned char)s.p[0];

	*used = 1;
	if (c >= 0x80) {
		*used = utf8_len(s);
		if (*used > 0)
			return json_write_raw(p, span_of(s.p, *used));
		*used = utf8_invalid_len(s);
		return json_write_raw(p, SPAN("\xef\xbf\xbd"));
	}
	*p++ = '\\';
	if (letter[c] != 0) {
		*p++ = letter[c];
		return p;
	}
	p = json_write_raw(p, SPAN("u00"));
	*p++ = hex[c >> 4];
	*p++ = hex[c & 15];
	return p;
}

/* The last n < 8 bytes of s in the low bytes of a word. */
static inline uint64_t
load_tail(struct span s, size_t n)
{
	uint64_t w = 0;
	size_t i;

	if (s.n >= 8) {
		memcpy(&w, s.p + s.n - 8, 8);
		return le64toh(w) >> (8 * (8 - n));
	}
	for (i = 0; i < n; i++)
		w |= (uint64_t)(unsigned char)s.p[s.n - n + i] << (8 * i);
	return w;
}

/*
 * Writes the contents of a JSON string. `high`: 0x80 in each byte, or 0 if s is
 * part of a text known to be UTF-8. May write up to eight bytes beyond the end
 * it returns.
 */
static inline char *
put_inside(char *p, struct span s, uint64_t high)
{
	uint64_t w, m;
	size_t i = 0, n, plain;

	while (i < s.n) {
		n = s.n - i < 8 ? s.n - i : 8;
		if (n == 8)
			memcpy(&w, s.p + i, 8);
		else
			w = htole64(load_tail(s, n));
		memcpy(p, &w, 8);
		m = json_special(le64toh(w), high);
		if (m == 0) {
			p += n;
			i += n;
			continue;
		}
		/* The NUL bytes that pad a short word count as special, too. */
		plain = (size_t)__builtin_ctzll(m) / 8;
		plain = plain < n ? plain : n;
		p += plain;
		i += plain;
		if (plain < n) {
			p = put_special(p, span_of(s.p + i, s.n - i), &n);
			i += n;
		}
	}
	return p;
}

char *
json_write_inside(char *p, struct span s)
{
	return put_inside(p, s, 0x8080808080808080ULL);
}

char *
json_write_inside_utf8(char *p, struct span s)
{
	return put_inside(p, s, 0);
}

char *
json_write_string(char *p, struct span s)
{
	if (s.p == NULL)
		return json_write_null(p);
	*p++ = '"';
	p = json_write_inside(p, s);
	*p++ = '"';
	return p;
}

/* Lower-casing the written string is safe: escapes have no capital letters. */
char *
json_write_lower(char *p, struct span s)
{
	char *start = p;

	if (s.n == 0)
		return json_write_null(p);
	for (p = json_write_string(p, s); start < p; start++)
		*start = span_lower(*start);
	return p;
}
