/* SPDX-License-Identifier: ISC */
/*
 * Decodes bytes to UTF-8 with the tables of the Encoding standard: those of
 * iconv, corrected where they are known to differ.
 */
#include "worker/charset/charset_int.h"

#include <errno.h>

#include "base/utf8.h"

#define PIECE 65536 /* bytes between two reservations of room */
#define REPLACEMENT 0xfffd
#define NO_ICONV ((iconv_t)-1)

static const struct {
	enum charset_kind kind;
	const char *name;
} table[] = {
#define CHARSET(id, kind, name) { kind, name },
#include "worker/charset/table.h"
#undef CHARSET
};

/* Where iconv's single-byte tables differ from the standard. */
static const struct {
	enum charset_id id;
	unsigned char byte;
	uint16_t c;
} differ[] = {
	{ CHARSET_KOI8_U, 0xae, 0x045e },
	{ CHARSET_KOI8_U, 0xbe, 0x040e },
	{ CHARSET_MACINTOSH, 0xc6, 0x2206 },
	{ CHARSET_MACINTOSH, 0xf0, 0xf8ff },
	{ CHARSET_X_MAC_CYRILLIC, 0xff, 0x20ac },
	{ CHARSET_WINDOWS_1255, 0xca, 0x05ba },
};

/* The UCS-2 character that iconv makes of a byte; 0 if none. */
static uint16_t
ask_iconv(iconv_t cd, unsigned char byte)
{
	uint16_t c[4];
	char in = (char)byte, *from = &in, *to = (char *)c;
	size_t nin = 1, nout = sizeof(c);

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &from, &nin, &to, &nout) == (size_t)-1)
		return 0;
	/* Some converters hold a letter back for a combining mark to follow. */
	iconv(cd, NULL, NULL, &to, &nout);
	return nout == sizeof(c) - 2 ? c[0] : 0;
}

static void
open_single(struct charset_coder *c, enum charset_id id)
{
	iconv_t cd = iconv_open("UCS-2LE", table[id].name);
	size_t i;
	uint16_t u;

	/* windows-1252 is always needed; Latin-1 is close enough. */
	c->is_missing = cd == NO_ICONV && id != CHARSET_WINDOWS_1252;
	for (i = 0; i < 128; i++) {
		u = cd != NO_ICONV ? ask_iconv(cd, (unsigned char)(0x80 + i))
				   : (uint16_t)(0x80 + i);
		if (u == 0 && c->kind == KIND_WINDOWS && i < 0x20)
			u = (uint16_t)(0x80 + i);
		c->upper[i] = u != 0 ? u : REPLACEMENT;
	}
	for (i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i].id == id)
			c->upper[differ[i].byte - 0x80] = differ[i].c;
	if (cd != NO_ICONV)
		iconv_close(cd);
}

void
charset_decode_open(struct charset_coder *c, enum charset_id id)
{
	size_t i;

	*c = (struct charset_coder){
		.kind = table[id].kind, .cd = NO_ICONV, .pairs = NO_ICONV
	};
	if (c->kind == KIND_SINGLE || c->kind == KIND_WINDOWS)
		open_single(c, id);
	else if (c->kind == KIND_USER)
		for (i = 0; i < 128; i++)
			c->upper[i] = (uint16_t)(0xf780 + i);
	else if (c->kind == KIND_MULTI || c->kind == KIND_ISO_2022_JP) {
		c->cd = iconv_open("UTF-8", table[id].name);
		c->is_missing = c->cd == NO_ICONV;
	}
	if (id == CHARSET_EUC_JP)
		c->pairs = iconv_open("UTF-8", table[CHARSET_ISO_2022_JP].name);
}

void
charset_decode_close(struct charset_coder *c)
{
	if (c->cd != NO_ICONV)
		iconv_close(c->cd);
	if (c->pairs != NO_ICONV)
		iconv_close(c->pairs);
	c->cd = c->pairs = NO_ICONV;
}

static void
put(struct buf *out, uint32_t c)
{
	out->n += utf8_put(buf_reserve(out, 4), c);
}

static void
run_utf8(struct span in, struct buf *out)
{
	size_t n;

	for (;;) {
		n = utf8_valid(in);
		buf_add(out, in.p, n);
		in = span_of(in.p + n, in.n - n);
		if (in.n == 0)
			return;
		n = utf8_invalid_len(in);
		put(out, REPLACEMENT);
		in = span_of(in.p + n, in.n - n);
	}
}

