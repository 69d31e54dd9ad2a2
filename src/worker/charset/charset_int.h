/* SPDX-License-Identifier: ISC */
/*
 * What the files of charset share: the encodings, how one is found in a
 * document (charset_find.c), how one is decoded (charset_decode.c).
 */
#ifndef WORKER_CHARSET_CHARSET_INT_H
#define WORKER_CHARSET_CHARSET_INT_H

#include <iconv.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum charset_id {
#define CHARSET(id, kind, name) id,
#include "worker/charset/table.h"
#undef CHARSET
	CHARSET_COUNT,
	CHARSET_NONE = CHARSET_COUNT
};

enum charset_kind {
	KIND_UTF8,
	KIND_UTF16LE,
	KIND_UTF16BE,
	KIND_REPLACEMENT, /* not to be decoded: all of it is one U+FFFD */
	KIND_USER,        /* the upper half in the private use area */
	KIND_SINGLE,      /* a byte a character */
	KIND_WINDOWS,     /* the same; C1 bytes without a meaning stand */
	KIND_MULTI,       /* iconv */
	KIND_ISO_2022_JP, /* its pairs as those of Shift_JIS, by iconv */
};

/* A converter: what `kind` it is says what is used. */
struct charset_coder {
	enum charset_kind kind;
	int is_missing;      /* iconv has none of that name */
	uint16_t upper[128]; /* SINGLE, WINDOWS: what 0x80 to 0xff mean */
	iconv_t cd;          /* MULTI, ISO_2022_JP */
	iconv_t pairs;       /* EUC-JP: what ISO_2022_JP has for its own */
};

/* charset_find.c: CHARSET_NONE if it says nothing that is known. */
enum charset_id charset_find_label(struct span label);
enum charset_id charset_find_bom(struct span body, size_t *bytes);
/* A media type's parameter, which some write in single quotes. */
enum charset_id charset_find_parameter(struct span charset);
enum charset_id charset_find_meta(struct span body);
enum charset_id charset_find_xml(struct span body);

/* charset_decode.c */
void charset_decode_open(struct charset_coder *c, enum charset_id id);
void charset_decode_close(struct charset_coder *c);
/* Appends `in` as UTF-8. */
void charset_decode_run(struct charset_coder *c, enum charset_id id,
    struct span in, struct buf *out);

#endif
