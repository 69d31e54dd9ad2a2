/* SPDX-License-Identifier: ISC */
/* Determines the encoding of a document and decodes it. find.c finds declared
 * encodings, decode.c decodes. */
#include "worker/charset/charset.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "worker/charset/charset_int.h"

struct charset {
	struct charset_coder coder[CHARSET_COUNT];
};

struct charset *
charset_new(void)
{
	struct charset *cs = mem_zalloc(1, sizeof(*cs));
	size_t i;

	for (i = 0; i < CHARSET_COUNT; i++)
		charset_decode_open(&cs->coder[i], (enum charset_id)i);
	return cs;
}

void
charset_free(struct charset *cs)
{
	size_t i;

	if (cs == NULL)
		return;
	for (i = 0; i < CHARSET_COUNT; i++)
		charset_decode_close(&cs->coder[i]);
	free(cs);
}

static int
is_known(const struct charset *cs, enum charset_id id)
{
	return id != CHARSET_NONE && !cs->coder[id].is_missing;
}

/* Skips white space before the XML declaration, as doc.c removes it before
 * parsing. */
static struct span
skip_blanks(struct span body)
{
	size_t i = 0;

	while (i < body.n && memchr(" \t\r\n", body.p[i], 4) != NULL)
		i++;
	/* In UTF-16 the last byte may be half of a character. */
	if (i == body.n || body.p[i] != '<')
		return body;
	return span_of(body.p + i, body.n - i);
}

/* The encoding declared inside the document. */
static enum charset_id
look_inside(const struct charset *cs, struct span body, enum charset_look look)
{
	enum charset_id id = CHARSET_NONE;

	if (look == CHARSET_LOOK_HTML)
		id = charset_find_meta(body);
	if (look != CHARSET_LOOK_NOT && !is_known(cs, id))
		id = charset_find_xml(
		    look == CHARSET_LOOK_XML ? skip_blanks(body) : body);
	if (look == CHARSET_LOOK_XML && !is_known(cs, id))
		id = CHARSET_UTF_8;
	return is_known(cs, id) ? id : CHARSET_NONE;
}

static int
is_ascii(struct span s)
{
	uint64_t w;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		memcpy(&w, s.p + i, 8);
		if ((w & 0x8080808080808080ULL) != 0)
			return 0;
	}
	for (; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return 0;
	return 1;
}

/* Are the bytes the same in UTF-8? */
static int
is_plain(enum charset_kind kind, struct span s)
{
	switch (kind) {
	case KIND_UTF8:
		return utf8_valid(s) == s.n;
	case KIND_USER:
	case KIND_SINGLE:
	case KIND_WINDOWS:
		return is_ascii(s);
	case KIND_UTF16LE:
	case KIND_UTF16BE:
	case KIND_REPLACEMENT:
	case KIND_MULTI:
	case KIND_ISO_2022_JP:
		break;
	}
	return 0;
}

static void
drop_nuls(struct buf *b)
{
	char *to = b->n > 0 ? memchr(b->p, '\0', b->n) : NULL;
	const char *from = to, *end = b->p + b->n;

	if (to == NULL)
		return;
	for (; from < end; from++)
		if (*from != '\0')
			*to++ = *from;
	b->n = (size_t)(to - b->p);
}

struct span
charset_utf8(struct charset *cs, struct span body, struct span charset,
    enum charset_look look, struct buf *out)
{
	size_t bom = 0;
	enum charset_id id = charset_find_bom(body, &bom);
	int valid = -1;

	if (id == CHARSET_NONE)
		id = charset_find_parameter(charset);
	if (!is_known(cs, id))
		id = look_inside(cs, body, look);
	if (id == CHARSET_NONE) {
		valid = utf8_valid(body) == body.n;
		id = valid ? CHARSET_UTF_8 : CHARSET_WINDOWS_1252;
	}
	body = span_of(body.p + bom, body.n - bom);
	if (valid < 0)
		valid = is_plain(cs->coder[id].kind, body);
	if (body.n == 0 || (valid && memchr(body.p, '\0', body.n) == NULL))
		return body;
	out->n = 0;
	charset_decode_run(&cs->coder[id], id, body, out);
	drop_nuls(out);
	return buf_view(out);
}