static void
run_utf16(int is_be, struct span in, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	uint32_t c, high = 0;
	size_t i;

	for (i = 0; i + 1 < in.n; i += 2) {
		c = is_be ? (uint32_t)(p[i] << 8 | p[i + 1])
			  : (uint32_t)(p[i + 1] << 8 | p[i]);
		if (high != 0 && c >= 0xdc00 && c <= 0xdfff) {
			put(out,
			    0x10000 + ((high & 0x3ff) << 10) + (c & 0x3ff));
			high = 0;
			continue;
		}
		if (high != 0)
			put(out, REPLACEMENT);
		high = c >= 0xd800 && c <= 0xdbff ? c : 0;
		if (high == 0)
			put(out, c >= 0xdc00 && c <= 0xdfff ? REPLACEMENT : c);
	}
	if (high != 0 || i < in.n)
		put(out, REPLACEMENT);
}

static void
run_single(const uint16_t upper[128], struct span in, struct buf *out)
{
	size_t i, end;
	unsigned char c;
	char *p;

	for (i = 0; i < in.n;) {
		end = in.n - i < PIECE ? in.n : i + PIECE;
		p = buf_reserve(out, 3 * (end - i) + 4);
		for (; i < end; i++) {
			c = (unsigned char)in.p[i];
			if (c < 0x80)
				*p++ = (char)c;
			else
				p += utf8_put(p, upper[c - 0x80]);
		}
		out->n = (size_t)(p - out->p);
	}
}

/*
 * The length of an invalid sequence. An ASCII byte after a lead byte is never
 * part of it, or it could hide a '<'.
 */
static size_t
bad_len(struct span in)
{
	const unsigned char *p = (const unsigned char *)in.p;

	if (in.n < 2)
		return 1;
	return p[0] >= 0x81 && p[0] <= 0xfe && p[1] >= 0x80 ? 2 : 1;
}

static void
run_multi(iconv_t cd, enum charset_id id, struct span in, struct buf *out)
{
	char *from = (char *)(uintptr_t)in.p, *to;
	size_t left = in.n, room, n;

	iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0) {
		room = 3 * (left < PIECE ? left : PIECE) + 16;
		to = buf_reserve(out, room);
		n = iconv(cd, &from, &left, &to, &room);
		out->n = (size_t)(to - out->p);
		if (n != (size_t)-1 || errno == E2BIG)
			continue;
		n = errno == EINVAL ? left : bad_len(span_of(from, left));
		put(out, id == CHARSET_GB18030 && *from == '\x80'
			     ? 0x20ac
			     : REPLACEMENT);
		from += n;
		left -= n;
	}
	room = 16;
	to = buf_reserve(out, room);
	iconv(cd, NULL, NULL, &to, &room);
	out->n = (size_t)(to - out->p);
}

/* The state of ISO-2022-JP, set by the last escape. */
enum jis { JIS_ASCII, JIS_ROMAN, JIS_KATAKANA, JIS_PAIRS };

/* Nonzero if an escape begins at s; sets *state. */
static int
read_escape(struct span s, enum jis *state)
{
	static const struct {
		char text[4];
		enum jis state;
	} escapes[] = { { "\x1b(B", JIS_ASCII }, { "\x1b(J", JIS_ROMAN },
		{ "\x1b(I", JIS_KATAKANA }, { "\x1b$@", JIS_PAIRS },
		{ "\x1b$B", JIS_PAIRS } };
	size_t i;

	for (i = 0; s.n >= 3 && i < sizeof(escapes) / sizeof(escapes[0]); i++)
		if (memcmp(s.p, escapes[i].text, 3) == 0) {
			*state = escapes[i].state;
			return 1;
		}
	return 0;
}

static uint32_t
jis_byte(enum jis state, unsigned char c)
{
	if (state == JIS_KATAKANA)
		return c >= 0x21 && c <= 0x5f ? 0xff61u - 0x21 + c
					      : REPLACEMENT;
	if (c >= 0x80 || c == 0x0e || c == 0x0f || c == 0x1b)
		return REPLACEMENT;
	if (state == JIS_ROMAN && c == '\\')
		return 0xa5;
	return state == JIS_ROMAN && c == '~' ? 0x203e : c;
}

static int
is_half(char c)
{
	return c >= 0x21 && c <= 0x7e;
}

