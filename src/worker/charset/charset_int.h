/* SPDX-License-Identifier: ISC */
/*
 * Shared by the files of charset only: the encodings, finding a declared one
 * (find.c) and decoding (decode.c).
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
	KIND_REPLACEMENT, /* never decoded: becomes one U+FFFD */
	KIND_USER, /* x-user-defined: 0x80 and above in the private use area */
	KIND_SINGLE,      /* one byte per character */
	KIND_WINDOWS,     /* the same; undefined bytes become C1 controls */
	KIND_MULTI,       /* iconv */
	KIND_ISO_2022_JP, /* pairs are decoded as Shift_JIS by iconv */
};

/* A converter; `kind` says which members are used. */
struct charset_coder {
	enum charset_kind kind;
	int is_missing;      /* iconv does not support it */
	uint16_t upper[128]; /* SINGLE, WINDOWS: 0x80 to 0xff */
	iconv_t cd;          /* MULTI, ISO_2022_JP */
	iconv_t pairs;       /* EUC-JP: the pairs of ISO_2022_JP */
};

/* find.c: CHARSET_NONE if no known encoding is declared. */
enum charset_id charset_find_label(struct span label);
enum charset_id charset_find_bom(struct span body, size_t *bytes);
/* The parameter of a media type, possibly in single quotes. */
enum charset_id charset_find_parameter(struct span charset);
enum charset_id charset_find_meta(struct span body);
enum charset_id charset_find_xml(struct span body);

/* decode.c */
void charset_decode_open(struct charset_coder *c, enum charset_id id);
void charset_decode_close(struct charset_coder *c);
/* Appends `in` as UTF-8. */
void charset_decode_run(struct charset_coder *c, enum charset_id id,
    struct span in, struct buf *out);

#endif