/* Decodes a pair or an invalid sequence; returns its length. */
static size_t
run_pair(iconv_t cd, struct span s, struct buf *out)
{
	char sjis[2], *from = sjis, *to = buf_reserve(out, 16);
	size_t left = 2, room = 16;
	unsigned lead, trail;

	if (!is_half(s.p[0]) || s.n < 2 || s.p[1] == 0x1b) {
		put(out, REPLACEMENT);
		return 1;
	}
	lead = (unsigned char)s.p[0] - 0x21u;
	trail = (unsigned char)s.p[1] - 0x21u + lead % 2 * 94;
	sjis[0] = (char)(lead / 2 + (lead / 2 < 0x1f ? 0x81 : 0xc1));
	sjis[1] = (char)(trail + (trail < 0x3f ? 0x40 : 0x41));
	if (is_half(s.p[1]) &&
	    iconv(cd, &from, &left, &to, &room) != (size_t)-1)
		out->n = (size_t)(to - out->p);
	else
		put(out, REPLACEMENT);
	return 2;
}

/* The decoder of the Encoding standard. iconv's table lacks row 13 and has
 * other dashes than its other Japanese encodings. */
static void
run_iso_2022_jp(iconv_t cd, struct span in, struct buf *out)
{
	enum jis state = JIS_ASCII;
	int escaped = 0; /* directly after an escape */
	size_t n;

	iconv(cd, NULL, NULL, NULL, NULL);
	for (; in.n > 0; in = span_of(in.p + n, in.n - n)) {
		if (read_escape(in, &state)) {
			if (escaped)
				put(out, REPLACEMENT);
			escaped = 1;
			n = 3;
			continue;
		}
		escaped = 0;
		n = 1;
		if (state == JIS_PAIRS)
			n = run_pair(cd, in, out);
		else
			put(out, jis_byte(state, (unsigned char)in.p[0]));
	}
}

/* The next character of U+E000 to U+EFFF, or NULL. */
static char *
next_private(char *p, const char *end)
{
	return memchr(p, '\xee', (size_t)(end - p));
}

/*
 * Rows 89 to 92 (mostly kanji of names) are private use in EUC-JP-MS: U+E178 to
 * U+E2EF. Corrected in place: both have three bytes in UTF-8.
 */
static void
fix_euc_jp(iconv_t cd, char *p, const char *end)
{
	struct buf fresh = { 0 };
	char jis[2];
	unsigned k;

	for (; (p = next_private(p, end)) != NULL; p += 3) {
		k = (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		if (k < 0x178 || k > 0x2ef)
			continue;
		jis[0] = (char)(0x75 + k / 94);
		jis[1] = (char)(0x21 + k % 94);
		fresh.n = 0;
		run_pair(cd, span_of(jis, 2), &fresh);
		if (fresh.n == 3)
			memcpy(p, fresh.p, 3);
	}
	buf_fini(&fresh);
}

/* 0xa3a0 is a space in the standard, but U+E5E5 in iconv. */
static void
fix_gb18030(char *p, const char *end)
{
	for (; (p = next_private(p, end)) != NULL; p += 3)
		if (memcmp(p, "\xee\x97\xa5", 3) == 0)
			memcpy(p, "\xe3\x80\x80", 3);
}

void
charset_decode_run(struct charset_coder *c, enum charset_id id, struct span in,
    struct buf *out)
{
	size_t n = out->n;

	switch (c->kind) {
	case KIND_UTF8:
		run_utf8(in, out);
		break;
	case KIND_UTF16LE:
	case KIND_UTF16BE:
		run_utf16(c->kind == KIND_UTF16BE, in, out);
		break;
	case KIND_REPLACEMENT:
		put(out, REPLACEMENT);
		break;
	case KIND_USER:
	case KIND_SINGLE:
	case KIND_WINDOWS:
		run_single(c->upper, in, out);
		break;
	case KIND_MULTI:
		run_multi(c->cd, id, in, out);
		if (id == CHARSET_EUC_JP && c->pairs != NO_ICONV)
			fix_euc_jp(c->pairs, out->p + n, out->p + out->n);
		else if (id == CHARSET_GB18030)
			fix_gb18030(out->p + n, out->p + out->n);
		break;
	case KIND_ISO_2022_JP:
		run_iso_2022_jp(c->cd, in, out);
		break;
	}
}
